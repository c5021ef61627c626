use super::*;
use crate::export::format::hostile::{self, GENERATED_MICROS, about, abouts, rows, text, write};
use crate::export::{Facts, Row};
use crate::stix::Timestamp;
use proptest::prelude::*;

const START: &str = "\
create -exist liaison4 hash:net family inet hashsize 1024 maxelem 1048576 timeout 0 comment
create -exist liaison4_new hash:net family inet hashsize 1024 maxelem 1048576 timeout 0 comment
flush liaison4_new
";
const MIDDLE: &str = "\
swap liaison4_new liaison4
destroy liaison4_new
create -exist liaison6 hash:net family inet6 hashsize 1024 maxelem 1048576 timeout 0 comment
create -exist liaison6_new hash:net family inet6 hashsize 1024 maxelem 1048576 timeout 0 comment
flush liaison6_new
";
const END: &str = "\
swap liaison6_new liaison6
destroy liaison6_new
";

fn body(text: &str) -> &str {
    &text[text.find("\ncreate").unwrap() + 1..]
}

#[test]
fn the_example_of_the_specification_comes_out() {
    let valid_until = Some(Timestamp::from_micros(GENERATED_MICROS + 86_400_000_000));
    let rows = [
        Row {
            facts: Facts { valid_until, ..hostile::facts() },
            ..hostile::row(Kind::Ipv4Network, "203.0.113.0/24")
        },
        hostile::row(Kind::Ipv6, "2001:db8::66"),
    ];
    let files = write(&Ipset, &about(), &rows, "");
    let v4 = "add -exist liaison4_new 203.0.113.0/24 timeout 86400 comment \"ff5c8641\"\n";
    let v6 = "add -exist liaison6_new 2001:db8::66 timeout 2147483 comment \"ff5c8641\"\n";
    assert_eq!(body(text(&files)), [START, v4, MIDDLE, v6, END].concat());
    assert_eq!((&*files.files[0].name, files.files[0].rows), ("soc-1.ipset", 2));
}

#[test]
fn nothing_empties_the_sets() {
    assert_eq!(body(text(&write(&Ipset, &about(), &[], ""))), [START, MIDDLE, END].concat());
}

#[test]
fn every_address_is_no_element() {
    let rows = [hostile::row(Kind::Ipv4Network, "0.0.0.0/0"), hostile::row(Kind::Ipv6Network, "::/0")];
    let files = write(&Ipset, &about(), &rows, "");
    assert_eq!(files.left_out["every_address"], 2);
    assert!(text(&files).contains("rows=0  left_out=2 (every_address=2)"));
}

#[test]
fn wrong_options_are_refused_with_what_to_change() {
    let error = |options: &str| Ipset.check(&options.parse().unwrap()).unwrap_err();
    assert!(error("set = 'x'").contains("begin with liaison"));
    assert!(error("set = \"liaison\\nflush\"").contains("a to z"));
    assert!(error("set = 'liaison_0123456789012345678'").contains("at most 26"));
    assert!(error("timeout_max_secs = 0").contains("from 60 to 2147483"));
    assert!(error("timeout_max_secs = 2147484").contains("from 60 to 2147483"));
    assert!(error("maxelem = 1").contains("maxelem"));
}

/// The elements of a set: words in lines, as ipset splits them.
fn read(lines: &str, set: &str) -> Vec<String> {
    assert!(lines.is_empty() || lines.ends_with('\n'));
    let read = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let ["add", "-exist", name, network, "timeout", secs, comment @ ..] = &words[..] else {
            panic!("{line}")
        };
        assert_eq!(*name, set);
        assert!((60..=2_147_483).contains(&secs.parse::<u64>().unwrap()));
        match comment {
            [] => {}
            ["comment", quoted] => {
                let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
                assert!(inner.len() <= 255 && inner.bytes().all(|b| b.is_ascii_alphanumeric()), "{inner}");
            }
            _ => panic!("{line}"),
        }
        (*network).to_owned()
    };
    lines.lines().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_sets_hold_what_went_in_and_nothing_else(about in abouts(), rows in rows(&Ipset)) {
        let files = write(&Ipset, &about, &rows, "");
        let text: String = text(&files).split_inclusive('\n').filter(|line| !line.starts_with("# ")).collect();
        let rest = text.strip_prefix(START).and_then(|rest| rest.strip_suffix(END)).unwrap();
        let (v4, v6) = rest.split_once(MIDDLE).unwrap();
        let found = [read(v4, "liaison4_new"), read(v6, "liaison6_new")].concat();
        let wanted: Vec<&str> =
            rows.iter().map(|row| row.atom.text()).filter(|text| !text.ends_with("/0")).collect();
        prop_assert_eq!(&found, &wanted);
        prop_assert_eq!(files.files[0].rows, wanted.len());
    }
}
