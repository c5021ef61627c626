//! A pack of osquery (export formats §13).

use super::lines::of;
use super::{Class, Files, Format, Input, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format.
pub(super) struct Osquery;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Seconds between two runs of a query.
    interval: u32,
    /// Where files are whose hashes are compared, as patterns of LIKE.
    paths: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        let paths = ["/tmp/%%", "/home/%/Downloads/%%", "C:\\Users\\%\\Downloads\\%%"];
        Self { interval: 3600, paths: paths.map(str::to_owned).to_vec() }
    }
}

impl Format for Osquery {
    fn name(&self) -> &'static str {
        "osquery"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        TABLES.iter().any(|table| table.kinds.contains(&kind))
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let choices: Options = options(table)?;
        if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&choices.interval) {
            return Err(format!("interval must be from {INTERVAL_MIN} to {INTERVAL_MAX} seconds"));
        }
        // Without a path osquery finds no file at all.
        let is_path = |path: &String| {
            let is_drive = path.as_bytes().get(1..3) == Some(b":\\");
            (path.starts_with('/') || is_drive) && !path.chars().any(char::is_control)
        };
        match !choices.paths.is_empty() && choices.paths.iter().all(is_path) {
            true => Ok(()),
            false => {
                Err("paths must name at least one place, each from the root, such as /tmp/%%".to_owned())
            }
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let about = input.about;
        let mut pack = Pack { queries: BTreeMap::new() };
        for table in TABLES {
            let rows = of(input.rows, table.kinds);
            for (part, rows) in rows.chunks(VALUES_MAX).enumerate() {
                let number = if part == 0 { String::new() } else { format!("_{}", part + 1) };
                let level = rows.iter().map(|row| row.facts.tlp).max().unwrap_or(about.tlp);
                let query = Query {
                    query: query(table, rows, &choices.paths),
                    interval: choices.interval,
                    description: format!(
                        "tlp={} pap<={} collection={}",
                        about.tlp_write.word(level),
                        about.pap_max.name(),
                        about.collections.join(",")
                    ),
                    platform: table.platform,
                };
                pack.queries.insert(format!("liaison_{}{number}", table.name), query);
            }
        }
        let text = serde_json::to_vec_pretty(&pack).map_err(|error| error.to_string())?;
        files.add(format!("{}.conf", about.name), "application/json", text, input.rows.len());
        Ok(())
    }
}

/// What of a host is compared with which values.
struct Table {
    name: &'static str,
    kinds: &'static [Kind],
    select: &'static str,
    column: &'static str,
    platform: Option<&'static str>,
}

static TABLES: &[Table] = &[
    Table {
        name: "ip",
        kinds: &[Kind::Ipv4, Kind::Ipv6],
        select: "pid, remote_address, remote_port FROM process_open_sockets",
        column: "remote_address",
        platform: None,
    },
    Table {
        name: "dns",
        kinds: &[Kind::Domain],
        select: "name, type FROM dns_cache",
        column: "name",
        platform: Some("windows"),
    },
    Table {
        name: "md5",
        kinds: &[Kind::FileMd5],
        select: "path, md5 FROM hash",
        column: "md5",
        platform: None,
    },
    Table {
        name: "sha1",
        kinds: &[Kind::FileSha1],
        select: "path, sha1 FROM hash",
        column: "sha1",
        platform: None,
    },
    Table {
        name: "sha256",
        kinds: &[Kind::FileSha256],
        select: "path, sha256 FROM hash",
        column: "sha256",
        platform: None,
    },
];

#[derive(Serialize)]
struct Pack {
    queries: BTreeMap<String, Query>,
}

#[derive(Serialize)]
struct Query {
    query: String,
    interval: u32,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'static str>,
}

fn query(table: &Table, rows: &[&Row], paths: &[String]) -> String {
    let mut sql = format!("SELECT {} WHERE ", table.select);
    if table.select.ends_with("hash") {
        for (number, path) in paths.iter().enumerate() {
            sql += if number == 0 { "(path LIKE " } else { " OR path LIKE " };
            push_quoted(&mut sql, path);
        }
        sql += ") AND ";
    }
    sql += table.column;
    sql += " IN (";
    for (number, row) in rows.iter().enumerate() {
        sql += if number == 0 { "" } else { ", " };
        push_quoted(&mut sql, row.atom.text());
    }
    sql + ");"
}

fn push_quoted(sql: &mut String, text: &str) {
    sql.push('\'');
    sql.push_str(&text.replace('\'', "''"));
    sql.push('\'');
}

/// Values in a query.
const VALUES_MAX: usize = 500;
const INTERVAL_MIN: u32 = 60;
const INTERVAL_MAX: u32 = 604_800;

#[cfg(test)]
mod tests {
    use super::super::testing::{CASES, hostile, keep, rows, text, write};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn queries_have_at_most_500_values() {
        let names: Vec<String> = (0..1001).map(|number| format!("h{number}.example")).collect();
        let names: Vec<(Kind, &str)> = names.iter().map(|name| (Kind::Domain, &**name)).collect();
        let files = write(&Osquery, "", &rows(&names));
        let pack: serde_json::Value = serde_json::from_str(&text(&files, ".conf")).unwrap();
        let names: Vec<&String> = pack["queries"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["liaison_dns", "liaison_dns_2", "liaison_dns_3"]);
    }

    #[test]
    fn hashes_are_looked_for_in_places() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let files = write(&Osquery, "paths = [\"/it's/%\", \"/b/%\"]", &rows(&[(Kind::FileMd5, md5)]));
        let pack: serde_json::Value = serde_json::from_str(&text(&files, ".conf")).unwrap();
        assert_eq!(
            pack["queries"]["liaison_md5"]["query"],
            format!(
                "SELECT path, md5 FROM hash WHERE (path LIKE '/it''s/%' OR path LIKE '/b/%') AND md5 IN ('{md5}');"
            )
        );
        for wrong in ["paths = []", "paths = [\"%\"]", "interval = 0", "paths = [\"/a\\n\"]"] {
            assert!(Osquery.check(&wrong.parse().unwrap()).is_err(), "{wrong}");
        }
    }

    /// The texts in quotes behind IN, read by the rules of SQL.
    fn values(sql: &str) -> Vec<String> {
        let mut rest = sql.split_once(" IN (").unwrap().1;
        let mut found = Vec::new();
        loop {
            rest = rest.strip_prefix('\'').unwrap();
            let mut one = String::new();
            loop {
                let (part, after) = rest.split_once('\'').unwrap();
                one += part;
                rest = after;
                let Some(after) = rest.strip_prefix('\'') else { break };
                one.push('\'');
                rest = after;
            }
            found.push(one);
            match rest.strip_prefix(", ") {
                Some(after) => rest = after,
                None => break assert_eq!(rest, ");"),
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_quotes(texts in hostile()) {
            let rows = keep(texts, &[Kind::Domain, Kind::Ipv4, Kind::Ipv6]);
            let files = write(&Osquery, "", &rows);
            let pack: serde_json::Value = serde_json::from_str(&text(&files, ".conf")).unwrap();
            let queries = pack["queries"].as_object().unwrap().values();
            let mut read: Vec<String> =
                queries.flat_map(|query| values(query["query"].as_str().unwrap())).collect();
            let taken = rows.iter().filter(|row| Osquery.takes(row.atom.kind()));
            let mut wanted: Vec<String> = taken.map(|row| row.atom.text().to_owned()).collect();
            read.sort();
            wanted.sort();
            prop_assert_eq!(read, wanted);
        }
    }

    #[test]
    fn quotes_are_doubled() {
        let mut sql = " IN (".to_owned();
        push_quoted(&mut sql, "a'); DROP TABLE hash; --'");
        assert_eq!(values(&(sql + ");")), ["a'); DROP TABLE hash; --'"]);
    }
}
