//! Reading: pages, whether an object is known, statuses.

use super::Shared;
use super::classes::{CUSTOM, Classes, Selection, type_of};
use super::index::{self, Table};
use super::rows::version_key;
use crate::policy::{Handling, ReadScope};
use crate::stix::{StixTime, Timestamp};
use crate::store::{Content, Error, Page, Query, Stored};
use rusqlite::types::Value;
use rusqlite::vtab::array::Array;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::rc::Rc;
use std::sync::Arc;

impl Shared {
    /// One page. Everything it reads is from one snapshot, and the classes are taken after the
    /// snapshot: the writer publishes new classes before it commits rows that have them.
    pub(super) fn page(&self, scope: &ReadScope, query: &Query) -> Result<Page, Error> {
        if !query.matches.spec_versions.is_empty() && !query.matches.spec_versions.iter().any(|v| v == "2.1")
        {
            return Ok(Page::default());
        }
        self.readers.with(|connection| {
            let transaction = connection.transaction()?;
            let ids = &query.matches.ids;
            let (coll, places) = self.snapshot(&transaction, scope.collection(), ids)?;
            let Some(coll) = coll else {
                return Ok(Page::default());
            };
            let classes = self.classes.read().clone();
            let plan = self.plan(&classes, scope, query, places);
            Reading { connection: &transaction, coll, plan, query, classes: &classes }.page()
        })
    }

    /// Does the scope see any version of the object?
    pub(super) fn knows(&self, scope: &ReadScope, id: &str) -> Result<bool, Error> {
        let query = Query {
            after: None,
            limit: 1,
            bytes_max: usize::MAX,
            matches: crate::taxii::Match {
                ids: vec![id.to_owned()],
                versions: Some(crate::taxii::Versions { all: true, ..Default::default() }),
                ..Default::default()
            },
            content: Content::Records,
        };
        Ok(!self.page(scope, &query)?.rows.is_empty())
    }

    /// An object's latest version, and its handling.
    pub(super) fn latest(&self, collection: &str, id: &str) -> Result<Option<(StixTime, Handling)>, Error> {
        self.readers.with(|connection| {
            let transaction = connection.transaction()?;
            let (coll, places) = self.snapshot(&transaction, collection, &[id.to_owned()])?;
            let classes = self.classes.read().clone();
            let sql = "SELECT o.id, o.version, l.class FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut latest: Option<(StixTime, i64)> = None;
            for added in places.into_iter().flatten() {
                let read = |row: &Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                let row: Option<(String, String, i64)> =
                    statement.query_row(params![coll, added], read).optional()?;
                let Some((_, version, class)) = row.filter(|row| row.0 == id) else { continue };
                let version = StixTime::parse(&version);
                latest = latest.max(version.map(|version| (version, class)));
            }
            let Some((version, key)) = latest else { return Ok(None) };
            let handling = classes.class(key).and_then(|class| classes.handling(class.handling));
            Ok(handling.map(|found| (version, Handling::clone(found))))
        })
    }

    /// Starts the snapshot by the first read, and finds where the ids wanted are. The index in
    /// memory is held still meanwhile, so that each row of the snapshot is in it or in the table.
    fn snapshot(
        &self,
        connection: &Connection,
        collection: &str,
        ids: &[String],
    ) -> Result<(Option<i64>, Option<Vec<i64>>), Error> {
        let waiting = if ids.is_empty() { None } else { Some(self.index(connection)?) };
        let coll: Option<i64> = connection
            .prepare_cached("SELECT pk FROM collection WHERE id = ?1")?
            .query_row([collection], |row| row.get(0))
            .optional()?;
        let (Some(coll), Some(waiting)) = (coll, waiting) else {
            return Ok((coll, None));
        };
        let hashes: Vec<i64> = ids.iter().map(|id| crate::store::id_hash(id)).collect();
        let mut places: Vec<_> = hashes.iter().flat_map(|hash| waiting.places(Table::Ids, *hash)).collect();
        drop(waiting);
        for hash in hashes {
            places.extend(index::places(connection, Table::Ids, hash)?);
        }
        let mut added: Vec<i64> =
            places.into_iter().filter(|place| place.0 == coll).map(|place| place.1).collect();
        added.sort_unstable();
        added.dedup();
        Ok((Some(coll), Some(added)))
    }

    /// Chooses how to find the rows.
    fn plan(
        &self,
        classes: &Arc<Classes>,
        scope: &ReadScope,
        query: &Query,
        places: Option<Vec<i64>>,
    ) -> Plan {
        let bits = self.visibility(classes, scope);
        let selection = classes.select(&bits, &query.matches);
        if let Some(added) = places {
            return Plan::Picked(selection, added);
        }
        let collections = self.collections.read();
        let rows = collections.get(scope.collection()).map(|found| &found.rows);
        let count = |key: &i64| rows.and_then(|rows| rows.get(key)).copied().unwrap_or(0);
        let visible: u64 = selection.by_word.iter().map(count).sum();
        let total: u64 = rows.into_iter().flat_map(|rows| rows.values()).sum();
        let simple = query.matches.versions().exact.is_empty() && custom_types(query).is_empty();
        if simple && total > MERGE_FROM_ROWS && visible * MERGE_BELOW < total {
            return Plan::Merged(selection);
        }
        Plan::Scanned(selection)
    }
}

/// How a page finds its rows.
enum Plan {
    /// Along the log, passing over what is not wanted.
    Scanned(Selection),
    /// Along each class, merged: for scopes and filters that select little of much.
    Merged(Selection),
    /// At these places.
    Picked(Selection, Vec<i64>),
}

/// Where a page is read from, and how.
struct Reading<'a> {
    connection: &'a Connection,
    coll: i64,
    plan: Plan,
    query: &'a Query,
    classes: &'a Classes,
}

/// A page while its rows are read.
#[derive(Default)]
struct Filling {
    page: Page,
    bytes: usize,
}

impl Reading<'_> {
    fn page(&self) -> Result<Page, Error> {
        let mut after = self.query.after.map_or(i64::MIN, Timestamp::micros);
        let mut filling = Filling::default();
        // Rows that are withheld leave room for those behind them.
        while let Some(passed) = self.rows(after, &mut filling)? {
            after = passed;
        }
        Ok(filling.page)
    }

    /// Adds rows past `after`; if there may be more that belong on the page, the last one passed.
    fn rows(&self, after: i64, filling: &mut Filling) -> Result<Option<i64>, Error> {
        let query = self.query;
        let merged;
        let (selection, picked) = match &self.plan {
            Plan::Scanned(selection) => (selection, None),
            Plan::Picked(selection, added) => (selection, Some(added)),
            Plan::Merged(selection) => {
                merged = merge(self.connection, self.coll, selection, after, query.limit)?;
                (selection, Some(&merged))
            }
        };
        let versions = query.matches.versions();
        let exact: Vec<Value> = versions.exact.iter().map(version_key).collect();
        let ids: Vec<Value> = query.matches.ids.iter().map(|id| Value::from(id.clone())).collect();
        let sql = sql(query, picked.is_some());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query(params![
            self.coll,
            after,
            array(selection.visible.iter().copied()),
            array(selection.by_word.iter().copied()),
            Rc::new(exact),
            array(picked.into_iter().flatten().copied()),
            Rc::new(ids),
            Rc::new(custom_types(query)),
            i64::from(query.limit) + 1,
        ])?;
        filling.take(rows, query, self.classes)
    }
}

/// The statement for a page; the scope's classes are part of every one. Parameters keep their
/// numbers, so one that a shape does not use leaves a gap. The `+` keeps SQLite from choosing the
/// index by class, which would have to sort all that is visible for each page.
fn sql(query: &Query, picked: bool) -> String {
    let json = match query.content {
        Content::Objects => "o.sha256, o.json",
        Content::Governed => "o.sha256, o.json, l.class",
        Content::Records => "NULL, NULL",
    };
    let mut sql = format!(
        "SELECT l.added, o.id, o.version, {json} FROM log l CROSS JOIN object o ON o.seq = l.seq
         WHERE l.coll = ?1 AND l.added > ?2 AND +l.class IN rarray"
    );
    // What a word selects is visible, so one list is enough where nothing but words select.
    match query.matches.versions().exact.is_empty() {
        true => sql.push_str("(?4)"),
        false => sql.push_str("(?3) AND (+l.class IN rarray(?4) OR l.version_key IN rarray(?5))"),
    }
    if picked {
        sql.push_str(" AND l.added IN rarray(?6)");
    }
    if !query.matches.ids.is_empty() {
        sql.push_str(" AND o.id IN rarray(?7)");
    }
    if !custom_types(query).is_empty() {
        sql.push_str(" AND substr(o.id, 1, instr(o.id, '--') - 1) IN rarray(?8)");
    }
    sql.push_str(" ORDER BY l.added LIMIT ?9");
    sql
}

impl Filling {
    /// Takes rows until the page is full and the row that follows it is known. If the rows end
    /// because the statement asked for no more, the last one passed.
    fn take(
        &mut self,
        mut rows: rusqlite::Rows,
        query: &Query,
        classes: &Classes,
    ) -> Result<Option<i64>, Error> {
        let (mut passed, mut count) = (None, 0);
        while let Some(row) = rows.next()? {
            passed = Some(row.get(0)?);
            count += 1;
            let Some(mut stored) = stored(row, query.content)? else {
                continue;
            };
            if query.content == Content::Governed {
                let class = classes.class(row.get(5)?);
                stored.handling = class.and_then(|class| classes.handling(class.handling)).cloned();
            }
            self.bytes += stored.json.len() + 1;
            let page = &mut self.page;
            let is_full = page.rows.len() == query.limit as usize || self.bytes > query.bytes_max;
            if is_full && !page.rows.is_empty() {
                page.following = Some(stored.added);
                return Ok(None);
            }
            page.rows.push(stored);
        }
        Ok(passed.filter(|_| count > i64::from(query.limit)))
    }
}

/// A row, unless its text is not what was stored: then it is withheld, and reported.
fn stored(row: &Row, content: Content) -> Result<Option<Stored>, Error> {
    let id: String = row.get(1)?;
    let json = match content {
        Content::Records => Vec::new(),
        Content::Objects | Content::Governed => {
            let json = row.get_ref(4)?.as_blob().unwrap_or_default();
            if row.get_ref(3)?.as_blob().unwrap_or_default() != crate::store::sha256(json) {
                tracing::error!(object = %id, "table object: the checksum does not match; the row is withheld, restore it from a backup");
                return Ok(None);
            }
            json.to_vec()
        }
    };
    Ok(Some(Stored {
        added: Timestamp::from_micros(row.get(0)?),
        version: row.get(2)?,
        id,
        json,
        handling: None,
    }))
}

/// The first places past `after` of all classes together.
fn merge(
    connection: &Connection,
    coll: i64,
    selection: &Selection,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>, Error> {
    let sql = "SELECT added FROM log INDEXED BY log_by_class WHERE coll = ?1 AND class = ?2 AND added > ?3 ORDER BY added LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let wanted = i64::from(limit) + 1;
    let mut merged: Vec<i64> = Vec::new();
    for class in &selection.by_word {
        let mut rows = statement.query(params![coll, class, after, wanted])?;
        while let Some(row) = rows.next()? {
            merged.push(row.get(0)?);
        }
    }
    merged.sort_unstable();
    merged.truncate(limit as usize + 1);
    Ok(merged)
}

/// A status, if this client sent the POST by this API root.
pub(super) fn status(
    connection: &Connection,
    client: &str,
    api_root: &str,
    id: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT body FROM status WHERE id = ?1 AND client = ?2 AND api_root = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([id, client, api_root], |row| row.get(0)).optional()?)
}

/// The types wanted that share the class type [`CUSTOM`], if that is among those wanted: then the
/// row's own type decides, so the standard types wanted are in the list too.
fn custom_types(query: &Query) -> Vec<Value> {
    let types = &query.matches.types;
    match types.iter().any(|t| type_of(t) == CUSTOM) {
        true => types.iter().map(|t| Value::from(t.clone())).collect(),
        false => Vec::new(),
    }
}

/// What `rarray` takes.
pub(super) fn array(numbers: impl Iterator<Item = i64>) -> Array {
    Rc::new(numbers.map(Value::Integer).collect())
}

/// Below one in so many visible rows, merging beats scanning.
const MERGE_BELOW: u64 = 50;
/// In small collections scanning is always fast.
const MERGE_FROM_ROWS: u64 = 5_000;
