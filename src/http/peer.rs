//! From a connection's certificate to a peer, anew for every request, and what a request may
//! take part in.

use super::App;
use super::error::Failure;
use super::tls::{Certificate, Trust};
use crate::policy::{Grant, Peer};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, Payload};
use actix_web::rt::net::TcpStream;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use std::any::Any;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What all requests of one connection share.
pub(super) struct Connection {
    certificate: Option<Certificate>,
    /// Set with the answer that is the last one.
    pub(super) closing: AtomicBool,
}

/// Keeps the certificate of a new connection; it cannot refuse, so what is missing here is
/// refused by [`identify`].
pub(super) fn on_connect(trust: &Trust, connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<TcpStream>>();
    let chain = stream.and_then(|stream| stream.get_ref().1.peer_certificates());
    data.insert(Arc::new(Connection {
        certificate: chain.and_then(|chain| trust.certificate(chain)),
        closing: AtomicBool::new(false),
    }));
}

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
