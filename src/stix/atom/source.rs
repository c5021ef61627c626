//! What is kept beside the values of an object: what lists and look-ups say of them.

use super::{Atom, of_indicator, of_observable};
use crate::stix::StixTime;
use crate::stix::classification::Classification;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An object that names values; times in microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    #[serde(rename = "i")]
    pub id: String,
    /// Its version; 0 of observables, which have none.
    #[serde(rename = "m", default)]
    pub modified: i64,
    /// Who says to have made it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub created_by_ref: Option<String>,
    /// `confidence`.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// `valid_from`; of observables 0.
    #[serde(rename = "f", default)]
    pub valid_from: i64,
    /// `valid_until`.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// `revoked`.
    #[serde(rename = "r", default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
    /// `pattern_type`, if it is not `stix`.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub pattern_type: Option<String>,
    /// `indicator_types`.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub indicator_types: Vec<String>,
    /// Type of the taxonomy RSIT, if there is one.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// `labels`.
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// `name`, shortened.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `description`, shortened.
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl Source {
    /// Is it an indicator? Else it is an observable.
    pub fn is_indicator(&self) -> bool {
        self.id.starts_with(INDICATOR)
    }
}

/// May an object of this id name values?
pub fn may_name_values(id: &str) -> bool {
    NAMING.iter().any(|start| id.starts_with(start))
}

/// The object, and the values that it names: none if it is an indicator that cannot be said as a list.
/// Nothing if it can name no values.
pub fn read(id: &str, json: &[u8]) -> Option<(Source, Vec<Atom>)> {
    if !may_name_values(id) {
        return None;
    }
    let object: Value = serde_json::from_slice(json).ok()?;
    let text = |name: &str| object[name].as_str().map(str::to_owned);
    let time = |name: &str| object[name].as_str().and_then(StixTime::parse).map(|time| time.micros());
    let short = |name: &str| text(name).map(|text| text.chars().take(TEXT_MAX).collect()).unwrap_or_default();
    let list = |name: &str| {
        let items = object[name].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let pattern_type = text("pattern_type").filter(|language| language != "stix");
    let class = Classification::of_indicator(&object, &[]);
    let source = Source {
        classification: (class != Classification::UNDETERMINED).then(|| class.type_name().to_owned()),
        id: id.to_owned(),
        modified: time("modified").unwrap_or(0),
        created_by_ref: text("created_by_ref"),
        confidence: object["confidence"].as_u64().and_then(|value| u8::try_from(value).ok()),
        valid_from: time("valid_from").unwrap_or(0),
        valid_until: time("valid_until"),
        revoked: object["revoked"].as_bool().unwrap_or(false),
        indicator_types: list("indicator_types"),
        labels: list("labels"),
        name: short("name"),
        description: short("description"),
        pattern_type,
    };
    let atoms = match (source.is_indicator(), &source.pattern_type) {
        (true, None) => object["pattern"].as_str().and_then(of_indicator).unwrap_or_default(),
        (true, Some(_)) => Vec::new(),
        (false, _) => of_observable(&object),
    };
    (source.is_indicator() || !atoms.is_empty()).then_some((source, atoms))
}

const INDICATOR: &str = "indicator--";
/// Types whose objects name values.
const NAMING: [&str; 16] = [
    INDICATOR,
    "ipv4-addr--",
    "ipv6-addr--",
    "domain-name--",
    "url--",
    "email-addr--",
    "file--",
    "x509-certificate--",
    "autonomous-system--",
    "mac-addr--",
    "mutex--",
    "windows-registry-key--",
    "user-account--",
    "bank-account--",
    "phone-number--",
    "cryptocurrency-wallet--",
];
/// Characters that are kept of free text.
const TEXT_MAX: usize = 200;
