//! What the four parts of a number alone say: addresses have parts of all sizes, versions and sections small ones.

use std::net::Ipv4Addr;

/// How much the parts of a number speak for an address, in the weights of `evidence`.
pub(super) fn weight(address: Ipv4Addr) -> i32 {
    let parts = address.octets();
    if is_reserved(address) {
        return RESERVED;
    }
    if RESOLVERS.contains(&parts) {
        return RESOLVER;
    }
    let rest = parts[1..].iter();
    let halves = match parts[0] {
        // Networks of one's own have small parts too.
        10 => 6 + rest.map(|part| half_weight(*part).max(-1)).sum::<i32>(),
        first => first_half_weight(first) + rest.map(|part| half_weight(*part)).sum::<i32>(),
    };
    (halves / 2).clamp(LEAST, MOST)
}

/// Are the parts alone enough to call it an address?
pub(super) fn is_certain(address: Ipv4Addr) -> bool {
    weight(address) >= CERTAIN
}

/// Is a version as likely by its parts alone, or likelier?
pub(super) fn is_low(address: Ipv4Addr) -> bool {
    weight(address) < LOW
}

/// Versions begin with small numbers, but for those of browsers.
fn first_half_weight(part: u8) -> i32 {
    match part {
        32..=255 => 6,
        _ => half_weight(part),
    }
}

/// Twice the logarithm of how much likelier a part is in an address than in a version.
fn half_weight(part: u8) -> i32 {
    match part {
        0 => -8,
        1..=9 => -6,
        10..=31 => -2,
        32..=99 => 3,
        100..=255 => 8,
    }
}

/// Networks of one's own, of documentation and of measurements, of which no version reminds.
fn is_reserved(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_documentation()
        || address.is_link_local()
        || address.is_private() && first != 10
        || first == 198 && second & 0xfe == 18
        || first == 100 && second & 0xc0 == 64
}

/// Resolvers that everyone knows.
const RESOLVERS: &[[u8; 4]] =
    &[[1, 1, 1, 1], [1, 0, 0, 1], [8, 8, 8, 8], [8, 8, 4, 4], [9, 9, 9, 9], [4, 2, 2, 1], [4, 2, 2, 2]];
const RESERVED: i32 = 8;
const RESOLVER: i32 = 2;
const CERTAIN: i32 = 4;
const LOW: i32 = -3;
/// Words weigh more than parts: `IP 1.2.3.4` is an address.
const LEAST: i32 = -9;
const MOST: i32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_speak_for_versions_and_large_ones_for_addresses() {
        let weight = |text: &str| weight(text.parse().unwrap());
        for (text, least, most) in [
            ("5.2.1.7", LEAST, LEAST),
            ("124.0.0.0", LEAST, -6),
            ("12.0.4.118", LEAST, -3),
            ("10.4.22.7", 1, 3),
            ("45.83.9.28", 0, 3),
            ("95.214.26.11", 4, MOST),
            ("203.0.113.2", RESERVED, RESERVED),
            ("192.168.0.1", RESERVED, RESERVED),
            ("8.8.8.8", RESOLVER, RESOLVER),
        ] {
            assert!((least..=most).contains(&weight(text)), "{text}: {}", weight(text));
        }
    }
}
