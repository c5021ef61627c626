//! Where a URL ends in a text, and how it is written without what made it harmless.

use super::{Url, scheme};
use crate::stix::atom::{Atom, Kind};
use crate::submission::text::address;
use crate::submission::text::lex::{self, How};

/// Writes a URL as it was before someone made it harmless.
pub(super) struct Writer<'a> {
    text: &'a str,
    pub(super) written: String,
    pub(super) is_defanged: bool,
    /// Commas and the like end it if it stands in a column.
    stops: &'static [u8],
    /// It begins its line.
    is_first: bool,
    /// Underscores at its end belong to the one before it.
    is_emphasised: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(text: &'a str, start: usize, written: String) -> Self {
        let stops: &[u8] = match lex::char_before(text, start) {
            None | Some('\n' | ',') => b",",
            Some('\'') => b"'",
            Some(';') => b";",
            // In a request plus signs and semicolons are between the words of a command.
            Some('+') => b"+;&",
            Some('}') => b";",
            _ => b"",
        };
        Self {
            text,
            written,
            is_defanged: false,
            stops,
            is_first: matches!(lex::char_before(text, start), None | Some('\n')),
            is_emphasised: lex::char_before(text, start) == Some('_'),
        }
    }

    /// `user:password@`, if it is there; returns where the host begins.
    pub(super) fn user(&mut self, at: usize) -> usize {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"/?#<>\"'`|\\,;()".contains(byte);
        let authority = self.text.as_bytes()[at..].iter().take(USER_BYTES_MAX);
        let length = authority.clone().position(is_end).unwrap_or(authority.len());
        let sign = self.text.as_bytes()[at..at + length].iter().rposition(|byte| *byte == b'@');
        let user = sign.and_then(|sign| self.text.get(at..at + sign));
        match user.filter(|user| !user.is_empty()) {
            None => at,
            Some(user) if user.ends_with('[') => {
                // `[@]` is no user's name, but a harmless sign.
                self.written.push_str(&user[..user.len() - 1]);
                self.written.push('@');
                self.is_defanged = true;
                let after = at + user.len() + 1;
                after + usize::from(lex::byte(self.text, after) == Some(b']'))
            }
            Some(user) => {
                self.is_defanged |= user.contains("[.]");
                self.written.push_str(&user.replace("[.]", "."));
                self.written.push('@');
                at + user.len() + 1
            }
        }
    }

    /// An IPv6 address in brackets.
    pub(super) fn literal(&mut self, at: usize) -> Option<usize> {
        let address = address::read_v6(self.text, at + 1)?;
        let closed = address.end;
        if lex::byte(self.text, closed) != Some(b']') {
            return None;
        }
        self.is_defanged |= address.is_defanged;
        self.written.push('[');
        self.written.push_str(&address.written);
        self.written.push(']');
        Some(closed + 1)
    }

    /// Where the port ends, or the host if there is none.
    pub(super) fn port(&self, at: usize) -> usize {
        let Some(colon) = lex::colon(self.text, at) else { return at };
        let digits =
            self.text.as_bytes()[colon.end..].iter().take_while(|b| b.is_ascii_digit()).take(6).count();
        match digits {
            1..=5 => colon.end + digits,
            _ => at,
        }
    }

    pub(super) fn port_and_rest(mut self, at: usize) -> Option<Url> {
        let end = self.port(at);
        if end > at {
            let colon = lex::colon(self.text, at)?;
            self.is_defanged |= colon.how == How::Sure;
            self.written.push(':');
            self.written.push_str(&self.text[colon.end..end]);
        }
        let begins =
            lex::slash(self.text, end).is_some() || matches!(lex::byte(self.text, end), Some(b'?' | b'#'));
        let (end, is_too_long) = if begins { self.rest(end) } else { (end, false) };
        let atom = if is_too_long { None } else { Atom::parse(Kind::Url, &self.written).ok() };
        Some(Url { atom, end, is_defanged: self.is_defanged })
    }

    /// Path, query and fragment. Returns where they end, and whether they are longer than values may be.
    fn rest(&mut self, start: usize) -> (usize, bool) {
        let mut open = Vec::new();
        let mut at = start;
        // What was written when the last character was no punctuation mark that may be of the sentence.
        let mut kept = (start, self.written.len());
        while let Some(c) = self.text[at..].chars().next() {
            let (length, written) = match self.undone(at) {
                Some(undone) => undone,
                None if self.is_end(at, c) => break,
                None => (c.len_utf8(), c),
            };
            match written {
                '(' | '[' | '{' if open.len() < DEPTH_MAX => open.push(written),
                ')' | ']' | '}' if open.pop() != Some(opener(written)) => break,
                _ => {}
            }
            at += length;
            if self.written.len() <= URL_BYTES_MAX {
                self.written.push(written);
            }
            if !(".,;:!?'*~([{|".contains(written) || written == '_' && self.is_emphasised) {
                kept = (at, self.written.len());
            }
            if let Some(next) = self.goes_on(start, at, written) {
                at = next;
            }
        }
        let is_too_long = self.written.len() > URL_BYTES_MAX;
        self.written.truncate(kept.1);
        (if is_too_long { at } else { kept.0 }, is_too_long)
    }

    /// Where a URL goes on in the next line, if it plainly does: this line ends inside a path, and the next one
    /// begins with more of it.
    fn goes_on(&self, start: usize, at: usize, written: char) -> Option<usize> {
        if !matches!(written, '/' | '-' | '_' | '&' | '=' | '?' | '%') {
            return None;
        }
        let next = at + self.text[at..].strip_prefix('\r').map_or(0, |_| 1);
        let next = self.text[next..].starts_with('\n').then_some(next + 1)?;
        let word = self.text[next..].split(char::is_whitespace).next()?;
        let is_inner = word.get(1..word.len().saturating_sub(1)).is_some_and(|inner| match written {
            '/' => inner.contains('/'),
            _ => inner.contains(['/', '.', '=', '&']),
        });
        let first = word.split(['/', '?', '=', '&']).next()?;
        let is_path = is_inner
            && word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !word.contains("//")
            && !word.contains("[.");
        let is_deep = self.text[start..at].bytes().filter(|b| *b == b'/').count() > 1;
        (is_path && is_deep && word.len() < WORD_BYTES_MAX && (written != '/' || !first.contains('.')))
            .then_some(next)
    }

    /// A harmless spelling, or one of HTML or JSON: its length, and the character that it stands for.
    fn undone(&mut self, at: usize) -> Option<(usize, char)> {
        match lex::byte(self.text, at)? {
            b'&' => self.text[at..].starts_with("&amp;").then_some((5, '&')),
            b'\\' if lex::byte(self.text, at + 1) == Some(b'/') => Some((2, '/')),
            b'\\' | b'[' | b'(' | b'{' => {
                let fenced = lex::fenced(self.text, at)?;
                let c = match fenced.inner {
                    "." | "dot" | "DOT" => '.',
                    "/" => '/',
                    ":" => ':',
                    "@" | "at" => '@',
                    _ => return None,
                };
                self.is_defanged = true;
                Some((fenced.end - at, c))
            }
            _ => None,
        }
    }

    /// Does a character end the URL?
    fn is_end(&self, at: usize, c: char) -> bool {
        if !c.is_ascii() {
            return is_foreign_end(c);
        }
        let rest = &self.text[at..];
        match c {
            '"' | '<' | '>' | '`' | '|' | '\\' | '^' => true,
            '&' if self.stops.contains(&b'&') => true,
            '&' => ["&quot;", "&gt;", "&lt;", "&nbsp;", "&#"].iter().any(|entity| rest.starts_with(entity)),
            ';' if self.is_first && is_cell(rest) => true,
            '+' => self.stops.contains(&b'+'),
            ',' | ';' | '\'' => {
                self.stops.contains(&(c as u8))
                    || scheme(self.text, at + 1).is_some_and(|next| next.name.is_some())
            }
            _ => c.is_ascii_whitespace() || c.is_ascii_control(),
        }
    }
}

/// Is what follows a semicolon another cell of a table, and no parameter of a path as in `;id=1`?
fn is_cell(rest: &str) -> bool {
    let cells = rest.split('\n').next().unwrap_or_default();
    let next = cells[1..].split([';', '/', '?']).next().unwrap_or_default();
    !next.contains(['=', '&', '%'])
}

/// White space, quotation marks and dashes of prose, and scripts that put no blank after a URL.
fn is_foreign_end(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '«' | '»' | '\u{2010}'..='\u{205e}' | '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
        || matches!(c, '\u{ac00}'..='\u{d7af}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff5f}'..='\u{ff9f}')
}

fn opener(closer: char) -> char {
    match closer {
        ')' => '(',
        ']' => '[',
        _ => '{',
    }
}

const USER_BYTES_MAX: usize = 256;
const URL_BYTES_MAX: usize = 4000;
const WORD_BYTES_MAX: usize = 300;
const DEPTH_MAX: usize = 32;
