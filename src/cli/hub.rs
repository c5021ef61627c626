//! Running a hub, checking it, asking how it does.

use super::args::{HubArgs, ServeArgs};
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{self, ClientReport, DelayReport, Report, Serving, Settings, TlsFiles};
use crate::registry::Registry;
use crate::store::sqlite::{self, Sqlite};
use crate::store::{PageCache, Store};
use anyhow::Context;
use indicatif::HumanDuration;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio_util::sync::CancellationToken;

/// Reads the settings of a hub.
pub(super) fn load(args: &HubArgs) -> anyhow::Result<Config> {
    Config::load(&args.config, std::env::vars(), &args.sets)
        .map_err(|error| stop(Exit::Usage, error.to_string()))
}

pub(super) fn serve(args: &ServeArgs) -> anyhow::Result<Exit> {
    serve_until(args, &CancellationToken::new())
}

/// Serves until a signal comes, or until told to stop.
pub(super) fn serve_until(args: &ServeArgs, sign: &CancellationToken) -> anyhow::Result<Exit> {
    let config = load(&args.hub)?;
    crate::telemetry::start(&config.log).map_err(|error| stop(Exit::Usage, error))?;
    check_keys(&config)?;
    let pushes = super::push::declared(&config)?;
    let syncs = super::sync::declared(&config)?;
    let clock = Clock::system();
    let cache = Arc::new(PageCache::new(config.store.page_cache_bytes));
    let options = sqlite::Options {
        path: config.database(),
        readers: config.store.readers,
        accept_future_watermark: args.accept_future_watermark,
        cache: cache.clone(),
    };
    let store = Arc::new(Sqlite::open(options, clock.now())?);
    let audit = super::audit::auditing(&config, clock)?;
    let registry = store.registry(None)?.and_then(|(_, text)| Registry::parse(&text).ok());
    let lists = Arc::new(super::warning::load(&config, &registry.unwrap_or_default())?);
    let listener = bind(&config.server.listen.to_string(), "server.listen")?;
    let address = listener.local_addr()?;
    let admin = match config.admin.listen.as_str() {
        "off" => None,
        address => Some(bind(address, "admin.listen")?),
    };
    let devices = match config.export.listen.as_str() {
        "off" => None,
        address => Some(bind(address, "export.listen")?),
    };
    let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    let serving = Serving {
        clock,
        store,
        cache,
        readers: config.store.readers,
        settings: settings(&config, address.port()),
        tls: tls_files(&config),
        listener,
        admin,
        workers: config
            .server
            .workers
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from)),
        audit,
        devices,
        exports: config.export.dir.clone(),
        lists,
        pushes,
        syncs,
    };
    let public_url = serving.settings.public_url.clone();
    actix_web::rt::System::new().block_on(async move {
        // At a file-size limit a write must fail, not end the process.
        let _too_large = tokio::signal::unix::signal(SignalKind::from_raw(SIGXFSZ))?;
        let running = http::start(serving)?;
        tracing::info!(%address, admin = ?admin_address, url = %public_url, "serving");
        until_stopped(running, sign).await
    })
}

/// Serves until a signal, or until nothing can be stored any more.
async fn until_stopped(mut running: http::Running, sign: &CancellationToken) -> anyhow::Result<Exit> {
    use tokio::signal::unix::signal;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let servers = std::mem::take(&mut running.servers);
    let all = futures_util::future::join_all(servers.into_iter().map(actix_web::rt::spawn));
    let mut look = tokio::time::interval(Duration::from_millis(500));
    let exit = loop {
        tokio::select! {
            _ = terminate.recv() => break Exit::Done,
            _ = interrupt.recv() => break Exit::Done,
            () = sign.cancelled() => break Exit::Done,
            _ = look.tick() => if !running.is_writable() {
                tracing::error!("nothing can be stored any more; stopping, so that the next start recovers");
                break Exit::InputOutput;
            },
        }
    };
    tracing::info!("stopping: no new connections, requests under way are finished");
    for handle in &running.handles {
        handle.stop(true).await;
    }
    all.await;
    running.finish().await;
    Ok(exit)
}

pub(super) fn check(args: &HubArgs) -> anyhow::Result<Exit> {
    let config = load(args)?;
    let mut problems = Vec::new();
    let mut notes = vec![format!("settings: {}", args.config.display())];
    if let Err(error) = check_keys(&config) {
        problems.push(error.to_string());
    }
    match super::push::declared(&config) {
        Ok(pushes) if pushes.is_empty() => {}
        Ok(pushes) => notes.push(format!("pushes: {}", pushes.len())),
        Err(error) => problems.push(error.to_string()),
    }
    match super::sync::declared(&config) {
        Ok(syncs) if syncs.jobs.is_empty() => {}
        Ok(syncs) => notes.push(format!("sync jobs: {}", syncs.jobs.len())),
        Err(error) => problems.push(error.to_string()),
    }
    let now = Clock::system();
    for (name, path) in [("server certificate", &config.tls.cert), ("client_ca", &config.tls.client_ca)] {
        match crate::pki::show(path, now.now_utc()) {
            Ok(shown) if shown.days_left < 0 => problems.push(format!("{name} {}: expired", path.display())),
            Ok(shown) => notes.push(format!("{name}: {} ({} days left)", shown.subject, shown.days_left)),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if !config.database().exists() {
        let text =
            format!("database: {} does not exist; `liaison init` makes it", config.database().display());
        return Err(stop(Exit::Failed, text));
    }
    match sqlite::check(&config.database(), now.now()) {
        Ok(found) if found.is_empty() => {
            notes.push(format!("database: {}: every page and checksum is right", config.database().display()))
        }
        Ok(found) => problems.extend(found),
        Err(error) => problems.push(error.to_string()),
    }
    match sqlite::Tool::open(&config.database(), now.now()).and_then(|tool| tool.registry()) {
        Ok(None) => {
            problems.push("registry: none has been applied; liaison registry apply registry.toml".to_owned())
        }
        Ok(Some(text)) => match crate::registry::Registry::parse(&text) {
            Ok(registry) => {
                notes.push(format!(
                    "registry: {} organisations, {} agreements",
                    registry.organisations.len(),
                    registry.agreements.len()
                ));
                match http::check_trust(&tls_files(&config), registry, now.now()) {
                    Ok(days) if days < 30 => problems.push(format!(
                        "the revocation list must be renewed within {days} days: liaison pki crl"
                    )),
                    Ok(days) => notes.push(format!("revocation list: good for {days} days")),
                    Err(error) => problems.push(error.to_string()),
                }
            }
            Err(found) => problems.extend(found.iter().map(ToString::to_string)),
        },
        Err(error) => problems.push(error.to_string()),
    }
    notes.push(format!(
        "limits: {:?}, max_content_length {} bytes, page_max {} objects or {} bytes",
        config.limits, config.server.max_content_length, config.server.page_max, config.server.page_max_bytes
    ));
    if args.json {
        output::json(&serde_json::json!({"ok": problems.is_empty(), "notes": notes, "problems": problems}));
    } else {
        notes.iter().for_each(|text| output::line(&format!("ok   {text}")));
        problems.iter().for_each(|text| output::line(&format!("BAD  {text}")));
    }
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Failed })
}

pub(super) fn status(args: &HubArgs) -> anyhow::Result<Exit> {
    let config = load(args)?;
    if config.admin.listen == "off" {
        return Err(stop(Exit::Usage, "admin.listen is off, so nobody can be asked"));
    }
    let url = format!("http://{}/status", config.admin.listen);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report: Report = runtime.block_on(async {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
        let unreachable = |error: reqwest::Error| {
            stop(
                Exit::Unreachable,
                format!(
                    "no hub answers at {url}: {error}; is `liaison serve` running with this configuration?"
                ),
            )
        };
        client.get(&url).send().await.map_err(unreachable)?.json().await.map_err(unreachable)
    })?;
    if args.json {
        output::json(&report);
    } else {
        output::line(&format!(
            "liaison {} since {}, {}",
            report.version,
            report.started,
            if report.writable { "taking objects" } else { "NOT taking objects" }
        ));
        output::line(&format!(
            "server certificate until {}, revocation list until {} ({} revoked)",
            report.certificate_until, report.crl_until, report.revoked
        ));
        for found in &report.collections {
            let last = found.last_added.as_deref().unwrap_or("never");
            output::line(&format!(
                "collection {}  {}: {} object versions, last added {last}",
                found.id, found.title, found.objects
            ));
        }
        for found in &report.clients {
            output::line(&of_client(found));
        }
        for found in &report.organisations {
            output::line(&format!(
                "organisation {}: sent {}; fetched {}",
                found.organisation,
                delays(&found.sent, "being made"),
                delays(&found.fetched, "being added")
            ));
        }
    }
    Ok(if report.writable { Exit::Done } else { Exit::Degraded })
}

fn of_client(found: &ClientReport) -> String {
    let seconds = |seconds: i64| HumanDuration(Duration::from_secs(seconds.unsigned_abs()));
    let every = found.interval_secs.map(|interval| format!(", every {:#}", seconds(interval)));
    let late = if found.late { "; LATE: not for three of its intervals" } else { "" };
    let last = found.last_polled.as_deref().unwrap_or("never");
    format!("client {}: last polled {last}{}{late}", found.client, every.unwrap_or_default())
}

fn delays(found: &DelayReport, since: &str) -> String {
    let within = |bound: Option<i64>| match bound {
        Some(seconds) => format!("within {:#}", HumanDuration(Duration::from_secs(seconds.unsigned_abs()))),
        None => "later than 30d".to_owned(),
    };
    match found.versions {
        0 => "nothing".to_owned(),
        versions => format!(
            "{versions} versions, half {} of {since}, nine tenths {}",
            within(found.half_within_secs),
            within(found.most_within_secs)
        ),
    }
}

/// The hub's settings as the server wants them.
fn settings(config: &Config, port: u16) -> Settings {
    let server = &config.server;
    Settings {
        title: server.title.clone(),
        description: server.description.clone(),
        contact: server.contact.clone(),
        public_url: url_at(config, port),
        max_content_length: server.max_content_length,
        page_max: server.page_max,
        page_max_bytes: server.page_max_bytes,
        memory_in_flight: config.limits.memory_in_flight,
        requests_per_second: config.limits.requests_per_second,
        requests_burst: config.limits.requests_burst,
        concurrent_requests: config.limits.concurrent_requests,
    }
}

/// The URL that clients reach the hub by.
pub(super) fn public_url(config: &Config) -> String {
    url_at(config, config.server.listen.port())
}

fn url_at(config: &Config, port: u16) -> String {
    match &config.server.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("https://localhost:{port}"),
    }
}

fn tls_files(config: &Config) -> TlsFiles {
    TlsFiles {
        cert: config.tls.cert.clone(),
        key: config.tls.key.clone(),
        client_ca: config.tls.client_ca.clone(),
        crl: config.tls.crl.clone(),
    }
}

/// A key that others can read is no secret.
fn check_keys(config: &Config) -> anyhow::Result<()> {
    check_key(&config.tls.key)?;
    // It is made when the hub is served for the first time.
    if config.audit.key.exists() { check_key(&config.audit.key) } else { Ok(()) }
}

fn check_key(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if found.permissions().mode() & 0o077 != 0 {
        let text = format!("{} can be read by others: chmod 600 {}", path.display(), path.display());
        return Err(stop(Exit::Failed, text));
    }
    Ok(())
}

fn bind(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address} ({setting}); is another process using it?"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The same on all systems that we run on but MIPS.
const SIGXFSZ: i32 = 25;
