//! All lists at once: one look-up answers for every list of a type.

use super::attribute::LOWERED;
use super::network::{Block, Networks};
use super::parts::{Expressions, Substrings};
use super::table::Table;
use super::{Action, How, List};
use crate::stix::atom::{Atom, Kind, Kinds};
use std::fmt;
use std::ops::ControlFlow;

mod builder;

pub(super) use builder::{Builder, NewList};

/// A list and the entry of it that a value meets.
pub(super) struct Found<'a> {
    pub(super) list: u16,
    pub(super) how: How,
    pub(super) entry: Entry<'a>,
}

/// An entry, written only when somebody wants to read it.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Text(&'a str),
    Network(Block),
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Network(block) => block.fmt(f),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Index {
    lists: Vec<List>,
    /// Of all lists together.
    kinds: Kinds,
    reaches: Vec<Kinds>,
    strongest: Option<Action>,
    /// Whole values of kinds in lower case, and of the others.
    lowered: Table,
    exact: Table,
    hosts: Table,
    networks: Networks,
    substrings: Substrings,
    expressions: Vec<Expressions>,
    /// Declared hosts, which domains above them must not block.
    declared: Vec<(Box<str>, u16)>,
    wide: u16,
    suffixes: u16,
}

impl Index {
    pub(super) fn lists(&self) -> &[List] {
        &self.lists
    }

    pub(super) fn kinds(&self) -> Kinds {
        self.kinds
    }

    pub(super) fn strongest(&self) -> Option<Action> {
        self.strongest
    }

    /// Shows every entry that a value meets, as long as that is wanted; cheap look-ups first.
    pub(super) fn visit(
        &self,
        atom: &Atom,
        seen: &mut impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (kind, text) = (atom.kind(), atom.text());
        if !self.kinds.has(kind) {
            return ControlFlow::Continue(());
        }
        let reaches = &self.reaches;
        let mut seen = |found: Found<'_>| match reaches[usize::from(found.list)].has(kind) {
            true => seen(found),
            false => ControlFlow::Continue(()),
        };
        let whole = if LOWERED.contains(&kind) { &self.lowered } else { &self.exact };
        whole
            .find(text)
            .try_for_each(|(list, entry)| seen(Found { list, how: How::Equal, entry: Entry::Text(entry) }))?;
        if let Some(host) = host(atom) {
            self.visit_host(host, &mut seen)?;
            if kind == Kind::Domain {
                self.visit_above(host, &mut seen)?;
            }
            if let Some(block) = block(kind, host) {
                self.visit_network(block, &mut seen)?;
            }
        }
        self.substrings.visit(kind, text, &mut seen)?;
        let expressions = self.expressions.iter().filter(|one| reaches[usize::from(one.list())].has(kind));
        expressions.into_iter().try_for_each(|one| one.visit(text, &mut seen))
    }

    /// The host and the names above it.
    fn visit_host(&self, host: &str, seen: &mut impl FnMut(Found<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut name = host;
        loop {
            let how = if name.len() == host.len() { How::Equal } else { How::Inside };
            self.hosts
                .find(name)
                .try_for_each(|(list, entry)| seen(Found { list, how, entry: Entry::Text(entry) }))?;
            match name.split_once('.') {
                // `2.3.4` is not above `1.2.3.4`.
                Some((_, above)) if !ends_in_digit(host) => name = above,
                _ => return ControlFlow::Continue(()),
            }
        }
    }

    /// What a domain must not be because of what lies below it.
    fn visit_above(
        &self,
        domain: &str,
        seen: &mut impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for (host, list) in &self.declared {
            let below = host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.'));
            if below.is_some() {
                seen(Found { list: *list, how: How::Contains, entry: Entry::Text(host) })?;
            }
        }
        match is_public_suffix(domain) {
            true => seen(Found { list: self.suffixes, how: How::Equal, entry: Entry::Text(domain) }),
            false => ControlFlow::Continue(()),
        }
    }

    fn visit_network(
        &self,
        block: Block,
        seen: &mut impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if block.is_wide() {
            seen(Found { list: self.wide, how: How::Wide, entry: Entry::Network(block) })?;
        }
        for (list, entry) in self.networks.containing(block) {
            let how = if entry == block { How::Equal } else { How::Inside };
            seen(Found { list, how, entry: Entry::Network(entry) })?;
        }
        self.networks.inside(block).try_for_each(|(list, entry)| {
            seen(Found { list, how: How::Contains, entry: Entry::Network(entry) })
        })
    }
}

/// The host of a value; of an address or network, itself.
fn host(atom: &Atom) -> Option<&str> {
    match atom.kind() {
        Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network => Some(atom.text()),
        _ => atom.host(),
    }
}

/// The address or network that a host is.
fn block(kind: Kind, host: &str) -> Option<Block> {
    match kind {
        Kind::Domain | Kind::Email => None,
        Kind::Url if !host.contains(':') && !ends_in_digit(host) => None,
        _ => Block::parse(host),
    }
}

/// True for IPv4 addresses and networks; names of hosts end otherwise.
fn ends_in_digit(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    last.bytes().all(|b| b.is_ascii_digit() || b == b'/')
}

/// True for names under which anybody may register, and for single labels (governance §12.2).
fn is_public_suffix(domain: &str) -> bool {
    !domain.contains('.')
        || psl::suffix(domain.as_bytes())
            .is_some_and(|suffix| suffix.is_known() && suffix == domain.as_bytes())
}
