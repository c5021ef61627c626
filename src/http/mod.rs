//! The server: TAXII 2.1 under mutual TLS. The whole route table is in [`routes`].

mod admin;
mod audit;
mod auditing;
mod collections;
mod connection;
mod device;
mod error;
mod export;
mod freshness;
mod gate;
mod lookup;
mod metrics;
mod objects;
mod own;
mod peer;
mod preview;
mod pushing;
mod review;
mod server;
mod server_info;
mod submission;
mod syncing;
pub mod tls;
mod upkeep;

pub use crate::export::serve::served_event;
pub use admin::{ClientReport, DelayReport, Report};
pub use audit::{ConsistencyProof, InclusionProof, LatestCheckpoint, LogPage, Receivers};
pub use auditing::Auditing;
pub use device::token_hash;
pub use export::{ExportList, Offered};
pub use own::Whoami;
pub use preview::{Preview, Previewed};
pub use review::{Decided, Decisions, Listing, Outcomes, SEVERAL_MAX, Shown, Waiting};
pub use server::{Running, Serving, StartError, TlsFiles, check_trust, start};
pub use syncing::Syncs;

use crate::clock::Clock;
use crate::export::Exports;
use crate::feed::Feed;
use crate::freshness::Freshness;
use crate::policy::Directory;
use crate::stix::Timestamp;
use crate::store::Handle;
use actix_web::web::{self, ServiceConfig};
use arc_swap::ArcSwap;
use error::Failure;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What every handler may use.
pub struct App {
    clock: Clock,
    started: Timestamp,
    directory: ArcSwap<Directory>,
    trust: Arc<ArcSwap<tls::Trust>>,
    identity: Arc<tls::ServerIdentity>,
    store: Handle,
    feed: Feed,
    exports: Exports,
    settings: Settings,
    /// The verifier key of the audit log.
    vkey: String,
    /// Held while the journal is written, so that its parts come in order.
    flushing: tokio::sync::Mutex<()>,
    gate: gate::Gate,
    /// Bytes of bodies being read or worked on, in KiB.
    bodies: Arc<Semaphore>,
    /// Who has come, and what was fetched when.
    freshness: parking_lot::Mutex<Freshness>,
    /// The sync jobs that run here.
    syncs: Syncs,
}

/// What the server says about itself, and its limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Title of the discovery resource.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The URL that clients reach the server by, without a slash at the end.
    pub public_url: String,
    /// The largest body in bytes.
    pub max_content_length: u64,
    /// Objects on a page.
    pub page_max: u32,
    /// Bytes of objects on a page.
    pub page_max_bytes: usize,
    /// Bytes that all bodies in flight may have together.
    pub memory_in_flight: u64,
    /// Requests per second and client.
    pub requests_per_second: u32,
    /// Requests that a client may send at once after a pause.
    pub requests_burst: u32,
    /// Requests of one client that are worked on at once.
    pub concurrent_requests: usize,
}

/// Every path there is. A slash at the end belongs to each, and may be left out (R035). They are
/// tried in order, so what is asked for most stands first.
fn routes(config: &mut ServiceConfig) {
    let get = || web::method(actix_web::http::Method::GET);
    let head = || web::method(actix_web::http::Method::HEAD);
    // One pattern and not two, since matching is what a small request spends most on.
    let at = |path: &str| web::resource(format!("{path}{{slash:/?}}"));
    let read_only = |path: &str| at(path).default_service(web::to(|| refuse(Failure::Method("GET, HEAD"))));
    let collection = "/{root}/collections/{collection}";
    config
        .service(
            at(&format!("{collection}/objects"))
                .route(get().to(objects::page))
                .route(head().to(objects::page))
                .route(web::post().to(objects::add))
                .default_service(web::to(|| refuse(Failure::Method("GET, HEAD, POST")))),
        )
        .service(
            read_only("/taxii2")
                .route(get().to(server_info::discovery))
                .route(head().to(server_info::discovery)),
        )
        .service(read_only("/liaison/v1/whoami").route(get().to(own::whoami)).route(head().to(own::whoami)))
        .service(
            at("/liaison/v1/lookup")
                .route(web::post().to(lookup::look_up))
                .default_service(web::to(|| refuse(Failure::Method("POST")))),
        )
        .configure(review_routes)
        .service(
            read_only("/{root}")
                .route(get().to(server_info::api_root))
                .route(head().to(server_info::api_root)),
        )
        .service(
            read_only("/{root}/status/{status}")
                .route(get().to(server_info::status))
                .route(head().to(server_info::status)),
        )
        .service(
            read_only("/{root}/collections")
                .route(get().to(collections::list))
                .route(head().to(collections::list)),
        )
        .service(read_only(collection).route(get().to(collections::one)).route(head().to(collections::one)))
        .service(
            read_only(&format!("{collection}/manifest"))
                .route(get().to(collections::manifest))
                .route(head().to(collections::manifest)),
        )
        .service(
            at(&format!("{collection}/objects/{{object}}"))
                .route(get().to(objects::by_id))
                .route(head().to(objects::by_id))
                .route(web::delete().to(objects::delete))
                .default_service(web::to(|| refuse(Failure::Method("GET, HEAD, DELETE")))),
        )
        .service(
            read_only(&format!("{collection}/objects/{{object}}/versions"))
                .route(get().to(objects::versions))
                .route(head().to(objects::versions)),
        )
        .configure(audit_routes)
        .configure(export_routes)
        .default_service(web::to(|| refuse(Failure::NotFound)));
}

/// What waits for release, what publishing would come to, and what is handed in that is no STIX.
fn review_routes(config: &mut ServiceConfig) {
    let (get, post) = (|| web::method(actix_web::http::Method::GET), web::post);
    let head = || web::method(actix_web::http::Method::HEAD);
    let at = |path: &str| web::resource(format!("/liaison/v1/{path}{{slash:/?}}"));
    let read_only = |path: &str| at(path).default_service(web::to(|| refuse(Failure::Method("GET, HEAD"))));
    let post_only = |path: &str| at(path).default_service(web::to(|| refuse(Failure::Method("POST"))));
    config
        .service(post_only("review/release").route(post().to(review::release_several)))
        .service(post_only("review/decline").route(post().to(review::decline_several)))
        .service(read_only("review").route(get().to(review::list)).route(head().to(review::list)))
        .service(
            read_only("review/{submission}").route(get().to(review::show)).route(head().to(review::show)),
        )
        .service(post_only("review/{submission}/release").route(post().to(review::release)))
        .service(post_only("review/{submission}/decline").route(post().to(review::decline)))
        .service(post_only("preview/{root}/{collection}").route(post().to(preview::preview)))
        .service(post_only("submission/{root}/{collection}").route(post().to(submission::submit)));
}

/// The audit log's part of the table.
fn audit_routes(config: &mut ServiceConfig) {
    let get = || web::method(actix_web::http::Method::GET);
    let head = || web::method(actix_web::http::Method::HEAD);
    let at = |path: &str| web::resource(format!("/liaison/v1/audit{path}{{slash:/?}}"));
    let read_only = |path: &str| at(path).default_service(web::to(|| refuse(Failure::Method("GET, HEAD"))));
    config
        .service(read_only("").route(get().to(audit::log)).route(head().to(audit::log)))
        .service(
            read_only("/checkpoint").route(get().to(audit::checkpoint)).route(head().to(audit::checkpoint)),
        )
        .service(
            read_only("/consistency")
                .route(get().to(audit::consistency))
                .route(head().to(audit::consistency)),
        )
        .service(read_only("/inclusion").route(get().to(audit::inclusion)).route(head().to(audit::inclusion)))
        .service(
            read_only("/recipients/{object}")
                .route(get().to(audit::recipients))
                .route(head().to(audit::recipients)),
        );
}

/// What those fetch who never speak TAXII.
fn export_routes(config: &mut ServiceConfig) {
    let get = || web::method(actix_web::http::Method::GET);
    let head = || web::method(actix_web::http::Method::HEAD);
    let at = |path: &str| web::resource(format!("/liaison/v1/export{path}{{slash:/?}}"));
    let read_only = |path: &str| at(path).default_service(web::to(|| refuse(Failure::Method("GET, HEAD"))));
    config
        .service(read_only("").route(get().to(export::list)).route(head().to(export::list)))
        .service(read_only("/{name}").route(get().to(export::fetch)).route(head().to(export::fetch)))
        .service(read_only("/{name}/{file}").route(get().to(export::fetch)).route(head().to(export::fetch)));
}

async fn refuse(failure: Failure) -> Result<actix_web::HttpResponse, Failure> {
    Err(failure)
}
