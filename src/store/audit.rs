//! The audit log as a backend keeps it: what is asked of it, and what it answers.

use super::Error;
use crate::audit::event::{Event, View};
use crate::audit::{Hash, Signer};
use crate::policy::Handling;
use crate::stix::Timestamp;
use std::sync::Arc;

/// What every backend promises of its audit log.
///
/// * Records stand in the order of their commits; none is ever changed or taken out.
/// * What a call to [`Store`](super::Store) changes is recorded in the transaction of the change.
pub trait AuditLog {
    /// Records what happened; it is on disk when this returns.
    fn record(&self, now: Timestamp, events: Vec<Event>) -> Result<(), Error>;
    /// So many records at least are on disk; answered from memory. A page that is read after this
    /// shows what they tell of.
    fn size(&self) -> u64;
    /// So many records at most are on disk, or soon will be, as far as this process writes them;
    /// answered from memory. A page that was read before this shows nothing that later ones tell of.
    fn size_soon(&self) -> u64;
    /// Records from number `from` on: at most `limit`, and no more once they have `bytes_max` bytes.
    fn records(&self, from: u64, limit: u32, bytes_max: usize) -> Result<Vec<(u64, Vec<u8>)>, Error>;
    /// Signs and stores a checkpoint of what is on disk, if there is more than its predecessor and
    /// the record of it, or if `even_if_idle` and there is a record. Never of a smaller log, or of
    /// another one: then it is an error.
    fn checkpoint(
        &self,
        signer: &Arc<Signer>,
        now: Timestamp,
        even_if_idle: bool,
    ) -> Result<Option<String>, Error>;
    /// The largest checkpoint.
    fn latest_checkpoint(&self) -> Result<Option<String>, Error>;
    /// The proof that the first `new` records begin with the first `old`.
    fn consistency(&self, old: u64, new: u64) -> Result<Result<Vec<Hash>, NoProof>, Error>;
    /// The leaf of record `n`, and the proof that it is among the first `size`.
    fn inclusion(&self, n: u64, size: u64) -> Result<Result<(Hash, Vec<Hash>), NoProof>, Error>;
    /// Who received each version of an object, in one collection or in all.
    fn recipients(&self, id: &str, collection: Option<&str>) -> Result<Vec<Receipts>, Error>;
    /// What records from number `from` on say of an organisation's own objects and deeds.
    fn concerning(&self, organisation: &str, from: u64, limit: u32) -> Result<Concerning, Error>;
}

/// A proof cannot be made of these numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoProof(pub String);

/// A version of an object, and who received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    /// The collection's id.
    pub collection: String,
    /// The version.
    pub version: String,
    /// Its `date_added`.
    pub added: Timestamp,
    /// Whose it is, and who may see it.
    pub handling: Arc<Handling>,
    /// It has been deleted since.
    pub is_deleted: bool,
    /// Sorted by client.
    pub recipients: Vec<Recipient>,
}

/// Who received a version, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// `organisation/client`.
    pub client: String,
    /// The first time, to a second or so.
    pub first: String,
    /// The last time.
    pub last: String,
    /// It received the object itself, and not only its id and version.
    pub has_content: bool,
}

/// Of the log, what concerns one organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Concerning {
    /// In the order of the log.
    pub records: Vec<Concern>,
    /// The number to go on from.
    pub next: u64,
}

/// A record that concerns an organisation.
#[derive(Debug, Clone, PartialEq)]
pub enum Concern {
    /// What one of its clients published or deleted: the record's bytes.
    Own(Vec<u8>),
    /// Pages with its objects on them were sent.
    Served {
        /// The record's number.
        n: u64,
        /// When it was recorded.
        at: String,
        /// To whom.
        client: String,
        /// Where from.
        collection: String,
        /// What the pages were made of.
        view: View,
        /// How many versions of its objects were on them.
        objects: u64,
    },
}
