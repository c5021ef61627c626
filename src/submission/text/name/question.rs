//! Names where the DNS asks and answers: logs of name servers, records of zones. Whatever a name looks like, there
//! it is one.

use crate::submission::text::around::{self, Word};
use crate::submission::text::lex;

/// `evil.example IN A`, `evil.example. 300 IN A`, `evil.example. A IN`, `A IN evil.example.`,
/// `'evil.example|A'`.
pub(super) fn is_asked(text: &str, start: usize, end: usize) -> bool {
    is_record_after(text, end) || is_question_before(text, start)
}

fn is_record_after(text: &str, end: usize) -> bool {
    if let Some(rest) = text[end..].strip_prefix('|') {
        let length = lex::label_end(rest, 0);
        return is_type(&rest[..length]) && rest[length..].starts_with('\'');
    }
    let is_blank = |word: &Word<'_>, dot: &str| {
        let gap = word.gap.strip_prefix(dot).unwrap_or(word.gap);
        !gap.is_empty() && gap.bytes().all(|b| matches!(b, b' ' | b'\t'))
    };
    let mut words = around::after(text, end);
    let Some(first) = words.next().filter(|word| is_blank(word, ".")) else { return false };
    let is_ttl = first.text.bytes().all(|b| b.is_ascii_digit());
    let first = if is_ttl { words.next().filter(|word| is_blank(word, "")) } else { Some(first) };
    let second = words.next().filter(|word| is_blank(word, ""));
    first.zip(second).is_some_and(|(first, second)| is_class_and_type(first.text, second.text))
}

fn is_question_before(text: &str, start: usize) -> bool {
    let mut words = around::before(text, start).take_while(|word| word.gap == " ");
    words.next().zip(words.next()).is_some_and(|(class, kind)| is_class_and_type(class.text, kind.text))
}

/// `evil.example/A/IN`, `evil.example/IN/A`, `zone evil.example/IN:`: no path of a URL.
pub(in crate::submission::text) fn is_question(text: &str, at: usize) -> bool {
    let end = lex::label_end(text, at);
    let (first, mut rest) = (&text[at..end], &text[end..]);
    let mut second = None;
    if let Some(tail) = rest.strip_prefix('/') {
        let length = lex::label_end(tail, 0);
        second = Some(&tail[..length]);
        rest = &tail[length..];
    }
    let is_question = second.map_or(first == CLASS, |second| is_class_and_type(first, second));
    is_question && !rest.starts_with(['/', '.', '?', '=', '&'])
}

/// A class and a type, in either order.
fn is_class_and_type(one: &str, other: &str) -> bool {
    one == CLASS && is_type(other) || other == CLASS && is_type(one)
}

fn is_type(word: &str) -> bool {
    let number = word.strip_prefix("TYPE").unwrap_or_default();
    TYPES.contains(&word) || !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

const CLASS: &str = "IN";
/// Types of records that are asked for, as logs write them.
const TYPES: &[&str] = &[
    "A", "AAAA", "ANY", "CAA", "CNAME", "DNAME", "DNSKEY", "DS", "HINFO", "HTTPS", "MX", "NAPTR", "NS",
    "NSEC", "NULL", "PTR", "SOA", "SPF", "SRV", "SVCB", "TLSA", "TXT",
];

#[cfg(test)]
mod tests {
    use crate::submission::text::find;

    #[test]
    fn names_that_are_asked_for_are_hosts_whatever_they_look_like() {
        for text in [
            "client @0x7f 198.51.100.7#51011 (wexmaroq.top): query: wexmaroq.top IN A +E(0)",
            "198.51.100.7 query: Wexmaroq.info IN TYPE65 + (10.0.0.1)",
            "198.51.100.7 wexmaroq.top. A IN (x)",
            "198.51.100.7 - \"MX IN wexmaroq.name. udp 40()\" x()",
            "Remote 198.51.100.7 wants 'wexmaroq.name|A', do = 0 ()",
            "wexmaroq.top.\t300\tIN\tA\t198.51.100.7 ; x()",
            "198.51.100.7: query failed (SERVFAIL) for wexmaroq.top/IN/A at ../../query.c",
            "198.51.100.7: zone wexmaroq.top/IN: sent",
            "198.51.100.7: 'wexmaroq.top/AAAA/IN'",
        ] {
            let found = find(text);
            let is_name = |place: std::ops::Range<usize>| {
                let name = &text[place];
                name.to_ascii_lowercase().starts_with("wexmaroq.") && !name.contains('/')
            };
            assert!(found.into_iter().any(|one| is_name(one.at)), "{text}");
        }
    }

    #[test]
    fn other_words_in_capitals_ask_nothing() {
        for text in ["x = nav.top IN A ROW(0)", "f(nav.top IN THE B)", "nav.top, IN A (0);"] {
            let is_asked = super::is_asked(text, text.find("nav").unwrap(), text.find("top").unwrap() + 3);
            assert_eq!(is_asked, text.starts_with('x'), "{text}");
        }
        assert!(!super::is_question("A/IN/x", 0) && !super::is_question("x/IN", 0));
    }
}
