//! Objects whose source is not to be named are re-created under the identity of the collection (sharing
//! governance §7, §13).

use crate::policy::{self, Directory, Item, Together, WriteScope};
use crate::registry::{Unmarked, identity_of_collection};
use crate::stix::anonymous::{Disguise, Renaming, recreate};
use crate::stix::content::Options;
use crate::stix::{StixId, Timestamp, claims};
use crate::store::{Entry, Prepared, Store, sha256};
use crate::taxii::Envelope;
use crate::taxii::resource::ONLY_SEEN_AT;
use std::collections::{HashMap, HashSet};

/// Re-creates what must not tell whose it is; what cannot be re-created is refused.
pub(super) fn hide_sources(
    store: &dyn Store,
    directory: &Directory,
    scope: &WriteScope,
    entries: &mut Vec<Entry>,
    now: Timestamp,
) {
    let hides = |entry: &Entry| match entry {
        Entry::Admitted(prepared) => prepared.admitted.hides_source(directory, scope.declared(), now),
        _ => false,
    };
    let hidden: Vec<usize> = (0..entries.len()).filter(|at| hides(&entries[*at])).collect();
    if hidden.is_empty() {
        return;
    }
    hide_victims(entries, &hidden);
    let identity = identity_of_collection(scope.collection());
    let identity = StixId::parse(&identity).expect("it is made in the form of an id");
    let masks = Masks { store, directory, collection: scope.collection(), identity };
    match masks.all(entries, &hidden) {
        Ok(()) => {}
        Err(error) => {
            tracing::error!(%error, "sources could not be hidden; nothing of this envelope is kept");
            for entry in entries.iter_mut().filter(|entry| matches!(entry, Entry::Admitted(_))) {
                refuse(entry, "its source could not be hidden; send it again".to_owned());
            }
            return;
        }
    }
    entries.extend(companion(directory, scope, &masks.identity, now));
}

/// An identity that is named only as where something was seen would tell, beside a sighting that does not, who
/// was attacked.
fn hide_victims(entries: &mut [Entry], hidden: &[usize]) {
    let is_hidden = |at: &usize| hidden.contains(at);
    let mut seen_at: HashSet<String> = HashSet::new();
    let mut named: HashSet<String> = HashSet::new();
    for (at, prepared) in entries.iter().enumerate().filter_map(|(at, entry)| Some((at, admitted(entry)?))) {
        let object = prepared.admitted.object();
        let ids = claims::references(object.json());
        match is_hidden(&at) && object.names_victims() {
            true => seen_at.extend(ids),
            false => named.extend(ids.into_iter().chain(object.created_by_ref().map(ToString::to_string))),
        }
    }
    for entry in entries.iter_mut() {
        let Some(prepared) = admitted(entry) else { continue };
        let id = prepared.admitted.object().id();
        if id.object_type() == "identity" && seen_at.contains(id.as_str()) && !named.contains(id.as_str()) {
            *entry = Entry::Known(prepared.label(), ONLY_SEEN_AT);
        }
    }
}

/// What stands in the place of sources in one collection.
struct Masks<'a> {
    store: &'a dyn Store,
    directory: &'a Directory,
    collection: &'a str,
    identity: StixId,
}

/// All that names an owner, and the secret that its objects' new ids are made with.
struct Owner {
    secret: [u8; 32],
    names: [Vec<String>; 3],
}

impl Masks<'_> {
    fn all(&self, entries: &mut [Entry], hidden: &[usize]) -> Result<(), crate::store::Error> {
        let (key, _) = self.store.cursor_secret()?;
        let mut owners: HashMap<String, Owner> = HashMap::new();
        let mut renaming = Renaming::default();
        for prepared in hidden.iter().filter_map(|at| admitted(&entries[*at])) {
            let owner = &prepared.admitted.handling().owner;
            let owner = owners.entry(owner.clone()).or_insert_with(|| self.owner(&key, owner));
            owner.with(&self.identity, |disguise| renaming.add(prepared.admitted.object().id(), disguise));
        }
        for at in hidden {
            let Some(prepared) = admitted(&entries[*at]) else { continue };
            let Some(owner) = owners.get(&prepared.admitted.handling().owner) else { continue };
            let (object, label) = (prepared.admitted.object(), prepared.label());
            let outcome = owner.with(&self.identity, |disguise| {
                for id in claims::references(object.json()) {
                    self.add_known(&mut renaming, &id, disguise)?;
                }
                Ok::<_, crate::store::Error>(recreate(object, &renaming, disguise))
            })?;
            match outcome {
                Ok(object) => {
                    let admitted = prepared.admitted.clone().renamed(object);
                    entries[*at] = Entry::Admitted(Box::new(Prepared::renamed(admitted, label)));
                }
                Err(error) => refuse(&mut entries[*at], error.to_string()),
            }
        }
        Ok(())
    }

    /// A reference to an object that was re-created before follows it.
    fn add_known(
        &self,
        renaming: &mut Renaming,
        id: &str,
        disguise: &Disguise,
    ) -> Result<(), crate::store::Error> {
        let Ok(id) = StixId::parse(id) else { return Ok(()) };
        let Some(new) = disguise.new_id(&id).filter(|_| renaming.new_id(id.as_str()).is_none()) else {
            return Ok(());
        };
        if self.store.latest(self.collection, &new)?.is_some() {
            renaming.add(&id, disguise);
        }
        Ok(())
    }

    fn owner(&self, key: &[u8; 32], owner: &str) -> Owner {
        let secret = sha256(&[b"source ", &key[..], owner.as_bytes()].concat());
        Owner { secret, names: self.directory.names_of(owner) }
    }
}

impl Owner {
    fn with<T>(&self, identity: &StixId, work: impl FnOnce(&Disguise) -> T) -> T {
        let lists = self.names.each_ref().map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
        let [owner_identities, owner_names, owner_hosts] = lists.each_ref().map(Vec::as_slice);
        let secret = &self.secret;
        work(&Disguise { identity, secret, owner_identities, owner_names, owner_hosts })
    }
}

/// The identity of the collection, so that those who read what refers to it find it.
fn companion(directory: &Directory, scope: &WriteScope, identity: &StixId, now: Timestamp) -> Option<Entry> {
    let object = serde_json::json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": identity.as_str(),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": scope.declared().title,
        "description": "Members of this exchange who are not named.",
        "identity_class": "group",
    });
    let body = serde_json::to_vec(&serde_json::json!({"objects": [object]})).ok()?;
    let object = Envelope::parse(body, Options::default()).ok()?.objects().next()?.ok()?;
    let items = [Item::Object(object)];
    let markings = policy::Markings::default();
    // The same for whoever comes first: by its type, not by the collection's rule.
    let around = policy::Around { unmarked: Unmarked::Reject, markings: &markings, stored: &|_| None, now };
    let standing = Together::new(&items, around).standings().pop()?;
    let [Item::Object(object)] = items else { return None };
    let admitted = policy::admit(directory, scope, object, standing, now).ok()?;
    Some(Entry::Companion(Box::new(Prepared::new(admitted))))
}

fn admitted(entry: &Entry) -> Option<&Prepared> {
    match entry {
        Entry::Admitted(prepared) => Some(prepared),
        _ => None,
    }
}

fn refuse(entry: &mut Entry, why: String) {
    if let Some(label) = admitted(entry).map(Prepared::label) {
        *entry = Entry::Refused(label, "attribution", why);
    }
}
