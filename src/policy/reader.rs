//! What a client is, as a reader of a collection, and the lines that an object must pass for it.

use super::Handling;
use crate::stix::{Timestamp, Tlp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A client as a reader of one collection; what the registry says of both.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) collection: String,
    pub(super) client: Arc<str>,
    pub(super) organisation: String,
    /// The organisation's country and identity, as markings name them.
    pub(super) places: [String; 2],
    /// Its own identity, if it has one.
    pub(super) identity: Option<String>,
    pub(super) ceiling: Option<Ceiling>,
    /// The audiences that its organisation is in.
    pub(super) audiences: BTreeSet<String>,
    /// What it may use what it reads here for.
    pub(super) purposes: BTreeSet<String>,
    pub(super) understands: BTreeSet<String>,
    /// Originators that let it have what they control, with the end of each consent.
    pub(super) consents: BTreeMap<String, Option<i64>>,
}

/// The lowest of all ceilings, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// The most restricted level that passes.
    pub tlp: Tlp,
    /// Where it is set.
    pub place: &'static str,
}

/// A line of the decision, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Audiences that markings name.
    Audience,
    /// Releasability.
    Releasability,
    /// Every ceiling.
    Ceiling,
    /// What the level asks beyond ceilings.
    Recipient,
    /// Purposes.
    Purpose,
    /// Markings that must be understood.
    Understanding,
}

/// Why an object is not for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Not in an audience that a marking names.
    NotInAudience,
    /// Excluded, not included, or the marking has run out.
    NotReleasable,
    /// The originator controls who else receives it, and has not consented.
    OriginatorConsentMissing,
    /// Above a ceiling.
    TlpAboveCeiling,
    /// Not among those that the level is for.
    TlpNotRecipient,
    /// For other purposes.
    PurposeMismatch,
    /// With a marking that the client has not undertaken to keep.
    MarkingNotUnderstood,
}

impl Line {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Audience,
        Self::Releasability,
        Self::Ceiling,
        Self::Recipient,
        Self::Purpose,
        Self::Understanding,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audience => "audience",
            Self::Releasability => "releasability",
            Self::Ceiling => "TLP ceilings",
            Self::Recipient => "TLP recipients",
            Self::Purpose => "purposes",
            Self::Understanding => "markings understood",
        }
    }
}

impl Reason {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotInAudience => "not_in_audience",
            Self::NotReleasable => "not_releasable",
            Self::OriginatorConsentMissing => "originator_consent_missing",
            Self::TlpAboveCeiling => "tlp_above_ceiling",
            Self::TlpNotRecipient => "tlp_not_recipient",
            Self::PurposeMismatch => "purpose_mismatch",
            Self::MarkingNotUnderstood => "marking_not_understood",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Reader {
    /// Could it see what the other one does not?
    pub(super) fn sees_more_than(&self, other: &Self) -> bool {
        let ceiling = |reader: &Self| reader.ceiling.map(|ceiling| ceiling.tlp);
        let lasts = |(originator, end): (&String, &Option<i64>)| {
            other
                .consents
                .get(originator)
                .is_some_and(|other| other.is_none_or(|other| end.is_some_and(|end| end <= other)))
        };
        ceiling(self) > ceiling(other)
            || self.places != other.places
            || self.identity.as_ref().is_some_and(|_| self.identity != other.identity)
            || !self.audiences.is_subset(&other.audiences)
            || !self.purposes.is_subset(&other.purposes)
            || !self.understands.is_subset(&other.understands)
            || !self.consents.iter().all(lasts)
    }

    /// The first line that fails.
    pub(super) fn refusal(&self, handling: &Handling, now: Timestamp) -> Option<Reason> {
        Line::ALL.into_iter().find_map(|line| self.line(line, handling, now))
    }

    /// What one line says.
    pub(super) fn line(&self, line: Line, handling: &Handling, now: Timestamp) -> Option<Reason> {
        let is_own = handling.owner == self.organisation;
        match line {
            Line::Audience => {
                let named = &handling.terms.audiences;
                let in_all = named.iter().all(|set| set.iter().any(|id| self.audiences.contains(id)));
                (!in_all).then_some(Reason::NotInAudience)
            }
            Line::Releasability => self.releasability(handling, now, is_own),
            Line::Ceiling => {
                let passes = self.ceiling.is_some_and(|ceiling| handling.level(now) <= ceiling.tlp);
                (!passes).then_some(Reason::TlpAboveCeiling)
            }
            Line::Recipient => {
                let passes = match handling.level(now) {
                    Tlp::Clear | Tlp::Green | Tlp::Amber => true,
                    Tlp::AmberStrict => is_own || self.is_addressed(handling),
                    Tlp::Red => is_own || self.is_named(handling),
                };
                (!passes).then_some(Reason::TlpNotRecipient)
            }
            Line::Purpose => {
                let passes = handling
                    .purposes()
                    .is_none_or(|list| list.iter().any(|one| self.purposes.contains(*one)));
                (!passes).then_some(Reason::PurposeMismatch)
            }
            Line::Understanding => {
                let passes =
                    is_own || handling.terms.needs.iter().all(|need| self.understands.contains(need));
                (!passes).then_some(Reason::MarkingNotUnderstood)
            }
        }
    }

    fn releasability(&self, handling: &Handling, now: Timestamp, is_own: bool) -> Option<Reason> {
        let terms = &handling.terms;
        let has_ended = terms.valid_until.is_some_and(|end| now.micros() >= end);
        let is_in = |set: &BTreeSet<String>| self.places.iter().any(|place| set.contains(place));
        let excluded = is_in(&terms.not_rel_to) || terms.rel_to.as_ref().is_some_and(|set| !is_in(set));
        if has_ended || excluded {
            return Some(Reason::NotReleasable);
        }
        let consent = self.consents.get(&handling.owner);
        let has_consent = consent.is_some_and(|end| end.is_none_or(|end| now.micros() < end));
        let passes = !terms.originator_control || is_own || self.is_addressed(handling) || has_consent;
        (!passes).then_some(Reason::OriginatorConsentMissing)
    }

    /// Publishing here makes the collection's readers recipients if it is the owner who publishes;
    /// who relays can pass on to nobody what was for itself.
    fn is_addressed(&self, handling: &Handling) -> bool {
        handling.relay.as_ref().is_none_or(|relay| *relay == self.organisation)
    }

    fn is_named(&self, handling: &Handling) -> bool {
        let own = [Some(&self.places[1]), self.identity.as_ref()];
        handling
            .terms
            .recipients
            .as_ref()
            .is_some_and(|set| own.into_iter().flatten().any(|id| set.contains(id)))
    }
}
