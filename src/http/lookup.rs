//! Look-ups over HTTP: many values at once, and which shared objects name them.

use super::App;
use super::error::Failure;
use super::objects::{check_encoding, read_body};
use super::peer::{Caller, key_of};
use super::review::ours;
use crate::audit::Event;
use crate::audit::event::{Handlings, Served, View};
use crate::lookup::{LookUp, Question, Received, TooMuch};
use crate::stix::Timestamp;
use crate::store::Error as StoreError;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use std::collections::BTreeMap;

/// `POST /liaison/v1/lookup`
pub(super) async fn look_up(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    check_encoding(&request)?;
    let (body, permits) = read_body(&app, &request, payload, app.settings.max_content_length).await?;
    let question = question(&body)?;
    drop((body, permits));
    let now = app.clock.now();
    let look_up = LookUp::new(question, app.directory.load_full(), &peer, now).map_err(refused)?;
    let shared = app.clone();
    let key = key_of(&request).unwrap_or_default().to_owned();
    let by = peer.name().to_string();
    let answer = app.store.read(move |store| {
        let log_from = store.audit().size();
        let (mut answer, received) = look_up.run(store, shared.exports.lists())?;
        answer.contact = shared.settings.contact.clone();
        let text = serde_json::to_vec(&answer).map_err(|error| StoreError::Backend(error.to_string()))?;
        let log = (log_from, store.audit().size_soon());
        // Before it goes out, as with pages: who received what must be known.
        for event in received.iter().flat_map(|one| served(one, (&by, &key), log, now)) {
            shared.feed.journal().sends(event).map_err(|full| StoreError::Busy(full.to_string()))?;
        }
        Ok(text)
    });
    Ok(ours().insert_header((header::CONTENT_TYPE, "application/json")).body(answer.await?))
}

fn question(body: &[u8]) -> Result<Question, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let text = "expected {\"values\": [\"…\"]}, and if wanted \"types\" and \"collections\"";
        Failure::Malformed(format!("{text}: {error}"))
    })
}

fn refused(error: TooMuch) -> Failure {
    Failure::Malformed(error.to_string())
}

/// What the audit log is told of a collection: the objects by their ids, so that who asks for the receivers of
/// one of them finds it.
fn served(
    received: &Received,
    (by, key): (&str, &str),
    (log_from, log_to): (u64, u64),
    now: Timestamp,
) -> Vec<Event> {
    let (first, last) = received.range;
    let record = |ids: &[String]| {
        Event::Served(Box::new(Served {
            by: by.to_owned(),
            key: key.to_owned(),
            collection: received.collection.clone(),
            view: View::Lookup,
            filter: BTreeMap::from([("id".to_owned(), json!(ids)), ("version".to_owned(), json!(["last"]))]),
            first: Some(first.to_string()),
            last: Some(last.to_string()),
            objects: ids.len() as u64,
            pages: 1,
            visible: Handlings::of_bits(&received.visible),
            newest: received.newest.unwrap_or(last).to_string(),
            log_from,
            log_to,
            until: now.to_string(),
        }))
    };
    received.ids.chunks(IDS_MAX).map(record).collect()
}

/// Ids in one record.
const IDS_MAX: usize = 1_000;
