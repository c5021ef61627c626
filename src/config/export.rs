//! The settings of exports and warning lists.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `[export]`: paths relative to the configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Where the files of exports are kept, a directory for each.
    pub dir: PathBuf,
    /// Address and port where devices without certificates fetch exports by token; `off` for none.
    pub listen: String,
}

impl Default for Export {
    fn default() -> Self {
        Self { dir: "exports".into(), listen: "off".to_owned() }
    }
}

/// `[warning_lists]`: paths relative to the configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// A directory of lists in the form of MISP; none but the built-in ones without it.
    pub dir: Option<PathBuf>,
    /// What a hit leads to: `inform`, `review` or `block`; `review` if absent.
    pub action: Option<String>,
    /// The same for single lists, by their names.
    pub actions: BTreeMap<String, String>,
    /// Networks of the hub and its partners, which nobody is to block.
    pub networks: Vec<String>,
}
