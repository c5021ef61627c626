//! `liaison publish`: files to a collection, in envelopes that the server takes.

mod draft;
mod input;
pub(super) mod preview;
mod submit;
mod terms;

use super::args::{ExtractArgs, PublishArgs, SubmissionArgs};
use super::connect::{Connection, Need, choose, connect, failed, runtime};
use super::output::{self, Exit, stop};
use crate::client::{ClientError, Found};
use crate::http::Preview;
use crate::submission::Draft;
use crate::taxii::envelope::OBJECTS_MAX;
use crate::taxii::resource::{Progress, Status, StatusDetail};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::PathBuf;

/// What became of all objects together.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Objects in the files.
    pub(super) total: u64,
    /// Stored, or there already.
    pub(super) success: u64,
    /// Of these, there already.
    pub(super) unchanged: u64,
    /// Refused.
    pub(super) failure: u64,
    /// Not decided on yet.
    pub(super) pending: u64,
    /// Which were refused, and why.
    pub(super) failures: Vec<StatusDetail>,
    /// The statuses that tell what becomes of those not decided on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) waiting_statuses: Vec<String>,
}

pub(super) fn run(args: &PublishArgs) -> anyhow::Result<Exit> {
    let connection = connect(&args.server)?;
    runtime()?.block_on(whole(&connection, args))
}

/// What a text names, without a server.
pub(super) fn extract(args: &ExtractArgs) -> anyhow::Result<Exit> {
    submit::of_texts(args)
}

async fn whole(connection: &Connection, args: &PublishArgs) -> anyhow::Result<Exit> {
    let (objects, found, submission) = read(connection, args).await?;
    let foreseen = match (&submission, args.preview) {
        // Another server than ours cannot tell, and need not.
        (Some(_), false) => foresee(connection, &found, &objects).await.ok(),
        (_, true) => Some(foresee(connection, &found, &objects).await?),
        (None, false) => None,
    };
    if let Some(submission) = &submission {
        let is_sent = submission.review(foreseen.as_ref(), args)?;
        if !is_sent {
            return Ok(unsent(submission, foreseen.as_ref(), args));
        }
    } else if let Some(preview) = foreseen {
        match args.json {
            true => output::json(&preview),
            false => preview::tell(&preview),
        }
        let is_whole = preview.objects.iter().all(|object| object.accepted);
        return Ok(if is_whole { Exit::Done } else { Exit::Failed });
    }
    let summary = publish(connection, args, &objects, &found).await?;
    match (&submission, args.json) {
        (Some(submission), true) => {
            output::json(&serde_json::json!({"submission": submission.told(), "summary": summary}));
        }
        (None, true) => output::json(&summary),
        (_, false) => tell(&summary, args.dry_run),
    }
    Ok(if summary.failure > 0 { Exit::Failed } else { Exit::Done })
}

/// What is said where nothing is sent.
fn unsent(submission: &submit::Submission, preview: Option<&Preview>, args: &PublishArgs) -> Exit {
    let is_nothing_new = submission.items.is_empty();
    if args.json {
        output::json(&serde_json::json!({"submission": submission.told(), "preview": preview}));
    } else {
        let why = if is_nothing_new { "; there is nothing new" } else { "" };
        output::line(&format!("nothing was sent{why}"));
    }
    let is_whole = preview.is_none_or(|preview| preview.objects.iter().all(|object| object.accepted));
    match args.dry_run || args.preview || is_nothing_new {
        true if is_whole => Exit::Done,
        _ => Exit::Failed,
    }
}

/// What publishing would come to.
async fn foresee(connection: &Connection, found: &Found, objects: &[input::Item]) -> anyhow::Result<Preview> {
    let (batches, oversized) = split(objects, found.max_content_length)?;
    let objects = oversized.into_iter().map(preview::oversized).collect();
    let collection = found.collection.id.clone();
    let mut whole = Preview { collection, waits_for_release: false, objects, audiences: Vec::new() };
    for batch in batches {
        let body = crate::taxii::envelope::write(batch.into_iter(), None).into();
        preview::add(&mut whole, connection.client.preview(found, body).await.map_err(failed)?);
    }
    Ok(whole)
}

/// Reads the files, makes objects of what is no STIX, and finds the collection.
async fn read(
    connection: &Connection,
    args: &PublishArgs,
) -> anyhow::Result<(Vec<input::Item>, Found, Option<submit::Submission>)> {
    // A large file takes as long to read as the server to be reached.
    let (files, how) = (args.files.clone(), args.submission.clone());
    let reading = tokio::task::spawn_blocking(move || read_all(&files, &how));
    let (read, found) = tokio::join!(reading, choose(connection, args.collection.as_deref(), Need::Write));
    let ((mut objects, drafts), found) = (read??, found?);
    if drafts.is_empty() {
        return Ok((objects, found, None));
    }
    let submission = submit::prepare(connection, &found, drafts, args).await?;
    objects.extend(submission.items.iter().cloned());
    Ok((objects, found, Some(submission)))
}

/// Reads every file before anything is sent, so that a broken one stops the command early.
fn read_all(files: &[PathBuf], how: &SubmissionArgs) -> anyhow::Result<(Vec<input::Item>, Vec<Draft>)> {
    let (mut objects, mut drafts) = (Vec::new(), Vec::new());
    for file in files {
        match draft::look(file, how)? {
            draft::Looked::Stix(file, head) => input::read(&file, head, &mut objects)?,
            draft::Looked::Draft(draft) => drafts.push(*draft),
        }
    }
    match objects.is_empty() && drafts.is_empty() {
        true => Err(stop(Exit::BadData, "there is no object in the input")),
        false => Ok((objects, drafts)),
    }
}

/// Splits and sends the files.
async fn publish(
    connection: &Connection,
    args: &PublishArgs,
    objects: &[input::Item],
    found: &Found,
) -> anyhow::Result<Summary> {
    let mut summary = Summary { total: objects.len() as u64, ..Summary::default() };
    let (batches, oversized) = split(objects, found.max_content_length)?;
    // What others refer to must be there before them.
    let first = objects.iter().filter(|item| item.is_marking && item.together.is_none()).count();
    let first = if batches.len() > 1 { first.div_ceil(ENVELOPE_OBJECTS) } else { 0 };
    summary.failure += oversized.len() as u64;
    summary.failures.extend(oversized);
    if args.dry_run {
        output::note(&format!(
            "{} objects in {} envelopes for \"{}\"",
            objects.len(),
            batches.len(),
            found.collection.title
        ));
        return Ok(summary);
    }
    let bar = ProgressBar::new(summary.total);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} objects, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let client = &connection.client;
    let mut sending = batches.into_iter().map(|batch| {
        let bar = &bar;
        async move {
            // Written only now, so that the files are in memory once and not twice.
            let body = crate::taxii::envelope::write(batch.iter().copied(), None).into();
            let again = |error: &ClientError| output::note(&format!("{error}; trying again"));
            let status = client.deliver(found, body, (args.tries, STATUS_PATIENCE), &again).await?;
            bar.inc(batch.len() as u64);
            Ok::<_, ClientError>(status)
        }
    });
    let before: Vec<_> = sending.by_ref().take(first).collect();
    let mut answers = stream::iter(before).buffered(1).chain(stream::iter(sending).buffered(IN_FLIGHT));
    while let Some(answer) = answers.next().await {
        let status = answer.map_err(|error| {
            let text = format!(
                "{error}; {} of {} objects are stored, and sending the files again is safe",
                summary.success, summary.total
            );
            let exit = failed(error).downcast_ref::<super::Stop>().map_or(Exit::Failed, |stop| stop.exit);
            stop(exit, text)
        })?;
        summary.count(status);
    }
    bar.finish_and_clear();
    Ok(summary)
}

impl Summary {
    fn count(&mut self, status: Status) {
        self.success += status.success_count;
        self.failure += status.failure_count;
        self.pending += status.pending_count;
        self.unchanged += status.successes.iter().filter(|detail| detail.is_unchanged()).count() as u64;
        self.failures.extend(status.failures);
        if status.status == Progress::Pending {
            self.waiting_statuses.push(status.id);
        }
    }
}

/// The objects of one envelope.
type Batch<'a> = Vec<&'a [u8]>;

/// Fills envelopes up to the server's limit, or ours if that is less; what fits in none is named. Markings
/// come first, and documents that must stay together do.
fn split(
    objects: &[input::Item],
    max_content_length: u64,
) -> anyhow::Result<(Vec<Batch<'_>>, Vec<StatusDetail>)> {
    let limit = usize::try_from(max_content_length).unwrap_or(usize::MAX);
    let wanted = limit.min(ENVELOPE_BYTES);
    let (mut batches, mut oversized) = (Vec::new(), Vec::new());
    let (markings, others): (Vec<_>, Vec<_>) =
        objects.iter().partition(|item| item.is_marking && item.together.is_none());
    let mut markings_left = markings.len();
    let is_much = objects.len() > ENVELOPE_OBJECTS;
    let all: Vec<&input::Item> = markings.into_iter().chain(others).collect();
    let mut current = Batch::new();
    let mut bytes = FRAME;
    for unit in all.chunk_by(|one, other| one.together.is_some() && one.together == other.together) {
        let size: usize = unit.iter().map(|item| item.json.len() + 1).sum();
        if size - 1 + FRAME > limit || unit.len() > OBJECTS_MAX {
            oversized.push(too_large(unit, max_content_length)?);
            continue;
        }
        let is_full = bytes + size > wanted || current.len() + unit.len() > ENVELOPE_OBJECTS;
        // Markings go by themselves if there is too much for one envelope: the others wait for them.
        let starts = is_much && markings_left == 0;
        markings_left = markings_left.wrapping_sub(1);
        let is_full = is_full || starts;
        if !current.is_empty() && is_full {
            batches.push(std::mem::take(&mut current));
            bytes = FRAME;
        }
        bytes += size;
        current.extend(unit.iter().map(|item| item.json.as_ref()));
    }
    if !current.is_empty() {
        batches.push(current);
    }
    Ok((batches, oversized))
}

/// One object that fits in no envelope is named among the failures; of a document nothing is sent.
fn too_large(unit: &[&input::Item], max_content_length: u64) -> anyhow::Result<StatusDetail> {
    let first = unit[0];
    if unit.len() > 1 {
        let text = format!(
            "{} and the {} objects with it must be sent in one envelope, since some have no TLP marking and take that of others, but the server takes at most {max_content_length} bytes and {OBJECTS_MAX} objects at once; mark each object, or split the document yourself",
            first.name,
            unit.len() - 1
        );
        return Err(stop(Exit::BadData, text));
    }
    let message = format!("larger than the {max_content_length} bytes that the server takes at once");
    Ok(StatusDetail { id: first.name.clone(), version: String::new(), message: Some(message) })
}

fn tell(summary: &Summary, dry_run: bool) {
    for detail in summary.failures.iter().take(FAILURES_SHOWN) {
        output::problem(&format!(
            "{} {}: {}",
            detail.id,
            detail.version,
            detail.message.as_deref().unwrap_or("refused")
        ));
    }
    if summary.failures.len() > FAILURES_SHOWN {
        output::problem(&format!("and {} more; --json lists all", summary.failures.len() - FAILURES_SHOWN));
    }
    let deed = if dry_run { "would be sent" } else { "read" };
    output::line(&format!(
        "{} objects {deed}: {} stored or there already ({} were), {} refused, {} pending",
        summary.total, summary.success, summary.unchanged, summary.failure, summary.pending
    ));
    if summary.pending > 0 {
        output::line(&format!(
            "{} wait until an officer of your organisation releases them; `liaison review list` shows them. Status: {}",
            summary.pending,
            summary.waiting_statuses.join(", ")
        ));
    }
}

/// Envelopes on their way at once: some are judged while others travel, and what waits for the
/// disk together is committed together.
const IN_FLIGHT: usize = 6;
const FRAME: usize = "{\"objects\":[]}".len();
const ENVELOPE_BYTES: usize = 2 * 1024 * 1024;
const ENVELOPE_OBJECTS: usize = 1_000;
const FAILURES_SHOWN: usize = 20;
/// For so long a status may take that nobody must decide on.
const STATUS_PATIENCE: std::time::Duration = std::time::Duration::from_secs(180);
