//! Transport (TAXII 2.1 §1.6.6, §8.2.2, §8.3.1).

use crate::app::{INDICATORS, TAXII, TestApp, objects_of};
use crate::raw;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

const REQUEST: &[u8] = b"GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn version_spoken(
    app: &TestApp,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ProtocolVersion {
    let mut stream = raw::connect(app, &Arc::new(raw::config("cert-a/feed", versions)));
    stream.write_all(REQUEST).unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    assert!(text.starts_with(b"HTTP/1.1 200 OK\r\n"));
    stream.conn.protocol_version().unwrap()
}

#[test]
fn tls_1_2_and_1_3_are_accepted() {
    let app = TestApp::start();
    assert_eq!(version_spoken(&app, &[&rustls::version::TLS12]), rustls::ProtocolVersion::TLSv1_2);
    assert_eq!(version_spoken(&app, &[&rustls::version::TLS13]), rustls::ProtocolVersion::TLSv1_3);
}

#[test]
fn nothing_is_answered_without_tls() {
    let app = TestApp::start();
    let mut socket = TcpStream::connect(app.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    socket.write_all(REQUEST).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert!(!answer.windows(4).any(|four| four == b"HTTP"), "{answer:?}");
}

#[test]
fn nothing_is_answered_without_a_client_certificate() {
    let app = TestApp::start();
    let mut roots = rustls::RootCertStore::empty();
    let ca = rustls::pki_types::pem::PemObject::from_pem_slice(&crate::app::Authority::get().ca).unwrap();
    roots.add(ca).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let mut stream = raw::connect(&app, &Arc::new(config));
    let mut answer = Vec::new();
    let sent = stream.write_all(REQUEST).and_then(|()| stream.read_to_end(&mut answer));
    assert!(sent.is_err() && answer.is_empty());
}

#[test]
fn no_session_is_resumed_and_no_early_data_taken() {
    let app = TestApp::start();
    let mut config = raw::config("cert-a/feed", &[&rustls::version::TLS13]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    for _ in 0..3 {
        let mut stream = raw::connect(&app, &config);
        assert!(stream.conn.early_data().is_none(), "the server has offered early data before");
        stream.write_all(REQUEST).unwrap();
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        assert!(text.starts_with(b"HTTP/1.1 200"));
        assert_eq!(stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
}

/// A ClientHello as sent by hand: the version in its legacy field, and these cipher suites.
fn client_hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let mut body = vec![version[0], version[1]];
    body.extend([7; 32]);
    body.push(0);
    body.extend(u16::try_from(suites.len() * 2).unwrap().to_be_bytes());
    suites.iter().for_each(|suite| body.extend(suite.to_be_bytes()));
    body.extend([1, 0]);
    // supported_groups: secp256r1, x25519; ec_point_formats; signature_algorithms; no extended master secret.
    let extensions: [&[u8]; 3] = [
        &[0, 10, 0, 6, 0, 4, 0, 23, 0, 29],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 2, 1],
    ];
    let extensions = extensions.concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut hello = vec![1, 0];
    hello.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    hello.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(hello.len()).unwrap().to_be_bytes());
    record.extend(hello);
    record
}

/// The content type of the first record that comes back: 22 goes on, 21 is an alert.
fn first_record(app: &TestApp, hello: &[u8]) -> u8 {
    let mut socket = TcpStream::connect(app.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    socket.write_all(hello).unwrap();
    let mut kind = [0];
    match socket.read_exact(&mut kind) {
        Ok(()) => kind[0],
        Err(_) => 0,
    }
}

/// ECDHE with AES-GCM or ChaCha20.
const GOOD: [u16; 3] = [0xc02b, 0xc02c, 0xcca9];

#[test]
fn tls_1_1_and_older_are_refused() {
    let app = TestApp::start();
    assert_eq!(first_record(&app, &client_hello([3, 3], &GOOD)), 22, "TLS 1.2 goes on with the same hello");
    for version in [[3, 0], [3, 1], [3, 2]] {
        assert_ne!(first_record(&app, &client_hello(version, &GOOD)), 22, "{version:?}");
    }
}

#[test]
fn cipher_suites_without_ephemeral_keys_or_aead_are_refused() {
    let app = TestApp::start();
    // NULL, RC4, 3DES, static RSA with CBC and GCM, ECDHE with CBC, anonymous, PSK.
    for suite in [
        0x0001, 0x0005, 0x000a, 0x002f, 0x0035, 0x009c, 0x009d, 0xc009, 0xc00a, 0xc013, 0xc014, 0xc023,
        0xc024, 0xc027, 0x0034, 0x00a8,
    ] {
        assert_ne!(first_record(&app, &client_hello([3, 3], &[suite])), 22, "{suite:04x}");
    }
    for suite in GOOD {
        assert_eq!(first_record(&app, &client_hello([3, 3], &[suite])), 22, "{suite:04x}");
    }
}

#[test]
fn only_http_1_1_is_offered() {
    let app = TestApp::start();
    let mut config = raw::config("cert-a/feed", rustls::DEFAULT_VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut stream = raw::connect(&app, &Arc::new(config));
    stream.write_all(REQUEST).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
}

#[test]
fn answers_are_the_same_over_tls_1_2() {
    let app = TestApp::start();
    let mut stream = raw::connect(&app, &Arc::new(raw::config("cert-a/feed", &[&rustls::version::TLS12])));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: {TAXII}\r\nConnection: close\r\n\r\n",
        objects_of(INDICATORS)
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.ends_with("\r\n\r\n{}"), "{text}");
}
