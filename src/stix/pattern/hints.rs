//! What to write instead: advice for the mistakes often seen in patterns.

use super::token::{Keyword, Kind, Token, shorten};

/// Where in the grammar the parser stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Observation,
    AfterObservation,
    Test,
    LeadingNot,
    Colon,
    Property,
    Index,
    Operator,
    Constant,
    Ordered,
    String,
    List,
    AfterMember,
    AfterTest,
    Within,
    Seconds,
    Repeats,
    Times,
    Stop,
    Timestamp,
}

/// Advice for a token that does not fit its place; empty when there is none.
pub(super) fn advice(place: Place, token: &Token<'_>, previous: &Token<'_>, text: &str) -> String {
    if let Some(keyword) = misspelt_keyword(place, token) {
        return format!("keywords stand in upper case: write {keyword}");
    }
    match place {
        Place::Observation => observation(token, previous).to_owned(),
        Place::AfterObservation => after_observation(token).to_owned(),
        Place::Test => test(token, previous).to_owned(),
        Place::LeadingNot => leading_not(text, token),
        Place::Colon => colon(token).to_owned(),
        Place::Property => property(token),
        Place::Index => "list steps are [0], [1] … or [*]; quote names, as in .'name'".to_owned(),
        Place::Operator => operator(token).to_owned(),
        Place::Constant => constant(token, previous),
        Place::Ordered => "true and false have no order: use = or !=".to_owned(),
        Place::String => string(token),
        Place::List => list(token).to_owned(),
        Place::AfterMember => after_member(token, previous).to_owned(),
        Place::AfterTest => after_test(token, previous).to_owned(),
        Place::Within => within(token).to_owned(),
        Place::Seconds => seconds(token, previous),
        Place::Repeats => "the count is a whole number, as in REPEATS 2 TIMES".to_owned(),
        Place::Times => format!("write REPEATS {} TIMES", shorten(previous.text)),
        Place::Stop => "START needs its STOP: START t'…' STOP t'…'".to_owned(),
        Place::Timestamp => timestamp(token),
    }
}

/// The keyword a word would be in upper case (in lower case for booleans).
fn misspelt_keyword(place: Place, token: &Token<'_>) -> Option<String> {
    let takes_names = matches!(place, Place::Test | Place::Property | Place::Constant | Place::String);
    if token.kind != Kind::Word || takes_names {
        return None;
    }
    let upper = token.text.to_ascii_uppercase();
    Keyword::exact(&upper).map(|_| upper)
}

fn observation(token: &Token<'_>, previous: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::Keyword(Keyword::Not) => "NOT stands inside the brackets, after the path: [x:a NOT = 1]",
        Kind::Word | Kind::Hyphenated => "put every comparison in square brackets, as in [file:name = 'a']",
        Kind::CloseParenthesis => "an empty group is no pattern: fill or remove it",
        Kind::End if previous.kind == Kind::End => {
            "the empty text is no pattern: write one such as [file:name = 'a']"
        }
        _ if matches!(previous.kind, Kind::Keyword(_)) => {
            "add an observation such as [file:name = 'a'], or remove the operator"
        }
        _ => "a pattern looks like [file:name = 'a']",
    }
}

fn after_observation(token: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::OpenBracket | Kind::OpenParenthesis => {
            "join observations by AND, OR or FOLLOWEDBY; two patterns do not fit into one string"
        }
        Kind::Word if token.text.to_ascii_uppercase().starts_with("REPEAT") => "write REPEATS 5 TIMES",
        Kind::CloseParenthesis | Kind::CloseBracket => "nothing is open that it could close: remove it",
        Kind::End => "close the group with `)`",
        Kind::Keyword(Keyword::Stop) => "STOP follows START: START t'…' STOP t'…'",
        Kind::Keyword(Keyword::Not) => "NOT stands inside the brackets, after the path: [x:a NOT = 1]",
        Kind::Equal | Kind::NotEqual | Kind::Word | Kind::Hyphenated => {
            "put every comparison in square brackets"
        }
        _ => "",
    }
}

fn test(token: &Token<'_>, previous: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::OpenBracket => "brackets do not nest: group comparisons with parentheses",
        Kind::CloseBracket | Kind::CloseParenthesis if previous.kind != Kind::OpenBracket => {
            "add a comparison, or remove the operator"
        }
        Kind::CloseBracket => "brackets must hold a comparison, as in [file:name = 'a']",
        Kind::String { .. } => "object types stand without quotes, and the path comes first: file:name = 'a'",
        Kind::Keyword(_) => "this word is reserved; an object type cannot be a keyword",
        Kind::End => "complete the comparison and close it with `]`",
        _ => "the path comes first, then the operator, then the constant: file:name = 'a'",
    }
}

fn leading_not(text: &str, token: &Token<'_>) -> String {
    let rest = &text[token.start..];
    match token.kind {
        Kind::OpenParenthesis => {
            "a group cannot be negated: put NOT into each comparison, after the path".to_owned()
        }
        _ if rest.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let path: String =
                rest.chars().take_while(|c| !c.is_whitespace() && !"=!<>])".contains(*c)).take(60).collect();
            format!("NOT stands between path and operator: {path} NOT = …")
        }
        _ => "NOT stands between path and operator: x:a NOT = 1".to_owned(),
    }
}

fn colon(token: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::Dot | Kind::Float => "object type and property are joined by `:`, as in file:name",
        Kind::Word | Kind::Hyphenated => "join object type and property by `:`; for text, use single quotes",
        _ => "name a property after the object type, as in file:name",
    }
}

fn property(token: &Token<'_>) -> String {
    match token.kind {
        Kind::Hyphenated => format!("put names with a hyphen in single quotes: '{}'", shorten(token.text)),
        Kind::Keyword(_) => format!("{0} is reserved: to use it as a name, quote it: '{0}'", token.text),
        Kind::Integer | Kind::Float => {
            format!("put names that start with a digit in single quotes: '{}'", shorten(token.text))
        }
        Kind::Star | Kind::OpenBracket => "list steps follow a name directly, as in values[*]".to_owned(),
        _ => "name a property, in single quotes if it has other characters than letters, digits and _"
            .to_owned(),
    }
}

fn operator(token: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::Float => "put names that start with a digit in single quotes",
        Kind::Colon => "only one `:` stands in a path: join further properties by `.`",
        Kind::CloseBracket | Kind::Keyword(Keyword::And | Keyword::Or) => {
            "compare with a constant, as in = 'a'; to test presence, write EXISTS before the path"
        }
        Kind::Keyword(Keyword::Exists) => "EXISTS stands before the path: EXISTS file:name",
        Kind::Keyword(Keyword::Not) => "one NOT is enough",
        Kind::String { .. } => "put an operator between path and constant, as in =",
        _ => "the operators are = != < > <= >= IN LIKE MATCHES ISSUBSET ISSUPERSET",
    }
}

fn constant(token: &Token<'_>, previous: &Token<'_>) -> String {
    let lower = token.text.to_ascii_lowercase();
    match token.kind {
        Kind::Word if matches!(lower.as_str(), "true" | "false") => format!("write {lower} in lower case"),
        Kind::Word if matches!(lower.as_str(), "null" | "none" | "nil") => {
            "there is no such constant: to test absence, write NOT EXISTS before the path".to_owned()
        }
        Kind::Word | Kind::Hyphenated | Kind::Keyword(_) => {
            format!("put text in single quotes: '{}'", shorten(token.text))
        }
        Kind::CloseParenthesis if previous.kind == Kind::Comma => "remove the trailing comma".to_owned(),
        Kind::Comma => "remove the extra comma".to_owned(),
        Kind::OpenBracket | Kind::OpenParenthesis => {
            "to compare with several constants, write IN ('a', 'b')".to_owned()
        }
        Kind::Equal | Kind::Greater => "the operators are = != < > <= >=, in this spelling".to_owned(),
        _ => "write a constant such as 'text', 5, 1.5, true, t'2016-04-06T20:03:48Z', h'4d5a'".to_owned(),
    }
}

fn string(token: &Token<'_>) -> String {
    match token.kind {
        Kind::Word | Kind::Hyphenated | Kind::Integer | Kind::Float | Kind::Keyword(_) => {
            format!("put it in single quotes: '{}'", shorten(token.text))
        }
        Kind::OpenParenthesis => "this operator takes one string; IN takes a list".to_owned(),
        _ => "this operator takes a string, as in 'a%'".to_owned(),
    }
}

fn list(token: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::OpenBracket => "lists stand in parentheses: IN (1, 2)",
        _ => "IN takes its constants in parentheses: IN (1, 2)",
    }
}

fn after_member(token: &Token<'_>, previous: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::End => "close the list with `)`",
        Kind::CloseBracket => "close the list with `)` before the bracket",
        _ if matches!(previous.kind, Kind::String { .. }) => {
            r"separate constants by commas; inside text write \' for a quote"
        }
        _ => "separate constants by commas; put text in single quotes",
    }
}

fn after_test(token: &Token<'_>, previous: &Token<'_>) -> &'static str {
    let touching = token.start == previous.end;
    match (token.kind, previous.kind) {
        (Kind::Keyword(Keyword::FollowedBy), _) => {
            "FOLLOWEDBY joins observations, outside the brackets: [x:a = 1] FOLLOWEDBY [y:b = 2]"
        }
        (Kind::Keyword(Keyword::Within | Keyword::Repeats | Keyword::Start), _) => {
            "qualifiers stand after the closing bracket"
        }
        (Kind::Keyword(Keyword::Not), _) => "NOT stands between path and operator: x:a NOT = 1",
        (Kind::Dot, Kind::Integer) => "a float needs a digit after its point: write 5.0",
        (Kind::Dot | Kind::Float, Kind::Integer | Kind::Float) => {
            "put text such as addresses and versions in single quotes"
        }
        (Kind::Word, Kind::Integer | Kind::Float) if touching && token.text.starts_with(['e', 'E']) => {
            "numbers have no exponent: write them out; put text in single quotes"
        }
        (Kind::Word | Kind::Hyphenated | Kind::Integer, Kind::Integer | Kind::Float) if touching => {
            "put text in single quotes"
        }
        (Kind::Comma, _) => "to compare with several constants, write IN ('a', 'b')",
        (Kind::End, _) => "close the brackets with `]`",
        (Kind::CloseBracket | Kind::CloseParenthesis, _) => "close what was opened last first",
        (Kind::OpenBracket, _) => "brackets do not nest; close the first with `]`",
        (_, Kind::String { .. }) if touching => r"write \' for a quote inside the text",
        (Kind::Word | Kind::Hyphenated, _) => "join comparisons by AND or OR; put text in single quotes",
        _ => "join comparisons by AND or OR",
    }
}

fn within(token: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::String { .. } => "write the number without quotes, as in WITHIN 300 SECONDS",
        _ => "write a number greater than 0, as in WITHIN 300 SECONDS",
    }
}

fn seconds(token: &Token<'_>, previous: &Token<'_>) -> String {
    let unit = token.text.to_ascii_uppercase();
    let factor = match unit.trim_end_matches('S') {
        "MINUTE" | "MIN" => 60,
        "HOUR" => 3_600,
        "DAY" => 86_400,
        "WEEK" => 604_800,
        _ => 1,
    };
    let number = match previous.text.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)) {
        Some(number) => number.to_string(),
        None => previous.text.to_owned(),
    };
    format!("the only unit is SECONDS: write WITHIN {} SECONDS", shorten(&number))
}

fn timestamp(token: &Token<'_>) -> String {
    match token.kind {
        Kind::String { .. } => format!("STIX 2.1 marks timestamps with a t: t'{}'", shorten(token.text)),
        _ => "write START t'2016-04-06T20:03:48Z' STOP t'2016-04-07T20:03:48Z'".to_owned(),
    }
}
