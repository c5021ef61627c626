//! Names of files whose endings are top-level domains too.

use super::tables::{COMMON, FILE_ENDS, FILE_LIKE, FILE_WORDS, HOSTS_LIKE_FILES, LURES, SCRIPTS};
use crate::submission::text::around;
use crate::submission::text::host::Chain;

/// Is it the name of a file whose ending is a top-level domain too?
pub(super) fn is_file(text: &str, chain: &Chain, end: &str) -> bool {
    let name = chain.name.to_ascii_lowercase();
    let is_known = HOSTS_LIKE_FILES.contains(&name.as_str()) && !is_among_files(text, chain);
    if is_known || name.starts_with("www.") {
        return false;
    }
    let mut labels = name.rsplit('.').skip(1);
    let stem = labels.next().unwrap_or_default();
    let is_script = SCRIPTS.iter().any(|(ending, stems)| *ending == end && stems.contains(&stem));
    match end {
        "zip" | "mov" | "java" => true,
        "sh" | "md" | "py" | "rs" | "so" | "ps" | "pub" | "cab" | "dot" | "pl" if is_script => true,
        "sh" | "py" | "so" | "ps" | "cab" | "dot" => {
            chain.labels == 2 || is_number(stem) || FILE_ENDS.contains(&stem)
        }
        "md" => chain.labels == 2 || is_number(stem),
        // Sources of Rust are named in sentences, hosts of Serbia in lists.
        "rs" => is_script || chain.labels == 2 && (!is_alone(text, chain) || is_among_files(text, chain)),
        _ if chain.labels == 2 && !COMMON.contains(&end) && is_among_files(text, chain) => true,
        _ => {
            is_script
                || FILE_LIKE.contains(&end)
                    && chain.labels == 2
                    && (is_lure(stem) && end == "one"
                        || is_in_list_of_files(text, chain)
                        || is_said_to_be_file(text, chain))
        }
    }
}

/// Is a label an ending of files?
pub(in crate::submission::text) fn is_file_end(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    FILE_ENDS.contains(&lower.as_str())
        || matches!(lower.as_str(), "zip" | "mov" | "sh" | "py" | "so" | "ps" | "md")
}

/// Words that attachments are called.
fn is_lure(stem: &str) -> bool {
    LURES.iter().any(|word| stem.contains(word))
}

/// Are the items beside it in a list files?
fn is_in_list_of_files(text: &str, chain: &Chain) -> bool {
    let (before, after) = around::neighbourhood(text, chain.start, chain.end);
    let is_separator = |c: char| c.is_whitespace() || ",;|/\"'`•*".contains(c);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let last = before.trim_end_matches(is_separator);
    let next = after.trim_start_matches(is_separator);
    let gaps = [&before[last.len()..], &after[..after.len() - next.len()]];
    let items = [
        &last[last.trim_end_matches(is_part).len()..],
        &next[..next.len() - next.trim_start_matches(is_part).len()],
    ];
    let mut neighbours = gaps
        .into_iter()
        .zip(items)
        .filter(|(gap, item)| {
            gap.contains([',', ';', '|', '/', '\n']) && item.trim_matches('.').contains('.')
        })
        .map(|(_, item)| is_name_of_file(item.trim_matches('.')))
        .peekable();
    neighbours.peek().is_some() && neighbours.all(|is_one| is_one) && !chain.name.contains('-')
}

/// Does it stand in a row of names, two of which at least are of files, and none of a host?
fn is_among_files(text: &str, chain: &Chain) -> bool {
    let (before, after) = around::neighbourhood(text, chain.start, chain.end);
    let is_gap = |c: char| c.is_whitespace() || ",;|\"'`•*()".contains(c);
    let is_name = |item: &&str| item.contains('.') || item.is_empty() || matches!(*item, "and" | "or" | "&");
    let before = before.rsplit(is_gap).take_while(is_name);
    let after = after.split(is_gap).take_while(is_name);
    let (mut files, mut hosts) = (0, 0);
    for item in before.take(ROW_ITEMS_MAX).chain(after.take(ROW_ITEMS_MAX)) {
        let item = item.trim_matches('.');
        let is_sure = item.rsplit_once('.').is_some_and(|(_, end)| is_file_end(end));
        files += usize::from(is_sure);
        hosts += usize::from(!is_sure && (item.contains('[') || item.matches('.').count() > 1));
    }
    files > 1 && hosts == 0 && !chain.name.contains('-')
}

/// `setup.exe`, `script.pl`.
fn is_name_of_file(item: &str) -> bool {
    item.rsplit_once('.').is_some_and(|(stem, end)| {
        is_file_end(end) || SCRIPTS.iter().any(|(ending, stems)| *ending == end && stems.contains(&stem))
    })
}

/// Do the words right beside it speak of a file?
fn is_said_to_be_file(text: &str, chain: &Chain) -> bool {
    let is_beside = |gap: &str| {
        gap.trim_matches(['"', '\'', '`', '*', '“', '„', '«']).len() < 3 && !gap.contains(['.', ',', ';'])
    };
    let before = around::before(text, chain.start).next();
    if before.is_some_and(|word| is_beside(word.gap) && word.is_in(FILE_WORDS)) {
        return true;
    }
    let mut after =
        around::after(text, chain.end).take(FILE_WORDS_AWAY).take_while(|word| is_beside(word.gap));
    match after.next() {
        Some(word) if word.is_in(&["is", "was", "ist", "war", "est", "es", "è", "jest"]) => {
            after.any(|word| word.is_in(FILE_WORDS))
        }
        word => word.is_some_and(|word| word.is_in(FILE_WORDS)),
    }
}

const ROW_ITEMS_MAX: usize = 12;
/// Words between a name and what it is said to be.
const FILE_WORDS_AWAY: usize = 4;

/// Does it stand alone in its line?
fn is_alone(text: &str, chain: &Chain) -> bool {
    let (before, _) = around::neighbourhood(text, chain.start, chain.end);
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = around::line_after(text, chain.end);
    !before.contains(char::is_alphabetic) && !after.contains(char::is_alphanumeric)
}

pub(super) fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
}

/// Do the words before say that it is a host?
pub(super) fn is_said_to_be_host(text: &str, chain: &Chain) -> bool {
    let words = [
        "domain", "domains", "host", "hosts", "hostname", "c2", "c&c", "dns", "fqdn", "domäne", "domaine",
        "dominio",
    ];
    around::before(text, chain.start).take(2).any(|word| word.is_in(&words))
}

/// Is the word before a name in its column one for hosts?
pub(super) fn is_labelled_as_host(text: &str, chain: &Chain) -> bool {
    let word = around::before(text, chain.start).next();
    word.is_some_and(|word| {
        word.gap.trim().is_empty() && word.is_in(&["domain", "host", "dns", "c2", "fqdn"])
    })
}
