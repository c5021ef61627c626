//! What was found.

use super::path::Path;
use super::{Judge, Profile};
use crate::stix::json::{Defect, Value};
use serde::Serialize;
use std::fmt;

/// One thing that is wrong, or could be better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub code: &'static str,
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong and what to do.
    pub message: String,
    /// The value as it is written, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// In how many places; the pointer is the first.
    #[serde(skip_serializing_if = "is_one")]
    pub count: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "the object" } else { &self.pointer };
        write!(f, "{}: `{pointer}`", self.code)?;
        if let Some(value) = &self.value {
            write!(f, " is {value}")?;
        }
        write!(f, "; {}", self.message)?;
        match self.count {
            1 => Ok(()),
            count => write!(f, " ({count} places)"),
        }
    }
}

/// All that was found of an object.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What refuses it.
    pub errors: Vec<Finding>,
    /// What does not.
    pub warnings: Vec<Finding>,
    /// Errors that were found after those kept.
    pub more_errors: usize,
}

impl Findings {
    /// Is it acceptable?
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// The first errors in words, and how many more there are.
    pub fn in_words(&self) -> String {
        let first: Vec<String> = self.errors.iter().take(ERRORS_TOLD).map(ToString::to_string).collect();
        let more = self.errors.len() - first.len() + self.more_errors;
        let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
        let mut told = first.join("; ");
        if told.len() > WORDS_MAX_BYTES {
            told = told.chars().take(WORDS_MAX_BYTES / 4).chain(['…']).collect();
        }
        told + &rest
    }

    /// Joins warnings that say the same of several places.
    pub fn group(&mut self) {
        let mut grouped: Vec<Finding> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for warning in self.warnings.drain(..) {
            let key = (warning.code, general(&warning.pointer));
            let at = *places.entry(key).or_insert(grouped.len());
            match grouped.get_mut(at) {
                Some(first) => first.count += warning.count,
                None => grouped.push(warning),
            }
        }
        self.warnings = grouped;
    }

    /// The same findings, of an object at this place of a larger whole.
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        for finding in self.errors.iter_mut().chain(&mut self.warnings) {
            finding.pointer.insert_str(0, prefix);
        }
        self
    }

    /// Takes over the findings of another.
    pub fn extend(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.warnings.extend(other.warnings);
        self.more_errors += other.more_errors;
    }
}

/// A pointer without the positions in lists.
fn general(pointer: &str) -> String {
    let step = |step: &str| {
        let is_position = !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
        if is_position { "*".to_owned() } else { step.to_owned() }
    };
    pointer.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// How much an error weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Refuses under every profile.
    Always,
    /// Refuses under `strict` and `interop`.
    Usual,
    /// Refuses under `strict` only.
    Relaxed,
}

impl Judge<'_> {
    /// Notes what breaks a MUST.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        path: &Path,
        value: Option<Value>,
        expected: impl Into<String>,
    ) {
        self.weighed(Weight::Usual, code, path, value, expected);
    }

    /// Notes what breaks a MUST, with its weight.
    pub(super) fn weighed(
        &mut self,
        weight: Weight,
        code: &'static str,
        path: &Path,
        value: Option<Value>,
        expected: impl Into<String>,
    ) {
        let refuses = match (self.options.profile, weight) {
            _ if self.excused => false,
            (_, Weight::Always) | (Profile::Strict, _) => true,
            (Profile::Interop, weight) => weight == Weight::Usual,
            (Profile::Permissive, _) => false,
        };
        if !refuses {
            return self.advise(code, path, value, || expected.into());
        }
        if self.findings.errors.len() == ERRORS_KEPT {
            self.findings.more_errors += 1;
            return;
        }
        self.findings.errors.push(finding(code, path, value, expected.into()));
    }

    /// Notes what breaks a SHOULD, if anybody wants to know.
    pub(super) fn advise(
        &mut self,
        code: &'static str,
        path: &Path,
        value: Option<Value>,
        expected: impl FnOnce() -> String,
    ) {
        if self.options.advise && self.findings.warnings.len() < WARNINGS_KEPT {
            self.findings.warnings.push(finding(code, path, value, expected()));
        }
    }

    /// Notes what the reader of JSON found wrong with the object alone.
    pub(super) fn defect(&mut self, defect: &Defect) {
        self.weighed(Weight::Always, "json.syntax", &super::path::ROOT, None, defect.to_string());
    }
}

fn finding(code: &'static str, path: &Path, value: Option<Value>, mut message: String) -> Finding {
    if message.len() > MESSAGE_MAX_BYTES {
        // It quotes what is not ours.
        message = message.chars().take(MESSAGE_MAX_BYTES / 4).chain(['…']).collect();
    }
    Finding {
        code,
        pointer: path.pointer(),
        message,
        value: value.map(|value| shortened(value.raw())),
        count: 1,
    }
}

/// A value as it is written, on one line of a bearable length.
fn shortened(raw: &[u8]) -> String {
    // Cut first: a value may be very long, and only its beginning is shown.
    let head = &raw[..raw.len().min(VALUE_SHOWN * 4)];
    let text = String::from_utf8_lossy(head);
    let mut shown: String = text.chars().take(VALUE_SHOWN).collect();
    if shown.len() < raw.len() {
        shown.push('…');
    }
    shown
}

/// In a status.
const ERRORS_TOLD: usize = 3;
const WORDS_MAX_BYTES: usize = 3_000;
/// Of one object; a hostile one could fill memory otherwise.
const ERRORS_KEPT: usize = 100;
const WARNINGS_KEPT: usize = 10_000;
const MESSAGE_MAX_BYTES: usize = 2_000;
/// Characters.
const VALUE_SHOWN: usize = 100;
