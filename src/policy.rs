//! Who may see and add what. PURE: two functions, [`admit`] and [`read_scope`], decide everything,
//! and the values they return are the only keys to the store.

use crate::registry::{Agreement, Collection, Organisation, Registry, Release, Role, Unmarked};
use crate::stix::{Object, StixId, Timestamp, Tlp};
use std::collections::HashMap;
use std::sync::Arc;

/// What a verified certificate says about its holder.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The authority that the certificate chains to.
    pub anchor: Anchor,
    /// Its SAN URIs.
    pub uris: Vec<String>,
    /// SHA-256 of its public key (SPKI), in hexadecimal.
    pub key_sha256: String,
}

/// A certificate authority that clients may come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The hub's own.
    Hub,
    /// That of one organisation, which can vouch for nobody else.
    Organisation(String),
}

/// A client of the registry whose certificate was verified; made by [`Directory::find`] only.
#[derive(Debug, PartialEq, Eq)]
pub struct Peer {
    organisation: String,
    client: String,
    role: Role,
    tlp_max: Tlp,
}

impl Peer {
    /// The organisation's slug.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// `organisation/client`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.organisation, self.client)
    }

    /// What it may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The most restricted level it may handle.
    pub fn tlp_max(&self) -> Tlp {
        self.tlp_max
    }
}

/// The registry, made ready for looking things up.
pub struct Directory {
    registry: Registry,
    peers: HashMap<(Anchor, String), Arc<Peer>>,
    /// By API root, sorted by collection id.
    roots: HashMap<String, Vec<Arc<Place>>>,
    /// The organisation behind each identity.
    identities: HashMap<String, String>,
}

/// A collection with the agreement it is under.
#[derive(Debug)]
struct Place {
    collection: Collection,
    agreement: Agreement,
}

impl Directory {
    /// From a registry that passed its checks.
    pub fn new(registry: Registry) -> Self {
        let mut peers = HashMap::new();
        for organisation in &registry.organisations {
            for (key, peer) in peers_of(organisation) {
                peers.insert(key, peer);
            }
        }
        let mut roots: HashMap<String, Vec<Arc<Place>>> = HashMap::new();
        for agreement in &registry.agreements {
            for collection in &agreement.collections {
                let place = Place { collection: collection.clone(), agreement: agreement.clone() };
                roots.entry(collection.api_root.clone()).or_default().push(Arc::new(place));
            }
        }
        for places in roots.values_mut() {
            places.sort_by(|a, b| a.collection.id.cmp(&b.collection.id));
        }
        let identities = registry.organisations.iter().map(|o| (o.identity(), o.id.clone())).collect();
        Self { registry, peers, roots, identities }
    }

    /// The registry it was made from.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Who holds this certificate; nobody if that is not certain.
    pub fn find(&self, credential: &Credential) -> Option<Arc<Peer>> {
        let look = |key: &String| self.peers.get(&(credential.anchor.clone(), key.clone()));
        let by_key = look(&credential.key_sha256);
        let mut by_uri = credential.uris.iter().filter_map(look);
        // Several identity URIs in one certificate are no identity.
        let ours = credential.uris.iter().filter(|uri| uri.to_ascii_lowercase().starts_with(URN)).count();
        let found = match (&credential.anchor, by_key) {
            (Anchor::Hub, _) if ours != 1 => None,
            (Anchor::Hub, _) => by_uri.next(),
            (Anchor::Organisation(_), Some(peer)) => Some(peer),
            (Anchor::Organisation(_), None) => match (by_uri.next(), by_uri.next()) {
                (Some(peer), None) => Some(peer),
                _ => None,
            },
        };
        found.cloned()
    }

    /// The API roots in which this peer may use something, sorted.
    pub fn roots(&self, peer: &Peer) -> Vec<&str> {
        let mut roots: Vec<&str> = self
            .roots
            .iter()
            .filter(|(_, places)| places.iter().any(|place| rights(peer, place) != (false, false)))
            .map(|(root, _)| root.as_str())
            .collect();
        roots.sort_unstable();
        roots
    }

    /// The collections of an API root that this peer may use, sorted by id.
    pub fn grants(&self, peer: &Arc<Peer>, root: &str) -> Vec<Grant> {
        let places = self.roots.get(root).into_iter().flatten();
        places.filter_map(|place| self.grant_of(peer, place)).collect()
    }

    /// One collection by id or alias; nothing if it does not exist or is not for this peer.
    pub fn grant(&self, peer: &Arc<Peer>, root: &str, key: &str) -> Option<Grant> {
        let place = self
            .roots
            .get(root)?
            .iter()
            .find(|place| place.collection.id == key || place.collection.alias.as_deref() == Some(key))?;
        self.grant_of(peer, place)
    }

    fn grant_of(&self, peer: &Arc<Peer>, place: &Arc<Place>) -> Option<Grant> {
        let (can_read, can_write) = rights(peer, place);
        (can_read || can_write).then(|| Grant {
            peer: peer.clone(),
            place: place.clone(),
            can_read,
            can_write,
        })
    }
}

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
        self.place.agreement.tlp_max.min(self.peer.tlp_max)
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
        organisation: grant.peer.organisation.clone(),
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

    /// Who is adding: `organisation/client`.
    pub fn client(&self) -> String {
        self.grant.peer.name()
    }
}

/// Proof that a peer may add an object to a collection; made by [`admit`] only.
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
    check_type(&place.agreement, &object)?;
    let owner = owner(directory, peer, place, &object)?;
    let (object, tlp) = effective(place.collection.unmarked, object)?;
    let limit = scope.grant.ceiling();
    if tlp > limit {
        return Err(Refusal::TlpTooHigh { found: tlp, limit });
    }
    Ok(Admitted { object, handling: Handling { tlp, owner }, sender: peer.organisation.clone() })
}

/// Whose object it is: that of the organisation behind `created_by_ref`, else of the sender's.
fn owner(directory: &Directory, peer: &Peer, place: &Place, object: &Object) -> Result<String, Refusal> {
    let creator = object.created_by_ref();
    let Some((creator, owner)) = creator.and_then(|id| Some((id, directory.identities.get(id.as_str())?)))
    else {
        return Ok(peer.organisation.clone());
    };
    if *owner != peer.organisation && !place.agreement.relays.contains(&peer.organisation) {
        let own = directory.identities.iter().find(|(_, org)| **org == peer.organisation);
        let own = own.map(|(identity, _)| identity.clone()).unwrap_or_default();
        return Err(Refusal::ForeignCreator(creator.clone(), own));
    }
    Ok(owner.clone())
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

fn check_type(agreement: &Agreement, object: &Object) -> Result<(), Refusal> {
    let found = object.id().object_type();
    match &agreement.types {
        Some(types) if !types.iter().any(|t| t == found) => {
            Err(Refusal::TypeNotAgreed(found.to_owned(), types.join(", ")))
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

fn rights(peer: &Peer, place: &Place) -> (bool, bool) {
    let is_party = place.agreement.parties.contains(&peer.organisation);
    let listed =
        |list: &Option<Vec<String>>| list.as_ref().is_none_or(|list| list.contains(&peer.organisation));
    let can_read = is_party && peer.role.reads() && listed(&place.collection.read);
    // Until reviewed release exists, an agreement that asks for it takes no objects.
    let direct = place.agreement.release == Release::Direct;
    let can_write = is_party && direct && peer.role.writes() && listed(&place.collection.write);
    (can_read, can_write)
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

/// Under which keys a client is found, by authority.
fn peers_of(organisation: &Organisation) -> Vec<((Anchor, String), Arc<Peer>)> {
    let mut found = Vec::new();
    for client in organisation.clients.iter().filter(|client| !client.revoked) {
        let peer = Arc::new(Peer {
            organisation: organisation.id.clone(),
            client: client.id.clone(),
            role: client.role,
            tlp_max: client.tlp_max,
        });
        let urn = format!("{URN}{}:{}", organisation.id, client.id);
        found.push(((Anchor::Hub, urn), peer.clone()));
        for key in [&client.key_sha256, &client.san].into_iter().flatten() {
            found.push(((Anchor::Organisation(organisation.id.clone()), key.clone()), peer.clone()));
        }
    }
    found
}

const URN: &str = "urn:liaison:";
/// Types that carry no content of their own and travel with what needs them.
const META: [&str; 3] = ["marking-definition", "extension-definition", "language-content"];
const CLOCK_SKEW_MAX_MICROS: i64 = 5 * 60 * 1_000_000;

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
