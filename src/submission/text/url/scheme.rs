//! The habits of writing schemes.

use crate::submission::text::host::Chain;
use crate::submission::text::lex::{self, How};

/// The start of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::submission::text) struct Scheme {
    /// Where it begins: in `wget+http://` after the plus sign.
    pub(in crate::submission::text) start: usize,
    /// As URLs write it; none if the value is the host alone.
    pub(in crate::submission::text) name: Option<&'static str>,
    /// Where the authority begins.
    pub(in crate::submission::text) end: usize,
    /// Was it written to be harmless?
    pub(in crate::submission::text) is_defanged: bool,
}

/// A scheme and what stands for `://`, if they begin at a place where a label begins.
pub(in crate::submission::text) fn scheme(text: &str, at: usize) -> Option<Scheme> {
    let (word, word_end) = scheme_word(text, at)?;
    let known = KNOWN.iter().find(|(written, _)| *written == word);
    if known.is_none()
        && word_end - at == word.len()
        && let Some(lead) = before_escape(&word)
    {
        return scheme(text, at + lead);
    }
    let (name, mut is_defanged) = match known {
        Some((_, name)) => (Some(*name), false),
        None => match harmless(&word) {
            Some(name) => (Some(name), true),
            None => (None, false),
        },
    };
    is_defanged |= word_end - at != word.len();
    let blanks = if is_defanged { lex::skip_blanks(text, word_end) } else { word_end };
    let (end, is_odd) = separator(text, blanks, name.is_some(), is_defanged)?;
    is_defanged |= is_odd;
    let apart = lex::skip_blanks(text, end);
    let end = match name {
        Some(_) if apart > end => {
            // A blank after the scheme is a habit, and also what prose has after a mere `http://`.
            let host = Chain::read(text, apart);
            is_defanged = true;
            (host.labels > 1).then_some(apart)?
        }
        _ => end,
    };
    Some(Scheme { start: at, name, end, is_defanged })
}

/// The letters of a scheme in lower case, without the brackets that some put around letters.
fn scheme_word(text: &str, at: usize) -> Option<(String, usize)> {
    let bytes = text.as_bytes();
    let mut word = String::new();
    for (end, byte) in bytes.iter().enumerate().skip(at).take(SCHEME_BYTES_MAX) {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' => {
                word.push(char::from(byte.to_ascii_lowercase()))
            }
            b'*' | b'_' | b'-' | b'~' | b'#' | b'!' | b'$' | b'%' | b'?' => word.push(char::from(*byte)),
            b'[' | b'(' | b'{' if word.len() <= 4 && is_fence_of_letters(&bytes[end + 1..]) => {}
            b']' | b')' | b'}' if is_closed_scheme(bytes, at, end) => {}
            _ => return (word.len() > 1).then_some((word, end)),
        }
    }
    None
}

/// Do brackets hold letters of a scheme, as in `h[tt]p`?
fn is_fence_of_letters(inner: &[u8]) -> bool {
    let letters = inner.iter().take(4).take_while(|byte| byte.is_ascii_alphabetic()).count();
    (1..4).contains(&letters) && matches!(inner.get(letters), Some(b']' | b')' | b'}'))
}

/// Does a bracket close letters of a scheme, or a scheme as a whole as in `[http]://`?
fn is_closed_scheme(bytes: &[u8], start: usize, close: usize) -> bool {
    let is_open = |byte: &u8| matches!(byte, b'[' | b'(' | b'{');
    bytes[start.saturating_sub(1)..close].iter().any(is_open) || bytes.get(close + 1) == Some(&b':')
}

/// Where in `wget+http` and `wget%20http`, as requests have them, the scheme begins.
fn before_escape(word: &str) -> Option<usize> {
    let lead = word.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let is_escape = word[..lead].ends_with('+') || word[..lead].ends_with("%20");
    (is_escape && KNOWN.iter().any(|(written, _)| *written == &word[lead..])).then_some(lead)
}

/// The scheme that an unreal one stands for.
fn harmless(word: &str) -> Option<&'static str> {
    let (stem, is_secure) = match word.strip_suffix('s') {
        Some(stem) => (stem, true),
        None => (word, false),
    };
    if matches!(stem, "meow" | "fxp" | "f*p" | "f_p" | "f-p" | "ftx" | "fxtp") {
        let is_ftp = stem != "meow";
        return Some(if is_ftp {
            "ftp"
        } else if is_secure {
            "https"
        } else {
            "http"
        });
    }
    let inner = stem.strip_prefix('h')?.strip_suffix('p')?;
    let is_noise = |byte: u8| b"txyz*_-~#!$%?+17".contains(&byte);
    let holds = (1..=4).contains(&inner.len()) && inner.bytes().all(is_noise);
    holds.then_some(if is_secure { "https" } else { "http" })
}

/// Where `://`, or what stands for it, ends, and whether it is written oddly.
fn separator(text: &str, at: usize, is_known: bool, is_defanged: bool) -> Option<(usize, bool)> {
    if text[at..].starts_with("://") {
        return Some((skip_more_slashes(text, at + 3), false));
    }
    if !is_known {
        return None;
    }
    if let Some(fenced) = lex::fenced(text, at)
        && matches!(fenced.inner, "://" | ":\\\\" | ": //")
    {
        return Some((fenced.end, true));
    }
    let colon = lex::colon(text, at)?;
    let mut is_odd = colon.how == How::Sure;
    let mut end = colon.end;
    if is_defanged || is_odd {
        end = lex::skip_blanks(text, end);
    }
    if let Some(fenced) = lex::fenced(text, end)
        && matches!(fenced.inner, "//" | "\\\\")
    {
        return Some((fenced.end, true));
    }
    let mut slashes = 0;
    let begins_back = lex::slash(text, end).is_none();
    while slashes < 2 {
        let (next, is_fenced) = match lex::slash(text, end) {
            Some(slash) => (slash.end, slash.how == How::Sure),
            None if lex::byte(text, end) == Some(b'\\') => (end + 1, true),
            None => break,
        };
        (end, is_odd, slashes) = (next, is_odd || is_fenced, slashes + 1);
    }
    // One backslash is an escape sequence.
    let is_enough = slashes == 2 || slashes == 1 && (is_defanged || is_odd) && !begins_back;
    is_enough.then_some((end, is_odd))
}

/// Some write three slashes.
fn skip_more_slashes(text: &str, at: usize) -> usize {
    at + usize::from(text[at..].starts_with('/'))
}

/// Schemes of URLs that are values themselves.
const KNOWN: [(&str, &str); 4] = [("http", "http"), ("https", "https"), ("ftp", "ftp"), ("ftps", "ftps")];
const SCHEME_BYTES_MAX: usize = 24;
