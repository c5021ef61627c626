//! The one pass over the text.

use super::source::Source;
use super::tape::{Entry, Kind, Value};
use super::token::{self, Token};
use super::{
    DEPTH_MAX, Defect, Documents, ITEMS_MAX, JsonError, MEMBERS_MAX, OBJECT_BYTES_MAX, OBJECT_MEMBERS_MAX,
    Part, Root, Seen, VALUES_MAX, decoded,
};
use std::ops::Range;

/// How many documents a text may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    One,
    Any,
}

/// Reads all documents of a text.
pub(super) fn scan<T>(
    source: Source,
    count: Count,
    mut visit: impl FnMut(Seen) -> T,
) -> Result<Documents<T>, JsonError> {
    // One machine code for all visitors: they are called in the order of the parts.
    let mut seen = Vec::new();
    let mut visitor = |part: Seen| seen.push(visit(part));
    let mut scanner = Scanner::new(source, &mut visitor);
    let roots = scanner.documents(count).map_err(|error| JsonError { item: scanner.item, ..error })?;
    let mut source = scanner.source;
    source.text.truncate(source.write);
    let mut seen = seen.into_iter();
    let mut part = |part: Part<()>| {
        let seen = seen.next()?;
        Some(Part { range: part.range, is_object: part.is_object, seen })
    };
    let mut root = |root: Root<()>| {
        let items = root.items.map(|items| items.into_iter().filter_map(&mut part).collect());
        Some(Root { items, part: part(root.part)?, line: root.line })
    };
    Ok(Documents { text: source.text.into(), roots: roots.into_iter().filter_map(&mut root).collect() })
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

struct Scanner<'s, 'v> {
    source: Source<'s>,
    visit: &'v mut dyn FnMut(Seen),
    depth: u32,
    /// The values of the root and of the item being read.
    tape: Vec<Entry>,
    /// Too many values: what is read is not written down.
    mute: bool,
    items: Option<Vec<Part<()>>>,
    /// Keys of the JSON objects that are open, innermost last.
    keys: Vec<(Range<usize>, Kind)>,
    part: InPart,
    item: Option<usize>,
}

/// What is counted of the root or of the item being read.
#[derive(Default)]
struct InPart {
    defect: Option<Defect>,
    members: u32,
    /// Where on the tape it begins, and how deep.
    first: usize,
    depth: u32,
}

impl InPart {
    /// The first defect counts; but U+0000 is none for everybody, so that any other counts before it.
    fn note(&mut self, defect: Defect) {
        if matches!(self.defect, None | Some(Defect::Nul)) {
            self.defect = Some(defect);
        }
    }
}

impl<'s, 'v> Scanner<'s, 'v> {
    fn new(source: Source<'s>, visit: &'v mut dyn FnMut(Seen)) -> Self {
        Self {
            source,
            visit,
            depth: 0,
            tape: Vec::new(),
            mute: false,
            items: None,
            keys: Vec::new(),
            part: InPart::default(),
            item: None,
        }
    }

    fn documents(&mut self, count: Count) -> Result<Vec<Root<()>>, JsonError> {
        let mut roots = Vec::new();
        loop {
            self.source.skip_space()?;
            let line = self.source.lines + 1;
            match (self.source.peek()?, count) {
                (None, Count::Any) => return Ok(roots),
                (None, Count::One) if !roots.is_empty() => return Ok(roots),
                (Some(_), Count::One) if !roots.is_empty() => {
                    return self.fail("unexpected text after the end of the document");
                }
                _ => {}
            }
            let part = self.node(Place::Root)?;
            roots.push(Root { part, items: self.items.take(), line });
            self.tape.clear();
        }
    }

    /// Reads the root or an item, and shows it to the visitor.
    fn node(&mut self, place: Place) -> Result<Part<()>, JsonError> {
        self.source.skip_space()?;
        let (start, first) = (self.source.write, self.tape.len());
        let is_json_object = self.source.peek()? == Some(b'{');
        let inner = InPart { first, depth: self.depth, ..InPart::default() };
        let outer = std::mem::replace(&mut self.part, inner);
        self.value(place)?;
        let range = start..self.source.write;
        let mut part = std::mem::replace(&mut self.part, outer);
        let is_object = place == Place::Item || self.items.is_none();
        if is_object && range.len() > OBJECT_BYTES_MAX {
            part.note(Defect::Bytes);
        }
        let value = Value::new(&self.source.text, &self.tape, first);
        (self.visit)(Seen { value, item: self.item, defect: part.defect.as_ref() });
        if place == Place::Item {
            self.tape.truncate(first);
        }
        Ok(Part { range, is_object: is_json_object, seen: () })
    }

    fn value(&mut self, place: Place) -> Result<(), JsonError> {
        self.source.skip_space()?;
        let source = &mut self.source;
        let token = match source.peek()? {
            Some(b'"') => token::string(source),
            Some(b'{') => return self.object(place),
            Some(b'[') => return self.list(place),
            Some(b'-' | b'0'..=b'9') => token::number(source),
            Some(b't') => token::literal(source, b"true", Kind::True),
            Some(b'f') => token::literal(source, b"false", Kind::False),
            Some(b'n') => token::literal(source, b"null", Kind::Null),
            Some(_) => return self.fail("expected a JSON value"),
            None => return self.fail("the text ends where a value is expected"),
        }?;
        self.push(token);
        Ok(())
    }

    fn push(&mut self, token: Token) {
        if let Some(defect) = token.defect {
            self.part.note(defect);
        }
        if !self.mute {
            let next = position(self.tape.len() + 1);
            let Range { start, end } = token.range;
            self.tape.push(Entry { start: position(start), end: position(end), next, kind: token.kind });
        }
    }

    /// Begins an object or a list; the answer is its place on the tape.
    fn open(&mut self, kind: Kind) -> Result<usize, JsonError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail(&format!("nested deeper than {DEPTH_MAX} levels"));
        }
        let (at, start) = (self.tape.len(), self.source.write);
        self.push(Token { range: start..start, kind, defect: None });
        self.source.copy(1);
        Ok(at)
    }

    fn close(&mut self, at: usize) {
        self.depth -= 1;
        if !self.mute {
            self.tape[at].end = position(self.source.write);
            self.tape[at].next = position(self.tape.len());
        }
    }

    /// Past the bound, only the members of the part itself are still written down.
    fn mute(&mut self) -> bool {
        let before = self.mute;
        if self.tape.len() - self.part.first > VALUES_MAX && self.depth > self.part.depth + 1 {
            self.part.note(Defect::Values);
            self.mute = true;
        }
        before
    }

    fn object(&mut self, place: Place) -> Result<(), JsonError> {
        let at = self.open(Kind::Object)?;
        let first_key = self.keys.len();
        let mut seen = 0_u64;
        while self.next_member(self.keys.len() == first_key, b'}')? {
            let before = self.mute();
            let key = token::string(&mut self.source)?;
            self.check_key(&key, first_key, &mut seen)?;
            let below = match place {
                Place::Root if &self.source.text[key.range.clone()] == b"objects" => Place::Objects,
                _ => Place::Inner,
            };
            self.push(key);
            self.source.skip_space()?;
            if self.source.peek()? != Some(b':') {
                return self.fail("expected `:` after a property name");
            }
            self.source.copy(1);
            self.value(below)?;
            self.mute = before;
        }
        self.close_keys(first_key)?;
        self.close(at);
        Ok(())
    }

    fn list(&mut self, place: Place) -> Result<(), JsonError> {
        let at = self.open(Kind::List)?;
        let mut count = 0_usize;
        let mut items = Vec::new();
        while self.next_member(count == 0, b']')? {
            if place == Place::Objects {
                self.item = Some(count);
                items.push(self.node(Place::Item)?);
                self.item = None;
            } else {
                let before = self.mute();
                self.value(Place::Inner)?;
                self.mute = before;
            }
            count += 1;
        }
        if place == Place::Objects {
            self.items = Some(items);
        } else if count > ITEMS_MAX as usize {
            self.part.note(Defect::Items);
        }
        self.close(at);
        Ok(())
    }

    /// True if another member or item follows, with the comma before it consumed.
    fn next_member(&mut self, first: bool, close: u8) -> Result<bool, JsonError> {
        self.source.skip_space()?;
        match self.source.peek()? {
            Some(byte) if byte == close => {
                self.source.copy(1);
                Ok(false)
            }
            Some(b',') if !first => {
                self.source.copy(1);
                self.source.skip_space()?;
                match self.source.peek()? {
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
    fn check_key(&mut self, key: &Token, first: usize, seen: &mut u64) -> Result<(), JsonError> {
        let raw = &self.source.text[key.range.clone()];
        let bit =
            1 << (raw.iter().fold(0_u32, |sum, b| sum.wrapping_mul(31).wrapping_add(u32::from(*b))) % 64);
        let few = self.keys.len() - first < KEYS_COMPARED_AT_ONCE;
        if few && key.kind == Kind::Text && *seen & bit != 0 {
            let same = |(other, _): &(Range<usize>, Kind)| &self.source.text[other.clone()] == raw;
            if self.keys[first..].iter().any(same) {
                return self.duplicate(key.range.clone());
            }
        }
        *seen |= bit;
        self.keys.push((key.range.clone(), key.kind));
        self.part.members += 1;
        let here = self.keys.len() - first;
        if here > MEMBERS_MAX as usize || self.part.members > OBJECT_MEMBERS_MAX {
            self.part.note(Defect::Members);
        }
        Ok(())
    }

    /// The thorough duplicate check, for many keys or keys spelt with escapes.
    fn close_keys(&mut self, first: usize) -> Result<(), JsonError> {
        let open = &self.keys[first..];
        let escaped = open.iter().any(|(_, kind)| *kind == Kind::Escaped);
        if escaped || open.len() > KEYS_COMPARED_AT_ONCE {
            let name = |key: &Range<usize>| decoded(&self.source.text[key.clone()]);
            let mut sorted: Vec<_> = open.iter().map(|(key, _)| (name(key), key)).collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return self.duplicate(pair[1].1.clone());
            }
        }
        self.keys.truncate(first);
        Ok(())
    }

    fn duplicate<T>(&self, key: Range<usize>) -> Result<T, JsonError> {
        let name: String = decoded(&self.source.text[key]).chars().take(80).collect();
        self.fail(&format!("the property `{}` occurs twice in one object", name.escape_debug()))
    }

    fn fail<T>(&self, what: &str) -> Result<T, JsonError> {
        self.source.fail(self.source.read, what)
    }
}

/// A position in a text that [`Source`] keeps below 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "the source refuses larger texts")]
fn position(at: usize) -> u32 {
    at as u32
}

/// Up to here a new key is compared with those before it; past it, all are sorted once.
const KEYS_COMPARED_AT_ONCE: usize = 48;
