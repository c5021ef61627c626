//! From tokens to the tree: what stands between brackets (STIX 2.1 §9.6 and §9.7).

use super::ast::{Check, Comparison, Constant, Path, Relation, Step, Test};
use super::checks;
use super::error::Error;
use super::expression::Expression;
use super::hints::Place;
use super::literal;
use super::parser::{COMPARISONS_MAX, Parser};
use super::token::{Keyword, Kind};

impl Parser<'_> {
    pub(super) fn comparison(&mut self) -> Result<Comparison, Error> {
        let first = self.comparison_and()?;
        if !self.token.is(Keyword::Or) {
            return Ok(first);
        }
        let mut parts = Vec::new();
        push_flat(&mut parts, first, Keyword::Or);
        while self.eat(Keyword::Or)? {
            let next = self.comparison_and()?;
            push_flat(&mut parts, next, Keyword::Or);
        }
        Ok(Comparison::Or(parts))
    }

    fn comparison_and(&mut self) -> Result<Comparison, Error> {
        let first = self.operand()?;
        if !self.token.is(Keyword::And) {
            return Ok(first);
        }
        let mut parts = Vec::new();
        push_flat(&mut parts, first, Keyword::And);
        while self.eat(Keyword::And)? {
            let next = self.operand()?;
            push_flat(&mut parts, next, Keyword::And);
        }
        Ok(Comparison::And(parts))
    }

    fn operand(&mut self) -> Result<Comparison, Error> {
        if self.token.kind != Kind::OpenParenthesis {
            return Ok(Comparison::Test(self.test()?));
        }
        self.open()?;
        let inner = self.comparison()?;
        self.close(Kind::CloseParenthesis, "AND, OR or `)`", Place::AfterTest)?;
        Ok(inner)
    }

    fn test(&mut self) -> Result<Test, Error> {
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            return Err(self.limit("comparisons", COMPARISONS_MAX));
        }
        let negated = self.eat(Keyword::Not)?;
        if self.eat(Keyword::Exists)? {
            let path = self.path()?;
            return Ok(Test { negated, check: Check::Exists, constant_offset: path.offset, path });
        }
        if negated {
            return Err(self.unexpected("EXISTS after a leading NOT", Place::LeadingNot));
        }
        let path = self.path()?;
        let negated = self.eat(Keyword::Not)?;
        let (check, constant_offset) = self.check()?;
        checks::hash(&path, &check, constant_offset)?;
        Ok(Test { path, negated, check, constant_offset })
    }

    fn path(&mut self) -> Result<Path, Error> {
        let offset = self.token.start;
        if !matches!(self.token.kind, Kind::Word | Kind::Hyphenated) {
            return Err(self.unexpected("an object path such as file:name", Place::Test));
        }
        let object_type = self.token.text.into();
        self.advance()?;
        self.expect(Kind::Colon, "`:` after the object type", Place::Colon)?;
        let mut steps = Vec::with_capacity(2);
        steps.push(self.property()?);
        loop {
            match self.token.kind {
                Kind::Dot => {
                    self.advance()?;
                    steps.push(self.property()?);
                }
                Kind::OpenBracket => steps.push(self.index()?),
                _ => return Ok(Path { object_type, steps, offset }),
            }
        }
    }

    fn property(&mut self) -> Result<Step, Error> {
        let name = match self.token.kind {
            Kind::Word => self.token.text.into(),
            Kind::String { .. } => literal::string(&self.token),
            _ => return Err(self.unexpected("a property name", Place::Property)),
        };
        self.advance()?;
        Ok(Step::Property(name))
    }

    fn index(&mut self) -> Result<Step, Error> {
        self.advance()?;
        let token = self.token;
        let step = match token.kind {
            Kind::Star => Step::Any,
            Kind::Integer if token.text.starts_with('-') && token.text != "-0" => {
                return Err(Error::meaning(
                    token.start,
                    format!("[{}]: list elements are counted from 0", token.text),
                ));
            }
            Kind::Integer => Step::Index(self.index_value()?),
            _ => return Err(self.unexpected("a list index or `*`", Place::Index)),
        };
        self.advance()?;
        self.expect(Kind::CloseBracket, "`]` after the list index", Place::Index)?;
        Ok(step)
    }

    fn index_value(&self) -> Result<u64, Error> {
        let digits = self.token.text.trim_start_matches(['+', '-']);
        digits.parse().map_err(|_| self.limit("list index", usize::MAX))
    }

    /// The operator and its constant, and where the constant starts.
    fn check(&mut self) -> Result<(Check, usize), Error> {
        let operator = self.token.kind;
        let relation = match operator {
            Kind::Equal => Relation::Equal,
            Kind::NotEqual => Relation::NotEqual,
            Kind::Less => Relation::Less,
            Kind::Greater => Relation::Greater,
            Kind::LessOrEqual => Relation::LessOrEqual,
            Kind::GreaterOrEqual => Relation::GreaterOrEqual,
            _ => return self.word_check(),
        };
        self.advance()?;
        let offset = self.token.start;
        let constant = if relation.is_equality() { self.literal()? } else { self.ordered()? };
        Ok((Check::Compare(relation, constant), offset))
    }

    fn word_check(&mut self) -> Result<(Check, usize), Error> {
        let Kind::Keyword(keyword) = self.token.kind else {
            return Err(self.unexpected("an operator", Place::Operator));
        };
        if keyword == Keyword::In {
            self.advance()?;
            return self.list();
        }
        if !matches!(keyword, Keyword::Like | Keyword::Matches | Keyword::IsSubset | Keyword::IsSuperset) {
            return Err(self.unexpected("an operator", Place::Operator));
        }
        self.advance()?;
        if !matches!(self.token.kind, Kind::String { .. }) {
            return Err(self.unexpected("a string in single quotes", Place::String));
        }
        let offset = self.token.start;
        let text = literal::string(&self.token);
        let check = match keyword {
            Keyword::Like => Check::Like(text),
            Keyword::IsSubset => Check::IsSubset(text),
            Keyword::IsSuperset => Check::IsSuperset(text),
            _ => Check::Matches(Box::new(Expression::new(text, offset)?)),
        };
        self.advance()?;
        Ok((check, offset))
    }

    fn list(&mut self) -> Result<(Check, usize), Error> {
        let offset = self.token.start;
        self.expect(Kind::OpenParenthesis, "`(` after IN", Place::List)?;
        let mut members = Vec::new();
        if self.token.kind != Kind::CloseParenthesis {
            members.push(self.member(None)?);
            while self.token.kind == Kind::Comma {
                self.advance()?;
                members.push(self.member(members.first())?);
            }
        }
        self.expect(Kind::CloseParenthesis, "`,` or `)`", Place::AfterMember)?;
        Ok((Check::In(members), offset))
    }

    fn member(&mut self, first: Option<&Constant>) -> Result<Constant, Error> {
        let offset = self.token.start;
        let constant = self.literal()?;
        match first {
            Some(first) if !checks::same_kind(first, &constant) => {
                let message = format!(
                    "{} after {} in one IN list: all constants of a list have one type",
                    constant.kind(),
                    first.kind()
                );
                Err(Error::meaning(offset, message))
            }
            _ => Ok(constant),
        }
    }

    fn literal(&mut self) -> Result<Constant, Error> {
        let constant = match self.token.kind {
            Kind::Keyword(Keyword::True) => Constant::Boolean(true),
            Kind::Keyword(Keyword::False) => Constant::Boolean(false),
            _ => match literal::constant(&self.token, &mut self.lexer)? {
                Some(constant) => constant,
                None => return Err(self.unexpected("a constant", Place::Constant)),
            },
        };
        self.advance()?;
        Ok(constant)
    }

    /// A literal that has an order, which booleans have not.
    fn ordered(&mut self) -> Result<Constant, Error> {
        if matches!(self.token.kind, Kind::Keyword(Keyword::True | Keyword::False)) {
            return Err(
                self.unexpected("a number, string, timestamp, hex or binary constant", Place::Ordered)
            );
        }
        self.literal()
    }
}

/// Adds an operand to a chain; a chain of the same operator in parentheses is spliced in.
fn push_flat(parts: &mut Vec<Comparison>, part: Comparison, operator: Keyword) {
    match (part, operator) {
        (Comparison::And(inner), Keyword::And) | (Comparison::Or(inner), Keyword::Or) => parts.extend(inner),
        (part, _) => parts.push(part),
    }
}
