//! Where the values of one JSON object stand in its text: a flat list, read through [`Value`].

use super::decoded;
use std::borrow::Cow;

/// What a value or a key is, as far as its first look tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    List,
    /// A string without escapes.
    Text,
    /// A string with escapes.
    Escaped,
    /// Digits only, within ±(2^53−1).
    Integer,
    /// Digits only, beyond that.
    BigInteger,
    /// With a fraction or an exponent.
    Fraction,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

/// One value or key; what is inside it follows up to `next`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its first byte; of strings and keys the first after the quote.
    pub(super) start: u32,
    /// Past its last byte; of strings and keys the closing quote.
    pub(super) end: u32,
    /// The entry after it and all that is inside it.
    pub(super) next: u32,
    pub(super) kind: Kind,
}

/// A value of a text that has been read.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    text: &'a [u8],
    tape: &'a [Entry],
    at: usize,
}

impl<'a> Value<'a> {
    pub(super) fn new(text: &'a [u8], tape: &'a [Entry], at: usize) -> Self {
        Self { text, tape, at }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.entry().kind
    }

    /// Its text, with the quotes of a string.
    pub fn raw(&self) -> &'a [u8] {
        &self.text[self.range()]
    }

    /// Where [`Value::raw`] stands in the whole text.
    pub fn range(&self) -> std::ops::Range<usize> {
        let Entry { start, end, kind, .. } = *self.entry();
        let quote = usize::from(matches!(kind, Kind::Text | Kind::Escaped));
        start as usize - quote..end as usize + quote
    }

    /// The string that it is.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        let entry = self.entry();
        let raw = &self.text[entry.start as usize..entry.end as usize];
        match entry.kind {
            // The whole text was checked, and a quote never stands inside a character.
            Kind::Text => Some(Cow::Borrowed(std::str::from_utf8(raw).unwrap_or_default())),
            Kind::Escaped => Some(decoded(raw)),
            _ => None,
        }
    }

    /// The members of an object; none of anything else.
    pub fn members(&self) -> Members<'a> {
        Members(self.inside(Kind::Object))
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> Items<'a> {
        Items(self.inside(Kind::List))
    }

    /// The member of an object with this name.
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        self.members().find(|(key, _)| key.is(name)).map(|(_, value)| value)
    }

    /// True for a list or an object with nothing in it.
    pub fn is_empty(&self) -> bool {
        // Not by the tape: of a document the items of `objects` are no longer on it.
        matches!(self.kind(), Kind::Object | Kind::List) && self.range().len() == 2
    }

    /// The integer that a number without a fraction is; `5.0` and `5e0` are 5.
    pub fn integer(&self) -> Option<i64> {
        match self.kind() {
            Kind::Integer => self.number()?.parse().ok(),
            Kind::Fraction => {
                let value: f64 = self.number()?.parse().ok()?;
                let whole = value.fract() == 0.0 && value.abs() <= SAFE_INTEGER_MAX as f64;
                #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within 2^53")]
                whole.then_some(value as i64)
            }
            _ => None,
        }
    }

    /// The value of a number.
    pub fn float(&self) -> Option<f64> {
        match self.kind() {
            Kind::Integer | Kind::BigInteger | Kind::Fraction => self.number()?.parse().ok(),
            _ => None,
        }
    }

    /// The same as a tree.
    pub fn tree(&self) -> serde_json::Value {
        serde_json::from_slice(self.raw()).unwrap_or_default()
    }

    fn number(&self) -> Option<&'a str> {
        std::str::from_utf8(self.raw()).ok()
    }

    fn entry(&self) -> &'a Entry {
        &self.tape[self.at]
    }

    /// What is inside, if it is of this kind.
    fn inside(&self, kind: Kind) -> Inside<'a> {
        let entry = self.entry();
        let end = if entry.kind == kind { entry.next as usize } else { self.at + 1 };
        Inside { text: self.text, tape: self.tape, at: self.at + 1, end }
    }
}

/// The entries between two places.
#[derive(Clone)]
struct Inside<'a> {
    text: &'a [u8],
    tape: &'a [Entry],
    at: usize,
    end: usize,
}

impl<'a> Inside<'a> {
    fn take(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value::new(self.text, self.tape, self.at);
        self.at = value.entry().next as usize;
        Some(value)
    }
}

/// The items of a list.
#[derive(Clone)]
pub struct Items<'a>(Inside<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.0.take()
    }
}

/// The members of an object, in the order of the text.
#[derive(Clone)]
pub struct Members<'a>(Inside<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Key<'a>, Value<'a>);

    fn next(&mut self) -> Option<(Key<'a>, Value<'a>)> {
        let key = self.0.take()?;
        Some((Key(key), self.0.take()?))
    }
}

/// The name of a member.
#[derive(Clone, Copy)]
pub struct Key<'a>(Value<'a>);

impl<'a> Key<'a> {
    /// Is it this name?
    pub fn is(&self, name: &str) -> bool {
        match self.plain() {
            Some(raw) => raw == name.as_bytes(),
            None => self.name() == name,
        }
    }

    /// Its bytes, if it is written without escapes.
    pub fn plain(&self) -> Option<&'a [u8]> {
        let entry = self.0.entry();
        (entry.kind == Kind::Text).then(|| &self.0.text[entry.start as usize..entry.end as usize])
    }

    /// The name, decoded.
    pub fn name(&self) -> Cow<'a, str> {
        self.0.text().unwrap_or_default()
    }
}

pub(super) const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
