//! Erasing versions, in batches that leave the writer free in between.

use super::family::{Member, family};
use super::hold::Holds;
use super::index::Place;
use super::removal::{Removal, id_at};
use super::writer::Work;
use crate::audit::Event;
use crate::audit::event::{Cause, Erased};
use crate::stix::Timestamp;
use crate::store::erasure::cause_name;
use crate::store::{Error, id_hash};
use std::collections::BTreeMap;

/// Why, and for whom.
pub(super) struct Why<'y> {
    pub cause: Cause,
    pub reason: &'y str,
    pub who: &'y str,
    /// The order that asked for it.
    pub task: Option<i64>,
    pub now: Timestamp,
}

/// What became of versions that were to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub erased: u64,
    pub kept: u64,
}

impl Why<'_> {
    /// Erases the versions at these places, but for those that a hold keeps.
    pub(super) fn erase(&self, work: &mut Work, places: &[Place]) -> Result<Outcome, Error> {
        let holds = Holds::load(&work.transaction)?;
        let names: BTreeMap<i64, String> =
            work.collections.iter().map(|(id, found)| (found.pk, id.clone())).collect();
        let mut objects: BTreeMap<(i64, String), Vec<i64>> = BTreeMap::new();
        for place in places {
            // What is gone meanwhile was deleted by its owner.
            if let Some(id) = id_at(work, *place)? {
                objects.entry((place.0, id)).or_default().push(place.1);
            }
        }
        let mut outcome = Outcome::default();
        for ((coll, id), added) in objects {
            let Some(collection) = names.get(&coll) else { continue };
            let members = family(work, coll, &id, id_hash(&id))?;
            let wanted = |member: &Member| added.contains(&member.added);
            let found = self.object(work, &holds, (collection, &id), members, wanted)?;
            outcome.erased += found.erased;
            outcome.kept += found.kept;
        }
        Ok(outcome)
    }

    /// Erases those of an object's versions that are wanted, but for those that a hold keeps.
    pub(super) fn object(
        &self,
        work: &mut Work,
        holds: &Holds,
        (collection, id): (&str, &str),
        members: Vec<Member>,
        wanted: impl Fn(&Member) -> bool,
    ) -> Result<Outcome, Error> {
        let (mut goes, mut stays, mut kept) = (Vec::new(), Vec::new(), 0);
        for member in members {
            let wanted = wanted(&member);
            let is_held = wanted && holds.keep(&work.transaction, collection, id, &member.handling.owner)?;
            kept += u64::from(is_held);
            if wanted && !is_held { &mut goes } else { &mut stays }.push(member);
        }
        if goes.is_empty() {
            return Ok(Outcome { erased: 0, kept });
        }
        let (cause, reason, who, now) = (cause_name(self.cause), Some(self.reason), self.who, self.now);
        let removal = Removal { collection, id, cause, reason, who, task: self.task, now };
        removal.run(work, &goes, &stays)?;
        let erased = Erased {
            by: who.to_owned(),
            collection: collection.to_owned(),
            id: id.to_owned(),
            versions: goes.iter().map(|member| member.version.as_str().to_owned()).collect(),
            reason: self.reason.to_owned(),
            cause: self.cause,
        };
        work.record(self.now, Event::Erased(erased));
        Ok(Outcome { erased: goes.len() as u64, kept })
    }
}

/// Versions that one transaction erases at most.
pub(super) const BATCH_MAX: usize = 200;
/// Rows that one search looks at, at most.
pub(super) const LOOK_MAX: usize = 5_000;
