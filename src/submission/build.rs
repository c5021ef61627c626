//! A draft becomes objects: new ones, and new versions of those that the target has.
//!
//! Ids follow from who says something and of what, so that whoever hands in the same again sends nothing, and
//! whoever hands in more changes what is there:
//!
//! * what the draft says replaces what was there; what is only a default never does;
//! * labels, references and what a container names are joined;
//! * levels never fall: of TLP and PAP the most restricted counts, of the draft, the terms, the record and what
//!   is there; a container has at least the level of what it names;
//! * validity goes on as it was said, and when it has ended, anew from now on;
//! * a revoked object stays so; what is said again is said under a new id.
//!
//! The definitions of levels of PAP go with what has them, as they are published.
//!
//! What is stated under handling conditions of its own is another object than the same under others, since one
//! object would have both and might be for nobody.

mod container;
mod id;
mod marking;
mod object;
mod version;

pub use marking::Handling;

use super::{Draft, Error, LeftOut, What};
use crate::stix::content::{Options, Profile, judge};
use crate::stix::json::{self, ITEMS_MAX};
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// On which terms, and in whose name, something is handed in.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// The id of the identity that says it.
    pub author: &'a str,
    /// The name of that identity, for texts.
    pub author_name: &'a str,
    /// The least level of everything.
    pub tlp: Tlp,
    /// What may be done with it; absent: what the draft says, else nothing is said.
    pub pap: Option<Pap>,
    /// What it may be used for; the usual two, or none, need no marking.
    pub purposes: &'a [String],
    /// Further conditions.
    pub handling: Option<&'a Handling>,
    /// What the whole is called. With the author it names the container.
    pub title: &'a str,
    /// What is said of the whole; absent: what the draft says.
    pub description: Option<&'a str>,
    /// What holds it together.
    pub container: Container,
    /// The time, in UTC.
    pub now: &'a str,
    /// How long what has no end of its own is valid.
    pub valid_days: Option<u32>,
    /// For what has none of its own.
    pub confidence: u8,
    /// For everything.
    pub labels: &'a [String],
}

/// What holds the objects together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// A finished product.
    Report,
    /// Work in progress, such as of an incident.
    Grouping {
        /// Such as `suspicious-activity`.
        context: String,
    },
    /// Nothing: every object stands for itself.
    None,
}

/// What came of a draft.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Built {
    /// What is to be sent: markings first, the container last.
    pub objects: Vec<Value>,
    /// The ids of what the target has already, just so.
    pub unchanged: Vec<String>,
    /// Records that cannot be said as an object.
    pub left_out: Vec<LeftOut>,
}

/// The ids that a draft leads to, given what of them the target is known to have. Ask the target for those that
/// it was not asked for, add what it has to `known`, and call again, until there are none to ask for.
pub fn ids(draft: &Draft, terms: &Terms, known: &HashMap<String, Value>) -> Vec<String> {
    let Ok(frame) = Frame::new(draft, terms, known) else { return Vec::new() };
    let of_records = draft.records.iter().map(|record| object::id(&frame, record));
    let mut ids: Vec<String> = of_records.chain(frame.container.clone()).chain(frame.marking_id()).collect();
    // The levels that are said, and those that are there and do not fall.
    let said = draft.records.iter().filter_map(|record| record.details.pap).chain(frame.pap);
    let there = ids.iter().filter_map(|id| version::pap(known.get(id)?));
    let levels: BTreeSet<Pap> = said.chain(there).collect();
    ids.extend(levels.into_iter().map(|pap| pap.marking_id().to_owned()));
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The objects of a draft; `known` holds what the target has under their [`ids`]. Either all is right, or
/// everything that is wrong is told.
pub fn objects(draft: &Draft, terms: &Terms, known: &HashMap<String, Value>) -> Result<Built, Vec<Error>> {
    if draft.has_same() {
        let mut merged = draft.clone();
        merged.merge_same();
        return merged_objects(&merged, terms, known);
    }
    merged_objects(draft, terms, known)
}

fn merged_objects(draft: &Draft, terms: &Terms, known: &HashMap<String, Value>) -> Result<Built, Vec<Error>> {
    let frame = Frame::new(draft, terms, known).map_err(|error| vec![error])?;
    let mut built = Built::default();
    let mut errors = Vec::new();
    let mut refs = Vec::with_capacity(draft.records.len());
    let mut objects = Vec::with_capacity(draft.records.len());
    let (mut tlp, mut pap, mut levels) = (frame.tlp, frame.pap, BTreeSet::new());
    for record in &draft.records {
        let made = match object::of_record(&frame, record) {
            Ok(made) => made,
            Err(object::No::Wrong(error)) => {
                errors.push(error);
                continue;
            }
            Err(object::No::Unsayable(reason)) => {
                built.left_out.push(LeftOut::new(&*record.place, record.what.text(), reason));
                continue;
            }
        };
        if let Some(faults) = faults(made.object()) {
            built.left_out.push(LeftOut::new(&*record.place, record.what.text(), faults));
            continue;
        }
        // Observables have no level of their own: they have that of what names them.
        for (one, other) in [(made.tlp(), made.pap()), (record.details.tlp, record.details.pap)] {
            tlp = one.map_or(tlp, |one| one.max(tlp));
            pap = pap.max(other);
        }
        levels.extend(made.pap());
        refs.push(made.id().to_owned());
        made.sort(&mut objects, &mut built.unchanged);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let container = container::of(&frame, refs, tlp, pap).map_err(|error| vec![error])?;
    levels.extend(container.as_ref().and_then(version::Made::pap));
    for level in levels.into_iter().filter_map(|pap| marking::of_pap(pap, known)) {
        level.sort(&mut built.objects, &mut built.unchanged);
    }
    if let Some(marking) = frame.marking.as_ref().filter(|_| !objects.is_empty() || container.is_some()) {
        marking.clone().sort(&mut built.objects, &mut built.unchanged);
    }
    built.objects.append(&mut objects);
    if let Some(container) = container {
        container.sort(&mut built.objects, &mut built.unchanged);
    }
    Ok(built)
}

/// What all objects of a draft have in common.
struct Frame<'a> {
    draft: &'a Draft,
    terms: &'a Terms<'a>,
    known: &'a HashMap<String, Value>,
    now: StixTime,
    /// The least level of everything.
    tlp: Tlp,
    pap: Option<Pap>,
    marking: Option<version::Made>,
    /// The id of the container.
    container: Option<String>,
}

impl<'a> Frame<'a> {
    fn new(draft: &'a Draft, terms: &'a Terms<'a>, known: &'a HashMap<String, Value>) -> Result<Self, Error> {
        let now = StixTime::parse(terms.now).and_then(|now| super::moment::of_millis(now.micros() / 1000));
        let now = now.ok_or_else(|| Error::at("now", "no time in UTC such as 2026-11-23T06:00:00.000Z"))?;
        if terms.confidence > 100 {
            return Err(Error::at("confidence", "it is between 0 and 100"));
        }
        let marking = marking::of(terms, known)?;
        let tlp = draft.tlp.map_or(terms.tlp, |tlp| tlp.max(terms.tlp));
        let pap = terms.pap.max(draft.pap);
        let mut frame = Self { draft, terms, known, now, tlp, pap, marking, container: None };
        frame.container = container::id(&frame);
        Ok(frame)
    }

    fn marking_id(&self) -> Option<String> {
        self.marking.as_ref().map(|marking| marking.id().to_owned())
    }

    /// The id under which something can be said: what is revoked is not said again.
    fn id(&self, object_type: &str, about: &[&str]) -> String {
        let marking = self.marking_id();
        let mut names = vec![object_type, self.terms.author];
        names.extend(about);
        names.extend(marking.as_deref());
        let mut id = id::of(object_type, &names);
        for _ in 0..SUCCESSORS_MAX {
            match self.known.get(&id) {
                Some(known) if known["revoked"] == true => id = id::of(object_type, &["after", &id]),
                _ => break,
            }
        }
        id
    }
}

/// What is wrong with an object by the rules of content. It is only told of what no pattern or observable can
/// say, such as a URL that RFC 3986 does not have.
fn faults(object: &Value) -> Option<String> {
    let options = Options { profile: Profile::Strict, ..Options::default() };
    let document = json::read(object.to_string().into_bytes(), |seen| judge(seen, options));
    match document {
        Ok(document) if document.root.part.seen.is_valid() => None,
        Ok(document) => Some(document.root.part.seen.in_words()),
        Err(error) => Some(error.to_string()),
    }
}

/// Revoked objects one after the other.
const SUCCESSORS_MAX: usize = 64;
/// Objects that one container can name.
const REFS_MAX: usize = ITEMS_MAX as usize;

#[cfg(test)]
mod tests;
