//! Exports as the registry declares them.

use super::Registry;
use super::check::Check;
use crate::stix::Tlp;
use crate::stix::expiry::Model;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Files made of collections for those who never speak TAXII, on behalf of one organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// A slug: its name in commands and URLs.
    pub id: String,
    /// On whose behalf: nothing is in it that this organisation may not read.
    pub organisation: String,
    /// Ids of the collections.
    pub collections: Vec<String>,
    /// A format, as `liaison export formats` lists them.
    pub format: String,
    /// Types of observables, or for formats of whole objects types of objects; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Only objects that have one of these labels; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Only values of at least this confidence, 0 to 100; those of unknown confidence then are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_min: Option<u8>,
    /// The most restricted level in it.
    pub tlp_max: Tlp,
    /// What its readers use it for, of what the organisation may; absent means all of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<String>>,
    /// Marking schemes that its readers keep beyond those of the organisation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub understands: Vec<String>,
    /// With objects that are marked as holding personal data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub personal_data: bool,
    /// How levels are written: `2.0`, `1.0` or `both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp_write: Option<String>,
    /// If more than this percentage of its rows would go at once, the old files stay until somebody has looked.
    #[serde(default = "half", skip_serializing_if = "is_half")]
    pub max_shrink: u8,
    /// Clients of the organisation that may fetch it; absent means all that read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readers: Option<Vec<String>>,
    /// SHA-256, in hexadecimal, of the token by which devices without a certificate fetch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_sha256: Option<String>,
    /// Options of the format.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub options: toml::Table,
}

/// How fast objects lose weight, as a collection chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecayModel {
    /// A slug, by which collections name it.
    pub id: String,
    /// After so many days nothing is left.
    pub lifetime_days: f64,
    /// The larger, the faster it goes at first; 1 is a straight line.
    pub decay_speed: f64,
    /// What is lower is over.
    pub threshold: f64,
}

impl Check {
    /// What an export must hold, beyond what its format asks of its options.
    pub(super) fn export(&mut self, export: &Export, registry: &Registry) {
        let place = format!("export {}", export.id);
        self.slug(&place, &export.id);
        self.unique(&place, "export", &export.id);
        let organisation = registry.organisations.iter().find(|found| found.id == export.organisation);
        if organisation.is_none() {
            let name = &export.organisation;
            self.add(&place, format!("organisation `{name}` is not in this registry"));
        }
        let known: HashSet<&str> = registry
            .agreements
            .iter()
            .flat_map(|agreement| &agreement.collections)
            .map(|collection| collection.id.as_str())
            .collect();
        if export.collections.is_empty() {
            self.add(&place, "collections must name at least one");
        }
        for id in export.collections.iter().filter(|id| !known.contains(id.as_str())) {
            self.add(&place, format!("collection `{id}` is not in this registry"));
        }
        for name in export.readers.iter().flatten() {
            let mut clients = organisation.iter().flat_map(|found| &found.clients);
            if !clients.any(|client| client.id == *name) {
                self.add(&place, format!("readers names `{name}`, which is no client of the organisation"));
            }
        }
        if export.confidence_min.is_some_and(|least| least > 100) || export.max_shrink > 100 {
            self.add(&place, "confidence_min and max_shrink are from 0 to 100");
        }
        let is_hex =
            |text: &String| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if export.token_sha256.as_ref().is_some_and(|token| !is_hex(token)) {
            self.add(
                &place,
                "token_sha256 must be 64 lower-case hexadecimal digits; `liaison export token` makes one",
            );
        }
        if export.tlp_write.as_deref().is_some_and(|way| !["2.0", "1.0", "both"].contains(&way)) {
            self.add(&place, "tlp_write must be \"2.0\", \"1.0\" or \"both\"");
        }
    }

    /// A model that collections may name.
    pub(super) fn decay(&mut self, model: &DecayModel) {
        let place = format!("decay {}", model.id);
        self.slug(&place, &model.id);
        self.unique(&place, "decay", &model.id);
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !positive(model.lifetime_days) || !positive(model.decay_speed) {
            self.add(&place, "lifetime_days and decay_speed must be above 0");
        }
        if !(0.0..=100.0).contains(&model.threshold) {
            self.add(&place, "threshold must be from 0 to 100");
        } else if let Err(error) = Model::polynomial(model.lifetime_days, model.decay_speed, model.threshold)
        {
            // Otherwise nothing would decay, and nobody would be told.
            self.add(&place, error.to_string());
        }
    }
}

fn half() -> u8 {
    50
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_half(percent: &u8) -> bool {
    *percent == half()
}
