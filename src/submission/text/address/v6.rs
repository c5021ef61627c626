//! IPv6 addresses and networks.

use super::{Address, prefix};
use crate::stix::atom::{Atom, Kind};
use crate::submission::text::lex;
use std::net::Ipv6Addr;

/// An IPv6 address as written, and where it ends.
#[derive(Debug)]
pub(in crate::submission::text) struct Written {
    pub(in crate::submission::text) written: String,
    pub(in crate::submission::text) end: usize,
    pub(in crate::submission::text) is_defanged: bool,
}

/// Reads an IPv6 address: the longest one that begins at a place.
pub(in crate::submission::text) fn read_v6(text: &str, at: usize) -> Option<Written> {
    let mut written = String::new();
    let mut ends = Vec::new();
    let mut end = at;
    let mut is_defanged = false;
    while written.len() <= V6_BYTES_MAX {
        match lex::byte(text, end)? {
            byte if byte.is_ascii_hexdigit() || byte == b':' => {
                written.push(char::from(byte));
                end += 1;
            }
            b'.' if lex::byte(text, end + 1).is_some_and(|b| b.is_ascii_digit()) => {
                written.push('.');
                end += 1;
            }
            b'[' | b'(' | b'{' => match lex::fenced(text, end) {
                Some(fenced) if matches!(fenced.inner, ":" | "::" | ".") => {
                    written.push_str(fenced.inner);
                    end = fenced.end;
                    is_defanged = true;
                }
                _ => break,
            },
            _ => break,
        }
        ends.push((written.len(), end));
        if end == text.len() {
            break;
        }
    }
    // A colon at the end is of the sentence.
    if written.ends_with(':') && !written.ends_with("::") {
        ends.pop();
    }
    let (length, end) = ends.pop()?;
    written.truncate(length);
    let is_apart = !text[end..].starts_with(|c: char| lex::is_glue(c));
    (is_apart && written.parse::<Ipv6Addr>().is_ok()).then_some(Written { written, end, is_defanged })
}

/// An IPv6 address or network that begins at a place.
pub(in crate::submission::text) fn v6(text: &str, at: usize) -> Option<Address> {
    if lex::char_before(text, at).is_some_and(|c| lex::is_glue(c) || matches!(c, '_' | ':' | '.')) {
        return None;
    }
    let read = read_v6(text, at)?;
    let address: Ipv6Addr = read.written.parse().ok()?;
    let groups = read.written.split(':').filter(|group| !group.is_empty());
    // Code has `c::b110` and `dead::beef`; real addresses of so few groups begin with a whole one and have digits.
    let is_whole = groups.clone().next().is_some_and(|group| group.len() == 4);
    let has_digits = read.written.bytes().any(|b| b.is_ascii_digit());
    let is_code = groups.clone().count() < 3 && !(is_whole && has_digits);
    let is_hardware = groups.clone().count() == 8 && groups.clone().all(|group| group.len() == 2);
    if is_code || is_hardware || address.is_loopback() || address.is_unspecified() {
        return None;
    }
    let zone = zone_end(text, read.end);
    let (prefix, end, is_odd) = prefix(text, zone, 128);
    let written = match prefix {
        Some(length) => format!("{}/{length}", read.written),
        None => read.written,
    };
    Some(Address {
        atom: Atom::parse(Kind::Ipv6, &written).ok()?,
        end,
        is_defanged: read.is_defanged || is_odd,
    })
}

/// `%eth0` says where an address holds; it is no part of the value.
fn zone_end(text: &str, at: usize) -> usize {
    match lex::byte(text, at) {
        Some(b'%') => lex::label_end(text, at + 1),
        _ => at,
    }
}

const V6_BYTES_MAX: usize = 46;

#[cfg(test)]
mod tests {
    use super::*;

    fn six(text: &str) -> Option<String> {
        v6(text, 0).map(|address| address.atom.text().to_owned())
    }

    #[test]
    fn ipv6_is_read_in_all_forms() {
        for (text, value) in [
            ("2001:DB8:0:0::66", "2001:db8::66"),
            ("2001:db8::/32 x", "2001:db8::/32"),
            ("2001:db8::1: then", "2001:db8::1"),
            ("2001[:]db8[:][:]1 ", "2001:db8::1"),
            ("2001:db8[::]1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.128.", "::ffff:192.0.2.128"),
            ("2001:db8::", "2001:db8::"),
        ] {
            assert_eq!(six(text).as_deref(), Some(value), "{text}");
        }
        for other in [
            "::",
            "::1",
            "dead::beef",
            "12:30:45",
            "00:11:22:33:44:55",
            "00:11:22:33:44:55:66:77",
            "a:b",
            "1::2::3",
        ] {
            assert_eq!(six(other), None, "{other}");
        }
    }
}
