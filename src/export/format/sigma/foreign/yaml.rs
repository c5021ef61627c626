//! A part of YAML in which nothing is said in two ways: block maps and lists, and scalars in one line.

/// What is read.
#[derive(Debug)]
pub(super) enum Node {
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
    /// A scalar, and whether it surely is text.
    Scalar(String, bool),
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, true) => Some(text),
            _ => None,
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(nodes) => nodes.iter().map(Self::text).collect(),
            _ => None,
        }
    }
}

/// One document, which is a map.
pub(super) fn read(text: &str) -> Option<Node> {
    let is_plain =
        |c: char| c == '\n' || !c.is_control() && !"\u{feff}\u{fffe}\u{ffff}\u{2028}\u{2029}".contains(c);
    text.chars().all(is_plain).then_some(())?;
    let lines = text.split('\n').map(str::trim_end);
    let is_content = |line: &&str| !line.is_empty() && !line.trim_start_matches(' ').starts_with('#');
    let lines = lines.filter(is_content).map(|line| {
        let bare = line.trim_start_matches(' ');
        (line.len() - bare.len(), bare)
    });
    let mut reader = Reader { lines: lines.collect(), next: 0 };
    let node = reader.map(0, 0)?;
    (reader.next == reader.lines.len()).then_some(node)
}

struct Reader<'a> {
    /// Depth of indentation, and what stands there.
    lines: Vec<(usize, &'a str)>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn look(&self) -> Option<(usize, &'a str)> {
        self.lines.get(self.next).copied()
    }

    fn map(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        while let Some((at, line)) = self.look().filter(|(at, line)| *at == indent && !line.starts_with("- "))
        {
            let (key, value) = line.split_once(':')?;
            let is_key = |b: u8| b.is_ascii_alphanumeric() || b"_|.-".contains(&b);
            let starts = key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
            let is_new = entries.iter().all(|(name, _)| name != key);
            (starts && key.bytes().all(is_key) && is_new && !is_special(key)).then_some(())?;
            self.next += 1;
            let node = match value.strip_prefix(' ').map(str::trim_start) {
                Some(value) => scalar(value)?,
                None if value.is_empty() => self.below(at, depth + 1)?,
                None => return None,
            };
            entries.push((key.to_owned(), node));
        }
        (!entries.is_empty()).then_some(Node::Map(entries))
    }

    /// What stands below a key: deeper, or a list at its own depth.
    fn below(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let (at, line) = self.look().filter(|_| depth < 8)?;
        match line.starts_with("- ") {
            true if at >= indent => self.list(at, depth),
            false if at > indent => self.map(at, depth),
            _ => None,
        }
    }

    fn list(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mut nodes = Vec::new();
        while let Some((_, line)) = self.look().filter(|(at, line)| *at == indent && line.starts_with("- ")) {
            let bare = line[2..].trim_start();
            if let Some(node) = scalar(bare) {
                self.next += 1;
                nodes.push(node);
            } else {
                // A map that begins in the line of its dash.
                let deeper = indent + line.len() - bare.len();
                *self.lines.get_mut(self.next)? = (deeper, bare);
                nodes.push(self.map(deeper, depth + 1)?);
            }
        }
        (!nodes.is_empty()).then_some(Node::List(nodes))
    }
}

fn scalar(text: &str) -> Option<Node> {
    if let Some(inner) = text.strip_prefix('\'') {
        let inner = inner.strip_suffix('\'')?;
        let undone = inner.replace("''", "");
        return (!undone.contains('\'')).then(|| Node::Scalar(inner.replace("''", "'"), true));
    }
    if let Some(inner) = text.strip_prefix('"') {
        let inner = inner.strip_suffix('"')?;
        return (!inner.contains(['"', '\\'])).then(|| Node::Scalar(inner.to_owned(), true));
    }
    let first = text.chars().next()?;
    let is_plain = !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && (first.is_ascii_alphanumeric() || matches!(first, '/' | '\\' | '.' | '$' | '(' | '_'));
    let is_text = first != '.' && !first.is_ascii_digit() && !is_special(text);
    is_plain.then(|| Node::Scalar(text.to_owned(), is_text))
}

/// Words that are no text.
fn is_special(text: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    words.contains(&text.to_ascii_lowercase().as_str())
}
