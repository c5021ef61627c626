//! Response policy zones, which tell a resolver what to answer instead of the truth (export formats §9.1).

use super::names::{domains, topmost};
use super::networks::{is_address, network};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::{Atom, Kind};
use ipnet::IpNet;
use serde::Deserialize;
use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv6Addr};

/// The format.
pub(super) struct Rpz;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// The zone's name at the resolver: it counts into the length of names.
    zone: String,
    /// What the resolver does.
    action: Action,
    /// Where `redirect` leads: addresses, or one host.
    target: Vec<String>,
    /// Time to live of the answers, in seconds.
    ttl: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            zone: "rpz.liaison.internal".to_owned(),
            action: Action::Nxdomain,
            target: Vec::new(),
            ttl: 300,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Nxdomain,
    Nodata,
    Drop,
    Passthru,
    TcpOnly,
    Redirect,
}

impl Format for Rpz {
    fn name(&self) -> &'static str {
        "rpz"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        kind == Kind::Domain || is_address(kind)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let choices: Options = options(table)?;
        if choices.ttl > TTL_MAX {
            return Err(format!("ttl must be at most {TTL_MAX}"));
        }
        zone(&choices)?;
        answers(&choices).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let zone = zone(&choices)?;
        let answers = answers(&choices)?;
        let owners = owners(input, zone.text(), files);
        let mut records = String::with_capacity(owners.len() * 64);
        for owner in &owners {
            for answer in &answers {
                _ = writeln!(records, "{owner} {answer}");
                if owner.is_name() {
                    _ = writeln!(records, "*.{owner} {answer}");
                }
            }
        }
        let file = format!("{}.rpz", input.about.name);
        let top = top(choices.ttl, &input.about.url);
        let serial = serial(input, &file, &top, &records);
        let header = input.header("; ", &file, owners.len(), files);
        let text = format!("{header}{}{records}", top.replace(SERIAL, &serial.to_string()));
        files.add(file, TEXT, text, owners.len());
        Ok(())
    }
}

/// A name left of the zone's.
enum Owner<'a> {
    Name(&'a str),
    Network(IpNet),
}

impl Owner<'_> {
    /// Is it one that has names below it?
    fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Network(network) => {
                write!(f, "{}", network.prefix_len())?;
                match network.addr() {
                    IpAddr::V4(address) => {
                        address.octets().iter().rev().try_for_each(|octet| write!(f, ".{octet}"))?;
                    }
                    IpAddr::V6(address) => write_groups(address, f)?,
                }
                f.write_str(".rpz-ip")
            }
        }
    }
}

/// The groups of the compressed form from right to left, with `zz` for `::`.
fn write_groups(address: Ipv6Addr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = address.to_string();
    let (left, right) = text.split_once("::").map_or((&*text, None), |(left, right)| (left, Some(right)));
    let reversed = |groups: &str, f: &mut fmt::Formatter<'_>| {
        let mut groups = groups.rsplit(':').filter(|group| !group.is_empty());
        groups.try_for_each(|group| write!(f, ".{group}"))
    };
    if let Some(right) = right {
        reversed(right, f)?;
        f.write_str(".zz")?;
    }
    reversed(left, f)
}

/// What the zone has records for: names, then networks.
fn owners<'a>(input: &'a Input, zone: &str, files: &mut Files) -> Vec<Owner<'a>> {
    let mut names = domains(input.rows, files);
    // The longest owner is `*.name.zone`, of 253 characters at most without the dot at its end.
    names.retain(|name| {
        let is_short = WILDCARD.len() + name.len() + 1 + zone.len() <= NAME_MAX;
        if !is_short {
            files.leave_out("too_long");
        }
        is_short
    });
    let mut owners: Vec<Owner> = topmost(names, files).into_iter().map(Owner::Name).collect();
    for network in input.rows.iter().filter_map(|row| network(&row.atom)) {
        match network {
            _ if network.prefix_len() == 0 => files.leave_out("every_address"),
            // Resolvers differ in how they read these, and no name has such an address.
            IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => files.leave_out("no_place"),
            _ => owners.push(Owner::Network(network)),
        }
    }
    owners
}

/// Type and value of the records of every owner.
fn answers(choices: &Options) -> Result<Vec<String>, String> {
    let target = match choices.action {
        Action::Nxdomain => ".",
        Action::Nodata => "*.",
        Action::Drop => "rpz-drop.",
        Action::Passthru => "rpz-passthru.",
        Action::TcpOnly => "rpz-tcp-only.",
        Action::Redirect => return redirections(&choices.target),
    };
    match choices.target.is_empty() {
        true => Ok(vec![format!("CNAME {target}")]),
        false => Err("target goes with action = \"redirect\" only".to_owned()),
    }
}

fn redirections(targets: &[String]) -> Result<Vec<String>, String> {
    let mut answers = Vec::new();
    for target in targets {
        match target.parse() {
            Ok(IpAddr::V4(address)) => answers.push(format!("A {address}")),
            Ok(IpAddr::V6(address)) => answers.push(format!("AAAA {address}")),
            Err(_) => {
                let host = Atom::parse(Kind::Domain, target)
                    .map_err(|_| format!("target: {target:?} is no address and no host"))?;
                answers.push(format!("CNAME {host}."));
            }
        }
    }
    answers.sort_unstable();
    answers.dedup();
    match answers.iter().any(|answer| answer.starts_with("CNAME")) {
        _ if answers.is_empty() => {
            Err("action = \"redirect\" needs a target: addresses, or one host".to_owned())
        }
        true if answers.len() > 1 => Err("target must be addresses, or one host alone".to_owned()),
        _ => Ok(answers),
    }
}

fn zone(choices: &Options) -> Result<Atom, String> {
    match Atom::parse(Kind::Domain, &choices.zone) {
        Ok(zone) if zone.text().len() <= ZONE_MAX => Ok(zone),
        _ => Err(format!("zone must be a domain name of at most {ZONE_MAX} characters")),
    }
}

/// The first records, with a mark in place of the serial.
fn top(ttl: u32, url: &str) -> String {
    let host = Atom::parse(Kind::Url, url).ok();
    let host = host.as_ref().and_then(Atom::host).and_then(|host| Atom::parse(Kind::Domain, host).ok());
    let host = host.as_ref().map_or("invalid", Atom::text);
    format!(
        "$TTL {ttl}\n@ IN SOA localhost. hostmaster.{host}. ( {SERIAL} 900 300 604800 300 )\n  IN NS localhost.\n"
    )
}

/// The time of the last change, but the old serial if the zone is the same as last time, and a later one if
/// it is not: a resolver that gets the zone by transfer skips what does not grow.
fn serial(input: &Input, file: &str, top: &str, records: &str) -> u32 {
    let now = u32::try_from(input.about.generated.micros() / 1_000_000).unwrap_or(u32::MAX);
    let Some(previous) = (input.previous)(file) else { return now };
    let previous = String::from_utf8(previous).unwrap_or_default();
    let zone = &previous[previous.find("$TTL ").unwrap_or(previous.len())..];
    let serial = zone.split_once("( ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u32>().ok());
    let Some(serial) = serial else { return now };
    match zone.strip_prefix(&*top.replace(SERIAL, &serial.to_string())) == Some(records) {
        true => serial,
        false => now.max(serial.saturating_add(1)),
    }
}

const SERIAL: &str = "SERIAL";
const WILDCARD: &str = "*.";
/// The longest name, without the dot at its end.
const NAME_MAX: usize = 253;
/// Longer zones leave no room for names.
const ZONE_MAX: usize = 100;
/// The longest time to live (RFC 2181 §8).
const TTL_MAX: u32 = 2_147_483_647;

#[cfg(test)]
mod tests;
