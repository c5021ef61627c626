//! Handling: everything about an object that decides who may see it, computed once when it comes in.

use crate::registry::USUAL_PURPOSES;
use crate::stix::marking::{Attribution, Pap, Terms};
use crate::stix::{Timestamp, Tlp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What makes objects visible to the same clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// The organisation it belongs to.
    pub owner: String,
    /// The organisation that published it, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<String>,
    /// What gave the level.
    pub source: Source,
    /// A relationship, a sighting or a translation is at least as high as what it is about.
    #[serde(default = "clear", skip_serializing_if = "is_clear")]
    pub floor: Tlp,
    /// It is for all purposes: it names somebody or some place, or is there for other objects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_all_purposes: bool,
    /// What its markings say; with a level, unless only policies with dates give one.
    pub terms: Terms,
}

/// What gave an object its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Its own markings.
    Own,
    /// What it was sent in, or what names it.
    Container,
    /// The collection's rule for unmarked objects.
    Collection,
    /// Its type.
    Type,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "its own markings",
            Self::Container => "the objects that name it and came with it",
            Self::Collection => "the collection's rule for unmarked objects",
            Self::Type => "its type",
        })
    }
}

impl Handling {
    /// The effective level. Without one that is in force nobody was named who may see it.
    pub fn level(&self, now: Timestamp) -> Tlp {
        let own = level(&self.terms, now).unwrap_or(Tlp::Red);
        own.max(self.floor)
    }

    /// The level as it would be without what the object is about.
    pub fn own_level(&self, now: Timestamp) -> Tlp {
        level(&self.terms, now).unwrap_or(Tlp::Red)
    }

    /// What may be done with it; without a word on it, what PAP:GREEN allows (governance §2).
    pub fn pap(&self, now: Timestamp) -> Pap {
        let policies = self.terms.policies.iter().filter(|policy| policy.is_in_force(now));
        self.terms.pap.max(policies.filter_map(|policy| policy.pap()).max()).unwrap_or(Pap::Green)
    }

    /// May its source be named, as its markings say?
    pub fn attribution(&self, now: Timestamp) -> Option<Attribution> {
        let policies = self.terms.policies.iter().filter(|policy| policy.is_in_force(now));
        self.terms.attribution.max(policies.filter_map(|policy| policy.attribution).max())
    }

    /// What it may be used for; anything if there is nothing here.
    pub fn purposes(&self) -> Option<Vec<&str>> {
        match &self.terms.purposes {
            Some(purposes) => Some(purposes.iter().map(String::as_str).collect()),
            None if self.for_all_purposes => None,
            None => Some(USUAL_PURPOSES.to_vec()),
        }
    }

    /// Do the same clients see what is under this handling and what is under the other one, although the two
    /// have different owners? Where the owner matters it is not so.
    pub fn reaches_as_far(&self, other: &Self, now: Timestamp) -> bool {
        let does_owner_matter = self.level(now) > Tlp::Amber || !self.terms.needs.is_empty();
        let relays = self.relay.is_some() || other.relay.is_some();
        let same = self.floor == other.floor && self.for_all_purposes == other.for_all_purposes;
        same && self.terms == other.terms && !relays && !does_owner_matter
    }

    /// The same, raised to at least this level.
    #[must_use]
    pub fn raised(&self, floor: Tlp) -> Self {
        Self { floor: self.floor.max(floor), ..self.clone() }
    }

    /// Until when what is decided at `now` holds.
    pub fn holds_until(&self, now: Timestamp) -> Option<i64> {
        let dates = self.terms.policies.iter().flat_map(|policy| [policy.start, policy.end]);
        let dates = dates.chain([self.terms.valid_until]).flatten();
        dates.filter(|date| *date > now.micros()).min()
    }
}

/// The level that markings give at a time, if they give one.
pub(super) fn level(terms: &Terms, now: Timestamp) -> Option<Tlp> {
    let dated =
        terms.policies.iter().filter(|policy| policy.is_in_force(now)).filter_map(|policy| policy.tlp);
    terms.tlp.max(dated.max())
}

fn clear() -> Tlp {
    Tlp::Clear
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_clear(tlp: &Tlp) -> bool {
    *tlp == Tlp::Clear
}
