//! Numbers that only look like addresses. Some are parts of something longer; of the others `evidence` judges.

use super::{Above, Quad, evidence};
use crate::submission::text::around;
use crate::submission::text::lex;

/// Is it a version, a section, an object identifier?
pub(super) fn is_other_number(text: &str, at: usize, quad: &Quad, above: Above) -> bool {
    if quad.is_defanged {
        return false;
    }
    let before = lex::char_before(text, at);
    let is_product = before == Some('/') && is_product_before(text, at - 1);
    let is_glued = matches!(before, Some('_' | '-' | '.' | '$'))
        && before_sign(text, at).is_some_and(char::is_alphanumeric)
        && !is_range(text, at);
    if is_product || is_glued || before.is_some_and(lex::is_glue) || is_in_identifier(text, at) {
        return true;
    }
    ["1.3.6.1", "2.5.29.", "2.5.4."].iter().any(|arc| quad.written.starts_with(arc))
        || evidence::is_other(text, at, quad, above)
}

fn before_sign(text: &str, at: usize) -> Option<char> {
    text[..at].chars().rev().nth(1)
}

/// Does an address stand before the hyphen before a place?
fn is_range(text: &str, at: usize) -> bool {
    let lead = &text.as_bytes()[at.saturating_sub(RANGE_BYTES_MAX)..at - 1];
    let first = lead.rsplit(|b| !b.is_ascii_digit() && !b"[.]".contains(b)).next().unwrap_or_default();
    text[..at].ends_with('-') && first.iter().filter(|b| **b == b'.').count() == 3
}

/// Is it a field of a name that software has in catalogues and logs: `cpe:2.3:…`, `pkg:…@`, `CEF:0|…|`?
fn is_in_identifier(text: &str, at: usize) -> bool {
    let mut start = at.saturating_sub(IDENTIFIER_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lead = text[start..at].rsplit('\n').next().unwrap_or_default();
    let token = lead.rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_header = |mark: &str| {
        lead.rfind(mark).is_some_and(|place| lead[place..].bytes().filter(|b| *b == b'|').count() == 3)
    };
    token.contains("cpe:") || token.contains("pkg:") || is_header("CEF:") || is_header("LEEF:")
}

/// Is what ends before a slash the name of a product, as in `Chrome/120.0.1.2`?
fn is_product_before(text: &str, slash: usize) -> bool {
    let word = around::before(text, slash).next();
    word.is_some_and(|word| {
        word.gap.is_empty()
            && !word.text.contains('_')
            && !word.is_in(&[
                "ip", "ipv4", "host", "src", "dst", "c2", "tcp", "udp", "and", "or", "addr", "address",
            ])
            && word.text.starts_with(char::is_alphabetic)
    })
}

const RANGE_BYTES_MAX: usize = 32;
const IDENTIFIER_BYTES_MAX: usize = 160;
