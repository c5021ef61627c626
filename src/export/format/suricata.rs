//! Rules for Suricata 7.0 and later, with lists beside them or one for each value (export formats §8.1).

mod foreign;
mod rules;
mod sids;
#[cfg(test)]
mod tests;

use super::{Class, Files, Format, Input, TEXT, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sids::{FIXED, Line};
use std::fmt::Write;

/// The format.
pub(super) struct Suricata;

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Layout {
    Lists,
    Rules,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// A few rules with lists beside them, or one rule for each value.
    layout: Layout,
    /// With lists: a rule for each domain besides, since lists match exact names only.
    subdomains: bool,
    /// With lists: a rule for each network, since lists hold none.
    networks: bool,
    /// With lists: a rule for each URL, since there is no list of them.
    urls: bool,
    /// The first `sid` of the export's range.
    sid_first: u32,
    /// The last.
    sid_last: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            layout: Layout::Lists,
            subdomains: false,
            networks: false,
            urls: false,
            sid_first: 9_100_000,
            sid_last: 9_899_999,
        }
    }
}

impl Format for Suricata {
    fn name(&self) -> &'static str {
        "suricata"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        use Kind::{Domain, FileMd5, FileSha1, FileSha256, Ipv4, Ipv4Network, Ipv6, Ipv6Network, Url};
        matches!(
            kind,
            Ipv4 | Ipv4Network | Ipv6 | Ipv6Network | Domain | Url | FileMd5 | FileSha1 | FileSha256
        )
    }

    fn languages(&self) -> &'static [&'static str] {
        &["suricata", "snort"]
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let choices: Options = options(table)?;
        if choices.sid_first == 0 || choices.sid_last.saturating_sub(choices.sid_first) < FIXED {
            return Err(format!("sid_last must be at least {FIXED} above sid_first, and sid_first above 0"));
        }
        if choices.layout == Layout::Rules && (choices.subdomains || choices.networks || choices.urls) {
            return Err("subdomains, networks and urls go with layout = \"lists\" only: with \"rules\" \
                        each value has a rule"
                .to_owned());
        }
        Ok(())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        if input.about.name.len() > NAME_MAX {
            return Err(format!(
                "the export's name is longer than {NAME_MAX} characters, too long for Suricata's sets"
            ));
        }
        let mut lists = Files::default();
        let mut lines = lists_of(input, choices.layout, &mut lists);
        add_values(input, &choices, &mut lines, files);
        add_foreign(input, &mut lines, files);
        let state = format!("{RULES}.sids");
        let previous = (input.previous)(&state).unwrap_or_default();
        let allotted = sids::allot(&lines, &previous, choices.sid_first..=choices.sid_last)?;
        let size: usize = lines.iter().map(|line| line.text.len() + 32).sum();
        let mut text = String::with_capacity(size);
        let mut rows = lists.files.iter().map(|list| list.rows).sum();
        for (line, place) in lines.iter().zip(&allotted.places) {
            let Some((sid, rev)) = place else {
                files.leave_out("sid_range");
                continue;
            };
            rows += usize::from(line.fixed.is_none());
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} sid:{sid}; rev:{rev};)", line.text);
        }
        let header = input.header("# ", RULES, rows, files);
        files.add(RULES, TEXT, header + &text, rows);
        files.files.append(&mut lists.files);
        files.state(state, allotted.state);
        Ok(())
    }
}

/// The lists, and the rules that use them. Suricata takes empty sets, but no empty list of hashes.
fn lists_of(input: &Input, layout: Layout, files: &mut Files) -> Vec<Line> {
    let name = &input.about.name;
    let mut lines = Vec::new();
    if layout == Layout::Lists {
        let encode = |row: &Row, list: &mut String| STANDARD.encode_string(row.atom.text(), list);
        add_list(input, "dom", &[Kind::Domain], encode, files);
        let copy = |row: &Row, list: &mut String| list.push_str(row.atom.text());
        add_list(input, "ip", &[Kind::Ipv4, Kind::Ipv6], copy, files);
        let named = |set: &str, list: &str, kind: &str| {
            let size = if kind == "string" { ",memcap 200mb,hashsize 262144" } else { "" };
            format!("dataset:isset,liaison-{name}-{set},type {kind},load liaison-{name}-{list}.lst{size};")
        };
        let rules = [
            ("dns", "domain", format!("dns.query; to_lowercase; {}", named("dom", "dom", "string"))),
            ("tls", "server name", format!("tls.sni; to_lowercase; {}", named("sni", "dom", "string"))),
            ("http", "host", format!("http.host; {}", named("host", "dom", "string"))),
            ("ip", "address", format!("ip.dst; {}", named("ip", "ip", "ip"))),
        ];
        for (number, (protocol, what, matches)) in (1..).zip(rules) {
            let head = format!("alert {protocol} $HOME_NET any -> any any");
            lines.push(list_rule(input, number, &head, what, &matches));
        }
    }
    for (number, kind, hash) in
        [(5, Kind::FileSha256, "sha256"), (6, Kind::FileMd5, "md5"), (7, Kind::FileSha1, "sha1")]
    {
        if input.rows.iter().any(|row| row.atom.kind() == kind) {
            let copy = |row: &Row, list: &mut String| list.push_str(row.atom.text());
            add_list(input, hash, &[kind], copy, files);
            let matches = format!("file{hash}:liaison-{name}-{hash}.lst;");
            lines.push(list_rule(input, number, "alert http any any -> any any", "file", &matches));
        }
    }
    lines
}

/// A file with one value a line, and no other line.
fn add_list(input: &Input, what: &str, kinds: &[Kind], put: fn(&Row, &mut String), files: &mut Files) {
    let mut list = String::new();
    let mut count = 0;
    for row in input.rows.iter().filter(|row| kinds.contains(&row.atom.kind())) {
        put(row, &mut list);
        list.push('\n');
        count += 1;
    }
    files.add(format!("liaison-{}-{what}.lst", input.about.name), TEXT, list, count);
}

/// A rule for a whole list.
fn list_rule(input: &Input, number: u32, head: &str, what: &str, matches: &str) -> Line {
    let about = input.about;
    let mut text = format!("{head} (msg:\"LIAISON {} known-bad {what}\"; {matches} ", about.name);
    text += "classtype:trojan-activity; metadata:";
    for collection in &about.collections {
        text += &format!("collection {}, ", rules::word(collection));
    }
    text += &format!("tlp {};", about.tlp_write.word(about.tlp).to_ascii_lowercase());
    Line { key: format!("list {number}"), fixed: Some(number), text, modified: 0 }
}

/// The rules for single values.
fn add_values(input: &Input, choices: &Options, lines: &mut Vec<Line>, files: &mut Files) {
    for row in input.rows {
        let kind = row.atom.kind();
        let is_ruled = match kind {
            Kind::Domain => choices.subdomains,
            Kind::Ipv4Network | Kind::Ipv6Network => choices.networks,
            Kind::Url => choices.urls,
            _ => false,
        };
        let is_listed = matches!(kind, Kind::FileMd5 | Kind::FileSha1 | Kind::FileSha256)
            || choices.layout == Layout::Lists && matches!(kind, Kind::Domain | Kind::Ipv4 | Kind::Ipv6);
        if is_ruled || choices.layout == Layout::Rules && !is_listed {
            match rules::of(row, input.about) {
                Ok(text) => lines.push(Line {
                    key: format!("{} {}", kind.number(), row.atom.text()),
                    fixed: None,
                    text,
                    modified: row.facts.modified.micros(),
                }),
                Err(reason) => files.leave_out(reason),
            }
        } else if !is_listed {
            files.leave_out("layout");
        }
    }
}

/// Rules of others, as far as a strict reader understands them whole.
fn add_foreign(input: &Input, lines: &mut Vec<Line>, files: &mut Files) {
    for rule in input.rules {
        match foreign::read(&rule.text) {
            Ok(text) => lines.push(Line {
                key: format!("rule {}", rule.facts.id),
                fixed: None,
                text: format!("{text} {}", rules::metadata(&rule.facts, input.about)),
                modified: rule.facts.modified.micros(),
            }),
            Err(reason) => files.leave_out(reason),
        }
    }
}

/// The file of rules.
const RULES: &str = "liaison.rules";
/// So that `liaison-<name>-host` stays within the 63 characters of a set's name.
const NAME_MAX: usize = 50;
