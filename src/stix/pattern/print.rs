//! The canonical form: what parses to the same tree, written in one way only.

use super::ast::{Check, Comparison, Constant, Observations, Path, Qualifier, Step, Test};
use super::literal::encode_base64;
use super::token::is_plain_name;
use std::fmt::{self, Display, Formatter, Write};

impl Display for Observations {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bracket(comparison) => write!(f, "[{comparison}]"),
            Self::And(parts) => {
                join(f, parts, " AND ", |part| matches!(part, Self::Or(_) | Self::FollowedBy(_)))
            }
            Self::Or(parts) => join(f, parts, " OR ", |part| matches!(part, Self::FollowedBy(_))),
            Self::FollowedBy(parts) => join(f, parts, " FOLLOWEDBY ", |_| false),
            Self::Qualified(inner, qualifier) => {
                in_parentheses(f, inner, needs_group(inner, qualifier))?;
                write!(f, " {qualifier}")
            }
        }
    }
}

/// Qualifiers of different kinds stand in a row; a second one of a kind needs a group.
fn needs_group(inner: &Observations, outer: &Qualifier) -> bool {
    match inner {
        Observations::Bracket(_) => false,
        Observations::Qualified(..) => row(inner) & kind_bit(outer) != 0,
        _ => true,
    }
}

/// The kinds of qualifiers that stand in a row at the end of the printed form.
fn row(node: &Observations) -> u8 {
    let Observations::Qualified(inner, qualifier) = node else { return 0 };
    let (before, own) = (row(inner), kind_bit(qualifier));
    if before & own == 0 { before | own } else { own }
}

fn kind_bit(qualifier: &Qualifier) -> u8 {
    match qualifier {
        Qualifier::Within(_) => 1,
        Qualifier::Repeats(_) => 2,
        Qualifier::StartStop(_) => 4,
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(test) => test.fmt(f),
            Self::And(parts) => join(f, parts, " AND ", |part| matches!(part, Self::Or(_))),
            Self::Or(parts) => join(f, parts, " OR ", |_| false),
        }
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "NOT " } else { "" };
        let path = &self.path;
        match &self.check {
            Check::Exists => write!(f, "{not}EXISTS {path}"),
            Check::Compare(relation, constant) => write!(f, "{path} {not}{} {constant}", relation.symbol()),
            Check::In(constants) => {
                write!(f, "{path} {not}IN (")?;
                join(f, constants, ", ", |_| false)?;
                f.write_char(')')
            }
            Check::Like(text) => write!(f, "{path} {not}LIKE {}", Quoted(text)),
            Check::Matches(expression) => write!(f, "{path} {not}MATCHES {}", Quoted(&expression.source)),
            Check::IsSubset(text) => write!(f, "{path} {not}ISSUBSET {}", Quoted(text)),
            Check::IsSuperset(text) => write!(f, "{path} {not}ISSUPERSET {}", Quoted(text)),
        }
    }
}

impl Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(duration) => write!(f, "WITHIN {} SECONDS", duration.text),
            Self::Repeats(count) => write!(f, "REPEATS {count} TIMES"),
            Self::StartStop(interval) => {
                write!(f, "START t'{}' STOP t'{}'", interval.start.as_str(), interval.stop.as_str())
            }
        }
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(digits) | Self::Float(digits) => f.write_str(digits),
            Self::String(text) => Quoted(text).fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Hex(bytes) => write!(f, "h'{}'", Digits(bytes)),
            Self::Binary(bytes) => write!(f, "b'{}'", encode_base64(bytes)),
            Self::Timestamp(time) => write!(f, "t'{}'", time.as_str()),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object_type, Steps(&self.steps))
    }
}

/// The steps of a path without the object type.
pub(super) struct Steps<'a>(pub(super) &'a [Step]);

impl Display for Steps<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Property(name) => {
                    f.write_str(if at == 0 { "" } else { "." })?;
                    if is_plain_name(name) { f.write_str(name)? } else { Quoted(name).fmt(f)? }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// A string literal with the two escapes it needs.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        let mut rest = self.0;
        while let Some(at) = rest.find(['\'', '\\']) {
            f.write_str(&rest[..at])?;
            f.write_char('\\')?;
            f.write_str(&rest[at..at + 1])?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)?;
        f.write_char('\'')
    }
}

/// Lower-case hexadecimal digits.
pub(super) struct Digits<'a>(pub(super) &'a [u8]);

impl Display for Digits<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

fn join<T: Display>(
    f: &mut Formatter<'_>,
    parts: &[T],
    between: &str,
    grouped: impl Fn(&T) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { between })?;
        in_parentheses(f, part, grouped(part))?;
    }
    Ok(())
}

fn in_parentheses(f: &mut Formatter<'_>, part: &impl Display, grouped: bool) -> fmt::Result {
    if grouped { write!(f, "({part})") } else { part.fmt(f) }
}
