//! Values that stored objects name, as lists and look-ups ask for them.

use super::id_hash;
use crate::policy::Handling;
use crate::stix::atom::{Atom, Kind, Source};
use crate::stix::{Object, Timestamp};
use std::sync::Arc;

/// What a stored object names, or an indicator that cannot be said as a list.
#[derive(Debug, Clone)]
pub struct Named {
    /// `date_added` of the object.
    pub added: Timestamp,
    /// Its handling.
    pub handling: Arc<Handling>,
    /// What is said of it.
    pub source: Arc<Source>,
    /// The value; none of an indicator that is no list.
    pub atom: Option<Atom>,
}

/// Which values are wanted: of the last versions that a scope sees, those of these kinds.
#[derive(Debug, Clone)]
pub struct AtomQuery {
    /// Kinds by number; number 0 stands for indicators that are no lists.
    pub kinds: Vec<bool>,
    /// Not those that were over by then.
    pub alive_at: Timestamp,
    /// Observables too, or only indicators.
    pub with_observables: bool,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A value.
    Value(Kind, String),
    /// URLs of a host.
    UrlsOf(String),
}

impl Wanted {
    pub(crate) fn key(&self) -> i64 {
        match self {
            Self::Value(kind, text) => key_of(*kind, text),
            Self::UrlsOf(host) => host_key(host),
        }
    }

    /// Is this value what is looked for?
    pub fn is(&self, atom: &Atom) -> bool {
        match self {
            Self::Value(kind, text) => atom.kind() == *kind && atom.text() == text,
            Self::UrlsOf(host) => atom.kind() == Kind::Url && atom.host() == Some(host),
        }
    }
}

/// Values of an object ready to be stored.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    pub(crate) atoms: Vec<Atom>,
    /// JSON of the source, if the object names values.
    pub(crate) source: Option<Vec<u8>>,
    /// When it is over.
    pub(crate) until: Option<i64>,
}

impl Naming {
    pub(crate) fn of(object: &Object) -> Self {
        Self::read(object.id().as_str(), object.json())
    }

    pub(crate) fn read(id: &str, json: &[u8]) -> Self {
        let Some((source, atoms)) = crate::stix::atom::read(id, json) else { return Self::default() };
        let until = if source.revoked { Some(0) } else { source.valid_until };
        Self { atoms, until, source: serde_json::to_vec(&source).ok() }
    }

    /// Keys in the index.
    pub(crate) fn keys(&self) -> impl Iterator<Item = i64> {
        self.atoms.iter().flat_map(keys_of)
    }
}

/// The keys that a value is found by: its own, and of a URL that of its host.
pub(crate) fn keys_of(atom: &Atom) -> Vec<i64> {
    let own = key_of(atom.kind(), atom.text());
    match (atom.kind(), atom.host()) {
        (Kind::Url, Some(host)) => vec![own, host_key(host)],
        _ => vec![own],
    }
}

/// The key of a value; no id of an object has a line break.
fn key_of(kind: Kind, text: &str) -> i64 {
    id_hash(&format!("{}\n{text}", kind.number()))
}

/// The key of URLs by their host.
fn host_key(host: &str) -> i64 {
    id_hash(&format!("host\n{host}"))
}
