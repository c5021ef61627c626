//! How [`Source`] is stored: there is one beside the values of each object, so it is short, and quick to read.
//!
//! A mark, then what is known, in any order: a letter and what belongs to it. Numbers are eight bytes, the lowest
//! first; a text is its length, seven bits a byte, the lowest first, and its bytes; a list the number of its texts,
//! and these; a list of words of the vocabulary the number of words, and a byte for each; an id one byte for its
//! type and its UUID. Rows of old are JSON with the same letters.

use super::source::{NAMING, Source, Span};
use serde::Deserialize;
use std::borrow::Cow;
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

    /// The same of words, short if all of them are of the vocabulary `indicator-type-ov`.
    pub(super) fn words<T: AsRef<str>>(&mut self, words: &[T]) {
        let number = |word: &T| INDICATOR_TYPES.iter().position(|known| *known == word.as_ref());
        match words.iter().map(number).collect::<Option<Vec<_>>>() {
            Some(numbers) if !numbers.is_empty() => {
                self.0.push(b'w');
                self.length(numbers.len());
                self.0.extend(numbers.iter().map(|number| *number as u8));
            }
            _ => self.texts(b't', words),
        }
    }

    fn bare(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn length(&mut self, length: usize) {
        put_length(&mut self.0, length);
    }
}

/// Writes a length, seven bits a byte, the lowest first.
pub(crate) fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Such a length, and what stands behind it.
pub(crate) fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (mut length, mut rest, mut shift) = (0_usize, bytes, 0);
    loop {
        let (byte, behind) = rest.split_first()?;
        length |= usize::from(byte & 0x7F).checked_shl(shift)?;
        (rest, shift) = (behind, shift + 7);
        if *byte < 0x80 {
            return Some((length, rest));
        }
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
    read(bytes, true)
}

/// The same without `indicator_types`, of which look-ups tell nothing.
pub(crate) fn brief_of(bytes: &[u8]) -> Option<Source> {
    read(bytes, false)
}

fn read(bytes: &[u8], with_types: bool) -> Option<Source> {
    let Some(bytes) = bytes.strip_prefix(&[MARK]) else {
        return serde_json::from_slice(bytes).ok().map(Old::source);
    };
    let (mut rest, mut source) = (Reader(bytes), Source::default());
    source.texts.reserve_exact(bytes.len() + ROOM_FOR_IDS);
    while let Some(letter) = rest.byte() {
        match letter {
            b'i' => source.id = rest.id(&mut source)?,
            b'm' => source.modified = rest.number()?,
            b'b' => source.created_by_ref = Some(rest.id(&mut source)?),
            b'c' => source.confidence = Some(rest.byte()?),
            b'f' => source.valid_from = Some(rest.number()?),
            b'u' => source.valid_until = Some(rest.number()?),
            b'r' => source.revoked = rest.byte()? == 1,
            b'p' => source.pattern_type = Some(source.put(rest.text()?)),
            b't' if !with_types => rest.skip_texts()?,
            b'w' if !with_types => rest.skip_words()?,
            b't' => source.indicator_types = rest.texts::<String>()?.into_iter().map(Cow::Owned).collect(),
            b'w' => source.indicator_types = rest.words()?,
            b'k' => source.classification = Some(source.put(rest.text()?)),
            b'l' => source.labels = rest.texts()?,
            b'n' => source.name = source.put(rest.text()?),
            b'd' => source.description = source.put(rest.text()?),
            _ => return None,
        }
    }
    Some(source)
}

/// [`Source`] as it was stored before.
#[derive(Debug, Deserialize)]
struct Old {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "m", default)]
    modified: i64,
    #[serde(rename = "b", default)]
    created_by_ref: Option<String>,
    #[serde(rename = "c", default)]
    confidence: Option<u8>,
    #[serde(rename = "f", default)]
    valid_from: Option<i64>,
    #[serde(rename = "u", default)]
    valid_until: Option<i64>,
    #[serde(rename = "r", default)]
    revoked: bool,
    #[serde(rename = "p", default)]
    pattern_type: Option<String>,
    #[serde(rename = "t", default)]
    indicator_types: Vec<String>,
    #[serde(rename = "k", default)]
    classification: Option<String>,
    #[serde(rename = "l", default)]
    labels: Vec<String>,
    #[serde(rename = "n", default)]
    name: String,
    #[serde(rename = "d", default)]
    description: String,
}

impl Old {
    fn source(self) -> Source {
        let mut source = Source {
            modified: self.modified,
            confidence: self.confidence,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            revoked: self.revoked,
            indicator_types: self.indicator_types.into_iter().map(Cow::Owned).collect(),
            labels: self.labels,
            ..Source::default()
        };
        source.id = source.put(&self.id);
        source.created_by_ref = self.created_by_ref.map(|id| source.put(&id));
        source.pattern_type = self.pattern_type.map(|text| source.put(&text));
        source.classification = self.classification.map(|text| source.put(&text));
        source.name = source.put(&self.name);
        source.description = source.put(&self.description);
        source
    }
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

    fn id(&mut self, source: &mut Source) -> Option<Span> {
        let of_type = self.byte()?;
        if of_type == SPELT {
            return Some(source.put(self.text()?));
        }
        let (start, _) = source.put(TYPES.get(usize::from(of_type))?);
        let uuid = Uuid::from_slice(self.bytes(16)?).ok()?;
        let (_, end) = source.put(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Some((start, end))
    }

    fn number(&mut self) -> Option<i64> {
        self.bytes(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn texts<T: From<&'a str>>(&mut self) -> Option<Vec<T>> {
        (0..self.length()?).map(|_| self.text().map(T::from)).collect()
    }

    fn skip_texts(&mut self) -> Option<()> {
        (0..self.length()?).try_for_each(|_| self.text().map(drop))
    }

    fn skip_words(&mut self) -> Option<()> {
        let count = self.length()?;
        self.bytes(count).map(drop)
    }

    fn words(&mut self) -> Option<Vec<Cow<'static, str>>> {
        let count = self.length()?;
        let word = |number: &u8| INDICATOR_TYPES.get(usize::from(*number)).map(|word| Cow::Borrowed(*word));
        self.bytes(count)?.iter().map(word).collect()
    }

    fn length(&mut self) -> Option<usize> {
        let (length, rest) = take_length(self.0)?;
        self.0 = rest;
        Some(length)
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
/// So much longer are two ids as texts.
const ROOM_FOR_IDS: usize = 60;
/// The vocabulary `indicator-type-ov`. Stored by their places here: none may be moved.
pub(crate) const INDICATOR_TYPES: [&str; 7] = [
    "anomalous-activity",
    "anonymization",
    "benign",
    "compromised",
    "malicious-activity",
    "attribution",
    "unknown",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(source: &Source) -> Vec<u8> {
        let mut out = Writer::new();
        out.id(b'i', source.id());
        out.number(b'm', source.modified);
        source.created_by_ref().iter().for_each(|id| out.id(b'b', id));
        source.confidence.iter().for_each(|number| out.byte(b'c', *number));
        source.valid_from.iter().for_each(|time| out.number(b'f', *time));
        source.valid_until.iter().for_each(|time| out.number(b'u', *time));
        if source.revoked {
            out.byte(b'r', 1);
        }
        source.pattern_type().iter().for_each(|text| out.text(b'p', text));
        out.words(&source.indicator_types);
        source.classification().iter().for_each(|text| out.text(b'k', text));
        out.texts(b'l', &source.labels);
        out.text(b'n', source.name());
        out.text(b'd', source.description());
        out.done()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_what_is_cut_off_is_seen(
            ids in prop::collection::vec("((identity|indicator|ipv4-addr|x-y)--)?([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-fA-F]{12}|\\PC{0,9})", 2),
            texts in prop::collection::vec("\\PC{0,300}", 0..6),
            times in prop::array::uniform3(any::<i64>()),
            words in prop::collection::vec(prop::sample::select(INDICATOR_TYPES.to_vec()), 0..3),
            known in any::<bool>(),
            confidence in prop::option::of(any::<u8>()),
        ) {
            let words = words.into_iter().map(str::to_owned);
            let source = Old {
                id: ids[0].clone(),
                modified: times[0],
                created_by_ref: known.then(|| ids[1].clone()),
                confidence,
                valid_from: known.then_some(times[1]),
                valid_until: (!known).then_some(times[2]),
                revoked: known,
                pattern_type: texts.first().cloned(),
                indicator_types: words.chain(texts.iter().skip(4).cloned()).collect(),
                classification: texts.get(1).cloned(),
                labels: texts.iter().skip(2).cloned().collect(),
                name: texts.last().cloned().unwrap_or_default(),
                description: texts.concat() + ".",
            };
            let source = source.source();
            let bytes = written(&source);
            prop_assert_eq!(source_of(&bytes), Some(source.clone()));
            let brief = Source { indicator_types: Vec::new(), ..source.clone() };
            prop_assert_eq!(brief_of(&bytes), Some(brief));
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
        assert_eq!((source.valid_until, source.name(), source.labels.len()), (Some(4), "\"n", 1));
        assert_eq!(source_of(b"{"), None);
    }
}
