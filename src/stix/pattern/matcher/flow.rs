//! Deals instances out to demands: a matching with capacities, grown by augmenting paths.
//!
//! Demands are added one after the other and taken back in reverse order. Adding one moves
//! instances between earlier demands where that helps, so a refusal is final for these demands.

use super::observation::{Instant, Observed};
use super::plan::Leaf;
use super::{Budget, MatchError};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// From when to when the instances of a demand may be chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The last instant of an observation is this or later.
    pub(super) low: Instant,
    /// The first instant of an observation is this or earlier.
    pub(super) high: Instant,
}

#[derive(Debug)]
pub(super) struct Flow<'p, 'v> {
    observations: &'p [Observed<'v>],
    /// The longest time any observation lasts, in femtoseconds.
    longest: i128,
    demands: Vec<(&'p Leaf, Window)>,
    /// Per observation: who holds how many of its instances.
    holders: Vec<BTreeMap<usize, u64>>,
    used: Vec<u64>,
    /// Per demand: observations it may hold instances of.
    touched: Vec<Vec<usize>>,
    marks: Marks,
}

/// Where an augmenting path came from; a stamp tells which search a mark belongs to.
#[derive(Debug, Default)]
struct Marks {
    stamp: u64,
    observation: Vec<(u64, usize)>,
    demand: Vec<(u64, usize)>,
}

impl<'p, 'v> Flow<'p, 'v> {
    pub(super) fn new(observations: &'p [Observed<'v>]) -> Self {
        let count = observations.len();
        Self {
            observations,
            longest: observations.iter().map(|o| o.last.0 - o.first.0).max().unwrap_or(0),
            demands: Vec::new(),
            holders: vec![BTreeMap::new(); count],
            used: vec![0; count],
            touched: Vec::new(),
            marks: Marks { stamp: 0, observation: vec![(0, 0); count], demand: Vec::new() },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.demands.len()
    }

    /// Takes the latest demands back.
    pub(super) fn truncate(&mut self, length: usize) {
        while self.demands.len() > length {
            self.demands.pop();
            let demand = self.demands.len();
            for observation in self.touched.pop().unwrap_or_default() {
                self.used[observation] -= self.holders[observation].remove(&demand).unwrap_or(0);
            }
        }
    }

    /// Adds a demand; `false`, and nothing added, when it cannot be met beside the others.
    pub(super) fn add(
        &mut self,
        leaf: &'p Leaf,
        window: Window,
        budget: &mut Budget,
    ) -> Result<bool, MatchError> {
        self.add_times(leaf, 1, window, budget)
    }

    /// Adds a demand that many times.
    pub(super) fn add_times(
        &mut self,
        leaf: &'p Leaf,
        times: u64,
        window: Window,
        budget: &mut Budget,
    ) -> Result<bool, MatchError> {
        budget.spend(DEMAND_STEPS)?;
        let demand = self.demands.len();
        self.demands.push((leaf, window));
        self.touched.push(Vec::new());
        self.marks.demand.resize(self.demands.len().max(self.marks.demand.len()), (0, 0));
        let range = self.range(demand);
        let wanted = leaf.demand * times;
        if leaf.instances(&range) < wanted {
            self.truncate(demand);
            return Ok(false);
        }
        let mut missing = wanted - self.take_free(demand, range, wanted, budget)?;
        while missing > 0 {
            match self.augment(demand, missing, budget)? {
                0 => {
                    self.truncate(demand);
                    return Ok(false);
                }
                gained => missing -= gained,
            }
        }
        Ok(true)
    }

    /// Gives a demand what nobody holds; returns how much that is.
    fn take_free(
        &mut self,
        demand: usize,
        range: Range<usize>,
        wanted: u64,
        budget: &mut Budget,
    ) -> Result<u64, MatchError> {
        let (leaf, window) = self.demands[demand];
        let mut missing = wanted;
        for observation in &leaf.candidates[range] {
            if missing == 0 {
                break;
            }
            budget.spend(1)?;
            let observed = &self.observations[*observation];
            let amount = missing.min(observed.count - self.used[*observation]);
            if amount > 0 && observed.last >= window.low {
                self.used[*observation] += amount;
                self.give(*observation, demand, amount);
                missing -= amount;
            }
        }
        Ok(wanted - missing)
    }

    /// Gains up to `missing` instances for a demand along a shortest path.
    fn augment(&mut self, demand: usize, missing: u64, budget: &mut Budget) -> Result<u64, MatchError> {
        self.marks.stamp += 1;
        let stamp = self.marks.stamp;
        self.marks.demand[demand] = (stamp, usize::MAX);
        let mut queue = VecDeque::from([demand]);
        while let Some(asking) = queue.pop_front() {
            for at in self.range(asking) {
                budget.spend(1)?;
                let (leaf, window) = self.demands[asking];
                let observation = leaf.candidates[at];
                let observed = &self.observations[observation];
                if observed.last < window.low || self.marks.observation[observation].0 == stamp {
                    continue;
                }
                self.marks.observation[observation] = (stamp, asking);
                let free = observed.count - self.used[observation];
                if free > 0 {
                    return Ok(self.shift(demand, observation, free.min(missing)));
                }
                budget.spend(self.holders[observation].len())?;
                for holder in self.holders[observation].keys() {
                    if self.marks.demand[*holder].0 != stamp {
                        self.marks.demand[*holder] = (stamp, observation);
                        queue.push_back(*holder);
                    }
                }
            }
        }
        Ok(0)
    }

    /// No observation that begins earlier reaches the window.
    pub(super) fn earliest_first(&self, window: Window) -> Instant {
        Instant(window.low.0.saturating_sub(self.longest))
    }

    /// The candidates of a demand whose first instant lets them meet its window.
    fn range(&self, demand: usize) -> Range<usize> {
        let (leaf, window) = self.demands[demand];
        let first = |number: &usize| self.observations[*number].first;
        let earliest = self.earliest_first(window);
        let start = leaf.candidates.partition_point(|number| first(number) < earliest);
        let end = leaf.candidates.partition_point(|number| first(number) <= window.high);
        start..end.max(start)
    }

    /// Moves instances along the marked path from `demand` to a free observation.
    fn shift(&mut self, demand: usize, free: usize, most: u64) -> u64 {
        let mut amount = most;
        let mut at = free;
        loop {
            let taker = self.marks.observation[at].1;
            if taker == demand {
                break;
            }
            at = self.marks.demand[taker].1;
            amount = amount.min(self.held(at, taker));
        }
        self.used[free] += amount;
        let mut at = free;
        loop {
            let taker = self.marks.observation[at].1;
            self.give(at, taker, amount);
            if taker == demand {
                return amount;
            }
            at = self.marks.demand[taker].1;
            self.take(at, taker, amount);
        }
    }

    fn held(&self, observation: usize, demand: usize) -> u64 {
        self.holders[observation].get(&demand).copied().unwrap_or(0)
    }

    fn give(&mut self, observation: usize, demand: usize, amount: u64) {
        let units = self.holders[observation].entry(demand).or_insert(0);
        if *units == 0 {
            self.touched[demand].push(observation);
        }
        *units += amount;
    }

    fn take(&mut self, observation: usize, demand: usize, amount: u64) {
        let left = self.held(observation, demand) - amount;
        if left == 0 {
            self.holders[observation].remove(&demand);
        } else {
            self.holders[observation].insert(demand, left);
        }
    }
}

/// What adding a demand and taking it back costs beside looking at its candidates.
const DEMAND_STEPS: usize = 16;
