//! Who takes part and what they have agreed: the registry as declared in `registry.toml`.
//!
//! PURE: reading, checking and comparing. `policy` gives it meaning; the store keeps it.

mod check;
mod diff;
mod export;

pub use check::{Problem, RESERVED_ROOTS, is_slug};
pub use diff::{Change, diff};
pub use export::{DecayModel, Export};

use crate::stix::content::Profile;
use crate::stix::{StixId, Tlp};
use serde::{Deserialize, Serialize};

/// The whole registry; [`Registry::parse`] makes only such that pass all checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The most restricted level that this hub takes at all; default RED.
    #[serde(default = "red", skip_serializing_if = "is_red")]
    pub tlp_max: Tlp,
    /// The organisations that take part.
    #[serde(default, rename = "organisation")]
    pub organisations: Vec<Organisation>,
    /// Extensions of STIX that they use.
    #[serde(default, rename = "extension", skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// Named sets of organisations.
    #[serde(default, rename = "audience", skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<Audience>,
    /// Originators' consents to passing on what they control.
    #[serde(default, rename = "consent", skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
    /// How fast objects lose weight, beside the models that are built in.
    #[serde(default, rename = "decay", skip_serializing_if = "Vec::is_empty")]
    pub decays: Vec<DecayModel>,
    /// What they have agreed, with the collections that follow.
    #[serde(default, rename = "agreement")]
    pub agreements: Vec<Agreement>,
    /// Files for those who never speak TAXII.
    #[serde(default, rename = "export", skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<Export>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            tlp_max: Tlp::Red,
            organisations: Vec::new(),
            extensions: Vec::new(),
            audiences: Vec::new(),
            consents: Vec::new(),
            decays: Vec::new(),
            agreements: Vec::new(),
            exports: Vec::new(),
        }
    }
}

/// A CERT or agency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// A slug that never changes.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The STIX identity it publishes as; derived from the id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Its own certificate authority: a PEM file in `registry.toml`, the PEM text once applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchor: Option<String>,
    /// Its host names: references to them are left out where it is not to be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// What it may use information for; absent, anything that agreements allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<String>>,
    /// Marking schemes that it has undertaken to keep: `acs`, ids of extensions, `definition_type:…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub understands: Vec<String>,
    /// Its certificate holders.
    #[serde(default, rename = "client")]
    pub clients: Vec<Client>,
}

/// A certificate holder of an organisation, machine or person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// A slug, unique within the organisation.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// The most restricted level it may handle; default RED.
    #[serde(default = "red")]
    pub tlp_max: Tlp,
    /// Under the organisation's own authority: SHA-256 of the public key (SPKI), in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_sha256: Option<String>,
    /// Under the organisation's own authority: the SAN URI that names this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub san: Option<String>,
    /// The STIX identity of the person or team, which markings may name as recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What it may use information for, of what the organisation may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<String>>,
    /// Marking schemes that it keeps beyond those of the organisation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub understands: Vec<String>,
    /// How often it polls, in minutes: after three times as long without it is reported. If absent, by its habit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_minutes: Option<u32>,
    /// Locked out, whatever its certificate says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

/// An extension of STIX (STIX 2.1 §7.3) that the hub knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// The id of its `extension-definition` object.
    pub id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A JSON Schema that objects using it must keep: a file in `registry.toml`, its text once applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Consumer,
    /// Reads and writes.
    Publisher,
    /// As a publisher; a person.
    Analyst,
    /// As an analyst; speaks for the organisation.
    Liaison,
    /// Runs the hub; neither reads nor writes objects.
    Operator,
    /// Reads the audit log only.
    Auditor,
}

/// What two or more organisations have agreed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// A slug that never changes.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The organisations it binds.
    pub parties: Vec<String>,
    /// What the information may be used for.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// The law or memorandum behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// The most restricted level that may be exchanged.
    pub tlp_max: Tlp,
    /// Whether objects are visible at once.
    #[serde(default)]
    pub release: Release,
    /// Parties that may also publish objects created by other organisations of the registry.
    #[serde(default)]
    pub relays: Vec<String>,
    /// Object types that may be exchanged; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// After so many days objects are erased; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<toml::value::Datetime>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<toml::value::Datetime>,
    /// Where the exchange takes place.
    #[serde(default, rename = "collection")]
    pub collections: Vec<Collection>,
}

/// When published objects become visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// At once.
    #[default]
    Direct,
    /// After an officer of the publishing organisation has released them.
    Reviewed,
}

/// A TAXII collection under an agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// A version 4 UUID that never changes.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// May stand in URLs in place of the id; unique within the API root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The API root it is under.
    pub api_root: String,
    /// Parties that may read; default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// Parties that may write; default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<String>>,
    /// What to do with objects without a TLP marking.
    #[serde(default)]
    pub unmarked: Unmarked,
    /// The most restricted level that is taken here; default that of the agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp_max: Option<Tlp>,
    /// Who may lower the level of an object by a new version.
    #[serde(default, skip_serializing_if = "is_default")]
    pub downgrade: Downgrade,
    /// Names of audiences; readers are in one of them. Absent means all readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// What it serves, of the agreement's purposes; absent means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<String>>,
    /// After so many days objects are erased; absent, as the agreement says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Are sources named? Absent: all but those of sightings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// How fast its objects lose weight in exports and look-ups: a model's name; absent, they keep it until
    /// their time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay: Option<String>,
    /// Does the hub revoke its indicators once their `valid_until` has passed?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke_on_expiry: bool,
    /// Which findings about its content refuse an object.
    #[serde(default, skip_serializing_if = "is_default")]
    pub profile: Profile,
    /// Object types that it takes, of those that the agreement permits; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Extensions that each object must use; marking and extension definitions and translations need not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require_extensions: Vec<String>,
    /// What to do with objects that use an extension that this registry does not name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unknown_extensions: UnknownExtensions,
}

/// A named set of organisations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// A UUID that never changes; markings name it.
    pub id: String,
    /// Its name, by which collections name it.
    pub name: String,
    /// Slugs of organisations. Nobody is in an audience without members.
    #[serde(default)]
    pub members: Vec<String>,
    /// For people: what its members have agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub releasability: Option<String>,
    /// For people: organisations that may ask for further members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extendable_by: Vec<String>,
    /// If not, nobody is in it.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub active: bool,
}

/// An originator's consent to passing on what it controls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The organisation that consents.
    pub originator: String,
    /// Those that may receive.
    pub to: Vec<String>,
    /// The letter or message that says so.
    pub reference: String,
    /// In this collection only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<toml::value::Datetime>,
}

/// Who may lower the level of an object by a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Downgrade {
    /// Nobody.
    #[default]
    Never,
    /// Clients of the organisation that owns it.
    Owner,
}

/// Are sources named?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attribution {
    /// They are.
    Open,
    /// To the collection's readers, who are those that see its objects.
    Restricted,
    /// They are not.
    Anonymous,
}

/// What to do with objects that use an extension that the registry does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownExtensions {
    /// Keep them as they are.
    #[default]
    Accept,
    /// Refuse them.
    Refuse,
}

/// What to do with objects without a TLP marking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Unmarked {
    /// Refuse them.
    #[default]
    Reject,
    /// Add the marking to the stored copy.
    Stamp(Tlp),
    /// Store them as sent and treat them as marked so.
    Assume(Tlp),
    /// Take the level of what they were sent in, or refuse them.
    Inherit,
}

impl Registry {
    /// Reads and checks the text of a `registry.toml`.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let registry: Self = toml::from_str(text).map_err(|error| vec![Problem::from(&error)])?;
        let problems = check::check(&registry);
        if problems.is_empty() { Ok(registry) } else { Err(problems) }
    }

    /// Writes it in the form of `registry.toml`.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

impl Organisation {
    /// The STIX identity it publishes as.
    pub fn identity(&self) -> String {
        self.identity.clone().unwrap_or_else(|| identity_of(&self.id))
    }
}

/// The STIX identity that stands for the members of a collection who are not named.
pub fn identity_of_collection(id: &str) -> String {
    let name = format!("urn:liaison:collection:{id}");
    format!("identity--{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()))
}

/// The STIX identity of an organisation that names none: the same on every hub.
pub fn identity_of(organisation: &str) -> String {
    let name = format!("urn:liaison:{organisation}");
    let uuid = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes());
    format!("identity--{uuid}")
}

impl Agreement {
    /// What information under it may be used for.
    pub fn purposes(&self) -> Vec<&str> {
        match self.purposes.is_empty() {
            true => USUAL_PURPOSES.to_vec(),
            false => self.purposes.iter().map(String::as_str).collect(),
        }
    }
}

/// What information may be used for that says nothing of it.
pub const USUAL_PURPOSES: [&str; 2] = ["cyber-defence", "incident-response"];

impl Role {
    /// May it read objects?
    pub fn reads(self) -> bool {
        !matches!(self, Self::Operator | Self::Auditor)
    }

    /// May it add objects?
    pub fn writes(self) -> bool {
        matches!(self, Self::Publisher | Self::Analyst | Self::Liaison)
    }
}

impl Unmarked {
    /// The level it gives, if it gives one.
    pub fn level(self) -> Option<Tlp> {
        match self {
            Self::Reject | Self::Inherit => None,
            Self::Stamp(tlp) | Self::Assume(tlp) => Some(tlp),
        }
    }
}

impl TryFrom<String> for Unmarked {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let level = |name: &str| {
            Tlp::parse(name).ok_or_else(|| {
                format!("`{name}` is no TLP level; use CLEAR, GREEN, AMBER, AMBER+STRICT or RED")
            })
        };
        match text.split_once(':') {
            None if text == "reject" => Ok(Self::Reject),
            None if text == "inherit" => Ok(Self::Inherit),
            Some(("stamp", name)) => level(name).map(Self::Stamp),
            Some(("assume", name)) => level(name).map(Self::Assume),
            _ => Err(format!(
                "`{text}` is no rule for unmarked objects; use reject, stamp:LEVEL, assume:LEVEL or inherit"
            )),
        }
    }
}

impl From<Unmarked> for String {
    fn from(rule: Unmarked) -> Self {
        match rule {
            Unmarked::Reject => "reject".to_owned(),
            Unmarked::Inherit => "inherit".to_owned(),
            Unmarked::Stamp(tlp) => format!("stamp:{}", tlp.name()),
            Unmarked::Assume(tlp) => format!("assume:{}", tlp.name()),
        }
    }
}

/// True for `identity--…` ids.
fn is_identity(text: &str) -> bool {
    StixId::parse(text).is_ok_and(|id| id.object_type() == "identity")
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn red() -> Tlp {
    Tlp::Red
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_red(tlp: &Tlp) -> bool {
    *tlp == Tlp::Red
}

fn yes() -> bool {
    true
}
