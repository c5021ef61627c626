//! Strings, numbers and literals.

use super::source::Source;
use super::tape::{Kind, SAFE_INTEGER_MAX};
use super::{Defect, JsonError};
use std::ops::Range;

/// A string or a number that has been read.
pub(super) struct Token {
    /// Where it is in the compact text; of a string the inside.
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    pub(super) defect: Option<Defect>,
}

/// Reads a string.
pub(super) fn string(source: &mut Source) -> Result<Token, JsonError> {
    if source.peek()? != Some(b'"') {
        return source.fail(source.read, "expected a string in double quotes");
    }
    let start = source.read;
    let mut at = start + 1;
    let (mut kind, mut defect) = (Kind::Text, None);
    loop {
        at += plain(&source.text[at..]);
        match source.text.get(at).copied() {
            Some(b'"') => break,
            Some(b'\\') => {
                kind = Kind::Escaped;
                source.ensure(at, ESCAPE_MAX_BYTES)?;
                let (end, is_nul) = escape(source, at)?;
                at = end;
                if is_nul {
                    defect = Some(Defect::Nul);
                }
            }
            Some(_) => return source.fail(at, "a control character in a string; escape it"),
            None if source.grow()? => {}
            None => return source.fail(at, "the text ends inside a string"),
        }
    }
    let inside = source.write + 1;
    source.copy(at + 1 - start);
    Ok(Token { range: inside..source.write - 1, kind, defect })
}

/// How many bytes from the start are neither quote, backslash nor control character.
fn plain(rest: &[u8]) -> usize {
    let special = |b: &u8| matches!(b, b'"' | b'\\') | (*b < 0x20);
    let mut at = 0;
    // Blocks of a fixed size become a few vector instructions.
    while let Some(block) = rest[at..].first_chunk::<BLOCK>() {
        if block.iter().fold(false, |any, b| any | special(b)) {
            break;
        }
        at += BLOCK;
    }
    at + rest[at..].iter().position(special).unwrap_or(rest.len() - at)
}

/// Checks the escape at `at`; the answer is where the text goes on, and if it is U+0000.
fn escape(source: &Source, at: usize) -> Result<(usize, bool), JsonError> {
    match source.text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok((at + 2, false)),
        Some(b'u') => match hex4(source, at + 2)? {
            0 => Ok((at + 6, true)),
            0xD800..=0xDBFF => {
                let low = source.text.get(at + 6..at + 8) == Some(b"\\u");
                if low && (0xDC00..=0xDFFF).contains(&hex4(source, at + 8)?) {
                    return Ok((at + 12, false));
                }
                source.fail(at, "a lone surrogate in a string")
            }
            0xDC00..=0xDFFF => source.fail(at, "a lone surrogate in a string"),
            _ => Ok((at + 6, false)),
        },
        _ => source.fail(at, "an unknown escape in a string"),
    }
}

fn hex4(source: &Source, at: usize) -> Result<u32, JsonError> {
    let digits = source.text.get(at..at + 4).unwrap_or_default();
    let value = digits.iter().try_fold(0, |sum, b| Some(sum * 16 + char::from(*b).to_digit(16)?));
    match value {
        Some(value) if digits.len() == 4 => Ok(value),
        _ => source.fail(at, "expected four hexadecimal digits"),
    }
}

/// Reads a number by the grammar of RFC 8259 §6.
pub(super) fn number(source: &mut Source) -> Result<Token, JsonError> {
    let start = source.read;
    let mut at = start + usize::from(source.text.get(start) == Some(&b'-'));
    let whole = digits(source, at)?;
    if whole == 0 || (whole > 1 && source.text[at] == b'0') {
        return source.fail(at, "a number must start with a digit and without needless zeros");
    }
    at += whole;
    let mut is_integer = true;
    if source.text.get(at) == Some(&b'.') {
        is_integer = false;
        let fraction = digits(source, at + 1)?;
        if fraction == 0 {
            return source.fail(at, "expected a digit after the decimal point");
        }
        at += 1 + fraction;
    }
    if matches!(source.text.get(at), Some(b'e' | b'E')) {
        is_integer = false;
        source.ensure(at, 2)?;
        at += 1 + usize::from(matches!(source.text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(source, at)?;
        if exponent == 0 {
            return source.fail(at, "expected a digit in the exponent");
        }
        at += exponent;
    }
    let (kind, defect) = range_of(&source.text[start..at], is_integer);
    let range = source.write..source.write + (at - start);
    source.copy(at - start);
    Ok(Token { range, kind, defect })
}

/// How many digits stand at `at`; what follows them is there too, unless the text ends.
fn digits(source: &mut Source, at: usize) -> Result<usize, JsonError> {
    source.ensure(at, 1)?;
    let mut count = 0;
    loop {
        match source.text.get(at + count).copied() {
            Some(byte) if byte.is_ascii_digit() => count += 1,
            None if source.grow()? => {}
            _ => return Ok(count),
        }
    }
}

fn range_of(text: &[u8], is_integer: bool) -> (Kind, Option<Defect>) {
    let shown = || std::str::from_utf8(text).unwrap_or_default();
    if is_integer && text.len() <= 15 {
        return (Kind::Integer, None);
    }
    if is_integer && shown().parse::<i64>().is_ok_and(|value| value.unsigned_abs() <= SAFE_INTEGER_MAX) {
        return (Kind::Integer, None);
    }
    let defect = match shown().parse::<f64>().is_ok_and(f64::is_finite) {
        true => None,
        false => Some(Defect::Number(shown().chars().take(40).collect())),
    };
    (if is_integer { Kind::BigInteger } else { Kind::Fraction }, defect)
}

/// Reads `true`, `false` or `null`.
pub(super) fn literal(source: &mut Source, word: &[u8], kind: Kind) -> Result<Token, JsonError> {
    source.ensure(source.read, word.len())?;
    if !source.text[source.read..].starts_with(word) {
        return source.fail(source.read, "expected a JSON value");
    }
    let range = source.write..source.write + word.len();
    source.copy(word.len());
    Ok(Token { range, kind, defect: None })
}

const BLOCK: usize = 16;
/// `\ud83d\ude00`
const ESCAPE_MAX_BYTES: usize = 12;
