//! How long objects are kept: by their own date if their markings give one, else by the days of their
//! collection, else for ever.

use crate::registry::Registry;
use crate::stix::Timestamp;
use std::collections::HashMap;

/// How many days each collection keeps what has no date of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention(HashMap<String, u32>);

impl Retention {
    /// As a registry says: the collection's days, else those of its agreement.
    pub fn new(registry: &Registry) -> Self {
        let places = registry.agreements.iter().flat_map(|agreement| {
            agreement.collections.iter().map(move |collection| (agreement.retention_days, collection))
        });
        let days = places.filter_map(|(agreed, collection)| {
            Some((collection.id.clone(), collection.retention_days.or(agreed)?))
        });
        Self(days.collect())
    }

    /// The days of a collection; none means that it keeps for ever.
    pub fn days(&self, collection: &str) -> Option<u32> {
        self.0.get(collection).copied()
    }

    /// Those of its rules by which something goes earlier than by the rules before.
    #[must_use]
    pub fn shorter_than(&self, before: &Self) -> Self {
        let is_shorter =
            |(id, days): &(&String, &u32)| before.0.get(*id).is_none_or(|before| **days < *before);
        Self(self.0.iter().filter(is_shorter).map(|(id, days)| (id.clone(), *days)).collect())
    }

    /// What was added to a collection at this time or before is due.
    pub fn limit(&self, collection: &str, now: Timestamp) -> Option<Timestamp> {
        let days = i64::from(self.days(collection)?);
        Some(Timestamp::from_micros(now.micros().saturating_sub(days * DAY_MICROS)))
    }
}

const DAY_MICROS: i64 = 86_400_000_000;
