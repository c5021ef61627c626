//! Floors: relationships, sightings and translations are never lower than what they are about, whichever
//! of both comes first.

use super::add::{Adding, Row};
use super::family::{Member, family, settle};
use super::index::{self, Table};
use crate::policy::Handling;
use crate::stix::{Object, Timestamp, Tlp};
use crate::store::{Error, id_hash};
use rusqlite::OptionalExtension;
use std::sync::Arc;

/// Where a collection's levels lie, as far as floors depend on it: most collections hold one level.
pub(super) struct Bounds {
    /// The highest level of anything.
    highest: Tlp,
    /// The lowest level of what is about something.
    lowest: Option<Tlp>,
}

/// The key in the index of what is about an object; never that of the object itself.
pub(super) fn link_hash(id: &str) -> i64 {
    crate::store::link_of(id_hash(id))
}

/// Can an object of this id be in the index for another one?
pub(super) fn may_be_linked(id: &str) -> bool {
    may_have_ends(id) || id.starts_with("opinion--")
}

/// Can an object of this id be about another one?
pub(super) fn may_have_ends(id: &str) -> bool {
    ["relationship--", "sighting--", "language-content--"].iter().any(|start| id.starts_with(start))
}

impl Adding<'_, '_> {
    /// The highest level of what an object is about, as far as that is stored or about to be.
    pub(super) fn floor(
        &mut self,
        collection: &str,
        coll: i64,
        object: &Object,
        handling: &Handling,
        now: Timestamp,
    ) -> Result<Tlp, Error> {
        let mut floor = handling.floor;
        if object.ends().is_empty() || self.bounds(collection, coll, now).highest <= handling.level(now) {
            return Ok(floor);
        }
        for end in object.ends() {
            let hash = id_hash(end);
            let stored = family(self.work, coll, end, hash)?;
            let stored = stored.iter().map(|member| (&member.version, &member.handling));
            let rows = self.rows.get(collection).map(Vec::as_slice).unwrap_or_default();
            let pending = self.by_hash.get(&(coll, hash)).map(Vec::as_slice).unwrap_or_default();
            let pending = pending.iter().map(|at| &rows[*at].prepared.admitted);
            let pending = pending.filter(|found| found.object().id().as_str() == end);
            let pending = pending.map(|found| (found.object().version(), found.handling()));
            let known = stored.chain(pending).map(|(version, handling)| (version, handling.own_level(now)));
            let latest = known.max_by_key(|(version, _)| *version);
            floor = floor.max(latest.map_or(Tlp::Clear, |(_, tlp)| tlp));
        }
        Ok(floor)
    }

    /// Raises what is about the row at `at` and is lower than it.
    pub(super) fn raise_what_is_about(
        &mut self,
        collection: &str,
        coll: i64,
        at: usize,
    ) -> Result<(), Error> {
        let rows = self.rows.get(collection).map(Vec::as_slice).unwrap_or_default();
        let row = &rows[at];
        let now = Timestamp::from_micros(row.received);
        let admitted = &row.prepared.admitted;
        let (level, id) = (admitted.handling().own_level(now), admitted.object().id().to_string());
        let (own, is_about) = (admitted.handling().level(now), !admitted.object().ends().is_empty());
        let bounds = self.bounds(collection, coll, now);
        bounds.highest = bounds.highest.max(own);
        let has_lower = bounds.lowest.is_some_and(|lowest| lowest < level);
        if is_about {
            bounds.lowest = Some(bounds.lowest.map_or(own, |lowest| lowest.min(own)));
        }
        if !has_lower {
            return Ok(());
        }
        let hash = link_hash(&id);
        for relation in self.stored_about(coll, hash)? {
            self.raise(collection, coll, &relation, level, now)?;
        }
        let pending = self.by_end.get(&(coll, hash)).cloned().unwrap_or_default();
        for at in pending {
            let relation = self.rows[collection][at].prepared.admitted.object().id().to_string();
            self.raise(collection, coll, &relation, level, now)?;
        }
        Ok(())
    }

    /// The ids of stored objects that are about another one.
    fn stored_about(&self, coll: i64, hash: i64) -> Result<Vec<String>, Error> {
        let mut places = self.work.shared.waiting.read().places(Table::Ids, hash);
        places.extend(index::places(&self.work.transaction, Table::Ids, hash)?);
        places.extend(self.work.written(hash));
        let sql = "SELECT o.id FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
        let mut statement = self.work.transaction.prepare_cached(sql)?;
        let mut found = Vec::new();
        for (_, added) in places.into_iter().filter(|place| place.0 == coll) {
            found.extend(statement.query_row([coll, added], |row| row.get(0)).optional()?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Raises all versions of an object to a level, and settles anew what they are to each other.
    fn raise(
        &mut self,
        collection: &str,
        coll: i64,
        id: &str,
        floor: Tlp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let hash = id_hash(id);
        let mut stored = family(self.work, coll, id, hash)?;
        let mut changed = false;
        for member in &mut stored {
            if let Some(raised) = raised(&member.handling, floor, now) {
                member.class.handling = self.work.classes.intern_handling(&self.work.transaction, &raised)?;
                changed = true;
            }
        }
        let pending = self.by_hash.get(&(coll, hash)).cloned().unwrap_or_default();
        let rows = self.rows.get_mut(collection).map(Vec::as_mut_slice).unwrap_or_default();
        let pending: Vec<usize> = pending
            .into_iter()
            .filter(|at| rows[*at].prepared.admitted.object().id().as_str() == id)
            .collect();
        for at in &pending {
            let class = &mut rows[*at].class;
            let known = self.work.classes.handling(class.handling);
            if let Some(raised) = known.and_then(|handling| raised(handling, floor, now)) {
                class.handling = self.work.classes.intern_handling(&self.work.transaction, &raised)?;
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
        settle_pending(rows, &pending, &stored);
        for member in &stored {
            settle(self.work, collection, member, &stored)?;
        }
        self.relate_pending(collection, &pending, coll, id)
    }

    /// Tells stored versions of the versions that are about to be stored beside them.
    fn relate_pending(
        &mut self,
        collection: &str,
        pending: &[usize],
        coll: i64,
        id: &str,
    ) -> Result<(), Error> {
        if pending.is_empty() {
            return Ok(());
        }
        for member in family(self.work, coll, id, id_hash(id))? {
            let mut class = member.class.clone();
            let mut changed = false;
            for row in pending.iter().map(|at| &self.rows[collection][*at]) {
                let other = row.prepared.admitted.object().version();
                changed |= class.beside(other.cmp(&member.version), row.class.handling, false);
            }
            if changed {
                let new = self.work.classes.intern_class(&self.work.transaction, class)?;
                self.work.reclass(collection, member.added, member.class_key, new)?;
            }
        }
        Ok(())
    }

    /// Where the collection's levels lie.
    fn bounds(&mut self, collection: &str, coll: i64, now: Timestamp) -> &mut Bounds {
        let work = &self.work;
        self.bounds.entry(coll).or_insert_with(|| {
            let mut bounds = Bounds { highest: Tlp::Clear, lowest: None };
            let rows = work.collections.get(collection).map(|found| &found.rows);
            for (key, _) in rows.into_iter().flatten().filter(|(_, count)| **count > 0) {
                let Some(class) = work.classes.class(*key) else { continue };
                let Some(handling) = work.classes.handling(class.handling) else { continue };
                let level = handling.level(now);
                bounds.highest = bounds.highest.max(level);
                if may_have_ends(&format!("{}--", class.object_type)) {
                    bounds.lowest = Some(bounds.lowest.map_or(level, |lowest| lowest.min(level)));
                }
            }
            bounds
        })
    }
}

/// The handling raised to a level, if it is lower.
fn raised(handling: &Arc<Handling>, floor: Tlp, now: Timestamp) -> Option<Arc<Handling>> {
    (handling.level(now) < floor).then(|| Arc::new(handling.raised(floor)))
}

/// Finds anew which versions are later and earlier than those about to be stored.
fn settle_pending(rows: &mut [Row], pending: &[usize], stored: &[Member]) {
    let stored = stored.iter().map(|member| (member.version.clone(), member.class.handling, None));
    let version = |at: &usize| rows[*at].prepared.admitted.object().version().clone();
    let waiting = pending.iter().map(|at| (version(at), rows[*at].class.handling, Some(*at)));
    let all: Vec<_> = stored.chain(waiting).collect();
    for at in pending {
        let version = rows[*at].prepared.admitted.object().version().clone();
        let class = &mut rows[*at].class;
        *class = class.alone();
        for (other, handling, place) in &all {
            class.beside(other.cmp(&version), *handling, place.is_none_or(|place| place < *at));
        }
    }
}
