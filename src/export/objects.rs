//! Whole objects, for formats that keep them as they are.

use super::gather::{Gather, Place};
use super::row::Whole;
use crate::policy::ReadScope;
use crate::store::{Content, Error, Query, Store, Stored};
use crate::taxii::{Match, Versions};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is read of an object that goes out as it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    revoked: bool,
    labels: Vec<String>,
    created_by_ref: Option<String>,
    object_marking_refs: Vec<String>,
    granular_markings: Vec<Granular>,
    extensions: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Granular {
    marking_ref: Option<String>,
}

/// Every last version that goes out: indicators that were gathered, everything else as it is, and what these
/// refer to for being understood.
pub(super) fn read(
    store: &dyn Store,
    place: &Place,
    types: Vec<String>,
    gather: &mut Gather,
) -> Result<Vec<Whole>, Error> {
    let mut found = BTreeMap::new();
    let mut wanted = HashSet::new();
    pages(store, place.scope.scope(), last(types, Vec::new()), &mut |row| {
        // What is stored was read before.
        let header: Header = serde_json::from_slice(&row.json).unwrap_or_default();
        if !is_wanted(place, gather, &row, &header) {
            return;
        }
        if gather.takes_objects {
            wanted.extend(header.needs());
        }
        found.extend(whole(place, gather, row));
    })?;
    let missing = wanted.into_iter().filter(|id| !found.contains_key(id)).collect::<Vec<_>>();
    for ids in missing.chunks(IDS) {
        pages(store, place.scope.scope(), last(Vec::new(), ids.to_vec()), &mut |row| {
            if refusal(place, gather, &row).is_none() {
                found.extend(whole(place, gather, row));
            }
        })?;
    }
    Ok(found.into_values().collect())
}

fn is_wanted(place: &Place, gather: &mut Gather, row: &Stored, header: &Header) -> bool {
    if row.id.starts_with("indicator--") {
        // Why one is left out was counted when it was gathered.
        return gather.included.contains(&row.id);
    }
    if gather.takes_objects && !gather.is_labelled(&header.labels) {
        return false;
    }
    let reason = refusal(place, gather, row).or(header.revoked.then_some("not_active"));
    reason.map(|reason| gather.leave_out(reason)).is_none()
}

fn refusal(place: &Place, gather: &mut Gather, row: &Stored) -> Option<&'static str> {
    let handling = row.handling.as_ref()?;
    gather.holds_until(handling);
    place.scope.refusal(handling)
}

impl Header {
    /// Markings, extensions and the source that an object names (export formats §2).
    fn needs(self) -> impl Iterator<Item = String> {
        let granular = self.granular_markings.into_iter().filter_map(|part| part.marking_ref);
        let refs = self.object_marking_refs.into_iter().chain(granular);
        refs.chain(self.extensions.into_keys()).chain(self.created_by_ref)
    }
}

fn whole(place: &Place, gather: &Gather, row: Stored) -> Option<(String, Whole)> {
    let tlp = row.handling.as_ref()?.level(gather.now);
    let whole = Whole { json: Bytes::from(row.json), tlp, collection: place.name.to_owned() };
    Some((row.id, whole))
}

/// The patterns of indicators that go out as they are: language and text, by id.
pub(super) fn patterns(
    store: &dyn Store,
    scope: &ReadScope,
    wanted: &HashSet<String>,
    texts: &mut HashMap<String, (String, String)>,
) -> Result<(), Error> {
    let mut ids: Vec<String> = wanted.iter().cloned().collect();
    ids.sort_unstable();
    for ids in ids.chunks(IDS) {
        pages(store, scope, last(Vec::new(), ids.to_vec()), &mut |row| {
            let object: Value = serde_json::from_slice(&row.json).unwrap_or_default();
            let text = |name: &str| object[name].as_str().map(str::to_owned);
            if let (Some(id), Some(language), Some(pattern)) =
                (text("id"), text("pattern_type"), text("pattern"))
            {
                texts.insert(id, (language, pattern));
            }
        })?;
    }
    Ok(())
}

/// Of an object in several collections one stays.
pub(super) fn sorted(mut objects: Vec<Whole>) -> Vec<Whole> {
    let key = |object: &Whole| {
        let read: Value = serde_json::from_slice(&object.json).unwrap_or_default();
        let text = |name: &str| read[name].as_str().unwrap_or_default().to_owned();
        (text("id"), std::cmp::Reverse(text("modified")))
    };
    objects.sort_by_cached_key(key);
    objects.dedup_by_key(|object| key(object).0);
    objects
}

fn last(types: Vec<String>, ids: Vec<String>) -> Match {
    let versions = Some(Versions { last: true, ..Versions::default() });
    Match { ids, types, versions, ..Match::default() }
}

/// Shows every row that matches, with its handling, to `visit`.
pub(super) fn pages(
    store: &dyn Store,
    scope: &ReadScope,
    matches: Match,
    visit: &mut dyn FnMut(Stored),
) -> Result<(), Error> {
    let mut query =
        Query { after: None, limit: PAGE, bytes_max: PAGE_BYTES, matches, content: Content::Governed };
    loop {
        let page = store.page(scope, &query)?;
        let end = page.rows.last().map(|row| row.added);
        page.rows.into_iter().for_each(&mut *visit);
        match (page.following, end) {
            (Some(_), Some(last)) => query.after = Some(last),
            _ => return Ok(()),
        }
    }
}

/// Objects read at once.
const PAGE: u32 = 5_000;
/// Bytes read at once.
const PAGE_BYTES: usize = 16 << 20;
/// Ids in one question.
const IDS: usize = 500;
