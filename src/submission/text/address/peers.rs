//! The neighbours of a number: what stands in the same place of the lines above and below, and what is listed with
//! it in its own line. A list is of one kind.

use super::shape;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What neighbours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// Four small parts, like the number itself.
    Doubtful,
    /// An address, or something else that was made harmless.
    Indicator,
    /// No address: three parts or five, `1.2.x`, `1.2.3-rc1`.
    Version,
}

/// What the neighbours of a number say, the strongest of them.
pub(super) fn of(text: &str, at: usize, end: usize) -> Option<Peer> {
    let (before, after) = (head(text, at), tail(text, end));
    let line = before.rsplit('\n').next().unwrap_or_default();
    let rest = after.split('\n').next().unwrap_or_default();
    let above = before.rsplit('\n').skip(1);
    let below = after.split('\n').skip(1);
    listed_before(line)
        .chain(listed_after(rest))
        .chain(in_column(line, above))
        .chain(in_column(line, below))
        .max()
}

/// Some text before a place.
fn head(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..at]
}

/// Some text after a place.
fn tail(text: &str, end: usize) -> &str {
    let mut to = text.len().min(end + BYTES_MAX);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    &text[end..to]
}

/// What stands in the next lines after as many cells or words as in this one.
fn in_column<'a>(lead: &str, others: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Peer> {
    let lead = unmarked(lead);
    let index = cells(lead).count() - usize::from(lead.ends_with(|c| !is_gap(c)));
    let label = index.checked_sub(1).and_then(|last| cells(lead).nth(last)).map(str::to_owned);
    // After a single blank the lines must agree in what stands before it, or they are sentences.
    let is_cell = label.as_ref().is_none_or(|label| is_ordinal(label))
        || lead.ends_with("  ")
        || lead.trim_end_matches([' ', '"', '\'']).ends_with(['|', '\t', ',', ';']);
    others.filter(|other| other.contains(char::is_alphanumeric)).take(LINES_MAX).filter_map(move |other| {
        let mut cells = cells(unmarked(other));
        let before = index.checked_sub(1).and_then(|last| cells.nth(last));
        let cell = cells.next()?;
        (is_cell || before == label.as_deref()).then(|| kind(cell)).flatten()
    })
}

/// A line without the mark of an item or the frame of a row at its start.
fn unmarked(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || "-*•·|>#".contains(c))
}

/// The cells and words of a line.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(is_gap).filter(|cell| !cell.is_empty())
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | ',' | ';')
}

/// `1.`, `12)`, `-`.
fn is_ordinal(label: &str) -> bool {
    label.trim_end_matches(['.', ')', ':']).bytes().all(|b| b.is_ascii_digit())
}

/// What is listed right before the end of a line.
fn listed_before(line: &str) -> impl Iterator<Item = Peer> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let lead = rest.trim_end_matches(is_fence);
        let gap = GAPS.iter().find(|gap| lead.ends_with(**gap))?;
        let lead = lead[..lead.len() - gap.len()].trim_end_matches(|c: char| is_fence(c) || c == ',');
        let start = lead
            .rfind(|c: char| is_gap(c) || "(\"'".contains(c))
            .map_or(0, |at| at + lead[at..].chars().next().map_or(1, char::len_utf8));
        rest = &lead[..start];
        kind(&lead[start..])
    })
    .take(ITEMS_MAX)
}

/// What is listed right after the start of the rest of a line.
fn listed_after(rest: &str) -> impl Iterator<Item = Peer> {
    let mut rest = rest;
    std::iter::from_fn(move || {
        let tail = rest.trim_start_matches(is_fence);
        let gap = GAPS.iter().find(|gap| tail.starts_with(**gap))?;
        let tail = tail[gap.len()..].trim_start_matches(is_fence);
        let end = tail.find(|c: char| is_gap(c) || ")\"'".contains(c)).unwrap_or(tail.len());
        rest = &tail[end..];
        kind(&tail[..end])
    })
    .take(ITEMS_MAX)
}

/// Brackets and quotation marks round the items of a list.
fn is_fence(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '“' | '”' | '„')
}

/// What an item is, if that says anything.
pub(super) fn kind(item: &str) -> Option<Peer> {
    let item = item.rsplit('=').next().unwrap_or_default();
    let item = item.trim_matches(|c: char| is_fence(c) || matches!(c, '.' | ':' | '*' | '<' | '>'));
    if ["[.]", "(.)", "[dot]", "[:]", "hxxp"].iter().any(|sign| item.contains(sign)) {
        return Some(Peer::Indicator);
    }
    if item.contains(':') && item.parse::<Ipv6Addr>().is_ok() {
        return Some(Peer::Indicator);
    }
    let (item, is_marked) = match item.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => (rest, true),
        _ => (item, false),
    };
    let number = item.split([':', '/', '#']).next().unwrap_or_default();
    if let Ok(address) = number.parse::<Ipv4Addr>() {
        return match () {
            () if is_marked => Some(Peer::Version),
            () if shape::is_certain(address) => Some(Peer::Indicator),
            () if address.is_private() || !shape::is_low(address) => None,
            () => Some(Peer::Doubtful),
        };
    }
    is_dotted(number).then_some(Peer::Version)
}

/// Three numbers or more, the last of which may have something after it; no date.
fn is_dotted(item: &str) -> bool {
    let Some((lead, last)) = item.rsplit_once('.') else { return false };
    let is_number = |part: &str| (1..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let is_year = |part: &str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    let count = item.split('.').count();
    let is_date = count == 3 && item.split('.').any(is_year);
    (3..=6).contains(&count)
        && lead.split('.').all(is_number)
        && (last.starts_with(|c: char| c.is_ascii_digit()) || matches!(last, "x" | "X" | "*"))
        && !is_date
}

/// What stands between the items of a list, the longer before the shorter.
const GAPS: &[&str] = &[
    ", and ",
    ", or ",
    ", ",
    " and ",
    " or ",
    " und ",
    " oder ",
    " et ",
    " ou ",
    " y ",
    " o ",
    " e ",
    " i ",
    " oraz ",
    " и ",
    " en ",
    " och ",
    " og ",
    " i ",
    " till ",
    " to ",
    " bis ",
    " through ",
    " / ",
    " - ",
    " – ",
    " -> ",
    " → ",
    " & ",
    " ",
    "、",
    "和",
    "–",
    "/",
    "-",
];
const BYTES_MAX: usize = 400;
const LINES_MAX: usize = 3;
const ITEMS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(text: &str) -> Option<Peer> {
        let at = text.find("5.2.1.7").unwrap();
        of(text, at, at + 7)
    }

    #[test]
    fn items_are_told_apart() {
        for (item, expected) in [
            ("95.214.26.11", Some(Peer::Indicator)),
            ("95.214.26.11:443,", Some(Peer::Indicator)),
            ("evil[.]example", Some(Peer::Indicator)),
            ("2001:db8::7", Some(Peer::Indicator)),
            ("900150983cd24fb0d6963f7d28e17f72", None),
            ("https://vendor.example/", None),
            ("4.1.2.3", Some(Peer::Doubtful)),
            ("1.2.3", Some(Peer::Version)),
            ("v1.2.3.4", Some(Peer::Version)),
            ("1.2.x", Some(Peer::Version)),
            ("1.2.3-rc1", Some(Peer::Version)),
            ("1.2.3.4.5", Some(Peer::Version)),
            ("1.2.300.4", Some(Peer::Version)),
            ("1.02.3.4", Some(Peer::Version)),
            ("12.06.2026", None),
            ("1.5", None),
            ("word", None),
            ("10.0.0.5", None),
        ] {
            let item = item.trim_end_matches(',');
            assert_eq!(kind(item), expected, "{item}");
        }
    }

    #[test]
    fn neighbours_are_listed_or_stand_in_the_same_column() {
        for (text, expected) in [
            ("95.214.26.11, 5.2.1.7", Some(Peer::Indicator)),
            ("\"5.2.1.7\", \"95.214.26.11\"", Some(Peer::Indicator)),
            ("5.2.1.7 and 1.2.3", Some(Peer::Version)),
            ("- 95.214.26.11\n- 5.2.1.7", Some(Peer::Indicator)),
            ("| a | 5.2.1.7 |\n|---|---|\n| b | 95.214.26.11 |", Some(Peer::Indicator)),
            ("a  5.2.1.7\nb  1.2.3", Some(Peer::Version)),
            ("on 5.2.1.7\nat 1.2.3", None),
            ("word 5.2.1.7 and more", None),
        ] {
            assert_eq!(peers(text), expected, "{text}");
        }
    }
}
