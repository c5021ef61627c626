//! Numbers of rules: each value or rule keeps its `sid`, and `rev` rises with what changes
//! (export formats §8.1).

use aws_lc_rs::digest;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::ops::RangeInclusive;

/// A rule up to its number.
pub(super) struct Line {
    /// What it keeps its number by: the value, or the indicator of a rule.
    pub(super) key: String,
    /// Its place among the first of the range, if it is one of ours for a whole list.
    pub(super) fixed: Option<u32>,
    /// Its text up to `sid:`.
    pub(super) text: String,
    /// The version that it is of, in microseconds.
    pub(super) modified: i64,
}

/// Numbers for lines.
pub(super) struct Allotted {
    /// `sid` and `rev` of each line; none where the range is full.
    pub(super) places: Vec<Option<(u32, u32)>>,
    /// What to know next time.
    pub(super) state: String,
}

struct Entry {
    sid: u32,
    rev: u32,
    mark: u64,
    is_used: bool,
}

/// Gives each line its number: the one that it had, else a new one, and when the range is full that of a
/// value which is no longer exported, with a higher `rev`.
pub(super) fn allot(lines: &[Line], previous: &[u8], range: RangeInclusive<u32>) -> Result<Allotted, String> {
    let mut entries = read(previous, &range)?;
    for line in lines {
        if let Some(entry) = entries.get_mut(&*line.key) {
            entry.is_used = true;
        }
    }
    let first = range.start() + FIXED;
    let highest = entries.values().map(|entry| entry.sid).max().unwrap_or(0);
    let mut next = u64::from(first.max(highest.saturating_add(1)));
    let mut retired = None;
    let mut places = Vec::with_capacity(lines.len());
    for line in lines {
        let mark = mark(line);
        if let Some(entry) = entries.get_mut(&*line.key) {
            if entry.mark != mark {
                (entry.rev, entry.mark) = (entry.rev.saturating_add(1), mark);
            }
            places.push(Some((entry.sid, entry.rev)));
            continue;
        }
        let place = match line.fixed {
            Some(number) => Some((range.start() + number, 1)),
            None if next <= u64::from(*range.end()) => u32::try_from(next).ok().map(|sid| (sid, 1)),
            None => reuse(&mut entries, retired.get_or_insert_default(), first),
        };
        next += u64::from(line.fixed.is_none());
        if let Some((sid, rev)) = place {
            entries.insert(line.key.clone(), Entry { sid, rev, mark, is_used: true });
        }
        places.push(place);
    }
    Ok(Allotted { places, state: written(&entries) })
}

/// Numbers of values no longer exported, the highest first, filled when first asked for.
#[derive(Default)]
struct Retired {
    is_filled: bool,
    keys: Vec<(u32, String)>,
}

fn reuse(entries: &mut HashMap<String, Entry>, retired: &mut Retired, first: u32) -> Option<(u32, u32)> {
    if !retired.is_filled {
        let unused = entries.iter().filter(|(_, entry)| !entry.is_used && entry.sid >= first);
        retired.keys = unused.map(|(key, entry)| (entry.sid, key.clone())).collect();
        retired.keys.sort_unstable_by(|a, b| b.cmp(a));
        retired.is_filled = true;
    }
    let entry = entries.remove(&retired.keys.pop()?.1)?;
    Some((entry.sid, entry.rev.saturating_add(1)))
}

fn read(previous: &[u8], range: &RangeInclusive<u32>) -> Result<HashMap<String, Entry>, String> {
    let damaged =
        || "the state of sids is damaged: restore it, or remove it to give new sids to all rules".to_owned();
    let text = std::str::from_utf8(previous).map_err(|_| damaged())?;
    let mut entries = HashMap::new();
    let mut sids = HashSet::new();
    for line in text.lines() {
        let mut parts = line.splitn(4, ' ');
        let mut part = || parts.next().ok_or_else(damaged);
        let sid: u32 = part()?.parse().map_err(|_| damaged())?;
        let rev: u32 = part()?.parse().map_err(|_| damaged())?;
        let mark = u64::from_str_radix(part()?, 16).map_err(|_| damaged())?;
        let key = part()?.to_owned();
        if !sids.insert(sid) {
            return Err(damaged());
        }
        // Another range was set since: all get new numbers.
        if range.contains(&sid) {
            entries.insert(key, Entry { sid, rev, mark, is_used: false });
        }
    }
    Ok(entries)
}

fn written(entries: &HashMap<String, Entry>) -> String {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(_, entry)| entry.sid);
    let mut text = String::with_capacity(sorted.len() * 64);
    for (key, entry) in sorted {
        let _ = writeln!(text, "{} {} {:016x} {key}", entry.sid, entry.rev, entry.mark);
    }
    text
}

/// Tells one version of a rule from another.
fn mark(line: &Line) -> u64 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&line.modified.to_be_bytes());
    context.update(line.text.as_bytes());
    context.finish().as_ref().iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
}

/// The first numbers of a range are for the rules of lists.
pub(super) const FIXED: u32 = 1000;
