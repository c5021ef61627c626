//! Admission: may this peer add this object here, and who will see it?

use super::directory::Place;
use super::reader::Reader;
use super::together::Standing;
use super::{
    Denied, Directory, Ended, Grant, Handling, Peer, Refusal, ReleaseScope, Source, Submission,
    SubmissionScope, WriteScope,
};
use crate::registry::{Attribution, Collection, Downgrade, UnknownExtensions, Unmarked};
use crate::stix::atom::Named;
use crate::stix::marking::{Attribution as Consent, Terms, is_known_extension};
use crate::stix::schema::{self, Class};
use crate::stix::{Object, StixId, Timestamp, Tlp};
use std::sync::Arc;

/// Proof that an object may be added to a collection; made by [`admit()`] and, once an officer releases
/// it, by [`readmit`] only; for the hub by [`revoke`](super::revoke).
#[derive(Debug, Clone)]
pub struct Admitted {
    object: Object,
    handling: Arc<Handling>,
    retention_until: Option<i64>,
    sender: Arc<str>,
    /// The sender as a reader, if it is one.
    reads_as: Option<Arc<Reader>>,
    may_lower: bool,
    stamp: Option<Tlp>,
    waits: bool,
    by_hub: bool,
}

impl Admitted {
    pub(super) fn revocation(ended: &Ended, object: Object) -> Self {
        Self {
            object,
            handling: ended.handling.clone(),
            retention_until: ended.retention_until,
            sender: ended.handling.owner.as_str().into(),
            reads_as: None,
            may_lower: false,
            stamp: None,
            waits: false,
            by_hub: true,
        }
    }

    /// Has nobody sent it?
    pub fn is_by_hub(&self) -> bool {
        self.by_hub
    }

    /// The object as it will be stored.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The values that the object names, as [`Object::take_named`].
    pub fn take_named(&mut self) -> Option<Named> {
        self.object.take_named()
    }

    /// Who will see it.
    pub fn handling(&self) -> &Arc<Handling> {
        &self.handling
    }

    /// Its markings let it be kept up to here, in microseconds since 1970.
    pub fn retention_until(&self) -> Option<i64> {
        self.retention_until
    }

    /// May this version have a lower level than the one before?
    pub fn may_lower(&self) -> bool {
        self.may_lower
    }

    /// The same, re-created so that it no longer tells whose it is.
    #[must_use]
    pub fn renamed(self, object: Object) -> Self {
        Self { object, ..self }
    }

    /// Must its source not be named where it goes?
    pub fn hides_source(&self, directory: &Directory, collection: &Collection, now: Timestamp) -> bool {
        let object_type = self.object.id().object_type();
        let is_definition = matches!(object_type, "marking-definition" | "extension-definition");
        if is_definition || schema::is_known_type(object_type) == Some(Class::Sco) {
            return false;
        }
        let consent = self.handling.attribution(now);
        match (consent, collection.attribution) {
            (Some(Consent::MustNot), _) => true,
            (_, Some(Attribution::Open | Attribution::Restricted)) => false,
            (_, Some(Attribution::Anonymous)) => {
                let is_member = directory.behind(self.object.id().as_str()).is_some();
                self.object.created_by_ref().is_some() || object_type == "sighting" || is_member
            }
            // A sighting tells who was attacked.
            (consent, None) => consent.is_none() && self.object.names_victims(),
        }
    }

    /// Must an officer release it before anybody sees it?
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// The organisation that sends it.
    pub fn sender(&self) -> &Arc<str> {
        &self.sender
    }

    /// The level that its collection adds to objects without a marking: with it or without, an object is the same.
    pub fn stamp(&self) -> Option<Tlp> {
        self.stamp
    }

    /// Does the sender see an object of this handling? What it does not see must not be told apart
    /// from what is not there.
    pub fn sender_sees(&self, handling: &Handling, now: Timestamp) -> bool {
        self.reads_as.as_ref().is_some_and(|reader| reader.refusal(handling, now).is_none())
    }
}

/// Decides whether a peer may add an object to a collection, and who will see it.
pub fn admit(
    directory: &Directory,
    scope: &WriteScope,
    object: Object,
    standing: Result<Standing, Refusal>,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let (peer, place) = (&scope.grant.peer, &scope.grant.place);
    check_clock(&object, now)?;
    check_type(place, &object)?;
    check_extensions(directory, &place.collection, &object)?;
    if let Err(unknown @ (Refusal::MarkingUnknown(_) | Refusal::MarkingUnreadable(_))) = standing {
        return Err(unknown);
    }
    let owner = owner(directory, peer, place, &object)?;
    let standing = standing?;
    let object = stamped(place.collection.unmarked, object, &standing);
    let is_own = owner == peer.organisation();
    let (handling, retention_until) = handling(&object, owner, peer, standing);
    let (level, limit) = (handling.level(now), scope.grant.ceiling().tlp);
    if level > limit {
        return Err(Refusal::TlpTooHigh { found: level, limit });
    }
    check_purpose(place, &handling)?;
    let may_lower = is_own && place.collection.downgrade == Downgrade::Owner;
    Ok(Admitted {
        object,
        handling: Arc::new(handling),
        retention_until,
        sender: peer.organisation().into(),
        reads_as: reads_as(&scope.grant),
        may_lower,
        stamp: stamp(place.collection.unmarked),
        waits: scope.is_reviewed(),
        by_hub: false,
    })
}

/// Decides whether an object that was admitted before may go out now, by the registry as it is now.
pub fn readmit(
    directory: &Directory,
    scope: &ReleaseScope,
    submission: &Submission,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let admitted = again(directory, &scope.grant, submission, now)?;
    Ok(Admitted { waits: false, ..admitted })
}

/// As [`readmit`], for telling what a release would come to: what is admitted would wait again.
pub fn foresee(
    directory: &Directory,
    scope: &SubmissionScope,
    submission: &Submission,
    now: Timestamp,
) -> Result<Result<Admitted, Refusal>, Denied> {
    let grant = scope.grant(directory, submission)?;
    Ok(again(directory, &grant, submission, now))
}

fn again(
    directory: &Directory,
    grant: &Grant,
    submission: &Submission,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let (peer, place, object) = (grant.peer(), &grant.place, &submission.object);
    check_type(place, object)?;
    check_extensions(directory, &place.collection, object)?;
    // Not told by the object, which may have been re-created so that it does not name its source.
    let owner = submission.handling.owner.clone();
    let is_own = owner == peer.organisation();
    if !is_own && !place.agreement.relays.iter().any(|relay| relay == peer.organisation()) {
        let creator = StixId::parse(&directory.identity_of(&owner)).unwrap_or_else(|_| object.id().clone());
        return Err(Refusal::ForeignCreator(creator, directory.identity_of(peer.organisation())));
    }
    let relay = (!is_own).then(|| peer.organisation().to_owned());
    let mut handling = Handling { owner, relay, ..submission.handling.clone() };
    if handling.source == Source::Collection {
        // The rule that gave the level may be another one by now.
        match place.collection.unmarked.level() {
            Some(tlp) => handling.terms.tlp = handling.terms.tlp.max(Some(tlp)),
            None if object.marks().is_empty() => return Err(Refusal::Unmarked),
            None => {}
        }
    }
    let (level, limit) = (handling.level(now), grant.ceiling().tlp);
    if level > limit {
        return Err(Refusal::TlpTooHigh { found: level, limit });
    }
    check_purpose(place, &handling)?;
    if submission.retention_until.is_some_and(|end| end <= now.micros()) {
        return Err(Refusal::RetentionOver);
    }
    Ok(Admitted {
        object: object.clone(),
        handling: Arc::new(handling),
        retention_until: submission.retention_until,
        sender: peer.organisation().into(),
        reads_as: reads_as(grant),
        may_lower: is_own && place.collection.downgrade == Downgrade::Owner,
        stamp: stamp(place.collection.unmarked),
        waits: true,
        by_hub: false,
    })
}

fn stamp(rule: Unmarked) -> Option<Tlp> {
    match rule {
        Unmarked::Stamp(tlp) => Some(tlp),
        _ => None,
    }
}

fn reads_as(grant: &Grant) -> Option<Arc<Reader>> {
    grant.can_read().then(|| grant.reader.clone())
}

fn handling(object: &Object, owner: String, peer: &Peer, standing: Standing) -> (Handling, Option<i64>) {
    let mut terms = Terms::clone(&standing.terms);
    if let Some(says) = object.defines() {
        // Who may see nothing that is marked with it need not see the marking.
        let own = Terms { pap: None, purposes: None, policies: Default::default(), ..says.clone() };
        terms.add_restrictions(&own);
    }
    let retention_until = terms.retention_until.take();
    let relay = (owner != peer.organisation()).then(|| peer.organisation().to_owned());
    let for_all_purposes = FOR_ALL_PURPOSES.contains(&object.id().object_type());
    let (source, floor) = (standing.source, standing.floor);
    (Handling { owner, relay, source, floor, for_all_purposes, terms }, retention_until)
}

fn check_purpose(place: &Place, handling: &Handling) -> Result<(), Refusal> {
    let (Some(wanted), here) = (handling.purposes(), place.purposes()) else { return Ok(()) };
    if wanted.iter().any(|purpose| here.contains(*purpose)) {
        return Ok(());
    }
    let wanted = if wanted.is_empty() { "none".to_owned() } else { wanted.join(", ") };
    Err(Refusal::Purpose(wanted, here.into_iter().collect::<Vec<_>>().join(", ")))
}

/// Whose object it is: that of the organisation behind `created_by_ref`, else of the sender's.
fn owner(directory: &Directory, peer: &Peer, place: &Place, object: &Object) -> Result<String, Refusal> {
    let own = peer.organisation();
    let creator = object.created_by_ref();
    let Some((creator, owner)) = creator.and_then(|id| Some((id, directory.behind(id.as_str())?))) else {
        return Ok(own.to_owned());
    };
    if owner != own && !place.agreement.relays.iter().any(|relay| relay == own) {
        return Err(Refusal::ForeignCreator(creator.clone(), directory.identity_of(own)));
    }
    Ok(owner.to_owned())
}

/// The object as it is to be stored.
fn stamped(rule: Unmarked, object: Object, standing: &Standing) -> Object {
    match (rule, standing.source) {
        (Unmarked::Stamp(tlp), Source::Collection) => object.stamped(tlp),
        _ => object,
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
    let is_foreign = |id: &&String| !is_known_extension(id) && !directory.extensions().knows(id);
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
/// Types that name somebody or some place, or are there for other objects.
pub const FOR_ALL_PURPOSES: [&str; 5] =
    ["identity", "location", "marking-definition", "extension-definition", "language-content"];
const CLOCK_SKEW_MAX_MICROS: i64 = 5 * 60 * 1_000_000;
