//! The plain listener for the operator, on loopback: is it alive, can it work, what does it do?

use super::App;
use crate::stix::Timestamp;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

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
    /// Every client that has polled since the start.
    pub clients: Vec<ClientReport>,
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
    pub last_polled: String,
}

/// The paths of this listener.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(|| async { HttpResponse::Ok().body("ok\n") }))
        .route("/readyz", web::get().to(ready))
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
    let mut clients: Vec<ClientReport> = app
        .last_polled
        .lock()
        .iter()
        .map(|(client, at)| ClientReport { client: client.to_string(), last_polled: at.to_string() })
        .collect();
    clients.sort_by(|a, b| a.client.cmp(&b.client));
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
        clients,
    })
}

fn seconds(since_1970: i64) -> String {
    Timestamp::from_micros(since_1970 * 1_000_000).to_string()
}
