//! The expression of `MATCHES`: checked when the pattern is parsed, compiled when it is first needed.
//!
//! STIX 2.1 §9.6 asks for PCRE. Ours come from outside, so they run on an engine whose time is
//! linear in the value, and what only a backtracking engine can do is refused, never approximated.

mod class;
mod escape;
mod group;
mod translate;
mod weight;

use super::error::Error;
use regex::{Regex, RegexBuilder, bytes};
use std::sync::OnceLock;
use translate::{Mode, translate};
use unicode_normalization::{UnicodeNormalization, is_nfc};
use weight::Weight;

/// An expression with the form its engine takes.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    /// As the string literal says.
    pub(super) source: Box<str>,
    /// Why it is never evaluated although it is valid.
    pub(super) lacks: Option<Box<str>>,
    /// Something to warn of that does not hinder evaluation.
    pub(super) note: Option<&'static str>,
    weight: Weight,
    text: OnceLock<Option<Regex>>,
    bytes: OnceLock<Option<bytes::Regex>>,
}

impl Expression {
    /// Checks the syntax; `offset` is where the literal starts.
    pub(super) fn new(source: Box<str>, offset: usize) -> Result<Self, Error> {
        let checked = translate(&normalised(&source), Mode::Text).map_err(|flaw| {
            Error::meaning(offset, format!("MATCHES takes a PCRE expression, and this is none: {flaw}"))
        })?;
        Ok(Self {
            source,
            lacks: checked.lacks.map(Into::into),
            note: checked.note,
            weight: checked.weight,
            text: OnceLock::new(),
            bytes: OnceLock::new(),
        })
    }

    /// Steps that a search through a value of this length takes at most, and compiling before it.
    pub(super) fn cost(&self, length: usize) -> usize {
        let is_compiled = self.text.get().is_some() || self.bytes.get().is_some();
        let compile = if is_compiled { 0 } else { self.weight.states.saturating_mul(COMPILE_STEPS) };
        length.saturating_mul(1 + self.weight.positions / POSITIONS_PER_STEP).saturating_add(compile)
    }

    /// Searches a text, which the caller has brought into NFC; `None` when the engine cannot.
    pub(super) fn finds_in_text(&self, value: &str) -> Option<bool> {
        let regex = self.text.get_or_init(|| {
            let translated = translate(&normalised(&self.source), Mode::Text).ok()?;
            RegexBuilder::new(&translated.text)
                .dot_matches_new_line(true)
                .size_limit(SIZE_MAX_BYTES)
                .dfa_size_limit(DFA_MAX_BYTES)
                .nest_limit(NEST_MAX)
                .build()
                .ok()
        });
        Some(regex.as_ref()?.is_match(value))
    }

    /// Searches bytes without Unicode mode, where a code point below U+0100 is one byte.
    pub(super) fn finds_in_bytes(&self, value: &[u8]) -> Option<bool> {
        let regex = self.bytes.get_or_init(|| {
            let translated = translate(&normalised(&self.source), Mode::Bytes).ok()?;
            bytes::RegexBuilder::new(&translated.text)
                .unicode(false)
                .dot_matches_new_line(true)
                .size_limit(SIZE_MAX_BYTES)
                .dfa_size_limit(DFA_MAX_BYTES)
                .nest_limit(NEST_MAX)
                .build()
                .ok()
        });
        Some(regex.as_ref()?.is_match(value))
    }
}

/// The text in Normalization Form C; borrowed when it is already.
pub(super) fn normalised(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) { text.into() } else { text.nfc().collect::<String>().into() }
}

/// What a state costs to compile, in steps of the matcher.
const COMPILE_STEPS: usize = 50;
/// Positions that the engine advances in the time of one step.
const POSITIONS_PER_STEP: usize = 8;
/// Largest compiled expression.
const SIZE_MAX_BYTES: usize = 32 << 20;
/// Largest cache of the lazily built automaton.
const DFA_MAX_BYTES: usize = 2 << 20;
/// Deepest nesting the engine takes; above what `group` lets through.
const NEST_MAX: u32 = 600;
