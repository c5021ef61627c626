//! Networks of many lists, sorted so that each lies right behind those that contain it: a prefix tree
//! without pointers to children.

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address or network of either family; IPv4 addresses fill the upper 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block {
    is_v6: bool,
    base: u128,
    length: u8,
}

impl Block {
    /// An address, a network; what is written as IPv4 inside IPv6 counts as IPv4.
    pub(super) fn new(network: IpNet) -> Self {
        match network.trunc() {
            IpNet::V4(v4) => Self::v4(v4.addr(), v4.prefix_len()),
            IpNet::V6(v6) => match v6.addr().to_ipv4_mapped() {
                Some(address) if v6.prefix_len() >= MAPPED => Self::v4(address, v6.prefix_len() - MAPPED),
                _ => Self { is_v6: true, base: v6.addr().to_bits(), length: v6.prefix_len() },
            },
        }
    }

    /// The address or network that a text is.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let address = text.parse::<IpAddr>().ok().map(IpNet::from);
        address.or_else(|| text.parse().ok()).map(Self::new)
    }

    fn v4(address: Ipv4Addr, length: u8) -> Self {
        Self { is_v6: false, base: u128::from(address.to_bits()) << 96, length }
    }

    /// True for networks that are too wide to be blocked by anybody (governance §12.2).
    pub(super) fn is_wide(self) -> bool {
        self.length < if self.is_v6 { 16 } else { 8 }
    }

    fn contains(self, other: Self) -> bool {
        let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
        self.is_v6 == other.is_v6 && self.length <= other.length && other.base & mask == self.base
    }

    fn last(self) -> u128 {
        self.base | u128::MAX.checked_shr(u32::from(self.length)).unwrap_or(0)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, longest) = match self.is_v6 {
            true => (IpAddr::V6(Ipv6Addr::from_bits(self.base)), 128),
            false => (IpAddr::V4(Ipv4Addr::from_bits((self.base >> 96) as u32)), 32),
        };
        match self.length == longest {
            true => write!(f, "{address}"),
            false => write!(f, "{address}/{}", self.length),
        }
    }
}

impl Node {
    fn block(self) -> Block {
        Block { is_v6: self.is_v6, base: self.base, length: self.length }
    }
}

/// The networks of all lists.
#[derive(Debug, Default)]
pub(super) struct Networks {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The block, taken apart to save a third of the memory.
    base: u128,
    length: u8,
    is_v6: bool,
    list: u16,
    /// The narrowest network before this one that contains it, or the same again; `NONE` if there is none.
    parent: u32,
}

impl Networks {
    /// Adds an entry; may be called until [`Networks::finish`].
    pub(super) fn add(&mut self, block: Block, list: u16) {
        let Block { is_v6, base, length } = block;
        self.nodes.push(Node { base, length, is_v6, list, parent: NONE });
    }

    /// Makes what was added findable.
    pub(super) fn finish(&mut self) {
        self.nodes.sort_unstable_by_key(|node| (node.block(), node.list));
        self.nodes.dedup_by_key(|node| (node.block(), node.list));
        self.nodes.shrink_to_fit();
        for at in 1..self.nodes.len() {
            self.nodes[at].parent = self.around(at as u32 - 1, self.nodes[at].block());
        }
    }

    /// The entries that contain a network or are equal to it, the narrowest first.
    pub(super) fn containing(&self, block: Block) -> impl Iterator<Item = (u16, Block)> {
        let before = self.nodes.partition_point(|node| node.block() <= block);
        let first = self.around((before as u32).wrapping_sub(1), block);
        let node = move |at: u32| self.nodes.get(at as usize);
        std::iter::successors(node(first), move |found| node(found.parent))
            .map(|found| (found.list, found.block()))
    }

    /// The entries inside a network and narrower than it.
    pub(super) fn inside(&self, block: Block) -> impl Iterator<Item = (u16, Block)> {
        let start = self.nodes.partition_point(|node| node.block() <= block);
        let last = block.last();
        self.nodes[start..]
            .iter()
            .take_while(move |node| node.block().is_v6 == block.is_v6 && node.block().base <= last)
            .map(|node| (node.list, node.block()))
    }

    /// From a node upwards, the first that contains a network. Networks nest or are apart, so what contains
    /// it and starts before a node contains that node too.
    fn around(&self, from: u32, block: Block) -> u32 {
        let mut at = from;
        while let Some(node) = self.nodes.get(at as usize) {
            if node.block().contains(block) {
                return at;
            }
            at = node.parent;
        }
        NONE
    }
}

/// The length of `::ffff:0:0/96`.
const MAPPED: u8 = 96;
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Networks close together, so that many nest.
    fn network() -> impl Strategy<Value = IpNet> {
        let v4 = (0_u32..64, 0_u8..=32).prop_map(|(bits, length)| {
            IpNet::new(IpAddr::V4(Ipv4Addr::from_bits(bits << 26 | bits)), length).unwrap()
        });
        let v6 = (0_u128..64, 0_u8..=128).prop_map(|(bits, length)| {
            IpNet::new(IpAddr::V6(Ipv6Addr::from_bits(bits << 122 | bits)), length).unwrap()
        });
        prop_oneof![v4, v6].prop_map(|network| network.trunc())
    }

    /// What the crate for networks says.
    fn naive(rows: &[(IpNet, u16)], test: impl Fn(&IpNet) -> bool) -> Vec<(u16, String)> {
        let mut found: Vec<(u16, String)> = rows
            .iter()
            .filter(|row| test(&row.0))
            .map(|row| (row.1, Block::new(row.0).to_string()))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn nesting_is_seen_like_by_comparing_with_every_entry(
            rows in proptest::collection::vec((network(), 0_u16..3), 0..40),
            asked in network(),
        ) {
            let mut networks = Networks::default();
            for (network, list) in &rows {
                networks.add(Block::new(*network), *list);
            }
            networks.finish();
            let sorted = |found: Vec<(u16, Block)>| {
                let mut found: Vec<(u16, String)> =
                    found.into_iter().map(|(list, block)| (list, block.to_string())).collect();
                found.sort_unstable();
                found
            };
            let block = Block::new(asked);
            prop_assert_eq!(
                sorted(networks.containing(block).collect()),
                naive(&rows, |network| network.contains(&asked))
            );
            prop_assert_eq!(
                sorted(networks.inside(block).collect()),
                naive(&rows, |network| asked.contains(network) && *network != asked)
            );
        }
    }

    #[test]
    fn the_last_address_of_a_network_lies_inside() {
        for (network, last) in [
            ("2600::/127", "2600::1"),
            ("8.0.0.0/31", "8.0.0.1"),
            ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let mut networks = Networks::default();
            networks.add(Block::parse(last).unwrap(), 0);
            networks.finish();
            assert_eq!(networks.inside(Block::parse(network).unwrap()).count(), 1, "{network}");
        }
    }

    #[test]
    fn ipv4_inside_ipv6_is_ipv4() {
        assert_eq!(Block::parse("::ffff:10.0.0.1"), Block::parse("10.0.0.1"));
        assert_eq!(Block::parse("::ffff:10.0.0.0/104"), Block::parse("10.0.0.0/8"));
        assert_ne!(Block::parse("::/0"), Block::parse("0.0.0.0/0"));
        assert_eq!(Block::parse("10.0.0.1/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(Block::parse("10.0.0.0/33"), None);
        assert!(std::mem::size_of::<Node>() <= 32);
    }
}
