//! The STIX pattern engine (STIX 2.1 §9): parse, check, print, explain and match patterns.
//!
//! Text goes through `lexer` and `parser` (with `comparison` for the inside of brackets) into
//! the tree of `ast`; `checks` and `expression` refuse what the grammar lets through, and
//! `warnings` warns, with `shapes` following paths through the object model. `print` writes the canonical form, `atoms` the plain values, `explain` prose.
//! `matcher` decides whether observations fulfil the pattern.

mod ast;
mod atoms;
mod checks;
mod comparison;
mod error;
mod explain;
mod expression;
mod hints;
mod lexer;
mod literal;
mod matcher;
mod network;
mod parser;
mod print;
mod shapes;
mod token;
mod warnings;

#[cfg(test)]
mod tests;

use crate::stix::timestamp::StixTime;
use ast::Observations;
use serde_json::Value;
use std::fmt;

pub use atoms::Atom;
pub use error::{Error, Warning};
pub use matcher::MatchError;

/// A STIX pattern that keeps the grammar and the rules of STIX 2.1 §9.
#[derive(Debug, Clone)]
pub struct Pattern {
    root: Observations,
    lexical: Vec<Warning>,
}

impl Pattern {
    /// Parses and checks a pattern.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (root, lexical) = parser::parse(text)?;
        Ok(Self { root, lexical })
    }

    /// What is odd without making the pattern invalid, in the order of the text.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut found = self.lexical.clone();
        warnings::of(&self.root, &mut found);
        found.sort_by_key(|warning| warning.offset);
        found
    }

    /// Intervals of `START … STOP` that leave the validity of the indicator (STIX 2.1 §4.7).
    pub fn warnings_of_validity(
        &self,
        valid_from: &StixTime,
        valid_until: Option<&StixTime>,
    ) -> Vec<Warning> {
        warnings::outside_validity(&self.root, valid_from, valid_until)
    }

    /// The values that fulfil the pattern each on its own; none when it asks for more than that.
    pub fn atoms(&self) -> Vec<Atom> {
        atoms::of(&self.root)
    }

    /// The pattern in plain words, in indented lines, with its warnings, canonical form and atoms.
    pub fn explain(&self) -> String {
        explain::explain(self)
    }

    /// Whether the observations fulfil the pattern, with the default limit of work.
    ///
    /// Each value is a bundle, an observed-data, or an object that observed-data refer to.
    /// Objects are looked up across all values, yet an observation consists of exactly the objects
    /// its observed-data names. Versions of one observed-data count as one.
    pub fn matches(&self, observations: &[Value]) -> Result<bool, MatchError> {
        self.matches_within(observations, MATCH_MAX_STEPS)
    }

    /// As [`Pattern::matches`], with the number of steps the caller allows.
    pub fn matches_within(&self, observations: &[Value], steps: u64) -> Result<bool, MatchError> {
        matcher::matches(&self.root, observations, steps)
    }
}

/// Writes the canonical form: an index key, never a replacement for the producer's text.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

/// Steps a match may take by default: a step looks at one value or one observation.
pub const MATCH_MAX_STEPS: u64 = 50_000_000;
