//! Proofs that a record is in the tree, and that a tree is the continuation of an older one.
//!
//! What makes a proof takes its hashes from a source `(height, index)`: height 0 is leaf `index`,
//! heights 8, 16, … are the tiles that [`Tree::push`](super::Tree::push) reported. It asks for complete
//! subtrees only, and computes what lies between. What checks a proof needs nothing but hashes.

use super::hash::Hash;
use super::tree::{TILE_HEIGHT, join};

/// Why no proof could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// There is no such record.
    #[error("there is no record {index} among the first {size}")]
    NoSuchRecord {
        /// The record asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The older tree is the larger one.
    #[error("a log of {old} records does not grow into one of {new}: give the smaller size first")]
    Shrinks {
        /// The size that was called old.
        old: u64,
        /// The size that was called new.
        new: u64,
    },
    /// The source failed.
    #[error(transparent)]
    Source(E),
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The record lies outside the tree.
    #[error("record {index} lies beyond the {size} records of the checkpoint: take a newer checkpoint")]
    NoSuchRecord {
        /// The record.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The older tree is the larger one.
    #[error("the log shrank from {old} records to {new}")]
    Shrank {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        new: u64,
    },
    /// The proof has too many or too few hashes.
    #[error("the proof has the wrong length: it was made for another record or size")]
    Length,
    /// The path does not lead to the root.
    #[error("the record is not in the log that the checkpoint describes")]
    NotIncluded,
    /// The path does not lead to the older root.
    #[error(
        "the proof does not fit the older checkpoint: the log was rewritten, or the proof is for another log"
    )]
    OldRoot,
    /// The path does not lead to the newer root.
    #[error(
        "the proof does not fit the newer checkpoint: the log was rewritten, or the proof is for another log"
    )]
    NewRoot,
}

/// The root of the first `size` records (RFC 6962 §2.1).
pub fn root_at<E>(size: u64, source: impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    Source(source).range(0, size)
}

/// The audit path of record `index` among the first `size` (RFC 6962 §2.1.1).
pub fn inclusion<E>(
    index: u64,
    size: u64,
    source: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, Error<E>> {
    if index >= size {
        return Err(Error::NoSuchRecord { index, size });
    }
    let mut source = Source(source);
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        let sibling = if index < middle { source.range(middle, end) } else { source.range(start, middle) };
        path.push(sibling.map_err(Error::Source)?);
        (start, end) = if index < middle { (start, middle) } else { (middle, end) };
    }
    path.reverse();
    Ok(path)
}

/// The proof that the first `new` records begin with the first `old` (RFC 6962 §2.1.2). It is empty
/// where nothing needs a proof: for equal sizes, and for the empty log.
pub fn consistency<E>(
    old: u64,
    new: u64,
    source: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, Error<E>> {
    if old > new {
        return Err(Error::Shrinks { old, new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut source = Source(source);
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        let sibling = if old <= middle { source.range(middle, end) } else { source.range(start, middle) };
        path.push(sibling.map_err(Error::Source)?);
        (start, end) = if old <= middle { (start, middle) } else { (middle, end) };
    }
    if start > 0 {
        // Otherwise this subtree is the whole old tree, whose root the verifier has.
        path.push(source.range(start, end).map_err(Error::Source)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that `leaf` is record `index` of the `size` records under `root` (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Invalid> {
    if index >= size {
        return Err(Invalid::NoSuchRecord { index, size });
    }
    let mut position = Position { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match position.climb()? {
            Side::Left => Hash::node(sibling, &hash),
            Side::Right => Hash::node(&hash, sibling),
        };
    }
    position.at_top()?;
    if hash == *root { Ok(()) } else { Err(Invalid::NotIncluded) }
}

/// Checks that the log of `new_size` records under `new_root` begins with the one of `old_size`
/// records under `old_root` (RFC 9162 §2.1.4.2).
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Invalid> {
    if old_size > new_size {
        return Err(Invalid::Shrank { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return verify_trivial(old_size, old_root, new_size, new_root, proof);
    }
    // If the old tree is complete, its root is a node of the new one, and the proof leaves it out.
    let (first, path) = match old_size.is_power_of_two() {
        true => (old_root, proof),
        false => proof.split_first().ok_or(Invalid::Length)?,
    };
    let whole = (old_size - 1).trailing_ones();
    let mut position = Position { node: (old_size - 1) >> whole, last: (new_size - 1) >> whole };
    let (mut old, mut new) = (*first, *first);
    for sibling in path {
        match position.climb()? {
            Side::Left => {
                old = Hash::node(sibling, &old);
                new = Hash::node(sibling, &new);
            }
            Side::Right => new = Hash::node(&new, sibling),
        }
    }
    position.at_top()?;
    if old != *old_root {
        return Err(Invalid::OldRoot);
    }
    if new == *new_root { Ok(()) } else { Err(Invalid::NewRoot) }
}

/// Between equal sizes the roots are equal; every log begins with the empty one.
fn verify_trivial(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Invalid> {
    if !proof.is_empty() {
        return Err(Invalid::Length);
    }
    if old_size == 0 && *old_root != Hash::empty_root() {
        return Err(Invalid::OldRoot);
    }
    if old_size == new_size && old_root != new_root { Err(Invalid::NewRoot) } else { Ok(()) }
}

/// Where a node stands in its row: `fn` and `sn` of RFC 9162 §2.1.3.2.
struct Position {
    node: u64,
    last: u64,
}

/// Where the sibling stands.
enum Side {
    Left,
    Right,
}

impl Position {
    /// Goes up to the next row in which the node has a sibling, and over it.
    fn climb(&mut self) -> Result<Side, Invalid> {
        if self.last == 0 {
            return Err(Invalid::Length);
        }
        let side = if self.node % 2 == 1 || self.node == self.last { Side::Left } else { Side::Right };
        if let Side::Left = side {
            // The last of its row without a sibling moves up unchanged.
            let lonely = self.node.trailing_zeros();
            self.node >>= lonely;
            self.last >>= lonely;
        }
        self.node >>= 1;
        self.last >>= 1;
        Ok(side)
    }

    /// Is the proof used up where the tree ends?
    fn at_top(&self) -> Result<(), Invalid> {
        if self.last == 0 { Ok(()) } else { Err(Invalid::Length) }
    }
}

/// The size of the left subtree: the largest power of two smaller than `size`, which is above 1.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Leaves and tiles, and what lies between.
struct Source<F>(F);

impl<E, F: FnMut(u32, u64) -> Result<Hash, E>> Source<F> {
    /// The root of the leaves from `start` to before `end` (RFC 6962 §2.1). `start` is a multiple of
    /// every power of two up to their number, as it always is when a tree is split.
    fn range(&mut self, start: u64, end: u64) -> Result<Hash, E> {
        let mut peaks = Vec::new();
        let mut from = start;
        while from < end {
            let height = (end - from).ilog2();
            peaks.push(self.subtree(height, from >> height)?);
            from += 1 << height;
        }
        Ok(join(&peaks))
    }

    /// The root of a complete subtree; the recursion ends at the next row of tiles below.
    fn subtree(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        if height.is_multiple_of(TILE_HEIGHT) {
            return (self.0)(height, index);
        }
        let left = self.subtree(height - 1, 2 * index)?;
        let right = self.subtree(height - 1, 2 * index + 1)?;
        Ok(Hash::node(&left, &right))
    }
}

#[cfg(test)]
mod tests;
