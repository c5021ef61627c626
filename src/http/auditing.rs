//! Keeping the audit log: the journal is written every second, and checkpoints are signed.

use super::App;
use super::error::Failure;
use super::peer::{credential, key_of};
use crate::audit::{Checkpoint, Event, Signer, note};
use crate::feed::Refusal;
use crate::policy::{Denied, Peer};
use crate::stix::Timestamp;
use crate::store::{Error as StoreError, Store};
use actix_web::{HttpMessage, HttpRequest, web};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What keeping the audit log takes.
#[derive(Debug, Clone)]
pub struct Auditing {
    /// Signs checkpoints.
    pub signer: Arc<Signer>,
    /// The file that checkpoints are appended to.
    pub checkpoints: PathBuf,
    /// Who starts the hub: an account of the operating system.
    pub started_by: String,
}

/// Notes that the hub starts, and keeps the log until the hub stops.
pub(super) async fn keep(app: web::Data<App>, auditing: Auditing) {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    app.feed.journal().note(Event::Started { version, by: auditing.started_by.clone() });
    let mut tick = tokio::time::interval(FLUSH);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut signed, mut next) = (None, app.clock.now());
    loop {
        tick.tick().await;
        flush(&app).await;
        let now = app.clock.now();
        let is_due =
            |last: Option<Timestamp>| last.is_none_or(|last| now.micros() - last.micros() >= DAILY_MICROS);
        if now >= next {
            next = Timestamp::from_micros(now.micros() + CHECKPOINT_MICROS);
            if checkpoint(&app, &auditing, is_due(signed)).await {
                signed = Some(now);
            }
        }
    }
}

/// Writes what the journal holds, notes that the hub stops, and signs a last checkpoint.
pub(super) async fn end(app: &web::Data<App>, auditing: &Auditing) {
    app.feed.journal().note(Event::Stopped);
    flush(app).await;
    checkpoint(app, auditing, true).await;
}

/// Writes what the journal holds; what cannot be written stays in it.
async fn flush(app: &App) {
    let _turn = app.flushing.lock().await;
    let events = app.feed.journal().take();
    if events.is_empty() {
        return;
    }
    let (now, copy) = (app.clock.now(), events.clone());
    match app.store.write(move |store| store.audit().record(now, copy)).await {
        Ok(()) => app.feed.journal().written(),
        Err(error) => {
            tracing::error!(%error, records = events.len(), "the audit log takes nothing; trying again, and sending no pages once too much waits");
            app.feed.journal().not_written(events);
        }
    }
}

/// Signs a checkpoint if one is due; true if it did.
async fn checkpoint(app: &App, auditing: &Auditing, even_if_idle: bool) -> bool {
    let (now, signer) = (app.clock.now(), auditing.signer.clone());
    match app.store.write(move |store| store.audit().checkpoint(&signer, now, even_if_idle)).await {
        Ok(Some(note)) => {
            append(&auditing.checkpoints, &note);
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(%error, "no checkpoint of the audit log was signed");
            false
        }
    }
}

/// Appends a note to the file of checkpoints, to the disk. The database has it too.
fn append(path: &Path, note: &str) {
    let open = || std::fs::OpenOptions::new().create(true).append(true).open(path);
    let written = open().and_then(|mut file| {
        file.write_all(note.as_bytes())?;
        file.sync_data()
    });
    if let Err(error) = written {
        tracing::error!(%error, file = %path.display(), "a checkpoint of the audit log was not written to its file; the database has it");
    }
}

/// Notes a refusal for want of a right. What is hidden is not there, so 404 is none.
pub(super) fn note_refusal(app: &App, request: &HttpRequest, failure: &Failure) {
    let Some(what) = code(failure) else { return };
    let peer = request.extensions().get::<Arc<Peer>>().cloned();
    let peer = peer.or_else(|| app.directory.load().find(&credential(request)?));
    let (by, key) = (peer.map(|peer| peer.name().to_string()), key_of(request).map(str::to_owned));
    app.feed.journal().refused(Refusal { by, key, what, place: place(app, request) });
}

fn code(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::UnknownClient => Some("unknown_client"),
        Failure::RevokedClient => Some("revoked_client"),
        Failure::NotOwner => Some("not_owner"),
        Failure::Denied(Denied::Read) => Some("may_not_read"),
        Failure::Denied(Denied::Write) => Some("may_not_write"),
        Failure::Denied(Denied::Delete) => Some("may_not_delete"),
        Failure::Denied(Denied::NotInForce(_)) => Some("not_in_force"),
        Failure::NotAuditor => Some("not_auditor"),
        _ => None,
    }
}

/// What was asked for, if the hub has it; other paths may be anything, and are not repeated.
fn place(app: &App, request: &HttpRequest) -> String {
    let path = request.path().trim_end_matches('/');
    let mut parts = path.split('/').skip(1);
    let (root, _, collection) = (parts.next(), parts.next(), parts.next());
    let directory = app.directory.load();
    let mut all = directory.registry().agreements.iter().flat_map(|agreement| &agreement.collections);
    let found = all.find(|found| {
        Some(found.api_root.as_str()) == root
            && collection.is_some_and(|name| found.id == name || found.alias.as_deref() == Some(name))
    });
    match found {
        Some(found) => format!("/{}/collections/{}", found.api_root, found.id),
        None if path == "/taxii2" => "/taxii2".to_owned(),
        None if path.starts_with("/liaison/v1/") => "/liaison/v1".to_owned(),
        None => "*".to_owned(),
    }
}

/// Appends to the file of checkpoints the one that it lacks, and refuses a database that is older
/// than the file: its log would become another one than that which has been signed.
pub(super) fn compare(auditing: &Auditing, store: &dyn Store) -> Result<(), StoreError> {
    let keys = [auditing.signer.verifier().clone()];
    let text = std::fs::read_to_string(&auditing.checkpoints).unwrap_or_default();
    let signed = note::split(&text).filter_map(|note| Checkpoint::open(note, &keys).ok());
    let signed = signed.map(|checkpoint| checkpoint.size).max().unwrap_or(0);
    let size = store.audit().size();
    if signed > size {
        return Err(StoreError::Damaged(format!(
            "{} has a checkpoint of {signed} audit records, but the database has {size}: it is older than the file. After restoring a backup, move the file away; partners who hold that checkpoint will see that records are missing",
            auditing.checkpoints.display()
        )));
    }
    match store.audit().latest_checkpoint()? {
        Some(latest) if !text.contains(&latest) => append(&auditing.checkpoints, &latest),
        _ => {}
    }
    Ok(())
}

const FLUSH: Duration = Duration::from_secs(1);
const CHECKPOINT_MICROS: i64 = 60 * 1_000_000;
const DAILY_MICROS: i64 = 24 * 3600 * 1_000_000;
