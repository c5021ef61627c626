//! Is a chain of labels the name of a host? A harmless spelling says so; without it, names of files, code,
//! abbreviations and sentences without a blank look alike.

mod file;
mod question;
mod tables;

use super::around;
use super::host::Chain;
use super::lex;
use crate::stix::atom::{Atom, Kind};
pub(super) use file::is_file_end;
use file::{is_file, is_labelled_as_host, is_number, is_said_to_be_host};
use psl::Psl;
pub(super) use question::is_question;
use tables::{
    ABBREVIATED, CODE_ENDS, CODE_ROOTS, COMMON, FILE_ENDS, MALWARE, PACKAGE_ROOTS, PRODUCTS, SHORT_HOSTS,
    WORDED,
};

/// The name that a chain is, in the place where it stands.
///
/// `is_used` if a port or a path follows: then it is less likely to be anything else.
pub(super) fn judge(text: &str, chain: &Chain, is_used: bool) -> Option<Atom> {
    if chain.labels < 2 || chain.is_too_long {
        return None;
    }
    let atom = Atom::parse(Kind::Domain, &chain.name).ok()?;
    let end = atom.text().rsplit('.').next().unwrap_or_default();
    let is_real = is_real_end(end);
    let holds = if chain.is_sure {
        end.len() > 1 && (is_real || !FILE_ENDS.contains(&end))
    } else if chain.is_weak {
        (WORDED.contains(&end) || is_real && chain.labels > 2 && !CODE_ENDS.contains(&end))
            && !is_file(text, chain, end)
            && !is_path(text, chain)
            && !is_in_expression(text, chain.start, chain.end)
    } else if chain.is_worded {
        WORDED.contains(&end)
            || is_real
                && !CODE_ENDS.contains(&end)
                && (chain.labels > 2 || chain.name.contains(|c: char| c == '-' || c.is_ascii_digit()))
    } else {
        is_real
            && ((is_used || !is_file(text, chain, end) || is_said_to_be_host(text, chain))
                && !is_other(text, chain, end, is_used)
                || question::is_asked(text, chain.start, chain.end))
    };
    holds.then_some(atom)
}

/// Does a chain look like a host wherever it stands?
pub(super) fn is_plainly_name(text: &str, chain: &Chain) -> bool {
    let end = chain.last().to_ascii_lowercase();
    chain.labels > 1
        && is_real_end(&end)
        && (chain.is_defanged() || !is_file(text, chain, &end) && !CODE_ENDS.contains(&end.as_str()))
}

/// An end that is no word of sentences and code.
pub(super) fn is_usual_end(label: &str) -> bool {
    WORDED.contains(&label)
}

/// A top-level domain, one reserved for examples, or one of the networks beside the DNS.
pub(super) fn is_real_end(label: &str) -> bool {
    let is_listed = || psl::List.find([label.as_bytes(), b"x"].into_iter()).typ.is_some();
    matches!(label, "example" | "test" | "invalid" | "onion" | "i2p" | "bit") || is_listed()
}

/// Is a stretch of text part of a regular expression?
pub(super) fn is_in_expression(text: &str, start: usize, end: usize) -> bool {
    let (before, after) = around::neighbourhood(text, start, end);
    let before = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let after = after.split(char::is_whitespace).next().unwrap_or_default();
    let is_sign = |part: &str| {
        ["(?", ".*", ".+", "[a-", "[0-", "[^", "\\d", "\\w", "\\s", "\\b", ")+", "]+", "]{"]
            .iter()
            .any(|sign| part.contains(sign))
    };
    before.contains('^')
        || before.ends_with('.')
        || after.starts_with(['$', '('])
        || is_sign(before)
        || is_sign(after)
}

/// A part of a path of files?
fn is_path(text: &str, chain: &Chain) -> bool {
    let before = text[..chain.start].trim_end_matches(|c: char| c.is_alphanumeric());
    before.ends_with('\\') || before.ends_with('/') && !before.ends_with("//")
}

/// Code, a key, a sentence without a blank, an abbreviation, a name of malware, an account of a network?
fn is_other(text: &str, chain: &Chain, end: &str, is_used: bool) -> bool {
    is_cut(text, chain, is_used)
        || is_call(text, chain)
        || is_capitalised(chain)
        || is_abbreviation(chain)
        || is_alias(chain, end, is_used)
        || is_member(text, chain, end, is_used)
        || is_selector(text, chain, end)
        || is_manifest(text, chain)
        || is_package(chain, end)
        || is_code(text, chain, end)
}

/// Is it only the middle of something longer?
fn is_cut(text: &str, chain: &Chain, is_used: bool) -> bool {
    let before = lex::char_before(text, chain.start);
    let is_inside = match before {
        Some('\\' | '@' | '$' | '%') => true,
        Some('#' | '+' | '~') => true,
        Some('/') => !is_slash_between_names(text, chain.start),
        Some('-') => !is_used && before_sign(text, chain.start).is_some_and(|c| c == '-'),
        Some(':') => text[..chain.start].ends_with("::"),
        _ => false,
    };
    is_inside || text[chain.end..].starts_with(['\\', '{']) || text[chain.end..].starts_with("::")
}

fn before_sign(text: &str, at: usize) -> Option<char> {
    text[..at].chars().rev().nth(1)
}

/// `one.example/two.example`, `//host/`: the slash is no part of a path of files.
fn is_slash_between_names(text: &str, at: usize) -> bool {
    let lead = &text[..at - 1];
    let length = lead
        .bytes()
        .rev()
        .take(LEAD_BYTES_MAX)
        .take_while(|b| b.is_ascii_alphanumeric() || b"-.[]".contains(b))
        .count();
    let word = lead.get(lead.len() - length..).unwrap_or_default();
    let last = word.rsplit('.').next().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    lead.ends_with('/') || word.contains('.') && (is_real_end(&last) || is_number(&last))
}

/// A call, an index, an assignment, a member.
fn is_call(text: &str, chain: &Chain) -> bool {
    let rest = &text[chain.end..];
    let mut after = rest.chars();
    match after.next() {
        Some('(') => after.next().is_none_or(|c| !c.is_ascii_digit() && c != '[' && c != ' '),
        Some('=') => after.next() != Some('>') || chain.last().len() < 3,
        Some('[') => after.next().is_some_and(|c| matches!(c, '"' | '\'')),
        Some('-') => after.next() == Some('>'),
        Some(' ') => rest.starts_with(" = ") && is_code_end(chain),
        _ => false,
    }
}

fn is_code_end(chain: &Chain) -> bool {
    CODE_ENDS.contains(&chain.last().to_ascii_lowercase().as_str())
}

/// `System.Net`, `done.In`: a capital at the start of the last label alone is no habit of names.
fn is_capitalised(chain: &Chain) -> bool {
    let mut letters = chain.last().chars();
    let is_title = letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase);
    let is_common = matches!(chain.last(), "Com" | "Org");
    // `done.IN` and `ML.NET`, with small letters before.
    let is_shouted = chain.last().bytes().all(|b| b.is_ascii_uppercase())
        && chain.last() != "COM"
        && chain.name[..chain.name.len() - chain.last().len()].bytes().any(|b| b.is_ascii_lowercase());
    is_title && !is_common
        || is_shouted
        || PRODUCTS.iter().any(|product| product.eq_ignore_ascii_case(&chain.name))
        || is_camel(chain)
}

/// `someObject.id`, `WScript.Network.it`: capitals inside labels.
fn is_camel(chain: &Chain) -> bool {
    let is_camel = |label: &str| {
        let mut pairs = label.as_bytes().windows(2);
        pairs.any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
    };
    let end = chain.last();
    let is_lower = end.bytes().all(|b| b.is_ascii_lowercase());
    is_lower && !COMMON.contains(&end) && chain.name.split('.').any(is_camel)
}

/// Labels of one or two letters are abbreviations, but for a few hosts; so are titles before names.
fn is_abbreviation(chain: &Chain) -> bool {
    let is_short = |label: &str| label.chars().count() == 1;
    let mut labels = chain.name.split('.');
    let singles = labels.clone().filter(|label| is_short(label)).count();
    let first = labels.next().unwrap_or_default();
    singles > 0 && singles + 1 >= chain.labels && chain.labels > 2
        || ABBREVIATED.contains(&chain.name.to_ascii_lowercase().as_str())
        || first.chars().next().is_some_and(char::is_uppercase)
            && is_short(first)
            && chain.labels == 2
            && chain.name.len() < 5
            && chain.name.bytes().any(|b| b.is_ascii_lowercase())
}

/// `u.name`, `Store.name`: an object and its member.
fn is_alias(chain: &Chain, end: &str, is_used: bool) -> bool {
    let first = chain.name.split('.').next().unwrap_or_default();
    let is_letter = first.len() == 1 && first.bytes().all(|b| b.is_ascii_alphabetic());
    let is_title = first.starts_with(|c: char| c.is_ascii_uppercase())
        && first.contains(|c: char| c.is_ascii_lowercase());
    let is_short_host =
        is_used || COMMON.contains(&end) || SHORT_HOSTS.contains(&chain.name.to_ascii_lowercase().as_str());
    chain.labels == 2 && (is_letter && !is_short_host || is_title && CODE_ENDS.contains(&end))
}

/// A plain word and a word that is an end of names too, in a line of code and not in quotation marks.
fn is_member(text: &str, chain: &Chain, end: &str, is_used: bool) -> bool {
    let is_word = |label: &str| label.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    let is_quoted = lex::char_before(text, chain.start).is_some_and(|c| matches!(c, '"' | '\''))
        && text[chain.end..].starts_with(['"', '\'']);
    !is_used
        && !is_quoted
        && chain.name.split('.').all(is_word)
        && (CODE_ENDS.contains(&end) && is_line_of_code(text, chain) && !is_labelled_as_host(text, chain)
            || is_own_value(text, chain))
}

/// `today: date.today`, `self.name = user.name`: what a member is given to has its name.
fn is_own_value(text: &str, chain: &Chain) -> bool {
    around::before(text, chain.start)
        .next()
        .is_some_and(|word| matches!(word.gap, ": " | " = " | ":" | "=") && word.text == chain.last())
}

/// Does a line have signs that only code has?
fn is_line_of_code(text: &str, chain: &Chain) -> bool {
    let (before, _) = around::neighbourhood(text, chain.start, chain.end);
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = around::line_after(text, chain.end).trim_end();
    let signs = [
        " = ", " == ", " != ", " += ", "::", "();", "()", " && ", " || ", "->", "=>", ".(", "[0]", "&self",
        "self.",
    ];
    let is_call = before
        .as_bytes()
        .windows(2)
        .any(|pair| (pair[0].is_ascii_lowercase() || pair[0] == b'_' || pair[0] == b'!') && pair[1] == b'(');
    let keywords = [
        "if ", "for ", "return ", "let ", "def ", "fn ", "assert ", "elif ", "while ", "else", "print ",
        "raise ", "yield ", "//", "/*", "* ", "#define ",
    ];
    is_call
        || after.ends_with([';', '{', '}', ')', ':', '(', '\\'])
        || signs.iter().any(|sign| before.contains(sign) || after.contains(sign))
        || keywords.iter().any(|keyword| before.trim_start().starts_with(keyword))
}

/// `.nav.top`, `a.link:hover`, `div.info {`: selectors of style sheets.
fn is_selector(text: &str, chain: &Chain, end: &str) -> bool {
    let rest = text[chain.end..].trim_start_matches(' ');
    let is_state = text[chain.end..].strip_prefix(':').is_some_and(|state| {
        state.starts_with(|c: char| c.is_ascii_lowercase() || c == ':') && !state.starts_with("http")
    });
    let line = around::line_after(text, chain.end);
    let is_styled = matches!(rest.as_bytes().first(), Some(b'{' | b'>' | b'.' | b',' | b'+' | b'~'))
        && line.contains('{');
    is_state || is_styled && (!COMMON.contains(&end) || rest.starts_with(['{', '>']))
}

/// The name of a package beside its version, in JSON.
fn is_manifest(text: &str, chain: &Chain) -> bool {
    let word = around::before(text, chain.start).next();
    let is_name = word
        .is_some_and(|word| word.text == "name" && word.gap.contains(':') && word.gap.ends_with(['"', '\'']));
    is_name && around::after(text, chain.end).next().is_some_and(|word| word.text == "version")
}

/// `module host.example/x`, `host.example/x v1.2.0`: code that is fetched from there.
pub(super) fn is_module(text: &str, start: usize, end: usize) -> bool {
    let mut before = around::before(text, start);
    let keyword = before.next();
    let is_required = keyword.is_some_and(|word| {
        matches!(word.gap, " " | " \"")
            && word.is_in(&["module", "import", "require", "replace", "get", "package"])
    }) && (before.is_at_line_start()
        || before.next().is_some_and(|word| word.text == "go"));
    let version = text[end..].strip_prefix([' ', '@']).and_then(|rest| rest.strip_prefix('v'));
    is_required || version.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `com.vendor.app`: a name of a package begins with the end of a host.
fn is_package(chain: &Chain, end: &str) -> bool {
    let first = chain.name.split('.').next().unwrap_or_default();
    chain.labels > 2 && PACKAGE_ROOTS.contains(&first) && !COMMON.contains(&end)
}

/// Roots and members of code, malware's names, underscores where hosts have none.
fn is_code(text: &str, chain: &Chain, end: &str) -> bool {
    let mut labels = chain.name.split('.');
    let first = labels.clone().next().unwrap_or_default();
    let has_underscore = labels.clone().rev().take(2).any(|label| label.contains('_'));
    let is_rooted = CODE_ROOTS.contains(&first) && !COMMON.contains(&end)
        || CODE_ENDS.contains(&end)
            && labels.clone().rev().skip(1).any(|label| tables::CODE_STEMS.contains(&label));
    let is_malware = chain.labels > 2
        && labels.any(|label| MALWARE.contains(&label.to_ascii_lowercase().as_str()))
        && !COMMON.contains(&end);
    has_underscore
        || is_rooted
        || is_malware
        || is_hardware_address(chain)
        || is_key(text, chain, end)
        || is_attribute(text, chain)
        || is_imported(text, chain)
}

/// `dead.beef.cafe`: some vendors write MAC addresses so.
fn is_hardware_address(chain: &Chain) -> bool {
    chain.labels == 3
        && chain.name.split('.').all(|label| label.len() == 4 && label.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `"ttl.in": 60`: the key of a setting, whose value is no part of a map of hosts.
fn is_key(text: &str, chain: &Chain, end: &str) -> bool {
    let is_word = |label: &str| label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let value = text[chain.end..].strip_prefix('"').and_then(|rest| rest.trim_start().strip_prefix(':'));
    CODE_ENDS.contains(&end)
        && text[..chain.start].ends_with('"')
        && chain.name.split('.').all(is_word)
        && value.is_some_and(|value| !value.trim_start().starts_with(['{', '[']))
}

/// `class="nav.top"`: an attribute that holds no name of a host.
fn is_attribute(text: &str, chain: &Chain) -> bool {
    let Some(word) = around::before(text, chain.start).next() else { return false };
    matches!(word.gap, "=\"" | "='" | "=") && ATTRIBUTES.contains(&word.text)
}

/// `import a.b`, `package a.b` at the start of a line.
fn is_imported(text: &str, chain: &Chain) -> bool {
    let mut words = around::before(text, chain.start);
    let keyword = words.next();
    keyword.is_some_and(|word| {
        word.gap == " " && word.is_in(&["import", "package", "namespace", "require", "package:", "pkg"])
    }) && (words.is_at_line_start()
        || words.next().is_some_and(|word| word.is_in(&["android", "the", "app", "python"])))
}

const LEAD_BYTES_MAX: usize = 80;
/// Attributes of HTML that hold words.
const ATTRIBUTES: &[&str] = &[
    "class",
    "for",
    "rel",
    "role",
    "style",
    "ng-model",
    "v-model",
    "v-bind",
    "itemprop",
    "property",
    "bean",
    "className",
    "selector",
];

#[cfg(test)]
mod tests;
