//! From a connection's certificate to a peer, anew for every request, and what a request may
//! take part in.

use super::App;
use super::connection::Connection;
use super::error::Failure;
use crate::policy::{Credential, Grant, Peer};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use std::future::{Ready, ready};
use std::sync::Arc;

/// Who is asking, by the registry as it is now.
pub(super) fn identify(app: &App, request: &HttpRequest) -> Result<Arc<Peer>, Failure> {
    let connection = request.conn_data::<Arc<Connection>>().ok_or(Failure::UnknownClient)?;
    let certificate = connection.certificate.as_ref().ok_or(Failure::UnknownClient)?;
    let now = app.clock.now().micros() / 1_000_000;
    if app.trust.load().is_revoked(certificate, now) {
        return Err(Failure::RevokedClient);
    }
    let directory = app.directory.load();
    directory.find(&certificate.credential).ok_or(Failure::UnknownClient)
}

/// What the certificate of the request's connection says of its holder.
pub(super) fn credential(request: &HttpRequest) -> Option<Credential> {
    let connection = request.conn_data::<Arc<Connection>>()?;
    connection.certificate.as_ref().map(|certificate| certificate.credential.clone())
}

/// SHA-256 of the key of the certificate that a request came with, for the audit log.
pub(super) fn key_of(request: &HttpRequest) -> Option<&str> {
    let connection = request.conn_data::<Arc<Connection>>()?;
    connection.certificate.as_ref().map(|certificate| certificate.credential.key_sha256.as_str())
}

/// The client behind a request; there is no other way for a handler to have one.
pub(super) struct Caller(pub(super) Arc<Peer>);

impl FromRequest for Caller {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Arc<Peer>>().cloned();
        ready(found.map(Self).ok_or(Failure::UnknownClient))
    }
}

/// The collection that a path names, as this client may use it; 404 if not at all.
pub(super) struct At(pub(super) Grant);

impl FromRequest for At {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut find = || {
            let Caller(peer) = Caller::from_request(request, payload).into_inner()?;
            let app = request.app_data::<web::Data<App>>().ok_or(Failure::NotFound)?;
            let path = request.match_info();
            let grant = app.directory.load().grant(&peer, path.query("root"), path.query("collection"));
            grant.map(Self).ok_or(Failure::NotFound)
        };
        ready(find())
    }
}
