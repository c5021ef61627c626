//! The versions of one object in one collection, as the writer finds them.

use super::classes::Class;
use super::index::{self, Table};
use super::writer::Work;
use crate::policy::Handling;
use crate::stix::StixTime;
use crate::store::Error;
use rusqlite::OptionalExtension;
use std::sync::Arc;

/// A stored version.
pub(super) struct Member {
    pub seq: i64,
    pub added: i64,
    pub version: StixTime,
    pub class_key: i64,
    pub class: Class,
    pub handling: Arc<Handling>,
    pub sha256: Vec<u8>,
    pub revoked: bool,
}

/// All stored versions of `id` in the collection with the key `coll`.
pub(super) fn family(work: &Work, coll: i64, id: &str, hash: i64) -> Result<Vec<Member>, Error> {
    let (mut places, is_table_used) = {
        let waiting = work.shared.waiting.read();
        (waiting.places(Table::Ids, hash), waiting.is_used(Table::Ids))
    };
    if is_table_used {
        places.extend(index::places(&work.transaction, Table::Ids, hash)?);
    }
    places.extend(work.written(hash));
    places.retain(|place| place.0 == coll);
    places.sort_unstable();
    places.dedup();
    let mut members = Vec::with_capacity(places.len());
    for (_, added) in places {
        members.extend(member(work, coll, added, id)?);
    }
    Ok(members)
}

fn member(work: &Work, coll: i64, added: i64, id: &str) -> Result<Option<Member>, Error> {
    let sql = "SELECT o.seq, o.id, o.version, o.sha256, l.class, o.revoked FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
    let mut statement = work.transaction.prepare_cached(sql)?;
    let row = statement
        .query_row([coll, added], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        })
        .optional()?;
    // The index may still name a row that was deleted, and two ids may share a hash.
    let Some((seq, found, version, sha256, class_key, revoked)) = row.filter(|row| row.1 == id) else {
        return Ok(None);
    };
    let damaged = |what: &str| Error::Damaged(format!("table object, seq {seq} ({found}): {what}"));
    let class = work.classes.class(class_key).ok_or_else(|| damaged("unknown class"))?.clone();
    let handling = work.classes.handling(class.handling).ok_or_else(|| damaged("unknown handling"))?.clone();
    Ok(Some(Member {
        seq,
        added,
        version: StixTime::parse(&version).ok_or_else(|| damaged("the version is no timestamp"))?,
        class_key,
        class,
        handling,
        sha256,
        revoked,
    }))
}

/// Finds anew which of the versions are later and earlier than this one.
pub(super) fn settle(
    work: &mut Work,
    collection: &str,
    member: &Member,
    all: &[Member],
) -> Result<(), Error> {
    let mut class = member.class.alone();
    for other in all {
        class.beside(other.version.cmp(&member.version), other.class.handling, other.added < member.added);
    }
    let new = work.classes.intern_class(&work.transaction, class)?;
    match new == member.class_key {
        true => Ok(()),
        false => work.reclass(collection, member.added, member.class_key, new),
    }
}

/// Finds anew which of the versions are later and earlier than which, for all of them.
pub(super) fn settle_all(work: &mut Work, collection: &str, all: &[Member]) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|one, other| all[*one].version.cmp(&all[*other].version));
    let mut classes: Vec<Class> = all.iter().map(|member| member.class.clone()).collect();
    // Once upwards for the earlier ones and once downwards for the later ones.
    let mut met = Vec::new();
    for alike in order.chunk_by(|one, other| all[*one].version == all[*other].version) {
        alike.iter().for_each(|at| classes[*at].earlier.clone_from(&met));
        for at in alike {
            classes[*at].twins.clear();
            let before = alike.iter().filter(|other| all[**other].added < all[*at].added);
            before.for_each(|other| _ = insert(&mut classes[*at].twins, all[*other].class.handling));
        }
        alike.iter().for_each(|at| _ = insert(&mut met, all[*at].class.handling));
    }
    met.clear();
    order.reverse();
    for alike in order.chunk_by(|one, other| all[*one].version == all[*other].version) {
        alike.iter().for_each(|at| classes[*at].later.clone_from(&met));
        alike.iter().for_each(|at| _ = insert(&mut met, all[*at].class.handling));
    }
    for (member, class) in all.iter().zip(classes) {
        let new = work.classes.intern_class(&work.transaction, class)?;
        if new != member.class_key {
            work.reclass(collection, member.added, member.class_key, new)?;
        }
    }
    Ok(())
}

/// Puts a handling into a sorted set; true if it was not there.
pub(super) fn insert(set: &mut Vec<i64>, handling: i64) -> bool {
    match set.binary_search(&handling) {
        Ok(_) => false,
        Err(at) => {
            set.insert(at, handling);
            true
        }
    }
}
