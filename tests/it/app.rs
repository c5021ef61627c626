//! A hub with clients, as real as it gets: mutual TLS, a database on disk, the whole router.
//!
//! Every answer is checked against its schema and the rules that hold for all answers
//! (`check.rs`); when the hub is dropped, each path that was read is read again with HEAD.

use crate::check;
use liaison::audit::Signer;
use liaison::clock::Clock;
use liaison::http::{self, Auditing, Serving, Settings, TlsFiles};
use liaison::pki::{self, Pki};
use liaison::registry::Registry;
use liaison::store::PageCache;
use liaison::store::sqlite::{Change, Options, Sqlite, Tool};
use liaison::warning::WarningLists;
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::thread::JoinHandle;

pub const TAXII: &str = "application/taxii+json;version=2.1";
/// Readable and writable by cert-a and cert-b.
pub const INDICATORS: &str = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11";
/// The same rights; for telling collections apart.
pub const MALWARE: &str = "5d1f0a52-0c6b-4a4e-8f31-8f6f1d3a2b22";
/// cert-b writes, cert-a reads.
pub const INBOX: &str = "7b2e1c63-1d7c-4b5f-9a42-9a7a2e4b3c33";
/// Under an agreement that cert-b is no party of.
pub const PRIVATE: &str = "9c3f2d74-2e8d-4c6a-8b53-ab8b3f5c4d44";
/// Under an agreement that has ended.
pub const ENDED: &str = "ad4a3e85-3f9e-4d7b-9c64-bc9c4a6d5e55";
/// Under the agreement without cert-b, in an API root of its own.
pub const ELSEWHERE: &str = "be5b4f96-4aaf-4e8c-8d75-cdad5b7e6f66";

/// Two CERTs that exchange, a third that only the first deals with.
pub const REGISTRY: &str = include_str!("registry.toml");

/// Certificates are made for these; the last two are in no registry.
const CLIENTS: [&str; 14] = [
    "cert-a/feed",
    "cert-a/siem",
    "cert-a/guest",
    "cert-a/ops",
    "cert-a/audit",
    "cert-b/feed",
    "cert-b/siem",
    "cert-c/feed",
    "cert-a/officer",
    "cert-a/second",
    "cert-a/analyst",
    "cert-b/officer",
    "cert-a/nobody",
    "cert-z/feed",
];

/// A certificate authority with everything that it issued, as PEM texts.
pub struct Authority {
    pub ca: Vec<u8>,
    crl: Vec<u8>,
    server: (Vec<u8>, Vec<u8>),
    clients: HashMap<&'static str, (Vec<u8>, Vec<u8>)>,
}

impl Authority {
    /// Made once for all tests.
    pub fn get() -> &'static Self {
        static AUTHORITY: OnceLock<Authority> = OnceLock::new();
        AUTHORITY.get_or_init(|| {
            // Somebody has installed it already if this fails, and that is as good.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            Self::made_by_this_build()
        })
    }

    /// Certificate and key of a client.
    pub fn client(&self, name: &str) -> &(Vec<u8>, Vec<u8>) {
        &self.clients[name]
    }

    /// Reads what another process of the same test run has made, or makes it: each test is a
    /// process, and making certificates takes longer than most tests.
    fn made_by_this_build() -> Self {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let built = std::fs::metadata(std::env::current_exe().unwrap()).unwrap().modified().unwrap();
        let built = built.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let today = Clock::system().now().micros() / 86_400_000_000;
        let dir = parent.join(format!("pki-{built}-{today}"));
        std::fs::create_dir_all(parent).unwrap();
        let lock = std::fs::File::create(parent.join("pki.lock")).unwrap();
        lock.lock().unwrap();
        if !dir.exists() {
            for old in std::fs::read_dir(parent).unwrap().map(Result::unwrap) {
                if old.file_name().to_string_lossy().starts_with("pki-") {
                    std::fs::remove_dir_all(old.path()).unwrap();
                }
            }
            let making = parent.join("pki-making");
            Self::make(&making);
            std::fs::rename(making, &dir).unwrap();
        }
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        let client =
            |name| (name, (read(&format!("clients/{name}.crt")), read(&format!("clients/{name}.key"))));
        Self {
            ca: read("ca.crt"),
            crl: read("ca.crl"),
            server: (read("server.crt"), read("server.key")),
            clients: CLIENTS.into_iter().map(client).collect(),
        }
    }

    fn make(dir: &Path) {
        let now = Clock::system().now_utc();
        let options = pki::InitOptions {
            hub_name: "Test hub".to_owned(),
            server_names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            ca_days: pki::DEFAULT_CA_DAYS,
            server_days: pki::DEFAULT_LEAF_DAYS,
        };
        let pki = Pki::init(dir, &options, now).unwrap();
        for (org, client) in CLIENTS.iter().filter_map(|name| name.split_once('/')) {
            pki.issue(org, client, &pki::IssueOptions::default(), now).unwrap();
        }
    }

    fn write(&self, dir: &Path) -> TlsFiles {
        let write = |name: &str, pem: &[u8]| {
            let path = dir.join(name);
            std::fs::write(&path, pem).unwrap();
            path
        };
        TlsFiles {
            cert: write("server.crt", &self.server.0),
            key: write("server.key", &self.server.1),
            client_ca: write("ca.crt", &self.ca),
            crl: write("ca.crl", &self.crl),
        }
    }
}

/// How a hub is to be.
#[derive(Clone)]
pub struct Setup {
    registry: String,
    clock: Clock,
    page_max: u32,
    page_max_bytes: usize,
    max_content_length: u64,
}

impl Setup {
    pub fn clock(mut self, now: fn() -> liaison::stix::Timestamp) -> Self {
        self.clock = Clock::from_fn(now);
        self
    }

    pub fn page_max(mut self, objects: u32) -> Self {
        self.page_max = objects;
        self
    }

    pub fn page_max_bytes(mut self, bytes: usize) -> Self {
        self.page_max_bytes = bytes;
        self
    }

    pub fn max_content_length(mut self, bytes: u64) -> Self {
        self.max_content_length = bytes;
        self
    }

    pub fn start(self) -> TestApp {
        let authority = Authority::get();
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::parse(&self.registry).unwrap();
        let mut tool = Tool::open(&dir.path().join("liaison.db"), self.clock.now()).unwrap();
        tool.apply(None, &registry.to_toml(), &Change::default(), self.clock.now()).unwrap();
        drop(tool);
        let files = authority.write(dir.path());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = Server::start(&self, dir.path(), files.clone());
        TestApp {
            server: Mutex::new(Some(server)),
            clients: Mutex::default(),
            read: Mutex::default(),
            files,
            setup: self,
            runtime,
            dir,
        }
    }

    fn settings(&self, port: u16) -> Settings {
        Settings {
            title: "Test hub".to_owned(),
            description: Some("For tests".to_owned()),
            contact: None,
            public_url: format!("https://localhost:{port}"),
            max_content_length: self.max_content_length,
            page_max: self.page_max,
            page_max_bytes: self.page_max_bytes,
            memory_in_flight: 256 * 1024 * 1024,
            requests_per_second: 1_000_000,
            requests_burst: 1_000_000,
            concurrent_requests: 1_000,
        }
    }
}

/// A server in a thread of its own.
struct Server {
    address: SocketAddr,
    handles: Vec<actix_web::dev::ServerHandle>,
    thread: JoinHandle<()>,
    store: Weak<Sqlite>,
    lock: std::path::PathBuf,
}

impl Server {
    fn start(setup: &Setup, dir: &Path, tls: TlsFiles) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let cache = Arc::new(PageCache::new(8 * 1024 * 1024));
        let options = Options {
            path: dir.join("liaison.db"),
            readers: 2,
            accept_future_watermark: false,
            cache: cache.clone(),
        };
        let store = Arc::new(Sqlite::open(options, setup.clock.now()).unwrap());
        let kept = Arc::downgrade(&store);
        let serving = Serving {
            clock: setup.clock,
            store,
            cache,
            readers: 2,
            settings: setup.settings(address.port()),
            tls,
            listener,
            admin: None,
            workers: 2,
            audit: Auditing {
                signer: Arc::new(Signer::from_seed("localhost/liaison", &[7; 32]).unwrap()),
                checkpoints: dir.join("audit.checkpoints"),
                started_by: "tester".to_owned(),
            },
            devices: None,
            pushes: Vec::new(),
            syncs: Default::default(),
            exports: dir.join("exports"),
            lists: Arc::new(WarningLists::load(None, &Default::default()).unwrap().0),
        };
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let mut running = http::start(serving).unwrap();
                send.send(running.handles.clone()).unwrap();
                let servers = std::mem::take(&mut running.servers);
                futures_util::future::join_all(servers.into_iter().map(actix_web::rt::spawn)).await;
                running.finish().await;
            });
        });
        Self {
            address,
            handles: receive.recv().unwrap(),
            thread,
            store: kept,
            lock: dir.join("liaison.lock"),
        }
    }

    fn stop(self, runtime: &tokio::runtime::Runtime) {
        for handle in &self.handles {
            runtime.block_on(handle.stop(false));
        }
        self.thread.join().unwrap();
        // The last of the threads that answered requests lets go of the store.
        let is_free = || std::fs::File::open(&self.lock).is_ok_and(|lock| lock.try_lock().is_ok());
        while self.store.strong_count() > 0 || !is_free() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

/// A hub that runs.
pub struct TestApp {
    server: Mutex<Option<Server>>,
    clients: Mutex<HashMap<String, reqwest::Client>>,
    /// What was read: client and path.
    read: Mutex<Vec<(String, String)>>,
    files: TlsFiles,
    setup: Setup,
    pub runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
}

impl TestApp {
    /// With these organisations, agreements and collections.
    pub fn with(registry: &str) -> Setup {
        Setup {
            registry: registry.to_owned(),
            clock: Clock::system(),
            page_max: 5_000,
            page_max_bytes: 8 * 1024 * 1024,
            max_content_length: 10 * 1024 * 1024,
        }
    }

    /// The usual hub.
    pub fn start() -> Self {
        Self::with(REGISTRY).start()
    }

    pub fn address(&self) -> SocketAddr {
        self.server.lock().as_ref().unwrap().address
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address().port())
    }

    /// The database's file.
    pub fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("liaison.db")
    }

    /// Stops the server and starts another on the same database.
    pub fn restart(&self) {
        let mut server = self.server.lock();
        server.take().unwrap().stop(&self.runtime);
        self.clients.lock().clear();
        *server = Some(Server::start(&self.setup, self.dir.path(), self.files.clone()));
    }

    /// Puts another registry in force and waits until the server has taken it over.
    pub fn apply(&self, registry: &str) {
        let now = self.setup.clock.now();
        let mut tool = Tool::open(&self.dir.path().join("liaison.db"), now).unwrap();
        let before = tool.registry().unwrap();
        let registry = Registry::parse(registry).unwrap();
        tool.apply(before.as_deref(), &registry.to_toml(), &Change::default(), now).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1200));
    }

    /// A client with its own certificate.
    pub fn client(&self, name: &str) -> Client<'_> {
        let mut clients = self.clients.lock();
        let http = clients.entry(name.to_owned()).or_insert_with(|| {
            let authority = Authority::get();
            let (cert, key) = authority.client(name);
            let pem = [cert.as_slice(), key.as_slice()].concat();
            reqwest::Client::builder()
                .identity(reqwest::Identity::from_pem(&pem).unwrap())
                .tls_certs_only(reqwest::Certificate::from_pem_bundle(&authority.ca).unwrap())
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap()
        });
        Client { app: self, http: http.clone(), name: name.to_owned() }
    }

    fn check_heads(&self) {
        let read = std::mem::take(&mut *self.read.lock());
        for (client, path) in read.into_iter().take(HEADS_MAX) {
            let client = self.client(&client);
            let get = client.request(Method::GET, &path).send();
            let head = client.request(Method::HEAD, &path).send();
            assert_eq!(get.status, head.status, "HEAD {path}");
            assert_eq!(head.body, b"", "HEAD {path} has a body");
            let shape = |answer: &Answer| {
                let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
                let mut list: Vec<_> =
                    headers.map(|(name, value)| (name.to_string(), value.clone())).collect();
                list.sort();
                list
            };
            assert_eq!(shape(&get), shape(&head), "headers of GET and HEAD {path} differ");
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check_heads();
        }
        if let Some(server) = self.server.lock().take() {
            server.stop(&self.runtime);
        }
    }
}

/// A client of the hub.
#[derive(Clone)]
pub struct Client<'a> {
    app: &'a TestApp,
    http: reqwest::Client,
    name: String,
}

/// A request to be sent.
pub struct Request<'a> {
    client: Client<'a>,
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl<'a> Client<'a> {
    pub fn request(&self, method: Method, path: &str) -> Request<'a> {
        Request {
            client: self.clone(),
            headers: vec![("accept".to_owned(), TAXII.into())],
            method,
            path: path.to_owned(),
            body: None,
        }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let key = (self.name.clone(), path.to_owned());
        let mut read = self.app.read.lock();
        if read.len() < HEADS_MAX && !read.contains(&key) {
            read.push(key);
        }
        drop(read);
        self.request(Method::GET, path).send()
    }

    #[track_caller]
    pub fn head(&self, path: &str) -> Answer {
        self.request(Method::HEAD, path).send()
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send()
    }

    /// Posts a body as an envelope.
    #[track_caller]
    pub fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.request(Method::POST, path).header("content-type", TAXII).body(body).send()
    }

    /// Posts objects to a collection; the status resource tells what became of them.
    #[track_caller]
    pub fn offer(&self, collection: &str, objects: &[Value]) -> Value {
        let answer = self.post(&objects_of(collection), json!({"objects": objects}).to_string());
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }

    /// Posts objects to a collection, and all of them are stored.
    #[track_caller]
    pub fn publish(&self, collection: &str, objects: &[Value]) -> Value {
        let status = self.offer(collection, objects);
        assert_eq!(status["failure_count"], 0, "{status}");
        status
    }

    /// Follows `next` to the end; the pages.
    #[track_caller]
    pub fn walk(&self, path: &str) -> Vec<Answer> {
        let mut pages = vec![self.get(path)];
        loop {
            let page = pages.last().unwrap();
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            let Some(next) = page.next() else { return pages };
            let page = self.request(Method::GET, &with(path, &format!("next={next}"))).send();
            pages.push(page);
        }
    }

    /// Pages by `added_after` with the last date of each page, to the end; the pages.
    #[track_caller]
    pub fn walk_by_date(&self, path: &str) -> Vec<Answer> {
        let mut pages = vec![self.get(path)];
        loop {
            let page = pages.last().unwrap();
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            let Some(last) = page.last() else { return pages };
            let page = self.request(Method::GET, &with(path, &format!("added_after={last}"))).send();
            pages.push(page);
        }
    }
}

impl Request<'_> {
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.retain(|(other, _)| name != "accept" || other != "accept");
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    #[track_caller]
    pub fn send(self) -> Answer {
        let url = format!("{}{}", self.client.app.url(), self.path);
        let mut request = self.client.http.request(self.method.clone(), url);
        for (name, value) in self.headers {
            let value = reqwest::header::HeaderValue::from_bytes(&value).unwrap();
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let answer = self.client.app.runtime.block_on(async {
            let response = request.send().await.unwrap();
            Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: response.bytes().await.unwrap().to_vec(),
            }
        });
        check::answer(&self.method, &self.path, &answer);
        answer
    }
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn first(&self) -> Option<&str> {
        self.header("x-taxii-date-added-first")
    }

    pub fn last(&self) -> Option<&str> {
        self.header("x-taxii-date-added-last")
    }

    pub fn next(&self) -> Option<String> {
        self.json()["next"].as_str().map(str::to_owned)
    }

    pub fn more(&self) -> bool {
        self.json()["more"] == true
    }

    /// The objects, or the records of a manifest.
    pub fn objects(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()["objects"].as_array().cloned().unwrap_or_default()
    }

    /// What is on the page, as `id version`; the id without its type is enough to tell.
    pub fn names(&self) -> Vec<String> {
        self.objects().iter().map(name).collect()
    }

    /// The list of a versions resource.
    pub fn versions(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text());
        let json = self.json();
        let list = json["versions"].as_array().cloned().unwrap_or_default();
        list.iter().map(|version| version.as_str().unwrap().to_owned()).collect()
    }
}

/// `id version` of an object or of a manifest record.
pub fn name(object: &Value) -> String {
    let version = ["version", "modified", "created"].iter().find_map(|key| object[*key].as_str());
    format!("{} {}", object["id"].as_str().unwrap(), version.unwrap_or(UNVERSIONED))
}

/// Everything on several pages.
pub fn names(pages: &[Answer]) -> Vec<String> {
    pages.iter().flat_map(Answer::names).collect()
}

pub const UNVERSIONED: &str = "1970-01-01T00:00:00.000Z";

/// The path of a collection under the API root `exchange`.
pub fn collection(id: &str) -> String {
    format!("/exchange/collections/{id}/")
}

pub fn objects_of(id: &str) -> String {
    format!("/exchange/collections/{id}/objects/")
}

pub fn manifest_of(id: &str) -> String {
    format!("/exchange/collections/{id}/manifest/")
}

/// The path of one object.
pub fn object_in(collection: &str, object: &Value) -> String {
    format!("{}{}/", objects_of(collection), object["id"].as_str().unwrap())
}

/// A path with one more query parameter.
pub fn with(path: &str, parameter: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{parameter}")
}

const HEADS_MAX: usize = 24;
