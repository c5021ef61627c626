//! What speaks for an address and what for a version, a section or another number, added up.
//!
//! Weights are logarithms: 1 makes an address twice as likely, −1 half as likely. A number is taken from 0 on.
//!
//! | what is seen | weight |
//! | --- | --- |
//! | its parts, by size (`shape`): small ones, large ones | −9 to 8 |
//! | beside it (`beside`): a port, a prefix length, a path; a host in another cell, or before brackets; `\\` | 9 |
//! | before it (`said`): a word for addresses; for what has them | 12; 9 |
//! | before it a word for seeing; a proxy or the name of a program that fetches | 4; 8 |
//! | the same further away; with `to` or `from` between; beyond another noun | 5; 9; 3 |
//! | right before it a machine, with an article or a colon; without; with the name of a product | 9; 5; −3 |
//! | after it a word for what has addresses; also at the start of a line | 4; 6 to 9 |
//! | the name of its column or its heading: addresses, versions | 9, −12 |
//! | a neighbour in its list or column (`peers`): an indicator, a version, one as doubtful | 9, −6, −4 |
//! | alone in its line, or after an at sign | 3 |
//! | a title after it at the start of a line | −3 |
//! | in a path of files; another number is to take its place | −6; −6 |
//! | the sentence calls it a version (`version`), a section, a telephone number | −12, −12, −8 |
//! | right before it another word, as of a product; in a network of one's own | −4; −5 or −6 |

use super::peers::{self, Peer};
use super::words::{NUMBERED, PHONES, SECTION_SIGNS};
use super::{Above, Quad, beside, said, shape, version};
use crate::submission::text::around::{self, Word};
use std::net::Ipv4Addr;

/// Does more speak against an address than for one?
pub(super) fn is_other(text: &str, at: usize, quad: &Quad, above: Above) -> bool {
    let Ok(address) = quad.written.parse::<Ipv4Addr>() else { return true };
    let end = quad.end;
    let is_against = version::is_version(text, at, end) || is_section(text, at, end);
    let against = match () {
        () if is_against => 12,
        () if version::is_replaced(text, end) => 6,
        () => 0,
    };
    let mut weight = shape::weight(address) + above_weight(above) - against;
    if weight >= DOUBT_END {
        return false;
    }
    let before = said::before(text, at, address.is_private());
    if before <= 0 && !address.is_private() && is_phone(text, at, end) {
        weight -= 8;
    }
    let is_said = before > 0 || above == Above::Addresses || shape::is_certain(address);
    weight += before + beside::weight(text, at, end);
    if (DOUBT_LEAST..DOUBT_END).contains(&weight) {
        weight += said::after(text, at, end) + peers_weight(text, at, end, is_said);
    }
    weight < 0
}

fn above_weight(above: Above) -> i32 {
    match above {
        Above::Nothing => 0,
        Above::Addresses => 9,
        Above::Versions => -12,
    }
}

fn peers_weight(text: &str, at: usize, end: usize, is_said: bool) -> i32 {
    match peers::of(text, at, end) {
        Some(Peer::Indicator) => 9,
        Some(Peer::Version) => -6,
        Some(Peer::Doubtful) if !is_said => -4,
        Some(Peer::Doubtful) | None => 0,
    }
}

/// Do the nearest words name a section of a document or another numbered thing?
fn is_section(text: &str, at: usize, end: usize) -> bool {
    let rest = around::line_after(text, end);
    if rest.starts_with(SECTION_SIGNS) || text[..at].ends_with('第') || rest.contains("....") {
        return true;
    }
    let is_standard = |word: &str| word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("rfc"));
    let is_number = |word: &Word<'_>| word.text.bytes().all(|b| b.is_ascii_digit());
    let is_near = |word: &Word<'_>| word.gap.trim_matches([' ', ':', '.', '#', '=', '"']).is_empty();
    let mut words = around::before(text, at);
    words.next().is_some_and(|word| {
        is_near(&word)
            && (word.is_in(NUMBERED)
                || is_number_word(word.text)
                || is_standard(word.text)
                || is_number(&word) && words.next().is_some_and(|word| is_standard(word.text)))
    })
}

/// `Zählernummer`, `order_number`.
fn is_number_word(word: &str) -> bool {
    let lower = word.to_lowercase();
    ["nummer", "number", "-nr", "_no", "номер"].iter().any(|end| lower.ends_with(end))
}

/// Does its line speak of telephones?
fn is_phone(text: &str, at: usize, end: usize) -> bool {
    around::before(text, at).chain(around::after(text, end)).any(|word| word.is_in(PHONES))
}

/// Beyond these nothing more is looked at.
const DOUBT_LEAST: i32 = -15;
const DOUBT_END: i32 = 6;

#[cfg(test)]
mod tests;
