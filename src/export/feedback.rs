//! What readers have said of indicators: sightings and opinions, as far as the export may know of them
//! (governance §13).

use crate::policy::ReadScope;
use crate::stix::expiry::{Opinion, Votes};
use crate::stix::{StixTime, Timestamp};
use crate::store::{Content, Error, Query, Store};
use crate::taxii::{Match, Versions};
use serde_json::Value;
use std::collections::HashMap;

/// What is said of the indicators of a collection.
#[derive(Debug, Default)]
pub struct Feedback {
    by_id: HashMap<String, Said>,
}

/// What is said of one indicator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// When it was last seen.
    pub last_sighting: Option<Timestamp>,
    /// How often it was seen.
    pub sightings: u64,
    opinions: Vec<Held>,
}

/// An opinion of it, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    who: String,
    value: String,
    is_explained: bool,
    modified: Timestamp,
}

impl Said {
    /// Who calls it a false positive; `owner` is the identity that made it.
    pub fn votes(&self, owner: &str) -> Votes {
        let opinions = self.opinions.iter().map(|held| Opinion {
            organisation: &held.who,
            value: &held.value,
            is_explained: held.is_explained,
            revoked: false,
            modified: held.modified,
        });
        Votes::count(opinions, owner, None)
    }
}

impl Feedback {
    /// Reads the sightings and opinions that the scope sees.
    pub fn read(store: &dyn Store, scope: &ReadScope) -> Result<Self, Error> {
        let mut feedback = Self::default();
        let matches = Match {
            types: vec!["sighting".to_owned(), "opinion".to_owned()],
            versions: Some(Versions { last: true, ..Versions::default() }),
            ..Match::default()
        };
        walk(store, scope, matches, &mut |json| {
            // What is stored was read before.
            let object: Value = serde_json::from_slice(json).unwrap_or_default();
            feedback.take(&object);
        })?;
        Ok(feedback)
    }

    /// Reads what is said of some objects, by scope. An object is given by the number of its scope and its id.
    pub fn about(
        store: &dyn Store,
        scopes: &[ReadScope],
        objects: &[(usize, &str)],
    ) -> Result<Vec<Self>, Error> {
        let mut feedback: Vec<Self> = scopes.iter().map(|_| Self::default()).collect();
        if !objects.is_empty() {
            store.said(scopes, objects, SAID_MAX, &mut |scope, json| {
                let object: Value = serde_json::from_slice(json).unwrap_or_default();
                feedback[scope].take(&object);
            })?;
        }
        Ok(feedback)
    }

    fn take(&mut self, object: &Value) {
        if object["revoked"] == true {
            return;
        }
        if let Some(id) = object["sighting_of_ref"].as_str() {
            let time = |name: &str| object[name].as_str().and_then(StixTime::parse);
            let seen = time("last_seen").or_else(|| time("first_seen")).or_else(|| time("created"));
            let said = self.by_id.entry(id.to_owned()).or_default();
            said.last_sighting =
                said.last_sighting.max(seen.map(|seen| Timestamp::from_micros(seen.micros())));
            said.sightings += object["count"].as_u64().unwrap_or(1);
        }
        if let Some(value) = object["opinion"].as_str() {
            let text = |name: &str| object[name].as_str().unwrap_or_default();
            let held = Held {
                who: text("created_by_ref").to_owned(),
                value: value.to_owned(),
                is_explained: !text("explanation").trim().is_empty(),
                modified: Timestamp::from_micros(
                    StixTime::parse(text("modified")).map_or(0, |time| time.micros()),
                ),
            };
            for id in object["object_refs"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.by_id.entry(id.to_owned()).or_default().opinions.push(held.clone());
            }
        }
    }

    /// What is said of an indicator, if anything is.
    pub fn on(&self, id: &str) -> Option<&Said> {
        self.by_id.get(id)
    }
}

/// Shows every object that matches to `visit`, page by page.
pub(super) fn walk(
    store: &dyn Store,
    scope: &ReadScope,
    matches: Match,
    visit: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let mut query =
        Query { after: None, limit: PAGE, bytes_max: PAGE_BYTES, matches, content: Content::Objects };
    loop {
        let page = store.page(scope, &query)?;
        page.rows.iter().for_each(|row| visit(&row.json));
        match (page.following, page.rows.last()) {
            (Some(_), Some(last)) => query.after = Some(last.added),
            _ => return Ok(()),
        }
    }
}

/// Sightings, and opinions, of one object that a look-up reads: the last that came.
const SAID_MAX: usize = 1_000;
/// Objects read at once.
pub(super) const PAGE: u32 = 5_000;
/// Bytes read at once.
pub(super) const PAGE_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sightings_move_the_date_and_opinions_are_counted_by_who_holds_them() {
        let mut feedback = Feedback::default();
        let id = "indicator--1";
        feedback.take(&json!({"sighting_of_ref": id, "last_seen": "2026-03-01T00:00:00Z", "count": 4}));
        feedback.take(&json!({"sighting_of_ref": id, "last_seen": "2026-02-01T00:00:00Z"}));
        for who in ["a", "b", "a"] {
            feedback.take(&json!({"opinion": "disagree", "explanation": "ours", "created_by_ref": who, "object_refs": [id]}));
        }
        feedback.take(&json!({"opinion": "agree", "created_by_ref": "c", "object_refs": [id]}));
        feedback.take(
            &json!({"opinion": "disagree", "explanation": "x", "created_by_ref": "d", "object_refs": [id], "revoked": true}),
        );
        let said = feedback.on(id).unwrap();
        assert_eq!((said.sightings, said.votes("z").against), (5, 2));
        assert!(said.votes("z").call_for_review(2) && !said.votes("z").is_owner_against);
        assert!(said.votes("a").is_owner_against);
        assert_eq!(said.last_sighting.unwrap().to_string()[..10], *"2026-03-01");
        assert_eq!(feedback.on("indicator--2"), None);
    }
}
