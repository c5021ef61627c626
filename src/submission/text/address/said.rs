//! What the words before and after a number say of it; `evidence` has the table of their weights.

use super::words::{
    ADDRESSED, ADDRESSED_PARTS, ADDRESSED_STARTS, ADDRESSES, COMPOUNDS, COPULAS, DIRECTIONS, GOING_STARTS,
    JOINTS, MACHINES, SEEING, TARGETS,
};
use crate::submission::text::around::{self, Word};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word beside a number makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// It is a word for addresses.
    Address,
    /// What it speaks of has one.
    Addressed,
    /// The same, if a word such as `to` follows.
    Going,
    /// It is seen, as versions are too.
    Seen,
    /// What has addresses, and versions too.
    Machine,
    /// Nothing by itself: `the`, `and`, a number.
    Joint,
    Other,
}

/// Is a word one for addresses, or for what has them and hardly versions?
pub(super) fn is_of_addresses(word: &Word<'_>) -> bool {
    matches!(sense(word), Sense::Address | Sense::Addressed)
}

fn sense(word: &Word<'_>) -> Sense {
    if word.text == "A" && word.gap.starts_with(char::is_whitespace) {
        return Sense::Addressed;
    }
    let lower = word.text.to_lowercase();
    if let Some(sense) = SENSES.get(lower.as_str()) {
        return *sense;
    }
    if word.text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Sense::Joint;
    }
    let is_ip = word.text.ends_with("IP") || word.text.ends_with("IPs") || word.text.contains("IP-");
    let is_begun = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
    let is_unspaced = || ADDRESSED_PARTS.iter().any(|part| word.text.contains(part));
    let is_end = |stem: &str| COMPOUNDS.iter().any(|end| stem.ends_with(end));
    let part = |wanted: Sense| {
        lower.contains(['-', '_']) && lower.split(['-', '_']).any(|part| SENSES.get(part) == Some(&wanted))
    };
    let is_glued_ip = || lower.strip_suffix("ip").is_some_and(is_end);
    match () {
        () if is_ip || is_begun(ADDRESSES) || part(Sense::Address) || is_glued_ip() => Sense::Address,
        () if is_begun(ADDRESSED_STARTS) || part(Sense::Addressed) => Sense::Addressed,
        () if !word.text.is_ascii() && is_unspaced() => Sense::Addressed,
        () if is_begun(GOING_STARTS) => Sense::Going,
        () if SENSES.get(lower.trim_end_matches('s')) == Some(&Sense::Machine) => Sense::Machine,
        () if is_end(&lower) && !is_brand(word.text) => Sense::Addressed,
        () => Sense::Other,
    }
}

/// `HAProxy`: two capitals and small letters, in one word.
fn is_brand(word: &str) -> bool {
    let capitals = word.chars().take_while(|c| c.is_uppercase()).count();
    capitals > 1 && word.chars().all(char::is_alphabetic) && word.ends_with(char::is_lowercase)
}

/// What the words before a number say, the nearest that says anything.
pub(super) fn before(text: &str, at: usize, is_private: bool) -> i32 {
    let mut words = around::before(text, at);
    let Some(nearest) = words.clone().next() else { return 0 };
    if ends_clause(nearest.gap) {
        return if sense(&nearest) == Sense::Address { FURTHER_TO } else { 0 };
    }
    let is_key = nearest.gap.contains([':', '=']);
    let is_noun = nearest.gap == " " && sense(&nearest) == Sense::Other;
    let noun = if is_noun { noun_weight(nearest.text, is_private) } else { 0 };
    let is_going = nearest.is_in(DIRECTIONS);
    let mut distance = 0;
    let mut is_list = false;
    while let Some(word) = words.next() {
        let is_number = word.text.bytes().all(|b| b.is_ascii_digit());
        let is_apart = word.gap.contains(',') && !(is_number && distance == 0) && word != nearest && !is_key;
        if is_apart || ends_clause(word.gap) || distance > DISTANCE_MAX {
            break;
        }
        is_list |= is_number;
        match sense(&word) {
            Sense::Address if distance == 0 => return ADDRESS,
            Sense::Addressed if distance == 0 => return ADDRESSED_AT_ONCE,
            Sense::Address | Sense::Addressed if is_noun => return noun + BEYOND_NOUN,
            Sense::Address => return FURTHER_TO,
            Sense::Addressed | Sense::Going if is_going => return FURTHER_TO,
            Sense::Addressed => return FURTHER,
            Sense::Machine if distance == 0 && is_key => return ADDRESSED_AT_ONCE,
            Sense::Machine if distance == 0 => {
                return machine_weight(&word, words.next(), word == nearest || is_list);
            }
            Sense::Machine => break,
            Sense::Seen if distance == 0 => return SEEN,
            Sense::Joint | Sense::Going | Sense::Seen => {}
            Sense::Other => distance += 1,
        }
    }
    noun
}

/// A version follows a name; and the orders of an office have numbers like the machines of its network.
fn noun_weight(noun: &str, is_private: bool) -> i32 {
    match (is_private, noun.starts_with(char::is_uppercase)) {
        (false, true) => -4,
        (false, false) => 0,
        (true, true) => -5,
        (true, false) => -6,
    }
}

/// `the server`, `servers`; but `Exchange Server` and `VPN client` are products, and `client` may be one.
fn machine_weight(machine: &Word<'_>, earlier: Option<Word<'_>>, is_near: bool) -> i32 {
    // The hyphen of an item is no word.
    let earlier = earlier.filter(|earlier| earlier.text.contains(char::is_alphanumeric));
    let is_capital = |word: &Word<'_>| word.text.starts_with(char::is_uppercase);
    let earlier_sense = earlier.map_or(Sense::Other, |earlier| sense(&earlier));
    let is_name = earlier.is_some_and(|earlier| earlier.gap == " " && is_capital(&earlier));
    match earlier_sense {
        // The first word of a sentence has a capital in any case.
        Sense::Other if is_name => {
            let is_shouted = earlier.is_some_and(|earlier| earlier.text.ends_with(char::is_uppercase));
            if is_capital(machine) || is_shouted { PRODUCT } else { MACHINE }
        }
        Sense::Address | Sense::Addressed => ADDRESSED_AT_ONCE,
        Sense::Joint | Sense::Going if is_near => ADDRESSED_AT_ONCE,
        _ if is_near && machine.text.ends_with('s') => ADDRESSED_AT_ONCE,
        _ if is_near && machine.is_in(TARGETS) && earlier.is_none_or(|earlier| earlier.gap != " ") => TARGET,
        _ => MACHINE,
    }
}

fn ends_clause(gap: &str) -> bool {
    gap.contains(['|', '\t', ';', '。']) || gap.contains(". ")
}

/// What the words after a number say.
pub(super) fn after(text: &str, at: usize, end: usize) -> i32 {
    let mut lead = around::before(text, at);
    let is_first = lead.next().is_none() && lead.is_at_line_start();
    if is_first && is_heading(text, end) {
        return -3;
    }
    let words: Vec<(Word<'_>, Sense)> = around::after(text, end)
        .take(AFTER_WORDS_MAX)
        .enumerate()
        .take_while(|(index, word)| !word.gap.contains(['.', ':']) && (*index == 0 || !ends_clause(word.gap)))
        .map(|(_, word)| (word, sense(&word)))
        .collect();
    let is_addressed = |sense: Sense| matches!(sense, Sense::Address | Sense::Addressed);
    let [(first, label), rest @ ..] = words.as_slice() else { return 0 };
    let is_more = || rest.first().is_none_or(|(_, sense)| *sense == Sense::Machine || is_addressed(*sense));
    match words.iter().any(|(_, sense)| is_addressed(*sense)) {
        true if is_first && (first.is_in(COPULAS) || is_addressed(*label) && is_more()) => ADDRESSED_AT_ONCE,
        true if is_first && is_addressed(*label) => AFTER + 2,
        true => AFTER,
        false => 0,
    }
}

/// Does a title follow, as after the number of a section?
fn is_heading(text: &str, end: usize) -> bool {
    around::after(text, end).next().is_some_and(|word| {
        let mut letters = word.text.chars();
        matches!(word.gap, " " | ". " | "  ")
            && letters.next().is_some_and(char::is_uppercase)
            && letters.all(char::is_lowercase)
            && matches!(sense(&word), Sense::Joint | Sense::Other)
    })
}

/// The words that are known as a whole, in lower case.
static SENSES: LazyLock<HashMap<&str, Sense>> = LazyLock::new(|| {
    let words = [
        (JOINTS, Sense::Joint),
        (MACHINES, Sense::Machine),
        (SEEING, Sense::Seen),
        (ADDRESSED, Sense::Addressed),
        (&["ip", "ips", "ipv4"], Sense::Address),
    ];
    words.into_iter().flat_map(|(words, sense)| words.iter().map(move |word| (*word, sense))).collect()
});
const ADDRESS: i32 = 12;
const ADDRESSED_AT_ONCE: i32 = 9;
const FURTHER_TO: i32 = 9;
const FURTHER: i32 = 5;
const MACHINE: i32 = 5;
/// A little less than the smallest parts weigh.
const TARGET: i32 = 8;
/// The smallest parts and a host after them outweigh it.
const SEEN: i32 = 4;
const BEYOND_NOUN: i32 = 3;
const AFTER: i32 = 4;
const PRODUCT: i32 = -3;
const DISTANCE_MAX: i32 = 2;
const AFTER_WORDS_MAX: usize = 5;
