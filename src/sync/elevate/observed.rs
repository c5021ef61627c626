//! The observables inside an observed-data become objects of their own (STIX 2.1 §4.14, §6).
//!
//! In 2.0 they stand in a dictionary and name each other by its keys. In 2.1 each has an id, by what it is where
//! that determines one (§2.9), else by the observed-data it stood in. What restricts the observed-data restricts
//! each of them: they are as confidential as they were inside it.

mod ids;
mod markings;

use super::selectors::Moves;
use super::{changes, fault, text};
use crate::stix::marking::Terms;
use crate::stix::schema;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// An observable on its way out.
struct Entry {
    key: String,
    kind: String,
    content: Map<String, Value>,
    moves: Moves,
    /// The key of the file that its name went to, if it is a process.
    image: Option<String>,
    /// What marks all of it.
    marks: Vec<Value>,
    granular: Vec<Value>,
}

impl Entry {
    fn new(key: String, kind: String, content: Map<String, Value>) -> Self {
        let (moves, image, marks, granular) = (Moves::default(), None, Vec::new(), Vec::new());
        Self { key, kind, content, moves, image, marks, granular }
    }
}

/// `old` as it came, `new` with what all objects get.
pub(super) fn elevate(
    old: &Map<String, Value>,
    mut new: Map<String, Value>,
    moves: &Moves,
) -> Result<Vec<Value>, String> {
    let Some(objects) = new.remove("objects") else {
        if new.contains_key("object_refs") {
            moves.follow(&mut new);
            return Ok(vec![Value::Object(new)]);
        }
        return Err(fault(old, "objects", "is missing; say what was observed"));
    };
    if new.contains_key("object_refs") {
        return Err(fault(old, "objects", "stands beside `object_refs`; only one of them is possible"));
    }
    let objects = objects.as_object().filter(|objects| !objects.is_empty());
    let objects = objects.ok_or_else(|| fault(old, "objects", "is no dictionary, or an empty one"))?;
    if objects.len() > OBJECTS_MAX {
        return Err(fault(old, "objects", "has more than 10000 entries"));
    }
    let mut entries = entries(objects).map_err(|(path, why)| fault(old, &path, why))?;
    let ids = ids::of(old, &entries).map_err(|(path, why)| fault(old, &path, &why))?;
    for entry in &mut entries {
        for (name, value) in &mut entry.content {
            let path = format!("objects.{}.{name}", entry.key);
            ids.resolve(name, value, &path).map_err(|(path, why)| fault(old, &path, &why))?;
        }
        entry.content.insert("id".to_owned(), ids.get(&entry.key).into());
        entry.content.insert("spec_version".to_owned(), "2.1".into());
    }
    let (entries, places) = merged(entries);
    let refs: Vec<Value> = entries.iter().filter_map(|entry| entry.content.get("id").cloned()).collect();
    new.insert("object_refs".to_owned(), refs.into());
    let mut marked = markings::Marked { entries, places };
    marked.share(&mut new, moves).map_err(|(path, why)| fault(old, &path, &why))?;
    Ok(marked.finish().chain([Value::Object(new)]).collect())
}

/// The entries in the order of their keys, with the properties of 2.1.
fn entries(objects: &Map<String, Value>) -> Result<Vec<Entry>, (String, &'static str)> {
    let mut entries = Vec::with_capacity(objects.len());
    for (key, value) in objects {
        let path = format!("objects.{key}");
        let object = value.as_object().ok_or_else(|| (path.clone(), "is no object"))?;
        let kind = text(object, "type").ok_or_else(|| (format!("{path}.type"), "is missing or no string"))?;
        let (mut content, kind) = (object.clone(), kind.to_owned());
        let image = image(key, &kind, &mut content, objects);
        let moves = match schema::observable(&kind) {
            Some(_) => changes::observable(&kind, &mut content),
            None => Moves::default(),
        };
        let image_key = image.as_ref().map(|image| image.key.clone());
        entries.push(Entry { moves, image: image_key, ..Entry::new(key.clone(), kind, content) });
        entries.extend(image);
    }
    let order = |key: &str| (key.parse::<u64>().unwrap_or(u64::MAX), key.to_owned());
    entries.sort_by_cached_key(|entry| order(&entry.key));
    Ok(entries)
}

/// In 2.1 a process has no name but that of its image: a file, which is added where there is none.
fn image(
    key: &str,
    kind: &str,
    process: &mut Map<String, Value>,
    taken: &Map<String, Value>,
) -> Option<Entry> {
    let key = format!("{key}/image");
    let has_image = process.contains_key("binary_ref") || process.contains_key("image_ref");
    if kind != "process" || has_image || taken.contains_key(&key) {
        return None;
    }
    let name = process.remove("name")?;
    process.insert("image_ref".to_owned(), key.clone().into());
    let content = Map::from_iter([("type".to_owned(), "file".into()), ("name".to_owned(), name)]);
    Some(Entry::new(key, "file".to_owned(), content))
}

/// Entries that are the same object are one; with it, where each key went.
fn merged(all: Vec<Entry>) -> (Vec<Entry>, HashMap<String, usize>) {
    let mut entries: Vec<Entry> = Vec::with_capacity(all.len());
    let (mut places, mut seen) = (HashMap::new(), HashMap::new());
    for entry in all {
        let id = text(&entry.content, "id").unwrap_or_default().to_owned();
        let at = *seen.entry(id).or_insert(entries.len());
        places.insert(entry.key.clone(), at);
        if at == entries.len() {
            entries.push(entry);
        }
    }
    (entries, places)
}

/// Labels that are markings in disguise restrict what they stand on.
fn restricting_labels(object: &Map<String, Value>) -> Vec<Value> {
    let labels = object.get("labels").and_then(Value::as_array).into_iter().flatten();
    labels
        .filter(|label| label.as_str().is_some_and(|text| Terms::of_label(text).is_some()))
        .cloned()
        .collect()
}

/// Of one observed-data.
const OBJECTS_MAX: usize = 10_000;
