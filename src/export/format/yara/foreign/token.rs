//! Words and signs of YARA.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    /// A whole number, with `KB` or `MB` or in hex.
    Number(&'a str),
    /// Text in quotes, as it was written.
    Text(&'a str),
    /// `$name`
    String(&'a str),
    /// `#name`
    Count(&'a str),
    Sign(&'a str),
    /// A hex string in braces.
    Hex,
}

/// The tokens of a text, and where each ends.
#[derive(Clone)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    next: usize,
    end: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, next: 0, end: 0 }
    }

    /// Where the last token ended.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let (token, end) = self.look()?;
        (self.next, self.end) = (end, end);
        Some(token)
    }

    /// Is nothing left but white space and whole comments?
    pub(super) fn is_done(&self) -> bool {
        matches!(self.rest(), Some((_, "")))
    }

    fn rest(&self) -> Option<(usize, &'a str)> {
        let mut at = self.next;
        loop {
            let rest = self.text.get(at..)?;
            let bare = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            at += rest.len() - bare.len();
            if bare.starts_with("//") {
                at += bare.find('\n').unwrap_or(bare.len());
            } else if bare.starts_with("/*") {
                at += bare.find("*/")? + 2;
            } else {
                return Some((at, bare));
            }
        }
    }

    fn look(&self) -> Option<(Token<'a>, usize)> {
        let (at, rest) = self.rest()?;
        let first = rest.chars().next()?;
        let word = |text: &'a str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
        };
        if first.is_ascii_alphabetic() || first == '_' {
            let word = word(rest);
            return Some((Token::Word(word), at + word.len()));
        }
        if first.is_ascii_digit() {
            let number = word(rest);
            return is_number(number).then_some((Token::Number(number), at + number.len()));
        }
        if first == '"' {
            let length = quoted(&rest[1..])?;
            return Some((Token::Text(&rest[1..=length]), at + length + 2));
        }
        if first == '$' || first == '#' {
            let name = word(&rest[1..]);
            let token = if first == '$' { Token::String(name) } else { Token::Count(name) };
            return (name.len() < NAME_MAX).then_some((token, at + 1 + name.len()));
        }
        let signs = ["==", "!=", "<=", ">=", "..", "<", ">", "=", ":", "{", "}", "(", ")", ",", "*", "."];
        let sign = signs.into_iter().find(|sign| rest.starts_with(sign))?;
        Some((Token::Sign(sign), at + sign.len()))
    }

    /// A string's value: text, or bytes in braces.
    pub(super) fn next_hex_or_text(&mut self) -> Option<Token<'a>> {
        let (at, rest) = self.rest()?;
        if !rest.starts_with('{') {
            return self.next();
        }
        let end = rest.find('}')?;
        let words = rest[1..end].split_ascii_whitespace();
        let is_even = words.clone().all(|word| word.len() % 2 == 0);
        let inner: String = words.collect();
        let is_pair = |pair: &[u8]| pair == b"??" || pair.iter().all(u8::is_ascii_hexdigit);
        let pairs = inner.as_bytes().chunks_exact(2);
        // It must begin and end with bytes, and hold some to look for.
        let is_whole = is_even && pairs.clone().all(is_pair);
        let fits = is_whole && !inner.starts_with('?') && !inner.ends_with('?') && inner.len() >= 8;
        (self.next, self.end) = (at + end + 1, at + end + 1);
        fits.then_some(Token::Hex)
    }

    /// A name that is no word of the language.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        match self.next()? {
            Token::Word(word) if word.len() < NAME_MAX && !KEYWORDS.contains(&word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn word(&mut self, word: &str) -> Option<()> {
        self.skip_word(word).then_some(())
    }

    pub(super) fn sign(&mut self, sign: &str) -> Option<()> {
        self.skip_sign(sign).then_some(())
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.look(), Some((Token::Sign(found), _)) if found == sign)
    }

    pub(super) fn skip_sign(&mut self, sign: &str) -> bool {
        self.is_sign(sign) && self.next().is_some()
    }

    /// A sign without white space before it.
    pub(super) fn skip_close(&mut self, sign: &str) -> bool {
        self.text.get(self.end..).is_some_and(|rest| rest.starts_with(sign)) && self.next().is_some()
    }

    pub(super) fn skip_word(&mut self, word: &str) -> bool {
        matches!(self.look(), Some((Token::Word(found), _)) if found == word) && self.next().is_some()
    }

    pub(super) fn is_section(&self, name: &str) -> bool {
        let mut ahead = Self { ..*self };
        ahead.skip_section(name)
    }

    pub(super) fn skip_section(&mut self, name: &str) -> bool {
        let (next, end) = (self.next, self.end);
        let is_there = self.skip_word(name) && self.skip_sign(":");
        if !is_there {
            (self.next, self.end) = (next, end);
        }
        is_there
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_suffix("KB").or_else(|| text.strip_suffix("MB")).unwrap_or(text);
    let hex = text.strip_prefix("0x");
    (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        || hex.is_some_and(|hex| (1..=8).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The length of what stands before the closing quote.
fn quoted(text: &str) -> Option<usize> {
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => return Some(at),
            '\\' => match rest.next()?.1 {
                '"' | '\\' | 't' | 'n' | 'r' => {}
                'x' => {
                    let pair = (rest.next()?.1, rest.next()?.1);
                    (pair.0.is_ascii_hexdigit() && pair.1.is_ascii_hexdigit()).then_some(())?;
                }
                _ => return None,
            },
            '\n' | '\r' => return None,
            _ => {}
        }
    }
    None
}

/// YARA's longest name is 128 characters.
const NAME_MAX: usize = 100;
const KEYWORDS: [&str; 60] = [
    "all",
    "and",
    "any",
    "ascii",
    "at",
    "base64",
    "base64wide",
    "condition",
    "contains",
    "defined",
    "endswith",
    "entrypoint",
    "false",
    "filesize",
    "for",
    "fullword",
    "global",
    "icontains",
    "iendswith",
    "iequals",
    "import",
    "in",
    "include",
    "int16",
    "int16be",
    "int32",
    "int32be",
    "int8",
    "int8be",
    "istartswith",
    "matches",
    "meta",
    "nocase",
    "none",
    "not",
    "of",
    "or",
    "private",
    "rule",
    "startswith",
    "strings",
    "them",
    "true",
    "uint16",
    "uint16be",
    "uint32",
    "uint32be",
    "uint8",
    "uint8be",
    "wide",
    "xor",
    "hash",
    "math",
    "pe",
    "elf",
    "dotnet",
    "time",
    "console",
    "string",
    "variables",
];
