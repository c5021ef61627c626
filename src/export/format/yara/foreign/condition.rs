//! Conditions of YARA: comparisons of numbers, strings found, hashes of the file.

use super::token::{Token, Tokens};

/// Reads a condition, and tells which strings it names.
pub(super) fn read<'a>(
    tokens: &mut Tokens<'a>,
    strings: &[&'a str],
    imports: &[&str],
) -> Option<Vec<&'a str>> {
    let mut condition = Condition { tokens, strings, imports, used: Vec::new() };
    condition.either(0)?;
    Some(condition.used)
}

struct Condition<'t, 'a> {
    tokens: &'t mut Tokens<'a>,
    strings: &'t [&'a str],
    imports: &'t [&'t str],
    used: Vec<&'a str>,
}

impl<'a> Condition<'_, 'a> {
    fn either(&mut self, depth: usize) -> Option<()> {
        self.both(depth)?;
        while self.tokens.skip_word("or") {
            self.both(depth)?;
        }
        Some(())
    }

    fn both(&mut self, depth: usize) -> Option<()> {
        self.one(depth)?;
        while self.tokens.skip_word("and") {
            self.one(depth)?;
        }
        Some(())
    }

    fn one(&mut self, depth: usize) -> Option<()> {
        // Deep nesting would use up the stack, here and there.
        (depth < 30).then_some(())?;
        if self.tokens.skip_word("not") {
            return self.one(depth + 1);
        }
        if self.tokens.skip_sign("(") {
            self.either(depth + 1)?;
            return self.tokens.sign(")");
        }
        match self.tokens.next()? {
            Token::Word("true" | "false") => Some(()),
            Token::Word("any" | "all") => self.of(),
            Token::Word("hash") => self.hash(),
            Token::String(name) => {
                self.name(name)?;
                match self.tokens.skip_word("at") {
                    true => self.number(),
                    false => Some(()),
                }
            }
            Token::Number(number) if self.is_of() => {
                let count: usize = number.parse().ok()?;
                (1..=self.strings.len()).contains(&count).then_some(())?;
                self.of()
            }
            token => {
                self.operand(token)?;
                self.comparison()?;
                self.number()
            }
        }
    }

    fn is_of(&mut self) -> bool {
        let mut ahead = self.tokens.clone();
        ahead.skip_word("of")
    }

    /// `of them`, or some in brackets.
    fn of(&mut self) -> Option<()> {
        self.tokens.word("of")?;
        if self.tokens.skip_word("them") {
            self.used.extend(self.strings);
            return (!self.strings.is_empty()).then_some(());
        }
        self.tokens.sign("(")?;
        loop {
            let Token::String(name) = self.tokens.next()? else { return None };
            if self.tokens.skip_close("*") {
                let before = self.used.len();
                self.used.extend(self.strings.iter().filter(|string| string.starts_with(name)));
                (self.used.len() > before).then_some(())?;
            } else {
                self.name(name)?;
            }
            if !self.tokens.skip_sign(",") {
                return self.tokens.sign(")");
            }
        }
    }

    fn name(&mut self, name: &'a str) -> Option<()> {
        self.used.push(name);
        self.strings.contains(&name).then_some(())
    }

    /// `hash.sha256(0, filesize) == "…"`
    fn hash(&mut self) -> Option<()> {
        self.imports.contains(&"hash").then_some(())?;
        self.tokens.sign(".")?;
        let Token::Word(function) = self.tokens.next()? else { return None };
        let digits = match function {
            "md5" => 32,
            "sha1" => 40,
            "sha256" => 64,
            _ => return None,
        };
        self.tokens.sign("(")?;
        self.number()?;
        self.tokens.sign(",")?;
        self.number()?;
        self.tokens.sign(")")?;
        self.tokens.sign("==")?;
        let Token::Text(hash) = self.tokens.next()? else { return None };
        let is_hash = hash.len() == digits && hash.bytes().all(|b| b.is_ascii_hexdigit());
        (is_hash && hash == hash.to_ascii_lowercase()).then_some(())
    }

    fn comparison(&mut self) -> Option<()> {
        let signs = ["==", "!=", "<=", ">=", "<", ">"];
        signs.into_iter().any(|sign| self.tokens.skip_sign(sign)).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let token = self.tokens.next()?;
        self.operand(token)
    }

    fn operand(&mut self, token: Token<'a>) -> Option<()> {
        match token {
            Token::Number(_) | Token::Word("filesize") => Some(()),
            Token::Count(name) => self.name(name),
            Token::Word("uint8" | "uint16" | "uint32" | "uint16be" | "uint32be") => {
                self.tokens.sign("(")?;
                let Token::Number(_) = self.tokens.next()? else { return None };
                self.tokens.sign(")")
            }
            _ => None,
        }
    }
}
