//! What was erased does not come again by being sent again.

use super::objection::{ERASED, NOT_OWNER, Objection};
use super::writer::Work;
use crate::policy::Admitted;
use crate::stix::StixTime;
use crate::stix::object::UNVERSIONED;
use crate::store::Error;

/// What the erased versions of its id say against an object that is not there. A version that is
/// newer than all of them may come. An object without versions may come again with a later date of its
/// own, if it was not erased on request.
pub(super) fn objection(work: &Work, collection: &str, new: &Admitted) -> Result<Option<Objection>, Error> {
    let Some(coll) = work.collections.get(collection).filter(|found| found.has_erased).map(|found| found.pk)
    else {
        return Ok(None);
    };
    let (version, owner) = (new.object().version(), &new.handling().owner);
    let has_versions = version.as_str() != UNVERSIONED;
    let sql = "SELECT version, organisation, cause, deleted FROM tombstone WHERE coll = ?1 AND id = ?2 AND cause <> 'deleted'";
    let mut statement = work.transaction.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params![coll, new.object().id().as_str()])?;
    while let Some(row) = rows.next()? {
        let (erased, organisation): (String, String) = (row.get(0)?, row.get(1)?);
        let (cause, deleted): (String, i64) = (row.get(2)?, row.get(3)?);
        let is_own = organisation == *owner;
        if !is_own && has_versions {
            return Ok(Some(NOT_OWNER));
        }
        // Observables belong to nobody, so that another organisation's is another one.
        if !is_own {
            continue;
        }
        let is_newer = StixTime::parse(&erased).is_some_and(|erased| *version > erased);
        let is_kept = cause == "retention" && new.retention_until().is_some_and(|until| until > deleted);
        if !(is_newer || !has_versions && is_kept) {
            return Ok(Some(ERASED));
        }
    }
    Ok(None)
}
