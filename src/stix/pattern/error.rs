//! What is wrong with a pattern, or merely odd.

use std::borrow::Cow;
use std::fmt;

/// Why a text is no STIX pattern (STIX 2.1 §9), or not one this product takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text leaves the grammar.
    #[error("byte {offset}: expected {expected}, found {found}{}", Advice(hint))]
    Syntax {
        /// Bytes before the place.
        offset: usize,
        /// What the grammar allows there.
        expected: Cow<'static, str>,
        /// What stands there.
        found: String,
        /// What to write instead, or empty.
        hint: String,
    },
    /// The grammar is kept, a rule of the standard is not.
    #[error("byte {offset}: {message}")]
    Meaning {
        /// Bytes before the place.
        offset: usize,
        /// The rule and what to write instead.
        message: String,
    },
    /// The pattern is larger than this product evaluates.
    #[error("byte {offset}: {what} over the limit of {limit}")]
    Limit {
        /// Bytes before the place.
        offset: usize,
        /// What was counted.
        what: &'static str,
        /// The largest number allowed.
        limit: usize,
    },
}

impl Error {
    /// Bytes of the text before the mistake.
    pub fn offset(&self) -> usize {
        match self {
            Self::Syntax { offset, .. } | Self::Meaning { offset, .. } | Self::Limit { offset, .. } => {
                *offset
            }
        }
    }

    pub(super) fn meaning(offset: usize, message: impl Into<String>) -> Self {
        Self::Meaning { offset, message: message.into() }
    }
}

/// Something valid, or tolerated, that is probably not what the author meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable name of the check, such as `pattern.type`.
    pub code: &'static str,
    /// Bytes of the text before the place.
    pub offset: usize,
    /// What is odd and what to write instead.
    pub message: Cow<'static, str>,
}

impl Warning {
    pub(super) fn new(code: &'static str, offset: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, offset, message: message.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {} [{}]", self.offset, self.message, self.code)
    }
}

struct Advice<'a>(&'a str);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; {}", self.0) }
    }
}
