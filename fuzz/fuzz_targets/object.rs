//! A text as `liaison validate` takes it: the JSON reader, the judge under each profile, and the
//! review of whole documents.

#![no_main]

use liaison::stix::Timestamp;
use liaison::stix::content::{Extensions, Finding, Findings, Options, Profile, Reviewer, judge};
use liaison::stix::json::{self, Defect, Documents, JsonError, Kind, Seen, Value};
use libfuzzer_sys::fuzz_target;
use std::ops::Range;
use std::sync::LazyLock;

fuzz_target!(|text: &[u8]| {
    let whole = json::read(text.to_vec(), |seen| judged(seen, &PROFILES));
    let (at_once, in_chunks) = (read_all(text, usize::MAX), read_all(text, 0));
    let clean = std::str::from_utf8(text).is_ok();
    match (&whole, &at_once, &in_chunks) {
        (Ok(document), Ok(once), Ok(chunks)) => {
            assert_eq!(document.text, once.text);
            assert_eq!(once.roots.len(), 1, "one document, told apart as several");
            assert_eq!(parts(std::slice::from_ref(&document.root)), parts(&once.roots));
            same(once, chunks);
            agrees_with_serde(text, document);
            let again = json::read(document.text.to_vec(), |_| ()).expect("a compact text is read again");
            assert_eq!(again.text, document.text, "a compact text is compact");
        }
        (Ok(_), ..) => panic!("read at once, but not in parts"),
        (Err(_), Ok(once), Ok(chunks)) => {
            assert_ne!(once.roots.len(), 1, "a document that is refused when it comes alone");
            same(once, chunks);
        }
        // Of a text that is not UTF-8 another mistake may be met first.
        (Err(_), Err(once), Err(chunks)) => assert!(!clean || once == chunks, "{once:?} {chunks:?}"),
        (Err(_), once, chunks) => panic!("chunks make a difference: {:?} {:?}", once.is_ok(), chunks.is_ok()),
    }
    if at_once.is_ok() {
        review(text);
    }
});

/// What was found of a part.
#[derive(Debug, PartialEq)]
struct Judged {
    item: Option<usize>,
    kind: Kind,
    range: Range<usize>,
    defect: Option<Defect>,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    tree: Option<serde_json::Value>,
}

/// Judges a part under these profiles, and keeps what the first of them finds.
fn judged(seen: Seen, profiles: &[Profile]) -> Judged {
    let found: Vec<Findings> = profiles.iter().map(|profile| judge(seen, options(*profile))).collect();
    found.iter().for_each(|findings| points_inside(findings, true));
    milder_refuse_less(&found);
    // A tape that is cut short, or lacks what was shown before, is not the whole tree.
    let is_whole = matches!(seen.defect, None | Some(Defect::Nul)) && profiles.len() > 1;
    let mut found = found.into_iter();
    let Findings { errors, warnings, .. } = found.next().expect("there is a first profile");
    Judged {
        item: seen.item,
        kind: seen.value.kind(),
        range: seen.value.range(),
        defect: seen.defect.cloned(),
        errors,
        warnings,
        tree: is_whole.then(|| tree(seen.value)),
    }
}

/// A profile says the same as a stricter one, and refuses for part of its reasons.
fn milder_refuse_less(found: &[Findings]) {
    let count = |findings: &Findings| {
        let told = findings.errors.iter().chain(&findings.warnings).map(|finding| finding.count);
        told.sum::<usize>() + findings.more_errors
    };
    let capped = found.iter().any(|findings| findings.warnings.len() >= WARNINGS_KEPT);
    for pair in found.windows(2) {
        assert!(pair[1].is_valid() || !pair[0].is_valid(), "a milder profile refuses more");
        assert!(capped || count(&pair[0]) == count(&pair[1]), "a profile hides findings: {pair:?}");
    }
}

/// Each pointer is one (RFC 6901).
fn points_inside(findings: &Findings, escaped: bool) {
    for finding in findings.errors.iter().chain(&findings.warnings) {
        let Finding { pointer, .. } = finding;
        assert!(pointer.is_empty() || pointer.starts_with('/'), "{finding:?}");
        let mut after = pointer.split('~').skip(1);
        assert!(!escaped || after.all(|rest| rest.starts_with(['0', '1'])), "{finding:?}");
        assert!(!finding.to_string().is_empty());
    }
}

/// Reads documents that come in parts of up to `most` bytes, or of all sizes.
fn read_all(text: &[u8], most: usize) -> Result<Documents<Judged>, JsonError> {
    let (mut rest, mut turn) = (text, text.len());
    let mut more = |buffer: &mut Vec<u8>| {
        turn = turn.wrapping_mul(0x5851_F42D).wrapping_add(0x1405);
        let size = if most > 0 { most } else { 1 + (turn >> 7) % SIZES[turn % SIZES.len()] };
        let (next, after) = rest.split_at(size.min(rest.len()));
        buffer.extend_from_slice(next);
        rest = after;
        // The end is told with the last byte or after it.
        !next.is_empty() && (turn % 3 > 0 || !rest.is_empty())
    };
    json::read_all(&mut more, |seen| judged(seen, &PROFILES[..1]))
}

fn same(one: &Documents<Judged>, other: &Documents<Judged>) {
    assert_eq!(one.text, other.text, "chunks change the text");
    assert_eq!(parts(&one.roots), parts(&other.roots), "chunks change what is found");
}

/// What there is to compare of documents.
fn parts(roots: &[json::Root<Judged>]) -> Vec<(usize, bool, Option<usize>, Range<usize>, Same<'_>)> {
    let all = roots.iter().flat_map(|root| {
        let items = root.items.iter().flatten();
        let count = root.items.as_ref().map(Vec::len);
        items.chain([&root.part]).map(move |part| {
            let Judged { item, kind, range, defect, errors, warnings, .. } = &part.seen;
            assert_eq!(&part.range, range, "a part and its value stand in one place");
            let seen = (*item, *kind, defect.as_ref(), errors.as_slice(), warnings.as_slice());
            (root.line, part.is_object, count, part.range.clone(), seen)
        })
    });
    all.collect()
}

type Same<'a> = (Option<usize>, Kind, Option<&'a Defect>, &'a [Finding], &'a [Finding]);

/// A second reader accepts the text and sees the same in it, also after white space has gone.
fn agrees_with_serde(text: &[u8], document: &json::Document<Judged>) {
    let items = document.root.items.iter().flatten();
    let defects = items.chain([&document.root.part]).map(|part| &part.seen.defect);
    let plain = defects.into_iter().all(|defect| matches!(defect, None | Some(Defect::Nul)));
    let tree: serde_json::Value = match serde_json::from_slice(text) {
        Ok(tree) => tree,
        // A number that no double holds is a defect of its object alone.
        Err(error) => return assert!(!plain, "serde_json refuses it: {error}"),
    };
    let compact: serde_json::Value =
        serde_json::from_slice(&document.text).expect("the compact text is JSON");
    assert_eq!(tree, compact, "white space was significant");
    for (at, item) in document.root.items.iter().flatten().enumerate() {
        if let Some(seen) = &item.seen.tree {
            assert_eq!(seen, &tree["objects"][at], "an item is read as something else");
        }
    }
    let mut rest = tree;
    if let Some(objects) = document.root.items.as_ref().and_then(|_| rest.get_mut("objects")) {
        *objects = serde_json::Value::Array(Vec::new());
    }
    if let Some(seen) = &document.root.part.seen.tree {
        assert_eq!(seen, &rest, "the document is read as something else");
    }
}

/// The tree as the tape tells it.
fn tree(value: Value) -> serde_json::Value {
    match value.kind() {
        Kind::Object => value.members().map(|(key, value)| (key.name().into_owned(), tree(value))).collect(),
        Kind::List => value.items().map(tree).collect(),
        Kind::Text | Kind::Escaped => value.text().expect("a string is text").into(),
        Kind::Integer => {
            let number = value.integer().expect("an integer has a value");
            assert_eq!(value.float(), Some(number as f64));
            value.tree()
        }
        Kind::BigInteger | Kind::Fraction => {
            let tree = value.tree();
            assert_eq!(value.float(), tree.as_f64());
            tree
        }
        Kind::True => true.into(),
        Kind::False => false.into(),
        Kind::Null => serde_json::Value::Null,
    }
}

/// What is found of each document, and of each object of it.
fn review(text: &[u8]) {
    let read = |reviewer: &mut Reviewer| {
        let mut rest = Some(text);
        let mut more = |buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(rest.take().unwrap_or_default());
            false
        };
        json::read_all(&mut more, |seen| reviewer.see(seen)).expect("it was read before")
    };
    let mut found = Vec::new();
    for profile in PROFILES {
        let mut reviewer = Reviewer::new(options(profile));
        let Documents { text, roots } = read(&mut reviewer);
        let of_profile: Vec<Findings> = roots.into_iter().map(|root| reviewer.whole(root, &text)).collect();
        of_profile.iter().for_each(|findings| points_inside(findings, false));
        found.push(of_profile);
    }
    let documents = found[0].len();
    for at in 0..documents {
        let profiles: Vec<Findings> = found.iter().map(|found| found[at].clone()).collect();
        milder_refuse_less(&profiles);
    }
    let mut reviewer = Reviewer::new(options(Profile::Interop));
    let Documents { text, roots } = read(&mut reviewer);
    for (root, whole) in roots.into_iter().zip(&found[1]) {
        let each = reviewer.each(root, &text);
        each.iter().for_each(|(_, findings)| points_inside(findings, false));
        let valid = each.iter().all(|(_, findings)| findings.is_valid());
        assert_eq!(valid, whole.is_valid(), "a document is as good as its parts");
    }
}

fn options(profile: Profile) -> Options<'static> {
    Options { profile, advise: true, now: Some(NOW), extensions: Some(&EXTENSIONS) }
}

/// Strictest first.
const PROFILES: [Profile; 3] = [Profile::Strict, Profile::Interop, Profile::Permissive];
/// 2026-06-01
const NOW: Timestamp = Timestamp::from_micros(1_780_272_000_000_000);
/// Past so many, warnings are dropped.
const WARNINGS_KEPT: usize = 10_000;
/// Chunks are at most that long.
const SIZES: [usize; 5] = [1, 2, 5, 40, 3_000];

static EXTENSIONS: LazyLock<Extensions> = LazyLock::new(|| {
    let mut known = Extensions::default();
    known.add(EXTENSION, Some(SCHEMA)).expect("the schema is one");
    known
});
/// Of `tests/python/content/valid.jsonl`.
const EXTENSION: &str = "extension-definition--0bbc9eae-6b60-495f-9ee5-08d93b445403";
const SCHEMA: &str = r#"{"type": "object", "required": ["risk_score"],
    "properties": {"risk_score": {"type": "integer", "maximum": 99}, "note_text": {"pattern": "^[a-z~/]*$"}},
    "additionalProperties": {"type": ["string", "array", "number", "boolean"]}}"#;
