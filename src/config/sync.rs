//! The settings of sync: the file of jobs.

use serde::Deserialize;
use std::path::PathBuf;

/// `[sync]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sync {
    /// The file of jobs that this hub runs, relative to the configuration file; none if absent.
    pub jobs: Option<PathBuf>,
}
