//! Labels joined by dots, as people write them.

use super::lex::{self, How, Mark};

/// Labels joined by dots; one label alone is a chain too.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// With plain dots.
    pub(super) name: String,
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// How many labels.
    pub(super) labels: usize,
    /// A dot is written in a way that nobody uses for anything else.
    pub(super) is_sure: bool,
    /// A dot is written in a way that has other uses.
    pub(super) is_weak: bool,
    /// A dot is written as a word between blanks.
    pub(super) is_worded: bool,
    /// Longer than any name may be; the labels beyond are not kept.
    pub(super) is_too_long: bool,
}

impl Chain {
    /// Reads a chain whose first label begins at a place.
    pub(super) fn read(text: &str, start: usize) -> Self {
        let mut end = lex::label_end(text, start);
        let mut chain = Self { start, end, labels: 1, ..Self::default() };
        let Some(mut mark) = lex::dot(text, end) else {
            chain.name.push_str(label(text, start, end));
            return chain;
        };
        chain.name.push_str(&text[start..end]);
        loop {
            if mark.how == How::Word && chain.labels >= WORDED_LABELS_MAX {
                break;
            }
            let label_start = mark.end;
            end = lex::label_end(text, label_start);
            let closes = mark.closer.is_some_and(|closer| lex::byte(text, end) == Some(closer));
            if closes && lex::is_label_start(text, end + 1) {
                break;
            }
            chain.add(label(text, label_start, end), &mark);
            end += usize::from(closes);
            chain.end = end;
            match lex::dot(text, end) {
                Some(next) => mark = next,
                None => break,
            }
        }
        chain.trim(text);
        chain
    }

    fn add(&mut self, label: &str, mark: &Mark) {
        self.labels += 1;
        self.is_sure |= mark.how == How::Sure;
        self.is_weak |= mark.how == How::Weak;
        self.is_worded |= mark.how == How::Word;
        if self.name.len() + label.len() >= NAME_BYTES_MAX {
            self.is_too_long = true;
        }
        if !self.is_too_long {
            self.name.push('.');
            self.name.push_str(label);
        }
    }

    /// Takes hyphens and underscores off the end: they are of what follows.
    fn trim(&mut self, text: &str) {
        let kept = self.name.trim_end_matches(['-', '_']).len();
        let is_at_end = text[..self.end].ends_with(&self.name[kept..]);
        if is_at_end && !self.is_too_long {
            self.end -= self.name.len() - kept;
            self.name.truncate(kept);
        }
    }

    /// Was it written to be harmless?
    pub(super) fn is_defanged(&self) -> bool {
        self.is_sure || self.is_weak || self.is_worded
    }

    /// The last label.
    pub(super) fn last(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// Four decimal numbers of at most 255 each, without leading zeros.
    pub(super) fn is_quad(&self) -> bool {
        self.labels == 4 && self.name.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

/// A label, shortened: what is longer than a name is no name.
fn label(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end.min(start + NAME_BYTES_MAX + 1)).unwrap_or_else(|| &text[start..end])
}

/// RFC 1035 §2.3.4; before IDNA encodes them, names may take more bytes.
const NAME_BYTES_MAX: usize = 512;
/// Names whose dots are words are short; prose is long.
const WORDED_LABELS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_end_where_their_labels_do() {
        for (text, name, rest) in [
            ("evil[.]example[.]com/x", "evil.example.com", "/x"),
            ("evil[.com]/x", "evil.com", "/x"),
            ("evil.[com] x", "evil.com", " x"),
            ("evil(dot)com.", "evil.com", "."),
            ("evil dot com now", "evil.com", " now"),
            ("evil.com-", "evil.com", "-"),
            ("198[.]51.100[.]7:80", "198.51.100.7", ":80"),
            ("word, and", "word", ", and"),
        ] {
            let chain = Chain::read(text, 0);
            assert_eq!((chain.name.as_str(), &text[chain.end..]), (name, rest), "{text}");
        }
    }

    #[test]
    fn endless_chains_are_walked_and_not_kept() {
        let text = "a.".repeat(100_000);
        let chain = Chain::read(&text, 0);
        assert!(chain.is_too_long && chain.end >= text.len() - 1 && chain.name.len() <= NAME_BYTES_MAX);
    }
}
