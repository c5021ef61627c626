//! IPv4 and IPv6 addresses and networks, and the numbers that only look like them.

mod beside;
mod evidence;
mod number;
mod peers;
mod said;
mod shape;
mod v6;
mod version;
mod words;

pub(super) use v6::{read_v6, v6};

use super::host::Chain;
use super::lex::{self, How};
use crate::stix::atom::{Atom, Kind};
use std::net::Ipv4Addr;

/// An address or network in a text.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) atom: Atom,
    pub(super) end: usize,
    pub(super) is_defanged: bool,
}

/// What stands above a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Above {
    /// Nothing that matters.
    Nothing,
    /// The name of a column or a heading that announces addresses.
    Addresses,
    /// The same of versions.
    Versions,
}

impl Above {
    /// What the name of a column, or else a heading, announces.
    pub(super) fn named(column: Option<&str>, heading: Self) -> Self {
        let is_one = |words: &[&str]| {
            let mut parts = column.unwrap_or_default().split(|c: char| !c.is_alphanumeric());
            parts.any(|part| super::around::is_one_of(words, part))
        };
        match () {
            () if heading == Self::Versions || is_one(words::VERSIONS) => Self::Versions,
            () if column.is_some_and(Self::is_of_addresses) => Self::Addresses,
            () if column.is_some() => Self::Nothing,
            () => heading,
        }
    }

    /// What a heading in lower case announces.
    pub(super) fn of_heading(heading: &str) -> Self {
        match () {
            () if words::VERSIONED.iter().any(|word| heading.contains(word)) => Self::Versions,
            () if Self::is_of_addresses(heading) => Self::Addresses,
            () => Self::Nothing,
        }
    }

    fn is_of_addresses(name: &str) -> bool {
        name.split(|c: char| !c.is_alphanumeric()).any(|word| {
            let lower = word.to_lowercase();
            matches!(lower.as_str(), "ip" | "ips" | "ipv4" | "src" | "dst" | "c2" | "ioc" | "iocs")
                || words::ADDRESSES.iter().any(|start| lower.starts_with(start))
        })
    }
}

/// Four numbers with dots.
#[derive(Debug)]
pub(super) struct Quad {
    pub(super) written: String,
    pub(super) end: usize,
    pub(super) is_defanged: bool,
}

/// Four numbers of at most 255 that begin at a place and stand alone.
pub(super) fn quad(text: &str, at: usize) -> Option<Quad> {
    let mut quad = Quad { written: String::new(), end: at, is_defanged: false };
    for number in 0..4 {
        let mut closer = None;
        if number > 0 {
            let dot = lex::dot(text, quad.end)?;
            quad.is_defanged |= dot.how != How::Plain;
            quad.written.push('.');
            (quad.end, closer) = (dot.end, dot.closer);
        }
        let digits = text.as_bytes()[quad.end..].iter().take_while(|b| b.is_ascii_digit()).take(4).count();
        quad.written.push_str(&text[quad.end..quad.end + digits]);
        quad.end += digits;
        if closer.is_some() && lex::byte(text, quad.end) == closer {
            quad.end += 1;
        }
    }
    let is_address = quad.written.parse::<Ipv4Addr>().is_ok();
    (is_address && stands_alone(text, quad.end)).then_some(quad)
}

/// Does a number that ends here go on as something else: a name, a longer number, a version of a package?
fn stands_alone(text: &str, end: usize) -> bool {
    if lex::dot(text, end)
        .is_some_and(|dot| matches!(dot.how, How::Plain | How::Sure) && is_near(text, end, dot.end))
    {
        return false;
    }
    match text[end..].chars().next() {
        Some('-') => {
            // A range goes on with an address or a last number; a package with anything else.
            let next = lex::label_end(text, end + 1);
            next == end + 1 || text[end + 1..next].bytes().all(|b| b.is_ascii_digit() || b == b'-')
        }
        Some('_') => !text[end + 1..].starts_with(char::is_alphanumeric),
        Some(c) => !c.is_ascii_alphanumeric(),
        None => true,
    }
}

fn is_near(text: &str, end: usize, next: usize) -> bool {
    !text[end..next].contains(' ')
}

/// The address of a quad with its prefix length, unless it is a number of another sort.
pub(super) fn v4(text: &str, at: usize, quad: &Quad, above: Above) -> Option<Address> {
    let address: Ipv4Addr = quad.written.parse().ok()?;
    if is_of_no_host(address) || number::is_other_number(text, at, quad, above) {
        return None;
    }
    let (prefix, end, is_odd) = prefix(text, quad.end, 32);
    let atom = match prefix {
        Some(length) if length < 32 => {
            Atom::parse(Kind::Ipv4Network, &format!("{}/{length}", quad.written)).ok()?
        }
        _ => Atom::parse(Kind::Ipv4, &quad.written).ok()?,
    };
    Some(Address { atom, end, is_defanged: quad.is_defanged || is_odd })
}

/// Unspecified and loopback addresses, masks and their inverses.
fn is_of_no_host(address: Ipv4Addr) -> bool {
    matches!(address.octets()[0], 0 | 127 | 255)
}

/// A prefix length: its number, where it ends, whether its slash was written oddly.
fn prefix(text: &str, at: usize, most: u8) -> (Option<u8>, usize, bool) {
    let Some(slash) = lex::slash(text, at) else { return (None, at, false) };
    let digits = text.as_bytes()[slash.end..].iter().take_while(|b| b.is_ascii_digit()).take(4).count();
    let end = slash.end + digits;
    let length = text[slash.end..end].parse::<u8>().ok().filter(|length| *length <= most);
    let goes_on = match lex::byte(text, end) {
        Some(b'.') => lex::is_label_start(text, end + 1),
        Some(byte) => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-' | b'?' | b'='),
        None => false,
    };
    match length.filter(|_| !goes_on) {
        Some(length) => (Some(length), end, slash.how != How::Plain),
        None => (None, at, false),
    }
}

/// Is a chain four numbers or more that are no name?
pub(super) fn is_numeric(chain: &Chain) -> bool {
    chain.last().bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(text: &str) -> Option<String> {
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let quad = quad(text, at)?;
        v4(text, at, &quad, Above::Nothing).map(|address| address.atom.text().to_owned())
    }

    #[test]
    fn addresses_and_networks_are_read() {
        for (text, value) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198[.]51[.]100[.]7:443", "198.51.100.7"),
            ("198.51.100[.7]", "198.51.100.7"),
            ("198.51.100.7.", "198.51.100.7"),
            ("198.51.100.9/24", "198.51.100.0/24"),
            ("198.51.100.9/32", "198.51.100.9"),
            ("198.51.100.9[/]28 x", "198.51.100.0/28"),
            ("198.51.100.9/2026", "198.51.100.9"),
            ("198.51.100.1-198.51.100.9", "198.51.100.1"),
            ("from 198.51.100.1 to", "198.51.100.1"),
            ("before: 198.51.100.1 then", "198.51.100.1"),
            ("the server 5.2.1.7", "5.2.1.7"),
            ("it updates itself and connects to 5.2.1.7", "5.2.1.7"),
            ("exploits a vulnerability and reports to 5.2.1.7", "5.2.1.7"),
            ("5.2.1.7 Command server of the group", "5.2.1.7"),
            ("Cloudflare 1.1.1.1", "1.1.1.1"),
            ("von der Adresse 5.2.1.7", "5.2.1.7"),
            ("host 10.0.0.5 (version unknown)", "10.0.0.5"),
        ] {
            assert_eq!(four(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left() {
        for text in [
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "255.255.255.0",
            "0.0.0.255",
            "127.0.0.1",
            "1.2.3.4-beta2",
            "1.2.3.4_5",
            "1.2.3.4a",
            "1.2.3.4.example",
            "version 10.0.1.2",
            "Version: 10.0.1.2",
            "Chrome/10.0.1.2",
            "versions 10.0.1.2",
            "updated to 10.0.1.2",
            "10.0.1.2 and earlier",
            "section 3.1.2.4",
            "OID 1.3.6.1",
            "1.3.6.1 ",
            "fixed in 10.0.1.2",
            "\"FileVersion\": \"10.0.1.2\"",
            "§ 3.1.2.4",
            "GateWarden VPN before 5.1.2.4",
            "see 5.2.1.1 in the manual",
            "Tabelle 5.1.1.1",
            "第4.1.2.1节",
            "module GeckoTray 5.3.0.9",
            "our product 5.0.0.1",
            "agent 10.1.0.1 (rel)",
            "10.4.2.1 Scope of this clause",
            "Affected: 5.1.0.1",
            "lib>=5.1.0.1",
            "upgrade the gateway to 5.1.2.0",
        ] {
            assert_eq!(four(text), None, "{text}");
        }
        let headings = "3.1.2 Scope\n3.1.2.4 Network\n";
        let at = headings.find("3.1.2.4").unwrap();
        assert!(v4(headings, at, &quad(headings, at).unwrap(), Above::Nothing).is_none());
    }
}
