//! Lists of Squid: names with a dot in front, addresses, URLs as regular expressions (export formats §11).

use super::lines::{ADDRESSES, add, is_operator, of, push, push_regex, without_children, without_inner};
use super::{Class, Files, Format, Input, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::Deserialize;

/// The format.
pub(super) struct Squid;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Names stand for all below them too.
    subdomains: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { subdomains: true }
    }
}

impl Format for Squid {
    fn name(&self) -> &'static str {
        "squid"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        ADDRESSES.contains(&kind) || matches!(kind, Kind::Domain | Kind::Url)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        // Squid warns at each start of a name below a listed one, and of an address inside a network.
        let mut names = of(input.rows, &[Kind::Domain]);
        if choices.subdomains {
            names = without_children(&names, files);
        }
        let addresses = without_inner(&of(input.rows, ADDRESSES), files);
        let urls = urls(input.rows, files);
        let dot = if choices.subdomains { "." } else { "" };
        add(input, files, ".dom.acl", &names, |out, row| push(out, &[dot, row.atom.text(), "\n"]));
        add(input, files, ".ip.acl", &addresses, |out, row| push(out, &[row.atom.text(), "\n"]));
        add(input, files, ".url.re", &urls, |out, row| {
            push_url(out, row.atom.text());
            out.push('\n');
        });
        Ok(())
    }
}

/// The URLs that Squid can match.
fn urls<'a>(rows: &'a [Row], files: &mut Files) -> Vec<&'a Row> {
    let mut kept = Vec::new();
    for row in of(rows, &[Kind::Url]) {
        let url = row.atom.text();
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let authority = rest.split(['/', '?']).next().unwrap_or("");
        let length = url.len() + url.chars().filter(|c| is_operator(*c)).count();
        if !matches!(scheme, "http" | "https" | "ftp") {
            files.leave_out("scheme");
        } else if authority.contains('@') {
            // Squid compares URLs without it.
            files.leave_out("user_in_url");
        } else if length > LINE_MAX {
            files.leave_out("too_long");
        } else {
            kept.push(row);
        }
    }
    kept
}

fn push_url(out: &mut String, url: &str) {
    out.push('^');
    push_regex(out, url, false);
    out.push('$');
}

/// Squid cuts a longer line in two and takes the second part as an expression of its own.
const LINE_MAX: usize = 2000;

#[cfg(test)]
mod tests {
    use super::super::testing::{self, CASES, ID, hostile, lines, rows, write};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_covered_is_left_out() {
        let rows = rows(&[
            (Kind::Domain, "evil.example"),
            (Kind::Domain, "c2.a.evil.example"),
            (Kind::Domain, "notevil.example"),
            (Kind::Ipv4, "203.0.113.9"),
            (Kind::Ipv4, "203.0.114.9"),
            (Kind::Ipv4, "203.0.113.0/24"),
            (Kind::Ipv4, "203.0.113.128/25"),
            (Kind::Ipv6, "2001:db8::/32"),
            (Kind::Ipv6, "2001:db8::66"),
        ]);
        let files = write(&Squid, "", &rows);
        assert_eq!(lines(&files, ".dom.acl"), [".evil.example", ".notevil.example"]);
        assert_eq!(lines(&files, ".ip.acl"), ["203.0.114.9", "203.0.113.0/24", "2001:db8::/32"]);
        assert_eq!(files.left_out["covered"], 4);
        let exact = write(&Squid, "subdomains = false", &rows);
        assert_eq!(lines(&exact, ".dom.acl"), ["c2.a.evil.example", "evil.example", "notevil.example"]);
        assert!(exact.files[0].bytes.starts_with(b"# liaison export"), "{ID}");
    }

    #[test]
    fn the_whole_address_space_covers_all() {
        let files =
            write(&Squid, "", &rows(&[(Kind::Ipv6, "::/0"), (Kind::Ipv6, "::1"), (Kind::Ipv4, "0.0.0.0/0")]));
        assert_eq!(lines(&files, ".ip.acl"), ["0.0.0.0/0", "::/0"]);
    }

    #[test]
    fn urls_that_never_match_or_break_lines_are_left_out() {
        let long = format!("http://a.example/{}", ".".repeat(1000));
        let files = write(
            &Squid,
            "",
            &rows(&[
                (Kind::Url, "http://a.example/x.php?a=[1]|$"),
                (Kind::Url, "http://u:p@a.example/"),
                (Kind::Url, "ldap://a.example/"),
                (Kind::Url, &format!("{long}x")),
            ]),
        );
        assert_eq!(lines(&files, ".url.re"), [r"^http://a\.example/x\.php\?a=\[1\]\|\$$"]);
        assert_eq!(
            files.left_out.into_iter().collect::<Vec<_>>(),
            [("scheme", 1), ("too_long", 1), ("user_in_url", 1)]
        );
    }

    /// The one text that an anchored expression without operators matches.
    fn literal(line: &str) -> String {
        let inner = line.strip_prefix('^').unwrap().strip_suffix('$').unwrap();
        let mut text = String::new();
        let mut signs = inner.chars();
        while let Some(c) = signs.next() {
            assert!(c == '\\' || !".[]{}()*+?^$|".contains(c), "an operator in {line}");
            text.push(if c == '\\' { signs.next().unwrap() } else { c });
        }
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_line(texts in hostile()) {
            let rows = testing::keep(texts, &[Kind::Domain, Kind::Url, Kind::Ipv4, Kind::Ipv6]);
            let files = write(&Squid, "subdomains = false", &rows);
            let values = |kinds: &[Kind]| -> Vec<String> {
                of(&rows, kinds).iter().map(|row| row.atom.text().to_owned()).collect()
            };
            prop_assert_eq!(lines(&files, ".dom.acl"), values(&[Kind::Domain]));
            let urls: Vec<String> = lines(&files, ".url.re").iter().map(|line| literal(line)).collect();
            let left: u64 = files.left_out.iter().filter(|(why, _)| **why != "covered").map(|(_, n)| n).sum();
            prop_assert_eq!(urls.len() as u64 + left, values(&[Kind::Url]).len() as u64);
            let all = values(&[Kind::Url]);
            prop_assert!(urls.iter().all(|url| all.contains(url)));
        }
    }
}
