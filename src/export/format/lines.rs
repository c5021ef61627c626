//! Files of one line for each value, and what several of them share.

use super::{Files, Input, TEXT};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use std::collections::HashSet;
use std::net::IpAddr;

/// Addresses and networks.
pub(super) const ADDRESSES: &[Kind] = &[Kind::Ipv4, Kind::Ipv4Network, Kind::Ipv6, Kind::Ipv6Network];

/// The rows of some kinds.
pub(super) fn of<'a>(rows: &'a [Row], kinds: &[Kind]) -> Vec<&'a Row> {
    rows.iter().filter(|row| kinds.contains(&row.atom.kind())).collect()
}

/// Adds a file with a header of `#` lines and what is written for each row.
pub(super) fn add(
    input: &Input,
    files: &mut Files,
    suffix: &str,
    rows: &[&Row],
    line: impl Fn(&mut String, &Row),
) {
    let file = format!("{}{suffix}", input.about.name);
    let mut text = input.header("# ", &file, rows.len(), files);
    text.reserve(rows.len() * LINE_USUAL);
    for row in rows {
        line(&mut text, row);
    }
    files.add(file, TEXT, text, rows.len());
}

/// Appends texts.
pub(super) fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

/// A text as a POSIX extended regular expression that matches just it; `/` is escaped too if asked for.
pub(super) fn push_regex(out: &mut String, text: &str, has_slashes_escaped: bool) {
    for c in text.chars() {
        if is_operator(c) || (c == '/' && has_slashes_escaped) {
            out.push('\\');
        }
        out.push(c);
    }
}

/// Means a sign something in such an expression?
pub(super) fn is_operator(c: char) -> bool {
    matches!(c, '\\' | '.' | '[' | ']' | '{' | '}' | '(' | ')' | '*' | '+' | '?' | '^' | '$' | '|')
}

/// Names without those whose parent is listed too, where a parent stands for all below it.
pub(super) fn without_children<'a>(rows: &[&'a Row], files: &mut Files) -> Vec<&'a Row> {
    let names: HashSet<&str> = rows.iter().map(|row| row.atom.text()).collect();
    let has_parent = |row: &Row| {
        let mut rest = row.atom.text();
        while let Some((_, parent)) = rest.split_once('.') {
            if names.contains(parent) {
                return true;
            }
            rest = parent;
        }
        false
    };
    keep(rows, files, "covered", |row| !has_parent(row))
}

/// Addresses and networks without those inside another one.
pub(super) fn without_inner<'a>(rows: &[&'a Row], files: &mut Files) -> Vec<&'a Row> {
    let ranges = rows.iter().enumerate().filter_map(|(place, row)| Some((range(row)?, place)));
    let mut ranges: Vec<((bool, u128, u128), usize)> = ranges.collect();
    // The wider of two that start together comes first, so one look at the last outer one suffices.
    ranges.sort_unstable_by_key(|((is_v6, first, last), _)| (*is_v6, *first, u128::MAX - last));
    let mut is_outer = vec![false; rows.len()];
    let mut end = None;
    for ((is_v6, first, last), place) in ranges {
        if end.is_none_or(|(family, end)| family != is_v6 || first > end) {
            is_outer[place] = true;
            end = Some((is_v6, last));
        }
    }
    let mut outer = is_outer.into_iter();
    keep(rows, files, "covered", |_| outer.next().unwrap_or(false))
}

/// Family, first and last address.
fn range(row: &Row) -> Option<(bool, u128, u128)> {
    let text = row.atom.text();
    let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let (is_v6, first, bits) = match address.parse().ok()? {
        IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (true, u128::from(address), 128),
    };
    let free: u32 = bits - length.map_or(Some(bits), |length| length.parse().ok())?;
    let mask = u128::MAX.checked_shr(128 - free).unwrap_or(0);
    Some((is_v6, first, first | mask))
}

/// The rows that fulfil a condition; the others are counted.
pub(super) fn keep<'a>(
    rows: &[&'a Row],
    files: &mut Files,
    reason: &'static str,
    mut is_kept: impl FnMut(&Row) -> bool,
) -> Vec<&'a Row> {
    let kept: Vec<&Row> = rows.iter().copied().filter(|row| is_kept(row)).collect();
    for _ in kept.len()..rows.len() {
        files.leave_out(reason);
    }
    kept
}

/// Bytes of a line, as a first guess.
const LINE_USUAL: usize = 64;
