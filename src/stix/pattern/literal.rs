//! The values of literals (STIX 2.1 §9.3).

use super::ast::Constant;
use super::error::Error;
use super::lexer::Lexer;
use super::token::{Kind, Token};
use crate::stix::timestamp::StixTime;

/// The constant a token stands for, or `None` when the token is no literal.
pub(super) fn constant(token: &Token<'_>, lexer: &mut Lexer<'_>) -> Result<Option<Constant>, Error> {
    Ok(Some(match token.kind {
        Kind::Integer => Constant::Integer(number(token)),
        Kind::Float => Constant::Float(number(token)),
        Kind::String { .. } => Constant::String(string(token)),
        Kind::Hex => Constant::Hex(hex(token, lexer)?),
        Kind::Binary => Constant::Binary(binary(token, lexer)?),
        Kind::Timestamp => Constant::Timestamp(timestamp(token)?),
        _ => return Ok(None),
    }))
}

pub(super) fn number(token: &Token<'_>) -> Box<str> {
    token.text.strip_prefix('+').unwrap_or(token.text).into()
}

/// The text with its escapes resolved; the lexer has let only valid ones through.
pub(super) fn string(token: &Token<'_>) -> Box<str> {
    if !matches!(token.kind, Kind::String { escapes: true }) {
        return token.text.into();
    }
    let mut value = String::with_capacity(token.text.len());
    let mut rest = token.text;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        value.push_str(&rest[at + 1..at + 2]);
        rest = &rest[at + 2..];
    }
    value.push_str(rest);
    value.into_boxed_str()
}

pub(super) fn timestamp(token: &Token<'_>) -> Result<StixTime, Error> {
    StixTime::parse(token.text).ok_or_else(|| Error::Syntax {
        offset: token.start,
        expected: "a timestamp of the form t'2016-04-06T20:03:48.123Z'".into(),
        found: token.describe(),
        hint: timestamp_hint(token.text).into(),
    })
}

fn hex(token: &Token<'_>, lexer: &mut Lexer<'_>) -> Result<Box<[u8]>, Error> {
    let bytes = decode_hex(token.text).ok_or_else(|| Error::Syntax {
        offset: token.start,
        expected: "pairs of hexadecimal digits, as in h'4d5a'".into(),
        found: token.describe(),
        hint: String::new(),
    })?;
    if bytes.is_empty() {
        lexer.warn("pattern.constant", token.start, "an empty hex constant: other products refuse it");
    } else if token.text.bytes().any(|b| b.is_ascii_uppercase()) {
        lexer.warn("pattern.constant", token.start, "hex digits are written in lower case");
    }
    Ok(bytes)
}

fn binary(token: &Token<'_>, lexer: &mut Lexer<'_>) -> Result<Box<[u8]>, Error> {
    let has_breaks = token.text.contains(['\n', '\r']);
    let joined = has_breaks.then(|| token.text.replace(['\n', '\r'], ""));
    let bytes = decode_base64(joined.as_deref().unwrap_or(token.text)).ok_or_else(|| Error::Syntax {
        offset: token.start,
        expected: "base64 in groups of four with padding, as in b'dGVzdA=='".into(),
        found: token.describe(),
        hint: String::new(),
    })?;
    if bytes.is_empty() {
        lexer.warn("pattern.constant", token.start, "an empty binary constant: other products refuse it");
    } else if has_breaks {
        lexer.warn("pattern.constant", token.start, "line feeds inside base64: other products refuse them");
    }
    Ok(bytes)
}

/// Bytes from pairs of hexadecimal digits of either case.
pub(super) fn decode_hex(text: &str) -> Option<Box<[u8]>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// Bytes from padded base64 in the standard alphabet (RFC 4648 §4).
pub(super) fn decode_base64(text: &str) -> Option<Box<[u8]>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in body.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for b in group {
            bits = bits << 6 | sextet(*b)?;
        }
        let aligned = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&aligned.to_be_bytes()[1..group.len()]);
    }
    Some(bytes.into())
}

/// Padded base64 in the standard alphabet.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= group.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

fn sextet(b: u8) -> Option<u32> {
    Some(u32::from(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

fn timestamp_hint(text: &str) -> &'static str {
    if !text.contains(['T', 't']) {
        "add the time, as in T00:00:00Z"
    } else if text.contains(['t', 'z']) {
        "write T and Z in upper case"
    } else if !text.ends_with('Z') {
        "convert the time to UTC and end it with Z"
    } else {
        "check that date and time exist; seconds are required, a fraction has a digit after its point"
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
