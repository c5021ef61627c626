//! The plain listener for the operator, on loopback: is it alive, can it work, what does it do?

use super::App;
use super::freshness::clients;
use super::metrics::metrics;
use crate::freshness::Delays;
use crate::stix::Timestamp;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What `liaison status` shows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The server's version.
    pub version: String,
    /// When it started.
    pub started: String,
    /// Its clock.
    pub now: String,
    /// False once nothing can be stored until a restart.
    pub writable: bool,
    /// When the server certificate expires.
    pub certificate_until: String,
    /// When the revocation list must have been replaced.
    pub crl_until: String,
    /// How many certificates it revokes.
    pub revoked: usize,
    /// Every collection of the registry.
    pub collections: Vec<CollectionReport>,
    /// Every client of the registry that is not revoked.
    pub clients: Vec<ClientReport>,
    /// Every organisation that has sent or fetched anything since the start.
    pub organisations: Vec<FreshnessReport>,
}

/// One collection.
#[derive(Debug, Serialize, Deserialize)]
pub struct CollectionReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Versions kept.
    pub objects: u64,
    /// When the last one was added.
    pub last_added: Option<String>,
}

/// One client.
#[derive(Debug, Serialize, Deserialize)]
pub struct ClientReport {
    /// `organisation/client`.
    pub client: String,
    /// When it last asked for a page.
    pub last_polled: Option<String>,
    /// How often it comes, in seconds: by agreement or by habit; none if it comes as it likes.
    pub interval_secs: Option<i64>,
    /// It has not come for three of its intervals.
    pub late: bool,
}

/// How fresh is what an organisation sends and fetches, since the start of the server.
#[derive(Debug, Serialize, Deserialize)]
pub struct FreshnessReport {
    /// Its id.
    pub organisation: String,
    /// From the version's own time (`created`, `modified`) to `date_added`, of what it has sent.
    pub sent: DelayReport,
    /// From `date_added` to the first fetch by one of its clients.
    pub fetched: DelayReport,
}

/// How long something took; bounds, so that the truth is no more.
#[derive(Debug, Serialize, Deserialize)]
pub struct DelayReport {
    /// Object versions.
    pub versions: u64,
    /// Half of them took no longer than so many seconds; none if longer than 30 days.
    pub half_within_secs: Option<i64>,
    /// The same of nine tenths.
    pub most_within_secs: Option<i64>,
}

impl DelayReport {
    fn of(delays: Option<&Delays>) -> Self {
        Self {
            versions: delays.map_or(0, Delays::count),
            half_within_secs: delays.and_then(|delays| delays.within(50)),
            most_within_secs: delays.and_then(|delays| delays.within(90)),
        }
    }
}

/// The paths of this listener.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(|| async { HttpResponse::Ok().body("ok\n") }))
        .route("/readyz", web::get().to(ready))
        .route("/metrics", web::get().to(metrics))
        .route("/status", web::get().to(status));
}

async fn ready(app: web::Data<App>) -> HttpResponse {
    let answers = app.store.read(|store| store.cursor_secret()).await.is_ok();
    let in_date = app.trust.load().crl_until() > app.clock.now().micros() / 1_000_000;
    match answers && in_date && app.store.memory().is_writable() {
        true => HttpResponse::Ok().body("ready\n"),
        false => HttpResponse::ServiceUnavailable().body("not ready: see the log\n"),
    }
}

async fn status(app: web::Data<App>) -> HttpResponse {
    let directory = app.directory.load();
    let counts = app.store.memory().counts();
    let collections = directory.registry().agreements.iter().flat_map(|agreement| &agreement.collections);
    let collections = collections.map(|collection| {
        let found = counts.iter().find(|(id, ..)| *id == collection.id);
        CollectionReport {
            id: collection.id.clone(),
            title: collection.title.clone(),
            objects: found.map_or(0, |found| found.1),
            last_added: found.map(|found| found.2.to_string()),
        }
    });
    let (sent, fetched) = (app.store.memory().arrivals(), app.freshness.lock().fetched().clone());
    let named: BTreeSet<_> = sent.keys().chain(fetched.keys()).collect();
    let organisations = named.into_iter().map(|name| FreshnessReport {
        organisation: name.to_string(),
        sent: DelayReport::of(sent.get(name)),
        fetched: DelayReport::of(fetched.get(name)),
    });
    let trust = app.trust.load();
    HttpResponse::Ok().json(Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: app.started.to_string(),
        now: app.clock.now().to_string(),
        writable: app.store.memory().is_writable(),
        certificate_until: seconds(app.identity.not_after()),
        crl_until: seconds(trust.crl_until()),
        revoked: trust.revoked_count(),
        collections: collections.collect(),
        clients: clients(&app),
        organisations: organisations.collect(),
    })
}

fn seconds(since_1970: i64) -> String {
    Timestamp::from_micros(since_1970 * 1_000_000).to_string()
}
