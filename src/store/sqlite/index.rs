//! The index from an object's id to its rows, to those of the relationships that are about it, and from a
//! value to the rows of the objects that name it. Each publish asks for ids and look-ups alone for values, so
//! the two have tables of their own.
//!
//! Keys are random, so writing each new one into a B-tree at once would touch one page for each
//! object, and inserting would become slower as the collection grows. Instead new entries wait
//! in memory; when many wait they are sorted and merged into the table slice by slice, so that
//! each page is written once for many entries. A look-up asks memory and the table. After a crash
//! the waiting entries are read again from the newest rows.

use super::atoms;
use super::links::may_be_linked;
use crate::stix::claims;
use crate::store::{Error, about_keys, id_hash};
use rusqlite::{CachedStatement, Connection, params};
use std::collections::BTreeSet;

mod walk;

pub(super) use walk::Walk;

/// Where a version is: collection and `date_added`.
pub(super) type Place = (i64, i64);
type Entry = (i64, i64, i64);

/// A table of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// By id, and by what an object is about.
    Ids,
    /// By value.
    Values,
}

/// A statement with the table's name in it.
macro_rules! sql {
    ($table:expr, $start:literal, $end:literal) => {
        match $table {
            Table::Ids => concat!($start, "by_id", $end),
            Table::Values => concat!($start, "by_value", $end),
        }
    };
}

/// The entries that are not in the tables yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    ids: Part,
    values: Part,
    /// The highest `seq` in use or, since deletion may leave none so high, below a floor: new
    /// rows must come after the floors, or they would not be found again after a crash.
    last_seq: i64,
    /// What had not been merged was read back.
    is_loaded: bool,
}

/// Those of one table.
#[derive(Debug, Default)]
struct Part {
    /// As they came: of values most are merged without anybody having asked for them.
    new: Vec<Entry>,
    recent: BTreeSet<Entry>,
    /// Being merged, sorted; those before `merged` are in the table.
    frozen: Vec<Entry>,
    merged: usize,
    /// All rows up to this `seq` are in `frozen` or in the table.
    frozen_upto: i64,
    /// Something was merged: until then nobody need look in the table.
    is_table_used: bool,
}

/// A slice to merge in the transaction that is open.
pub(super) struct Slice {
    table: Table,
    entries: Vec<Entry>,
    /// The new floor, if this is the last slice.
    floor: Option<i64>,
}

impl Waiting {
    /// Reads back what had not been merged.
    pub(super) fn load(connection: &Connection) -> Result<Self, Error> {
        let sql = "SELECT coalesce(max(seq), 0) FROM object";
        let newest: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        let floors = [floor(connection, Table::Ids)?, floor(connection, Table::Values)?];
        let mut ids = Vec::new();
        let mut statement = connection.prepare("SELECT id, coll, added, seq FROM object WHERE seq > ?1")?;
        let mut text = connection.prepare("SELECT json FROM object WHERE seq = ?1")?;
        let mut rows = statement.query([floors[0]])?;
        while let Some(row) = rows.next()? {
            let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let (coll, added): Place = (row.get(1)?, row.get(2)?);
            ids.push((id_hash(id), coll, added));
            if may_be_linked(id) {
                let json: Vec<u8> = text.query_row([row.get::<_, i64>(3)?], |row| row.get(0))?;
                let keys = about_keys(id, &json, &claims::ends(&json));
                ids.extend(keys.into_iter().map(|key| (key, coll, added)));
            }
        }
        let mut values = Vec::new();
        atoms::places_after(connection, floors[1], &mut |key, (coll, added)| {
            values.push((key, coll, added))
        })?;
        let last_seq = newest.max(floors[0]).max(floors[1]);
        Ok(Self {
            ids: Part::load(connection, Table::Ids, ids, last_seq)?,
            values: Part::load(connection, Table::Values, values, last_seq)?,
            last_seq,
            is_loaded: true,
        })
    }

    /// Was it read back? Who only looks at a database does so when it is first needed.
    pub(super) fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// May the table have entries?
    pub(super) fn is_used(&self, table: Table) -> bool {
        self.part(table).is_table_used
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
    pub(super) fn insert(&mut self, table: Table, key: i64, (coll, added): Place) {
        match table {
            Table::Ids => _ = self.ids.recent.insert((key, coll, added)),
            Table::Values => self.values.new.push((key, coll, added)),
        }
    }

    /// Takes rows out again whose transaction failed.
    pub(super) fn remove(&mut self, table: Table, key: i64, (coll, added): Place) {
        let part = self.part_mut(table);
        part.settle();
        part.recent.remove(&(key, coll, added));
    }

    /// Nothing is as it came, so that values can be asked for.
    pub(super) fn is_settled(&self) -> bool {
        self.values.new.is_empty()
    }

    /// Puts in order what is as it came.
    pub(super) fn settle(&mut self) {
        self.values.settle();
    }

    /// All keys in memory.
    pub(super) fn keys(&self) -> Vec<i64> {
        let parts = [&self.ids, &self.values];
        let all = parts.into_iter().flat_map(|part| part.recent.iter().chain(&part.new).chain(&part.frozen));
        all.map(|entry| entry.0).collect()
    }

    /// Places in memory; may name rows that are deleted.
    pub(super) fn places(&self, table: Table, key: i64) -> Vec<Place> {
        self.walk(table).places(key)
    }

    /// To ask for the places of many keys.
    pub(super) fn walk(&self, table: Table) -> Walk<'_> {
        Walk::along(self.part(table))
    }

    /// What to merge beside `rows` new rows.
    pub(super) fn slices(&mut self, rows: usize) -> Vec<Slice> {
        let last_seq = self.last_seq;
        let [ids, values] = [(Table::Ids, &mut self.ids), (Table::Values, &mut self.values)]
            .map(|(table, part)| part.slice(table, rows, last_seq));
        ids.into_iter().chain(values).collect()
    }

    /// The slice's transaction is committed.
    pub(super) fn merged(&mut self, slice: &Slice) {
        let part = self.part_mut(slice.table);
        part.merged += slice.entries.len();
        if slice.floor.is_some() {
            part.frozen = Vec::new();
        }
    }

    fn part(&self, table: Table) -> &Part {
        match table {
            Table::Ids => &self.ids,
            Table::Values => &self.values,
        }
    }

    fn part_mut(&mut self, table: Table) -> &mut Part {
        match table {
            Table::Ids => &mut self.ids,
            Table::Values => &mut self.values,
        }
    }
}

impl Part {
    /// `entries` are of rows up to `last_seq`.
    fn load(
        connection: &Connection,
        table: Table,
        mut entries: Vec<Entry>,
        last_seq: i64,
    ) -> Result<Self, Error> {
        let sql = sql!(table, "SELECT EXISTS (SELECT 1 FROM ", ")");
        let is_table_used = connection.query_row(sql, [], |row| row.get(0))?;
        if entries.len() < FREEZE_AT {
            return Ok(Self { recent: entries.into_iter().collect(), is_table_used, ..Self::default() });
        }
        // The next commit would put them in order anyway, and a list takes less room than a tree.
        entries.sort_unstable();
        entries.dedup();
        entries.shrink_to_fit();
        Ok(Self { frozen: entries, frozen_upto: last_seq, is_table_used, ..Self::default() })
    }

    fn settle(&mut self) {
        self.recent.extend(self.new.drain(..));
    }

    fn slice(&mut self, table: Table, rows: usize, last_seq: i64) -> Option<Slice> {
        if self.frozen.is_empty() {
            if self.recent.len() + self.new.len() < FREEZE_AT {
                return None;
            }
            let mut frozen = std::mem::take(&mut self.new);
            frozen.extend(std::mem::take(&mut self.recent));
            frozen.sort_unstable();
            (self.frozen, self.merged, self.frozen_upto) = (frozen, 0, last_seq);
        }
        self.is_table_used = true;
        // Two for each row; of very many, which have waited for their first table, more.
        let count = (2 * rows).max(SLICE_MIN).max(self.frozen.len() / SLICES_MAX);
        let end = (self.merged + count).min(self.frozen.len());
        Some(Slice {
            table,
            entries: self.frozen[self.merged..end].to_vec(),
            floor: (end == self.frozen.len()).then_some(self.frozen_upto),
        })
    }
}

impl Slice {
    /// Writes the slice within the open transaction; doing it twice is harmless.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Error> {
        let sql = sql!(self.table, "INSERT OR IGNORE INTO ", " (hash, coll, added) VALUES (?1, ?2, ?3)");
        let mut insert = connection.prepare_cached(sql)?;
        for (key, coll, added) in &self.entries {
            insert.execute([key, coll, added])?;
        }
        if let Some(floor) = self.floor {
            let sql = sql!(self.table, "INSERT OR REPLACE INTO meta (name, value) VALUES ('", "_floor', ?1)");
            connection.execute(sql, params![floor])?;
        }
        Ok(())
    }
}

/// Places in a table; may name rows that are deleted.
pub(super) fn places(connection: &Connection, table: Table, key: i64) -> Result<Vec<Place>, Error> {
    let sql = sql!(table, "SELECT coll, added FROM ", " WHERE hash = ?1");
    let mut statement = connection.prepare_cached(sql)?;
    let places = statement.query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(places.collect::<Result<_, _>>()?)
}

/// Finds the places of keys, which are in order: key, collection, `date_added`.
pub(super) fn finder_of_all(connection: &Connection, table: Table) -> Result<CachedStatement<'_>, Error> {
    let sql =
        sql!(table, "SELECT t.hash, t.coll, t.added FROM rarray(?1) k CROSS JOIN ", " t ON t.hash = k.value");
    Ok(connection.prepare_cached(sql)?)
}

/// Gives each place of a key in a collection to `take`, from the last added to the first, until it says false.
pub(super) fn newest_first(
    connection: &Connection,
    table: Table,
    (key, coll): (i64, i64),
    take: &mut dyn FnMut(Place) -> Result<bool, Error>,
) -> Result<(), Error> {
    let sql = sql!(table, "SELECT added FROM ", " WHERE hash = ?1 AND coll = ?2 ORDER BY added DESC");
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([key, coll])?;
    while let Some(row) = rows.next()? {
        if !take((coll, row.get(0)?))? {
            break;
        }
    }
    Ok(())
}

/// Takes an entry out of a table.
pub(super) fn remove(
    connection: &Connection,
    table: Table,
    key: i64,
    (coll, added): Place,
) -> Result<(), Error> {
    let sql = sql!(table, "DELETE FROM ", " WHERE hash = ?1 AND coll = ?2 AND added = ?3");
    connection.prepare_cached(sql)?.execute([key, coll, added])?;
    Ok(())
}

/// Gives each key in the tables to `take`.
pub(super) fn each_key(connection: &Connection, take: &mut dyn FnMut(i64)) -> Result<(), Error> {
    let mut statement = connection.prepare("SELECT hash FROM by_id UNION ALL SELECT hash FROM by_value")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?);
    }
    Ok(())
}

/// How many keys are in the tables.
pub(super) fn key_count(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT (SELECT count(*) FROM by_id) + (SELECT count(*) FROM by_value)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// All rows up to this `seq` are in the table.
pub(super) fn floor(connection: &Connection, table: Table) -> Result<i64, Error> {
    let sql = sql!(table, "SELECT coalesce(max(value), 0) FROM meta WHERE name = '", "_floor'");
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// How many entries of a table wait before merging starts: about 4 MB of memory.
const FREEZE_AT: usize = if cfg!(test) { 8 } else { 65_536 };
const SLICE_MIN: usize = if cfg!(test) { 4 } else { 256 };
const SLICES_MAX: usize = 256;
