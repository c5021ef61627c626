//! `liaison warning`: the lists of values that must not be published, and what was confirmed nevertheless.

use super::account::account;
use super::args::{ConfirmArgs, HubArgs, TestArgs, WarningArgs, WarningCommand};
use super::hub::load as settings;
use super::output::{self, Exit, stop};
use super::registry;
use crate::clock::Clock;
use crate::config::Config;
use crate::registry::Registry;
use crate::stix::atom::{self, Atom, Kind};
use crate::store::OPINIONS;
use crate::store::sqlite::Tool;
use crate::warning::{Action, Declared, Settings, WarningLists};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn run(args: &WarningArgs) -> anyhow::Result<Exit> {
    match &args.command {
        WarningCommand::List(args) => list(args),
        WarningCommand::Test(args) => test(args),
        WarningCommand::Confirm(args) => confirm(args),
    }
}

/// The lists in force: the built-in ones, those in the directory, and what the registry declares.
pub(super) fn load(config: &Config, registry: &Registry) -> anyhow::Result<WarningLists> {
    let lists = &config.warning_lists;
    let action = |name: &str, place: &str| {
        Action::named(name).ok_or_else(|| {
            stop(Exit::Usage, format!("warning_lists.{place}: `{name}` must be inform, review or block"))
        })
    };
    let mut actions = std::collections::BTreeMap::new();
    for (list, name) in &lists.actions {
        actions.insert(list.clone(), action(name, &format!("actions.{list}"))?);
    }
    let networks = lists.networks.iter().map(|text| {
        text.parse().map_err(|_| stop(Exit::Usage, format!("warning_lists.networks: `{text}` is no network")))
    });
    let url = config.server.public_url.as_ref().and_then(|url| url::Url::parse(url).ok());
    let own = url.and_then(|url| Some(url.host_str()?.to_owned())).into_iter().collect();
    let settings = Settings {
        actions,
        default: lists.action.as_deref().map_or(Ok(Action::Review), |name| action(name, "action"))?,
        own: Declared { hosts: own, networks: networks.collect::<Result<_, _>>()? },
        peers: Declared {
            hosts: registry.organisations.iter().flat_map(|found| found.hosts.clone()).collect(),
            networks: Vec::new(),
        },
    };
    let (lists, warnings) = WarningLists::load(lists.dir.as_deref(), &settings)
        .map_err(|error| stop(Exit::BadData, format!("warning lists: {error}")))?;
    warnings.iter().for_each(|warning| tracing::warn!("warning lists: {warning}"));
    Ok(lists)
}

fn open(args: &HubArgs) -> anyhow::Result<(Tool, WarningLists)> {
    let config = settings(args)?;
    let tool = Tool::open(&config.database(), Clock::system().now())?;
    let text = tool.registry()?.unwrap_or_default();
    let registry = registry::parse(&text, Path::new("the registry in force"))?;
    let lists = load(&config, &registry)?;
    Ok((tool, lists))
}

fn list(args: &HubArgs) -> anyhow::Result<Exit> {
    let (_, lists) = open(args)?;
    for list in lists.lists() {
        let action = list.action.name();
        if args.json {
            output::json(
                &json!({"name": list.name, "version": list.version, "action": action, "entries": list.entries, "builtin": list.is_builtin}),
            );
        } else {
            output::line(&format!(
                "{action:<7} {:>8} entries  {} (version {})",
                list.entries, list.name, list.version
            ));
        }
    }
    Ok(Exit::Done)
}

/// Every kind that a value may be.
fn kinds_of(text: &str) -> Vec<Atom> {
    Kind::ALL.into_iter().filter_map(|kind| Atom::parse(kind, text).ok()).collect()
}

fn test(args: &TestArgs) -> anyhow::Result<Exit> {
    let (_, lists) = open(&args.hub)?;
    let mut exit = Exit::Done;
    for value in &args.values {
        let mut told = BTreeSet::new();
        for atom in kinds_of(value) {
            for hit in lists.hits(&atom) {
                told.insert((hit.action.name(), hit.list.to_owned(), hit.version, hit.entry));
            }
        }
        if !told.is_empty() {
            exit = Exit::Failed;
        }
        if args.hub.json {
            let hits: Vec<_> = told
                .iter()
                .map(|(action, list, version, entry)| json!({"action": action, "list": list, "version": version, "entry": entry}))
                .collect();
            output::json(&json!({"value": value, "hits": hits}));
            continue;
        }
        if told.is_empty() {
            output::line(&format!("{value}: on no list"));
        }
        for (action, list, version, entry) in told {
            output::line(&format!("{value}: {action}: {list} (version {version}), entry {entry}"));
        }
    }
    Ok(exit)
}

fn confirm(args: &ConfirmArgs) -> anyhow::Result<Exit> {
    let (mut tool, lists) = open(&args.hub)?;
    if args.opinions {
        return settle(&mut tool, &args.ids);
    }
    let mut all = Vec::new();
    for id in &args.ids {
        let named = named(&tool, &lists, id)?;
        all.extend(named.into_iter().map(|(list, version)| (id.clone(), list, version)));
    }
    if all.is_empty() {
        output::line("no list with the action `review` names a value of them: nothing to confirm");
        return Ok(Exit::Done);
    }
    tool.confirm(&all, &account(), Clock::system().now())?;
    for (id, list, version) in all {
        output::line(&format!("{id}: confirmed although it is on {list} (version {version})"));
    }
    Ok(Exit::Done)
}

/// Ends disputes about objects.
fn settle(tool: &mut Tool, ids: &[String]) -> anyhow::Result<Exit> {
    for id in ids {
        if tool.versions(id)?.is_empty() {
            return Err(stop(Exit::Failed, format!("{id} is not in the database")));
        }
    }
    let now = Clock::system().now();
    let at = now.micros().cast_unsigned();
    let all: Vec<_> = ids.iter().map(|id| (id.clone(), OPINIONS.to_owned(), at)).collect();
    tool.confirm(&all, &account(), now)?;
    ids.iter().for_each(|id| output::line(&format!("{id}: opinions given before {now} no longer count")));
    Ok(Exit::Done)
}

/// The lists with the action `review` that name a value of an object, with their versions.
fn named(tool: &Tool, lists: &WarningLists, id: &str) -> anyhow::Result<BTreeSet<(String, u64)>> {
    let versions = tool.versions(id)?;
    if versions.is_empty() {
        return Err(stop(Exit::Failed, format!("{id} is not in the database")));
    }
    let atoms = versions.iter().filter_map(|kept| atom::read(id, &kept.json)).flat_map(|named| named.atoms);
    let mut named = BTreeSet::new();
    for atom in atoms {
        let review = lists.hits(&atom).into_iter().filter(|hit| hit.action == Action::Review);
        named.extend(review.map(|hit| (hit.list.to_owned(), hit.version)));
    }
    Ok(named)
}
