//! `liaison export`: the files of a hub's exports.

use super::args::{ExportFilesArgs, ExportFilesCommand, FormatsArgs, HubArgs, RunArgs};
use super::hub::{load, public_url};
use super::output::{self, Exit, stop};
use super::registry;
use super::warning;
use crate::clock::Clock;
use crate::config::Config;
use crate::export::{Class, ExportError, FORMATS, Job, Made, place, serve};
use crate::http::served_event;
use crate::policy::Directory;
use crate::registry::Export;
use crate::stix::atom::Kind;
use crate::store::Store;
use crate::store::sqlite::{Sqlite, Tool};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(args: &ExportFilesArgs) -> anyhow::Result<Exit> {
    match &args.command {
        ExportFilesCommand::Run(args) => make(args),
        ExportFilesCommand::List(args) => list(args),
        ExportFilesCommand::Formats(args) => formats(args),
        ExportFilesCommand::Token => token(),
    }
}

fn make(args: &RunArgs) -> anyhow::Result<Exit> {
    let (config, now) = (load(&args.hub)?, Clock::system().now());
    let mut tool = Tool::open(&config.database(), now)?;
    let directory = directory(&tool)?;
    let declared = &directory.registry().exports;
    if let Some(name) = args.names.iter().find(|name| !declared.iter().any(|export| export.id == **name)) {
        let text = format!("there is no export `{name}` in the registry in force: liaison export list");
        return Err(stop(Exit::Failed, text));
    }
    let lists = warning::load(&config, directory.registry())?;
    let store = Sqlite::look(&config.database(), now)?;
    let (url, confirmed) = (public_url(&config), tool.confirmed()?);
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for export in declared.iter().filter(|export| args.all || args.names.contains(&export.id)) {
        let made = serve::format_of(export).and_then(|format| {
            let (directory, lists, confirmed, url) = (&directory, &lists, &confirmed, &url);
            let job = Job { export, format, directory, lists, confirmed, url, now };
            one(&job, &store, &config, args, &mut tool)
        });
        let (outcome, failed) = told_of(export, made);
        if failed {
            exit = Exit::Failed;
        }
        match args.hub.json {
            true => told.push(outcome),
            false => output::line(outcome["text"].as_str().unwrap_or_default()),
        }
    }
    if args.hub.json {
        output::json(&told);
    }
    Ok(exit)
}

/// Makes one export, and records who has it now.
fn one(
    job: &Job,
    store: &Sqlite,
    config: &Config,
    args: &RunArgs,
    tool: &mut Tool,
) -> Result<Made, ExportError> {
    let selected = job.select(store)?;
    let parts = selected.parts.clone();
    if args.dry_run {
        return Ok(Made::Tried(job.meta(&selected)?));
    }
    let made = job.put(&config.export.dir, selected, args.accept_shrink)?;
    if let Made::Written(meta) = &made {
        let by = format!("{}/export:{}", job.export.organisation, job.export.id);
        let sizes = (store.audit().size(), store.audit().size_soon());
        let events = parts
            .iter()
            .map(|part| served_event(part, (&by, ""), meta.rows as u64, job.now, sizes))
            .collect();
        tool.record(events, job.now)?;
    }
    Ok(made)
}

/// What is told of it, and whether it failed.
fn told_of(export: &Export, made: Result<Made, ExportError>) -> (Value, bool) {
    let name = &export.id;
    match made {
        Ok(Made::Unchanged(meta)) => {
            let text = format!("{name}: unchanged since {}, {} rows", meta.generated, meta.rows);
            (json!({"export": name, "outcome": "unchanged", "meta": meta, "text": text}), false)
        }
        Ok(Made::Written(meta)) => {
            let text = format!("{name}: {} rows, left out {}", meta.rows, left_out(&meta.left_out));
            (json!({"export": name, "outcome": "written", "meta": meta, "text": text}), false)
        }
        Ok(Made::Tried(meta)) => {
            let text =
                format!("{name}: would have {} rows, left out {}", meta.rows, left_out(&meta.left_out));
            (json!({"export": name, "outcome": "tried", "meta": meta, "text": text}), false)
        }
        Ok(Made::Held(before, rows)) => {
            let text = format!(
                "{name}: HELD: {rows} rows instead of {before}, more than max_shrink = {} % fewer; the old files stay, the new ones are beside them with the ending .held; if that is right: liaison export run {name} --accept-shrink",
                export.max_shrink
            );
            (json!({"export": name, "outcome": "held", "before": before, "rows": rows, "text": text}), true)
        }
        Err(error) => {
            let text = format!("{name}: FAILED: {error}");
            (json!({"export": name, "outcome": "failed", "text": text}), true)
        }
    }
}

fn left_out(reasons: &std::collections::BTreeMap<String, u64>) -> String {
    let total: u64 = reasons.values().sum();
    let list: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason}={count}")).collect();
    if list.is_empty() { total.to_string() } else { format!("{total} ({})", list.join(" ")) }
}

fn list(args: &HubArgs) -> anyhow::Result<Exit> {
    let config = load(args)?;
    let directory = directory(&Tool::open(&config.database(), Clock::system().now())?)?;
    let shown = directory.registry().exports.iter().map(|export| shown(export, &config.export.dir));
    let shown: Vec<Value> = shown.collect();
    if args.json {
        output::json(&shown);
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        output::line("the registry in force declares no exports");
    }
    for export in shown {
        output::line(export["text"].as_str().unwrap_or_default());
    }
    Ok(Exit::Done)
}

fn shown(export: &Export, dir: &Path) -> Value {
    let made = place::meta(&dir.join(&export.id), &export.id);
    let text = match &made {
        Some(meta) => format!("{} rows of {}", meta.rows, meta.generated),
        None => "never made".to_owned(),
    };
    let text = format!("{}  {} for {}: {text}", export.id, export.format, export.organisation);
    json!({"export": export.id, "format": export.format, "organisation": export.organisation, "made": made, "text": text})
}

fn formats(args: &FormatsArgs) -> anyhow::Result<Exit> {
    for format in FORMATS {
        let class = match format.class() {
            Class::Block => "block",
            Class::Detect => "detect",
            Class::Archive => "archive",
        };
        let mut types: Vec<&str> =
            Kind::ALL.into_iter().filter(|kind| format.takes(*kind)).map(Kind::object_type).collect();
        types.dedup();
        if args.json {
            output::json(
                &json!({"format": format.name(), "class": class, "types": types, "languages": format.languages(), "objects": format.takes_objects()}),
            );
        } else {
            let what = if format.takes_objects() { "whole objects".to_owned() } else { types.join(" ") };
            output::line(&format!("{:<12} {class:<8} {what}", format.name()));
        }
    }
    Ok(Exit::Done)
}

/// A token is told once; the registry has its hash.
fn token() -> anyhow::Result<Exit> {
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| stop(Exit::Failed, "no randomness"))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    output::line(&format!("token for the device:   {token}"));
    output::line(&format!("line for registry.toml: token_sha256 = \"{}\"", crate::http::token_hash(&token)));
    Ok(Exit::Done)
}

fn directory(tool: &Tool) -> anyhow::Result<Directory> {
    let Some(text) = tool.registry()? else {
        return Err(stop(
            Exit::Failed,
            "no registry has been applied yet: liaison registry apply registry.toml",
        ));
    };
    Ok(Directory::new(registry::parse(&text, Path::new("the registry in force"))?))
}
