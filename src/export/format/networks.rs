//! Addresses and networks as packet filters block them.

use super::{Files, Input};
use crate::export::Facts;
use crate::stix::Timestamp;
use crate::stix::atom::{Atom, Kind};
use ipnet::IpNet;
use std::fmt::{self, Write};
use std::net::IpAddr;

/// Is it an address or a network?
pub(super) fn is_address(kind: Kind) -> bool {
    matches!(kind, Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network)
}

/// An address or network as a number.
pub(super) fn network(atom: &Atom) -> Option<IpNet> {
    match atom.kind() {
        Kind::Ipv4 | Kind::Ipv6 => atom.text().parse::<IpAddr>().ok().map(IpNet::from),
        Kind::Ipv4Network | Kind::Ipv6Network => atom.text().parse().ok(),
        _ => None,
    }
}

/// An element of a set.
pub(super) struct Element<'a> {
    /// What is blocked.
    pub(super) network: IpNet,
    /// The same as text.
    pub(super) text: &'a str,
    /// How long, if nobody loads a newer list.
    pub(super) timeout_secs: u64,
    /// Where it comes from.
    pub(super) facts: &'a Facts,
}

impl Element<'_> {
    /// Writes the comment by which people find the indicator.
    pub(super) fn write_comment(&self, text: &mut String) -> fmt::Result {
        let id = self.facts.short_id();
        match !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit()) {
            true => write!(text, " comment \"{id}\""),
            false => Ok(()),
        }
    }
}

/// The elements of an export.
pub(super) fn elements<'a>(input: &Input<'a>, timeout_max_secs: u64, files: &mut Files) -> Vec<Element<'a>> {
    let mut elements = Vec::with_capacity(input.rows.len());
    for row in input.rows {
        match network(&row.atom) {
            None => files.leave_out("no_place"),
            // Nobody means the whole internet, and sets of ipset cannot hold it.
            Some(network) if network.prefix_len() == 0 => files.leave_out("every_address"),
            Some(network) => elements.push(Element {
                network,
                text: row.atom.text(),
                timeout_secs: timeout_secs(&row.facts, input.about.generated, timeout_max_secs),
                facts: &row.facts,
            }),
        }
    }
    elements
}

/// How long a value is to stay: until it is no longer valid, but a minute at least and never for ever, so
/// that a device forgets by itself when nobody asks any more (export formats §10.1).
fn timeout_secs(facts: &Facts, generated: Timestamp, max: u64) -> u64 {
    let Some(until) = facts.valid_until else { return max };
    let micros = until.micros().saturating_sub(generated.micros());
    u64::try_from(micros / 1_000_000).unwrap_or(0).clamp(TIMEOUT_MIN_SECS, max)
}

/// Is it a name that a table or set of ours may have? Theirs are emptied and deleted with every load, so they
/// must not be those of somebody else.
pub(super) fn check_name(key: &str, name: &str) -> Result<(), String> {
    let rest = name.strip_prefix("liaison").ok_or(format!("{key} must begin with liaison"))?;
    match rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        _ if name.len() > NAME_MAX => Err(format!("{key} must have at most {NAME_MAX} characters")),
        true => Ok(()),
        false => Err(format!("{key} must be of a to z, 0 to 9 and _")),
    }
}

/// Is it a longest time in sets?
pub(super) fn check_timeout(secs: u64, max: u64) -> Result<(), String> {
    match (TIMEOUT_MIN_SECS..=max).contains(&secs) {
        true => Ok(()),
        false => Err(format!("timeout_max_secs must be from {TIMEOUT_MIN_SECS} to {max}")),
    }
}

/// Names of sets have at most 31 characters in the kernel, and ours get up to five more.
const NAME_MAX: usize = 26;
/// The shortest time in a set.
const TIMEOUT_MIN_SECS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::format::hostile;

    #[test]
    fn a_value_stays_for_as_long_as_it_is_valid() {
        let generated = Timestamp::from_micros(1_000_000_000);
        let after = |secs: i64| Facts {
            valid_until: Some(Timestamp::from_micros((1_000 + secs) * 1_000_000)),
            ..hostile::facts()
        };
        for (secs, stays) in [(-5, 60), (0, 60), (59, 60), (61, 61), (86_400, 86_400), (900_000, 900_000)] {
            assert_eq!(timeout_secs(&after(secs), generated, 900_000), stays);
        }
        assert_eq!(timeout_secs(&after(900_001), generated, 900_000), 900_000);
        let open = Facts { valid_until: None, ..hostile::facts() };
        assert_eq!(timeout_secs(&open, generated, 900_000), 900_000);
    }

    #[test]
    fn names_of_tables_and_sets_are_ours() {
        for name in ["liaison", "liaison_a1", "liaison2"] {
            assert_eq!(check_name("table", name), Ok(()));
        }
        for name in
            ["", "filter", "Liaison", "liaison a", "liaison;", "liaison-a", "liaison_67890123456789012345"]
        {
            assert!(check_name("table", name).is_err(), "{name}");
        }
    }
}
