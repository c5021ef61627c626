//! `liaison erase`: objects go from the hub for good, because somebody asked for it.

mod recipients;

use super::args::EraseArgs;
use super::hold::check_reason;
use super::hub::load;
use super::orders::{carry_out, which};
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::stix::Timestamp;
use crate::store::erasure::{Order, Version, Which};
use crate::store::sqlite::Tool;
use anyhow::Context;
use recipients::{Receipt, notices, recipients_of};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal};

pub(super) fn run(args: &EraseArgs) -> anyhow::Result<Exit> {
    check_reason(&args.reason)?;
    let config = load(&args.hub)?;
    let clock = Clock::system();
    let tool = Tool::open(&config.database(), clock.now())?;
    let which = which(&tool, &args.which)?;
    let before = before(&tool, &which, args.before.as_deref())?;
    let plan = Plan::new(&tool, &which, before)?;
    if plan.goes.is_empty() && plan.held.is_empty() {
        return Err(stop(Exit::Failed, format!("nothing of that is stored here: {which}")));
    }
    let receipts = recipients_of(&tool, &plan.goes)?;
    let mut report =
        Report { args, order: None, erased: Vec::new(), held: plan.held, receipts, notices: Vec::new() };
    if args.dry_run || plan.goes.is_empty() {
        let is_refused = plan.goes.is_empty();
        report.erased = plan.goes;
        report.print(if args.dry_run { "would be erased" } else { "erased" });
        return Ok(if is_refused { Exit::Failed } else { Exit::Done });
    }
    if !args.yes {
        confirm(&plan.goes, &report)?;
    }
    let order = Order::Erase { which: which.clone(), before, reason: args.reason.clone() };
    let (number, _) = carry_out(&config, &tool, &order)?;
    report.order = Some(number);
    report.erased = tool.erased_by(number)?;
    report.held = Plan::new(&tool, &which, before)?.held;
    let today = clock.now().to_string()[..10].to_owned();
    report.notices = notices(&report.receipts, &args.reason, &today);
    report.write_notices()?;
    report.print("erased");
    Ok(if report.held.is_empty() { Exit::Done } else { Exit::Degraded })
}

/// What is stored now of what is meant.
struct Plan {
    goes: Vec<Version>,
    held: Vec<Version>,
}

impl Plan {
    fn new(tool: &Tool, which: &Which, before: Option<i64>) -> anyhow::Result<Self> {
        let (goes, held) = tool.select(which, before)?.into_iter().partition(|found| found.holds.is_empty());
        Ok(Self { goes, held })
    }
}

/// Up to when what was added goes: of a collection nothing that comes after the plan was made.
fn before(tool: &Tool, which: &Which, asked: Option<&str>) -> anyhow::Result<Option<i64>> {
    let Which::Kind(kind) = which else { return Ok(None) };
    let last = tool.collections()?.into_iter().find(|(id, _)| *id == kind.collection);
    let end = last.map_or(0, |(_, last)| last.micros()) + 1;
    let Some(text) = asked else { return Ok(Some(end)) };
    let time = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    let wrong = || {
        stop(Exit::Usage, format!("--before `{text}` is no date; examples: 2026-03-01, 2026-03-01T12:00:00Z"))
    };
    Ok(Some(time.ok_or_else(wrong)?.micros().min(end)))
}

/// Asks the operator; without a terminal nobody can be asked.
fn confirm(goes: &[Version], report: &Report) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        let text = format!(
            "{} object versions would be erased for good; --dry-run shows them, --yes does it",
            goes.len()
        );
        return Err(stop(Exit::Usage, text));
    }
    list("would be erased", goes);
    list("kept by a legal hold", &report.held);
    tell_recipients(&report.receipts);
    output::note("This cannot be undone. Type yes to go on:");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(stop(Exit::Failed, "nothing was erased")),
    }
}

/// What is said at the end.
struct Report<'a> {
    args: &'a EraseArgs,
    order: Option<i64>,
    erased: Vec<Version>,
    held: Vec<Version>,
    receipts: Vec<Receipt>,
    /// Drafts by organisation.
    notices: Vec<(String, String)>,
}

impl Report<'_> {
    fn print(&self, what: &str) {
        if self.args.hub.json {
            let notices: BTreeMap<&str, &str> = self
                .notices
                .iter()
                .map(|(organisation, text)| (organisation.as_str(), text.as_str()))
                .collect();
            output::json(&serde_json::json!({
                "dry_run": self.args.dry_run, "order": self.order, "reason": self.args.reason,
                "versions": self.erased, "held": self.held, "recipients": self.receipts, "notices": notices,
            }));
            return;
        }
        list(what, &self.erased);
        list("kept by a legal hold", &self.held);
        tell_recipients(&self.receipts);
        if self.order.is_none() {
            return;
        }
        output::line(
            "Backups made before still hold what was erased; so do the recipients until they erase it.",
        );
        match &self.args.notices {
            Some(dir) => {
                output::line(&format!("{} notices were drafted in {}", self.notices.len(), dir.display()))
            }
            None => self.notices.iter().for_each(|(_, text)| output::text(&format!("\n{text}"))),
        }
    }

    fn write_notices(&self) -> anyhow::Result<()> {
        let Some(dir) = &self.args.notices else { return Ok(()) };
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        for (organisation, text) in &self.notices {
            let path = dir.join(format!("{organisation}.txt"));
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Lists versions, a line for each object.
fn list(what: &str, versions: &[Version]) {
    if versions.is_empty() {
        return;
    }
    output::line(&format!("{} object versions {what}:", versions.len()));
    let mut objects: BTreeMap<(&str, &str), (usize, BTreeSet<i64>)> = BTreeMap::new();
    for version in versions {
        let entry = objects.entry((&version.collection, &version.id)).or_default();
        entry.0 += 1;
        entry.1.extend(&version.holds);
    }
    for ((collection, id), (count, holds)) in objects.iter().take(LISTED_MAX) {
        let holds: Vec<String> = holds.iter().map(i64::to_string).collect();
        let by = if holds.is_empty() { String::new() } else { format!(", hold {}", holds.join(", ")) };
        output::line(&format!("  {id}  {count} in collection {collection}{by}"));
    }
    if objects.len() > LISTED_MAX {
        output::line(&format!("  and {} more objects; --json lists all", objects.len() - LISTED_MAX));
    }
}

fn tell_recipients(receipts: &[Receipt]) {
    if receipts.is_empty() {
        return output::line("Nobody has received any of them.");
    }
    let mut clients: BTreeMap<&str, usize> = BTreeMap::new();
    receipts.iter().for_each(|receipt| *clients.entry(&receipt.client).or_default() += 1);
    let told: Vec<String> = clients.iter().map(|(client, count)| format!("{client} ({count})")).collect();
    output::line(&format!("Received already by: {}", told.join(", ")));
}

const LISTED_MAX: usize = 50;
