//! The head of a rule: action, protocol, addresses, ports.

use ipnet::IpNet;
use std::net::IpAddr;

/// The protocol of a head that is understood.
pub(super) fn protocol(head: &str) -> Option<&str> {
    let words: Vec<&str> = head.split(' ').filter(|word| !word.is_empty()).collect();
    let [action, protocol, from, from_port, direction, to, to_port] = words[..] else { return None };
    let fits = action == "alert"
        && ["tcp", "udp", "http", "dns", "tls"].contains(&protocol)
        && matches!(direction, "->" | "<>")
        && (direction == "->" || matches!(protocol, "tcp" | "udp"))
        && list(from, address)
        && list(to, address)
        && list(from_port, port)
        && list(to_port, port);
    fits.then_some(protocol)
}

/// One, or several in brackets; none of them twice, and none excluded: exclusions can leave nothing.
fn list(text: &str, is_one: fn(&str) -> bool) -> bool {
    if text == "any" || is_one(text) {
        return true;
    }
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else { return false };
    inner.split(',').all(is_one)
}

fn address(text: &str) -> bool {
    match text.strip_prefix('$') {
        Some(name) => ADDRESSES.contains(&name),
        None => text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok_and(|net| net.prefix_len() > 0),
    }
}

fn port(text: &str) -> bool {
    let number = |text: &str| {
        let is_plain = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| is_plain)
    };
    match (text.strip_prefix('$'), text.split_once(':')) {
        (Some(name), _) => PORTS.contains(&name),
        (None, Some((low, high))) => number(low).zip(number(high)).is_some_and(|(low, high)| low <= high),
        (None, None) => number(text).is_some(),
    }
}

/// The variables of the configuration that Suricata comes with.
const ADDRESSES: [&str; 6] =
    ["HOME_NET", "EXTERNAL_NET", "HTTP_SERVERS", "SMTP_SERVERS", "SQL_SERVERS", "DNS_SERVERS"];
const PORTS: [&str; 3] = ["HTTP_PORTS", "SSH_PORTS", "ORACLE_PORTS"];
