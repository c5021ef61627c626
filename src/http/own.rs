//! What is ours beside TAXII: who am I to this server?

use super::App;
use super::collections::resource;
use super::peer::Caller;
use crate::policy::{Directory, Peer};
use crate::registry::Role;
use crate::taxii::resource::Collection;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

/// What the server knows of the client that asks.
#[derive(Debug, Serialize, Deserialize)]
pub struct Whoami {
    /// The organisation's slug.
    pub organisation: String,
    /// Its name.
    pub name: String,
    /// Its STIX identity, in whose name it publishes.
    pub identity: String,
    /// `organisation/client`.
    pub client: String,
    /// What it may do.
    pub role: Role,
    /// The most restricted level it may handle.
    pub tlp_max: crate::stix::Tlp,
    /// The collections it may use, by API root.
    pub api_roots: Vec<Root>,
    /// The server's version.
    pub server_version: String,
    /// The server's clock.
    pub server_time: String,
}

/// An API root with what the client may use in it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Root {
    /// Its URL.
    pub url: String,
    /// Collections as the client sees them.
    pub collections: Vec<Collection>,
}

/// In whose name a client speaks: the id of an identity, and its name.
pub(super) fn author(directory: &Directory, peer: &Peer) -> (String, String) {
    let own = directory.registry().organisations.iter().find(|found| found.id == peer.organisation());
    own.map(|own| (own.identity(), own.name.clone())).unwrap_or_default()
}

/// `GET /liaison/v1/whoami`
pub(super) async fn whoami(app: web::Data<App>, Caller(peer): Caller) -> HttpResponse {
    let directory = app.directory.load();
    let (identity, name) = author(&directory, &peer);
    let roots = directory.roots(&peer).into_iter().map(|root| Root {
        url: format!("{}/{root}/", app.settings.public_url),
        collections: directory.grants(&peer, root).iter().map(resource).collect(),
    });
    let answer = Whoami {
        organisation: peer.organisation().to_owned(),
        name,
        identity,
        client: peer.name().to_string(),
        role: peer.role(),
        tlp_max: peer.tlp_max(),
        api_roots: roots.collect(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        server_time: app.clock.now().to_string(),
    };
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(answer)
}
