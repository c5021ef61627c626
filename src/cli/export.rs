//! `liaison export`: the files of a hub's exports.

use super::args::{ExportFilesArgs, ExportFilesCommand, FormatsArgs, HubArgs, RunArgs};
use super::hub::{load, public_url};
use super::output::{self, Exit, stop};
use super::push;
use super::registry;
use super::warning;
use crate::clock::Clock;
use crate::config::Config;
use crate::export::serve::served_event;
use crate::export::{Class, ExportError, FORMATS, Job, Made, place, serve};
use crate::policy::Directory;
use crate::registry::Export;
use crate::stix::Timestamp;
use crate::stix::atom::Kind;
use crate::store::Store;
use crate::store::sqlite::{Sqlite, Tool};
use crate::warning::WarningLists;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

pub(super) fn run(args: &ExportFilesArgs) -> anyhow::Result<Exit> {
    match &args.command {
        ExportFilesCommand::Run(args) => make(args),
        ExportFilesCommand::Push(args) => push::run(args),
        ExportFilesCommand::List(args) => list(args),
        ExportFilesCommand::Formats(args) => formats(args),
        ExportFilesCommand::Token => token(),
    }
}

fn make(args: &RunArgs) -> anyhow::Result<Exit> {
    let mut maker = Maker::open(&args.hub)?;
    let declared = maker.directory.registry().exports.clone();
    if let Some(name) = args.names.iter().find(|name| !declared.iter().any(|export| export.id == **name)) {
        let text = format!("there is no export `{name}` in the registry in force: liaison export list");
        return Err(stop(Exit::Failed, text));
    }
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for export in declared.iter().filter(|export| args.all || args.names.contains(&export.id)) {
        let (outcome, failed) = told_of(export, one(&mut maker, export, args));
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

/// What making exports takes.
pub(super) struct Maker {
    pub(super) config: Config,
    pub(super) tool: Tool,
    pub(super) store: Sqlite,
    pub(super) directory: Directory,
    pub(super) url: String,
    lists: WarningLists,
    confirmed: HashSet<(String, String, u64)>,
    now: Timestamp,
}

impl Maker {
    /// Opens the store, to look at it; a hub that runs goes on.
    pub(super) fn open(args: &HubArgs) -> anyhow::Result<Self> {
        let (config, now) = (load(args)?, Clock::system().now());
        let tool = Tool::open(&config.database(), now)?;
        let directory = directory(&tool)?;
        let lists = warning::load(&config, directory.registry())?;
        let store = Sqlite::look(&config.database(), now)?;
        let (url, confirmed) = (public_url(&config), tool.confirmed()?);
        Ok(Self { config, tool, store, directory, url, lists, confirmed, now })
    }

    fn job<'a>(&'a self, export: &'a Export) -> Result<Job<'a>, ExportError> {
        Ok(Job {
            export,
            format: serve::format_of(export)?,
            directory: &self.directory,
            lists: &self.lists,
            confirmed: &self.confirmed,
            url: &self.url,
            now: self.now,
        })
    }

    /// Makes an export for a push, which records who receives it.
    pub(super) fn make(&self, export: &Export) -> Result<push::Made, String> {
        let made = self.job(export).and_then(|job| {
            let selected = job.select(&self.store)?;
            let parts = selected.parts.clone();
            Ok((job.put(&self.config.export.dir, selected, false)?, parts))
        });
        match made.map_err(|error| error.to_string())? {
            (Made::Unchanged(meta) | Made::Written(meta) | Made::Tried(meta), parts) => Ok((meta, parts)),
            (held @ Made::Held(..), _) => {
                Err(told_of(export, Ok(held)).0["text"].as_str().unwrap_or_default().to_owned())
            }
        }
    }

    /// The export as its files are.
    pub(super) fn as_it_is(&self, export: &Export) -> Result<push::Made, String> {
        let made = place::meta(&self.config.export.dir.join(&export.id), &export.id);
        let made = made.ok_or_else(|| format!("it has never been made: liaison export run {}", export.id))?;
        Ok((made, Vec::new()))
    }
}

/// Makes one export, and records who has it now.
fn one(maker: &mut Maker, export: &Export, args: &RunArgs) -> Result<Made, ExportError> {
    let job = maker.job(export)?;
    let selected = job.select(&maker.store)?;
    let parts = selected.parts.clone();
    if args.dry_run {
        return Ok(Made::Tried(job.meta(&selected)?));
    }
    let made = job.put(&maker.config.export.dir, selected, args.accept_shrink)?;
    if let Made::Written(meta) = &made {
        let by = format!("{}/export:{}", export.organisation, export.id);
        let sizes = (maker.store.audit().size(), maker.store.audit().size_soon());
        let event = |part| served_event(part, (&by, ""), meta.rows as u64, maker.now, sizes);
        let events = parts.iter().map(event).collect();
        maker.tool.record(events, maker.now)?;
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
    let shown = directory.registry().exports.iter().map(|export| shown(export, &config));
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
        for push in export["pushes"].as_array().into_iter().flatten() {
            output::line(&format!("  {}", push["text"].as_str().unwrap_or_default()));
        }
    }
    Ok(Exit::Done)
}

fn shown(export: &Export, config: &Config) -> Value {
    let made = place::meta(&config.export.dir.join(&export.id), &export.id);
    let text = match &made {
        Some(meta) => format!("{} rows of {}", meta.rows, meta.generated),
        None => "never made".to_owned(),
    };
    let text = format!("{}  {} for {}: {text}", export.id, export.format, export.organisation);
    json!({"export": export.id, "format": export.format, "organisation": export.organisation, "made": made, "pushes": push::shown(config, &export.id), "text": text})
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
