//! The one pass over the text.

use super::{
    DEPTH_MAX, Defect, Document, ITEMS_MAX, JsonError, MEMBERS_MAX, Member, Node, OBJECT_BYTES_MAX,
    OBJECT_MEMBERS_MAX, decoded,
};
use std::ops::Range;

/// Reads a text whose encoding was checked.
pub(super) fn scan(text: Vec<u8>) -> Result<Document, JsonError> {
    let mut scanner = Scanner { text, ..Scanner::default() };
    let root = scanner.document()?;
    scanner.text.truncate(scanner.write);
    Ok(Document { text: scanner.text.into(), root, items: scanner.items, members: scanner.members })
}

/// Where a value stands, as far as anyone needs to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// The list under the root's `objects`.
    Objects,
    /// An item of that list.
    Item,
    Inner,
}

#[derive(Default)]
struct Scanner {
    /// Read at `read`, rewritten without white space at `write`, which never overtakes it.
    text: Vec<u8>,
    read: usize,
    write: usize,
    depth: u32,
    members: Vec<Member>,
    items: Option<Vec<Node>>,
    /// Keys of the JSON objects that are open, innermost last.
    keys: Vec<Range<usize>>,
    /// Of the root or of the item being read.
    defect: Option<Defect>,
    members_of_item: u32,
    item: Option<usize>,
}

impl Scanner {
    fn document(&mut self) -> Result<Node, JsonError> {
        let root = self.node(Place::Root)?;
        self.skip_space();
        if self.read < self.text.len() {
            return self.fail("unexpected text after the end of the document");
        }
        Ok(root)
    }

    /// Reads a value whose own members are wanted later: the root or an item.
    fn node(&mut self, place: Place) -> Result<Node, JsonError> {
        self.skip_space();
        let (start, first) = (self.write, self.members.len());
        let is_object = self.peek() == Some(b'{');
        self.members_of_item = 0;
        let outer = self.defect.take();
        let mut found = Vec::new();
        if is_object {
            self.object(place, Some(&mut found))?;
        } else {
            self.value(place)?;
        }
        let first = if place == Place::Root { self.members.len() } else { first };
        self.members.append(&mut found);
        let range = start..self.write;
        if place == Place::Item && range.len() > OBJECT_BYTES_MAX {
            self.defect.get_or_insert(Defect::Bytes);
        }
        let defect = std::mem::replace(&mut self.defect, outer);
        Ok(Node { range, is_object, defect, members: first..self.members.len() })
    }

    fn value(&mut self, place: Place) -> Result<(), JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(place, None),
            Some(b'[') => self.list(place),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(_) => self.fail("expected a JSON value"),
            None => self.fail("the text ends where a value is expected"),
        }
    }

    fn object(&mut self, place: Place, mut found: Option<&mut Vec<Member>>) -> Result<(), JsonError> {
        self.enter()?;
        let first_key = self.keys.len();
        let mut seen = 0_u64;
        while self.next_member(self.keys.len() == first_key, b'}')? {
            let key = self.string()?;
            self.check_key(&key, first_key, &mut seen)?;
            self.expect(b':', "expected `:` after a property name")?;
            let below = match place {
                Place::Root if &self.text[key.clone()] == b"objects" => Place::Objects,
                _ => Place::Inner,
            };
            self.skip_space();
            let start = self.write;
            self.value(below)?;
            if let Some(found) = found.as_deref_mut() {
                let value = start..self.write;
                found.push(Member { key, value });
            }
        }
        self.close_keys(first_key)?;
        self.leave();
        Ok(())
    }

    fn list(&mut self, place: Place) -> Result<(), JsonError> {
        self.enter()?;
        let mut count = 0_usize;
        let mut items = Vec::new();
        while self.next_member(count == 0, b']')? {
            if place == Place::Objects {
                self.item = Some(count);
                items.push(self.node(Place::Item)?);
                self.item = None;
            } else {
                self.value(Place::Inner)?;
            }
            count += 1;
        }
        if place == Place::Objects {
            self.items = Some(items);
        } else if count > ITEMS_MAX as usize {
            self.defect.get_or_insert(Defect::Items);
        }
        self.leave();
        Ok(())
    }

    /// True if another member or item follows, with the comma before it consumed.
    fn next_member(&mut self, first: bool, close: u8) -> Result<bool, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(byte) if byte == close => {
                self.take();
                Ok(false)
            }
            Some(b',') if !first => {
                self.take();
                self.skip_space();
                match self.peek() {
                    Some(byte) if byte == close => self.fail("a comma before the closing bracket"),
                    _ => Ok(true),
                }
            }
            Some(_) if first => Ok(true),
            Some(_) => self.fail("expected `,` or a closing bracket"),
            None => self.fail("the text ends inside an object or a list"),
        }
    }

    /// Remembers a key; finds a duplicate at once while keys are few, else in `close_keys`.
    fn check_key(&mut self, key: &Range<usize>, first: usize, seen: &mut u64) -> Result<(), JsonError> {
        let raw = &self.text[key.clone()];
        let escaped = raw.contains(&b'\\');
        let bit =
            1 << (raw.iter().fold(0_u32, |sum, b| sum.wrapping_mul(31).wrapping_add(u32::from(*b))) % 64);
        let few = self.keys.len() - first < KEYS_COMPARED_AT_ONCE;
        if few && !escaped && *seen & bit != 0 {
            let same = |other: &Range<usize>| &self.text[other.clone()] == raw;
            if self.keys[first..].iter().any(same) {
                return self.duplicate(key.clone());
            }
        }
        *seen |= bit;
        self.keys.push(key.clone());
        self.members_of_item += 1;
        let here = self.keys.len() - first;
        if here > MEMBERS_MAX as usize || self.members_of_item > OBJECT_MEMBERS_MAX {
            self.defect.get_or_insert(Defect::Members);
        }
        Ok(())
    }

    /// The thorough duplicate check, for many keys or keys spelt with escapes.
    fn close_keys(&mut self, first: usize) -> Result<(), JsonError> {
        let open = &self.keys[first..];
        let escaped = open.iter().any(|key| self.text[key.clone()].contains(&b'\\'));
        if escaped || open.len() > KEYS_COMPARED_AT_ONCE {
            let mut sorted: Vec<_> = open.iter().map(|key| (decoded(&self.text[key.clone()]), key)).collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                let key = pair[1].1.clone();
                return self.duplicate(key);
            }
        }
        self.keys.truncate(first);
        Ok(())
    }

    fn duplicate<T>(&self, key: Range<usize>) -> Result<T, JsonError> {
        let name: String = decoded(&self.text[key]).chars().take(80).collect();
        self.fail(&format!("the property `{}` occurs twice in one object", name.escape_debug()))
    }

    /// Reads a string; the answer is where its inside stands in the compact text.
    fn string(&mut self) -> Result<Range<usize>, JsonError> {
        if self.peek() != Some(b'"') {
            return self.fail("expected a string in double quotes");
        }
        let start = self.read;
        let mut at = start + 1;
        loop {
            let rest = &self.text[at..];
            let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\') || *b < 0x20);
            at += plain.unwrap_or(rest.len());
            match self.text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at = self.escape(at)?,
                Some(_) => return self.fail_at(at, "a control character in a string; escape it"),
                None => return self.fail_at(at, "the text ends inside a string"),
            }
        }
        let inside = self.write + 1;
        self.copy(at + 1 - start);
        Ok(inside..self.write - 1)
    }

    /// Checks the escape at `at`; the answer is where the text goes on.
    fn escape(&mut self, at: usize) -> Result<usize, JsonError> {
        match self.text.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => match self.hex4(at + 2)? {
                0 => {
                    self.defect.get_or_insert(Defect::Nul);
                    Ok(at + 6)
                }
                0xD800..=0xDBFF => {
                    let low = self.text.get(at + 6..at + 8) == Some(b"\\u");
                    if low && (0xDC00..=0xDFFF).contains(&self.hex4(at + 8)?) {
                        return Ok(at + 12);
                    }
                    self.fail_at(at, "a lone surrogate in a string")
                }
                0xDC00..=0xDFFF => self.fail_at(at, "a lone surrogate in a string"),
                _ => Ok(at + 6),
            },
            _ => self.fail_at(at, "an unknown escape in a string"),
        }
    }

    fn hex4(&self, at: usize) -> Result<u32, JsonError> {
        let digits = self.text.get(at..at + 4).unwrap_or_default();
        let value = digits.iter().try_fold(0, |sum, b| Some(sum * 16 + char::from(*b).to_digit(16)?));
        match value {
            Some(value) if digits.len() == 4 => Ok(value),
            _ => self.fail_at(at, "expected four hexadecimal digits"),
        }
    }

    /// Reads a number by the grammar of RFC 8259 §6.
    fn number(&mut self) -> Result<(), JsonError> {
        let mut at = self.read + usize::from(self.peek() == Some(b'-'));
        let whole = self.digits(at);
        if whole == 0 || (whole > 1 && self.text[at] == b'0') {
            return self.fail_at(at, "a number must start with a digit and without needless zeros");
        }
        at += whole;
        let mut is_integer = true;
        if self.text.get(at) == Some(&b'.') {
            is_integer = false;
            let fraction = self.digits(at + 1);
            if fraction == 0 {
                return self.fail_at(at, "expected a digit after the decimal point");
            }
            at += 1 + fraction;
        }
        if matches!(self.text.get(at), Some(b'e' | b'E')) {
            is_integer = false;
            at += 1 + usize::from(matches!(self.text.get(at + 1), Some(b'+' | b'-')));
            let exponent = self.digits(at);
            if exponent == 0 {
                return self.fail_at(at, "expected a digit in the exponent");
            }
            at += exponent;
        }
        self.check_range(at, is_integer);
        self.copy(at - self.read);
        Ok(())
    }

    fn digits(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    }

    fn check_range(&mut self, end: usize, is_integer: bool) {
        let text = String::from_utf8_lossy(&self.text[self.read..end]);
        let ok = if is_integer {
            text.len() <= 15
                || text.parse::<i64>().is_ok_and(|value| value.unsigned_abs() <= SAFE_INTEGER_MAX)
        } else {
            text.parse::<f64>().is_ok_and(f64::is_finite)
        };
        if !ok {
            let number = text.chars().take(40).collect();
            self.defect.get_or_insert(Defect::Number(number));
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.text[self.read..].starts_with(word) {
            return self.fail("expected a JSON value");
        }
        self.copy(word.len());
        Ok(())
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail(&format!("nested deeper than {DEPTH_MAX} levels"));
        }
        self.take();
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn expect(&mut self, byte: u8, otherwise: &str) -> Result<(), JsonError> {
        self.skip_space();
        if self.peek() != Some(byte) {
            return self.fail(otherwise);
        }
        self.take();
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.read).copied()
    }

    fn take(&mut self) {
        self.copy(1);
    }

    /// Moves `length` bytes from the reading to the writing position.
    fn copy(&mut self, length: usize) {
        if self.read != self.write {
            self.text.copy_within(self.read..self.read + length, self.write);
        }
        self.read += length;
        self.write += length;
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.read += 1;
        }
    }

    fn fail<T>(&self, what: &str) -> Result<T, JsonError> {
        self.fail_at(self.read, what)
    }

    fn fail_at<T>(&self, offset: usize, what: &str) -> Result<T, JsonError> {
        Err(JsonError { offset, item: self.item, what: what.to_owned() })
    }
}

const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
/// Up to here a new key is compared with those before it; past it, all are sorted once.
const KEYS_COMPARED_AT_ONCE: usize = 48;
