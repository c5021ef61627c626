//! A pattern in plain words, for `liaison pattern explain`.

use super::ast::{Check, Comparison, Constant, Observations, Qualifier, Relation, Test};
use super::print::Quoted;
use super::{Atom, Pattern, Warning};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Indented lines: what is looked for, warnings, canonical form and atoms.
pub(super) fn explain(pattern: &Pattern) -> String {
    let mut prose = Prose::default();
    prose.line(0, "Looks for");
    prose.observations(1, "", &pattern.root);
    prose.line(0, "Warnings");
    prose.list(&pattern.warnings(), Warning::to_string);
    prose.line(0, "Canonical form");
    prose.line(1, &pattern.to_string());
    prose.line(0, "Atoms");
    prose.list(&pattern.atoms(), |Atom { object_type, path, value }| format!("{object_type}:{path} {value}"));
    prose.text
}

#[derive(Default)]
struct Prose {
    text: String,
}

impl Prose {
    /// Line breaks and controls inside values must not break the layout.
    fn line(&mut self, depth: usize, words: &str) {
        let clean: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(self.text, "{:indent$}{clean}", "", indent = 2 * depth);
    }

    fn list<T>(&mut self, entries: &[T], words: impl Fn(&T) -> String) {
        if entries.is_empty() {
            self.line(1, "none");
        }
        entries.iter().for_each(|entry| self.line(1, &words(entry)));
    }

    fn observations(&mut self, depth: usize, mark: &str, node: &Observations) {
        match node {
            Observations::Bracket(comparison) => {
                self.line(depth, &format!("{mark}an observation with {} where", article(comparison)));
                self.comparison(depth + 1, comparison);
            }
            Observations::And(parts) => {
                self.line(depth, &format!("{mark}all of these, each observed on its own, in any order:"));
                self.marked(depth + 1, parts, |_| "- ".to_owned());
            }
            Observations::Or(parts) => {
                self.line(depth, &format!("{mark}at least one of these:"));
                self.marked(depth + 1, parts, |_| "- ".to_owned());
            }
            Observations::FollowedBy(parts) => {
                self.line(depth, &format!("{mark}these one after the other, none before the one above it:"));
                self.marked(depth + 1, parts, |at| format!("{}. ", at + 1));
            }
            Observations::Qualified(inner, qualifier) => {
                self.line(depth, &format!("{mark}{}:", qualified(qualifier)));
                self.observations(depth + 1, "", inner);
            }
        }
    }

    fn marked(&mut self, depth: usize, parts: &[Observations], mark: impl Fn(usize) -> String) {
        for (at, part) in parts.iter().enumerate() {
            self.observations(depth, &mark(at), part);
        }
    }

    fn comparison(&mut self, depth: usize, node: &Comparison) {
        let (words, parts) = match node {
            Comparison::Test(test) => return self.line(depth, &sentence(test)),
            Comparison::And(parts) => ("all of these hold:", parts),
            Comparison::Or(parts) => ("at least one of these holds:", parts),
        };
        self.line(depth, words);
        parts.iter().for_each(|part| self.comparison(depth + 1, part));
    }
}

/// `one file object`, or the types it may have.
fn article(comparison: &Comparison) -> String {
    let mut types = BTreeSet::new();
    comparison.each_test(&mut |test| {
        types.insert(&*test.path.object_type);
    });
    let names: Vec<&str> = types.into_iter().collect();
    format!("one {} object", names.join(" or "))
}

fn qualified(qualifier: &Qualifier) -> String {
    match qualifier {
        Qualifier::Within(duration) => format!("all within {} seconds", duration.text),
        Qualifier::Repeats(1) => "once".to_owned(),
        Qualifier::Repeats(count) => format!("{count} times, each time observed anew"),
        Qualifier::StartStop(interval) => {
            format!("observed from {} until just before {}", interval.start.as_str(), interval.stop.as_str())
        }
    }
}

fn sentence(test: &Test) -> String {
    let path = &test.path;
    let not = test.negated;
    let verb = |plain: &'static str, negated: &'static str| if not { negated } else { plain };
    match &test.check {
        Check::Exists => format!("{path} is {}", verb("present", "absent")),
        Check::Compare(relation, constant) => format!("{path} {} {constant}", compared(*relation, not)),
        Check::In(constants) => format!("{path} {} {}", verb("is one of", "is none of"), listed(constants)),
        Check::Like(text) => {
            let key = if text.contains(['%', '_']) { " (% any text, _ any character)" } else { "" };
            format!("{path} {} {}{key}", verb("looks like", "does not look like"), Quoted(text))
        }
        Check::Matches(expression) => {
            let verb = verb("matches the expression", "does not match the expression");
            format!("{path} {verb} {}", expression.source)
        }
        Check::IsSubset(text) => {
            format!("{path} {} the network {text}", verb("lies inside", "does not lie inside"))
        }
        Check::IsSuperset(text) => {
            format!("{path} {} {text}", verb("is a network that holds", "is no network that holds"))
        }
    }
}

fn compared(relation: Relation, negated: bool) -> &'static str {
    match (relation, negated) {
        (Relation::Equal, false) | (Relation::NotEqual, true) => "equals",
        (Relation::NotEqual, false) | (Relation::Equal, true) => "is there and differs from",
        (Relation::Less, false) => "is less than",
        (Relation::Greater, false) => "is greater than",
        (Relation::LessOrEqual, false) => "is at most",
        (Relation::GreaterOrEqual, false) => "is at least",
        (Relation::Less, true) => "is not less than",
        (Relation::Greater, true) => "is not greater than",
        (Relation::LessOrEqual, true) => "is not at most",
        (Relation::GreaterOrEqual, true) => "is not at least",
    }
}

fn listed(constants: &[Constant]) -> String {
    let shown: Vec<String> = constants.iter().take(LISTED).map(Constant::to_string).collect();
    let more = constants.len().saturating_sub(LISTED);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}

/// Constants of a list that are shown.
const LISTED: usize = 20;
