//! Character classes.

use super::escape::Escape;
use super::translate::{Mode, Translator};
use super::weight::Weight;

impl Translator<'_> {
    /// After `[`.
    pub(super) fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut states = 1_usize;
        let mut first = true;
        loop {
            let c = self.take().ok_or("a `[` is not closed")?;
            if c == ']' && !first {
                break;
            }
            first = false;
            states = states.saturating_add(self.member(c)?);
        }
        self.out.push(']');
        self.weigh(Weight::item(states));
        Ok(())
    }

    /// One member or range; returns its states.
    fn member(&mut self, c: char) -> Result<usize, String> {
        if c == '['
            && let Some(name) = self.posix_name()
        {
            return self.posix(&name);
        }
        let start = match self.member_char(c)? {
            Member::Char(c) => c,
            Member::Written(states) => return Ok(states),
        };
        match self.range_end()? {
            Some(end) if end < start => Err(format!("the range {start}-{end} is out of order")),
            Some(end) => {
                self.write_range(start, end);
                Ok(4)
            }
            None => {
                self.write_member(start);
                Ok(if start.is_ascii() { 0 } else { 4 })
            }
        }
    }

    fn member_char(&mut self, c: char) -> Result<Member, String> {
        if c != '\\' {
            return Ok(Member::Char(c));
        }
        match self.read_escape(true)? {
            Escape::Char(c) => Ok(Member::Char(c)),
            Escape::Set(set, complement) => {
                let nested = if complement { format!("[^{set}]") } else { set.to_owned() };
                self.out.push_str(&nested);
                Ok(Member::Written(20))
            }
            Escape::Shared(text, states) => {
                self.out.push_str(&text);
                Ok(Member::Written(states))
            }
            Escape::Quote => {
                let quoted = self.take_until(r"\E").ok_or("a `[` is not closed")?;
                quoted.chars().for_each(|c| self.write_member(c));
                Ok(Member::Written(quoted.len()))
            }
            Escape::Nothing => Ok(Member::Written(0)),
            Escape::Other(c) => Err(format!("\\{c} has no meaning inside a class")),
        }
    }

    /// The upper end when a range follows; a hyphen before `]` or a set is literal.
    fn range_end(&mut self) -> Result<Option<char>, String> {
        let Some(after) = self.rest().strip_prefix('-') else { return Ok(None) };
        let is_literal = match after.as_bytes() {
            [b']', ..] => true,
            [b'[', b':', ..] => true,
            [b'\\', letter, ..] => b"dDwWsShHvVpPNRXBQE".contains(letter),
            _ => false,
        };
        if is_literal {
            return Ok(None);
        }
        self.take();
        let c = self.take().ok_or("a `[` is not closed")?;
        match self.member_char(c)? {
            Member::Char(c) => Ok(Some(c)),
            Member::Written(_) => Err("a range ends with a set".to_owned()),
        }
    }

    fn write_member(&mut self, c: char) {
        // A class of bytes cannot hold what no byte equals.
        if self.mode == Mode::Text || c <= '\u{ff}' {
            self.write_char(c);
        } else {
            self.out.push_str(r"[^\x00-\xff]");
        }
    }

    fn write_range(&mut self, start: char, end: char) {
        match self.mode {
            Mode::Text => {
                self.out.push_str(&format!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(start), u32::from(end)))
            }
            Mode::Bytes if start > '\u{ff}' => self.out.push_str(r"[^\x00-\xff]"),
            Mode::Bytes => {
                let end = u32::from(end).min(0xff);
                self.out.push_str(&format!(r"\x{:02x}-\x{end:02x}", u32::from(start)));
            }
        }
    }

    /// The inside of `[:name:]`, when one follows the bracket just taken.
    fn posix_name(&mut self) -> Option<String> {
        let rest = self.rest().strip_prefix(':')?;
        let length = rest.find(|c: char| !c.is_ascii_lowercase() && c != '^')?;
        let name = &rest[..length];
        if !rest[length..].starts_with(":]") {
            return None;
        }
        self.take_until(":]");
        Some(name.to_owned())
    }

    /// In Unicode mode the classes of letters and digits follow Unicode, as `\w` and `\d` do.
    fn posix(&mut self, name: &str) -> Result<usize, String> {
        let letters = name.strip_prefix('^').unwrap_or(name);
        if !POSIX.contains(&letters) {
            return Err(format!("[:{name}:] is no POSIX class"));
        }
        let unicode = UNICODE.iter().find(|(posix, _)| *posix == letters && self.mode == Mode::Text);
        let (written, states) = match (unicode, name.starts_with('^')) {
            (Some((_, set)), false) => ((*set).to_owned(), 400),
            (Some((_, set)), true) => (format!("[^{set}]"), 400),
            (None, _) => (format!("[:{name}:]"), 4),
        };
        self.out.push_str(&written);
        Ok(states)
    }
}

enum Member {
    Char(char),
    /// A set that is already in the output, with its states.
    Written(usize),
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

const UNICODE: [(&str, &str); 7] = [
    ("alpha", r"\p{L}"),
    ("alnum", r"\p{L}\p{N}"),
    ("digit", r"\d"),
    ("lower", r"\p{Ll}"),
    ("space", r"\s"),
    ("upper", r"\p{Lu}"),
    ("word", r"\w"),
];
