//! Orders that only who has the writer can carry out: a running hub, or ourselves if there is none.

use super::output::{Exit, stop};
use crate::clock::Clock;
use crate::config::Config;
use crate::registry::Registry;
use crate::stix::id::is_type_name;
use crate::store::erasure::{Kind, Order, Progress, State, Step, Which, is_id};
use crate::store::sqlite::{Options, Sqlite, Tool, is_served};
use crate::store::{PageCache, Store};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Has an order carried out, and waits for it; its number and what came of it.
pub(super) fn carry_out(config: &Config, tool: &Tool, order: &Order) -> anyhow::Result<(i64, Progress)> {
    let number = tool.ask(order, &account(), Clock::system().now())?;
    let mut seen = (None, Instant::now());
    let mut served: Option<Instant> = None;
    loop {
        let (state, progress) = tool.progress(number)?;
        match state {
            State::Done => return Ok((number, progress)),
            State::Failed => return Err(stop(Exit::Failed, progress.error.unwrap_or_default())),
            State::Waiting | State::Running | State::Wiping => {}
        }
        if is_served(&config.database()) {
            served = Some(Instant::now());
        } else if served.is_none_or(|last| last.elapsed() > RESTART) {
            do_it_ourselves(config)?;
            continue;
        }
        // The hub may have other orders before ours, but it must come on with them.
        let front = tool.under_way()?;
        if front != seen.0 {
            seen = (front, Instant::now());
        }
        if seen.1.elapsed() > PATIENCE {
            return Err(gave_up(tool, number)?);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn gave_up(tool: &Tool, number: i64) -> anyhow::Result<anyhow::Error> {
    let seconds = PATIENCE.as_secs();
    let text = match tool.withdraw(number)? {
        true => format!(
            "the running hub did not take the order within {seconds} s, and it was withdrawn: see the hub's log"
        ),
        false => format!(
            "the running hub has stopped working on order {number} for {seconds} s; it goes on when it can: see its log"
        ),
    };
    Ok(stop(Exit::Unreachable, text))
}

/// Works the orders off as a hub would.
fn do_it_ourselves(config: &Config) -> anyhow::Result<()> {
    let options = Options {
        path: config.database(),
        readers: 1,
        // Erasing gives out no dates.
        accept_future_watermark: true,
        cache: Arc::new(PageCache::new(1 << 16)),
    };
    let store = match Sqlite::open(options, Clock::system().now()) {
        Ok(store) => store,
        // A hub has just started, and does it.
        Err(_) if is_served(&config.database()) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    while store.step(Clock::system().now())? == Step::Worked {}
    Ok(())
}

/// The objects that arguments mean.
pub(super) fn which(tool: &Tool, args: &super::args::WhichArgs) -> anyhow::Result<Which> {
    let Some(collection) = &args.collection else {
        return match args.ids.iter().find(|id| !is_id(id)) {
            Some(id) => Err(stop(Exit::Usage, format!("`{id}` is no id of a STIX object"))),
            None => Ok(Which::Ids(args.ids.clone())),
        };
    };
    let registry = tool.registry()?.and_then(|text| Registry::parse(&text).ok()).unwrap_or_default();
    let unknown = |owner: &&String| !registry.organisations.iter().any(|found| found.id == **owner);
    if let Some(owner) = args.owner.as_ref().filter(unknown) {
        let known: Vec<&str> = registry.organisations.iter().map(|found| found.id.as_str()).collect();
        let text = format!("no organisation `{owner}` is in the registry; it has {}", known.join(", "));
        return Err(stop(Exit::Usage, text));
    }
    let is_type = |name: &&String| !is_type_name(name);
    if let Some(name) = args.object_type.as_ref().filter(is_type) {
        return Err(stop(
            Exit::Usage,
            format!("`{name}` is no type of STIX objects; an example is ipv4-addr"),
        ));
    }
    Ok(Which::Kind(Kind {
        collection: collection_id(tool, &registry, collection)?,
        object_type: args.object_type.clone(),
        owner: args.owner.clone(),
    }))
}

/// A collection by id or alias; also one that the registry has no more.
fn collection_id(tool: &Tool, registry: &Registry, name: &str) -> anyhow::Result<String> {
    let all = registry.agreements.iter().flat_map(|agreement| &agreement.collections);
    let named = all.filter(|found| found.id == name || found.alias.as_deref() == Some(name));
    let mut named: Vec<String> = named.map(|found| found.id.clone()).collect();
    if named.is_empty() && tool.collections()?.iter().any(|(id, _)| id == name) {
        named.push(name.to_owned());
    }
    match &named[..] {
        [one] => Ok(one.clone()),
        [] => Err(stop(
            Exit::Usage,
            format!("there is no collection `{name}`; `liaison registry show` lists them"),
        )),
        several => {
            let text =
                format!("`{name}` is the alias of several collections; give an id: {}", several.join(", "));
            Err(stop(Exit::Usage, text))
        }
    }
}

/// Who runs this command: an account of the operating system.
fn account() -> String {
    let Ok(found) = std::fs::metadata("/proc/self") else { return "operator".to_owned() };
    let uid = found.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let named = lines.find(|fields| fields.get(2) == Some(&uid.as_str()));
    let name = named.and_then(|fields| fields.first().map(|name| (*name).to_owned()));
    name.unwrap_or_else(|| format!("uid {uid}"))
}

/// A hub that was there a moment ago may be starting again, and must find the database free.
const RESTART: Duration = Duration::from_secs(10);
/// How long a running hub may do nothing visible for its orders.
const PATIENCE: Duration = Duration::from_secs(20);
