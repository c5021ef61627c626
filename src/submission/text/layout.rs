//! The parts of a text: header blocks of mail, signatures, contacts, lists of references, and what headings say
//! of the lines below them. One pass over the lines.

mod heading;
mod line;
mod words;

pub(super) use line::of_sentence;

use super::hash::Named;
use super::table;
use super::{Region, address};
use aho_corasick::{AhoCorasick, Match};
use line::{header_name, is_closing, is_contact, is_header, is_mark_of_forward, is_reference, lower_start};
use std::ops::Range;
use std::sync::LazyLock;
use words::{ATTRIBUTIONS, COLUMNS, FORWARDS, LIST_FOOTERS, NOTICES, STRONG_HEADERS};

/// A stretch of lines, up to the next section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    start: usize,
    /// What the place means for values.
    pub(super) region: Region,
    /// What the heading says of hexadecimal numbers.
    pub(super) hashes: Option<Named>,
    /// What the heading announces of numbers with dots.
    pub(super) numbers: address::Above,
    /// The header of the table that the lines are rows of.
    pub(super) table: Option<Range<usize>>,
}

/// The sections of a text, in order.
#[derive(Debug)]
pub(super) struct Layout {
    sections: Vec<Section>,
}

impl Layout {
    /// Reads the lines of a text.
    pub(super) fn of(text: &str) -> Self {
        let mut reader = Reader::new(text);
        let mut start = 0;
        let mut phrases = PHRASES.as_ref().map(|phrases| phrases.find_iter(text).peekable());
        for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
            let mut line = Line { start, text: &text[start..end], has_notice: false, has_column: false };
            while let Some(phrase) =
                phrases.as_mut().and_then(|phrases| phrases.next_if(|phrase| phrase.start() < end))
            {
                line.note(&phrase);
            }
            reader.line(&line);
            start = (end + 1).min(text.len());
        }
        Self { sections: reader.sections }
    }

    /// The section of a place.
    pub(super) fn at(&self, place: usize) -> &Section {
        let after = self.sections.partition_point(|section| section.start <= place);
        // The first section starts at 0.
        &self.sections[after.saturating_sub(1)]
    }
}

/// A line, and whether it has phrases that matter.
struct Line<'a> {
    start: usize,
    text: &'a str,
    has_notice: bool,
    has_column: bool,
}

impl Line<'_> {
    fn note(&mut self, phrase: &Match) {
        match phrase.pattern().as_usize() < NOTICES.len() {
            true => self.has_notice = true,
            false => self.has_column = true,
        }
    }
}

/// Where the reader of lines is.
struct Reader<'a> {
    text: &'a str,
    sections: Vec<Section>,
    /// The section that goes on after single lines of another kind.
    current: Section,
    state: State,
    is_after_blank: bool,
    paragraph: usize,
    /// Lines that a signature after a closing may still have.
    signature_lines: usize,
    /// How deeply the signature is quoted that began last.
    signature_depth: usize,
    /// Is the next line the end of an attribution?
    is_attributing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line that is not blank, or after the mark of a forwarded message.
    BeforeHeader,
    Header,
    Text,
    /// Inside the armour of a key or a signature.
    Armour,
    /// Inside a notice, up to the next blank line.
    Notice,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let current = Section {
            start: 0,
            region: Region::Body,
            hashes: None,
            numbers: address::Above::Nothing,
            table: None,
        };
        Self {
            text,
            sections: vec![current.clone()],
            current,
            state: State::BeforeHeader,
            is_after_blank: true,
            paragraph: 0,
            signature_lines: 0,
            signature_depth: 0,
            is_attributing: false,
        }
    }

    fn line(&mut self, whole: &Line<'_>) {
        let (start, line) = (whole.start, whole.text);
        if self.signature_lines > 0 {
            self.signature_lines -= 1;
            if self.signature_lines == 0 && self.current.region == Region::Footer {
                self.open(start, Region::Body, None);
            }
        }
        let is_blank = line.trim_start().is_empty();
        if is_blank {
            self.paragraph = start + line.len();
            self.end_table(start);
        }
        match self.state {
            State::BeforeHeader if is_blank => {}
            State::BeforeHeader if self.begins_header(start, line) => {
                self.state = State::Header;
                self.open(start, Region::Header, None);
            }
            State::Header if is_blank => {
                self.state = State::Text;
                self.open(start, Region::Body, None);
            }
            State::Header if is_header(line) || line.starts_with([' ', '\t']) => {}
            State::Armour => {
                if line.starts_with("-----END") {
                    self.state = State::Text;
                    self.open(start + line.len(), Region::Body, None);
                }
            }
            State::Notice if is_blank => {
                self.state = State::Text;
                self.push(Section { start, ..self.current.clone() });
            }
            State::Notice => {}
            State::Header => {
                self.state = State::Text;
                self.open(start, Region::Body, None);
                self.text_line(whole);
            }
            State::BeforeHeader | State::Text => {
                self.state = State::Text;
                if !is_blank {
                    self.text_line(whole);
                }
            }
        }
        self.is_after_blank = is_blank;
    }

    /// A line that is no header.
    fn text_line(&mut self, whole: &Line<'_>) {
        let (start, line) = (whole.start, whole.text);
        if std::mem::take(&mut self.is_attributing) {
            self.single(start, line, Region::Footer);
            return;
        }
        if line.starts_with(['-', '>']) && self.mark(start, line) {
            return;
        }
        let lower = lower_start(line);
        if is_mark_of_forward(line)
            && FORWARDS.iter().any(|mark| lower.trim_start_matches('-').trim_start().starts_with(mark))
        {
            self.state = State::BeforeHeader;
            self.open(start, Region::Body, None);
            return;
        }
        let words = lower.trim_start_matches([' ', '\t', '-', '*', '•', '>', '#', '|', '_', '(']);
        if self.current.region == Region::Footer && self.current.hashes == FINAL {
            if self.begins_header(start, line) {
                self.state = State::Header;
                self.open(start, Region::Header, None);
                return;
            }
            if quotes(line).0 == self.signature_depth && !self.is_attribution(start, line, words) {
                return;
            }
            self.open(start, Region::Body, None);
        }
        if whole.has_notice {
            self.notice();
            return;
        }
        if whole.has_column && table::is_header(line) {
            self.current.table = Some(start..start + line.len());
            self.push(Section { start: start + line.len(), ..self.current.clone() });
            return;
        }
        if let Some(heading) = self.heading(start, line) {
            self.open_heading(start, &heading);
            return;
        }
        if is_closing(words) && self.current.region == Region::Body {
            self.signature_lines = SIGNATURE_LINES_MAX;
            self.open(start, Region::Footer, None);
        } else if is_contact(words) || self.is_attribution(start, line, words) {
            self.single(start, line, Region::Footer);
            self.is_attributing = !ends_attribution(line) && !is_contact(words);
        } else if is_reference(words) {
            self.single(start, line, Region::Reference);
        } else if line.starts_with("____") && self.is_list_footer(start, line) {
            self.signature_depth = 0;
            self.open(start, Region::Footer, FINAL);
        }
    }

    /// The start of a signature or of armour.
    fn mark(&mut self, start: usize, line: &str) -> bool {
        let (depth, unquoted) = quotes(line);
        if unquoted.trim_end() == "--" {
            self.signature_depth = depth;
            self.open(start, Region::Footer, FINAL);
            return true;
        }
        let is_armour = line.starts_with("-----BEGIN ") && !line.contains("SIGNED MESSAGE");
        if is_armour {
            self.state = State::Armour;
            self.open(start, Region::Footer, None);
        }
        is_armour
    }

    /// The paragraph of a line is a notice.
    fn notice(&mut self) {
        while self.sections.len() > 1 && self.sections.last().is_some_and(|last| last.start >= self.paragraph)
        {
            self.sections.pop();
        }
        self.push(Section { start: self.paragraph, region: Region::Footer, ..self.current.clone() });
        self.state = State::Notice;
    }

    fn end_table(&mut self, start: usize) {
        if self.current.table.take().is_some() {
            self.push(Section { start, ..self.current.clone() });
        }
    }

    fn open(&mut self, start: usize, region: Region, hashes: Option<Named>) {
        let numbers = address::Above::Nothing;
        self.current = Section { start, region, hashes, numbers, table: None };
        self.push(self.current.clone());
    }

    /// The section that was opened last has a heading that speaks of numbers.
    fn announce(&mut self, numbers: address::Above) {
        self.current.numbers = numbers;
        self.push(self.current.clone());
    }

    fn push(&mut self, section: Section) {
        match self.sections.last_mut() {
            Some(last) if last.start == section.start => *last = section,
            _ => self.sections.push(section),
        }
    }

    /// A line of another kind than those around it.
    fn single(&mut self, start: usize, line: &str, region: Region) {
        self.push(Section { start, region, ..self.current.clone() });
        self.push(Section { start: start + line.len(), ..self.current.clone() });
    }

    /// Is this the first line of a header block, with at least another one and one that mail has?
    fn begins_header(&self, start: usize, line: &str) -> bool {
        if !is_header(line) {
            return false;
        }
        let block = self.text[start..].lines().take(HEADER_LINES_MAX);
        let block = block
            .take_while(|line| is_header(line) || line.starts_with([' ', '\t']) && !line.trim().is_empty());
        let names = block.filter_map(header_name);
        let (mut count, mut is_strong) = (0, false);
        for name in names {
            count += 1;
            is_strong |= STRONG_HEADERS.contains(&name.as_str());
        }
        count > 1 && is_strong
    }

    /// `On … X <x@y> wrote:`, which may be broken into two lines.
    fn is_attribution(&self, start: usize, line: &str, words: &str) -> bool {
        let begins = ["on ", "am ", "le ", "el ", "il ", "op ", "den ", "em ", "dnia ", "w dniu "];
        if !begins.iter().any(|begin| words.starts_with(begin)) {
            return false;
        }
        let next = || self.text[start + line.len()..].lines().nth(1);
        ends_attribution(line) || next().is_some_and(|next| next.len() < 60 && ends_attribution(next))
    }

    /// A line of underscores before the footer of a mailing list or a notice.
    fn is_list_footer(&self, start: usize, line: &str) -> bool {
        let is_rule = line.trim_end().len() > 20 && line.trim_end().bytes().all(|b| b == b'_');
        let next = self.text[start + line.len()..].lines().nth(1).unwrap_or_default().to_lowercase();
        is_rule && LIST_FOOTERS.iter().any(|words| next.contains(words))
    }
}

fn ends_attribution(line: &str) -> bool {
    ATTRIBUTIONS.iter().any(|end| line.trim_end().ends_with(end))
}

/// How deeply a line is quoted, and what is quoted.
fn quotes(line: &str) -> (usize, &str) {
    let unquoted = line.trim_start_matches(['>', ' ']);
    let depth = line[..line.len() - unquoted.len()].bytes().filter(|b| *b == b'>').count();
    (depth, unquoted)
}

/// Notices first, then names of columns.
static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let built = AhoCorasick::builder().ascii_case_insensitive(true).build(NOTICES.iter().chain(COLUMNS));
    built.ok()
});

/// Marks footers that end only with the text, a forwarded message or one that is quoted.
const FINAL: Option<Named> = Some(Named::Other);
/// After `Kind regards,`; then a list may follow.
const SIGNATURE_LINES_MAX: usize = 10;
const HEADER_LINES_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str, needle: &str) -> Region {
        Layout::of(text).at(text.find(needle).unwrap()).region
    }

    #[test]
    fn header_blocks_at_the_start_and_of_forwarded_messages_are_headers() {
        let mail = "From: a@b.example\nTo: x@y.example\nReceived: from p\n  by q\nSubject: s\n\nBody one\n\n\
            ---------- Forwarded message ---------\nFrom: c@d.example\nDate: today\n\nBody two";
        for (needle, expected) in [
            ("a@b", Region::Header),
            ("by q", Region::Header),
            ("Body one", Region::Body),
            ("c@d", Region::Header),
            ("Body two", Region::Body),
        ] {
            assert_eq!(region(mail, needle), expected, "{needle}");
        }
        let evidence = "Headers of the message:\nFrom: c@d.example\nDate: today\n";
        assert_eq!(region(evidence, "c@d"), Region::Body);
        assert_eq!(region("Sender: c@d.example\nSubject: x\n", "c@d"), Region::Body);
    }

    #[test]
    fn signatures_contacts_and_references_are_their_own() {
        let text = "Body\n\nReferences:\n- ref one\n[2] ref two\n\nIndicators\n\nnext\nContact: us@x.example\nmore\n-- \nme\n";
        for (needle, expected) in [
            ("Body", Region::Body),
            ("ref one", Region::Reference),
            ("ref two", Region::Reference),
            ("next", Region::Body),
            ("us@x", Region::Footer),
            ("more", Region::Body),
            ("me\n", Region::Footer),
        ] {
            assert_eq!(region(text, needle), expected, "{needle}");
        }
        assert_eq!(region("## Sources\n* a\n\n## IOCs\n* b\n", "a\n"), Region::Reference);
        assert_eq!(region("## Sources\n* a\n\n## IOCs\n* b\n", "b\n"), Region::Body);
        assert_eq!(region("Source: link\nthen", "link"), Region::Reference);
        assert_eq!(region("Source: link\nthen", "then"), Region::Body);
        assert_eq!(region("On Monday X <x@y.example> wrote:\n> z", "x@y"), Region::Footer);
    }

    #[test]
    fn signatures_end_where_another_message_is_quoted() {
        let chain = "Seen.\n-- \nAda\nada@cert.example\n\nOn Friday, 12 May, Bob\n<bob@x.example> wrote:\n> first\n\
            > -- \n> Bob, bob@y.example\n\nanswer\n-- \nAda, ada@z.example\n\nFrom: Eve <eve@x.example>\n\
            Sent: Monday\n\nlast";
        for (needle, expected) in [
            ("ada@cert", Region::Footer),
            ("bob@x", Region::Footer),
            ("first", Region::Body),
            ("bob@y", Region::Footer),
            ("answer", Region::Body),
            ("ada@z", Region::Footer),
            ("eve@x", Region::Header),
            ("last", Region::Body),
        ] {
            assert_eq!(region(chain, needle), expected, "{needle}");
        }
    }

    #[test]
    fn contacts_of_others_are_no_contacts() {
        for line in ["Contact: jabber ada", "Kontakt: Telegram ada"] {
            assert_eq!(region(line, "ada"), Region::Body, "{line}");
        }
        for line in ["Contact: Jane, no actor, ada", "Please report sightings of the gang to ada"] {
            assert_eq!(region(line, "ada"), Region::Footer, "{line}");
        }
    }

    #[test]
    fn headings_name_what_is_below_them() {
        let text = "JA3:\n  aa\n\nMD5 hashes:\n  bb\n\nAffected versions:\n  cc\n";
        let layout = Layout::of(text);
        let at = |needle: &str| layout.at(text.find(needle).unwrap());
        assert_eq!((at("aa").hashes, at("bb").hashes), (Some(Named::Other), Some(Named::File)));
        let appendix = "x\n\nC.4 TLS certificates (SHA-1 fingerprint)\n\n   aa\n\nA.12 Files\n\n  bb\n";
        let layout = Layout::of(appendix);
        let hashes = |needle: &str| layout.at(appendix.find(needle).unwrap()).hashes;
        assert_eq!((hashes("aa"), hashes("bb")), (Some(Named::Certificate), None));
        assert_eq!((at("bb").numbers, at("cc").numbers), (address::Above::Nothing, address::Above::Versions));
    }
}
