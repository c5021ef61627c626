//! What may go into an export: the same lines as for a client of its organisation, and one more
//! (governance §19, line 9).

use super::{Directory, Handling, Peer, ReadScope, in_force};
use crate::registry::Export;
use crate::stix::Timestamp;
use crate::stix::marking::{Actions, Pap, PersonalData};
use std::sync::Arc;

/// Proof of what an export may hold of a collection; made by [`export_scope`] only.
#[derive(Debug, Clone)]
pub struct ExportScope {
    scope: ReadScope,
    pap_max: Pap,
    with_personal_data: bool,
}

/// What an export of this name may hold of a collection, if its consumers may do at most `pap_max` with it;
/// nothing if its organisation may not read there, or the agreement is not in force.
pub fn export_scope(
    directory: &Directory,
    export: &Export,
    collection: &str,
    pap_max: Pap,
    now: Timestamp,
) -> Option<ExportScope> {
    let peer = Arc::new(Peer::of_export(directory.registry(), export)?);
    let place = directory.place(collection)?;
    let grant = directory.grant_at(&peer, place).filter(|grant| grant.can_read)?;
    in_force(&grant.place.agreement, now).ok()?;
    let scope = ReadScope { reader: grant.reader, now };
    Some(ExportScope { scope, pap_max, with_personal_data: export.personal_data })
}

/// May a client fetch an export? It must read for the export's organisation, be named if clients are, and be
/// let to see itself whatever the export may hold.
pub fn may_fetch(directory: &Directory, export: &Export, peer: &Arc<Peer>) -> bool {
    let client = peer.name().split_once('/').map_or("", |(_, client)| client);
    let is_named = export.readers.as_ref().is_none_or(|readers| readers.iter().any(|name| name == client));
    let Some(reader) = Peer::of_export(directory.registry(), export).map(Arc::new) else { return false };
    let sees_all = |id: &String| {
        let Some(place) = directory.place(id) else { return true };
        let Some(of_export) = directory.grant_at(&reader, place).filter(|grant| grant.can_read) else {
            return true;
        };
        let own = directory.grant_at(peer, place).filter(|grant| grant.can_read);
        own.is_some_and(|own| !of_export.reader.sees_more_than(&own.reader))
    };
    export.organisation == peer.organisation()
        && peer.role().reads()
        && is_named
        && export.collections.iter().all(sees_all)
}

impl ExportScope {
    /// What of the collection is visible at all.
    pub fn scope(&self) -> &ReadScope {
        &self.scope
    }

    /// What it may be used for here, sorted.
    pub fn purposes(&self) -> Vec<String> {
        self.scope.reader.purposes.iter().cloned().collect()
    }

    /// Everything that the registry says about who reads it, as one text.
    pub fn rights(&self) -> String {
        format!("{:?} {:?} {}", self.scope.reader, self.pap_max, self.with_personal_data)
    }

    /// Why something visible is left out nevertheless.
    pub fn refusal(&self, handling: &Handling) -> Option<&'static str> {
        let now = self.scope.now;
        let asks_first = handling
            .terms
            .policies
            .iter()
            .filter(|policy| policy.is_in_force(now))
            .any(|policy| matches!(policy.actions, Some(Actions::ContactForInstruction | Actions::None)));
        if handling.pap(now) > self.pap_max || asks_first && self.pap_max < Pap::Red {
            return Some("pap_class");
        }
        let personal = handling.terms.personal_data == Some(PersonalData::Yes);
        (personal && !self.with_personal_data).then_some("personal_data")
    }
}
