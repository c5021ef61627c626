//! One pass over a text, word by word. What a word may be is decided by its first bytes and by what follows it;
//! only then is anything read closer.

mod label;
mod mail;
mod mark;

use super::address::{self, Quad};
use super::hash::Above;
use super::host::Chain;
use super::layout::Layout;
use super::lex;
use super::{Found, Region, around, hash, name, number, table, url};
use crate::stix::atom::Atom;
use crate::submission::What;

/// Every value of a text, in order.
pub(super) fn scan(text: &str, layout: &Layout) -> Vec<Found> {
    let mut scanner = Scanner { text, layout, found: Vec::new(), locals_end: 0, rows: Vec::new() };
    scanner.run();
    scanner.found
}

struct Scanner<'a> {
    text: &'a str,
    layout: &'a Layout,
    found: Vec<Found>,
    /// Up to here no at sign follows what could stand before one.
    locals_end: usize,
    /// Where rows begin that belong to hashes already found.
    rows: Vec<usize>,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at = match CLASSES[usize::from(*byte)] {
                Class::Other => at + 1,
                Class::Colon if bytes.get(at + 1) == Some(&b':') => self.colons(at),
                Class::Colon => at + 1,
                Class::Letter => self.word(at),
                Class::Foreign if lex::is_label_start(self.text, at) => self.word(at),
                Class::Foreign => next_char(self.text, at),
            };
        }
    }

    /// Looks at the word that begins at a place; returns where to go on.
    fn word(&mut self, at: usize) -> usize {
        if self.is_emphasis(at) {
            return at + 1;
        }
        if self.is_escape(at) {
            return at + 2;
        }
        let end = lex::label_end(self.text, at);
        let Some(next) = lex::byte(self.text, end) else { return self.label(at, end).unwrap_or(end) };
        let first = self.text.as_bytes()[at];
        if next == b' ' && !lex::may_go_on(self.text, end) {
            return self.label(at, end).unwrap_or(end);
        }
        if matches!(
            next,
            b':' | b'['
                | b'('
                | b'{'
                | b']'
                | b')'
                | b'*'
                | b'+'
                | b'~'
                | b'#'
                | b'!'
                | b'$'
                | b'%'
                | b'?'
                | b' '
        ) && let Some(end) = self.scheme(at, first)
        {
            return end;
        }
        if first.is_ascii_digit()
            && let Some(end) = self.quad(at)
        {
            return end;
        }
        match next {
            b'[' | b'(' | b'{' if lex::colon(self.text, end).is_some() => {
                if let Some(end) = self.colon_number(at, end) {
                    return end;
                }
            }
            b'.' | b'[' | b'(' | b'{' | b'<' | b'\\' | b' ' | b'@' => {
                if let Some(end) = self.chain(at, end) {
                    return end;
                }
            }
            b'+' | b'%' | b'=' | b'\'' | b'&' | b'~' | b'#' | b'$' | b'!' => {
                if let Some(end) = self.local(at, end) {
                    return end;
                }
            }
            b':' => {
                if let Some(end) = self.colon_number(at, end) {
                    return end;
                }
            }
            _ => {}
        }
        self.label(at, end).unwrap_or(end)
    }

    /// `%20http:`: two digits of an escaped character, then a URL.
    fn is_escape(&self, at: usize) -> bool {
        let is_url = |rest: &str| rest.starts_with("http") || rest.starts_with("hxxp");
        self.text[..at].ends_with('%')
            && self.text.as_bytes()[at..].iter().take(2).all(u8::is_ascii_hexdigit)
            && self.text.get(at + 2..).is_some_and(is_url)
    }

    /// Is an underscore the start of emphasis, which ends with another one, rather than of a name?
    fn is_emphasis(&self, at: usize) -> bool {
        if lex::byte(self.text, at) != Some(b'_') {
            return false;
        }
        let line = around::line_after(self.text, at + 1);
        let mut ends = line.match_indices('_').map(|(place, _)| place);
        line.starts_with('_')
            || ends.any(|place| place > 0 && !line[place + 1..].starts_with(|c: char| c.is_alphanumeric()))
    }

    fn add(&mut self, what: What, at: std::ops::Range<usize>, is_defanged: bool) {
        self.found.push(Found { what, at, is_defanged, region: Region::Body });
    }

    fn add_atom(&mut self, atom: Atom, at: std::ops::Range<usize>, is_defanged: bool) {
        self.add(What::Value(atom), at, is_defanged);
    }

    /// A URL, or the host behind a scheme that makes none.
    fn scheme(&mut self, at: usize, first: u8) -> Option<usize> {
        if !first.is_ascii_alphabetic() {
            return None;
        }
        let scheme = url::scheme(self.text, at)?;
        let at = scheme.start;
        let Some(name) = scheme.name else { return self.other_scheme(scheme.end) };
        let Some(url) = url::read(self.text, at, &scheme, name) else { return Some(scheme.end) };
        if let Some(atom) = url.atom {
            self.add_atom(atom, at..url.end, url.is_defanged);
        }
        Some(url.end.max(scheme.end))
    }

    /// `ldap://host:port/x`: the host alone.
    fn other_scheme(&mut self, at: usize) -> Option<usize> {
        let end = if !lex::is_label_start(self.text, at) {
            at
        } else if let Some(quad) = address::quad(self.text, at) {
            self.add_quad(at, &quad);
            quad.end
        } else {
            let mut chain = Chain::read(self.text, at);
            if lex::byte(self.text, chain.end) == Some(b'@') {
                return Some(chain.end + 1);
            }
            self.add_name(&mut chain, true);
            chain.end
        };
        let bytes = &self.text.as_bytes()[end..];
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>`|,;)]}".contains(byte);
        // `tcp://[2001:db8::1]:80` is read from its bracket on.
        let rest = if bytes.first() == Some(&b'[') {
            0
        } else {
            bytes.iter().position(is_end).unwrap_or(bytes.len())
        };
        Some(end + rest)
    }

    /// What heading and header stand above a place.
    fn above(&self, at: usize) -> Above<'_> {
        let section = self.layout.at(at);
        Above { heading: section.hashes, column: self.column(at) }
    }

    fn column(&self, at: usize) -> Option<&str> {
        let header = self.layout.at(at).table.clone()?;
        table::column(self.text, &self.text[header], at)
    }

    /// What the column of a number, or else its heading, announces.
    fn above_number(&self, at: usize) -> address::Above {
        address::Above::named(self.column(at), self.layout.at(at).numbers)
    }

    /// Four numbers: an address, a network, the host of a URL without scheme.
    fn quad(&mut self, at: usize) -> Option<usize> {
        let quad = address::quad(self.text, at)?;
        if let Some(address) = address::v4(self.text, at, &quad, self.above_number(at)) {
            let is_network = address.end > quad.end;
            let url = url::after_host(self.text, at, &quad.written, quad.end, quad.is_defanged);
            match url.filter(|_| !is_network) {
                Some(url) => return Some(self.add_url(at, url)),
                None => self.add_atom(address.atom, at..address.end, address.is_defanged),
            }
            return Some(address.end);
        }
        Some(quad.end)
    }

    fn add_quad(&mut self, at: usize, quad: &Quad) {
        if let Some(address) = address::v4(self.text, at, quad, address::Above::Nothing) {
            self.add_atom(address.atom, at..quad.end, quad.is_defanged);
        }
    }

    fn add_url(&mut self, at: usize, url: url::Url) -> usize {
        if let Some(atom) = url.atom {
            self.add_atom(atom, at..url.end, url.is_defanged);
        }
        url.end
    }

    /// Labels joined by dots, or an e-mail address. Nothing if the label stands alone.
    fn chain(&mut self, at: usize, label_end: usize) -> Option<usize> {
        let has_dot = lex::dot(self.text, label_end).is_some();
        if !has_dot && lex::at_sign(self.text, label_end).is_none() {
            return None;
        }
        if let Some(end) = self.list_mark(at, label_end) {
            return Some(end);
        }
        if let Some(end) = self.hash_of_file_name(at, label_end) {
            return Some(end);
        }
        let mut chain = Chain::read(self.text, at);
        if let Some(end) = self.email(at, chain.end, chain.is_defanged()) {
            return Some(end);
        }
        if chain.labels < 2 {
            return None;
        }
        if !chain.is_defanged()
            && let Some(end) = self.local(at, chain.end)
        {
            return Some(end);
        }
        if number::cve(self.text, at).is_some() {
            return self.label(at, label_end);
        }
        if self.add_name(&mut chain, false) || !(chain.is_worded || chain.is_weak) {
            return Some(chain.end.max(label_end));
        }
        // Words that only seem joined are read one by one.
        None
    }

    /// Adds the name that a chain is, or the URL that begins with it. Whether it is one.
    fn add_name(&mut self, chain: &mut Chain, is_host_alone: bool) -> bool {
        let is_defanged = chain.is_defanged();
        if address::is_numeric(chain) {
            return false;
        }
        let url = match is_host_alone {
            true => None,
            false => url::after_host(self.text, chain.start, &chain.name, chain.end, is_defanged),
        };
        if let Some(end) = url.as_ref().map(|url| url.end)
            && !is_defanged
            && name::is_module(self.text, chain.start, end)
        {
            chain.end = end;
            return false;
        }
        let is_used =
            url.is_some() || lex::colon(self.text, chain.end).is_some_and(|colon| self.is_port(colon.end));
        let Some(atom) = name::judge(self.text, chain, is_used) else { return false };
        match url {
            Some(url) => chain.end = self.add_url(chain.start, url),
            None => self.add_atom(atom, chain.start..chain.end, is_defanged),
        }
        true
    }

    fn is_port(&self, at: usize) -> bool {
        self.text[at..].starts_with(|c: char| c.is_ascii_digit())
    }

    /// `::` at the start of an IPv6 address.
    fn colons(&mut self, at: usize) -> usize {
        match address::v6(self.text, at) {
            Some(address) => {
                self.add_atom(address.atom, at..address.end, address.is_defanged);
                address.end
            }
            None => at + 2,
        }
    }

    /// A number that goes on after a colon: IPv6, a fingerprint, a fuzzy hash.
    fn colon_number(&mut self, at: usize, end: usize) -> Option<usize> {
        let label = &self.text.as_bytes()[at..end];
        let is_hex = label.len() <= 4 && label.iter().all(u8::is_ascii_hexdigit);
        if is_hex && label.len() == 2 {
            let (atom, end) = hash::fingerprint(self.text, at, self.above(at));
            if let Some(atom) = atom {
                self.add_atom(atom, at..end, false);
            }
            if end > at {
                return Some(end);
            }
        }
        if is_hex && let Some(address) = address::v6(self.text, at) {
            self.add_atom(address.atom, at..address.end, address.is_defanged);
            return Some(address.end);
        }
        if label.len() < 8 && label.iter().all(u8::is_ascii_digit) {
            let (atom, end) = hash::fuzzy(self.text, at, end, self.is_beside_hash(at))?;
            self.add_atom(atom, at..end, false);
            return Some(end);
        }
        None
    }
}

fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// What may begin with a byte.
#[derive(Clone, Copy)]
enum Class {
    Other,
    Letter,
    Colon,
    Foreign,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let b = byte as u8;
        classes[byte] = if b.is_ascii_alphanumeric() || b == b'_' {
            Class::Letter
        } else if b == b':' {
            Class::Colon
        } else if b >= 0x80 {
            Class::Foreign
        } else {
            Class::Other
        };
        byte += 1;
    }
    classes
};
