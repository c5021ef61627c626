//! Patterns of STIX 2.0 become patterns of 2.1: times in `START … STOP` are timestamps, and paths name the
//! properties of 2.1 (STIX 2.1 §9). Everything else stays to the letter.

use super::changes;

/// The pattern as 2.1 writes it. What is no pattern stays none.
pub(super) fn elevate(pattern: &str) -> String {
    let mut new = String::with_capacity(pattern.len() + 2);
    let mut rest = pattern;
    let mut before = "";
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => quoted(rest),
            'A'..='Z' | 'a'..='z' | '_' => word(rest),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if first == '\'' && matches!(before, "START" | "STOP") {
            new.push('t');
        }
        new.push_str(token);
        rest = after;
        if first.is_ascii_alphabetic() && rest.starts_with(':') {
            new.push(':');
            rest = path(token, &rest[1..], &mut new);
        }
        if !first.is_whitespace() {
            before = token;
        }
    }
    new
}

/// Writes a path with the names of 2.1; gives what follows it.
fn path<'p>(object_type: &str, text: &'p str, new: &mut String) -> &'p str {
    let mut kind = object_type;
    let (mut rest, mut before) = (text, "");
    loop {
        let length = if rest.starts_with('\'') { quoted(rest) } else { word(rest) };
        let (written, mut after) = rest.split_at(length);
        let name = written.trim_matches('\'');
        let now = match (kind, before, name) {
            // A process has the name of its image, if any.
            ("process", _, "name") => "image_ref.name",
            (_, "hashes" | "file_header_hashes", "ssdeep") => "SSDEEP",
            _ => changes::renamed(kind, name).unwrap_or(written),
        };
        new.push_str(now);
        if let Some(index) = after.strip_prefix('[') {
            let (index, rest) = index.split_at(index.find(']').map_or(index.len(), |end| end + 1));
            new.push('[');
            new.push_str(index);
            after = rest;
        }
        // Names mean something only right under the object, an extension, or what a reference leads to.
        kind = match (before, name) {
            ("extensions", extension) => extension,
            (_, reference) => TARGETS.iter().find(|(of, _)| *of == reference).map_or("", |(_, kind)| *kind),
        };
        before = name;
        match after.strip_prefix('.') {
            Some(next) => {
                new.push('.');
                rest = next;
            }
            None => return after,
        }
    }
}

/// The length of a literal in quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn word(text: &str) -> usize {
    text.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-'))
        .unwrap_or(text.len())
}

/// What references lead to, where it is of one type whose properties have changed.
const TARGETS: [(&str, &str); 9] = [
    ("binary_ref", "file"),
    ("image_ref", "file"),
    ("parent_directory_ref", "directory"),
    ("parent_ref", "process"),
    ("child_refs", "process"),
    ("creator_user_ref", "user-account"),
    ("belongs_to_ref", "user-account"),
    ("body_raw_ref", "file"),
    ("service_dll_refs", "file"),
];
