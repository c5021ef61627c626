//! Indicators whose time is over, for collections that revoke them then: noted along the log, found by their
//! time, and followed by the version that revokes them.

use super::add::Adding;
use super::atoms::KEYS;
use super::classes::Classes;
use super::erase::{BATCH_MAX, LOOK_MAX};
use super::lineage::object_of;
use super::writer::Work;
use super::{Sqlite, Tool};
use crate::policy::Ended;
use crate::stix::Timestamp;
use crate::store::{Batch, Endings, Entry, Error, Revocation};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// What a look along the log and the times has found.
#[derive(Default)]
struct Found {
    /// How far along the log of a collection.
    upto: Vec<(i64, i64)>,
    /// Collection, when it is over, `date_added`.
    noted: Vec<[i64; 3]>,
    /// The same of what has a later version by now, or is gone.
    stale: Vec<[i64; 3]>,
    ended: Vec<Ended>,
    more: bool,
}

impl Sqlite {
    /// A batch of what has ended.
    pub(super) fn ended(&self, collections: &[&str], now: Timestamp) -> Result<Endings, Error> {
        let places: Vec<(&str, i64)> = {
            let known = self.shared.collections.read();
            collections.iter().filter_map(|id| Some((*id, known.get(*id)?.pk))).collect()
        };
        let Found { upto, noted, stale, ended, more } = self.shared.readers.with(|connection| {
            let snapshot = connection.transaction()?;
            let mut found = Found::default();
            places.iter().try_for_each(|(_, coll)| found.note(&snapshot, *coll))?;
            // After the snapshot has begun: what it has in it, they tell.
            let classes = self.shared.classes.read().clone();
            places.iter().try_for_each(|place| found.look(&snapshot, &classes, *place, now))?;
            Ok(found)
        })?;
        let more = more || !noted.is_empty();
        if !upto.is_empty() || !stale.is_empty() {
            self.write_much(noted.len() + stale.len(), move |work| {
                for (coll, added) in upto {
                    let sql = "INSERT OR REPLACE INTO ending_upto (coll, added) VALUES (?1, ?2)";
                    work.transaction.prepare_cached(sql)?.execute([coll, added])?;
                }
                for entry in noted {
                    let sql = "INSERT OR IGNORE INTO ending (coll, due, added) VALUES (?1, ?2, ?3)";
                    work.transaction.prepare_cached(sql)?.execute(entry)?;
                }
                stale.into_iter().try_for_each(|entry| forget(work, entry))
            })?;
        }
        Ok(Endings { ended, more })
    }
}

impl Found {
    /// Notes when what was added since the last time will be over.
    fn note(&mut self, connection: &Connection, coll: i64) -> Result<(), Error> {
        let sql = "SELECT added FROM ending_upto WHERE coll = ?1";
        let upto = connection.prepare_cached(sql)?.query_row([coll], |row| row.get(0)).optional()?;
        let upto: i64 = upto.unwrap_or(i64::MIN);
        let sql = "SELECT l.added, a.until FROM log l LEFT JOIN atom a ON a.key = l.seq * ?4
            WHERE l.coll = ?1 AND l.added > ?2 ORDER BY l.added LIMIT ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([coll, upto, LOOK_MAX as i64, KEYS])?;
        let (mut count, mut last) = (0, upto);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            count += 1;
            // 0: it is revoked.
            let until = row.get::<_, Option<i64>>(1)?.filter(|until| *until != 0);
            self.noted.extend(until.map(|until| [coll, until, last]));
        }
        if last > upto {
            self.upto.push((coll, last));
        }
        self.more |= count >= LOOK_MAX;
        Ok(())
    }

    /// Finds what is over.
    fn look(
        &mut self,
        connection: &Connection,
        classes: &Classes,
        (collection, coll): (&str, i64),
        now: Timestamp,
    ) -> Result<(), Error> {
        let sql = "SELECT due, added FROM ending WHERE coll = ?1 AND due <= ?2 ORDER BY due, added LIMIT ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([coll, now.micros(), BATCH_MAX as i64])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let (due, added): (i64, i64) = (row.get(0)?, row.get(1)?);
            count += 1;
            match version(connection, classes, (collection, coll), (due, added))? {
                Some(ended) => self.ended.push(ended),
                None => self.stale.push([coll, due, added]),
            }
        }
        self.more |= count >= BATCH_MAX;
        Ok(())
    }
}

/// A version, if it is the last.
fn version(
    connection: &Connection,
    classes: &Classes,
    (collection, coll): (&str, i64),
    (due, added): (i64, i64),
) -> Result<Option<Ended>, Error> {
    let sql = "SELECT l.class, o.json, e.due FROM log l JOIN object o ON o.seq = l.seq
        LEFT JOIN expiry e ON e.coll = l.coll AND e.added = l.added WHERE l.coll = ?1 AND l.added = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([coll, added])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Some(class) = classes.class(row.get(0)?).filter(|class| class.later.is_empty()) else {
        return Ok(None);
    };
    let Some(handling) = classes.handling(class.handling) else { return Ok(None) };
    let object = object_of(row.get(1)?, &format!("table object, collection {collection}, added {added}"))?;
    Ok(Some(Ended {
        collection: collection.to_owned(),
        added: Timestamp::from_micros(added),
        until: Timestamp::from_micros(due),
        object,
        handling: handling.clone(),
        retention_until: row.get(2)?,
    }))
}

impl Tool {
    /// How many last versions in a collection are over and not revoked.
    pub fn ended(&self, collection: &str, now: Timestamp) -> Result<u64, Error> {
        let sql = "SELECT count(*) FROM log l JOIN atom a ON a.key = l.seq * ?3 JOIN class c ON c.pk = l.class
            WHERE l.coll = (SELECT pk FROM collection WHERE id = ?1) AND a.until <> 0 AND a.until <= ?2 AND c.later = ''";
        let mut statement = self.connection.prepare(sql)?;
        let count: i64 = statement.query_row(params![collection, now.micros(), KEYS], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }
}

/// Adds what revokes, unless there is a later version by now, and forgets what is done; how many were added.
pub(super) fn revoke(work: &mut Work, revocations: Vec<Revocation>, now: Timestamp) -> Result<u64, Error> {
    let mut batches: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for Revocation { ended, prepared } in revocations {
        let (added, due) = (ended.added.micros(), ended.until.micros());
        let coll = work.collection(&ended.collection)?.pk;
        forget(work, [coll, due, added])?;
        let sql = "SELECT class FROM log WHERE coll = ?1 AND added = ?2";
        let class = work.transaction.prepare_cached(sql)?.query_row([coll, added], |row| row.get(0));
        let class = class.optional()?.and_then(|class| work.classes.class(class));
        if let (Some(prepared), true) = (prepared, class.is_some_and(|class| class.later.is_empty())) {
            batches.entry(ended.collection).or_default().push(Entry::Admitted(prepared));
        }
    }
    let mut adding = Adding::new(work);
    let mut added = 0;
    for (collection, entries) in batches {
        // It comes from nobody, and nobody asks what became of it.
        let (status_id, api_root, client) = (String::new(), String::new(), HUB.to_owned());
        let batch =
            Batch { status_id, collection, api_root, client, key: None, received: now, entries, mark: None };
        added += adding.batch(batch)?.0.success_count;
    }
    adding.write(&[])?;
    Ok(added)
}

fn forget(work: &Work, [coll, due, added]: [i64; 3]) -> Result<(), Error> {
    let sql = "DELETE FROM ending WHERE coll = ?1 AND due = ?2 AND added = ?3";
    work.transaction.prepare_cached(sql)?.execute(params![coll, due, added])?;
    Ok(())
}

/// Who revokes.
const HUB: &str = "hub";
