//! Erasing and legal holds, as every backend understands them.

use crate::audit::event::Cause;
use crate::stix::StixId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which objects are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// All versions of these, in every collection.
    Ids(Vec<String>),
    /// What a collection holds of a kind.
    Kind(Kind),
}

/// What objects of a collection have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// The collection's id.
    pub collection: String,
    /// Of this type only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// Of this organisation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl Kind {
    /// Is an object of this kind?
    pub fn covers(&self, collection: &str, id: &str, owner: &str) -> bool {
        self.collection == collection
            && self.object_type.as_ref().is_none_or(|name| id.split_once("--").map(|(t, _)| t) == Some(name))
            && self.owner.as_ref().is_none_or(|name| name == owner)
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Kind(kind) = self else {
            let Self::Ids(ids) = self else { return Ok(()) };
            return f.write_str(&ids.join(", "));
        };
        write!(f, "collection {}", kind.collection)?;
        if let Some(name) = &kind.object_type {
            write!(f, ", type {name}")?;
        }
        kind.owner.as_ref().map_or(Ok(()), |name| write!(f, ", owner {name}"))
    }
}

/// What a command asks of whoever has the writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Erase objects.
    Erase {
        /// Which.
        which: Which,
        /// Of these, what was added before, in microseconds since 1970.
        before: Option<i64>,
        /// Why.
        reason: String,
    },
    /// Put a legal hold on objects.
    Hold {
        /// Which; a kind covers objects to come too.
        which: Which,
        /// Why.
        reason: String,
    },
    /// Take a hold off.
    Lift {
        /// Its number.
        hold: i64,
        /// Why.
        reason: String,
    },
}

/// How far an order has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Where the search stands.
    pub position: i64,
    /// Versions erased so far.
    pub erased: u64,
    /// The hold that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<i64>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun.
    Waiting,
    /// Under way.
    Running,
    /// Everything is erased; what is left of it in the files is being overwritten.
    Wiping,
    /// Done.
    Done,
    /// Nothing came of it.
    Failed,
}

/// Whether there was something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Idle,
    /// A part was done; there may be more.
    Worked,
}

/// What one batch of a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Versions that were due and are erased.
    pub erased: u64,
    /// Versions that are due, but that a legal hold keeps.
    pub kept: u64,
    /// There may be more.
    pub more: bool,
}

/// A stored version, as the operator's commands list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The collection's id.
    pub collection: String,
    /// The object's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// When it was added.
    pub date_added: String,
    /// The organisation it belongs to.
    pub owner: String,
    /// The legal holds that keep it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<i64>,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its number.
    pub hold: i64,
    /// Since when.
    pub since: String,
    /// Who put it on.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What it holds.
    pub which: Which,
    /// When, by whom and why it was lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted: Option<(String, String, String)>,
}

/// What of a collection a sweep would erase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overdue {
    /// The collection's id.
    pub collection: String,
    /// Versions past their time that nothing keeps.
    pub versions: u64,
    /// Those that a legal hold keeps.
    pub held: u64,
}

/// A cause as tombstones hold it.
pub(crate) fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Retention => "retention",
        Cause::Request => "request",
    }
}

/// True for what can be the id of an object.
pub fn is_id(text: &str) -> bool {
    StixId::parse(text).is_ok()
}
