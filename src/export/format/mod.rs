//! The formats. Each is one file, with a fixture and a checker in the tests.
//!
//! A writer gets values in their one spelling ([`Atom`](crate::stix::atom::Atom)): no control characters,
//! canonical addresses, hosts in A-labels. It escapes what its format asks to be escaped, and leaves out and
//! counts what it has no place for. Free text of objects never becomes a directive, an option or a file name.

mod cef;
mod clamav;
mod csv;
#[cfg(test)]
mod detection;
mod ecs;
mod haproxy;
#[cfg(test)]
mod hostile;
mod idea;
mod intelmq;
mod ipset;
mod leef;
mod lines;
mod list;
mod misp;
mod names;
mod networks;
mod nftables;
mod nginx;
mod osquery;
mod postfix;
mod records;
mod resolvers;
mod rpz;
mod rspamd;
mod sigma;
mod splunk;
mod squid;
mod stix;
mod suricata;
#[cfg(test)]
mod testing;
mod text;
mod wazuh;
mod yara;
mod zeek;

pub use text::one_line;

use super::row::{About, Row, Rule, Whole, seconds};
use crate::stix::atom::Kind;
use crate::stix::marking::Pap;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// All of them.
pub static FORMATS: &[&dyn Format] = &[
    &cef::Cef,
    &clamav::Clamav,
    &csv::Csv,
    &ecs::Ecs,
    &haproxy::Haproxy,
    &idea::Idea,
    &intelmq::IntelMq,
    &ipset::Ipset,
    &leef::Leef,
    &list::List,
    &misp::Misp,
    &nftables::Nftables,
    &nginx::Nginx,
    &osquery::Osquery,
    &postfix::Postfix,
    &resolvers::Dnsmasq,
    &resolvers::Hosts,
    &resolvers::Unbound,
    &rpz::Rpz,
    &rspamd::Rspamd,
    &sigma::Sigma,
    &splunk::Splunk,
    &squid::Squid,
    &stix::Bundle,
    &stix::Lines,
    &suricata::Suricata,
    &wazuh::Wazuh,
    &yara::Yara,
    &zeek::Zeek,
];

/// The format of a name.
pub fn named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// What its consumer does with an export (governance §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Drops traffic.
    Block,
    /// Looks for it.
    Detect,
    /// Keeps it for people.
    Archive,
}

impl Class {
    /// The most restricted use that fits.
    pub fn pap_max(self) -> Pap {
        match self {
            Self::Block => Pap::Green,
            Self::Detect => Pap::Amber,
            Self::Archive => Pap::Red,
        }
    }
}

/// A format.
pub trait Format: Sync {
    /// Its name in the registry.
    fn name(&self) -> &'static str;

    /// What its consumer does.
    fn class(&self) -> Class;

    /// Has it a place for values of this kind?
    fn takes(&self, kind: Kind) -> bool;

    /// Values of `pattern_type` whose patterns it takes as they are; `stix`: patterns that are no lists.
    fn languages(&self) -> &'static [&'static str] {
        &[]
    }

    /// Does it take whole objects? Then there are no rows and no rules.
    fn takes_objects(&self) -> bool {
        false
    }

    /// Does it write descriptions, whatever the name is?
    fn takes_descriptions(&self) -> bool {
        false
    }

    /// Does it want, with these options, the groupings beside rows and rules, as objects?
    fn takes_groupings(&self, _: &toml::Table) -> bool {
        false
    }

    /// Are these options that it has? What is wrong with them, if not.
    fn check(&self, options: &toml::Table) -> Result<(), String>;

    /// Writes its files. An error tells the operator what to change.
    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String>;
}

/// Everything that a writer gets.
pub struct Input<'a> {
    /// What is said of the whole.
    pub about: &'a About,
    /// The format's options, as [`Format::check`] passed them.
    pub options: &'a toml::Table,
    /// The values, sorted by kind and value.
    pub rows: &'a [Row],
    /// The rules, sorted by id.
    pub rules: &'a [Rule],
    /// The objects, sorted by id.
    pub objects: &'a [Whole],
    /// What a file of the export was last time, state included.
    pub previous: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

impl Input<'_> {
    /// The first lines of a file in a format with comments.
    pub fn header(&self, mark: &str, file: &str, rows: usize, files: &Files) -> String {
        let about = self.about;
        let mut left_out = about.left_out.clone();
        for (reason, count) in &files.left_out {
            *left_out.entry(reason).or_default() += count;
        }
        let total: u64 = left_out.values().sum();
        let reasons: Vec<String> =
            left_out.iter().map(|(reason, count)| format!("{reason}={count}")).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(" ")) };
        let mut text = format!(
            "{mark}liaison export {}  collection={}  tlp={}  pap<={}  purposes={}\n",
            about.name,
            about.collections.join(","),
            about.tlp_write.word(about.tlp),
            about.pap_max.name(),
            about.purposes.join(","),
        );
        text += &format!(
            "{mark}generated={}  rows={rows}  left_out={total}{reasons}  sha256 in {file}.sha256\n",
            seconds(about.generated)
        );
        for caveat in &about.caveats {
            text += &format!("{mark}{}\n", one_line(caveat, TEXT_MAX));
        }
        text + mark + "Handle by the marking above. Do not republish.\n"
    }
}

/// What a writer wrote.
#[derive(Debug, Default)]
pub struct Files {
    /// In the order written; the first is the export's main file.
    pub files: Vec<File>,
    /// What the writer had no place for, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
}

/// One file.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without directories.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// How many values or rules are in it.
    pub rows: usize,
    /// Kept beside the export for the writer, and served to nobody.
    pub is_state: bool,
}

impl Files {
    /// Adds a file that is served.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        media_type: &'static str,
        bytes: impl Into<Vec<u8>>,
        rows: usize,
    ) {
        let (name, bytes) = (name.into(), bytes.into());
        self.files.push(File { name, media_type, bytes, rows, is_state: false });
    }

    /// Adds a file that the writer finds again next time.
    pub fn state(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let (name, bytes) = (name.into(), bytes.into());
        self.files.push(File {
            name,
            media_type: "application/octet-stream",
            bytes,
            rows: 0,
            is_state: true,
        });
    }

    /// Counts something left out.
    pub fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }
}

/// Options as a format's own type, which says what it does not know.
pub fn options<T: DeserializeOwned>(table: &toml::Table) -> Result<T, String> {
    T::deserialize(table.clone()).map_err(|error| error.message().to_owned())
}

/// Free text in a line, in characters.
pub const TEXT_MAX: usize = 200;
/// The media type of most of them.
pub const TEXT: &str = "text/plain; charset=utf-8";
