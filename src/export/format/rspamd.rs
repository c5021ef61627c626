//! Maps of Rspamd's multimap, and the rules that use them (export formats §12).

use super::lines::{ADDRESSES, add, keep, of, push};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::collections::HashSet;

/// The format.
pub(super) struct Rspamd;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Where the mail server keeps the maps.
    map_dir: String,
    /// What names of symbols begin with.
    prefix: String,
    /// What a hit adds to a mail's score.
    score: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { map_dir: "/etc/rspamd/maps.d".to_owned(), prefix: "LIAISON".to_owned(), score: 8.0 }
    }
}

impl Format for Rspamd {
    fn name(&self) -> &'static str {
        "rspamd"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        ADDRESSES.contains(&kind) || matches!(kind, Kind::Domain | Kind::Email | Kind::Url)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let choices: Options = options(table)?;
        let is_sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        if !choices.prefix.starts_with(|c: char| c.is_ascii_uppercase())
            || !choices.prefix.chars().all(is_sign)
        {
            return Err("prefix must be of A to Z, 0 to 9 and _, and begin with a letter".to_owned());
        }
        if !choices.map_dir.starts_with('/') || !choices.map_dir.chars().all(is_plain) {
            return Err("map_dir must be an absolute path of letters, digits, . _ - and /".to_owned());
        }
        match choices.score.is_finite() && choices.score.abs() <= SCORE_MAX {
            true => Ok(()),
            false => Err(format!("score must be a number from -{SCORE_MAX} to {SCORE_MAX}")),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        // Rspamd compares a host either whole or cut to the name that somebody registered; no host may count
        // twice.
        let (names, hosts): (Vec<&Row>, Vec<&Row>) = of(input.rows, &[Kind::Domain])
            .into_iter()
            .partition(|row| registered(row) == Some(row.atom.text()));
        let listed: HashSet<&str> = names.iter().map(|row| row.atom.text()).collect();
        let is_covered = |row: &Row| registered(row).is_some_and(|name| listed.contains(name));
        let hosts = keep(&hosts, files, "covered", |row| !is_covered(row));
        let senders = keep(&of(input.rows, &[Kind::Email]), files, "misread", |row| !is_misread(row));
        let urls = keep(&of(input.rows, &[Kind::Url]), files, "misread", |row| !is_misread(row));
        let addresses = of(input.rows, ADDRESSES);
        let rows = names.len() + hosts.len() + senders.len() + urls.len() + addresses.len();
        add_rules(input, files, &choices, rows);
        let maps: [(&str, &[&Row]); 5] = [
            (".names.map", &names),
            (".hosts.map", &hosts),
            (".urls.map", &urls),
            (".from.map", &senders),
            (".ip.map", &addresses),
        ];
        for (suffix, rows) in maps {
            add(input, files, suffix, rows, |out, row| {
                push(out, &[row.atom.text(), " # ", row.facts.short_id(), "\n"]);
            });
        }
        Ok(())
    }
}

/// The part of a name that somebody registered, by the list of public suffixes.
fn registered(row: &Row) -> Option<&str> {
    psl::domain_str(row.atom.text())
}

/// Would a map take it for a comment, an expression or an escape?
fn is_misread(row: &Row) -> bool {
    let text = row.atom.text();
    text.starts_with('/') || text.contains(['#', '\\', '"'])
}

fn add_rules(input: &Input, files: &mut Files, choices: &Options, rows: usize) {
    let file = format!("{}.multimap.conf", input.about.name);
    let mut text = input.header("# ", &file, rows, files);
    let score = format!("{:?}", choices.score);
    let map =
        |suffix: &str| format!("\"{}/{}{suffix}\"", choices.map_dir.trim_end_matches('/'), input.about.name);
    let rules = [
        ("_URL", "type = \"url\"; filter = \"tld\"", map(".names.map")),
        ("_URL_HOST", "type = \"url\"", map(".hosts.map")),
        ("_URL_FULL", "type = \"url\"; filter = \"full\"", map(".urls.map")),
        ("_FROM", "type = \"from\"", map(".from.map")),
        ("_FROM_NAME", "type = \"from\"; filter = \"email:domain:tld\"", map(".names.map")),
        ("_FROM_HOST", "type = \"from\"; filter = \"email:domain\"", map(".hosts.map")),
        ("_IP", "type = \"ip\"", map(".ip.map")),
    ];
    for (name, what, map) in rules {
        let symbol = [&choices.prefix, name].concat();
        push(&mut text, &[&symbol, " { ", what, "; map = ", &map, "; score = ", &score, "; }\n"]);
    }
    files.add(file, TEXT, text, rows);
}

/// Scores beyond make no sense: mails are refused at 15.
const SCORE_MAX: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::super::testing::{self, CASES, hostile, lines, rows, write};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_name_maps_and_scores() {
        let rows = rows(&[
            (Kind::Domain, "evil.co.uk"),
            (Kind::Domain, "c2.evil.co.uk"),
            (Kind::Domain, "c2.evil.example"),
            (Kind::Email, "a#b@evil.example"),
            (Kind::Email, "/a@evil.example"),
            (Kind::Ipv4, "203.0.113.0/24"),
        ]);
        let files = write(&Rspamd, "map_dir = \"/m/\"\nscore = 3", &rows);
        assert_eq!(
            lines(&files, ".multimap.conf")[0],
            r#"LIAISON_URL { type = "url"; filter = "tld"; map = "/m/soc-1.names.map"; score = 3.0; }"#
        );
        assert_eq!(lines(&files, ".names.map"), ["evil.co.uk # ff5c8641"]);
        assert_eq!(lines(&files, ".hosts.map"), ["c2.evil.example # ff5c8641"]);
        assert_eq!((files.left_out["misread"], files.left_out["covered"]), (2, 1));
    }

    #[test]
    fn options_cannot_become_rules() {
        for wrong in [
            "prefix = \"A { }\"",
            "prefix = \"\"",
            "map_dir = \"/a\\\"; b\"",
            "map_dir = \"a\"",
            "score = nan",
            "x = 1",
        ] {
            assert!(Rspamd.check(&wrong.parse().unwrap()).is_err(), "{wrong}");
        }
    }

    /// Key of a line of a map: up to a blank or a comment; a second word would be a symbol.
    fn key(line: &str) -> &str {
        assert!(!line.starts_with(['"', '/', ' ', '\t']) && !line.contains('\\'), "{line}");
        let (data, comment) = line.split_once('#').unwrap();
        assert_eq!(comment, " ff5c8641");
        let words: Vec<&str> = data.split_ascii_whitespace().collect();
        assert_eq!(words.len(), 1, "{line}");
        words[0]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_line(texts in hostile()) {
            let rows = testing::keep(texts, &[Kind::Domain, Kind::Url, Kind::Email, Kind::Ipv4, Kind::Ipv6]);
            let files = write(&Rspamd, "", &rows);
            prop_assert_eq!(lines(&files, ".multimap.conf").len(), 7);
            let mut read: Vec<String> = Vec::new();
            for suffix in [".names.map", ".hosts.map", ".urls.map", ".from.map", ".ip.map"] {
                read.extend(lines(&files, suffix).iter().map(|line| key(line).to_owned()));
            }
            let mut wanted: Vec<String> = rows.iter().map(|row| row.atom.text().to_owned()).collect();
            prop_assert_eq!(read.len() as u64 + files.left_out.values().sum::<u64>(), wanted.len() as u64);
            wanted.retain(|text| !(text.starts_with('/') || text.contains('#') || text.contains('\\')));
            let covered = files.left_out.get("covered").copied().unwrap_or_default();
            prop_assert_eq!(read.len() as u64 + covered, wanted.len() as u64);
            prop_assert!(read.iter().all(|text| wanted.contains(text)));
        }
    }
}
