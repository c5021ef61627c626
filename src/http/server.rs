//! Starting the server, and keeping it up to date: registry, revocations, certificates.

use super::auditing::{self, Auditing};
use super::connection::{Shares, on_connect};
use super::gate::{Gate, pass};
use super::pushing::{self, Pushing};
use super::syncing::{self, Syncing, Syncs};
use super::tls::{ServerIdentity, TlsError, Trust, TrustFiles, device_config, server_config};
use super::{App, Settings, admin, device, routes};
use crate::clock::Clock;
use crate::export::Exports;
use crate::feed::{Feed, PageLimits};
use crate::freshness::Freshness;
use crate::policy::Directory;
use crate::push::Push;
use crate::registry::Registry;
use crate::store::{self, Handle, PageCache, Store};
use crate::taxii::CursorKey;
use crate::warning::WarningLists;
use actix_web::{HttpServer, dev::ServerHandle, middleware, web};
use arc_swap::ArcSwap;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// Everything that serving takes.
pub struct Serving {
    /// Tells the time.
    pub clock: Clock,
    /// The store, open.
    pub store: Arc<dyn Store>,
    /// Told by the store of changes.
    pub cache: Arc<PageCache>,
    /// How many reads may block at once.
    pub readers: usize,
    /// What the server says and allows.
    pub settings: Settings,
    /// Certificates and the revocation list, watched while serving.
    pub tls: TlsFiles,
    /// Where TAXII is served, bound.
    pub listener: TcpListener,
    /// Where the operator asks, bound; nowhere if absent.
    pub admin: Option<TcpListener>,
    /// Threads that answer requests.
    pub workers: usize,
    /// How the audit log is kept.
    pub audit: Auditing,
    /// Where devices without certificates fetch exports, bound; nowhere if absent.
    pub devices: Option<TcpListener>,
    /// Where files of exports are kept.
    pub exports: PathBuf,
    /// Values that must not be published.
    pub lists: Arc<WarningLists>,
    /// Where exports are sent as they change.
    pub pushes: Vec<Push>,
    /// Jobs between servers.
    pub syncs: Syncs,
}

/// Where certificates and the revocation list are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The hub's own authority.
    pub client_ca: PathBuf,
    /// The revocation list of that authority.
    pub crl: PathBuf,
}

/// A server that runs.
pub struct Running {
    /// Ends when the server has stopped.
    pub servers: Vec<actix_web::dev::Server>,
    /// To stop each of them.
    pub handles: Vec<ServerHandle>,
    /// For looking at from outside.
    pub app: web::Data<App>,
    audit: Auditing,
    pushing: Pushing,
    syncing: Syncing,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    File(PathBuf, io::Error),
    /// Certificates.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The store.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The registry in the database.
    #[error("the registry in the database is not usable: {0}")]
    Registry(String),
    /// The sockets.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// Starts serving; must be called inside an actix system.
pub fn start(serving: Serving) -> Result<Running, StartError> {
    let (generation, directory) = load_directory(serving.store.as_ref())?;
    let trust = Arc::new(ArcSwap::from_pointee(load_trust(&serving.tls, &directory)?));
    let identity = Arc::new(ServerIdentity::new(&read(&serving.tls.cert)?, &read(&serving.tls.key)?)?);
    let tls = server_config(trust.clone(), identity.clone())?;
    let for_devices = device_config(identity.clone())?;
    let (secret, epoch) = serving.store.cursor_secret()?;
    auditing::compare(&serving.audit, serving.store.as_ref())?;
    let freshness = Freshness::new(serving.store.freshness()?);
    let store = Handle::new(serving.store, serving.readers);
    let settings = serving.settings;
    let limits = PageLimits { objects: settings.page_max, bytes: settings.page_max_bytes };
    let app = web::Data::new(App {
        clock: serving.clock,
        started: serving.clock.now(),
        directory: ArcSwap::from_pointee(directory),
        trust: trust.clone(),
        exports: Exports::new(
            serving.exports,
            settings.public_url.clone(),
            serving.lists,
            serving.cache.clone(),
        ),
        feed: Feed::new(store.clone(), serving.cache, CursorKey::new(&secret, epoch), limits),
        store,
        gate: gate(&settings, &identity),
        identity,
        bodies: Arc::new(Semaphore::new(
            usize::try_from(settings.memory_in_flight / 1024).unwrap_or(usize::MAX),
        )),
        freshness: parking_lot::Mutex::new(freshness),
        syncs: serving.syncs.clone(),
        settings,
        vkey: serving.audit.signer.verifier().to_string(),
        flushing: tokio::sync::Mutex::default(),
    });
    let shared = app.clone();
    let shares = Arc::new(Shares::default());
    let_go_of_stalled(&serving.listener)?;
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(shared.clone()).wrap(middleware::from_fn(pass)).configure(routes)
    })
    .on_connect(move |connection, data| on_connect(&trust.load(), &shares, connection, data))
    .workers(serving.workers)
    .keep_alive(Duration::from_secs(75))
    .client_request_timeout(Duration::from_secs(10))
    .tls_handshake_timeout(Duration::from_secs(10))
    .client_disconnect_timeout(Duration::from_secs(2))
    .tcp_nodelay(true)
    .h1_write_buffer_size(65_536)
    .backlog(1024)
    .max_connections(20_000 / serving.workers.max(1))
    .shutdown_timeout(30)
    .disable_signals()
    .listen_rustls_0_23(serving.listener, tls)?
    .run();
    let mut servers = vec![server];
    if let Some(listener) = serving.admin {
        servers.push(serve_admin(app.clone(), listener)?);
    }
    if let Some(listener) = serving.devices {
        servers.push(serve_devices(app.clone(), listener, for_devices)?);
    }
    let pushing = pushing::start(&app, serving.pushes)?;
    let syncing = syncing::start(&app, serving.syncs)?;
    keep_up(&app, serving.tls, generation, &serving.audit);
    let handles = servers.iter().map(actix_web::dev::Server::handle).collect();
    Ok(Running { servers, handles, app, audit: serving.audit, pushing, syncing })
}

fn gate(settings: &Settings, identity: &ServerIdentity) -> Gate {
    Gate::new(
        settings.requests_per_second,
        settings.requests_burst,
        settings.concurrent_requests,
        hosts(&settings.public_url, identity),
    )
}

/// Starts what the server does by itself.
fn keep_up(app: &web::Data<App>, tls: TlsFiles, generation: Option<u64>, audit: &Auditing) {
    actix_web::rt::spawn(super::upkeep::keep(app.clone()));
    actix_web::rt::spawn(super::freshness::keep(app.clone()));
    actix_web::rt::spawn(watch(app.clone(), tls, generation));
    actix_web::rt::spawn(auditing::keep(app.clone(), audit.clone()));
}

/// Serves the operator, on the machine itself.
fn serve_admin(app: web::Data<App>, listener: TcpListener) -> Result<actix_web::dev::Server, StartError> {
    let build = move || actix_web::App::new().app_data(app.clone()).configure(admin::routes);
    Ok(HttpServer::new(build).workers(1).shutdown_timeout(1).disable_signals().listen(listener)?.run())
}

/// Serves devices without certificates.
fn serve_devices(
    app: web::Data<App>,
    listener: TcpListener,
    tls: rustls::ServerConfig,
) -> Result<actix_web::dev::Server, StartError> {
    let build = move || actix_web::App::new().app_data(app.clone()).configure(device::routes);
    Ok(HttpServer::new(build)
        .workers(1)
        .client_request_timeout(Duration::from_secs(10))
        .tls_handshake_timeout(Duration::from_secs(10))
        .max_connections(1_000)
        .shutdown_timeout(5)
        .disable_signals()
        .listen_rustls_0_23(listener, tls)?
        .run())
}

impl Running {
    /// False once nothing can be stored until a restart.
    pub fn is_writable(&self) -> bool {
        self.app.store.memory().is_writable()
    }

    /// To be called when the servers have stopped: brings to the audit log what is not in it yet.
    pub async fn finish(self) {
        self.syncing.end().await;
        self.pushing.end().await;
        super::freshness::save(&self.app).await;
        auditing::end(&self.app, &self.audit).await;
    }
}

/// Ends connections whose peer takes nothing of an answer for 30 seconds; they have this from the
/// listener. Elsewhere than on Linux such a connection lasts until the peer goes.
fn let_go_of_stalled(listener: &TcpListener) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(listener).set_tcp_user_timeout(Some(Duration::from_secs(30)))?;
    let _ = listener;
    Ok(())
}

/// Looks every half second whether registry, revocations or certificates have changed.
async fn watch(app: web::Data<App>, files: TlsFiles, mut generation: Option<u64>) {
    let mut seen = stamps(&files);
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    loop {
        tick.tick().await;
        let mut trust_changed = false;
        match app.store.read(move |store| store.registry(generation)).await {
            Ok(None) => {}
            Ok(Some((new, text))) => {
                generation = Some(new);
                match Registry::parse(&text) {
                    Ok(registry) => {
                        app.directory.store(Arc::new(Directory::new(registry)));
                        tracing::info!(generation = new, "another registry is in force");
                        trust_changed = true;
                    }
                    Err(problems) => tracing::error!(
                        ?problems,
                        "the registry was not taken over; the one before stays in force"
                    ),
                }
            }
            Err(error) => tracing::error!(%error, "the registry cannot be looked at"),
        }
        let stamps = stamps(&files);
        if stamps != seen {
            seen = stamps;
            trust_changed = true;
            replace_identity(&app, &files);
        }
        if trust_changed {
            match load_trust(&files, &app.directory.load()) {
                Ok(trust) => {
                    tracing::info!(
                        revoked = trust.revoked_count(),
                        "certificates and revocations were read anew"
                    );
                    app.trust.store(Arc::new(trust));
                }
                Err(error) => {
                    tracing::error!(%error, "certificates or revocations were not taken over; those before stay in force")
                }
            }
        }
    }
}

fn replace_identity(app: &App, files: &TlsFiles) {
    let replaced = read(&files.cert).and_then(|cert| Ok((cert, read(&files.key)?)));
    let replaced = replaced.and_then(|(cert, key)| Ok(app.identity.replace(&cert, &key)?));
    if let Err(error) = replaced {
        tracing::error!(%error, "the server certificate was not taken over; the one before stays in use");
    }
}

type Stamps = Vec<Option<(SystemTime, u64)>>;

fn stamps(files: &TlsFiles) -> Stamps {
    [&files.cert, &files.key, &files.client_ca, &files.crl]
        .into_iter()
        .map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
        .collect()
}

fn load_directory(store: &dyn Store) -> Result<(Option<u64>, Directory), StartError> {
    let Some((generation, text)) = store.registry(None)? else {
        tracing::warn!(
            "no registry has been applied, so nobody is let in: liaison registry apply registry.toml"
        );
        return Ok((None, Directory::new(Registry::default())));
    };
    let registry =
        Registry::parse(&text).map_err(|problems| StartError::Registry(format!("{problems:?}")))?;
    Ok((Some(generation), Directory::new(registry)))
}

/// Reads and checks everything that trust is made from.
fn load_trust(files: &TlsFiles, directory: &Directory) -> Result<Trust, StartError> {
    let organisations = directory.registry().organisations.iter();
    let anchors = organisations.filter_map(|o| Some((o.id.clone(), o.trust_anchor.as_ref()?.as_bytes())));
    Ok(Trust::new(&TrustFiles {
        hub_ca: &read(&files.client_ca)?,
        hub_crl: &read(&files.crl)?,
        anchors: anchors.collect(),
    })?)
}

/// Checks everything that trust is made from; the answer is for how many days it is good.
pub fn check_trust(
    files: &TlsFiles,
    registry: Registry,
    now: crate::stix::Timestamp,
) -> Result<i64, StartError> {
    let trust = load_trust(files, &Directory::new(registry))?;
    ServerIdentity::new(&read(&files.cert)?, &read(&files.key)?)?;
    Ok((trust.crl_until() - now.micros() / 1_000_000) / 86_400)
}

/// Host names that requests may carry: those of the certificate, and that of the public URL.
fn hosts(public_url: &str, identity: &ServerIdentity) -> Vec<String> {
    let mut hosts = identity.names();
    let url = url::Url::parse(public_url).ok();
    hosts.extend(url.and_then(|url| Some(url.host_str()?.to_ascii_lowercase())));
    hosts
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|error| StartError::File(path.to_owned(), error))
}
