//! Values that stored objects name, as lists and look-ups ask for them.

use super::hash_of;
use crate::policy::Handling;
use crate::stix::Timestamp;
use crate::stix::atom::{Atom, Kind, Kinds, Source, host_of};
use ipnet::IpNet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// What a stored object names, or an indicator that cannot be said as a list.
#[derive(Debug, Clone)]
pub struct Named {
    /// `date_added` of the object.
    pub added: Timestamp,
    /// Its handling.
    pub handling: Arc<Handling>,
    /// What is said of it.
    pub source: Arc<Source>,
    /// The value; none of an indicator that is no list.
    pub atom: Option<Atom>,
}

/// Which values are wanted: of the last versions that a scope sees, those of these kinds.
#[derive(Debug, Clone)]
pub struct AtomQuery {
    /// Kinds by number; number 0 stands for indicators that are no lists.
    pub kinds: Vec<bool>,
    /// Not those that were over by then.
    pub alive_at: Timestamp,
    /// Observables too, or only indicators.
    pub with_observables: bool,
    /// With descriptions, for which each object's text is read.
    pub with_descriptions: bool,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A value.
    Value(Kind, &'a str),
    /// Networks in which an address or another network lies; not that network itself.
    NetworksAround(IpNet),
    /// URLs of a host.
    UrlsOf(&'a str),
    /// URLs with which a longer one begins, up to a border in its path.
    UrlsAbove(&'a str),
}

impl Wanted<'_> {
    /// Gives every key that it may be found by to `give`: none of kinds and lengths of prefixes that do not
    /// occur, and of URLs none if there is no URL of their host.
    pub(crate) fn keys(&self, shapes: &Shapes, may_hold: &dyn Fn(i64) -> bool, give: &mut dyn FnMut(i64)) {
        match *self {
            Self::Value(kind, text) if shapes.has(kind) => give(key_of(kind, text)),
            Self::UrlsOf(host) if shapes.has(Kind::Url) => give(host_key(host)),
            Self::UrlsAbove(url) if shapes.has(Kind::Url) => {
                if host_of(url).is_some_and(|host| may_hold(host_key(host))) {
                    borders(url).for_each(|end| give(key_of(Kind::Url, &url[..end])));
                }
            }
            Self::NetworksAround(inner) => {
                let kind = if inner.addr().is_ipv4() { Kind::Ipv4Network } else { Kind::Ipv6Network };
                for length in shapes.lengths(kind).filter(|length| *length < inner.prefix_len()) {
                    if let Ok(network) = IpNet::new(inner.addr(), length) {
                        give(network_key(kind, network.trunc()));
                    }
                }
            }
            Self::Value(..) | Self::UrlsOf(_) | Self::UrlsAbove(_) => {}
        }
    }

    /// The kinds that it may be of.
    pub(crate) fn kinds(&self) -> Kinds {
        match *self {
            Self::Value(kind, _) => Kinds::of(&[kind]),
            Self::UrlsOf(_) | Self::UrlsAbove(_) => Kinds::of(&[Kind::Url]),
            Self::NetworksAround(_) => Kinds::of(&[Kind::Ipv4Network, Kind::Ipv6Network]),
        }
    }

    /// Is the value of this kind with this one spelling what is looked for?
    pub(crate) fn is_text(&self, kind: Kind, text: &str) -> bool {
        match *self {
            Self::Value(wanted, wanted_text) => kind == wanted && text == wanted_text,
            Self::UrlsOf(host) => kind == Kind::Url && host_of(text) == Some(host),
            Self::UrlsAbove(url) => {
                kind == Kind::Url && url.starts_with(text) && borders(url).any(|end| end == text.len())
            }
            Self::NetworksAround(inner) => {
                matches!(kind, Kind::Ipv4Network | Kind::Ipv6Network)
                    && text.parse::<IpNet>().is_ok_and(|network| network != inner && network.contains(&inner))
            }
        }
    }
}

/// Where a part of a URL ends that a longer one may begin with: before and after each slash of its path, and
/// before its query. Deep paths are cut off.
fn borders(url: &str) -> impl Iterator<Item = usize> {
    let start = url.find("://").map_or(url.len(), |at| at + 3);
    let start = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
    let path_end = url[start..].find('?').map_or(url.len(), |at| start + at);
    let slashes =
        url[start..path_end].bytes().enumerate().filter(|(_, byte)| *byte == b'/').take(BORDERS_MAX);
    let around = slashes.flat_map(move |(at, _)| {
        // There is no URL without the first slash.
        let before = (at > 0 && url.as_bytes()[start + at - 1] != b'/').then_some(start + at);
        before.into_iter().chain([start + at + 1])
    });
    let whole = (path_end < url.len() && !url[..path_end].ends_with('/')).then_some(path_end);
    around.chain(whole).filter(|end| *end < url.len())
}

/// Which kinds occur, and which lengths networks have: what certainly is nowhere need not be asked for.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    kinds: AtomicU32,
    lengths: [AtomicU64; 4],
}

impl Shapes {
    /// Notes a value; of a network, its text.
    pub(crate) fn note(&self, kind: Kind, text: &str) {
        self.kinds.fetch_or(1 << kind.number(), Relaxed);
        if let (Kind::Ipv4Network | Kind::Ipv6Network, Some((_, length))) = (kind, text.rsplit_once('/')) {
            let length = length.parse::<usize>().unwrap_or(0).min(128);
            let (word, bit) = place(kind, length);
            self.lengths[word].fetch_or(1 << bit, Relaxed);
        }
    }

    /// Notes all that another one knows.
    pub(crate) fn merge(&self, other: &Self) {
        self.kinds.fetch_or(other.kinds.load(Relaxed), Relaxed);
        for (own, other) in self.lengths.iter().zip(&other.lengths) {
            own.fetch_or(other.load(Relaxed), Relaxed);
        }
    }

    /// The kinds that occur.
    pub(crate) fn kinds(&self) -> Kinds {
        Kinds::of_bits(self.kinds.load(Relaxed))
    }

    fn has(&self, kind: Kind) -> bool {
        self.kinds().has(kind)
    }

    fn lengths(&self, kind: Kind) -> impl Iterator<Item = u8> {
        let longest = if kind == Kind::Ipv4Network { 32 } else { 128 };
        (0..=longest).filter(move |length| {
            let (word, bit) = place(kind, usize::from(*length));
            self.lengths[word].load(Relaxed) >> bit & 1 == 1
        })
    }
}

/// IPv4 has the first word, IPv6 the others.
fn place(kind: Kind, length: usize) -> (usize, usize) {
    match kind {
        Kind::Ipv4Network => (0, length.min(63)),
        _ => (1 + length / 64, length % 64),
    }
}

/// The keys that a value is found by: its own, and of a URL that of its host.
pub(crate) fn keys_of(atom: &Atom) -> impl Iterator<Item = i64> {
    let host = if atom.kind() == Kind::Url { atom.host() } else { None };
    std::iter::once(key_of(atom.kind(), atom.text())).chain(host.map(host_key))
}

/// The key of a value; no id of an object has a line break.
fn key_of(kind: Kind, text: &str) -> i64 {
    hash_of([itoa::Buffer::new().format(kind.number()), "\n", text])
}

/// The key of URLs by their host.
fn host_key(host: &str) -> i64 {
    hash_of(["host\n", host])
}

/// The key of a network: an address is asked for in every length that occurs.
fn network_key(kind: Kind, network: IpNet) -> i64 {
    let IpNet::V4(v4) = network else { return key_of(kind, &network.to_string()) };
    let mut digits = [itoa::Buffer::new(); 6];
    let [of_kind, a, b, c, d, of_length] = &mut digits;
    let octets = v4.addr().octets();
    let address = [a.format(octets[0]), b.format(octets[1]), c.format(octets[2]), d.format(octets[3])];
    let [a, b, c, d] = address;
    let (kind, length) = (of_kind.format(kind.number()), of_length.format(v4.prefix_len()));
    hash_of([kind, "\n", a, ".", b, ".", c, ".", d, "/", length])
}

/// Borders of a path that are looked at.
const BORDERS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_begins_at_the_borders_of_its_path() {
        let all = |url: &'static str| borders(url).map(|end| &url[..end]).collect::<Vec<_>>();
        assert_eq!(
            all("http://a.example:81/b/c?d=/e"),
            [
                "http://a.example:81/",
                "http://a.example:81/b",
                "http://a.example:81/b/",
                "http://a.example:81/b/c"
            ]
        );
        assert_eq!(all("http://a.example/"), [""; 0]);
        assert_eq!(all("http://a.example/?q"), ["http://a.example/"]);
        assert_eq!(all("http://a.example/b/"), ["http://a.example/", "http://a.example/b"]);
        assert_eq!(all("none"), [""; 0]);
        assert_eq!(borders(&format!("http://a.example/{}", "x/".repeat(2_000))).count(), 63);
        let above = Wanted::UrlsAbove("http://a.example/gate/x");
        let is = |text| above.is_text(Kind::Url, text);
        assert!(is("http://a.example/gate") && is("http://a.example/gate/"));
        assert!(!is("http://a.example/ga") && !is("http://a.example/gate/x") && !is("http://a.ex"));
    }

    #[test]
    fn networks_have_the_key_of_their_spelling() {
        for (kind, text) in [
            (Kind::Ipv4Network, "203.0.113.0/24"),
            (Kind::Ipv4Network, "0.0.0.0/0"),
            (Kind::Ipv6Network, "2001:db8::/32"),
        ] {
            assert_eq!(network_key(kind, text.parse().unwrap()), key_of(kind, text));
            assert_eq!(key_of(kind, text), crate::store::id_hash(&format!("{}\n{text}", kind.number())));
        }
    }

    #[test]
    fn only_lengths_that_occur_are_asked_for() {
        let shapes = Shapes::default();
        shapes.note(Kind::Ipv4Network, "10.0.0.0/8");
        shapes.note(Kind::Ipv4Network, "192.0.2.0/31");
        shapes.note(Kind::Ipv6Network, "2001:db8::/127");
        let count = |wanted: Wanted| {
            let mut count = 0;
            wanted.keys(&shapes, &|_| true, &mut |_| count += 1);
            count
        };
        let around = |text: &str| count(Wanted::NetworksAround(text.parse().unwrap()));
        assert_eq!([around("192.0.2.1/32"), around("192.0.2.0/31"), around("10.0.0.0/8")], [2, 1, 0]);
        assert_eq!([around("2001:db8::1/128"), around("2001:db8::/127")], [1, 0]);
        assert_eq!(count(Wanted::Value(Kind::Domain, "a.example")), 0);
        let other = Shapes::default();
        other.note(Kind::Domain, "a.example");
        shapes.merge(&other);
        assert_eq!(count(Wanted::Value(Kind::Domain, "a.example")), 1);
    }
}
