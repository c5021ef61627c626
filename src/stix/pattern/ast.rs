//! The parsed form of a pattern.
//!
//! Chains of one operator are kept flat: all operators are associative, and a flat chain
//! keeps the depth of the tree within the depth of its parentheses.

use super::expression::Expression;
use crate::stix::timestamp::StixTime;

/// An observation expression: what a whole pattern is, and each of its operands.
#[derive(Debug, Clone)]
pub(super) enum Observations {
    Bracket(Comparison),
    And(Vec<Self>),
    Or(Vec<Self>),
    FollowedBy(Vec<Self>),
    Qualified(Box<Self>, Qualifier),
}

#[derive(Debug, Clone)]
pub(super) enum Qualifier {
    Within(Duration),
    Repeats(u32),
    StartStop(Box<Interval>),
}

/// The number of `WITHIN`, as written.
#[derive(Debug, Clone)]
pub(super) struct Duration {
    pub(super) text: Box<str>,
}

#[derive(Debug, Clone)]
pub(super) struct Interval {
    pub(super) start: StixTime,
    pub(super) stop: StixTime,
    pub(super) offset: usize,
}

/// What stands between brackets, or a part of it.
#[derive(Debug, Clone)]
pub(super) enum Comparison {
    Test(Test),
    And(Vec<Self>),
    Or(Vec<Self>),
}

#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) path: Path,
    pub(super) negated: bool,
    pub(super) check: Check,
    /// Where the constant starts; with `EXISTS`, where the path does.
    pub(super) constant_offset: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Check {
    Compare(Relation, Constant),
    In(Vec<Constant>),
    Like(Box<str>),
    Matches(Box<Expression>),
    IsSubset(Box<str>),
    IsSuperset(Box<str>),
    Exists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// A literal; numbers keep their digits because the canonical form repeats them.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Integer(Box<str>),
    Float(Box<str>),
    String(Box<str>),
    Boolean(bool),
    Hex(Box<[u8]>),
    Binary(Box<[u8]>),
    Timestamp(StixTime),
}

#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) object_type: Box<str>,
    pub(super) steps: Vec<Step>,
    pub(super) offset: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Property(Box<str>),
    Index(u64),
    Any,
}

impl Observations {
    /// Calls `visit` for every pair of brackets, left to right.
    pub(super) fn each_bracket<'a>(&'a self, visit: &mut dyn FnMut(&'a Comparison)) {
        match self {
            Self::Bracket(comparison) => visit(comparison),
            Self::And(parts) | Self::Or(parts) | Self::FollowedBy(parts) => {
                parts.iter().for_each(|part| part.each_bracket(visit));
            }
            Self::Qualified(inner, _) => inner.each_bracket(visit),
        }
    }

    /// Calls `visit` for every test, left to right.
    pub(super) fn each_test<'a>(&'a self, visit: &mut dyn FnMut(&'a Test)) {
        self.each_bracket(&mut |comparison| comparison.each_test(visit));
    }
}

impl Comparison {
    pub(super) fn each_test<'a>(&'a self, visit: &mut dyn FnMut(&'a Test)) {
        match self {
            Self::Test(test) => visit(test),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_test(visit)),
        }
    }
}

impl Relation {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(super) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Constant {
    /// The kind in words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Boolean(_) => "boolean",
            Self::Hex(_) => "hex",
            Self::Binary(_) => "binary",
            Self::Timestamp(_) => "timestamp",
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Float(_))
    }
}

impl Path {
    /// The names before the last one, and the last, when both are properties.
    pub(super) fn last_two(&self) -> Option<(&str, &str)> {
        match self.steps.as_slice() {
            [.., Step::Property(parent), Step::Property(name)] => Some((parent, name)),
            _ => None,
        }
    }
}
