//! `liaison hold`: legal holds.

use super::args::{HoldArgs, HoldCommand, HubArgs, WhichArgs};
use super::hub::load;
use super::orders::{carry_out, which};
use super::output::{self, Exit, one_line, stop};
use crate::clock::Clock;
use crate::store::erasure::{Hold, Order, Which};
use crate::store::sqlite::Tool;

pub(super) fn run(args: &HoldArgs) -> anyhow::Result<Exit> {
    match &args.command {
        HoldCommand::Add { which, reason, hub } => add(which, reason, hub),
        HoldCommand::List { all, hub } => list(*all, hub),
        HoldCommand::Lift { hold, reason, hub } => lift(*hold, reason, hub),
    }
}

fn add(args: &WhichArgs, reason: &str, hub: &HubArgs) -> anyhow::Result<Exit> {
    check_reason(reason)?;
    let config = load(hub)?;
    let tool = Tool::open(&config.database(), Clock::system().now())?;
    let which = which(&tool, args)?;
    let order = Order::Hold { which: which.clone(), reason: reason.to_owned() };
    let (_, progress) = carry_out(&config, &tool, &order)?;
    let hold = progress.hold.unwrap_or_default();
    let held = tool.count(&which)?;
    if hub.json {
        output::json(&serde_json::json!({"hold": hold, "which": which, "versions": held}));
        return Ok(Exit::Done);
    }
    output::line(&format!("hold {hold} is in force; it keeps {held} stored object versions: {which}"));
    if let Which::Ids(ids) = &which {
        let stored = tool.select(&which, None)?;
        for id in ids.iter().filter(|id| !stored.iter().any(|version| version.id == **id)) {
            output::line(&format!("nothing is stored of {id} now; if it comes, it is kept"));
        }
    }
    Ok(Exit::Done)
}

fn list(all: bool, hub: &HubArgs) -> anyhow::Result<Exit> {
    let config = load(hub)?;
    let holds = Tool::open(&config.database(), Clock::system().now())?.holds(all)?;
    if hub.json {
        output::json(&holds);
        return Ok(Exit::Done);
    }
    if holds.is_empty() {
        output::line("no hold is in force");
    }
    holds.iter().for_each(|hold| output::line(&one_line(&told(hold))));
    Ok(Exit::Done)
}

fn told(hold: &Hold) -> String {
    let Hold { hold: number, since, by, reason, which, lifted } = hold;
    let end = lifted.as_ref().map(|(at, by, why)| format!("; lifted {at} by {by}: {why}"));
    format!("hold {number} since {since} by {by}: {which}; {reason}{}", end.unwrap_or_default())
}

fn lift(hold: i64, reason: &str, hub: &HubArgs) -> anyhow::Result<Exit> {
    check_reason(reason)?;
    let config = load(hub)?;
    let tool = Tool::open(&config.database(), Clock::system().now())?;
    carry_out(&config, &tool, &Order::Lift { hold, reason: reason.to_owned() })?;
    match hub.json {
        true => output::json(&serde_json::json!({"hold": hold, "lifted": true})),
        false => output::line(&format!(
            "hold {hold} is lifted; what is due and nothing else keeps goes within a minute"
        )),
    }
    Ok(Exit::Done)
}

/// A reason is what others go by later.
pub(super) fn check_reason(reason: &str) -> anyhow::Result<()> {
    if reason.trim().is_empty() || reason.chars().count() > REASON_MAX {
        return Err(stop(Exit::Usage, format!("--reason must say why, in at most {REASON_MAX} characters")));
    }
    Ok(())
}

const REASON_MAX: usize = 1_000;
