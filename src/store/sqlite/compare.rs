//! What speaks against an object: versions that are stored, and those that the same transaction adds.

use super::add::{Adding, Form, Row, Verdict};
use super::erased;
use super::family::Member;
use super::lineage::lineage;
use super::markings::MARKINGS_MAX;
use super::objection::{
    CONFLICT, DOWNGRADE, NOT_OWNER, Objection, TOO_MANY_HANDLINGS, TOO_MANY_MARKINGS, TOO_MANY_VERSIONS,
};
use crate::policy::Handling;
use crate::stix::equality::canonical;
use crate::stix::object::{UNVERSIONED, with_marking};
use crate::stix::{Object, Timestamp, Tlp};
use crate::store::{Error, Prepared, sha256};
use std::cell::OnceCell;

impl Adding<'_, '_> {
    /// The level of the version before, and its own, if there is a version before.
    pub(super) fn level_before(
        &self,
        collection: &str,
        prepared: &Prepared,
        stored: &[Member],
        pending: &[usize],
        received: i64,
    ) -> Option<(Tlp, Tlp)> {
        let (object, handling) = (prepared.admitted.object(), prepared.admitted.handling());
        let rows = self.rows.get(collection).map(Vec::as_slice).unwrap_or_default();
        let of_stored = stored.iter().map(|member| (&member.version, &member.handling));
        let of_pending = pending.iter().map(|at| &rows[*at].prepared.admitted);
        let of_pending = of_pending.map(|found| (found.object().version(), found.handling()));
        // An older version that comes late is held against the one after it as well: it would be the last for
        // those who do not see that.
        let others: Vec<_> = of_stored.chain(of_pending).collect();
        let before = others.iter().filter(|(version, _)| *version < object.version()).max_by_key(|one| one.0);
        let after = others.iter().filter(|(version, _)| *version > object.version()).min_by_key(|one| one.0);
        let now = Timestamp::from_micros(received);
        let level = before.into_iter().chain(after).map(|(_, handling)| handling.own_level(now)).max()?;
        Some((level, handling.own_level(now)))
    }

    /// What speaks against a version that is not there yet.
    pub(super) fn objection(
        &self,
        collection: &str,
        prepared: &Prepared,
        stored: &[Member],
        pending: &[usize],
        before: Option<(Tlp, Tlp)>,
    ) -> Result<Option<Objection>, Error> {
        let (object, handling) = (prepared.admitted.object(), prepared.admitted.handling());
        let rows = self.rows.get(collection).map(Vec::as_slice).unwrap_or_default();
        let siblings: Vec<&Object> = pending.iter().map(|at| rows[*at].prepared.admitted.object()).collect();
        if let Some(why) = lineage(self.work, object, stored, &siblings)? {
            return Ok(Some(why));
        }
        if let Some(why) = erased::objection(self.work, collection, &prepared.admitted)? {
            return Ok(Some(why));
        }
        if stored.len() + pending.len() >= VERSIONS_MAX {
            return Ok(Some(TOO_MANY_VERSIONS));
        }
        let is_lower = before.is_some_and(|(before, own)| own < before);
        if is_lower && !prepared.admitted.may_lower() {
            return Ok(Some(DOWNGRADE));
        }
        // Asked only where there are many at all, since it takes time.
        let may_be_many = self.work.classes.handlings().len() >= HANDLINGS_MAX;
        let is_new = may_be_many && !self.work.classes.knows(handling);
        if is_new && self.work.classes.handlings_of(&handling.owner) >= HANDLINGS_MAX {
            return Ok(Some(TOO_MANY_HANDLINGS));
        }
        let is_full = || self.work.markings_of(collection) >= MARKINGS_MAX;
        Ok((object.defines().is_some() && is_full()).then_some(TOO_MANY_MARKINGS))
    }

    pub(super) fn against_stored(
        &mut self,
        prepared: &Prepared,
        form: &OnceCell<Form>,
        member: &Member,
        received: i64,
    ) -> Result<Option<Verdict>, Error> {
        let admitted = &prepared.admitted;
        let ours = member.handling.owner == admitted.handling().owner;
        let same_version = admitted.object().is_version(&member.version);
        let now = Timestamp::from_micros(received);
        if !same_version || !(ours || admitted.sender_sees(&member.handling, now)) {
            return Ok(foreign(prepared, ours));
        }
        let is_enough = ours || covers(prepared, &member.handling, now);
        if member.sha256 == prepared.sha256 {
            return Ok(is_enough.then_some(Verdict::Present));
        }
        let old = match self.forms.get(&member.seq) {
            Some(form) => *form,
            None => {
                let sql = "SELECT json FROM object WHERE seq = ?1";
                let json: Vec<u8> = self.work.transaction.query_row(sql, [member.seq], |row| row.get(0))?;
                *self.forms.entry(member.seq).or_insert(form_of(&json))
            }
        };
        let new = *form.get_or_init(|| form_of(admitted.object().json()));
        let stamped = || self.is_same_but_for_stamp(prepared, member, old, new);
        if old.is_some() && old == new || stamped()? {
            return Ok(is_enough.then_some(Verdict::Present));
        }
        Ok(Some(Verdict::Refused(CONFLICT)))
    }

    /// Do two texts differ only in the marking that the collection adds?
    pub(super) fn is_same_but_for_stamp(
        &self,
        prepared: &Prepared,
        member: &Member,
        old: Form,
        new: Form,
    ) -> Result<bool, Error> {
        let Some(tlp) = prepared.admitted.stamp() else { return Ok(false) };
        let sql = "SELECT json FROM object WHERE seq = ?1";
        let json: Vec<u8> = self.work.transaction.query_row(sql, [member.seq], |row| row.get(0))?;
        let with = |json: &[u8]| form_of(&with_marking(json, tlp));
        Ok(old.is_some() && (with(&json) == new || with(prepared.admitted.object().json()) == old))
    }
}

pub(super) fn against_pending(
    prepared: &Prepared,
    form: &OnceCell<Form>,
    row: &Row,
    received: i64,
) -> Option<Verdict> {
    let (new, old) = (&prepared.admitted, &row.prepared.admitted);
    let ours = new.handling().owner == old.handling().owner;
    let same_version = new.object().is_version(old.object().version());
    let now = Timestamp::from_micros(received);
    if !same_version || !(ours || new.sender_sees(old.handling(), now)) {
        return foreign(prepared, ours);
    }
    let is_enough = ours || covers(prepared, old.handling(), now);
    if prepared.sha256 == row.prepared.sha256 {
        return is_enough.then_some(Verdict::Present);
    }
    let of_row = *row.form.get_or_init(|| form_of(old.object().json()));
    let of_new = *form.get_or_init(|| form_of(new.object().json()));
    let with = |json: &[u8], tlp| form_of(&with_marking(json, tlp));
    let stamped = |tlp| with(old.object().json(), tlp) == of_new || with(new.object().json(), tlp) == of_row;
    match of_row.is_some() && (of_row == of_new || new.stamp().is_some_and(stamped)) {
        true => is_enough.then_some(Verdict::Present),
        false => Some(Verdict::Refused(CONFLICT)),
    }
}

/// Is an observable of another organisation all that is wanted? If those who would see this one do not see
/// that one, it must stand beside it.
pub(super) fn covers(prepared: &Prepared, stored: &Handling, now: Timestamp) -> bool {
    let admitted = &prepared.admitted;
    let is_versioned = admitted.object().version().as_str() != UNVERSIONED;
    is_versioned || admitted.handling().reaches_as_far(stored, now)
}

pub(super) fn form_of(json: &[u8]) -> Form {
    canonical(json).map(|form| sha256(&form))
}

/// Another version, or one the sender must not learn of. Observables belong to nobody, so theirs
/// may stand beside it; anything else is its owner's alone to version.
pub(super) fn foreign(prepared: &Prepared, ours: bool) -> Option<Verdict> {
    let is_versioned = prepared.admitted.object().version().as_str() != UNVERSIONED;
    (!ours && is_versioned).then_some(Verdict::Refused(NOT_OWNER))
}

/// Versions that one object may have in a collection.
const VERSIONS_MAX: usize = 10_000;
/// Different ways in which one organisation's objects may be marked.
const HANDLINGS_MAX: usize = 4_096;
