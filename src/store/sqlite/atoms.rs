//! The table of values: filled with each object, read along the log and by key.

use super::Shared;
use super::classes::Classes;
use super::index::Place;
use super::values::{First, each, fitting, join};
use crate::policy::{Handling, ReadScope};
use crate::stix::Timestamp;
use crate::stix::atom::{self as stix, Atom, Kind, Source};
use crate::store::Error;
use crate::store::atoms::{AtomQuery, Named, keys_of};
use crate::taxii::{Match, Versions};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Rows, params};
use std::collections::HashSet;
use std::sync::Arc;

/// Writes the values of the object of this number.
pub(super) fn insert(statement: &mut CachedStatement, named: &stix::Named, seq: i64) -> Result<(), Error> {
    let stix::Named { atoms, source, until } = named;
    if atoms.is_empty() {
        statement.execute(params![seq * KEYS, 0, "", until, source, None::<&[u8]>])?;
    }
    let mut rest = atoms.as_slice();
    // What one object can name is limited when it is read.
    for place in 0..KEYS {
        let (together, more) = rest.split_at(fitting(rest));
        let Some((first, behind)) = together.split_first() else { break };
        let source = (place == 0).then_some(source);
        let (kind, behind) = (first.kind().number(), (!behind.is_empty()).then(|| join(behind)));
        statement.execute(params![seq * KEYS + place, kind, First(first.text()), until, source, behind])?;
        rest = more;
    }
    Ok(())
}

/// The value of a kind and a text from this table; none of kind 0.
pub(super) fn stored(kind: u8, text: &str) -> Option<Atom> {
    Kind::of_number(kind).map(|kind| Atom::stored(kind, text.to_owned()))
}

/// Keys that one object has, used or not.
pub(super) const KEYS: i64 = 4096;
pub(super) const INSERT: &str =
    "INSERT INTO atom (key, kind, value, until, source, more) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Fills the table from what was stored before there was one.
pub(super) fn fill(connection: &mut Connection) -> Result<(), Error> {
    let wanted = "SELECT 1 FROM meta WHERE name = 'atoms_wanted'";
    if connection.query_row(wanted, [], |_| Ok(())).optional()?.is_none() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut objects = transaction.prepare("SELECT seq, id, json FROM object ORDER BY seq")?;
        let mut statement = transaction.prepare_cached(INSERT)?;
        let mut rows = objects.query([])?;
        while let Some(row) = rows.next()? {
            let (seq, id): (i64, String) = (row.get(0)?, row.get(1)?);
            if let Some(named) = stix::read(&id, row.get_ref(2)?.as_blob().unwrap_or_default()) {
                insert(&mut statement, &named, seq)?;
            }
        }
    }
    transaction.execute("DELETE FROM meta WHERE name = 'atoms_wanted'", [])?;
    transaction.commit()?;
    Ok(())
}

/// Takes the values of an object out; the keys that it had in the index. Adds to `removed` where rows were.
pub(super) fn remove(connection: &Connection, seq: i64, removed: &mut Vec<i64>) -> Result<Vec<i64>, Error> {
    let mut hashes = Vec::new();
    let sql = "SELECT key, kind, value, more FROM atom WHERE key BETWEEN ?1 AND ?2";
    let range = [seq * KEYS, seq * KEYS + KEYS - 1];
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(range)?;
    while let Some(row) = rows.next()? {
        removed.push(row.get(0)?);
        each(row, 1, &mut |kind, text| {
            hashes.extend(stored(kind, text).iter().flat_map(keys_of));
            Ok(())
        })?;
    }
    connection.prepare_cached("DELETE FROM atom WHERE key BETWEEN ?1 AND ?2")?.execute(range)?;
    Ok(hashes)
}

/// Gives every key of the values of objects numbered after this to `take`, with the object's place.
pub(super) fn places_after(
    connection: &Connection,
    seq: i64,
    take: &mut dyn FnMut(i64, Place),
) -> Result<(), Error> {
    let sql = "SELECT kind, value, more, key FROM atom WHERE key >= ?1 AND kind > 0 ORDER BY key";
    let mut statement = connection.prepare(sql)?;
    let mut place = connection.prepare("SELECT coll, added FROM object WHERE seq = ?1")?;
    let mut known = None;
    let mut rows = statement.query([(seq + 1) * KEYS])?;
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>(3)?.div_euclid(KEYS);
        let found = match known {
            Some((last, found)) if last == seq => found,
            _ => place.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?,
        };
        known = Some((seq, found));
        let Some(found) = found else { continue };
        each(row, 0, &mut |kind, text| {
            stored(kind, text).iter().flat_map(keys_of).for_each(|key| take(key, found));
            Ok(())
        })?;
    }
    Ok(())
}

/// What look-ups tell of an object.
pub(super) fn brief(row: &Row, column: usize) -> Result<Option<Arc<Source>>, Error> {
    let found = row.get_ref(column)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let read = |bytes| stix::brief_of(bytes).map(Arc::new).ok_or_else(damaged);
    found.map(read).transpose()
}

fn text(row: &Row, column: usize) -> Result<Option<Vec<u8>>, Error> {
    let found = row.get_ref(column)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    Ok(found.map(<[u8]>::to_vec))
}

fn source_of(text: &[u8]) -> Result<Source, Error> {
    stix::source_of(text).ok_or_else(damaged)
}

fn damaged() -> Error {
    Error::Damaged("table atom: a source that cannot be read".to_owned())
}

impl Shared {
    /// Gives every value that is wanted to `visit`, along the log; how many were over.
    pub(super) fn atoms(
        &self,
        scope: &ReadScope,
        query: &AtomQuery,
        visit: &mut dyn FnMut(Named),
    ) -> Result<u64, Error> {
        self.readers.with(|connection| {
            let transaction = connection.transaction()?;
            let sql = "SELECT pk FROM collection WHERE id = ?1";
            let coll: Option<i64> =
                transaction.query_row(sql, [scope.collection()], |row| row.get(0)).optional()?;
            let Some(coll) = coll else { return Ok(0) };
            let classes = self.classes.read().clone();
            let last =
                Match { versions: Some(Versions { last: true, ..Versions::default() }), ..Match::default() };
            let selection = classes.select(&self.visibility(&classes, scope), &last);
            let naming = |key: &&i64| {
                let class = classes.class(**key);
                class.is_some_and(|class| query.with_observables || class.object_type == "indicator")
            };
            let wanted: HashSet<i64> = selection.by_word.iter().filter(naming).copied().collect();
            Walk { classes: &classes, wanted, query, over: 0 }.run(&transaction, coll, visit)
        })
    }
}

/// Along the log, to the values of each entry: both tables are in one order, so that each is read once.
struct Walk<'a> {
    classes: &'a Classes,
    wanted: HashSet<i64>,
    query: &'a AtomQuery,
    over: u64,
}

impl Walk<'_> {
    fn run(mut self, connection: &Connection, coll: i64, visit: &mut dyn FnMut(Named)) -> Result<u64, Error> {
        let mut log =
            connection.prepare_cached("SELECT added, class, seq FROM log WHERE coll = ?1 ORDER BY added")?;
        let mut log = log.query([coll])?;
        let sql = "SELECT kind, value, more, until, source, key FROM atom WHERE key >= ?1 ORDER BY key";
        let mut statement = connection.prepare_cached(sql)?;
        let mut atoms = statement.query([0])?;
        atoms.advance()?;
        let mut text = connection.prepare_cached("SELECT json FROM object WHERE seq = ?1")?;
        let mut describe = |seq: i64| -> Result<String, Error> {
            let read = |row: &Row| Ok(stix::description(row.get_ref(0)?.as_blob().unwrap_or_default()));
            Ok(text.query_row([seq], read).optional()?.unwrap_or_default())
        };
        let mut last = 0;
        while let Some(entry) = log.next()? {
            let (added, class, seq): (i64, i64, i64) = (entry.get(0)?, entry.get(1)?, entry.get(2)?);
            if !self.wanted.contains(&class) {
                continue;
            }
            let Some(handling) = self.handling(class) else { continue };
            let start = seq * KEYS;
            // What lies between belongs to other collections, or is not wanted.
            let mut between = 0;
            while key(&atoms)?.is_some_and(|key| key < start) && between < BETWEEN_MAX {
                atoms.advance()?;
                between += 1;
            }
            if start < last || between == BETWEEN_MAX {
                drop(atoms);
                atoms = statement.query([start])?;
                atoms.advance()?;
            }
            last = start;
            let entry = Entry { added: Timestamp::from_micros(added), handling, seq };
            self.entry(&entry, &mut atoms, &mut describe, visit)?;
        }
        Ok(self.over)
    }

    /// The values of one entry of the log.
    fn entry(
        &mut self,
        entry: &Entry,
        atoms: &mut Rows,
        describe: &mut dyn FnMut(i64) -> Result<String, Error>,
        visit: &mut dyn FnMut(Named),
    ) -> Result<(), Error> {
        let mut known: Option<Arc<Source>> = None;
        let mut first = None;
        while let Some(row) = atoms.get() {
            if row.get::<_, i64>(5)? >= (entry.seq + 1) * KEYS {
                break;
            }
            // The first row of an object has what is said of it, wanted itself or not.
            if first.is_none() {
                first = text(row, 4)?;
            }
            let until: Option<i64> = row.get(3)?;
            each(row, 0, &mut |kind, value| {
                if !self.wants(kind, until) {
                    return Ok(());
                }
                if known.is_none() {
                    let mut source = first.as_deref().map(source_of).transpose()?;
                    if let (true, Some(source)) = (self.query.with_descriptions, &mut source)
                        && source.description().is_empty()
                    {
                        source.describe(&describe(entry.seq)?);
                    }
                    known = source.map(Arc::new);
                }
                if let Some(source) = known.clone() {
                    let (added, handling) = (entry.added, entry.handling.clone());
                    visit(Named { added, handling, source, atom: stored(kind, value) });
                }
                Ok(())
            })?;
            atoms.advance()?;
        }
        Ok(())
    }

    fn handling(&self, class: i64) -> Option<Arc<Handling>> {
        let class = self.classes.class(class)?;
        self.classes.handling(class.handling).cloned()
    }

    fn wants(&mut self, kind: u8, until: Option<i64>) -> bool {
        if !self.query.kinds.get(usize::from(kind)).copied().unwrap_or(false) {
            return false;
        }
        let is_over = until.is_some_and(|until| until <= self.query.alive_at.micros());
        self.over += u64::from(is_over);
        !is_over
    }
}

/// An entry of the log.
struct Entry {
    added: Timestamp,
    handling: Arc<Handling>,
    seq: i64,
}

/// The key of the row that was reached.
fn key(atoms: &Rows) -> Result<Option<i64>, Error> {
    Ok(atoms.get().map(|row| row.get(5)).transpose()?)
}

/// So many rows are stepped over before the next ones are looked for by key.
const BETWEEN_MAX: u32 = 16;
