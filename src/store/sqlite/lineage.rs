//! What the versions of one object have in common (STIX 2.1 §3.6).

use super::family::Member;
use super::objection::{CREATED_CHANGED, CREATOR_CHANGED, Objection, REVOKED};
use super::writer::Work;
use crate::stix::object::{Header, UNVERSIONED};
use crate::stix::{Object, json};
use crate::store::Error;

/// Why a version cannot belong to those that are stored, or wait in the same transaction. It is
/// held against the version next to it, which has in common with all others what it must.
pub(super) fn lineage(
    work: &Work,
    new: &Object,
    stored: &[Member],
    pending: &[&Object],
) -> Result<Option<Objection>, Error> {
    if new.version().as_str() == UNVERSIONED {
        return Ok(None);
    }
    let revoked = stored.iter().map(|member| (member.revoked, &member.version));
    let mut revoked = revoked.chain(pending.iter().map(|object| (object.is_revoked(), object.version())));
    if revoked.any(|(is_revoked, version)| is_revoked && version < new.version()) {
        return Ok(Some(REVOKED));
    }
    let of_stored = stored.iter().map(|member| (&member.version, Err(member.seq)));
    let of_pending = pending.iter().map(|object| (object.version(), Ok(*object)));
    let versions = || of_stored.clone().chain(of_pending.clone());
    let before =
        versions().filter(|(version, _)| *version < new.version()).max_by_key(|(version, _)| *version);
    let after = || versions().min_by_key(|(version, _)| *version);
    let Some((_, found)) = before.or_else(after) else { return Ok(None) };
    let old = match found {
        Ok(object) => object.clone(),
        Err(seq) => read(work, seq)?,
    };
    Ok(if new.created() != old.created() {
        Some(CREATED_CHANGED)
    } else if new.created_by_ref() != old.created_by_ref() {
        Some(CREATOR_CHANGED)
    } else {
        None
    })
}

fn read(work: &Work, seq: i64) -> Result<Object, Error> {
    let sql = "SELECT json FROM object WHERE seq = ?1";
    let json: Vec<u8> = work.transaction.query_row(sql, [seq], |row| row.get(0))?;
    object_of(json, &format!("table object, seq {seq}"))
}

/// The object with this text, which was judged when it came in.
pub(super) fn object_of(json: Vec<u8>, place: &str) -> Result<Object, Error> {
    let damaged = |what: String| Error::Damaged(format!("{place}: {what}"));
    let read = json::read(json, Header::read).map_err(|error| damaged(error.to_string()))?;
    let header = read.root.part.seen.map_err(|error| damaged(error.to_string()))?;
    Ok(Object::new(header, read.text))
}
