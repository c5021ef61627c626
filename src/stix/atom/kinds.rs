//! Sets of kinds.

use super::Kind;

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u32);

impl Kinds {
    /// Every kind.
    pub const ALL: Self = Self::of(&Kind::ALL);

    /// These.
    pub const fn of(kinds: &[Kind]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < kinds.len() {
            bits |= 1 << kinds[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// Those whose numbers are bits here.
    pub(crate) fn of_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Their numbers as bits.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// Is this one of them?
    pub fn has(self, kind: Kind) -> bool {
        self.0 >> kind.number() & 1 == 1
    }

    /// Is any of these one of them?
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Are all of these among them?
    pub fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Is there none?
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
