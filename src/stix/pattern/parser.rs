//! From tokens to the tree: observation expressions (STIX 2.1 §9.1 to §9.5).
//!
//! Recursive descent; its recursion is bounded by `DEPTH_MAX`.

use super::ast::{Comparison, Duration, Interval, Observations, Qualifier};
use super::checks;
use super::error::{Error, Warning};
use super::hints::{Place, advice};
use super::lexer::Lexer;
use super::literal;
use super::token::{Keyword, Kind, Token};

/// Longest pattern in bytes.
pub(super) const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Most parentheses and brackets open at one place.
pub(super) const DEPTH_MAX: usize = 128;
/// Most bracketed observation expressions.
pub(super) const OBSERVATIONS_MAX: usize = 1_000;
/// Most tests.
pub(super) const COMPARISONS_MAX: usize = 10_000;
/// Largest product of nested `REPEATS`.
pub(super) const REPEATS_MAX: usize = 100_000;

/// Parses a whole text; with the tree come the warnings of the lexical rules.
pub(super) fn parse(text: &str) -> Result<(Observations, Vec<Warning>), Error> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(Error::Limit { offset: TEXT_MAX_BYTES, what: "bytes", limit: TEXT_MAX_BYTES });
    }
    let mut parser = Parser::new(text)?;
    let root = parser.observations()?;
    if parser.token.kind != Kind::End {
        return Err(parser.unexpected("AND, OR, FOLLOWEDBY, a qualifier or the end", Place::AfterObservation));
    }
    checks::repeats(&root)?;
    Ok((root, parser.lexer.warnings))
}

#[derive(Debug)]
pub(super) struct Parser<'t> {
    pub(super) lexer: Lexer<'t>,
    /// The next token, not yet taken.
    pub(super) token: Token<'t>,
    /// The last token taken.
    pub(super) previous: Token<'t>,
    pub(super) comparisons: usize,
    observations: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, Error> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        let previous = Token { kind: Kind::End, text: "", start: 0, end: 0 };
        Ok(Self { lexer, token, previous, comparisons: 0, observations: 0, depth: 0 })
    }

    fn observations(&mut self) -> Result<Observations, Error> {
        let first = self.observations_or()?;
        if !self.token.is(Keyword::FollowedBy) {
            return Ok(first);
        }
        let mut parts = Vec::new();
        push_flat(&mut parts, first, Keyword::FollowedBy);
        while self.eat(Keyword::FollowedBy)? {
            let next = self.observations_or()?;
            push_flat(&mut parts, next, Keyword::FollowedBy);
        }
        Ok(Observations::FollowedBy(parts))
    }

    fn observations_or(&mut self) -> Result<Observations, Error> {
        let first = self.observations_and()?;
        if !self.token.is(Keyword::Or) {
            return Ok(first);
        }
        let mut parts = Vec::new();
        push_flat(&mut parts, first, Keyword::Or);
        while self.eat(Keyword::Or)? {
            let next = self.observations_and()?;
            push_flat(&mut parts, next, Keyword::Or);
        }
        Ok(Observations::Or(parts))
    }

    fn observations_and(&mut self) -> Result<Observations, Error> {
        let first = self.observation()?;
        if !self.token.is(Keyword::And) {
            return Ok(first);
        }
        let mut parts = Vec::new();
        push_flat(&mut parts, first, Keyword::And);
        while self.eat(Keyword::And)? {
            let next = self.observation()?;
            push_flat(&mut parts, next, Keyword::And);
        }
        Ok(Observations::And(parts))
    }

    fn observation(&mut self) -> Result<Observations, Error> {
        let operand = match self.token.kind {
            Kind::OpenBracket => Observations::Bracket(self.bracket()?),
            Kind::OpenParenthesis => {
                self.open()?;
                let inner = self.observations()?;
                self.close(
                    Kind::CloseParenthesis,
                    "AND, OR, FOLLOWEDBY, a qualifier or `)`",
                    Place::AfterObservation,
                )?;
                inner
            }
            _ => return Err(self.unexpected("`[` or `(`", Place::Observation)),
        };
        self.qualified(operand)
    }

    fn bracket(&mut self) -> Result<Comparison, Error> {
        self.observations += 1;
        if self.observations > OBSERVATIONS_MAX {
            return Err(self.limit("observation expressions", OBSERVATIONS_MAX));
        }
        self.open()?;
        let comparison = self.comparison()?;
        self.close(Kind::CloseBracket, "AND, OR or `]`", Place::AfterTest)?;
        checks::one_object(&comparison)?;
        Ok(comparison)
    }

    /// Qualifiers bind to the operand before them, the left one first.
    fn qualified(&mut self, mut operand: Observations) -> Result<Observations, Error> {
        let mut seen = [false; 3];
        loop {
            let (slot, word) = match self.token.kind {
                Kind::Keyword(Keyword::Within) => (0, "WITHIN"),
                Kind::Keyword(Keyword::Repeats) => (1, "REPEATS"),
                Kind::Keyword(Keyword::Start) => (2, "START … STOP"),
                _ => return Ok(operand),
            };
            if std::mem::replace(&mut seen[slot], true) {
                let message = format!(
                    "{word} twice on one observation expression: remove one, or put parentheses around the first"
                );
                return Err(Error::meaning(self.token.start, message));
            }
            let qualifier = match slot {
                0 => self.within()?,
                1 => self.repeats()?,
                _ => self.start_stop()?,
            };
            operand = Observations::Qualified(Box::new(operand), qualifier);
        }
    }

    fn within(&mut self) -> Result<Qualifier, Error> {
        self.advance()?;
        if !matches!(self.token.kind, Kind::Integer | Kind::Float) {
            return Err(self.unexpected("a number of seconds", Place::Within));
        }
        let number = self.token;
        self.advance()?;
        if !number.text.bytes().any(|b| matches!(b, b'1'..=b'9')) || number.text.starts_with('-') {
            return Err(Error::meaning(
                number.start,
                format!("WITHIN {}: the number of seconds must be greater than 0", number.text),
            ));
        }
        self.expect_keyword(Keyword::Seconds, "SECONDS", Place::Seconds)?;
        Ok(Qualifier::Within(Duration { text: literal::number(&number) }))
    }

    fn repeats(&mut self) -> Result<Qualifier, Error> {
        self.advance()?;
        let number = self.token;
        if number.kind != Kind::Integer {
            return Err(self.unexpected("a whole number of times", Place::Repeats));
        }
        self.advance()?;
        if number.text.starts_with('-') || number.text.trim_start_matches('+') == "0" {
            return Err(Error::meaning(
                number.start,
                format!("REPEATS {}: the number must be 1 or more", number.text),
            ));
        }
        self.expect_keyword(Keyword::Times, "TIMES", Place::Times)?;
        let count = number.text.trim_start_matches('+').parse::<u32>().ok();
        match count.filter(|count| *count as usize <= REPEATS_MAX) {
            Some(count) => Ok(Qualifier::Repeats(count)),
            None => Err(Error::Limit { offset: number.start, what: "repetitions", limit: REPEATS_MAX }),
        }
    }

    fn start_stop(&mut self) -> Result<Qualifier, Error> {
        let offset = self.token.start;
        self.advance()?;
        let start = self.timestamp()?;
        self.expect_keyword(Keyword::Stop, "STOP", Place::Stop)?;
        let stop = self.timestamp()?;
        Ok(Qualifier::StartStop(Box::new(Interval { start, stop, offset })))
    }

    fn timestamp(&mut self) -> Result<crate::stix::timestamp::StixTime, Error> {
        if self.token.kind != Kind::Timestamp {
            return Err(self.unexpected("a timestamp t'…'", Place::Timestamp));
        }
        let time = literal::timestamp(&self.token)?;
        self.advance()?;
        Ok(time)
    }
}

/// What the productions share.
impl<'t> Parser<'t> {
    pub(super) fn advance(&mut self) -> Result<(), Error> {
        self.previous = self.token;
        self.token = self.lexer.next()?;
        Ok(())
    }

    pub(super) fn eat(&mut self, keyword: Keyword) -> Result<bool, Error> {
        let found = self.token.is(keyword);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes an opening bracket or parenthesis.
    pub(super) fn open(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.limit("open brackets and parentheses", DEPTH_MAX));
        }
        self.advance()
    }

    pub(super) fn close(&mut self, kind: Kind, expected: &'static str, place: Place) -> Result<(), Error> {
        self.depth -= 1;
        self.expect(kind, expected, place)
    }

    pub(super) fn expect(&mut self, kind: Kind, expected: &'static str, place: Place) -> Result<(), Error> {
        if self.token.kind == kind { self.advance() } else { Err(self.unexpected(expected, place)) }
    }

    fn expect_keyword(
        &mut self,
        keyword: Keyword,
        expected: &'static str,
        place: Place,
    ) -> Result<(), Error> {
        self.expect(Kind::Keyword(keyword), expected, place)
    }

    pub(super) fn limit(&self, what: &'static str, limit: usize) -> Error {
        Error::Limit { offset: self.token.start, what, limit }
    }

    #[cold]
    pub(super) fn unexpected(&self, expected: &'static str, place: Place) -> Error {
        Error::Syntax {
            offset: self.token.start,
            expected: expected.into(),
            found: self.token.describe(),
            hint: advice(place, &self.token, &self.previous, self.lexer.text()),
        }
    }
}

/// Adds an operand to a chain; a chain of the same operator in parentheses is spliced in.
fn push_flat(parts: &mut Vec<Observations>, part: Observations, operator: Keyword) {
    match (part, operator) {
        (Observations::And(inner), Keyword::And)
        | (Observations::Or(inner), Keyword::Or)
        | (Observations::FollowedBy(inner), Keyword::FollowedBy) => parts.extend(inner),
        (part, _) => parts.push(part),
    }
}
