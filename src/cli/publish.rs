//! `liaison publish`: files to a collection, in envelopes that the server takes.

mod input;
pub(super) mod preview;

use super::args::PublishArgs;
use super::connect::{Connection, Need, choose, connect, failed, runtime};
use super::output::{self, Exit, stop};
use crate::client::{Client, ClientError, Found};
use crate::http::Preview;
use crate::taxii::envelope::OBJECTS_MAX;
use crate::taxii::resource::{
    KNOWN_PAP, KNOWN_TLP, ONLY_SEEN_AT, PRESENT, Progress, Status, StatusDetail, WAITS_FOR_RELEASE,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::time::Duration;

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
    if args.preview {
        return run_preview(&connection, args);
    }
    let summary = runtime()?.block_on(publish(&connection, args))?;
    if args.json {
        output::json(&summary);
    } else {
        tell(&summary, args.dry_run);
    }
    Ok(if summary.failure > 0 { Exit::Failed } else { Exit::Done })
}

fn run_preview(connection: &Connection, args: &PublishArgs) -> anyhow::Result<Exit> {
    let found = runtime()?.block_on(async {
        let (objects, found) = read(connection, args).await?;
        let (batches, oversized) = split(&objects, found.max_content_length)?;
        let objects = oversized.into_iter().map(preview::oversized).collect();
        let collection = found.collection.id.clone();
        let mut whole = Preview { collection, waits_for_release: false, objects, audiences: Vec::new() };
        for batch in batches {
            let body = crate::taxii::envelope::write(batch.into_iter(), None).into();
            preview::add(&mut whole, connection.client.preview(&found, body).await.map_err(failed)?);
        }
        Ok::<_, anyhow::Error>(whole)
    })?;
    match args.json {
        true => output::json(&found),
        false => preview::tell(&found),
    }
    let is_whole = found.objects.iter().all(|object| object.accepted);
    Ok(if is_whole { Exit::Done } else { Exit::Failed })
}

/// Reads the files and finds the collection.
async fn read(connection: &Connection, args: &PublishArgs) -> anyhow::Result<(Vec<input::Item>, Found)> {
    // A large file takes as long to read as the server to be reached.
    let files = args.files.clone();
    let reading = tokio::task::spawn_blocking(move || input::read_all(&files));
    let (objects, found) = tokio::join!(reading, choose(connection, args.collection.as_deref(), Need::Write));
    Ok((objects??, found?))
}

/// Splits and sends the files.
async fn publish(connection: &Connection, args: &PublishArgs) -> anyhow::Result<Summary> {
    let (objects, found) = read(connection, args).await?;
    let mut summary = Summary { total: objects.len() as u64, ..Summary::default() };
    let (batches, oversized) = split(&objects, found.max_content_length)?;
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
        let (found, bar) = (&found, &bar);
        async move {
            // Written only now, so that the files are in memory once and not twice.
            let body = crate::taxii::envelope::write(batch.iter().copied(), None).into();
            let status = send(client, found, body, args.tries).await?;
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
        let is_unchanged =
            |text: &String| [PRESENT, KNOWN_TLP, KNOWN_PAP, ONLY_SEEN_AT].contains(&text.as_str());
        let unchanged = |detail: &&StatusDetail| detail.message.as_ref().is_some_and(is_unchanged);
        self.unchanged += status.successes.iter().filter(unchanged).count() as u64;
        self.failures.extend(status.failures);
        if status.status == Progress::Pending {
            self.waiting_statuses.push(status.id);
        }
    }
}

/// Is an officer's decision all that is waited for? That may take days.
fn awaits_officer(status: &Status) -> bool {
    let waits = |detail: &StatusDetail| {
        detail.message.as_ref().is_some_and(|message| message.starts_with(WAITS_FOR_RELEASE))
    };
    status.status == Progress::Pending && status.pendings.iter().all(waits)
}

/// Sends one envelope and waits for its final status. What was stored by a try whose answer was
/// lost is found there already by the next one.
async fn send(client: &Client, to: &Found, body: Bytes, tries: u32) -> Result<Status, ClientError> {
    let mut wait = Duration::from_millis(500);
    let mut tried = 0;
    let mut status = loop {
        tried += 1;
        match client.add(to, body.clone()).await {
            Ok(status) => break status,
            Err(error) if error.is_passing() && tried < tries => {
                let asked = match &error {
                    ClientError::Refused { retry_after, .. } => *retry_after,
                    _ => None,
                };
                output::note(&format!("{error}; trying again"));
                tokio::time::sleep(asked.unwrap_or(wait).min(Duration::from_secs(60))).await;
                wait = (wait * 2).min(Duration::from_secs(30));
            }
            Err(error) => return Err(error),
        }
    };
    let mut pause = Duration::from_secs(1);
    while status.status == Progress::Pending && !awaits_officer(&status) && pause < STATUS_PAUSE_MAX {
        tokio::time::sleep(pause).await;
        status = client.status(to, &status.id).await?;
        pause = pause.mul_f32(1.5);
    }
    Ok(status)
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
const STATUS_PAUSE_MAX: Duration = Duration::from_secs(60);
