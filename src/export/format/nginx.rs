//! Includes of nginx: for `geo`, and for `map` with `hostnames` (export formats §11).

use super::lines::{ADDRESSES, add, of, push};
use super::{Class, Files, Format, Input, options};
use crate::stix::atom::Kind;
use serde::Deserialize;

/// The format.
pub(super) struct Nginx;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Names stand for all below them too.
    subdomains: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { subdomains: true }
    }
}

impl Format for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
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
        let addresses = of(input.rows, ADDRESSES);
        let names = of(input.rows, &[Kind::Domain]);
        // A back-slash in front of an exact name: one such as `include` would be a directive.
        let mark = if choices.subdomains { "." } else { "\\" };
        add(input, files, ".geo.conf", &addresses, |out, row| push(out, &[row.atom.text(), " 1;\n"]));
        add(input, files, ".map.conf", &names, |out, row| push(out, &[mark, row.atom.text(), " 1;\n"]));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CASES, hostile, keep, lines, rows, write};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_are_words_of_nginx_stay_names() {
        let rows =
            rows(&[(Kind::Domain, "include"), (Kind::Domain, "a.example"), (Kind::Ipv6, "2001:db8::/32")]);
        let files = write(&Nginx, "", &rows);
        assert_eq!(lines(&files, ".map.conf"), [".a.example 1;", ".include 1;"]);
        assert_eq!(lines(&files, ".geo.conf"), ["2001:db8::/32 1;"]);
        let exact = write(&Nginx, "subdomains = false", &rows);
        assert_eq!(lines(&exact, ".map.conf"), ["\\a.example 1;", "\\include 1;"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_line(texts in hostile(), subdomains: bool) {
            let rows = keep(texts, &[Kind::Domain, Kind::Ipv4, Kind::Ipv6]);
            let files = write(&Nginx, &format!("subdomains = {subdomains}"), &rows);
            let mark = if subdomains { "." } else { "\\" };
            let all = [(".map.conf", &[Kind::Domain][..], mark), (".geo.conf", ADDRESSES, "")];
            for (suffix, kinds, mark) in all {
                let wanted: Vec<String> =
                    of(&rows, kinds).iter().map(|row| row.atom.text().to_owned()).collect();
                let read: Vec<String> = lines(&files, suffix).iter().map(|line| {
                    // Two words without quotes, and the end of the statement.
                    let words: Vec<&str> = line.strip_suffix(';').unwrap().split_whitespace().collect();
                    assert!(words.len() == 2 && words[1] == "1", "{line}");
                    let word = words[0].strip_prefix(mark).unwrap();
                    assert!(!word.contains(['"', '\'', '{', '}', ';', '\\', '$', '#']), "{line}");
                    word.to_owned()
                }).collect();
                prop_assert_eq!(read, wanted);
            }
        }
    }
}
