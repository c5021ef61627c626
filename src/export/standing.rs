//! What an indicator is worth at a time, by the rules of its collection (governance §11, §13).

use super::feedback::Heard;
use crate::registry::{Collection, Registry};
use crate::stix::Timestamp;
use crate::stix::atom::{Kind, Source};
use crate::stix::expiry::{self, Facts, Model, Rules, State};

/// How fast the objects of a collection lose weight.
#[derive(Debug, Clone)]
pub struct Decay {
    model: Model,
}

impl Decay {
    /// As the collection chooses: one of the registry's models, or a built-in one.
    pub fn of(registry: &Registry, collection: &Collection) -> Self {
        let Some(name) = &collection.decay else { return Self { model: Model::NONE } };
        let own = registry.decays.iter().find(|model| model.id == *name);
        let own = own.and_then(|m| Model::polynomial(m.lifetime_days, m.decay_speed, m.threshold).ok());
        // The registry's check knows the name.
        Self { model: own.or_else(|| Model::named(name)).unwrap_or(Model::NONE) }
    }
}

/// What an indicator is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Its confidence, or what decay has left of it; unknown if it never was known.
    pub confidence: Option<u8>,
    /// When it is over, if it is known.
    pub until: Option<Timestamp>,
    /// When time alone changes any of this.
    pub changes: Option<Timestamp>,
}

/// What an indicator is worth as the source of a value of this kind, or of a rule.
pub fn standing(
    source: &Source,
    kind: Option<Kind>,
    heard: Option<Heard>,
    decay: &Decay,
    now: Timestamp,
) -> Standing {
    let rules =
        Rules { model: decay.model, ttl_days: kind.and_then(expiry::default_ttl), ..Rules::default() };
    let facts = Facts {
        confidence: source.confidence,
        valid_from: Timestamp::from_micros(source.valid_from()),
        valid_until: source.valid_until.map(Timestamp::from_micros),
        modified: Timestamp::from_micros(source.modified),
        last_seen: None,
        last_sighting: heard.and_then(|heard| heard.said.last_sighting),
        revoked: source.revoked,
        pattern_is_stix: source.pattern_type().is_none(),
        votes: heard.map(|heard| heard.votes()).unwrap_or_default(),
    };
    let view = expiry::view(&rules, &facts, now);
    let decays = decay.model != Model::NONE && facts.pattern_is_stix;
    let left = |confidence: u8| if decays { view.score.round().clamp(0.0, 100.0) as u8 } else { confidence };
    let fades = decays && source.confidence.is_some() && view.state == State::Active;
    let faded = fades.then(|| Timestamp::from_micros(now.micros() + HOUR));
    Standing {
        state: view.state,
        confidence: source.confidence.map(left),
        until: view.expires_at,
        changes: view.changes_at.into_iter().chain(faded).min(),
    }
}

/// So often what decay leaves of a confidence is looked at again, in microseconds.
const HOUR: i64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stix::atom::source_of;

    #[test]
    fn what_decay_leaves_is_looked_at_again_within_the_hour() {
        let now = Timestamp::parse("2026-03-05T00:00:00Z").unwrap();
        let json = |more: &str| format!(r#"{{"i":"indicator--1","c":80,"m":{}{more}}}"#, now.micros());
        let source = |more| source_of(json(more).as_bytes()).unwrap();
        let (source, rule) = (source(""), source(r#","p":"yara""#));
        let of = |source: &Source, model| {
            standing(source, Some(Kind::FileMd5), None, &Decay { model }, now).changes
        };
        let model = Model::polynomial(100.0, 1.0, 30.0).unwrap();
        assert_eq!(of(&source, model), Some(Timestamp::from_micros(now.micros() + HOUR)));
        assert_eq!(of(&source, Model::NONE), None);
        assert_eq!(of(&rule, model), None);
    }
}
