//! `liaison explain` and `liaison policy simulate`: the decisions of the policy, told.

use super::args::{ExplainArgs, SimulateArgs};
use super::hub::load;
use super::output::{self, Exit, stop};
use super::registry;
use crate::clock::Clock;
use crate::policy::{Directory, Handling, explain};
use crate::registry::Registry;
use crate::stix::Timestamp;
use crate::stix::claims::Claims;
use crate::stix::marking::{Terms, built_in};
use crate::store::sqlite::{Kept, Share, Tool};
use serde::Serialize;
use std::collections::BTreeMap;

/// Prints each line of the decision about an object.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let (tool, directory) = open(&args.hub)?;
    let now = Clock::system().now();
    let wanted = args.collection.as_deref();
    let registry = directory.registry();
    let named = |id: &str| {
        let collections = registry.agreements.iter().flat_map(|agreement| &agreement.collections);
        collections
            .into_iter()
            .any(|c| c.id == id && (wanted == Some(&*c.id) || wanted == c.alias.as_deref()))
    };
    let versions = tool.versions(&args.object)?.into_iter();
    let versions: Vec<Kept> = versions.filter(|kept| wanted.is_none() || named(&kept.collection)).collect();
    if versions.is_empty() {
        return Err(stop(Exit::Failed, format!("no version of {} is stored here", args.object)));
    }
    let mut reads_any = false;
    for kept in &versions {
        let markings = markings(&tool, kept)?;
        let judged = (&*kept.handling, &markings[..]);
        let Some(judgement) = explain::judge(&directory, &args.client, &kept.collection, judged, now) else {
            return Err(stop(
                Exit::Failed,
                format!("the registry has no client `{}` that is not revoked", args.client),
            ));
        };
        reads_any |= judgement.reads;
        if args.hub.json {
            output::json(&serde_json::json!({
                "client": args.client, "object": args.object, "version": kept.version,
                "collection": kept.collection, "date_added": kept.added.to_string(),
                "owner": kept.handling.owner, "level": kept.handling.level(now), "judgement": judgement,
            }));
            continue;
        }
        tell(args, kept, &judgement, now);
    }
    Ok(if reads_any { Exit::Done } else { Exit::Failed })
}

fn tell(args: &ExplainArgs, kept: &Kept, judgement: &explain::Judgement, now: Timestamp) {
    let handling = &kept.handling;
    output::line(&format!(
        "{} version {}, added to collection {} at {}",
        args.object, kept.version, kept.collection, kept.added
    ));
    let relay = handling.relay.as_ref().map(|relay| format!(", passed on by {relay}")).unwrap_or_default();
    let level = handling.level(now);
    let source = match level > handling.own_level(now) {
        true => "what it is about".to_owned(),
        false => handling.source.to_string(),
    };
    output::line(&format!("  {level} of {}{relay}, by {source}", handling.owner));
    for line in &judgement.lines {
        let word = if line.passes { "pass" } else { "FAIL" };
        let reason = line.reason.as_ref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        let by = match line.markings.is_empty() {
            true => String::new(),
            false => format!(" [{}]", line.markings.join(", ")),
        };
        output::line(&format!("  {word}  {:<20} {reason}{}{by}", line.line, line.because));
    }
    output::line(&match &judgement.reason {
        None => format!("  {} reads it", args.client),
        Some(reason) => format!("  {} does not read it: {reason}", args.client),
    });
}

/// The markings that an object refers to, with what they say.
fn markings(tool: &Tool, kept: &Kept) -> anyhow::Result<Vec<(String, Terms)>> {
    let claims = Claims::of(&kept.json);
    let mut found = Vec::new();
    for id in claims.marks {
        let stored = || -> anyhow::Result<Option<Terms>> {
            let versions = tool.versions(&id)?;
            let here = versions.into_iter().find(|other| other.collection == kept.collection);
            Ok(here.and_then(|other| Claims::of(&other.json).defines?.ok()))
        };
        let terms = match built_in(&id) {
            Some(terms) => Some(terms),
            None => stored()?,
        };
        found.extend(terms.map(|terms| (id, terms)));
    }
    if claims.labelled != Terms::default() {
        found.push(("labels".to_owned(), claims.labelled));
    }
    Ok(found)
}

/// What a change of the registry would have shown a client, or hidden from it.
#[derive(Debug, Default, Serialize)]
struct Difference {
    collection: String,
    /// Versions that it sees under both.
    same: usize,
    /// It does not see them now, and would.
    shown: Vec<(String, String)>,
    /// It sees them now, and would not; by reason.
    hidden: BTreeMap<String, Vec<(String, String)>>,
}

/// Holds what came in lately against another registry.
pub(super) fn simulate(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let (tool, old) = open(&args.hub)?;
    let new = Directory::new(registry::read(&args.registry)?);
    let now = Clock::system().now();
    let since = since(&args.since, now)?;
    let mut differences: BTreeMap<String, Difference> = BTreeMap::new();
    for share in tool.since(since)? {
        let before = reads(&old, args, &share, now);
        let after = reads(&new, args, &share, now);
        let entry = differences.entry(share.collection.clone()).or_default();
        entry.collection = share.collection;
        match (before, after) {
            (None, None) => entry.same += share.objects.len(),
            (Some(_), None) => entry.shown.extend(share.objects),
            (None, Some(reason)) => entry.hidden.entry(reason).or_default().extend(share.objects),
            (Some(_), Some(_)) => {}
        }
    }
    if args.hub.json {
        output::json(&differences.into_values().collect::<Vec<_>>());
        return Ok(Exit::Done);
    }
    output::line(&format!("what {} sees of what was added since {since}:", args.client));
    for found in differences.values() {
        let hidden: usize = found.hidden.values().map(Vec::len).sum();
        output::line(&format!(
            "collection {}: {} as now, {} more, {hidden} fewer",
            found.collection,
            found.same,
            found.shown.len()
        ));
        list("+", "", &found.shown);
        found.hidden.iter().for_each(|(reason, objects)| list("-", reason, objects));
    }
    Ok(Exit::Done)
}

fn list(sign: &str, reason: &str, objects: &[(String, String)]) {
    for (id, version) in objects.iter().take(SHOWN) {
        output::line(format!("  {sign} {id} {version} {reason}").trim_end());
    }
    if objects.len() > SHOWN {
        output::line(&format!("  {sign} and {} more {reason}; --json lists all", objects.len() - SHOWN));
    }
}

/// Why the client does not read a share; nothing if it does.
fn reads(directory: &Directory, args: &SimulateArgs, share: &Share, now: Timestamp) -> Option<String> {
    let handling: &Handling = &share.handling;
    match explain::judge(directory, &args.client, &share.collection, (handling, &[]), now) {
        None => Some("no_such_client".to_owned()),
        Some(judgement) => judgement.reason,
    }
}

/// A time, or a span back from now such as `30d`.
fn since(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Some(time) = Timestamp::parse(text) {
        return Ok(time);
    }
    let wrong = || {
        stop(Exit::Usage, format!("--since {text}: give a time such as 2026-02-09T00:00:00Z, or 12h, 30d"))
    };
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return Err(wrong()),
    };
    let number: i64 = number.parse().ok().filter(|number| (0..100_000).contains(number)).ok_or_else(wrong)?;
    Ok(Timestamp::from_micros(now.micros() - number * hours * 3_600_000_000))
}

fn open(hub: &super::args::HubArgs) -> anyhow::Result<(Tool, Directory)> {
    let config = load(hub)?;
    let tool = Tool::open(&config.database(), Clock::system().now())?;
    let text = tool.registry()?;
    let registry = match text {
        None => Registry::default(),
        Some(text) => registry::parse(&text, std::path::Path::new("the registry in force"))?,
    };
    Ok((tool, Directory::new(registry)))
}

const SHOWN: usize = 20;
