//! What markings ask of whoever holds an object.

use super::{Pap, Policy, Tlp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that the markings of an object say together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Whom it may be told; without the levels of [`Terms::policies`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
    /// What may be done with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pap: Option<Pap>,
    /// Countries and identities that alone may receive it; if empty, nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rel_to: Option<BTreeSet<String>>,
    /// Countries and identities that never may.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub not_rel_to: BTreeSet<String>,
    /// Identities that TLP:RED is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipients: Option<BTreeSet<String>>,
    /// Of each of these sets the recipient must be in an audience.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub audiences: BTreeSet<BTreeSet<String>>,
    /// Passed on only with the originator's consent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub originator_control: bool,
    /// Nobody may receive it from here on, in microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// What it may be used for; absent, what nobody need ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purposes: Option<BTreeSet<String>>,
    /// `H0` to `H3`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub handling_codes: BTreeSet<String>,
    /// May a court see it?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_use: Option<EvidenceUse>,
    /// May it be passed on?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onward_transfer: Option<OnwardTransfer>,
    /// Are persons in it?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal_data: Option<PersonalData>,
    /// Kept up to here, in microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_until: Option<i64>,
    /// Policies with dates.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub policies: BTreeSet<Policy>,
    /// What a recipient must understand: an extension's id, `acs`, or `definition_type:…`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub needs: BTreeSet<String>,
    /// May its source be named? Not counting policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
}

/// `evidence_use`, the most restricted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceUse {
    /// It may.
    Permitted,
    /// After asking.
    PermissionRequired,
    /// It must not.
    Prohibited,
}

/// `onward_transfer`, the most restricted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnwardTransfer {
    /// It may.
    Permitted,
    /// After asking the originator.
    OriginatorConsent,
    /// It must not.
    Prohibited,
}

/// `personal_data`, the most delicate last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonalData {
    /// None.
    None,
    /// By the way.
    Incidental,
    /// Yes.
    Yes,
}

/// May the source be named? The most restricted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribution {
    /// It must.
    Must,
    /// It may.
    May,
    /// It must not.
    MustNot,
}

impl Terms {
    /// Adds what another marking says; in which order markings are taken makes no difference.
    pub fn add(&mut self, other: &Self) {
        self.tlp = self.tlp.max(other.tlp);
        self.add_restrictions(other);
    }

    /// As [`Terms::add`], but for the level.
    pub fn add_restrictions(&mut self, other: &Self) {
        self.pap = self.pap.max(other.pap);
        narrow(&mut self.rel_to, &other.rel_to);
        self.not_rel_to.extend(other.not_rel_to.iter().cloned());
        narrow(&mut self.recipients, &other.recipients);
        self.audiences.extend(other.audiences.iter().cloned());
        self.originator_control |= other.originator_control;
        self.valid_until = earlier(self.valid_until, other.valid_until);
        narrow(&mut self.purposes, &other.purposes);
        self.handling_codes.extend(other.handling_codes.iter().cloned());
        self.evidence_use = self.evidence_use.max(other.evidence_use);
        self.onward_transfer = self.onward_transfer.max(other.onward_transfer);
        self.personal_data = self.personal_data.max(other.personal_data);
        self.retention_until = earlier(self.retention_until, other.retention_until);
        self.policies.extend(other.policies.iter().cloned());
        self.needs.extend(other.needs.iter().cloned());
        self.attribution = self.attribution.max(other.attribution);
    }
}

/// What both allow, where absence allows everything.
fn narrow(one: &mut Option<BTreeSet<String>>, other: &Option<BTreeSet<String>>) {
    match (one.as_mut(), other) {
        (_, None) => {}
        (None, Some(other)) => *one = Some(other.clone()),
        (Some(one), Some(other)) => one.retain(|name| other.contains(name)),
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    [one, other].into_iter().flatten().min()
}
