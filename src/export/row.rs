//! What exports are made of.

use crate::stix::atom::Atom;
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is said of a value or a rule: of several objects that name the same, all together
/// (export formats §1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The indicator; of several the one modified last.
    pub id: String,
    /// When it was modified.
    pub modified: Timestamp,
    /// 0 to 100, of several the highest; absent means unknown.
    pub confidence: Option<u8>,
    /// The highest level.
    pub tlp: Tlp,
    /// The most restricted use.
    pub pap: Pap,
    /// On a warning list, and nobody has confirmed it: only exports for people have such values.
    pub warned: bool,
    /// The earliest.
    pub valid_from: Timestamp,
    /// The latest; absent means open.
    pub valid_until: Option<Timestamp>,
    /// Type of the incident taxonomy RSIT, such as `c2-server`.
    pub classification: String,
    /// `indicator_types`.
    pub indicator_types: Vec<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Names of the organisations behind it, sorted.
    pub owners: Vec<String>,
    /// The collection's alias, else its id.
    pub collection: String,
    /// `name`.
    pub name: String,
    /// `description`, at most its first 200 characters.
    pub description: String,
}

impl Facts {
    /// The part of the id behind `--`.
    pub fn uuid(&self) -> &str {
        self.id.split_once("--").map_or("", |(_, uuid)| uuid)
    }

    /// The first eight digits of that.
    pub fn short_id(&self) -> &str {
        self.uuid().get(..8).unwrap_or("")
    }
}

/// A value, once in an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The value, in its one spelling.
    pub atom: Atom,
    /// What is said of it.
    pub facts: Facts,
}

/// A pattern that is no list of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `pattern_type`: `stix`, `yara`, `sigma`, `snort`, `suricata`, …
    pub language: String,
    /// `pattern`.
    pub text: String,
    /// What is said of it.
    pub facts: Facts,
}

/// An object as it is stored.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Its text.
    pub json: Bytes,
    /// Its effective level.
    pub tlp: Tlp,
    /// The collection's alias, else its id.
    pub collection: String,
}

/// A time in whole seconds: `2026-11-23T06:00:00Z`.
pub fn seconds(time: Timestamp) -> String {
    format!("{}Z", &time.to_string()[..19])
}

/// How levels of TLP are written (governance §1.8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlpWrite {
    /// As TLP 2.0.
    #[default]
    #[serde(rename = "2.0")]
    Two,
    /// As TLP 1.0: CLEAR is WHITE, AMBER+STRICT is RED.
    #[serde(rename = "1.0")]
    One,
    /// Both where there is room for both, else as TLP 2.0.
    #[serde(rename = "both")]
    Both,
}

impl TlpWrite {
    /// A level's word.
    pub fn word(self, tlp: Tlp) -> &'static str {
        match (self, tlp) {
            (Self::One, Tlp::Clear) => "WHITE",
            (Self::One, Tlp::AmberStrict) => "RED",
            (_, tlp) => tlp.name(),
        }
    }
}

/// What is said of a whole export.
#[derive(Debug, Clone)]
pub struct About {
    /// The export's name, a slug.
    pub name: String,
    /// Aliases, else ids, of the collections.
    pub collections: Vec<String>,
    /// The highest level inside.
    pub tlp: Tlp,
    /// The most restricted use that its format's class lets in.
    pub pap_max: Pap,
    /// What it may be used for.
    pub purposes: Vec<String>,
    /// What its readers must know besides: `evidence_use`, handling codes, text of `H3`.
    pub caveats: Vec<String>,
    /// When what is in it last changed, in whole seconds.
    pub generated: Timestamp,
    /// What was left out before its writer saw it, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// The hub's URL, without a slash at the end.
    pub url: String,
    /// How levels are written.
    pub tlp_write: TlpWrite,
}
