//! The settings of the audit log.

use serde::Deserialize;
use std::path::PathBuf;

/// `[audit]`: paths relative to the configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The key that signs checkpoints, PEM; made if it is not there.
    pub key: PathBuf,
    /// The file that checkpoints are appended to.
    pub checkpoints: PathBuf,
    /// The name of the log and its key; by default the host of `public_url` with `/liaison`.
    pub origin: Option<String>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { key: "pki/audit.key".into(), checkpoints: "audit.checkpoints".into(), origin: None }
    }
}
