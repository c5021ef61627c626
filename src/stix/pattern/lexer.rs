//! From text to tokens (STIX 2.1 §9.2), one at a time and without copying.

use super::error::{Error, Warning};
use super::token::{Keyword, Kind, Token, shorten};

#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    pub(super) warnings: Vec<Warning>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, warnings: Vec::new() }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>, Error> {
        self.skip_space()?;
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(self.token(Kind::End, start, 0));
        };
        match first {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.word(start),
            b'\'' => self.string(start),
            b'0'..=b'9' => self.number(start, 0),
            b'-' | b'+' | b'.' if self.number_follows() => self.number(start, 1),
            _ => self.symbol(start, first),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Takes `length` bytes as one token.
    fn token(&mut self, kind: Kind, start: usize, length: usize) -> Token<'t> {
        self.at = start + length;
        Token { kind, text: &self.text[start..self.at], start, end: self.at }
    }

    fn skip_space(&mut self) -> Result<(), Error> {
        loop {
            match self.peek(0) {
                Some(b'\t'..=b'\r' | b' ') => self.at += 1,
                Some(b'/') if matches!(self.peek(1), Some(b'/' | b'*')) => self.comment()?,
                Some(0x80..) => match self.text[self.at..].chars().next() {
                    Some(c) if is_space(c) => self.at += c.len_utf8(),
                    _ => return Ok(()),
                },
                _ => return Ok(()),
            }
        }
    }

    /// The published grammar skips comments although the text of the standard has none.
    fn comment(&mut self) -> Result<(), Error> {
        let rest = &self.text[self.at + 2..];
        let length = if self.peek(1) == Some(b'/') {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else {
            let unclosed = || {
                syntax(self.at, "`*/`", "the end of the pattern", "close the comment with */, or remove it")
            };
            rest.find("*/").ok_or_else(unclosed)? + 2
        };
        self.warn(
            "pattern.comment",
            self.at,
            "comments are not in the standard: other products may refuse them",
        );
        self.at += 2 + length;
        Ok(())
    }

    fn word(&mut self, start: usize) -> Result<Token<'t>, Error> {
        let rest = &self.text.as_bytes()[start..];
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-';
        let length = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
        if length == 1 && rest.get(1) == Some(&b'\'') {
            match rest[0] {
                b't' => return self.quoted(Kind::Timestamp, start),
                b'h' => return self.quoted(Kind::Hex, start),
                b'b' => return self.quoted(Kind::Binary, start),
                _ => {}
            }
        }
        let word = &self.text[start..start + length];
        let kind = match Keyword::exact(word) {
            Some(keyword) => Kind::Keyword(keyword),
            None if word.contains('-') => Kind::Hyphenated,
            None => Kind::Word,
        };
        Ok(self.token(kind, start, length))
    }

    /// A literal whose opening quote follows one letter; its inside knows no escapes.
    fn quoted(&mut self, kind: Kind, start: usize) -> Result<Token<'t>, Error> {
        let inside = start + 2;
        let Some(length) = self.text[inside..].find('\'') else {
            return Err(unclosed_quote(start));
        };
        let text = &self.text[inside..inside + length];
        self.at = inside + length + 1;
        Ok(Token { kind, text, start, end: self.at })
    }

    fn string(&mut self, start: usize) -> Result<Token<'t>, Error> {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        let mut escapes = false;
        loop {
            match bytes.get(at) {
                None => return Err(unclosed_quote(start)),
                Some(b'\'') => break,
                Some(b'\\') if matches!(bytes.get(at + 1), Some(b'\\' | b'\'')) => {
                    escapes = true;
                    at += 2;
                }
                Some(b'\\') => return Err(self.lone_backslash(at)),
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        Ok(Token { kind: Kind::String { escapes }, text: &self.text[start + 1..at], start, end: self.at })
    }

    fn lone_backslash(&self, at: usize) -> Error {
        let found = format!("`{}`", shorten(&self.text[at..]).chars().take(2).collect::<String>());
        let hint = r"only \\ and \' are escapes: double every backslash, as in 'C:\\Windows'";
        syntax(at, r"`\\` or `\'`", &found, hint)
    }

    fn number_follows(&self) -> bool {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (Some(b'.'), Some(next), _) | (_, Some(b'.'), Some(next)) => next.is_ascii_digit(),
            (_, Some(next), _) => next.is_ascii_digit(),
            _ => false,
        }
    }

    /// `from` is 1 when a sign or the point comes first.
    fn number(&mut self, start: usize, from: usize) -> Result<Token<'t>, Error> {
        let rest = &self.text.as_bytes()[start..];
        let digits = |at: usize| rest[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = if rest[0] == b'.' { 0 } else { from + digits(from) };
        let fraction = if rest.get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
        if rest[0] == b'+' {
            self.warn("pattern.number", start, "a number takes no plus sign: write it without");
        }
        if fraction > 0 {
            return Ok(self.token(Kind::Float, start, whole + 1 + fraction));
        }
        let sign = usize::from(!rest[0].is_ascii_digit());
        let token = self.token(Kind::Integer, start, whole);
        if whole - sign > 1 && rest[sign] == b'0' {
            let hint = "remove the leading zeros, or put text in single quotes";
            return Err(syntax(start, "an integer without leading zeros", &token.describe(), hint));
        }
        Ok(token)
    }

    fn symbol(&mut self, start: usize, first: u8) -> Result<Token<'t>, Error> {
        let (kind, length) = match (first, self.peek(1)) {
            (b'[', _) => (Kind::OpenBracket, 1),
            (b']', _) => (Kind::CloseBracket, 1),
            (b'(', _) => (Kind::OpenParenthesis, 1),
            (b')', _) => (Kind::CloseParenthesis, 1),
            (b':', _) => (Kind::Colon, 1),
            (b'.', _) => (Kind::Dot, 1),
            (b',', _) => (Kind::Comma, 1),
            (b'*', _) => (Kind::Star, 1),
            (b'=', Some(b'=')) => (Kind::Equal, 2),
            (b'=', _) => (Kind::Equal, 1),
            (b'!', Some(b'=')) => (Kind::NotEqual, 2),
            (b'<', Some(b'>')) => (Kind::NotEqual, 2),
            (b'<', Some(b'=')) => (Kind::LessOrEqual, 2),
            (b'>', Some(b'=')) => (Kind::GreaterOrEqual, 2),
            (b'<', _) => (Kind::Less, 1),
            (b'>', _) => (Kind::Greater, 1),
            _ => return Err(self.stranger(start)),
        };
        let token = self.token(kind, start, length);
        match token.text {
            "==" => self.warn("pattern.operator", start, "`==` is not in the standard: write ="),
            "<>" => self.warn("pattern.operator", start, "`<>` is not in the standard: write !="),
            _ => {}
        }
        Ok(token)
    }

    fn stranger(&self, at: usize) -> Error {
        let c = self.text[at..].chars().next().unwrap_or('\0');
        let found = if c.is_control() || is_invisible(c) {
            format!("the invisible character U+{:04X}", u32::from(c))
        } else {
            format!("`{c}`")
        };
        syntax(at, "a token of the pattern language", &found, stranger_hint(c))
    }

    pub(super) fn warn(&mut self, code: &'static str, offset: usize, message: &'static str) {
        self.warnings.push(Warning::new(code, offset, message));
    }
}

fn stranger_hint(c: char) -> &'static str {
    match c {
        '"' | '`' | '\u{201c}'..='\u{201f}' | '\u{2018}'..='\u{201b}' | '«' | '»' => {
            "quote with the plain single quote '"
        }
        '/' => {
            "object type and property are joined by `:`, properties by `.`; text, regular expressions too, stands in single quotes"
        }
        '&' => "write AND",
        '|' => "write OR",
        '!' => "write != or NOT before the operator",
        '-' => "a minus sign belongs directly to its number; names with a hyphen stand in single quotes",
        '+' => "write numbers without a plus sign",
        '?' | '~' => "the operators are = != < > <= >= IN LIKE MATCHES ISSUBSET ISSUPERSET EXISTS",
        '{' | '}' => "group with parentheses",
        ';' => "one pattern per string, without a mark at its end",
        '\0' | '\u{200b}' | '\u{feff}' => "remove it",
        _ => "",
    }
}

fn unclosed_quote(start: usize) -> Error {
    let hint = r"close the quote, and write \' for a quote inside the text";
    syntax(start, "a closing `'`", "the end of the pattern", hint)
}

fn syntax(offset: usize, expected: &'static str, found: &str, hint: &str) -> Error {
    Error::Syntax { offset, expected: expected.into(), found: found.into(), hint: hint.into() }
}

/// White space of the pattern language outside ASCII.
fn is_space(c: char) -> bool {
    matches!(
        c,
        '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}
