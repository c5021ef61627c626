//! Sets and a chain for nftables (export formats §10.1).

use super::networks::{Element, check_name, check_timeout, elements, is_address};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::Kind;
use ipnet::IpNet;
use serde::Deserialize;
use std::fmt::Write;

/// The format.
pub(super) struct Nftables;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// The table's name.
    table: String,
    /// No chain: the operator's own rules use the sets.
    sets_only: bool,
    /// The longest time that a value stays, and that of those without an end.
    timeout_max_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { table: "liaison".to_owned(), sets_only: false, timeout_max_secs: 30 * DAY_SECS }
    }
}

impl Format for Nftables {
    fn name(&self) -> &'static str {
        "nftables"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        is_address(kind)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let choices: Options = options(table)?;
        check_name("table", &choices.table)?;
        check_timeout(choices.timeout_max_secs, TIMEOUT_MAX_SECS)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let table = &choices.table;
        let elements = apart(elements(input, choices.timeout_max_secs, files), files);
        let (v4, v6) = elements.split_at(elements.partition_point(|one| matches!(one.network, IpNet::V4(_))));
        let file = format!("{}.nft", input.about.name);
        let mut text = input.header("# ", &file, elements.len(), files);
        text.reserve(elements.len() * 80);
        // With rules of the operator in it the table must stay; sets are emptied and filled at once.
        _ = match choices.sets_only {
            true => writeln!(
                text,
                "table inet {table} {{\n  set bad4 {{ type ipv4_addr; {FLAGS}; }}\n  set bad6 {{ type ipv6_addr; {FLAGS}; }}\n}}\n\
                 flush set inet {table} bad4\nflush set inet {table} bad6"
            ),
            false => writeln!(text, "table inet {table}\ndelete table inet {table}"),
        };
        _ = writeln!(text, "table inet {table} {{");
        write_set(&mut text, "bad4", "ipv4_addr", v4);
        write_set(&mut text, "bad6", "ipv6_addr", v6);
        if !choices.sets_only {
            text += CHAIN;
        }
        text += "}\n";
        files.add(file, TEXT, text, elements.len());
        Ok(())
    }
}

/// The elements in order of their numbers, without those inside another: an interval set refuses what
/// overlaps, and its `auto-merge` would give neighbours the time of one of them.
fn apart<'a>(mut elements: Vec<Element<'a>>, files: &mut Files) -> Vec<Element<'a>> {
    elements.sort_unstable_by_key(|one| one.network);
    let mut cover: Option<IpNet> = None;
    elements.retain(|one| {
        let is_covered = cover.is_some_and(|cover| cover.contains(&one.network));
        match is_covered {
            true => files.leave_out("covered"),
            false => cover = Some(one.network),
        }
        !is_covered
    });
    elements
}

fn write_set(text: &mut String, name: &str, kind: &str, elements: &[Element]) {
    _ = write!(text, "  set {name} {{ type {kind}; {FLAGS};");
    for (at, one) in elements.iter().enumerate() {
        *text += if at == 0 { " elements = {\n" } else { ",\n" };
        _ = match one.timeout_secs % DAY_SECS {
            0 => write!(text, "    {} timeout {}d", one.text, one.timeout_secs / DAY_SECS),
            _ => write!(text, "    {} timeout {}s", one.text, one.timeout_secs),
        };
        _ = one.write_comment(text);
    }
    *text += if elements.is_empty() { " }\n" } else { "\n  }; }\n" };
}

const FLAGS: &str = "flags interval, timeout";
const CHAIN: &str = "  chain out { type filter hook output priority filter; policy accept; \
                     ip daddr @bad4 counter drop; ip6 daddr @bad6 counter drop; }\n";
const DAY_SECS: u64 = 86_400;
/// A year.
const TIMEOUT_MAX_SECS: u64 = 365 * DAY_SECS;

#[cfg(test)]
mod tests;
