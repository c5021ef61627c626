//! Deleting versions of an object (TAXII 2.1 §5.7).

use super::add::version_key;
use super::family::{Member, family, settle};
use super::links::{link_hash, may_have_ends};
use super::writer::Work;
use crate::audit::{Event, event as audit};
use crate::policy::EraseScope;
use crate::stix::{Timestamp, claims};
use crate::store::{Deleted, Error};
use crate::taxii::Versions;
use rusqlite::params;

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
        let (goes, stays) = split(members, order);
        if goes.is_empty() {
            return Ok(Deleted::Nothing);
        }
        if goes.iter().any(|member| member.handling.owner != order.scope.organisation()) {
            return Ok(Deleted::NotOwner);
        }
        for member in &goes {
            self.remove(order, coll, hash, member)?;
        }
        for member in &stays {
            settle(self.work, collection, member, &stays)?;
        }
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

    fn remove(&mut self, order: &Order, coll: i64, hash: i64, member: &Member) -> Result<(), Error> {
        let collection = order.scope.read().collection();
        let (version, organisation) = (member.version.as_str(), order.scope.organisation());
        let (handling, log_size) = (member.class.handling, self.work.ledger()?.size().cast_signed());
        let transaction = &self.work.transaction;
        let sql = "INSERT INTO tombstone (coll, added, id, version, sha256, deleted, organisation, handling, log_size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (sha256, deleted) = (&member.sha256, order.now.micros());
        transaction.execute(
            sql,
            params![coll, member.added, order.id, version, sha256, deleted, organisation, handling, log_size],
        )?;
        let mut hashes = vec![hash];
        if may_have_ends(&order.id) {
            let sql = "SELECT json FROM object WHERE seq = ?1";
            let json: Vec<u8> = transaction.query_row(sql, [member.seq], |row| row.get(0))?;
            hashes.extend(claims::ends(&json).iter().map(|end| link_hash(end)));
        }
        transaction.execute("DELETE FROM log WHERE coll = ?1 AND added = ?2", [coll, member.added])?;
        transaction.execute("DELETE FROM object WHERE seq = ?1", [member.seq])?;
        for hash in hashes {
            let sql = "DELETE FROM by_id WHERE hash = ?1 AND coll = ?2 AND added = ?3";
            transaction.execute(sql, [hash, coll, member.added])?;
        }
        if let Some(count) = self.work.collection(collection)?.rows.get_mut(&member.class_key) {
            *count = count.saturating_sub(1);
        }
        self.work.note_change(collection, member.added);
        Ok(())
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
