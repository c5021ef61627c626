//! What was sent, until the audit log has it.
//!
//! Each page is noted before it goes out, and within a second a record of it is written. Pages that
//! follow one another without a gap, as a poller fetches them, share one record: that a range was
//! served says that all in it was, so nothing may join two ranges with a gap between them.

use super::Kind;
use crate::audit::Event;
use crate::audit::event::{Handlings, Refused, Served, View};
use crate::stix::{StixId, Timestamp};
use crate::taxii::Match;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The journal is full: the audit log has not taken anything for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pages cannot be recorded, so none is sent: the audit log takes nothing at present")]
pub struct JournalFull;

/// What is not in the audit log yet.
pub struct Journal {
    inner: Mutex<Inner>,
    entries_max: usize,
}

#[derive(Default)]
struct Inner {
    /// Positions in `entries` of what has the same hash.
    open: HashMap<u64, Vec<usize>>,
    entries: Vec<Entry>,
    refusals: HashMap<Refusal, u64>,
    /// What could not be written, or is not of pages.
    held: Vec<Event>,
    /// Taken to be written, and not yet written.
    taken: usize,
}

/// A page, as it is noted.
pub(super) struct Sent<'a> {
    pub(super) client: &'a Arc<str>,
    pub(super) key: &'a str,
    pub(super) collection: &'a str,
    pub(super) kind: Kind,
    /// One text for each filter in each collection.
    pub(super) description: &'a str,
    pub(super) matches: &'a Match,
    pub(super) visibility: &'a Arc<[u64]>,
    /// The page was asked for after this row.
    pub(super) after: Option<Timestamp>,
    pub(super) range: (Timestamp, Timestamp),
    pub(super) objects: usize,
    pub(super) state: State,
    pub(super) at: Timestamp,
}

/// What the store had come to when a page was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// The collection's last `date_added`.
    pub(super) newest: Option<Timestamp>,
    /// Records that the audit log had.
    pub(super) log_from: u64,
    /// How often rows had changed; read after the other two.
    pub(super) turn: u64,
    /// Records that the audit log was about to have when the page had been read.
    pub(super) log_to: u64,
}

/// Pages without a gap.
struct Entry {
    client: Arc<str>,
    key: String,
    collection: String,
    kind: Kind,
    description: String,
    filter: BTreeMap<String, Value>,
    visibility: Arc<[u64]>,
    /// All that match after this row, up to `last`.
    after: i64,
    first: i64,
    last: i64,
    objects: u64,
    pages: u64,
    state: State,
    until: Timestamp,
}

/// Who was refused what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Refusal {
    /// The client, if known.
    pub by: Option<String>,
    /// The certificate's key.
    pub key: Option<String>,
    /// The code.
    pub what: &'static str,
    /// Which resource.
    pub place: String,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new(ENTRIES_MAX)
    }
}

impl Journal {
    /// A journal that holds so many entries.
    pub fn new(entries_max: usize) -> Self {
        Self { inner: Mutex::default(), entries_max }
    }

    /// Notes a page that is about to go out. On an error it must not.
    pub(super) fn sent(&self, sent: &Sent) -> Result<(), JournalFull> {
        let hash = sent.hash();
        let mut inner = self.inner.lock();
        let Inner { open, entries, .. } = &mut *inner;
        let same = open.get(&hash).into_iter().flatten().rev();
        for at in same {
            if entries[*at].take(sent) {
                return Ok(());
            }
        }
        if inner.len() >= self.entries_max {
            return Err(JournalFull);
        }
        let at = inner.entries.len();
        inner.entries.push(Entry::new(sent));
        inner.open.entry(hash).or_default().push(at);
        Ok(())
    }

    /// Notes that somebody was refused something. Of too many the number is kept alone.
    pub fn refused(&self, refusal: Refusal) {
        let mut inner = self.inner.lock();
        let is_room = inner.refusals.len() < REFUSALS_MAX && inner.len() < self.entries_max;
        let refusal = match is_room || inner.refusals.contains_key(&refusal) {
            true => refusal,
            false => Refusal { by: None, key: None, what: "more", place: "*".to_owned() },
        };
        *inner.refusals.entry(refusal).or_default() += 1;
    }

    /// Notes anything else that is about to go out. On an error it must not.
    pub fn sends(&self, event: Event) -> Result<(), JournalFull> {
        let mut inner = self.inner.lock();
        if inner.len() >= self.entries_max {
            return Err(JournalFull);
        }
        inner.held.push(event);
        Ok(())
    }

    /// Notes anything else.
    pub fn note(&self, event: Event) {
        self.inner.lock().held.push(event);
    }

    /// Everything noted, to be written; then [`Self::written`] or [`Self::not_written`] must follow.
    pub fn take(&self) -> Vec<Event> {
        let inner = std::mem::take(&mut *self.inner.lock());
        let mut events = inner.held;
        events.extend(inner.entries.into_iter().map(Entry::event));
        let mut refusals: Vec<_> = inner.refusals.into_iter().collect();
        refusals.sort_unstable();
        events.extend(refusals.into_iter().map(|(refusal, count)| {
            let Refusal { by, key, what, place } = refusal;
            Event::Refused(Refused { by, key, what: what.to_owned(), count, where_: place })
        }));
        self.inner.lock().taken = events.len();
        events
    }

    /// What was taken is in the audit log.
    pub fn written(&self) {
        self.inner.lock().taken = 0;
    }

    /// What was taken is not in the audit log, and comes again.
    pub fn not_written(&self, mut events: Vec<Event>) {
        let mut inner = self.inner.lock();
        inner.taken = 0;
        events.append(&mut inner.held);
        inner.held = events;
    }
}

impl Inner {
    fn len(&self) -> usize {
        self.entries.len() + self.refusals.len() + self.held.len() + self.taken
    }
}

impl Sent<'_> {
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.client, self.description, self.kind as u8).hash(&mut hasher);
        hasher.finish()
    }

    fn after(&self) -> i64 {
        self.after.map_or(i64::MIN, Timestamp::micros)
    }
}

impl Entry {
    fn new(sent: &Sent) -> Self {
        Self {
            client: sent.client.clone(),
            key: sent.key.to_owned(),
            collection: sent.collection.to_owned(),
            kind: sent.kind,
            description: sent.description.to_owned(),
            filter: filter(sent.matches),
            visibility: sent.visibility.clone(),
            after: sent.after(),
            first: sent.range.0.micros(),
            last: sent.range.1.micros(),
            objects: sent.objects as u64,
            pages: 1,
            state: sent.state,
            until: sent.at,
        }
    }

    /// Takes the page in, if it is of the same walk and leaves no gap. Between them no row may have
    /// changed: one that was the last version for the one page need not be it for the other.
    fn take(&mut self, sent: &Sent) -> bool {
        let (first, last) = (sent.range.0.micros(), sent.range.1.micros());
        let is_same = self.state.turn == sent.state.turn
            && self.kind == sent.kind
            && self.client == *sent.client
            && self.key == sent.key
            && self.description == sent.description
            && (Arc::ptr_eq(&self.visibility, sent.visibility) || self.visibility == *sent.visibility);
        if !is_same || sent.after() > self.last || last < self.after {
            return false;
        }
        self.after = self.after.min(sent.after());
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        self.objects += sent.objects as u64;
        self.pages += 1;
        self.state.newest = self.state.newest.max(sent.state.newest);
        self.state.log_from = self.state.log_from.max(sent.state.log_from);
        self.state.log_to = self.state.log_to.max(sent.state.log_to);
        self.until = self.until.max(sent.at);
        true
    }

    fn event(self) -> Event {
        let time = |micros| Timestamp::from_micros(micros).to_string();
        Event::Served(Box::new(Served {
            by: self.client.to_string(),
            key: self.key,
            collection: self.collection,
            view: match self.kind {
                Kind::Objects => View::Objects,
                Kind::Manifest => View::Manifest,
                Kind::Versions => View::Versions,
            },
            filter: self.filter,
            first: Some(time(self.first)),
            last: Some(time(self.last)),
            objects: self.objects,
            pages: self.pages,
            visible: Handlings::of_bits(&self.visibility),
            newest: self.state.newest.unwrap_or(Timestamp::from_micros(0)).to_string(),
            log_from: self.state.log_from,
            log_to: self.state.log_to,
            until: self.until.to_string(),
        }))
    }
}

/// The filter as records have it: `id`, `type`, `version`, `spec_version`, each a list, only where
/// given. What can be no id, type or specification matches nothing, and is left out.
fn filter(matches: &Match) -> BTreeMap<String, Value> {
    let mut filter = BTreeMap::new();
    let mut put = |name: &str, given: bool, values: Vec<String>| {
        if given {
            filter.insert(name.to_owned(), Value::from(values));
        }
    };
    let ids = matches.ids.iter().filter(|id| StixId::parse(id).is_ok());
    put("id", !matches.ids.is_empty(), ids.cloned().collect());
    let is_type =
        |name: &&String| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    put("type", !matches.types.is_empty(), matches.types.iter().filter(is_type).cloned().collect());
    if let Some(versions) = &matches.versions {
        let words = [(versions.first, "first"), (versions.last, "last"), (versions.all, "all")];
        let words = words.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word.to_owned());
        let exact = versions.exact.iter().map(|version| version.as_str().to_owned());
        put("version", true, words.chain(exact).collect());
    }
    let ours = matches.spec_versions.iter().filter(|version| *version == "2.1");
    put("spec_version", !matches.spec_versions.is_empty(), ours.cloned().collect());
    filter
}

/// Entries of the journal, 64 bytes to some kilobytes each.
const ENTRIES_MAX: usize = 65_536;
/// Different refusals in one second.
const REFUSALS_MAX: usize = 1_024;

#[cfg(test)]
mod tests;
