//! Writing the rows of what was accepted.

use super::add::Row;
use super::atoms;
use super::index::Table;
use super::outcome::Outcome;
use super::writer::Work;
use crate::store::Error;
use rusqlite::{CachedStatement, params, types::Value};
use std::collections::HashSet;

pub(super) fn write_rows(
    work: &mut Work,
    collection: &str,
    rows: Vec<Row>,
    outcomes: &mut [Outcome],
) -> Result<(), Error> {
    let (coll, mut added) = {
        let found = work.collection(collection)?;
        (found.pk, found.last_added)
    };
    let count = rows.len();
    let ends = ends(&rows);
    let mut keys = Vec::with_capacity(count);
    for row in &rows {
        keys.push(work.classes.intern_class(&work.transaction, row.class.clone())?);
    }
    let (mut places, mut defined) = (Vec::with_capacity(count), Vec::new());
    let mut dated = Vec::new();
    {
        let mut object = work.transaction.prepare_cached("INSERT INTO object (seq, coll, added, id, version, sha256, json, revoked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        let mut log = work.transaction.prepare_cached(
            "INSERT INTO log (coll, added, class, seq, version_key) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut naming = work.transaction.prepare_cached(atoms::INSERT)?;
        for ((row, class), is_end) in rows.into_iter().zip(&keys).zip(ends) {
            added = row.received.max(added + 1);
            if is_end {
                // A client that cuts dates to milliseconds must not meet the last rows again.
                added = added.div_euclid(1000) * 1000 + if added.rem_euclid(1000) == 0 { 0 } else { 1000 };
            }
            work.last_seq += 1;
            if let Some(named) = &row.prepared.named {
                atoms::insert(&mut naming, named, work.last_seq)?;
            }
            insert_row(&mut object, &mut log, &row, [work.last_seq, coll, added, *class])?;
            if let Some(post) = row.post {
                outcomes[post].written(work, &row, added);
            }
            let admitted = &row.prepared.admitted;
            let object = admitted.object();
            if object.created().is_some() && !admitted.is_by_hub() {
                let delays = work.arrivals.entry(admitted.sender().clone()).or_default();
                delays.note(added - object.version().micros());
            }
            places.push((Table::Ids, row.hash, (coll, added)));
            places.extend(row.prepared.links.iter().map(|link| (Table::Ids, *link, (coll, added))));
            places.extend(row.prepared.value_keys.iter().map(|key| (Table::Values, *key, (coll, added))));
            let values = row.prepared.named.iter().flat_map(|named| &named.atoms);
            values.for_each(|atom| work.noted.note(atom.kind(), atom.text()));
            dated.extend(row.prepared.admitted.retention_until().map(|due| [due, coll, added]));
            if let Some(terms) = object.defines() {
                defined.push((object.id().to_string(), terms.clone()));
            }
        }
    }
    work.indexed.append(&mut places);
    for entry in dated {
        let sql = "INSERT INTO expiry (due, coll, added) VALUES (?1, ?2, ?3)";
        work.transaction.prepare_cached(sql)?.execute(entry)?;
    }
    work.define(collection, defined);
    let found = work.collection(collection)?;
    found.last_added = added;
    for class in keys {
        *found.rows.entry(class).or_default() += 1;
    }
    let mut update =
        work.transaction.prepare_cached("UPDATE collection SET last_added = ?2 WHERE pk = ?1")?;
    update.execute([coll, added])?;
    Ok(())
}

/// Which rows may be the last that some reader sees of this commit: the last of all that are
/// alike in who sees them, and in whom they are the last version for.
fn ends(rows: &[Row]) -> Vec<bool> {
    let mut met = HashSet::new();
    let mut ends: Vec<bool> = rows
        .iter()
        .rev()
        .map(|row| met.insert((row.class.handling, &row.class.later, &row.class.twins)))
        .collect();
    ends.reverse();
    ends
}

fn insert_row(
    object: &mut CachedStatement,
    log: &mut CachedStatement,
    row: &Row,
    [seq, coll, added, class]: [i64; 4],
) -> Result<(), Error> {
    let stored = row.prepared.admitted.object();
    let (id, version, json) = (stored.id().as_str(), stored.version(), stored.json());
    let (sha256, revoked) = (row.prepared.sha256, stored.is_revoked());
    object.execute(params![seq, coll, added, id, version.as_str(), sha256, json.as_ref(), revoked])?;
    log.execute(params![coll, added, class, seq, version_key(version)])?;
    Ok(())
}

/// What `match[version]` with a time compares: microseconds, or a text where those do not suffice.
pub(super) fn version_key(version: &crate::stix::Version) -> Value {
    match version.rest() {
        "" => Value::Integer(version.micros()),
        rest => Value::Text(format!("{}+{rest}", version.micros())),
    }
}
