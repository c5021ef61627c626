//! Sigma rules, a file for each collection and log source (export formats §13).

mod foreign;
#[cfg(test)]
mod tests;

use super::{Class, Files, Format, Input, TEXT_MAX, one_line, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use uuid::Uuid;

/// The format.
pub(super) struct Sigma;

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Level {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// `level` of the rules.
    level: Level,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: Level::High }
    }
}

/// A log source: its category, what its rules are called, their tactic, and fields with the kinds of values
/// they are compared with.
struct Source {
    category: &'static str,
    title: &'static str,
    tactic: &'static str,
    fields: &'static [(&'static str, &'static str, &'static [Kind])],
}

static SOURCES: [Source; 5] = [
    Source {
        category: "dns_query",
        title: "DNS queries for known-bad names",
        tactic: "command-and-control",
        fields: &[("QueryName", "", &[Kind::Domain]), ("QueryName|endswith", ".", &[Kind::Domain])],
    },
    Source {
        category: "proxy",
        title: "Web requests to known-bad URLs or hosts",
        tactic: "command-and-control",
        fields: &[("c-uri", "", &[Kind::Url]), ("cs-host", "", &[Kind::Domain])],
    },
    Source {
        category: "network_connection",
        title: "Connections to known-bad addresses",
        tactic: "command-and-control",
        fields: &[
            ("DestinationIp", "", &[Kind::Ipv4, Kind::Ipv6]),
            ("DestinationIp|cidr", "", &[Kind::Ipv4Network, Kind::Ipv6Network]),
        ],
    },
    Source {
        category: "process_creation",
        title: "Known-bad programs started",
        tactic: "execution",
        fields: HASHES,
    },
    Source { category: "file_event", title: "Known-bad files written", tactic: "execution", fields: HASHES },
];

const HASHES: &[(&str, &str, &[Kind])] = &[
    ("Hashes|contains", "MD5=", &[Kind::FileMd5]),
    ("Hashes|contains", "SHA1=", &[Kind::FileSha1]),
    ("Hashes|contains", "SHA256=", &[Kind::FileSha256]),
];

impl Format for Sigma {
    fn name(&self) -> &'static str {
        "sigma"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        SOURCES.iter().any(|source| source.has(kind))
    }

    fn languages(&self) -> &'static [&'static str] {
        &["sigma"]
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let foreign: Vec<_> = input.rules.iter().filter(|rule| foreign::is_rule(&rule.text)).collect();
        for _ in foreign.len()..input.rules.len() {
            files.leave_out("not_understood");
        }
        let mut collections: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in input.rows {
            collections.entry(&row.facts.collection).or_default().push(row);
        }
        for (collection, rows) in collections {
            for source in &SOURCES {
                let rows: Vec<&Row> =
                    rows.iter().copied().filter(|row| source.has(row.atom.kind())).collect();
                for (part, rows) in (1..).zip(rows.chunks(VALUES_MAX)) {
                    add(input, files, &Part { collection, source, part, rows, level: choices.level });
                }
            }
        }
        for rule in foreign {
            let file = format!("{}.yml", name_of(&rule.facts.id));
            let header = input.header("# ", &file, 1, files);
            files.add(file, YAML, format!("{header}{}\n", rule.text.trim_end()), 1);
        }
        if files.files.is_empty() {
            // A rule must have a detection, so that one for nothing cannot be: a file of comments alone.
            let text = input.header("# ", EMPTY, 0, files);
            files.add(EMPTY, YAML, text, 0);
        }
        Ok(())
    }
}

impl Source {
    fn has(&self, kind: Kind) -> bool {
        self.fields.iter().any(|(_, _, kinds)| kinds.contains(&kind))
    }
}

struct Part<'a> {
    collection: &'a str,
    source: &'a Source,
    part: usize,
    rows: &'a [&'a Row],
    level: Level,
}

/// One rule in a file of its own.
fn add(input: &Input, files: &mut Files, part: &Part) {
    let Part { collection, source, rows, .. } = part;
    let category = source.category;
    let number = if part.part > 1 { format!("-{}", part.part) } else { String::new() };
    let file = format!("liaison-{}-{category}{number}.yml", name_of(collection));
    let mut text = input.header("# ", &file, rows.len(), files);
    text.reserve(rows.len() * 150);
    let url = format!("{}/{collection}/{category}{number}", input.about.url);
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, url.as_bytes());
    let tlp = rows.iter().map(|row| row.facts.tlp).max().unwrap_or(input.about.tlp);
    let tlp = input.about.tlp_write.word(tlp);
    let mut line = |key: &str, value: &str| {
        let _ = write!(text, "{key}");
        quote(&mut text, value);
        text.push('\n');
    };
    let cut = one_line(collection, COLLECTION_MAX);
    line("title: ", &format!("{} ({cut}{number})", source.title));
    line("id: ", &id.to_string());
    line("status: ", "experimental");
    line("description: ", &format!("Values that partners reported to the collection {cut}, TLP {tlp}."));
    line("references:\n  - ", &input.about.url);
    line("author: ", &authors(rows));
    let modified = rows.iter().map(|row| row.facts.modified).max().unwrap_or(input.about.generated);
    let from = rows.iter().map(|row| row.facts.valid_from).min().unwrap_or(modified).min(modified);
    line("date: ", day(&from.to_string()));
    line("modified: ", day(&modified.to_string()));
    line("tags:\n  - ", &format!("attack.{}", source.tactic));
    line("  - ", &format!("tlp.{}", tlp.to_ascii_lowercase().replace('+', "-")));
    line("logsource:\n  category: ", category);
    detection(&mut text, part);
    text.push_str("falsepositives:\n  - 'Shared addresses and hosts, and sites that were cleaned'\n");
    let _ = writeln!(text, "level: '{}'", part.level.word());
    files.add(file, YAML, text, rows.len());
}

fn detection(text: &mut String, part: &Part) {
    text.push_str("detection:\n");
    for (n, (field, before, kinds)) in (1..).zip(part.source.fields) {
        let mut rows = part.rows.iter().filter(|row| kinds.contains(&row.atom.kind())).peekable();
        if rows.peek().is_some() {
            let _ = writeln!(text, "  values_{n}:\n    {field}:");
        }
        for row in rows {
            text.push_str("      - '");
            text.push_str(before);
            pattern(text, row.atom.text());
            text.push_str("'\n");
        }
    }
    text.push_str("  condition: '1 of values_*'\n");
}

/// A value of a comparison: without the meanings that `*`, `?` and `\` have there.
fn pattern(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '*' | '?' | '\\' => text.push('\\'),
            '\'' => text.push('\''),
            _ => {}
        }
        text.push(c);
    }
}

/// A scalar in single quotes: its one special character is the quote. YAML has no place for some others.
fn quote(text: &mut String, value: &str) {
    text.push('\'');
    for c in value.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')) {
        text.push_str(if c == '\'' { "'" } else { "" });
        text.push(c);
    }
    text.push('\'');
}

fn authors(rows: &[&Row]) -> String {
    let owners: BTreeSet<&String> = rows.iter().flat_map(|row| &row.facts.owners).collect();
    let mut text = String::new();
    for owner in owners {
        if text.len() > TEXT_MAX * 4 {
            break;
        }
        text.push_str(if text.is_empty() { "" } else { ", " });
        text += owner;
    }
    match one_line(&text, TEXT_MAX) {
        text if text.is_empty() => "unknown".to_owned(),
        text => text,
    }
}

/// `YYYY-MM-DD` of a time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// A name with nothing in it that means something to file systems.
fn name_of(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Values in a file.
const VALUES_MAX: usize = 5000;
/// Characters of a collection's name in a title, which may have 110 in all.
const COLLECTION_MAX: usize = 50;
/// The file of an export without rows.
const EMPTY: &str = "liaison-empty.yml";
const YAML: &str = "application/yaml";
