//! Numbers with a name: vulnerabilities and autonomous systems.

use super::lex;
use crate::stix::atom::{Atom, Kind};
use std::ops::Range;

/// A CVE number that begins at a place, in upper case, and where it ends.
pub(super) fn cve(text: &str, at: usize) -> Option<(String, usize)> {
    let after = strip_word(text, at, "CVE")?;
    let year_start = dash(text, after)?;
    let year = digits(text, year_start, 4)?;
    let number_start = dash(text, year.end)?;
    let number = digits(text, number_start, NUMBER_DIGITS_MAX)?;
    let is_year = text[year.clone()].starts_with("19") || text[year.clone()].starts_with("20");
    let is_apart = !text[number.end..].starts_with(|c: char| c.is_alphanumeric());
    let holds = is_year && year.len() == 4 && number.len() >= 4 && is_apart;
    holds.then(|| (format!("CVE-{}-{}", &text[year], &text[number.clone()]), number.end))
}

/// Hyphens, dashes and what replaces them in names of files.
fn dash(text: &str, at: usize) -> Option<usize> {
    let c = text[at..].chars().next()?;
    matches!(c, '-' | '_' | ' ' | '\u{2010}'..='\u{2015}' | '\u{2212}').then_some(at + c.len_utf8())
}

/// The numbers of autonomous systems that a text names at a place, each with its place.
///
/// `AS64496`, `AS 64496`, `ASN: 64496`; after `ASN` or `ASNs` a list of numbers may follow.
pub(super) fn systems(text: &str, at: usize) -> Vec<(Atom, Range<usize>)> {
    let word_end = at + text.as_bytes()[at..].iter().take_while(|b| b.is_ascii_alphabetic()).take(12).count();
    let word = &text[at..word_end];
    let mut found = Vec::new();
    let is_number = word.eq_ignore_ascii_case("ASN") || word.eq_ignore_ascii_case("ASNs");
    let mut next = if is_number {
        number_after_name(text, word_end)
    } else if word.eq_ignore_ascii_case("AS") {
        number_after_as(text, word_end, word)
    } else if word.eq_ignore_ascii_case("autonomous") {
        number_after_words(text, word_end)
    } else {
        None
    };
    while let Some(range) = next.filter(|range| is_number || !is_of_other(text, range)) {
        let Ok(atom) = Atom::parse(Kind::AsNumber, &text[range.clone()]) else { break };
        if atom.text() == "0" {
            break;
        }
        next = if is_number { next_of_list(text, range.end) } else { None };
        found.push((atom, if found.is_empty() { at..range.end } else { range }));
    }
    found
}

/// A machine, a standard of quality, a year of a collection of laws: no report calls them networks.
fn is_of_other(text: &str, range: &Range<usize>) -> bool {
    let number = &text[range.clone()];
    let is_certified = || {
        let (before, after) = super::around::neighbourhood(text, range.start, range.end);
        [before, after].iter().any(|part| part.contains("ISO") || part.contains("ertifi"))
    };
    let is_year = number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
    let is_page = || lex::byte(text, range.end) == Some(b' ') && digits(text, range.end + 1, 4).is_some();
    number == "400" || is_year && is_page() || matches!(number, "9100" | "9110" | "9120") && is_certified()
}

/// After `AS`: the digits at once in any case, or after a blank if it is in capitals and no word of a sentence.
fn number_after_as(text: &str, at: usize, word: &str) -> Option<Range<usize>> {
    // Two digits are a protocol or a release of something else.
    if let Some(range) = number(text, at) {
        return Some(range).filter(|range| range.len() >= 3);
    }
    let is_capital = word == "AS";
    let start = match lex::byte(text, at)? {
        b' ' | b'-' | b'#' | b':' if is_capital => lex::skip_blanks(text, at + 1),
        _ => return None,
    };
    number(text, start).filter(|range| range.len() >= 3)
}

fn number_after_name(text: &str, at: usize) -> Option<Range<usize>> {
    let between = text.as_bytes()[at..].iter().take(NAME_GAP_MAX);
    let gap = between.take_while(|byte| b" :=#|\"'\t(-".contains(byte)).count();
    let start = at + gap;
    let is_marked = text.get(start..start + 2).is_some_and(|mark| mark.eq_ignore_ascii_case("AS"));
    number(text, start + if is_marked { 2 } else { 0 }).filter(|range| gap > 0 || range.len() >= 3)
}

/// `autonomous system 64496`, `autonomous system number 64496`.
fn number_after_words(text: &str, at: usize) -> Option<Range<usize>> {
    let mut at = strip_word(text, lex::skip_blanks(text, at), "system")?;
    for word in ["number", "no.", "(AS)", "(ASN)"] {
        let start = lex::skip_blanks(text, at);
        at = strip_word(text, start, word).unwrap_or(at);
    }
    number_after_name(text, at)
}

fn next_of_list(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let gap = [", and ", ", ", ",", " and ", " & ", "; "].iter().find(|gap| rest.starts_with(**gap))?;
    number(text, at + gap.len()).filter(|range| range.len() >= 3)
}

/// Digits that stand alone, without a zero before them.
fn number(text: &str, at: usize) -> Option<Range<usize>> {
    let range = digits(text, at, 11)?;
    let is_apart = match lex::byte(text, range.end) {
        Some(b'.' | b',') => !lex::byte(text, range.end + 1).is_some_and(|b| b.is_ascii_digit()),
        Some(b'-') => true,
        Some(_) => !text[range.end..].starts_with(|c: char| c.is_alphanumeric() || c == '_'),
        None => true,
    };
    (is_apart && !text[range.clone()].starts_with('0')).then_some(range)
}

fn digits(text: &str, at: usize, most: usize) -> Option<Range<usize>> {
    let length = text.as_bytes().get(at..)?.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    (length > 0).then_some(at..at + length)
}

fn strip_word(text: &str, at: usize, word: &str) -> Option<usize> {
    let end = at + word.len();
    text.get(at..end)?.eq_ignore_ascii_case(word).then_some(end)
}

const NUMBER_DIGITS_MAX: usize = 19;
const NAME_GAP_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        systems(text, 0).into_iter().map(|(atom, _)| atom.text().to_owned()).collect()
    }

    #[test]
    fn vulnerabilities_are_in_upper_case() {
        for text in
            ["CVE-2026-12345", "cve-2026-12345)", "CVE–2026–12345", "CVE_2026_12345.py", "CVE 2026-12345"]
        {
            assert_eq!(cve(text, 0).map(|(name, _)| name).as_deref(), Some("CVE-2026-12345"), "{text}");
        }
        for other in
            ["CVE-2026-123", "CVE-26-1234", "CVE-2026-1234x", "CVE-2026", "CVSS-2026-1234", "CVE-3026-1234"]
        {
            assert_eq!(cve(other, 0), None, "{other}");
        }
    }

    #[test]
    fn autonomous_systems_are_numbers_with_a_name() {
        for text in [
            "AS64496",
            "as64496 ",
            "AS 64496",
            "ASN: 64496",
            "ASN64496",
            "ASN AS64496",
            "AS64496-EXAMPLE",
            "ASN=64496,",
            "autonomous system 64496",
            "Autonomous System Number (ASN) 64496",
            "ASN | 64496 |",
            "AS64496.",
            "AS-64496",
        ] {
            assert_eq!(numbers(text), ["64496"], "{text}");
        }
        assert_eq!(numbers("ASNs: 64496, 64511 and 65550."), ["64496", "64511", "65550"]);
        for other in [
            "as 64496",
            "AS 5 people",
            "AS64496b",
            "AS2",
            "AS400",
            "AS 400",
            "AS9100 and ISO 27001",
            "AS 2025 771",
            "asn1-rs",
            "AS1.10",
            "AS0",
            "AS99999999999",
            "ASSET 64496",
            "AS",
            "autonomous car 64496",
        ] {
            assert!(numbers(other).is_empty(), "{other}");
        }
    }
}
