//! The conformance ledger, `docs/conformance.md`, tells the truth about the tests.

use std::path::Path;

/// Every requirement on servers, by number.
const REQUIREMENTS: [&[std::ops::RangeInclusive<u32>]; 1] = [&[
    1..=7,
    10..=15,
    17..=32,
    35..=41,
    45..=47,
    49..=58,
    60..=65,
    70..=74,
    80..=91,
    95..=102,
    105..=124,
    130..=157,
    160..=162,
    165..=165,
    170..=173,
    180..=184,
    186..=186,
    190..=190,
    200..=204,
    206..=213,
    220..=222,
    230..=234,
    237..=237,
    240..=243,
    250..=255,
    260..=260,
    262..=263,
]];

struct Row {
    number: String,
    level: String,
    evidence: String,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn rows() -> Vec<Row> {
    let text = read("docs/conformance.md");
    let lines = text.lines().filter(|line| line.starts_with("| R"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 4, "{line}");
            Row { number: cells[0].to_owned(), level: cells[1].to_owned(), evidence: cells[3].to_owned() }
        })
        .collect()
}

/// The names in back quotes that have `::`.
fn tests_named(evidence: &str) -> Vec<&str> {
    evidence.split('`').filter(|part| part.contains("::")).collect()
}

#[test]
fn every_requirement_is_in_the_ledger_once() {
    let want: Vec<String> = REQUIREMENTS
        .iter()
        .flat_map(|ranges| ranges.iter().cloned().flatten())
        .map(|n| format!("R{n:03}"))
        .collect();
    let found: Vec<String> = rows().into_iter().map(|row| row.number).collect();
    assert_eq!(found, want);
}

#[test]
fn every_test_named_in_the_ledger_exists() {
    for row in rows() {
        for test in tests_named(&row.evidence) {
            let (place, name) = test.rsplit_once("::").unwrap();
            let (path, line) = match place.strip_prefix("it::") {
                Some(module) => (format!("tests/it/{module}.rs"), format!("#[test]\nfn {name}()")),
                None => (
                    format!("tests/python/{}.py", place.strip_prefix("python::").unwrap()),
                    format!("def {name}("),
                ),
            };
            assert!(read(&path).contains(&line), "{}: {test} is no test", row.number);
        }
    }
}

#[test]
fn only_what_is_optional_is_without_a_test() {
    for row in rows() {
        let has_tests = !tests_named(&row.evidence).is_empty();
        let optional = row.level == "O" || ["R011", "R260"].contains(&row.number.as_str());
        assert!(has_tests || optional, "{} ({}) has no test", row.number, row.level);
        assert!(has_tests || row.evidence.len() > 20, "{}: say why", row.number);
    }
}

#[test]
fn divergences_named_in_the_ledger_are_explained() {
    let divergences = read("docs/divergences.md");
    for row in rows().iter().filter(|row| row.evidence.contains("divergences.md")) {
        assert!(divergences.contains(&row.number), "{} is not in docs/divergences.md", row.number);
    }
}
