//! The Permissible Actions Protocol: what a recipient may do with an object.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A PAP level; the order is that of restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Pap {
    /// Anything lawful.
    Clear,
    /// Active use on own networks: block, take countermeasures.
    Green,
    /// Passive checks only.
    Amber,
    /// Nothing that can be noticed from outside.
    Red,
}

impl Pap {
    /// The level that a marking-definition id stands for.
    pub fn of_marking(id: &str) -> Option<Self> {
        let uuid = id.strip_prefix("marking-definition--")?;
        KNOWN.iter().find(|(known, _)| *known == uuid).map(|(_, pap)| *pap)
    }

    /// The marking-definition id to write for this level.
    pub fn marking_id(self) -> &'static str {
        match self {
            Self::Clear => "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92",
            Self::Green => "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9",
            Self::Amber => "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab",
            Self::Red => "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e",
        }
    }

    /// The level's name without `PAP:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "CLEAR",
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::Red => "RED",
        }
    }

    /// The level of a label such as `pap:amber`.
    pub fn of_label(label: &str) -> Option<Self> {
        let label = super::unquoted(label);
        if !label.get(..4)?.eq_ignore_ascii_case("pap:") {
            return None;
        }
        Self::parse(&label[4..])
    }

    /// Reads a level's name without `PAP:`, in any case; `WHITE` is `CLEAR`.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "CLEAR" | "WHITE" => Some(Self::Clear),
            "GREEN" => Some(Self::Green),
            "AMBER" => Some(Self::Amber),
            "RED" => Some(Self::Red),
            _ => None,
        }
    }
}

impl fmt::Display for Pap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PAP:{}", self.name())
    }
}

const KNOWN: [(&str, Pap); 9] = [
    ("ad15a0cd-55b6-4588-a14c-a66105329b92", Pap::Clear),
    ("a3bea94c-b469-41dc-9cfe-d6e7daba7730", Pap::Clear),
    ("c43594d1-4b11-4c59-93ab-1c9b14d53ce9", Pap::Green),
    ("60f8932b-e51e-4458-b265-a2e8be9a80ab", Pap::Amber),
    ("740d36e5-7714-4c30-961a-3ae632ceee0e", Pap::Red),
    // Those of OpenCTI.
    ("4cdff7eb-acb8-543f-8573-829eb9fe8b34", Pap::Clear),
    ("89484dde-e3d2-547f-a6c6-d14824429eb1", Pap::Green),
    ("a6f20d4d-0360-59b6-ba22-3b48707828b1", Pap::Amber),
    ("4e4e3b84-de45-53df-9d9b-b21207699fd8", Pap::Red),
];
