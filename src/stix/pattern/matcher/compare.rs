//! A value against the constant of a test (STIX 2.1 §9.6).

use super::like::like;
use super::path::Found;
use super::{Budget, MatchError};
use crate::stix::pattern::ast::{Check, Constant, Relation, Test};
use crate::stix::pattern::expression::{Expression, normalised};
use crate::stix::pattern::network::{lies_inside, network};
use crate::stix::timestamp::StixTime;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Whether a test without its `NOT` holds for one value; incompatible types do not compare.
pub(super) fn holds_for(test: &Test, found: &Found<'_>, budget: &mut Budget) -> Result<bool, MatchError> {
    Ok(match &test.check {
        Check::Exists => true,
        Check::Compare(relation, constant) => {
            budget.spend(size(found))?;
            related(*relation, order(found, constant))
        }
        Check::In(constants) => {
            budget.spend(constants.len())?;
            constants.iter().any(|constant| order(found, constant) == Some(Ordering::Equal))
        }
        Check::Like(pattern) => match text(found) {
            Some(value) => like(&normalised(&value), &normalised(pattern), budget)?,
            None => false,
        },
        Check::Matches(expression) => search(expression, found, budget)?.ok_or_else(|| too_large(test))?,
        Check::IsSubset(constant) => contained(found, constant, lies_inside),
        Check::IsSuperset(constant) => {
            contained(found, constant, |value, constant| lies_inside(constant, value))
        }
    })
}

fn related(relation: Relation, order: Option<Ordering>) -> bool {
    match (relation, order) {
        (Relation::NotEqual, order) => order != Some(Ordering::Equal),
        (_, None) => false,
        (Relation::Equal, Some(order)) => order.is_eq(),
        (Relation::Less, Some(order)) => order.is_lt(),
        (Relation::Greater, Some(order)) => order.is_gt(),
        (Relation::LessOrEqual, Some(order)) => order.is_le(),
        (Relation::GreaterOrEqual, Some(order)) => order.is_ge(),
    }
}

/// The order of value and constant, or `None` for types that do not compare.
fn order(found: &Found<'_>, constant: &Constant) -> Option<Ordering> {
    match (found, constant) {
        (Found::Json(Value::Bool(value)), Constant::Boolean(constant)) => Some(value.cmp(constant)),
        (Found::Json(Value::Number(value)), Constant::Integer(constant) | Constant::Float(constant)) => {
            compare_numbers(json_number(value)?, decimal(constant)?)
        }
        // UTF-8 sorts like the code points it encodes.
        (Found::Json(Value::String(value)), Constant::String(constant)) => Some(value.as_str().cmp(constant)),
        (Found::Json(Value::String(value)), Constant::Hex(constant) | Constant::Binary(constant)) => {
            Some(one_byte_each(value)?.as_slice().cmp(constant))
        }
        (Found::Json(Value::String(value)), Constant::Timestamp(constant)) => {
            Some(StixTime::parse(value)?.cmp(constant))
        }
        (Found::Bytes(value), Constant::String(constant)) => {
            Some(value.as_deref()?.cmp(one_byte_each(constant)?.as_slice()))
        }
        (Found::Bytes(value), Constant::Hex(constant) | Constant::Binary(constant)) => {
            Some(value.as_deref()?.cmp(constant))
        }
        _ => None,
    }
}

/// Code points as bytes, when all are below U+0100.
fn one_byte_each(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i128),
    Float(f64),
}

fn json_number(number: &serde_json::Number) -> Option<Number> {
    if let Some(whole) = number.as_i64() {
        return Some(Number::Whole(whole.into()));
    }
    if let Some(whole) = number.as_u64() {
        return Some(Number::Whole(whole.into()));
    }
    number.as_f64().map(Number::Float)
}

/// The number a literal stands for; exact when it is whole and has no more than 38 digits.
fn decimal(text: &str) -> Option<Number> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().all(|b| b == b'0')
        && let Ok(whole) = whole.parse()
    {
        return Some(Number::Whole(whole));
    }
    text.parse().ok().map(Number::Float)
}

fn compare_numbers(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Whole(a), Number::Float(b)) => whole_to_float(a, b),
        (Number::Float(a), Number::Whole(b)) => whole_to_float(b, a).map(Ordering::reverse),
    }
}

/// Exact, where converting the whole number to a float would round it.
fn whole_to_float(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float >= TWO_POW_127 {
        return Some(Ordering::Less);
    }
    if float < -TWO_POW_127 {
        return Some(Ordering::Greater);
    }
    let floor = float.floor();
    let ordering = whole.cmp(&(floor as i128));
    Some(if ordering.is_eq() && floor < float { Ordering::Less } else { ordering })
}

/// A value as text; bytes that are no UTF-8 count as one character each.
fn text<'a>(found: &'a Found<'_>) -> Option<Cow<'a, str>> {
    match found {
        Found::Json(Value::String(value)) => Some(value.as_str().into()),
        Found::Bytes(Some(bytes)) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().into(),
        }),
        _ => None,
    }
}

/// `None` when the engine refuses the expression.
fn search(
    expression: &Expression,
    found: &Found<'_>,
    budget: &mut Budget,
) -> Result<Option<bool>, MatchError> {
    budget.spend(expression.cost(size(found)))?;
    Ok(match found {
        Found::Json(Value::String(value)) => expression.finds_in_text(&normalised(value)),
        Found::Bytes(Some(bytes)) => expression.finds_in_bytes(bytes),
        _ => Some(false),
    })
}

fn too_large(test: &Test) -> MatchError {
    let reason = "the size of its compiled form".to_owned();
    MatchError::Expression { offset: test.constant_offset, reason }
}

fn contained(found: &Found<'_>, constant: &str, test: fn(&ipnet::IpNet, &ipnet::IpNet) -> bool) -> bool {
    let Found::Json(Value::String(value)) = found else { return false };
    match (network(value), network(constant)) {
        (Some(value), Some(constant)) => test(&value, &constant),
        _ => false,
    }
}

fn size(found: &Found<'_>) -> usize {
    match found {
        Found::Json(Value::String(value)) => value.len(),
        Found::Bytes(Some(bytes)) => bytes.len(),
        _ => 1,
    }
}

const TWO_POW_127: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
