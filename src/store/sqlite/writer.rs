//! The one thread that writes. It takes all jobs that wait into one transaction (group commit),
//! and answers them when that is on disk.

use super::add::Adding;
use super::checkpoint::checkpoint;
use super::classes::Classes;
use super::index::{Place, Table};
use super::ledger::Ledger;
use super::{Collection, Shared, pages};
use crate::audit::Event;
use crate::freshness::Delays;
use crate::stix::Timestamp;
use crate::stix::marking::Terms;
use crate::store::atoms::Noted;
use crate::store::{Batch, Entry, Error};
use crate::taxii::resource::Status;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, mpsc};

/// Work for the writer, with where to answer.
pub(super) enum Job {
    /// A POST: the objects of all that wait are written together.
    Add(Box<Batch>, mpsc::SyncSender<Result<Box<Status>, Error>>),
    /// Anything else; done before the POSTs of the same transaction.
    Do(Box<dyn Task>),
}

/// Something that is done within a transaction.
pub(super) trait Task: Send {
    /// Does it; an error undoes the whole transaction.
    fn run(&mut self, work: &mut Work) -> Result<(), Error>;
    /// About how much it adds to the log.
    fn bytes(&self) -> usize {
        PAGE_BYTES
    }
    /// Is nothing that was erased to be left in the log after it?
    fn wipes(&self) -> bool {
        false
    }
    /// Tells whoever waits, when the transaction is on disk or has failed.
    fn answer(self: Box<Self>, failed: Option<Error>);
}

/// A task that is a function, and where its answer goes.
pub(super) struct Asked<T> {
    work: Deed<T>,
    found: Option<T>,
    reply: mpsc::SyncSender<Result<T, Error>>,
    bytes: usize,
    wipes: bool,
}

type Deed<T> = Option<Box<dyn FnOnce(&mut Work) -> Result<T, Error> + Send>>;

impl<T: Send + 'static> Asked<T> {
    pub(super) fn new(
        reply: mpsc::SyncSender<Result<T, Error>>,
        work: impl FnOnce(&mut Work) -> Result<T, Error> + Send + 'static,
    ) -> Self {
        Self { work: Some(Box::new(work)), found: None, reply, bytes: PAGE_BYTES, wipes: false }
    }

    /// Rows so many go, each from several pages.
    pub(super) fn removing(self, rows: usize) -> Self {
        Self { bytes: rows * 2 * PAGE_BYTES, ..self }
    }

    /// The log is emptied into the database file afterwards.
    pub(super) fn wiping(self) -> Self {
        Self { wipes: true, ..self }
    }
}

impl<T: Send + 'static> Task for Asked<T> {
    fn run(&mut self, work: &mut Work) -> Result<(), Error> {
        if let Some(deed) = self.work.take() {
            self.found = Some(deed(work)?);
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn wipes(&self) -> bool {
        self.wipes
    }

    fn answer(self: Box<Self>, failed: Option<Error>) {
        let Self { found, reply, .. } = *self;
        let unfinished = || Error::Backend("a task was not run".to_owned());
        let answer = failed.map_or_else(|| found.ok_or_else(unfinished), Err);
        // Nobody waits any more if the client has gone.
        let _ = reply.send(answer);
    }
}

/// A new entry of the index.
pub(super) type Indexed = (Table, i64, Place);

/// Everything a transaction changes in memory once it is committed.
pub(super) struct Work<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) shared: &'a Shared,
    /// Copied when the first new one comes up: most transactions bring none.
    pub(super) classes: Arc<Classes>,
    pub(super) collections: HashMap<String, Collection>,
    pub(super) last_seq: i64,
    /// Rows already known that changed class or went: pages that hold them are stale.
    pub(super) changed: HashMap<String, Vec<Timestamp>>,
    /// New entries of the index, to take back if the commit fails.
    pub(super) indexed: Vec<Indexed>,
    /// Which kinds of values came up.
    pub(super) noted: Noted,
    /// How long versions took to come here, by the sender's organisation.
    pub(super) arrivals: BTreeMap<Arc<str>, Delays>,
    /// Markings that came up, by collection.
    defined: HashMap<String, Vec<(String, Terms)>>,
    /// Markings that went, as collection and id.
    undefined: Vec<(String, String)>,
    /// Rows of the table `object` that went.
    pub(super) removed: Vec<i64>,
    /// And of the table `atom`.
    pub(super) removed_atoms: Vec<i64>,
    /// What the audit log will hold, and when it happened.
    pub(super) events: Vec<(Timestamp, Event)>,
    /// The audit log as this transaction found it, once somebody has asked.
    pub(super) ledger: Option<Ledger>,
}

/// Jobs that may wait.
pub(super) const QUEUE: usize = 256;

/// Starts the thread.
pub(super) fn start(
    mut connection: Connection,
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Job>,
) -> Result<std::thread::JoinHandle<()>, Error> {
    let thread = std::thread::Builder::new().name("store-writer".to_owned());
    thread
        .spawn(move || {
            let (mut logged, mut wipes) = (0, false);
            while let Some(jobs) = next_jobs(&queue) {
                logged += jobs.iter().map(bytes).sum::<usize>();
                wipes |= jobs.iter().any(|job| matches!(job, Job::Do(task) if task.wipes()));
                let written = commit(&mut connection, &shared, jobs);
                if written.and_then(|()| checkpoint(&connection, &mut logged, &mut wipes)).is_err() {
                    // Ending here closes the queue: nothing is written until a restart has
                    // recovered from the log. A failed sync must never be tried again.
                    return;
                }
            }
            // Leaves one whole file behind; failing that, the next start recovers from the log.
            let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        })
        .map_err(|error| Error::Backend(format!("cannot start the writer thread: {error}")))
}

/// Waits for a job and takes those behind it, up to a bound on objects.
fn next_jobs(queue: &mpsc::Receiver<Job>) -> Option<Vec<Job>> {
    let mut jobs = vec![queue.recv().ok()?];
    let mut objects = size(&jobs[0]);
    while objects < OBJECTS_PER_COMMIT {
        match queue.try_recv() {
            Ok(job) => {
                objects += size(&job);
                jobs.push(job);
            }
            Err(_) => break,
        }
    }
    Some(jobs)
}

/// About how much a job adds to the log.
fn bytes(job: &Job) -> usize {
    let entry = |entry: &Entry| match entry {
        Entry::Admitted(prepared) | Entry::Companion(prepared) => {
            prepared.admitted.object().json().len() + ROW_BYTES
        }
        Entry::Refused(_, _, message) => message.len() + ROW_BYTES,
        Entry::Known(..) => ROW_BYTES,
    };
    match job {
        Job::Add(batch, _) => PAGE_BYTES + batch.entries.iter().map(entry).sum::<usize>(),
        Job::Do(task) => task.bytes(),
    }
}

fn size(job: &Job) -> usize {
    match job {
        Job::Add(batch, _) => batch.entries.len() + 1,
        Job::Do(_) => 1,
    }
}

/// One transaction for all jobs; either all are answered with success or none is. An error is
/// one after which the writer must stop.
fn commit(connection: &mut Connection, shared: &Shared, jobs: Vec<Job>) -> Result<(), ()> {
    let (mut batches, mut replies, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Add(batch, reply) => {
                batches.push(*batch);
                replies.push(reply);
            }
            Job::Do(task) => tasks.push(task),
        }
    }
    match run(connection, shared, batches, &mut tasks) {
        Ok(statuses) => {
            for (reply, status) in replies.iter().zip(statuses) {
                // Nobody waits any more if the client has gone.
                let _ = reply.send(Ok(Box::new(status)));
            }
            tasks.into_iter().for_each(|task| task.answer(None));
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "a commit failed; nothing of it was acknowledged");
            for reply in replies {
                let _ = reply.send(Err(copy(&error)));
            }
            tasks.into_iter().for_each(|task| task.answer(Some(copy(&error))));
            if matches!(error, Error::Unknown(_)) { Err(()) } else { Ok(()) }
        }
    }
}

fn run(
    connection: &mut Connection,
    shared: &Shared,
    batches: Vec<Batch>,
    tasks: &mut [Box<dyn Task>],
) -> Result<Vec<Status>, Error> {
    let rows: usize = batches.iter().map(|batch| batch.entries.len()).sum();
    let mut work = Work::begin(connection, shared)?;
    let slices = shared.waiting.write().slices(rows);
    slices.iter().try_for_each(|slice| slice.write(&work.transaction))?;
    // An error drops the transaction, which rolls it back; memory was not touched.
    let outcome = work.all(batches, tasks)?;
    work.finish()?;
    slices.iter().for_each(|slice| shared.waiting.write().merged(slice));
    Ok(outcome)
}

impl<'a> Work<'a> {
    fn begin(connection: &'a mut Connection, shared: &'a Shared) -> Result<Self, Error> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Self {
            transaction,
            shared,
            classes: shared.classes.read().clone(),
            collections: shared.collections.read().clone(),
            last_seq: shared.waiting.read().last_seq(),
            changed: HashMap::new(),
            indexed: Vec::new(),
            noted: Noted::default(),
            arrivals: BTreeMap::new(),
            defined: HashMap::new(),
            undefined: Vec::new(),
            removed: Vec::new(),
            removed_atoms: Vec::new(),
            events: Vec::new(),
            ledger: None,
        })
    }

    fn all(&mut self, batches: Vec<Batch>, tasks: &mut [Box<dyn Task>]) -> Result<Vec<Status>, Error> {
        for task in tasks {
            task.run(self)?;
        }
        let mut adding = Adding::new(self);
        let mut statuses = Vec::with_capacity(batches.len());
        for batch in batches {
            statuses.push(adding.batch(batch)?);
        }
        adding.write(&statuses)?;
        if self.shared.wipes_pages && !self.removed.is_empty() {
            pages::wipe_around(&self.transaction, "object", &mut self.removed)?;
            pages::wipe_around(&self.transaction, "atom", &mut self.removed_atoms)?;
        }
        Ok(statuses.into_iter().map(|(status, _)| status).collect())
    }

    /// The collection's row, made if it is new.
    pub(super) fn collection(&mut self, id: &str) -> Result<&mut Collection, Error> {
        if !self.collections.contains_key(id) {
            self.transaction.execute("INSERT INTO collection (id, last_added) VALUES (?1, 0)", [id])?;
            let collection = Collection { pk: self.transaction.last_insert_rowid(), ..Collection::default() };
            self.collections.insert(id.to_owned(), collection);
        }
        let found = self.collections.get_mut(id);
        found.ok_or_else(|| Error::Backend("a collection vanished".to_owned()))
    }

    /// Moves a stored row to another class and keeps the counts right.
    pub(super) fn reclass(&mut self, collection: &str, added: i64, old: i64, new: i64) -> Result<(), Error> {
        let handling = |key| self.classes.class(key).map(|class| class.handling);
        let raised_from = handling(old).filter(|before| handling(new) != Some(*before));
        let entry = self.collection(collection)?;
        if let Some(count) = entry.rows.get_mut(&old) {
            *count = count.saturating_sub(1);
        }
        *entry.rows.entry(new).or_default() += 1;
        let pk = entry.pk;
        let mut update =
            self.transaction.prepare_cached("UPDATE log SET class = ?3 WHERE coll = ?1 AND added = ?2")?;
        update.execute(params![pk, added, new])?;
        drop(update);
        if let Some(before) = raised_from {
            let sql = "INSERT OR IGNORE INTO audit_raised (coll, added, handling) VALUES (?1, ?2, ?3)";
            self.transaction.execute(sql, params![pk, added, before])?;
        }
        self.note_change(collection, added);
        Ok(())
    }

    /// Remembers that pages with this row are stale.
    pub(super) fn note_change(&mut self, collection: &str, added: i64) {
        let list = self.changed.entry(collection.to_owned()).or_default();
        list.push(Timestamp::from_micros(added));
    }

    /// Places of rows of this id that the transaction has written.
    pub(super) fn written(&self, hash: i64) -> impl Iterator<Item = Place> {
        self.indexed.iter().filter(move |entry| (entry.0, entry.1) == (Table::Ids, hash)).map(|entry| entry.2)
    }

    /// Remembers markings that the transaction defines.
    pub(super) fn define(&mut self, collection: &str, markings: Vec<(String, Terms)>) {
        if !markings.is_empty() {
            self.defined.entry(collection.to_owned()).or_default().extend(markings);
        }
    }

    /// Remembers that a marking is not there any more. Tasks come before POSTs, so a definition
    /// that comes in the same transaction counts.
    pub(super) fn undefine(&mut self, collection: &str, id: &str) {
        self.undefined.push((collection.to_owned(), id.to_owned()));
    }

    /// How many markings a collection defines.
    pub(super) fn markings_of(&self, collection: &str) -> usize {
        let stored = self.shared.markings.read().get(collection).map_or(0, |found| found.len());
        stored + self.defined.get(collection).map_or(0, Vec::len)
    }

    fn finish(mut self) -> Result<(), Error> {
        let ledger = self.seal()?;
        // Before the commit: what a reader can see, its classes and its index must tell.
        let before = std::mem::replace(&mut *self.shared.classes.write(), self.classes);
        {
            let mut waiting = self.shared.waiting.write();
            self.shared.filter.note(&self.noted);
            self.indexed.iter().for_each(|(table, key, place)| waiting.insert(*table, *key, *place));
            self.shared.filter.insert(self.indexed.iter().map(|entry| entry.1));
        }
        let (shared, indexed, last_seq) = (self.shared, self.indexed, self.last_seq);
        if let Err(error) = self.transaction.commit() {
            *shared.classes.write() = before;
            take_back(shared, &indexed);
            return Err(uncertain(error));
        }
        shared.waiting.write().set_last_seq(last_seq);
        for (organisation, delays) in self.arrivals {
            shared.arrivals.lock().entry(organisation).or_default().add(&delays);
        }
        if let Some(ledger) = ledger {
            shared.log.keep(ledger);
        }
        // Before the watermark: who knows the new one gets no page from before it, and the audit
        // log relies on that.
        for (collection, rows) in self.changed {
            shared.cache.rows_changed(&collection, &rows);
        }
        // After the commit: nobody may be told of rows that are not there yet.
        *shared.collections.write() = self.collections;
        let mut markings = shared.markings.write();
        for (collection, id) in self.undefined {
            Arc::make_mut(markings.entry(collection).or_default()).remove(&id);
        }
        for (collection, defined) in self.defined {
            let known = Arc::make_mut(markings.entry(collection).or_default());
            defined.into_iter().for_each(|(id, terms)| known.insert(id, terms));
        }
        Ok(())
    }
}

/// The commit failed: its rows are not there.
fn take_back(shared: &Shared, indexed: &[Indexed]) {
    let mut waiting = shared.waiting.write();
    indexed.iter().for_each(|(table, key, place)| waiting.remove(*table, *key, *place));
}

/// A commit that failed for want of space did not happen; after any other failure nobody knows.
fn uncertain(error: rusqlite::Error) -> Error {
    match Error::from(error) {
        known @ (Error::Full(_) | Error::Busy(_)) => known,
        other => Error::Unknown(other.to_string()),
    }
}

fn copy(error: &Error) -> Error {
    match error {
        Error::Full(text) => Error::Full(text.clone()),
        Error::Busy(text) => Error::Busy(text.clone()),
        Error::Unknown(text) => Error::Unknown(text.clone()),
        Error::Damaged(text) => Error::Damaged(text.clone()),
        Error::Backend(text) => Error::Backend(text.clone()),
    }
}

/// Past so many objects a commit takes no further job.
const OBJECTS_PER_COMMIT: usize = 20_000;
const PAGE_BYTES: usize = 16 * 1024;
/// What a row takes beside its object's text.
const ROW_BYTES: usize = 400;
