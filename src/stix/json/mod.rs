//! Strict reading of JSON: one pass that checks I-JSON (RFC 7493), drops insignificant white
//! space in place, and finds the members of the root and of the items of its `objects` list.
//!
//! Nothing is turned into a tree: what is stored later is what was sent, byte for byte.

use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

mod scanner;

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

/// What makes a text no JSON for us; the whole document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (byte {offset}{within})", within = Within(*.item))]
pub struct JsonError {
    /// Where in the text as received.
    pub offset: usize,
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
    /// An integer outside ±(2^53−1), or a number that a double cannot hold.
    #[error(
        "the number {0} is outside what JSON programs exchange safely (±9007199254740991, or the range of a double); send it as a string"
    )]
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
    /// Over `OBJECT_BYTES_MAX`.
    #[error("the object has more than {OBJECT_BYTES_MAX} bytes")]
    Bytes,
}

/// A member of a JSON object: where its key (without quotes) and its value stand.
#[derive(Debug, Clone)]
pub struct Member {
    key: Range<usize>,
    value: Range<usize>,
}

/// A list item or the root: where it stands and its members if it is an object.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its bytes in the compact text.
    pub range: Range<usize>,
    /// True if it is a JSON object.
    pub is_object: bool,
    /// The first thing found wrong with it alone.
    pub defect: Option<Defect>,
    members: Range<usize>,
}

/// A document that passed: compact text and where its parts are.
#[derive(Debug)]
pub struct Document {
    /// The text without insignificant white space.
    pub text: Bytes,
    /// The whole.
    pub root: Node,
    /// The items of the root's `objects`, if that is a list.
    pub items: Option<Vec<Node>>,
    members: Vec<Member>,
}

impl Document {
    /// The value of a member of `node`, by its name.
    pub fn member(&self, node: &Node, name: &str) -> Option<&[u8]> {
        self.member_range(node, name).map(|range| &self.text[range])
    }

    /// Where the value of a member of `node` stands in the text.
    pub fn member_range(&self, node: &Node, name: &str) -> Option<Range<usize>> {
        let mut members = self.members[node.members.clone()].iter();
        let found = members.find(|m| decoded(&self.text[m.key.clone()]) == name);
        found.map(|m| m.value.clone())
    }

    /// The members of `node`, keys decoded.
    pub fn members<'a>(&'a self, node: &Node) -> impl Iterator<Item = (Cow<'a, str>, &'a [u8])> {
        self.members[node.members.clone()]
            .iter()
            .map(|m| (decoded(&self.text[m.key.clone()]), &self.text[m.value.clone()]))
    }
}

/// Reads a whole document.
pub fn read(text: Vec<u8>) -> Result<Document, JsonError> {
    check_encoding(&text)?;
    scanner::scan(text)
}

/// Decodes the inside of a JSON string that the scanner has passed.
pub fn decoded(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let quoted = [b"\"", raw, b"\""].concat();
    Cow::Owned(serde_json::from_slice(&quoted).unwrap_or_default())
}

fn check_encoding(text: &[u8]) -> Result<(), JsonError> {
    let fail = |offset, what: &str| Err(JsonError { offset, item: None, what: what.to_owned() });
    if text.starts_with(b"\xef\xbb\xbf") {
        return fail(0, "the text starts with a byte order mark; send UTF-8 without one");
    }
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => fail(error.valid_up_to(), "the text is not UTF-8"),
    }
}

#[cfg(test)]
mod tests;
