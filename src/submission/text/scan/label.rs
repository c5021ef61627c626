//! Labels alone: hashes, numbers with a name, accounts, wallets.

use super::Scanner;
use crate::stix::atom::{Atom, Kind};
use crate::submission::What;
use crate::submission::text::{account, hash, lex, number, wallet};

impl Scanner<'_> {
    /// Is a file's hash among the last or the next words?
    pub(super) fn is_beside_hash(&self, at: usize) -> bool {
        let is_hash = |what: &What| {
            use Kind::{FileMd5, FileSha1, FileSha256, FileSha512};
            matches!(what, What::Value(atom) if matches!(atom.kind(), FileMd5 | FileSha1 | FileSha256 | FileSha512))
        };
        let is_near = self
            .found
            .iter()
            .rev()
            .take(3)
            .any(|one| is_hash(&one.what) && at - one.at.end < BESIDE_BYTES_MAX);
        let next = self.text.as_bytes()[at..].iter().take(BESIDE_BYTES_MAX);
        let mut run = 0;
        is_near
            || next.into_iter().any(|byte| {
                run = if byte.is_ascii_hexdigit() { run + 1 } else { 0 };
                run == 32
            })
    }

    /// A label alone: a hash, a number with a name, an account, a wallet.
    pub(super) fn label(&mut self, at: usize, end: usize) -> Option<usize> {
        let label = &self.text.as_bytes()[at..end];
        let first = label[0].to_ascii_lowercase();
        if first == b'c'
            && let Some((name, end)) = number::cve(self.text, at)
        {
            self.add(What::Vulnerability(name), at..end, false);
            return Some(end);
        }
        if first == b'a' && matches!(label.get(1), Some(b's' | b'S' | b'u' | b'U')) {
            let systems = number::systems(self.text, at);
            if let Some(end) = systems.last().map(|(_, range)| range.end) {
                systems.into_iter().for_each(|(atom, range)| self.add_atom(atom, range, false));
                return Some(end);
            }
        }
        if label.len() >= 4
            && label[..2].iter().all(u8::is_ascii_alphabetic)
            && label[2].is_ascii_digit()
            && let Some((atom, end)) = account::iban(self.text, at)
        {
            self.add_atom(atom, at..end, false);
            return Some(end);
        }
        self.long_label(at, end)
    }

    /// A hash that is all of the name of a file but its ending.
    pub(super) fn hash_of_file_name(&mut self, at: usize, end: usize) -> Option<usize> {
        if !matches!(end - at, 32 | 40 | 64 | 128) || lex::byte(self.text, end) != Some(b'.') {
            return None;
        }
        let hash = hash::hash(self.text, at, end, self.above(at))?;
        self.add_atom(hash.atom, at..hash.end, false);
        Some(lex::label_end(self.text, hash.end + 1))
    }

    fn long_label(&mut self, at: usize, end: usize) -> Option<usize> {
        let label = &self.text[at..end];
        if self.rows.contains(&at) {
            return Some(end);
        }
        if !(14..=160).contains(&label.len()) {
            return None;
        }
        if label.len() >= 16
            && label.ends_with(|c: char| c.is_ascii_hexdigit())
            && let Some(hash) = hash::hash(self.text, at, end, self.above(at))
        {
            self.add_atom(hash.atom, at..hash.end, false);
            self.rows.retain(|row| *row > at);
            self.rows.extend(hash.others);
            return Some(hash.end);
        }
        if label.bytes().all(|b| b.is_ascii_alphanumeric()) && wallet::is_wallet(label) {
            let written = match label.as_bytes()[0] {
                b'B' | b'L' if label.bytes().all(|b| !b.is_ascii_lowercase()) => label.to_ascii_lowercase(),
                _ => label.to_owned(),
            };
            self.add_atom(Atom::parse(Kind::Wallet, &written).ok()?, at..end, false);
            return Some(end);
        }
        None
    }
}

const BESIDE_BYTES_MAX: usize = 400;
