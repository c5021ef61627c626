use super::*;
use crate::audit::tree::Tree;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;

/// A log with everything that a store keeps of it.
struct Log {
    stored: HashMap<(u32, u64), Hash>,
    roots: Vec<Hash>,
    oracle: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Log {
    fn new(size: u64) -> Self {
        let mut tree = Tree::new();
        let mut log =
            Self { stored: HashMap::new(), roots: vec![tree.root()], oracle: MemoryBackedTree::new() };
        for n in 0..size {
            let leaf = Hash::leaf(&record(n));
            log.stored.insert((0, n), leaf);
            log.stored.extend(tree.push(leaf).into_iter().map(|tile| ((tile.height, tile.index), tile.hash)));
            log.roots.push(tree.root());
        }
        log
    }

    /// Panics when asked for what is not stored.
    fn source(&self) -> impl FnMut(u32, u64) -> Result<Hash, Infallible> {
        |height, index| Ok(self.stored[&(height, index)])
    }
}

fn record(n: u64) -> Vec<u8> {
    format!("record {n}").into_bytes()
}

fn concat(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// The log whose prefixes the property tests look at; the oracle grows anew for each.
static LOG: LazyLock<Log> = LazyLock::new(|| Log::new(70_000));

fn oracle(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut oracle = MemoryBackedTree::new();
    (0..size).for_each(|n| oracle.push(record(n)));
    oracle
}

#[test]
fn small_trees_agree_with_another_implementation_in_everything() {
    let mut log = Log::new(66);
    for size in 0..=66 {
        let root = log.roots[size as usize];
        assert_eq!(root_at(size, log.source()).unwrap(), root);
        let theirs = RootHash::<Sha256>::new((*root.as_bytes()).into(), size);
        assert_eq!(log.oracle.root(), theirs);
        for index in 0..size {
            let proof = inclusion(index, size, log.source()).unwrap();
            assert_eq!(concat(&proof), log.oracle.prove_inclusion(index as usize).as_bytes());
            let leaf = Hash::leaf(&record(index));
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        }
        for old in 0..=size {
            let proof = consistency(old, size, log.source()).unwrap();
            if old > 0 && old < size {
                let theirs = log.oracle.prove_consistency((size - old) as usize);
                assert_eq!(concat(&proof), theirs.as_bytes());
            }
            let old_root = log.roots[old as usize];
            assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
        }
        log.oracle.push(record(size));
    }
}

#[test]
fn nothing_but_the_right_proof_is_accepted() {
    let log = Log::new(20);
    let other = Hash::leaf(b"other");
    for size in 1..=20 {
        let root = log.roots[size as usize];
        for index in 0..size {
            let proof = inclusion(index, size, log.source()).unwrap();
            let leaf = Hash::leaf(&record(index));
            assert_eq!(verify_inclusion(&other, index, size, &proof, &root), Err(Invalid::NotIncluded));
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &other), Err(Invalid::NotIncluded));
            for wrong in (0..size + 3).filter(|wrong| *wrong != index) {
                assert!(verify_inclusion(&leaf, wrong, size, &proof, &root).is_err());
            }
            for wrong in mangled(&proof) {
                assert!(verify_inclusion(&leaf, index, size, &wrong, &root).is_err());
            }
        }
        for old in 0..=size {
            let old_root = log.roots[old as usize];
            let proof = consistency(old, size, log.source()).unwrap();
            assert!(verify_consistency(old, &other, size, &root, &proof).is_err());
            if old > 0 {
                assert!(verify_consistency(old, &old_root, size, &other, &proof).is_err());
            }
            for wrong in mangled(&proof) {
                assert!(verify_consistency(old, &old_root, size, &root, &wrong).is_err());
            }
            if old < size {
                let shrank = Err(Invalid::Shrank { old: size, new: old });
                assert_eq!(verify_consistency(size, &root, old, &old_root, &proof), shrank);
            }
        }
    }
}

/// The proof with each hash changed, left out, or followed by one too many; and swapped.
fn mangled(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[Hash::ZERO]].concat(), [&[Hash::ZERO], proof].concat()];
    for at in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[at] = Hash::leaf(changed[at].as_bytes());
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.extend([changed, shorter]);
        if at > 0 {
            let mut swapped = proof.to_vec();
            swapped.swap(at - 1, at);
            all.push(swapped);
        }
    }
    all
}

#[test]
fn impossible_proofs_are_refused() {
    let log = Log::new(3);
    assert!(matches!(inclusion(3, 3, log.source()), Err(Error::NoSuchRecord { index: 3, size: 3 })));
    assert!(matches!(inclusion(0, 0, log.source()), Err(Error::NoSuchRecord { .. })));
    assert!(matches!(consistency(3, 2, log.source()), Err(Error::Shrinks { old: 3, new: 2 })));
    assert!(matches!(inclusion(0, 3, |_, _| Err("disk")), Err(Error::Source("disk"))));
    assert!(matches!(consistency(1, 3, |_, _| Err("disk")), Err(Error::Source("disk"))));
    assert_eq!(root_at(3, |_, _| Err("disk")), Err("disk"));
    let max = verify_inclusion(&Hash::ZERO, 0, u64::MAX, &[Hash::ZERO; 64], &Hash::ZERO);
    assert_eq!(max, Err(Invalid::NotIncluded));
    let max = verify_consistency(1, &Hash::ZERO, u64::MAX, &Hash::ZERO, &[Hash::ZERO; 70]);
    assert_eq!(max, Err(Invalid::Length));
}

#[test]
fn a_proof_asks_for_few_hashes() {
    let mut calls = 0;
    let mut counted = |_, _| {
        calls += 1;
        Ok::<_, Infallible>(Hash::ZERO)
    };
    Source(&mut counted).subtree(3, 5).unwrap();
    Source(&mut counted).subtree(11, 5).unwrap();
    assert_eq!(calls, 16);
    // For each row of tiles one less than it has below a tile: beside the record, and at the end.
    calls = 0;
    inclusion(31_415_926, 1 << 26 | 0xffff, |_, _| {
        calls += 1;
        Ok::<_, Infallible>(Hash::ZERO)
    })
    .unwrap();
    assert!(calls <= 4 * 2 * 255, "{calls}");
}

/// Ours and the other implementation's agree about a log of this size.
fn agree(size: u64, index: u64, old: u64) {
    let log = &*LOG;
    let oracle = oracle(size);
    let root = log.roots[size as usize];
    let theirs = oracle.root();
    assert_eq!(root.as_bytes().as_slice(), theirs.as_bytes().as_slice());
    assert_eq!(root_at(size, log.source()).unwrap(), root);

    let proof = inclusion(index, size, log.source()).unwrap();
    assert_eq!(verify_inclusion(&Hash::leaf(&record(index)), index, size, &proof, &root), Ok(()));
    let proof = InclusionProof::<Sha256>::try_from_bytes(concat(&proof)).unwrap();
    assert!(theirs.verify_inclusion(&record(index), index, &proof).is_ok());

    let old_root = log.roots[old as usize];
    let proof = consistency(old, size, log.source()).unwrap();
    assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
    if old < size {
        let old_root = RootHash::<Sha256>::new((*old_root.as_bytes()).into(), old);
        let proof = ConsistencyProof::<Sha256>::try_from_bytes(concat(&proof)).unwrap();
        assert!(theirs.verify_consistency(&old_root, &proof).is_ok());
    }
}

/// Past 65,536 records there are tiles of the second level.
#[test]
fn proofs_from_tiles_of_two_levels_agree_with_another_implementation() {
    agree(66_001, 65_999, 65_537);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn proofs_from_tiles_agree_with_another_implementation(
        (size, index, old) in (1_u64..2_000).prop_flat_map(|size| (Just(size), 0..size, 1..=size))
    ) {
        agree(size, index, old);
    }

    #[test]
    fn any_two_sizes_of_a_log_are_consistent_and_forks_are_not(
        (new, old) in (2_u64..70_000).prop_flat_map(|new| (Just(new), 1..new))
    ) {
        let log = &*LOG;
        let (old_root, new_root) = (log.roots[old as usize], log.roots[new as usize]);
        let proof = consistency(old, new, log.source()).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        let fork = Hash::leaf(old_root.as_bytes());
        prop_assert!(verify_consistency(old, &fork, new, &new_root, &proof).is_err());
        let before = log.roots[old as usize - 1];
        prop_assert!(verify_consistency(old - 1, &before, new, &new_root, &proof).is_err());
    }
}
