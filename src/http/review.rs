//! What waits for release: listing, showing, releasing, declining.

use super::App;
use super::error::Failure;
use super::objects::{check_encoding, read_body};
use super::peer::{Caller, key_of};
use crate::ingest::review::{self, Answer, Deed, Order, Prospect};
use crate::policy::explain::{self, Recipient};
use crate::policy::{self, Directory, Submission, SubmissionScope, words};
use crate::stix::{Timestamp, Tlp};
use crate::store::{Listed, Outcome};
use crate::taxii::media;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A submission in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waiting {
    /// Its id.
    pub submission: String,
    /// The object's id.
    pub object: String,
    /// The object's type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// The object's version.
    pub version: String,
    /// The object's name, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its effective level.
    pub level: Tlp,
    /// What gave that.
    pub level_from: String,
    /// The collection's id.
    pub collection: String,
    /// Its title, if it is there still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_title: Option<String>,
    /// The API root it came in by.
    pub api_root: String,
    /// Who submitted it.
    pub submitter: String,
    /// When.
    pub received: String,
    /// May the client that asks decide on it?
    pub may_decide: bool,
    /// If not, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// A page of submissions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Listing {
    /// In the order they came.
    pub submissions: Vec<Waiting>,
    /// If there are more: what to give as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One submission with all that decides.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    /// As in the list.
    pub submission: Waiting,
    /// The object as it would go out.
    pub object: Box<RawValue>,
    /// Its handling in words.
    pub handling: Vec<String>,
    /// The parties of the agreement: who will read it, and why the others will not.
    pub recipients: Vec<Recipient>,
    /// What speaks against releasing it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
}

/// What became of one submission of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    /// Its id.
    pub submission: String,
    /// In one word.
    pub outcome: Outcomes,
    /// When the object was added, if it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_added: Option<String>,
    /// Why nothing was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The words for outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcomes {
    /// It is out.
    Released,
    /// It is gone.
    Declined,
    /// It waits on.
    Refused,
    /// No such submission waits, or none for this client.
    NotFound,
    /// Not by this client.
    NotPermitted,
}

/// The outcomes of an order, in its order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Decisions {
    /// One for each submission.
    pub decisions: Vec<Decided>,
}

/// An order of several.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    submissions: Vec<String>,
    #[serde(default)]
    message: Option<String>,
}

/// What may come with a decision.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    #[serde(default)]
    message: Option<String>,
}

/// `GET /liaison/v1/review`
pub(super) async fn list(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let scope = policy::submission_scope(&peer, app.clock.now())?;
    let (after, limit) = page(request.query_string())?;
    let asked = scope.clone();
    let found = app.store.read(move |store| store.submissions(&asked, after, limit)).await?;
    let directory = app.directory.load();
    let next = found.next.map(|next| next.to_string());
    let submissions = found.listed.into_iter().map(|one| waiting(&directory, &scope, one)).collect();
    Ok(ours().json(Listing { submissions, next }))
}

/// `GET /liaison/v1/review/{submission}`
pub(super) async fn show(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let scope = policy::submission_scope(&peer, now)?;
    let id = request.match_info().query("submission").to_owned();
    let directory = app.directory.load_full();
    let found = app
        .store
        .write(move |store| {
            let Some(submission) = store.submission(&scope, &id)? else { return Ok(None) };
            let prospect = review::prospect(store, &directory, &scope, &submission, now)?;
            Ok(Some(shown(&directory, &scope, submission, prospect, now)))
        })
        .await?;
    Ok(ours().json(found.ok_or(Failure::NotFound)?))
}

/// `POST /liaison/v1/review/{submission}/release`
pub(super) async fn release(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    one(&app, &caller, &request, payload, Deed::Release).await
}

/// `POST /liaison/v1/review/{submission}/decline`
pub(super) async fn decline(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    one(&app, &caller, &request, payload, Deed::Decline).await
}

/// `POST /liaison/v1/review/release`
pub(super) async fn release_several(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    several(&app, &caller, &request, payload, Deed::Release).await
}

/// `POST /liaison/v1/review/decline`
pub(super) async fn decline_several(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    several(&app, &caller, &request, payload, Deed::Decline).await
}

async fn one(
    app: &App,
    caller: &Caller,
    request: &HttpRequest,
    payload: web::Payload,
    deed: Deed,
) -> Result<HttpResponse, Failure> {
    let scope = policy::submission_scope(&caller.0, app.clock.now())?;
    let Word { message } = body(app, request, payload).await?.unwrap_or_default();
    let submission = request.match_info().query("submission").to_owned();
    let order = Order {
        submissions: vec![submission.clone()],
        deed,
        message: word(message)?,
        key: key_of(request).map(str::to_owned),
    };
    let answer = carry_out(app, scope, order).await?.pop().ok_or(Failure::NotFound)?;
    match answer {
        Answer::Denied(denied) => Err(denied.into()),
        Answer::Carried(Outcome::Gone) => Err(Failure::NotFound),
        Answer::Carried(Outcome::Refused(_, why)) => Err(Failure::Objection(why)),
        answer => Ok(ours().json(decided(submission, answer))),
    }
}

async fn several(
    app: &App,
    caller: &Caller,
    request: &HttpRequest,
    payload: web::Payload,
    deed: Deed,
) -> Result<HttpResponse, Failure> {
    let scope = policy::submission_scope(&caller.0, app.clock.now())?;
    let empty = || Failure::Malformed("send {\"submissions\":[\"…\"]}".to_owned());
    let Several { submissions, message } = body(app, request, payload).await?.ok_or_else(empty)?;
    if submissions.len() > SEVERAL_MAX {
        let found = submissions.len();
        return Err(Failure::Malformed(format!("{found} submissions; name at most {SEVERAL_MAX} at once")));
    }
    let order = Order {
        submissions: submissions.clone(),
        deed,
        message: word(message)?,
        key: key_of(request).map(str::to_owned),
    };
    let answers = carry_out(app, scope, order).await?;
    let decisions = submissions.into_iter().zip(answers).map(|(id, answer)| decided(id, answer)).collect();
    Ok(ours().json(Decisions { decisions }))
}

async fn carry_out(app: &App, scope: SubmissionScope, order: Order) -> Result<Vec<Answer>, Failure> {
    let (directory, clock) = (app.directory.load_full(), app.clock);
    let work =
        move |store: &dyn crate::store::Store| review::decide(store, &directory, &scope, &order, clock.now());
    Ok(app.store.write(work).await?)
}

/// A JSON body, if there is one.
async fn body<T: DeserializeOwned>(
    app: &App,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Option<T>, Failure> {
    check_encoding(request)?;
    let (text, _permits) = read_body(app, request, payload, BODY_MAX).await?;
    if text.is_empty() {
        return Ok(None);
    }
    let mut types = request.headers().get_all(header::CONTENT_TYPE);
    let is_json = |value: &header::HeaderValue| value.to_str().is_ok_and(media::is_json);
    if !(types.next().is_some_and(is_json) && types.next().is_none()) {
        return Err(Failure::MediaType);
    }
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::Malformed("the body must be a JSON object".to_owned()));
    }
    serde_json::from_slice(&text).map(Some).map_err(|error| Failure::Malformed(error.to_string()))
}

/// A message that may stand in a status.
fn word(message: Option<String>) -> Result<Option<String>, Failure> {
    let message = message.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match &message {
        Some(text) if text.chars().count() > MESSAGE_MAX => {
            Err(Failure::Malformed(format!("a message may have {MESSAGE_MAX} characters")))
        }
        Some(text) if text.chars().any(char::is_control) => {
            Err(Failure::Malformed("a message must be one line without control characters".to_owned()))
        }
        _ => Ok(message),
    }
}

fn decided(submission: String, answer: Answer) -> Decided {
    let (outcome, date_added, reason) = match answer {
        Answer::Denied(denied) => (Outcomes::NotPermitted, None, Some(denied.to_string())),
        Answer::Carried(Outcome::Released(added)) => (Outcomes::Released, Some(added.to_string()), None),
        Answer::Carried(Outcome::Declined) => (Outcomes::Declined, None, None),
        Answer::Carried(Outcome::Refused(_, why)) => (Outcomes::Refused, None, Some(why)),
        Answer::Carried(Outcome::Gone) => {
            (Outcomes::NotFound, None, Some("no such submission waits for you".to_owned()))
        }
    };
    Decided { submission, outcome, date_added, reason }
}

fn waiting(directory: &Directory, scope: &SubmissionScope, listed: Listed) -> Waiting {
    let why_not = scope.may_decide(&listed.client).err().map(|denied| denied.to_string());
    let collections = directory.registry().agreements.iter().flat_map(|agreement| &agreement.collections);
    let mut collections = collections.filter(|collection| collection.id == listed.collection);
    Waiting {
        submission: listed.id,
        object_type: listed.object.id.split("--").next().unwrap_or_default().to_owned(),
        object: listed.object.id,
        version: listed.object.version,
        name: listed.name,
        level: listed.handling.level(scope.now()),
        level_from: words::level_from(&listed.handling, scope.now()),
        collection_title: collections.next().map(|collection| collection.title.clone()),
        collection: listed.collection,
        api_root: listed.api_root,
        submitter: listed.client,
        received: listed.received.to_string(),
        may_decide: why_not.is_none(),
        why_not,
    }
}

fn shown(
    directory: &Directory,
    scope: &SubmissionScope,
    found: Submission,
    prospect: Prospect,
    now: Timestamp,
) -> Shown {
    let listed = Listed {
        id: found.id,
        object: crate::stix::object::Label {
            id: found.object.id().to_string(),
            version: found.object.version().as_str().to_owned(),
        },
        name: found.name,
        handling: policy::Handling::clone(&prospect.handling),
        api_root: found.api_root,
        collection: found.collection,
        client: found.client,
        received: found.received,
    };
    let json = String::from_utf8_lossy(found.object.json()).into_owned();
    Shown {
        object: RawValue::from_string(json).unwrap_or_default(),
        handling: words::handling(directory, &prospect.handling, now),
        recipients: explain::audience_of(directory, &listed.collection, &prospect.handling, now),
        objection: prospect.objection,
        submission: waiting(directory, scope, listed),
    }
}

/// `after` and `limit`.
fn page(query: &str) -> Result<(i64, usize), Failure> {
    let (mut after, mut limit) = (0, LIMIT);
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "after" => after = value.parse().map_err(|_| Failure::BadRequest("`after` is none of ours"))?,
            "limit" => {
                let wanted: usize = value
                    .parse()
                    .ok()
                    .filter(|limit| *limit > 0)
                    .ok_or(Failure::BadRequest("`limit` must be a number from 1 on"))?;
                limit = wanted.min(LIMIT_MAX);
            }
            _ => {}
        }
    }
    Ok((after, limit))
}

/// An answer of ours; nothing of it may be kept by caches on the way.
pub(super) fn ours() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Submissions of one order: they go out in one transaction.
pub const SEVERAL_MAX: usize = 500;
/// Characters.
const MESSAGE_MAX: usize = 1_000;
/// Bytes.
const BODY_MAX: u64 = 64 * 1024;
