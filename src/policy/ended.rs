//! What is added without anybody sending it: where a collection says so, the hub revokes what has expired.

use super::{Admitted, Directory, Handling};
use crate::registry::Collection;
use crate::stix::{Object, Timestamp};
use std::sync::Arc;

/// The last version of an indicator, whose `valid_until` has passed.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The collection's id.
    pub collection: String,
    /// Its `date_added`.
    pub added: Timestamp,
    /// When it was over.
    pub until: Timestamp,
    /// The version.
    pub object: Object,
    /// Who sees it.
    pub handling: Arc<Handling>,
    /// Its markings let it be kept up to here, in microseconds since 1970.
    pub retention_until: Option<i64>,
}

/// The collections whose indicators are revoked when they expire.
pub fn revoking(directory: &Directory) -> impl Iterator<Item = &Collection> {
    let collections = directory.registry().agreements.iter().flat_map(|agreement| &agreement.collections);
    collections.filter(|collection| collection.revoke_on_expiry)
}

/// The version that revokes it, for those who see what it revokes; in its owner's name, by what the parties
/// have declared. The object itself does not change, so it passes what it passed.
pub fn revoke(directory: &Directory, ended: &Ended) -> Option<Admitted> {
    revoking(directory).find(|collection| collection.id == ended.collection)?;
    Some(Admitted::revocation(ended, ended.object.revocation()?))
}
