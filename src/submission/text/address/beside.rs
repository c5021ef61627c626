//! What touches a number or stands in the cell beside it: ports, paths, hosts.

use crate::submission::text::around;
use crate::submission::text::{host::Chain, lex, name};

/// What stands beside a number says, in the weights of `evidence`.
pub(super) fn weight(text: &str, at: usize, end: usize) -> i32 {
    let lead = &text[..at];
    let is_target = is_used(text, end)
        || ["\\\\", "\\UNC\\", "/tcp/", "/udp/"].iter().any(|sign| lead.ends_with(sign))
        || lead.ends_with('[') && text[end..].starts_with(']') && around::before(text, at).next().is_some()
        || is_after_host(text, at, end)
        || is_before_host(text, at, end);
    let is_alone = || {
        let is_frame = |c: char| !c.is_alphanumeric();
        around::before(text, at).is_at_line_start() && around::line_after(text, end).chars().all(is_frame)
    };
    match () {
        () if is_in_path(lead) => -6,
        () if is_target => 9,
        () if lead.ends_with('@') || is_alone() => 3,
        () => 0,
    }
}

/// `\Vendor\Update\1.2.3.4\`, with any number of backslashes; what is shared begins with them.
fn is_in_path(lead: &str) -> bool {
    let parent = lead.trim_end_matches('\\');
    parent.len() < lead.len() && parent.ends_with(char::is_alphanumeric) && !parent.ends_with("UNC")
}

/// Does a port, a prefix length or a path follow?
fn is_used(text: &str, end: usize) -> bool {
    let digits =
        |from: usize| text.as_bytes()[from..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let is_end = |at: usize| !text[at..].starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == ':');
    let goes_on = |sign: u8| lex::byte(text, end) == Some(sign);
    let number = digits((end + 1).min(text.len()));
    let number_end = end + 1 + number;
    match () {
        () if number > 0 && (goes_on(b':') || goes_on(b'#')) => {
            (2..=5).contains(&number) && is_end(number_end) || text[number_end..].starts_with(". ")
        }
        () if number > 0 && goes_on(b'/') => number <= 2 && is_end(number_end),
        () => {
            [" port ", " - - ["].iter().any(|sign| text[end..].starts_with(sign))
                || goes_on(b'/') && lex::is_label_start(text, end + 1)
        }
    }
}

/// `host.example (5.9.1.3)`, `host.example,5.9.1.3`, `host[.]example 5.9.1.3`.
fn is_after_host(text: &str, at: usize, end: usize) -> bool {
    let (before, _) = around::neighbourhood(text, at, at);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let lead = line.trim_end_matches(is_between);
    let gap = &line[lead.len()..];
    let is_bracketed = gap.ends_with('(') && text[end..].starts_with(')');
    let token = lead.trim_end_matches(is_part);
    !gap.is_empty()
        && (!gap.contains('(') || is_bracketed)
        && is_host(&lead[token.len()..], is_bracketed || is_cell_gap(gap))
}

/// `5.9.1.3,host.example`, `5.9.1.3 host.example` at the start of a line.
fn is_before_host(text: &str, at: usize, end: usize) -> bool {
    let rest = around::line_after(text, end);
    let tail = rest.trim_start_matches(is_between);
    let gap = &rest[..rest.len() - tail.len()];
    let host = &tail[..tail.len() - tail.trim_start_matches(is_part).len()];
    !gap.is_empty()
        && !gap.contains(['(', ':'])
        && around::before(text, at).is_at_line_start()
        && is_host(host, true)
}

/// What stands between the cells of a table or a host and its address.
fn is_between(c: char) -> bool {
    c == ' ' || c == '\t' || matches!(c, '|' | ',' | ';' | '"' | '`' | '(' | '-' | '>' | '→' | ':' | '=')
}

/// A blank alone may be one of a sentence.
fn is_cell_gap(gap: &str) -> bool {
    gap.len() > 1 || gap == "\t" || matches!(gap, "|" | "," | ";" | "=")
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '[' | ']')
}

/// Is a word the name of a host, made harmless or in small letters?
fn is_host(word: &str, is_live_enough: bool) -> bool {
    let word = word.trim_matches('.');
    if word.len() > HOST_BYTES_MAX || !word.contains('.') || !lex::is_label_start(word, 0) {
        return false;
    }
    let chain = Chain::read(word, 0);
    let is_live = is_live_enough && !word.contains(char::is_uppercase);
    chain.end == word.len() && (chain.is_defanged() || is_live) && name::is_plainly_name(word, &chain)
}

const HOST_BYTES_MAX: usize = 100;
