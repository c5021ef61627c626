//! Addresses and networks of `ISSUBSET` and `ISSUPERSET`.

use ipnet::IpNet;
use std::net::IpAddr;

/// A network; an address alone is the network that holds only it. Host bits are masked.
pub(super) fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(address.into()),
        Err(_) => text.parse::<IpNet>().ok().map(|net| net.trunc()),
    }
}

/// Whether the first network lies inside the second; false across address families.
pub(super) fn lies_inside(inner: &IpNet, outer: &IpNet) -> bool {
    outer.contains(inner)
}
