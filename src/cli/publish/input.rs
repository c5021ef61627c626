//! What `publish` reads: bundles, envelopes, single objects, or several of these in a file.

use super::super::input;
use super::super::output::{Exit, stop};
use crate::stix::Tlp;
use crate::stix::json::{Root, Seen};
use bytes::Bytes;
use std::path::Path;

/// One object as it will be sent.
#[derive(Clone)]
pub(super) struct Item {
    /// Its id, or where it came from.
    pub(super) name: String,
    /// Its text.
    pub(super) json: Bytes,
    /// Does it define a marking? Others may refer to it.
    pub(super) is_marking: bool,
    /// The document that it must be sent together with, since objects of it are without a level of their own
    /// and take that of others.
    pub(super) together: Option<usize>,
}

/// What is noted of a document or an object.
struct Noted {
    id: Option<String>,
    has_type: bool,
    is_bundle: bool,
    is_marking: bool,
    /// Has it a TLP level of its own? Nothing for what needs none.
    has_level: Option<bool>,
}

/// Reads a file; of standard input `head` was read already.
pub(super) fn read(file: &Path, head: Vec<u8>, items: &mut Vec<Item>) -> anyhow::Result<()> {
    let documents = input::documents_after(file, head, note)?;
    let is_one = documents.roots.len() == 1;
    for root in documents.roots {
        let name = input::name(file);
        let place = if is_one { name } else { format!("{name} line {}", root.line) };
        take(&place, &documents.text, root, items)?;
    }
    Ok(())
}

fn note(seen: Seen) -> Noted {
    let found = seen.value.member("type");
    let kind = found.and_then(|found| found.text()).unwrap_or_default();
    let list = |name: &str| seen.value.member(name).into_iter().flat_map(|list| list.items());
    let mut marks = list("object_marking_refs").filter_map(|id| id.text());
    let mut labels = list("labels").filter_map(|label| label.text());
    let is_exempt = ["marking-definition", "extension-definition", "identity", "location"].contains(&&*kind);
    let has_level =
        marks.any(|id| Tlp::of_marking(&id).is_some()) || labels.any(|label| Tlp::of_label(&label).is_some());
    Noted {
        is_marking: kind == "marking-definition",
        has_level: (!is_exempt || has_level).then_some(has_level),
        id: seen.value.member("id").and_then(|id| id.text().map(String::from)),
        has_type: found.is_some(),
        is_bundle: found.and_then(|found| found.text()).is_some_and(|found| found == "bundle"),
    }
}

/// The objects of a bundle or an envelope, or the object that the document is.
fn take(place: &str, text: &Bytes, root: Root<Noted>, items: &mut Vec<Item>) -> anyhow::Result<()> {
    let bad = |what: &str| Err(stop(Exit::BadData, format!("{place}: expected {what}")));
    if !root.part.is_object {
        return bad("a STIX bundle, an envelope or an object");
    }
    let Some(found) = root.items else {
        if root.part.seen.is_bundle || !root.part.seen.has_type {
            return bad("a list `objects`, or an object with a `type`");
        }
        let (is_marking, json) = (root.part.seen.is_marking, text.slice(root.part.range));
        items.push(Item { name: place.to_owned(), json, is_marking, together: None });
        return Ok(());
    };
    let levels = || found.iter().filter_map(|item| item.seen.has_level);
    let is_mixed = levels().any(|has| has) && levels().any(|has| !has);
    let together = is_mixed.then_some(items.len());
    for (at, item) in found.into_iter().enumerate() {
        let name = item.seen.id.unwrap_or_else(|| format!("{place} objects[{at}]"));
        let (is_marking, json) = (item.seen.is_marking, text.slice(item.range));
        items.push(Item { name, json, is_marking, together });
    }
    Ok(())
}
