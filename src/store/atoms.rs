//! Values that stored objects name, as lists and look-ups ask for them.

use super::hash_of;
use crate::policy::Handling;
use crate::stix::Timestamp;
use crate::stix::atom::{Atom, Kind, Kinds, Source, host_of};
use ipnet::IpNet;
use std::net::IpAddr;
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
    /// Gives every key that it may be found by to `give`: none of kinds and networks that do not
    /// occur, and of URLs none if there is no URL of their host.
    pub(crate) fn keys<'w>(
        &'w self,
        (shapes, last): (&Shapes, &mut LastKeys<'w>),
        may_hold: &dyn Fn(i64) -> bool,
        give: &mut dyn FnMut(i64),
    ) {
        match *self {
            Self::Value(kind, text) if shapes.has(kind) => give(last.key_of(kind, text)),
            Self::UrlsOf(host) if shapes.has(Kind::Url) => give(host_key(host)),
            Self::UrlsAbove(url) if shapes.has(Kind::Url) => {
                if host_of(url).is_some_and(|host| may_hold(host_key(host))) {
                    borders(url).for_each(|end| give(key_of(Kind::Url, &url[..end])));
                }
            }
            Self::NetworksAround(inner) => {
                let kind = if inner.addr().is_ipv4() { Kind::Ipv4Network } else { Kind::Ipv6Network };
                shapes.around(inner).for_each(|network| give(network_key(kind, network)));
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

/// Kinds and networks among new values.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    kinds: Kinds,
    networks: Vec<IpNet>,
}

impl Noted {
    /// Notes a value.
    pub(crate) fn note(&mut self, kind: Kind, text: &str) {
        self.kinds = self.kinds.and(Kinds::of(&[kind]));
        self.networks.extend(network(kind, text));
    }
}

/// Which kinds occur, and which networks about: what certainly is nowhere need not be asked for. An address lies
/// in as many networks as there are lengths, and to say which are not there must cost less than their keys.
#[derive(Debug)]
pub(crate) struct Shapes {
    kinds: AtomicU32,
    lengths: [AtomicU64; 4],
    /// A Bloom filter; if there are very many, it says of more and more that they may be there.
    networks: Box<[AtomicU64]>,
}

impl Default for Shapes {
    fn default() -> Self {
        let networks = (0..1 << NETWORK_BITS >> 6).map(|_| AtomicU64::new(0)).collect();
        Self { kinds: AtomicU32::default(), lengths: Default::default(), networks }
    }
}

impl Shapes {
    /// Notes a value.
    pub(crate) fn note(&self, kind: Kind, text: &str) {
        self.kinds.fetch_or(Kinds::of(&[kind]).bits(), Relaxed);
        network(kind, text).iter().for_each(|network| self.note_network(network));
    }

    /// Notes new values.
    pub(crate) fn merge(&self, new: &Noted) {
        self.kinds.fetch_or(new.kinds.bits(), Relaxed);
        new.networks.iter().for_each(|network| self.note_network(network));
    }

    fn note_network(&self, network: &IpNet) {
        let (word, bit) = place(network.addr().is_ipv4(), usize::from(network.prefix_len()));
        self.lengths[word].fetch_or(1 << bit, Relaxed);
        for spot in spots(network) {
            self.networks[spot / 64].fetch_or(1 << (spot % 64), Relaxed);
        }
    }

    /// The kinds that occur.
    pub(crate) fn kinds(&self) -> Kinds {
        Kinds::of_bits(self.kinds.load(Relaxed))
    }

    fn has(&self, kind: Kind) -> bool {
        self.kinds().has(kind)
    }

    /// Networks that may occur and in which another one lies.
    fn around(&self, inner: IpNet) -> impl Iterator<Item = IpNet> {
        let is_v4 = inner.addr().is_ipv4();
        let lengths = (0..inner.prefix_len()).filter(move |length| {
            let (word, bit) = place(is_v4, usize::from(*length));
            self.lengths[word].load(Relaxed) >> bit & 1 == 1
        });
        let networks = lengths.filter_map(move |length| IpNet::new(inner.addr(), length).ok());
        networks.map(|network| network.trunc()).filter(|network| {
            spots(network).iter().all(|spot| self.networks[spot / 64].load(Relaxed) >> (spot % 64) & 1 == 1)
        })
    }
}

fn network(kind: Kind, text: &str) -> Option<IpNet> {
    matches!(kind, Kind::Ipv4Network | Kind::Ipv6Network).then(|| text.parse().ok()).flatten()
}

/// IPv4 has the first word, IPv6 the others.
fn place(is_v4: bool, length: usize) -> (usize, usize) {
    if is_v4 { (0, length) } else { (1 + length / 64, length % 64) }
}

/// The bits of a network.
fn spots(network: &IpNet) -> [usize; 2] {
    let (high, low) = match network.addr() {
        IpAddr::V4(address) => (0, u64::from(u32::from(address))),
        IpAddr::V6(address) => ((u128::from(address) >> 64) as u64, u128::from(address) as u64),
    };
    let mixed = low ^ high.rotate_left(29) ^ u64::from(network.prefix_len()) << 32;
    let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    [mixed >> (64 - NETWORK_BITS), mixed >> (64 - 2 * NETWORK_BITS)]
        .map(|spot| spot as usize & ((1 << NETWORK_BITS) - 1))
}

/// 128 KiB: one network in a hundred is asked for in vain among 50,000, one in ten among 200,000.
const NETWORK_BITS: u32 = 20;

/// The keys of the last few values: most names are below the same as the one before.
#[derive(Default)]
pub(crate) struct LastKeys<'w> {
    keys: [Option<(Kind, &'w str, i64)>; 8],
    next: usize,
}

impl<'w> LastKeys<'w> {
    fn key_of(&mut self, kind: Kind, text: &'w str) -> i64 {
        let mut known = self.keys.iter().flatten().filter(|last| last.0 == kind && last.1 == text);
        if let Some((.., key)) = known.next() {
            return *key;
        }
        let key = key_of(kind, text);
        self.keys[self.next] = Some((kind, text, key));
        self.next = (self.next + 1) % self.keys.len();
        key
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
    fn only_networks_that_occur_are_asked_for() {
        let shapes = Shapes::default();
        shapes.note(Kind::Ipv4Network, "10.0.0.0/8");
        let mut new = Noted::default();
        new.note(Kind::Ipv4Network, "192.0.2.0/31");
        new.note(Kind::Ipv4Network, "192.0.0.0/16");
        new.note(Kind::Ipv6Network, "2001:db8::/127");
        shapes.merge(&new);
        let keys = |wanted: Wanted| {
            let mut keys = Vec::new();
            wanted.keys((&shapes, &mut LastKeys::default()), &|_| true, &mut |key| keys.push(key));
            keys
        };
        let around = |text: &str| keys(Wanted::NetworksAround(text.parse().unwrap()));
        let key = |kind, text| key_of(kind, text);
        let (wide, narrow) = (key(Kind::Ipv4Network, "192.0.0.0/16"), key(Kind::Ipv4Network, "192.0.2.0/31"));
        assert_eq!(around("192.0.2.1/32"), [wide, narrow]);
        assert_eq!(around("192.0.2.0/31"), [wide]);
        assert_eq!(around("10.255.0.1/32"), [key(Kind::Ipv4Network, "10.0.0.0/8")]);
        assert_eq!(around("10.0.0.0/8"), [0; 0]);
        assert_eq!(around("2001:db8::1/128"), [key(Kind::Ipv6Network, "2001:db8::/127")]);
        assert_eq!(around("2001:db8::/127"), [0; 0]);
        assert_eq!(shapes.kinds(), Kinds::of(&[Kind::Ipv4Network, Kind::Ipv6Network]));
        assert_eq!(keys(Wanted::Value(Kind::Domain, "a.example")), [0; 0]);
        shapes.note(Kind::Domain, "a.example");
        assert_eq!(keys(Wanted::Value(Kind::Domain, "a.example")).len(), 1);
    }

    #[test]
    fn no_network_is_denied_and_few_are_asked_for_in_vain() {
        let shapes = Shapes::default();
        let network = |n: u32| format!("{}/24", std::net::Ipv4Addr::from(n << 8));
        let (v4, v6) = (Kind::Ipv4Network, |n: u32| format!("2001:db8:{:x}:{:x}::/64", n >> 8, n & 255));
        for n in 0..25_000 {
            shapes.note(v4, &network(n * 3));
            shapes.note(Kind::Ipv6Network, &v6(n * 2));
        }
        let is_asked = |text: String| {
            shapes
                .around(
                    IpNet::new(
                        text.parse::<IpNet>().unwrap().addr(),
                        if text.contains(':') { 128 } else { 32 },
                    )
                    .unwrap(),
                )
                .count()
                == 1
        };
        assert!((0..25_000).all(|n| is_asked(network(n * 3)) && is_asked(v6(n * 2))));
        let vain = (0..25_000).filter(|n| is_asked(network(n * 3 + 1)) || is_asked(v6(n * 2 + 1))).count();
        assert!(vain < 1_000, "{vain} of 25,000");
    }
}
