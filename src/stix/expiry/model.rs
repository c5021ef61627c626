//! Curves by which scores decay (governance §11.2, §11.3).

use super::{SECOND_MICROS, later};
use crate::stix::Timestamp;

/// How a score decays; only curves that fall from the base to 0 can be made (governance §11.2, §11.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model(Option<Curve>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Curve {
    lifetime_days: f64,
    exponent: f64,
    threshold: f64,
    /// True if a score that has come down to the threshold counts as decayed, and not only one below.
    is_decayed_at: bool,
}

/// Why there is no such model (governance §11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoModel(&'static str);

impl Model {
    /// Nothing decays (governance §11.4).
    pub const NONE: Self = Self(None);

    /// The polynomial model: decayed below the threshold (governance §11.2).
    pub fn polynomial(lifetime_days: f64, decay_speed: f64, threshold: f64) -> Result<Self, NoModel> {
        Self::new(lifetime_days, decay_speed, threshold, false)
    }

    /// The variant of OpenCTI: decayed at the revoke score (governance §11.3).
    pub fn opencti(lifetime_days: f64, pound: f64, revoke_score: f64) -> Result<Self, NoModel> {
        Self::new(lifetime_days, 3.0 * pound, revoke_score, true)
    }

    /// A model that is built in (governance §11.2, §11.3).
    pub fn named(name: &str) -> Option<Self> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, model)| *model)
    }

    /// The names of the models that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    fn new(lifetime_days: f64, speed: f64, threshold: f64, is_decayed_at: bool) -> Result<Self, NoModel> {
        // Written so that no NaN passes.
        if !(lifetime_days > 0.0 && lifetime_days <= LIFETIME_DAYS_MAX) {
            return Err(NoModel("the lifetime must be more than 0 and at most 36,500 days"));
        }
        if !(SPEED_MIN..=SPEED_MAX).contains(&speed) {
            return Err(NoModel("the speed must be from 0.01 to 100 (of pounds, a third of that)"));
        }
        if !(0.0..=100.0).contains(&threshold) {
            return Err(NoModel("the threshold must be from 0 to 100"));
        }
        Ok(Self(Some(Curve { lifetime_days, exponent: 1.0 / speed, threshold, is_decayed_at })))
    }
}

impl Curve {
    fn score(&self, base: f64, seconds: i64) -> f64 {
        let part = seconds as f64 / (self.lifetime_days * DAY_SECONDS);
        match part < 1.0 {
            true => (base * (1.0 - part.powf(self.exponent))).max(0.0),
            false => 0.0,
        }
    }

    fn is_decayed(&self, score: f64) -> bool {
        score < self.threshold || (self.is_decayed_at && score <= self.threshold)
    }

    fn lifetime_secs(&self) -> i64 {
        (self.lifetime_days * DAY_SECONDS).ceil() as i64
    }
}

/// The score at a time, falling once a second; before the reference it is 0 (governance §11.2).
pub fn score(model: Model, base: f64, reference: Timestamp, now: Timestamp) -> f64 {
    let seconds = now.micros().saturating_sub(reference.micros()).div_euclid(SECOND_MICROS);
    match model.0 {
        None => base,
        Some(_) if seconds < 0 => 0.0,
        Some(curve) => curve.score(base, seconds),
    }
}

/// The first moment at which [`score`] counts as decayed, a whole number of seconds after the reference;
/// none if it never does (governance §11.2, §11.3).
pub fn expires_at(model: Model, base: f64, reference: Timestamp) -> Option<Timestamp> {
    let curve = model.0?;
    let is_decayed = |seconds: i64| curve.is_decayed(curve.score(base, seconds));
    let (mut good, mut decayed) = (-1, curve.lifetime_secs());
    if !is_decayed(decayed) {
        return None;
    }
    // Halving asks the very function that scores, so that both always agree; solving would round.
    while decayed - good > 1 {
        let middle = good + (decayed - good) / 2;
        match is_decayed(middle) {
            true => decayed = middle,
            false => good = middle,
        }
    }
    Some(later(reference, decayed.saturating_mul(SECOND_MICROS)))
}

const BUILT_IN: [(&str, Model); 9] = [
    ("none", Model::NONE),
    ("network", polynomial(120.0, 2.0)),
    ("phishing", polynomial(3.0, 2.3)),
    ("voice-scam", polynomial(10.0, 2.3)),
    ("opencti-ip", opencti(47.0, 0.55)),
    ("opencti-url", opencti(47.0, 0.55)),
    ("opencti-domain", opencti(300.0, 0.7)),
    ("opencti-file", opencti(460.0, 0.3)),
    ("opencti", opencti(470.0, 0.35)),
];

const fn polynomial(lifetime_days: f64, decay_speed: f64) -> Model {
    Model(Some(Curve { lifetime_days, exponent: 1.0 / decay_speed, threshold: 30.0, is_decayed_at: false }))
}

const fn opencti(lifetime_days: f64, pound: f64) -> Model {
    Model(Some(Curve { lifetime_days, exponent: 1.0 / (3.0 * pound), threshold: 20.0, is_decayed_at: true }))
}

const DAY_SECONDS: f64 = 86_400.0;
const LIFETIME_DAYS_MAX: f64 = 36_500.0;
const SPEED_MIN: f64 = 0.01;
const SPEED_MAX: f64 = 100.0;
