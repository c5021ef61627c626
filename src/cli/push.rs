//! `liaison export push`: exports are sent to their targets, once.

use super::args::PushArgs;
use super::export;
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::config::{Config, Push as Declared, PushKind};
use crate::export::Meta;
use crate::export::run::Part;
use crate::export::serve::served_event;
use crate::push::round::{Done, Waiting};
use crate::push::{Attempt, Failure, Push, Pushed, Status, To, command, http, syslog};
use crate::registry::Export;
use crate::store::Store;
use crate::store::sqlite::{Sqlite, Tool};
use serde_json::{Value, json};
use std::collections::HashSet;

/// The pushes that the settings declare; what is wrong with one is an error.
pub(super) fn declared(config: &Config) -> anyhow::Result<Vec<Push>> {
    let mut ids = HashSet::new();
    let pushes = config.push.iter().map(|declared| {
        let wrong = |what: String| stop(Exit::Usage, format!("push {}: {what}", declared.id));
        if !is_slug(&declared.id) || !is_slug(&declared.export) {
            return Err(wrong("id and export are slugs: lower-case letters, digits and -".to_owned()));
        }
        if !ids.insert(&declared.id) {
            return Err(wrong("there are two of this id".to_owned()));
        }
        let strange = declared.strange();
        if !strange.is_empty() {
            return Err(wrong(format!("its kind has no use for {}", strange.join(", "))));
        }
        let to = target(declared).map_err(wrong)?;
        to.check().map_err(|failure| wrong(failure.to_string()))?;
        Ok(Push { id: declared.id.clone(), export: declared.export.clone(), every: declared.every, to })
    });
    pushes.collect()
}

fn target(declared: &Declared) -> Result<To, String> {
    let needs = |key: &str| format!("{key} is missing");
    let service = || {
        let url = declared.url.as_deref().ok_or_else(|| needs("url"))?;
        if let Some(path) = &declared.token_file {
            http::secret(path).map_err(|failure| failure.to_string())?;
        }
        http::Service::new(url, declared.token_file.clone(), declared.ca.clone(), declared.index.clone())
    };
    match declared.kind {
        PushKind::Command => {
            let dir = declared.dir.clone().ok_or_else(|| needs("dir"))?;
            let command = declared.command.clone().ok_or_else(|| needs("command"))?;
            command::Hook::new(dir, command, declared.time_limit).map(To::Command)
        }
        PushKind::SplunkHec if declared.token_file.is_none() => Err(needs("token_file")),
        PushKind::SplunkHec => service().map(To::Splunk),
        PushKind::Elastic if declared.index.as_ref().is_none_or(String::is_empty) => Err(needs("index")),
        PushKind::Elastic => service().map(To::Elastic),
        PushKind::Syslog => {
            let address = declared.address.as_deref().ok_or_else(|| needs("address"))?;
            syslog::Receiver::new(address, declared.ca.clone()).map(To::Syslog)
        }
    }
}

fn is_slug(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-')
}

pub(super) fn run(args: &PushArgs) -> anyhow::Result<Exit> {
    let mut maker = export::Maker::open(&args.hub)?;
    let pushes = declared(&maker.config)?;
    let is_named = |push: &Push, name: &String| push.id == *name || push.export == *name;
    if let Some(name) = args.names.iter().find(|name| !pushes.iter().any(|push| is_named(push, name))) {
        let text = format!("no [[push]] of {} has the id or the export `{name}`", args.hub.config.display());
        return Err(stop(Exit::Failed, text));
    }
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for push in pushes.iter().filter(|push| args.all || args.names.iter().any(|name| is_named(push, name))) {
        let (outcome, failed) = told_of(push, one(&mut maker, push, args.dry_run));
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

enum Outcome {
    Would(Waiting),
    Did(Pushed),
}

fn one(maker: &mut export::Maker, push: &Push, dry_run: bool) -> Result<Outcome, String> {
    let declared = maker.directory.registry().exports.iter().find(|export| export.id == push.export).cloned();
    let none =
        || format!("there is no export `{}` in the registry in force: liaison export list", push.export);
    let declared = declared.ok_or_else(none)?;
    let (meta, parts) = if dry_run { maker.as_it_is(&declared)? } else { maker.make(&declared)? };
    let url = url::Url::parse(&maker.url).ok();
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
    let exports = maker.config.export.dir.clone();
    let (store, tool) = (&maker.store, &mut maker.tool);
    let mut note = |rows| record(store, tool, (&declared, &push.id), &parts, rows);
    let clock = Clock::system();
    let attempt = Attempt {
        push,
        exports: &exports,
        meta: &meta,
        host: &host,
        again: true,
        clock: &|| clock.now(),
        is_stopped: &|| false,
        note: &mut note,
    };
    let failed = |failure: Failure| failure.to_string();
    match dry_run {
        true => attempt.waiting().map(Outcome::Would).map_err(failed),
        false => attempt.run(0).map(Outcome::Did).map_err(failed),
    }
}

/// Records who receives what, before it goes out.
fn record(
    store: &Sqlite,
    tool: &mut Tool,
    (export, id): (&Export, &str),
    parts: &[Part],
    rows: usize,
) -> Result<(), String> {
    let (by, now) = (format!("{}/push:{id}", export.organisation), Clock::system().now());
    let sizes = (store.audit().size(), store.audit().size_soon());
    let event = |part| served_event(part, (&by, ""), rows as u64, now, sizes);
    tool.record(parts.iter().map(event).collect(), now).map_err(|error| error.to_string())
}

fn told_of(push: &Push, outcome: Result<Outcome, String>) -> (Value, bool) {
    let (id, export) = (&push.id, &push.export);
    match outcome {
        Ok(Outcome::Would(Waiting { changed, gone })) => {
            let text = format!("{id}: would send {changed} rows of {export}, and delete {gone}");
            (
                json!({"push": id, "export": export, "outcome": "tried", "changed": changed, "gone": gone, "text": text}),
                false,
            )
        }
        Ok(Outcome::Did(Pushed::Unchanged)) => {
            let text = format!("{id}: the target has all of {export}");
            (json!({"push": id, "export": export, "outcome": "unchanged", "text": text}), false)
        }
        Ok(Outcome::Did(Pushed::Files(files))) => {
            let text = format!("{id}: {files} files of {export} copied, and the program told");
            (json!({"push": id, "export": export, "outcome": "pushed", "files": files, "text": text}), false)
        }
        Ok(Outcome::Did(Pushed::Rows(Done { sent, deleted, refused }))) => {
            let text = format!("{id}: {sent} rows of {export} sent, {deleted} deleted, {refused} refused");
            let told = json!({"push": id, "export": export, "outcome": "pushed", "sent": sent, "deleted": deleted, "refused": refused, "text": text});
            (told, refused > 0)
        }
        Err(what) => {
            let text = format!("{id}: FAILED: {what}");
            (json!({"push": id, "export": export, "outcome": "failed", "text": text}), true)
        }
    }
}

/// How the pushes of an export go, for `liaison export list`.
pub(super) fn shown(config: &Config, export: &str) -> Vec<Value> {
    let of_it = config.push.iter().filter(|push| push.export == export);
    of_it.map(|push| status(&push.id, &Status::read(&config.export.dir.join(export), &push.id))).collect()
}

fn status(id: &str, status: &Status) -> Value {
    let mut text = match &status.last_success {
        Some(time) => format!("push {id}: last complete {time}"),
        None => format!("push {id}: never complete"),
    };
    if status.waiting > 0 {
        text += &format!(", {} rows wait", status.waiting);
    }
    if status.refused > 0 {
        text += &format!(", {} refused", status.refused);
    }
    if let Some(error) = &status.last_error {
        text += &format!(", {} failures, the last: {error}", status.failures);
    }
    if let Some(next) = &status.next_try {
        text += &format!(", next try {next}");
    }
    json!({"push": id, "status": status, "text": text})
}

/// What an export is, and where it is from.
pub(super) type Made = (Meta, Vec<Part>);
