//! Pushes: exports are sent to a target as they change.
//!
//! * [`attempt`]: one attempt at a push, from the lock to the status
//! * [`round`](mod@round): what is new, changed or gone goes out in batches
//! * [`cursor`]: what the target has acknowledged, on the disk
//! * [`rows`]: the lines of an export's main file, each with its key
//! * [`status`]: how it went, and when to try again
//! * [`backoff`]: how long to wait after failures. PURE
//! * [`command`], [`splunk`] and [`elastic`] over [`http`], [`syslog`]: the senders

pub mod attempt;
pub mod backoff;
pub mod command;
pub mod cursor;
pub mod elastic;
pub mod http;
pub mod round;
pub mod rows;
pub mod splunk;
pub mod status;
pub mod syslog;

pub use attempt::{Attempt, Pushed};
pub use status::Status;

use std::path::Path;
use std::time::Duration;

/// A push, as the operator declares it.
#[derive(Debug, Clone)]
pub struct Push {
    /// Its name.
    pub id: String,
    /// The export's name.
    pub export: String,
    /// How often to look whether the export has changed.
    pub every: Duration,
    /// Where it goes.
    pub to: To,
}

/// Where a push goes.
#[derive(Debug, Clone)]
pub enum To {
    /// Files, and a program that is told.
    Command(command::Hook),
    /// Splunk's HTTP Event Collector.
    Splunk(http::Service),
    /// The bulk interface of Elasticsearch and its kin.
    Elastic(http::Service),
    /// RFC 5424 over TLS (RFC 5425).
    Syslog(syslog::Receiver),
}

impl To {
    /// One text for each target: what another one has acknowledged does not count.
    fn description(&self) -> String {
        match self {
            Self::Command(hook) => format!("command {}", hook.dir.display()),
            Self::Splunk(service) => format!("splunk-hec {service}"),
            Self::Elastic(service) => format!("elastic {service}"),
            Self::Syslog(receiver) => format!("syslog {receiver}"),
        }
    }

    /// Can it be sent to at all, by the files that it needs?
    pub fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Command(_) => Ok(()),
            Self::Splunk(service) | Self::Elastic(service) => service.client().map(drop),
            Self::Syslog(receiver) => receiver.tls().map(drop),
        }
    }
}

/// Why a target has not taken something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may be otherwise the next time.
    #[error("{0}")]
    Failed(String),
    /// The same, and the target says how long to wait.
    #[error("{what}; it asks to wait {} s", time.as_secs())]
    Wait {
        /// What it says.
        what: String,
        /// How long.
        time: Duration,
    },
    /// Less at a time may be taken.
    #[error("{0}")]
    TooLarge(String),
    /// The hub stops.
    #[error("the hub stops")]
    Stopped,
}

impl Failure {
    /// How long the target wants us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Wait { time, .. } => Some(*time),
            Self::Failed(_) | Self::TooLarge(_) | Self::Stopped => None,
        }
    }

    fn of_file(path: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }
}

/// What is sent of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its key.
    pub key: rows::Key,
    /// Its line; a row without one is to be deleted.
    pub line: Option<Vec<u8>>,
}

/// What a target says of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has it.
    Taken,
    /// It will never take it.
    Refused(String),
    /// It may take it later.
    Later(String),
}

/// Sends batches to a target.
pub trait Sender {
    /// Sends a batch; there is an answer for each row, in order. On an error nobody knows what was taken.
    fn send(&mut self, batch: &[Item]) -> Result<Vec<Answer>, Failure>;

    /// Can it delete rows?
    fn deletes(&self) -> bool {
        false
    }
}
