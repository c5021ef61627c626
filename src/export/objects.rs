//! Whole objects, for formats that keep them as they are.

use super::feedback::{PAGE, PAGE_BYTES, walk};
use super::gather::{Gather, Place};
use super::row::{Facts, Whole};
use crate::policy::ReadScope;
use crate::stix::{StixId, claims};
use crate::store::{Content, Error, Query, Store, Stored};
use crate::taxii::{Match, Versions};
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Every language of patterns that the standard names (STIX 2.1 §10.16), for objects that go out as they are.
pub(super) const ANY: &[&str] = &["stix", "pcre", "sigma", "snort", "suricata", "yara"];

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
        if !is_wanted(place, gather, &row) {
            return;
        }
        wanted.extend(needs(&row.json));
        found.extend(whole(place, gather, row));
    })?;
    let missing = wanted.into_iter().filter(|id| !found.contains_key(id)).collect::<Vec<_>>();
    for ids in missing.chunks(IDS) {
        pages(store, place.scope.scope(), last(Vec::new(), ids.to_vec()), &mut |row| {
            found.extend(whole(place, gather, row));
        })?;
    }
    Ok(found.into_values().collect())
}

fn is_wanted(place: &Place, gather: &mut Gather, row: &Stored) -> bool {
    if row.id.starts_with("indicator--") {
        // Why one is left out was counted when it was gathered.
        return gather.included.contains(&row.id);
    }
    match row.handling.as_ref().and_then(|handling| place.scope.refusal(handling)) {
        Some(reason) => {
            gather.leave_out(reason);
            false
        }
        None => true,
    }
}

fn whole(place: &Place, gather: &Gather, row: Stored) -> Option<(String, Whole)> {
    let tlp = row.handling.as_ref()?.level(gather.now);
    let whole = Whole { json: Bytes::from(row.json), tlp, collection: place.name.to_owned() };
    Some((row.id, whole))
}

/// Markings, extensions and the source that an object names.
fn needs(json: &[u8]) -> Vec<String> {
    let names = |id: &String| {
        let name = StixId::parse(id).map(|id| id.object_type().to_owned());
        matches!(name.as_deref(), Ok("marking-definition" | "extension-definition" | "identity"))
    };
    claims::references(json).into_iter().filter(names).collect()
}

/// The patterns of indicators that go out as they are: language and text, by id.
pub(super) fn patterns(
    store: &dyn Store,
    scope: &ReadScope,
    wanted: &HashMap<String, Facts>,
    texts: &mut HashMap<String, (String, String)>,
) -> Result<(), Error> {
    let mut ids: Vec<String> = wanted.keys().filter(|id| !texts.contains_key(*id)).cloned().collect();
    ids.sort_unstable();
    for ids in ids.chunks(IDS) {
        walk(store, scope, last(Vec::new(), ids.to_vec()), &mut |json| {
            let object: Value = serde_json::from_slice(json).unwrap_or_default();
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
fn pages(
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

/// Ids in one question.
const IDS: usize = 500;
