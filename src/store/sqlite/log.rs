//! The audit log of a database that serves.

use super::classes::Classes;
use super::index::{Table, Waiting};
use super::ledger::concerning::concerning;
use super::ledger::recipients::{Look, recipients};
use super::ledger::verify::{self, Problem};
use super::ledger::{look, sign};
use super::{Shared, Sqlite, Tool};
use crate::audit::{Checkpoint, Event, Hash, Signer, Summary, Verifier};
use crate::stix::Timestamp;
use crate::store::{AuditLog, Concerning, Error, NoProof, Receipts};
use rusqlite::{OptionalExtension, TransactionBehavior};
use std::sync::Arc;

impl AuditLog for Sqlite {
    fn record(&self, now: Timestamp, events: Vec<Event>) -> Result<(), Error> {
        self.write(move |work| {
            events.into_iter().for_each(|event| work.record(now, event));
            Ok(())
        })
    }

    fn size(&self) -> u64 {
        self.shared.log.size()
    }

    fn size_soon(&self) -> u64 {
        self.shared.log.soon()
    }

    fn records(&self, from: u64, limit: u32, bytes_max: usize) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        self.shared.readers.with(|connection| look::records(connection, from, limit, bytes_max))
    }

    fn checkpoint(
        &self,
        signer: &Arc<Signer>,
        now: Timestamp,
        even_if_idle: bool,
    ) -> Result<Option<String>, Error> {
        let signer = signer.clone();
        self.write(move |work| sign::checkpoint(work, &signer, now, even_if_idle))
    }

    fn latest_checkpoint(&self) -> Result<Option<String>, Error> {
        self.shared.readers.with(|connection| look::latest(connection))
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Result<Vec<Hash>, NoProof>, Error> {
        self.shared.readers.with(|connection| look::consistency(connection, old, new))
    }

    fn inclusion(&self, n: u64, size: u64) -> Result<Result<(Hash, Vec<Hash>), NoProof>, Error> {
        self.shared.readers.with(|connection| look::inclusion(connection, n, size))
    }

    fn recipients(&self, id: &str, collection: Option<&str>) -> Result<Vec<Receipts>, Error> {
        self.shared.recipients(id, collection)
    }

    fn concerning(&self, organisation: &str, from: u64, limit: u32) -> Result<Concerning, Error> {
        self.shared.concerning(organisation, from, limit)
    }
}

impl Shared {
    fn recipients(&self, id: &str, collection: Option<&str>) -> Result<Vec<Receipts>, Error> {
        self.readers.with(|connection| {
            let transaction = connection.transaction()?;
            // The index in memory is held still until the snapshot has begun, so that each row of
            // the snapshot is in it or in the table; the classes must not be older than that.
            let index = self.index(&transaction)?;
            look::size(&transaction)?;
            let places = index.places(Table::Ids, crate::store::id_hash(id));
            drop(index);
            let classes = self.classes.read().clone();
            let look = Look { connection: &transaction, classes: &classes, waiting: &|_| places.clone() };
            recipients(&look, id, collection)
        })
    }

    /// Not in one snapshot: what is looked up in memory, then in the table, is in one of them. A row
    /// that came meanwhile may have a class that did, too; then it is looked at anew.
    fn concerning(&self, organisation: &str, from: u64, limit: u32) -> Result<Concerning, Error> {
        self.readers.with(|connection| {
            drop(self.index(connection)?);
            let waiting = |hash| self.waiting.read().places(Table::Ids, hash);
            let mut tries = 0;
            loop {
                tries += 1;
                let classes = self.classes.read().clone();
                let look = Look { connection, classes: &classes, waiting: &waiting };
                match concerning(&look, organisation, from, limit) {
                    Err(Error::Damaged(_)) if tries < 5 && !Arc::ptr_eq(&classes, &self.classes.read()) => {}
                    answer => return answer,
                }
            }
        })
    }
}

/// The audit log for commands that work beside a running server.
impl Tool {
    /// Checks the whole log, also against `further` checkpoints; the first thing that is wrong.
    pub fn verify(&self, further: &[Checkpoint]) -> Result<Result<Summary, Problem>, Error> {
        verify::verify(&self.connection, further)
    }

    /// Number of records.
    pub fn log_size(&self) -> Result<u64, Error> {
        look::size(&self.connection)
    }

    /// Records from number `from` on: at most `limit`, and no more once they have `bytes_max` bytes.
    pub fn records(&self, from: u64, limit: u32, bytes_max: usize) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        look::records(&self.connection, from, limit, bytes_max)
    }

    /// The largest checkpoint.
    pub fn latest_checkpoint(&self) -> Result<Option<String>, Error> {
        look::latest(&self.connection)
    }

    /// The keys that have signed checkpoints.
    pub fn audit_keys(&self) -> Result<Vec<Verifier>, Error> {
        look::keys(&self.connection)
    }

    /// The proof that the first `new` records begin with the first `old`.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Result<Vec<Hash>, NoProof>, Error> {
        look::consistency(&self.connection, old, new)
    }

    /// The leaf of record `n`, and the proof that it is among the first `size`.
    pub fn inclusion(&self, n: u64, size: u64) -> Result<Result<(Hash, Vec<Hash>), NoProof>, Error> {
        look::inclusion(&self.connection, n, size)
    }

    /// Who received each version of an object, of several.
    pub fn recipients<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<Vec<(&'i str, Receipts)>, Error> {
        let transaction = self.connection.unchecked_transaction()?;
        let waiting = Waiting::load(&transaction)?;
        let classes = Arc::new(Classes::load(&transaction)?);
        let look = Look {
            connection: &transaction,
            classes: &classes,
            waiting: &|hash| waiting.places(Table::Ids, hash),
        };
        let mut found = Vec::new();
        for id in ids {
            found.extend(recipients(&look, id, None)?.into_iter().map(|receipts| (id, receipts)));
        }
        Ok(found)
    }

    /// The name of the log: as it was first told, or now if `keep`. Another one is an error.
    pub fn origin(&mut self, wanted: Option<&str>, or: &str, keep: bool) -> Result<String, Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "SELECT CAST(value AS TEXT) FROM meta WHERE name = 'audit_origin'";
        let known: Option<String> = transaction.query_row(sql, [], |row| row.get(0)).optional()?;
        match (known, wanted) {
            (Some(known), Some(wanted)) if known != wanted => Err(Error::Damaged(format!(
                "audit.origin is `{wanted}`, but this log has been called `{known}` in its checkpoints and stays so: set that, or leave it out"
            ))),
            (Some(known), _) => Ok(known),
            (None, _) => {
                let origin = wanted.unwrap_or(or);
                if keep {
                    let sql = "INSERT INTO meta (name, value) VALUES ('audit_origin', ?1)";
                    transaction.execute(sql, [origin])?;
                    transaction.commit()?;
                }
                Ok(origin.to_owned())
            }
        }
    }
}
