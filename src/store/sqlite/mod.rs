//! The default backend: SQLite, one file, one writer thread, a few readers.

mod add;
mod atoms;
mod checkpoint;
mod classes;
mod compare;
mod confirm;
mod delete;
mod due;
mod ending;
mod erase;
mod erased;
mod family;
mod filter;
mod finding;
mod freshness;
mod hold;
mod index;
mod ledger;
mod lineage;
mod links;
mod log;
mod look;
mod mark;
mod markings;
mod named;
mod objection;
mod open;
mod outcome;
mod pages;
mod pending;
mod read;
mod registry;
mod removal;
#[cfg(test)]
mod reopen_tests;
mod review;
mod rows;
mod task;
mod tool;
mod trial;
mod values;
mod visible;
mod writer;

pub use ledger::verify::Problem;
pub use look::{Kept, Share};
pub use open::{Options, check, is_served};
pub use registry::{Change, Tool};

use super::{
    AuditLog, Batch, Decision, Deleted, Endings, Error, Mark, Outcome, Page, PageCache, Query, Revocation,
    Store, Submissions, Tried,
};
use crate::freshness::{Delays, Kept as Fresh};
use crate::policy::{EraseScope, Handling, Markings, ReadScope, Submission, SubmissionScope};
use crate::stix::atom::Kinds;
use crate::stix::{StixTime, Timestamp};
use crate::store::atoms::{AtomQuery, Named, Wanted};
use crate::store::erasure::{Step, Swept};
use crate::taxii::Versions;
use crate::taxii::resource::Status;
use classes::Classes;
use index::Waiting;
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc;

/// A hub's database, open for serving; no other process may serve from it.
pub struct Sqlite {
    shared: Arc<Shared>,
    jobs: Option<mpsc::SyncSender<writer::Job>>,
    writer: Option<std::thread::JoinHandle<()>>,
    /// Nobody else serves from it; nothing if it is only read.
    _lock: Option<std::fs::File>,
}

/// What writer and readers have in common.
struct Shared {
    readers: Readers,
    /// Replaced before a commit that needs new ones, so never behind what a reader sees.
    classes: RwLock<Arc<Classes>>,
    /// What each client was last found to see of each collection.
    scopes: RwLock<HashMap<(Arc<str>, String), visible::Visible>>,
    /// The markings that are defined in each collection.
    markings: RwLock<HashMap<String, Arc<Markings>>>,
    /// Filled before the commit; see `read::places`.
    waiting: RwLock<Waiting>,
    /// Which keys of the index are certainly not there; for look-ups.
    filter: filter::Lazy,
    /// Can what is left of erased rows in pages be overwritten?
    wipes_pages: bool,
    /// How far what is due has been looked for.
    sweep: Mutex<due::Sweep>,
    collections: RwLock<HashMap<String, Collection>>,
    cache: Arc<PageCache>,
    /// From the version's own time to `date_added`, by organisation.
    arrivals: Mutex<BTreeMap<Arc<str>, Delays>>,
    /// How far the audit log has come.
    log: ledger::Log,
}

/// What is known of a collection without asking the database.
#[derive(Debug, Clone, Default)]
struct Collection {
    pk: i64,
    /// The last `date_added` ever given.
    last_added: i64,
    /// Rows of each class.
    rows: HashMap<i64, u64>,
    /// Something was erased, so that what comes is to be compared with it.
    has_erased: bool,
}

/// Connections that only read.
struct Readers {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    /// Lends a connection; waits for one if all are lent.
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut idle = self.idle.lock();
        let connection = loop {
            match idle.pop() {
                Some(connection) => break connection,
                None => self.returned.wait(&mut idle),
            }
        };
        drop(idle);
        let mut lent = Lent { readers: self, connection: Some(connection) };
        match &mut lent.connection {
            Some(connection) => work(connection),
            None => Err(Error::Backend("a connection was not lent".to_owned())),
        }
    }

    /// Lends a connection if one is idle. Who has one already must not wait for another.
    fn with_idle<T>(&self, work: impl FnOnce(Option<&mut Connection>) -> T) -> T {
        let mut lent = Lent { readers: self, connection: self.idle.lock().pop() };
        work(lent.connection.as_mut())
    }
}

/// A connection that goes back when it is dropped, so that a panic takes none away.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.readers.idle.lock().extend(self.connection.take());
        self.readers.returned.notify_one();
    }
}

impl Shared {
    /// The index in memory, held still.
    fn index(&self, connection: &Connection) -> Result<RwLockReadGuard<'_, Waiting>, Error> {
        let waiting = self.waiting.read();
        if waiting.is_loaded() {
            return Ok(waiting);
        }
        drop(waiting);
        let mut waiting = self.waiting.write();
        if !waiting.is_loaded() {
            *waiting = Waiting::load(connection)?;
        }
        Ok(RwLockWriteGuard::downgrade(waiting))
    }

    /// The same, so that values can be asked for.
    fn settled(&self) -> RwLockReadGuard<'_, Waiting> {
        let waiting = self.waiting.read();
        if waiting.is_settled() {
            return waiting;
        }
        drop(waiting);
        let mut waiting = self.waiting.write();
        waiting.settle();
        RwLockWriteGuard::downgrade(waiting)
    }
}

impl Sqlite {
    /// Hands a job to the writer and waits for its answer.
    fn job<T>(
        &self,
        make: impl FnOnce(mpsc::SyncSender<Result<T, Error>>) -> writer::Job,
    ) -> Result<T, Error> {
        let (reply, answer) = mpsc::sync_channel(1);
        let stopped = || Error::Busy("the writer has stopped".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(make(reply)).map_err(|_| stopped())?;
        answer.recv().map_err(|_| Error::Unknown("the writer stopped before it answered".to_owned()))?
    }

    /// Has the writer do something within a transaction.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut writer::Work) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.job(|reply| writer::Job::Do(Box::new(writer::Asked::new(reply, work))))
    }
}

impl Store for Sqlite {
    fn add(&self, batch: Batch) -> Result<Status, Error> {
        self.job(|reply| writer::Job::Add(Box::new(batch), reply)).map(|status| *status)
    }

    fn try_out(&self, batch: Batch) -> Result<Vec<Tried>, Error> {
        self.write(move |work| trial::try_out(work, batch))
    }

    fn submissions(&self, scope: &SubmissionScope, after: i64, limit: usize) -> Result<Submissions, Error> {
        self.shared.readers.with(|connection| review::list(connection, scope, after, limit))
    }

    fn submission(&self, scope: &SubmissionScope, id: &str) -> Result<Option<Submission>, Error> {
        self.shared.readers.with(|connection| review::one(connection, scope, id))
    }

    fn decide(&self, decisions: Vec<Decision>, now: Timestamp) -> Result<Vec<Outcome>, Error> {
        self.write(move |work| review::decide(work, decisions, now))
    }

    fn page(&self, scope: &ReadScope, query: &Query) -> Result<Page, Error> {
        self.shared.page(scope, query)
    }

    fn atoms(
        &self,
        scope: &ReadScope,
        query: &AtomQuery,
        visit: &mut dyn FnMut(Named),
    ) -> Result<u64, Error> {
        self.shared.atoms(scope, query, visit)
    }

    fn kinds(&self) -> Result<Kinds, Error> {
        self.shared.kinds()
    }

    fn named(
        &self,
        scopes: &[ReadScope],
        wanted: &[Wanted],
        most: usize,
        visit: &mut dyn FnMut(usize, usize, Named),
    ) -> Result<(), Error> {
        self.shared.named(scopes, wanted, most, visit)
    }

    fn said(
        &self,
        scopes: &[ReadScope],
        objects: &[(usize, &str)],
        most: usize,
        visit: &mut dyn FnMut(usize, &Handling, &[u8]),
    ) -> Result<(), Error> {
        self.shared.said(scopes, objects, most, visit)
    }

    fn confirmed(&self) -> Result<HashSet<(String, String, u64)>, Error> {
        self.shared.readers.with(|connection| confirm::load(connection))
    }

    fn marked(&self, job: &str) -> Result<Option<Vec<u8>>, Error> {
        self.shared.readers.with(|connection| mark::load(connection, job))
    }

    fn mark(&self, mark: Mark) -> Result<(), Error> {
        self.write(move |work| mark::keep(&work.transaction, &mark))
    }

    fn knows(&self, scope: &ReadScope, id: &str) -> Result<bool, Error> {
        self.shared.knows(scope, id)
    }

    fn delete(
        &self,
        scope: &EraseScope,
        id: &str,
        versions: &Versions,
        now: Timestamp,
    ) -> Result<Deleted, Error> {
        let order =
            delete::Order { scope: scope.clone(), id: id.to_owned(), versions: versions.clone(), now };
        self.write(move |work| delete::Deletion::new(work).run(&order))
    }

    fn sweep(&self, now: Timestamp) -> Result<Swept, Error> {
        self.sweep(now)
    }

    fn ended(&self, collections: &[&str], now: Timestamp) -> Result<Endings, Error> {
        self.ended(collections, now)
    }

    fn revoke(&self, revocations: Vec<Revocation>, now: Timestamp) -> Result<u64, Error> {
        self.write(move |work| ending::revoke(work, revocations, now))
    }

    fn wipe(&self) -> Result<(), Error> {
        self.wipe()
    }

    fn step(&self, now: Timestamp) -> Result<Step, Error> {
        self.step(now)
    }

    fn status(&self, client: &str, api_root: &str, id: &str) -> Result<Option<Vec<u8>>, Error> {
        self.shared.readers.with(|connection| read::status(connection, client, api_root, id))
    }

    fn watermark(&self, collection: &str) -> Option<Timestamp> {
        let collections = self.shared.collections.read();
        collections.get(collection).map(|found| Timestamp::from_micros(found.last_added))
    }

    fn visibility(&self, scope: &ReadScope) -> Arc<[u64]> {
        let classes = self.shared.classes.read().clone();
        self.shared.visibility(&classes, scope)
    }

    fn markings(&self, collection: &str) -> Arc<Markings> {
        self.shared.markings.read().get(collection).cloned().unwrap_or_default()
    }

    fn latest(&self, collection: &str, id: &str) -> Result<Option<(StixTime, Handling)>, Error> {
        self.shared.latest(collection, id)
    }

    fn registry(&self, known: Option<u64>) -> Result<Option<(u64, String)>, Error> {
        self.shared.readers.with(|connection| registry::load(connection, known))
    }

    fn cursor_secret(&self) -> Result<([u8; 32], [u8; 8]), Error> {
        self.shared.readers.with(|connection| open::cursor_secret(connection))
    }

    fn audit(&self) -> &dyn AuditLog {
        self
    }

    fn is_writable(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| !writer.is_finished())
    }

    fn counts(&self) -> Vec<(String, u64, Timestamp)> {
        let collections = self.shared.collections.read();
        let row = |(id, found): (&String, &Collection)| {
            (id.clone(), found.rows.values().sum(), Timestamp::from_micros(found.last_added))
        };
        collections.iter().map(row).collect()
    }

    fn arrivals(&self) -> BTreeMap<Arc<str>, Delays> {
        self.shared.arrivals.lock().clone()
    }

    fn freshness(&self) -> Result<Fresh, Error> {
        self.shared.readers.with(|connection| freshness::load(connection))
    }

    fn keep_freshness(&self, kept: Fresh) -> Result<(), Error> {
        self.write(move |work| freshness::keep(&work.transaction, &kept))
    }
}

impl Drop for Sqlite {
    /// Lets the writer finish what it was given, then stop.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has been answered and logged where it happened.
            let _ = writer.join();
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(text),
            // A file-size limit, a quota: what could not be written was not committed.
            Some(ErrorCode::SystemIoFailure) if is_write(&error) => Self::Busy(text),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(format!("the database is damaged: {text}"))
            }
            _ => Self::Backend(text),
        }
    }
}

/// Did the system refuse to write, other than for want of space on the disk?
fn is_write(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_WRITE)
}
