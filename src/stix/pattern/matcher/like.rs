//! `LIKE`: `%` is any run, `_` one character, everything else literal (STIX 2.1 §9.6.1).

use super::{Budget, MatchError};

/// Whether the whole value fits; both are in NFC already.
pub(super) fn like(value: &str, pattern: &str, budget: &mut Budget) -> Result<bool, MatchError> {
    let value: Vec<char> = value.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    budget.spend(value.len() + pattern.len())?;
    let (mut v, mut p) = (0, 0);
    // Only the last run ever needs to grow: what earlier ones matched is as short as can be.
    let mut last_run: Option<(usize, usize)> = None;
    while v < value.len() {
        match pattern.get(p) {
            Some('%') => {
                p += 1;
                last_run = Some((v, p));
                continue;
            }
            Some(c) if *c == '_' || *c == value[v] => (v, p) = (v + 1, p + 1),
            _ => match &mut last_run {
                Some((start, after)) => {
                    *start += 1;
                    budget.spend(1 + p - *after)?;
                    (v, p) = (*start, *after);
                }
                None => return Ok(false),
            },
        }
    }
    Ok(pattern[p..].iter().all(|c| *c == '%'))
}
