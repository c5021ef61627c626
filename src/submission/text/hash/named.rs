//! What the words beside a hexadecimal number, and what stands above it, say that it is.

use super::words::{ALGORITHMS, CERTIFICATES, FILES, NEUTRAL, OTHERS, OTHERS_AT_ONCE};
use super::{Above, Named};
use crate::submission::text::around::{self, is_one_of};

/// What the words beside a number say that it is.
pub(super) fn named(text: &str, at: usize, end: usize, above: Above<'_>) -> Named {
    if let Some(named) = named_after(text, end) {
        return named;
    }
    if let Some(named) = above.column.and_then(named_by_heading) {
        return named;
    }
    let mut words = around::before(text, at);
    let mut has_algorithm = false;
    let mut is_certificate = false;
    let mut is_beyond_comma = false;
    let mut distance = 0;
    while let Some(word) = words.next() {
        if word.gap.contains(". ") || word.gap.contains("; ") || distance > DISTANCE_MAX {
            return of(is_certificate);
        }
        if is_long_hex(word.text) {
            // The name of a list holds for all its members, that of another hash does not.
            if has_algorithm || !is_list(word.gap) {
                return of(is_certificate);
            }
            continue;
        }
        is_beyond_comma |= word.gap.contains(',');
        if words.is_after_quote()
            && word.gap.starts_with(['"', '\'', '”', '“'])
            && !word.gap.contains([':', '='])
        {
            // A quoted word is spoken of, it names nothing.
            distance += 1;
            continue;
        }
        if word.is_in(ALGORITHMS) {
            has_algorithm = true;
        } else if is_one_of(CERTIFICATES, word.text) {
            is_certificate = true;
        } else if !is_beyond_comma && is_other(word.text, distance) {
            return Named::Other;
        } else if word.is_in(FILES) {
            return of(is_certificate);
        } else if !word.is_in(NEUTRAL) {
            distance += 1;
        }
    }
    match above.heading {
        Some(heading) if distance == 0 && !is_certificate && words.is_at_line_start() => heading,
        _ => of(is_certificate),
    }
}

fn of(is_certificate: bool) -> Named {
    if is_certificate { Named::Certificate } else { Named::File }
}

fn is_list(gap: &str) -> bool {
    gap.trim().chars().all(|c| matches!(c, ',' | '|' | '/' | '"' | '\'' | '`'))
}

/// What a heading or the name of a column says that the numbers below are.
pub(in crate::submission::text) fn named_by_heading(heading: &str) -> Option<Named> {
    let words = || {
        heading.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').filter(|word| !word.is_empty())
    };
    if words().any(|word| is_one_of(OTHERS, word)) {
        return Some(Named::Other);
    }
    if words().any(|word| is_one_of(CERTIFICATES, word)) {
        return Some(Named::Certificate);
    }
    words().any(|word| is_one_of(ALGORITHMS, word)).then_some(Named::File)
}

/// `(imphash)`, `- JA3`, `(certificate)` after the number, unless it names the next one.
fn named_after(text: &str, end: usize) -> Option<Named> {
    let mut words = around::after(text, end);
    let first = words.next()?;
    if !matches!(
        first.gap.trim_matches(['"', '\'', '`', ' ', '*', '\t']),
        "(" | "[" | "-" | "–" | "—" | "<-" | "#" | "//" | "" | ","
    ) {
        return None;
    }
    let names_next = words.take(3).enumerate().any(|(at, word)| {
        is_long_hex(word.text) || word.gap.contains([':', '=']) || at == 0 && word.gap.contains(['|', '\t'])
    });
    match first.text {
        _ if names_next => None,
        word if is_one_of(OTHERS, word) => Some(Named::Other),
        // What git shows beside the names of commits.
        "HEAD" | "tag" | "origin" if first.gap.contains('(') => Some(Named::Other),
        "refs" | "HEAD" => Some(Named::Other),
        "Mon" if text[end..].starts_with(" Mon Sep 17 00:00:00 2001") => Some(Named::Other),
        word if is_one_of(CERTIFICATES, word) && first.gap.contains(['(', '[']) => Some(Named::Certificate),
        _ => None,
    }
}

fn is_other(word: &str, distance: usize) -> bool {
    distance <= 2 && is_one_of(OTHERS, word)
        || distance == 0 && (is_one_of(OTHERS_AT_ONCE, word) || is_compound(word))
}

/// `csrf_token`, `pubkey`, `bot-uuid`: the name of a field that ends in what it is.
fn is_compound(word: &str) -> bool {
    let lower = word.to_lowercase();
    let mut parts = lower.rsplit(['_', '-']);
    let last = parts.next().unwrap_or_default();
    let is_of_file =
        lower.split(['_', '-']).any(|part| is_one_of(FILES, part) || is_one_of(ALGORITHMS, part));
    let is_joined = last.len() < lower.len() && (is_one_of(OTHERS, last) || is_one_of(OTHERS_AT_ONCE, last));
    let is_glued =
        ["key", "token", "nonce", "secret", "cookie", "uuid", "guid"].iter().any(|end| last.ends_with(end));
    !is_of_file && (is_joined || is_glued || parts.any(|part| is_one_of(OTHERS, part)))
}

fn is_long_hex(word: &str) -> bool {
    word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Other words between a name and its number, at most.
const DISTANCE_MAX: usize = 3;
