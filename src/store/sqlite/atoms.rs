//! The table of values: filled with each object, read along the log and by key.

use super::Shared;
use super::classes::Classes;
use crate::policy::ReadScope;
use crate::stix::Timestamp;
use crate::stix::atom::{Atom, Kind, Source};
use crate::store::Error;
use crate::store::atoms::{AtomQuery, Named, Naming};
use crate::taxii::{Match, Versions};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use std::collections::HashSet;
use std::sync::Arc;

/// Writes the values of an object.
pub(super) fn insert(
    statement: &mut CachedStatement,
    naming: &Naming,
    (coll, added): (i64, i64),
) -> Result<(), Error> {
    let Some(source) = &naming.source else { return Ok(()) };
    let until = naming.until;
    if naming.atoms.is_empty() {
        statement.execute(params![coll, added, 0, 0, "", until, source])?;
    }
    for (place, atom) in (0_i64..).zip(&naming.atoms) {
        let source = (place == 0).then_some(source);
        statement.execute(params![coll, added, place, atom.kind().number(), atom.text(), until, source])?;
    }
    Ok(())
}

pub(super) const INSERT: &str =
    "INSERT INTO atom (coll, added, place, kind, value, until, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Fills the table from what was stored before there was one.
pub(super) fn fill(connection: &mut Connection) -> Result<(), Error> {
    let wanted = "SELECT 1 FROM meta WHERE name = 'atoms_wanted'";
    if connection.query_row(wanted, [], |_| Ok(())).optional()?.is_none() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut objects = transaction.prepare("SELECT id, coll, added, json FROM object ORDER BY seq")?;
        let mut statement = transaction.prepare_cached(INSERT)?;
        let mut rows = objects.query([])?;
        while let Some(row) = rows.next()? {
            let (id, place): (String, _) = (row.get(0)?, (row.get(1)?, row.get(2)?));
            let naming = Naming::read(&id, row.get_ref(3)?.as_blob().unwrap_or_default());
            insert(&mut statement, &naming, place)?;
        }
    }
    transaction.execute("DELETE FROM meta WHERE name = 'atoms_wanted'", [])?;
    transaction.commit()?;
    Ok(())
}

/// Takes the values of a row out; the keys that it had in the index.
pub(super) fn remove(connection: &Connection, place: (i64, i64)) -> Result<Vec<i64>, Error> {
    let mut keys = Vec::new();
    let sql = "SELECT kind, value FROM atom WHERE coll = ?1 AND added = ?2 AND kind > 0";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![place.0, place.1])?;
    while let Some(row) = rows.next()? {
        keys.extend(atom(row, 0)?.iter().flat_map(crate::store::atoms::keys_of));
    }
    let sql = "DELETE FROM atom WHERE coll = ?1 AND added = ?2";
    connection.prepare_cached(sql)?.execute(params![place.0, place.1])?;
    Ok(keys)
}

/// The value in the columns from this one on; none of kind 0.
pub(super) fn atom(row: &Row, column: usize) -> Result<Option<Atom>, Error> {
    let kind = Kind::of_number(row.get(column)?);
    kind.map(|kind| Ok(Atom::stored(kind, row.get(column + 1)?))).transpose()
}

pub(super) fn source(row: &Row, column: usize) -> Result<Option<Arc<Source>>, Error> {
    let Some(text) = row.get_ref(column)?.as_blob_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(None);
    };
    let damaged = |error| Error::Damaged(format!("table atom: {error}"));
    serde_json::from_slice(text).map(|source| Some(Arc::new(source))).map_err(damaged)
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

/// Along the log and the table of values side by side: both are in `date_added` order, so each is read once.
struct Walk<'a> {
    classes: &'a Classes,
    wanted: HashSet<i64>,
    query: &'a AtomQuery,
    over: u64,
}

impl Walk<'_> {
    fn run(mut self, connection: &Connection, coll: i64, visit: &mut dyn FnMut(Named)) -> Result<u64, Error> {
        let mut log =
            connection.prepare_cached("SELECT added, class FROM log WHERE coll = ?1 ORDER BY added")?;
        let mut log = log.query([coll])?;
        let sql = "SELECT added, kind, value, until, source FROM atom WHERE coll = ?1 ORDER BY added, place";
        let mut atoms = connection.prepare_cached(sql)?;
        let mut atoms = atoms.query([coll])?;
        let (mut at, mut class) = (i64::MIN, 0);
        let mut known: Option<(i64, Arc<Source>)> = None;
        while let Some(row) = atoms.next()? {
            let added: i64 = row.get(0)?;
            while at < added {
                let Some(entry) = log.next()? else { return Ok(self.over) };
                (at, class) = (entry.get(0)?, entry.get(1)?);
            }
            if at != added || !self.wants(class, row)? {
                continue;
            }
            // The first row of an object has what is said of it; it may be of another kind than what is wanted.
            if known.as_ref().is_none_or(|(at, _)| *at != added) {
                let Some(source) = self.source(connection, row, (coll, added))? else { continue };
                known = Some((added, source));
            }
            let handling = self.classes.class(class).and_then(|class| self.classes.handling(class.handling));
            if let (Some(handling), Some((_, source))) = (handling, &known) {
                let added = Timestamp::from_micros(added);
                visit(Named {
                    added,
                    handling: handling.clone(),
                    source: source.clone(),
                    atom: atom(row, 1)?,
                });
            }
        }
        Ok(self.over)
    }

    fn wants(&mut self, class: i64, row: &Row) -> Result<bool, Error> {
        let kind: u8 = row.get(1)?;
        let is_kind = self.query.kinds.get(usize::from(kind)).copied().unwrap_or(false);
        if !self.wanted.contains(&class) || !is_kind {
            return Ok(false);
        }
        let until: Option<i64> = row.get(3)?;
        let is_over = until.is_some_and(|until| until <= self.query.alive_at.micros());
        self.over += u64::from(is_over);
        Ok(!is_over)
    }

    fn source(
        &self,
        connection: &Connection,
        row: &Row,
        place: (i64, i64),
    ) -> Result<Option<Arc<Source>>, Error> {
        if let Some(found) = source(row, 4)? {
            return Ok(Some(found));
        }
        let sql = "SELECT source FROM atom WHERE coll = ?1 AND added = ?2 AND place = 0";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([place.0, place.1])?;
        rows.next()?.map(|row| source(row, 0)).transpose().map(Option::flatten)
    }
}
