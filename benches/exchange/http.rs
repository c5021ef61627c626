//! A client for one kind of answer: HTTP/1.1 with `Content-Length`, over mutual TLS. Written by
//! hand because it shares the machine with what it measures.

use crate::hub::{Hub, server_name};
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where to connect to, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

impl Target {
    /// A hub, as one of its clients.
    pub(crate) fn new(hub: &Hub, organisation: &str, client: &str) -> anyhow::Result<Self> {
        Ok(Self { address: hub.address, tls: hub.tls(organisation, client)? })
    }
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer, as long as the next request is not sent.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        let tcp = TcpStream::connect(target.address).await?;
        tcp.set_nodelay(true)?;
        let stream = TlsConnector::from(target.tls.clone()).connect(server_name()?, tcp).await?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request, head and body, and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            let found = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = found {
                break end + 4;
            }
        };
        let length = content_length(&self.buffer[..head])?;
        self.buffer.reserve((head + length).saturating_sub(self.buffer.len()));
        while self.buffer.len() < head + length {
            self.more().await?;
        }
        let (head, body) = self.buffer.split_at(head);
        let head = std::str::from_utf8(head)?;
        let status = head.get(9..12).and_then(|code| code.parse().ok()).context("no status line")?;
        Ok(Answer { status, head, body })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        anyhow::ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

/// A GET as the TAXII clients send it.
pub(crate) fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\naccept: application/taxii+json;version=2.1\r\n\r\n")
        .into_bytes()
}

/// A POST of an envelope.
pub(crate) fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\naccept: application/taxii+json;version=2.1\r\n\
         content-type: application/taxii+json;version=2.1\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    const NAME: &[u8] = b"content-length:";
    // It has no body (RFC 9110 §15.4.5).
    if head.starts_with(b"HTTP/1.1 304") {
        return Ok(0);
    }
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME));
    let value = line.and_then(|line| std::str::from_utf8(&line[NAME.len()..]).ok());
    value.and_then(|value| value.trim().parse().ok()).context("no Content-Length")
}
