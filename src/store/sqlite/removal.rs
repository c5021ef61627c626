//! Taking versions out: what deletion by their owner and erasure have in common.

use super::atoms;
use super::family::{Member, settle_all};
use super::index::{self, Table};
use super::links::may_be_linked;
use super::writer::Work;
use crate::stix::{Timestamp, claims};
use crate::store::{Error, about_keys, id_hash};
use rusqlite::{OptionalExtension, params};

/// Versions of one object that go, and why.
pub(super) struct Removal<'r> {
    pub collection: &'r str,
    pub id: &'r str,
    /// `deleted`, `retention` or `request`.
    pub cause: &'static str,
    pub reason: Option<&'r str>,
    pub who: &'r str,
    /// The order that asked for it.
    pub task: Option<i64>,
    pub now: Timestamp,
}

impl Removal<'_> {
    /// Takes out the versions that go, with everything that points to them, leaves tombstones, and
    /// settles what the versions that stay are to each other.
    pub(super) fn run(&self, work: &mut Work, goes: &[Member], stays: &[Member]) -> Result<(), Error> {
        let hash = id_hash(self.id);
        let coll = work.collection(self.collection)?.pk;
        for member in goes {
            self.bury(work, coll, member)?;
            self.remove(work, coll, hash, member)?;
        }
        if self.id.starts_with("marking-definition--") && stays.is_empty() {
            work.undefine(self.collection, self.id);
        }
        settle_all(work, self.collection, stays)
    }

    fn bury(&self, work: &mut Work, coll: i64, member: &Member) -> Result<(), Error> {
        let log_size = work.ledger()?.size().cast_signed();
        let sql = "INSERT INTO tombstone (coll, added, id, version, sha256, deleted, organisation, cause, reason, who, task, handling, log_size)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        work.transaction.prepare_cached(sql)?.execute(params![
            coll,
            member.added,
            self.id,
            member.version.as_str(),
            member.sha256,
            self.now.micros(),
            member.handling.owner,
            self.cause,
            self.reason,
            self.who,
            self.task,
            member.class.handling,
            log_size
        ])?;
        if self.cause != DELETED {
            work.collection(self.collection)?.has_erased = true;
        }
        Ok(())
    }

    fn remove(&self, work: &mut Work, coll: i64, hash: i64, member: &Member) -> Result<(), Error> {
        let transaction = &work.transaction;
        let mut hashes = vec![hash];
        if may_be_linked(self.id) {
            let sql = "SELECT json FROM object WHERE seq = ?1";
            let json: Vec<u8> = transaction.prepare_cached(sql)?.query_row([member.seq], |row| row.get(0))?;
            hashes.extend(about_keys(self.id, &json, &claims::ends(&json)));
        }
        let values = atoms::remove(transaction, member.seq, &mut work.removed_atoms)?;
        let row = [coll, member.added];
        transaction.prepare_cached("DELETE FROM log WHERE coll = ?1 AND added = ?2")?.execute(row)?;
        transaction.prepare_cached("DELETE FROM object WHERE seq = ?1")?.execute([member.seq])?;
        transaction.prepare_cached("DELETE FROM expiry WHERE coll = ?1 AND added = ?2")?.execute(row)?;
        for (table, keys) in [(Table::Ids, hashes), (Table::Values, values)] {
            keys.into_iter()
                .try_for_each(|key| index::remove(transaction, table, key, (coll, member.added)))?;
        }
        work.removed.push(member.seq);
        if let Some(count) = work.collection(self.collection)?.rows.get_mut(&member.class_key) {
            *count = count.saturating_sub(1);
        }
        work.note_change(self.collection, member.added);
        Ok(())
    }
}

/// The id of the object in a row, if the row is still there.
pub(super) fn id_at(work: &Work, (coll, added): (i64, i64)) -> Result<Option<String>, Error> {
    let sql = "SELECT o.id FROM log l JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.added = ?2";
    let mut statement = work.transaction.prepare_cached(sql)?;
    Ok(statement.query_row([coll, added], |row| row.get(0)).optional()?)
}

/// The cause of a deletion by the owner, after which the version may come again.
pub(super) const DELETED: &str = "deleted";
