//! What the formats share that write one record for each value.

#[cfg(test)]
pub(super) mod testing;

use super::{TEXT_MAX, one_line};
use crate::export::row::Facts;
use crate::stix::{Timestamp, Tlp};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Options of a format that has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoOptions {}

/// A time in seconds, with a fraction only where there is one: `2026-11-23T06:00:00Z`.
#[derive(Clone, Copy)]
pub(super) struct Seconds(pub(super) Timestamp);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.'))?;
        f.write_str("Z")
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time in milliseconds: `2026-11-23T06:00:00.000Z`.
#[derive(Clone, Copy)]
pub(super) struct Millis(pub(super) Timestamp);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.get(..23).unwrap_or(&text))?;
        f.write_str("Z")
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Free text as one line of at most 200 characters (export formats §1).
pub(super) fn line(text: &str) -> Cow<'_, str> {
    let is_plain = text.len() <= TEXT_MAX
        && text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !text.contains("  ")
        && text.trim_ascii().len() == text.len();
    match is_plain {
        true => Cow::Borrowed(text),
        false => Cow::Owned(one_line(text, TEXT_MAX).trim_end().to_owned()),
    }
}

/// What the object says of itself, in one line: its name, else its description.
pub(super) fn summary(facts: &Facts) -> Cow<'_, str> {
    match line(&facts.name) {
        name if name.is_empty() => line(&facts.description),
        name => name,
    }
}

/// The names of those behind it, in one field.
pub(super) fn owners(facts: &Facts) -> Cow<'_, str> {
    match &facts.owners[..] {
        [one] => line(one),
        several => Cow::Owned(several.iter().map(|owner| line(owner)).collect::<Vec<_>>().join(", ")),
    }
}

/// A level of TLP 1.0, whatever the export writes elsewhere (governance §1.8).
pub(super) fn old_tlp(tlp: Tlp) -> &'static str {
    crate::export::row::TlpWrite::One.word(tlp)
}

/// The media type of JSON lines.
pub(super) const JSON_LINES: &str = "application/x-ndjson";
/// The media type of CSV.
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_show_what_they_have() {
        let time = |micros: i64| Timestamp::from_micros(1_795_413_600_000_000 + micros);
        assert_eq!(Seconds(time(0)).to_string(), "2026-11-23T06:00:00Z");
        assert_eq!(Seconds(time(120_000)).to_string(), "2026-11-23T06:00:00.12Z");
        assert_eq!(Millis(time(0)).to_string(), "2026-11-23T06:00:00.000Z");
        assert_eq!(Millis(time(123_999)).to_string(), "2026-11-23T06:00:00.123Z");
    }

    #[test]
    fn plain_text_stays_and_other_text_becomes_a_line() {
        assert!(matches!(line("two words"), Cow::Borrowed("two words")));
        assert_eq!(line(" a\u{202e}\nb "), "a b");
        assert_eq!(line(&format!("{} b", "a".repeat(199))).len(), 199);
    }
}
