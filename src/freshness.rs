//! How fresh is what organisations receive: from when something was made to when it is here, from there to
//! when each organisation first fetches it; and whether those who poll still do. PURE
//!
//! * [`Delays`]: how long something took, very many times
//! * [`Visits`]: when a client came, and how regularly

mod delays;
mod visits;

pub use delays::{BOUNDS, Delays};
pub use visits::{Standing, Visits};

use crate::stix::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is known of all who read. Delays are of the time since the server has started; the others last.
#[derive(Debug, Default)]
pub struct Freshness {
    clients: HashMap<Arc<str>, Visits>,
    marks: HashMap<Arc<str>, HashMap<String, i64>>,
    fetched: BTreeMap<Arc<str>, Delays>,
}

/// What of it outlasts the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Visits by `organisation/client`.
    pub clients: BTreeMap<String, Visits>,
    /// By organisation and collection, up to where it has fetched: microseconds since 1970.
    pub marks: BTreeMap<String, BTreeMap<String, i64>>,
}

/// A client that asks for a page.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// `organisation/client`.
    pub client: &'a Arc<str>,
    /// The collection's id.
    pub collection: &'a str,
    /// Does it go on where it was, rather than ask anew?
    pub goes_on: bool,
    /// When.
    pub now: Timestamp,
}

impl Freshness {
    /// As it was when the server ended.
    pub fn new(kept: Kept) -> Self {
        let clients = kept.clients.into_iter().map(|(client, visits)| (client.into(), visits)).collect();
        let marks =
            kept.marks.into_iter().map(|(organisation, of)| (organisation.into(), of.into_iter().collect()));
        Self { clients, marks: marks.collect(), fetched: BTreeMap::new() }
    }

    /// What is to be kept.
    pub fn kept(&self) -> Kept {
        let clients = self.clients.iter().map(|(client, visits)| (client.to_string(), visits.clone()));
        let marks = self.marks.iter().map(|(organisation, of)| {
            (organisation.to_string(), of.iter().map(|(name, mark)| (name.clone(), *mark)).collect())
        });
        Kept { clients: clients.collect(), marks: marks.collect() }
    }

    /// Somebody asks. What was there before an organisation first did, up to the collection's `newest`, is never
    /// counted as late for it.
    pub fn asks(&mut self, visit: Visit, newest: impl FnOnce() -> Option<Timestamp>) {
        match self.clients.get_mut(visit.client) {
            Some(visits) => visits.note(visit.now, visit.goes_on),
            None => {
                self.clients.insert(visit.client.clone(), Visits::begun(visit.now));
            }
        }
        let organisation = organisation(visit.client);
        let known = self.marks.get(organisation).is_some_and(|of| of.contains_key(visit.collection));
        if !known {
            let of = self.marks.entry(organisation.into()).or_default();
            of.insert(visit.collection.to_owned(), newest().map_or(0, Timestamp::micros));
        }
    }

    /// A page goes out, with rows added at these times, in order. Those count that nobody of the organisation has
    /// fetched.
    pub fn fetches(&mut self, visit: Visit, added: &[Timestamp]) {
        let Some(last) = added.last() else { return };
        let organisation = organisation(visit.client);
        let mark = self.marks.get_mut(organisation).and_then(|of| of.get_mut(visit.collection));
        let Some(mark) = mark.filter(|mark| last.micros() > **mark) else { return };
        let delays = self.fetched.entry(organisation.into()).or_default();
        let new = added.partition_point(|added| added.micros() <= *mark);
        added[new..].iter().for_each(|added| delays.note(visit.now.micros() - added.micros()));
        *mark = last.micros();
    }

    /// From `date_added` to the first fetch, by organisation.
    pub fn fetched(&self) -> &BTreeMap<Arc<str>, Delays> {
        &self.fetched
    }

    /// A client's visits, if it has ever come.
    pub fn visits(&self, client: &str) -> Option<&Visits> {
        self.clients.get(client)
    }

    /// Forgets clients and organisations that no longer take part.
    pub fn retain(&mut self, takes_part: impl Fn(&str) -> bool) {
        self.clients.retain(|client, _| takes_part(client));
        let organisations: Vec<&str> = self.clients.keys().map(|client| organisation(client)).collect();
        self.marks.retain(|name, _| organisations.contains(&&**name));
        self.fetched.retain(|name, _| organisations.contains(&&**name));
    }
}

fn organisation(client: &str) -> &str {
    client.split_once('/').map_or(client, |(organisation, _)| organisation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn visit(client: &Arc<str>, now: i64) -> Visit<'_> {
        Visit { client, collection: "c", goes_on: false, now: at(now) }
    }

    #[test]
    fn only_what_nobody_of_the_organisation_has_fetched_counts() {
        let (feed, siem): (Arc<str>, Arc<str>) = ("b/feed".into(), "b/siem".into());
        let mut found = Freshness::default();
        found.asks(visit(&feed, 100), || Some(at(90)));
        found.fetches(visit(&feed, 100), &[at(80), at(90)]);
        assert!(found.fetched().is_empty(), "it was there before");
        found.asks(visit(&siem, 130), || Some(at(120)));
        found.fetches(visit(&siem, 130), &[at(90), at(110), at(110), at(120)]);
        found.asks(visit(&feed, 150), || Some(at(120)));
        found.fetches(visit(&feed, 150), &[at(110), at(120)]);
        let delays = &found.fetched()["b"];
        assert_eq!((delays.count(), delays.sum_secs()), (3, 2 * 20 + 10));
    }

    #[test]
    fn the_first_question_to_an_empty_collection_marks_its_beginning() {
        let client: Arc<str> = "b/feed".into();
        let mut found = Freshness::default();
        found.asks(visit(&client, 1), || None);
        found.fetches(visit(&client, 20), &[at(10)]);
        assert_eq!(found.fetched()["b"].count(), 1);
    }

    #[test]
    fn marks_and_visits_outlast_a_restart_and_go_with_the_client() {
        let client: Arc<str> = "b/feed".into();
        let mut found = Freshness::default();
        (0..5).for_each(|round| found.asks(visit(&client, round * 60), || None));
        found.fetches(visit(&client, 300), &[at(100)]);
        let kept = found.kept();
        let mut again = Freshness::new(serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap());
        assert_eq!(again.kept(), kept);
        again.fetches(visit(&client, 400), &[at(100)]);
        assert!(again.fetched().is_empty());
        again.retain(|client| client != "b/feed");
        assert_eq!(again.kept(), Kept::default());
    }
}
