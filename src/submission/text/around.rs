//! The words beside a place in its line.

/// A word, and what stands between it and the place or the word after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) gap: &'a str,
}

impl Word<'_> {
    /// Is it one of some words, in any case?
    pub(super) fn is_in(&self, words: &[&str]) -> bool {
        is_one_of(words, self.text)
    }
}

/// Is a word one of some lower-case words?
pub(super) fn is_one_of(words: &[&str], word: &str) -> bool {
    match word.is_ascii() {
        true => words.iter().any(|one| one.eq_ignore_ascii_case(word)),
        false => words.contains(&word.to_lowercase().as_str()),
    }
}

/// The words before a place in its line, the nearest first.
pub(super) fn before(text: &str, at: usize) -> Before<'_> {
    let mut start = at.saturating_sub(BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lead = &text[start..at];
    let line = lead.rfind('\n').map_or(lead, |end| &lead[end + 1..]);
    Before { rest: line, is_whole: line.len() < lead.len() || start == 0 }
}

/// Words from a place to the start of its line.
#[derive(Clone)]
pub(super) struct Before<'a> {
    rest: &'a str,
    is_whole: bool,
}

impl Before<'_> {
    /// Does a quotation mark stand right before the last word?
    pub(super) fn is_after_quote(&self) -> bool {
        self.rest.ends_with(['"', '\'', '“', '„', '”'])
    }

    /// Is nothing but punctuation left in the line?
    pub(super) fn is_at_line_start(&self) -> bool {
        self.is_whole && !self.rest.contains(is_word)
    }
}

impl<'a> Iterator for Before<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let end = self.rest.trim_end_matches(|c| !is_word(c)).len();
        let start = self.rest[..end].trim_end_matches(is_word).len();
        let word = Word { text: &self.rest[start..end], gap: &self.rest[end..] };
        self.rest = &self.rest[..start];
        (start < end).then_some(word)
    }
}

/// The words after a place in its line, the nearest first; the gap is what stands before each.
pub(super) fn after(text: &str, at: usize) -> impl Iterator<Item = Word<'_>> {
    let mut rest = line_after(text, at);
    std::iter::from_fn(move || {
        let start = rest.len() - rest.trim_start_matches(|c| !is_word(c)).len();
        let end = rest.len() - rest[start..].trim_start_matches(is_word).len();
        let word = Word { text: &rest[start..end], gap: &rest[..start] };
        rest = &rest[end..];
        (start < end).then_some(word)
    })
}

/// Some text before and after a range.
pub(super) fn neighbourhood(text: &str, start: usize, end: usize) -> (&str, &str) {
    let mut from = start.saturating_sub(BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let mut to = text.len().min(end + BYTES_MAX);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    (&text[from..start], &text[end..to])
}

/// The rest of the line after a place, or the start of a long rest.
pub(super) fn line_after(text: &str, at: usize) -> &str {
    let mut end = text.len().min(at + BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[at..end].split('\n').next().unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '§')
}

/// How far to look.
const BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_outwards_within_the_line() {
        let text = "first\nJA3 (client): abc, def ghi\nlast";
        let at = text.find("abc").unwrap();
        let words: Vec<_> = before(text, at).map(|word| (word.text, word.gap)).collect();
        assert_eq!(words, [("client", "): "), ("JA3", " (")]);
        let words: Vec<_> = after(text, at + 3).map(|word| (word.text, word.gap)).collect();
        assert_eq!(words, [("def", ", "), ("ghi", " ")]);
        assert!(before(text, text.find("JA3").unwrap()).is_at_line_start());
        assert!(!before(text, at).is_at_line_start());
    }
}
