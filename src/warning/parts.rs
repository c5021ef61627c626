//! Lists that look at parts of a value: substrings and expressions.

use super::Error;
use super::How;
use super::attribute::LOWERED;
use super::index::{Entry, Found};
use crate::stix::atom::{Kind, Kinds};
use aho_corasick::AhoCorasick;
use regex::{RegexBuilder, RegexSet, RegexSetBuilder};
use std::ops::ControlFlow;

/// Substrings of all lists in two automata: for kinds in lower case, and for the others.
#[derive(Debug, Default)]
pub(super) struct Substrings {
    lowered: Automaton,
    exact: Automaton,
}

#[derive(Debug, Default)]
struct Automaton {
    entries: Vec<(Box<str>, u16)>,
    built: Option<AhoCorasick>,
}

impl Substrings {
    /// Adds an entry; may be called until [`Substrings::finish`].
    pub(super) fn add(&mut self, entry: &str, list: u16, reach: Kinds) {
        if reach.meets(Kinds::of(&LOWERED)) {
            self.lowered.entries.push((entry.to_lowercase().into(), list));
        }
        if !Kinds::of(&LOWERED).covers(reach) {
            self.exact.entries.push((entry.into(), list));
        }
    }

    /// Makes what was added findable.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        for one in [&mut self.lowered, &mut self.exact] {
            if !one.entries.is_empty() {
                let built = AhoCorasick::new(one.entries.iter().map(|(entry, _)| entry.as_bytes()));
                one.built = Some(built.map_err(|_| Error::TooMany("an automaton of substrings holds"))?);
            }
        }
        Ok(())
    }

    /// Shows every entry that is a part of a text.
    pub(super) fn visit(
        &self,
        kind: Kind,
        text: &str,
        seen: &mut impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let automaton = if LOWERED.contains(&kind) { &self.lowered } else { &self.exact };
        let Some(built) = &automaton.built else { return ControlFlow::Continue(()) };
        built.find_overlapping_iter(text).try_for_each(|found| {
            let (entry, list) = &automaton.entries[found.pattern().as_usize()];
            seen(Found { list: *list, how: How::Substring, entry: Entry::Text(entry) })
        })
    }
}

/// The expressions of one list.
#[derive(Debug)]
pub(super) struct Expressions {
    list: u16,
    entries: Vec<Box<str>>,
    set: RegexSet,
}

impl Expressions {
    /// Reads entries of the form `/pattern/flags`, and says which it leaves out, and why.
    pub(super) fn parse(list: u16, entries: &[Box<str>], left_out: &mut Vec<String>) -> Result<Self, Error> {
        let mut kept: Vec<Box<str>> = Vec::new();
        let mut patterns = Vec::new();
        for entry in entries {
            match translated(entry) {
                Ok(pattern) => {
                    kept.push(entry.clone());
                    patterns.push(pattern);
                }
                Err(why) => left_out.push(format!("left out `{}`: {why}", excerpt(entry))),
            }
        }
        let set =
            RegexSetBuilder::new(&patterns).size_limit((patterns.len() + 1) * EXPRESSION_BYTES_MAX).build();
        let set = set.map_err(|_| Error::TooMany("one list of expressions holds"))?;
        Ok(Self { list, entries: kept, set })
    }

    /// The list that they are of.
    pub(super) fn list(&self) -> u16 {
        self.list
    }

    /// Shows one expression that a text fulfils.
    pub(super) fn visit(
        &self,
        text: &str,
        seen: &mut impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // Asking which one allocates; asking whether does not.
        if !self.set.is_match(text) {
            return ControlFlow::Continue(());
        }
        let first = self.set.matches(text).iter().next().and_then(|at| self.entries.get(at));
        let entry = Entry::Text(first.map_or("", |entry| entry));
        seen(Found { list: self.list, how: How::Regex, entry })
    }
}

/// An expression with its flags inside, tried out.
fn translated(entry: &str) -> Result<String, String> {
    let form = "it is not of the form /pattern/flags";
    let delimiter = entry.chars().next().filter(|first| DELIMITERS.contains(*first)).ok_or(form)?;
    let (pattern, flags) = entry[1..].rsplit_once(delimiter).ok_or(form)?;
    if pattern.is_empty() {
        return Err("it is empty and matches everything".to_owned());
    }
    let mut inner = String::new();
    for flag in flags.chars() {
        match flag {
            'i' | 'm' | 's' | 'x' => inner.push(flag),
            'U' if !inner.contains('U') => inner.push(flag),
            // Global says how often, `u` is always so.
            'g' | 'u' | 'U' => {}
            other => return Err(format!("there is no flag `{other}`")),
        }
    }
    // A line end, because a comment in an `x` pattern would take the bracket in.
    let whole = match (inner.is_empty(), inner.contains('x')) {
        (true, _) => format!("(?:{pattern})"),
        (_, true) => format!("(?{inner}:{pattern}\n)"),
        _ => format!("(?{inner}:{pattern})"),
    };
    let built = RegexBuilder::new(&whole).size_limit(EXPRESSION_BYTES_MAX).nest_limit(NESTING_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            format!("compiled, it is larger than {EXPRESSION_BYTES_MAX} bytes")
        }
        regex::Error::Syntax(text) => text.lines().last().unwrap_or("wrong syntax").trim().to_owned(),
        _ => "wrong syntax".to_owned(),
    })?;
    Ok(whole)
}

/// The start of an entry, for messages.
pub(super) fn excerpt(entry: &str) -> String {
    match entry.char_indices().nth(EXCERPT_CHARACTERS) {
        Some((end, _)) => format!("{}…", &entry[..end]),
        None => entry.to_owned(),
    }
}

const DELIMITERS: &str = "/#~!@%";
const EXPRESSION_BYTES_MAX: usize = 1 << 20;
const EXCERPT_CHARACTERS: usize = 60;
const NESTING_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(entry: &str, text: &str) -> bool {
        let mut left_out = Vec::new();
        let expressions = Expressions::parse(0, &[entry.into()], &mut left_out).unwrap();
        assert_eq!(left_out, [""; 0]);
        expressions.visit(text, &mut |_| ControlFlow::Break(())).is_break()
    }

    #[test]
    fn delimiters_are_stripped_and_flags_heeded() {
        assert!(matches(r"/^(soc|abuse)\@.*\..*$/i", "SOC@cert.example"));
        assert!(!matches(r"/^(soc|abuse)\@.*\..*$/", "SOC@cert.example"));
        assert!(matches("/a/b/g", "xa/by"));
        assert!(matches("#a/b#", "xa/by"));
        assert!(matches("/a b # why/x", "ab"));
        assert!(!matches("/a.c/", "abd"));
        assert!(matches("/a|b/", "b"), "the flags and the alternative keep apart");
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        for (entry, why) in [
            ("/(?=a)b/", "look-around"),
            ("/(?<!a)b/", "look-around"),
            (r"/(a)\1/", "backreferences"),
            ("/(/", "unclosed"),
            ("/a/e", "no flag `e`"),
            ("abc", "/pattern/flags"),
            ("/abc", "/pattern/flags"),
            ("//i", "matches everything"),
            (r"/(\w{200}){200}/", "larger than"),
        ] {
            let mut left_out = Vec::new();
            Expressions::parse(0, &[entry.into()], &mut left_out).unwrap();
            assert_eq!(left_out.len(), 1, "{entry}");
            assert!(left_out[0].contains(why), "{entry}: {left_out:?}");
        }
        let nested = format!("/{}{}/", "(".repeat(500), ")".repeat(500));
        let mut left_out = Vec::new();
        Expressions::parse(0, &[nested.into(), "/ok/".into()], &mut left_out).unwrap();
        assert_eq!(left_out.len(), 1);
        assert!(left_out[0].len() < 200);
    }
}
