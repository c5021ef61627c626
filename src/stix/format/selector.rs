//! Selectors of granular markings: `external_references.[0].source_name` (STIX 2.1 §7.2.3).

use super::{Fault, name, require};
use std::str::Split;

/// One step from an object or list into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// To the member of an object with this name.
    Name(&'a str),
    /// To the item of a list with this index, counted from 0.
    Index(usize),
}

/// The steps of a selector from the object's root; the first fault ends it.
#[derive(Debug, Clone)]
pub struct Steps<'a> {
    parts: Split<'a, char>,
    is_first: bool,
    is_broken: bool,
}

/// Takes a selector apart; whether the steps lead anywhere is for who has the object.
pub fn steps(selector: &str) -> Steps<'_> {
    Steps { parts: selector.split('.'), is_first: true, is_broken: false }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Result<Step<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_broken {
            return None;
        }
        let part = self.parts.next()?;
        let step = if self.is_first { member(part) } else { step(part) };
        self.is_first = false;
        self.is_broken = step.is_err();
        Some(step)
    }
}

fn step(part: &str) -> Result<Step<'_>, Fault> {
    match part.strip_prefix('[') {
        Some(rest) => index(rest),
        None => member(part),
    }
}

fn member(part: &str) -> Result<Step<'_>, Fault> {
    let holds = (1..=250).contains(&part.len()) && part.bytes().all(name::is_key_byte);
    require(holds, NAME).map(|()| Step::Name(part))
}

fn index(rest: &str) -> Result<Step<'_>, Fault> {
    let digits = rest.strip_suffix(']').ok_or(Fault::new(INDEX))?;
    let is_plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let index = digits.parse().ok().filter(|_| is_plain);
    index.map(Step::Index).ok_or(Fault::new(INDEX))
}

const NAME: &str =
    "names and list indexes joined by dots, a name first, like external_references.[0].source_name";
const INDEX: &str = "a list index like [0] in a selector, without leading zeros";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(selector: &str) -> Result<Vec<Step<'_>>, Fault> {
        steps(selector).collect()
    }

    #[test]
    fn selectors_are_taken_apart() {
        assert_eq!(read("id"), Ok(vec![Step::Name("id")]));
        assert_eq!(read("labels"), Ok(vec![Step::Name("labels")]));
        assert_eq!(read("labels.[1]"), Ok(vec![Step::Name("labels"), Step::Index(1)]));
        assert_eq!(
            read("external_references.[0].source_name"),
            Ok(vec![Step::Name("external_references"), Step::Index(0), Step::Name("source_name")])
        );
        assert_eq!(
            read("extensions.extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e.Rank"),
            Ok(vec![
                Step::Name("extensions"),
                Step::Name("extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e"),
                Step::Name("Rank")
            ])
        );
        assert_eq!(read("a.[0].[10]"), Ok(vec![Step::Name("a"), Step::Index(0), Step::Index(10)]));
    }

    #[test]
    fn malformed_selectors_are_refused() {
        for (bad, reason) in [
            ("", NAME),
            (".", NAME),
            ("labels.", NAME),
            (".labels", NAME),
            ("a..b", NAME),
            ("labels[1]", NAME),
            ("[0]", NAME),
            ("a b", NAME),
            ("a.b\n", NAME),
            ("é", NAME),
            ("a.$", NAME),
            ("labels.[01]", INDEX),
            ("labels.[]", INDEX),
            ("labels.[-1]", INDEX),
            ("labels.[+1]", INDEX),
            ("labels.[1", INDEX),
            ("labels.[1]]", INDEX),
            ("labels.[1][2]", INDEX),
            ("labels.[x]", INDEX),
            ("labels.[١]", INDEX),
            ("labels.[99999999999999999999999]", INDEX),
        ] {
            assert_eq!(read(bad), Err(Fault::new(reason)), "{bad:?}");
        }
        assert!(read(&"n".repeat(250)).is_ok());
        assert!(read(&"n".repeat(251)).is_err());
    }

    #[test]
    fn a_fault_ends_the_steps() {
        let mut steps = steps("a.$.b");
        assert_eq!(steps.next(), Some(Ok(Step::Name("a"))));
        assert!(matches!(steps.next(), Some(Err(_))));
        assert_eq!(steps.next(), None);
    }
}
