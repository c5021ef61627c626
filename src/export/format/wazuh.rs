//! Lists of Wazuh: key and value, one file for each kind (export formats §13).

use super::lines::{ADDRESSES, of, push};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Write;
use std::net::IpAddr;

/// The format.
pub(super) struct Wazuh;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Lines that networks may become, over all.
    expanded_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { expanded_max: 1_000_000 }
    }
}

impl Format for Wazuh {
    fn name(&self) -> &'static str {
        "wazuh"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        LISTS.iter().any(|(_, kinds)| kinds.contains(&kind))
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let name = &input.about.name;
        for (suffix, kinds) in LISTS {
            let rows = of(input.rows, kinds);
            let (text, lines) = match *suffix == "ip" {
                true => addresses(&rows, choices.expanded_max, files),
                false => values(&rows, files),
            };
            files.add(format!("{name}-{suffix}"), TEXT, text, lines);
        }
        Ok(())
    }
}

fn values(rows: &[&Row], files: &mut Files) -> (String, usize) {
    let mut out = String::with_capacity(rows.len() * 64);
    let mut lines = 0;
    for row in rows {
        let key = row.atom.text();
        // Quotes have no escape; Wazuh cuts long lines; blanks at the ends may get lost.
        if key.contains('"') || key.trim() != key {
            files.leave_out("misread");
        } else if key.len() > KEY_MAX {
            files.leave_out("too_long");
        } else {
            push_line(&mut out, key, row);
            lines += 1;
        }
    }
    (out, lines)
}

fn push_line(out: &mut String, key: &str, row: &Row) {
    let quote = if key.contains(':') { "\"" } else { "" };
    push(out, &[quote, key, quote, ":", row.facts.short_id(), "\n"]);
}

/// Addresses, then networks as what they consist of, each key once.
fn addresses(rows: &[&Row], expanded_max: usize, files: &mut Files) -> (String, usize) {
    let mut out = String::with_capacity(rows.len() * 32);
    // First address and length stand for a key.
    let mut keys: HashSet<(IpAddr, u8)> = HashSet::with_capacity(rows.len());
    let mut expanded = 0;
    // Addresses come first, so that each keeps its own id.
    let (mut sorted, networks): (Vec<&Row>, Vec<&Row>) =
        rows.iter().copied().partition(|row| matches!(row.atom.kind(), Kind::Ipv4 | Kind::Ipv6));
    sorted.extend(networks);
    for row in sorted {
        let Some((network, length)) = network(row) else { continue };
        let count = 1_usize.checked_shl(u32::from(length - network.prefix_len())).unwrap_or(usize::MAX);
        if length == 0 || (matches!(network, IpNet::V6(_)) && count > EXPANDED_MAX) {
            files.leave_out("network");
        } else if count > 1 && expanded + count > expanded_max {
            files.leave_out("expanded_max");
        } else {
            expanded += if count > 1 { count } else { 0 };
            for part in network.subnets(length).into_iter().flatten() {
                if keys.insert((part.network(), length)) {
                    push_part(&mut out, part.network(), length, row.facts.short_id());
                }
            }
        }
    }
    (out, keys.len())
}

/// A row's network, and the length of prefix that it must be cut to: octets, or addresses of IPv6.
fn network(row: &Row) -> Option<(IpNet, u8)> {
    let text = row.atom.text();
    let network =
        text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| IpNet::from(address)))?;
    Some(match network {
        IpNet::V4(_) => (network, network.prefix_len().next_multiple_of(8)),
        IpNet::V6(_) => (network, 128),
    })
}

fn push_part(out: &mut String, first: IpAddr, length: u8, id: &str) {
    // Writing to a String does not fail.
    let _ = match first {
        IpAddr::V4(first) => {
            let [a, b, c, d] = first.octets();
            match length {
                8 => writeln!(out, "{a}.:{id}"),
                16 => writeln!(out, "{a}.{b}.:{id}"),
                24 => writeln!(out, "{a}.{b}.{c}.:{id}"),
                _ => writeln!(out, "{a}.{b}.{c}.{d}:{id}"),
            }
        }
        IpAddr::V6(first) => writeln!(out, "\"{first}\":{id}"),
    };
}

/// The files, and what is in each.
const LISTS: &[(&str, &[Kind])] = &[
    ("ip", ADDRESSES),
    ("domain", &[Kind::Domain]),
    ("url", &[Kind::Url]),
    ("email", &[Kind::Email]),
    ("filename", &[Kind::FileName]),
    ("md5", &[Kind::FileMd5]),
    ("sha1", &[Kind::FileSha1]),
    ("sha256", &[Kind::FileSha256]),
];
/// Lines that a network of IPv6 may become.
const EXPANDED_MAX: usize = 4096;
/// A key, in bytes: Wazuh reads lines of at most 2,048.
const KEY_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::super::testing::{CASES, hostile, keep, rows, text, write};
    use super::*;
    use ipnet::Ipv4Net;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    /// Keys of a list, read by its rules.
    fn keys(files: &Files, suffix: &str) -> Vec<String> {
        let text = text(files, suffix);
        let mut found: Vec<String> = Vec::new();
        for line in text.split_terminator(['\n', '\r', '\0', '\u{85}', '\u{2028}']) {
            let (key, value) = match line.strip_prefix('"') {
                Some(rest) => rest.split_once("\":").unwrap(),
                None => line.split_once(':').unwrap(),
            };
            assert_eq!(value, "ff5c8641", "{line}");
            assert!(!key.is_empty() && !key.contains('"'), "{line}");
            found.push(key.to_owned());
        }
        let unique: HashSet<&String> = found.iter().collect();
        assert_eq!(unique.len(), found.len());
        found
    }

    #[test]
    fn networks_become_prefixes_or_addresses() {
        let one = |network: &str| {
            let files = write(&Wazuh, "", &rows(&[(Kind::Ipv4, network)]));
            (keys(&files, "-ip"), files.left_out.get("network").copied())
        };
        assert_eq!(one("203.0.113.0/24"), (vec!["203.0.113.".to_owned()], None));
        assert_eq!(one("198.51.0.0/16"), (vec!["198.51.".to_owned()], None));
        assert_eq!(one("10.0.0.0/8"), (vec!["10.".to_owned()], None));
        assert_eq!(one("10.0.0.0/23").0, ["10.0.0.", "10.0.1."]);
        assert_eq!(one("10.0.0.4/31").0, ["10.0.0.4", "10.0.0.5"]);
        assert_eq!(one("10.0.0.0/7").0, ["10.", "11."]);
        assert_eq!(one("0.0.0.0/0"), (vec![], Some(1)));
        let files = write(
            &Wazuh,
            "",
            &rows(&[(Kind::Ipv6, "2001:db8::/127"), (Kind::Ipv6, "2001:db8::/64"), (Kind::Ipv6, "::/0")]),
        );
        assert_eq!(text(&files, "-ip"), "\"2001:db8::\":ff5c8641\n\"2001:db8::1\":ff5c8641\n");
        assert_eq!(files.left_out["network"], 2);
        let many =
            rows(&[(Kind::Ipv4, "10.0.0.0/25"), (Kind::Ipv4, "10.0.1.0/25"), (Kind::Ipv4, "10.1.0.0/16")]);
        assert_eq!(write(&Wazuh, "expanded_max = 200", &many).left_out["expanded_max"], 1);
    }

    #[test]
    fn keys_that_would_be_misread_are_left_out() {
        let long = "x".repeat(1025);
        let values = [
            (Kind::FileName, "a:b c.exe"),
            (Kind::FileName, "a\":x"),
            (Kind::FileName, " a"),
            (Kind::FileName, &long),
        ];
        let files = write(&Wazuh, "", &rows(&values));
        assert_eq!(text(&files, "-filename"), "\"a:b c.exe\":ff5c8641\n");
        assert_eq!((files.left_out["misread"], files.left_out["too_long"]), (2, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn a_network_is_what_it_becomes(address: u32, length in 1u8..=31) {
            let network = Ipv4Net::new(Ipv4Addr::from(address), length).unwrap().trunc();
            let files = write(&Wazuh, "", &rows(&[(Kind::Ipv4, &network.to_string())]));
            let mut next = u64::from(u32::from(network.network()));
            for key in keys(&files, "-ip") {
                let missing = 4 - key.trim_end_matches('.').split('.').count();
                let first = key.trim_end_matches('.').to_owned() + &".0".repeat(missing);
                prop_assert_eq!(u64::from(u32::from(first.parse::<Ipv4Addr>().unwrap())), next);
                next += 1 << (8 * missing);
            }
            prop_assert_eq!(next, u64::from(u32::from(network.broadcast())) + 1);
        }

        #[test]
        fn nothing_gets_out_of_its_line(texts in hostile()) {
            let kinds = [Kind::Domain, Kind::Url, Kind::Email, Kind::FileName, Kind::Ipv4];
            let rows = keep(texts, &kinds);
            let files = write(&Wazuh, "", &rows);
            let all = [
                ("-domain", Kind::Domain),
                ("-url", Kind::Url),
                ("-email", Kind::Email),
                ("-filename", Kind::FileName),
            ];
            for (suffix, kind) in all {
                let wanted = of(&rows, &[kind]).into_iter().map(|row| row.atom.text());
                let is_readable = |text: &&str| !text.contains('"') && text.trim() == *text && text.len() <= 1024;
                let wanted: Vec<&str> = wanted.filter(is_readable).collect();
                prop_assert_eq!(keys(&files, suffix), wanted);
            }
        }
    }
}
