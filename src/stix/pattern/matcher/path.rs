//! The values that an object path yields (STIX 2.1 §9.7).

use super::observation::Observed;
use super::{Budget, MatchError};
use crate::stix::pattern::ast::Step;
use crate::stix::pattern::literal::{decode_base64, decode_hex};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What stands at the end of a path.
#[derive(Debug)]
pub(super) enum Found<'v> {
    Json(&'v Value),
    /// A `_hex` or `_bin` property; `None` when its text is not well-formed.
    Bytes(Option<Box<[u8]>>),
    /// What a `_ref` names.
    Referenced(&'v Value),
    /// What a `_refs` names; places that do not resolve stay empty.
    ReferencedList(Vec<Option<&'v Value>>),
}

/// All values at the end of a path that starts at `root`.
pub(super) fn values<'v>(
    root: &'v Map<String, Value>,
    steps: &[Step],
    observed: &Observed<'v>,
    budget: &mut Budget,
) -> Result<Vec<Found<'v>>, MatchError> {
    let Some((Step::Property(first), steps)) = steps.split_first() else { return Ok(Vec::new()) };
    let mut reached: Vec<Found<'v>> = property(root, first, observed).into_iter().collect();
    for step in steps {
        budget.spend(reached.len())?;
        let mut next = Vec::new();
        for found in reached {
            advance(found, step, observed, &mut next);
        }
        if *step == Step::Any {
            budget.spend(next.len())?;
            drop_repeated(&mut next);
        }
        reached = next;
    }
    Ok(reached)
}

fn advance<'v>(found: Found<'v>, step: &Step, observed: &Observed<'v>, next: &mut Vec<Found<'v>>) {
    match (step, found) {
        (
            Step::Property(name),
            Found::Json(Value::Object(object)) | Found::Referenced(Value::Object(object)),
        ) => {
            next.extend(property(object, name, observed));
        }
        (Step::Index(at), Found::Json(Value::Array(list))) => {
            next.extend(element(list, *at).map(Found::Json))
        }
        (Step::Index(at), Found::ReferencedList(list)) => {
            next.extend(element(&list, *at).copied().flatten().map(Found::Referenced));
        }
        (Step::Any, Found::Json(Value::Array(list))) => next.extend(list.iter().map(Found::Json)),
        (Step::Any, Found::ReferencedList(list)) => {
            next.extend(list.into_iter().flatten().map(Found::Referenced))
        }
        _ => {}
    }
}

fn property<'v>(object: &'v Map<String, Value>, name: &str, observed: &Observed<'v>) -> Option<Found<'v>> {
    let value = object.get(name)?;
    let resolve = |reference: &Value| reference.as_str().and_then(|id| observed.resolve(id));
    if name.ends_with("_ref") {
        return resolve(value).map(Found::Referenced);
    }
    if name.ends_with("_refs") {
        return Some(Found::ReferencedList(value.as_array()?.iter().map(resolve).collect()));
    }
    match value {
        Value::String(text) if name.ends_with("_hex") => Some(Found::Bytes(decode_hex(text))),
        Value::String(text) if name.ends_with("_bin") => Some(Found::Bytes(decode_base64(text))),
        value => Some(Found::Json(value)),
    }
}

fn element<T>(list: &[T], at: u64) -> Option<&T> {
    list.get(usize::try_from(at).ok()?)
}

/// References may run in circles; an object reached twice leads nowhere new.
fn drop_repeated(reached: &mut Vec<Found<'_>>) {
    let mut seen = HashSet::new();
    reached.retain(|found| match found {
        Found::Referenced(value) => seen.insert(std::ptr::from_ref::<Value>(value)),
        _ => true,
    });
}
