//! Who we are to a server, and what we put up with from it.

use super::{ClientError, reason};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Who we are to a server, and what we put up with from it; PEM texts.
#[derive(Debug, Clone, Default)]
pub struct Access<'a> {
    /// The server, with or without `/taxii2/` at the end.
    pub url: &'a str,
    /// The authority of its certificate; those that the machine trusts, if none is named.
    pub ca: Option<&'a [u8]>,
    /// Our certificate and its key.
    pub identity: Option<(&'a [u8], &'a [u8])>,
    /// A header that says who we are.
    pub header: Option<(&'a str, String)>,
    /// Where it may be.
    pub reach: Reach,
    /// What we put up with.
    pub limits: Limits,
}

/// Which addresses are connected to.
#[derive(Debug, Clone, Default)]
pub enum Reach {
    /// All.
    #[default]
    Everywhere,
    /// Public ones, and those in these networks: whoever names a server must not lead us into our own network.
    Outside(Vec<IpNet>),
}

/// What we put up with from a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one answer.
    pub bytes_max: usize,
    /// The time for one answer.
    pub total: Duration,
    /// The longest pause within it.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 256 * 1024 * 1024, total: Duration::from_secs(300), pause: Duration::from_secs(60) }
    }
}

impl Access<'_> {
    pub(super) fn connect(&self) -> Result<(reqwest::Client, Url), ClientError> {
        let setup =
            |what: &str, error: &dyn std::fmt::Display| ClientError::Setup(format!("{what}: {error}"));
        let base = Url::parse(self.url).map_err(|error| setup("the server's URL", &error))?;
        let Some(host) = base.host().filter(|_| base.scheme() == "https") else {
            return Err(setup("the server's URL", &"expected https://HOST[:PORT]"));
        };
        let mut builder = reqwest::Client::builder()
            .redirect(within_origin())
            .no_proxy()
            .user_agent(concat!("liaison/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(self.limits.pause)
            .timeout(self.limits.total)
            .pool_idle_timeout(Duration::from_secs(30));
        if let Some((cert, key)) = self.identity {
            let pem = [cert, b"\n", key].concat();
            let identity = reqwest::Identity::from_pem(&pem)
                .map_err(|error| setup("certificate and key", &reason(&error)))?;
            builder = builder.identity(identity);
        }
        if let Some(ca) = self.ca {
            let authorities = reqwest::Certificate::from_pem_bundle(ca)
                .map_err(|error| setup("the server's CA", &reason(&error)))?;
            builder = builder.tls_certs_only(authorities);
        }
        if let Some((name, value)) = &self.header {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| setup("header", &error))?;
            let mut value = HeaderValue::from_str(value).map_err(|error| setup("header", &error))?;
            value.set_sensitive(true);
            builder = builder.default_headers(HeaderMap::from_iter([(name, value)]));
        }
        if let Reach::Outside(allowed) = &self.reach {
            // An address in the URL is not looked up.
            let address = match host {
                Host::Ipv4(address) => Some(IpAddr::V4(address)),
                Host::Ipv6(address) => Some(IpAddr::V6(address)),
                Host::Domain(_) => None,
            };
            if let Some(address) = address.filter(|address| !may_reach(*address, allowed)) {
                return Err(setup("the server's URL", &inside(address)));
            }
            builder = builder.dns_resolver(Arc::new(Guarded(allowed.clone())));
        }
        let http = builder.build().map_err(|error| setup("certificate and key", &reason(&error)))?;
        Ok((http, base))
    }
}

/// A server may move a path, but send nobody elsewhere.
fn within_origin() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let is_same =
            attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
        if is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
    })
}

/// Looks names up, and leaves out addresses that must not be connected to.
struct Guarded(Vec<IpNet>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (good, bad): (Vec<SocketAddr>, Vec<_>) =
                found.partition(|address| may_reach(address.ip(), &allowed));
            match (good.is_empty(), bad.first()) {
                (true, Some(address)) => Err(inside(address.ip()).into()),
                _ => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

fn inside(address: IpAddr) -> String {
    format!("{address} is not a public address; if it is meant, list it in allow_addresses")
}

fn may_reach(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|network| network.contains(&address)) || is_public(address)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_special = a == 0 || a >= 224 || (a == 192 && b == 0 && v4.octets()[2] == 0);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared || is_special)
        }
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            // What is translated to IPv4 goes where that goes (RFC 6052).
            if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
                let [.., a, b, c, d] = v6.octets();
                return is_public(IpAddr::from([a, b, c, d]));
            }
            let is_local = v6.is_unique_local() || v6.is_unicast_link_local();
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || is_local)
        }
    }
}

const REDIRECTS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(address: &str, allowed: &[&str]) -> bool {
        let allowed: Vec<IpNet> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        may_reach(address.parse().unwrap(), &allowed)
    }

    #[test]
    fn addresses_inside_are_reached_only_if_they_are_listed() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!reaches(inside, &[]), "{inside}");
        }
        for outside in ["9.9.9.9", "100.128.0.1", "2620:fe::fe", "64:ff9b::909:909", "172.32.0.1"] {
            assert!(reaches(outside, &[]), "{outside}");
        }
        assert!(reaches("127.0.0.1", &["127.0.0.0/8"]) && reaches("::ffff:10.0.0.1", &["10.0.0.0/8"]));
        assert!(!reaches("10.0.0.1", &["10.1.0.0/16"]) && reaches("fd00::1", &["fd00::/8"]));
    }

    #[test]
    fn an_address_in_a_url_is_looked_at_too() {
        let connect = |url| {
            let access = Access { url, reach: Reach::Outside(Vec::new()), ..Access::default() };
            access.connect().map(|_| ()).map_err(|error| error.to_string())
        };
        assert!(connect("https://169.254.169.254/").unwrap_err().contains("allow_addresses"));
        assert!(connect("https://[::1]:8443/").unwrap_err().contains("allow_addresses"));
        assert!(connect("http://hub.example/").unwrap_err().contains("https://HOST"));
    }
}
