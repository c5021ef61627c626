//! Hashes of files and certificates, and the hexadecimal numbers that are something else.

mod named;
mod words;
mod wrapped;

pub(super) use named::named_by_heading;

use super::around::{self, is_one_of};
use super::lex;
use crate::stix::atom::{Atom, Kind};
use named::named;
use words::ALGORITHMS;
use wrapped::{Wrapped, wrapped};

/// What a hexadecimal number is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The hash of a file, or nothing in particular.
    File,
    /// The fingerprint of a certificate.
    Certificate,
    /// Something else: a session, a key, a commit.
    Other,
}

/// What stands above a number: a heading, the name of its column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Above<'a> {
    pub(super) heading: Option<Named>,
    pub(super) column: Option<&'a str>,
}

/// A hash and where it ends.
pub(super) type Hash = (Atom, usize);

/// A hash, where it ends, and where its other rows begin if a table has broken it into rows with others between.
pub(super) struct Rows {
    pub(super) atom: Atom,
    pub(super) end: usize,
    pub(super) others: Vec<usize>,
}

/// The hash that a label is, or that begins with it and goes on in the next lines.
pub(super) fn hash(text: &str, at: usize, end: usize, above: Above<'_>) -> Option<Rows> {
    let start = digits_start(text, at, end)?;
    let Wrapped { digits, end, rows: others } = wrapped(text, start, end, above.column)
        .unwrap_or_else(|| Wrapped { digits: text[start..end].to_owned(), end, rows: Vec::new() });
    let kinds = kinds(digits.len())?;
    if is_monotonous(&digits) || !stands_alone(text, at, end) {
        return None;
    }
    let kind = match named(text, at, end, above) {
        Named::File => kinds.0,
        Named::Certificate => kinds.1?,
        Named::Other => return None,
    };
    Atom::parse(kind, &digits).ok().map(|atom| Rows { atom, end, others })
}

/// Where the digits begin: after `md5-`, `sha256_` or at once.
fn digits_start(text: &str, at: usize, end: usize) -> Option<usize> {
    let label = &text[at..end];
    let start = match label.rfind(['-', '_']) {
        Some(sign) if is_one_of(ALGORITHMS, &label[..sign]) => at + sign + 1,
        Some(_) => return None,
        None => at,
    };
    text[start..end].bytes().all(|b| b.is_ascii_hexdigit()).then_some(start)
}

/// The kinds of a file's and of a certificate's hash of a length.
fn kinds(length: usize) -> Option<(Kind, Option<Kind>)> {
    match length {
        32 => Some((Kind::FileMd5, Some(Kind::CertificateMd5))),
        40 => Some((Kind::FileSha1, Some(Kind::CertificateSha1))),
        64 => Some((Kind::FileSha256, Some(Kind::CertificateSha256))),
        128 => Some((Kind::FileSha512, None)),
        _ => None,
    }
}

/// One digit over and over is a placeholder; decimal digits alone are a number; many zeros first are proof of work.
fn is_monotonous(digits: &str) -> bool {
    let first = digits.as_bytes()[0];
    let is_block = digits.len() == 64 && digits.starts_with("0000000000000000");
    is_block || digits.bytes().all(|b| b == first) || digits.bytes().all(|b| b.is_ascii_digit())
}

/// Parts of paths and names of files are no hashes.
fn stands_alone(text: &str, at: usize, end: usize) -> bool {
    let is_in_path = match lex::char_before(text, at) {
        Some('/' | '\\') => {
            let before =
                text[..at - 1].bytes().rev().take_while(|b| b.is_ascii_alphanumeric()).take(129).count();
            // Several hashes of a file are joined by slashes.
            kinds(before).is_none() && !text[..at - 1].ends_with([' ', '\n'])
        }
        Some('$' | '%' | '.' | '@' | '{') => true,
        _ => false,
    };
    let is_name = lex::dot(text, end)
        .is_some_and(|dot| !text[end..dot.end].contains(' ') && !is_ending_of_file(text, dot.end))
        || text[end..].starts_with(['/', '\\', '@'])
            && !text[end + 1..].starts_with(|c: char| c.is_ascii_hexdigit() || c == ' ');
    !is_in_path && !is_name
}

/// Is the last label here one that files have, of a file that its hash names?
fn is_ending_of_file(text: &str, at: usize) -> bool {
    let end = lex::label_end(text, at);
    super::name::is_file_end(&text[at..end]) && lex::dot(text, end).is_none()
}

/// Bytes in hex with colons between them, as tools show fingerprints of certificates. Where they end is
/// given in any case: nothing else begins inside.
pub(super) fn fingerprint(text: &str, at: usize, above: Above<'_>) -> (Option<Atom>, usize) {
    let mut digits = String::new();
    let mut end = at;
    loop {
        let is_pair = text.as_bytes()[end..].iter().take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2;
        if !is_pair || lex::byte(text, end + 2).is_some_and(|b| b.is_ascii_alphanumeric()) {
            return (None, at);
        }
        digits.push_str(&text[end..end + 2]);
        end += 2;
        if lex::byte(text, end) != Some(b':') || digits.len() > 128 {
            break;
        }
        end += 1;
    }
    let kind = match digits.len() {
        32 => Kind::CertificateMd5,
        40 => Kind::CertificateSha1,
        64 => Kind::CertificateSha256,
        _ => return (None, if digits.len() > 16 { end } else { at }),
    };
    let is_other = named(text, at, end, above) == Named::Other || is_monotonous(&digits);
    (Atom::parse(kind, &digits).ok().filter(|_| !is_other), end)
}

/// A fuzzy hash that begins with the digits of a label; `is_beside_hash` if a hash of a file is near.
pub(super) fn fuzzy(text: &str, at: usize, end: usize, is_beside_hash: bool) -> Option<Hash> {
    let size: u64 = text[at..end].parse().ok()?;
    let is_size = size.is_multiple_of(3) && (size / 3).is_power_of_two();
    let first = part(text, end, 64)?;
    let second = part(text, first, 64)?;
    let is_apart = !text[second..].starts_with(|c: char| c.is_alphanumeric() || c == ':');
    let is_named = || around::before(text, at).take(2).any(|word| word.is_in(&["ssdeep", "fuzzy", "ctph"]));
    let is_long = first - end > FUZZY_BYTES_LEAST;
    if !is_size || !is_apart || !is_long && !is_named() || !(is_beside_hash || is_named()) {
        return None;
    }
    Atom::parse(Kind::FileSsdeep, &text[at..second]).ok().map(|atom| (atom, second))
}

/// A colon and letters of base64.
fn part(text: &str, at: usize, most: usize) -> Option<usize> {
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let length = text.as_bytes().get(at + 1..)?.iter().take(most + 1).take_while(is_base64).count();
    (lex::byte(text, at) == Some(b':') && (1..=most).contains(&length)).then_some(at + 1 + length)
}

const FUZZY_BYTES_LEAST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn find(text: &str, digits: &str) -> Option<Atom> {
        let at = text.find(digits)?;
        hash(text, at, lex::label_end(text, at), Above::default()).map(|hash| hash.atom)
    }

    #[test]
    fn hashes_have_the_length_of_their_kind() {
        for (digits, kind) in [(MD5, Kind::FileMd5), (SHA1, Kind::FileSha1), (SHA256, Kind::FileSha256)] {
            for text in [
                "{}",
                "MD5: {}.",
                "the hash is {},",
                "\"{}\"",
                "{}.exe",
                "\"password\" is MD5 {}",
                "favicon MD5 {}",
                "key agreement, hash {}",
            ] {
                let text = text.replace("{}", digits);
                assert_eq!(find(&text, digits).map(|atom| atom.kind()), Some(kind), "{text}");
            }
        }
        assert_eq!(find(&MD5[1..], &MD5[1..]), None);
        assert_eq!(find(&"0".repeat(32), "0"), None);
    }

    #[test]
    fn what_is_named_something_else_is_left() {
        for text in [
            "JA3: {}",
            "imphash {}",
            "{} (imphash)",
            "commit {}",
            "session id = {}",
            "key: {}",
            "JA3 MD5 hash: {}",
            "/x/{}/y",
            "JA3 fingerprint: {}",
            "nonce={}",
            "Import hash: {}",
            "{}.example",
            "x/{}.exe",
            "C:\\{}",
            "{} (HEAD -> main) Fix",
            "{}\trefs/heads/main",
            "If-None-Match: {}",
            "csrf_token={}",
            "pubkey={}",
            "\"password\": \"{}\"",
            "session_key: {}",
            "Subject Key Identifier: {}",
        ] {
            let text = text.replace("{}", MD5);
            assert_eq!(find(&text, MD5), None, "{text}");
        }
        let list = format!("JA3: {MD5}, {}", "1f".repeat(16));
        assert_eq!(find(&list, "1f1f"), None, "the name of a list holds for its second member");
        let pair = format!("JA3: {MD5}, MD5: {}", "1f".repeat(16));
        assert!(find(&pair, "1f1f").is_some());
    }

    #[test]
    fn fingerprints_are_of_certificates() {
        for text in ["thumbprint {}", "certificate SHA1: {}", "Cert: {}", "SHA-1 of the certificate: {}"] {
            let text = text.replace("{}", SHA1);
            assert_eq!(find(&text, SHA1).map(|atom| atom.kind()), Some(Kind::CertificateSha1), "{text}");
        }
        let pairs: Vec<&str> = (0..20).map(|at| &SHA1[2 * at..2 * at + 2]).collect();
        let (atom, _) = fingerprint(&pairs.join(":"), 0, Above::default());
        assert_eq!(atom.map(|atom| atom.text().to_owned()).as_deref(), Some(SHA1));
        assert_eq!(fingerprint("00:11:22:33:44:55 ", 0, Above::default()), (None, 0));
    }

    #[test]
    fn hashes_wrapped_in_a_column_are_joined() {
        for (text, digits) in [
            (format!("| {} |\n| {} |", &SHA1[..24], &SHA1[24..]), SHA1),
            (
                format!("{}\n  {}\n", &SHA256[..40], &SHA256[40..])
                    .replace(&SHA256[..40], &SHA256[..48])
                    .replace(&SHA256[40..], &SHA256[48..]),
                SHA256,
            ),
            (format!("SHA256 {}\n       {}", &SHA256[..32], &SHA256[32..]), SHA256),
        ] {
            let at = text.find(&digits[..16]).unwrap();
            let found = hash(&text, at, lex::label_end(&text, at), Above::default());
            assert_eq!(found.map(|hash| hash.atom.text().to_owned()).as_deref(), Some(digits), "{text}");
        }
        let columns = format!("a.exe  {}  12 kB\nb      {}  of it\n", &SHA1[..24], &SHA1[24..]);
        let hash_of = |text: &str| hash(text, 7, 31, Above::default());
        let found = hash_of(&columns).unwrap();
        assert_eq!((found.atom.text(), found.end, found.others.len()), (SHA1, 31, 1));
        assert!(hash_of(&columns.replace("b  ", "b ")).is_none());
        let two = format!("{MD5}\n{MD5}\n");
        assert_eq!(hash(&two, 0, 32, Above::default()).map(|hash| hash.end), Some(32));
    }

    #[test]
    fn fuzzy_hashes_need_a_name_or_a_hash_beside_them() {
        let text =
            "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO";
        assert!(fuzzy(text, 0, 2, true).is_some());
        assert!(fuzzy(text, 0, 2, false).is_none());
        let text = format!("ssdeep: {text}");
        assert!(fuzzy(&text, 8, 10, false).is_some());
        assert!(fuzzy("97:s4Ud1Lj96tHH:abc", 0, 2, true).is_none());
    }
}
