//! Observations as the matcher sees them (STIX 2.1 §4.14).

use super::MatchError;
use crate::stix::schema::{Class, is_known_type};
use crate::stix::timestamp::StixTime;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// One observed-data with the objects that belong to it.
#[derive(Debug)]
pub(super) struct Observed<'v> {
    pub(super) first: Instant,
    pub(super) last: Instant,
    /// That many interchangeable instances, each usable once.
    pub(super) count: u64,
    /// What paths may start at.
    pub(super) roots: Vec<&'v Map<String, Value>>,
    objects: HashMap<&'v str, &'v Value>,
}

impl<'v> Observed<'v> {
    /// The object of this observation that a reference names.
    pub(super) fn resolve(&self, reference: &str) -> Option<&'v Value> {
        self.objects.get(reference).copied()
    }
}

/// Femtoseconds since 1970: fraction digits after the fifteenth are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Instant(pub(super) i128);

impl Instant {
    pub(super) const MIN: Self = Self(i128::MIN);
    pub(super) const MAX: Self = Self(i128::MAX);

    pub(super) fn of(time: &StixTime) -> Self {
        Self(i128::from(time.micros()) * FEMTOS_PER_MICRO + i128::from(nine_digits(time.rest())))
    }

    /// The instant some seconds later, given as the decimal of `WITHIN`.
    pub(super) fn after(self, duration: Femtos) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

/// A length of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Femtos(i128);

impl Femtos {
    pub(super) fn of_seconds(decimal: &str) -> Self {
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let whole = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(i128::MAX) };
        let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
        let micros = micros.fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        let rest = i128::from(nine_digits(fraction.get(6..).unwrap_or("")));
        Self(
            whole
                .saturating_mul(FEMTOS_PER_MICRO * 1_000_000)
                .saturating_add(micros * FEMTOS_PER_MICRO + rest),
        )
    }
}

fn nine_digits(digits: &str) -> u32 {
    let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    padded.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// Reads bundles, observed-data and loose objects, sorted by first instant.
pub(super) fn collect(given: &[Value]) -> Result<Vec<Observed<'_>>, MatchError> {
    let mut pool = Pool::default();
    for (at, value) in given.iter().enumerate() {
        pool.take(at, value)?;
    }
    let mut observations = Vec::new();
    for (source, object) in pool.newest_versions() {
        observations.push(pool.observed(source, object)?);
    }
    observations.sort_by_key(|observed| observed.first);
    Ok(observations)
}

/// Everything given, before observations are put together.
#[derive(Debug, Default)]
struct Pool<'v> {
    observed: Vec<(usize, &'v Map<String, Value>)>,
    /// Other objects by identifier, with the number of the value they came in.
    others: HashMap<&'v str, Vec<(usize, &'v Value)>>,
}

impl<'v> Pool<'v> {
    fn take(&mut self, at: usize, value: &'v Value) -> Result<(), MatchError> {
        let fail = |reason: &str| {
            Err(MatchError::Observation { name: format!("value {at}"), reason: reason.into() })
        };
        match (text(value, "type"), value.get("objects")) {
            (Some("bundle"), Some(Value::Array(objects))) => {
                objects.iter().for_each(|object| self.add(at, object));
            }
            (Some("bundle"), None) => {}
            (Some("bundle"), Some(_)) => return fail("`objects` of a bundle is a list"),
            (Some(_), _) => self.add(at, value),
            (None, _) => return fail("neither a bundle nor an observed-data: it has no `type`"),
        }
        Ok(())
    }

    fn add(&mut self, at: usize, value: &'v Value) {
        let Value::Object(object) = value else { return };
        match (text(value, "type"), text(value, "id")) {
            (Some("observed-data"), _) => self.observed.push((at, object)),
            (_, Some(id)) => self.others.entry(id).or_default().push((at, value)),
            _ => {}
        }
    }

    /// One observed-data per identifier: another version is the same observation told anew.
    fn newest_versions(&self) -> Vec<(usize, &'v Map<String, Value>)> {
        let modified = |object: &Map<String, Value>| {
            object.get("modified").and_then(Value::as_str).and_then(StixTime::parse)
        };
        let mut newest: Vec<(usize, &Map<String, Value>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (at, object) in &self.observed {
            let id = object.get("id").and_then(Value::as_str);
            match id.and_then(|id| places.get(id).copied()) {
                Some(place) if modified(object) > modified(newest[place].1) => newest[place] = (*at, object),
                Some(_) => {}
                None => {
                    id.map(|id| places.insert(id, newest.len()));
                    newest.push((*at, object));
                }
            }
        }
        newest
    }

    fn observed(&self, source: usize, object: &'v Map<String, Value>) -> Result<Observed<'v>, MatchError> {
        let fail = |reason: &str| {
            let name = object.get("id").and_then(Value::as_str).unwrap_or("observed-data without id");
            Err(MatchError::Observation { name: name.to_owned(), reason: reason.to_owned() })
        };
        let instant = |name: &str| object.get(name).and_then(Value::as_str).and_then(StixTime::parse);
        let Some(first) = instant("first_observed") else {
            return fail("`first_observed` is missing or no STIX timestamp");
        };
        let Some(last) = instant("last_observed") else {
            return fail("`last_observed` is missing or no STIX timestamp");
        };
        if last < first {
            return fail("`last_observed` lies before `first_observed`");
        }
        let count =
            object.get("number_observed").and_then(Value::as_u64).filter(|n| (1..=COUNT_MAX).contains(n));
        let Some(count) = count else {
            return fail("`number_observed` is missing or no integer from 1 to 999999999");
        };
        let members = match (object.get("object_refs"), object.get("objects")) {
            (Some(Value::Array(references)), None) => self.referenced(source, references),
            (None, Some(Value::Object(container))) => {
                container.iter().map(|(key, value)| (key.as_str(), value)).collect()
            }
            (Some(_), Some(_)) => return fail("it has both `object_refs` and `objects`"),
            (None, None) => return fail("it has neither `object_refs` nor `objects`"),
            (Some(_), None) => return fail("`object_refs` is no list"),
            (None, Some(_)) => return fail("`objects` is no dictionary"),
        };
        let roots = members.iter().filter_map(|(_, value)| root(value)).collect();
        let objects = members.into_iter().collect();
        Ok(Observed { first: Instant::of(&first), last: Instant::of(&last), count, roots, objects })
    }

    /// Exactly the objects listed; those that came together with the observed-data are preferred.
    fn referenced(&self, source: usize, references: &'v [Value]) -> Vec<(&'v str, &'v Value)> {
        let mut found: Vec<(&str, &Value)> = Vec::new();
        for reference in references.iter().filter_map(Value::as_str) {
            let given = self.others.get(reference).map(Vec::as_slice).unwrap_or_default();
            let own = given.iter().find(|(at, _)| *at == source);
            if let Some((_, value)) = own.or(given.first()) {
                found.push((reference, value));
            }
        }
        found.sort_by_key(|(id, _)| *id);
        found.dedup_by_key(|(id, _)| *id);
        found
    }
}

/// Only observables, known or custom, are looked for.
fn root(value: &Value) -> Option<&Map<String, Value>> {
    let object = value.as_object()?;
    let name = object.get("type")?.as_str()?;
    matches!(is_known_type(name), None | Some(Class::Sco)).then_some(object)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

const FEMTOS_PER_MICRO: i128 = 1_000_000_000;
const COUNT_MAX: u64 = 999_999_999;
