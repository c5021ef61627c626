//! How large the compiled form of an expression gets.

/// An estimate, made without compiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weight {
    /// About the states of the automaton: what compiling costs.
    pub(super) states: usize,
    /// Characters and sets in a row: what a step of the search costs at worst.
    pub(super) positions: usize,
}

impl Weight {
    /// One item of so many states.
    pub(super) fn item(states: usize) -> Self {
        Self { states, positions: 1 }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            states: self.states.saturating_add(other.states),
            positions: self.positions.saturating_add(other.positions),
        }
    }

    pub(super) fn times(self, count: usize) -> Self {
        Self { states: self.states.saturating_mul(count), positions: self.positions.saturating_mul(count) }
    }
}
