//! What of the shared values a value meets, and how.

use super::value::Reading;
use crate::stix::atom::{Atom, Kind};
use crate::store::atoms::Wanted;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How a value and a shared one meet, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// They are the same.
    Exact,
    /// The shared URL is a beginning of the URL, up to a border in its path.
    UrlPrefix,
    /// The host of the URL is shared.
    UrlHost,
    /// The name, or the host of the URL or of the e-mail address, is below the shared domain; that host of an
    /// e-mail address may be the shared domain itself.
    Subdomain,
    /// The address or network, or the address of the URL's host, lies in the shared network.
    InsideNetwork,
    /// The shared URL has this host.
    UrlsOfHost,
}

/// Gives everything that a value may meet to `ask`.
pub(super) fn ask<'a>(reading: &'a Reading, ask: &mut impl FnMut(How, Wanted<'a>)) {
    let atom = &reading.atom;
    ask(How::Exact, Wanted::Value(atom.kind(), atom.text()));
    match atom.kind() {
        Kind::Ipv4 | Kind::Ipv6 => {
            around(atom, ask);
            ask(How::UrlsOfHost, Wanted::UrlsOf(atom.text()));
        }
        Kind::Ipv4Network | Kind::Ipv6Network => around(atom, ask),
        Kind::Domain => {
            above(atom.text(), ask);
            ask(How::UrlsOfHost, Wanted::UrlsOf(atom.text()));
        }
        Kind::Email => {
            if let Some(host) = atom.host() {
                ask(How::Subdomain, Wanted::Value(Kind::Domain, host));
                above(host, ask);
            }
        }
        Kind::Url => {
            ask(How::UrlPrefix, Wanted::UrlsAbove(atom.text()));
            match (&reading.address, atom.host()) {
                (Some(address), _) => {
                    ask(How::UrlHost, Wanted::Value(address.kind(), address.text()));
                    around(address, ask);
                }
                (None, Some(host)) => {
                    ask(How::UrlHost, Wanted::Value(Kind::Domain, host));
                    above(host, ask);
                }
                (None, None) => {}
            }
        }
        _ => {}
    }
}

/// Networks that an address or a network lies in.
fn around<'a>(atom: &'a Atom, ask: &mut impl FnMut(How, Wanted<'a>)) {
    let address = || atom.text().parse::<IpAddr>().map(IpNet::from);
    if let Ok(network) = atom.text().parse::<IpNet>().or_else(|_| address()) {
        ask(How::InsideNetwork, Wanted::NetworksAround(network));
    }
}

/// The names above a name.
fn above<'a>(mut name: &'a str, ask: &mut impl FnMut(How, Wanted<'a>)) {
    while let Some((_, parent)) = name.split_once('.') {
        ask(How::Subdomain, Wanted::Value(Kind::Domain, parent));
        name = parent;
    }
}
