//! Look-ups over HTTP: many values at once, and which shared objects name them.

use super::App;
use super::error::Failure;
use super::objects::{check_encoding, read_body};
use super::peer::{Caller, key_of};
use super::review::ours;
use crate::audit::Event;
use crate::audit::event::{Handlings, Served, View};
use crate::lookup::{Found, LookUp, Question, Received};
use crate::policy::Peer;
use crate::stix::Timestamp;
use crate::stix::atom::Source;
use crate::store::{Error as StoreError, Store};
use actix_web::body::{MessageBody, SizedStream};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// `POST /liaison/v1/lookup`
pub(super) async fn look_up(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    check_encoding(&request)?;
    let (body, permits) = read_body(&app, &request, payload, app.settings.max_content_length).await?;
    let shared = app.clone();
    let key = key_of(&request).unwrap_or_default().to_owned();
    let answer = app.store.read(move |store| {
        let question = question(&body);
        drop((body, permits));
        Ok(question.and_then(|question| answer(&shared, store, question, (&peer, &key))))
    });
    let (texts, found) = answer.await??;
    // To give ten thousand hits back takes a millisecond or two: that may be done while they are sent.
    drop(tokio::task::spawn_blocking(move || drop(found)));
    Ok(ours().insert_header((header::CONTENT_TYPE, "application/json")).body(in_pieces(texts)))
}

/// Texts as they are, in pieces that are encrypted and gone before the next one comes.
fn in_pieces(texts: Vec<Vec<u8>>) -> impl MessageBody {
    let length = texts.iter().map(Vec::len).sum::<usize>() as u64;
    let pieces = texts.into_iter().flat_map(|text| {
        let mut rest = Bytes::from(text);
        std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| Ok::<_, Infallible>(rest.split_to(rest.len().min(PIECE_BYTES))))
        })
    });
    SizedStream::new(length, stream::iter(pieces))
}

/// The answer as JSON, and what it was made of; runs where it may block.
fn answer(
    app: &App,
    store: &dyn Store,
    question: Question,
    (peer, key): (&Arc<Peer>, &str),
) -> Result<(Vec<Vec<u8>>, Found), Failure> {
    let found = look(app, store, question, (peer, key))?;
    let texts = found.to_json(app.settings.contact.clone());
    Ok((texts.map_err(|error| StoreError::Backend(error.to_string()))?, found))
}

/// What is known of values; the audit log is told.
pub(super) fn look(
    app: &App,
    store: &dyn Store,
    question: Question,
    (peer, key): (&Arc<Peer>, &str),
) -> Result<Found, Failure> {
    let now = app.clock.now();
    let look_up = LookUp::new(question, app.directory.load_full(), peer, now)
        .map_err(|error| Failure::Malformed(error.to_string()))?;
    let log_from = store.audit().size();
    let found = look_up.run(store, app.exports.lists())?;
    let log = (log_from, store.audit().size_soon());
    // Before it goes out, as with pages: who received what must be known.
    for event in found.received().iter().flat_map(|one| served(one, (peer.name(), key), log, now)) {
        app.feed.journal().sends(event).map_err(|full| StoreError::Busy(full.to_string()))?;
    }
    Ok(found)
}

fn question(body: &[u8]) -> Result<Question, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let text = "expected {\"values\": [\"…\"]}, and if wanted \"types\" and \"collections\"";
        Failure::Malformed(format!("{text}: {error}"))
    })
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
    let record = |objects: &[Arc<Source>]| {
        let ids: Vec<&str> = objects.iter().map(|object| object.id()).collect();
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
    received.objects.chunks(IDS_MAX).map(record).collect()
}

const PIECE_BYTES: usize = 65_536;
/// Ids in one record: some kilobytes, as the journal expects of what waits in it.
const IDS_MAX: usize = 100;
