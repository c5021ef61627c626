//! Sets for ipset, filled aside and then swapped (export formats §10.2).

use super::networks::{Element, check_name, check_timeout, elements, is_address};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::Kind;
use ipnet::IpNet;
use serde::Deserialize;
use std::fmt::Write;

/// The format.
pub(super) struct Ipset;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// What the names of the sets begin with.
    set: String,
    /// The longest time that a value stays, and that of those without an end.
    timeout_max_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { set: "liaison".to_owned(), timeout_max_secs: TIMEOUT_MAX_SECS }
    }
}

impl Format for Ipset {
    fn name(&self) -> &'static str {
        "ipset"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        is_address(kind)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let choices: Options = options(table)?;
        check_name("set", &choices.set)?;
        check_timeout(choices.timeout_max_secs, TIMEOUT_MAX_SECS)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let elements = elements(input, choices.timeout_max_secs, files);
        // Rows are sorted by kind, so addresses of IPv4 come first.
        let (v4, v6) = elements.split_at(elements.partition_point(|one| matches!(one.network, IpNet::V4(_))));
        if v4.len().max(v6.len()) > ELEMENTS_MAX {
            return Err(format!(
                "more than {ELEMENTS_MAX} addresses of one family: sets of ipset hold no more; select fewer"
            ));
        }
        let file = format!("{}.ipset", input.about.name);
        let mut text = input.header("# ", &file, elements.len(), files);
        text.reserve(elements.len() * 80);
        write_set(&mut text, &format!("{}4", choices.set), "inet", v4);
        write_set(&mut text, &format!("{}6", choices.set), "inet6", v6);
        files.add(file, TEXT, text, elements.len());
        Ok(())
    }
}

fn write_set(text: &mut String, set: &str, family: &str, elements: &[Element]) {
    for name in [set, &format!("{set}_new")] {
        _ = writeln!(
            text,
            "create -exist {name} hash:net family {family} hashsize 1024 maxelem {ELEMENTS_MAX} timeout 0 comment"
        );
    }
    _ = writeln!(text, "flush {set}_new");
    for one in elements {
        _ = write!(text, "add -exist {set}_new {} timeout {}", one.text, one.timeout_secs);
        _ = one.write_comment(text);
        text.push('\n');
    }
    _ = writeln!(text, "swap {set}_new {set}\ndestroy {set}_new");
}

/// What a set holds. A set that is there already must have the same.
const ELEMENTS_MAX: usize = 1_048_576;
/// The longest time that the kernel takes.
const TIMEOUT_MAX_SECS: u64 = 2_147_483;

#[cfg(test)]
mod tests;
