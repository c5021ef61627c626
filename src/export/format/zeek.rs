//! Zeek's intelligence framework (export formats §8.2).

use super::{Class, Files, Format, Input, TEXT, TEXT_MAX, one_line, options};
use crate::export::row::{Facts, Row};
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Write;

/// The format.
pub(super) struct Zeek;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// A column that asks for a notice at each hit; only for sites that load the script for it.
    do_notice: bool,
}

impl Format for Zeek {
    fn name(&self) -> &'static str {
        "zeek"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        type_of(kind).is_some()
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let mut text = String::with_capacity(input.rows.len() * 150);
        let mut urls = HashSet::new();
        let mut count = 0;
        for row in input.rows {
            let Some(kind) = type_of(row.atom.kind()) else {
                files.leave_out("no_place");
                continue;
            };
            let value = indicator(row);
            // One that differs in its scheme only: indicator, type and source are the key of a line.
            if row.atom.kind() == Kind::Url && !urls.insert((value, &*row.facts.collection)) {
                files.leave_out("same_url");
                continue;
            }
            put(&mut text, value);
            let _ = write!(text, "\tIntel::{kind}\tliaison-");
            put(&mut text, &one_line(&row.facts.collection, TEXT_MAX));
            describe(&mut text, &row.facts, input);
            text.push_str(if choices.do_notice { "\tT\n" } else { "\n" });
            count += 1;
        }
        let notice = if choices.do_notice { "\tmeta.do_notice" } else { "" };
        let header = input.header("# ", FILE, count, files);
        let fields =
            format!("#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url{notice}\n");
        files.add(FILE, TEXT, header + &fields + &text, count);
        Ok(())
    }
}

fn type_of(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Ipv4 | Kind::Ipv6 => "ADDR",
        Kind::Ipv4Network | Kind::Ipv6Network => "SUBNET",
        Kind::Url => "URL",
        Kind::Domain => "DOMAIN",
        Kind::Email => "EMAIL",
        Kind::FileMd5 | Kind::FileSha1 | Kind::FileSha256 => "FILE_HASH",
        Kind::FileName => "FILE_NAME",
        Kind::CertificateSha1 => "CERT_HASH",
        Kind::Account => "USER_NAME",
        Kind::UserAgent => "SOFTWARE",
        _ => return None,
    })
}

/// The value as Zeek sees it: URLs without their scheme.
fn indicator(row: &Row) -> &str {
    let text = row.atom.text();
    match row.atom.kind() {
        Kind::Url => text.split_once("://").map_or(text, |(_, rest)| rest),
        _ => text,
    }
}

fn describe(text: &mut String, facts: &Facts, input: &Input) {
    let _ = write!(text, "\ttlp={}", input.about.tlp_write.word(facts.tlp));
    if let Some(confidence) = facts.confidence {
        let _ = write!(text, " conf={confidence}");
    }
    text.push(' ');
    put(text, &one_line(&facts.classification, TEXT_MAX));
    let _ = write!(text, "\t{}/o/{}", input.about.url, facts.short_id());
}

/// A field. Zeek undoes `\x` and two hexadecimal digits; a line that starts with `#` is a comment, `-` no
/// value, and `(empty)` an empty one.
fn put(text: &mut String, value: &str) {
    let rest = match value {
        "-" => {
            text.push_str("\\x2d");
            ""
        }
        "(empty)" => {
            text.push_str("\\x28");
            "empty)"
        }
        _ => match value.strip_prefix('#') {
            Some(rest) => {
                text.push_str("\\x23");
                rest
            }
            None => value,
        },
    };
    for (n, part) in rest.split('\\').enumerate() {
        if n > 0 {
            text.push_str("\\x5c");
        }
        text.push_str(part);
    }
}

/// The file.
const FILE: &str = "liaison.intel";

#[cfg(test)]
mod tests {
    use super::super::detection::{awkward, facts, main_file, row, run};
    use super::*;
    use proptest::prelude::*;

    /// Reads a file as Zeek does: fields by tabs, `\xHH` undone, `#` lines skipped but for the names.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (head, rest) = text.split_once("#fields\t").unwrap();
        assert!(head.lines().all(|line| line.starts_with("# ")));
        let mut lines = rest.split('\n');
        let columns = lines.next().unwrap().split('\t').count();
        let mut lines: Vec<&str> = lines.collect();
        assert_eq!(lines.pop(), Some(""));
        let field = |field: &str| {
            assert!(!matches!(field, "" | "-" | "(empty)"), "no value: {field:?}");
            let mut parts = field.split("\\x");
            let mut value = parts.next().unwrap().as_bytes().to_vec();
            for part in parts {
                value.push(u8::from_str_radix(&part[..2], 16).unwrap());
                value.extend_from_slice(&part.as_bytes()[2..]);
            }
            String::from_utf8(value).unwrap()
        };
        let lines = lines.into_iter().map(|line| {
            assert!(!line.starts_with('#') && !line.contains('\r'));
            line.split('\t').map(field).collect::<Vec<_>>()
        });
        lines.inspect(|fields| assert_eq!(fields.len(), columns)).collect()
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_were(rows in awkward(&Zeek), notice: bool) {
            let table = format!("do_notice = {notice}").parse().unwrap();
            let files = run(&Zeek, &table, &rows, &[]);
            let found = read(&main_file(&files));
            let urls = files.left_out.get("same_url").copied().unwrap_or(0);
            prop_assert_eq!(found.len() + usize::try_from(urls).unwrap(), rows.len());
            prop_assert_eq!(found.len(), files.files[0].rows);
            for row in &rows {
                let kind = format!("Intel::{}", type_of(row.atom.kind()).unwrap());
                prop_assert!(found.iter().any(|line| line[0] == indicator(row) && line[1] == kind));
            }
        }
    }

    #[test]
    fn the_example_of_the_specification() {
        let mut example = row(Kind::Domain, "c2.evil.example");
        example.facts.classification = "c2-server".to_owned();
        let files = run(&Zeek, &toml::Table::new(), &[example], &[]);
        let text = main_file(&files);
        assert_eq!(
            text.lines().last().unwrap(),
            "c2.evil.example\tIntel::DOMAIN\tliaison-feed-a\ttlp=AMBER conf=80 c2-server\thttps://liaison.example/o/ff5c8641"
        );
    }

    #[test]
    fn urls_that_differ_in_their_scheme_are_one() {
        let rows = [row(Kind::Url, "http://a.example/x"), row(Kind::Url, "https://a.example/x")];
        let files = run(&Zeek, &toml::Table::new(), &rows, &[]);
        assert_eq!((files.files[0].rows, files.left_out["same_url"]), (1, 1));
        assert!(main_file(&files).contains("left_out=1 (same_url=1)"));
        let mut other = rows.clone();
        other[1].facts = Facts { collection: "feed-b".to_owned(), ..facts() };
        assert_eq!(run(&Zeek, &toml::Table::new(), &other, &[]).files[0].rows, 2);
    }

    #[test]
    fn options_are_checked() {
        assert!(Zeek.check(&"do_notice = true".parse().unwrap()).is_ok());
        assert!(Zeek.check(&"notice = true".parse().unwrap()).unwrap_err().contains("do_notice"));
    }
}
