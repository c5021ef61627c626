//! Addresses, names, URLs.

use super::{Kind, NoAtom};
use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 address or network.
pub(super) fn v4(text: &str) -> Result<(Kind, String), NoAtom> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok((Kind::Ipv4, address.to_string()));
    }
    let network: Ipv4Net = text.parse().map_err(|_| NoAtom("no IPv4 address and no network"))?;
    Ok(match network.prefix_len() {
        32 => (Kind::Ipv4, network.addr().to_string()),
        _ => (Kind::Ipv4Network, network.trunc().to_string()),
    })
}

/// An IPv6 address or network.
pub(super) fn v6(text: &str) -> Result<(Kind, String), NoAtom> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok((Kind::Ipv6, address.to_string()));
    }
    let network: Ipv6Net = text.parse().map_err(|_| NoAtom("no IPv6 address and no network"))?;
    Ok(match network.prefix_len() {
        128 => (Kind::Ipv6, network.addr().to_string()),
        _ => (Kind::Ipv6Network, network.trunc().to_string()),
    })
}

/// A name in A-labels and lower case, without a dot at the end.
pub(super) fn domain(text: &str) -> Result<String, NoAtom> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = match is_plain(text) {
        true => text.to_ascii_lowercase(),
        false => idna::domain_to_ascii(text).map_err(|_| NoAtom("no domain name"))?,
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(NoAtom("no domain name"));
    }
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NoAtom("an address, or a name that would be read as one"));
    }
    Ok(name)
}

/// Is a name nothing but letters, digits and hyphens, so that it is its own A-labels but for the case?
fn is_plain(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_encoded = label.get(2..4) == Some("--");
        !is_encoded && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    !name.is_empty() && name.split('.').all(is_label)
}

/// A URL with its scheme and host in lower case, without default port and fragment.
pub(super) fn url(text: &str) -> Result<String, NoAtom> {
    if text.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return Err(NoAtom("white space or control characters in a URL"));
    }
    let mut url = url::Url::parse(text).map_err(|_| NoAtom("no URL"))?;
    let Some(host) = url.host_str() else { return Err(NoAtom("a URL without a host")) };
    if url.cannot_be_a_base() || host.is_empty() {
        return Err(NoAtom("a URL without a host"));
    }
    if !host.starts_with('[') && host.parse::<Ipv4Addr>().is_err() {
        let name = domain(host)?;
        if name != host {
            url.set_host(Some(&name)).map_err(|_| NoAtom("no host in a URL"))?;
        }
    }
    url.set_fragment(None);
    Ok(url.into())
}

/// An e-mail address in lower case.
pub(super) fn email(text: &str) -> Result<String, NoAtom> {
    let (local, host) = text.rsplit_once('@').ok_or(NoAtom("no e-mail address"))?;
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !r#""(),:;<>@[\]"#.contains(c);
    if local.is_empty() || !local.chars().all(is_plain) {
        return Err(NoAtom("no e-mail address"));
    }
    let host = domain(host)?;
    Ok(format!("{}@{host}", local.to_lowercase()))
}
