//! Domains as resolvers block them.

use super::Files;
use crate::export::Row;
use crate::stix::atom::Kind;
use std::collections::HashSet;

/// The domains of an export that a resolver may answer itself.
pub(super) fn domains<'a>(rows: &'a [Row], files: &mut Files) -> Vec<&'a str> {
    let mut names = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.atom.kind() == Kind::Domain) {
        match is_reserved(row.atom.text()) {
            true => files.leave_out("reserved_name"),
            false => names.push(row.atom.text()),
        }
    }
    names
}

/// Those with no other of them above, shorter ones first: a resolver that blocks a domain with all below
/// needs no more (export formats §9.1).
pub(super) fn topmost<'a>(mut names: Vec<&'a str>, files: &mut Files) -> Vec<&'a str> {
    names.sort_unstable_by_key(|name| (name.len(), *name));
    let mut kept = HashSet::with_capacity(names.len());
    names.retain(|name| {
        let is_covered = parents(name).any(|parent| kept.contains(parent));
        match is_covered {
            true => files.leave_out("covered"),
            false => _ = kept.insert(*name),
        }
        !is_covered
    });
    names
}

fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(dot, _)| &name[dot + 1..])
}

/// Names that mean the machine itself, and names that a policy zone reads as triggers of another sort:
/// `32.1.2.0.192.rpz-client-ip` would block a client.
fn is_reserved(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last == "localhost" || last.starts_with("rpz-") || name == "localhost.localdomain"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_below_another_is_left_out_and_one_that_only_ends_alike_is_not() {
        let mut files = Files::default();
        let names = vec!["a.b.example", "b.example", "bb.example", "x.a.b.example", "c.test"];
        assert_eq!(topmost(names, &mut files), ["c.test", "b.example", "bb.example"]);
        assert_eq!(files.left_out["covered"], 2);
    }

    #[test]
    fn names_of_the_machine_and_of_triggers_are_reserved() {
        for name in ["localhost", "a.localhost", "32.1.2.0.192.rpz-client-ip", "x.rpz-ip", "a.rpz-nsdname"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["localhost.example", "rpz-ip.example", "rpz.example", "notlocalhost"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
