//! The tokens of a pattern (STIX 2.1 §9.2).

/// A token and where it stands; `text` is the inside of quotes for quoted literals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Keyword(Keyword),
    /// A name without hyphens.
    Word,
    Hyphenated,
    Integer,
    Float,
    String {
        escapes: bool,
    },
    Hex,
    Binary,
    Timestamp,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    Colon,
    Dot,
    Comma,
    Star,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    FollowedBy,
    Like,
    Matches,
    IsSubset,
    IsSuperset,
    Exists,
    In,
    Start,
    Stop,
    Within,
    Seconds,
    Repeats,
    Times,
    True,
    False,
    Last,
}

impl Keyword {
    /// The keyword spelt exactly so.
    pub(super) fn exact(word: &str) -> Option<Self> {
        Some(match word {
            "AND" => Self::And,
            "OR" => Self::Or,
            "NOT" => Self::Not,
            "FOLLOWEDBY" => Self::FollowedBy,
            "LIKE" => Self::Like,
            "MATCHES" => Self::Matches,
            "ISSUBSET" => Self::IsSubset,
            "ISSUPERSET" => Self::IsSuperset,
            "EXISTS" => Self::Exists,
            "IN" => Self::In,
            "START" => Self::Start,
            "STOP" => Self::Stop,
            "WITHIN" => Self::Within,
            "SECONDS" => Self::Seconds,
            "REPEATS" => Self::Repeats,
            "TIMES" => Self::Times,
            "true" => Self::True,
            "false" => Self::False,
            "LAST" => Self::Last,
            _ => return None,
        })
    }
}

impl Token<'_> {
    pub(super) fn is(&self, keyword: Keyword) -> bool {
        self.kind == Kind::Keyword(keyword)
    }

    /// The token in words, for messages.
    pub(super) fn describe(&self) -> String {
        let text = shorten(self.text);
        match self.kind {
            Kind::End => "the end of the pattern".to_owned(),
            Kind::Keyword(_) => format!("keyword {text}"),
            Kind::Word | Kind::Hyphenated => format!("name {text}"),
            Kind::Integer | Kind::Float => format!("number {text}"),
            Kind::String { .. } => format!("string '{text}'"),
            Kind::Hex => format!("hex constant h'{text}'"),
            Kind::Binary => format!("binary constant b'{text}'"),
            Kind::Timestamp => format!("timestamp t'{text}'"),
            _ => format!("`{text}`"),
        }
    }
}

/// Keeps messages short whatever the pattern holds.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// Whether a name can be written without quotes.
pub(super) fn is_plain_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        && Keyword::exact(name).is_none()
}

const SHOWN: usize = 40;
