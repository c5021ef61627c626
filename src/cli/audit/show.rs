//! Records for people.

use crate::cli::args::TailArgs;
use crate::cli::connect::{Connection, connect, failed, runtime};
use crate::cli::output::{self, Exit};
use crate::client::ClientError;
use crate::http::{LogPage, Receivers};
use crate::store::sqlite::Tool;
use serde_json::Value;
use std::time::Duration;

/// `liaison audit tail`
pub(super) fn tail(args: &TailArgs) -> anyhow::Result<Exit> {
    match args.server.is_given() {
        true => runtime()?.block_on(tail_of_server(args, &connect(&args.server)?)),
        false => tail_of_hub(args, &super::open(&args.hub)?),
    }
}

fn tail_of_hub(args: &TailArgs, tool: &Tool) -> anyhow::Result<Exit> {
    let mut next = tool.log_size()?.saturating_sub(u64::from(args.lines));
    loop {
        let records = tool.records(next, super::CHUNK, super::CHUNK_BYTES)?;
        let is_end = records.is_empty();
        for (n, bytes) in records {
            next = n + 1;
            record(&String::from_utf8_lossy(&bytes), args.hub.json);
        }
        match (is_end, args.follow) {
            (true, false) => return Ok(Exit::Done),
            (true, true) => std::thread::sleep(WAIT),
            (false, _) => {}
        }
    }
}

/// The server shows the log from a number on. What concerns us may be rare in it, so all of it is
/// asked for, and the last lines are kept.
async fn tail_of_server(args: &TailArgs, connection: &Connection) -> anyhow::Result<Exit> {
    let ask = async |after: Option<u64>| -> Result<LogPage, ClientError> {
        let query = after.map(|after| format!("?after={after}")).unwrap_or_default();
        connection.client.get(&format!("/liaison/v1/audit{query}")).await
    };
    let (mut after, mut kept) = (None, std::collections::VecDeque::new());
    loop {
        let page = ask(after).await.map_err(failed)?;
        let is_end = page.after == after;
        after = page.after;
        kept.extend(page.records);
        while kept.len() > args.lines as usize {
            kept.pop_front();
        }
        if is_end {
            break;
        }
    }
    kept.iter().for_each(|text| record(text, args.hub.json));
    if !args.follow {
        return Ok(Exit::Done);
    }
    loop {
        tokio::time::sleep(WAIT).await;
        let page = ask(after).await.map_err(failed)?;
        after = page.after;
        page.records.iter().for_each(|text| record(text, args.hub.json));
    }
}

/// One record, as it is or as a line for people.
fn record(text: &str, json: bool) {
    let parsed: Result<Value, _> = serde_json::from_str(text);
    match parsed {
        Ok(record) if !json => output::line(&describe(&record)),
        _ => output::text(text),
    }
}

/// `number time kind who: the rest`
fn describe(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let rest = record.as_object().into_iter().flatten().filter(|(name, _)| !SHOWN.contains(&name.as_str()));
    let rest: Vec<String> = rest.map(|(name, value)| format!("{name}={}", plain(value))).collect();
    let who = record["by"].as_str().or_else(|| record["client"].as_str()).unwrap_or("-");
    let line = format!("{:>6} {} {:<10} {who}  {}", record["n"], text("at"), text("kind"), rest.join(" "));
    output::one_line(line.trim_end())
}

/// A value in a few characters.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.len() > LIST_MAX => format!("[{} in number]", list.len()),
        other => other.to_string(),
    }
}

/// `liaison audit recipients`
pub(super) fn receivers(found: &Receivers) {
    for version in &found.versions {
        let gone = if version.deleted { ", deleted" } else { "" };
        output::line(&format!(
            "{} version {} of {}, collection {}, added {}{gone}",
            found.id, version.version, version.owner, version.collection, version.date_added
        ));
        if version.recipients.is_empty() {
            output::line("  nobody has received it");
        }
        for one in &version.recipients {
            let how = if one.how == "objects" { "" } else { " (only its id and version)" };
            let times = match one.first == one.last {
                true => one.first.clone(),
                false => format!("{} to {}", one.first, one.last),
            };
            output::line(&format!("  {}  {times}{how}", one.client));
        }
    }
}

/// Members that have their own place in a line, or say nothing to people.
const SHOWN: [&str; 9] = ["n", "prev", "at", "kind", "by", "client", "key", "visible", "rows"];
const LIST_MAX: usize = 3;
const WAIT: Duration = Duration::from_millis(500);
