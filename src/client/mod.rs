//! A TAXII 2.1 client over mutual TLS, for our own server and for others.

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
}

/// What a connection takes; PEM texts.
pub struct Credentials<'a> {
    /// The server, with or without `/taxii2/` at the end.
    pub url: &'a str,
    /// The authority of its certificate.
    pub ca: &'a [u8],
    /// Our certificate.
    pub cert: &'a [u8],
    /// Its key.
    pub key: &'a [u8],
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
}

impl ClientError {
    /// May the same request succeed later?
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 507),
            Self::Setup(_) | Self::Protocol(..) => false,
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

impl Client {
    /// Prepares connections; nothing is sent yet. Redirects are never followed, and no authority
    /// but the one given is believed.
    pub fn new(credentials: &Credentials) -> Result<Self, ClientError> {
        let setup =
            |what: &str, error: &dyn std::fmt::Display| ClientError::Setup(format!("{what}: {error}"));
        let base = Url::parse(credentials.url).map_err(|error| setup("the server's URL", &error))?;
        if base.scheme() != "https" || base.host().is_none() {
            return Err(setup("the server's URL", &"expected https://HOST[:PORT]"));
        }
        let pem = [credentials.cert, b"\n", credentials.key].concat();
        let identity = reqwest::Identity::from_pem(&pem)
            .map_err(|error| setup("certificate and key", &reason(&error)))?;
        let authorities = reqwest::Certificate::from_pem_bundle(credentials.ca)
            .map_err(|error| setup("the server's CA", &reason(&error)))?;
        let http = reqwest::Client::builder()
            .identity(identity)
            .tls_certs_only(authorities)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("liaison/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .timeout(Duration::from_secs(300))
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| setup("certificate and key", &reason(&error)))?;
        Ok(Self { http, base })
    }

    /// The server's URL, without a path.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
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
        let response = self.send(&url).await?;
        let last = response.headers().get("x-taxii-date-added-last");
        let last = last.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.map_err(|error| unreachable(&url, &error))?;
        Ok(PageIn { body, last })
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
        parse(url, accepted(url, response).await?).await
    }

    async fn resource<T: DeserializeOwned>(&self, url: &Url) -> Result<T, ClientError> {
        let response = self.send(url).await?;
        parse(url, response).await
    }

    async fn send(&self, url: &Url) -> Result<Response, ClientError> {
        let request = self.http.get(url.clone()).header(header::ACCEPT, media::TAXII);
        let response = request.send().await.map_err(|error| unreachable(url, &error))?;
        accepted(url, response).await
    }
}

fn join(url: &Url, path: &str) -> Result<Url, ClientError> {
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
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after =
        retry_after.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let text = response.text().await.unwrap_or_default();
    let message = match serde_json::from_str::<ErrorMessage>(&text) {
        Ok(found) => {
            let parts =
                [Some(found.title), found.description, found.error_id.map(|id| format!("(error_id {id})"))];
            parts.into_iter().flatten().collect::<Vec<_>>().join(". ")
        }
        Err(_) if status == StatusCode::UNAUTHORIZED => "it does not know this certificate".to_owned(),
        Err(_) => text.chars().take(200).collect(),
    };
    Err(ClientError::Refused { status: status.as_u16(), url: url.to_string(), message, retry_after })
}

async fn parse<T: DeserializeOwned>(url: &Url, response: Response) -> Result<T, ClientError> {
    let body = response.bytes().await.map_err(|error| unreachable(url, &error))?;
    serde_json::from_slice(&body).map_err(|error| ClientError::Protocol(url.to_string(), error.to_string()))
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
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
