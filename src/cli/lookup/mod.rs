//! `liaison lookup`: what the hub knows of values, or of those in the lines of a log.

mod filter;

use super::args::LookupArgs;
use super::connect::{Connection, connect, failed, runtime};
use super::output::{self, Exit, Stop, stop};
use crate::client::ClientError;
use crate::lookup::{Answer, Hit, Looked, Question, VALUES_MAX};
use std::time::Duration;
use tokio::runtime::Runtime;

pub(super) fn run(args: &LookupArgs) -> anyhow::Result<Exit> {
    let hub = Hub { connection: connect(&args.server)?, runtime: runtime()?, args };
    if args.stdin {
        return filter::run(&hub);
    }
    let mut hits = false;
    for values in args.values.chunks(VALUES_MAX) {
        let answer = hub.ask(values.to_vec())?;
        hits |= answer.results.iter().any(|looked| !looked.hits.is_empty());
        tell(values, &answer, args.json);
    }
    Ok(if hits { Exit::Done } else { Exit::Failed })
}

/// The hub that is asked, and what of all it knows.
struct Hub<'a> {
    connection: Connection,
    runtime: Runtime,
    args: &'a LookupArgs,
}

impl Hub<'_> {
    /// Asks, and asks again where that may help.
    fn ask(&self, values: Vec<String>) -> anyhow::Result<Answer<'static>> {
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let (types, collections) = (some(&self.args.types), some(&self.args.collections));
        let question = serde_json::to_value(Question { values, types, collections })?;
        let mut wait = Duration::from_secs(1);
        for _ in 1..TRIES {
            match self.once(&question) {
                Err(error) if error.is_passing() && !matches!(error, ClientError::Unreachable(_)) => {
                    let told = match &error {
                        ClientError::Refused { retry_after, .. } => *retry_after,
                        _ => None,
                    };
                    std::thread::sleep(told.unwrap_or(wait).min(WAIT_MAX));
                    wait = (wait * 2).min(WAIT_MAX);
                }
                other => return other.map_err(refused),
            }
        }
        self.once(&question).map_err(refused)
    }

    fn once(&self, question: &serde_json::Value) -> Result<Answer<'static>, ClientError> {
        self.runtime.block_on(self.connection.client.order("/liaison/v1/lookup", question))
    }
}

/// Exit code 1 says that nothing hits, as that of `grep` does; so what fails has another one.
fn refused(error: ClientError) -> anyhow::Error {
    let error = failed(error);
    match error.downcast_ref::<Stop>() {
        Some(found) if found.exit == Exit::Failed => stop(Exit::Degraded, found.text.clone()),
        _ => error,
    }
}

fn tell(values: &[String], answer: &Answer, json: bool) {
    let mut results = answer.results.iter().peekable();
    for (at, value) in values.iter().enumerate() {
        let found = results.next_if(|looked| looked.at == at);
        if json {
            let nothing =
                || Looked { at, value: value.into(), hits: vec![], more: false, warnings: (&[][..]).into() };
            output::json(&found.cloned().unwrap_or_else(nothing));
            continue;
        }
        let Some(found) = found.filter(|looked| !looked.hits.is_empty() || !looked.warnings.is_empty())
        else {
            output::line(&format!("{value}: nothing"));
            continue;
        };
        let word = if found.hits.is_empty() { ": nothing" } else { "" };
        output::line(&format!("{value}{word}"));
        found.hits.iter().for_each(|hit| tell_hit(hit, answer));
        if found.more {
            output::line("  and more: too common to tell all");
        }
        for warned in found.warnings.iter() {
            let (list, version, entry) = (&warned.list, warned.version, &warned.entry);
            output::line(&format!("  {}: on {list} (version {version}), entry {entry}", warned.action));
        }
    }
    if let Some(contact) = answer.contact.as_ref().filter(|_| !json && !answer.collections.is_empty()) {
        output::line(&format!("ask about hits: {contact}"));
    }
}

fn tell_hit(hit: &Hit, answer: &Answer) {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let how = word(serde_json::to_value(hit.how).unwrap_or_default());
    let place = answer.collections.iter().find(|place| place.id == hit.collection);
    let place = place.map_or(&*hit.collection, |place| place.alias.as_deref().unwrap_or(&place.title));
    output::line(&format!("  {how}: {} {}, {} in {place}", hit.kind, hit.value, hit.id));
    let mut about = Vec::new();
    about.extend(hit.state.map(|state| word(serde_json::to_value(state).unwrap_or_default())));
    about.extend(hit.confidence.map(|confidence| format!("confidence {confidence}")));
    about.push(hit.tlp.to_string());
    about.push(format!("PAP:{}", hit.pap.name()));
    about.push(hit.classification.clone().into_owned());
    about.extend((!hit.sources.is_empty()).then(|| format!("from {}", hit.sources.join(", "))));
    about.extend(hit.first_seen.as_ref().map(|time| format!("since {time}")));
    about.extend(hit.last_seen.as_ref().map(|time| format!("seen {}×, last {time}", hit.sightings)));
    output::line(&format!("    {}", about.join(", ")));
    if !hit.name.is_empty() {
        output::line(&format!("    {}", hit.name));
    }
}

const TRIES: u32 = 8;
const WAIT_MAX: Duration = Duration::from_secs(30);
