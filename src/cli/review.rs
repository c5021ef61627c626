//! `liaison review`: what waits for release, and an officer's decisions on it.

use super::args::{How, ReviewArgs, ReviewCommand, Which};
use super::connect::{Connection, connect, failed, runtime};
use super::output::{self, Exit, stop};
use super::publish::preview::tell_recipients;
use crate::http::{Decided, Decisions, Listing, Outcomes, SEVERAL_MAX, Shown, Waiting};
use serde_json::json;

pub(super) fn run(args: &ReviewArgs) -> anyhow::Result<Exit> {
    match &args.command {
        ReviewCommand::List { how } => list(how),
        ReviewCommand::Show { submission, how } => show(submission, how),
        ReviewCommand::Release { which, message, how } => decide(which, "release", message.as_deref(), how),
        ReviewCommand::Decline { which, message, how } => decide(which, "decline", Some(message), how),
    }
}

fn list(how: &How) -> anyhow::Result<Exit> {
    let connection = connect(&how.server)?;
    let submissions = runtime()?.block_on(all(&connection))?;
    if how.json {
        output::json(&json!({ "submissions": submissions }));
        return Ok(Exit::Done);
    }
    submissions.iter().for_each(tell);
    output::line(&format!("{} waiting", count(submissions.len())));
    Ok(Exit::Done)
}

/// Everything that waits, page by page.
async fn all(connection: &Connection) -> anyhow::Result<Vec<Waiting>> {
    let (mut found, mut path) = (Vec::new(), format!("{PATH}?limit=1000"));
    loop {
        let page: Listing = connection.client.get(&path).await.map_err(failed)?;
        found.extend(page.submissions);
        match page.next {
            Some(next) => path = format!("{PATH}?limit=1000&after={next}"),
            None => return Ok(found),
        }
    }
}

fn tell(one: &Waiting) {
    output::line(&format!("{}  {}", one.submission, title(one)));
    let collection = one.collection_title.as_deref().unwrap_or(&one.collection);
    output::line(&format!(
        "  {} for \"{collection}\", submitted by {} at {}",
        one.level, one.submitter, one.received
    ));
    if let Some(why) = &one.why_not {
        output::line(&format!("  not yours to decide: {why}"));
    }
}

fn title(one: &Waiting) -> String {
    let name = one.name.as_ref().map(|name| format!(" \"{}\"", output::one_line(name))).unwrap_or_default();
    format!("{} version {}{name}", one.object, one.version)
}

fn show(submission: &str, how: &How) -> anyhow::Result<Exit> {
    let connection = connect(&how.server)?;
    let shown: Shown = runtime()?.block_on(fetch(&connection, submission))?;
    if how.json {
        output::json(&shown);
        return Ok(Exit::Done);
    }
    tell(&shown.submission);
    shown.handling.iter().for_each(|line| output::line(&format!("  {}", output::one_line(line))));
    tell_recipients(&shown.recipients);
    if let Some(why) = &shown.objection {
        output::line(&format!("it could not be released now: {}", output::one_line(why)));
    }
    output::text(&pretty(shown.object.get()));
    Ok(Exit::Done)
}

/// The object with a member a line, for people; `--json` has it as it is.
fn pretty(json: &str) -> String {
    let members: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(json);
    members
        .ok()
        .and_then(|members| serde_json::to_string_pretty(&members).ok())
        .unwrap_or_else(|| json.to_owned())
}

async fn fetch(connection: &Connection, submission: &str) -> anyhow::Result<Shown> {
    check(submission)?;
    connection.client.get(&format!("{PATH}/{submission}")).await.map_err(failed)
}

/// What is no id is not sent.
fn check(submission: &str) -> anyhow::Result<()> {
    let is_id = |id: &uuid::Uuid| id.hyphenated().to_string() == submission;
    match uuid::Uuid::try_parse(submission).ok().filter(is_id) {
        Some(_) => Ok(()),
        None => Err(stop(
            Exit::Usage,
            format!("`{submission}` is no submission; `liaison review list` names those that wait"),
        )),
    }
}

fn decide(which: &Which, deed: &str, message: Option<&str>, how: &How) -> anyhow::Result<Exit> {
    which.submissions.iter().try_for_each(|id| check(id))?;
    let connection = connect(&how.server)?;
    let decisions = runtime()?.block_on(async {
        let named = named(&connection, which).await?;
        match which.dry_run {
            true => rehearse(&connection, &named, deed).await,
            false => order(&connection, &named, deed, message).await,
        }
    })?;
    let failures = || decisions.iter().filter(|one| !is_done(one));
    let exit = match failures().count() {
        0 => Exit::Done,
        _ if failures().all(|one| one.outcome == Outcomes::NotPermitted) => Exit::NotPermitted,
        _ => Exit::Failed,
    };
    if how.json {
        output::json(&Decisions { decisions });
        return Ok(exit);
    }
    for one in failures() {
        let reason = one.reason.as_deref().unwrap_or("nothing was done");
        output::problem(&format!("{}: {}", one.submission, output::one_line(reason)));
    }
    let done = decisions.len() - failures().count();
    let would = if which.dry_run { "would be " } else { "" };
    output::line(&format!("{done} of {} {would}{deed}d", count(decisions.len())));
    Ok(exit)
}

fn is_done(one: &Decided) -> bool {
    matches!(one.outcome, Outcomes::Released | Outcomes::Declined)
}

/// The submissions that are meant.
async fn named(connection: &Connection, which: &Which) -> anyhow::Result<Vec<String>> {
    if !which.all {
        return Ok(which.submissions.clone());
    }
    let all = all(connection).await?.into_iter().filter(|one| one.may_decide);
    Ok(all.map(|one| one.submission).collect())
}

/// Has the server decide; what belongs together goes together as far as an order goes.
async fn order(
    connection: &Connection,
    named: &[String],
    deed: &str,
    message: Option<&str>,
) -> anyhow::Result<Vec<Decided>> {
    let mut decisions = Vec::with_capacity(named.len());
    for part in named.chunks(SEVERAL_MAX) {
        let order = json!({"submissions": part, "message": message});
        let path = format!("{PATH}/{deed}");
        let answer: Decisions = connection.client.order(&path, &order).await.map_err(failed)?;
        decisions.extend(answer.decisions);
    }
    Ok(decisions)
}

/// Looks at each and changes nothing.
async fn rehearse(connection: &Connection, named: &[String], deed: &str) -> anyhow::Result<Vec<Decided>> {
    let mut decisions = Vec::with_capacity(named.len());
    for submission in named {
        let shown = fetch(connection, submission).await?;
        let objection = shown.objection.filter(|_| deed == "release");
        let (outcome, reason) = match (shown.submission.why_not, objection) {
            (Some(why), _) => (Outcomes::NotPermitted, Some(why)),
            (None, Some(why)) => (Outcomes::Refused, Some(why)),
            (None, None) if deed == "release" => (Outcomes::Released, None),
            (None, None) => (Outcomes::Declined, None),
        };
        decisions.push(Decided { submission: submission.clone(), outcome, date_added: None, reason });
    }
    Ok(decisions)
}

fn count(number: usize) -> String {
    if number == 1 { "1 object".to_owned() } else { format!("{number} objects") }
}

const PATH: &str = "/liaison/v1/review";
