//! Headings, and what they say of the lines below them.

use super::line::{is_one_or_more, is_shouted};
use super::words::{CONTACTS, REFERENCES};
use super::{Reader, Region};
use crate::submission::text::{address, hash::named_by_heading};

impl Reader<'_> {
    pub(super) fn open_heading(&mut self, start: usize, heading: &str) {
        let region = if is_one_or_more(REFERENCES, heading) {
            Region::Reference
        } else if is_one_or_more(CONTACTS, heading) {
            Region::Footer
        } else {
            Region::Body
        };
        self.open(start, region, named_by_heading(heading));
        self.announce(address::Above::of_heading(heading));
    }

    /// The words of a heading in lower case, without the marks around them.
    pub(super) fn heading(&self, start: usize, line: &str) -> Option<String> {
        let trimmed = line.trim();
        if trimmed.len() > HEADING_BYTES_MAX
            || trimmed.contains("://")
            || trimmed.contains('@')
            || trimmed.contains("[.]")
        {
            return None;
        }
        let is_mark = |c: char| {
            matches!(
                c,
                '#' | '*' | '=' | '-' | '>' | '[' | ']' | '_' | ' ' | '\t' | '|' | '+' | '~' | '/' | '<'
            )
        };
        let trimmed = unnumbered(trimmed);
        let core =
            trimmed.trim_start_matches(|c: char| is_mark(c) || c.is_ascii_digit() || matches!(c, '.' | ')'));
        let core = core.trim_end_matches(|c| is_mark(c) || matches!(c, ':' | '：'));
        if !core.contains(char::is_alphabetic) {
            return None;
        }
        let is_marked = trimmed.starts_with("# ")
            || trimmed.starts_with("##")
            || trimmed.starts_with("==")
            || trimmed.starts_with("**") && trimmed.ends_with("**")
            || trimmed.starts_with('[') && trimmed.ends_with(']')
            || trimmed.ends_with([':', '：'])
            || trimmed.ends_with(":**");
        let lower = core.to_lowercase();
        let is_heading = is_marked
            || is_one_or_more(REFERENCES, &lower)
            || is_one_or_more(CONTACTS, &lower)
            || is_shouted(core)
            || self.is_title(start, line, core);
        is_heading.then_some(lower)
    }

    /// A short line without an end of a sentence after a blank line or before an underline.
    fn is_title(&self, start: usize, line: &str, core: &str) -> bool {
        let next = self.text[start + line.len()..].lines().nth(1).unwrap_or_default().trim();
        let is_underlined = next.len() > 2 && next.bytes().all(|b| matches!(b, b'-' | b'=' | b'~'));
        let is_title = self.is_after_blank
            && core.starts_with(char::is_uppercase)
            && core.split(' ').count() <= TITLE_WORDS_MAX
            && !core.ends_with(['.', ',', ';', '!', '?'])
            && !core.contains([':', '.'])
            && core.split([' ', '(', ')', '/']).all(is_word_of_title)
            && !line.trim_start().starts_with(['-', '*', '[', '|'])
            && !next.contains("://");
        is_underlined || is_title
    }
}

/// A heading without the number of its section in an appendix: `B.5 Certificates`.
fn unnumbered(heading: &str) -> &str {
    let rest = heading.strip_prefix(|c: char| c.is_ascii_uppercase()).filter(|rest| rest.starts_with('.'));
    let title = rest.map(|rest| rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()));
    title.filter(|title| title.starts_with(' ')).map_or(heading, str::trim_start)
}

/// A word without digits, or one for hexadecimal numbers.
fn is_word_of_title(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_digit()) || named_by_heading(word).is_some()
}

const HEADING_BYTES_MAX: usize = 80;
const TITLE_WORDS_MAX: usize = 6;
