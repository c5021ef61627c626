//! Posting over HTTPS, for those who take rows so.

use super::{Failure, backoff};
use crate::stix::Timestamp;
use reqwest::header;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::{Host, Url};

/// A service that takes rows over HTTPS.
#[derive(Debug, Clone)]
pub struct Service {
    url: Url,
    token_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    index: Option<String>,
}

impl Service {
    /// A service whose transport is encrypted (governance §5), or that is this machine.
    pub fn new(
        url: &str,
        token_file: Option<PathBuf>,
        ca: Option<PathBuf>,
        index: Option<String>,
    ) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("url: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url: no names or passwords in it; put the token into token_file".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() || url.host().is_none() {
            return Err("url: expected https://HOST[:PORT][/PATH]".to_owned());
        }
        match url.scheme() {
            "https" if ca.is_none() => Err(
                "ca: name the file of the authorities that may have signed the target's certificate, such as /etc/ssl/certs/ca-certificates.crt"
                    .to_owned(),
            ),
            "https" => Ok(Self { url, token_file, ca, index }),
            "http" if is_loopback(&url) => Ok(Self { url, token_file, ca, index }),
            "http" => Err(format!(
                "url: {url} is not encrypted, and objects may ask for encryption in transit; use https (http is for loopback addresses only)"
            )),
            other => Err(format!("url: {other} is neither https nor http to a loopback address")),
        }
    }

    /// A client that believes the given authorities and nobody else, and follows nobody elsewhere.
    pub fn client(&self) -> Result<reqwest::Client, Failure> {
        let mut authorities = Vec::new();
        if let Some(path) = &self.ca {
            let pem = std::fs::read(path).map_err(|error| Failure::of_file(path, &error))?;
            authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| Failure::of_file(path, &reason(&error)))?;
            if authorities.is_empty() {
                return Err(Failure::of_file(path, &"no certificate is in it"));
            }
        }
        reqwest::Client::builder()
            .tls_certs_only(authorities)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("liaison/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(|error| Failure::Failed(reason(&error)))
    }

    fn token(&self, scheme: &str) -> Result<Option<header::HeaderValue>, Failure> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = secret(path)?;
        let value = header::HeaderValue::from_str(&format!("{scheme} {text}"));
        let mut value = value.map_err(|_| Failure::of_file(path, &"this is no token"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The index that rows go to.
    pub(super) fn index(&self) -> Option<&str> {
        self.index.as_deref()
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        if !base.ends_with(path) {
            url.set_path(&format!("{base}{path}"));
        }
        url
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.url, self.index.as_deref().unwrap_or("-"))
    }
}

/// The text of a file that nobody else can read.
pub fn secret(path: &Path) -> Result<String, Failure> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path).map_err(|error| Failure::of_file(path, &error))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(Failure::of_file(path, &format!("others can read it: chmod 600 {}", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::of_file(path, &error))?;
    match text.trim() {
        "" => Err(Failure::of_file(path, &"it is empty")),
        text => Ok(text.to_owned()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Posts bodies, one after the other.
pub(super) struct Poster<'a> {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    url: Url,
    token: Option<header::HeaderValue>,
    clock: &'a dyn Fn() -> Timestamp,
}

impl<'a> Poster<'a> {
    pub(super) fn new(
        service: &Service,
        path: &str,
        scheme: &str,
        clock: &'a dyn Fn() -> Timestamp,
    ) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            client: service.client()?,
            runtime: runtime.map_err(|error| Failure::Failed(error.to_string()))?,
            url: service.at(path),
            token: service.token(scheme)?,
            clock,
        })
    }

    /// The answer to a body, if it is the whole answer of a success.
    pub(super) fn post(&self, media_type: &'static str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        self.runtime.block_on(self.posted(media_type, body))
    }

    async fn posted(&self, media_type: &'static str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let mut request = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, media_type);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let broken = |error: reqwest::Error| Failure::Failed(format!("{}: {}", self.url, reason(&error)));
        let mut response = request.body(body).send().await.map_err(broken)?;
        let status = response.status();
        let wait = response.headers().get(header::RETRY_AFTER);
        let wait = wait.and_then(|value| backoff::retry_after(value.to_str().ok()?, (self.clock)()));
        let mut bytes = Vec::new();
        let read = async {
            while let Some(chunk) = response.chunk().await? {
                if bytes.len() + chunk.len() > ANSWER_MAX {
                    break;
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(())
        };
        let read: Result<(), reqwest::Error> = read.await;
        if status.as_u16() == 200 {
            return read.map_err(broken).map(|()| bytes);
        }
        let said = String::from_utf8_lossy(&bytes);
        let what = format!(
            "{} answers {}: {}",
            self.url,
            status.as_u16(),
            crate::export::format::one_line(&said, 200)
        );
        Err(match (status.as_u16(), wait) {
            (413, _) => Failure::TooLarge(what),
            (_, Some(time)) => Failure::Wait { what, time },
            (_, None) => Failure::Failed(what),
        })
    }

    pub(super) fn strange(&self, answer: &[u8]) -> Failure {
        let said = String::from_utf8_lossy(&answer[..answer.len().min(400)]);
        let said = crate::export::format::one_line(&said, 200);
        Failure::Failed(format!("{} answers something else than it should: {said}", self.url))
    }
}

/// The innermost cause, where the real reason stands.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn service(url: &str) -> Result<Service, String> {
        Service::new(url, None, Some("ca.pem".into()), Some("i".to_owned()))
    }

    #[test]
    fn only_what_is_encrypted_or_this_machine_is_a_service() {
        for good in [
            "https://siem.example:8088",
            "https://10.0.0.1/x/",
            "http://127.0.0.1:9200",
            "http://[::1]:9200",
            "http://localhost",
        ] {
            assert!(service(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://siem.example:8088",
            "http://10.0.0.1",
            "http://127.0.0.1.example",
            "http://localhost.example",
        ] {
            let error = service(wrong).unwrap_err();
            assert!(error.contains("not encrypted") && error.contains("loopback"), "{error}");
        }
        for wrong in [
            "ftp://a.example",
            "https://u:p@a.example",
            "https://a.example/?x=1",
            "a.example",
            "https://a.example/#x",
        ] {
            assert!(service(wrong).is_err(), "{wrong}");
        }
        assert!(Service::new("https://a.example", None, None, None).unwrap_err().contains("ca:"));
    }

    #[test]
    fn paths_go_below_that_of_the_url() {
        let at = |url: &str, path| service(url).unwrap().at(path).to_string();
        assert_eq!(at("https://a.example", "/_bulk"), "https://a.example/_bulk");
        assert_eq!(at("https://a.example/es/", "/_bulk"), "https://a.example/es/_bulk");
        let whole = "https://a.example/services/collector/event";
        assert_eq!(at(whole, "/services/collector/event"), whole);
    }

    #[test]
    fn a_token_that_others_can_read_is_no_secret() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        let mode =
            |mode| std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::write(file.path(), "abc\n").unwrap();
        mode(0o600);
        assert_eq!(secret(file.path()), Ok("abc".to_owned()));
        mode(0o640);
        assert!(secret(file.path()).unwrap_err().to_string().contains("chmod 600"));
        mode(0o600);
        std::fs::write(file.path(), " \n").unwrap();
        assert!(secret(file.path()).is_err());
    }
}
