//! The Merkle tree as it grows: only its frontier is kept (RFC 6962 §2.1).

use super::hash::{Hash, sha256};

/// A tile is the root of a complete subtree whose height is a multiple of this. Those are stored;
/// what lies between is computed, from at most 2^7 of them.
pub const TILE_HEIGHT: u32 = 8;

/// Largest number of leaves: positions must fit the signed integers of a database.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// An append-only tree: its size and the roots of the complete subtrees that it consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The largest subtree, which is the leftmost, first: one for each bit of `size`.
    peaks: Vec<Hash>,
}

/// The root of a complete subtree of height 8, 16, 24 and so on, to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Height: the subtree has `2^height` leaves.
    pub height: u32,
    /// Position among the subtrees of this height: the first leaf is number `index * 2^height`.
    pub index: u64,
    /// Root of the subtree.
    pub hash: Hash,
}

/// A stored tree is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored state of the audit tree is damaged: rebuild it from the records")]
pub struct Damaged;

impl Tree {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root (RFC 6962 §2.1).
    pub fn root(&self) -> Hash {
        join(&self.peaks)
    }

    /// Appends a leaf. Returns the tiles that it completes, the lowest first: mostly none.
    ///
    /// Panics beyond [`MAX_SIZE`] leaves, which at a million a second takes 292,000 years.
    pub fn push(&mut self, leaf: Hash) -> Vec<Tile> {
        assert!(self.size < MAX_SIZE, "the audit tree is full");
        let mut tiles = Vec::new();
        let mut hash = leaf;
        // Each one at the end of the old size is a subtree as high as what has been joined so far.
        for height in 1..=self.size.trailing_ones() {
            let left = self.peaks.pop().expect("there is a peak for each bit of the size");
            hash = Hash::node(&left, &hash);
            if height.is_multiple_of(TILE_HEIGHT) {
                tiles.push(Tile { height, index: self.size >> height, hash });
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        tiles
    }

    /// The tree for a file or a database: size, peaks, and the SHA-256 of both as a check.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.peaks.iter().flat_map(Hash::as_bytes));
        bytes.extend(sha256(&[&bytes]).as_bytes());
        bytes
    }

    /// The tree that [`Tree::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let (state, check) = bytes.split_last_chunk().ok_or(Damaged)?;
        let (size, peaks) = state.split_first_chunk().ok_or(Damaged)?;
        let size = u64::from_be_bytes(*size);
        let (peaks, rest) = peaks.as_chunks();
        let counts = peaks.len() == size.count_ones() as usize && size <= MAX_SIZE && rest.is_empty();
        if !counts || sha256(&[state]) != Hash::from_bytes(*check) {
            return Err(Damaged);
        }
        Ok(Self { size, peaks: peaks.iter().copied().map(Hash::from_bytes).collect() })
    }
}

/// The root above complete subtrees of falling height (RFC 6962 §2.1).
pub(super) fn join(peaks: &[Hash]) -> Hash {
    peaks
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| Hash::node(&left, &right))
        .unwrap_or_else(Hash::empty_root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(n: u64) -> Hash {
        Hash::leaf(&n.to_be_bytes())
    }

    /// RFC 6962 §2.1 word for word.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                Hash::node(&naive_root(left), &naive_root(right))
            }
        }
    }

    /// The eight inputs and the roots that Certificate Transparency implementations are tested with.
    #[test]
    fn roots_are_those_of_the_published_vectors() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::new();
        for (input, root) in inputs.into_iter().zip(roots) {
            tree.push(Hash::leaf(input));
            assert_eq!(tree.root().to_string(), root);
        }
    }

    #[test]
    fn roots_of_all_sizes_are_those_of_the_definition() {
        let leaves: Vec<_> = (0..600).map(leaf).collect();
        let mut tree = Tree::new();
        for size in 0..leaves.len() {
            assert_eq!(tree.root(), naive_root(&leaves[..size]));
            tree.push(leaves[size]);
        }
    }

    #[test]
    fn push_reports_each_tile_once_when_complete() {
        let leaves: Vec<_> = (0..1 << 17).map(leaf).collect();
        let mut tree = Tree::new();
        let mut tiles = Vec::new();
        for (n, leaf) in leaves.iter().enumerate() {
            for tile in tree.push(*leaf) {
                assert_eq!((tile.index + 1) << tile.height, n as u64 + 1);
                tiles.push(tile);
            }
        }
        let count = |height| tiles.iter().filter(|tile| tile.height == height).count();
        assert_eq!((count(8), count(16), tiles.len()), (512, 2, 514));
        for tile in tiles.iter().filter(|tile| tile.height == 16 || tile.index % 64 == 0) {
            let first = (tile.index << tile.height) as usize;
            assert_eq!(tile.hash, naive_root(&leaves[first..first + (1 << tile.height)]));
        }
    }

    #[test]
    fn a_stored_tree_comes_back_and_a_damaged_one_does_not() {
        for size in [0, 1, 2, 3, 255, 256, 257] {
            let mut tree = Tree::new();
            (0..size).for_each(|n| drop(tree.push(leaf(n))));
            let bytes = tree.to_bytes();
            let mut again = Tree::from_bytes(&bytes).unwrap();
            assert_eq!(again, tree);
            assert_eq!(again.push(leaf(size)), tree.push(leaf(size)));
            assert_eq!(again.root(), tree.root());
            for length in 0..bytes.len() {
                assert_eq!(Tree::from_bytes(&bytes[..length]), Err(Damaged));
            }
            for at in 0..bytes.len() {
                let mut wrong = bytes.clone();
                wrong[at] ^= 1;
                assert_eq!(Tree::from_bytes(&wrong), Err(Damaged));
            }
        }
        assert_eq!(Tree::from_bytes(&[0xff; 8 + 65 * 32]), Err(Damaged));
    }
}
