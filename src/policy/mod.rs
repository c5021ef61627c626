//! Who may see and add what. PURE: two functions, [`admit()`] and [`read_scope`], decide everything,
//! and the values they return are the only keys to the store.

mod admit;
mod directory;

pub use admit::{Admitted, Refusal, admit};
use directory::Place;
pub use directory::{Anchor, Credential, Directory, Peer};

use crate::registry::{Agreement, Collection};
use crate::stix::content::Profile;
use crate::stix::{Timestamp, Tlp};
use std::sync::Arc;

/// What one peer may do in one collection.
#[derive(Debug, Clone)]
pub struct Grant {
    peer: Arc<Peer>,
    place: Arc<Place>,
    can_read: bool,
    can_write: bool,
}

impl Grant {
    /// May it read?
    pub fn can_read(&self) -> bool {
        self.can_read
    }

    /// May it add objects?
    pub fn can_write(&self) -> bool {
        self.can_write
    }

    /// The collection as declared.
    pub fn collection(&self) -> &Collection {
        &self.place.collection
    }

    /// The agreement it is under.
    pub fn agreement(&self) -> &Agreement {
        &self.place.agreement
    }

    /// The most restricted level that this peer can meet here.
    pub fn ceiling(&self) -> Tlp {
        self.place.agreement.tlp_max.min(self.peer.tlp_max())
    }
}

/// Why a peer may not do something in a collection that it knows of: 403.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It may write, but not read.
    #[error("you may not read this collection")]
    Read,
    /// It may read, but not write.
    #[error("you may not write to this collection")]
    Write,
    /// Deleting takes both rights.
    #[error("deleting takes the right to read and the right to write")]
    Delete,
    /// The agreement is out of its dates.
    #[error("the agreement `{0}` is not in force today")]
    NotInForce(String),
}

/// What makes two objects visible to the same peers; computed once, when an object comes in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Handling {
    /// Effective level.
    pub tlp: Tlp,
    /// The organisation it belongs to.
    pub owner: String,
}

/// Proof that a peer may read a collection, and what of it; made by [`read_scope`] only.
#[derive(Debug, Clone)]
pub struct ReadScope {
    collection: String,
    organisation: String,
    ceiling: Tlp,
}

impl ReadScope {
    /// The collection's id.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// Is an object of this handling visible?
    pub fn sees(&self, handling: &Handling) -> bool {
        handling.tlp <= self.ceiling && (handling.tlp < Tlp::Red || handling.owner == self.organisation)
    }
}

/// Decides what a peer may read in a collection (TAXII 2.1 §5.4).
pub fn read_scope(grant: &Grant, now: Timestamp) -> Result<ReadScope, Denied> {
    if !grant.can_read {
        return Err(Denied::Read);
    }
    in_force(&grant.place.agreement, now)?;
    Ok(ReadScope {
        collection: grant.place.collection.id.clone(),
        organisation: grant.peer.organisation().to_owned(),
        ceiling: grant.ceiling(),
    })
}

/// Proof that a peer may delete its organisation's objects; made by [`erase_scope`] only.
#[derive(Debug, Clone)]
pub struct EraseScope {
    read: ReadScope,
}

impl EraseScope {
    /// What the peer sees.
    pub fn read(&self) -> &ReadScope {
        &self.read
    }

    /// The organisation whose objects it may delete.
    pub fn organisation(&self) -> &str {
        &self.read.organisation
    }
}

/// Decides whether a peer may delete in a collection (TAXII 2.1 §5.7).
pub fn erase_scope(grant: &Grant, now: Timestamp) -> Result<EraseScope, Denied> {
    if !grant.can_read || !grant.can_write {
        return Err(Denied::Delete);
    }
    read_scope(grant, now).map(|read| EraseScope { read })
}

/// Proof that a peer may add to a collection at all; made by [`write_scope`] only.
#[derive(Debug, Clone)]
pub struct WriteScope {
    grant: Grant,
}

/// Decides whether a peer may add to a collection (TAXII 2.1 §5.5).
pub fn write_scope(grant: &Grant, now: Timestamp) -> Result<WriteScope, Denied> {
    if !grant.can_write {
        return Err(Denied::Write);
    }
    in_force(&grant.place.agreement, now)?;
    Ok(WriteScope { grant: grant.clone() })
}

impl WriteScope {
    /// The collection's id.
    pub fn collection(&self) -> &str {
        &self.grant.place.collection.id
    }

    /// The API root that the collection is under.
    pub fn api_root(&self) -> &str {
        &self.grant.place.collection.api_root
    }

    /// Which findings about its content refuse an object here.
    pub fn profile(&self) -> Profile {
        self.grant.place.collection.profile
    }

    /// Who is adding: `organisation/client`.
    pub fn client(&self) -> String {
        self.grant.peer.name().to_string()
    }
}

fn in_force(agreement: &Agreement, now: Timestamp) -> Result<(), Denied> {
    let today = now.to_string()[..10].to_owned();
    let day = |date: &Option<toml::value::Datetime>| date.as_ref().map(ToString::to_string);
    let early = day(&agreement.valid_from).is_some_and(|first| today < first);
    let late = day(&agreement.valid_until).is_some_and(|last| today > last);
    if early || late {
        return Err(Denied::NotInForce(agreement.id.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
