//! Requests written by hand over TLS, for what a well-behaved client would not send.

use crate::app::{Answer, Authority, TestApp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A client's TLS settings.
pub fn config(client: &str, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let authority = Authority::get();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority.ca).unwrap()).unwrap();
    let (cert, key) = authority.client(client);
    let cert = CertificateDer::from_pem_slice(cert).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![cert], key)
        .unwrap()
}

/// A connection whose handshake has not begun.
pub fn connect(
    app: &TestApp,
    config: &Arc<ClientConfig>,
) -> rustls::StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(config.clone(), name).unwrap();
    let socket = TcpStream::connect(app.address()).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    rustls::StreamOwned::new(connection, socket)
}

/// Sends a text as it is and reads until the server closes; only its first answer counts.
pub fn send(app: &TestApp, client: &str, text: &[u8]) -> Answer {
    let config = Arc::new(config(client, rustls::DEFAULT_VERSIONS));
    let mut stream = connect(app, &config);
    stream.write_all(text).unwrap();
    stream.flush().unwrap();
    let mut bytes = Vec::new();
    // A peer that closes without a farewell is no error here.
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes)
}

/// A request without headers but for those that it must have, and those given.
pub fn request(app: &TestApp, client: &str, line: &str, headers: &str) -> Answer {
    let text = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    send(app, client, text.as_bytes())
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}
