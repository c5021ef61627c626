//! What commands print, and how they end.

use std::io::{IsTerminal, Write};

/// How a command ends (sysexits.h where it has a number).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Refused or failed.
    Failed,
    /// Done in part, or out of date.
    Degraded,
    /// Arguments.
    Usage,
    /// Input that is not what it should be.
    BadData,
    /// A server that does not answer.
    Unreachable,
    /// Serving cannot go on: an input or output error.
    InputOutput,
    /// A server that says no.
    NotPermitted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Degraded => 2,
            Self::Usage => 64,
            Self::BadData => 65,
            Self::Unreachable => 69,
            Self::InputOutput => 74,
            Self::NotPermitted => 77,
        }
    }
}

/// An error that says how the command ends.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Stop {
    /// The end.
    pub exit: Exit,
    /// Cause and remedy.
    pub text: String,
}

/// An error with its exit.
pub(super) fn stop(exit: Exit, text: impl Into<String>) -> anyhow::Error {
    let text = text.into();
    Stop { exit, text }.into()
}

/// A line on standard output; a reader that has gone is no failure.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", shown(text));
}

/// A value as one JSON line.
pub(super) fn json<T: serde::Serialize>(value: &T) {
    line(&serde_json::to_string(value).unwrap_or_default());
}

/// A line on standard error.
pub(super) fn problem(text: &str) {
    let red = std::io::stderr().is_terminal();
    let word = if red { "\x1b[31merror:\x1b[0m" } else { "error:" };
    let _ = writeln!(std::io::stderr(), "{word} {}", shown(text));
}

/// A remark on standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", shown(text));
}

/// Text from outside as a terminal may have it: control characters and bidirectional marks escaped.
fn shown(text: &str) -> String {
    let dangerous = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let escape = |c: char| if dangerous(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
