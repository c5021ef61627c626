//! Legal holds. They are read from the table within the transaction that they decide about, so that
//! one is in force the moment that it is committed.

use super::writer::Work;
use crate::audit::Event;
use crate::audit::event::{Hold as HoldEvent, HoldAction};
use crate::stix::Timestamp;
use crate::store::Error;
use crate::store::erasure::{Hold, Kind, Which};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The holds in force.
#[derive(Debug, Default)]
pub(super) struct Holds {
    kinds: Vec<(i64, Kind)>,
    /// Some name objects.
    has_named: bool,
}

impl Holds {
    /// Reads them.
    pub(super) fn load(connection: &Connection) -> Result<Self, Error> {
        let mut holds = Self::default();
        let sql = "SELECT pk, collection, type, owner FROM hold WHERE lifted IS NULL";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match kind(row, 1)? {
                Some(kind) => holds.kinds.push((row.get(0)?, kind)),
                None => holds.has_named = true,
            }
        }
        Ok(holds)
    }

    /// Is there none?
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && !self.has_named
    }

    /// Does one keep this object?
    pub(super) fn keep(
        &self,
        connection: &Connection,
        collection: &str,
        id: &str,
        owner: &str,
    ) -> Result<bool, Error> {
        Ok(!self.on(connection, collection, id, owner)?.is_empty())
    }

    /// Those that keep this object.
    pub(super) fn on(
        &self,
        connection: &Connection,
        collection: &str,
        id: &str,
        owner: &str,
    ) -> Result<Vec<i64>, Error> {
        let of_kind = self.kinds.iter().filter(|(_, kind)| kind.covers(collection, id, owner));
        let mut found: Vec<i64> = of_kind.map(|(hold, _)| *hold).collect();
        if self.has_named {
            let sql = "SELECT hold FROM hold_object JOIN hold ON pk = hold WHERE id = ?1 AND lifted IS NULL";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([id], |row| row.get(0))?;
            found.extend(rows.collect::<Result<Vec<i64>, _>>()?);
        }
        Ok(found)
    }
}

/// Puts a hold on; its number.
pub(super) fn add(
    work: &mut Work,
    which: &Which,
    who: &str,
    reason: &str,
    now: Timestamp,
) -> Result<i64, Error> {
    let kind = match which {
        Which::Kind(kind) => Some(kind),
        Which::Ids(_) => None,
    };
    let sql =
        "INSERT INTO hold (added, who, reason, collection, type, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let collection = kind.map(|kind| &kind.collection);
    let object_type = kind.and_then(|kind| kind.object_type.as_ref());
    let owner = kind.and_then(|kind| kind.owner.as_ref());
    work.transaction.execute(sql, params![now.micros(), who, reason, collection, object_type, owner])?;
    let hold = work.transaction.last_insert_rowid();
    if let Which::Ids(ids) = which {
        let sql = "INSERT OR IGNORE INTO hold_object (id, hold) VALUES (?1, ?2)";
        let mut insert = work.transaction.prepare_cached(sql)?;
        for id in ids {
            insert.execute(params![id, hold])?;
        }
    }
    record(work, (HoldAction::Add, hold), which, (who, reason), now);
    Ok(hold)
}

/// Takes a hold off; false if it is not in force.
pub(super) fn lift(
    work: &mut Work,
    hold: i64,
    who: &str,
    reason: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql =
        "UPDATE hold SET lifted = ?2, lifted_by = ?3, lifted_reason = ?4 WHERE pk = ?1 AND lifted IS NULL";
    if work.transaction.execute(sql, params![hold, now.micros(), who, reason])? == 0 {
        return Ok(false);
    }
    let sql = "SELECT collection, type, owner FROM hold WHERE pk = ?1";
    let found = work.transaction.query_row(sql, [hold], |row| kind(row, 0))?;
    let which = match found {
        Some(kind) => Which::Kind(kind),
        None => Which::Ids(named(&work.transaction, hold)?),
    };
    record(work, (HoldAction::Lift, hold), &which, (who, reason), now);
    Ok(true)
}

/// All holds, or those in force.
pub(super) fn list(connection: &Connection, with_lifted: bool) -> Result<Vec<Hold>, Error> {
    let sql = "SELECT pk, added, who, reason, collection, type, owner, lifted, lifted_by, lifted_reason
        FROM hold WHERE ?1 OR lifted IS NULL ORDER BY pk";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([with_lifted])?;
    let mut found = Vec::new();
    let time = |micros| Timestamp::from_micros(micros).to_string();
    while let Some(row) = rows.next()? {
        let hold = row.get(0)?;
        let lifted: Option<i64> = row.get(7)?;
        found.push(Hold {
            hold,
            since: time(row.get(1)?),
            by: row.get(2)?,
            reason: row.get(3)?,
            which: match kind(row, 4)? {
                Some(kind) => Which::Kind(kind),
                None => Which::Ids(named(connection, hold)?),
            },
            lifted: match lifted {
                Some(at) => Some((time(at), row.get(8)?, row.get(9)?)),
                None => None,
            },
        });
    }
    Ok(found)
}

/// Changes whenever a hold is put on or lifted.
pub(super) fn generation(connection: &Connection) -> Result<(i64, i64), Error> {
    let sql = "SELECT count(*), count(lifted) FROM hold";
    let found =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(found.unwrap_or_default())
}

fn named(connection: &Connection, hold: i64) -> Result<Vec<String>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM hold_object WHERE hold = ?1 ORDER BY id")?;
    let rows = statement.query_map([hold], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The kind in three columns, unless the hold names objects.
fn kind(row: &Row, at: usize) -> rusqlite::Result<Option<Kind>> {
    let collection: Option<String> = row.get(at)?;
    let (object_type, owner) = (row.get(at + 1)?, row.get(at + 2)?);
    Ok(collection.map(|collection| Kind { collection, object_type, owner }))
}

fn record(
    work: &mut Work,
    (action, hold): (HoldAction, i64),
    which: &Which,
    (who, reason): (&str, &str),
    now: Timestamp,
) {
    let what = format!("hold {hold}: {which}");
    let event = HoldEvent { by: who.to_owned(), action, what, reason: reason.to_owned() };
    work.record(now, Event::Hold(event));
}
