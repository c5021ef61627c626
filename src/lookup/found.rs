//! What a look-up has found, put into words. PURE
//!
//! An answer may be some megabytes of text in ten thousand parts: it is made, and what it was made of is given
//! back, on all processors.

use super::run::{LookUp, Raw, Received};
use super::{Answer, Hit, Looked, Place, Warned};
use crate::export::feedback::Feedback;
use crate::export::standing::{Decay, standing};
use crate::stix::Timestamp;
use crate::store::atoms::Named;
use crate::store::in_parts;
use std::collections::HashMap;
use std::sync::Arc;

/// What was found.
pub struct Found {
    pub(super) look_up: LookUp,
    /// In the order of the values.
    pub(super) told: Vec<Told>,
    /// By place.
    pub(super) said: Vec<Feedback>,
    pub(super) received: Vec<Received>,
}

/// What is to be told of a value.
pub(super) struct Told {
    pub(super) value: u32,
    pub(super) raws: Vec<Raw>,
    pub(super) more: bool,
    pub(super) warnings: Vec<Warned>,
}

impl Found {
    /// What the audit log must be told before the answer goes out.
    pub fn received(&self) -> &[Received] {
        &self.received
    }

    /// The answer.
    pub fn answer(mut self) -> Answer {
        let told = std::mem::take(&mut self.told);
        let teller = Teller::new(&self);
        let results =
            in_parts(told, |told| told.into_iter().map(|told| teller.looked(told)).collect::<Vec<_>>());
        self.answer_with(results.into_iter().flatten().collect())
    }

    /// The answer as JSON, with whom to ask about it.
    pub fn to_json(mut self, contact: Option<String>) -> Result<Vec<u8>, serde_json::Error> {
        let told = std::mem::take(&mut self.told);
        let teller = Teller::new(&self);
        let results = in_parts(told, |told| {
            let mut text = Vec::with_capacity(told.len() * RESULT_BYTES);
            for told in told {
                text.push(b',');
                serde_json::to_writer(&mut text, &teller.looked(told))?;
            }
            Ok(text)
        });
        let results = results.into_iter().collect::<Result<Vec<_>, serde_json::Error>>()?;
        let mut text = serde_json::to_vec(&Answer { contact, ..self.answer_with(Vec::new()) })?;
        // The results are its last member: within their brackets, without the first comma.
        text.truncate(text.len() - 2);
        text.reserve_exact(results.iter().map(Vec::len).sum::<usize>() + 2);
        let first = results.iter().take(1).map(|part| &part[1..]);
        first.chain(results.iter().skip(1).map(Vec::as_slice)).for_each(|part| text.extend_from_slice(part));
        text.extend_from_slice(b"]}");
        Ok(text)
    }

    fn answer_with(&self, results: Vec<Looked>) -> Answer {
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
}

/// Puts hits into words.
struct Teller<'t> {
    look_up: &'t LookUp,
    said: &'t [Feedback],
    /// Of organisations, by their identities.
    names: HashMap<String, String>,
    decays: Vec<Decay>,
}

impl<'t> Teller<'t> {
    fn new(found: &'t Found) -> Self {
        let Found { look_up, said, .. } = found;
        let registry = look_up.directory.registry();
        let decays = look_up.places.iter().map(|(grant, _)| Decay::of(registry, grant.collection()));
        Self { look_up, said, names: look_up.directory.organisation_names(), decays: decays.collect() }
    }

    fn looked(&self, told: Told) -> Looked {
        let at = told.value as usize;
        Looked {
            at,
            value: self.look_up.question.values[at].clone(),
            hits: told.raws.into_iter().map(|raw| self.hit(raw)).collect(),
            more: told.more,
            warnings: told.warnings,
        }
    }

    fn hit(&self, raw: Raw) -> Hit {
        let Raw { how, scope, named: Named { handling, source, atom, .. }, .. } = raw;
        let (now, about) = (self.look_up.now, self.said[scope].on(&source.id, &handling.owner));
        // Without the time that exports set for values that nobody has dated.
        let found = standing(&source, None, about, &self.decays[scope], now);
        let is_indicator = source.is_indicator();
        let first_seen = is_indicator.then(|| Timestamp::from_micros(source.valid_from()).to_string());
        let last_seen = about.and_then(|heard| heard.said.last_sighting).map(|time| time.to_string());
        let sightings = about.map_or(0, |heard| heard.said.sightings);
        let source = Arc::unwrap_or_clone(source);
        // Who is not named in the object is not named here.
        let owner = source.created_by_ref.as_ref().and_then(|id| self.names.get(id));
        Hit {
            how,
            kind: atom.as_ref().map(|atom| atom.kind().name()).unwrap_or_default(),
            value: atom.map(|atom| atom.into_text()).unwrap_or_default(),
            id: source.id,
            collection: self.look_up.places[scope].1.collection().to_owned(),
            name: source.name,
            confidence: found.confidence,
            state: is_indicator.then_some(found.state),
            tlp: handling.level(now),
            pap: handling.pap(now),
            classification: source.classification.unwrap_or_else(|| "undetermined".to_owned()),
            labels: source.labels,
            sources: owner.cloned().into_iter().collect(),
            first_seen,
            last_seen,
            valid_until: found.until.filter(|_| is_indicator).map(|time| time.to_string()),
            sightings,
        }
    }
}

/// About what a value with one hit takes.
const RESULT_BYTES: usize = 640;
