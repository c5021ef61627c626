//! A TAXII 2.1 client, for our own server and for others.
//!
//! * [`access`]: who we are to a server, and what we put up with from it
//! * `deliver`: envelopes are sent, and their final status is waited for

pub mod access;
mod deliver;

pub use access::Access;

use crate::clock::Clock;
use crate::push::backoff;
use crate::stix::Timestamp;
use crate::taxii::media;
use crate::taxii::resource::{ApiRoot, Collection, Collections, Discovery, ErrorMessage, Status};
use bytes::Bytes;
use reqwest::{Response, StatusCode, header};
use serde::de::DeserializeOwned;
use std::time::Duration;
use url::Url;

/// A server, and who we are to it.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    /// Bytes that an answer may have.
    bytes_max: usize,
}

/// What goes wrong between us and a server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Our own files or arguments.
    #[error("{0}")]
    Setup(String),
    /// No connection, or one that broke.
    #[error("{0}")]
    Unreachable(String),
    /// The server said no.
    #[error("the server answers {status} to {url}: {message}")]
    Refused {
        /// Its status code.
        status: u16,
        /// What was asked for.
        url: String,
        /// Its words.
        message: String,
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
    },
    /// An answer that is not TAXII.
    #[error("the answer of {0} is not TAXII 2.1: {1}")]
    Protocol(String, String),
    /// An answer that is larger than we take.
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// What we take.
        limit: usize,
    },
}

impl ClientError {
    /// May the same request succeed later?
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 507),
            Self::Setup(_) | Self::Protocol(..) | Self::TooLarge { .. } => false,
        }
    }
}

/// A collection with where it is.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its API root's URL.
    pub root: Url,
    /// Its own URL.
    pub url: Url,
    /// What the server says of it.
    pub collection: Collection,
    /// The largest body that its API root takes.
    pub max_content_length: u64,
}

/// A page as it came.
pub struct PageIn {
    /// The body.
    pub body: Bytes,
    /// `X-TAXII-Date-Added-Last`.
    pub last: Option<String>,
}

/// What a server answers with.
pub struct Answer {
    /// Its headers.
    pub headers: header::HeaderMap,
    /// Its status: a success, or 304.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl Client {
    /// Prepares connections; nothing is sent yet. Redirects are followed within a server only, and no authority
    /// but the one given is believed.
    pub fn new(access: &Access) -> Result<Self, ClientError> {
        let (http, base) = access.connect()?;
        Ok(Self { http, base, bytes_max: access.limits.bytes_max })
    }

    /// The server's URL, without a path.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// A path or URL of this server; of another one it is an error.
    pub fn within(&self, path: &str) -> Result<Url, ClientError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| ClientError::Protocol(path.to_owned(), error.to_string()))?;
        match url.origin() == self.base.origin() {
            true => Ok(url),
            false => Err(ClientError::Protocol(url.to_string(), "it is on another server".to_owned())),
        }
    }

    /// A resource of the server by its path.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = self.base.join(path).map_err(|error| ClientError::Setup(error.to_string()))?;
        self.resource(&url).await
    }

    /// Has a hub of our own kind do something.
    pub async fn order<T: DeserializeOwned>(
        &self,
        path: &str,
        order: &serde_json::Value,
    ) -> Result<T, ClientError> {
        let url = self.base.join(path).map_err(|error| ClientError::Setup(error.to_string()))?;
        self.post(&url, "application/json", order.to_string().into()).await
    }

    /// What adding an envelope would come to; only hubs of our own kind can tell.
    pub async fn preview<T: DeserializeOwned>(&self, of: &Found, body: Bytes) -> Result<T, ClientError> {
        let root = of.root.path().trim_matches('/');
        let path = format!("/liaison/v1/preview/{root}/{}", of.collection.id);
        let url = self.base.join(&path).map_err(|error| ClientError::Setup(error.to_string()))?;
        self.post(&url, media::TAXII, body).await
    }

    /// Every collection that the server shows us.
    pub async fn collections(&self) -> Result<Vec<Found>, ClientError> {
        let discovery: Discovery = self.get("/taxii2/").await?;
        let mut found = Vec::new();
        for root in discovery.api_roots {
            let root =
                self.base.join(&root).map_err(|error| ClientError::Protocol(root, error.to_string()))?;
            // It may lead to another path, but not with our credentials to another server.
            if root.origin() != self.base.origin() {
                let what = "it is an API root on another server; name that server itself".to_owned();
                return Err(ClientError::Protocol(root.to_string(), what));
            }
            let api_root: ApiRoot = self.resource(&root).await?;
            let list = join(&root, "collections/")?;
            let collections: Collections = self.resource(&list).await?;
            for collection in collections.collections {
                found.push(Found {
                    url: join(&list, &format!("{}/", collection.id))?,
                    root: root.clone(),
                    collection,
                    max_content_length: api_root.max_content_length,
                });
            }
        }
        Ok(found)
    }

    /// Adds an envelope (TAXII 2.1 §5.5).
    pub async fn add(&self, to: &Found, body: Bytes) -> Result<Status, ClientError> {
        let url = join(&to.url, "objects/")?;
        self.post(&url, media::TAXII, body).await
    }

    /// Asks what became of an envelope (TAXII 2.1 §4.3).
    pub async fn status(&self, at: &Found, id: &str) -> Result<Status, ClientError> {
        self.resource(&join(&at.root, &format!("status/{id}/"))?).await
    }

    /// A page of a collection (TAXII 2.1 §5.4).
    pub async fn page(&self, of: &Found, query: &[(&str, String)]) -> Result<PageIn, ClientError> {
        let mut url = join(&of.url, "objects/")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = self.fetch(&url, media::TAXII, &[]).await?;
        let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        // Answers without a type are taken for what they are.
        if let Some(kind) = kind.filter(|kind| !media::is_json(kind)) {
            return Err(ClientError::Protocol(url.to_string(), format!("its Content-Type is {kind}")));
        }
        let last = answer.headers.get("x-taxii-date-added-last");
        let last = last.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(PageIn { body: answer.body, last })
    }

    /// Asks for something of the server by its whole URL.
    pub async fn fetch(
        &self,
        url: &Url,
        accept: &str,
        headers: &[(header::HeaderName, &str)],
    ) -> Result<Answer, ClientError> {
        let mut request = self.http.get(url.clone()).header(header::ACCEPT, accept);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response = request.send().await.map_err(|error| unreachable(url, &error))?;
        let mut response = match response.status() {
            StatusCode::NOT_MODIFIED => response,
            _ => accepted(url, response).await?,
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, body: self.body(url, &headers, response).await?, headers })
    }

    async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        content_type: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let request = self
            .http
            .post(url.clone())
            .header(header::ACCEPT, media::TAXII)
            .header(header::CONTENT_TYPE, content_type)
            .body(body);
        let response = request.send().await.map_err(|error| unreachable(url, &error))?;
        let mut response = accepted(url, response).await?;
        let headers = std::mem::take(response.headers_mut());
        parse(url, &self.body(url, &headers, response).await?)
    }

    async fn resource<T: DeserializeOwned>(&self, url: &Url) -> Result<T, ClientError> {
        parse(url, &self.fetch(url, media::TAXII, &[]).await?.body)
    }

    /// Reads a body as it comes, up to the limit.
    async fn body(
        &self,
        url: &Url,
        headers: &header::HeaderMap,
        mut response: Response,
    ) -> Result<Bytes, ClientError> {
        let limit = self.bytes_max;
        let too_large = || ClientError::TooLarge { url: url.to_string(), limit };
        let coding = headers.get(header::CONTENT_ENCODING);
        if let Some(coding) = coding.filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            let what = format!("it is packed ({coding:?}), which was not asked for");
            return Err(ClientError::Protocol(url.to_string(), what));
        }
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut body = bytes::BytesMut::with_capacity(announced.unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

pub(crate) fn join(url: &Url, path: &str) -> Result<Url, ClientError> {
    let mut base = url.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", url.path()));
    }
    base.join(path).map_err(|error| ClientError::Protocol(url.to_string(), error.to_string()))
}

async fn accepted(url: &Url, response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    // Dates count from the server's own clock, and from ours if it tells none.
    let its =
        header(header::DATE).and_then(backoff::http_date).map(|now| Timestamp::from_micros(now * 1_000_000));
    let now = its.unwrap_or_else(|| Clock::system().now());
    let to = header(header::LOCATION).map(|to| format!("it sends us to {to}, which is elsewhere"));
    let retry_after = header(header::RETRY_AFTER).and_then(|value| backoff::retry_after(value, now));
    let text = start_of(response).await;
    let message = match serde_json::from_str::<ErrorMessage>(&text) {
        Ok(found) => {
            let parts =
                [Some(found.title), found.description, found.error_id.map(|id| format!("(error_id {id})"))];
            parts.into_iter().flatten().collect::<Vec<_>>().join(". ")
        }
        Err(_) if status == StatusCode::UNAUTHORIZED => "it does not know who we are".to_owned(),
        Err(_) if status.is_redirection() => to.unwrap_or_default(),
        Err(_) => text.chars().take(200).collect(),
    };
    Err(ClientError::Refused { status: status.as_u16(), url: url.to_string(), message, retry_after })
}

fn parse<T: DeserializeOwned>(url: &Url, body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|error| ClientError::Protocol(url.to_string(), error.to_string()))
}

/// What an error answer says, as far as it matters.
async fn start_of(mut response: Response) -> String {
    let mut start = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        start.extend_from_slice(&chunk);
        if start.len() > ERROR_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}

/// Says what to do about the connection errors that certificates cause.
fn unreachable(url: &Url, error: &reqwest::Error) -> ClientError {
    let reason = reason(error);
    let hints = [
        ("CertificateRevoked", "the server has revoked our certificate; ask its operator for a new one"),
        ("CertificateExpired", "our certificate has expired; ask the server's operator for a new one"),
        ("CertificateUnknown", "the server does not accept our certificate"),
        ("CertificateRequired", "the server wants a client certificate; give --cert and --key"),
        (
            "UnknownCA",
            "the server does not know the authority of our certificate; use one that its operator issued",
        ),
        // Another authority of the same name, as after a second `liaison init`.
        (
            "DecryptError",
            "the server does not know the authority of our certificate; use one that its operator issued",
        ),
        ("BadSignature", "the server's certificate is not from the authority in --ca"),
        ("UnknownIssuer", "the server's certificate is not from the authority in --ca"),
        (
            "NotValidForName",
            "the server's certificate is for another host name; use one that it names in --url",
        ),
        ("Connection refused", "nothing listens there; is the server running, and the port right?"),
    ];
    let hint = hints.iter().find(|(sign, _)| reason.contains(sign));
    let hint = hint.map(|(_, hint)| format!(": {hint}")).unwrap_or_default();
    ClientError::Unreachable(format!(
        "no connection to {}{hint} ({reason})",
        url.origin().ascii_serialization()
    ))
}

/// The innermost cause, where the real reason stands.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Bytes that are read of an error.
const ERROR_BYTES_MAX: usize = 64 * 1024;
