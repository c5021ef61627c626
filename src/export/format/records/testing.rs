//! Rows as bad as those may be who publish them.

use crate::export::format::{Files, Format, Input};
use crate::export::row::{About, Facts, Row, TlpWrite};
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Text that means something to one format or another.
pub(in crate::export::format) fn text() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        3 => prop::sample::select(BITS.to_vec()).prop_map(str::to_owned),
        3 => "[a-z0-9 ]{0,8}",
        2 => any::<char>().prop_map(String::from),
        1 => Just("long ".repeat(90)),
    ];
    prop::collection::vec(bit, 0..8).prop_map(|bits| bits.concat())
}

/// Values of all kinds; what is none is dropped, as it is before a writer.
fn atom() -> impl Strategy<Value = Option<Atom>> {
    let plain = prop::sample::select(vec![
        Kind::FileName,
        Kind::Mutex,
        Kind::RegistryKey,
        Kind::Account,
        Kind::UserAgent,
    ]);
    let host = prop::sample::select(vec![
        "a.example",
        "b_c.example.net",
        "xn--mnchen-3ya.example",
        "bücher.example",
    ]);
    let url = (prop::sample::select(vec!["http", "https", "ftp", "ldap"]), host.clone(), text());
    let fixed = prop::sample::select(FIXED.to_vec());
    prop_oneof![
        4 => (plain, text()).prop_map(|(kind, text)| Atom::parse(kind, &text).ok()),
        3 => url.prop_map(|(scheme, host, text)| Atom::parse(Kind::Url, &format!("{scheme}://{host}/{text}")).ok()),
        1 => (text(), host.clone()).prop_map(|(text, host)| Atom::parse(Kind::Email, &format!("{text}@{host}")).ok()),
        1 => host.prop_map(|host| Atom::parse(Kind::Domain, host).ok()),
        1 => any::<[u8; 4]>().prop_map(|ip| Atom::parse(Kind::Ipv4, &std::net::Ipv4Addr::from(ip).to_string()).ok()),
        1 => any::<u128>().prop_map(|ip| Atom::parse(Kind::Ipv6, &std::net::Ipv6Addr::from(ip).to_string()).ok()),
        3 => fixed.prop_map(|(kind, text)| Atom::parse(kind, text).ok()),
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let texts = || prop::collection::vec(text(), 0..3);
    let levels = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
    let marking = (prop::sample::select(levels.to_vec()), any::<[bool; 2]>(), prop::option::of(0..=100_u8));
    let times = (0..4_000_000_000_000_000_i64, prop::option::of(0..4_000_000_000_000_000_i64));
    let words =
        prop::sample::select(vec!["c2-server", "phishing", "undetermined", "unauthorised-use-of-resources"]);
    (text(), text(), texts(), texts(), marking, times, words, any::<u128>()).prop_map(
        |(
            name,
            description,
            labels,
            owners,
            (tlp, [is_amber, is_anonymous], confidence),
            (from, until),
            word,
            id,
        )| Facts {
            warned: false,
            id: format!("indicator--{}", uuid::Uuid::from_u128(id)),
            modified: Timestamp::from_micros(from),
            confidence,
            tlp,
            pap: if is_amber { Pap::Amber } else { Pap::Green },
            valid_from: Timestamp::from_micros(from),
            valid_until: until.map(Timestamp::from_micros),
            classification: word.to_owned(),
            indicator_types: if is_anonymous { vec!["anonymization".to_owned()] } else { Vec::new() },
            labels,
            owners,
            collection: "feed-a".to_owned(),
            name,
            description,
        },
    )
}

/// Rows in the order of an export.
pub(in crate::export::format) fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((atom(), facts()), 0..12).prop_map(|pairs| {
        let mut seen = BTreeSet::new();
        let mut rows: Vec<Row> = pairs
            .into_iter()
            .filter_map(|(atom, facts)| atom.map(|atom| Row { atom, facts }))
            .filter(|row| seen.insert(row.atom.clone()))
            .collect();
        rows.sort_by(|a, b| a.atom.cmp(&b.atom));
        rows
    })
}

/// Three rows with these confidences.
pub(in crate::export::format) fn three(kind: Kind, confidences: [Option<u8>; 3]) -> Vec<Row> {
    let value = |nth: usize| FIXED.iter().filter(|(of, _)| *of == kind).nth(nth).unwrap().1;
    let row = |(nth, confidence)| Row {
        atom: Atom::parse(kind, value(nth)).unwrap(),
        facts: Facts {
            warned: false,
            id: "indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1".to_owned(),
            modified: Timestamp::from_micros(1_795_413_600_000_000),
            confidence,
            tlp: Tlp::Amber,
            pap: Pap::Green,
            valid_from: Timestamp::from_micros(1_795_413_600_000_000),
            valid_until: Some(Timestamp::from_micros(1_798_005_600_000_000)),
            classification: "c2-server".to_owned(),
            indicator_types: Vec::new(),
            labels: vec!["rat".to_owned(), "wave-7".to_owned()],
            owners: vec!["CERT-Example".to_owned()],
            collection: "feed-a".to_owned(),
            name: "Name".to_owned(),
            description: "two words".to_owned(),
        },
    };
    confidences.into_iter().enumerate().map(row).collect()
}

/// What a writer makes of the rows that it takes.
pub(in crate::export::format) fn written(format: &dyn Format, rows: &[Row], options: &str) -> Files {
    let about = About {
        name: "soc-1".to_owned(),
        collections: vec!["feed-a".to_owned()],
        tlp: rows.iter().map(|row| row.facts.tlp).max().unwrap_or(Tlp::Clear),
        pap_max: format.class().pap_max(),
        purposes: vec!["cyber-defence".to_owned()],
        caveats: vec!["Evidence:\n ask first".to_owned()],
        generated: Timestamp::from_micros(1_795_413_600_000_000),
        left_out: BTreeMap::from([("pap_class", 1)]),
        url: "https://liaison.example".to_owned(),
        tlp_write: TlpWrite::Two,
    };
    let options = options.parse().unwrap();
    format.check(&options).unwrap();
    let rows: Vec<Row> = rows.iter().filter(|row| format.takes(row.atom.kind())).cloned().collect();
    let previous = |_: &str| None;
    let input = Input {
        about: &about,
        options: &options,
        rows: &rows,
        rules: &[],
        objects: &[],
        previous: &previous,
    };
    let mut files = Files::default();
    format.write(&input, &mut files).unwrap();
    files
}

/// The records of JSON lines, and no line besides.
pub(in crate::export::format) fn json_lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    // Readers exist that end lines here as well.
    assert!(
        !text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}'])
    );
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const BITS: [&str; 34] = [
    "\"",
    "'",
    ";",
    ",",
    "|",
    "\\",
    "\\\\",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "=",
    "+cmd|' /C calc'!A0",
    "-1",
    "@SUM(1)",
    "=HYPERLINK(1)",
    "\u{202e}",
    "\u{2066}",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    " cs1=CLEAR",
    " tlp=CLEAR",
    "\ttlp=CLEAR",
    "*",
    "%0a",
    "{}",
    "\\n",
    "\"}\n{\"a\":1",
    "/../",
    "?a=1&b=2",
    "<![CDATA[",
    "$(id)",
    "CEF:0|",
];

const FIXED: [(Kind, &str); 25] = [
    (Kind::Domain, "c1.evil.example"),
    (Kind::Domain, "c2.evil.example"),
    (Kind::Domain, "c3.evil.example"),
    (Kind::Url, "http://c2.evil.example/gate?a=1"),
    (Kind::Url, "http://[2001:db8::66]:8080/a|b"),
    (Kind::Url, "http://user:pass@198.51.100.7/"),
    (Kind::Ipv4Network, "203.0.113.0/24"),
    (Kind::Ipv6Network, "2001:db8::/32"),
    (Kind::Email, "a=b|c@bad-login.example"),
    (Kind::FileMd5, "d41d8cd98f00b204e9800998ecf8427e"),
    (Kind::FileSha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (Kind::FileSha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Kind::FileSsdeep, "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"),
    (Kind::CertificateMd5, "d41d8cd98f00b204e9800998ecf8427e"),
    (Kind::CertificateSha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (Kind::CertificateSha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Kind::AsNumber, "64496"),
    (Kind::Mac, "00:00:5e:00:53:01"),
    (Kind::Iban, "GB33BUKB20201555555555"),
    (Kind::Phone, "+15555550100"),
    (Kind::Wallet, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    (Kind::RegistryKey, "HKEY_LOCAL_MACHINE\\Software\\A=B"),
    (Kind::FileName, "=cmd|'.exe"),
    (Kind::Account, " - "),
    (Kind::Account, "-"),
];
