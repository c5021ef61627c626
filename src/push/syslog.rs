//! Sending over syslog: messages of RFC 5424, over TLS as RFC 5425 has it.
//!
//! Syslog acknowledges nothing. But a receiver must answer the end of a TLS connection with its own
//! (RFC 5425 §4.4), and it does so once it has read everything before. So each batch has a connection, and
//! is acknowledged by the receiver's `close_notify`; a connection that ends otherwise acknowledges nothing.

use super::{Answer, Failure, Item, Sender};
use crate::stix::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A receiver of syslog over TLS.
#[derive(Debug, Clone)]
pub struct Receiver {
    name: ServerName<'static>,
    port: u16,
    ca: PathBuf,
}

impl Receiver {
    /// A receiver at `HOST`, `HOST:PORT` or `[IPV6]:PORT`, whose certificate these authorities have signed.
    pub fn new(address: &str, ca: Option<PathBuf>) -> Result<Self, String> {
        let wrong = || format!("address: `{address}` is not HOST or HOST:PORT");
        let ca = ca.ok_or("ca: name the file of the authorities that may have signed the target's certificate; syslog goes over TLS only")?;
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?)
            }
            _ => (address, PORT),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong())?;
        Ok(Self { name, port, ca })
    }

    /// TLS that believes the given authorities and nobody else.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::of_file(&self.ca, error);
        let pem = std::fs::read(&self.ca).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| failed(&error))?;
            // A system's roots may hold some that are of no use here.
            let _ = roots.add(certificate);
        }
        if roots.is_empty() {
            return Err(failed(&"no certificate of an authority is in it"));
        }
        Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
    }

    fn connect(&self, tls: &Arc<ClientConfig>) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut last = io::Error::other("the name has no address");
        for address in (&*self.name.to_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIME_MAX) {
                Ok(socket) => {
                    socket.set_read_timeout(Some(TIME_MAX))?;
                    socket.set_write_timeout(Some(TIME_MAX))?;
                    let connection = ClientConnection::new(tls.clone(), self.name.clone());
                    return Ok(StreamOwned::new(connection.map_err(io::Error::other)?, socket));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl std::fmt::Display for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name.to_str(), self.port)
    }
}

/// Sends to a receiver. It keeps messages, and deletes none.
pub struct Syslog<'a> {
    receiver: &'a Receiver,
    tls: Arc<ClientConfig>,
    host: String,
    export: String,
    clock: &'a dyn Fn() -> Timestamp,
}

impl<'a> Syslog<'a> {
    /// Prepares it; nothing is sent yet.
    pub fn new(
        receiver: &'a Receiver,
        host: &str,
        export: &str,
        clock: &'a dyn Fn() -> Timestamp,
    ) -> Result<Self, Failure> {
        let tls = receiver.tls()?;
        Ok(Self { receiver, tls, host: word(host, 255), export: word(export, 32), clock })
    }

    fn deliver(&self, batch: &[Item]) -> io::Result<()> {
        let mut stream = self.receiver.connect(&self.tls)?;
        let now = (self.clock)();
        for line in batch.iter().filter_map(|item| item.line.as_deref()) {
            stream.write_all(&frame(line, &self.host, &self.export, now))?;
        }
        stream.flush()?;
        stream.conn.send_close_notify();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut stream.sock)?;
        }
        wait_for_end(&mut stream)
    }
}

impl Sender for Syslog<'_> {
    fn send(&mut self, batch: &[Item]) -> Result<Vec<Answer>, Failure> {
        match self.deliver(batch) {
            Ok(()) => Ok(vec![Answer::Taken; batch.len()]),
            Err(error) => Err(Failure::Failed(format!("{}: {error}", self.receiver))),
        }
    }
}

/// Waits until the receiver has ended the connection as TLS has it. What else it says does not matter.
fn wait_for_end(stream: &mut impl Read) -> io::Result<()> {
    let begun = Instant::now();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) if begun.elapsed() < TIME_MAX => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other(
                    "it ended the connection without a close_notify (RFC 5425 §4.4), so nobody knows whether it has the messages",
                ));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(io::Error::other(
                    "it does not answer the end of the connection with its own (RFC 5425 §4.4), so nobody knows whether it has the messages",
                ));
            }
            Err(error) => return Err(error),
            Ok(_) => return Err(io::Error::other("it says something and does not end")),
        }
    }
}

/// A message with its length (RFC 5425 §4.3): facility local0, severity informational.
fn frame(line: &[u8], host: &str, export: &str, now: Timestamp) -> Vec<u8> {
    let mut message = format!("<134>1 {now} {host} liaison - {export} - ").into_bytes();
    message.extend_from_slice(line);
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.append(&mut message);
    frame
}

/// A text as a header has it: printable ASCII without spaces, and never empty (RFC 5424 §6).
fn word(text: &str, longest: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

/// Where syslog over TLS is, if nothing else is said (RFC 5425 §4.1).
const PORT: u16 = 6514;
const TIME_MAX: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_its_octets() {
        let now = Timestamp::parse("2026-11-23T06:00:00Z").unwrap();
        let frame = String::from_utf8(frame("CEF:0|ü".as_bytes(), "hub.example", "soc", now)).unwrap();
        let message = "<134>1 2026-11-23T06:00:00.000000Z hub.example liaison - soc - CEF:0|ü";
        assert_eq!(frame, format!("{} {message}", message.len()));
    }

    #[test]
    fn addresses_have_a_port_or_the_usual_one() {
        let at = |text: &str| Receiver::new(text, Some("ca".into())).map(|found| found.to_string());
        assert_eq!(at("log.example").unwrap(), "log.example:6514");
        assert_eq!(at("10.0.0.1:601").unwrap(), "10.0.0.1:601");
        assert_eq!(at("[2001:db8::1]:601").unwrap(), "2001:db8::1:601");
        assert_eq!(at("2001:db8::1").unwrap(), "2001:db8::1:6514");
        for wrong in
            ["", ":1", "a b", "log.example:", "log.example:0", "log.example:70000", "tcp://log.example"]
        {
            assert!(at(wrong).is_err(), "{wrong}");
        }
        assert!(Receiver::new("log.example", None).unwrap_err().contains("TLS"));
    }

    #[test]
    fn words_of_the_header_have_no_spaces() {
        assert_eq!(
            (word("a b\nü", 9), word("", 9), word("abc", 2)),
            ("ab".to_owned(), "-".to_owned(), "ab".to_owned())
        );
    }

    #[test]
    fn only_an_end_as_tls_has_it_acknowledges() {
        struct Ends(io::ErrorKind);
        impl Read for Ends {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
        }
        assert!(wait_for_end(&mut &b"some words"[..]).is_ok());
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::WouldBlock, io::ErrorKind::ConnectionReset]
        {
            assert!(wait_for_end(&mut Ends(kind)).is_err());
        }
    }
}
