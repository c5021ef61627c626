use super::super::detection::{awkward, facts, file, main_file, row, rule, run, run_after};
use super::*;
use crate::stix::Timestamp;
use proptest::prelude::*;

/// A rule's head and options, its escapes kept.
fn split(line: &str) -> (String, Vec<(String, String)>) {
    let (head, rest) = line.split_once(" (").unwrap();
    let inner = rest.strip_suffix(";)").unwrap();
    let mut options = vec![String::new()];
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => options.push(String::new()),
            '\\' => {
                let last = options.last_mut().unwrap();
                last.push(c);
                last.push(chars.next().unwrap());
            }
            c => options.last_mut().unwrap().push(c),
        }
    }
    let options = options.iter().map(|option| option.trim_start());
    let options = options.map(|option| option.split_once(':').unwrap_or((option, "")));
    (head.to_owned(), options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The bytes of a `content`.
fn bytes(value: &str) -> String {
    let inner = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    let mut found = Vec::new();
    for (n, part) in inner.split('|').enumerate() {
        if n % 2 == 0 {
            assert!(part.bytes().all(|b| (0x20..0x7f).contains(&b) && !b";\"\\:".contains(&b)), "{value}");
            found.extend_from_slice(part.as_bytes());
        } else {
            found.extend(part.split(' ').map(|hex| u8::from_str_radix(hex, 16).unwrap()));
        }
    }
    String::from_utf8(found).unwrap()
}

/// The value that a rule of ours looks for.
fn value(head: &str, options: &[(String, String)]) -> String {
    let contents: Vec<String> =
        options.iter().filter(|(name, _)| name == "content").map(|(_, value)| bytes(value)).collect();
    match &contents[..] {
        [] => head.split_once('[').unwrap().1.split_once(']').unwrap().0.to_owned(),
        [name] => name.strip_prefix('.').unwrap().to_owned(),
        [host, path] => format!("{host}{path}"),
        _ => panic!("{head}"),
    }
}

fn rules(files: &Files) -> Vec<(u32, u32, String)> {
    let text = main_file(files);
    let mut sids = std::collections::HashSet::new();
    let read = |line: &str| {
        let (head, options) = split(line);
        let one = |wanted: &str| {
            let all: Vec<_> = options.iter().filter(|(name, _)| name == wanted).collect();
            assert_eq!(all.len(), 1, "{wanted} in {line}");
            all[0].1.clone()
        };
        one("msg");
        let (sid, rev) = (one("sid").parse().unwrap(), one("rev").parse().unwrap());
        assert!(sids.insert(sid), "twice: {sid}");
        let is_ours = sid > 9_101_000 - 1 && !options.iter().any(|(name, _)| name.starts_with("file"));
        (sid, rev, if is_ours { value(&head, &options) } else { String::new() })
    };
    text.lines().filter(|line| !line.starts_with("# ")).map(read).collect()
}

fn by_rules() -> toml::Table {
    "layout = \"rules\"".parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn values_come_back_from_rules(rows in awkward(&Suricata)) {
        let files = run(&Suricata, &by_rules(), &rows, &[]);
        let found: Vec<String> = rules(&files).into_iter().map(|(_, _, value)| value).collect();
        let left_out: u64 = files.left_out.values().sum();
        prop_assert_eq!(files.files[0].rows + usize::try_from(left_out).unwrap(), rows.len());
        for row in &rows {
            let text = row.atom.text();
            let is_hash = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let host = row.atom.host().unwrap_or_default();
            let path = text.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
            let wanted = path.map_or(text.to_owned(), |path| format!("{host}{path}"));
            let is_long = path.is_some_and(|path| path.len() > 255) || text.len() > 254;
            let is_placed = text.starts_with("http") && !host.contains(':') && !is_long || path.is_none() && !is_long;
            prop_assert!(is_hash || found.contains(&wanted) == is_placed, "{}", text);
        }
    }

    #[test]
    fn values_come_back_from_lists(rows in awkward(&Suricata)) {
        let files = run(&Suricata, &toml::Table::new(), &rows, &[]);
        prop_assert!(rules(&files).len() <= 7);
        let mut found = Vec::new();
        for list in files.files.iter().filter(|file| file.name.ends_with(".lst")) {
            for line in String::from_utf8(list.bytes.clone()).unwrap().split_terminator('\n') {
                found.push(match list.name.ends_with("-dom.lst") {
                    true => String::from_utf8(STANDARD.decode(line).unwrap()).unwrap(),
                    false => line.to_owned(),
                });
            }
        }
        let is_listed = |row: &&Row| !matches!(row.atom.kind(), Kind::Url | Kind::Ipv4Network | Kind::Ipv6Network);
        let mut wanted: Vec<String> = rows.iter().filter(is_listed).map(|row| row.atom.text().to_owned()).collect();
        wanted.sort();
        found.sort();
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn sids_are_kept_and_rev_rises_with_versions() {
    let rows =
        [row(Kind::Domain, "a.example"), row(Kind::Domain, "b.example"), row(Kind::Ipv4, "198.51.100.7")];
    let first = run(&Suricata, &by_rules(), &rows, &[]);
    let numbers = |files: &Files| {
        rules(files)
            .into_iter()
            .map(|(sid, rev, value)| (value, (sid, rev)))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = numbers(&first);
    assert_eq!(before["a.example"], (9_101_000, 1));
    let same = run_after(&Suricata, &by_rules(), &rows, &[], &first);
    assert_eq!((&same.files[0], &same.files.last()), (&first.files[0], &first.files.last()));
    // One is gone, one has a new version, one is new and comes first.
    let mut changed = vec![row(Kind::Domain, "0.example"), rows[1].clone(), rows[2].clone()];
    changed[1].facts.modified = Timestamp::from_micros(facts().modified.micros() + 1);
    let second = run_after(&Suricata, &by_rules(), &changed, &[], &same);
    let after = numbers(&second);
    assert_eq!(after["b.example"], (before["b.example"].0, 2));
    assert_eq!(after["198.51.100.7"], before["198.51.100.7"]);
    assert_eq!(after["0.example"], (9_101_003, 1));
    assert!(!after.contains_key("a.example"));
    // It comes back with its number.
    let third = run_after(&Suricata, &by_rules(), &rows, &[], &second);
    assert_eq!(numbers(&third)["a.example"].0, before["a.example"].0);
}

#[test]
fn a_full_range_gives_numbers_of_values_that_are_gone() {
    let table: toml::Table = "layout = \"rules\"\nsid_first = 1\nsid_last = 1002".parse().unwrap();
    let some = |names: &[&str]| names.iter().map(|name| row(Kind::Domain, name)).collect::<Vec<_>>();
    let first = run(&Suricata, &table, &some(&["a.example", "b.example"]), &[]);
    assert_eq!(first.files[0].rows, 2);
    let second = run_after(&Suricata, &table, &some(&["b.example", "c.example", "d.example"]), &[], &first);
    assert_eq!((second.files[0].rows, second.left_out["sid_range"]), (2, 1));
    let text = main_file(&second);
    assert!(text.contains("c.example\"") && text.contains("sid:1001; rev:2;"), "{text}");
}

#[test]
fn a_damaged_state_is_told() {
    let mut before = run(&Suricata, &by_rules(), &[row(Kind::Domain, "a.example")], &[]);
    before.files.last_mut().unwrap().bytes.extend_from_slice(b"9101000 1 00 6 twice\n");
    let lines = [Line { key: String::new(), fixed: None, text: String::new(), modified: 0 }];
    let state = &before.files.last().unwrap().bytes;
    assert!(
        sids::allot(&lines, state, 9_100_000..=9_899_999).is_err_and(|error| error.contains("state of sids"))
    );
}

#[test]
fn the_example_of_the_specification() {
    let files = run(&Suricata, &by_rules(), &[row(Kind::Domain, "c2.evil.example")], &[]);
    assert!(main_file(&files).ends_with(
        "alert dns $HOME_NET any -> any any (msg:\"LIAISON c2.evil.example\"; dns.query; dotprefix; \
         content:\".c2.evil.example\"; nocase; endswith; classtype:trojan-activity; \
         reference:url,liaison.example/o/ff5c8641; metadata:collection feed-a, tlp amber, confidence 80, \
         stix_id ff5c8641-fc7d-57a1-8d99-e15308e88ca1; sid:9101000; rev:1;)\n"
    ));
    let files = run(&Suricata, &toml::Table::new(), &[row(Kind::Domain, "c2.evil.example")], &[]);
    assert_eq!(files.files[1].name, "liaison-soc-1-dom.lst");
    assert_eq!(file(&files, 1), "YzIuZXZpbC5leGFtcGxl\n");
}

#[test]
fn options_are_checked() {
    let check = |text: &str| Suricata.check(&text.parse().unwrap());
    assert!(check("sid_first = 5\nsid_last = 6").unwrap_err().contains("sid_last"));
    assert!(check("layout = \"rules\"\nurls = true").unwrap_err().contains("lists"));
    assert!(check("layout = \"table\"").is_err());
    assert!(check("").is_ok());
}

#[test]
fn rules_of_others_get_our_numbers_and_pass_only_if_understood() {
    let good = "alert dns any any -> any any (msg:\"X\"; dns.query; content:\"a\"; endswith; sid:7; rev:9;)";
    let files = run(&Suricata, &by_rules(), &[], &[rule("snort", good)]);
    assert!(main_file(&files).ends_with(
        "(msg:\"X\"; dns.query; content:\"a\"; endswith; metadata:collection feed-a, tlp amber, confidence 80, \
         stix_id ff5c8641-fc7d-57a1-8d99-e15308e88ca1; sid:9101000; rev:1;)\n"
    ));
    let changes = [
        ("alert", "drop"),
        ("alert", "pass"),
        ("dns any", "ip any"),
        ("sid:7;", ""),
        ("\"a\"", "\"|4|\""),
        ("\"a\"", "\"a"),
        ("content:\"a\"; endswith", "lua:x"),
        ("endswith", "distance:1"),
        (")", ") # x"),
        (")", ")\nalert ip any any -> any any (sid:1;)"),
        ("dns.query; ", "tls.sni; "),
        ("X\"", "X"),
    ];
    for (old, new) in changes {
        let files = run(&Suricata, &by_rules(), &[], &[rule("suricata", &good.replacen(old, new, 1))]);
        assert_eq!((files.files[0].rows, files.left_out["not_understood"]), (0, 1), "{old} {new}");
    }
}

proptest! {
    #[test]
    fn no_text_adds_a_line(text in super::super::detection::text()) {
        let rules = [
            rule("snort", &text),
            rule("snort", &format!("alert udp any any -> any any (msg:\"{text}\"; content:\"{text}\"; sid:1;)")),
        ];
        let files = run(&Suricata, &by_rules(), &[], &rules);
        let file = main_file(&files);
        let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with("# ")).collect();
        prop_assert_eq!(lines.len(), files.files[0].rows);
        prop_assert!(lines.iter().all(|line| line.starts_with("alert ") && line.ends_with(" rev:1;)")));
    }
}
