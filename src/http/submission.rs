//! Tables, events and texts are handed in over HTTP: first shown, value by value and with who would read them,
//! and stored if that is asked for. `liaison publish` does the same with the same code, on its own machine.

use super::App;
use super::error::Failure;
use super::lookup::look;
use super::objects::{check_encoding, read_body};
use super::own::author;
use super::peer::{At, Caller, key_of};
use super::preview::{self, Preview};
use super::review::ours;
use crate::feed::Kind;
use crate::ingest;
use crate::lookup::table::{self, Row};
use crate::policy::{self, Grant, Peer};
use crate::stix::Timestamp;
use crate::store::{Batch, Error, Store};
use crate::submission::build::{self, Built, Terms};
use crate::submission::csv::Mapping;
use crate::submission::terms::{Said, Stated, Wrong};
use crate::submission::{Draft, Format, Hints, LeftOut, read};
use crate::taxii::Filter;
use crate::taxii::resource::Status;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is handed in, and on which terms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    files: Vec<Given>,
    /// Which columns of tables are what, in TOML.
    #[serde(default)]
    mapping: Option<String>,
    /// Of text, also what is only referred to.
    #[serde(default)]
    all_values: bool,
    #[serde(default)]
    terms: Stated,
    /// To be stored, and not only shown.
    #[serde(default)]
    send: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(default)]
    name: String,
    #[serde(default)]
    format: Option<Kinds>,
    content: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kinds {
    Csv,
    Misp,
    Intelmq,
    Text,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Submitted {
    /// Every value, and what is known of it.
    values: Vec<Row>,
    /// What has no place among them.
    left_out: Vec<Left>,
    /// The first term that must be stated, or stated otherwise; then there are no objects yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<Value>,
    /// What is new or has changed, as it would be stored.
    objects: Vec<Value>,
    /// The ids of what is there just so.
    unchanged: Vec<String>,
    /// What storing would come to, and who would read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
    /// What storing has come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Debug, Serialize)]
struct Left {
    place: String,
    text: String,
    reason: String,
}

/// `POST /liaison/v1/submission/{root}/{collection}`
pub(super) async fn submit(
    app: web::Data<App>,
    At(grant): At,
    Caller(peer): Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let scope = policy::write_scope(&grant, now)?;
    check_encoding(&request)?;
    let (body, permits) = read_body(&app, &request, payload, app.settings.max_content_length).await?;
    let key = key_of(&request).ok_or(Failure::UnknownClient)?.to_owned();
    let (shared, of) = (app.clone(), (peer.clone(), key.clone()));
    let read = move |store: &dyn Store| Ok(draft(&body).and_then(|read| shown(&shared, store, read, &of)));
    let (request, draft, mut told) = app.store.read(read).await??;
    if draft.records.is_empty() {
        return match request.send {
            true => Err(Failure::Malformed("there is no value in it".to_owned())),
            false => Ok(ours().json(told)),
        };
    }
    let said = match request.terms.said(&draft, author(&app.directory.load(), &peer), now.to_millis()) {
        Ok(said) => said,
        Err(wrong) if request.send => return Err(Failure::Malformed(words(&wrong))),
        Err(wrong) => {
            told.wrong = Some(serde_json::json!({"term": wrong.term, "what": words(&wrong)}));
            return Ok(ours().json(told));
        }
    };
    let known = known(&app, &grant, &draft, &said, (&key, now)).await?;
    let built = app.store.read(move |_| Ok(build::objects(&draft, &said.terms(), &known))).await?;
    let built = built.map_err(|errors| {
        let all: Vec<String> = errors.iter().take(ERRORS_TOLD).map(ToString::to_string).collect();
        Failure::Malformed(all.join("; "))
    })?;
    let Built { objects, unchanged, left_out } = built;
    told.left_out.extend(left_out.into_iter().map(Left::of));
    (told.objects, told.unchanged) = (objects, unchanged);
    if !told.objects.is_empty() {
        store(&app, &grant, scope, &mut told, (request.send, key)).await?;
    }
    drop(permits);
    let mut response = if told.status.is_some() { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).json(told))
}

/// Reads what was handed in.
fn draft(body: &[u8]) -> Result<(Request, Draft), Failure> {
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        let text =
            "expected {\"files\": [{\"name\": \"…\", \"content\": \"…\"}], \"terms\": {\"tlp\": \"…\", …}}";
        Failure::Malformed(format!("{text}: {error}"))
    })?;
    let mapping = request.mapping.as_deref().map(Mapping::parse).transpose();
    let mapping = mapping.map_err(|error| Failure::Malformed(format!("mapping: {error}")))?;
    let mut drafts = Vec::with_capacity(request.files.len());
    for (at, file) in request.files.iter().enumerate() {
        let wrong = |what: String| Failure::Malformed(format!("files[{at}] {}: {what}", file.name));
        let format = file.format.map(|format| match format {
            Kinds::Csv => Format::Csv,
            Kinds::Misp => Format::Misp,
            Kinds::Intelmq => Format::Intelmq,
            Kinds::Text => Format::Text,
        });
        let hints = Hints { format, mapping: mapping.as_ref(), all_values: request.all_values };
        match read(&file.name, file.content.as_bytes(), hints).map_err(wrong)? {
            Some(draft) => drafts.push(draft),
            None => {
                return Err(wrong(
                    "it is STIX, which is sent to the collection's objects as it is".to_owned(),
                ));
            }
        }
    }
    let draft = Draft::joined(drafts);
    match draft.records.len() {
        0..=RECORDS_MAX => Ok((request, draft)),
        count => {
            Err(Failure::Malformed(format!("{count} values; at most {RECORDS_MAX} at once, so split it")))
        }
    }
}

/// Every value with what is known of it.
fn shown(
    app: &App,
    store: &dyn Store,
    (request, mut draft): (Request, Draft),
    (peer, key): &(Arc<Peer>, String),
) -> Result<(Request, Draft, Submitted), Failure> {
    let mut values = table::rows(&draft);
    for (question, places) in table::questions(&draft) {
        table::fill(&mut values, &places, look(app, store, question, (peer, key))?.answer());
    }
    let left_out = std::mem::take(&mut draft.left_out).into_iter().map(Left::of).collect();
    Ok((request, draft, Submitted { values, left_out, ..Submitted::default() }))
}

/// What the collection has of the objects that will come of a draft, as the client may see it. It receives
/// them, so they go the way of pages.
async fn known(
    app: &App,
    grant: &Grant,
    draft: &Draft,
    said: &Said,
    (key, now): (&str, Timestamp),
) -> Result<HashMap<String, Value>, Failure> {
    let (mut known, mut asked) = (HashMap::new(), HashSet::new());
    let Ok(scope) = policy::read_scope(grant, now) else { return Ok(known) };
    loop {
        let terms: Terms = said.terms();
        let wanted: Vec<String> =
            build::ids(draft, &terms, &known).into_iter().filter(|id| asked.insert(id.clone())).collect();
        if wanted.is_empty() {
            return Ok(known);
        }
        for ids in wanted.chunks(IDS) {
            let filter = Filter::parse(&format!("match[id]={}", ids.join(",")))?;
            let page = app.feed.send(&scope, filter, Kind::Objects, key).await?;
            let page: Value = serde_json::from_slice(&page.body).unwrap_or_default();
            for object in page["objects"].as_array().into_iter().flatten() {
                known.insert(object["id"].as_str().unwrap_or_default().to_owned(), object.clone());
            }
        }
    }
}

/// Stores the objects, or tells what that would come to.
async fn store(
    app: &web::Data<App>,
    grant: &Grant,
    scope: policy::WriteScope,
    told: &mut Submitted,
    (is_sent, key): (bool, String),
) -> Result<(), Failure> {
    let body = serde_json::to_vec(&serde_json::json!({"objects": told.objects}));
    let body = body.map_err(|error| Error::Backend(error.to_string()))?;
    let (directory, clock, lists) = (app.directory.load_full(), app.clock, app.exports.lists().clone());
    let grant = grant.clone();
    let done = app.store.write(move |store| {
        let judged = match ingest::judge(store, &directory, &scope, &lists, body, clock.now()) {
            Ok(judged) => judged,
            Err(unjudged) => return Ok(Err(Failure::from(unjudged))),
        };
        if is_sent {
            return Ok(Ok((None, Some(store.add(Batch { key: Some(key), ..judged })?))));
        }
        let now = judged.received;
        let tried = store.try_out(judged)?;
        Ok(Ok((Some(preview::answer(&directory, &grant, scope.is_reviewed(), tried, now)), None)))
    });
    (told.preview, told.status) = done.await??;
    Ok(())
}

fn words(wrong: &Wrong) -> String {
    match &wrong.found {
        Some(found) => format!("terms.{} is {found:?}; expected {}", wrong.term, wrong.expected),
        None => format!("terms.{} is missing, and never guessed; expected {}", wrong.term, wrong.expected),
    }
}

impl Left {
    fn of(left: LeftOut) -> Self {
        Self { place: left.place, text: left.text, reason: left.reason }
    }
}

/// Ids in one question.
const IDS: usize = 50;
/// Values of one submission: their objects go into one envelope.
const RECORDS_MAX: usize = 5_000;
const ERRORS_TOLD: usize = 20;
