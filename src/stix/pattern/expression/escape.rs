//! What follows a backslash.

use super::translate::{Mode, Translator};
use super::weight::Weight;

/// What an escape stands for.
#[derive(Debug)]
pub(super) enum Escape {
    Char(char),
    /// A set in the engine's syntax, for inside a class; `true` for its complement.
    Set(&'static str, bool),
    /// `\d`, `\w`, `\s`, `\p{…}` and their complements, which both syntaxes share.
    Shared(String, usize),
    /// An assertion or another item that cannot stand in a class.
    Other(char),
    /// `\Q`: everything up to `\E` is literal.
    Quote,
    Nothing,
}

impl Translator<'_> {
    /// After a backslash outside a class.
    pub(super) fn escape(&mut self) -> Result<(), String> {
        match self.read_escape(false)? {
            Escape::Char(c) => self.literal(c),
            Escape::Set(set, complement) => {
                let opening = if complement { "[^" } else { "[" };
                return self.item_done(&format!("{opening}{set}]"), 20);
            }
            Escape::Shared(text, weight) => return self.item_done(&text, weight),
            Escape::Other(c) => return self.assertion(c),
            Escape::Quote => {
                let quoted = self.take_until(r"\E").unwrap_or_else(|| self.take_while(|_| true));
                quoted.chars().for_each(|c| self.literal(c));
            }
            Escape::Nothing => {}
        }
        Ok(())
    }

    fn assertion(&mut self, c: char) -> Result<(), String> {
        match c {
            'b' | 'B' | 'A' | 'z' => self.item_done(&format!("\\{c}"), 2),
            // STIX anchors mean the whole value, so \Z is \z; a search starts at the value's start.
            'Z' => self.item_done(r"\z", 2),
            'G' => self.item_done(r"\A", 2),
            'N' => self.item_done(r"[^\n]", 10),
            'R' => match self.mode {
                Mode::Text => self.item_done(r"(?:\r\n|[\n\x0b\x0c\r\x{85}\x{2028}\x{2029}])", 12),
                Mode::Bytes => self.item_done(r"(?:\r\n|[\n\x0b\x0c\r\x85])", 8),
            },
            // It moves the start of the match, and only whether there is one is asked.
            'K' => Ok(()),
            'X' => self.unsupported(r"\X"),
            'C' => self.unsupported(r"\C"),
            'g' => self.group_reference(),
            'k' => self.named_reference(),
            digit => self.numbered_reference(digit),
        }
    }

    fn unsupported(&mut self, what: &'static str) -> Result<(), String> {
        self.lack(what);
        self.weigh(Weight::item(1));
        Ok(())
    }

    fn numbered_reference(&mut self, first: char) -> Result<(), String> {
        let more = self.take_while(|c| c.is_ascii_digit());
        self.refer_to(&format!("{first}{more}"));
        self.unsupported("back-references")
    }

    /// Groups that come later may be meant, so existence is checked at the end.
    pub(super) fn refer_to(&mut self, digits: &str) {
        let number = digits.parse().unwrap_or(usize::MAX);
        self.highest_reference = self.highest_reference.max(number);
    }

    fn group_reference(&mut self) -> Result<(), String> {
        let well_formed = if self.eat("{") {
            self.take_until("}").is_some_and(|name| !name.is_empty())
        } else if self.eat("<") || self.eat("'") {
            self.take_until(">").or_else(|| self.take_until("'")).is_some()
        } else {
            let is_relative = self.eat("-") || self.eat("+");
            let digits = self.take_while(|c| c.is_ascii_digit());
            if !is_relative {
                self.refer_to(digits);
            }
            !digits.is_empty()
        };
        if well_formed { self.unsupported("back-references") } else { Err(r"\g names no group".to_owned()) }
    }

    fn named_reference(&mut self) -> Result<(), String> {
        let end = match self.take() {
            Some('<') => ">",
            Some('{') => "}",
            Some('\'') => "'",
            _ => return Err(r"\k names no group".to_owned()),
        };
        match self.take_until(end) {
            Some(name) if !name.is_empty() => self.unsupported("back-references"),
            _ => Err(r"\k names no group".to_owned()),
        }
    }

    /// After a backslash anywhere.
    pub(super) fn read_escape(&mut self, in_class: bool) -> Result<Escape, String> {
        let Some(c) = self.take() else {
            return Err("it ends with a lone backslash".to_owned());
        };
        Ok(match c {
            'd' | 'D' => Escape::Shared(format!("\\{c}"), 60),
            'w' | 'W' => Escape::Shared(format!("\\{c}"), 400),
            's' | 'S' => Escape::Shared(format!("\\{c}"), 20),
            'p' | 'P' => return self.property(c),
            'h' | 'H' => Escape::Set(self.pick(HORIZONTAL), c == 'H'),
            'v' | 'V' => Escape::Set(self.pick(VERTICAL), c == 'V'),
            'b' if in_class => Escape::Char('\x08'),
            'g' | 'k' if in_class => Escape::Char(c),
            'N' if self.eat("{U+") => self.braced(16)?,
            'N' if self.rest().starts_with('{')
                && !self.rest()[1..].starts_with(|c: char| c.is_ascii_digit() || c == ',') =>
            {
                return Err(no_such(c));
            }
            'u' => self.four_hex()?,
            'b' | 'B' | 'A' | 'z' | 'Z' | 'G' | 'N' | 'R' | 'K' | 'X' | 'C' | 'g' | 'k' => Escape::Other(c),
            '1'..='9' if !in_class && !self.is_octal(c) => Escape::Other(c),
            '0'..='7' => self.octal(c)?,
            'o' if self.eat("{") => self.braced(8)?,
            'x' if self.eat("{") => self.braced(16)?,
            'x' => self.short_hex(),
            'c' => self.control()?,
            'Q' => Escape::Quote,
            'E' => Escape::Nothing,
            'L' | 'l' | 'U' => return Err(no_such(c)),
            'n' | 'r' | 't' | 'f' | 'e' | 'a' => Escape::Char(control_letter(c)),
            c if c.is_ascii_alphanumeric() => {
                self.note.get_or_insert("a backslash before a letter without meaning: newer PCRE refuses it");
                Escape::Char(c)
            }
            c => Escape::Char(c),
        })
    }

    fn pick(&self, (text, bytes): (&'static str, &'static str)) -> &'static str {
        if self.mode == Mode::Text { text } else { bytes }
    }

    /// Two or three octal digits that cannot be the number of a group seen so far.
    fn is_octal(&self, first: char) -> bool {
        let digits: String = self.rest().chars().take_while(char::is_ascii_digit).collect();
        let number: usize = format!("{first}{digits}").parse().unwrap_or(usize::MAX);
        number > 9 && number > self.groups && first < '8' && digits.starts_with(|c: char| c < '8')
    }

    fn octal(&mut self, first: char) -> Result<Escape, String> {
        let mut value = u32::from(first) - u32::from('0');
        for _ in 0..2 {
            match self.peek().and_then(|c| c.to_digit(8)) {
                Some(digit) => {
                    value = value * 8 + digit;
                    self.take();
                }
                None => break,
            }
        }
        char::from_u32(value).map(Escape::Char).ok_or_else(|| "an octal escape is no character".to_owned())
    }

    fn braced(&mut self, radix: u32) -> Result<Escape, String> {
        let digits = self.take_until("}").unwrap_or_default();
        let value = u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
        value
            .and_then(char::from_u32)
            .map(Escape::Char)
            .ok_or_else(|| format!("{{{digits}}} is no character number"))
    }

    fn short_hex(&mut self) -> Escape {
        let mut value = 0;
        for _ in 0..2 {
            if let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) {
                value = value * 16 + digit;
                self.take();
            }
        }
        Escape::Char(char::from_u32(value).unwrap_or('\0'))
    }

    /// Not in PCRE by default, yet an option of it and common elsewhere.
    fn four_hex(&mut self) -> Result<Escape, String> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| no_such('u'))?;
        self.eat(digits);
        self.note
            .get_or_insert(r"\u is read only by some PCRE engines: write \x{…} for a character by number");
        u32::from_str_radix(digits, 16)
            .ok()
            .and_then(char::from_u32)
            .map(Escape::Char)
            .ok_or_else(|| no_such('u'))
    }

    fn control(&mut self) -> Result<Escape, String> {
        match self.take().filter(|c| c.is_ascii() && !c.is_ascii_control()) {
            Some(c) => Ok(Escape::Char(char::from(c.to_ascii_uppercase() as u8 ^ 0x40))),
            None => Err(r"\c needs a printable ASCII character".to_owned()),
        }
    }

    /// After `\p` or `\P`.
    fn property(&mut self, letter: char) -> Result<Escape, String> {
        let name = match self.take() {
            Some('{') => self.take_until("}").unwrap_or_default().to_owned(),
            Some(c) if c.is_ascii_alphabetic() => c.to_string(),
            _ => return Err(format!("\\{letter} names no property")),
        };
        let plain = name.strip_prefix('^').unwrap_or(&name);
        if plain.is_empty() || !plain.chars().all(|c| c.is_ascii_alphanumeric() || " _-&:=".contains(c)) {
            return Err(format!("\\{letter} names no property"));
        }
        let complement = (letter == 'P') != name.starts_with('^');
        let text = format!("\\{}{{{}}}", if complement { 'P' } else { 'p' }, alias(plain));
        if self.mode == Mode::Bytes || regex_automata::util::syntax::parse(&text).is_err() {
            self.lack(format!("the property {plain}"));
            return Ok(Escape::Char('p'));
        }
        Ok(Escape::Shared(text, 400))
    }
}

fn no_such(c: char) -> String {
    format!("PCRE has no \\{c}; write \\x{{…}} for a character by number")
}

fn control_letter(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'f' => '\x0c',
        'e' => '\x1b',
        _ => '\x07',
    }
}

/// Names that only PCRE has.
fn alias(name: &str) -> &str {
    match name {
        "L&" => "LC",
        "Any" => "any",
        name => name,
    }
}

const HORIZONTAL: (&str, &str) =
    (r"\t \x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}", r"\t \xa0");
const VERTICAL: (&str, &str) = (r"\n\x0b\x0c\r\x{85}\x{2028}\x{2029}", r"\n\x0b\x0c\r\x85");
