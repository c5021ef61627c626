//! What the tests of formats for detection share.

use super::{Files, Format, Input};
use crate::export::row::{About, Facts, Row, Rule, TlpWrite};
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(super) fn facts() -> Facts {
    Facts {
        warned: false,
        id: "indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1".to_owned(),
        modified: Timestamp::from_micros(1_795_413_600_000_000),
        confidence: Some(80),
        tlp: Tlp::Amber,
        pap: Pap::Green,
        valid_from: Timestamp::from_micros(1_795_413_600_000_000),
        valid_until: Some(Timestamp::from_micros(1_798_005_600_000_000)),
        classification: "c2-server".to_owned(),
        indicator_types: vec![],
        labels: vec![],
        owners: vec!["CERT-Example".to_owned()],
        collection: "feed-a".to_owned(),
        name: String::new(),
        description: String::new(),
    }
}

pub(super) fn row(kind: Kind, text: &str) -> Row {
    Row { atom: Atom::parse(kind, text).unwrap(), facts: facts() }
}

pub(super) fn rule(language: &str, text: &str) -> Rule {
    Rule { language: language.to_owned(), text: text.to_owned(), facts: facts() }
}

pub(super) fn run(format: &dyn Format, options: &toml::Table, rows: &[Row], rules: &[Rule]) -> Files {
    run_after(format, options, rows, rules, &Files::default())
}

/// With what was written last time.
pub(super) fn run_after(
    format: &dyn Format,
    options: &toml::Table,
    rows: &[Row],
    rules: &[Rule],
    before: &Files,
) -> Files {
    format.check(options).unwrap();
    let about = About {
        name: "soc-1".to_owned(),
        collections: vec!["feed-a".to_owned()],
        tlp: Tlp::Amber,
        pap_max: Pap::Amber,
        purposes: vec!["cyber-defence".to_owned()],
        caveats: vec![],
        generated: Timestamp::from_micros(1_795_413_600_000_000),
        left_out: BTreeMap::new(),
        url: "https://liaison.example".to_owned(),
        tlp_write: TlpWrite::Two,
    };
    let previous =
        |name: &str| before.files.iter().find(|file| file.name == name).map(|file| file.bytes.clone());
    let input = Input { about: &about, options, rows, rules, objects: &[], previous: &previous };
    let mut files = Files::default();
    format.write(&input, &mut files).unwrap();
    files
}

pub(super) fn main_file(files: &Files) -> String {
    file(files, 0)
}

pub(super) fn file(files: &Files, number: usize) -> String {
    String::from_utf8(files.files[number].bytes.clone()).unwrap()
}

/// Text with what means something in one format or another.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"; sid:1; drop".to_owned()),
        prop::sample::select(vec![
            "\n",
            "\r\n",
            "\0",
            "\t",
            "'",
            "\"",
            "\\",
            ";",
            ":",
            "|",
            "|41|",
            ",",
            "#",
            "-",
            "(empty)",
            "\\x41",
            "\u{202e}",
            "\u{2028}",
            "=",
            "+",
            "@",
            "*",
            "?",
            "%",
            "%00",
            "//",
            "/*",
            "*/",
            "{",
            "}",
            "}}\nrule x",
            "\" condition: true",
            "${x}",
            "$HOME_NET",
            "- ",
            ": ",
            " #",
            "---\n",
            "|-",
            "&a",
            "!!x",
            "yes",
            "ä",
            "𝒳",
            " ",
            "null",
            "1e3",
            "~",
            "[",
            "]",
            ">",
            "`",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9./]{1,8}",
        "\\PC{1,4}",
    ];
    prop_oneof![
        8 => prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat()),
        1 => "[a-z/;|\"]{300,1200}",
    ]
}

/// Rows that a format takes, each value once, with awkward texts in values and all around.
pub(super) fn awkward(format: &'static dyn Format) -> impl Strategy<Value = Vec<Row>> {
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| format.takes(*kind)).collect();
    let around = [
        "",
        "http://a.example/",
        "http://a.example/?q=",
        "https://a.example:8443/",
        "http://[2001:db8::1]/",
        "http://u@a.example/",
    ];
    let value = (prop::sample::select(kinds), prop::sample::select(around.to_vec()), text(), 0u32..9);
    let row = (value, text(), text(), text(), 0u32..100).prop_filter_map(
        "no value",
        |(value, name, label, owner, n)| {
            let (kind, around, text, host) = value;
            let candidates = [
                format!("{around}{text}"),
                format!("{text}@a{host}.example"),
                format!("b{host}.{text}.example"),
                format!("198.51.{host}.{n}"),
                format!("203.{host}.{n}.0/24"),
                format!("2001:db8:{host}::{n}"),
                format!("2001:db8:{n}{host}::/64"),
                format!("c{host}-{n}.example"),
                format!("{n:032x}"),
                format!("{n:040x}"),
                format!("{n:064x}"),
                format!("{n:0128x}"),
            ];
            let atom = candidates.iter().find_map(|text| Atom::parse(kind, text).ok())?;
            let mut facts = facts();
            facts.id = format!("indicator--{n:08x}-fc7d-57a1-8d99-e15308e88ca1");
            facts.description = format!("{name}{label}");
            (facts.name, facts.labels, facts.owners) = (name, vec![label.clone()], vec![owner]);
            (facts.classification, facts.indicator_types) = (label.clone(), vec![label]);
            facts.confidence = (n < 90).then_some(n as u8);
            Some(Row { atom, facts })
        },
    );
    prop::collection::vec(row, 0..12).prop_map(|rows| {
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.atom.clone(), row)).collect();
        rows.into_values().collect()
    })
}
