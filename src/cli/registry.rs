//! `liaison registry`: plan, apply, show.

use super::account::account;
use super::args::{HubArgs, RegistryArgs, RegistryCommand, RegistryFileArgs};
use super::hub::load;
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::policy::{Directory, Retention, revoking};
use crate::registry::{Registry, diff};
use crate::stix::Timestamp;
use crate::stix::content::Extensions;
use crate::store::erasure::Overdue;
use crate::store::sqlite::{Change, Tool};
use serde::Serialize;
use std::path::Path;

pub(super) fn run(args: &RegistryArgs) -> anyhow::Result<Exit> {
    match &args.command {
        RegistryCommand::Plan(args) => change(args, true, None),
        RegistryCommand::Apply(args) => change(&args.file, args.file.dry_run, args.reason.clone()),
        RegistryCommand::Show(args) => show(args),
    }
}

fn change(args: &RegistryFileArgs, dry_run: bool, reason: Option<String>) -> anyhow::Result<Exit> {
    let config = load(&args.hub)?;
    let registry = read(&args.file)?;
    let clock = Clock::system();
    let mut tool = Tool::open(&config.database(), clock.now())?;
    let before = tool.registry()?;
    let old = match &before {
        None => Registry::default(),
        Some(text) => parse(text, Path::new("the registry in force"))?,
    };
    let changes: Vec<String> = diff(&old, &registry).iter().map(ToString::to_string).collect();
    let erases = erased_at_once(&tool, &old, &registry, clock.now())?;
    let (old, new) = (Directory::new(old), Directory::new(registry.clone()));
    let revokes = revoked_at_once(&tool, &old, &new, clock.now())?;
    let widened = new.widened(&old);
    if !dry_run && !changes.is_empty() {
        let change = Change { by: account(), lines: changes.clone(), reason };
        tool.apply(before.as_deref(), &registry.to_toml(), &change, clock.now())?;
    }
    if args.hub.json {
        output::json(
            &serde_json::json!({"changes": changes, "applied": !dry_run, "poll_from_start": widened, "erases": erases, "revokes": revokes}),
        );
        return Ok(Exit::Done);
    }
    changes.iter().for_each(|change| output::line(change));
    for found in erases {
        let held = match found.held {
            0 => String::new(),
            held => format!("; a legal hold keeps {held} more"),
        };
        output::line(&format!(
            "! collection {}: {} object versions are older than its new retention_days and are erased at once{held}",
            found.collection, found.versions
        ));
    }
    for Revokes { collection, indicators } in revokes {
        output::line(&format!(
            "! collection {collection}: {indicators} indicators whose valid_until has passed are revoked at once, for good, by new versions that its readers get"
        ));
    }
    for (client, collection) in widened {
        output::line(&format!(
            "! {client} may see more of collection {collection} than before; to get what is older than its cursor it must poll once with --from-start"
        ));
    }
    output::line(match (changes.is_empty(), dry_run) {
        (true, _) => "nothing to change: the registry in force is this one",
        (false, true) => "nothing was changed; `liaison registry apply` does it",
        (false, false) => "in force; running servers take it over within a second",
    });
    Ok(Exit::Done)
}

/// What goes at once because a collection is to keep for fewer days than before.
fn erased_at_once(
    tool: &Tool,
    old: &Registry,
    new: &Registry,
    now: Timestamp,
) -> anyhow::Result<Vec<Overdue>> {
    let shorter = Retention::new(new).shorter_than(&Retention::new(old));
    let mut overdue = tool.overdue(&shorter, now)?;
    overdue.retain(|found| found.versions + found.held > 0);
    Ok(overdue)
}

/// What of a collection is revoked because it now says `revoke_on_expiry`.
#[derive(Serialize)]
struct Revokes {
    collection: String,
    indicators: u64,
}

fn revoked_at_once(
    tool: &Tool,
    old: &Directory,
    new: &Directory,
    now: Timestamp,
) -> anyhow::Result<Vec<Revokes>> {
    let mut found = Vec::new();
    for collection in revoking(new).filter(|one| revoking(old).all(|other| other.id != one.id)) {
        let indicators = tool.ended(&collection.id, now)?;
        found.push(Revokes { collection: collection.id.clone(), indicators });
    }
    found.retain(|one| one.indicators > 0);
    Ok(found)
}

fn show(args: &HubArgs) -> anyhow::Result<Exit> {
    let config = load(args)?;
    let text = Tool::open(&config.database(), Clock::system().now())?.registry()?;
    let Some(text) = text else {
        return Err(stop(
            Exit::Failed,
            "no registry has been applied yet: liaison registry apply registry.toml",
        ));
    };
    if args.json {
        output::json(&parse(&text, Path::new("the registry in force"))?);
    } else {
        output::text(text.trim_end());
    }
    Ok(Exit::Done)
}

/// Reads a registry file, with the certificates that it names.
pub(super) fn read(path: &Path) -> anyhow::Result<Registry> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", path.display())))?;
    let mut registry = parse(&text, path)?;
    for organisation in &mut registry.organisations {
        let Some(anchor) = &mut organisation.trust_anchor else {
            continue;
        };
        if !anchor.contains("BEGIN CERTIFICATE") {
            let file = path.parent().unwrap_or(Path::new("")).join(&*anchor);
            *anchor = std::fs::read_to_string(&file).map_err(|error| {
                stop(
                    Exit::BadData,
                    format!("organisation {}: trust_anchor {}: {error}", organisation.id, file.display()),
                )
            })?;
            crate::http::tls::check_anchor(anchor.as_bytes())
                .map_err(|error| stop(Exit::BadData, format!("organisation {}: {error}", organisation.id)))?;
        }
    }
    schemas(&mut registry, path)?;
    let wrong = crate::export::serve::check(&registry);
    if !wrong.is_empty() {
        return Err(stop(Exit::BadData, format!("{}:\n  {}", path.display(), wrong.join("\n  "))));
    }
    Ok(registry)
}

/// Puts the texts of schema files in the place of their names.
fn schemas(registry: &mut Registry, path: &Path) -> anyhow::Result<()> {
    for extension in &mut registry.extensions {
        let Some(schema) = extension.schema.as_mut().filter(|schema| !schema.trim_start().starts_with('{'))
        else {
            continue;
        };
        let file = path.parent().unwrap_or(Path::new("")).join(&*schema);
        let bad = |error: &dyn std::fmt::Display| {
            stop(Exit::BadData, format!("extension {}: schema {}: {error}", extension.id, file.display()))
        };
        *schema = std::fs::read_to_string(&file).map_err(|error| bad(&error))?;
        Extensions::default().add(&extension.id, Some(schema)).map_err(|error| bad(&error))?;
    }
    Ok(())
}

pub(super) fn parse(text: &str, path: &Path) -> anyhow::Result<Registry> {
    Registry::parse(text).map_err(|problems| {
        let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
        stop(Exit::BadData, format!("{}:\n  {}", path.display(), list.join("\n  ")))
    })
}
