//! Lists of Wazuh: key and value, one file for each kind (export formats §13).

use super::lines::{ADDRESSES, of, push};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use ipnet::{Ipv4Net, Ipv6Net};
use serde::Deserialize;
use std::collections::HashSet;

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
    let mut keys: HashSet<String> = HashSet::with_capacity(rows.len());
    let mut expanded = 0;
    let is_network = |row: &&&Row| matches!(row.atom.kind(), Kind::Ipv4Network | Kind::Ipv6Network);
    for row in rows.iter().filter(|row| !is_network(row)) {
        push_line(&mut out, row.atom.text(), row);
        keys.insert(row.atom.text().to_owned());
    }
    for row in rows.iter().filter(is_network) {
        let parts = parts(row);
        if parts.is_empty() {
            files.leave_out("network");
        } else if parts.len() > 1 && expanded + parts.len() > expanded_max {
            files.leave_out("expanded_max");
        } else {
            expanded += if parts.len() > 1 { parts.len() } else { 0 };
            for key in parts {
                if !keys.contains(&key) {
                    push_line(&mut out, &key, row);
                    keys.insert(key);
                }
            }
        }
    }
    (out, keys.len())
}

/// Prefixes that end at a dot, or addresses; none if there were too many.
fn parts(row: &Row) -> Vec<String> {
    let text = row.atom.text();
    if let Ok(network) = text.parse::<Ipv4Net>() {
        let octets = usize::from(network.prefix_len()).div_ceil(8);
        let Ok(parts) = network.subnets(u8::try_from(octets * 8).unwrap_or(32)) else { return Vec::new() };
        let prefix = |part: Ipv4Net| {
            let mut key = String::new();
            for octet in &part.network().octets()[..octets] {
                push(&mut key, &[&octet.to_string(), "."]);
            }
            if octets == 4 {
                key.pop();
            }
            key
        };
        return if octets == 0 { Vec::new() } else { parts.map(prefix).collect() };
    }
    match text.parse::<Ipv6Net>() {
        Ok(network) if 128 - network.prefix_len() <= EXPANDED_BITS => {
            network.hosts().map(|address| address.to_string()).collect()
        }
        _ => Vec::new(),
    }
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
/// A network of IPv6 becomes at most 4,096 lines.
const EXPANDED_BITS: u8 = 12;
/// A key, in bytes: Wazuh reads lines of at most 2,048.
const KEY_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::super::testing::{CASES, hostile, keep, rows, text, write};
    use super::*;
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
        assert_eq!(one("0.0.0.0/0"), (vec![], Some(1)));
        let files =
            write(&Wazuh, "", &rows(&[(Kind::Ipv6, "2001:db8::/127"), (Kind::Ipv6, "2001:db8::/64")]));
        assert_eq!(text(&files, "-ip"), "\"2001:db8::\":ff5c8641\n\"2001:db8::1\":ff5c8641\n");
        assert_eq!(files.left_out["network"], 1);
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
            for (suffix, kind) in [("-domain", Kind::Domain), ("-url", Kind::Url), ("-email", Kind::Email), ("-filename", Kind::FileName)] {
                let wanted: Vec<&str> = of(&rows, &[kind]).iter().map(|row| row.atom.text())
                    .filter(|text| !text.contains('"') && text.trim() == *text && text.len() <= 1024).collect();
                prop_assert_eq!(keys(&files, suffix), wanted);
            }
        }
    }
}
