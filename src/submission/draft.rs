//! Drafts: adding to them, and joining what is said of the same value.

use super::{Details, Draft, Error, LEFT_OUT_MAX, LeftOut, RECORDS_MAX, Record, Reference, What};
use crate::stix::Tlp;
use crate::stix::format::{Verdict, url};
use crate::stix::marking::Pap;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

impl Draft {
    /// One draft of several.
    pub fn joined(drafts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = drafts.into_iter();
        let mut whole = all.next().unwrap_or_default();
        for other in all {
            whole.tlp = whole.tlp.max(other.tlp);
            whole.pap = whole.pap.max(other.pap);
            whole.records.extend(other.records);
            whole.left_out.extend(other.left_out);
            whole.references.extend(other.references);
            // Several are called otherwise than one of them.
            (whole.title, whole.description, whole.published) = (None, None, None);
        }
        whole.merge_same();
        whole
    }

    /// Joins records that are about the same: the first place stays, and the details of all are kept as far
    /// as they go together.
    pub fn merge_same(&mut self) {
        let mut places: HashMap<What, usize> = HashMap::with_capacity(self.records.len());
        let mut merged: Vec<Record> = Vec::with_capacity(self.records.len());
        for record in self.records.drain(..) {
            match places.entry(record.what.clone()) {
                Entry::Occupied(at) => merged[*at.get()].details.join(record.details),
                Entry::Vacant(free) => {
                    free.insert(merged.len());
                    merged.push(record);
                }
            }
        }
        self.records = merged;
    }

    /// Is anything said of the same in two records?
    pub(super) fn has_same(&self) -> bool {
        let mut seen = HashSet::with_capacity(self.records.len());
        !self.records.iter().all(|record| seen.insert(&record.what))
    }

    /// The highest level that the source gives anything.
    pub fn highest_tlp(&self) -> Option<Tlp> {
        self.records.iter().map(|record| record.details.tlp).fold(self.tlp, Option::max)
    }

    /// Adds a record, if there is room for it.
    pub(super) fn add(&mut self, record: Record) -> Result<(), Error> {
        if self.records.len() == RECORDS_MAX {
            let what = format!("more than {RECORDS_MAX} values; split the file");
            return Err(Error::at(record.place, what));
        }
        self.records.push(record);
        Ok(())
    }

    /// Notes what has no place; after very many, only how many.
    pub(super) fn leave_out(&mut self, place: impl Into<String>, text: &str, reason: impl Into<String>) {
        match self.left_out.len() {
            0..LEFT_OUT_MAX => self.left_out.push(LeftOut::new(place, text, reason)),
            _ => {
                let count = self.left_out.pop_if(|last| last.place == MORE);
                let count = count.map_or(1, |last| last.text.parse::<usize>().unwrap_or(0) + 1);
                self.left_out.push(LeftOut::new(MORE, &count.to_string(), "left out too, for such reasons"));
            }
        }
    }
}

impl Details {
    /// Takes over what another place says of the same value.
    pub fn join(&mut self, other: Self) {
        self.name = self.name.take().or(other.name);
        match (&mut self.description, other.description) {
            (Some(one), Some(other)) => {
                if !one.contains(&other) && one.len() + other.len() < TEXT_BYTES_MAX {
                    one.push('\n');
                    one.push_str(&other);
                }
            }
            (one @ None, other) => *one = other,
            (Some(_), None) => {}
        }
        for label in other.labels {
            add_once(&mut self.labels, label);
        }
        for word in other.indicator_types {
            add_once(&mut self.indicator_types, word);
        }
        for reference in other.references {
            add_once(&mut self.references, reference);
        }
        self.confidence = self.confidence.max(other.confidence);
        self.valid_from = [self.valid_from.take(), other.valid_from].into_iter().flatten().min();
        self.valid_until = self.valid_until.take().max(other.valid_until);
        self.tlp = self.tlp.max(other.tlp);
        self.pap = self.pap.max(other.pap);
        self.for_detection |= other.for_detection;
    }

    /// Adds a line to the description.
    pub(super) fn note(&mut self, line: &str) {
        match &mut self.description {
            Some(text) => {
                text.push('\n');
                text.push_str(line);
            }
            none => *none = Some(line.to_owned()),
        }
    }

    /// Adds a label; one that is a level in disguise counts as that level (governance §1.3).
    pub fn add_label(&mut self, label: &str) {
        let (tlp, pap) = (Tlp::of_label(label), Pap::of_label(label));
        self.tlp = self.tlp.max(tlp);
        self.pap = self.pap.max(pap);
        let label = one_line(label, LABEL_CHARS_MAX);
        if tlp.is_none() && pap.is_none() && !label.is_empty() {
            add_once(&mut self.labels, label);
        }
    }
}

impl Reference {
    /// A reference to an address, named by its host.
    pub fn to(address: &str) -> Option<Self> {
        Self::new(crate::stix::atom::host_of(address)?, address)
    }

    /// A reference to an address, if it is one.
    pub fn new(source_name: &str, address: &str) -> Option<Self> {
        let source_name = one_line(source_name, LABEL_CHARS_MAX);
        let is_good = url::url(address) == Verdict::Good && !source_name.is_empty();
        is_good.then(|| Self { source_name, url: address.to_owned() })
    }
}

/// Adds what is not there yet.
pub(super) fn add_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Text without control characters and without blanks around it.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(chars_max).collect();
    line.trim().to_owned()
}

/// Text of several lines without other control characters, cut at a bearable length; nothing if it is blank.
pub(super) fn prose(text: &str) -> Option<String> {
    let mut kept = text.trim().chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t');
    let mut prose: String = kept.by_ref().take(TEXT_CHARS_MAX).collect();
    if kept.next().is_some() {
        prose.push('…');
    }
    (!prose.is_empty()).then_some(prose)
}

const MORE: &str = "further places";
pub(super) const LABEL_CHARS_MAX: usize = 250;
const TEXT_CHARS_MAX: usize = 20_000;
/// Of descriptions that are joined.
const TEXT_BYTES_MAX: usize = 4 * TEXT_CHARS_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stix::atom::{Atom, Kind};

    fn record(place: &str, details: Details) -> Record {
        let atom = Atom::parse(Kind::Domain, "c2.evil.example").unwrap();
        Record { what: What::Value(atom), place: place.to_owned(), details }
    }

    fn time(text: &str) -> Option<crate::stix::StixTime> {
        crate::stix::StixTime::parse(text)
    }

    #[test]
    fn the_same_value_is_one_record_with_the_details_of_all() {
        let mut one =
            Details { confidence: Some(30), valid_from: time("2026-02-01T00:00:00Z"), ..Details::default() };
        one.description = Some("first".to_owned());
        one.add_label("rat");
        one.add_label("TLP:GREEN");
        let mut two =
            Details { confidence: Some(80), valid_from: time("2026-01-01T00:00:00Z"), ..Details::default() };
        two.valid_until = time("2026-03-01T00:00:00Z");
        two.description = Some("second".to_owned());
        two.for_detection = true;
        two.add_label("wave-7");
        two.add_label("rat");
        two.add_label("\"tlp:amber\"");
        two.add_label("PAP:RED");
        let mut draft =
            Draft { records: vec![record("line 2", one), record("line 9", two.clone())], ..Draft::default() };
        draft.records.push(record("line 10", two));
        draft.merge_same();
        let [merged] = &draft.records[..] else { panic!("{:?}", draft.records) };
        assert_eq!(merged.place, "line 2");
        let details = &merged.details;
        assert_eq!(details.labels, ["rat", "wave-7"]);
        assert_eq!((details.tlp, details.pap), (Some(Tlp::Amber), Some(Pap::Red)));
        assert_eq!(details.confidence, Some(80));
        assert_eq!(details.valid_from, time("2026-01-01T00:00:00Z"));
        assert_eq!(details.valid_until, time("2026-03-01T00:00:00Z"));
        assert_eq!(details.description.as_deref(), Some("first\nsecond"));
        assert!(details.for_detection);
        assert_eq!(draft.highest_tlp(), Some(Tlp::Amber));
    }

    #[test]
    fn what_is_left_out_is_counted_when_it_is_very_much() {
        let mut draft = Draft::default();
        for nth in 0..LEFT_OUT_MAX + 7 {
            draft.leave_out(format!("line {nth}"), "x", "no");
        }
        assert_eq!(draft.left_out.len(), LEFT_OUT_MAX + 1);
        let last = draft.left_out.last().unwrap();
        assert_eq!((last.place.as_str(), last.text.as_str()), (MORE, "7"));
        assert_eq!(LeftOut::new("x", &"é\n".repeat(100), "no").text.chars().count(), 81);
    }

    #[test]
    fn references_are_urls() {
        assert!(Reference::new("press", "https://press.example/a?b=1").is_some());
        for wrong in ["", "press.example", "https://press.example/a b", "https://press.example:99999/"] {
            assert_eq!(Reference::new("press", wrong), None, "{wrong}");
        }
        assert_eq!(Reference::new(" ", "https://press.example/"), None);
    }
}
