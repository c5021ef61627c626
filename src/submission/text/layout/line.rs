//! What single lines are.

use super::words::{
    CLOSINGS, CONTACT_LINES, CONTACT_PHRASES, DESKS, HEADERS, MORE, PAPERS, REFERENCE_LINES, STRANGERS,
    STRONG_HEADERS,
};
use crate::submission::text::Region;

pub(super) fn is_mark_of_forward(line: &str) -> bool {
    line.starts_with('-') || !line.starts_with([' ', '\t', '>']) && line.trim_end().ends_with(':')
}

/// The first characters of a line in lower case.
pub(super) fn lower_start(line: &str) -> String {
    let mut end = line.len().min(START_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    match &line[..end] {
        ascii if ascii.is_ascii() => ascii.to_ascii_lowercase(),
        other => other.to_lowercase(),
    }
}

/// What the words of a sentence before a value make of it.
pub(in crate::submission::text) fn of_sentence(lead: &str) -> Region {
    let lower = lead.to_lowercase();
    let words = lower.trim_start_matches([' ', '\t', '-', '*', '•', '>', '#', '|', '_', '(']);
    let is_phrase = || CONTACT_PHRASES.iter().any(|phrase| lower.contains(phrase));
    if is_contact(words) || is_phrase() || is_labelled(words, DESKS) && !is_labelled(words, STRANGERS) {
        Region::Footer
    } else if ASIDES.iter().any(|aside| lower.trim_end().ends_with(aside))
        || is_labelled(words, PAPERS)
        || is_reference(words)
        || MORE.contains(&words.trim_end())
    {
        Region::Reference
    } else {
        Region::Body
    }
}

/// A few words with a colon after them, one of which says what follows.
fn is_labelled(words: &str, labels: &[&str]) -> bool {
    let Some(label) = words.trim_end_matches([' ', '*', '_']).strip_suffix([':', '：']) else {
        return false;
    };
    let label = label.rsplit([',', '.', ':', '(']).next().unwrap_or_default();
    label.split_whitespace().count() <= LABEL_WORDS_MAX
        && label.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| labels.contains(&word))
}

/// The label of a contact and what it introduces.
pub(super) fn is_contact(words: &str) -> bool {
    is_contact_line(words) && !is_of_stranger(words)
}

/// `Contact: jabber …`: no office is met there.
fn is_of_stranger(words: &str) -> bool {
    let named = words.split_once(':').map_or("", |(_, rest)| rest.trim_start());
    let end = named.find(|c: char| !c.is_alphanumeric()).unwrap_or(named.len());
    STRANGERS.contains(&&named[..end])
}

fn is_contact_line(words: &str) -> bool {
    let first = words.as_bytes().first();
    CONTACT_LINES.iter().filter(|(label, _)| label.as_bytes().first() == first).any(|(label, is_whole)| {
        words.strip_prefix(label).is_some_and(|rest| {
            if *is_whole { is_label_end(rest) } else { !rest.starts_with(char::is_alphabetic) }
        })
    })
}

/// `Kind regards,`: the name and the addresses of who writes follow.
pub(super) fn is_closing(words: &str) -> bool {
    CLOSINGS.contains(&words.trim_end_matches([' ', ',', '.', '!', '\r']))
}

/// The label of a reference in the same line.
pub(super) fn is_reference(words: &str) -> bool {
    let first = words.as_bytes().first();
    let mut labels = REFERENCE_LINES.iter().filter(|label| label.as_bytes().first() == first);
    labels.any(|label| words.strip_prefix(label).is_some_and(is_label_end))
}

/// Does what follows a label show that it is one?
pub(super) fn is_label_end(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['*', '_', ' ']);
    rest.starts_with([':', '：']) || rest.starts_with("http")
}

/// Is a heading one of some words, alone or with more of the same kind?
pub(super) fn is_one_or_more(words: &[&str], heading: &str) -> bool {
    let is_one = |part: &str| words.contains(&part.trim());
    is_one(heading)
        || heading
            .split([',', '/', '&', '('])
            .flat_map(|part| part.split(" and "))
            .filter(|part| !part.trim().is_empty())
            .all(|part| is_one(part.trim_end_matches(')')))
}

/// All letters are capitals, and there are some.
pub(super) fn is_shouted(core: &str) -> bool {
    core.chars().filter(|c| c.is_uppercase()).count() > 3
        && !core.contains(|c: char| c.is_lowercase() || c.is_ascii_digit() || c == '.')
}

pub(super) fn is_header(line: &str) -> bool {
    header_name(line).is_some_and(|name| {
        HEADERS.contains(&name.as_str()) || name.starts_with("x-") || STRONG_HEADERS.contains(&name.as_str())
    })
}

/// The name of a header in lower case.
pub(super) fn header_name(line: &str) -> Option<String> {
    let colon = line.bytes().take(HEADER_NAME_MAX).position(|byte| byte == b':')?;
    let name = line.get(..colon)?.trim_end_matches([' ', '\u{a0}']);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-');
    is_name.then(|| name.to_lowercase())
}

/// Starts of asides that refer to something.
const ASIDES: &[&str] = &[
    "(see",
    "(see also",
    "(cf.",
    "(source:",
    "(siehe",
    "(vgl.",
    "(quelle:",
    "(voir",
    "(véase",
    "(ver",
    "(vedi",
    "(zob.",
    "(zie",
    "(см.",
    "（参见",
    "（参考",
];
const LABEL_WORDS_MAX: usize = 5;
const START_BYTES: usize = 64;
const HEADER_NAME_MAX: usize = 40;
