//! Finding what is due: by the dates of their own along the table of those, by age along the log.

use super::erase::{BATCH_MAX, LOOK_MAX, Outcome, Why};
use super::hold::{self, Holds};
use super::index::Place;
use super::{Sqlite, classes::Classes, registry, writer};
use crate::audit::event::Cause;
use crate::policy::Retention;
use crate::registry::Registry;
use crate::stix::Timestamp;
use crate::store::Error;
use crate::store::erasure::Swept;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// Where the search stands. What it has passed is erased, has a date of its own, or is held, so it
/// need not be looked at again until a hold is lifted.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The registry in force, as of this generation.
    registry: Option<(u64, Retention)>,
    holds: (i64, i64),
    /// The last entry of `expiry` that this round has passed.
    dated: Option<(i64, i64, i64)>,
    /// By collection, the last row passed.
    aged: HashMap<i64, i64>,
}

/// What a search has found.
#[derive(Debug, Default)]
struct Found {
    places: Vec<Place>,
    kept: u64,
    /// It has stopped before the end.
    more: bool,
}

impl Sqlite {
    /// Erases a batch of what is due.
    pub(super) fn sweep(&self, now: Timestamp) -> Result<Swept, Error> {
        let mut sweep = self.shared.sweep.lock();
        let swept = self.sweep_from(&mut sweep, now);
        if swept.is_err() {
            // What was found may still be there.
            *sweep = Sweep::default();
        }
        swept
    }

    fn sweep_from(&self, sweep: &mut Sweep, now: Timestamp) -> Result<Swept, Error> {
        let collections: Vec<(String, i64)> =
            self.shared.collections.read().iter().map(|(id, found)| (id.clone(), found.pk)).collect();
        let found = self.shared.readers.with(|connection| {
            let snapshot = connection.transaction()?;
            sweep.renew(&snapshot)?;
            let holds = Holds::load(&snapshot)?;
            let classes = self.shared.classes.read().clone();
            let search =
                Search { connection: &snapshot, classes: &classes, holds, collections: &collections, now };
            search.run(sweep)
        })?;
        let mut swept = Swept { erased: 0, kept: found.kept, more: found.more };
        if found.places.is_empty() {
            if !found.more {
                sweep.dated = None;
            }
            return Ok(swept);
        }
        let generation = sweep.registry.as_ref().map(|(generation, _)| *generation);
        let rows = found.places.len();
        let outcome = self.write_much(rows, move |work| {
            // Another registry may give more time.
            if registry::generation(&work.transaction)? != generation {
                return Ok(None);
            }
            let why = Why { cause: Cause::Retention, reason: REASON, who: HUB, task: None, now };
            why.erase(work, &found.places).map(Some)
        })?;
        let Some(Outcome { erased, kept }) = outcome else {
            *sweep = Sweep::default();
            return Ok(Swept { more: true, ..Swept::default() });
        };
        (swept.erased, swept.more) = (erased, true);
        swept.kept += kept;
        Ok(swept)
    }

    /// Has the writer do something that changes so many rows.
    pub(super) fn write_much<T: Send + 'static>(
        &self,
        rows: usize,
        work: impl FnOnce(&mut writer::Work) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.job(|reply| writer::Job::Do(Box::new(writer::Asked::new(reply, work).removing(rows))))
    }

    /// Has the log emptied into the database file, so that nothing erased is left in it. It is done
    /// before the next job.
    pub(super) fn wipe(&self) -> Result<(), Error> {
        self.job(|reply| writer::Job::Do(Box::new(writer::Asked::new(reply, |_| Ok(())).wiping())))
    }
}

impl Sweep {
    /// Takes over another registry, and begins again if a hold was lifted.
    fn renew(&mut self, connection: &Connection) -> Result<(), Error> {
        let known = self.registry.as_ref().map(|(generation, _)| *generation);
        if let Some((generation, text)) = registry::load(connection, known)? {
            let damaged = |problems| {
                Error::Damaged(format!("the registry in the database is not usable: {problems:?}"))
            };
            let registry = Registry::parse(&text).map_err(damaged)?;
            self.registry = Some((generation, Retention::new(&registry)));
        }
        let holds = hold::generation(connection)?;
        if holds.1 != self.holds.1 {
            (self.dated, self.aged) = (None, HashMap::new());
        }
        self.holds = holds;
        Ok(())
    }
}

/// A search within one snapshot.
struct Search<'s> {
    connection: &'s Connection,
    classes: &'s Classes,
    holds: Holds,
    /// Ids with their keys.
    collections: &'s [(String, i64)],
    now: Timestamp,
}

impl Search<'_> {
    fn run(&self, sweep: &mut Sweep) -> Result<Found, Error> {
        let mut found = Found::default();
        let mut looked = 0;
        self.dated(sweep, &mut found, &mut looked)?;
        let Some((_, retention)) = &sweep.registry else { return Ok(found) };
        for (collection, coll) in self.collections {
            let Some(limit) = retention.limit(collection, self.now) else { continue };
            if found.is_full(looked) {
                break;
            }
            let after = sweep.aged.entry(*coll).or_insert(i64::MIN);
            self.aged((collection, *coll), limit.micros(), after, &mut found, &mut looked)?;
        }
        Ok(found)
    }

    /// Along the dates of their own.
    fn dated(&self, sweep: &mut Sweep, found: &mut Found, looked: &mut usize) -> Result<(), Error> {
        let sql = "SELECT due, coll, added FROM expiry WHERE due <= ?1 AND (due, coll, added) > (?2, ?3, ?4) ORDER BY due, coll, added LIMIT ?5";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (due, coll, added) = sweep.dated.unwrap_or((i64::MIN, 0, 0));
        let mut rows = statement.query(params![self.now.micros(), due, coll, added, LOOK_MAX as i64])?;
        while let Some(row) = rows.next()? {
            let (due, coll, added) = (row.get(0)?, row.get(1)?, row.get(2)?);
            *looked += 1;
            sweep.dated = Some((due, coll, added));
            let collection = self.collections.iter().find(|(_, pk)| *pk == coll);
            let collection = collection.map_or("", |(id, _)| id.as_str());
            found.take((coll, added), self.is_held(collection, (coll, added))?);
            if found.is_full(*looked) {
                break;
            }
        }
        Ok(())
    }

    /// Along the log.
    fn aged(
        &self,
        (collection, coll): (&str, i64),
        limit: i64,
        after: &mut i64,
        found: &mut Found,
        looked: &mut usize,
    ) -> Result<(), Error> {
        let sql = "SELECT added FROM log l WHERE coll = ?1 AND added > ?2 AND added <= ?3
            AND NOT EXISTS (SELECT 1 FROM expiry e WHERE e.coll = l.coll AND e.added = l.added) ORDER BY added LIMIT ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([coll, *after, limit, LOOK_MAX as i64])?;
        while let Some(row) = rows.next()? {
            let added = row.get(0)?;
            *looked += 1;
            *after = added;
            found.take((coll, added), self.is_held(collection, (coll, added))?);
            if found.is_full(*looked) {
                break;
            }
        }
        Ok(())
    }

    fn is_held(&self, collection: &str, (coll, added): Place) -> Result<bool, Error> {
        if self.holds.is_empty() {
            return Ok(false);
        }
        let sql = "SELECT o.id, l.class FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row: Option<(String, i64)> =
            statement.query_row([coll, added], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((id, class)) = row else { return Ok(false) };
        let handling = self.classes.class(class).and_then(|class| self.classes.handling(class.handling));
        self.holds.keep(self.connection, collection, &id, handling.map_or("", |found| found.owner.as_str()))
    }
}

impl Found {
    fn take(&mut self, place: Place, is_held: bool) {
        match is_held {
            true => self.kept += 1,
            false => self.places.push(place),
        }
    }

    fn is_full(&mut self, looked: usize) -> bool {
        self.more = self.places.len() >= BATCH_MAX || looked >= LOOK_MAX;
        self.more
    }
}

/// Who erases what is due.
const HUB: &str = "hub";
const REASON: &str = "the time for keeping it was over";
