//! Rules beyond the grammar whose breach makes a pattern invalid (STIX 2.1 §9).

use super::ast::{Check, Comparison, Constant, Observations, Path, Qualifier};
use super::error::Error;
use super::parser::REPEATS_MAX;
use std::collections::BTreeSet;

/// Tests joined by `AND` look at one object, so they must agree on its type.
pub(super) fn one_object(comparison: &Comparison) -> Result<(), Error> {
    // Nearly all patterns name one type only; they need no sets.
    let mut first: Option<&str> = None;
    let mut mixed = false;
    comparison.each_test(&mut |test| {
        mixed |= *first.get_or_insert(&test.path.object_type) != &*test.path.object_type
    });
    if mixed { types(comparison).map(|_| ()) } else { Ok(()) }
}

/// The types of objects that can satisfy a comparison.
fn types(comparison: &Comparison) -> Result<BTreeSet<&str>, Error> {
    match comparison {
        Comparison::Test(test) => Ok(BTreeSet::from([&*test.path.object_type])),
        Comparison::Or(parts) => {
            let mut union = BTreeSet::new();
            for part in parts {
                // Not `append`, which rebuilds the whole set each time.
                union.extend(types(part)?);
            }
            Ok(union)
        }
        Comparison::And(parts) => {
            let mut common: Option<BTreeSet<&str>> = None;
            for part in parts {
                let next = types(part)?;
                common = Some(match common {
                    Some(common) => {
                        intersect(&common, &next).ok_or_else(|| two_types(part, &common, &next))?
                    }
                    None => next,
                });
            }
            Ok(common.unwrap_or_default())
        }
    }
}

/// What both hold, or `None` when that is nothing.
fn intersect<'a>(a: &BTreeSet<&'a str>, b: &BTreeSet<&'a str>) -> Option<BTreeSet<&'a str>> {
    let (small, large) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let common: BTreeSet<_> = small.iter().copied().filter(|name| large.contains(name)).collect();
    (!common.is_empty()).then_some(common)
}

fn two_types(part: &Comparison, before: &BTreeSet<&str>, after: &BTreeSet<&str>) -> Error {
    let mut offset = 0;
    part.each_test(&mut |test| offset = if offset == 0 { test.path.offset } else { offset });
    let one = |types: &BTreeSet<&str>| super::token::shorten(types.first().copied().unwrap_or_default());
    let (before, after) = (one(before), one(after));
    let message = format!(
        "tests on {before} and on {after} joined by AND inside one pair of brackets: no object has two types; \
         write [{before}:…] AND [{after}:…], or join them by OR"
    );
    Error::meaning(offset, message)
}

/// The product of nested `REPEATS` stays within its limit.
pub(super) fn repeats(root: &Observations) -> Result<(), Error> {
    if repetitions(root).is_some_and(|product| product <= REPEATS_MAX) {
        return Ok(());
    }
    Err(Error::Limit { offset: 0, what: "product of nested REPEATS", limit: REPEATS_MAX })
}

fn repetitions(node: &Observations) -> Option<usize> {
    match node {
        Observations::Bracket(_) => Some(1),
        Observations::And(parts) | Observations::Or(parts) | Observations::FollowedBy(parts) => {
            parts.iter().map(repetitions).try_fold(1, |most, next| Some(most.max(next?)))
        }
        Observations::Qualified(inner, Qualifier::Repeats(count)) => {
            repetitions(inner)?.checked_mul(*count as usize)
        }
        Observations::Qualified(inner, _) => repetitions(inner),
    }
}

/// Whether two constants may stand in one list: integers and floats mix, nothing else does.
pub(super) fn same_kind(a: &Constant, b: &Constant) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b) || (a.is_number() && b.is_number())
}

/// A text compared for equality with a hash must be a hash of that algorithm.
pub(super) fn hash(path: &Path, check: &Check, offset: usize) -> Result<(), Error> {
    let constants = match check {
        Check::Compare(relation, constant) if relation.is_equality() => std::slice::from_ref(constant),
        Check::In(constants) => constants.as_slice(),
        _ => return Ok(()),
    };
    let Some((parent, name)) = path.last_two() else { return Ok(()) };
    if parent != "hashes" && !parent.ends_with("_hashes") {
        return Ok(());
    }
    let Some(form) = hash_form(name) else { return Ok(()) };
    for constant in constants {
        if let Constant::String(text) = constant
            && !form.fits(text)
        {
            return Err(not_a_hash(name, &form, text, offset));
        }
    }
    Ok(())
}

fn not_a_hash(name: &str, form: &HashForm, text: &str, offset: usize) -> Error {
    let expected = match form {
        HashForm::Digits(digits) => format!("{digits} hexadecimal digits"),
        HashForm::Tlsh => "70 hexadecimal digits, perhaps after T1".to_owned(),
        HashForm::Ssdeep => "block size, hash and hash, separated by `:`".to_owned(),
    };
    let message = format!(
        "'{}' ({} characters) is no {name} hash, which has {expected}; for a part of a hash write LIKE '…%'",
        super::token::shorten(text),
        text.chars().count()
    );
    Error::meaning(offset, message)
}

enum HashForm {
    Digits(usize),
    Ssdeep,
    Tlsh,
}

impl HashForm {
    fn fits(&self, text: &str) -> bool {
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        match self {
            Self::Digits(digits) => text.len() == *digits && hex(text),
            Self::Tlsh => {
                let digits = text.strip_prefix("T1").unwrap_or(text);
                digits.len() == 70 && hex(digits)
            }
            Self::Ssdeep => ssdeep(text),
        }
    }
}

fn ssdeep(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let is_hash = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+'));
    match parts.as_slice() {
        [size, first, second] => {
            !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()) && is_hash(first) && is_hash(second)
        }
        _ => false,
    }
}

/// Feeds spell `sha256`, `SHA256` and `SHA-256`; all mean the same digest.
fn hash_form(name: &str) -> Option<HashForm> {
    let mut buffer = [0; 12];
    let mut length = 0;
    for b in name.bytes().filter(|b| !matches!(b, b'-' | b'_')) {
        *buffer.get_mut(length)? = b.to_ascii_uppercase();
        length += 1;
    }
    Some(HashForm::Digits(match &buffer[..length] {
        b"MD5" => 32,
        b"SHA1" | b"RIPEMD160" => 40,
        b"SHA224" | b"SHA3224" => 56,
        b"SHA256" | b"SHA3256" => 64,
        b"SHA384" | b"SHA3384" => 96,
        b"SHA512" | b"SHA3512" | b"WHIRLPOOL" => 128,
        b"SSDEEP" => return Some(HashForm::Ssdeep),
        b"TLSH" => return Some(HashForm::Tlsh),
        _ => return None,
    }))
}
