//! Who received an object: the records of pages whose range a version falls in, and of those the
//! ones that held it.

use super::received::{Pages, Row};
use crate::audit::event::View;
use crate::audit::{Event, Record};
use crate::policy::Handling;
use crate::stix::{StixTime, Timestamp};
use crate::store::sqlite::classes::Classes;
use crate::store::sqlite::index;
use crate::store::{Error, Receipts, Recipient, id_hash};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// One snapshot of a database, and what is in memory of it.
pub(in crate::store::sqlite) struct Look<'a> {
    pub(in crate::store::sqlite) connection: &'a Connection,
    pub(in crate::store::sqlite) classes: &'a Arc<Classes>,
    /// Places of an id that are not in the table yet; collection and `date_added`.
    pub(in crate::store::sqlite) waiting: &'a dyn Fn(i64) -> Vec<(i64, i64)>,
}

/// Who received each version of an object, in one collection or in all.
pub(in crate::store::sqlite) fn recipients(
    look: &Look,
    id: &str,
    collection: Option<&str>,
) -> Result<Vec<Receipts>, Error> {
    let names = look.collections()?;
    let rows = look.versions(id)?;
    let families: Vec<&[Row]> = rows.chunk_by(|one, other| one.coll == other.coll).collect();
    let mut pages: HashMap<i64, Rc<Pages>> = HashMap::new();
    let mut found = Vec::new();
    for (row, family) in families.iter().flat_map(|family| family.iter().map(move |row| (row, *family))) {
        let name = names.get(&row.coll).cloned().unwrap_or_default();
        if collection.is_some_and(|wanted| wanted != name) {
            continue;
        }
        let mut recipients = BTreeMap::new();
        for n in look.records_over(row)? {
            let pages = match pages.get(&n) {
                Some(known) => known.clone(),
                None => pages.entry(n).or_insert(Rc::new(look.pages(n)?)).clone(),
            };
            if pages.hold(row, family) {
                note(&mut recipients, &pages);
            }
        }
        found.push(Receipts {
            collection: name,
            version: row.version.as_str().to_owned(),
            added: Timestamp::from_micros(row.added),
            handling: look.handling(row)?,
            is_deleted: row.gone.is_some(),
            recipients: recipients.into_values().collect(),
        });
    }
    Ok(found)
}

fn note(recipients: &mut BTreeMap<String, Recipient>, pages: &Pages) {
    let served = &pages.served;
    let has_content = matches!(served.view, View::Objects | View::Export | View::Lookup);
    let one = recipients.entry(served.by.clone()).or_insert_with(|| Recipient {
        client: served.by.clone(),
        first: served.until.clone(),
        last: served.until.clone(),
        has_content,
    });
    // Times of one form compare as texts.
    if served.until < one.first {
        one.first.clone_from(&served.until);
    }
    if served.until > one.last {
        one.last.clone_from(&served.until);
    }
    one.has_content |= has_content;
}

impl Look<'_> {
    /// The ids of the collections.
    pub(super) fn collections(&self) -> Result<HashMap<i64, String>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT pk, id FROM collection")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All versions of an object, stored and deleted, by collection and `date_added`.
    pub(super) fn versions(&self, id: &str) -> Result<Vec<Row>, Error> {
        let hash = id_hash(id);
        let mut places = (self.waiting)(hash);
        places.extend(index::places(self.connection, index::Table::Ids, hash)?);
        places.sort_unstable();
        places.dedup();
        let mut rows = Vec::new();
        for (coll, added) in places {
            rows.extend(self.stored(coll, added)?.filter(|row| row.id == id));
        }
        let sql = "SELECT coll, added FROM tombstone WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let gone: Vec<(i64, i64)> =
            statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        for (coll, added) in gone {
            rows.extend(self.deleted(coll, added)?);
        }
        rows.sort_by_key(|row| (row.coll, row.added));
        Ok(rows)
    }

    /// The row at a place, if it is still there.
    pub(super) fn stored(&self, coll: i64, added: i64) -> Result<Option<Row>, Error> {
        let sql = "SELECT o.id, o.version, l.class FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found: Option<(String, String, i64)> = statement
            .query_row([coll, added], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, version, class)) = found else { return Ok(None) };
        let damaged = |what: &str| Error::Damaged(format!("table log, {coll}/{added}: {what}"));
        let class = self.classes.class(class).ok_or_else(|| damaged("unknown class"))?;
        let version = StixTime::parse(&version).ok_or_else(|| damaged("the version is no timestamp"))?;
        let handlings = self.handlings(coll, added, class.handling)?;
        Ok(Some(Row { coll, added, id, version, handlings, gone: None }))
    }

    /// The row that was at a place. What was deleted before there was a log is in no record.
    pub(super) fn deleted(&self, coll: i64, added: i64) -> Result<Option<Row>, Error> {
        let sql = "SELECT id, version, handling, log_size FROM tombstone WHERE coll = ?1 AND added = ?2 AND handling IS NOT NULL AND log_size IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found: Option<(String, String, i64, i64)> = statement
            .query_row([coll, added], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((id, version, handling, log_size)) = found else { return Ok(None) };
        let damaged =
            || Error::Damaged(format!("table tombstone, {coll}/{added}: the version is no timestamp"));
        let version = StixTime::parse(&version).ok_or_else(damaged)?;
        let handlings = self.handlings(coll, added, handling)?;
        Ok(Some(Row { coll, added, id, version, handlings, gone: Some(log_size.cast_unsigned()) }))
    }

    /// A row's handling, and those before it was raised.
    fn handlings(&self, coll: i64, added: i64, now: i64) -> Result<Vec<i64>, Error> {
        let sql = "SELECT handling FROM audit_raised WHERE coll = ?1 AND added = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let before = statement.query_map([coll, added], |row| row.get(0))?;
        std::iter::once(Ok(now)).chain(before.map(|found| Ok(found?))).collect()
    }

    fn handling(&self, row: &Row) -> Result<Arc<Handling>, Error> {
        let unknown = || Error::Damaged(format!("{}: unknown handling", row.id));
        let found = row.handlings.first().and_then(|key| self.classes.handling(*key));
        found.cloned().ok_or_else(unknown)
    }

    /// Numbers of the records of pages whose range the row falls in.
    fn records_over(&self, row: &Row) -> Result<Vec<i64>, Error> {
        let sql = "SELECT n FROM audit_served WHERE coll = ?1 AND level = ?2 AND first > ?3 AND first <= ?4 AND last >= ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = Vec::new();
        for level in 0..i64::BITS {
            let below =
                row.added.saturating_sub(1_i64.checked_shl(level).filter(|it| *it > 0).unwrap_or(i64::MAX));
            let rows = statement.query_map(params![row.coll, level, below, row.added], |row| row.get(0))?;
            for n in rows {
                found.push(n?);
            }
        }
        Ok(found)
    }

    /// The record of pages with this number.
    pub(super) fn pages(&self, n: i64) -> Result<Pages, Error> {
        let sql = "SELECT record FROM audit WHERE n = ?1";
        let bytes: Option<Vec<u8>> =
            self.connection.prepare_cached(sql)?.query_row([n], |row| row.get(0)).optional()?;
        let damaged = || Error::Damaged(format!("audit record {n} is damaged; see `liaison audit verify`"));
        let record = Record::parse(&bytes.ok_or_else(damaged)?).map_err(|_| damaged())?;
        match record.event {
            Event::Served(served) => Ok(Pages::new(*served)),
            _ => Err(damaged()),
        }
    }
}
