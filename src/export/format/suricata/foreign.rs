//! Rules of others. Nobody compiles them before a sensor does, so that only those pass which are understood
//! whole: one rule that alerts, made of a part of the language that Suricata 7 and later surely takes.

mod buffer;
mod head;
mod value;

use buffer::Buffer;

/// A rule up to its number, or why it is left out. Its own `sid` and `rev` are dropped, since numbers are
/// ours to give.
pub(super) fn read(text: &str) -> Result<String, &'static str> {
    rule(text.trim()).ok_or("not_understood")
}

fn rule(text: &str) -> Option<String> {
    if text.len() > RULE_MAX || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return None;
    }
    let (head, rest) = text.split_once('(')?;
    let protocol = head::protocol(head.trim_end())?;
    let mut reader = Reader::new(protocol);
    let mut kept = String::new();
    for (name, value) in options(rest.strip_suffix(')')?)? {
        if reader.take(name, value)? {
            match value {
                Some(value) => kept += &format!(" {name}:{value};"),
                None => kept += &format!(" {name};"),
            }
        }
    }
    reader.is_whole().then(|| format!("{} ({}", head.trim_end(), kept.trim_start()))
}

/// Names and values: `;` ends an option unless it stands behind a backslash.
fn options(text: &str) -> Option<Vec<(&str, Option<&str>)>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b';' => {
                let option = text[start..at].trim();
                let (name, value) = match option.split_once(':') {
                    Some((name, value)) => (name.trim_end(), Some(value.trim())),
                    None => (option, None),
                };
                found.push((name, value));
                start = at + 1;
            }
            _ => {}
        }
    }
    text[start..].trim().is_empty().then_some(found)
}

/// What was read of a rule so far.
struct Reader {
    protocol: String,
    /// The buffer that contents are looked for in.
    buffer: Option<Buffer>,
    /// All protocols of applications and directions that were named.
    named: Vec<Buffer>,
    /// `to_server` or `to_client`.
    is_to_server: Option<bool>,
    /// The last content, and whether the buffer had one before.
    content: Option<Content>,
    /// How many the buffer has, and whether its size is told, which is for a single one only.
    count: usize,
    is_sized: bool,
    /// Has it contents with a place from its start, or from one another?
    is_fixed: bool,
    is_chained: bool,
    seen: Vec<String>,
    has_fast_pattern: bool,
}

struct Content {
    length: usize,
    is_negated: bool,
    is_second: bool,
    modifiers: Vec<String>,
}

impl Reader {
    fn new(protocol: &str) -> Self {
        Self {
            protocol: protocol.to_owned(),
            buffer: None,
            named: Vec::new(),
            is_to_server: None,
            content: None,
            count: 0,
            is_sized: false,
            is_fixed: false,
            is_chained: false,
            seen: Vec::new(),
            has_fast_pattern: false,
        }
    }

    /// Reads one option, and tells whether it is kept.
    fn take(&mut self, name: &str, value: Option<&str>) -> Option<bool> {
        match (name, value) {
            ("content", Some(value)) => self.content(value),
            ("pcre", Some(value)) => {
                self.is_filled()?;
                self.content = None;
                value::expression(value)?;
                self.seen.push("pcre".to_owned());
                Some(true)
            }
            ("nocase" | "startswith" | "endswith" | "fast_pattern", None)
            | ("depth" | "offset" | "distance" | "within" | "bsize", Some(_)) => self.modify(name, value),
            (_, None) => self.open(name),
            (_, Some(value)) => self.describe(name, value),
        }
    }

    /// A content, in the buffer that is open.
    fn content(&mut self, value: &str) -> Option<bool> {
        let (is_negated, quoted) = match value.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let bytes = value::content(quoted)?;
        (!self.is_sized).then_some(())?;
        self.count += 1;
        self.buffer.is_none_or(|buffer| buffer.holds(&bytes)).then_some(())?;
        let is_second = self.content.as_ref().is_some_and(|content| !content.is_negated);
        self.content = Some(Content { length: bytes.len(), is_negated, is_second, modifiers: Vec::new() });
        self.seen.push(if is_negated { "no content" } else { "content" }.to_owned());
        Some(true)
    }

    fn modify(&mut self, name: &str, value: Option<&str>) -> Option<bool> {
        let is_lower = self.buffer.is_some_and(|buffer| buffer.is_lower);
        let content = self.content.as_mut()?;
        if content.modifiers.iter().any(|modifier| modifier == name) {
            return None;
        }
        let number = value.map(value::number);
        let length = u32::try_from(content.length).ok()?;
        let has =
            |names: &[&str]| content.modifiers.iter().any(|modifier| names.contains(&modifier.as_str()));
        // Places from the start and places from the last content do not mix, nor any with a size.
        let is_placed = has(&["depth", "offset"]);
        let is_relative = has(&["distance", "within"]);
        let is_edge = has(&["startswith", "endswith"]);
        let fits = match name {
            "nocase" => !is_lower,
            "fast_pattern" => !content.is_negated && !self.has_fast_pattern,
            // Both together are a size, of which the other contents know nothing.
            "startswith" | "endswith" => !content.is_negated && !is_edge && !is_relative && !self.is_fixed,
            "depth" | "offset" if is_relative || is_edge || self.is_sized || self.is_chained => false,
            "depth" => number?? >= length,
            "offset" => number?? <= 65_535,
            "distance" | "within" if is_placed || is_edge || self.is_fixed || !content.is_second => false,
            "distance" => number?? <= 65_535,
            "within" => number?? >= length,
            "bsize" if is_placed || self.count != 1 || content.is_negated => false,
            "bsize" => number?? >= length && self.buffer.is_some(),
            _ => false,
        };
        self.is_fixed |= matches!(name, "depth" | "offset");
        self.is_chained |= matches!(name, "distance" | "within");
        self.is_sized |= name == "bsize";
        self.is_chained |= name == "endswith";
        self.has_fast_pattern |= name == "fast_pattern";
        content.modifiers.push(name.to_owned());
        fits.then_some(true)
    }

    /// A buffer that the contents behind it are looked for in.
    fn open(&mut self, name: &str) -> Option<bool> {
        self.is_filled()?;
        let buffer = buffer::named(name)?;
        buffer.fits(&self.protocol)?;
        self.named.push(buffer);
        self.buffer = Some(buffer);
        self.content = None;
        self.count = 0;
        (self.is_sized, self.is_fixed, self.is_chained) = (false, false, false);
        self.seen.push("open".to_owned());
        Some(true)
    }

    /// A buffer needs something to look for.
    fn is_filled(&self) -> Option<()> {
        (self.seen.last().is_none_or(|last| last != "open") || self.buffer.is_none()).then_some(())
    }

    /// Options that are about the rule, or the flow.
    fn describe(&mut self, name: &str, value: &str) -> Option<bool> {
        if name != "reference" && name != "metadata" {
            let key = format!(":{name}");
            if self.seen.contains(&key) {
                return None;
            }
            self.seen.insert(0, key);
        }
        match name {
            "msg" => value::message(value).map(|()| true),
            "sid" | "rev" => value::number(value).map(|_| false),
            "gid" => (value == "1").then_some(false),
            "priority" => (1..=255).contains(&value::number(value)?).then_some(true),
            "classtype" => value::CLASSES.contains(&value).then_some(true),
            "reference" => value::reference(value).map(|()| true),
            "metadata" => value::metadata(value).map(|()| true),
            "flow" => {
                self.is_to_server = value::flow(value, &self.protocol)?;
                Some(true)
            }
            _ => None,
        }
    }

    /// Has it a name, and something to look for that its parts agree upon?
    fn is_whole(&self) -> bool {
        let has = |what: &str| self.seen.iter().any(|seen| seen == what);
        let first = self.named.first();
        let agree = self
            .named
            .iter()
            .all(|buffer| first.is_some_and(|first| first.application == buffer.application));
        let directions: Vec<bool> =
            self.named.iter().filter_map(|buffer| buffer.is_to_server).chain(self.is_to_server).collect();
        let is_one_way = directions.windows(2).all(|two| two[0] == two[1]);
        has(":msg") && has(":sid") && (has("content")) && self.is_filled().is_some() && agree && is_one_way
    }
}

/// Suricata's longest rule is 8192 characters, and ours adds to it.
const RULE_MAX: usize = 7000;
