//! What others say about an indicator (governance §13).

use crate::stix::Timestamp;
use std::collections::BTreeMap;

/// An `opinion` about an indicator, and whose it is (governance §13).
#[derive(Debug, Clone, Copy)]
pub struct Opinion<'a> {
    /// The organisation that holds it.
    pub organisation: &'a str,
    /// Its `opinion`, such as `strongly-disagree`.
    pub value: &'a str,
    /// True if it has an `explanation`, without which nobody is called wrong.
    pub is_explained: bool,
    /// True if it was taken back.
    pub revoked: bool,
    /// When it was given or changed.
    pub modified: Timestamp,
}

/// Who calls an indicator a false positive (governance §13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Votes {
    /// How many organisations disagree, the owner's included.
    pub against: u32,
    /// True if the owner is one of them.
    pub is_owner_against: bool,
}

impl Votes {
    /// Counts what each organisation said last, after an analyst last confirmed the indicator, if one did
    /// (governance §13).
    pub fn count<'a>(
        opinions: impl IntoIterator<Item = Opinion<'a>>,
        owner: &str,
        confirmed_at: Option<Timestamp>,
    ) -> Self {
        let mut last: BTreeMap<&str, Opinion<'a>> = BTreeMap::new();
        for opinion in opinions {
            let is_new = confirmed_at.is_none_or(|confirmed| opinion.modified > confirmed);
            let is_last =
                last.get(opinion.organisation).is_none_or(|other| opinion.modified >= other.modified);
            if is_new && is_last && !opinion.revoked {
                last.insert(opinion.organisation, opinion);
            }
        }
        let against = last.values().filter(|opinion| opinion.is_against());
        against.fold(Self::default(), |votes, opinion| Self {
            against: votes.against + 1,
            is_owner_against: votes.is_owner_against || opinion.organisation == owner,
        })
    }

    /// True if an indicator must be looked at again: so many disagree, or its owner does (governance §13).
    pub fn call_for_review(self, fp_review_votes: u32) -> bool {
        self.is_owner_against || self.against >= fp_review_votes.max(1)
    }
}

impl Opinion<'_> {
    fn is_against(&self) -> bool {
        self.is_explained && matches!(self.value, "disagree" | "strongly-disagree")
    }
}
