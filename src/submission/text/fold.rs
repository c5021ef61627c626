//! Characters that hide a value from programs and not from people: invisible ones, full-width forms, the soft
//! breaks of quoted-printable. They are undone in a copy of the text whose places lead back to the original.

use std::borrow::Cow;
use std::ops::Range;

/// A text without them. Borrows the original unless there is something to undo.
pub(super) struct Folded<'a> {
    /// The text to search.
    pub(super) text: Cow<'a, str>,
    runs: Vec<Run>,
    /// Places, in the folded text, where someone hid something.
    hidden: Vec<usize>,
}

/// A stretch of the folded text, up to the next one, and the stretch of the original that it comes from.
#[derive(Debug, Clone, Copy)]
struct Run {
    folded: usize,
    original: usize,
    /// Of a replaced character, its length in the original; of a verbatim copy 0.
    replaced: usize,
}

/// What becomes of a character or sequence.
enum Step {
    /// It goes; `true` if it may have been put there to hide something.
    Drop(usize, bool),
    /// It becomes an ASCII character; `true` as above.
    Become(usize, u8, bool),
}

impl<'a> Folded<'a> {
    /// Undoes what hides values in a text.
    pub(super) fn of(text: &'a str) -> Self {
        let breaks = SoftBreaks::of(text);
        let mut folded = Self { text: Cow::Borrowed(text), runs: Vec::new(), hidden: Vec::new() };
        let mut copy = String::new();
        let mut copied = 0;
        let mut at = 0;
        while let Some(next) = next_candidate(text.as_bytes(), at, breaks.any) {
            let Some(step) = step(text, next, &breaks) else {
                at = next + 1;
                continue;
            };
            folded.copy(&mut copy, &text[copied..next], copied);
            let is_hiding = match step {
                Step::Drop(length, is_hiding) => {
                    at = next + length;
                    is_hiding
                }
                Step::Become(length, byte, is_hiding) => {
                    folded.runs.push(Run { folded: copy.len(), original: next, replaced: length });
                    copy.push(char::from(byte));
                    at = next + length;
                    is_hiding
                }
            };
            if is_hiding {
                folded.hidden.push(copy.len());
            }
            copied = at;
        }
        if copied > 0 {
            folded.copy(&mut copy, &text[copied..], copied);
            folded.text = Cow::Owned(copy);
        }
        folded
    }

    fn copy(&mut self, copy: &mut String, verbatim: &str, original: usize) {
        if !verbatim.is_empty() {
            self.runs.push(Run { folded: copy.len(), original, replaced: 0 });
            copy.push_str(verbatim);
        }
    }

    /// Where a stretch of the folded text stands in the original.
    pub(super) fn original(&self, folded: &Range<usize>) -> Range<usize> {
        let run_at = |place: usize| {
            let after = self.runs.partition_point(|run| run.folded <= place);
            after.checked_sub(1).and_then(|at| self.runs.get(at))
        };
        let start = match run_at(folded.start) {
            None => folded.start,
            Some(run) if run.replaced > 0 => run.original,
            Some(run) => run.original + (folded.start - run.folded),
        };
        let end = match run_at(folded.end.saturating_sub(1)) {
            None => folded.end,
            Some(run) if run.replaced > 0 => run.original + run.replaced,
            Some(run) => run.original + (folded.end - run.folded),
        };
        start..end
    }

    /// Was something hidden inside a stretch of the folded text?
    pub(super) fn is_hiding(&self, folded: &Range<usize>) -> bool {
        let first = self.hidden.partition_point(|place| *place <= folded.start);
        self.hidden.get(first).is_some_and(|place| *place < folded.end)
    }
}

/// The next byte at which a step may begin.
fn next_candidate(bytes: &[u8], from: usize, has_breaks: bool) -> Option<usize> {
    let is_candidate = |byte: &u8| match byte {
        b'=' => has_breaks,
        0xC2 | 0xE1 | 0xE2 | 0xE3 | 0xEF => true,
        _ => false,
    };
    bytes.get(from..)?.iter().position(is_candidate).map(|offset| from + offset)
}

/// What to do with what stands at a place, if anything.
fn step(text: &str, at: usize, breaks: &SoftBreaks) -> Option<Step> {
    if text.as_bytes()[at] == b'=' {
        return breaks.step(text, at);
    }
    let c = text[at..].chars().next()?;
    let length = c.len_utf8();
    match c {
        '\u{ad}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => Some(Step::Drop(length, true)),
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => Some(Step::Become(length, b' ', false)),
        '\u{2010}' | '\u{2011}' => Some(Step::Become(length, b'-', false)),
        // A full stop of Chinese and Japanese ends sentences, unless it stands inside an ASCII name.
        '\u{3002}' | '\u{ff61}' | '\u{2024}' if is_inside_name(text, at, length) => {
            Some(Step::Become(length, b'.', true))
        }
        '\u{ff01}'..='\u{ff5e}' => {
            let byte = u8::try_from(u32::from(c) - 0xFEE0).ok()?;
            // Full-width commas and brackets are the ordinary ones of Chinese and Japanese prose.
            Some(Step::Become(
                length,
                byte,
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'@'),
            ))
        }
        _ => None,
    }
}

fn is_inside_name(text: &str, at: usize, length: usize) -> bool {
    let is_name_byte = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    is_name_byte(text.as_bytes()[..at].last()) && is_name_byte(text.as_bytes().get(at + length))
}

/// The soft line breaks of quoted-printable (RFC 2045 §6.7), in a text that may be quoted-printable or not.
struct SoftBreaks {
    any: bool,
    /// An escaped `=` is proof enough of the encoding, beside a soft break, the header that announces it, or a
    /// letter that is escaped too.
    is_encoded: bool,
}

impl SoftBreaks {
    fn of(text: &str) -> Self {
        let has = |needle: &str| memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
        let is_broken = has("=\n") || has("=\r\n");
        let is_encoded = has("=3D") && (is_broken || ENCODED_SIGNS.iter().any(|sign| has(sign)));
        Self { any: is_broken || is_encoded, is_encoded }
    }

    fn step(&self, text: &str, at: usize) -> Option<Step> {
        let bytes = text.as_bytes();
        let after = bytes.get(at + 1..)?;
        if self.is_encoded
            && let Some(byte) = escaped(after)
        {
            return Some(Step::Become(3, byte, false));
        }
        let length = match after {
            [b'\n', ..] => 2,
            [b'\r', b'\n', ..] => 3,
            _ => return None,
        };
        let goes_on = bytes.get(at + length).is_some_and(|byte| !byte.is_ascii_whitespace());
        let lead = bytes[at.saturating_sub(LINE_BYTES_MAX)..at].rsplit(|b| *b == b'\n').next()?;
        (goes_on && (self.is_encoded || self.is_cut(lead))).then_some(Step::Drop(length, false))
    }

    /// Is a line, before its `=`, one that the encoding would have cut? Padding of base64 and a parameter
    /// without a value look alike.
    fn is_cut(&self, line: &[u8]) -> bool {
        let token = line.rsplit(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
        let is_url = memchr::memmem::find(token, b"//").is_some() || token.contains(&b'.');
        let is_base64 = token.len() == line.len() && !is_url;
        let is_hash = token.len() >= 8 && token.iter().all(u8::is_ascii_hexdigit);
        match line.len() {
            LINE_BYTES_LEAST..=LINE_BYTES_MAX => is_hash || !is_base64,
            _ => is_hash || is_url && !token.contains(&b'?'),
        }
    }
}

/// The printable character of `3D`, `2E` and the like.
fn escaped(after: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(after.get(..2)?).ok()?;
    let is_upper_hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_upper_hex)?;
    byte.is_ascii_graphic().then_some(byte)
}

/// What stands in an encoded text: its name in a header, and letters of Europe in UTF-8 and dashes.
const ENCODED_SIGNS: &[&str] =
    &["quoted-printable", "Quoted-Printable", "QUOTED-PRINTABLE", "=C3=", "=C5=", "=CE=", "=D0=", "=E2=80="];
/// The encoding fills its lines up to 76 characters with the `=`.
const LINE_BYTES_MAX: usize = 76;
const LINE_BYTES_LEAST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        Folded::of(text).text.into_owned()
    }

    #[test]
    fn plain_text_is_borrowed() {
        for plain in ["", "evil.example", "Grüße aus Köln — „ja“", "a=\n", "x = 3\n"] {
            assert!(matches!(Folded::of(plain).text, Cow::Borrowed(same) if same == plain), "{plain:?}");
        }
    }

    #[test]
    fn invisible_and_full_width_characters_are_undone() {
        assert_eq!(folded("ev\u{200b}il\u{ad}.exam\u{2060}ple"), "evil.example");
        assert_eq!(folded("ｅｖｉｌ．example"), "evil.example");
        assert_eq!(folded("evil。example"), "evil.example");
        assert_eq!(folded("见此。然后"), "见此。然后");
        assert_eq!(folded("a\u{a0}b"), "a b");
    }

    #[test]
    fn places_lead_back() {
        let text = "é\u{200b}ev\u{ad}il．ex\u{200b} z";
        let folded = Folded::of(text);
        let at = folded.text.find("evil.ex").unwrap();
        let range = folded.original(&(at..at + 7));
        assert_eq!(&text[range], "ev\u{ad}il．ex");
        assert!(folded.is_hiding(&(at..at + 7)));
        let at = folded.text.find('z').unwrap();
        assert_eq!(&text[folded.original(&(at..at + 1))], "z");
        assert!(!folded.is_hiding(&(at..at + 1)));
    }

    #[test]
    fn soft_breaks_join_what_they_cut() {
        assert_eq!(folded("http://evil.example/pa=\nth"), "http://evil.example/path");
        assert_eq!(folded("a http://evil.example/?x=3D1=\r\n2 b"), "a http://evil.example/?x=12 b");
        assert_eq!(folded("d41d8cd98f00b204=\ne9800998ecf8427e"), "d41d8cd98f00b204e9800998ecf8427e");
        for encoded in [
            "Content-Transfer-Encoding: quoted-printable\n\nhttp://evil.example/?x=3D41\n",
            "Gr=C3=BC=C3=9Fe http://evil.example/?x=3D41\n",
        ] {
            assert!(folded(encoded).contains("http://evil.example/?x=41\n"), "{encoded}");
        }
        for kept in ["http://evil.example/?x=3D41", "quoted-printable http://evil.example/?id=40"] {
            assert_eq!(folded(kept), kept);
        }
        for kept in ["http://evil.example/?id=\nhttp://two.example/", "c2VjcmV0=\n198.51.100.7", "x =\n y"] {
            assert_eq!(folded(kept), kept);
        }
    }
}
