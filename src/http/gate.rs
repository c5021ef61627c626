//! What every request passes before a handler sees it: form, host, identity, share.

use super::App;
use super::auditing::note_refusal;
use super::connection::Connection;
use super::error::Failure;
use super::peer::identify;
use crate::policy::Peer;
use crate::taxii::media;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Each client's share, and the hosts that we answer for.
pub(super) struct Gate {
    rate: DefaultKeyedRateLimiter<Arc<str>>,
    concurrent_max: usize,
    concurrent: Mutex<HashMap<Arc<str>, usize>>,
    /// Lower case, without port.
    hosts: Vec<String>,
}

impl Gate {
    pub(super) fn new(per_second: u32, burst: u32, concurrent_max: usize, hosts: Vec<String>) -> Self {
        let number = |value: u32| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(number(per_second)).allow_burst(number(burst));
        Self {
            rate: RateLimiter::keyed(quota),
            concurrent_max,
            concurrent: Mutex::new(HashMap::new()),
            hosts,
        }
    }
}

/// One request of a client being worked on.
struct Turn<'a>(&'a Gate, Arc<str>);

impl<'a> Turn<'a> {
    fn take(gate: &'a Gate, peer: &Peer) -> Result<Self, Failure> {
        let name = peer.name();
        if gate.rate.check_key(name).is_err() {
            return Err(Failure::TooMany);
        }
        let mut concurrent = gate.concurrent.lock();
        let count = concurrent.entry(name.clone()).or_default();
        if *count >= gate.concurrent_max {
            return Err(Failure::TooMany);
        }
        *count += 1;
        Ok(Self(gate, name.clone()))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0.concurrent.lock().get_mut(&self.1) {
            *count -= 1;
        }
    }
}

/// The way of a request to its handler, unless an answer before it was the connection's last.
pub(super) async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let connection = request.request().conn_data::<Arc<Connection>>().ok_or(Failure::UnknownClient)?.clone();
    if !connection.begin() {
        return cut(request).await;
    }
    let last = request.head().connection_type() == ConnectionType::Close;
    let answer = judge(request, next).await;
    let refused = match &answer {
        Ok(response) => response.response().head().connection_type() == ConnectionType::Close,
        Err(error) => error.as_error::<Failure>().is_none_or(Failure::closes),
    };
    match (refused, last) {
        (true, _) => connection.cut_off(),
        (false, true) => connection.close(),
        (false, false) => {}
    }
    answer
}

/// Ends the connection in place of an answer. The HTTP library works on requests that came
/// together with one whose answer says `Connection: close`; RFC 9112 §9.6 forbids that.
async fn cut(request: ServiceRequest) -> Result<ServiceResponse, Error> {
    // Meanwhile the last answer goes out, and the peer reads it before it sees a reset.
    tokio::time::sleep(LINGER).await;
    let broken =
        futures_util::stream::once(std::future::ready(Err::<web::Bytes, Error>(Failure::Broken.into())));
    Ok(request.into_response(HttpResponse::BadRequest().streaming(broken)))
}

async fn judge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let app: web::Data<App> = request.app_data::<web::Data<App>>().ok_or(Failure::NotFound)?.clone();
    check_head(&app.gate, request.request())?;
    let peer = identify(&app, request.request())
        .inspect_err(|failure| note_refusal(&app, request.request(), failure))?;
    let _turn = Turn::take(&app.gate, &peer)?;
    request.extensions_mut().insert::<Arc<Peer>>(peer);
    if !acceptable(request.request()) {
        return Err(Failure::NotAcceptable.into());
    }
    let is_post = request.method() == Method::POST;
    let mut response = next.call(request).await?.map_into_boxed_body();
    if let Some(failure) = response.response().error().and_then(Error::as_error::<Failure>) {
        note_refusal(&app, response.request(), failure);
    }
    if is_post && response.status().is_client_error() {
        // The body may not have been read to its end, and must not be taken for a request.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

fn check_head(gate: &Gate, request: &HttpRequest) -> Result<(), Failure> {
    let head = request.head();
    if head.uri.path_and_query().map_or(0, |target| target.as_str().len()) > TARGET_MAX_BYTES {
        return Err(Failure::TargetTooLong);
    }
    let fields: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if head.headers.len() > FIELDS_MAX || fields > FIELDS_MAX_BYTES {
        return Err(Failure::HeaderTooLarge);
    }
    check_host(gate, request)?;
    let expect = head.headers.get(header::EXPECT);
    if expect.is_some_and(|expect| !expect.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Failure::Expectation);
    }
    // None of our paths needs an escape, so whatever is written with one is not ours.
    if head.uri.path().contains('%') {
        return Err(Failure::BadRequest("no path here is written with % escapes"));
    }
    if head.method == Method::POST {
        return Ok(());
    }
    let has_body = head.headers.contains_key(header::TRANSFER_ENCODING)
        || head.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    match has_body {
        true => Err(Failure::BadRequest("this method takes no body")),
        false => Ok(()),
    }
}

/// RFC 9112 §3.2: one Host, and one that is ours (421 otherwise).
fn check_host(gate: &Gate, request: &HttpRequest) -> Result<(), Failure> {
    let mut hosts = request.head().headers.get_all(header::HOST);
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Failure::BadRequest("send exactly one Host header"));
    };
    let host = host.to_str().map_err(|_| Failure::BadRequest("the Host header is malformed"))?;
    // The host in an absolute target is the one that counts (RFC 9112 §3.2.2).
    let target = request.head().uri.authority().map(|authority| authority.as_str());
    match [Some(host), target].into_iter().flatten().all(|host| is_ours(gate, host)) {
        true => Ok(()),
        false => Err(Failure::Misdirected),
    }
}

fn is_ours(gate: &Gate, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    gate.hosts.iter().any(|ours| *ours == name || wildcard(ours, &name))
}

fn wildcard(ours: &str, name: &str) -> bool {
    let (Some(domain), Some((first, rest))) = (ours.strip_prefix("*."), name.split_once('.')) else {
        return false;
    };
    !first.is_empty() && rest == domain
}

/// No `Accept` at all is taken as any (R027).
fn acceptable(request: &HttpRequest) -> bool {
    // Exports have the media types of their formats.
    if request.path().starts_with("/liaison/v1/export") {
        return true;
    }
    let mut values = request.headers().get_all(header::ACCEPT).peekable();
    values.peek().is_none() || values.any(|value| value.to_str().is_ok_and(media::accepts_taxii))
}

const TARGET_MAX_BYTES: usize = 8 * 1024;
const FIELDS_MAX: usize = 64;
const FIELDS_MAX_BYTES: usize = 32 * 1024;
/// How long a connection stays open after its last answer if more requests had come.
const LINGER: Duration = Duration::from_millis(500);
