//! What objects name becomes rows: one for each value, however many objects name it (export formats §1).

use super::Class;
use super::feedback::Feedback;
use super::row::{Facts, Row, Rule};
use super::standing::{Decay, Standing, standing};
use crate::policy::{ExportScope, Handling};
use crate::registry::Export;
use crate::stix::atom::{Atom, Kind, Source};
use crate::stix::expiry::State;
use crate::stix::{Timestamp, Tlp};
use crate::store::atoms::Named;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Rows in the making.
pub(super) struct Gather<'a> {
    pub(super) export: &'a Export,
    /// What the format's consumers do.
    pub(super) class: Class,
    /// Kinds that the format has a place for, by number.
    pub(super) places: Vec<bool>,
    /// It takes whole objects, whatever language their patterns are in.
    pub(super) takes_objects: bool,
    /// Languages of patterns that it takes.
    pub(super) languages: &'static [&'static str],
    /// Is a value that an object names on a warning list, unconfirmed?
    pub(super) warned: &'a dyn Fn(&Atom, &str) -> bool,
    pub(super) now: Timestamp,
    pub(super) rows: HashMap<Atom, Facts>,
    /// Indicators whose pattern goes out as it is: to be read.
    pub(super) rules: HashMap<String, Facts>,
    /// Indicators of this collection of which something goes out.
    pub(super) included: HashSet<String>,
    /// Those of the rules that are from this collection.
    pub(super) fresh: HashSet<String>,
    pub(super) left_out: BTreeMap<&'static str, u64>,
    pub(super) caveats: BTreeSet<String>,
    /// When time alone makes something of it another.
    pub(super) changes: Option<Timestamp>,
}

/// What is the same for all objects of a collection.
pub(super) struct Place<'a> {
    pub(super) scope: &'a ExportScope,
    pub(super) feedback: &'a Feedback,
    pub(super) decay: &'a Decay,
    /// Its alias, else its id.
    pub(super) name: &'a str,
    /// Names of organisations by identity.
    pub(super) names: &'a HashMap<String, String>,
    /// What stands for those that are not named.
    pub(super) nobody: &'a str,
}

impl Gather<'_> {
    /// Another collection comes.
    pub(super) fn begin(&mut self) {
        self.included.clear();
        self.fresh.clear();
    }

    /// Takes what an object names.
    pub(super) fn take(&mut self, place: &Place, named: Named) {
        let Named { handling, source, atom, .. } = named;
        if !self.is_wanted(&source, atom.as_ref()) {
            return;
        }
        // As the store says of those that it only counts.
        let is_over = |until: i64| until <= self.now.micros();
        if source.revoked || source.valid_until.is_some_and(is_over) {
            return self.leave_out("not_active");
        }
        self.holds_until(&handling);
        if let Some(reason) = place.scope.refusal(&handling) {
            return self.leave_out(reason);
        }
        let heard = place.feedback.on(source.id(), &handling.owner);
        let found = standing(&source, atom.as_ref().map(Atom::kind), heard, place.decay, self.now);
        self.changes = earliest(self.changes, found.changes);
        match found.state {
            State::Active => {}
            State::Review => return self.leave_out("under_review"),
            State::Pending | State::Expired | State::Revoked => return self.leave_out("not_active"),
        }
        if self.export.confidence_min.is_some_and(|least| found.confidence.is_none_or(|value| value < least))
        {
            return self.leave_out("confidence");
        }
        match atom {
            Some(atom) => self.value(place, &handling, &source, &found, atom),
            None => self.rule(place, &handling, &source, &found),
        }
    }

    /// Does the export ask for it?
    fn is_wanted(&self, source: &Source, atom: Option<&Atom>) -> bool {
        let of_type =
            |name| self.export.types.as_ref().is_none_or(|types| types.iter().any(|one| one == name));
        let typed = match atom {
            _ if self.takes_objects => of_type("indicator"),
            Some(atom) => of_type(atom.kind().object_type()),
            None => true,
        };
        typed && self.is_labelled(&source.labels)
    }

    /// Has it one of the labels that the export asks for?
    pub(super) fn is_labelled(&self, labels: &[String]) -> bool {
        let any = |wanted: &Vec<String>| labels.iter().any(|label| wanted.contains(label));
        self.export.labels.as_ref().is_none_or(any)
    }

    /// Policies with dates decide until one of these comes.
    pub(super) fn holds_until(&mut self, handling: &Handling) {
        let until = handling.holds_until(self.now).map(Timestamp::from_micros);
        self.changes = earliest(self.changes, until);
    }

    fn value(&mut self, place: &Place, handling: &Handling, source: &Source, found: &Standing, atom: Atom) {
        if !self.places[usize::from(atom.kind().number())] {
            return self.leave_out("no_place");
        }
        let warned = (self.warned)(&atom, source.id());
        // What people keep for themselves may hold it, if it says so.
        if warned && self.class != Class::Archive {
            return self.leave_out("warning_list");
        }
        self.included.insert(source.id().to_owned());
        self.caveats(handling);
        let facts = Facts { warned, ..self.facts(place, handling, source, found) };
        match self.rows.entry(atom) {
            Entry::Vacant(entry) => {
                entry.insert(facts);
            }
            Entry::Occupied(mut entry) => merge(entry.get_mut(), facts),
        }
    }

    fn rule(&mut self, place: &Place, handling: &Handling, source: &Source, found: &Standing) {
        let language = source.pattern_type().unwrap_or("stix");
        if !self.takes_objects && !self.languages.contains(&language) {
            return self.leave_out("not_atomic");
        }
        self.included.insert(source.id().to_owned());
        self.caveats(handling);
        let facts = self.facts(place, handling, source, found);
        if self.rules.get(source.id()).is_none_or(|known| known.modified < facts.modified) {
            self.rules.insert(source.id().to_owned(), facts);
            self.fresh.insert(source.id().to_owned());
        }
    }

    /// What no machine enforces goes into the header.
    fn caveats(&mut self, handling: &Handling) {
        let terms = &handling.terms;
        if let Some(evidence) = terms.evidence_use {
            let word = serde_json::to_value(evidence).unwrap_or_default();
            self.caveats.insert(format!("evidence_use={}", word.as_str().unwrap_or_default()));
        }
        self.caveats.extend(terms.handling_codes.iter().map(|code| format!("handling_code={code}")));
        if let Some(transfer) = terms.onward_transfer {
            let word = serde_json::to_value(transfer).unwrap_or_default();
            self.caveats.insert(format!("onward_transfer={}", word.as_str().unwrap_or_default()));
        }
    }

    fn facts(&self, place: &Place, handling: &Handling, source: &Source, found: &Standing) -> Facts {
        // Who is not named in the object is not named here.
        let owner = source.created_by_ref().and_then(|id| place.names.get(id));
        Facts {
            id: source.id().to_owned(),
            modified: Timestamp::from_micros(source.modified),
            confidence: found.confidence,
            tlp: handling.level(self.now),
            pap: handling.pap(self.now),
            warned: false,
            valid_from: Timestamp::from_micros(source.valid_from()),
            valid_until: found.until,
            classification: source.classification().unwrap_or("undetermined").to_owned(),
            indicator_types: source.indicator_types.iter().map(ToString::to_string).collect(),
            labels: source.labels.clone(),
            owners: vec![owner.map_or(place.nobody, String::as_str).to_owned()],
            collection: place.name.to_owned(),
            name: source.name().to_owned(),
            description: source.description().to_owned(),
        }
    }

    pub(super) fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    /// The rows, sorted, and the highest level in them.
    pub(super) fn rows(&mut self) -> (Vec<Row>, Option<Tlp>) {
        let rows = std::mem::take(&mut self.rows);
        let mut rows: Vec<Row> = rows.into_iter().map(|(atom, facts)| Row { atom, facts }).collect();
        rows.sort_unstable_by(|one, other| one.atom.cmp(&other.atom));
        let highest = rows.iter().map(|row| row.facts.tlp).max();
        (rows, highest)
    }

    /// The rules whose texts were found, sorted.
    pub(super) fn rules(&mut self, mut texts: HashMap<String, (String, String)>) -> Vec<Rule> {
        let rules = std::mem::take(&mut self.rules).into_iter();
        let rules = rules.filter_map(|(id, facts)| {
            let (language, text) = texts.remove(&id)?;
            Some(Rule { language, text, facts })
        });
        let mut rules: Vec<Rule> = rules.collect();
        rules.sort_unstable_by(|one, other| one.facts.id.cmp(&other.facts.id));
        rules
    }
}

/// What two objects say of the same value.
fn merge(known: &mut Facts, other: Facts) {
    let (older, newer) = match (known.modified, &known.id) < (other.modified, &other.id) {
        true => (std::mem::replace(known, other), known),
        false => (other, known),
    };
    newer.confidence = newer.confidence.max(older.confidence);
    newer.tlp = newer.tlp.max(older.tlp);
    newer.pap = newer.pap.max(older.pap);
    newer.warned |= older.warned;
    newer.valid_from = newer.valid_from.min(older.valid_from);
    newer.valid_until = newer.valid_until.zip(older.valid_until).map(|(one, other)| one.max(other));
    newer.owners.extend(older.owners);
    newer.owners.sort_unstable();
    newer.owners.dedup();
}

/// The earlier of two times that may not be there.
pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Which kinds a format has a place for, by number; number 0 stands for patterns that are no lists.
pub(super) fn places(takes: impl Fn(Kind) -> bool) -> Vec<bool> {
    std::iter::once(true).chain(Kind::ALL.into_iter().map(takes)).collect()
}
