//! What has expired is revoked, in collections that say so: consumers that ignore `valid_until` and never delete
//! learn it only by a new version (governance §11.1).

use crate::policy::{self, Directory};
use crate::stix::Timestamp;
use crate::store::{Endings, Error, Prepared, Revocation, Store};

/// What a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revoked {
    /// Indicators revoked.
    pub revoked: u64,
    /// There may be more.
    pub more: bool,
}

/// Revokes a batch of what has expired; runs where it may block.
pub fn revoke(store: &dyn Store, directory: &Directory, now: Timestamp) -> Result<Revoked, Error> {
    let collections: Vec<&str> =
        policy::revoking(directory).map(|collection| collection.id.as_str()).collect();
    if collections.is_empty() {
        return Ok(Revoked::default());
    }
    let Endings { ended, more } = store.ended(&collections, now)?;
    if ended.is_empty() {
        return Ok(Revoked { revoked: 0, more });
    }
    let revocation = |ended| {
        let admitted = policy::revoke(directory, &ended);
        Revocation { prepared: admitted.map(|admitted| Box::new(Prepared::new(admitted))), ended }
    };
    let revoked = store.revoke(ended.into_iter().map(revocation).collect(), now)?;
    Ok(Revoked { revoked, more })
}
