//! TAXII as a partner's program would speak it: requests, and what their answers mean.

use crate::hub::{Member, ROOT};
use reqwest::{Method, RequestBuilder, Response, header};
use serde_json::Value;
use serde_json::value::RawValue;
use std::path::Path;
use std::time::Duration;

/// A connection with one client's certificate.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Answer(T),
    /// 429, 503, 507: not now; it has a Retry-After. The status code.
    Later(u16),
    /// 404 to something that may be gone.
    Absent,
    /// No answer, or half of one: nobody knows what was done.
    Lost,
}

/// A page of objects.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) more: bool,
    pub(crate) next: Option<String>,
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    pub(crate) objects: Vec<Box<RawValue>>,
}

#[derive(serde::Deserialize)]
struct Envelope {
    #[serde(default)]
    more: bool,
    next: Option<String>,
    #[serde(default)]
    objects: Vec<Box<RawValue>>,
}

impl Client {
    pub(crate) fn new(pki: &Path, member: &Member, port: u16) -> Self {
        let read = |path: String| std::fs::read(pki.join(path)).unwrap();
        let stem = format!("clients/{}/{}", member.org, member.name);
        let pem = [read(format!("{stem}.crt")), read(format!("{stem}.key"))].concat();
        let http = reqwest::Client::builder()
            .identity(reqwest::Identity::from_pem(&pem).unwrap())
            .tls_certs_only([reqwest::Certificate::from_pem(&read("ca.crt".to_owned())).unwrap()])
            .no_proxy()
            .connect_timeout(Duration::from_secs(20))
            .timeout(Duration::from_secs(120))
            .build()
            .unwrap();
        let base = format!("https://127.0.0.1:{port}/{ROOT}");
        Self { http, base }
    }

    /// POST of an envelope; the status resource as it came.
    pub(crate) async fn add(&self, body: String) -> Outcome<Value> {
        let request = self.request(Method::POST, &format!("{PLACE}objects/"));
        let request = request.header(header::CONTENT_TYPE, TAXII).body(body);
        json(answer(request, 202).await).await
    }

    /// DELETE of an object or of one of its versions.
    pub(crate) async fn delete(&self, id: &str, version: Option<&str>) -> Outcome<()> {
        let mut request = self.request(Method::DELETE, &format!("{PLACE}objects/{id}/"));
        if let Some(version) = version {
            request = request.query(&[("match[version]", version)]);
        }
        match answer(request, 200).await {
            Outcome::Answer(_) => Outcome::Answer(()),
            Outcome::Later(status) => Outcome::Later(status),
            Outcome::Absent => Outcome::Absent,
            Outcome::Lost => Outcome::Lost,
        }
    }

    pub(crate) async fn page(&self, query: &[(&str, String)]) -> Outcome<Page> {
        let response =
            match answer(self.request(Method::GET, &format!("{PLACE}objects/")).query(query), 200).await {
                Outcome::Answer(response) => response,
                Outcome::Later(status) => return Outcome::Later(status),
                Outcome::Absent => panic!("the collection is gone: 404 to {query:?}"),
                Outcome::Lost => return Outcome::Lost,
            };
        let text = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let (first, last) = (text("x-taxii-date-added-first"), text("x-taxii-date-added-last"));
        let Ok(body) = response.bytes().await else {
            return Outcome::Lost;
        };
        let envelope: Envelope = serde_json::from_slice(&body).unwrap();
        Outcome::Answer(Page {
            more: envelope.more,
            next: envelope.next,
            first,
            last,
            objects: envelope.objects,
        })
    }

    /// Anything else below the API root that is JSON.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Outcome<Value> {
        json(answer(self.request(Method::GET, path).query(query), 200).await).await
    }

    /// Asks again until there is an answer; nothing if it is a 404.
    pub(crate) async fn settled(&self, path: &str, query: &[(&str, String)]) -> Option<Value> {
        for _ in 0..100 {
            match self.get(path, query).await {
                Outcome::Answer(value) => return Some(value),
                Outcome::Absent => return None,
                Outcome::Later(_) | Outcome::Lost => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("no answer to {path} {query:?}")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/{path}", self.base));
        request.header(header::ACCEPT, TAXII)
    }
}

/// The collection's path below the API root.
pub(crate) const PLACE: &str = "collections/5c8a2b1e-7d0f-4a55-9a3c-2f6f6f1f0c01/";

async fn answer(request: RequestBuilder, wanted: u16) -> Outcome<Response> {
    let Ok(response) = request.send().await else {
        return Outcome::Lost;
    };
    let status = response.status().as_u16();
    match status {
        found if found == wanted => Outcome::Answer(response),
        429 | 503 | 507 => {
            assert!(response.headers().contains_key(header::RETRY_AFTER), "{status} without Retry-After");
            Outcome::Later(status)
        }
        404 => Outcome::Absent,
        _ => {
            let url = response.url().clone();
            panic!("{status} to {url}: {}", response.text().await.unwrap_or_default())
        }
    }
}

async fn json(outcome: Outcome<Response>) -> Outcome<Value> {
    match outcome {
        // An answer that breaks off is no answer.
        Outcome::Answer(response) => response
            .bytes()
            .await
            .map_or(Outcome::Lost, |body| Outcome::Answer(serde_json::from_slice(&body).unwrap())),
        Outcome::Later(status) => Outcome::Later(status),
        Outcome::Absent => Outcome::Absent,
        Outcome::Lost => Outcome::Lost,
    }
}

const TAXII: &str = "application/taxii+json;version=2.1";
