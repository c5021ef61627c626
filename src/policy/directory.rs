//! The registry, made ready for looking things up: who holds a certificate, and what is theirs.

use super::Grant;
use crate::registry::{Agreement, Collection, Organisation, Registry, Release, Role};
use crate::stix::Tlp;
use crate::stix::content::Extensions;
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
    name: Arc<str>,
    role: Role,
    tlp_max: Tlp,
}

impl Peer {
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
    /// The organisation behind each identity.
    identities: HashMap<String, String>,
    extensions: Extensions,
}

/// A collection with the agreement it is under.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) collection: Collection,
    pub(super) agreement: Agreement,
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
        let mut extensions = Extensions::default();
        for extension in &registry.extensions {
            // The registry's check has compiled it once already.
            let _ = extensions.add(&extension.id, extension.schema.as_deref());
        }
        Self { registry, peers, roots, identities, extensions }
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
        let more = |(place, ceiling): &(&(String, String), &Tlp)| {
            before.knows_client(&place.0) && old.get(*place).is_none_or(|before| before < *ceiling)
        };
        let mut found: Vec<_> = self.reading().iter().filter(more).map(|(place, _)| place.clone()).collect();
        found.sort_unstable();
        found
    }

    /// Up to which level each client reads each collection.
    fn reading(&self) -> HashMap<(String, String), Tlp> {
        let all = self.peers.values().flat_map(HashMap::values);
        let peers: HashMap<&str, &Arc<Peer>> = all.map(|peer| (&**peer.name(), peer)).collect();
        let mut found = HashMap::new();
        for (name, peer) in peers {
            for grant in self.roots.keys().flat_map(|root| self.grants(peer, root)).filter(Grant::can_read) {
                found.insert((name.to_owned(), grant.collection().id.clone()), grant.ceiling());
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

    /// The STIX identity of an organisation.
    pub(super) fn identity_of(&self, organisation: &str) -> &str {
        let found = self.identities.iter().find(|(_, owner)| *owner == organisation);
        found.map_or("", |(identity, _)| identity)
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
            can_read,
            can_write,
        })
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

/// Under which keys a client is found, by authority.
fn peers_of(organisation: &Organisation) -> Vec<((Anchor, String), Arc<Peer>)> {
    let mut found = Vec::new();
    for client in organisation.clients.iter().filter(|client| !client.revoked) {
        let peer = Arc::new(Peer {
            organisation: organisation.id.clone(),
            name: format!("{}/{}", organisation.id, client.id).into(),
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
