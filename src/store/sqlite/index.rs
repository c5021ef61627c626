//! The index from an object's id to its rows, to those of the relationships that are about it, and from a
//! value to the rows of the objects that name it.
//!
//! Ids are random, so writing each new one into a B-tree at once would touch one page for each
//! object, and inserting would become slower as the collection grows. Instead new entries wait
//! in memory; when many wait they are sorted and merged into the table slice by slice, so that
//! each page is written once for many entries. A look-up asks memory and the table. After a crash
//! the waiting entries are read again from the newest rows.

use super::links::may_be_linked;
use crate::stix::claims;
use crate::store::atoms::Naming;
use crate::store::{Error, about_keys, id_hash};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// Where a version is: collection and `date_added`.
pub(super) type Place = (i64, i64);
type Entry = (i64, i64, i64);

/// The entries that are not in the table yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    recent: BTreeSet<Entry>,
    /// Being merged, sorted; those before `merged` are in the table.
    frozen: Vec<Entry>,
    merged: usize,
    /// All rows up to this `seq` are in `frozen` or in the table.
    frozen_upto: i64,
    /// The highest `seq` in use or, since deletion may leave none so high, below the floor: new
    /// rows must come after the floor, or they would not be found again after a crash.
    last_seq: i64,
    /// Something was merged: until then nobody need look in the table.
    is_table_used: bool,
}

/// A slice to merge in the transaction that is open.
pub(super) struct Slice {
    entries: Vec<Entry>,
    /// The new floor, if this is the last slice.
    floor: Option<i64>,
}

impl Waiting {
    /// Reads back what had not been merged.
    pub(super) fn load(connection: &Connection) -> Result<Self, Error> {
        let floor = floor(connection)?;
        let sql = "SELECT coalesce(max(seq), 0) FROM object";
        let newest: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        let is_table_used =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM by_id)", [], |row| row.get(0))?;
        let mut waiting = Self { last_seq: newest.max(floor), is_table_used, ..Self::default() };
        let mut statement = connection.prepare("SELECT id, coll, added, json FROM object WHERE seq > ?1")?;
        let mut rows = statement.query([floor])?;
        while let Some(row) = rows.next()? {
            let (id, place): (String, Place) = (row.get(0)?, (row.get(1)?, row.get(2)?));
            waiting.insert(id_hash(&id), place);
            let json = row.get_ref(3)?.as_blob().unwrap_or_default();
            if may_be_linked(&id) {
                about_keys(&id, json, &claims::ends(json)).iter().for_each(|key| waiting.insert(*key, place));
            }
            Naming::read(&id, json).keys().for_each(|key| waiting.insert(key, place));
        }
        Ok(waiting)
    }

    /// May the table have entries?
    pub(super) fn is_table_used(&self) -> bool {
        self.is_table_used
    }

    /// New rows are numbered from after this.
    pub(super) fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// Rows up to this are committed.
    pub(super) fn set_last_seq(&mut self, last_seq: i64) {
        self.last_seq = last_seq;
    }

    /// Adds a new row.
    pub(super) fn insert(&mut self, hash: i64, (coll, added): Place) {
        self.recent.insert((hash, coll, added));
    }

    /// Takes rows out again whose transaction failed.
    pub(super) fn remove(&mut self, hash: i64, (coll, added): Place) {
        self.recent.remove(&(hash, coll, added));
    }

    /// All keys in memory.
    pub(super) fn hashes(&self) -> Vec<i64> {
        self.recent.iter().chain(&self.frozen).map(|entry| entry.0).collect()
    }

    /// Places in memory; may name rows that are deleted.
    pub(super) fn places(&self, hash: i64) -> Vec<Place> {
        let range = (hash, i64::MIN, i64::MIN)..=(hash, i64::MAX, i64::MAX);
        let recent = self.recent.range(range).map(|entry| (entry.1, entry.2));
        let start = self.frozen.partition_point(|entry| entry.0 < hash);
        let frozen = self.frozen[start..].iter().take_while(|entry| entry.0 == hash);
        frozen.map(|entry| (entry.1, entry.2)).chain(recent).collect()
    }

    /// What to merge beside `rows` new rows.
    pub(super) fn slice(&mut self, rows: usize) -> Option<Slice> {
        if self.frozen.is_empty() {
            if self.recent.len() < FREEZE_AT {
                return None;
            }
            self.frozen = std::mem::take(&mut self.recent).into_iter().collect();
            (self.merged, self.frozen_upto) = (0, self.last_seq);
        }
        self.is_table_used = true;
        let end = (self.merged + (2 * rows).max(SLICE_MIN)).min(self.frozen.len());
        Some(Slice {
            entries: self.frozen[self.merged..end].to_vec(),
            floor: (end == self.frozen.len()).then_some(self.frozen_upto),
        })
    }

    /// The slice's transaction is committed.
    pub(super) fn merged(&mut self, slice: &Slice) {
        self.merged += slice.entries.len();
        if slice.floor.is_some() {
            self.frozen = Vec::new();
        }
    }
}

impl Slice {
    /// Writes the slice within the open transaction; doing it twice is harmless.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Error> {
        let sql = "INSERT OR IGNORE INTO by_id (hash, coll, added) VALUES (?1, ?2, ?3)";
        let mut insert = connection.prepare_cached(sql)?;
        for (hash, coll, added) in &self.entries {
            insert.execute([hash, coll, added])?;
        }
        if let Some(floor) = self.floor {
            let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES ('by_id_floor', ?1)";
            connection.execute(sql, params![floor])?;
        }
        Ok(())
    }
}

/// Places in the table; may name rows that are deleted.
pub(super) fn places(connection: &Connection, hash: i64) -> Result<Vec<Place>, Error> {
    let mut statement = connection.prepare_cached("SELECT coll, added FROM by_id WHERE hash = ?1")?;
    let rows = statement.query_map([hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives each place in the table to `take`, those of a collection from the last added to the first.
pub(super) fn newest_first(
    connection: &Connection,
    hash: i64,
    take: &mut dyn FnMut(Place) -> Result<(), Error>,
) -> Result<(), Error> {
    let sql = "SELECT coll, added FROM by_id WHERE hash = ?1 ORDER BY coll DESC, added DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([hash])?;
    while let Some(row) = rows.next()? {
        take((row.get(0)?, row.get(1)?))?;
    }
    Ok(())
}

/// All rows up to this `seq` are in the table.
pub(super) fn floor(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT coalesce(max(value), 0) FROM meta WHERE name = 'by_id_floor'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// How many entries wait before merging starts: about 4 MB of memory.
const FREEZE_AT: usize = if cfg!(test) { 8 } else { 65_536 };
const SLICE_MIN: usize = if cfg!(test) { 4 } else { 256 };
