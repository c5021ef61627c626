//! Lists and maps of HAProxy: names, addresses (export formats §11).

use super::lines::{ADDRESSES, add, of, push};
use super::{Class, Files, Format, Input, options};
use crate::stix::atom::Kind;
use serde::Deserialize;

/// The format.
pub(super) struct Haproxy;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    layout: Layout,
}

#[derive(Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Layout {
    /// Values alone, for `acl … -f`.
    #[default]
    List,
    /// With the indicator's id, so that logs tell the reason.
    Map,
}

impl Format for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        ADDRESSES.contains(&kind) || kind == Kind::Domain
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        // Two files, because HAProxy looks up names that it finds in a list of addresses.
        let names = of(input.rows, &[Kind::Domain]);
        let addresses = of(input.rows, ADDRESSES);
        match choices.layout {
            Layout::List => {
                add(input, files, ".dom.lst", &names, |out, row| push(out, &[row.atom.text(), "\n"]));
                add(input, files, ".ip.lst", &addresses, |out, row| push(out, &[row.atom.text(), "\n"]));
            }
            Layout::Map => {
                let line = |out: &mut String, row: &crate::export::row::Row| {
                    push(out, &[row.atom.text(), " ", &row.facts.id, "\n"]);
                };
                add(input, files, ".dom.map", &names, line);
                add(input, files, ".ip.map", &addresses, line);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CASES, ID, hostile, keep, lines, rows, write};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_addresses_are_apart() {
        let rows = rows(&[
            (Kind::Domain, "evil.example"),
            (Kind::Ipv6, "2001:db8::/32"),
            (Kind::Ipv4, "203.0.113.9"),
        ]);
        let files = write(&Haproxy, "", &rows);
        assert_eq!(lines(&files, ".dom.lst"), ["evil.example"]);
        assert_eq!(lines(&files, ".ip.lst"), ["203.0.113.9", "2001:db8::/32"]);
        let files = write(&Haproxy, "layout = \"map\"", &rows);
        assert_eq!(lines(&files, ".dom.map"), [format!("evil.example {ID}")]);
        assert!(Haproxy.check(&"layout = \"tree\"".parse().unwrap()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_line(texts in hostile()) {
            let rows = keep(texts, &[Kind::Domain, Kind::Ipv4, Kind::Ipv6]);
            let files = write(&Haproxy, "layout = \"map\"", &rows);
            for (suffix, kinds) in [(".dom.map", &[Kind::Domain][..]), (".ip.map", ADDRESSES)] {
                let wanted: Vec<String> =
                    of(&rows, kinds).iter().map(|row| row.atom.text().to_owned()).collect();
                let read: Vec<String> = lines(&files, suffix).iter().map(|line| {
                    // Key up to the first blank, then the value.
                    let (key, value) = line.split_once([' ', '\t']).unwrap();
                    assert_eq!(value, ID);
                    key.to_owned()
                }).collect();
                prop_assert_eq!(read, wanted);
            }
        }
    }
}
