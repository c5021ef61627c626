//! Sync: jobs that move objects from a source to a target, again and again.
//!
//! * [`job`]: jobs as `sync.toml` declares them; [`schedule`]: when they run. PURE
//! * [`elevate`]: STIX 2.0 becomes 2.1. PURE
//! * [`run`](mod@run): one run: part after part from the source, through the sieve, to the target
//! * [`source`]: TAXII servers, files, directories; [`target`]: the hub, TAXII servers, files
//! * [`sieve`]: what passes: filters, markings, owners, and what may be passed on at all
//! * [`volume`]: far more than usual waits for a person. PURE
//! * [`state`]: where a job stands, on the disk; [`letters`]: what was refused, with the reason
//! * `open`: a job's source and target, made ready
//! * [`keep`]: a job is run as its schedule says, until it is told to stop
//!
//! The position of a job is kept after its target has acknowledged what came before it, or, in the hub's own
//! collections, in the transaction that stores it. So whatever happens, nothing is lost; what is fetched twice
//! is there already.

pub mod elevate;
pub mod job;
pub mod keep;
pub mod letters;
mod open;
pub mod run;
pub mod schedule;
pub mod sieve;
pub mod source;
pub mod state;
pub mod target;
pub mod volume;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where a job goes on; each source uses what it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Position {
    /// What it counts in; a position of another source says nothing about this one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Where the walk through a collection began; repeated with `next` (TAXII 2.1 §3.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_after: Option<String>,
    /// In the middle of a walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// `X-TAXII-Date-Added-Last` of the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Of files: what was read of each, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, String>,
}

/// Why a run does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It may be otherwise the next time.
    #[error("{what}")]
    Passing {
        /// What happened.
        what: String,
        /// How long the other side wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The other side does what it must not, or we are told something that cannot be.
    #[error("{0}")]
    Lasting(String),
    /// A person must decide.
    #[error("{0}")]
    Held(String),
    /// We stop.
    #[error("it was told to stop")]
    Stopped,
}

impl Fault {
    /// One that may pass.
    pub fn passing(what: impl std::fmt::Display) -> Self {
        Self::Passing { what: what.to_string(), retry_after: None }
    }
}

impl From<crate::client::ClientError> for Fault {
    fn from(error: crate::client::ClientError) -> Self {
        use crate::client::ClientError::Refused;
        match &error {
            Refused { retry_after, .. } if error.is_passing() => {
                Self::Passing { what: error.to_string(), retry_after: *retry_after }
            }
            _ if error.is_passing() => Self::passing(error),
            _ => Self::Lasting(error.to_string()),
        }
    }
}
