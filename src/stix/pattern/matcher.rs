//! Decides whether observations fulfil a pattern (STIX 2.1 §9, conformance level 3).
//!
//! `observation` reads what is given, `bracket` tests single observations along `path`s with
//! `compare`, `plan` turns the pattern into demands for observations, and `search` looks for
//! a binding that gives every demand instances of its own, with `flow` dealing them out.

mod bracket;
mod compare;
mod flow;
mod like;
mod observation;
mod path;
mod plan;
mod search;

use super::ast::{Check, Observations};
use serde_json::Value;

/// Why it stays open whether a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// What was given cannot be read as observations.
    #[error("{name}: {reason}")]
    Observation {
        /// The identifier of the object, or its place.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The expression of a `MATCHES` needs what our engine lacks.
    #[error("not evaluated: the expression at byte {offset} cannot be evaluated because of: {reason}")]
    Expression {
        /// Where in the pattern its literal starts.
        offset: usize,
        /// What is lacking.
        reason: String,
    },
    /// The work allowed is spent.
    #[error("not evaluated: the limit of {steps} steps is reached")]
    Limit {
        /// The steps allowed.
        steps: u64,
    },
}

/// Whether some binding fulfils the pattern, found within a number of steps.
pub(super) fn matches(root: &Observations, given: &[Value], steps: u64) -> Result<bool, MatchError> {
    every_expression_works(root)?;
    let observations = observation::collect(given)?;
    let mut budget = Budget::new(steps);
    if let Observations::Bracket(comparison) = root {
        for observation in &observations {
            if bracket::holds(comparison, observation, &mut budget)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match plan::build(root, &observations, &mut budget)? {
        Some(plan) => search::binding_exists(&plan, &observations, &mut budget),
        None => Ok(false),
    }
}

/// Answers must not depend on which side of an `OR` is looked at first.
fn every_expression_works(root: &Observations) -> Result<(), MatchError> {
    let mut first = Ok(());
    root.each_test(&mut |test| {
        if let Check::Matches(expression) = &test.check
            && let Some(lacks) = &expression.lacks
            && first.is_ok()
        {
            first = Err(MatchError::Expression { offset: test.constant_offset, reason: lacks.to_string() });
        }
    });
    first
}

/// The work still allowed.
#[derive(Debug)]
struct Budget {
    left: u64,
    steps: u64,
}

impl Budget {
    fn new(steps: u64) -> Self {
        Self { left: steps, steps }
    }

    fn spend(&mut self, steps: usize) -> Result<(), MatchError> {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(MatchError::Limit { steps: self.steps }),
        }
    }
}
