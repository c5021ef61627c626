//! A collection of a TAXII 2.1 server: page after page, whatever the server does.
//!
//! `next` is followed with the filters of the first request repeated (TAXII 2.1 §3.5). A walk ends when the
//! server says so, or as soon as a page brings nothing that the last ones have not brought: servers that give
//! the same page for ever, or `more` without an end, are common.

use super::{Part, Source};
use crate::client::{Client, ClientError, Found};
use crate::clock::Clock;
use crate::stix::content::{Options, Profile};
use crate::stix::object::Rejected;
use crate::stix::{Object, Timestamp, Tlp};
use crate::sync::sieve::Objects;
use crate::sync::{Fault, Position};
use crate::taxii::Envelope;
use crate::taxii::envelope::Following;
use serde_json::Value;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use tokio::runtime::Runtime;

/// A collection that is read.
pub struct Taxii {
    runtime: Rc<Runtime>,
    client: Client,
    found: Found,
    /// Objects asked for at once; less after an answer that was too large.
    limit: u32,
    repairs: Repairs,
    clock: Clock,
    recent: Recent,
}

/// What is put right in what a server gives.
#[derive(Debug, Clone, Copy, Default)]
pub struct Repairs {
    /// Ids of TLP 1.0 become those of TLP 2.0.
    pub tlp_1_to_2: bool,
    /// A `spec_version` that is none becomes `2.1`: OpenTAXII gives the type in its place.
    pub spec_version: bool,
}

/// What the last pages have brought, as hashes of id and text.
#[derive(Default)]
pub struct Recent {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Taxii {
    /// Finds the collection by id, alias or title.
    pub fn open(
        runtime: Rc<Runtime>,
        client: Client,
        collection: &str,
        (limit, repairs): (u32, Repairs),
        clock: Clock,
    ) -> Result<Self, Fault> {
        let found = find(&runtime, &client, collection, |found| found.collection.can_read)?;
        Ok(Self { runtime, client, found, limit, repairs, clock, recent: Recent::default() })
    }

    fn page(&mut self, position: &Position) -> Result<crate::client::PageIn, ClientError> {
        loop {
            let mut query = vec![("limit", self.limit.to_string())];
            query.extend(position.added_after.iter().map(|at| ("added_after", at.clone())));
            query.extend(position.next.iter().map(|next| ("next", next.clone())));
            query.push(("match[version]", "all".to_owned()));
            match self.runtime.block_on(self.client.page(&self.found, &query)) {
                Err(ClientError::TooLarge { .. }) if self.limit > 1 => self.limit = (self.limit / 4).max(1),
                other => return other,
            }
        }
    }

    /// Where to go on after a page, and whether there is more. Some servers give the same `next` for a whole walk,
    /// so only the objects tell whether it goes round in circles.
    fn follow(
        &mut self,
        before: &Position,
        following: Following,
        last: Option<String>,
        (given, new): (usize, usize),
    ) -> (Position, bool, Option<String>) {
        let (last, remark) = believed(before.last.as_deref(), last, self.clock.now());
        let walk = |next: Option<String>| Position { next, last: last.clone(), ..before.clone() };
        let strange = match following {
            Following { more: false, .. } => {
                // The walk is complete: the next one begins after what came last.
                let added_after = last.clone().or_else(|| before.added_after.clone());
                return (Position { added_after, ..walk(None) }, false, remark);
            }
            // An empty page is an end, whatever it says.
            _ if given == 0 => {
                let added_after = last.clone().or_else(|| before.added_after.clone());
                let strange = "the server says that there is more, and gives an empty page";
                return (Position { added_after, ..walk(None) }, false, Some(strange.to_owned()));
            }
            _ if new == 0 => "the server says that there is more, and gives nothing new",
            Following { next: Some(next), .. } if next.len() <= NEXT_MAX => {
                return (walk(Some(next)), true, remark);
            }
            Following { next: Some(_), .. } => "the server gives a `next` that is too long",
            Following { next: None, .. } if last.is_some() && last != before.added_after => {
                let after = Position { added_after: last.clone(), ..walk(None) };
                return (after, true, remark);
            }
            Following { next: None, .. } => "the server says that there is more, but not how to get it",
        };
        // A walk that was cut off begins anew where it began: nothing between is known to be complete.
        (walk(None), false, Some(strange.to_owned()))
    }
}

/// The date of the last object of a page, if it can be believed; never one before what is known. And what is
/// strange about it.
pub fn believed(
    known: Option<&str>,
    last: Option<String>,
    now: Timestamp,
) -> (Option<String>, Option<String>) {
    let time = |text: &str| Timestamp::parse(text).map(|time| time.micros());
    let instead = || known.map(str::to_owned);
    let Some(text) = last else { return (instead(), None) };
    let Some(at) = time(&text) else {
        return (instead(), Some(format!("X-TAXII-Date-Added-Last is `{text}`, which is no time")));
    };
    if at > now.micros() + AHEAD_MAX {
        return (instead(), Some(format!("X-TAXII-Date-Added-Last is {text}, more than a day ahead")));
    }
    match known.and_then(time).is_some_and(|known| at < known) {
        true => (instead(), Some(format!("X-TAXII-Date-Added-Last goes back to {text}"))),
        false => (Some(text), None),
    }
}

impl Source for Taxii {
    fn name(&self) -> String {
        self.found.url.to_string()
    }

    fn next(&mut self, position: &Position) -> Result<Part, Fault> {
        let mut position = position.clone();
        let page = match self.page(&position) {
            // A `next` that the server no longer takes: the walk begins anew where it began, since several objects
            // may have the date of the last one, and a page may have come of which nothing is known.
            Err(ClientError::Refused { status: 400 | 404 | 410, .. }) if position.next.is_some() => {
                position.next = None;
                self.recent = Recent::default();
                self.page(&position)?
            }
            other => other?,
        };
        let mut body = Vec::from(page.body);
        if self.repairs.tlp_1_to_2 {
            newer_levels(&mut body);
        }
        if self.repairs.spec_version {
            body = with_spec_version(body);
        }
        let bad = |error| Fault::Lasting(format!("a page of {} is no envelope: {error}", self.found.url));
        let options = Options { profile: Profile::Interop, ..Options::default() };
        let (envelope, following) = Envelope::parse_page(body, options).map_err(bad)?;
        let mut objects: Objects = envelope.objects().collect();
        let given = objects.len();
        objects.retain(|object| self.recent.take(object));
        let (after, more, remark) = self.follow(&position, following, page.last, (given, objects.len()));
        let is_undated = after.last.is_none() && given > 0;
        let undated = "the server gives no date of what it has, so everything is read at each run";
        let remark = remark.or_else(|| is_undated.then(|| undated.to_owned()));
        Ok(Part {
            letters: Vec::new(),
            repeated: (given - objects.len()) as u64,
            objects,
            more,
            after,
            remark,
            is_submitted: false,
            fault: None,
        })
    }

    fn definitions(&mut self, ids: &[String]) -> Result<Vec<(String, Value)>, Fault> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS) {
            let query = [("match[id]", ids.join(","))];
            let page = self.runtime.block_on(self.client.page(&self.found, &query))?;
            let read: Value = serde_json::from_slice(&page.body).unwrap_or_default();
            let objects = read["objects"].as_array().cloned().unwrap_or_default();
            found.extend(objects.into_iter().filter_map(|object| {
                let id = object["id"].as_str()?.to_owned();
                ids.contains(&id).then_some((id, object))
            }));
        }
        Ok(found)
    }
}

impl Recent {
    /// Notes an object; was it new, or other than before?
    fn take(&mut self, object: &Result<Object, Box<Rejected>>) -> bool {
        match object {
            Ok(object) => self.is_new(object.id().as_str(), object.json()),
            Err(rejected) => self.is_new(&rejected.label.id, &rejected.json),
        }
    }

    /// The same for an id and what is said under it.
    pub fn is_new(&mut self, id: &str, text: &[u8]) -> bool {
        let key = key(id, text);
        if !self.known.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > RECENT_MAX {
            let oldest = self.order.pop_front();
            oldest.map(|key| self.known.remove(&key));
        }
        true
    }
}

fn key(id: &str, text: &[u8]) -> u128 {
    let text = [id.as_bytes(), b"\n", text].concat();
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &text).as_u128()
}

/// The collection that is meant, if it may be used.
pub(in crate::sync) fn find(
    runtime: &Runtime,
    client: &Client,
    wanted: &str,
    may: impl Fn(&Found) -> bool,
) -> Result<Found, Fault> {
    let all = runtime.block_on(client.collections())?;
    let is_meant = |found: &&Found| {
        let collection = &found.collection;
        collection.id == wanted || collection.alias.as_deref() == Some(wanted) || collection.title == wanted
    };
    match all.iter().find(is_meant) {
        Some(found) if may(found) => Ok(found.clone()),
        Some(_) => {
            Err(Fault::Lasting(format!("the server does not let us use the collection `{wanted}` so")))
        }
        None => {
            let shown: Vec<&str> = all.iter().map(|found| found.collection.title.as_str()).collect();
            Err(Fault::Lasting(format!(
                "the server shows no collection `{wanted}`; it shows: {}",
                shown.join(", ")
            )))
        }
    }
}

/// Ids of TLP 1.0 become those of TLP 2.0, wherever they stand; they are as long.
fn newer_levels(body: &mut [u8]) {
    let pairs = TLP_1.map(|(old, tlp)| (old, tlp.marking_id()));
    let mut at = 0;
    while let Some(start) = find_marking(&body[at..]).map(|start| start + at) {
        let end = start + MARKING.len() + UUID;
        let Some(id) = body.get_mut(start..end) else { return };
        if let Some((_, new)) = pairs.iter().find(|(old, _)| old.as_bytes() == id) {
            id.copy_from_slice(new.as_bytes());
        }
        at = end;
    }
}

/// Objects whose `spec_version` is no version say that it is 2.1. What is no JSON stays as it is.
fn with_spec_version(body: Vec<u8>) -> Vec<u8> {
    let Ok(mut page) = serde_json::from_slice::<Value>(&body) else { return body };
    let objects = page["objects"].as_array_mut().into_iter().flatten();
    for object in objects.filter_map(Value::as_object_mut) {
        let is_version = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("2."));
        if object.get("spec_version").is_some_and(|value| !is_version(value)) {
            object.insert("spec_version".to_owned(), "2.1".into());
        }
    }
    page.to_string().into_bytes()
}

fn find_marking(text: &[u8]) -> Option<usize> {
    text.windows(MARKING.len()).position(|window| window == MARKING)
}

const MARKING: &[u8] = b"marking-definition--";
const UUID: usize = 36;
const TLP_1: [(&str, Tlp); 4] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
];
/// Microseconds.
const AHEAD_MAX: i64 = 24 * 3_600 * 1_000_000;
/// Objects that are remembered.
const RECENT_MAX: usize = 50_000;
/// Bytes of a `next`.
const NEXT_MAX: usize = 4096;
/// Ids in one question.
const IDS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_tlp_1_become_those_of_tlp_2_and_nothing_else_changes() {
        let [(old, tlp), ..] = TLP_1;
        let other = "marking-definition--00000000-0000-4000-8000-000000000000";
        let text = format!(r#"{{"a":["{old}","{other}"],"b":"marking-definition--"}}"#);
        let mut body = text.clone().into_bytes();
        newer_levels(&mut body);
        assert_eq!(String::from_utf8(body).unwrap(), text.replace(old, tlp.marking_id()));
        TLP_1.iter().for_each(|(old, tlp)| assert_eq!(old.len(), tlp.marking_id().len()));
    }

    #[test]
    fn an_object_is_new_only_once_unless_it_says_something_else() {
        let mut recent = Recent::default();
        assert!(recent.is_new("a", b"1") && recent.is_new("b", b"1") && !recent.is_new("a", b"1"));
        assert!(recent.is_new("a", b"2"));
        (0..=RECENT_MAX).for_each(|n| assert!(recent.is_new(&n.to_string(), b"")));
        assert!(recent.is_new("a", b"1") && recent.order.len() == RECENT_MAX);
    }

    #[test]
    fn dates_that_cannot_be_are_not_believed() {
        let now = Timestamp::parse("2026-11-29T00:00:00Z").unwrap();
        let of = |known, last: &str| believed(known, Some(last.to_owned()), now);
        let good = "2026-11-28T00:00:00Z";
        assert_eq!(of(None, good), (Some(good.to_owned()), None));
        for strange in ["undefined", "9999-01-01T00:00:00Z", "2026-11-27T00:00:00Z"] {
            let (last, remark) = of(Some(good), strange);
            assert!(last.as_deref() == Some(good) && remark.is_some(), "{strange}");
        }
        assert_eq!(believed(Some(good), None, now), (Some(good.to_owned()), None));
    }
}
