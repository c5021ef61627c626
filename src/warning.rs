//! Warning lists (governance §12): values that look like threats and are not, held against every value
//! before it goes onto a block list.
//!
//! [`WarningLists`] is built once from the built-in lists and a directory, never changes, and answers from
//! a few shared indexes: hash tables for whole texts and hosts, sorted networks, automata for parts of text.

mod attribute;
mod builtin;
mod file;
mod index;
mod network;
mod parts;
mod table;

use crate::stix::atom::{Atom, Kinds};
use index::{Found, Index};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What a hit leads to, the strongest last (governance §12.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A note on the object, which is still exported.
    Inform,
    /// Accepted, and held out of block exports until an analyst confirms.
    Review,
    /// Refused at ingest.
    Block,
}

impl Action {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inform => "inform",
            Self::Review => "review",
            Self::Block => "block",
        }
    }

    /// The action of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Inform, Self::Review, Self::Block].into_iter().find(|action| action.name() == name)
    }
}

/// What a list says of its values (governance §12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// They are harmless, or too common to be blocked.
    #[default]
    FalsePositive,
    /// They are known for what they are, harmless or not.
    Known,
}

/// How a value and an entry meet (governance §12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The same text, host or network.
    Equal,
    /// An address or network inside the entry, or a name below it.
    Inside,
    /// A network that contains the entry, or a domain above a declared host.
    Contains,
    /// The entry is a part of the value.
    Substring,
    /// The entry is an expression that the value fulfils.
    Regex,
    /// A network wider than any that may be blocked.
    Wide,
}

/// A list that has something to say of a value, with the first of its entries that does (governance §12.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The name of the list.
    pub list: &'a str,
    /// Its version; a confirmation holds for one version.
    pub version: u64,
    /// The entry; networks are written in their one spelling.
    pub entry: String,
    /// What it leads to.
    pub action: Action,
    /// What the list says of its values.
    pub category: Category,
    /// How value and entry meet.
    pub how: How,
}

/// A list that was loaded (governance §12.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its name, unlike that of any other.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// What a hit leads to.
    pub action: Action,
    /// What it says of its values.
    pub category: Category,
    /// How many entries it has.
    pub entries: usize,
    /// True for those that are always there.
    pub is_builtin: bool,
}

/// Hosts and networks that somebody declared to be his own (governance §12.2).
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Host names and single addresses.
    pub hosts: Vec<String>,
    /// Networks.
    pub networks: Vec<IpNet>,
}

/// What the operator decides about warning lists (governance §12.2).
#[derive(Debug, Clone)]
pub struct Settings {
    /// The action of a list, by its name or by the name of its folder.
    pub actions: BTreeMap<String, Action>,
    /// The action of all other lists.
    pub default: Action,
    /// The hub's own published names and addresses.
    pub own: Declared,
    /// What the peers declared.
    pub peers: Declared,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            actions: BTreeMap::new(),
            default: Action::Review,
            own: Declared::default(),
            peers: Declared::default(),
        }
    }
}

/// Why warning lists were not loaded (governance §12.1).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory or a file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is no warning list.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What to change.
        what: String,
    },
    /// A declared host is none.
    #[error("`{0}` is no host name and no address")]
    Host(String),
    /// More than there is room for.
    #[error("more than {0}")]
    TooMany(&'static str),
}

/// All lists, built-in and loaded; never changed, so share it by `Arc` (governance §12).
#[derive(Debug)]
pub struct WarningLists {
    index: Index,
    generation: String,
}

impl WarningLists {
    /// Reads the lists of a directory and adds the built-in ones; also says what was left out
    /// (governance §12.1).
    pub fn load(dir: Option<&Path>, settings: &Settings) -> Result<(Self, Vec<String>), Error> {
        let mut builder = index::Builder::new(settings);
        builtin::add(&mut builder, settings)?;
        for (path, slug) in dir.map(file::paths).transpose()?.unwrap_or_default() {
            file::add(&mut builder, &path, &slug)?;
        }
        builder.finish()
    }

    /// Every list that has something to say of a value, each once, in the order of names (governance §12.2).
    pub fn hits(&self, atom: &Atom) -> Vec<Hit<'_>> {
        let lists = self.index.lists();
        let mut is_met = vec![false; lists.len()];
        let mut hits = Vec::new();
        let _ = self.index.visit(atom, &mut |Found { list, how, entry }| {
            if !std::mem::replace(&mut is_met[usize::from(list)], true) {
                let List { name, version, action, category, .. } = &lists[usize::from(list)];
                let entry = entry.to_string();
                hits.push(Hit {
                    list: name,
                    version: *version,
                    entry,
                    action: *action,
                    category: *category,
                    how,
                });
            }
            match hits.len() == lists.len() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        hits.sort_by_key(|hit| hit.list);
        hits
    }

    /// The strongest action that any list asks for; allocates nothing (governance §12.2).
    pub fn verdict(&self, atom: &Atom) -> Option<Action> {
        let lists = self.index.lists();
        let mut strongest = None;
        let _ = self.index.visit(atom, &mut |found: Found<'_>| {
            strongest = strongest.max(Some(lists[usize::from(found.list)].action));
            match strongest == self.index.strongest() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        strongest
    }

    /// The lists, built-in ones first.
    pub fn lists(&self) -> &[List] {
        self.index.lists()
    }

    /// The kinds that they may have something to say of.
    pub fn kinds(&self) -> Kinds {
        self.index.kinds()
    }

    /// A digest of all lists and actions: exports made under another one are out of date (governance §12.2).
    pub fn generation(&self) -> &str {
        &self.generation
    }
}

#[cfg(test)]
mod tests;
