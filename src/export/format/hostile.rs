//! Values and texts as somebody would write them who wants to break out of a list, for property tests.

use super::{Files, Format, Input};
use crate::export::{About, Facts, Row, TlpWrite};
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Facts with nothing special in them.
pub(super) fn facts() -> Facts {
    Facts {
        warned: false,
        id: "indicator--ff5c8641-1b9e-4b11-9d6e-1f6a5b0c7d21".to_owned(),
        modified: Timestamp::from_micros(GENERATED_MICROS),
        confidence: Some(80),
        tlp: Tlp::Amber,
        pap: Pap::Green,
        valid_from: Timestamp::from_micros(GENERATED_MICROS),
        valid_until: None,
        classification: "c2-server".to_owned(),
        indicator_types: Vec::new(),
        labels: Vec::new(),
        owners: vec!["CERT A".to_owned()],
        collection: "feed-a".to_owned(),
        name: String::new(),
        description: String::new(),
    }
}

/// What is said of an export.
pub(super) fn about() -> About {
    About {
        name: "soc-1".to_owned(),
        collections: vec!["feed-a".to_owned()],
        tlp: Tlp::Amber,
        pap_max: Pap::Green,
        purposes: vec!["cyber-defence".to_owned()],
        caveats: Vec::new(),
        generated: Timestamp::from_micros(GENERATED_MICROS),
        left_out: BTreeMap::new(),
        url: "https://liaison.example".to_owned(),
        tlp_write: TlpWrite::Two,
    }
}

/// A row of a value.
pub(super) fn row(kind: Kind, value: &str) -> Row {
    Row { atom: Atom::parse(kind, value).unwrap(), facts: facts() }
}

/// What a format makes of rows.
pub(super) fn write(format: &dyn Format, about: &About, rows: &[Row], options: &str) -> Files {
    let options = options.parse().unwrap();
    format.check(&options).unwrap();
    let mut files = Files::default();
    let input = Input { about, options: &options, rows, rules: &[], objects: &[], previous: &|_| None };
    format.write(&input, &mut files).unwrap();
    files
}

/// The text of a file.
pub(super) fn text(files: &Files) -> &str {
    std::str::from_utf8(&files.files[0].bytes).unwrap()
}

/// What an export says of itself, hostile too.
pub(super) fn abouts() -> impl Strategy<Value = About> {
    vec(texts(), 0..3).prop_map(|caveats| About { caveats, ..about() })
}

/// Rows of kinds that a format takes: one for each value, in their order.
pub(super) fn rows(format: &'static dyn Format) -> impl Strategy<Value = Vec<Row>> {
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| format.takes(*kind)).collect();
    let one = (proptest::sample::select(kinds), values(), any_facts()).prop_filter_map(
        "no value of the format",
        move |(kind, value, facts)| {
            let atom = Atom::parse(kind, &value).ok()?;
            format.takes(atom.kind()).then_some(Row { atom, facts })
        },
    );
    vec(one, 0..16).prop_map(|rows| {
        let rows: BTreeMap<Atom, Row> = rows.into_iter().map(|row| (row.atom.clone(), row)).collect();
        rows.into_values().collect()
    })
}

/// Any text, mostly of what has a meaning somewhere.
pub(super) fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => "[a-z0-9.]{1,8}",
        1 => "\\PC{0,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop_oneof![99 => vec(piece, 0..6).prop_map(|pieces| pieces.concat()), 1 => Just("x\"\n".repeat(2_000))]
}

fn values() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        3 => proptest::sample::select(LABELS).prop_map(str::to_owned),
        1 => "[a-z0-9_-]{1,63}",
    ];
    prop_oneof![
        2 => texts(),
        4 => vec(label, 1..6).prop_map(|labels| labels.join(".")),
        3 => (any::<[u8; 4]>(), 0..=32u8).prop_map(|(a, len)| format!("{}.{}.{}.{}/{len}", a[0], a[1], a[2], a[3])),
        1 => (0..4u8, 22..=32u8).prop_map(|(a, len)| format!("198.51.100.{a}/{len}")),
        3 => (proptest::array::uniform8(prop_oneof![Just(0u16), any::<u16>()]), 0..=128u8)
            .prop_map(|(groups, len)| format!("{}/{len}", std::net::Ipv6Addr::from(groups))),
        1 => (any::<u32>(), 90..=128u8).prop_map(|(v4, len)| format!("::ffff:{}/{len}", std::net::Ipv4Addr::from(v4))),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let id = prop_oneof![3 => Just(facts().id), 1 => texts().prop_map(|text| format!("indicator--{text}"))];
    let until = proptest::option::of(-1_000_000..10_000_000i64);
    (id, texts(), texts(), vec(texts(), 0..3), until).prop_map(|(id, name, description, words, until)| {
        Facts {
            id,
            description,
            valid_until: until.map(|secs| Timestamp::from_micros(GENERATED_MICROS + secs * 1_000_000)),
            classification: name.clone(),
            collection: name.clone(),
            name,
            labels: words.clone(),
            indicator_types: words.clone(),
            owners: words,
            ..facts()
        }
    })
}

/// When the exports of the tests were made.
pub(super) const GENERATED_MICROS: i64 = 1_795_413_600_000_000;

const PIECES: &[&str] = &[
    "\"",
    "'",
    "`",
    ";",
    "\n",
    "\r\n",
    "\t",
    " ",
    "|",
    "\0",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "=",
    "+",
    "-",
    "@",
    "#",
    "/",
    "\\",
    "{",
    "}",
    "(",
    ")",
    "$ORIGIN .",
    "$INCLUDE /etc/passwd",
    "CNAME .",
    "*.",
    "rpz-ip",
    "local-zone: \"x\"",
    "server:",
    "address=/#/",
    "0.0.0.0 ",
    "flush ruleset",
    "add liaison4 1.2.3.4",
    "comment \"",
    "bad.example",
    "198.51.100.7",
    "2001:db8::66",
    "/0",
    ".",
    ",",
    "ä",
    "xn--",
    "http://a.example/",
    "%0a",
    "\u{7f}",
    "\u{200b}",
    "$(id)",
    "quit",
];
const LABELS: &[&str] = &[
    "a",
    "b",
    "bad",
    "example",
    "test",
    "localhost",
    "rpz-ip",
    "rpz-client-ip",
    "rpz-drop",
    "32",
    "zz",
    "*",
    "@",
    "$ttl",
    "in",
    "cname",
    "server",
    "xn--mnchen-3ya",
    "ä",
    "_dmarc",
    "-",
    "",
    "localdomain",
    "address",
    "a123456789012345678901234567890123456789012345678901234567890bc",
];
