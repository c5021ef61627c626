//! The marks of lists.

use super::Scanner;
use crate::submission::text::{address, around, lex};

impl Scanner<'_> {
    /// Do other items beside a harmless name have marks of lists glued to them, as in `a)evil[.]example`?
    fn is_beside_other_marks(&self, at: usize, value: &str) -> bool {
        let item = value.split(char::is_whitespace).next().unwrap_or_default();
        if item.split('.').next().is_none_or(|label| !label.contains(['[', '(', '{'])) {
            return false;
        }
        let (before, after) = around::neighbourhood(self.text, at, at + 1);
        let is_marked = |word: &str| {
            let mark = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
            let is_counted = (1..3).contains(&(word.len() - mark.len())) && mark.starts_with(')');
            let is_bullet = word.starts_with(['•', '-', '#', '*', '–']);
            (is_counted || is_bullet) && mark.contains(['[', '('])
        };
        before.split_whitespace().chain(after.split_whitespace()).filter(|word| is_marked(word)).count() > 1
    }

    /// The number of an item before a value, as in `2.evil.example`, if its neighbours have such numbers too.
    pub(super) fn list_mark(&self, at: usize, label_end: usize) -> Option<usize> {
        let number: u32 = self.text[at..label_end].parse().ok().filter(|_| label_end - at < 4)?;
        let is_first = lex::char_before(self.text, at).is_none_or(|c| c.is_whitespace() || c == '(');
        if lex::byte(self.text, label_end) != Some(b'.') || !is_first {
            return None;
        }
        let value = &self.text[label_end + 1..];
        // Of an address in reverse the first number is no mark.
        if value.starts_with(|c: char| c.is_ascii_digit())
            && address::quad(self.text, label_end + 1).is_none()
        {
            return None;
        }
        let item = value.split(char::is_whitespace).next().unwrap_or_default();
        let (before, after) = around::neighbourhood(self.text, at, label_end);
        let is_neighbour = |around: &str, number: u32| {
            let mark = number.to_string();
            around
                .split(char::is_whitespace)
                .filter_map(|word| word.trim_start_matches('(').strip_prefix(mark.as_str()))
                .any(|rest| {
                    // Hosts that are numbered themselves have the same rest.
                    rest.strip_prefix('.').is_some_and(|other| other != item) || rest.starts_with(')')
                })
        };
        let is_listed = number > 0 && is_neighbour(before, number - 1) || is_neighbour(after, number + 1);
        (is_listed || self.is_beside_other_marks(at, value)).then_some(label_end + 1)
    }
}
