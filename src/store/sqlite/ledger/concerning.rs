//! What the log says of one organisation: its own deeds, and to whom its own objects were sent.

use super::Range;
use super::look;
use super::received::{Pages, Row};
use super::recipients::Look;
use crate::audit::record::Head;
use crate::audit::{Event, Record};
use crate::store::{Concern, Concerning, Error};
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;

/// Goes through records from number `from` on until `limit` of them concern the organisation, or
/// until that has taken long enough.
pub(in crate::store::sqlite) fn concerning(
    look: &Look,
    organisation: &str,
    from: u64,
    limit: u32,
) -> Result<Concerning, Error> {
    let mut counting = Counting { look, organisation, families: HashMap::new(), budget: ROWS_MAX };
    let mut found = Concerning { records: Vec::new(), next: from };
    let own = format!("{organisation}/");
    let mut scanned = 0;
    while scanned < RECORDS_MAX && counting.budget > 0 {
        let records = look::records(look.connection, found.next, CHUNK, CHUNK_BYTES)?;
        if records.is_empty() {
            break;
        }
        for (n, bytes) in records {
            if found.records.len() >= limit as usize || counting.budget <= 0 {
                return Ok(found);
            }
            found.records.extend(concern(&mut counting, n, bytes, &own)?);
            found.next = n + 1;
            scanned += 1;
        }
    }
    Ok(found)
}

fn concern(counting: &mut Counting, n: u64, bytes: Vec<u8>, own: &str) -> Result<Option<Concern>, Error> {
    let damaged = || Error::Damaged(format!("audit record {n} is damaged; see `liaison audit verify`"));
    let head = Head::parse(&bytes).map_err(|_| damaged())?;
    if !["served", "publish", "deleted"].contains(&head.kind.as_str()) {
        return Ok(None);
    }
    match Record::parse(&bytes).map_err(|_| damaged())?.event {
        Event::Publish(publish) if publish.by.starts_with(own) => Ok(Some(Concern::Own(bytes))),
        Event::Deleted(deleted) if deleted.by.starts_with(own) => Ok(Some(Concern::Own(bytes))),
        Event::Served(served) => {
            let pages = Pages::new(*served);
            let objects = counting.count(&pages)?;
            Ok((objects > 0).then_some(Concern::Served {
                n,
                at: head.at,
                client: pages.served.by,
                collection: pages.served.collection,
                view: pages.served.view,
                objects,
            }))
        }
        _ => Ok(None),
    }
}

/// Counts an organisation's rows on pages.
struct Counting<'a> {
    look: &'a Look<'a>,
    organisation: &'a str,
    /// All versions in the record's collection by id; emptied with each record.
    families: HashMap<String, Vec<Row>>,
    /// Rows that may still be looked at.
    budget: i64,
}

impl Counting<'_> {
    fn count(&mut self, pages: &Pages) -> Result<u64, Error> {
        let Some(range) = Range::of(&pages.served) else { return Ok(0) };
        let sql = "SELECT pk FROM collection WHERE id = ?1";
        let mut statement = self.look.connection.prepare_cached(sql)?;
        let coll = statement.query_row([&pages.served.collection], |row| row.get(0)).optional()?;
        let Some(coll) = coll else { return Ok(0) };
        self.families.clear();
        self.budget -= 1;
        let stored = self.stored(pages, coll, range)?;
        Ok(stored + self.raised(pages, coll, range)? + self.deleted(pages, coll, range)?)
    }

    /// Of the rows that are there. Those without other versions need not be looked at one by one.
    fn stored(&mut self, pages: &Pages, coll: i64, range: Range) -> Result<u64, Error> {
        let mut count = 0;
        for (key, class) in self.look.classes.all() {
            let handling = self.look.classes.handling(class.handling);
            let is_own = handling.is_some_and(|handling| handling.owner == self.organisation);
            if !is_own || !pages.shows(class.handling) {
                continue;
            }
            let is_single = class.later.is_empty() && class.earlier.is_empty();
            if pages.take_all() || is_single && pages.take_single() {
                let sql = "SELECT count(*) FROM log INDEXED BY log_by_class WHERE coll = ?1 AND class = ?2 AND added BETWEEN ?3 AND ?4";
                let mut statement = self.look.connection.prepare_cached(sql)?;
                let found: i64 =
                    statement.query_row(params![coll, key, range.first, range.last], |row| row.get(0))?;
                // Counting is much faster than looking.
                self.budget -= found / 16;
                count += found.cast_unsigned();
                continue;
            }
            let sql = "SELECT added FROM log INDEXED BY log_by_class WHERE coll = ?1 AND class = ?2 AND added BETWEEN ?3 AND ?4";
            let mut statement = self.look.connection.prepare_cached(sql)?;
            let places =
                statement.query_map(params![coll, key, range.first, range.last], |row| row.get(0))?;
            for added in places.collect::<Result<Vec<i64>, _>>()? {
                let row = self.look.stored(coll, added)?;
                count += self.held(pages, row)?;
            }
        }
        Ok(count)
    }

    /// Of the rows that were raised beyond what the reader could see.
    fn raised(&mut self, pages: &Pages, coll: i64, range: Range) -> Result<u64, Error> {
        let sql = "SELECT DISTINCT added FROM audit_raised WHERE coll = ?1 AND added BETWEEN ?2 AND ?3";
        let mut statement = self.look.connection.prepare_cached(sql)?;
        let places = statement.query_map(params![coll, range.first, range.last], |row| row.get(0))?;
        let mut count = 0;
        for added in places.collect::<Result<Vec<i64>, _>>()? {
            let row = self.look.stored(coll, added)?;
            let row = row.filter(|row| self.owns(row) && !pages.shows(row.handlings[0]));
            count += self.held(pages, row)?;
        }
        Ok(count)
    }

    /// Of the rows that have been deleted since.
    fn deleted(&mut self, pages: &Pages, coll: i64, range: Range) -> Result<u64, Error> {
        let sql = "SELECT added FROM tombstone WHERE coll = ?1 AND added BETWEEN ?2 AND ?3";
        let mut statement = self.look.connection.prepare_cached(sql)?;
        let places = statement.query_map(params![coll, range.first, range.last], |row| row.get(0))?;
        let mut count = 0;
        for added in places.collect::<Result<Vec<i64>, _>>()? {
            let row = self.look.deleted(coll, added)?.filter(|row| self.owns(row));
            count += self.held(pages, row)?;
        }
        Ok(count)
    }

    fn owns(&self, row: &Row) -> bool {
        let handling = row.handlings.first().and_then(|key| self.look.classes.handling(*key));
        handling.is_some_and(|handling| handling.owner == self.organisation)
    }

    /// 1 if the pages held the row.
    fn held(&mut self, pages: &Pages, row: Option<Row>) -> Result<u64, Error> {
        let Some(row) = row else { return Ok(0) };
        self.budget -= 1;
        if !self.families.contains_key(&row.id) {
            let mut all = self.look.versions(&row.id)?;
            all.retain(|one| one.coll == row.coll);
            self.budget -= all.len() as i64;
            self.families.insert(row.id.clone(), all);
        }
        Ok(u64::from(pages.hold(&row, &self.families[&row.id])))
    }
}

/// Records that one request goes through.
const RECORDS_MAX: u32 = 10_000;
/// Rows that one request looks at.
const ROWS_MAX: i64 = 200_000;
const CHUNK: u32 = 500;
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
