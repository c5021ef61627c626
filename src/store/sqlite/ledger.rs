//! The audit log as it grows: each record is appended in the transaction of what it tells of.

pub(super) mod concerning;
pub(super) mod look;
pub(super) mod received;
pub(super) mod recipients;
pub(super) mod sign;
pub(super) mod verify;

use super::writer::Work;
use crate::audit::event::Served;
use crate::audit::{Event, Hash, Record, Tree};
use crate::stix::Timestamp;
use crate::store::Error;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::atomic::{AtomicU64, Ordering};

/// The log as the last transaction of this process left it. Tools in other processes append too, so
/// it is compared with what is stored before it is gone on from.
#[derive(Default)]
pub(super) struct Log {
    known: Mutex<Option<Ledger>>,
    size: AtomicU64,
    soon: AtomicU64,
}

impl Log {
    /// Reads how far the log has come.
    pub(super) fn load(&self, connection: &Connection) -> Result<(), Error> {
        let ledger = Ledger::load(connection, None)?;
        self.announce(&ledger);
        self.keep(ledger);
        Ok(())
    }

    /// The log as the open transaction sees it.
    pub(super) fn current(&self, connection: &Connection) -> Result<Ledger, Error> {
        Ledger::load(connection, self.known.lock().as_ref())
    }

    /// The transaction that appended is about to be committed.
    pub(super) fn announce(&self, ledger: &Ledger) {
        self.soon.store(ledger.size(), Ordering::SeqCst);
    }

    /// At most so many records are committed.
    pub(super) fn soon(&self) -> u64 {
        self.soon.load(Ordering::SeqCst)
    }

    /// The transaction that appended is committed.
    pub(super) fn keep(&self, ledger: Ledger) {
        self.size.store(ledger.size(), Ordering::Release);
        *self.known.lock() = Some(ledger);
    }

    /// At least so many records are committed.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }
}

impl Work<'_> {
    /// Notes what the audit log is to hold when the transaction is committed.
    pub(super) fn record(&mut self, at: Timestamp, event: Event) {
        self.events.push((at, event));
    }

    /// The audit log as this transaction found it.
    pub(super) fn ledger(&mut self) -> Result<&mut Ledger, Error> {
        let found = match self.ledger.take() {
            Some(found) => found,
            None => self.shared.log.current(&self.transaction)?,
        };
        Ok(self.ledger.insert(found))
    }

    /// Appends to the audit log what was recorded.
    pub(super) fn seal(&mut self) -> Result<Option<Ledger>, Error> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(None);
        }
        self.ledger()?;
        let Some(mut ledger) = self.ledger.take() else { return Ok(None) };
        ledger.append(&self.transaction, events)?;
        self.shared.log.announce(&ledger);
        Ok(Some(ledger))
    }
}

/// The end of the log, which is all that appending needs.
#[derive(Clone)]
pub(super) struct Ledger {
    tree: Tree,
    /// Leaf of the last record.
    last: Hash,
    /// The tree as it is stored.
    stored: Vec<u8>,
}

impl Ledger {
    /// Reads the end of the log, unless `known` is it.
    pub(super) fn load(connection: &Connection, known: Option<&Self>) -> Result<Self, Error> {
        let sql = "SELECT value FROM meta WHERE name = 'audit_tree'";
        let stored: Option<Vec<u8>> =
            connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
        let stored = stored.unwrap_or_default();
        if let Some(known) = known.filter(|known| known.stored == stored) {
            return Ok(known.clone());
        }
        let damaged = |what: &str| Error::Damaged(format!("{what}; see `liaison audit verify`"));
        let tree = match stored.is_empty() {
            true => Tree::new(),
            false => Tree::from_bytes(&stored).map_err(|error| damaged(&error.to_string()))?,
        };
        let sql = "SELECT n, leaf FROM audit ORDER BY n DESC LIMIT 1";
        let newest: Option<(i64, [u8; 32])> =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (size, last) = newest.map_or((0, Hash::ZERO), |(n, leaf)| (n + 1, Hash::from_bytes(leaf)));
        if size.cast_unsigned() != tree.size() {
            return Err(damaged("the audit log does not end where its tree says"));
        }
        Ok(Self { tree, last, stored })
    }

    /// Number of records.
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root of all records.
    pub(super) fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Seals the events in order, and writes them within the open transaction.
    pub(super) fn append(
        &mut self,
        connection: &Connection,
        events: Vec<(Timestamp, Event)>,
    ) -> Result<(), Error> {
        let mut insert =
            connection.prepare_cached("INSERT INTO audit (n, leaf, record) VALUES (?1, ?2, ?3)")?;
        for (at, event) in events {
            let n = self.tree.size();
            let record = Record { n, prev: self.last, at: at.to_string(), event };
            let (bytes, leaf) = record.seal().map_err(|error| Error::Backend(error.to_string()))?;
            insert.execute(params![n.cast_signed(), leaf.as_bytes(), bytes])?;
            self.last = leaf;
            for tile in self.tree.push(leaf) {
                let sql = "INSERT INTO audit_tile (height, idx, hash) VALUES (?1, ?2, ?3)";
                let index = tile.index.cast_signed();
                connection.execute(sql, params![tile.height, index, tile.hash.as_bytes()])?;
            }
            if let Event::Served(served) = &record.event {
                write_range(connection, n, served)?;
            }
        }
        self.stored = self.tree.to_bytes();
        let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES ('audit_tree', ?1)";
        connection.prepare_cached(sql)?.execute([&self.stored])?;
        Ok(())
    }
}

/// Notes the range of served rows where it is found by a row in it.
fn write_range(connection: &Connection, n: u64, served: &Served) -> Result<(), Error> {
    let Some(range) = Range::of(served) else { return Ok(()) };
    let sql = "INSERT INTO audit_served (coll, level, first, n, last) SELECT pk, ?2, ?3, ?4, ?5 FROM collection WHERE id = ?1";
    let mut insert = connection.prepare_cached(sql)?;
    insert.execute(params![served.collection, range.level(), range.first, n.cast_signed(), range.last])?;
    Ok(())
}

/// The `date_added` of the first and the last row served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Range {
    /// The range of a record, if it states one.
    pub(super) fn of(served: &Served) -> Option<Self> {
        let micros = |text: &Option<String>| Some(Timestamp::parse(text.as_ref()?)?.micros());
        let (first, last) = (micros(&served.first)?, micros(&served.last)?);
        (first <= last).then_some(Self { first, last })
    }

    /// Bits of its length.
    pub(super) fn level(self) -> u32 {
        i64::BITS - (self.last - self.first).leading_zeros()
    }
}
