//! Looking at a database from beside the server: what is stored of an object, and how much of each
//! handling came in. For telling why something is seen or not, never for serving it.

use super::classes::Classes;
use super::index::{self, Table};
use super::registry::Tool;
use crate::policy::Handling;
use crate::stix::Timestamp;
use crate::store::{Error, id_hash};
use rusqlite::{OptionalExtension, Row};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A stored version of an object.
#[derive(Debug)]
pub struct Kept {
    /// The collection's id.
    pub collection: String,
    /// When it was added.
    pub added: Timestamp,
    /// Its version.
    pub version: String,
    /// What decides who sees it.
    pub handling: Arc<Handling>,
    /// Its text.
    pub json: Vec<u8>,
}

/// Versions of one handling that were added to a collection.
#[derive(Debug)]
pub struct Share {
    /// The collection's id.
    pub collection: String,
    /// Their handling.
    pub handling: Arc<Handling>,
    /// The ids of their objects, with their versions.
    pub objects: Vec<(String, String)>,
}

impl Tool {
    /// All stored versions of an object.
    pub fn versions(&self, id: &str) -> Result<Vec<Kept>, Error> {
        let classes = Classes::load(self.connection())?;
        let sql = "SELECT c.id, o.added, o.version, l.class, o.json, o.id FROM object o JOIN log l ON l.coll = o.coll AND l.added = o.added JOIN collection c ON c.pk = o.coll WHERE o.coll = ?1 AND o.added = ?2";
        let mut statement = self.connection().prepare(sql)?;
        let mut found = Vec::new();
        for (coll, added) in self.places(id)? {
            let row = statement.query_row([coll, added], |row| kept(row, &classes)).optional()?;
            found.extend(row.filter(|(_, name)| name == id).map(|(kept, _)| kept));
        }
        found.sort_by(|one, other| (&one.collection, one.added).cmp(&(&other.collection, other.added)));
        Ok(found)
    }

    /// Where an object's rows are: the index, and the rows that it does not hold yet.
    fn places(&self, id: &str) -> Result<Vec<(i64, i64)>, Error> {
        let mut places = index::places(self.connection(), Table::Ids, id_hash(id))?;
        let floor = index::floor(self.connection(), Table::Ids)?;
        let sql = "SELECT coll, added FROM object WHERE seq > ?1 AND id = ?2";
        let mut statement = self.connection().prepare(sql)?;
        let rows = statement.query_map((floor, id), |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            places.push(row?);
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// What came in since then, by collection and handling.
    pub fn since(&self, since: Timestamp) -> Result<Vec<Share>, Error> {
        let classes = Classes::load(self.connection())?;
        let sql = "SELECT c.id, l.class, o.id, o.version FROM log l JOIN object o ON o.seq = l.seq JOIN collection c ON c.pk = l.coll WHERE l.added >= ?1 ORDER BY l.coll, l.added";
        let mut statement = self.connection().prepare(sql)?;
        let mut rows = statement.query([since.micros()])?;
        let mut shares: BTreeMap<(String, i64), Vec<(String, String)>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let handling = classes.class(row.get(1)?).map_or(0, |class| class.handling);
            shares.entry((row.get(0)?, handling)).or_default().push((row.get(2)?, row.get(3)?));
        }
        let share = |((collection, key), objects)| {
            let handling = classes.handling(key).cloned()?;
            Some(Share { collection, handling, objects })
        };
        Ok(shares.into_iter().filter_map(share).collect())
    }
}

fn kept(row: &Row, classes: &Classes) -> rusqlite::Result<(Kept, String)> {
    let class = classes.class(row.get(3)?);
    let handling = class.and_then(|class| classes.handling(class.handling)).cloned();
    let kept = Kept {
        collection: row.get(0)?,
        added: Timestamp::from_micros(row.get(1)?),
        version: row.get(2)?,
        handling: handling.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
        json: row.get(4)?,
    };
    Ok((kept, row.get(5)?))
}
