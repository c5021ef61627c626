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
    let text = serde_json::to_string(value).unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "{}", escaped(&text));
}

/// A text of several lines: for a terminal made harmless, for a file or a program as it is.
pub(super) fn text(text: &str) {
    let mut stdout = std::io::stdout();
    let text = if stdout.is_terminal() { shown(text) } else { text.to_owned() };
    let _ = writeln!(stdout, "{text}");
}

/// A JSON text in which dangerous characters are written with escapes.
pub(super) fn escaped(text: &str) -> String {
    let escape = |c: char, out: &mut String| match is_dangerous(c) {
        true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        false => out.push(c),
    };
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        escape(c, &mut out);
        out
    })
}

/// Text from outside that must stay within its line.
pub(super) fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
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
pub(super) fn shown(text: &str) -> String {
    let escape = |c: char| if is_dangerous(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Characters that a terminal obeys, or that nobody sees.
fn is_dangerous(c: char) -> bool {
    let invisible = ['\u{ad}', '\u{61c}', '\u{180e}', '\u{feff}'];
    (c.is_control() && c != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{2028}'..='\u{202e}').contains(&c)
        || ('\u{2060}'..='\u{206f}').contains(&c)
        || ('\u{e0000}'..='\u{e007f}').contains(&c)
        || invisible.contains(&c)
}
