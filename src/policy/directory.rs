//! The registry, made ready for looking things up: who holds a certificate, and what is theirs.

use super::{Ceiling, Grant, Reader};
use crate::registry::{Agreement, Client, Collection, Export, Organisation, Registry, Role};
use crate::stix::content::Extensions;
use crate::stix::{Timestamp, Tlp};
use parking_lot::RwLock;
use std::collections::{BTreeSet, HashMap};
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
    name: Arc<str>,
    role: Role,
    tlp_max: Tlp,
    identity: Option<String>,
    purposes: Option<Vec<String>>,
    understands: Vec<String>,
}

impl Peer {
    fn new(organisation: &Organisation, client: &Client) -> Self {
        Self {
            organisation: organisation.id.clone(),
            name: format!("{}/{}", organisation.id, client.id).into(),
            role: client.role,
            tlp_max: client.tlp_max,
            identity: client.identity.clone(),
            purposes: client.purposes.clone(),
            understands: client.understands.clone(),
        }
    }

    /// Who reads an export: nobody's certificate leads to it.
    pub(super) fn of_export(registry: &Registry, export: &Export) -> Option<Self> {
        registry.organisations.iter().find(|found| found.id == export.organisation)?;
        Some(Self {
            organisation: export.organisation.clone(),
            name: format!("{}/export:{}", export.organisation, export.id).into(),
            role: Role::Consumer,
            tlp_max: export.tlp_max,
            identity: None,
            purposes: export.purposes.clone(),
            understands: export.understands.clone(),
        })
    }

    /// The organisation's slug.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// `organisation/client`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
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
    /// By authority, then by what it tells clients apart by.
    peers: HashMap<Anchor, HashMap<String, Arc<Peer>>>,
    /// By API root, sorted by collection id.
    roots: HashMap<String, Vec<Arc<Place>>>,
    /// The organisation behind each identity: its own, and those of its clients.
    identities: HashMap<String, String>,
    extensions: Extensions,
    /// By client and number of the collection; made when first asked for.
    readers: RwLock<Readers>,
}

type Readers = HashMap<(Arc<str>, usize), Arc<Reader>>;

/// A collection with the agreement it is under.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) collection: Collection,
    pub(super) agreement: Agreement,
    /// Those of the hub.
    tlp_max: Tlp,
    /// Its number.
    at: usize,
    /// Organisations in one of its audiences, if it has any.
    audience: Option<BTreeSet<String>>,
}

impl Place {
    /// The lowest ceiling for a peer here.
    pub(super) fn ceiling(&self, peer: &Peer) -> Ceiling {
        let all = [
            (self.tlp_max, "the hub's tlp_max"),
            (self.agreement.tlp_max, "the agreement's tlp_max"),
            (self.collection.tlp_max.unwrap_or(Tlp::Red), "the collection's tlp_max"),
            (peer.tlp_max, "the client's tlp_max"),
        ];
        let mut lowest = Ceiling { tlp: Tlp::Red, place: "no ceiling" };
        for (tlp, place) in all {
            if tlp < lowest.tlp {
                lowest = Ceiling { tlp, place };
            }
        }
        lowest
    }

    /// What objects here may be used for.
    pub(super) fn purposes(&self) -> BTreeSet<String> {
        match &self.collection.purposes {
            Some(purposes) => purposes.iter().cloned().collect(),
            None => self.agreement.purposes().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl Directory {
    /// From a registry that passed its checks.
    pub fn new(registry: Registry) -> Self {
        let mut peers: HashMap<Anchor, HashMap<String, Arc<Peer>>> = HashMap::new();
        for organisation in &registry.organisations {
            for ((anchor, key), peer) in peers_of(organisation) {
                peers.entry(anchor).or_default().insert(key, peer);
            }
        }
        let mut roots: HashMap<String, Vec<Arc<Place>>> = HashMap::new();
        let mut at = 0;
        for agreement in &registry.agreements {
            for collection in &agreement.collections {
                let audience = collection.audiences.as_ref().map(|names| members(&registry, names));
                let (collection, agreement) = (collection.clone(), agreement.clone());
                let root = collection.api_root.clone();
                let place = Place { collection, agreement, tlp_max: registry.tlp_max, at, audience };
                roots.entry(root).or_default().push(Arc::new(place));
                at += 1;
            }
        }
        for places in roots.values_mut() {
            places.sort_by(|a, b| a.collection.id.cmp(&b.collection.id));
        }
        let identities = registry.organisations.iter().flat_map(identities_of).collect();
        let mut extensions = Extensions::default();
        for extension in &registry.extensions {
            // The registry's check has compiled it once already.
            let _ = extensions.add(&extension.id, extension.schema.as_deref());
        }
        Self { registry, peers, roots, identities, extensions, readers: RwLock::default() }
    }

    /// The registry it was made from.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The extensions that the registry names.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The clients that would see more of a collection than they do under `before`: what is older
    /// than their cursor does not come by itself.
    pub fn widened(&self, before: &Self) -> Vec<(String, String)> {
        let old = before.reading();
        let more = |(place, reader): &(&(String, String), &Arc<Reader>)| {
            before.knows_client(&place.0)
                && old.get(*place).is_none_or(|before| reader.sees_more_than(before))
        };
        let mut found: Vec<_> = self.reading().iter().filter(more).map(|(place, _)| place.clone()).collect();
        found.sort_unstable();
        found
    }

    /// What each client is as a reader of each collection.
    fn reading(&self) -> HashMap<(String, String), Arc<Reader>> {
        let mut found = HashMap::new();
        for peer in self.everybody() {
            for grant in self.roots.keys().flat_map(|root| self.grants(&peer, root)).filter(Grant::can_read) {
                found.insert((peer.name.to_string(), grant.collection().id.clone()), grant.reader.clone());
            }
        }
        found
    }

    fn knows_client(&self, name: &str) -> bool {
        self.peers.values().flat_map(HashMap::values).any(|peer| &**peer.name() == name)
    }

    /// The organisation behind a STIX identity.
    pub(super) fn behind(&self, identity: &str) -> Option<&str> {
        self.identities.get(identity).map(String::as_str)
    }

    /// All that names an organisation: its identity and those of its clients; its names; its hosts.
    pub fn names_of(&self, organisation: &str) -> [Vec<String>; 3] {
        let found = self.registry.organisations.iter().find(|found| found.id == organisation);
        let Some(found) = found else { return Default::default() };
        let identities = found.clients.iter().filter_map(|client| client.identity.clone());
        let identities = std::iter::once(found.identity()).chain(identities).collect();
        [identities, vec![found.id.clone(), found.name.clone()], found.hosts.clone()]
    }

    /// Names of organisations by their identities.
    pub fn organisation_names(&self) -> HashMap<String, String> {
        let organisations = self.registry.organisations.iter();
        organisations
            .flat_map(|found| identities_of(found).into_iter().map(|(id, _)| (id, found.name.clone())))
            .collect()
    }

    /// The STIX identity of an organisation.
    pub(super) fn identity_of(&self, organisation: &str) -> String {
        let found = self.registry.organisations.iter().find(|found| found.id == organisation);
        found.map(Organisation::identity).unwrap_or_default()
    }

    /// Who holds this certificate; nobody if that is not certain.
    pub fn find(&self, credential: &Credential) -> Option<Arc<Peer>> {
        let of_anchor = self.peers.get(&credential.anchor)?;
        let look = |key: &String| of_anchor.get(key);
        let by_key = look(&credential.key_sha256);
        let mut by_uri = credential.uris.iter().filter_map(look);
        // Several identity URIs in one certificate are no identity.
        let is_ours =
            |uri: &&String| uri.get(..URN.len()).is_some_and(|start| start.eq_ignore_ascii_case(URN));
        let ours = credential.uris.iter().filter(is_ours).count();
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
            reader: self.reader(peer, place),
            can_read,
            can_write,
        })
    }

    fn reader(&self, peer: &Peer, place: &Place) -> Arc<Reader> {
        let key = (peer.name.clone(), place.at);
        if let Some(found) = self.readers.read().get(&key) {
            return found.clone();
        }
        let made = Arc::new(self.make_reader(peer, place));
        self.readers.write().entry(key).or_insert(made).clone()
    }

    fn make_reader(&self, peer: &Peer, place: &Place) -> Reader {
        let registry = &self.registry;
        let organisation = registry.organisations.iter().find(|found| found.id == peer.organisation);
        let audiences = registry.audiences.iter().filter(|audience| audience.active);
        let audiences = audiences.filter(|audience| audience.members.contains(&peer.organisation));
        let given = registry.consents.iter().filter(|consent| {
            consent.to.contains(&peer.organisation)
                && consent.collection.as_ref().is_none_or(|id| *id == place.collection.id)
        });
        let mut consents = std::collections::BTreeMap::new();
        for consent in given {
            let end = consent.valid_until.as_ref().and_then(end_of_day);
            let entry = consents.entry(consent.originator.clone()).or_insert(end);
            // Of several the one that lasts longest.
            *entry = entry.zip(end).map(|(one, other)| one.max(other));
        }
        let mut purposes = place.purposes();
        for allowed in [organisation.and_then(|found| found.purposes.as_ref()), peer.purposes.as_ref()] {
            purposes.retain(|purpose| allowed.is_none_or(|list| list.contains(purpose)));
        }
        let schemes = organisation.map(|found| found.understands.clone()).unwrap_or_default();
        Reader {
            collection: place.collection.id.clone(),
            client: peer.name.clone(),
            organisation: peer.organisation.clone(),
            places: organisation.map(|found| [found.country.clone(), found.identity()]).unwrap_or_default(),
            identity: peer.identity.clone(),
            ceiling: Some(place.ceiling(peer)),
            audiences: audiences.map(|audience| audience.id.clone()).collect(),
            purposes,
            understands: schemes.into_iter().chain(peer.understands.iter().cloned()).collect(),
            consents,
        }
    }

    /// A client by its name, `organisation/client`, for telling what it may do.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Peer>> {
        let mut all = self.peers.values().flat_map(HashMap::values);
        all.find(|peer| &*peer.name == name).cloned()
    }

    /// All clients, each once.
    pub(super) fn everybody(&self) -> Vec<Arc<Peer>> {
        let all = self.peers.values().flat_map(HashMap::values);
        let mut all: Vec<Arc<Peer>> = all.cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.dedup_by(|one, other| one.name == other.name);
        all
    }

    /// A collection by its id, whoever may use it.
    pub(super) fn place(&self, id: &str) -> Option<&Arc<Place>> {
        self.roots.values().flatten().find(|place| place.collection.id == id)
    }

    /// What a client may do in a collection.
    pub(super) fn grant_at(&self, peer: &Arc<Peer>, place: &Arc<Place>) -> Option<Grant> {
        self.grant_of(peer, place)
    }
}

/// The identities of an organisation and its clients, which are all its own.
fn identities_of(organisation: &Organisation) -> Vec<(String, String)> {
    let clients = organisation.clients.iter().filter_map(|client| client.identity.clone());
    std::iter::once(organisation.identity()).chain(clients).map(|id| (id, organisation.id.clone())).collect()
}

/// The organisations in one of the audiences of these names that are active.
fn members(registry: &Registry, names: &[String]) -> BTreeSet<String> {
    let named =
        registry.audiences.iter().filter(|audience| audience.active && names.contains(&audience.name));
    named.flat_map(|audience| audience.members.iter().cloned()).collect()
}

/// The first microsecond after a day.
fn end_of_day(day: &toml::value::Datetime) -> Option<i64> {
    let start = Timestamp::parse(&format!("{day}T00:00:00Z"))?;
    Some(start.micros() + 86_400_000_000)
}

fn rights(peer: &Peer, place: &Place) -> (bool, bool) {
    let is_party = place.agreement.parties.contains(&peer.organisation);
    let listed =
        |list: &Option<Vec<String>>| list.as_ref().is_none_or(|list| list.contains(&peer.organisation));
    let in_audience = place.audience.as_ref().is_none_or(|set| set.contains(&peer.organisation));
    let can_read = is_party && peer.role.reads() && listed(&place.collection.read) && in_audience;
    let can_write = is_party && peer.role.writes() && listed(&place.collection.write) && in_audience;
    (can_read, can_write)
}

/// Under which keys a client is found, by authority.
fn peers_of(organisation: &Organisation) -> Vec<((Anchor, String), Arc<Peer>)> {
    let mut found = Vec::new();
    for client in organisation.clients.iter().filter(|client| !client.revoked) {
        let peer = Arc::new(Peer::new(organisation, client));
        let urn = format!("{URN}{}:{}", organisation.id, client.id);
        found.push(((Anchor::Hub, urn), peer.clone()));
        for key in [&client.key_sha256, &client.san].into_iter().flatten() {
            found.push(((Anchor::Organisation(organisation.id.clone()), key.clone()), peer.clone()));
        }
    }
    found
}

const URN: &str = "urn:liaison:";
