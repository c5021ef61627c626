//! Tests of the pattern engine as a whole.

mod bindings;
mod canonical;
mod comparing;
mod expressions;
mod hostile;
mod mistakes;
mod observations;
mod oracle;
mod paths;
mod published;
mod reading;
mod words;

use super::{MatchError, Pattern};
use serde_json::{Value, json};

fn parse(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    match Pattern::parse(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

/// Codes of all warnings, in the order of the text.
fn codes(text: &str) -> Vec<&'static str> {
    parse(text).warnings().iter().map(|warning| warning.code).collect()
}

/// One observation at second 0 that holds these objects under the keys 0, 1 …
fn observing(objects: &[Value]) -> Value {
    at(0, 0, 1, objects)
}

/// An observation from one second to another, seen so many times.
fn at(first: u32, last: u32, count: u32, objects: &[Value]) -> Value {
    let keyed: serde_json::Map<String, Value> =
        objects.iter().enumerate().map(|(key, object)| (key.to_string(), object.clone())).collect();
    json!({
        "type": "observed-data",
        "first_observed": format!("2020-01-01T00:00:{first:02}Z"),
        "last_observed": format!("2020-01-01T00:00:{last:02}Z"),
        "number_observed": count,
        "objects": keyed,
    })
}

fn try_match(pattern: &str, observations: &[Value]) -> Result<bool, MatchError> {
    parse(pattern).matches(observations)
}

fn matches(pattern: &str, observations: &[Value]) -> bool {
    try_match(pattern, observations).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

/// Whether `[x-a:p …]` holds for an object whose property `p` has this value.
fn holds(test: &str, value: Value) -> bool {
    matches(&format!("[x-a:p {test}]"), &[observing(&[json!({"type": "x-a", "p": value})])])
}
