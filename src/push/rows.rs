//! The lines of an export's main file, each with its key and hash.

use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// What stands for a row, and for a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u8; 16]);

/// What the lines of a format are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A JSON object each.
    Json,
    /// A text each; lines that begin with `#` say something of the file.
    Text,
    /// A text each, after one with the names of columns.
    Table,
}

/// A row of a file.
#[derive(Debug)]
pub struct Row {
    /// The same as long as it is the same row.
    pub key: Key,
    /// Another one if anything of it has changed.
    pub hash: Key,
    /// What is sent; nothing if it is longer than [`LINE_MAX`].
    pub line: Option<Vec<u8>>,
}

impl Shape {
    /// The shape of a format; none if its main file has no line for each row.
    pub fn of(format: &str) -> Option<Self> {
        match format {
            "ecs" | "idea" | "intelmq" | "ndjson" => Some(Self::Json),
            "cef" | "leef" | "list" => Some(Self::Text),
            "csv" => Some(Self::Table),
            _ => None,
        }
    }
}

impl Key {
    /// Of bytes: the first half of their SHA-256.
    pub fn of(bytes: &[u8]) -> Self {
        let mut key = [0; 16];
        key.copy_from_slice(&crate::store::sha256(bytes)[..16]);
        Self(key)
    }

    /// 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = [0; 16];
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(key))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// The rows of a file, one after the other; nothing but a line is in memory, and a key for each row.
pub struct Rows {
    input: BufReader<File>,
    shape: Shape,
    is_first: bool,
    seen: HashSet<Key>,
}

impl Rows {
    /// Opens a file. What replaces it meanwhile is not seen.
    pub fn open(path: &Path, shape: Shape) -> io::Result<Self> {
        let input = BufReader::with_capacity(64 * 1024, File::open(path)?);
        Ok(Self { input, shape, is_first: true, seen: HashSet::new() })
    }

    /// The next row.
    pub fn next(&mut self) -> io::Result<Option<Row>> {
        loop {
            let mut line = Vec::new();
            let read = self.input.by_ref().take(LINE_MAX + 1).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            let is_long = read as u64 > LINE_MAX;
            if is_long {
                self.input.skip_until(b'\n')?;
            }
            let is_header = std::mem::take(&mut self.is_first) && self.shape == Shape::Table;
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            if is_header || line.is_empty() || self.shape == Shape::Text && line[0] == b'#' {
                continue;
            }
            let hash = Key::of(&line);
            let key = self.unique(if is_long { hash } else { self.key(&line, hash) });
            return Ok(Some(Row { key, hash, line: (!is_long).then_some(line) }));
        }
    }

    /// The keys of all rows so far.
    pub fn seen(&self) -> &HashSet<Key> {
        &self.seen
    }

    fn key(&self, line: &[u8], hash: Key) -> Key {
        match self.shape {
            Shape::Json => json_key(line).unwrap_or(hash),
            Shape::Text | Shape::Table => hash,
        }
    }

    /// Two rows never share a key, or one would take the other's place.
    fn unique(&mut self, key: Key) -> Key {
        let mut found = key;
        let mut turn = 0_u64;
        while !self.seen.insert(found) {
            turn += 1;
            found = Key::of(&[&key.0[..], &turn.to_be_bytes()].concat());
        }
        found
    }
}

/// What an object names as its own: the id and the value of a document (export formats §4), or its id.
fn json_key(line: &[u8]) -> Option<Key> {
    #[derive(Deserialize)]
    struct Object<'a> {
        #[serde(borrow, alias = "ID")]
        id: Option<Cow<'a, str>>,
        #[serde(borrow)]
        liaison: Option<Liaison<'a>>,
        #[serde(borrow)]
        threat: Option<Threat<'a>>,
    }
    #[derive(Deserialize)]
    struct Liaison<'a> {
        #[serde(borrow)]
        stix_id: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Threat<'a> {
        #[serde(borrow)]
        indicator: Indicator<'a>,
    }
    #[derive(Deserialize)]
    struct Indicator<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    let object: Object = serde_json::from_slice(line).ok()?;
    let text = match (object.liaison, object.threat, object.id) {
        (Some(liaison), Some(threat), _) => {
            format!("{}\n{}\n{}", liaison.stix_id, threat.indicator.kind, threat.indicator.name)
        }
        (_, _, Some(id)) => id.into_owned(),
        _ => return None,
    };
    Some(Key::of(text.as_bytes()))
}

/// The longest line that is sent, in bytes.
pub const LINE_MAX: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, shape: Shape) -> Vec<(Key, Key, String)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut rows = Rows::open(file.path(), shape).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            found.push((row.key, row.hash, String::from_utf8(row.line.unwrap()).unwrap()));
        }
        assert_eq!(rows.seen().len(), found.len());
        found
    }

    fn texts(text: &str, shape: Shape) -> Vec<String> {
        rows(text, shape).into_iter().map(|(.., line)| line).collect()
    }

    #[test]
    fn headers_and_empty_lines_are_no_rows() {
        assert_eq!(texts("# a\nx\n\n#b\ny", Shape::Text), ["x", "y"]);
        assert_eq!(texts("#a,b\r\n#1,2\r\n", Shape::Table), ["#1,2"]);
        assert_eq!(texts("", Shape::Table), [""; 0]);
    }

    #[test]
    fn a_changed_document_keeps_its_key_and_another_value_has_another() {
        let document = |id: &str, kind: &str, name: &str, tags: &str| {
            format!(
                r#"{{"threat":{{"indicator":{{"type":"{kind}","name":"{name}"}}}},"liaison":{{"stix_id":"{id}"}},"tags":["{tags}"]}}"#
            )
        };
        let key = |line: String| json_key(line.as_bytes()).unwrap();
        let one = key(document("i", "domain-name", "a", "x"));
        assert_eq!(one, key(document("i", "domain-name", "a", "y")));
        for other in [("j", "domain-name", "a"), ("i", "file", "a"), ("i", "domain-name", "b")] {
            assert_ne!(one, key(document(other.0, other.1, other.2, "x")));
        }
        assert_eq!(json_key(br#"{"id":"a\"b","x":1}"#), Some(Key::of(b"a\"b")));
        assert_eq!(json_key(br#"{"ID":"n"}"#), Some(Key::of(b"n")));
        assert_eq!(json_key(br#"{"x":1}"#), None);
    }

    #[test]
    fn rows_that_name_the_same_have_keys_of_their_own() {
        let found =
            rows("{\"id\":\"a\",\"n\":1}\n{\"id\":\"a\",\"n\":2}\n{\"id\":\"a\",\"n\":3}\n", Shape::Json);
        let keys: HashSet<_> = found.iter().map(|(key, ..)| *key).collect();
        assert_eq!(keys.len(), 3);
        assert_eq!(found[0].0, Key::of(b"a"));
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let long = vec![b'a'; usize::try_from(LINE_MAX).unwrap() + 10];
        std::fs::write(file.path(), [&long[..], b"\nb\n"].concat()).unwrap();
        let mut rows = Rows::open(file.path(), Shape::Text).unwrap();
        assert!(rows.next().unwrap().unwrap().line.is_none());
        assert_eq!(rows.next().unwrap().unwrap().line.unwrap(), b"b");
        assert!(rows.next().unwrap().is_none());
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = Key::of(b"x");
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        for wrong in ["", "00", "+0000000000000000000000000000000", "é00000000000000000000000000000é"] {
            assert_eq!(Key::parse(wrong), None);
        }
    }
}
