use super::super::detection::{awkward, file, row, rule, run};
use super::*;
use proptest::prelude::*;

/// A scalar in single quotes.
fn scalar(text: &str) -> String {
    let inner = text.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
    let undone = inner.replace("''", "\0");
    assert!(!undone.contains('\''), "a quote that ends the scalar: {text}");
    undone.replace('\0', "'")
}

/// A comparison's value with its escapes undone; a wildcard that is left is none of ours.
fn plain(pattern: &str) -> String {
    let mut value = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => value.push(rest.next().filter(|c| matches!(c, '*' | '?' | '\\')).unwrap()),
            '*' | '?' => panic!("a wildcard in {pattern}"),
            _ => value.push(c),
        }
    }
    value
}

/// What a rule's lists hold, by field; every other line must be `key: 'scalar'` or `key:`.
fn read(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut field = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        if let Some(value) = line.strip_prefix("      - ") {
            found.push((field.clone(), plain(&scalar(value))));
        } else if let Some(value) = line.strip_prefix("  - ") {
            scalar(value);
        } else {
            let (key, value) = line.split_once(':').unwrap();
            assert!(
                key.trim_start().chars().all(|c| c.is_ascii_alphanumeric() || "_-|".contains(c)),
                "{line}"
            );
            if !value.is_empty() {
                scalar(value.strip_prefix(' ').unwrap());
            }
            assert!(!line.starts_with("    ") || line.ends_with(':'));
            if !key.starts_with(' ') {
                assert!(keys.insert(key.to_owned()), "twice: {key}");
            }
            field = key.trim_start().to_owned();
        }
    }
    for key in ["title", "id", "status", "description", "logsource", "detection", "level"] {
        assert!(keys.contains(key), "no {key}");
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn values_come_back_as_they_were(rows in awkward(&Sigma)) {
        let files = run(&Sigma, &toml::Table::new(), &rows, &[]);
        let mut found = Vec::new();
        for number in 0..files.files.len() {
            if files.files[number].rows > 0 {
                found.extend(read(&file(&files, number)));
            }
        }
        let mut wanted = Vec::new();
        for row in &rows {
            for source in &SOURCES {
                for (field, before, kinds) in source.fields {
                    if kinds.contains(&row.atom.kind()) {
                        wanted.push(((*field).to_owned(), format!("{before}{}", row.atom.text())));
                    }
                }
            }
        }
        found.sort();
        wanted.sort();
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn files_hold_five_thousand_values_of_one_collection() {
    let mut rows: Vec<Row> = (0..5001).map(|n| row(Kind::Ipv6, &format!("2001:db8::{n:x}:1"))).collect();
    rows.push(row(Kind::Ipv6, "2001:db8:1::1"));
    rows[5001].facts.collection = "feed-b/../x".to_owned();
    let files = run(&Sigma, &toml::Table::new(), &rows, &[]);
    let names: Vec<_> = files.files.iter().map(|file| (file.name.as_str(), file.rows)).collect();
    let expected = [
        ("liaison-feed-a-network_connection.yml", 5000),
        ("liaison-feed-a-network_connection-2.yml", 1),
        ("liaison-feed-b-x-network_connection.yml", 1),
    ];
    let expected = expected.map(|(name, rows)| (name.replace("b-x", "bx"), rows));
    assert_eq!(names, expected.iter().map(|(name, rows)| (name.as_str(), *rows)).collect::<Vec<_>>());
    let id = |number| file(&files, number).lines().find(|line| line.starts_with("id: ")).unwrap().to_owned();
    assert!(id(0) != id(1) && id(1) != id(2));
}

#[test]
fn no_rows_are_a_file_of_comments() {
    let files = run(&Sigma, &toml::Table::new(), &[], &[]);
    assert_eq!(files.files.len(), 1);
    assert!(file(&files, 0).lines().all(|line| line.starts_with("# ")));
}

#[test]
fn options_are_checked() {
    assert!(Sigma.check(&"level = \"low\"".parse().unwrap()).is_ok());
    assert!(Sigma.check(&"level = \"loud\"".parse().unwrap()).unwrap_err().contains("critical"));
}

#[test]
fn rules_of_others_pass_only_if_understood() {
    let good =
        "title: A\nlogsource:\n  category: dns\ndetection:\n  a:\n    b|contains: 'c'\n  condition: a\n";
    let files = run(&Sigma, &toml::Table::new(), &[], &[rule("sigma", good)]);
    assert_eq!(files.files[0].name, "indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1.yml");
    assert!(file(&files, 0).ends_with(good));
    let changes = [
        ("A\n", "*a\n"),
        ("A\n", "!!x A\n"),
        ("A\n", "A\n---\n"),
        ("A\n", "1\n"),
        ("title", "action"),
        ("condition: a", "condition: b"),
        ("'c'", "'c"),
        ("contains", "re"),
        ("  a:", "\ta:"),
        ("A\n", "A\ntitle: B\n"),
    ];
    for (old, new) in changes {
        let files = run(&Sigma, &toml::Table::new(), &[], &[rule("sigma", &good.replacen(old, new, 1))]);
        assert_eq!((files.files[0].rows, files.left_out["not_understood"]), (0, 1), "{old} {new}");
    }
}
