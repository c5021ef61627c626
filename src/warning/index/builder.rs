//! How an index is filled.

use super::{Index, List};
use crate::stix::atom::{Atom, Kind, Kinds};
use crate::warning::attribute::LOWERED;
use crate::warning::network::Block;
use crate::warning::parts::Expressions;
use crate::warning::{Action, Category, Error, Settings, WarningLists};
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;

/// An index in the making, with what is to be said about it.
pub(in crate::warning) struct Builder<'a> {
    index: Index,
    settings: &'a Settings,
    used: HashSet<&'a str>,
    names: HashSet<String>,
    warnings: Vec<String>,
    entries: usize,
    digest: Context,
}

/// What a list says of itself.
pub(in crate::warning) struct NewList<'a> {
    pub(in crate::warning) name: String,
    /// What else it is called by in the settings.
    pub(in crate::warning) slug: &'a str,
    pub(in crate::warning) version: u64,
    pub(in crate::warning) category: Category,
    pub(in crate::warning) reach: Kinds,
}

impl<'a> Builder<'a> {
    pub(in crate::warning) fn new(settings: &'a Settings) -> Self {
        let mut builder = Self {
            index: Index::default(),
            settings,
            used: HashSet::new(),
            names: HashSet::new(),
            warnings: Vec::new(),
            entries: 0,
            digest: Context::new(&SHA256),
        };
        // Public suffixes and the meaning of entries come with the program.
        builder.digest(env!("CARGO_PKG_VERSION").as_bytes());
        builder
    }

    /// Makes room for a list from outside; its number.
    pub(in crate::warning) fn list(&mut self, list: NewList<'_>) -> Result<u16, Error> {
        let settings = self.settings;
        let set = settings.actions.get_key_value(&list.name);
        let set = set.or_else(|| settings.actions.get_key_value(list.slug));
        let action = set.map_or(settings.default, |(name, action)| {
            self.used.insert(name);
            *action
        });
        self.push(list, action, false)
    }

    /// Makes room for a list that is always there.
    pub(in crate::warning) fn builtin(&mut self, name: &str, reach: Kinds) -> Result<u16, Error> {
        let (version, category) = (BUILTIN_VERSION, Category::FalsePositive);
        let list = NewList { name: name.to_owned(), slug: "", version, category, reach };
        self.push(list, Action::Review, true)
    }

    fn push(&mut self, list: NewList<'_>, action: Action, is_builtin: bool) -> Result<u16, Error> {
        let number = u16::try_from(self.index.lists.len()).map_err(|_| Error::TooMany("65,536 lists"))?;
        let NewList { name, version, category, reach, .. } = list;
        if !self.names.insert(name.clone()) {
            let what = format!("another list is called `{name}` too");
            return Err(Error::File { path: PathBuf::new(), what });
        }
        self.digest(name.as_bytes());
        self.digest(&[action as u8]);
        self.index.strongest = self.index.strongest.max(Some(action));
        self.index.reaches.push(reach);
        self.index.kinds = self.index.kinds.and(reach);
        self.index.lists.push(List { name, version, action, category, entries: 0, is_builtin });
        Ok(number)
    }

    /// The list of networks that are too wide, and that of public suffixes, which are no entries.
    pub(in crate::warning) fn rules(&mut self, wide: u16, suffixes: u16) {
        (self.index.wide, self.index.suffixes) = (wide, suffixes);
    }

    /// Counts the entries of a list.
    pub(in crate::warning) fn count(&mut self, list: u16, entries: usize) -> Result<(), Error> {
        self.index.lists[usize::from(list)].entries += entries;
        self.entries += entries;
        match self.entries > ENTRIES_MAX {
            true => Err(Error::TooMany("16,777,216 entries")),
            false => Ok(()),
        }
    }

    /// An entry that is a whole value; false if it can be none.
    pub(in crate::warning) fn text(&mut self, list: u16, reach: Kinds, entry: &str) -> Result<bool, Error> {
        if entry.is_empty() {
            return Ok(false);
        }
        let lowered = Kinds::of(&LOWERED);
        if reach.meets(lowered) {
            self.index.lowered.add(&entry.to_lowercase(), list)?;
        }
        if !lowered.covers(reach) {
            self.index.exact.add(entry, list)?;
        }
        // Values come in one spelling; an entry in another would never be met.
        let kind = match entry {
            _ if entry.contains("://") => Kind::Url,
            _ if entry.contains('@') => Kind::Email,
            _ if entry.contains(':') => Kind::Ipv6,
            _ if entry.contains('/') => Kind::Ipv4Network,
            _ if entry.ends_with('.') || !entry.is_ascii() => Kind::Domain,
            _ => return Ok(true),
        };
        if let Some(atom) = Atom::parse(kind, entry).ok().filter(|atom| reach.has(atom.kind())) {
            match LOWERED.contains(&kind) {
                true if atom.text() != entry.to_lowercase() => self.index.lowered.add(atom.text(), list)?,
                false if atom.text() != entry => self.index.exact.add(atom.text(), list)?,
                _ => {}
            }
        }
        Ok(true)
    }

    /// An entry that is a host or a domain; false if it is empty.
    pub(in crate::warning) fn host(&mut self, list: u16, entry: &str) -> Result<bool, Error> {
        let entry = entry.trim_matches('.').to_lowercase();
        let ascii = (!entry.is_ascii()).then(|| Atom::parse(Kind::Domain, &entry).ok()).flatten();
        let name = ascii.as_ref().map_or(entry.as_str(), Atom::text);
        if name.is_empty() {
            return Ok(false);
        }
        self.index.hosts.add(name, list)?;
        Ok(true)
    }

    /// A host that somebody declared: names below it and above it are met.
    pub(in crate::warning) fn declared(&mut self, list: u16, host: &str) -> Result<(), Error> {
        self.digest(host.as_bytes());
        if self.network(list, host) {
            return Ok(());
        }
        let name = Atom::parse(Kind::Domain, host).map_err(|_| Error::Host(host.to_owned()))?;
        self.index.declared.push((name.text().into(), list));
        self.host(list, name.text()).map(|_| ())
    }

    /// An address or network; false if it is none.
    pub(in crate::warning) fn network(&mut self, list: u16, entry: &str) -> bool {
        let block = Block::parse(entry.trim());
        block.is_some_and(|block| {
            self.index.networks.add(block, list);
            true
        })
    }

    /// A part of values; false if it is empty.
    pub(in crate::warning) fn substring(&mut self, list: u16, reach: Kinds, entry: &str) -> bool {
        if !entry.is_empty() {
            self.index.substrings.add(entry, list, reach);
        }
        !entry.is_empty()
    }

    /// All expressions of a list.
    pub(in crate::warning) fn expressions(&mut self, list: u16, entries: &[Box<str>]) -> Result<(), Error> {
        let mut left_out = Vec::new();
        self.index.expressions.push(Expressions::parse(list, entries, &mut left_out)?);
        left_out.into_iter().for_each(|what| self.warn_of(list, what));
        Ok(())
    }

    /// Says something about a list that is there.
    pub(in crate::warning) fn warn_of(&mut self, list: u16, what: String) {
        let name = self.index.lists[usize::from(list)].name.clone();
        self.warn(&name, what);
    }

    /// Says something about a list.
    pub(in crate::warning) fn warn(&mut self, name: &str, what: String) {
        self.warnings.push(format!("warning list `{name}`: {what}"));
    }

    /// Puts something that answers depend on into the digest.
    pub(in crate::warning) fn digest(&mut self, bytes: &[u8]) {
        self.digest.update(&(bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }

    /// The lists, ready to answer, and what there is to say.
    pub(in crate::warning) fn finish(mut self) -> Result<(WarningLists, Vec<String>), Error> {
        let unused = self.settings.actions.keys().filter(|name| !self.used.contains(name.as_str()));
        let unused: Vec<String> = unused.map(|name| format!("there is no warning list `{name}`")).collect();
        self.warnings.extend(unused);
        let index = &mut self.index;
        [&mut index.lowered, &mut index.exact, &mut index.hosts].into_iter().for_each(|table| table.finish());
        index.networks.finish();
        index.substrings.finish()?;
        let mut generation = String::with_capacity(64);
        for byte in self.digest.finish().as_ref() {
            let _ = write!(generation, "{byte:02x}");
        }
        Ok((WarningLists { index: self.index, generation }, self.warnings))
    }
}

/// To be raised when a built-in list changes, because confirmations hold for one version.
const BUILTIN_VERSION: u64 = 1;
const ENTRIES_MAX: usize = 1 << 24;
