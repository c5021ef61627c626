//! One observation against what stands between brackets.

use super::compare::holds_for;
use super::observation::Observed;
use super::path::{Found, values};
use super::{Budget, MatchError};
use crate::stix::pattern::ast::{Check, Comparison, Test};
use serde_json::{Map, Value};

/// Whether one single object of the observation fulfils all tests.
pub(super) fn holds(
    comparison: &Comparison,
    observed: &Observed<'_>,
    budget: &mut Budget,
) -> Result<bool, MatchError> {
    for root in &observed.roots {
        if holds_at(comparison, root, observed, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds_at<'v>(
    comparison: &Comparison,
    root: &'v Map<String, Value>,
    observed: &Observed<'v>,
    budget: &mut Budget,
) -> Result<bool, MatchError> {
    let (parts, decisive) = match comparison {
        Comparison::Test(test) => return test_holds(test, root, observed, budget),
        Comparison::And(parts) => (parts, false),
        Comparison::Or(parts) => (parts, true),
    };
    for part in parts {
        if holds_at(part, root, observed, budget)? == decisive {
            return Ok(decisive);
        }
    }
    Ok(!decisive)
}

fn test_holds<'v>(
    test: &Test,
    root: &'v Map<String, Value>,
    observed: &Observed<'v>,
    budget: &mut Budget,
) -> Result<bool, MatchError> {
    budget.spend(1)?;
    if root.get("type").and_then(Value::as_str) != Some(&test.path.object_type) {
        return Ok(false);
    }
    let found = values(root, &test.path.steps, observed, budget)?;
    if matches!(test.check, Check::Exists) {
        return Ok(found.iter().any(is_present) != test.negated);
    }
    for value in found.iter().filter(|value| is_present(value)) {
        if holds_for(test, value, budget)? != test.negated {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A list of references of which none resolves holds nothing.
fn is_present(found: &Found<'_>) -> bool {
    match found {
        Found::ReferencedList(list) => list.iter().any(Option::is_some),
        _ => true,
    }
}
