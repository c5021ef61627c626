//! `liaison poll`: everything new of a collection since the last time.
//!
//! The cursor and what was written belong together: the state names the length of the file (or the
//! number of files) that the cursor stands for, so a run that was killed between the two is undone
//! by the next one. The state is written after the output, and both reach the disk.

mod sink;
mod state;

use super::args::PollArgs;
use super::connect::{Connection, Need, choose, connect, failed, runtime};
use super::output::{self, Exit, stop};
use crate::client::{ClientError, Found};
use crate::clock::Clock;
use crate::stix::json;
use crate::sync::source::taxii::{Recent, believed};
use serde::Serialize;
use sink::{Noted, Sink};
use state::{Position, StateFile};
use std::time::Duration;

/// What a round brought.
#[derive(Debug, Serialize)]
pub(super) struct Round {
    collection: String,
    objects: u64,
    pages: u64,
    cursor: Option<String>,
    at: String,
}

pub(super) fn run(args: &PollArgs) -> anyhow::Result<Exit> {
    let interval = args.every.as_deref().map(parse_interval).transpose()?;
    let connection = connect(&args.server)?;
    let mut known = Known { collection: None, from_start: args.from_start };
    runtime()?.block_on(async {
        let Some(interval) = interval else {
            tell(args, &round(&connection, args, &mut known).await?);
            return Ok(Exit::Done);
        };
        let mut failures = 0;
        loop {
            let wait = match round(&connection, args, &mut known).await {
                Ok(found) => {
                    failures = 0;
                    tell(args, &found);
                    interval
                }
                Err(error) if is_passing(&error) => {
                    output::problem(&format!("{error:#}"));
                    // Next time the collection is looked for anew: it may have moved or gone.
                    known.collection = None;
                    failures += 1;
                    backoff(failures, interval)
                }
                Err(error) => return Err(error),
            };
            tokio::time::sleep(jittered(wait)).await;
        }
    })
}

/// What one round leaves to the next.
struct Known {
    collection: Option<Found>,
    /// The cursor is still to be forgotten.
    from_start: bool,
}

/// Fetches page after page until there is nothing new.
async fn round(connection: &Connection, args: &PollArgs, known: &mut Known) -> anyhow::Result<Round> {
    let found = match &known.collection {
        Some(found) => found.clone(),
        None => choose(connection, args.collection.as_deref(), Need::Read).await?,
    };
    known.collection = Some(found.clone());
    let mut state = StateFile::open(args, connection, &found.collection.id)?;
    if std::mem::take(&mut known.from_start) {
        state.save(Position::default())?;
    }
    let mut sink = Sink::open(args, &mut state)?;
    let mut round = Round {
        collection: found.collection.id.clone(),
        objects: 0,
        pages: 0,
        cursor: None,
        at: Clock::system().now().to_string(),
    };
    let mut recent = Recent::default();
    loop {
        let mut before = state.position().clone();
        let page = match fetch(connection, &found, args, &mut before).await {
            Ok(page) => page,
            Err(error) => {
                state.mark(false)?;
                return Err(error);
            }
        };
        if page.items() > 0 {
            state.mark(true)?;
            sink.write(&page.document)?;
            round.objects += page.items() as u64;
            round.pages += 1;
        }
        // A page that brings nothing new ends the walk, whatever the server says.
        let more = page.more && page.is_new(&mut recent);
        if page.more && !more {
            output::note("the server says that there is more, and gives nothing new");
        }
        let (last, strange) = believed(before.last.as_deref(), page.last, Clock::system().now());
        strange.into_iter().for_each(|text| output::note(&text));
        let mut after = Position { next: page.next.filter(|_| more), last, ..before.clone() };
        if after.next.is_none() {
            after = after.restarted();
        }
        if more && after == before {
            return Err(stop(Exit::BadData, "the server sends the same page again and again"));
        }
        round.cursor = after.last.clone();
        if after != *state.position() {
            sink.note(&mut state);
            state.output().writing = more;
            state.save(after)?;
        }
        if !more {
            return Ok(round);
        }
    }
}

/// A page taken apart.
struct Page {
    document: json::Document<Noted>,
    more: bool,
    next: Option<String>,
    last: Option<String>,
}

impl Page {
    /// Does it bring anything that the last ones have not brought?
    fn is_new(&self, recent: &mut Recent) -> bool {
        let items = self.document.root.items.iter().flatten();
        let new = items.filter(|item| recent.is_new(item.seen.id(), &self.document.text[item.range.clone()]));
        new.count() > 0
    }

    fn items(&self) -> usize {
        self.document.root.items.as_ref().map_or(0, Vec::len)
    }
}

async fn fetch(
    connection: &Connection,
    found: &Found,
    args: &PollArgs,
    from: &mut Position,
) -> anyhow::Result<Page> {
    let page = match connection.client.page(found, &query(args, from)).await {
        // A cursor that the server no longer takes: the date of the last object still holds.
        Err(ClientError::Refused { status: 400, message, .. }) if from.next.is_some() => {
            output::note(&format!("{message}; going on from the date of the last object"));
            *from = from.restarted();
            connection.client.page(found, &query(args, from)).await.map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    let bad = |what: String| stop(Exit::BadData, format!("the page is not what TAXII 2.1 says: {what}"));
    let document = json::read(page.body.into(), Noted::of).map_err(|error| bad(error.to_string()))?;
    if !document.root.part.is_object {
        return Err(bad("it is no envelope".to_owned()));
    }
    Ok(Page {
        more: document.root.part.seen.more,
        next: document.root.part.seen.next.clone(),
        last: page.last,
        document,
    })
}

fn query(args: &PollArgs, from: &Position) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    query.extend(from.added_after.iter().map(|at| ("added_after", at.clone())));
    query.extend(from.next.iter().map(|next| ("next", next.clone())));
    query.extend(args.limit.map(|limit| ("limit", limit.to_string())));
    if args.all_versions {
        query.push(("match[version]", "all".to_owned()));
    }
    query
}

fn tell(args: &PollArgs, round: &Round) {
    if args.quiet {
        return;
    }
    if args.json {
        output::note(&serde_json::to_string(round).unwrap_or_default());
    } else {
        let what = if round.objects == 1 { "object" } else { "objects" };
        output::note(&format!("{}  {} new {what}", round.at, round.objects));
    }
}

fn is_passing(error: &anyhow::Error) -> bool {
    let exit = error.downcast_ref::<super::Stop>().map(|stop| stop.exit);
    matches!(exit, Some(Exit::Unreachable | Exit::Failed))
}

/// 5 s, 10 s, 20 s … up to an hour or the interval, whichever is longer.
fn backoff(failures: u32, interval: Duration) -> Duration {
    let wait = Duration::from_secs(5).saturating_mul(2_u32.saturating_pow(failures - 1));
    wait.min(interval.max(Duration::from_secs(3600)))
}

/// Up to a tenth more or less, so that many pollers do not come at the same moment.
fn jittered(wait: Duration) -> Duration {
    let mut random = [0; 1];
    // Without randomness there is no jitter, which is no harm.
    let _ = aws_lc_rs::rand::fill(&mut random);
    wait.mul_f64(0.9 + 0.2 * f64::from(random[0]) / 255.0)
}

fn parse_interval(text: &str) -> anyhow::Result<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let seconds = match &text[split..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    match text[..split].parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)) {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(stop(Exit::Usage, format!("`{text}` is no interval; write 30s, 5m, 1h or 1d"))),
    }
}
