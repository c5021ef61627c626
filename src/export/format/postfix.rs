//! Tables of Postfix: access, clients, bodies (export formats §12).

use super::lines::{ADDRESSES, add, keep, of, push, push_regex};
use super::{Class, Files, Format, Input, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::Deserialize;

/// The format.
pub(super) struct Postfix;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Lines in the table for bodies: Postfix tries all of them on each line of a mail.
    body_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { body_max: 5000 }
    }
}

impl Format for Postfix {
    fn name(&self) -> &'static str {
        "postfix"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        ADDRESSES.contains(&kind) || matches!(kind, Kind::Domain | Kind::Email | Kind::Url)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        // A line that starts so would be a comment.
        let access = of(input.rows, &[Kind::Domain, Kind::Email]);
        let access = keep(&access, files, "misread", |row| !row.atom.text().starts_with('#'));
        let clients = of(input.rows, ADDRESSES);
        let bodies = bodies(input.rows, choices.body_max, files);
        add(input, files, ".access", &access, |out, row| push_line(out, row.atom.text(), row));
        add(input, files, ".cidr", &clients, |out, row| push_line(out, row.atom.text(), row));
        add(input, files, ".regexp", &bodies, push_body);
        Ok(())
    }
}

/// URLs first: they have no other place.
fn bodies<'a>(rows: &'a [Row], max: usize, files: &mut Files) -> Vec<&'a Row> {
    let mut kept = of(rows, &[Kind::Url]);
    kept.extend(of(rows, &[Kind::Domain]));
    for _ in max..kept.len() {
        files.leave_out("body_max");
    }
    kept.truncate(max);
    kept
}

fn push_line(out: &mut String, key: &str, row: &Row) {
    push(out, &[key, " REJECT Listed: ", row.facts.short_id(), "\n"]);
}

fn push_body(out: &mut String, row: &Row) {
    let is_name = row.atom.kind() == Kind::Domain;
    out.push_str(if is_name { BEFORE_NAME } else { BEFORE_URL });
    push_regex(out, row.atom.text(), true);
    push_line(out, if is_name { AFTER_NAME } else { AFTER_URL }, row);
}

// What stands around a value, lest `a.co` be found in `data.com`; a dot may end a sentence.
const BEFORE_NAME: &str = "/(^|[^[:alnum:]_-])";
const AFTER_NAME: &str = r"(\.?$|\.?[^[:alnum:]._-])/";
const BEFORE_URL: &str = "/";
const AFTER_URL: &str = r"(\.?$|\.?[^][:alnum:]._~%\/?#@!$&'()*+,;=-])/";

#[cfg(test)]
mod tests {
    use super::super::testing::{self, CASES, hostile, lines, rows, write};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_has_its_table() {
        let rows = rows(&[
            (Kind::Domain, "a.co"),
            (Kind::Email, "ceo@bad-login.example"),
            (Kind::Email, "#ceo@bad-login.example"),
            (Kind::Ipv4, "203.0.113.0/24"),
            (Kind::Url, "http://a.example/x.php"),
        ]);
        let files = write(&Postfix, "", &rows);
        assert_eq!(
            lines(&files, ".access"),
            ["a.co REJECT Listed: ff5c8641", "ceo@bad-login.example REJECT Listed: ff5c8641"]
        );
        assert_eq!(lines(&files, ".cidr"), ["203.0.113.0/24 REJECT Listed: ff5c8641"]);
        assert!(lines(&files, ".regexp")[0].starts_with(r"/http:\/\/a\.example\/x\.php("));
        assert_eq!(files.left_out["misread"], 1);
        assert_eq!(write(&Postfix, "body_max = 1", &rows).left_out["body_max"], 1);
    }

    /// Pattern and action of a line of a regexp table: the pattern ends at the first delimiter not escaped.
    fn pattern(line: &str) -> (&str, &str) {
        let bytes = line.as_bytes();
        assert_eq!(bytes[0], b'/');
        let mut at = 1;
        while bytes[at] != b'/' {
            at += 1 + usize::from(bytes[at] == b'\\');
        }
        (&line[1..at], &line[at + 1..])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_line(texts in hostile()) {
            let kinds = [Kind::Domain, Kind::Url, Kind::Email, Kind::Ipv4, Kind::Ipv6];
            let rows = testing::keep(texts, &kinds);
            let files = write(&Postfix, "", &rows);
            for (suffix, kinds) in [(".access", &[Kind::Domain, Kind::Email][..]), (".cidr", ADDRESSES)] {
                let wanted = of(&rows, kinds).into_iter().map(|row| row.atom.text());
                let wanted: Vec<&str> = wanted.filter(|text| !text.starts_with('#')).collect();
                let read = lines(&files, suffix);
                let read: Vec<&str> = read.iter().map(|line| {
                    let (key, action) = line.split_once([' ', '\t']).unwrap();
                    assert_eq!(action, "REJECT Listed: ff5c8641");
                    key
                }).collect();
                prop_assert_eq!(read, wanted);
            }
            let wanted = of(&rows, &[Kind::Url]).into_iter().chain(of(&rows, &[Kind::Domain]));
            let wanted: Vec<&str> = wanted.map(|row| row.atom.text()).collect();
            let read = lines(&files, ".regexp");
            prop_assert_eq!(read.len(), wanted.len());
            for (line, value) in read.iter().zip(wanted) {
                let (pattern, action) = pattern(line);
                prop_assert_eq!(action, " REJECT Listed: ff5c8641");
                // The Rust engine takes `[^]` of POSIX only escaped.
                let pattern = pattern.replace("[^]", r"[^\]").replace(r"\/", "/");
                let found = regex::Regex::new(&pattern).unwrap();
                let line = format!("see {value}. Now");
                prop_assert!(found.is_match(&line));
                let line = format!("see {value}1");
                prop_assert!(!found.is_match(&line));
            }
        }
    }
}
