//! What several objects that were sent together say with each other: the same version twice,
//! references to what is not among them, markings that mark each other, extensions without a
//! definition.

use super::path::{Path, ROOT};
use super::{Finding, Findings, Options, Profile};
use crate::stix::Tlp;
use crate::stix::equality::canonical;
use crate::stix::format::identifier;
use crate::stix::json::{Kind as Json, Seen, Value};
use crate::stix::marking::TLP_2_EXTENSION;
use crate::stix::timestamp::instant;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The objects of a document, as far as they matter to each other.
#[derive(Debug, Default)]
pub struct Together {
    objects: Vec<Noted>,
}

/// A canonical form, computed when it is first asked for.
type OnceForm = OnceCell<Option<Vec<u8>>>;

/// A time as [`instant`] tells it.
type Instant = (i64, String);

#[derive(Debug)]
struct Noted {
    pointer: String,
    id: String,
    version: Option<Instant>,
    text: Range<usize>,
    /// Where a reference stands, and what it names.
    references: Vec<(String, String)>,
    markings: Vec<String>,
    extensions: Vec<String>,
}

impl Together {
    /// Takes note of an object; `pointer` is where it stands.
    pub fn note(&mut self, seen: Seen, pointer: &str) {
        let object = seen.value;
        let text = |name: &str| object.member(name).and_then(|value| value.text());
        let Some(id) = text("id") else { return };
        let version =
            text("modified").as_deref().and_then(instant).map(|(micros, rest)| (micros, rest.to_owned()));
        let list = |name: &str| object.member(name).into_iter().flat_map(|list| list.items());
        let mut references = Vec::new();
        if text("type").is_some_and(|found| found != "bundle") {
            collect(object, &ROOT.below(pointer), &mut references);
        }
        let extensions = object.member("extensions").into_iter().flat_map(|found| found.members());
        let extensions = extensions.map(|(key, _)| key.name().into_owned());
        self.objects.push(Noted {
            pointer: pointer.to_owned(),
            id: id.into_owned(),
            version,
            text: object.range(),
            references,
            markings: list("object_marking_refs").filter_map(|id| id.text().map(Into::into)).collect(),
            extensions: extensions.filter(|name| name.starts_with("extension-definition--")).collect(),
        });
    }

    /// What is wrong with them together; `text` is the document's.
    pub fn findings(&self, text: &[u8], options: Options) -> Findings {
        let mut findings = Findings::default();
        self.duplicates(text, options, &mut findings);
        self.cycles(options, &mut findings);
        if options.advise {
            self.dangling(&mut findings);
            self.undefined(&mut findings);
        }
        findings
    }

    fn duplicates(&self, text: &[u8], options: Options, findings: &mut Findings) {
        // Of the first of several the canonical form is computed once, however many follow.
        let mut met: HashMap<(&str, &Option<Instant>), (&Noted, OnceForm)> = HashMap::new();
        for object in &self.objects {
            let Some((first, form)) = met.get(&(object.id.as_str(), &object.version)) else {
                met.insert((&object.id, &object.version), (object, OnceCell::new()));
                continue;
            };
            let (one, other) = (&text[first.text.clone()], &text[object.text.clone()]);
            let form = || form.get_or_init(|| canonical(one)).as_ref();
            let is_same = one == other || form().is_some_and(|form| canonical(other).as_ref() == Some(form));
            let message = match is_same {
                true => format!("the same object stands at {} too; send it once", first.pointer),
                false => format!(
                    "the same version with other content stands at {}; a change needs a later `modified`",
                    first.pointer
                ),
            };
            let finding = finding("bundle.dup", &object.pointer, message, Some(&object.id));
            if is_same || options.profile == Profile::Permissive {
                findings.warnings.push(finding);
            } else {
                findings.errors.push(finding);
            }
        }
    }

    /// A marking that marks itself through others. One that does so directly is found on its own.
    fn cycles(&self, options: Options, findings: &mut Findings) {
        let markings = self.objects.iter().filter(|object| object.id.starts_with("marking-definition--"));
        let graph: HashMap<&str, &Noted> = markings.map(|object| (object.id.as_str(), object)).collect();
        // Whoever is left when those without an open way are taken out again and again is on a cycle or leads to one.
        let mut open: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (id, object) in &graph {
            let ways = object.markings.iter().map(String::as_str);
            open.insert(id, ways.filter(|way| way != id && graph.contains_key(way)).collect());
        }
        let mut incoming: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, ways) in &open {
            for way in ways {
                incoming.entry(way).or_default().push(id);
            }
        }
        let mut ends: Vec<&str> =
            open.iter().filter(|(_, ways)| ways.is_empty()).map(|(id, _)| *id).collect();
        while let Some(end) = ends.pop() {
            open.remove(end);
            for id in incoming.get(end).into_iter().flatten() {
                if let Some(ways) = open.get_mut(id) {
                    ways.remove(end);
                    if ways.is_empty() {
                        ends.push(id);
                    }
                }
            }
        }
        let first = self.objects.iter().find(|object| open.contains_key(object.id.as_str()));
        if let Some(object) = first {
            let message = "a marking must not mark itself, through others neither".to_owned();
            let pointer = object.pointer.rsplit_once('/').map_or("", |(whole, _)| whole);
            let finding = finding("mark.self", pointer, message, Some(&object.id));
            if options.profile == Profile::Permissive {
                findings.warnings.push(finding);
            } else {
                findings.errors.push(finding);
            }
        }
    }

    fn dangling(&self, findings: &mut Findings) {
        let here: HashSet<&str> = self.objects.iter().map(|object| object.id.as_str()).collect();
        for (pointer, id) in self.objects.iter().flat_map(|object| &object.references) {
            if !here.contains(id.as_str()) && Tlp::of_marking(id).is_none() {
                let message = "the object that it names is not among these".to_owned();
                findings.warnings.push(finding("ref.dangling", pointer, message, Some(id)));
                // Most say the same of another place, and are one then.
                if findings.warnings.len() == WARNINGS_TOGETHER {
                    findings.group();
                }
            }
        }
    }

    fn undefined(&self, findings: &mut Findings) {
        let here: HashSet<&str> = self.objects.iter().map(|object| object.id.as_str()).collect();
        for object in &self.objects {
            for id in
                object.extensions.iter().filter(|id| !here.contains(id.as_str()) && *id != TLP_2_EXTENSION)
            {
                let message = "the definition of this extension is not among these objects".to_owned();
                let at = ROOT.below(&object.pointer);
                let at = at.name("extensions");
                findings.warnings.push(finding("ext.unknown", &at.name(id).pointer(), message, None));
            }
        }
    }
}

/// Finds the references inside an object.
fn collect(value: Value, path: &Path, references: &mut Vec<(String, String)>) {
    let id = |value: Value| value.text().filter(|id| identifier::identifier(id).is_ok()).map(Cow::into_owned);
    for (key, member) in value.members() {
        let (name, at) = (key.name(), path.key(key));
        if name.ends_with("_ref") {
            references.extend(id(member).map(|id| (at.pointer(), id)));
        } else if name.ends_with("_refs") {
            let ids = member.items().enumerate();
            references.extend(ids.filter_map(|(place, item)| Some((at.item(place).pointer(), id(item)?))));
        } else if member.kind() == Json::Object {
            collect(member, &at, references);
        } else {
            for (place, item) in member.items().enumerate() {
                collect(item, &at.item(place), references);
            }
        }
    }
}

fn finding(code: &'static str, pointer: &str, message: String, value: Option<&str>) -> Finding {
    let value = value.map(|value| format!("\"{}\"", value.chars().take(120).collect::<String>()));
    Finding { code, pointer: pointer.to_owned(), message, value, count: 1 }
}

const WARNINGS_TOGETHER: usize = 1_000;
