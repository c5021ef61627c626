//! What the tests of formats share.

use super::{Files, Format, Input};
use crate::export::row::{About, Facts, Row};
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use proptest::prelude::*;

/// How many times each property is tried.
pub(super) const CASES: u32 = 64;
/// The id of each row.
pub(super) const ID: &str = "indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1";

/// A row with a text in every place that takes one.
pub(super) fn row(atom: Atom, text: &str) -> Row {
    let now = Timestamp::from_micros(1_795_413_600_000_000);
    let facts = Facts {
        warned: false,
        id: ID.to_owned(),
        modified: now,
        confidence: Some(80),
        tlp: Tlp::Amber,
        pap: Pap::Green,
        valid_from: now,
        valid_until: None,
        classification: "c2-server".to_owned(),
        indicator_types: vec![text.to_owned()],
        labels: vec![text.to_owned()],
        owners: vec![text.to_owned()],
        collection: "feed-a".to_owned(),
        name: text.to_owned(),
        description: text.to_owned(),
    };
    Row { atom, facts }
}

/// Rows as a writer gets them: sorted, each once.
pub(super) fn rows(values: &[(Kind, &str)]) -> Vec<Row> {
    let mut atoms: Vec<Atom> =
        values.iter().map(|(kind, text)| Atom::parse(*kind, text).expect("a value")).collect();
    atoms.sort();
    atoms.dedup();
    atoms.into_iter().map(|atom| row(atom, "")).collect()
}

/// What a format writes.
pub(super) fn write(format: &dyn Format, options: &str, rows: &[Row]) -> Files {
    let options: toml::Table = options.parse().expect("TOML");
    format.check(&options).expect("options");
    let about = About {
        name: "soc-1".to_owned(),
        collections: vec!["feed-a".to_owned()],
        tlp: Tlp::Amber,
        pap_max: Pap::Green,
        purposes: vec!["cyber-defence".to_owned()],
        caveats: Vec::new(),
        generated: Timestamp::from_micros(1_795_413_600_000_000),
        left_out: std::collections::BTreeMap::new(),
        url: "https://liaison.example".to_owned(),
        tlp_write: Default::default(),
    };
    let rows: Vec<Row> = rows.iter().filter(|row| format.takes(row.atom.kind())).cloned().collect();
    let mut files = Files::default();
    let input = Input {
        about: &about,
        options: &options,
        rows: &rows,
        rules: &[],
        objects: &[],
        previous: &|_| None,
    };
    format.write(&input, &mut files).expect("written");
    files
}

/// The text of the file with a suffix.
pub(super) fn text(files: &Files, suffix: &str) -> String {
    let file = files.files.iter().find(|file| file.name.ends_with(suffix)).expect("a file");
    String::from_utf8(file.bytes.clone()).expect("UTF-8")
}

/// The lines of the file with a suffix, split at every byte that some reader takes as an end, without those of
/// the header, which must be all that start with `#`.
pub(super) fn lines(files: &Files, suffix: &str) -> Vec<String> {
    let text = text(files, suffix);
    let body = text.strip_suffix('\n').unwrap_or(&text);
    let body: Vec<&str> =
        body.split(['\n', '\r', '\u{b}', '\u{c}', '\0', '\u{85}', '\u{2028}', '\u{2029}']).collect();
    let first = body.iter().position(|line| !line.starts_with('#')).unwrap_or(body.len());
    assert!(body[first..].iter().all(|line| !line.starts_with('#') && !line.is_empty()), "{body:?}");
    body[first..].iter().map(|&line| line.to_owned()).collect()
}

/// Texts with the signs that formats give a meaning to.
pub(super) fn hostile() -> impl Strategy<Value = Vec<String>> {
    let sign = prop_oneof![
        6 => "[a-z0-9]{1,3}".prop_map(String::from),
        1 => "[A-Z]".prop_map(String::from),
        4 => prop::sample::select(SIGNS).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    let part = prop::collection::vec(sign, 0..12).prop_map(|signs| signs.concat());
    let frame = prop::sample::select(FRAMES);
    let text = (frame, part.clone(), part, 1..3usize).prop_map(|(frame, one, two, times)| {
        let times = if times == 2 { 40 } else { 1 };
        frame.replace("{1}", &one).replace("{2}", &two.repeat(times))
    });
    prop::collection::vec(text, 0..40)
}

/// The texts that are values of some kinds, with the text itself said of each.
pub(super) fn keep(texts: Vec<String>, kinds: &[Kind]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for text in &texts {
        rows.extend(
            kinds.iter().filter_map(|kind| Atom::parse(*kind, text).ok()).map(|atom| row(atom, text)),
        );
    }
    rows.sort_by(|a, b| a.atom.cmp(&b.atom));
    rows.dedup_by(|a, b| a.atom == b.atom);
    rows
}

/// What texts are made from.
const FRAMES: &[&str] = &[
    "{1}",
    "{1}.{2}.example",
    "{1}.example",
    "http://{1}.example/{2}",
    "http://h.example/{1}?{2}",
    "https://{1}:{2}@h.example/",
    "http://h.example:8080/{1}",
    "ftp://h.example/{1};{2}",
    "x://h.example/{1}{2}",
    "{1}@h.example",
    "#{1}@{2}.example",
    "/{1}/@h.example",
    "10.0.0.{1}",
    "10.0.0.0/{1}",
    "2001:db8::{1}/{2}",
    "{1}\n{2}",
    "default",
    "include",
    "hostnames",
    "volatile",
    "# {1}",
    "{1}:{2}",
    "\"{1}\":{2}",
    "198.51.100.7",
    "203.0.113.0/25",
];
const SIGNS: &[&str] = &[
    "\"", "'", ";", "\n", "\r", "|", "\0", "\u{202e}", "\u{feff}", "=", "+", "-", "@", "*", "CNAME .", "{",
    "}", "\\", "#", "/", "//", " ", "\t", "$", "$(", "`", "%", "%0a", "&", "<", ">", ",", ":", "::", "?",
    "[", "]", "(", ")", "^", "!", "~", ".", "_", "\u{85}", "\u{2028}", "ü", "٣", "\u{200b}",
];
