//! Who may see and add what. PURE: two functions, [`admit()`] and [`read_scope`], decide everything,
//! and the values they return are the only keys to the store.
//!
//! * [`Directory`]: the registry, ready for looking things up: certificate → [`Peer`] → [`Grant`]
//! * [`Together`]: what the objects of an envelope say of each other's markings
//! * [`Handling`]: what decides about an object; `reader`: the lines it must pass for a client
//! * [`explain`]: the same decisions, told line by line; [`words`]: for people
//! * [`review_scope`]: who decides on what waits for release; [`readmit`]: the second judgement
//! * [`revoke`]: what the hub itself adds
//! * [`Retention`]: how long objects are kept; [`export_scope`]: what may go into files
//! * [`forward_scope`]: what may go on to another server

mod admit;
mod directory;
mod ended;
pub mod explain;
mod export;
mod forward;
mod handling;
mod reader;
mod refusal;
mod retention;
mod review;
mod together;
pub mod words;

pub use admit::{Admitted, FOR_ALL_PURPOSES, admit, foresee, readmit};
use directory::Place;
pub use directory::{Anchor, Credential, Directory, Peer};
pub use ended::{Ended, revoke, revoking};
pub use export::{ExportScope, export_scope, may_fetch};
pub use forward::{ForwardScope, NotForwarded, Recipient, asks_first, forward_scope};
pub use handling::{Handling, Source};
use reader::Reader;
pub use reader::{Ceiling, Line, Reason};
pub use refusal::Refusal;
pub use retention::Retention;
pub use review::{
    ReleaseScope, ReviewScope, Submission, SubmissionScope, release_scope, review_scope, submission_scope,
};
pub use together::{Around, Item, Markings, Standing, Together};

use crate::registry::{Agreement, Collection, Release};
use crate::stix::Timestamp;
use crate::stix::content::Profile;
use std::sync::Arc;

/// What one peer may do in one collection.
#[derive(Debug, Clone)]
pub struct Grant {
    peer: Arc<Peer>,
    place: Arc<Place>,
    reader: Arc<Reader>,
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

    /// The most restricted level that this peer can meet here, and whose rule that is.
    pub fn ceiling(&self) -> Ceiling {
        self.place.ceiling(&self.peer)
    }

    /// Who is asking.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
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
    /// Its role submits nothing.
    #[error("your role neither submits nor reviews")]
    Submissions,
    /// Only officers decide.
    #[error("only an officer, role `liaison`, of your organisation decides on submissions")]
    Review,
    /// Four eyes.
    #[error("you have submitted this yourself; another officer of your organisation must decide")]
    OwnSubmission,
}

/// Proof that a peer may read a collection, and what of it; made by [`read_scope`] only.
#[derive(Debug, Clone)]
pub struct ReadScope {
    reader: Arc<Reader>,
    now: Timestamp,
}

impl ReadScope {
    /// The collection's id.
    pub fn collection(&self) -> &str {
        &self.reader.collection
    }

    /// `organisation/client`.
    pub fn client(&self) -> &Arc<str> {
        &self.reader.client
    }

    /// Is an object of this handling visible?
    pub fn sees(&self, handling: &Handling) -> bool {
        self.reader.refusal(handling, self.now).is_none()
    }

    /// When it was asked for.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Does it stand for the same client by the same registry?
    pub fn is_same_reader(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.reader, &other.reader)
    }

    /// Until when what it says of this handling holds.
    pub fn holds_until(&self, handling: &Handling) -> Option<i64> {
        let consents = self.reader.consents.values().flatten().copied();
        consents.filter(|end| *end > self.now.micros()).chain(handling.holds_until(self.now)).min()
    }
}

/// Decides what a peer may read in a collection (TAXII 2.1 §5.4).
pub fn read_scope(grant: &Grant, now: Timestamp) -> Result<ReadScope, Denied> {
    if !grant.can_read {
        return Err(Denied::Read);
    }
    in_force(&grant.place.agreement, now)?;
    Ok(ReadScope { reader: grant.reader.clone(), now })
}

/// Proof that a peer may delete its organisation's objects; made by [`erase_scope`] only.
#[derive(Debug, Clone)]
pub struct EraseScope {
    read: ReadScope,
    key: Option<String>,
}

impl EraseScope {
    /// What the peer sees.
    pub fn read(&self) -> &ReadScope {
        &self.read
    }

    /// The same for who acts with this certificate: SHA-256 of its key, for the audit log.
    #[must_use]
    pub fn with_key(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// SHA-256 of the key of the certificate that is acted with.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The organisation whose objects it may delete.
    pub fn organisation(&self) -> &str {
        &self.read.reader.organisation
    }

    /// Does it reach an object? It does if the peer sees it, or if only releasability, audiences or
    /// purposes hide from it what is its organisation's own.
    pub fn reaches(&self, handling: &Handling) -> bool {
        let reader = &self.read.reader;
        let is_own = handling.owner == reader.organisation;
        let is_below = || reader.line(Line::Ceiling, handling, self.read.now).is_none();
        self.read.sees(handling) || is_own && is_below()
    }
}

/// Decides whether a peer may delete in a collection (TAXII 2.1 §5.7).
pub fn erase_scope(grant: &Grant, now: Timestamp) -> Result<EraseScope, Denied> {
    if !grant.can_read || !grant.can_write {
        return Err(Denied::Delete);
    }
    read_scope(grant, now).map(|read| EraseScope { read, key: None })
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

    /// Do objects wait here until an officer releases them?
    pub fn is_reviewed(&self) -> bool {
        self.grant.place.agreement.release == Release::Reviewed
    }

    /// Who is adding, by organisation.
    pub fn organisation(&self) -> &str {
        self.grant.peer.organisation()
    }

    /// The collection as declared.
    pub fn declared(&self) -> &Collection {
        &self.grant.place.collection
    }

    /// Which findings about its content refuse an object here.
    pub fn profile(&self) -> Profile {
        self.grant.place.collection.profile
    }

    /// Who is adding: `organisation/client`.
    pub fn client(&self) -> String {
        self.grant.peer.name().to_string()
    }

    /// May organisations read here that are neither the one that adds nor that behind this identity?
    pub fn is_read_by_others(&self, directory: &Directory, creator: Option<&str>) -> bool {
        let place = &self.grant.place;
        let own = [Some(self.organisation()), creator.and_then(|creator| directory.behind(creator))];
        let reads = |party: &&String| place.collection.read.as_ref().is_none_or(|list| list.contains(party));
        let mut readers = place.agreement.parties.iter().filter(reads);
        readers.any(|party| !own.contains(&Some(party)))
    }
}

/// Decides whether a sync job may add to a collection, named by id or alias, on behalf of a client of the
/// registry. No certificate speaks for that client here: the operator does, who declares the job.
pub fn job_scope(
    directory: &Directory,
    client: &str,
    collection: &str,
    now: Timestamp,
) -> Result<WriteScope, String> {
    let peer = directory.named(client).ok_or_else(|| {
        format!("the registry has no client `{client}` that is not revoked; expected organisation/client")
    })?;
    let roots = directory.roots(&peer);
    let grant = roots.iter().find_map(|root| directory.grant(&peer, root, collection));
    let grant = grant.ok_or_else(|| format!("`{client}` may use no collection `{collection}`"))?;
    write_scope(&grant, now).map_err(|denied| format!("`{client}` in `{collection}`: {denied}"))
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
mod properties_tests;
#[cfg(test)]
mod tests;
