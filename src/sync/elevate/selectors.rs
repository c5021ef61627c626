//! Granular markings follow what they mark (STIX 2.1 §7.2.3).

use serde_json::{Map, Value};
use std::collections::HashMap;

/// Where properties went: the old path, and the new ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves(HashMap<String, Vec<String>>);

impl Moves {
    pub(super) fn add(&mut self, from: String, to: Vec<String>) {
        self.0.insert(from, to);
    }

    /// The paths that select now what this one selected: the longest part of it that has moved counts.
    pub(super) fn apply(&self, selector: &str) -> Vec<String> {
        let ends = [selector.len()].into_iter().chain(selector.rmatch_indices('.').map(|(at, _)| at));
        let moved =
            ends.map(|end| selector.split_at(end)).find_map(|(from, rest)| Some((self.0.get(from)?, rest)));
        match moved {
            Some((to, rest)) => to.iter().map(|to| format!("{to}{rest}")).collect(),
            None => vec![selector.to_owned()],
        }
    }

    /// Changes the selectors of an object whose properties have moved.
    pub(super) fn follow(&self, object: &mut Map<String, Value>) {
        if self.0.is_empty() {
            return;
        }
        let markings = object.get_mut("granular_markings").and_then(Value::as_array_mut);
        for selectors in markings.into_iter().flatten().filter_map(|marking| marking.get_mut("selectors")) {
            if let Some(old) = selectors.as_array().filter(|old| old.iter().all(Value::is_string)) {
                let new = old.iter().filter_map(Value::as_str).flat_map(|selector| self.apply(selector));
                *selectors = new.map(Value::from).collect();
            }
        }
    }
}
