//! Where objects are kept: one contract, kept by every backend and tested on every backend.

pub mod atoms;
mod audit;
mod cache;
pub mod erasure;
mod handle;
mod parallel;
mod review;
pub mod sqlite;

pub use audit::{AuditLog, Concern, Concerning, NoProof, Receipts, Recipient};
pub use cache::{CachedPage, PageCache, PageKey};
pub use handle::Handle;
pub(crate) use parallel::{Shares, both, for_all, for_parts};
pub use review::{Decision, Listed, Outcome, Ruling, Submissions, Tried};

use crate::freshness::{Delays, Kept};
use crate::policy::{
    Admitted, Ended, EraseScope, Handling, Markings, ReadScope, Submission, SubmissionScope,
};
use crate::stix::atom::{self, Kinds};
use crate::stix::object::Label;
use crate::stix::{StixTime, Timestamp, claims};
use crate::taxii::resource::Status;
use crate::taxii::{Match, Versions};
use atoms::{AtomQuery, Named, Wanted};
use erasure::{Step, Swept};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What every backend promises.
///
/// * A call that returns `Ok` from `add` or `delete` has its effect on disk, whole; one that
///   returns an error may have none or, for [`Error::Unknown`], the whole effect.
/// * `date_added` strictly increases within a collection, is at or after the batch's `received`,
///   and the last that any reader sees of what one commit adds to a collection falls on a whole
///   millisecond, unless that row is deleted. Rows become visible in that order: no reader sees
///   a row and later finds another below it.
/// * Nothing is read without a scope, and the scope filters before the limit counts. `last` and
///   `first` mean among the versions that the scope sees.
/// * Calls block; [`Handle`] is the way in from async code.
pub trait Store: Send + Sync {
    /// Adds a batch and records its status, in one transaction. What must be released first waits.
    fn add(&self, batch: Batch) -> Result<Status, Error>;
    /// Judges a batch as [`Self::add`] would, as if nothing in it had to wait, and stores nothing.
    fn try_out(&self, batch: Batch) -> Result<Vec<Tried>, Error>;
    /// What waits for release, in the order it came, after the place `after`.
    fn submissions(&self, scope: &SubmissionScope, after: i64, limit: usize) -> Result<Submissions, Error>;
    /// One submission, if the scope sees it.
    fn submission(&self, scope: &SubmissionScope, id: &str) -> Result<Option<Submission>, Error>;
    /// Carries decisions out in one transaction, with what their statuses say; an outcome for each.
    fn decide(&self, decisions: Vec<Decision>, now: Timestamp) -> Result<Vec<Outcome>, Error>;
    /// The next page in `date_added` order.
    fn page(&self, scope: &ReadScope, query: &Query) -> Result<Page, Error>;
    /// Gives the values that objects name to `visit`, in `date_added` order; of how many objects' values the
    /// time was over.
    fn atoms(&self, scope: &ReadScope, query: &AtomQuery, visit: &mut dyn FnMut(Named))
    -> Result<u64, Error>;
    /// The kinds of values that objects name; perhaps more.
    fn kinds(&self) -> Result<Kinds, Error>;
    /// Gives what objects name of `wanted` to `visit`, with the numbers of what was wanted and of the scope.
    /// Where more than `most` objects in a collection name a value, the last added are given.
    fn named(
        &self,
        scopes: &[ReadScope],
        wanted: &[Wanted],
        most: usize,
        visit: &mut dyn FnMut(usize, usize, Named),
    ) -> Result<(), Error>;
    /// Gives the last versions of sightings of and opinions on objects to `visit`, each once, with the number
    /// of the scope. An object is given by the number of the scope and its id. Where there are more than `most`
    /// sightings of it, or opinions, the last added are given.
    fn said(
        &self,
        scopes: &[ReadScope],
        objects: &[(usize, &str)],
        most: usize,
        visit: &mut dyn FnMut(usize, &Handling, &[u8]),
    ) -> Result<(), Error>;
    /// What somebody has confirmed although a warning list names it: object, list and the list's version; or
    /// although it was disputed: object, [`OPINIONS`] and the time in microseconds.
    fn confirmed(&self) -> Result<HashSet<(String, String, u64)>, Error>;
    /// How far a sync job has come, by the last [`Batch::mark`] or [`Self::mark`].
    fn marked(&self, job: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Keeps how far a sync job has come, although there was nothing to add.
    fn mark(&self, mark: Mark) -> Result<(), Error>;
    /// Does the scope see any version of this object?
    fn knows(&self, scope: &ReadScope, id: &str) -> Result<bool, Error>;
    /// Deletes versions of an object that belong to the scope's organisation.
    fn delete(
        &self,
        scope: &EraseScope,
        id: &str,
        versions: &Versions,
        now: Timestamp,
    ) -> Result<Deleted, Error>;
    /// Erases a batch of what is due by the registry in force and is not under a legal hold.
    fn sweep(&self, now: Timestamp) -> Result<Swept, Error>;
    /// A batch of the last versions in these collections whose time is over.
    fn ended(&self, collections: &[&str], now: Timestamp) -> Result<Endings, Error>;
    /// Adds what revokes ended versions, in one transaction, unless later versions have come meanwhile. None of them
    /// is told of again. How many were added.
    fn revoke(&self, revocations: Vec<Revocation>, now: Timestamp) -> Result<u64, Error>;
    /// Has nothing of what was erased left in the backend's files.
    fn wipe(&self) -> Result<(), Error>;
    /// Does a part of the oldest order that the operator's commands have left for the writer.
    fn step(&self, now: Timestamp) -> Result<Step, Error>;
    /// The status of a POST, as its sender may see it.
    fn status(&self, client: &str, api_root: &str, id: &str) -> Result<Option<Vec<u8>>, Error>;
    /// The last `date_added` ever given in a collection; answered from memory.
    fn watermark(&self, collection: &str) -> Option<Timestamp>;
    /// What of all stored handlings the scope sees, as a key for caches; answered from memory.
    fn visibility(&self, scope: &ReadScope) -> Arc<[u64]>;
    /// The markings that are defined in a collection; answered from memory.
    fn markings(&self, collection: &str) -> Arc<Markings>;
    /// The latest version of an object and its handling, for judging what refers to it.
    fn latest(&self, collection: &str, id: &str) -> Result<Option<(StixTime, Handling)>, Error>;
    /// The registry's generation if it is not `known`, and its text.
    fn registry(&self, known: Option<u64>) -> Result<Option<(u64, String)>, Error>;
    /// The secret and the epoch of `next` cursors.
    fn cursor_secret(&self) -> Result<([u8; 32], [u8; 8]), Error>;
    /// The audit log.
    fn audit(&self) -> &dyn AuditLog;
    /// False once nothing can be written until a restart.
    fn is_writable(&self) -> bool;
    /// Objects kept in each collection: id, count, last `date_added`.
    fn counts(&self) -> Vec<(String, u64, Timestamp)>;
    /// From the version's own time to `date_added`, by the sender's organisation, of what was stored since this
    /// was opened; answered from memory.
    fn arrivals(&self) -> BTreeMap<Arc<str>, Delays>;
    /// What was kept last of who has come and fetched how far.
    fn freshness(&self) -> Result<Kept, Error>;
    /// Keeps it.
    fn keep_freshness(&self, kept: Kept) -> Result<(), Error>;
}

/// The objects of one POST, judged and ready to be stored.
#[derive(Debug)]
pub struct Batch {
    /// The id of the status resource to come, a version 4 UUID.
    pub status_id: String,
    /// The collection's id.
    pub collection: String,
    /// The API root that the POST came in by.
    pub api_root: String,
    /// Who sent it: `organisation/client`.
    pub client: String,
    /// SHA-256 of its certificate's key, for the audit log.
    pub key: Option<String>,
    /// When it came in; `date_added` is at or after this.
    pub received: Timestamp,
    /// Its objects, in the order sent.
    pub entries: Vec<Entry>,
    /// Kept in the same transaction: how far a sync job has come with these.
    pub mark: Option<Mark>,
}

/// How far a sync job has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The job.
    pub job: String,
    /// Its position, as JSON.
    pub position: Vec<u8>,
}

/// Versions whose time is over.
#[derive(Debug, Default)]
pub struct Endings {
    /// The versions.
    pub ended: Vec<Ended>,
    /// There may be more.
    pub more: bool,
}

/// What is to follow an ended version.
#[derive(Debug)]
pub struct Revocation {
    /// The version.
    pub ended: Ended,
    /// What revokes it; nothing if nothing can.
    pub prepared: Option<Box<Prepared>>,
}

/// One object of a POST.
#[derive(Debug)]
pub enum Entry {
    /// To be stored, unless what is stored speaks against it.
    Admitted(Box<Prepared>),
    /// Refused already, with a code and the message for the status.
    Refused(Label, &'static str, String),
    /// Stored with the others without being told of: the identity of the collection.
    Companion(Box<Prepared>),
    /// A success without being stored, and what is said of it.
    Known(Label, &'static str),
}

/// An admitted object with what storing needs computed beforehand.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) admitted: Admitted,
    pub(crate) sha256: [u8; 32],
    pub(crate) id_hash: i64,
    /// Keys in the index of what it is about.
    pub(crate) links: Vec<i64>,
    /// The values that it names.
    pub(crate) named: Option<atom::Named>,
    /// Keys in the index of those values.
    pub(crate) value_keys: Vec<i64>,
    /// What it was called when it was sent, if it is called otherwise now.
    pub(crate) sent_as: Option<Label>,
    /// What warning lists say of it.
    pub(crate) note: Option<String>,
    /// What officers call it; known if it waits for them.
    pub(crate) name: Option<String>,
}

impl Prepared {
    /// Computes checksum and hashes, so that the writer need not.
    pub fn new(mut admitted: Admitted) -> Self {
        let named = admitted.take_named();
        let values = named.iter().flat_map(|named| &named.atoms);
        let value_keys = values.flat_map(atoms::keys_of).collect();
        let sha256 = sha256(admitted.object().json());
        let object = admitted.object();
        let links = about_keys(object.id().as_str(), object.json(), object.ends());
        let id_hash = id_hash(admitted.object().id().as_str());
        let name = admitted.waits().then(|| claims::name(admitted.object().json())).flatten();
        Self { admitted, sha256, id_hash, links, named, value_keys, sent_as: None, note: None, name }
    }

    /// For an object that was re-created after it had been sent under this name.
    pub fn renamed(admitted: Admitted, sent_as: Label) -> Self {
        Self { sent_as: Some(sent_as), ..Self::new(admitted) }
    }

    /// What its sender calls it.
    pub fn label(&self) -> Label {
        let object = self.admitted.object();
        let own = || Label { id: object.id().to_string(), version: object.version().as_str().to_owned() };
        self.sent_as.clone().unwrap_or_else(own)
    }

    /// What its sender must know about how it is stored.
    pub fn remark(&self) -> Option<String> {
        let id = self.admitted.object().id();
        let kept = self.sent_as.as_ref().map(|_| format!("kept as {id}: here its source is not named"));
        let all: Vec<String> = kept.into_iter().chain(self.note.clone()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// Which page is wanted.
#[derive(Debug, Clone)]
pub struct Query {
    /// Rows after this; from the start if absent.
    pub after: Option<Timestamp>,
    /// At most so many rows.
    pub limit: u32,
    /// The page ends before its objects exceed this, but never before the first.
    pub bytes_max: usize,
    /// Which rows.
    pub matches: Match,
    /// With the objects' text, or without.
    pub content: Content,
}

/// How much of each row a page needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// The object's text.
    Objects,
    /// The object's text, and what decides about it.
    Governed,
    /// Id, version and `date_added` only.
    Records,
}

/// Rows in `date_added` order.
#[derive(Debug, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Stored>,
    /// `date_added` of the next visible row, if there is one.
    pub following: Option<Timestamp>,
}

/// A row.
#[derive(Debug)]
pub struct Stored {
    /// Its `date_added`.
    pub added: Timestamp,
    /// The object's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its text; empty if only records were asked for.
    pub json: Vec<u8>,
    /// Its handling, if it was asked for.
    pub handling: Option<Arc<Handling>>,
}

/// What a deletion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// So many versions are gone.
    Versions(usize),
    /// The scope sees no such object or version.
    Nothing,
    /// It belongs to another organisation.
    NotOwner,
    /// It is its organisation's own, but a legal hold keeps it.
    Held,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No room; what was there is safe, and later calls may succeed.
    #[error("no space left for the database: {0}")]
    Full(String),
    /// The backend is busy or out of reach; later calls may succeed.
    #[error("the database does not answer: {0}")]
    Busy(String),
    /// The end of a commit was not learnt; it may or may not be there. Sending again is safe.
    #[error("it is not known whether the change is stored: {0}")]
    Unknown(String),
    /// The files are damaged, or not ours.
    #[error("{0}")]
    Damaged(String),
    /// Anything else the backend reports.
    #[error("the database failed: {0}")]
    Backend(String),
}

/// What [`Store::confirmed`] calls the opinions on an object. No version of a warning list reads as a time of today.
pub const OPINIONS: &str = "opinions";

/// SHA-256, the checksum kept with each version.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

/// From the hash of an id to the key of what is about that object.
pub(crate) fn link_of(id_hash: i64) -> i64 {
    id_hash ^ 0x5A5A_5A5A_5A5A_5A5A
}

/// From the hash of an id to the key of the opinions on that object; they raise nothing, so they are no links.
pub(crate) fn opinion_of(id_hash: i64) -> i64 {
    id_hash ^ 0x3C3C_3C3C_3C3C_3C3C
}

/// Keys in the index of what an object is about or what it is an opinion on.
pub(crate) fn about_keys(id: &str, json: &[u8], ends: &[String]) -> Vec<i64> {
    let links = ends.iter().map(|end| link_of(id_hash(end)));
    match id.starts_with("opinion--") {
        true => claims::judged(json).iter().map(|id| opinion_of(id_hash(id))).collect(),
        false => links.collect(),
    }
}

/// The first eight bytes of an id's SHA-256: nobody can make many ids that share one.
pub(crate) fn id_hash(id: &str) -> i64 {
    hash_of([id])
}

/// The same of a text in parts. Of short texts there are very many: they are hashed in one go, by an
/// implementation that has no context to allocate for each.
pub(crate) fn hash_of<const N: usize>(parts: [&str; N]) -> i64 {
    let mut buffer = [0; 128];
    let mut length = 0;
    for part in parts {
        let Some(room) = buffer.get_mut(length..length + part.len()) else {
            return first_bytes(Sha256::digest(parts.concat()));
        };
        room.copy_from_slice(part.as_bytes());
        length += part.len();
    }
    first_bytes(Sha256::digest(&buffer[..length]))
}

fn first_bytes(digest: impl AsRef<[u8]>) -> i64 {
    digest.as_ref()[..8].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte))
}
