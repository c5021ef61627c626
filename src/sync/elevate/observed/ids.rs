//! The ids of observables, and the references between them.

use super::{Entry, text};
use crate::stix::{StixId, observable_id, schema};
use serde_json::{Map, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// Path and reason.
pub(super) type Fault = (String, String);

/// The ids of the observables of an observed-data, by their keys.
pub(super) struct Ids(HashMap<String, String>);

/// Where the standard determines an id, that; else one that the observed-data and the key determine, and which
/// changes with what was observed, since observables have no versions.
pub(super) fn of(observed: &Map<String, Value>, entries: &[Entry]) -> Result<Ids, Fault> {
    let id = text(observed, "id").and_then(|id| Uuid::parse_str(id.strip_prefix("observed-data--")?).ok());
    let id = id.ok_or_else(|| ("id".to_owned(), "is missing or no identifier".to_owned()))?;
    let content = observed.get("objects").map(Value::to_string).unwrap_or_default();
    let mut search = Search {
        namespace: Uuid::new_v5(&id, content.as_bytes()),
        entries,
        places: entries.iter().enumerate().map(|(at, entry)| (entry.key.as_str(), at)).collect(),
        states: vec![State::New; entries.len()],
        owners: HashMap::new(),
    };
    let ids = entries.iter().enumerate().map(|(at, entry)| Ok((entry.key.clone(), search.id(at, 0)?)));
    Ok(Ids(ids.collect::<Result<_, Fault>>()?))
}

impl Ids {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Replaces keys by ids in the references that a property of an observable holds.
    pub(super) fn resolve(&self, name: &str, value: &mut Value, path: &str) -> Result<(), Fault> {
        resolve(name, value, path, &mut |key| Ok(self.get(key).map(str::to_owned)))
    }
}

#[derive(Debug, Clone)]
enum State {
    New,
    Open,
    Done(String),
}

struct Search<'e> {
    /// Of this observed-data with this content.
    namespace: Uuid,
    entries: &'e [Entry],
    places: HashMap<&'e str, usize>,
    states: Vec<State>,
    /// Which entry has an id.
    owners: HashMap<String, usize>,
}

impl Search<'_> {
    /// The id of an entry, which may depend on those of others: a file's on its directory's.
    fn id(&mut self, at: usize, depth: usize) -> Result<String, Fault> {
        let entry = &self.entries[at];
        let path = format!("objects.{}", entry.key);
        match &self.states[at] {
            State::Done(id) => return Ok(id.clone()),
            State::Open => return Err((path, "refers to itself in a circle".to_owned())),
            State::New if depth > DEPTH_MAX => {
                return Err((path, "is at the end of a chain of more than 100 references".to_owned()));
            }
            State::New => self.states[at] = State::Open,
        }
        let id = match self.determined(entry, &path, depth)? {
            Some(id) if self.is_own(&id, at) => id,
            // Two that differ but have the same id, such as two files with the same hash, stay two.
            _ => self.assigned(entry),
        };
        self.owners.insert(id.clone(), at);
        self.states[at] = State::Done(id.clone());
        Ok(id)
    }

    /// The id that the entry has already, or that its content determines.
    fn determined(&mut self, entry: &Entry, path: &str, depth: usize) -> Result<Option<String>, Fault> {
        let given = text(&entry.content, "id").and_then(|id| StixId::parse(id).ok());
        if let Some(id) = given.filter(|id| id.object_type() == entry.kind) {
            return Ok(Some(id.as_str().to_owned()));
        }
        let contributing = schema::find(&entry.kind).and_then(|found| found.contributing.as_ref());
        let mut content = Map::from_iter([("type".to_owned(), entry.kind.clone().into())]);
        for name in contributing.into_iter().flatten() {
            if let Some(mut value) = entry.content.get(name).cloned() {
                let id_of = &mut |key: &str| {
                    self.places.get(key).copied().map(|at| self.id(at, depth + 1)).transpose()
                };
                resolve(name, &mut value, &format!("{path}.{name}"), id_of)?;
                content.insert(name.clone(), value);
            }
        }
        Ok(observable_id::deterministic_id(&content))
    }

    /// Does no entry with other content have this id?
    fn is_own(&self, id: &str, at: usize) -> bool {
        self.owners.get(id).is_none_or(|other| self.entries[*other].content == self.entries[at].content)
    }

    /// An id in the form of a random one (version 4), as the standard wants where content determines none.
    fn assigned(&self, entry: &Entry) -> String {
        let hashed = Uuid::new_v5(&self.namespace, entry.key.as_bytes()).into_bytes();
        format!("{}--{}", entry.kind, uuid::Builder::from_random_bytes(hashed).into_uuid())
    }
}

/// Replaces what `_ref` and `_refs` properties name, at any depth. What is an id already stays.
fn resolve(
    name: &str,
    value: &mut Value,
    path: &str,
    id_of: &mut dyn FnMut(&str) -> Result<Option<String>, Fault>,
) -> Result<(), Fault> {
    match value {
        Value::String(key) if name.ends_with("_ref") => {
            if let Some(id) = id_of(key)? {
                *key = id;
            } else if StixId::parse(key).is_err() {
                let shown: String = key.chars().take(80).collect();
                return Err((path.to_owned(), format!("names `{shown}`, which is no key of `objects`")));
            }
        }
        Value::Array(items) => {
            let name = name.strip_suffix('s').filter(|one| one.ends_with("_ref")).unwrap_or("");
            for (at, item) in items.iter_mut().enumerate() {
                resolve(name, item, &format!("{path}.[{at}]"), id_of)?;
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                resolve(name, member, &format!("{path}.{name}"), id_of)?;
            }
        }
        _ => {}
    }
    Ok(())
}

const DEPTH_MAX: usize = 100;
