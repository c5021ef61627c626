//! Strict reading of JSON: one pass that checks I-JSON (RFC 7493), drops insignificant white
//! space in place, and shows each object to a visitor while what it found is at hand.
//!
//! Nothing is turned into a tree: what is stored later is what was sent, byte for byte.

use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

mod scanner;
mod source;
mod tape;
mod token;

pub use tape::{Items, Key, Kind, Members, Value};

/// Levels of nesting that a document may have.
pub const DEPTH_MAX: u32 = 64;
/// Bytes that one object may have, white space not counted.
pub const OBJECT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Members that all the JSON objects inside one STIX object may have together.
pub const OBJECT_MEMBERS_MAX: u32 = 10_000;
/// Members that one JSON object may have.
pub const MEMBERS_MAX: u32 = 1_000;
/// Items that one list inside an object may have.
pub const ITEMS_MAX: u32 = 10_000;
/// Values and names that one object may have in all.
pub const VALUES_MAX: usize = 200_000;

/// What makes a text no JSON for us; the whole document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (byte {offset}{within})", within = Within(*.item))]
pub struct JsonError {
    /// Where in the text as received.
    pub offset: usize,
    /// In which line of it, counted from 1.
    pub line: usize,
    /// The item of `objects` that it stands in, counted from 0.
    pub item: Option<usize>,
    what: String,
}

struct Within(Option<usize>);

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(item) => write!(f, ", in objects[{item}]"),
            None => Ok(()),
        }
    }
}

/// What makes one object unacceptable while the document stays readable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// A number that a double cannot hold.
    #[error("the number {0} is outside the range of a double; send it as a string")]
    Number(String),
    /// U+0000 in a string or key.
    #[error("a string contains U+0000, which cannot be stored; remove it")]
    Nul,
    /// Over `MEMBERS_MAX` or `OBJECT_MEMBERS_MAX`.
    #[error("too many properties: at most {MEMBERS_MAX} in one place and {OBJECT_MEMBERS_MAX} in all")]
    Members,
    /// Over `ITEMS_MAX`.
    #[error("a list has more than {ITEMS_MAX} items")]
    Items,
    /// Over `VALUES_MAX`.
    #[error("the object has more than {VALUES_MAX} values and names")]
    Values,
    /// Over `OBJECT_BYTES_MAX`.
    #[error("the object has more than {OBJECT_BYTES_MAX} bytes")]
    Bytes,
}

/// What a visitor is shown: an item of a document's `objects`, or, after these, the document
/// itself with that list empty.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The value.
    pub value: Value<'a>,
    /// Which item; none for the document.
    pub item: Option<usize>,
    /// The first thing found wrong with it alone.
    pub defect: Option<&'a Defect>,
}

/// A document or an item: where it stands, and what the visitor made of it.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// Its bytes in the compact text.
    pub range: Range<usize>,
    /// True if it is a JSON object.
    pub is_object: bool,
    /// What the visitor made of it.
    pub seen: T,
}

/// A document that passed.
#[derive(Debug)]
pub struct Document<T> {
    /// The text without insignificant white space.
    pub text: Bytes,
    /// The whole.
    pub root: Root<T>,
}

/// The whole of a document.
#[derive(Debug)]
pub struct Root<T> {
    /// The whole.
    pub part: Part<T>,
    /// The items of its `objects`, if that is a list.
    pub items: Option<Vec<Part<T>>>,
    /// The line that it begins in, counted from 1.
    pub line: usize,
}

/// Several documents, one after the other, as in JSON lines.
#[derive(Debug)]
pub struct Documents<T> {
    /// The text of all.
    pub text: Bytes,
    /// Each.
    pub roots: Vec<Root<T>>,
}

/// Reads a text that is one document.
pub fn read<T>(text: Vec<u8>, visit: impl FnMut(Seen) -> T) -> Result<Document<T>, JsonError> {
    let mut scanned = scanner::scan(source::Source::whole(text)?, scanner::Count::One, visit)?;
    // One document was asked for, and so there is one.
    let root = scanned.roots.remove(0);
    Ok(Document { text: scanned.text, root })
}

/// Reads documents from a text that grows: `more` adds to it, or says that it is at its end.
pub fn read_all<T>(
    more: &mut dyn FnMut(&mut Vec<u8>) -> bool,
    visit: impl FnMut(Seen) -> T,
) -> Result<Documents<T>, JsonError> {
    scanner::scan(source::Source::growing(more)?, scanner::Count::Any, visit)
}

/// Decodes the inside of a JSON string that the scanner has passed.
fn decoded(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let quoted = [b"\"", raw, b"\""].concat();
    Cow::Owned(serde_json::from_slice(&quoted).unwrap_or_default())
}

#[cfg(test)]
mod tests;
