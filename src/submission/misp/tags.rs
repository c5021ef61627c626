//! What tags say: levels, confidence, labels.

use super::list;
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp};
use crate::submission::{Details, scale};
use serde_json::Value;

/// What the tags of an event or of an attribute say, and when an event was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    /// The highest.
    pub(super) tlp: Option<Tlp>,
    /// The most restricted.
    pub(super) pap: Option<Pap>,
    /// The highest; nothing if nothing is said of it.
    confidence: Option<Option<u8>>,
    labels: Vec<String>,
    /// When the event was written.
    pub(super) written: Option<StixTime>,
}

impl Tags {
    /// Takes the tags of an event, an object or an attribute. Local ones are not for others.
    pub(super) fn take(&mut self, owner: &Value) {
        for tag in list(&owner["Tag"]).filter(|tag| !is_local(tag)) {
            let Some(name) = tag["name"].as_str().or_else(|| tag.as_str()).map(str::trim) else { continue };
            let (tlp, pap) = (Tlp::of_label(name), Pap::of_label(name));
            self.tlp = self.tlp.max(tlp);
            self.pap = self.pap.max(pap);
            match scale::of_tag(name) {
                Some(confidence) => self.confidence = self.confidence.max(Some(confidence)),
                None if tlp.is_none() && pap.is_none() => self.labels.push(name.to_owned()),
                None => {}
            }
        }
    }

    /// What they say of a value, whose own tags are `own`.
    pub(super) fn tell(&self, own: &Self, details: &mut Details) {
        details.tlp = details.tlp.max(self.tlp).max(own.tlp);
        details.pap = details.pap.max(self.pap).max(own.pap);
        details.confidence = own.confidence.or(self.confidence).flatten();
        for label in self.labels.iter().chain(&own.labels) {
            details.add_label(label);
        }
    }
}

fn is_local(tag: &Value) -> bool {
    tag["local"] == true || tag["local"] == 1 || tag["local"] == "1"
}
