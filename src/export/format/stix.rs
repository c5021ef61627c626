//! STIX itself: a bundle, or one object a line.

use super::{Class, Files, Format, Input, options};
use crate::export::row::{TlpWrite, Whole};
use crate::stix::Tlp;
use crate::stix::atom::Kind;
use crate::stix::json::{self, Seen, Value};
use crate::stix::marking::{TLP_1, built_in, published};
use bytes::Bytes;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ops::Range;
use uuid::Uuid;

/// The format of a bundle.
pub(super) struct Bundle;

/// The format of lines.
pub(super) struct Lines;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BundleOptions {
    /// One `grouping` that holds all.
    group: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LinesOptions {}

impl Format for Bundle {
    fn name(&self) -> &'static str {
        "stix"
    }

    fn class(&self) -> Class {
        Class::Archive
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn takes_objects(&self) -> bool {
        true
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<BundleOptions>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: BundleOptions = options(input.options)?;
        let mut written = written(input, files);
        if choices.group && !written.objects.is_empty() {
            let (grouping, state) = grouping(input, &written);
            written.refer(input.about.tlp, input.about.tlp_write);
            written.objects.push(grouping);
            files.state(state.0, state.1);
        }
        written.define();
        let rows = written.objects.len();
        let mut keys: Vec<(&str, &str)> =
            written.objects.iter().map(|one| (&*one.id, &*one.modified)).collect();
        keys.sort_unstable();
        let list: String = keys.iter().map(|(id, modified)| format!("{id} {modified}\n")).collect();
        let id = Uuid::new_v5(&space(input), list.as_bytes());
        let length: usize = written.objects.iter().map(|one| one.json.len() + 2).sum();
        let mut text = Vec::with_capacity(length + 100);
        // Without the list, MISP and OpenCTI take it for no bundle, even when nothing is in it.
        text.extend_from_slice(format!(r#"{{"type":"bundle","id":"bundle--{id}","objects":["#).as_bytes());
        for (at, one) in written.objects.iter().enumerate() {
            text.extend_from_slice(if at == 0 { b"" } else { b",\n" });
            text.extend_from_slice(&one.json);
        }
        text.extend_from_slice(b"]}\n");
        files.add(format!("{}.json", input.about.name), MEDIA_TYPE, text, rows);
        Ok(())
    }
}

impl Format for Lines {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn class(&self) -> Class {
        Class::Archive
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn takes_objects(&self) -> bool {
        true
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<LinesOptions>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let mut written = written(input, files);
        written.define();
        let mut text = Vec::with_capacity(written.objects.iter().map(|one| one.json.len() + 1).sum());
        for one in &written.objects {
            text.extend_from_slice(&one.json);
            text.push(b'\n');
        }
        files.add(format!("{}.ndjson", input.about.name), LINES, text, written.objects.len());
        Ok(())
    }
}

/// An object on its way out.
struct One {
    id: String,
    /// Empty if it has none.
    modified: String,
    json: Bytes,
}

/// All of them, and the levels of TLP and PAP that they refer to.
struct Written {
    objects: Vec<One>,
    levels: BTreeSet<String>,
}

/// The objects with levels as the reader wants them.
fn written(input: &Input, files: &mut Files) -> Written {
    let mode = input.about.tlp_write;
    let mut all = Written { objects: Vec::with_capacity(input.objects.len()), levels: BTreeSet::new() };
    for whole in input.objects {
        match read(whole, mode, &mut all.levels) {
            // Whoever wants TLP 1.0 may not read what is 2.0; nothing refers to it any more.
            Some(one) if mode == TlpWrite::One && is_tlp_2(&one.id) => {}
            Some(one) => all.objects.push(one),
            None => files.leave_out("unreadable"),
        }
    }
    all
}

impl Written {
    fn refer(&mut self, tlp: Tlp, mode: TlpWrite) {
        self.levels.extend(marks(tlp, mode).into_iter().map(str::to_owned));
    }

    /// Adds the definitions that are referred to and not there: everybody knows them by their ids, so
    /// they may never have been sent to us (governance §1.2).
    fn define(&mut self) {
        for one in &self.objects {
            self.levels.remove(&one.id);
        }
        for id in &self.levels {
            if let Some(definition) = published(id) {
                let json = definition.into();
                self.objects.push(One { id: id.clone(), modified: String::new(), json });
            }
        }
    }
}

fn read(whole: &Whole, mode: TlpWrite, levels: &mut BTreeSet<String>) -> Option<One> {
    let visit = |seen: Seen| {
        let text = |name: &str| seen.value.member(name).and_then(|value| value.text());
        let edits = edits(seen.value, mode, levels);
        (text("id").map(String::from), text("modified").map(String::from), edits)
    };
    let document = json::read(whole.json.to_vec(), visit).ok()?;
    let (id, modified, edits) = document.root.part.seen;
    let json = if edits.is_empty() { document.text } else { edited(&document.text, edits) };
    Some(One { id: id?, modified: modified.unwrap_or_default(), json })
}

/// A place in the text, and what is to stand there.
type Edit = (Range<usize>, Vec<u8>);

/// What has to change in an object; notes the levels that it refers to then.
fn edits(object: Value, mode: TlpWrite, levels: &mut BTreeSet<String>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let granular = object.member("granular_markings");
    let parts: Vec<Value> = granular.into_iter().flat_map(|list| list.items()).collect();
    for part in &parts {
        let Some(mark) = part.member("marking_ref") else { continue };
        edits.extend(part_edit(&parts, *part, mark, mode));
        note(mark, mode, levels);
    }
    let Some(list) = object.member("object_marking_refs") else { return edits };
    let mut refs: Vec<String> = Vec::new();
    let mut is_changed = false;
    for item in list.items() {
        note(item, mode, levels);
        let old = item.text().unwrap_or_default();
        let new = converted(&old, mode);
        is_changed |= new != [&*old];
        for id in new {
            if !refs.iter().any(|known| known == id) {
                refs.push(id.to_owned());
            }
        }
    }
    if is_changed {
        edits.push((list.range(), serde_json::Value::from(refs).to_string().into_bytes()));
    }
    edits
}

fn part_edit(parts: &[Value], part: Value, mark: Value, mode: TlpWrite) -> Option<Edit> {
    let old = mark.text()?;
    let new = converted(&old, mode);
    let id = *new.last().filter(|id| **id != old)?;
    let quoted = format!("\"{id}\"").into_bytes();
    if mode == TlpWrite::One {
        return Some((mark.range(), quoted));
    }
    let start = part.range().start;
    let within = mark.range().start - start..mark.range().end - start;
    let copy = edited(part.raw(), vec![(within, quoted)]);
    let is_there = parts.iter().any(|known| known.raw() == copy);
    let end = part.range().end;
    (!is_there).then(|| (end..end, [b",", &*copy].concat()))
}

fn note(mark: Value, mode: TlpWrite, levels: &mut BTreeSet<String>) {
    let Some(old) = mark.text() else { return };
    if built_in(&old).is_none() {
        return;
    }
    for id in converted(&old, mode) {
        if !levels.contains(id) {
            levels.insert(id.to_owned());
        }
    }
}

fn edited(text: &[u8], mut edits: Vec<Edit>) -> Bytes {
    edits.sort_by_key(|(at, _)| at.start);
    let mut new = Vec::with_capacity(text.len() + 64 * edits.len());
    let mut from = 0;
    for (at, with) in edits {
        new.extend_from_slice(&text[from..at.start]);
        new.extend_from_slice(&with);
        from = at.end;
    }
    new.extend_from_slice(&text[from..]);
    new.into()
}

/// What a marking's id becomes (governance §1.8).
fn converted(id: &str, mode: TlpWrite) -> Vec<&str> {
    let one = Tlp::of_marking(id).filter(|_| is_tlp_2(id)).map(tlp_1);
    match (mode, one) {
        (TlpWrite::One, Some(one)) => vec![one],
        (TlpWrite::Both, Some(one)) => vec![id, one],
        _ => vec![id],
    }
}

/// The ids that mark something of ours.
fn marks(tlp: Tlp, mode: TlpWrite) -> Vec<&'static str> {
    converted(tlp.marking_id(), mode)
}

/// Is it the id of a level that readers of TLP 1.0 do not know?
fn is_tlp_2(id: &str) -> bool {
    Tlp::of_marking(id).is_some() && !TLP_1.iter().any(|(known, _)| *known == id)
}

fn tlp_1(tlp: Tlp) -> &'static str {
    let at = match tlp {
        Tlp::Clear => 0,
        Tlp::Green => 1,
        Tlp::Amber => 2,
        Tlp::AmberStrict | Tlp::Red => 3,
    };
    TLP_1[at].0
}

/// One grouping of all objects, and the state that keeps when it was made: later it is a new version.
fn grouping(input: &Input, written: &Written) -> (One, (String, String)) {
    let about = input.about;
    let state = format!("{}.grouping", about.name);
    let now = about.generated.to_string();
    let before = (input.previous)(&state).and_then(|bytes| String::from_utf8(bytes).ok());
    let is_time = |text: &String| crate::stix::Timestamp::parse(text).is_some() && *text <= now;
    let created = before.filter(is_time).unwrap_or_else(|| now.clone());
    let name = format!("grouping:{}", about.name);
    let id = format!("grouping--{}", Uuid::new_v5(&space(input), name.as_bytes()));
    let is_content = |one: &&One| !NO_CONTENT.iter().any(|name| one.id.starts_with(name));
    let mut refs: Vec<&str> = written.objects.iter().filter(is_content).map(|one| &*one.id).collect();
    // What is no content is still something, and a grouping must hold something.
    if refs.is_empty() {
        refs = written.objects.iter().map(|one| &*one.id).collect();
    }
    let object = serde_json::json!({
        "type": "grouping", "spec_version": "2.1", "id": id, "created": created, "modified": now,
        "name": about.name, "context": "unspecified", "object_refs": refs,
        "object_marking_refs": marks(about.tlp, about.tlp_write),
    });
    (One { id, modified: now, json: object.to_string().into() }, (state, created))
}

/// The space of the ids that this hub makes.
fn space(input: &Input) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, input.about.url.as_bytes())
}

/// Types that say something of other objects or of STIX only.
const NO_CONTENT: [&str; 3] = ["marking-definition--", "extension-definition--", "language-content--"];
const MEDIA_TYPE: &str = "application/stix+json;version=2.1";
const LINES: &str = "application/x-ndjson";

#[cfg(test)]
mod tests;
