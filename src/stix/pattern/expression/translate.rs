//! Reads PCRE tolerantly and writes what the engine reads.
//!
//! Only whether there is a match is asked, so capture groups, laziness and names are dropped.

use super::group::Scope;
use super::weight::Weight;
use std::borrow::Cow;

/// What values the written form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Text,
    Bytes,
}

/// The expression in the engine's syntax.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) text: String,
    pub(super) lacks: Option<Cow<'static, str>>,
    pub(super) note: Option<&'static str>,
    pub(super) weight: Weight,
}

/// Translates, or says why the text is no PCRE.
pub(super) fn translate(source: &str, mode: Mode) -> Result<Translation, String> {
    let mut reader = Translator::new(source, mode);
    while let Some(c) = reader.take() {
        reader.item(c)?;
    }
    reader.finish()
}

#[derive(Debug)]
pub(super) struct Translator<'t> {
    rest: &'t str,
    pub(super) mode: Mode,
    pub(super) out: String,
    pub(super) lacks: Option<Cow<'static, str>>,
    pub(super) note: Option<&'static str>,
    /// The innermost open group, or the whole expression.
    pub(super) scope: Scope,
    pub(super) outer: Vec<Scope>,
    pub(super) groups: usize,
    pub(super) highest_reference: usize,
    /// The sum before the last item, that item, and whether a quantifier may follow it.
    before: Weight,
    last: Weight,
    repeatable: bool,
}

impl<'t> Translator<'t> {
    fn new(source: &'t str, mode: Mode) -> Self {
        Self {
            rest: source,
            mode,
            out: String::with_capacity(source.len() + 8),
            lacks: None,
            note: None,
            scope: Scope::default(),
            outer: Vec::new(),
            groups: 0,
            highest_reference: 0,
            before: Weight::default(),
            last: Weight::default(),
            repeatable: false,
        }
    }

    fn item(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => self.open_group(),
            ')' => self.close_group(),
            '*' | '+' | '?' => self.quantifier(c.encode_utf8(&mut [0; 4]), 1),
            '{' => self.braces(),
            '|' => {
                self.out.push('|');
                self.barrier();
                Ok(())
            }
            '.' => self.item_done(".", DOT),
            '^' | '$' => self.item_done(c.encode_utf8(&mut [0; 4]), 1),
            '#' if self.scope.extended => {
                self.take_while(|c| c != '\n');
                Ok(())
            }
            c if self.scope.extended && c.is_ascii_whitespace() => Ok(()),
            c => {
                self.literal(c);
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Translation, String> {
        if !self.outer.is_empty() {
            return Err("a `(` is not closed".to_owned());
        }
        if self.highest_reference > self.groups {
            return Err(format!("it refers to group {}, which does not exist", self.highest_reference));
        }
        let weight = self.scope.weight;
        if weight.states > STATES_MAX {
            self.lack("it is larger than this product evaluates");
        }
        Ok(Translation { text: self.out, lacks: self.lacks, note: self.note, weight })
    }

    /// `{n}`, `{n,}`, `{n,m}` or, in newer PCRE, `{,m}`; anything else in braces is literal.
    fn braces(&mut self) -> Result<(), String> {
        let length = self.rest.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(self.rest.len());
        let inner = &self.rest[..length];
        let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
        let is_count =
            inner != "," && !inner.is_empty() && !high.contains(',') && self.rest[length..].starts_with('}');
        if !is_count {
            self.literal('{');
            return Ok(());
        }
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n <= REPETITION_MAX);
        let too_large = || format!("the repetition {{{inner}}} is above {REPETITION_MAX}");
        let low_number = if low.is_empty() { 0 } else { number(low).ok_or_else(too_large)? };
        let high_number = if high.is_empty() { low_number } else { number(high).ok_or_else(too_large)? };
        if high_number < low_number {
            return Err(format!("the numbers in {{{inner}}} are out of order"));
        }
        self.rest = &self.rest[inner.len() + 1..];
        let explicit = if low.is_empty() { "0" } else { "" };
        self.quantifier(&format!("{{{explicit}{inner}}}"), high_number)
    }

    fn quantifier(&mut self, text: &str, times: usize) -> Result<(), String> {
        if !self.repeatable {
            return Err(format!("the quantifier {text} has nothing to repeat"));
        }
        self.last = self.last.times(times.max(1));
        self.scope.weight = self.before.plus(self.last);
        self.out.push_str(text);
        match self.peek() {
            Some('?') => {
                self.take();
            }
            Some('+') => {
                self.take();
                self.lack("possessive quantifiers");
            }
            _ => {}
        }
        // PCRE takes x{2}{3} but not x**; braces after any quantifier stay possible.
        self.repeatable = self.peek() == Some('{');
        Ok(())
    }
}

/// What the parts of the translator share.
impl<'t> Translator<'t> {
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    pub(super) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let length = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Text up to an end mark, which is taken too.
    pub(super) fn take_until(&mut self, end: &str) -> Option<&'t str> {
        let (taken, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(taken)
    }

    /// Notes the first thing the engine cannot do; reading goes on, to find mistakes.
    pub(super) fn lack(&mut self, what: impl Into<Cow<'static, str>>) {
        self.lacks.get_or_insert_with(|| what.into());
    }

    /// Ends an item written to the output.
    pub(super) fn item_done(&mut self, text: &str, states: usize) -> Result<(), String> {
        self.out.push_str(text);
        self.weigh(Weight::item(states));
        Ok(())
    }

    pub(super) fn weigh(&mut self, weight: Weight) {
        self.before = self.scope.weight;
        self.scope.weight = self.before.plus(weight);
        self.last = weight;
        self.repeatable = true;
    }

    /// No quantifier may follow.
    pub(super) fn barrier(&mut self) {
        self.before = self.scope.weight;
        self.last = Weight::default();
        self.repeatable = false;
    }

    pub(super) fn literal(&mut self, c: char) {
        self.write_char(c);
        self.weigh(Weight::item(c.len_utf8()));
    }

    /// A character standing for itself, in or outside a class.
    pub(super) fn write_char(&mut self, c: char) {
        match (c, self.mode) {
            ('\0'..='\x7f', _) => {
                if r"\.+*?()|[]{}^$#&-~".contains(c) {
                    self.out.push('\\');
                }
                self.out.push(c);
            }
            ('\u{80}'..='\u{ff}', Mode::Bytes) => self.out.push_str(&format!(r"\x{:02x}", u32::from(c))),
            // No byte equals this character; an empty class matches nothing.
            (_, Mode::Bytes) => self.out.push_str(r"[^\x00-\xff]"),
            (_, Mode::Text) => self.out.push(c),
        }
    }
}

/// States of an item that stands for any character.
const DOT: usize = 10;
/// Largest expression that is evaluated.
const STATES_MAX: usize = 120_000;
/// Largest number in a quantifier that PCRE takes.
const REPETITION_MAX: usize = 65_535;
