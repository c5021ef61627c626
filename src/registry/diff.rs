//! What separates two registries, element by element.

use super::Registry;
use std::collections::BTreeMap;
use std::fmt;
use toml::{Table, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An element that the new registry has.
    Added(String, Vec<(String, Value)>),
    /// An element that the new registry has no more.
    Removed(String),
    /// A property that differs: element, property, before, after.
    Changed(String, String, Option<Value>, Option<Value>),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), short);
        match self {
            Self::Added(element, properties) => {
                let list: Vec<_> =
                    properties.iter().map(|(key, value)| format!("{key} = {}", short(value))).collect();
                write!(f, "+ {element}  {}", list.join(", "))
            }
            Self::Removed(element) => write!(f, "- {element}"),
            Self::Changed(element, property, before, after) => {
                write!(f, "~ {element}  {property}: {} → {}", show(before), show(after))
            }
        }
    }
}

/// All differences, sorted by element.
pub fn diff(old: &Registry, new: &Registry) -> Vec<Change> {
    let (old, new) = (elements(old), elements(new));
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut changes = Vec::new();
    for name in names {
        match (old.get(name), new.get(name)) {
            (None, Some(table)) => {
                let properties = table.iter().filter(|(key, _)| *key != "id");
                let properties = properties.map(|(key, value)| (key.clone(), value.clone()));
                changes.push(Change::Added(name.clone(), properties.collect()));
            }
            (Some(_), None) => changes.push(Change::Removed(name.clone())),
            (Some(before), Some(after)) => changes.extend(properties(name, before, after)),
            (None, None) => {}
        }
    }
    changes
}

fn properties(name: &str, before: &Table, after: &Table) -> Vec<Change> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            Change::Changed(name.to_owned(), key.clone(), before.get(key).cloned(), after.get(key).cloned())
        })
        .collect()
}

/// Every element under its full name, without the elements inside it.
fn elements(registry: &Registry) -> BTreeMap<String, Table> {
    let mut found = BTreeMap::new();
    let Ok(table) = Table::try_from(registry) else {
        return found;
    };
    for mut organisation in tables(&table, "organisation") {
        let id = text(&organisation, "id");
        for client in tables(&organisation, "client") {
            found.insert(format!("client {id}/{}", text(&client, "id")), client);
        }
        organisation.remove("client");
        found.insert(format!("organisation {id}"), organisation);
    }
    for extension in tables(&table, "extension") {
        found.insert(format!("extension {}", text(&extension, "id")), extension);
    }
    for kind in ["decay", "export"] {
        for element in tables(&table, kind) {
            found.insert(format!("{kind} {}", text(&element, "id")), element);
        }
    }
    for audience in tables(&table, "audience") {
        found.insert(format!("audience {}", text(&audience, "name")), audience);
    }
    for consent in tables(&table, "consent") {
        let name = format!("consent of {} \"{}\"", text(&consent, "originator"), text(&consent, "reference"));
        found.insert(name, consent);
    }
    if let Some(level) = table.get("tlp_max") {
        found.insert("hub".to_owned(), Table::from_iter([("tlp_max".to_owned(), level.clone())]));
    }
    for mut agreement in tables(&table, "agreement") {
        let id = text(&agreement, "id");
        for mut collection in tables(&agreement, "collection") {
            let name = format!("collection {}", text(&collection, "id"));
            collection.insert("agreement".to_owned(), Value::from(id.clone()));
            found.insert(name, collection);
        }
        agreement.remove("collection");
        found.insert(format!("agreement {id}"), agreement);
    }
    found
}

fn tables(parent: &Table, key: &str) -> Vec<Table> {
    let list = parent.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|value| value.as_table().cloned()).collect()
}

fn text(table: &Table, key: &str) -> String {
    table.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A value on one line; a certificate or a schema is not shown whole.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.contains("BEGIN CERTIFICATE") {
        true => "(a certificate)".to_owned(),
        false if text.len() > VALUE_SHOWN => format!("({} characters)", text.len()),
        false => text,
    }
}

const VALUE_SHOWN: usize = 400;
