//! What an item of an envelope says of markings and of other objects, whether it is acceptable or not: its
//! sender meant it for what was sent together with it.

use super::StixTime;
use super::json::{self, Seen, Value};
use super::marking::Terms;
use std::borrow::Cow;

/// What an item says.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Its id.
    pub id: Option<String>,
    /// Its version.
    pub version: Option<StixTime>,
    /// The markings that it refers to.
    pub marks: Vec<String>,
    /// What its labels say.
    pub labelled: Terms,
    /// What it says, if it is a marking.
    pub defines: Option<Result<Terms, String>>,
}

impl Claims {
    /// Reads an item, leniently.
    pub fn of(json: &[u8]) -> Self {
        let read = |seen: Seen| seen.item.is_none().then(|| claims(seen.value));
        let found = json::read(json.to_vec(), read).ok().and_then(|document| document.root.part.seen);
        found.unwrap_or_default()
    }
}

/// The ids that an object names in its content, each once.
pub fn references(json: &[u8]) -> Vec<String> {
    let read = |seen: Seen| {
        let mut found = Vec::new();
        if seen.item.is_none() {
            collect(seen.value, &mut found);
        }
        found
    };
    let found = json::read(json.to_vec(), read).map(|document| document.root.part.seen);
    let mut found = found.unwrap_or_default();
    found.sort_unstable();
    found.dedup();
    found
}

/// The objects that a relationship, a sighting or a translation is about.
pub fn ends(json: &[u8]) -> Vec<String> {
    let read = |seen: Seen| {
        let name = seen.value.member("type").and_then(|name| name.text());
        name.map(|name| super::object::ends(seen.value, &name)).unwrap_or_default()
    };
    json::read(json.to_vec(), read).map(|document| document.root.part.seen).unwrap_or_default()
}

/// The objects that an opinion is about.
pub fn judged(json: &[u8]) -> Vec<String> {
    let read = |seen: Seen| {
        let refs = seen.item.is_none().then(|| seen.value.member("object_refs")).flatten();
        let mut found: Vec<String> = refs
            .into_iter()
            .flat_map(|list| list.items())
            .filter_map(|id| id.text().map(Cow::into_owned))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    json::read(json.to_vec(), read).map(|document| document.root.part.seen).unwrap_or_default()
}

/// An object's name for people, shortened.
pub fn name(json: &[u8]) -> Option<String> {
    let read = |seen: Seen| {
        let name = (seen.item.is_none()).then(|| seen.value.member("name")).flatten()?.text()?;
        Some(name.chars().take(NAME_MAX).collect())
    };
    json::read(json.to_vec(), read).ok().and_then(|document| document.root.part.seen)
}

fn claims(object: Value) -> Claims {
    let text = |name: &str| object.member(name).and_then(|value| value.text());
    let list = |name: &str| object.member(name).into_iter().flat_map(|list| list.items());
    let mut marks: Vec<String> =
        list("object_marking_refs").filter_map(|id| id.text().map(Cow::into_owned)).collect();
    let granular = list("granular_markings").filter_map(|part| part.member("marking_ref")?.text());
    marks.extend(granular.map(Cow::into_owned));
    marks.sort_unstable();
    marks.dedup();
    let mut labelled = Terms::default();
    for terms in list("labels").filter_map(|label| Terms::of_label(&label.text()?)) {
        labelled.add(&terms);
    }
    let is_marking = text("type").is_some_and(|name| name == "marking-definition");
    let modified = text("modified").filter(|_| !is_marking);
    Claims {
        id: text("id").map(Cow::into_owned),
        version: modified.or_else(|| text("created")).and_then(|time| StixTime::parse(&time)),
        marks,
        labelled,
        defines: is_marking.then(|| Terms::of_definition(object)),
    }
}

fn collect(value: Value, found: &mut Vec<String>) {
    for (key, member) in value.members() {
        let name = key.name();
        if MARKINGS.contains(&name.as_ref()) {
            continue;
        }
        if name.ends_with("_ref") {
            found.extend(member.text().map(Cow::into_owned));
        } else if name.ends_with("_refs") {
            found.extend(member.items().filter_map(|item| item.text().map(Cow::into_owned)));
        }
        collect(member, found);
    }
    value.items().for_each(|item| collect(item, found));
}

/// Characters of a name that are kept.
const NAME_MAX: usize = 200;
/// These name who made an object and how it is marked, not what it is about.
const MARKINGS: [&str; 3] = ["created_by_ref", "object_marking_refs", "granular_markings"];
