//! A connection: whose it is, how many its client may have, and its end where the HTTP library
//! would leave it open.

use super::tls::{Certificate, Trust};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use parking_lot::Mutex;
use std::any::Any;
use std::collections::HashMap;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What all requests of one connection share.
pub(super) struct Connection {
    /// As the handshake has verified it.
    pub(super) certificate: Option<Certificate>,
    /// Set with the answer that is the last one.
    closing: AtomicBool,
    /// How many requests have begun.
    requests: AtomicU64,
    /// A second handle, to end what the HTTP library leaves open.
    socket: Option<std::net::TcpStream>,
    /// The client's share of connections, given back when this one ends.
    share: Option<Share>,
}

impl Connection {
    /// Counts a request; false if an answer before it was the last one.
    pub(super) fn begin(&self) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        !self.closing.load(Ordering::Relaxed)
    }

    /// The answer that goes out now is the last one.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// As [`Self::close`], where the peer may still be sending what nobody will read.
    pub(super) fn cut_off(self: &Arc<Self>) {
        self.close();
        let connection = Arc::downgrade(self);
        // The HTTP library would read a refused body to its end, and some have none.
        actix_web::rt::spawn(async move {
            tokio::time::sleep(CLOSED_AFTER).await;
            if let Some(connection) = connection.upgrade() {
                connection.end();
            }
        });
    }

    /// Ends it, whatever is still being read or written.
    fn end(&self) {
        if let Some(socket) = &self.socket {
            // It may be gone already, which is as well.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// How many connections each certificate has open, by its key.
#[derive(Default)]
pub(super) struct Shares(Mutex<HashMap<String, usize>>);

struct Share(Arc<Shares>, String);

impl Share {
    fn take(shares: &Arc<Shares>, key: &str) -> Option<Self> {
        let mut open = shares.0.lock();
        let count = open.entry(key.to_owned()).or_default();
        if *count >= CONNECTIONS_PER_CLIENT {
            return None;
        }
        *count += 1;
        Some(Self(shares.clone(), key.to_owned()))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut open = self.0.0.lock();
        match open.get_mut(&self.1) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.1)),
        }
    }
}

/// Keeps what a request needs to know of its connection. It cannot refuse, so a certificate that
/// is missing here is refused when a request comes.
pub(super) fn on_connect(trust: &Trust, shares: &Arc<Shares>, connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<TcpStream>>();
    let chain = stream.and_then(|stream| stream.get_ref().1.peer_certificates());
    let certificate = chain.and_then(|chain| trust.certificate(chain));
    let socket = stream.and_then(|stream| stream.get_ref().0.as_fd().try_clone_to_owned().ok());
    let connection = Arc::new(Connection {
        share: certificate.as_ref().and_then(|found| Share::take(shares, &found.credential.key_sha256)),
        certificate,
        closing: AtomicBool::new(false),
        requests: AtomicU64::new(0),
        socket: socket.map(Into::into),
    });
    if connection.certificate.is_some() && connection.share.is_none() {
        connection.end();
    }
    actix_web::rt::spawn(end_if_idle(Arc::downgrade(&connection)));
    data.insert(connection);
}

/// Bounds what the HTTP library does not: the head of a request that is not the first one.
async fn end_if_idle(connection: Weak<Connection>) {
    let mut seen = None;
    loop {
        let Some(found) = connection.upgrade() else {
            return;
        };
        let requests = Some(found.requests.load(Ordering::Relaxed));
        if seen == requests {
            return found.end();
        }
        seen = requests;
        drop(found);
        tokio::time::sleep(NEXT_REQUEST).await;
    }
}

const CONNECTIONS_PER_CLIENT: usize = 128;
/// In which a next request must have begun. The sending of an answer falls into it too, and may
/// take its time as long as the peer goes on reading.
const NEXT_REQUEST: Duration = Duration::from_secs(600);
/// In which a peer that was refused must have read why.
const CLOSED_AFTER: Duration = Duration::from_secs(3);
