use super::*;
use crate::export::format::hostile::{self, GENERATED_MICROS, about, abouts, rows, text, write};
use crate::export::{Facts, Row};
use crate::stix::Timestamp;
use proptest::prelude::*;
use std::net::IpAddr;

/// A row that is valid for so many seconds.
fn row(kind: Kind, value: &str, secs: i64) -> Row {
    let valid_until = Some(Timestamp::from_micros(GENERATED_MICROS + secs * 1_000_000));
    Row { facts: Facts { valid_until, ..hostile::facts() }, ..hostile::row(kind, value) }
}

fn example() -> Vec<Row> {
    vec![
        row(Kind::Ipv4, "198.51.100.7", 30 * 86_400),
        row(Kind::Ipv4Network, "203.0.113.0/24", 7 * 86_400),
        row(Kind::Ipv6, "2001:db8::66", 90_061),
    ]
}

fn body(text: &str) -> &str {
    &text[text.find("\ntable").unwrap() + 1..]
}

#[test]
fn the_example_of_the_specification_comes_out() {
    let files = write(&Nftables, &about(), &example(), "");
    assert_eq!(
        body(text(&files)),
        r#"table inet liaison
delete table inet liaison
table inet liaison {
  set bad4 { type ipv4_addr; flags interval, timeout; elements = {
    198.51.100.7 timeout 30d comment "ff5c8641",
    203.0.113.0/24 timeout 7d comment "ff5c8641"
  }; }
  set bad6 { type ipv6_addr; flags interval, timeout; elements = {
    2001:db8::66 timeout 90061s comment "ff5c8641"
  }; }
  chain out { type filter hook output priority filter; policy accept; ip daddr @bad4 counter drop; ip6 daddr @bad6 counter drop; }
}
"#
    );
    assert_eq!((&*files.files[0].name, files.files[0].rows), ("soc-1.nft", 3));
}

#[test]
fn sets_only_keeps_the_table_and_what_else_is_in_it() {
    let files = write(&Nftables, &about(), &example()[..1], "sets_only = true\ntable = 'liaison_a'");
    assert_eq!(
        body(text(&files)),
        r#"table inet liaison_a {
  set bad4 { type ipv4_addr; flags interval, timeout; }
  set bad6 { type ipv6_addr; flags interval, timeout; }
}
flush set inet liaison_a bad4
flush set inet liaison_a bad6
table inet liaison_a {
  set bad4 { type ipv4_addr; flags interval, timeout; elements = {
    198.51.100.7 timeout 30d comment "ff5c8641"
  }; }
  set bad6 { type ipv6_addr; flags interval, timeout; }
}
"#
    );
}

#[test]
fn what_is_inside_another_network_is_left_out_and_neighbours_stay() {
    let rows = [
        row(Kind::Ipv4, "198.51.100.6", 60),
        row(Kind::Ipv4, "198.51.100.7", 600),
        row(Kind::Ipv4, "203.0.113.9", 600),
        row(Kind::Ipv4Network, "0.0.0.0/0", 600),
        row(Kind::Ipv4Network, "203.0.113.0/24", 60),
        row(Kind::Ipv4Network, "203.0.113.0/25", 60),
        row(Kind::Ipv6, "2001:db8::", 60),
        row(Kind::Ipv6Network, "2001:db8::/32", 60),
    ];
    let files = write(&Nftables, &about(), &rows, "");
    let found: Vec<(IpNet, u64)> = read(text(&files));
    let wanted =
        [("198.51.100.6/32", 60), ("198.51.100.7/32", 600), ("203.0.113.0/24", 60), ("2001:db8::/32", 60)];
    assert_eq!(found, wanted.map(|(network, secs)| (network.parse().unwrap(), secs)));
    assert_eq!((files.left_out["covered"], files.left_out["every_address"]), (3, 1));
}

#[test]
fn wrong_options_are_refused_with_what_to_change() {
    let error = |options: &str| Nftables.check(&options.parse().unwrap()).unwrap_err();
    assert!(error("table = 'filter'").contains("begin with liaison"));
    assert!(error("table = 'liaison; flush ruleset'").contains("a to z"));
    assert!(error("timeout_max_secs = 59").contains("from 60 to 31536000"));
    assert!(error("timeout_max_secs = 31536001").contains("from 60 to 31536000"));
    assert!(error("chain = 'x'").contains("chain"));
}

/// The elements, read by nft's grammar as far as a file of ours may use it.
fn read(text: &str) -> Vec<(IpNet, u64)> {
    assert!(text.ends_with('\n'));
    let text: String = text.lines().filter(|line| !line.starts_with("# ")).collect::<Vec<_>>().join("\n");
    assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
    let rest =
        text.strip_prefix("table inet liaison\ndelete table inet liaison\ntable inet liaison {\n").unwrap();
    let (v4, rest) = read_set(rest, "  set bad4 { type ipv4_addr; flags interval, timeout;");
    let (v6, rest) = read_set(rest, "  set bad6 { type ipv6_addr; flags interval, timeout;");
    assert!(v4.iter().all(|(network, _)| network.addr().is_ipv4()));
    assert!(v6.iter().all(|(network, _)| network.addr().is_ipv6()));
    assert_eq!(rest, format!("{CHAIN}}}"));
    [v4, v6].concat()
}

fn read_set<'a>(text: &'a str, start: &str) -> (Vec<(IpNet, u64)>, &'a str) {
    let rest = text.strip_prefix(start).unwrap();
    if let Some(rest) = rest.strip_prefix(" }\n") {
        return (Vec::new(), rest);
    }
    let (elements, rest) = rest.strip_prefix(" elements = {\n").unwrap().split_once("\n  }; }\n").unwrap();
    (elements.split(",\n").map(read_element).collect(), rest)
}

fn read_element(line: &str) -> (IpNet, u64) {
    let words: Vec<&str> = line.strip_prefix("    ").unwrap().split(' ').collect();
    let [network, "timeout", time, comment @ ..] = &words[..] else { panic!("{line}") };
    match comment {
        [] => {}
        ["comment", quoted] => {
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert!(inner.len() <= 128 && inner.bytes().all(|b| b.is_ascii_alphanumeric()), "{inner}");
        }
        _ => panic!("{line}"),
    }
    let network = network.parse().or_else(|_| network.parse::<IpAddr>().map(IpNet::from)).unwrap();
    let (number, unit) = time.split_at(time.len() - 1);
    (network, number.parse::<u64>().unwrap() * if unit == "d" { 86_400 } else { 1 })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_sets_hold_what_went_in_and_nothing_else(about in abouts(), rows in rows(&Nftables)) {
        let files = write(&Nftables, &about, &rows, "");
        let found = read(text(&files));
        prop_assert_eq!(files.files[0].rows, found.len());
        let left_out: u64 = files.left_out.values().sum();
        prop_assert_eq!(found.len() as u64 + left_out, rows.len() as u64);
        let all: Vec<IpNet> = rows
            .iter()
            .map(|row| row.atom.text())
            .map(|text| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).unwrap())
            .collect();
        for (network, secs) in &found {
            prop_assert!(all.contains(network) && *secs >= 60 && *secs <= 30 * 86_400);
            prop_assert!(found.iter().filter(|(other, _)| other.contains(network)).count() == 1);
        }
        for network in all.iter().filter(|network| network.prefix_len() > 0) {
            prop_assert!(found.iter().any(|(other, _)| other.contains(network)));
        }
    }
}
