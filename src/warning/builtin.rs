//! Lists that are always there, and whose action nobody changes (governance §12.2).

use super::index::Builder;
use super::{Declared, Error, Settings};
use crate::stix::atom::{Kind, Kinds};

pub(super) fn add(builder: &mut Builder<'_>, settings: &Settings) -> Result<(), Error> {
    let addresses = Kinds::of(&ADDRESSES);
    for (name, networks) in RANGES {
        let list = builder.builtin(name, addresses)?;
        builder.count(list, networks.len())?;
        networks.iter().for_each(|network| {
            builder.network(list, network);
        });
    }
    let hashes = Kinds::of(&HASHES);
    let list = builder.builtin("built-in: hashes of empty input", hashes)?;
    builder.count(list, EMPTY.len())?;
    for hash in EMPTY {
        builder.text(list, hashes, hash)?;
    }
    let wide = builder.builtin("built-in: networks wider than /8 (IPv4) or /16 (IPv6)", addresses)?;
    let suffixes = builder.builtin("built-in: public suffixes", Kinds::of(&[Kind::Domain]))?;
    builder.rules(wide, suffixes);
    declared(builder, "built-in: hosts and networks of this hub", &settings.own)?;
    declared(builder, "built-in: hosts and networks of peers", &settings.peers)
}

fn declared(builder: &mut Builder<'_>, name: &str, declared: &Declared) -> Result<(), Error> {
    let list = builder.builtin(name, Kinds::of(&DECLARED))?;
    builder.count(list, declared.hosts.len() + declared.networks.len())?;
    for host in &declared.hosts {
        builder.declared(list, host)?;
    }
    for network in &declared.networks {
        let network = network.to_string();
        builder.digest(network.as_bytes());
        builder.network(list, &network);
    }
    Ok(())
}

/// A URL counts by its host.
const ADDRESSES: [Kind; 5] = [Kind::Ipv4, Kind::Ipv4Network, Kind::Ipv6, Kind::Ipv6Network, Kind::Url];
const DECLARED: [Kind; 7] =
    [Kind::Ipv4, Kind::Ipv4Network, Kind::Ipv6, Kind::Ipv6Network, Kind::Url, Kind::Domain, Kind::Email];
const HASHES: [Kind; 7] = [
    Kind::FileMd5,
    Kind::FileSha1,
    Kind::FileSha256,
    Kind::FileSha512,
    Kind::CertificateMd5,
    Kind::CertificateSha1,
    Kind::CertificateSha256,
];

pub(super) const RANGES: [(&str, &[&str]); 7] = [
    (
        "built-in: private addresses (RFC 1918, RFC 4193)",
        &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
    ),
    ("built-in: shared addresses (RFC 6598)", &["100.64.0.0/10"]),
    ("built-in: loopback", &["127.0.0.0/8", "::1"]),
    ("built-in: link-local addresses", &["169.254.0.0/16", "fe80::/10"]),
    (
        "built-in: addresses for documentation",
        &["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"],
    ),
    ("built-in: multicast", &["224.0.0.0/4", "ff00::/8"]),
    ("built-in: unspecified addresses", &["0.0.0.0", "::"]),
];

/// MD5, SHA-1, SHA-256, SHA-512.
pub(super) const EMPTY: [&str; 4] = [
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    concat!(
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce",
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
    ),
];
