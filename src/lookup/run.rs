//! Looking values up for somebody: asking the store.

use super::ask::{How, ask};
use super::found::{Found, Told};
use super::value::{Reading, kinds_of, readings};
use super::{ANSWER_HITS_MAX, HITS_MAX, Question, VALUE_BYTES_MAX, VALUES_MAX, Warned};
use crate::export::feedback::Feedback;
use crate::policy::{Directory, Grant, Peer, ReadScope, read_scope};
use crate::stix::Timestamp;
use crate::stix::atom::{Kinds, Source};
use crate::store::atoms::{Named, Wanted};
use crate::store::{Error, Store, both, for_all};
use crate::warning::WarningLists;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A look-up to be made.
pub struct LookUp {
    pub(super) question: Question,
    kinds: Option<Kinds>,
    /// What may be read, with the rules of each.
    pub(super) places: Vec<(Grant, ReadScope)>,
    pub(super) directory: Arc<Directory>,
    pub(super) now: Timestamp,
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
    /// The objects, as they stand in the log.
    pub objects: Vec<Arc<Source>>,
    /// The `date_added` of the first and the last of them.
    pub range: (Timestamp, Timestamp),
    /// What was visible.
    pub visible: Arc<[u64]>,
    /// The collection's last `date_added` before anything was read.
    pub newest: Option<Timestamp>,
}

/// What a value may be, and whether a warning list has that.
struct Read {
    value: u32,
    reading: Reading,
    is_warned: bool,
}

/// A hit in the making.
pub(super) struct Raw {
    pub(super) value: u32,
    pub(super) how: How,
    pub(super) scope: usize,
    pub(super) named: Named,
}

/// What is met.
#[derive(Default)]
struct Met {
    /// In the order of the values.
    raws: Vec<Raw>,
    /// The values that meet more.
    more: HashSet<u32>,
    /// The objects, by scope; some of them perhaps several times.
    sources: Vec<(usize, Arc<Source>)>,
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
        let kinds = question.types.as_deref().map(kinds_of).transpose().map_err(TooMuch::Type)?;
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

    /// Asks the store.
    pub fn run(self, store: &dyn Store, lists: &WarningLists) -> Result<Found, Error> {
        let before: Vec<_> = self
            .places
            .iter()
            .map(|(_, scope)| (store.visibility(scope), store.watermark(scope.collection())))
            .collect();
        let known = store.kinds()?.and(lists.kinds());
        let read: Vec<Read> = for_all(&self.question.values, |at, value, read| {
            let value_at = u32::try_from(at).unwrap_or(u32::MAX);
            readings(value, self.kinds, known, &mut |reading| {
                let is_warned = lists.verdict(&reading.atom).is_some();
                read.push(Read { value: value_at, reading, is_warned });
            });
        });
        let scopes: Vec<ReadScope> = self.places.iter().map(|(_, scope)| scope.clone()).collect();
        let Met { raws, more, sources } = self.met(store, &scopes, &read)?;
        let indicators = sources.iter().filter(|(_, source)| source.is_indicator());
        let indicators: Vec<(usize, &str)> =
            indicators.map(|(scope, source)| (*scope, source.id())).collect();
        let (said, (warnings, received)) = both(
            read.len(),
            || Feedback::about(store, &scopes, &indicators),
            || (warnings(&read, lists), self.received(&raws, before)),
        );
        let told = told(&raws, &more, warnings);
        Ok(Found::new(self, (raws, told), said?, received))
    }

    fn met(&self, store: &dyn Store, scopes: &[ReadScope], read: &[Read]) -> Result<Met, Error> {
        let asked = for_all(read, |_, read, asked| {
            ask(&read.reading, &mut |how, what: Wanted| asked.push((read.value, how, what)));
        });
        let (asked, wanted): (Vec<_>, Vec<_>) =
            asked.into_iter().map(|(value, how, what): (u32, How, Wanted)| ((value, how), what)).unzip();
        let Met { mut raws, mut more, mut sources } = Met::default();
        let mut counts = vec![0_u32; self.question.values.len()];
        store.named(scopes, &wanted, HITS_MAX + 1, &mut |number, scope, named| {
            let (value, how) = asked[number];
            let count = &mut counts[value as usize];
            // What is exactly met always has room.
            if how != How::Exact && *count >= RAWS_MAX || raws.len() >= ANSWER_HITS_MAX {
                more.insert(value);
                return;
            }
            *count += 1;
            // The values of an object come one after the other.
            let is_same =
                |last: &(usize, Arc<Source>)| last.0 == scope && Arc::ptr_eq(&last.1, &named.source);
            if !sources.last().is_some_and(is_same) {
                sources.push((scope, named.source.clone()));
            }
            raws.push(Raw { value, how, scope, named });
        })?;
        raws = in_order(raws, &counts);
        let (mut value, mut count) = (u32::MAX, 0);
        raws.retain(|raw| {
            count = if raw.value == value { count + 1 } else { 1 };
            value = raw.value;
            if count > HITS_MAX {
                more.insert(value);
            }
            count <= HITS_MAX
        });
        Ok(Met { raws, more, sources })
    }

    fn received(&self, raws: &[Raw], before: Vec<(Arc<[u64]>, Option<Timestamp>)>) -> Vec<Received> {
        let mut received = Vec::new();
        for (at, (visible, newest)) in before.into_iter().enumerate() {
            let here = raws.iter().filter(|raw| raw.scope == at).map(|raw| &raw.named);
            let mut objects: Vec<_> = here.map(|named| (named.added, &named.source)).collect();
            objects.sort_unstable_by_key(|(added, source)| (*added, Arc::as_ptr(source)));
            objects.dedup_by_key(|(added, source)| (*added, Arc::as_ptr(source)));
            let (Some((first, _)), Some((last, _))) = (objects.first(), objects.last()) else { continue };
            received.push(Received {
                collection: self.places[at].1.collection().to_owned(),
                range: (*first, *last),
                objects: objects.into_iter().map(|(_, source)| source.clone()).collect(),
                visible,
                newest,
            });
        }
        received
    }
}

/// Hits in the order of the values, the closest first; `counts` are how many each value has.
fn in_order(raws: Vec<Raw>, counts: &[u32]) -> Vec<Raw> {
    // They are dealt out first: most values have few, and to compare ten thousand takes longer.
    let starts = counts.iter().scan(0, |end, count| {
        let start = *end;
        *end += *count as usize;
        Some(start)
    });
    let mut next: Vec<usize> = starts.collect();
    let mut dealt: Vec<Option<Raw>> = raws.iter().map(|_| None).collect();
    for raw in raws {
        let at = &mut next[raw.value as usize];
        dealt[*at] = Some(raw);
        *at += 1;
    }
    let mut raws: Vec<Raw> = dealt.into_iter().flatten().collect();
    for same in raws.chunk_by_mut(|one, other| one.value == other.value).filter(|same| same.len() > 1) {
        same.sort_unstable_by(|one, other| {
            let (first, second) = (&one.named, &other.named);
            (one.how.cmp(&other.how))
                .then_with(|| second.source.modified.cmp(&first.source.modified))
                .then_with(|| first.source.id().cmp(second.source.id()))
                .then_with(|| (one.scope, first.added).cmp(&(other.scope, second.added)))
                .then_with(|| first.atom.cmp(&second.atom))
        });
    }
    raws
}

/// What is told of each value of which there is something to tell.
fn told(raws: &[Raw], more: &HashSet<u32>, mut warnings: HashMap<u32, Vec<Warned>>) -> Vec<Told> {
    let mut values: Vec<u32> = raws.iter().map(|raw| raw.value).collect();
    values.extend(warnings.keys().chain(more));
    values.sort_unstable();
    values.dedup();
    let mut end = 0;
    let told = values.into_iter().map(|value| {
        let start = end;
        end += raws[start..].iter().take_while(|raw| raw.value == value).count();
        let warnings = warnings.remove(&value).unwrap_or_default();
        Told { value, raws: start..end, more: more.contains(&value), warnings }
    });
    told.collect()
}

/// What warning lists say of the values.
fn warnings(read: &[Read], lists: &WarningLists) -> HashMap<u32, Vec<Warned>> {
    let mut found: HashMap<u32, BTreeSet<Warned>> = HashMap::new();
    for read in read.iter().filter(|read| read.is_warned) {
        let hits = lists.hits(&read.reading.atom).into_iter().map(|hit| Warned {
            list: hit.list.to_owned(),
            version: hit.version,
            entry: hit.entry,
            action: hit.action.name().to_owned(),
        });
        found.entry(read.value).or_default().extend(hits);
    }
    found.into_iter().map(|(value, set)| (value, set.into_iter().collect())).collect()
}

/// Hits of one value that are held until the closest are chosen.
const RAWS_MAX: u32 = 200;
