//! `liaison audit`: the log of who did what and who received what.

mod keys;
mod proofs;
mod show;

pub(super) use keys::{auditing, make_key};

use super::args::{AuditArgs, AuditCommand, CheckpointArgs, ExportArgs, HubArgs, RecipientsArgs, VerifyArgs};
use super::connect::{connect, failed, runtime};
use super::hub::load;
use super::output::{self, Exit, stop};
use crate::audit::{Checkpoint, Summary, Verifier, note, verify::ExportError, verify_export};
use crate::clock::Clock;
use crate::http::{LatestCheckpoint, Receivers};
use crate::store::sqlite::Tool;
use anyhow::Context;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

pub(super) fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    match &args.command {
        AuditCommand::Verify(args) => verify(args),
        AuditCommand::Tail(args) => show::tail(args),
        AuditCommand::Export(args) => export(args),
        AuditCommand::Recipients(args) => recipients(args),
        AuditCommand::Checkpoint(args) => checkpoint(args),
        AuditCommand::Key(args) => keys::show(args),
        AuditCommand::Consistency(args) => proofs::consistency(args),
        AuditCommand::Inclusion(args) => proofs::inclusion(args),
    }
}

/// The hub's database.
fn open(args: &HubArgs) -> anyhow::Result<Tool> {
    let config = load(args)?;
    let path = config.database();
    if !path.exists() {
        let text = format!("database: {} does not exist; `liaison init` makes it", path.display());
        return Err(stop(Exit::Failed, text));
    }
    Ok(Tool::open(&path, Clock::system().now())?)
}

fn verify(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let found = match &args.export {
        Some(path) => verify_file(path, args)?,
        None => verify_database(args)?,
    };
    let json = args.hub.json;
    match found {
        Ok(summary) => {
            told(&summary, json);
            Ok(Exit::Done)
        }
        Err((record, text)) => {
            match json {
                true => output::json(
                    &serde_json::json!({"ok": false, "first_bad_record": record, "problem": text}),
                ),
                false => output::line(&format!("BAD  {text}")),
            }
            Ok(Exit::Failed)
        }
    }
}

/// A summary, or the first bad record and what is wrong.
type Verdict = Result<Summary, (Option<u64>, String)>;

fn verify_file(path: &Path, args: &VerifyArgs) -> anyhow::Result<Verdict> {
    let keys = keys::parse(&args.keys)?;
    let mut checkpoints = Vec::new();
    for file in &args.checkpoints {
        checkpoints.extend(read_checkpoints(file, &keys)?);
    }
    let file = File::open(path)
        .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", path.display())))?;
    match verify_export(BufReader::new(file), &checkpoints) {
        Ok(summary) => Ok(Ok(summary)),
        Err(ExportError::Fault(fault)) => Ok(Err((Some(fault.record), fault.to_string()))),
        Err(error @ ExportError::Read(_)) => Err(stop(Exit::BadData, format!("{}: {error}", path.display()))),
    }
}

fn verify_database(args: &VerifyArgs) -> anyhow::Result<Verdict> {
    let config = load(&args.hub)?;
    let tool = open(&args.hub)?;
    let mut keys = keys::parse(&args.keys)?;
    if keys.is_empty() {
        keys = tool.audit_keys()?;
    }
    let mut checkpoints = Vec::new();
    let own = Some(&config.audit.checkpoints).filter(|path| path.exists());
    for file in args.checkpoints.iter().chain(own) {
        checkpoints.extend(read_checkpoints(file, &keys)?);
    }
    let found = tool.verify(&checkpoints)?;
    Ok(found.map_err(|problem| (problem.record, problem.text)))
}

/// The checkpoints in a file, each with a signature of one of the keys.
fn read_checkpoints(path: &Path, keys: &[Verifier]) -> anyhow::Result<Vec<Checkpoint>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", path.display())))?;
    let notes: Vec<&str> = note::split(&text).collect();
    if notes.is_empty() && !text.is_empty() {
        return Err(stop(Exit::BadData, format!("{}: no checkpoint is in it", path.display())));
    }
    let open = |note: &&str| {
        Checkpoint::open(note, keys)
            .map_err(|error| stop(Exit::BadData, format!("{}: {error}", path.display())))
    };
    notes.iter().map(open).collect()
}

fn told(summary: &Summary, json: bool) {
    if json {
        output::json(&serde_json::json!({
            "ok": true, "records": summary.size, "root": summary.root, "first_at": summary.first_at,
            "last_at": summary.last_at, "checkpoints": summary.checkpoints, "covered": summary.covered,
        }));
        return;
    }
    let time = |at: &Option<String>| at.clone().unwrap_or_else(|| "never".to_owned());
    output::line(&format!(
        "ok   {} records, from {} to {}, root {}",
        summary.size,
        time(&summary.first_at),
        time(&summary.last_at),
        summary.root
    ));
    output::line(&format!(
        "ok   {} checkpoints agree; they cover {} records, {} are newer",
        summary.checkpoints,
        summary.covered,
        summary.size - summary.covered
    ));
}

fn export(args: &ExportArgs) -> anyhow::Result<Exit> {
    let tool = open(&args.hub)?;
    let mut out: Box<dyn Write> = match args.out.as_os_str() == "-" {
        true => Box::new(std::io::stdout().lock()),
        false => {
            Box::new(File::create(&args.out).with_context(|| format!("cannot write {}", args.out.display()))?)
        }
    };
    let mut next = 0;
    loop {
        let records = tool.records(next, CHUNK, CHUNK_BYTES)?;
        let Some((last, _)) = records.last() else { break };
        next = last + 1;
        for (_, bytes) in records {
            out.write_all(&[bytes.as_slice(), b"\n"].concat()).context("cannot write the export")?;
        }
    }
    out.flush().context("cannot write the export")?;
    if args.out.as_os_str() != "-" {
        match args.hub.json {
            true => output::json(&serde_json::json!({"records": next, "out": args.out})),
            false => output::line(&format!("{next} records in {}", args.out.display())),
        }
    }
    Ok(Exit::Done)
}

fn recipients(args: &RecipientsArgs) -> anyhow::Result<Exit> {
    let mut found = if args.server.is_given() {
        let connection = connect(&args.server)?;
        let path = format!("/liaison/v1/audit/recipients/{}", args.id);
        runtime()?.block_on(connection.client.get::<Receivers>(&path)).map_err(failed)?
    } else {
        let tool = open(&args.hub)?;
        let found = tool.recipients([args.id.as_str()])?;
        Receivers::new(args.id.clone(), found.into_iter().map(|(_, receipts)| receipts).collect())
    };
    if let Some(collection) = &args.collection {
        found.versions.retain(|version| version.collection == *collection);
    }
    if args.hub.json {
        output::json(&found);
    } else {
        show::receivers(&found);
    }
    let is_known = !found.versions.is_empty();
    if !is_known && !args.hub.json {
        output::problem(&format!("{}: no such object here, and none was deleted", args.id));
    }
    Ok(if is_known { Exit::Done } else { Exit::Failed })
}

fn checkpoint(args: &CheckpointArgs) -> anyhow::Result<Exit> {
    let latest = if args.server.is_given() {
        let connection = connect(&args.server)?;
        let path = "/liaison/v1/audit/checkpoint";
        runtime()?.block_on(connection.client.get::<LatestCheckpoint>(path)).map_err(failed)?
    } else {
        let tool = open(&args.hub)?;
        let none =
            || stop(Exit::Failed, "no checkpoint has been signed yet: a running hub does it within a minute");
        let checkpoint = tool.latest_checkpoint()?.ok_or_else(none)?;
        let vkey = tool.audit_keys()?.last().map(ToString::to_string).unwrap_or_default();
        LatestCheckpoint { checkpoint, vkey }
    };
    match args.hub.json {
        true => output::json(&latest),
        false => output::text(latest.checkpoint.trim_end_matches('\n')),
    }
    Ok(Exit::Done)
}

/// Records read at once.
const CHUNK: u32 = 10_000;
const CHUNK_BYTES: usize = 16 * 1024 * 1024;
