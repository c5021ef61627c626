//! States of an indicator and how its score decays (governance §11, and §13 on what sightings and opinions
//! do): a view, computed from what is stored, that changes no object.

mod feedback;
mod model;

pub use feedback::{Opinion, Votes};
pub use model::{Model, NoModel, expires_at, score};

use crate::stix::Timestamp;
use crate::stix::atom::Kind;

/// What an indicator is good for at a time; exports have `Active` ones only (governance §11.1, §13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not valid yet.
    Pending,
    /// Valid.
    Active,
    /// No longer valid, or decayed.
    Expired,
    /// Taken back for good.
    Revoked,
    /// Valid, and disputed as a false positive.
    Review,
}

/// What is stored about an indicator (governance §11.1, §11.2).
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// `confidence`; unknown is not 0.
    pub confidence: Option<u8>,
    /// `valid_from`.
    pub valid_from: Timestamp,
    /// `valid_until`.
    pub valid_until: Option<Timestamp>,
    /// `modified`.
    pub modified: Timestamp,
    /// When what it describes was last seen, if anybody says so.
    pub last_seen: Option<Timestamp>,
    /// The last true-positive sighting.
    pub last_sighting: Option<Timestamp>,
    /// `revoked`.
    pub revoked: bool,
    /// True if `pattern_type` is `stix`; others never decay.
    pub pattern_is_stix: bool,
    /// Who calls it a false positive.
    pub votes: Votes,
}

/// What the operator decides about expiry (governance §11, §13).
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How scores decay in this collection.
    pub model: Model,
    /// The score at the start where an indicator has no `confidence`.
    pub default_base: u8,
    /// So many organisations that disagree lead to a review.
    pub fp_review_votes: u32,
    /// For exports, how long an indicator without `valid_until` counts: see [`default_ttl`].
    pub ttl_days: Option<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { model: Model::NONE, default_base: 80, fp_review_votes: 2, ttl_days: None }
    }
}

/// What an indicator is worth now (governance §11.4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Its state.
    pub state: State,
    /// Its score, 0 to 100.
    pub score: f64,
    /// When it expires or has expired, by date or by decay, if nothing new is heard of it.
    pub expires_at: Option<Timestamp>,
    /// The next moment after now at which the state may be another one, without anything new being stored.
    pub changes_at: Option<Timestamp>,
}

/// The view of an indicator (governance §11.4).
pub fn view(rules: &Rules, facts: &Facts, now: Timestamp) -> View {
    let model = if facts.pattern_is_stix { rules.model } else { Model::NONE };
    let base = f64::from(facts.confidence.unwrap_or(rules.default_base).min(100));
    let reference = reference(facts, now);
    let by_date = facts.valid_until.or_else(|| {
        let days = i64::from(rules.ttl_days?);
        Some(later(reference.max(facts.valid_from), days.saturating_mul(DAY_MICROS)))
    });
    let by_decay = expires_at(model, base, reference);
    let expires_at = by_date.into_iter().chain(by_decay).min();
    let state = state_of(rules, facts, expires_at, now);
    let is_final = state == State::Revoked;
    let moments = [Some(facts.valid_from), expires_at, facts.last_seen, facts.last_sighting];
    let moments = moments.into_iter().flatten().chain([facts.modified]);
    let changes_at = moments.filter(|moment| *moment > now && !is_final).min();
    // What was made by a clock ahead of ours is fresh.
    let score = score(model, base, reference.min(now), now);
    View { state, score, expires_at, changes_at }
}

/// The state of an indicator (governance §11.1): revoked before all, then dates and decay, then disputes.
pub fn state(rules: &Rules, facts: &Facts, now: Timestamp) -> State {
    view(rules, facts, now).state
}

/// What decay is counted from: the newest of sighting, last seen and modification (governance §11.2). What
/// is said to happen after now does not count yet, or a wrong date would keep an indicator alive for ever.
pub fn reference(facts: &Facts, now: Timestamp) -> Timestamp {
    let times = [Some(facts.modified), facts.last_seen, facts.last_sighting];
    times.into_iter().flatten().filter(|time| *time <= now).max().unwrap_or(facts.modified)
}

/// For how many days a list keeps a value whose indicator has no `valid_until` (governance §11.1).
pub fn default_ttl(kind: Kind) -> Option<u32> {
    match kind {
        Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network | Kind::Url => Some(30),
        Kind::Domain | Kind::Email => Some(180),
        Kind::FileMd5
        | Kind::FileSha1
        | Kind::FileSha256
        | Kind::FileSha512
        | Kind::FileSsdeep
        | Kind::CertificateMd5
        | Kind::CertificateSha1
        | Kind::CertificateSha256 => None,
        Kind::Iban | Kind::Account | Kind::Phone | Kind::Wallet => Some(365),
        // A whole network of others is blocked with it.
        Kind::AsNumber => Some(30),
        // They stay with a tool, yet others may bear the same names.
        Kind::FileName | Kind::Mac | Kind::Mutex | Kind::RegistryKey | Kind::UserAgent => Some(365),
    }
}

fn state_of(rules: &Rules, facts: &Facts, expires_at: Option<Timestamp>, now: Timestamp) -> State {
    match () {
        () if facts.revoked => State::Revoked,
        () if now < facts.valid_from => State::Pending,
        () if expires_at.is_some_and(|moment| now >= moment) => State::Expired,
        () if facts.votes.call_for_review(rules.fp_review_votes) => State::Review,
        () => State::Active,
    }
}

fn later(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(time.micros().saturating_add(micros))
}

const SECOND_MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;

#[cfg(test)]
mod tests;
