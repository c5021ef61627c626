//! The resources of TAXII 2.1 §3.6 and §4 to §5 that are not envelopes of objects.

use crate::stix::marking::Pap;
use serde::{Deserialize, Serialize};

/// Discovery (TAXII 2.1 §4.1.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Discovery {
    /// The server's name.
    pub title: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The API root to use if in doubt; one of `api_roots`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// URLs of the API roots that this client may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_roots: Vec<String>,
}

/// An API root (TAXII 2.1 §4.2.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiRoot {
    /// Its name.
    pub title: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Media types spoken.
    pub versions: Vec<String>,
    /// The largest request body in bytes.
    pub max_content_length: u64,
}

/// What became of a POST (TAXII 2.1 §4.3.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// A version 4 UUID.
    pub id: String,
    /// `complete` or `pending`.
    pub status: Progress,
    /// When the request came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timestamp: Option<String>,
    /// Objects in the envelope.
    pub total_count: u64,
    /// Objects stored, or there already.
    pub success_count: u64,
    /// Which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successes: Vec<StatusDetail>,
    /// Objects refused.
    pub failure_count: u64,
    /// Which, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<StatusDetail>,
    /// Objects not decided on yet.
    pub pending_count: u64,
    /// Which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pendings: Vec<StatusDetail>,
}

/// Whether a status is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// It will not change any more.
    Complete,
    /// Some objects wait.
    Pending,
}

/// One object in a status (TAXII 2.1 §4.3.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDetail {
    /// The object's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What to know or to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Status {
    /// Is an officer's decision all that is waited for? That may take days.
    pub fn awaits_officer(&self) -> bool {
        let waits = |detail: &StatusDetail| {
            detail.message.as_ref().is_some_and(|message| message.starts_with(WAITS_FOR_RELEASE))
        };
        self.status == Progress::Pending && self.pendings.iter().all(waits)
    }
}

impl StatusDetail {
    /// Of a success: was the object there already, or known anyway?
    pub fn is_unchanged(&self) -> bool {
        let known = [PRESENT, KNOWN_TLP, KNOWN_PAP, ONLY_SEEN_AT];
        self.message.as_deref().is_some_and(|message| known.contains(&message))
    }
}

/// How the message of an object begins that waits for an officer of the sender's organisation.
pub const WAITS_FOR_RELEASE: &str = "waits until an officer of your organisation releases it";

/// The list of collections (TAXII 2.1 §5.1.1).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Collections {
    /// Those that this client may use, sorted by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Collection>,
}

/// A collection (TAXII 2.1 §5.2.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Collection {
    /// A version 4 UUID.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it holds and under which rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A name that may stand in URLs in place of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// May this client read it?
    pub can_read: bool,
    /// May this client add to it?
    pub can_write: bool,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
}

/// An object as a manifest shows it (TAXII 2.1 §5.3.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManifestRecord {
    /// The object's id.
    pub id: String,
    /// When the server added it.
    pub date_added: String,
    /// Its version.
    pub version: String,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A page of the manifest (TAXII 2.1 §5.3.1, with `next` as on envelopes).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Is there more?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// How to get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The records, in `date_added` order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ManifestRecord>,
}

/// A page of an object's versions (TAXII 2.1 §5.8.1, with `next` as on envelopes).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct VersionList {
    /// Is there more?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// How to get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The versions, in `date_added` order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

/// Said of a success that changed nothing: the version is there.
pub const PRESENT: &str = "already there; nothing was changed";
/// Said of a success that changed nothing: the marking is built in.
pub const KNOWN_TLP: &str = "a level of TLP, which everybody knows by its id; nothing was stored";
/// The same of PAP.
pub const KNOWN_PAP: &str = "a level of PAP, which everybody knows by its id; nothing was stored";

/// Said of the identity of a victim beside a sighting that does not name it.
pub const ONLY_SEEN_AT: &str = "nothing was stored: it is named only as where something was seen, and the sighting is kept without that; publish the identity by itself if others may know of it";

/// What is said of the built-in marking with this id.
pub fn known(id: &str) -> &'static str {
    if Pap::of_marking(id).is_some() { KNOWN_PAP } else { KNOWN_TLP }
}

/// What every error answer carries (TAXII 2.1 §3.6.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorMessage {
    /// What went wrong, in a few words.
    pub title: String,
    /// Why, and what to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// This one occurrence; the server's log has it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// The HTTP status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<String>,
}
