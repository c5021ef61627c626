//! Objects (TAXII 2.1 §5.4 to §5.8).

use super::App;
use super::error::Failure;
use super::peer::{At, Caller, key_of};
use super::server_info::taxii;
use crate::feed::Kind;
use crate::freshness::Visit;
use crate::ingest;
use crate::policy::{self, Grant};
use crate::store::{Batch, Deleted};
use crate::taxii::{Filter, Versions, media};
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

/// TAXII 2.1 §5.4.
pub(super) async fn page(
    app: web::Data<App>,
    At(grant): At,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    serve(&app, &grant, &caller, &request, None, Kind::Objects).await
}

/// TAXII 2.1 §5.6.
pub(super) async fn by_id(
    app: web::Data<App>,
    At(grant): At,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id = request.match_info().query("object");
    serve(&app, &grant, &caller, &request, Some(id), Kind::Objects).await
}

/// TAXII 2.1 §5.8.
pub(super) async fn versions(
    app: web::Data<App>,
    At(grant): At,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id = request.match_info().query("object");
    serve(&app, &grant, &caller, &request, Some(id), Kind::Versions).await
}

/// A page of a collection, or of one object of it.
pub(super) async fn serve(
    app: &App,
    grant: &Grant,
    caller: &Caller,
    request: &HttpRequest,
    id: Option<&str>,
    kind: Kind,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let scope = policy::read_scope(grant, now)?;
    let mut filter = Filter::parse(request.query_string())?;
    if let Some(id) = id {
        filter.matches.ids = vec![id.to_owned()];
        filter.matches.types.clear();
        if kind == Kind::Versions {
            filter.matches.versions = Some(Versions { all: true, ..Versions::default() });
        }
    }
    let key = key_of(request).ok_or(Failure::UnknownClient)?;
    let client = caller.0.name();
    let visit = Visit { client, collection: scope.collection(), goes_on: filter.next.is_some(), now };
    app.freshness.lock().asks(visit, || app.store.memory().watermark(scope.collection()));
    let is_poll = kind == Kind::Objects && filter.matches.ids.is_empty() && request.method() == Method::GET;
    // Nothing goes out to who asks for the head alone.
    let page = match request.method() == Method::HEAD {
        true => app.feed.page(&scope, filter, kind).await?,
        false => app.feed.send(&scope, filter, kind, key).await?,
    };
    let mut response = taxii();
    match (page.range, id) {
        (Some((first, last)), _) => {
            if is_poll {
                app.freshness.lock().fetches(visit, &page.added);
            }
            response.insert_header(("X-TAXII-Date-Added-First", first.to_string()));
            response.insert_header(("X-TAXII-Date-Added-Last", last.to_string()));
        }
        // An object that is there but has nothing for this filter is an empty page, not a 404.
        (None, Some(id)) => {
            let id = id.to_owned();
            if !app.store.read(move |store| store.knows(&scope, &id)).await? {
                return Err(Failure::NotFound);
            }
        }
        (None, None) => {}
    }
    Ok(response.body(page.body.clone()))
}

/// TAXII 2.1 §5.5.
pub(super) async fn add(
    app: web::Data<App>,
    At(grant): At,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let scope = policy::write_scope(&grant, app.clock.now())?;
    check_headers(&app, &request)?;
    let (body, permits) = read_body(&app, &request, payload, app.settings.max_content_length).await?;
    let directory = app.directory.load_full();
    let (clock, key) = (app.clock, key_of(&request).map(str::to_owned));
    let lists = app.exports.lists().clone();
    let status = app
        .store
        .write(move |store| {
            let _permits = permits;
            let judged = ingest::judge(store, &directory, &scope, &lists, body, clock.now());
            Ok(judged.map_err(Failure::from).and_then(|judged| Ok(store.add(Batch { key, ..judged })?)))
        })
        .await?;
    Ok(HttpResponse::Accepted()
        .content_type(media::TAXII)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(status?))
}

/// TAXII 2.1 §5.7.
pub(super) async fn delete(
    app: web::Data<App>,
    At(grant): At,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let scope = policy::erase_scope(&grant, now)?.with_key(key_of(&request).map(str::to_owned));
    let matches = Filter::parse(request.query_string())?.matches;
    let id = request.match_info().query("object").to_owned();
    // Without `match[version]` the object goes, with all its versions.
    let versions = matches.versions.clone().unwrap_or(Versions { all: true, ..Versions::default() });
    let spec_versions = &matches.spec_versions;
    if !spec_versions.is_empty() && !spec_versions.iter().any(|version| version == "2.1") {
        return Err(Failure::NotFound);
    }
    let deleted = app.store.write(move |store| store.delete(&scope, &id, &versions, now)).await?;
    match deleted {
        Deleted::Versions(_) => Ok(taxii().finish()),
        Deleted::Nothing => Err(Failure::NotFound),
        Deleted::NotOwner => Err(Failure::NotOwner),
        Deleted::Held => Err(Failure::Held),
    }
}

/// Nothing is unpacked.
pub(super) fn check_encoding(request: &HttpRequest) -> Result<(), Failure> {
    let mut codings = request.headers().get_all(header::CONTENT_ENCODING);
    match codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        true => Err(Failure::ContentEncoding),
        false => Ok(()),
    }
}

/// The form of an envelope, as far as its head tells.
pub(super) fn check_headers(app: &App, request: &HttpRequest) -> Result<(), Failure> {
    let headers = request.headers();
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    check_encoding(request)?;
    // Two types are none: another reader might take the other one.
    let is_one = headers.get_all(header::CONTENT_TYPE).count() == 1;
    if !is_one || !text(header::CONTENT_TYPE).is_some_and(media::is_publishable) {
        return Err(Failure::MediaType);
    }
    let declared = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    match declared {
        Some(length) if length > app.settings.max_content_length => {
            Err(Failure::TooLarge(app.settings.max_content_length))
        }
        _ => Ok(()),
    }
}

/// Reads a body with its limits: size, pauses, whole time, rate, and memory of all bodies.
pub(super) async fn read_body(
    app: &App,
    request: &HttpRequest,
    mut payload: web::Payload,
    limit: u64,
) -> Result<(Vec<u8>, OwnedSemaphorePermit), Failure> {
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body =
        Vec::with_capacity(declared.unwrap_or(0_usize).min(usize::try_from(limit).unwrap_or(usize::MAX)));
    let mut permits = app.bodies.clone().try_acquire_many_owned(1).map_err(|_| Failure::Overloaded)?;
    let started = Instant::now();
    loop {
        let chunk = timeout(BODY_IDLE, payload.next()).await.map_err(|_| Failure::TooSlow)?;
        let Some(chunk) = chunk else {
            return Ok((body, permits));
        };
        let chunk = chunk.map_err(|_| Failure::Broken)?;
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(Failure::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
        let wanted = body.len() / 1024 + 1;
        if wanted > permits.num_permits() {
            let more = u32::try_from(wanted - permits.num_permits()).unwrap_or(u32::MAX);
            permits.merge(app.bodies.clone().try_acquire_many_owned(more).map_err(|_| Failure::Overloaded)?);
        }
        let elapsed = started.elapsed();
        let slow = elapsed > BODY_IDLE && (body.len() as u64) < elapsed.as_secs() * BODY_RATE_MIN;
        if slow || elapsed > BODY_TOTAL {
            return Err(Failure::TooSlow);
        }
    }
}

const BODY_IDLE: Duration = Duration::from_secs(10);
const BODY_TOTAL: Duration = Duration::from_secs(120);
/// Bytes per second on average.
const BODY_RATE_MIN: u64 = 4 * 1024;
