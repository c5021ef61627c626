//! Log Event Extended Format 2.0: one event a line, fields between tabs.

use super::cef::tenth;
use super::records::Millis;
use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::fmt::Write;

/// The format (export formats §5.2).
pub(super) struct Leef;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// The host in front of each line, for sending over syslog; none: no such front.
    syslog_host: Option<String>,
}

impl Format for Leef {
    fn name(&self) -> &'static str {
        "leef"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        key(kind).is_some()
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        match options::<Options>(table)?.syslog_host {
            Some(host) if host.is_empty() || host.len() > 255 || !host.chars().all(is_part) => {
                Err("syslog_host must be a host name or an address".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let front = choices
            .syslog_host
            .map_or_else(String::new, |host| format!("<134>1 {} {host} ", Millis(input.about.generated)));
        let mut text = String::with_capacity((260 + front.len()) * input.rows.len());
        let mut written = 0;
        for row in input.rows {
            let Some(key) = key(row.atom.kind()) else {
                files.leave_out("no_place");
                continue;
            };
            let (facts, cat) = (&row.facts, row.atom.kind().object_type());
            text += &front;
            text += "LEEF:2.0|Liaison|Liaison|1.0|indicator|x09|";
            let mut write = || {
                write!(text, "devTime={}\t{TIME_FORMAT}\tcat={cat}\t", Millis(facts.modified))?;
                if let Some(confidence) = facts.confidence {
                    write!(text, "sev={}\t", tenth(confidence).max(1))?;
                }
                let (value, tlp) = (row.atom.text(), input.about.tlp_write.word(facts.tlp));
                writeln!(text, "{key}={value}\ttlp={tlp}\tstixId={}", facts.id)
            };
            write().map_err(|error: std::fmt::Error| error.to_string())?;
            written += 1;
        }
        files.add(format!("{}.leef", input.about.name), TEXT, text, written);
        Ok(())
    }
}

/// The key of a kind of value. An address field takes no network.
fn key(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Ipv4 | Kind::Ipv6 => "dst",
        Kind::Url => "url",
        Kind::Domain => "domain",
        Kind::FileMd5 | Kind::FileSha1 | Kind::FileSha256 | Kind::FileSha512 => "fileHash",
        _ => return None,
    })
}

const TIME_FORMAT: &str = "devTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX";

#[cfg(test)]
mod tests {
    use super::super::records::testing::{rows, three, written};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_comes_back_and_no_field_besides(rows in rows()) {
            let files = written(&Leef, &rows, "");
            let text = std::str::from_utf8(&files.files[0].bytes).unwrap();
            let taken: Vec<_> = rows.iter().filter(|row| Leef.takes(row.atom.kind())).collect();
            prop_assert_eq!(text.split_terminator('\n').count(), taken.len());
            for (row, line) in taken.iter().zip(text.split_terminator('\n')) {
                let fields = line.strip_prefix("LEEF:2.0|Liaison|Liaison|1.0|indicator|x09|").unwrap();
                let fields: Vec<(&str, &str)> =
                    fields.split('\t').map(|field| field.split_once('=').unwrap()).collect();
                let keys: Vec<&str> = fields.iter().map(|(key, _)| *key).filter(|key| *key != "sev").collect();
                prop_assert_eq!(&keys[..3], ["devTime", "devTimeFormat", "cat"]);
                prop_assert_eq!(&keys[4..], ["tlp", "stixId"]);
                let get = |wanted: &str| fields.iter().find(|(key, _)| *key == wanted).map(|(_, text)| *text);
                prop_assert_eq!(get(keys[3]), Some(row.atom.text()));
                prop_assert_eq!(get("stixId"), Some(&*row.facts.id));
                prop_assert_eq!(get("tlp"), Some(row.facts.tlp.name()));
                let severity = get("sev").map(|text| text.parse::<u8>().unwrap());
                prop_assert_eq!(severity, row.facts.confidence.map(|c| ((f64::from(c) / 10.0).round() as u8).max(1)));
            }
        }
    }

    #[test]
    fn syslog_puts_a_host_in_front() {
        let rows = three(Kind::Domain, [Some(80), None, Some(0)]);
        let text =
            String::from_utf8(written(&Leef, &rows, "syslog_host = 'hub.example'").files[0].bytes.clone())
                .unwrap();
        assert!(text.starts_with("<134>1 2026-11-23T06:00:00.000Z hub.example LEEF:2.0|Liaison|"), "{text}");
        for bad in ["a b", "", "a\n"] {
            let table = toml::Table::from_iter([("syslog_host".to_owned(), toml::Value::from(bad))]);
            assert!(Leef.check(&table).is_err());
        }
    }
}
