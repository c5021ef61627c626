//! What readers have said of indicators: sightings and opinions, as far as the export may know of them
//! (governance §13).

use super::objects::pages;
use crate::policy::ReadScope;
use crate::stix::expiry::{Opinion, Votes};
use crate::stix::{StixTime, Timestamp};
use crate::store::{Error, OPINIONS, Store};
use crate::taxii::{Match, Versions};
use serde_json::Value;
use std::collections::HashMap;

/// What is said of the indicators of a collection.
#[derive(Debug, Default)]
pub struct Feedback {
    by_id: HashMap<String, Said>,
    /// When an analyst last held an indicator to be right, whatever had been said of it.
    settled: HashMap<String, Timestamp>,
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

/// What is said of an indicator, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// What is said.
    pub said: &'a Said,
    owner: &'a str,
    settled: Option<Timestamp>,
}

/// An opinion of it, and the organisation that holds it: not whom its text names as its creator, or one
/// organisation could speak with many voices.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    who: String,
    value: String,
    is_explained: bool,
    modified: Timestamp,
}

impl Heard<'_> {
    /// Which organisations call it a false positive.
    pub fn votes(&self) -> Votes {
        let opinions = self.said.opinions.iter().map(|held| Opinion {
            organisation: &held.who,
            value: &held.value,
            is_explained: held.is_explained,
            revoked: false,
            modified: held.modified,
        });
        Votes::count(opinions, self.owner, self.settled)
    }
}

impl Feedback {
    /// Reads the sightings and opinions that the scope sees.
    pub fn read(store: &dyn Store, scope: &ReadScope) -> Result<Self, Error> {
        let mut feedback = Self { settled: settled(store)?, ..Self::default() };
        let matches = Match {
            types: vec!["sighting".to_owned(), "opinion".to_owned()],
            versions: Some(Versions { last: true, ..Versions::default() }),
            ..Match::default()
        };
        pages(store, scope, matches, &mut |row| {
            // What is stored was read before.
            let object: Value = serde_json::from_slice(&row.json).unwrap_or_default();
            let owner = row.handling.as_ref().map(|handling| handling.owner.as_str());
            feedback.take(&object, owner.unwrap_or_default(), scope.now());
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
            let settled = settled(store)?;
            feedback.iter_mut().for_each(|about| about.settled.clone_from(&settled));
            store.said(scopes, objects, SAID_MAX, &mut |scope, handling, json| {
                let object: Value = serde_json::from_slice(json).unwrap_or_default();
                feedback[scope].take(&object, &handling.owner, scopes[scope].now());
            })?;
        }
        Ok(feedback)
    }

    /// `who` is the organisation whose it is: the object itself may name nobody, or anybody.
    fn take(&mut self, object: &Value, who: &str, now: Timestamp) {
        // Counted 0 times is: looked for, and not seen.
        if object["revoked"] == true || object["count"] == 0 {
            return;
        }
        if let Some(id) = object["sighting_of_ref"].as_str() {
            let time = |name: &str| object[name].as_str().and_then(StixTime::parse);
            let seen = time("last_seen").or_else(|| time("first_seen")).or_else(|| time("created"));
            let said = self.by_id.entry(id.to_owned()).or_default();
            // What is said to be seen later than now must not hide what was seen.
            let seen = seen.map(|seen| Timestamp::from_micros(seen.micros())).filter(|seen| *seen <= now);
            said.last_sighting = said.last_sighting.max(seen);
            said.sightings += object["count"].as_u64().unwrap_or(1);
        }
        if let Some(value) = object["opinion"].as_str() {
            let text = |name: &str| object[name].as_str().unwrap_or_default();
            let held = Held {
                who: who.to_owned(),
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

    /// What is said of an indicator of this organisation, if anything is.
    pub fn on<'a>(&'a self, id: &str, owner: &'a str) -> Option<Heard<'a>> {
        let settled = self.settled.get(id).copied();
        self.by_id.get(id).map(|said| Heard { said, owner, settled })
    }
}

/// When disputes were last settled, by object.
fn settled(store: &dyn Store) -> Result<HashMap<String, Timestamp>, Error> {
    let mut settled: HashMap<String, Timestamp> = HashMap::new();
    for (id, _, at) in store.confirmed()?.into_iter().filter(|(_, list, _)| list == OPINIONS) {
        let at = Timestamp::from_micros(at.cast_signed());
        let last = settled.entry(id).or_insert(at);
        *last = at.max(*last);
    }
    Ok(settled)
}

/// Sightings, and opinions, of one object that a look-up reads: the last that came.
const SAID_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sightings_move_the_date_and_opinions_are_counted_by_whose_they_are() {
        let mut feedback = Feedback::default();
        let id = "indicator--1";
        let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
        let mut take = |object: Value, who| feedback.take(&object, who, now);
        // Ahead of the clock: it counts as one, and says nothing of when.
        take(json!({"sighting_of_ref": id, "last_seen": "2027-01-01T00:00:00Z"}), "a");
        take(json!({"sighting_of_ref": id, "last_seen": "2026-03-01T00:00:00Z", "count": 4}), "a");
        take(json!({"sighting_of_ref": id, "last_seen": "2026-02-01T00:00:00Z"}), "a");
        take(json!({"sighting_of_ref": id, "last_seen": "2026-04-01T00:00:00Z", "count": 0}), "a");
        let against =
            json!({"opinion": "disagree", "explanation": "ours", "created_by_ref": "x", "object_refs": [id]});
        for who in ["a", "b", "a"] {
            take(against.clone(), who);
        }
        // One voice, whoever it says to be.
        let mut other = against.clone();
        other["created_by_ref"] = "y".into();
        take(other, "b");
        take(json!({"opinion": "agree", "object_refs": [id]}), "c");
        let mut revoked = against;
        revoked["revoked"] = true.into();
        take(revoked, "d");
        let votes = |owner| feedback.on(id, owner).unwrap().votes();
        assert_eq!((feedback.on(id, "z").unwrap().said.sightings, votes("z").against), (6, 2));
        assert!(votes("z").call_for_review(2) && !votes("z").is_owner_against);
        assert!(votes("a").is_owner_against && !votes("x").is_owner_against);
        assert_eq!(
            feedback.on(id, "z").unwrap().said.last_sighting.unwrap().to_string()[..10],
            *"2026-03-01"
        );
        assert!(feedback.on("indicator--2", "z").is_none());
        // What was said before it was settled no longer counts.
        feedback.settled.insert(id.to_owned(), now);
        assert_eq!(feedback.on(id, "z").unwrap().votes().against, 0);
    }
}
