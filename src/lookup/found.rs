//! What a look-up has found, put into words. PURE
//!
//! An answer may be some megabytes of text in ten thousand parts: it is made on all processors.

use super::run::{LookUp, Raw, Received};
use super::text;
use super::{Answer, Hit, Looked, Place, Warned};
use crate::export::feedback::Feedback;
use crate::export::standing::{Decay, standing};
use crate::stix::Timestamp;
use crate::stix::atom::Atom;
use crate::store::atoms::Named;
use crate::store::for_parts;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// What was found.
pub struct Found {
    look_up: LookUp,
    /// In the order of the values.
    raws: Vec<Raw>,
    told: Vec<Told>,
    /// By place.
    said: Vec<Feedback>,
    received: Vec<Received>,
    /// Of organisations, by their identities.
    names: HashMap<String, String>,
    /// By place.
    decays: Vec<Decay>,
}

/// What is to be told of a value.
pub(super) struct Told {
    pub(super) value: u32,
    /// Of the hits.
    pub(super) raws: Range<usize>,
    pub(super) more: bool,
    pub(super) warnings: Vec<Warned>,
}

impl Found {
    pub(super) fn new(
        look_up: LookUp,
        (raws, told): (Vec<Raw>, Vec<Told>),
        said: Vec<Feedback>,
        received: Vec<Received>,
    ) -> Self {
        let registry = look_up.directory.registry();
        let decays = look_up.places.iter().map(|(grant, _)| Decay::of(registry, grant.collection()));
        let (names, decays) = (look_up.directory.organisation_names(), decays.collect());
        Self { look_up, raws, told, said, received, names, decays }
    }

    /// What the audit log must be told before the answer goes out.
    pub fn received(&self) -> &[Received] {
        &self.received
    }

    /// The answer.
    pub fn answer(&self) -> Answer<'_> {
        self.answer_with(self.told.iter().map(|told| self.looked(told)).collect())
    }

    /// The answer as JSON, with whom to ask about it: texts one after the other.
    pub fn to_json(&self, contact: Option<String>) -> Result<Vec<Vec<u8>>, serde_json::Error> {
        let text = |told: &[Told]| {
            let mut text = Vec::with_capacity(told.len() * RESULT_BYTES);
            for told in told {
                let at = told.value as usize;
                let hits = self.raws[told.raws.clone()].iter().map(|raw| self.hit(raw));
                let asked = (at, self.look_up.question.values[at].as_str());
                text::write(&mut text, asked, hits, (told.more, &told.warnings))?;
                text.push(b',');
            }
            Ok(text)
        };
        let results: Vec<Result<_, serde_json::Error>> =
            for_parts(&self.told, |_, told, texts| texts.push(text(told)));
        // The results are its last member, and stand within their brackets.
        let mut start = serde_json::to_vec(&Answer { contact, ..self.answer_with(Vec::new()) })?;
        let end = start.split_off(start.len() - 2);
        let mut texts = vec![start];
        for text in results {
            texts.push(text?);
        }
        if let Some(last) = texts.last_mut().filter(|last| last.ends_with(b",")) {
            last.pop();
        }
        texts.push(end);
        Ok(texts)
    }

    fn answer_with<'f>(&self, results: Vec<Looked<'f>>) -> Answer<'f> {
        let is_hit = |id: &str| self.received.iter().any(|one| one.collection == id);
        let collections = self.look_up.places.iter().map(|(grant, _)| grant.collection());
        let collections = collections.filter(|collection| is_hit(&collection.id)).map(|collection| Place {
            id: collection.id.clone(),
            alias: collection.alias.clone(),
            title: collection.title.clone(),
        });
        let looked_up = self.look_up.question.values.len();
        Answer { looked_up, contact: None, collections: collections.collect(), results }
    }

    fn looked<'f>(&'f self, told: &'f Told) -> Looked<'f> {
        let at = told.value as usize;
        Looked {
            at,
            value: Cow::Borrowed(&self.look_up.question.values[at]),
            hits: self.raws[told.raws.clone()].iter().map(|raw| self.hit(raw)).collect(),
            more: told.more,
            warnings: Cow::Borrowed(&told.warnings),
        }
    }

    fn hit<'f>(&'f self, raw: &'f Raw) -> Hit<'f> {
        let Raw { how, scope, named: Named { handling, source, atom, .. }, .. } = raw;
        let (now, about) = (self.look_up.now, self.said[*scope].on(source.id(), &handling.owner));
        // Without the time that exports set for values that nobody has dated.
        let found = standing(source, None, about, &self.decays[*scope], now);
        let is_indicator = source.is_indicator();
        let time = |time: Timestamp| Cow::Owned(time.to_string());
        // Who is not named in the object is not named here.
        let owner = source.created_by_ref().and_then(|id| self.names.get(id));
        Hit {
            how: *how,
            kind: Cow::Borrowed(atom.as_ref().map(|atom| atom.kind().name()).unwrap_or_default()),
            value: Cow::Borrowed(atom.as_ref().map(Atom::text).unwrap_or_default()),
            id: Cow::Borrowed(source.id()),
            collection: Cow::Borrowed(self.look_up.places[*scope].1.collection()),
            name: Cow::Borrowed(source.name()),
            confidence: found.confidence,
            state: is_indicator.then_some(found.state),
            tlp: handling.level(now),
            pap: handling.pap(now),
            classification: Cow::Borrowed(source.classification().unwrap_or("undetermined")),
            labels: Cow::Borrowed(&source.labels),
            sources: owner.map(|owner| Cow::Borrowed(owner.as_str())).into_iter().collect(),
            first_seen: is_indicator.then(|| time(Timestamp::from_micros(source.valid_from()))),
            last_seen: about.and_then(|heard| heard.said.last_sighting).map(time),
            valid_until: found.until.filter(|_| is_indicator).map(time),
            sightings: about.map_or(0, |heard| heard.said.sightings),
        }
    }
}

/// About what a value with one hit takes.
const RESULT_BYTES: usize = 640;
