//! Erasing and holds, as commands ask for them and look at them beside a running server.

use super::classes::{Classes, type_of};
use super::hold::{self, Holds};
use super::{Tool, index, task};
use crate::policy::Retention;
use crate::stix::Timestamp;
use crate::store::erasure::{Hold, Kind, Order, Overdue, Progress, State, Version, Which};
use crate::store::{Error, id_hash};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeSet, HashMap};

impl Tool {
    /// Leaves an order to whoever has the writer; its number.
    pub fn ask(&self, order: &Order, who: &str, now: Timestamp) -> Result<i64, Error> {
        let body = serde_json::to_string(order).map_err(|error| Error::Backend(error.to_string()))?;
        let sql = "INSERT INTO task (asked, who, body, state, progress) VALUES (?1, ?2, ?3, ?4, '{}')";
        self.connection.execute(sql, params![now.micros(), who, body, task::state_name(State::Waiting)])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// How far an order has come.
    pub fn progress(&self, order: i64) -> Result<(State, Progress), Error> {
        let found = task::load(&self.connection, order)?;
        let found = found.ok_or_else(|| Error::Damaged(format!("table task: {order} is gone")))?;
        Ok((found.state, found.progress))
    }

    /// The order that is being worked on, and how far it has come.
    pub fn under_way(&self) -> Result<Option<(i64, Progress)>, Error> {
        let Some(front) = task::front(&self.connection)? else { return Ok(None) };
        Ok(Some((front, self.progress(front)?.1)))
    }

    /// Takes an order back that nobody has begun; false if somebody has.
    pub fn withdraw(&self, order: i64) -> Result<bool, Error> {
        let sql = "DELETE FROM task WHERE pk = ?1 AND state = ?2";
        Ok(self.connection.execute(sql, params![order, task::state_name(State::Waiting)])? == 1)
    }

    /// The holds in force, or all there ever were.
    pub fn holds(&self, with_lifted: bool) -> Result<Vec<Hold>, Error> {
        hold::list(&self.connection, with_lifted)
    }

    /// The collections that ever held something, with the last `date_added` given in each.
    pub fn collections(&self) -> Result<Vec<(String, Timestamp)>, Error> {
        let mut statement = self.connection.prepare("SELECT id, last_added FROM collection ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The stored versions that are meant, in the order added, with the holds that keep them.
    pub fn select(&self, which: &Which, before: Option<i64>) -> Result<Vec<Version>, Error> {
        let snapshot = self.connection.unchecked_transaction()?;
        let look = Look::new(&snapshot)?;
        let before = before.unwrap_or(i64::MAX);
        let mut found = Vec::new();
        match which {
            Which::Ids(ids) => {
                for (coll, added) in look.places(ids)?.into_iter().filter(|place| place.1 < before) {
                    let version = look.version(coll, added)?;
                    found.extend(version.filter(|version| ids.contains(&version.id)));
                }
            }
            Which::Kind(kind) => {
                let coll = look.names.iter().find(|(_, id)| **id == kind.collection).map(|(pk, _)| *pk);
                let sql = "SELECT added FROM log WHERE coll = ?1 AND added < ?2 ORDER BY added";
                let mut statement = snapshot.prepare(sql)?;
                let mut rows = statement.query(params![coll, before])?;
                while let (Some(coll), Some(row)) = (coll, rows.next()?) {
                    let version = look.version(coll, row.get(0)?)?;
                    found.extend(version.filter(|found| is_of(kind, found)));
                }
            }
        }
        Ok(found)
    }

    /// How many versions are stored of what is meant.
    pub fn count(&self, which: &Which) -> Result<u64, Error> {
        let by_class = |kind: &&Kind| kind.object_type.as_ref().is_none_or(|name| type_of(name) == name);
        let kind = match which {
            Which::Kind(kind) => Some(kind),
            Which::Ids(_) => None,
        };
        let Some(kind) = kind.filter(by_class) else { return Ok(self.select(which, None)?.len() as u64) };
        let snapshot = self.connection.unchecked_transaction()?;
        let classes = Classes::load(&snapshot)?;
        let sql = "SELECT class, count(*) FROM log INDEXED BY log_by_class
            WHERE coll = (SELECT pk FROM collection WHERE id = ?1) GROUP BY class";
        let mut statement = snapshot.prepare(sql)?;
        let mut rows = statement.query([&kind.collection])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let Some(class) = classes.class(row.get(0)?) else { continue };
            let Some(handling) = classes.handling(class.handling) else { continue };
            let id = format!("{}--", class.object_type);
            if kind.covers(&kind.collection, &id, &handling.owner) {
                count += row.get::<_, i64>(1)?.cast_unsigned();
            }
        }
        Ok(count)
    }

    /// What an order has erased, from the tombstones.
    pub fn erased_by(&self, order: i64) -> Result<Vec<Version>, Error> {
        let sql = "SELECT c.id, t.id, t.version, t.added, t.organisation FROM tombstone t JOIN collection c ON c.pk = t.coll
            WHERE t.task = ?1 ORDER BY t.coll, t.added";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([order], |row| {
            Ok(Version {
                collection: row.get(0)?,
                id: row.get(1)?,
                version: row.get(2)?,
                date_added: Timestamp::from_micros(row.get(3)?).to_string(),
                owner: row.get(4)?,
                holds: Vec::new(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a sweep by these rules would erase for its age, in each collection that has days.
    pub fn overdue(&self, retention: &Retention, now: Timestamp) -> Result<Vec<Overdue>, Error> {
        let snapshot = self.connection.unchecked_transaction()?;
        let look = Look::new(&snapshot)?;
        let sql = "SELECT added FROM log l WHERE coll = ?1 AND added <= ?2
            AND NOT EXISTS (SELECT 1 FROM expiry e WHERE e.coll = l.coll AND e.added = l.added)";
        let mut statement = snapshot.prepare(sql)?;
        let mut all = Vec::new();
        for (coll, id) in &look.names {
            let Some(limit) = retention.limit(id, now) else { continue };
            let mut overdue = Overdue { collection: id.clone(), versions: 0, held: 0 };
            let mut rows = statement.query([*coll, limit.micros()])?;
            while let Some(row) = rows.next()? {
                let is_held = !look.holds.is_empty()
                    && look.version(*coll, row.get(0)?)?.is_some_and(|version| !version.holds.is_empty());
                *(if is_held { &mut overdue.held } else { &mut overdue.versions }) += 1;
            }
            all.push(overdue);
        }
        all.sort_by(|one, other| one.collection.cmp(&other.collection));
        Ok(all)
    }
}

fn is_of(kind: &Kind, version: &Version) -> bool {
    kind.covers(&version.collection, &version.id, &version.owner)
}

/// A look at one snapshot.
struct Look<'l> {
    connection: &'l Connection,
    classes: Classes,
    holds: Holds,
    names: HashMap<i64, String>,
}

impl<'l> Look<'l> {
    fn new(connection: &'l Connection) -> Result<Self, Error> {
        let mut statement = connection.prepare("SELECT pk, id FROM collection")?;
        let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let names = names.collect::<Result<_, _>>()?;
        Ok(Self { connection, classes: Classes::load(connection)?, holds: Holds::load(connection)?, names })
    }

    /// Where objects of these ids may be: by the index, and along the rows that it does not have yet.
    fn places(&self, ids: &[String]) -> Result<BTreeSet<index::Place>, Error> {
        let mut places = BTreeSet::new();
        for id in ids {
            places.extend(index::places(self.connection, index::Table::Ids, id_hash(id))?);
        }
        let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let mut statement = self.connection.prepare("SELECT id, coll, added FROM object WHERE seq > ?1")?;
        let mut rows = statement.query([index::floor(self.connection, index::Table::Ids)?])?;
        while let Some(row) = rows.next()? {
            if ids.contains(row.get_ref(0)?.as_str().unwrap_or_default()) {
                places.insert((row.get(1)?, row.get(2)?));
            }
        }
        Ok(places)
    }

    fn version(&self, coll: i64, added: i64) -> Result<Option<Version>, Error> {
        let sql = "SELECT o.id, o.version, l.class FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row: Option<(String, String, i64)> = statement
            .query_row([coll, added], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, version, class)) = row else { return Ok(None) };
        let handling = self.classes.class(class).and_then(|class| self.classes.handling(class.handling));
        let owner = handling.map(|found| found.owner.clone()).unwrap_or_default();
        let collection = self.names.get(&coll).cloned().unwrap_or_default();
        let holds = self.holds.on(self.connection, &collection, &id, &owner)?;
        let date_added = Timestamp::from_micros(added).to_string();
        Ok(Some(Version { collection, id, version, date_added, owner, holds }))
    }
}
