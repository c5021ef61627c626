//! Looking values up for somebody.

use super::ask::{How, ask};
use super::value::{Kinds, Reading, readings};
use super::{
    ANSWER_HITS_MAX, Answer, HITS_MAX, Hit, Looked, Place, Question, VALUE_BYTES_MAX, VALUES_MAX, Warned,
};
use crate::export::feedback::Feedback;
use crate::export::standing::{Decay, standing};
use crate::policy::{Directory, Grant, Peer, ReadScope, read_scope};
use crate::stix::Timestamp;
use crate::store::atoms::{Named, Wanted};
use crate::store::{Error, Store, for_all};
use crate::warning::WarningLists;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A look-up to be made.
pub struct LookUp {
    question: Question,
    kinds: Option<Kinds>,
    /// What may be read, with the rules of each.
    places: Vec<(Grant, ReadScope)>,
    directory: Arc<Directory>,
    now: Timestamp,
}

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More values than are looked up at once.
    #[error("{0} values; at most {VALUES_MAX} are looked up at once")]
    Values(usize),
    /// A value that is too long, by its place.
    #[error("values[{0}] is longer than {VALUE_BYTES_MAX} bytes")]
    Value(usize),
    /// A type of which no values are kept.
    #[error("{0}")]
    Type(String),
    /// There is no such collection, or none that the client reads: nobody is told which.
    #[error("collections: there is no `{0}` that you read")]
    Collection(String),
}

/// What somebody received of a collection, as the audit log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The collection's id.
    pub collection: String,
    /// The objects, sorted.
    pub ids: Vec<String>,
    /// The `date_added` of the first and the last of them.
    pub range: (Timestamp, Timestamp),
    /// What was visible.
    pub visible: Arc<[u64]>,
    /// The collection's last `date_added` before anything was read.
    pub newest: Option<Timestamp>,
}

/// A hit in the making.
struct Raw {
    value: u32,
    how: How,
    scope: usize,
    named: Named,
}

impl LookUp {
    /// A question of somebody's, held against the limits and against what he reads.
    pub fn new(
        question: Question,
        directory: Arc<Directory>,
        peer: &Arc<Peer>,
        now: Timestamp,
    ) -> Result<Self, TooMuch> {
        if question.values.len() > VALUES_MAX {
            return Err(TooMuch::Values(question.values.len()));
        }
        if let Some(at) = question.values.iter().position(|value| value.len() > VALUE_BYTES_MAX) {
            return Err(TooMuch::Value(at));
        }
        let kinds = question.types.as_deref().map(Kinds::of_types).transpose().map_err(TooMuch::Type)?;
        let roots = directory.roots(peer);
        let grants = roots.into_iter().flat_map(|root| directory.grants(peer, root));
        let mut places: Vec<(Grant, ReadScope)> = grants
            .filter_map(|grant| {
                let scope = read_scope(&grant, now).ok()?;
                Some((grant, scope))
            })
            .collect();
        if let Some(wanted) = &question.collections {
            let is = |grant: &Grant, name: &String| {
                let collection = grant.collection();
                collection.id == *name || collection.alias.as_ref() == Some(name)
            };
            if let Some(name) = wanted.iter().find(|name| !places.iter().any(|(grant, _)| is(grant, name))) {
                return Err(TooMuch::Collection(name.clone()));
            }
            places.retain(|(grant, _)| wanted.iter().any(|name| is(grant, name)));
        }
        Ok(Self { question, kinds, places, directory, now })
    }

    /// Asks the store; also says what the audit log must be told before the answer goes out.
    pub fn run(&self, store: &dyn Store, lists: &WarningLists) -> Result<(Answer, Vec<Received>), Error> {
        let before: Vec<_> = self
            .places
            .iter()
            .map(|(_, scope)| (store.visibility(scope), store.watermark(scope.collection())))
            .collect();
        let read: Vec<(u32, Reading)> = for_all(&self.question.values, |at, value, read| {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            read.extend(readings(value, self.kinds.as_ref()).into_iter().map(|reading| (at, reading)));
        });
        let (raws, more) = self.raws(store, &read)?;
        let said = self.said(store, &raws)?;
        let mut warnings = warnings(&read, lists);
        let received = self.received(&raws, before);
        let mut hits: HashMap<u32, Vec<Hit>> = HashMap::new();
        let hitting = self.hits(&raws, &said);
        for (raw, hit) in raws.iter().zip(hitting) {
            hits.entry(raw.value).or_default().push(hit);
        }
        let told: BTreeSet<u32> = hits.keys().chain(warnings.keys()).chain(&more).copied().collect();
        let results = told.into_iter().map(|at| Looked {
            at: at as usize,
            value: self.question.values[at as usize].clone(),
            hits: hits.remove(&at).unwrap_or_default(),
            more: more.contains(&at),
            warnings: warnings.remove(&at).unwrap_or_default(),
        });
        let results = results.collect();
        let is_hit = |grant: &Grant| received.iter().any(|one| one.collection == grant.collection().id);
        let collections = self.places.iter().filter(|(grant, _)| is_hit(grant)).map(|(grant, _)| Place {
            id: grant.collection().id.clone(),
            alias: grant.collection().alias.clone(),
            title: grant.collection().title.clone(),
        });
        let looked_up = self.question.values.len();
        let answer = Answer { looked_up, contact: None, collections: collections.collect(), results };
        Ok((answer, received))
    }

    /// What is met, in order, and the values that meet more.
    fn raws(&self, store: &dyn Store, read: &[(u32, Reading)]) -> Result<(Vec<Raw>, HashSet<u32>), Error> {
        let (mut wanted, mut asked) = (Vec::new(), Vec::new());
        for (value, reading) in read {
            ask(reading, &mut |how, what: Wanted| {
                wanted.push(what);
                asked.push((*value, how));
            });
        }
        let scopes: Vec<ReadScope> = self.places.iter().map(|(_, scope)| scope.clone()).collect();
        let (mut raws, mut more): (Vec<Raw>, HashSet<u32>) = Default::default();
        let mut counts = vec![0_u32; self.question.values.len()];
        store.named(&scopes, &wanted, HITS_MAX + 1, &mut |number, scope, named| {
            let (value, how) = asked[number];
            let count = &mut counts[value as usize];
            // What is exactly met always has room.
            if how != How::Exact && *count >= RAWS_MAX || raws.len() >= ANSWER_HITS_MAX {
                more.insert(value);
                return;
            }
            *count += 1;
            raws.push(Raw { value, how, scope, named });
        })?;
        raws.sort_unstable_by(|one, other| {
            let key = |raw: &Raw| (raw.value, raw.how, std::cmp::Reverse(raw.named.source.modified));
            let last = |raw: &Raw| (raw.scope, raw.named.added);
            key(one)
                .cmp(&key(other))
                .then_with(|| one.named.source.id.cmp(&other.named.source.id))
                .then_with(|| last(one).cmp(&last(other)))
                .then_with(|| one.named.atom.cmp(&other.named.atom))
        });
        let (mut value, mut count) = (u32::MAX, 0);
        raws.retain(|raw| {
            count = if raw.value == value { count + 1 } else { 1 };
            value = raw.value;
            if count > HITS_MAX {
                more.insert(value);
            }
            count <= HITS_MAX
        });
        Ok((raws, more))
    }

    /// What is said of the objects met, by place.
    fn said(&self, store: &dyn Store, raws: &[Raw]) -> Result<Vec<Feedback>, Error> {
        let scopes: Vec<ReadScope> = self.places.iter().map(|(_, scope)| scope.clone()).collect();
        let indicators = raws.iter().filter(|raw| raw.named.source.is_indicator());
        let mut objects: Vec<(usize, &str)> =
            indicators.map(|raw| (raw.scope, raw.named.source.id.as_str())).collect();
        objects.sort_unstable();
        objects.dedup();
        Feedback::about(store, &scopes, &objects)
    }

    fn hits(&self, raws: &[Raw], said: &[Feedback]) -> Vec<Hit> {
        let registry = self.directory.registry();
        let names = self.directory.organisation_names();
        let decays: Vec<Decay> =
            self.places.iter().map(|(grant, _)| Decay::of(registry, grant.collection())).collect();
        let hit = |raw: &Raw| {
            let Named { handling, source, atom, .. } = &raw.named;
            let about = said[raw.scope].on(&source.id, &handling.owner);
            // Without the time that exports set for values that nobody has dated.
            let found = standing(source, None, about, &decays[raw.scope], self.now);
            let is_indicator = source.is_indicator();
            // Who is not named in the object is not named here.
            let owner = source.created_by_ref.as_ref().and_then(|id| names.get(id));
            Hit {
                how: raw.how,
                kind: atom.as_ref().map(|atom| atom.kind().name()).unwrap_or_default(),
                value: atom.as_ref().map(|atom| atom.text().to_owned()).unwrap_or_default(),
                id: source.id.clone(),
                collection: self.places[raw.scope].1.collection().to_owned(),
                name: source.name.clone(),
                confidence: found.confidence,
                state: is_indicator.then_some(found.state),
                tlp: handling.level(self.now),
                pap: handling.pap(self.now),
                classification: source.classification.as_deref().unwrap_or("undetermined").to_owned(),
                labels: source.labels.clone(),
                sources: owner.cloned().into_iter().collect(),
                first_seen: is_indicator.then(|| Timestamp::from_micros(source.valid_from()).to_string()),
                last_seen: about.and_then(|heard| heard.said.last_sighting).map(|time| time.to_string()),
                valid_until: found.until.filter(|_| is_indicator).map(|time| time.to_string()),
                sightings: about.map_or(0, |heard| heard.said.sightings),
            }
        };
        raws.iter().map(hit).collect()
    }

    fn received(&self, raws: &[Raw], before: Vec<(Arc<[u64]>, Option<Timestamp>)>) -> Vec<Received> {
        let mut received = Vec::new();
        for (at, (visible, newest)) in before.into_iter().enumerate() {
            let here = raws.iter().filter(|raw| raw.scope == at).map(|raw| &raw.named);
            let added = here.clone().map(|named| named.added);
            let Some(range) = added.clone().min().zip(added.max()) else { continue };
            let ids: BTreeSet<&String> = here.map(|named| &named.source.id).collect();
            received.push(Received {
                collection: self.places[at].1.collection().to_owned(),
                ids: ids.into_iter().cloned().collect(),
                range,
                visible,
                newest,
            });
        }
        received
    }
}

/// What warning lists say of the values.
fn warnings(read: &[(u32, Reading)], lists: &WarningLists) -> HashMap<u32, Vec<Warned>> {
    let mut found: HashMap<u32, BTreeSet<Warned>> = HashMap::new();
    let warned = for_all(read, |_, one, warned| {
        warned.extend(lists.verdict(&one.1.atom).is_some().then_some(one));
    });
    for (value, reading) in warned {
        let hits = lists.hits(&reading.atom).into_iter().map(|hit| Warned {
            list: hit.list.to_owned(),
            version: hit.version,
            entry: hit.entry,
            action: hit.action.name().to_owned(),
        });
        found.entry(*value).or_default().extend(hits);
    }
    found.into_iter().map(|(value, set)| (value, set.into_iter().collect())).collect()
}

/// Hits of one value that are held until the closest are chosen.
const RAWS_MAX: u32 = 200;
