//! Hashes, numbers, names.

use super::NoAtom;

/// So many hexadecimal digits, in lower case.
pub(super) fn hex(text: &str, length: usize) -> Result<String, NoAtom> {
    if text.len() != length || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(NoAtom("no hash of its length"));
    }
    Ok(text.to_ascii_lowercase())
}

/// A fuzzy hash: block size and two hashes.
pub(super) fn ssdeep(text: &str) -> Result<String, NoAtom> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_base64 = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    match parts[..] {
        [size, one, two]
            if !size.is_empty()
                && size.bytes().all(|b| b.is_ascii_digit())
                && is_base64(one)
                && is_base64(two) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(NoAtom("no SSDEEP hash")),
    }
}

/// The number of an autonomous system.
pub(super) fn number(text: &str) -> Result<String, NoAtom> {
    text.parse::<u32>().map(|number| number.to_string()).map_err(|_| NoAtom("no AS number"))
}

/// Six bytes in lower case, with colons.
pub(super) fn mac(text: &str) -> Result<String, NoAtom> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    let is_byte = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    match parts.len() == 6 && parts.iter().all(is_byte) {
        true => Ok(parts.join(":").to_ascii_lowercase()),
        false => Err(NoAtom("no MAC address")),
    }
}

/// Text of one line.
pub(super) fn plain(text: &str) -> Result<String, NoAtom> {
    let is_line_end = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    match text {
        "" => Err(NoAtom("empty")),
        _ if text.chars().any(is_line_end) => Err(NoAtom("control characters")),
        _ => Ok(text.to_owned()),
    }
}
