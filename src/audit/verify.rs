//! A whole log, or an export of it, held against checkpoints.
//!
//! The chain of `prev` shows that a record was changed, left out or put in, unless everything after
//! it was written anew. Then only a checkpoint shows it, and only for records that it covers. Behind
//! the last checkpoint the end of a log may be missing without a trace.

use super::checkpoint::Checkpoint;
use super::hash::Hash;
use super::record::{self, Head, RECORD_MAX_BYTES};
use super::tree::Tree;
use std::io::{self, BufRead, Read as _};

/// A log that is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Number of records.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
    /// The time of the first record.
    pub first_at: Option<String>,
    /// The time of the last record.
    pub last_at: Option<String>,
    /// Number of checkpoints that agree.
    pub checkpoints: usize,
    /// Number of records that the largest checkpoint covers. Those after it may have been written
    /// anew, or be missing.
    pub covered: u64,
}

/// The first thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {record}: {what}")]
pub struct Fault {
    /// The number of the record.
    pub record: u64,
    /// What is wrong with it.
    pub what: Wrong,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Another record, which belongs further back, is in its place.
    #[error("it is missing; record {found} stands in its place")]
    Missing {
        /// The number of the other.
        found: u64,
    },
    /// It comes again.
    #[error("it comes a second time, where record {place} belongs")]
    Again {
        /// The number of the record whose place it takes.
        place: u64,
    },
    /// It is not a record.
    #[error("its text is damaged: {0}")]
    Malformed(record::Error),
    /// The end of the file is missing.
    #[error("the file ends in the middle of it: the file is incomplete")]
    Cut,
    /// It states another number.
    #[error("by its text it is record {found}: it was moved or changed")]
    Number {
        /// The number that it states.
        found: u64,
    },
    /// It does not hash to the stored leaf.
    #[error("its text does not have the hash that is stored with it: one of the two was changed")]
    Leaf,
    /// The record after it has another hash of it, and is itself sound.
    #[error("it was changed: the record after it has another hash of it")]
    Changed,
    /// It has a wrong hash of the record before it, which is sound.
    #[error("it was changed: it does not have the hash of the record before it")]
    Prev,
    /// It and the record after it do not fit, and nothing tells which of the two is sound.
    #[error("it, or the record after it, was changed; a checkpoint that covers both would tell which")]
    Either,
    /// A checkpoint has another root.
    #[error(
        "the root differs at size {size}: this record was changed since the checkpoint, or all records \
         from some point behind record {since} on were written anew, or the checkpoint is of another log"
    )]
    Root {
        /// Size of the checkpoint.
        size: u64,
        /// Number of records that are known to be sound.
        since: u64,
    },
    /// A checkpoint covers more records than there are.
    #[error("it is missing: a checkpoint covers {size} records")]
    Short {
        /// Size of the checkpoint.
        size: u64,
    },
}

/// Why an export was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It could not be read.
    #[error("the export cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Checks a stored log: for each record the number it is stored under, its bytes, and the leaf hash
/// that is stored with it, if one is.
pub fn verify(
    records: impl IntoIterator<Item = (u64, Vec<u8>, Option<Hash>)>,
    checkpoints: &[Checkpoint],
) -> Result<Summary, Fault> {
    let mut check = Check::new(checkpoints);
    for (n, bytes, leaf) in records {
        check.record(Some(n), &bytes, leaf)?;
    }
    check.finish()
}

/// Checks an export: lines that are each the bytes of one record, from the first of the log on.
pub fn verify_export(mut reader: impl BufRead, checkpoints: &[Checkpoint]) -> Result<Summary, ExportError> {
    let mut check = Check::new(checkpoints);
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more for the line feed, and one to notice that the line is too long.
        reader.by_ref().take(RECORD_MAX_BYTES as u64 + 2).read_until(b'\n', &mut line)?;
        match line.split_last() {
            None => return Ok(check.finish()?),
            Some((b'\n', bytes)) => check.record(None, bytes, None)?,
            Some(_) => check.cut(&line)?,
        }
    }
}

/// A log being checked, one record after the other. After a fault it is of no more use.
pub struct Check {
    /// Sizes and roots still to come, the next one last.
    checkpoints: Vec<(u64, Hash)>,
    agreed: usize,
    covered: u64,
    tree: Tree,
    /// The tree without the last record.
    before: Tree,
    /// Leaf of the last record.
    last: Hash,
    /// The last record does not fit the one before it; the next one tells which of them is sound.
    doubt: bool,
    first_at: Option<String>,
    last_at: Option<String>,
}

impl Check {
    /// Begins with the first record of a log.
    pub fn new(checkpoints: &[Checkpoint]) -> Self {
        let mut checkpoints: Vec<_> = checkpoints.iter().map(|it| (it.size, it.root)).collect();
        checkpoints.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        Self {
            checkpoints,
            agreed: 0,
            covered: 0,
            tree: Tree::new(),
            before: Tree::new(),
            last: Hash::ZERO,
            doubt: false,
            first_at: None,
            last_at: None,
        }
    }

    /// Checks the next record: the number that it is stored under, if other than in its text, its
    /// bytes, and the leaf hash that is stored with it, if one is.
    pub fn record(&mut self, stored: Option<u64>, bytes: &[u8], leaf: Option<Hash>) -> Result<(), Fault> {
        let n = self.tree.size();
        if self.doubt {
            return Err(self.settle(Some(bytes)));
        }
        self.agree()?;
        if let Some(found) = stored {
            in_place(n, found)?;
        }
        let computed = Hash::leaf(bytes);
        if leaf.is_some_and(|leaf| leaf != computed) {
            return Err(fault(n, Wrong::Leaf));
        }
        let head = Head::parse(bytes).map_err(|error| fault(n, Wrong::Malformed(error)))?;
        match stored {
            None => in_place(n, head.n)?,
            Some(_) if head.n != n => return Err(fault(n, Wrong::Number { found: head.n })),
            Some(_) => (),
        }
        if head.prev != self.last {
            self.mismatch(head.prev, computed)?;
        }
        self.before = self.tree.clone();
        self.tree.push(computed);
        self.last = computed;
        self.first_at.get_or_insert_with(|| head.at.clone());
        self.last_at = Some(head.at);
        Ok(())
    }

    /// The log ends here.
    pub fn finish(mut self) -> Result<Summary, Fault> {
        if self.doubt {
            return Err(self.settle(None));
        }
        self.agree()?;
        let size = self.tree.size();
        if let Some((covered, _)) = self.checkpoints.pop() {
            return Err(fault(size, Wrong::Short { size: covered }));
        }
        Ok(Summary {
            size,
            root: self.tree.root(),
            first_at: self.first_at,
            last_at: self.last_at,
            checkpoints: self.agreed,
            covered: self.covered,
        })
    }

    /// The last line has no end: what it lacks is a fault, unless the record before is one.
    fn cut(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.len() > RECORD_MAX_BYTES {
            return self.record(None, line, None);
        }
        if self.doubt {
            return Err(self.settle(None));
        }
        self.agree()?;
        Err(fault(self.tree.size(), Wrong::Cut))
    }

    /// Compares with the checkpoints of the present size.
    fn agree(&mut self) -> Result<(), Fault> {
        let size = self.tree.size();
        while let Some((_, root)) = self.checkpoints.pop_if(|(at, _)| *at == size) {
            if root != self.tree.root() {
                return Err(fault(size.saturating_sub(1), Wrong::Root { size, since: self.covered }));
            }
            self.agreed += 1;
            self.covered = size;
        }
        Ok(())
    }

    /// The next record, with leaf `leaf`, says `prev` where the last one has another hash. Which of
    /// the two was changed? Checkpoints tell, or the record after them does.
    fn mismatch(&mut self, prev: Hash, leaf: Hash) -> Result<(), Fault> {
        let n = self.tree.size();
        if self.covered == n {
            return Err(fault(n, Wrong::Prev));
        }
        let Some((_, root)) = self.checkpoints.last().filter(|(size, _)| *size == n + 1) else {
            self.doubt = true;
            return Ok(());
        };
        let mut as_signed = self.before.clone();
        as_signed.push(prev);
        as_signed.push(leaf);
        Err(if as_signed.root() == *root { fault(n - 1, Wrong::Changed) } else { fault(n, Wrong::Prev) })
    }

    /// Ends the doubt about the last two records by the one that follows them.
    fn settle(&self, next: Option<&[u8]>) -> Fault {
        let last = self.tree.size() - 1;
        match next.map(Head::parse) {
            Some(Ok(next)) if next.prev == self.last => fault(last - 1, Wrong::Changed),
            Some(Ok(_)) => fault(last, Wrong::Prev),
            _ => fault(last - 1, Wrong::Either),
        }
    }
}

fn in_place(n: u64, found: u64) -> Result<(), Fault> {
    match found.cmp(&n) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(fault(n, Wrong::Missing { found })),
        std::cmp::Ordering::Less => Err(fault(found, Wrong::Again { place: n })),
    }
}

fn fault(record: u64, what: Wrong) -> Fault {
    Fault { record, what }
}

#[cfg(test)]
mod tests;
