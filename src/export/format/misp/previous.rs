//! What the feed said last time.

use super::line::Line;
use crate::stix::Tlp;
use crate::stix::marking::Pap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// An event's file.
pub(super) struct Before {
    pub(super) uuid: Uuid,
    pub(super) bytes: Vec<u8>,
}

/// What was in an event.
pub(super) struct Event<'a> {
    pub(super) uuid: Uuid,
    pub(super) info: Cow<'a, str>,
    pub(super) date: Cow<'a, str>,
    pub(super) timestamp: i64,
    pub(super) attributes: Vec<Known<'a>>,
}

/// An attribute, or an object around one.
pub(super) struct Known<'a> {
    pub(super) event: Uuid,
    pub(super) uuid: Uuid,
    pub(super) timestamp: i64,
    pub(super) is_deleted: bool,
    pub(super) text: &'a str,
    /// As it is written once retracted.
    pub(super) line: Line<'a>,
}

/// The files of the events that the manifest tells.
pub(super) fn files(previous: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<Before> {
    let manifest = previous("manifest.json").unwrap_or_default();
    let manifest: BTreeMap<Uuid, serde::de::IgnoredAny> =
        serde_json::from_slice(&manifest).unwrap_or_default();
    let file = |uuid: Uuid| Some(Before { uuid, bytes: previous(&format!("{uuid}.json"))? });
    manifest.into_keys().filter_map(file).collect()
}

/// Reads an event; none of what is not as we write it, which then counts as never written.
pub(super) fn event(before: &Before) -> Option<Event<'_>> {
    let file: FileText = serde_json::from_slice(&before.bytes).ok()?;
    let event = file.event;
    let levels = levels(&event.tags, (Tlp::Clear, Pap::Clear));
    let mut attributes = Vec::with_capacity(event.attributes.len() + event.objects.len());
    for text in event.attributes {
        let text = text.get();
        let read: Attribute = serde_json::from_str(text).ok()?;
        attributes.push(known(before.uuid, (read.uuid, text), read, levels));
    }
    for text in event.objects {
        let text = text.get();
        let object: Object = serde_json::from_str(text).ok()?;
        let inner = object.attributes.into_iter().next()?;
        attributes.push(known(before.uuid, (object.uuid, text), inner, levels));
    }
    let timestamp = event.timestamp.parse().ok()?;
    Some(Event { uuid: before.uuid, info: event.info, date: event.date, timestamp, attributes })
}

fn known<'a>(event: Uuid, id: (Uuid, &'a str), read: Attribute<'a>, of_event: (Tlp, Pap)) -> Known<'a> {
    let (tlp, pap) = levels(&read.tags, of_event);
    let line = Line {
        kind: read.kind,
        category: read.category,
        value: read.value,
        comment: read.comment,
        tlp,
        pap,
        facts: None,
    };
    let timestamp = read.timestamp.parse().unwrap_or(0);
    Known { event, uuid: id.0, timestamp, is_deleted: read.deleted, text: id.1, line }
}

/// The levels that tags tell, where they tell some.
fn levels(tags: &[Tag], others: (Tlp, Pap)) -> (Tlp, Pap) {
    let tlp = tags.iter().filter_map(|tag| Tlp::of_label(&tag.name)).max();
    let pap = tags.iter().filter_map(|tag| Pap::of_label(&tag.name)).max();
    (tlp.unwrap_or(others.0), pap.unwrap_or(others.1))
}

#[derive(Deserialize)]
struct FileText<'a> {
    #[serde(borrow, rename = "Event")]
    event: EventText<'a>,
}

#[derive(Deserialize)]
struct EventText<'a> {
    #[serde(borrow)]
    info: Cow<'a, str>,
    #[serde(borrow)]
    date: Cow<'a, str>,
    timestamp: String,
    #[serde(borrow, rename = "Tag")]
    tags: Vec<Tag<'a>>,
    #[serde(borrow, rename = "Attribute")]
    attributes: Vec<&'a RawValue>,
    #[serde(borrow, rename = "Object")]
    objects: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Object<'a> {
    uuid: Uuid,
    #[serde(borrow, rename = "Attribute")]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    uuid: Uuid,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow)]
    comment: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    #[serde(default)]
    deleted: bool,
    #[serde(borrow, rename = "Tag")]
    tags: Vec<Tag<'a>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}
