//! Deleting versions of an object (TAXII 2.1 §5.7).

use super::family::{Member, family};
use super::hold::Holds;
use super::removal::{DELETED, Removal};
use super::rows::version_key;
use super::writer::Work;
use crate::audit::{Event, event as audit};
use crate::policy::EraseScope;
use crate::stix::Timestamp;
use crate::store::{Deleted, Error};
use crate::taxii::Versions;

/// What to delete.
pub(super) struct Order {
    pub scope: EraseScope,
    pub id: String,
    pub versions: Versions,
    pub now: Timestamp,
}

/// A deletion within the open transaction.
pub(super) struct Deletion<'w, 'a> {
    work: &'w mut Work<'a>,
}

impl<'w, 'a> Deletion<'w, 'a> {
    pub(super) fn new(work: &'w mut Work<'a>) -> Self {
        Self { work }
    }

    pub(super) fn run(&mut self, order: &Order) -> Result<Deleted, Error> {
        let collection = order.scope.read().collection();
        let Some(coll) = self.work.collections.get(collection).map(|found| found.pk) else {
            return Ok(Deleted::Nothing);
        };
        let hash = crate::store::id_hash(&order.id);
        let members = family(self.work, coll, &order.id, hash)?;
        let (goes, mut stays) = split(members, order);
        // Beside an observable of its own there may be that of another organisation, which stays.
        let owner = order.scope.organisation();
        let own: Vec<_> =
            goes.iter().filter(|one| one.handling.owner == owner).map(|one| one.version.clone()).collect();
        let is_twin = |member: &Member| member.handling.owner != owner && own.contains(&member.version);
        let (twins, goes): (Vec<Member>, Vec<Member>) = goes.into_iter().partition(is_twin);
        stays.extend(twins);
        if goes.is_empty() {
            return Ok(Deleted::Nothing);
        }
        if goes.iter().any(|member| member.handling.owner != order.scope.organisation()) {
            return Ok(Deleted::NotOwner);
        }
        let holds = Holds::load(&self.work.transaction)?;
        for member in &goes {
            if holds.keep(&self.work.transaction, collection, &order.id, &member.handling.owner)? {
                return Ok(Deleted::Held);
            }
        }
        let removal = Removal {
            collection,
            id: &order.id,
            cause: DELETED,
            reason: None,
            who: order.scope.read().client(),
            task: None,
            now: order.now,
        };
        removal.run(self.work, &goes, &stays)?;
        let deleted = audit::Deleted {
            by: order.scope.read().client().to_string(),
            key: order.scope.key().map(str::to_owned),
            collection: collection.to_owned(),
            id: order.id.clone(),
            versions: goes.iter().map(|member| member.version.as_str().to_owned()).collect(),
        };
        self.work.record(order.now, Event::Deleted(deleted));
        Ok(Deleted::Versions(goes.len()))
    }
}

/// Which versions go: of those that the scope sees, the ones that the filter names.
fn split(members: Vec<Member>, order: &Order) -> (Vec<Member>, Vec<Member>) {
    let seen = |member: &&Member| order.scope.reaches(&member.handling);
    let last = members.iter().filter(seen).map(|m| m.version.clone()).max();
    let first = members.iter().filter(seen).map(|m| m.version.clone()).min();
    let wanted = &order.versions;
    let exact: Vec<_> = wanted.exact.iter().map(version_key).collect();
    members.into_iter().partition(|member| {
        let version = Some(&member.version);
        seen(&member)
            && (wanted.all
                || wanted.last && version == last.as_ref()
                || wanted.first && version == first.as_ref()
                || exact.contains(&version_key(&member.version)))
    })
}
