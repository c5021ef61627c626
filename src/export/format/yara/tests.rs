use super::super::detection::{awkward, main_file, row, rule, run};
use super::*;
use proptest::prelude::*;

/// Words, strings with their escapes undone (after a `"`), and single signs.
fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mut token = c.to_string();
        if c == '"' {
            loop {
                match rest.next().unwrap() {
                    '"' => break,
                    '\\' => match rest.next().unwrap() {
                        c @ ('"' | '\\') => token.push(c),
                        c => panic!("no escape: {c}"),
                    },
                    c => {
                        assert!(!c.is_control());
                        token.push(c);
                    }
                }
            }
        } else if c == '/' && rest.peek() == Some(&'/') {
            while rest.next_if(|c| *c != '\n').is_some() {}
            continue;
        } else if c.is_ascii_alphanumeric() || c == '_' {
            while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                token.push(c);
            }
        } else if c == '=' && rest.next_if_eq(&'=').is_some() {
            token.push('=');
        } else if c.is_ascii_whitespace() {
            continue;
        }
        found.push(token);
    }
    found
}

struct Read {
    name: String,
    meta: Vec<(String, String)>,
    hashes: Vec<(String, String)>,
}

fn read(text: &str) -> Vec<Read> {
    let tokens = tokens(text);
    let mut at = tokens.iter().map(String::as_str).peekable();
    let expect = |at: &mut dyn Iterator<Item = &str>, what: &str| {
        for word in what.split(' ') {
            assert_eq!(at.next(), Some(word));
        }
    };
    let mut rules = Vec::new();
    expect(&mut at, "import \"hash");
    while at.peek().is_some() {
        expect(&mut at, "rule");
        let name = at.next().unwrap().to_owned();
        expect(&mut at, ": liaison");
        assert!(at.next().unwrap().starts_with("tlp_"));
        expect(&mut at, "{ meta :");
        let mut meta = Vec::new();
        while at.peek() != Some(&"condition") {
            let key = at.next().unwrap().to_owned();
            expect(&mut at, "=");
            meta.push((key, at.next().unwrap().to_owned()));
        }
        expect(&mut at, "condition : filesize < 64MB and");
        let is_many = at.next_if_eq(&"(").is_some();
        let mut hashes = Vec::new();
        loop {
            expect(&mut at, "hash .");
            let function = at.next().unwrap().to_owned();
            expect(&mut at, "( 0 , filesize ) ==");
            hashes.push((function, at.next().unwrap().strip_prefix('"').unwrap().to_owned()));
            if at.next_if_eq(&"or").is_none() {
                break;
            }
        }
        expect(&mut at, if is_many { ") }" } else { "}" });
        rules.push(Read { name, meta, hashes });
    }
    rules
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn values_come_back_as_they_were(rows in awkward(&Yara)) {
        let files = run(&Yara, &toml::Table::new(), &rows, &[]);
        let rules = read(&main_file(&files));
        let mut found: Vec<_> = rules.iter().flat_map(|rule| rule.hashes.clone()).collect();
        let wanted = |row: &Row| (function(row.atom.kind()).unwrap().to_owned(), row.atom.text().to_owned());
        let mut all: Vec<_> = rows.iter().map(wanted).collect();
        found.sort();
        all.sort();
        prop_assert_eq!(found, all);
        let names: HashSet<&String> = rules.iter().map(|rule| &rule.name).collect();
        prop_assert_eq!(names.len(), rules.len());
        for rule in &rules {
            let author = rule.meta.iter().find(|(key, _)| key == "author").map(|(_, value)| &value[1..]);
            let is_owner = |row: &Row| author == Some(&one_line(&row.facts.owners.join(", "), TEXT_MAX));
            prop_assert!(rows.iter().any(is_owner));
        }
    }
}

#[test]
fn hashes_of_one_indicator_are_one_rule() {
    let rows = [row(Kind::FileMd5, &"0".repeat(32)), row(Kind::FileSha256, &"A".repeat(64))];
    let files = run(&Yara, &toml::Table::new(), &rows, &[]);
    let rules = read(&main_file(&files));
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].name, "liaison_ff5c8641_fc7d_57a1_8d99_e15308e88ca1");
    assert_eq!(rules[0].hashes[1], ("sha256".to_owned(), "a".repeat(64)));
    let meta = |key: &str| rules[0].meta.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    assert_eq!(meta("valid_until"), Some("\"2026-12-23T06:00:00Z".to_owned()));
    assert_eq!(meta("confidence"), Some("80".to_owned()));
}

#[test]
fn options_are_checked() {
    assert!(Yara.check(&"filesize_max_mb = 0".parse().unwrap()).unwrap_err().contains("filesize_max_mb"));
    assert!(Yara.check(&"size = 1".parse().unwrap()).is_err());
    assert!(Yara.check(&"filesize_max_mb = 1".parse().unwrap()).is_ok());
}

#[test]
fn rules_of_others_pass_only_if_understood() {
    let good = "rule a { strings: $b = \"c\" condition: $b }";
    let files = run(&Yara, &toml::Table::new(), &[], &[rule("yara", good), rule("yara", good)]);
    assert!(main_file(&files).ends_with(&format!(
        "{good}\n{}\n",
        good.replace("rule a", "rule liaison_ff5c8641_fc7d_57a1_8d99_e15308e88ca1")
    )));
    let changes = [
        ("rule", "global rule"),
        ("rule", "include \"x\" rule"),
        ("rule", "import \"magic\" rule"),
        ("}", "} rule b {"),
        ("}", "} /*"),
        ("}", ""),
        (": $b", ": a"),
        (": $b", ": $c"),
        ("\"c\"", "/c/"),
        ("\"c\"", "\"\\q\""),
    ];
    for (old, new) in changes {
        let files = run(&Yara, &toml::Table::new(), &[], &[rule("yara", &good.replacen(old, new, 1))]);
        assert_eq!((files.files[0].rows, files.left_out["not_understood"]), (0, 1), "{old} {new}");
    }
}
