//! The smallest pieces: labels, and what people write for a dot, an at sign, a colon or a slash.

mod words;

use words::{AT_WORDS, ATS, DOT_WORDS, DOTS};

/// Something that stands for a punctuation mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where it ends.
    pub(super) end: usize,
    /// How it is written.
    pub(super) how: How,
    /// The bracket that may close after the next label, as in `evil[.com]`.
    pub(super) closer: Option<u8>,
}

/// How a mark is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As it is.
    Plain,
    /// In a way that nobody writes for another reason: `[.]`, `(dot)`.
    Sure,
    /// In a way that has other uses too: `\.`, `[.`, `[.] ` before a blank.
    Weak,
    /// Between blanks: ` dot `, ` [.] `.
    Word,
}

impl Mark {
    fn new(end: usize, how: How) -> Self {
        Self { end, how, closer: None }
    }
}

/// Where the label that begins at a place ends; the place itself if none begins there.
pub(super) fn label_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = at;
    while let Some(byte) = bytes.get(end) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            if end > at
                && !text.as_bytes()[end - 1].is_ascii()
                && char_before(text, end).is_some_and(is_unspaced)
            {
                break;
            }
            end += 1;
        } else if byte.is_ascii() {
            break;
        } else {
            match text[end..].chars().next() {
                Some(c) if is_letter(c) && !(end > at && is_unspaced(c) && is_turn(text, end)) => {
                    end += c.len_utf8()
                }
                _ => break,
            }
        }
    }
    end
}

/// Does a script without blanks begin here after another one, in prose and not inside a label?
fn is_turn(text: &str, at: usize) -> bool {
    if !text.as_bytes()[at - 1].is_ascii_alphanumeric() {
        return false;
    }
    let rest = text[at..].trim_start_matches(is_unspaced);
    !(rest.starts_with('.') && is_label_start(rest, 1))
}

/// Letters of scripts that put no blanks between words, and nothing between a word and a name.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{e00}'..='\u{e7f}')
}

/// Would a value that begins or ends here be part of a longer word?
pub(super) fn is_glue(c: char) -> bool {
    c.is_alphanumeric() && !is_unspaced(c)
}

/// A letter, a digit or a mark on a letter, of any script.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{93c}'..='\u{94d}' | '\u{e31}'..='\u{e4e}')
}

/// Can a label begin here?
pub(super) fn is_label_start(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || *byte == b'_',
        Some(_) => text[at..].chars().next().is_some_and(is_letter),
    }
}

/// The byte at a place.
pub(super) fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// The character before a place.
pub(super) fn char_before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

/// A dot between two labels.
pub(super) fn dot(text: &str, at: usize) -> Option<Mark> {
    let mark = match byte(text, at)? {
        b'.' => dot_written(text, at)?,
        b'[' | b'(' | b'{' | b'<' | b'\\' | b' ' => dot_fenced(text, at)?,
        _ => return None,
    };
    is_label_start(text, mark.end).then_some(mark)
}

/// `.`, `.]`, `.[com]`.
fn dot_written(text: &str, at: usize) -> Option<Mark> {
    match byte(text, at + 1)? {
        b']' | b')' | b'}' => Some(Mark::new(at + 2, How::Weak)),
        b'[' => {
            let end = label_end(text, at + 2);
            let label = &text[at + 2..end];
            let is_one_case = label.bytes().all(|b| b.is_ascii_lowercase())
                || label.bytes().all(|b| b.is_ascii_uppercase());
            // `x.[ch]` are two files of C, `[eE]` is an expression.
            let is_end = byte(text, end) == Some(b']') && is_one_case && label != "ch";
            is_end.then_some(Mark { end: at + 2, how: How::Weak, closer: Some(b']') })
        }
        _ => Some(Mark::new(at + 1, How::Plain)),
    }
}

/// A dot in brackets, after a backslash, or as a word.
fn dot_fenced(text: &str, at: usize) -> Option<Mark> {
    let start = skip_blanks(text, at);
    let is_apart = start > at;
    if let Some(fenced) = fenced(text, start) {
        let is_dot = fenced.inner == "." || fenced.open != b'<' && is_word(DOTS, fenced.inner);
        let end = skip_blanks(text, fenced.end);
        // A blank on one side only is as likely the end of a sentence.
        let how = match (is_apart, end > fenced.end) {
            (true, true) => How::Word,
            (false, false) if fenced.inner != "d" => How::Sure,
            _ => How::Weak,
        };
        if is_dot || fenced.open == b'<' && fenced.inner.eq_ignore_ascii_case("dot") {
            return Some(Mark::new(end, how));
        }
    }
    match (byte(text, start)?, byte(text, start + 1)?) {
        (b'\\', b'.') if !is_apart => Some(Mark::new(start + 2, How::Weak)),
        (open @ (b'[' | b'(' | b'{'), b'.') if !is_apart => {
            let closer = closer(open);
            // `(.name` is code, if it does not close after the label.
            let is_end = open == b'[' || byte(text, label_end(text, start + 2)) == Some(closer);
            is_end.then_some(Mark { end: start + 2, how: How::Weak, closer: Some(closer) })
        }
        _ if is_apart => between_blanks(text, start, DOT_WORDS),
        _ => None,
    }
}

/// May what stands after a blank be a mark between this label and another one? Most words of prose are
/// done with after this look at two bytes.
pub(super) fn may_go_on(text: &str, blank: usize) -> bool {
    let start = skip_blanks(text, blank);
    let second = byte(text, start + 1).map(|b| b.to_ascii_lowercase());
    match byte(text, start).map(|b| b.to_ascii_lowercase()) {
        Some(b'[' | b'(' | b'{' | b'<' | b'\\' | b'@' | b':') => true,
        Some(first) => DOT_WORDS
            .iter()
            .chain(AT_WORDS)
            .any(|word| word.as_bytes()[0] == first && Some(word.as_bytes()[1]) == second),
        None => false,
    }
}

/// A word with a blank after it.
fn between_blanks(text: &str, start: usize, words: &[&str]) -> Option<Mark> {
    let end = label_end(text, start);
    let is_one = is_word(words, &text[start..end]) && byte(text, end) == Some(b' ');
    is_one.then(|| Mark::new(skip_blanks(text, end), How::Word))
}

/// An at sign between the two parts of an address.
pub(super) fn at_sign(text: &str, at: usize) -> Option<Mark> {
    let mark = match byte(text, at)? {
        b'@' => Mark::new(at + 1, How::Plain),
        b'[' | b'(' | b'{' | b'<' | b'\\' | b' ' => {
            let start = skip_blanks(text, at);
            match fenced(text, start) {
                // `query[A] name` is a type of record.
                Some(fenced)
                    if fenced.inner == "A"
                        || fenced.inner == "a" && (start > at || byte(text, fenced.end) == Some(b' ')) =>
                {
                    return None;
                }
                Some(fenced) if fenced.inner == "@" || is_word(ATS, fenced.inner) => {
                    Mark::new(skip_blanks(text, fenced.end), How::Sure)
                }
                Some(_) => return None,
                None if start == at => return None,
                None if byte(text, start) == Some(b'@') && byte(text, start + 1) == Some(b' ') => {
                    Mark::new(start + 2, How::Word)
                }
                None => between_blanks(text, start, AT_WORDS)?,
            }
        }
        _ => return None,
    };
    is_label_start(text, mark.end).then_some(mark)
}

/// A colon.
pub(super) fn colon(text: &str, at: usize) -> Option<Mark> {
    sign(text, at, b':', &["colon"])
}

/// A slash; in JSON it may have a backslash before it.
pub(super) fn slash(text: &str, at: usize) -> Option<Mark> {
    match (byte(text, at)?, byte(text, at + 1)) {
        (b'\\', Some(b'/')) => Some(Mark::new(at + 2, How::Plain)),
        _ => sign(text, at, b'/', &["slash"]),
    }
}

fn sign(text: &str, at: usize, sign: u8, words: &[&str]) -> Option<Mark> {
    if byte(text, at)? == sign {
        return Some(Mark::new(at + 1, How::Plain));
    }
    let fenced = fenced(text, at)?;
    let is_sign = fenced.inner.as_bytes() == [sign] || is_word(words, fenced.inner);
    is_sign.then_some(Mark::new(fenced.end, How::Sure))
}

/// What stands in brackets.
pub(super) struct Fenced<'a> {
    pub(super) open: u8,
    pub(super) inner: &'a str,
    pub(super) end: usize,
}

/// A few characters in brackets of any kind, not necessarily of the same kind; Markdown puts backslashes
/// before them.
pub(super) fn fenced(text: &str, at: usize) -> Option<Fenced<'_>> {
    let bytes = text.as_bytes();
    let is_escaped = bytes.get(at) == Some(&b'\\');
    let opened = at + usize::from(is_escaped);
    let open = *bytes.get(opened)?;
    if !matches!(open, b'[' | b'(' | b'{' | b'<') {
        return None;
    }
    let inner = bytes.get(opened + 1..)?.iter().take(FENCED_BYTES_MAX);
    let length = inner.clone().position(|byte| match open {
        b'<' => *byte == b'>',
        _ => matches!(byte, b']' | b')' | b'}'),
    })?;
    let closed = opened + 1 + length;
    let inner = text.get(opened + 1..closed)?.trim_end_matches('\\').trim_matches(' ');
    (!inner.is_empty()).then_some(Fenced { open, inner, end: closed + 1 })
}

fn closer(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'{' => b'}',
        _ => b']',
    }
}

/// One or two blanks.
pub(super) fn skip_blanks(text: &str, at: usize) -> usize {
    let blanks = text.as_bytes().iter().skip(at).take(2).take_while(|byte| **byte == b' ').count();
    at + blanks
}

fn is_word(words: &[&str], word: &str) -> bool {
    super::around::is_one_of(words, word)
}

/// Bytes between brackets, at most.
const FENCED_BYTES_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_of_all_habits_are_seen() {
        for (written, how) in [
            (".", How::Plain),
            ("[.]", How::Sure),
            ("(.)", How::Sure),
            ("{.}", How::Sure),
            ("[dot]", How::Sure),
            ("(DOT)", How::Sure),
            ("[punkt]", How::Sure),
            ("[точка]", How::Sure),
            ("(punt)", How::Sure),
            ("\\[.\\]", How::Sure),
            (" [.] ", How::Word),
            ("[ . ]", How::Sure),
            ("[.)", How::Sure),
            ("[d]", How::Weak),
            ("[.", How::Weak),
            (".]", How::Weak),
            ("\\.", How::Weak),
            ("[.] ", How::Weak),
            (" dot ", How::Word),
        ] {
            let text = format!("evil{written}com");
            let mark = dot(&text, 4).unwrap_or_else(|| panic!("{written}"));
            assert_eq!((mark.how, mark.end), (how, 4 + written.len()), "{written}");
        }
        for other in [" . ", ", ", "[..]", "[1]", " (", ". ", "dot", " dotted "] {
            assert_eq!(dot(&format!("evil{other}com"), 4), None, "{other}");
        }
    }

    #[test]
    fn brackets_round_the_last_label_close_after_it() {
        assert_eq!(dot("evil[.com]", 4).and_then(|mark| mark.closer), Some(b']'));
        assert_eq!(dot("evil.[com]", 4).and_then(|mark| mark.closer), Some(b']'));
        assert_eq!(dot("evil.[com", 4), None);
    }

    #[test]
    fn at_signs_of_all_habits_are_seen() {
        for written in ["@", "[at]", "(at)", "[@]", "{at}", " [at] ", " at ", " AT ", "(arroba)"] {
            assert!(at_sign(&format!("ceo{written}evil"), 3).is_some(), "{written}");
        }
        for other in ["[.]", " to ", "(x)", "#"] {
            assert_eq!(at_sign(&format!("ceo{other}evil"), 3), None, "{other}");
        }
    }

    #[test]
    fn labels_are_of_all_scripts() {
        for (text, label) in
            [("bücher.de", "bücher"), ("a_b-c d", "a_b-c"), ("пример.рф", "пример"), ("x—y", "x")]
        {
            assert_eq!(&text[..label_end(text, 0)], label);
        }
        assert!(!is_label_start("-a", 0) && !is_label_start("”", 0) && is_label_start("é", 0));
    }
}
