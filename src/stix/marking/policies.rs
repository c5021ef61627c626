//! FIRST Information Exchange Policy 2.0: a policy with dates.

use super::terms::Attribution;
use super::{Pap, Tlp};
use crate::stix::Timestamp;
use serde::{Deserialize, Serialize};

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Policy {
    /// It is in force from here, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// And up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// A level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
    /// What may be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Actions>,
    /// May the provider be named?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// Must never leave without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypt: bool,
    /// Affected parties must not be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_notification: bool,
}

/// `permitted_actions`, the most restricted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actions {
    /// Seen by anybody.
    ExternallyVisibleDirectActions,
    /// Seen by third parties only.
    ExternallyVisibleIndirectActions,
    /// Not seen from outside.
    InternallyVisibleActions,
    /// Ask first.
    ContactForInstruction,
    /// None.
    None,
}

impl Policy {
    /// Is it in force?
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= now.micros()) && self.end.is_none_or(|end| now.micros() < end)
    }

    /// The PAP level that its `permitted_actions` mean.
    pub fn pap(&self) -> Option<Pap> {
        self.actions.map(|actions| match actions {
            Actions::ExternallyVisibleDirectActions => Pap::Green,
            Actions::ExternallyVisibleIndirectActions => Pap::Amber,
            Actions::InternallyVisibleActions | Actions::ContactForInstruction | Actions::None => Pap::Red,
        })
    }
}
