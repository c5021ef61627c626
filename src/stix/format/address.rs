//! Addresses of networks: IPv4, IPv6 and MAC-48.

use super::{Fault, require};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A dotted quad with an optional prefix length `/0` to `/32`; host bits may be set (STIX 2.1 §6.8).
pub fn ipv4(text: &str) -> Result<(), Fault> {
    let (address, prefix) = split_prefix(text);
    // The reader of the standard library takes four decimal numbers without leading zeros.
    require(address.parse::<Ipv4Addr>().is_ok() && is_prefix(prefix, 32), IPV4)
}

/// Any text form of RFC 4291 §2.2 without a zone, with an optional `/0` to `/128` (STIX 2.1 §6.9).
pub fn ipv6(text: &str) -> Result<(), Fault> {
    let (address, prefix) = split_prefix(text);
    require(address.parse::<Ipv6Addr>().is_ok() && is_prefix(prefix, 128), IPV6)
}

/// Six lower-case hex pairs joined by colons (STIX 2.1 §6.10).
pub fn mac(text: &str) -> Result<(), Fault> {
    let holds = text.len() == 17
        && text.bytes().enumerate().all(|(at, byte)| match at % 3 {
            2 => byte == b':',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    require(holds, MAC)
}

fn split_prefix(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    }
}

/// Absent, or a decimal number up to `most` without sign and leading zeros.
fn is_prefix(prefix: Option<&str>, most: u8) -> bool {
    let Some(digits) = prefix else { return true };
    let is_plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    is_plain && digits.parse::<u8>().is_ok_and(|length| length <= most)
}

const IPV4: &str = "an IPv4 address like 198.51.100.3 without leading zeros, or a block like 198.51.100.0/24";
const IPV6: &str = "an IPv6 address like 2001:db8::1 without a zone, or a block like 2001:db8::/32";
const MAC: &str = "six pairs of lower-case hex digits joined by colons, like d2:fb:49:24:37:18";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_addresses_and_blocks_pass() {
        for good in
            ["0.0.0.0", "198.51.100.3", "255.255.255.255", "198.51.100.3/32", "10.1.2.3/8", "0.0.0.0/0"]
        {
            assert_eq!(ipv4(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_not_ipv4_is_refused() {
        for bad in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.00",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/08",
            "1.2.3.4/+8",
            "1.2.3.4/-1",
            "1.2.3.4/256",
            "1.2.3.4/255.0.0.0",
            "1.2.3.4/8/8",
            " 1.2.3.4",
            "1.2.3.4\n",
            "1.2.3.4 ",
            "0x1.2.3.4",
            "1.2.3.٤",
            "::1",
            "1..3.4",
            "1.2.3.4:80",
        ] {
            assert!(ipv4(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_form_of_rfc_4291_passes() {
        for good in [
            "::",
            "::1",
            "2001:DB8:0:0:8:800:200C:417A",
            "2001:db8::8:800:200c:417a",
            "FF01::101",
            "0:0:0:0:0:0:13.1.68.3",
            "::13.1.68.3",
            "::ffff:129.144.52.38",
            "64:ff9b::192.0.2.33",
            "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "2001:db8::/32",
            "::/0",
            "2001:db8::1/128",
            "12ab:0:0:cd30::/60",
        ] {
            assert_eq!(ipv6(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_not_ipv6_is_refused() {
        for bad in [
            "",
            ":",
            ":::",
            "1",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8",
            "1::2::3",
            "12345::",
            "g::",
            "fe80::1%eth0",
            "fe80::1%25eth0",
            "[::1]",
            "::1/129",
            "::1/",
            "::1/064",
            "::1 ",
            "::1\n",
            "::ffff:1.2.3",
            "::ffff:01.2.3.4",
            "1.2.3.4::",
            "1:2:3:4:5:6:7:1.2.3.4",
            "1.2.3.4",
            ":1:2:3:4:5:6:7",
        ] {
            assert!(ipv6(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mac_addresses_are_lower_case_with_colons() {
        assert_eq!(mac("d2:fb:49:24:37:18"), Ok(()));
        assert_eq!(mac("00:00:00:00:00:00"), Ok(()));
        for bad in [
            "",
            "D2:fb:49:24:37:18",
            "d2-fb-49-24-37-18",
            "d2fb49243718",
            "d2:fb:49:24:37",
            "d2:fb:49:24:37:18:00",
            "d2:fb:49:24:37:1",
            "d2:fb:49:24:37:1g",
            "d2:fb:49:24:37:18\n",
            "d2:fb:49:24:37:é",
            ":d2:fb:49:24:37:1",
        ] {
            assert!(mac(bad).is_err(), "{bad:?}");
        }
    }
}
