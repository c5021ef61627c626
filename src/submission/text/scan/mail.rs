//! E-mail addresses.

use super::Scanner;
use crate::stix::atom::{Atom, Kind};
use crate::submission::text::host::Chain;
use crate::submission::text::lex::{self, How};
use crate::submission::text::{address, name};

impl Scanner<'_> {
    /// An e-mail address whose local part ends at a place.
    pub(super) fn email(&mut self, start: usize, end: usize, is_defanged: bool) -> Option<usize> {
        let sign = lex::at_sign(self.text, end)?;
        let chain = Chain::read(self.text, sign.end);
        let is_word_plain = chain.is_worded || chain.is_sure;
        let is_plausible = match sign.how {
            How::Plain | How::Sure => true,
            _ => {
                chain.is_worded && !is_preposition(self.text, start)
                    || is_word_plain && lex::byte(self.text, end + 1) == Some(b'@')
            }
        };
        if chain.labels < 2 || !is_plausible || address::is_numeric(&chain) {
            return None;
        }
        let last = chain.last().to_ascii_lowercase();
        let is_end = if chain.is_weak { name::is_usual_end(&last) } else { name::is_real_end(&last) };
        if !chain.is_sure && !is_end || is_remote_path(self.text, start, end, &chain) {
            return None;
        }
        let local = local_name(self.text, start, end)?;
        let start = end - self.text[start..end].len().min(local.1);
        let atom = Atom::parse(Kind::Email, &format!("{}@{}", local.0, chain.name)).ok()?;
        let is_defanged = is_defanged || sign.how != How::Plain || chain.is_defanged();
        self.add_atom(atom, start..chain.end, is_defanged);
        Some(chain.end)
    }

    /// An e-mail address whose local part has other signs than letters, digits and dots.
    pub(super) fn local(&mut self, at: usize, from: usize) -> Option<usize> {
        if from < self.locals_end {
            return None;
        }
        let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_+%='&~#$!*/".contains(byte);
        let bytes = &self.text.as_bytes()[from..];
        let end = from + bytes.iter().take_while(|byte| is_local(byte)).count();
        match lex::at_sign(self.text, end) {
            Some(sign) if sign.how != How::Word && end - at <= LOCAL_BYTES_MAX => self.email(at, end, false),
            _ => {
                self.locals_end = end;
                None
            }
        }
    }
}

/// The local part of an address, and its length in the text: what stands before the last `=` is the name of
/// a field, unless a plus sign shows that it is not.
fn local_name(text: &str, start: usize, end: usize) -> Option<(String, usize)> {
    let written = &text[start..end];
    let plain = match Chain::read(text, start) {
        chain if chain.is_defanged() && chain.end == end => chain.name,
        _ => written.to_owned(),
    };
    let kept = match plain.rfind(['=', '/', '#', '&', '!', '*']) {
        Some(sign) if !plain[..sign].contains('+') => &plain[sign + 1..],
        _ => &plain,
    };
    let kept = kept.trim_start_matches('\'');
    let is_local =
        !kept.is_empty() && kept.len() <= LOCAL_BYTES_MAX && !kept.starts_with('.') && !kept.ends_with('.');
    let length = if kept.len() == plain.len() { written.len() } else { kept.len() };
    is_local.then(|| (kept.to_owned(), length))
}

/// `git@host:path`: no mail goes there.
fn is_remote_path(text: &str, start: usize, end: usize, chain: &Chain) -> bool {
    &text[start..end] == "git" && text[chain.end..].starts_with([':', '/'])
}

/// `hosted at evil dot example` names a place, no mailbox.
fn is_preposition(text: &str, start: usize) -> bool {
    let end = lex::label_end(text, start);
    PLACED.iter().any(|word| word.eq_ignore_ascii_case(&text[start..end]))
}

/// Words before `at` that say where something is.
const PLACED: &[&str] = &[
    "hosted",
    "located",
    "available",
    "found",
    "look",
    "looked",
    "looking",
    "registered",
    "site",
    "domain",
    "page",
    "server",
    "website",
    "is",
    "was",
    "and",
    "running",
    "reachable",
    "pointed",
    "pointing",
    "directed",
    "resolved",
    "residing",
    "panel",
    "c2",
    "infrastructure",
    "up",
    "seen",
    "observed",
    "downloaded",
    "payload",
    "files",
    "file",
    "host",
    "hosts",
    "port",
    "arrive",
    "arrived",
];
/// RFC 5321 §4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
