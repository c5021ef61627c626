//! The Traffic Light Protocol: levels, their order, and the ids that carry them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A TLP 2.0 level; the order is that of restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tlp {
    /// May be passed to anyone.
    #[serde(rename = "CLEAR", alias = "WHITE")]
    Clear,
    /// The recipient's community.
    #[serde(rename = "GREEN")]
    Green,
    /// The recipient's organisation and its clients.
    #[serde(rename = "AMBER")]
    Amber,
    /// The recipient's organisation only.
    #[serde(rename = "AMBER+STRICT")]
    AmberStrict,
    /// The named recipients only.
    #[serde(rename = "RED")]
    Red,
}

impl Tlp {
    /// All levels, least restricted first.
    pub const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// The level that a marking-definition id stands for, TLP 1 and TLP 2.
    pub fn of_marking(id: &str) -> Option<Self> {
        let uuid = id.strip_prefix("marking-definition--")?;
        KNOWN.iter().find(|(known, _)| *known == uuid).map(|(_, tlp)| *tlp)
    }

    /// The level of a label such as `tlp:amber`, the way some producers mark.
    pub fn of_label(label: &str) -> Option<Self> {
        let label = super::unquoted(label);
        if !label.get(..4)?.eq_ignore_ascii_case("tlp:") {
            return None;
        }
        Self::named(&label[4..].to_ascii_uppercase())
    }

    /// Reads a level's name, in any case, with or without `TLP:`; `WHITE` is `CLEAR`.
    pub fn parse(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        Self::named(upper.strip_prefix("TLP:").unwrap_or(&upper))
    }

    fn named(upper: &str) -> Option<Self> {
        match upper {
            "CLEAR" | "WHITE" => Some(Self::Clear),
            "GREEN" => Some(Self::Green),
            "AMBER" => Some(Self::Amber),
            "AMBER+STRICT" => Some(Self::AmberStrict),
            "RED" => Some(Self::Red),
            _ => None,
        }
    }

    /// The TLP 2.0 marking-definition id to write for this level.
    pub fn marking_id(self) -> &'static str {
        match self {
            Self::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
            Self::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
            Self::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
            Self::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            Self::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        }
    }

    /// The level's name without `TLP:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "CLEAR",
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::AmberStrict => "AMBER+STRICT",
            Self::Red => "RED",
        }
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLP:{}", self.name())
    }
}

const KNOWN: [(&str, Tlp); 10] = [
    ("94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    // OpenCTI writes AMBER+STRICT under an id of its own.
    ("826578e1-40ad-459f-bc73-ede076f81f37", Tlp::AmberStrict),
    ("e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
    ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_by_restriction() {
        assert!(Tlp::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        for tlp in Tlp::ALL {
            assert_eq!(Tlp::of_marking(tlp.marking_id()), Some(tlp));
            assert_eq!(Tlp::parse(tlp.name()), Some(tlp));
        }
    }

    #[test]
    fn labels_count_only_when_they_are_exactly_a_level() {
        assert_eq!(Tlp::of_label("TLP:Amber+Strict"), Some(Tlp::AmberStrict));
        assert_eq!(Tlp::of_label("\"tlp:white\""), Some(Tlp::Clear));
        for other in ["tlp:unclear", "amber", "tlp:", "é", "xtlp:red", "tlp:tlp:red"] {
            assert_eq!(Tlp::of_label(other), None, "{other}");
        }
    }
}
