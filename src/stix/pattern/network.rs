//! Addresses and networks of `ISSUBSET` and `ISSUPERSET`.

use ipnet::IpNet;
use std::net::IpAddr;

/// A network; an address alone is the network that holds only it. Host bits are masked.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let Some((address, prefix)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok().map(|net| net.trunc())
}

/// Whether the first network lies inside the second; false across address families.
pub(super) fn lies_inside(inner: &IpNet, outer: &IpNet) -> bool {
    outer.contains(inner)
}
