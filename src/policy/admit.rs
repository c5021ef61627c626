//! Admission: may this peer add this object here, and who will see it?

use super::directory::Place;
use super::{Directory, Handling, Peer, WriteScope};
use crate::registry::{Collection, UnknownExtensions, Unmarked};
use crate::stix::{Object, StixId, Timestamp, Tlp};

/// Proof that a peer may add an object to a collection; made by [`admit()`] only.
#[derive(Debug, Clone)]
pub struct Admitted {
    object: Object,
    handling: Handling,
    sender: String,
}

impl Admitted {
    /// The object as it will be stored.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Who will see it.
    pub fn handling(&self) -> &Handling {
        &self.handling
    }

    /// Would the sender's organisation see an object of this handling? What it would not see must
    /// not be told apart from what is not there.
    pub fn sender_sees(&self, handling: &Handling) -> bool {
        handling.tlp < Tlp::Red || handling.owner == self.sender
    }
}

/// Why an object may not be added, for its status entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No marking, and the collection takes none such.
    #[error(
        "unmarked: add a TLP marking to object_marking_refs, or ask the operator to set `unmarked` for this collection"
    )]
    Unmarked,
    /// Above what the agreement or the client allows.
    #[error(
        "marked {found}, but at most {limit} may be exchanged here by you; lower the marking if it is yours to lower, or leave the object out"
    )]
    TlpTooHigh {
        /// The object's effective level.
        found: Tlp,
        /// The highest that passes.
        limit: Tlp,
    },
    /// Speaks for another organisation.
    #[error(
        "created_by_ref {0} belongs to another organisation of this exchange, and your organisation is not a relay of the agreement; use your own identity, {1}"
    )]
    ForeignCreator(StixId, String),
    /// Not among the agreement's types.
    #[error("objects of type `{0}` are not part of the agreement; it names {1}")]
    TypeNotAgreed(String, String),
    /// Not among the collection's types.
    #[error("this collection does not take objects of type `{0}`; it takes {1}")]
    TypeNotHere(String, String),
    /// Without an extension that the collection asks for.
    #[error("this collection takes only objects that use the extension {0}; add it to `extensions`")]
    ExtensionMissing(String),
    /// With an extension that nobody here knows.
    #[error(
        "`extensions` uses {0}, which this exchange does not know; leave it out, or ask the operator to register it"
    )]
    ExtensionUnknown(String),
    /// Dated in the future.
    #[error(
        "`{0}` is {1}, more than 5 minutes ahead of this server's clock; check the clock of the sending system"
    )]
    Future(&'static str, String),
}

/// Decides whether a peer may add an object to a collection, and who will see it.
pub fn admit(
    directory: &Directory,
    scope: &WriteScope,
    object: Object,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let (peer, place) = (&scope.grant.peer, &scope.grant.place);
    check_clock(&object, now)?;
    check_type(place, &object)?;
    check_extensions(directory, &place.collection, &object)?;
    let owner = owner(directory, peer, place, &object)?;
    let (object, tlp) = effective(place.collection.unmarked, object)?;
    let limit = scope.grant.ceiling();
    if tlp > limit {
        return Err(Refusal::TlpTooHigh { found: tlp, limit });
    }
    Ok(Admitted { object, handling: Handling { tlp, owner }, sender: peer.organisation().to_owned() })
}

/// Whose object it is: that of the organisation behind `created_by_ref`, else of the sender's.
fn owner(directory: &Directory, peer: &Peer, place: &Place, object: &Object) -> Result<String, Refusal> {
    let own = peer.organisation();
    let creator = object.created_by_ref();
    let Some((creator, owner)) = creator.and_then(|id| Some((id, directory.behind(id.as_str())?))) else {
        return Ok(own.to_owned());
    };
    if owner != own && !place.agreement.relays.iter().any(|relay| relay == own) {
        return Err(Refusal::ForeignCreator(creator.clone(), directory.identity_of(own).to_owned()));
    }
    Ok(owner.to_owned())
}

/// The level that decides, and the object as it is to be stored.
fn effective(rule: Unmarked, object: Object) -> Result<(Object, Tlp), Refusal> {
    if let Some(tlp) = object.tlp() {
        return Ok((object, tlp));
    }
    let object_type = object.id().object_type();
    let is_meta = META.contains(&object_type);
    match rule {
        Unmarked::Assume(tlp) => Ok((object, tlp)),
        Unmarked::Stamp(tlp) if is_meta => Ok((object, tlp)),
        Unmarked::Stamp(tlp) => Ok((object.stamped(tlp), tlp)),
        Unmarked::Reject if is_meta => Ok((object, Tlp::Clear)),
        Unmarked::Reject if matches!(object_type, "identity" | "location") => Ok((object, Tlp::Green)),
        Unmarked::Reject => Err(Refusal::Unmarked),
    }
}

fn check_type(place: &Place, object: &Object) -> Result<(), Refusal> {
    let found = object.id().object_type();
    let lacks = |types: &&Vec<String>| !types.iter().any(|name| name == found);
    if let Some(types) = place.agreement.types.as_ref().filter(lacks) {
        return Err(Refusal::TypeNotAgreed(found.to_owned(), types.join(", ")));
    }
    match place.collection.types.as_ref().filter(lacks) {
        Some(types) => Err(Refusal::TypeNotHere(found.to_owned(), types.join(", "))),
        None => Ok(()),
    }
}

fn check_extensions(directory: &Directory, collection: &Collection, object: &Object) -> Result<(), Refusal> {
    let used = object.extensions();
    let is_meta = META.contains(&object.id().object_type());
    let missing = collection.require_extensions.iter().find(|id| !used.contains(id));
    if let Some(missing) = missing.filter(|_| !is_meta) {
        return Err(Refusal::ExtensionMissing(missing.clone()));
    }
    let is_foreign = |id: &&String| *id != TLP_2_EXTENSION && !directory.extensions().knows(id);
    match used.iter().find(is_foreign) {
        Some(id) if collection.unknown_extensions == UnknownExtensions::Refuse => {
            Err(Refusal::ExtensionUnknown(id.clone()))
        }
        _ => Ok(()),
    }
}

/// A version dated in the far future would stay the latest for ever.
fn check_clock(object: &Object, now: Timestamp) -> Result<(), Refusal> {
    let limit = now.micros() + CLOCK_SKEW_MAX_MICROS;
    match object.created() {
        Some(created) if created.micros() > limit => {
            Err(Refusal::Future("created", created.as_str().to_owned()))
        }
        Some(_) if object.version().micros() > limit => {
            Err(Refusal::Future("modified", object.version().as_str().to_owned()))
        }
        _ => Ok(()),
    }
}

/// Types that carry no content of their own and travel with what needs them.
const META: [&str; 3] = ["marking-definition", "extension-definition", "language-content"];
/// The extension that TLP 2.0 markings are written with; everybody knows it.
const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
const CLOCK_SKEW_MAX_MICROS: i64 = 5 * 60 * 1_000_000;
