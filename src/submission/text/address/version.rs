//! Does a sentence call a number a version?

use super::said;
use super::words::{GOING, LATER, LINKS, RELEASES, RUNS, STARTS, TOWARDS, UPDATES, VERSIONS};
use crate::submission::text::around::{self, Word};

/// Do the words or signs beside it call it a version?
pub(super) fn is_version(text: &str, at: usize, end: usize) -> bool {
    is_labelled(text, at)
        || is_compared(text, at, end)
        || is_said_after(text, end)
        || is_said_before(text, at, end)
        || is_target(text, at)
}

/// `Version of the app: 1.2.3.4`.
fn is_labelled(text: &str, at: usize) -> bool {
    let mut words = around::before(text, at);
    words.next().is_some_and(|label| {
        label.gap.trim() == ":"
            && words.take_while(|word| word.gap == " ").take(LABEL_WORDS_MAX).any(|word| word.is_in(VERSIONS))
    })
}

/// `>= 1.2.3.4`, `< 1.2.3.4`, `pkg==1.2.3.4`, `1.2.3.4+`.
fn is_compared(text: &str, at: usize, end: usize) -> bool {
    let lead = text[..at].trim_end_matches([' ', '"', '\'']);
    let is_limit = [">=", "<=", "=>", "≥", "≤", "~=", "~>"].iter().any(|sign| lead.ends_with(sign))
        || lead.len() < at && lead.ends_with('<');
    let is_pinned = text[..at]
        .strip_suffix("==")
        .is_some_and(|lead| lead.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()));
    is_limit || is_pinned || text[end..].starts_with('+')
}

/// `1.2.3.4 and earlier`, `1.2.3.4 firmware`, `1.2.3.4 (build 7)`.
fn is_said_after(text: &str, end: usize) -> bool {
    let mut words = around::after(text, end);
    let Some(first) = words.next() else { return false };
    let is_later = |second: Word<'_>| second.is_in(LATER) || second.is_in(VERSIONS);
    if first.gap.trim().is_empty() && first.is_in(&["and", "or", "et", "und", "oder", "y", "o", "e", "i"]) {
        return words.next().is_some_and(is_later);
    }
    // `(build 12)` and `(version)`, but not `(version unknown)`.
    let rest = text[end + first.gap.len() + first.text.len()..].trim_start_matches(' ');
    let is_closed = rest.starts_with(|c: char| matches!(c, ')' | ']') || c.is_ascii_digit());
    match first.gap {
        " " | "-" => first.is_in(RELEASES),
        " (" | " [" => is_closed && (first.is_in(RELEASES) || first.is_in(VERSIONS)),
        _ => false,
    }
}

/// `version 1.2.3.4`, `fixed in 1.2.3.4`, `updated from 1.2.3.3 to 1.2.3.4`.
fn is_said_before(text: &str, at: usize, end: usize) -> bool {
    let mut link: Option<Word<'_>> = None;
    // `from 1.0.0.1 to 1.0.0.2`.
    let mut leads_to = around::after(text, end)
        .next()
        .is_some_and(|word| word.gap == " " && word.is_in(&["to", "auf", "à"]));
    let mut is_number = false;
    for (index, word) in around::before(text, at).enumerate() {
        // `running 1.0.0.1 to 1.0.0.2`, but not `running on 1.0.0.1`.
        if word.is_in(RUNS) && word.gap == " " && (is_number || index == 0) {
            return true;
        }
        let is_said = word.is_in(VERSIONS) && !is_field_of_value(&word)
            || is_marked_number(word.text)
            || is_system(word.text);
        if is_said && !word.gap.contains(['|', '\t', ';']) {
            return true;
        }
        if word.gap.contains([';', '|', '\t']) || word.gap.contains(". ") {
            return false;
        }
        if word.is_in(UPDATES) {
            return leads_to
                || link.is_some_and(|link| link.is_in(&["in", "than", "a"]))
                || word.gap.trim() == ":";
        }
        if word.is_in(LINKS) {
            leads_to |= word.is_in(&["to", "auf", "à"]);
            link = Some(word);
            is_number = false;
        } else {
            is_number = is_digits(&word);
            if !is_number {
                return false;
            }
        }
    }
    false
}

/// `PAN-OS`, `RouterOS`, `agent_version`; and words for version that are glued to what they follow.
fn is_system(word: &str) -> bool {
    let is_field = || {
        let lower = word.to_ascii_lowercase();
        lower.contains("version")
            || ["_ver", "-ver", "_build", "_release"].iter().any(|end| lower.ends_with(end))
    };
    word.len() > 2 && word.ends_with("OS") && !matches!(word, "DOS" | "DDOS")
        || ["版本", "バージョン", "버전", "升级到", "升级至", "更新到", "更新至", "升級到"]
            .iter()
            .any(|version| word.contains(version))
        || is_field()
}

/// `"v": "…"`: keys of one letter mean a value.
fn is_field_of_value(word: &Word<'_>) -> bool {
    word.text.len() == 1 && word.gap.contains(['"', '\'', '='])
}

/// `v1`, before its dots.
fn is_marked_number(word: &str) -> bool {
    word.strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// `upgrade the gateway to 1.2.3.4`.
fn is_target(text: &str, at: usize) -> bool {
    let mut words = around::before(text, at);
    let is_towards = words.next().is_some_and(|word| word.gap == " " && word.is_in(TOWARDS));
    is_towards && (is_updated(words.clone().take(UPDATED_WORDS_MAX)) || is_step(words))
}

/// Does something before a number get a new version?
fn is_updated<'a>(words: impl Iterator<Item = Word<'a>>) -> bool {
    let mut clause = words
        .take_while(|word| !word.gap.contains([',', ';']) && !word.gap.contains(". ") && !word.is_in(GOING));
    clause.any(|word| word.is_in(UPDATES) && !word.text.to_lowercase().starts_with("install"))
}

/// `update both nodes from 1.2.3.3 to`, but not `update the DNS record from …`.
fn is_step<'a>(mut words: impl Iterator<Item = Word<'a>>) -> bool {
    let is_number = words.by_ref().take(NUMBERS).filter(is_digits).count() == NUMBERS;
    is_number
        && words.next().is_some_and(|word| word.is_in(STARTS))
        && is_updated(words.take(STEP_WORDS_MAX).take_while(|word| !said::is_of_addresses(word)))
}

/// `1.2.3.3 must be updated to 1.2.3.4`: one number is to take the place of the other.
pub(super) fn is_replaced(text: &str, end: usize) -> bool {
    let mut words = around::after(text, end).take_while(|word| word.gap == " ");
    let is_update = words.by_ref().take(REPLACED_WORDS_MAX).any(|word| word.is_in(UPDATES));
    let is_towards = is_update && words.next().is_some_and(|word| word.is_in(TOWARDS));
    is_towards && words.next().is_some_and(|word| is_digits(&word))
}

fn is_digits(word: &Word<'_>) -> bool {
    word.text.bytes().all(|b| b.is_ascii_digit())
}

const LABEL_WORDS_MAX: usize = 3;
const UPDATED_WORDS_MAX: usize = 7;
/// Parts of a version.
const NUMBERS: usize = 4;
const STEP_WORDS_MAX: usize = 5;
const REPLACED_WORDS_MAX: usize = 4;
