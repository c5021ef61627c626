//! How [`Source`] is stored: there is one beside the values of each object, so it is short, and quick to read.
//!
//! A mark, then what is known, in any order: a letter and what belongs to it. Numbers are eight bytes, the lowest
//! first; a text is its length, seven bits a byte, the lowest first, and its bytes; a list the number of its texts,
//! and these; an id one byte for its type and its UUID. Rows of old are JSON with the same letters.

use super::source::{NAMING, Source};
use uuid::Uuid;

/// Writes what is known of an object.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        let mut out = Vec::with_capacity(ROOM);
        out.push(MARK);
        Self(out)
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }

    /// An id, short if it is spelt as ids are.
    pub(super) fn id(&mut self, letter: u8, id: &str) {
        self.0.push(letter);
        match short(id) {
            Some((of_type, uuid)) => {
                self.0.push(of_type);
                self.0.extend_from_slice(uuid.as_bytes());
            }
            None => {
                self.0.push(SPELT);
                self.bare(id);
            }
        }
    }

    pub(super) fn number(&mut self, letter: u8, number: i64) {
        self.0.push(letter);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn byte(&mut self, letter: u8, byte: u8) {
        self.0.extend_from_slice(&[letter, byte]);
    }

    pub(super) fn text(&mut self, letter: u8, text: &str) {
        self.0.push(letter);
        self.bare(text);
    }

    /// Texts, if there are any.
    pub(super) fn texts<T: AsRef<str>>(&mut self, letter: u8, texts: &[T]) {
        if !texts.is_empty() {
            self.0.push(letter);
            self.length(texts.len());
            texts.iter().for_each(|text| self.bare(text.as_ref()));
        }
    }

    fn bare(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.0.push(length as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
    }
}

/// Type and UUID of an id that they tell all of.
fn short(id: &str) -> Option<(u8, Uuid)> {
    let at = TYPES.iter().position(|start| id.starts_with(start))?;
    let text = &id[TYPES[at].len()..];
    let uuid = Uuid::try_parse(text).ok()?;
    let is_same = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
    is_same.then_some((at as u8, uuid))
}

/// Reads what was stored; nothing if it is damaged.
pub(crate) fn source_of(bytes: &[u8]) -> Option<Source> {
    let Some(bytes) = bytes.strip_prefix(&[MARK]) else { return serde_json::from_slice(bytes).ok() };
    let (mut rest, mut source) = (Reader(bytes), Source::default());
    while let Some(letter) = rest.byte() {
        match letter {
            b'i' => source.id = rest.id()?,
            b'm' => source.modified = rest.number()?,
            b'b' => source.created_by_ref = Some(rest.id()?),
            b'c' => source.confidence = Some(rest.byte()?),
            b'f' => source.valid_from = Some(rest.number()?),
            b'u' => source.valid_until = Some(rest.number()?),
            b'r' => source.revoked = rest.byte()? == 1,
            b'p' => source.pattern_type = Some(rest.text()?),
            b't' => source.indicator_types = rest.texts()?,
            b'k' => source.classification = Some(rest.text()?),
            b'l' => source.labels = rest.texts()?,
            b'n' => source.name = rest.text()?,
            b'd' => source.description = rest.text()?,
            _ => return None,
        }
    }
    Some(source)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn id(&mut self) -> Option<String> {
        let of_type = self.byte()?;
        if of_type == SPELT {
            return self.text();
        }
        let start = TYPES.get(usize::from(of_type))?;
        let uuid = Uuid::from_slice(self.bytes(16)?).ok()?;
        let mut id = String::with_capacity(start.len() + 36);
        id.push_str(start);
        id.push_str(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Some(id)
    }

    fn number(&mut self) -> Option<i64> {
        self.bytes(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).ok().map(str::to_owned)
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        (0..self.length()?).map(|_| self.text()).collect()
    }

    fn length(&mut self) -> Option<usize> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(length);
            }
            shift += 7;
        }
    }
}

/// No JSON begins so.
const MARK: u8 = 1;
/// Instead of a type: the id is a text.
const SPELT: u8 = 0xFF;
/// By their places here; none may be moved.
const TYPES: [&str; 17] = {
    let mut all = ["identity--"; 17];
    let mut at = 0;
    while at < NAMING.len() {
        all[at + 1] = NAMING[at];
        at += 1;
    }
    all
};
/// What it mostly takes.
const ROOM: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(source: &Source) -> Vec<u8> {
        let mut out = Writer::new();
        out.id(b'i', &source.id);
        out.number(b'm', source.modified);
        source.created_by_ref.iter().for_each(|id| out.id(b'b', id));
        source.confidence.iter().for_each(|number| out.byte(b'c', *number));
        source.valid_from.iter().for_each(|time| out.number(b'f', *time));
        source.valid_until.iter().for_each(|time| out.number(b'u', *time));
        if source.revoked {
            out.byte(b'r', 1);
        }
        source.pattern_type.iter().for_each(|text| out.text(b'p', text));
        out.texts(b't', &source.indicator_types);
        source.classification.iter().for_each(|text| out.text(b'k', text));
        out.texts(b'l', &source.labels);
        out.text(b'n', &source.name);
        out.text(b'd', &source.description);
        out.done()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_what_is_cut_off_is_seen(
            ids in prop::collection::vec("((identity|indicator|ipv4-addr|x-y)--)?([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-fA-F]{12}|\\PC{0,9})", 2),
            texts in prop::collection::vec("\\PC{0,300}", 0..6),
            times in prop::array::uniform3(any::<i64>()),
            known in any::<bool>(),
            confidence in prop::option::of(any::<u8>()),
        ) {
            let source = Source {
                id: ids[0].clone(),
                modified: times[0],
                created_by_ref: known.then(|| ids[1].clone()),
                confidence,
                valid_from: known.then_some(times[1]),
                valid_until: (!known).then_some(times[2]),
                revoked: known,
                pattern_type: texts.first().cloned(),
                indicator_types: texts.iter().take(2).cloned().collect(),
                classification: texts.get(1).cloned(),
                labels: texts.iter().skip(2).cloned().collect(),
                name: texts.last().cloned().unwrap_or_default(),
                description: texts.concat() + ".",
            };
            let bytes = written(&source);
            prop_assert_eq!(source_of(&bytes), Some(source.clone()));
            for end in 1..bytes.len() {
                prop_assert_ne!(source_of(&bytes[..end]), Some(source.clone()));
            }
        }

        #[test]
        fn whatever_is_stored_nothing_breaks(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = source_of(&[&[MARK], &bytes[..]].concat());
        }
    }

    #[test]
    fn ids_are_short_only_if_that_tells_all() {
        let id = "indicator--b8b4bfb0-23d8-41cb-9fab-7c95364115a5";
        assert_eq!(short(id).map(|(of_type, _)| TYPES[usize::from(of_type)]), Some("indicator--"));
        for other in [
            "indicator--B8B4BFB0-23d8-41cb-9fab-7c95364115a5",
            "indicator--b8b4bfb023d841cb9fab7c95364115a5",
            "indicator--{b8b4bfb0-23d8-41cb-9fab-7c95364115a5}",
            "malware--b8b4bfb0-23d8-41cb-9fab-7c95364115a5",
            "",
        ] {
            assert_eq!(short(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_stored_as_json_is_read() {
        let json = br#"{"i":"indicator--1","m":2,"b":"identity--1","c":75,"f":3,"u":4,"r":true,"p":"yara","t":["a"],"k":"phishing","l":["l"],"n":"\"n","d":"d"}"#;
        let source = source_of(json).unwrap();
        assert_eq!(source_of(&written(&source)), Some(source.clone()));
        assert_eq!((source.valid_until, source.name.as_str(), source.labels.len()), (Some(4), "\"n", 1));
        assert_eq!(source_of(b"{"), None);
    }
}
