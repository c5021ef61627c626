//! A pattern as demands for observations.
//!
//! A leaf is a set of observations and how many instances it needs. Everything decided by one
//! observation alone (brackets, `START … STOP`) is decided here; `REPEATS` becomes larger demands
//! wherever the copies cannot differ, and parts that can never be satisfied disappear.

use super::observation::{Femtos, Instant, Observed};
use super::{Budget, MatchError, bracket};
use crate::stix::pattern::ast::{Comparison, Interval, Observations, Qualifier};
use std::ops::Range;

/// A part of the pattern that some binding of its own may satisfy.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// No binding has all its first instants earlier than this.
    pub(super) min_first: Instant,
    /// No binding has all its last instants later than this.
    pub(super) max_last: Instant,
    /// First instants of all candidates, ascending; filled for operands of `FOLLOWEDBY`.
    pub(super) firsts: Vec<Instant>,
    /// Last instants of all candidates, ascending; filled for the inside of `WITHIN`.
    pub(super) lasts: Vec<Instant>,
    /// Numbers of the leaves inside.
    leaves: Range<usize>,
    /// No other part wants the observations that this one can use.
    pub(super) independent: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Leaf(Leaf),
    All(Vec<Plan>),
    Any(Vec<Plan>),
    Ordered(Vec<Plan>),
    Within(Box<Plan>, Femtos),
    Copies(Box<Plan>, u64),
}

#[derive(Debug)]
pub(super) struct Leaf {
    /// Numbers of observations, ascending and so in the order of their first instants.
    pub(super) candidates: Vec<usize>,
    /// How many instances the candidates before each place have, and all of them at the end.
    totals: Vec<u64>,
    pub(super) demand: u64,
}

impl Leaf {
    /// The instances of some of the candidates in a row.
    pub(super) fn instances(&self, places: &Range<usize>) -> u64 {
        self.totals[places.end] - self.totals[places.start]
    }
}

/// The plan of a whole pattern; `None` when it cannot be satisfied.
pub(super) fn build(
    root: &Observations,
    observations: &[Observed<'_>],
    budget: &mut Budget,
) -> Result<Option<Plan>, MatchError> {
    let Some(mut plan) = Builder { observations, budget }.part(root)? else { return Ok(None) };
    let mut leaves = 0;
    number_leaves(&mut plan, &mut leaves);
    let shared = SharedLeaves::of(&plan, leaves, observations.len());
    shared.mark(&mut plan);
    fill_instants(&mut plan, observations, budget)?;
    Ok(Some(plan))
}

struct Builder<'a, 'v> {
    observations: &'a [Observed<'v>],
    budget: &'a mut Budget,
}

impl Builder<'_, '_> {
    fn part(&mut self, node: &Observations) -> Result<Option<Plan>, MatchError> {
        match node {
            Observations::Bracket(comparison) => self.bracket(comparison),
            Observations::And(parts) => Ok(self.parts(parts)?.and_then(all)),
            Observations::FollowedBy(parts) => Ok(self.parts(parts)?.and_then(ordered)),
            Observations::Or(parts) => {
                let mut alternatives = Vec::new();
                for part in parts {
                    alternatives.extend(self.part(part)?);
                }
                Ok(self.any(alternatives))
            }
            Observations::Qualified(inner, qualifier) => {
                let Some(inner) = self.part(inner)? else { return Ok(None) };
                Ok(match qualifier {
                    Qualifier::Within(duration) => within(inner, Femtos::of_seconds(&duration.text)),
                    Qualifier::Repeats(count) => self.copies(inner, u64::from(*count)),
                    Qualifier::StartStop(interval) => self.during(inner, interval),
                })
            }
        }
    }

    /// All parts, or `None` when one cannot be satisfied.
    fn parts(&mut self, parts: &[Observations]) -> Result<Option<Vec<Plan>>, MatchError> {
        let mut plans = Vec::with_capacity(parts.len());
        for part in parts {
            match self.part(part)? {
                Some(plan) => plans.push(plan),
                None => return Ok(None),
            }
        }
        Ok(Some(plans))
    }

    fn bracket(&mut self, comparison: &Comparison) -> Result<Option<Plan>, MatchError> {
        let mut candidates = Vec::new();
        for (number, observed) in self.observations.iter().enumerate() {
            if bracket::holds(comparison, observed, self.budget)? {
                candidates.push(number);
            }
        }
        Ok(self.leaf(candidates, 1))
    }

    fn leaf(&self, candidates: Vec<usize>, demand: u64) -> Option<Plan> {
        let first = self.nth(candidates.iter().copied(), demand)?;
        let mut by_last = candidates.clone();
        by_last.sort_by_key(|number| std::cmp::Reverse(self.observations[*number].last));
        let last = self.nth(by_last.into_iter(), demand)?;
        let mut totals = vec![0];
        totals.extend(candidates.iter().scan(0, |sum, number| {
            *sum += self.observations[*number].count;
            Some(*sum)
        }));
        let kind = Kind::Leaf(Leaf { candidates, totals, demand });
        Some(plan(kind, self.observations[first].first, self.observations[last].last))
    }

    /// The observation at which a demand is met; `None` when all instances are too few.
    fn nth(&self, mut candidates: impl Iterator<Item = usize>, demand: u64) -> Option<usize> {
        let mut counted = 0;
        candidates.find(|number| {
            counted += self.observations[*number].count;
            counted >= demand
        })
    }

    /// One instance from several sets is one instance from their union.
    fn any(&self, alternatives: Vec<Plan>) -> Option<Plan> {
        let is_single = |plan: &Plan| matches!(&plan.kind, Kind::Leaf(leaf) if leaf.demand == 1);
        let (single, mut rest): (Vec<Plan>, Vec<Plan>) = alternatives.into_iter().partition(is_single);
        let mut candidates: Vec<usize> = Vec::new();
        for plan in single {
            if let Kind::Leaf(leaf) = plan.kind {
                candidates.extend(leaf.candidates);
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        rest.extend(self.leaf(candidates, 1));
        if rest.len() < 2 {
            return rest.pop();
        }
        let min_first = rest.iter().map(|plan| plan.min_first).min()?;
        let max_last = rest.iter().map(|plan| plan.max_last).max()?;
        Some(plan(Kind::Any(rest), min_first, max_last))
    }

    /// Bindings of one part that share no instance.
    fn copies(&self, inner: Plan, count: u64) -> Option<Plan> {
        if count == 1 {
            return Some(inner);
        }
        match inner.kind {
            Kind::Leaf(leaf) => self.leaf(leaf.candidates, leaf.demand * count),
            Kind::All(parts) => {
                let copied: Option<Vec<Plan>> =
                    parts.into_iter().map(|part| self.copies(part, count)).collect();
                copied.and_then(all)
            }
            Kind::Copies(inner, earlier) => Some(copied(*inner, earlier * count)),
            kind => Some(copied(Plan { kind, ..inner }, count)),
        }
    }

    /// Every instance meets the interval, which its stop does not belong to.
    fn during(&self, inner: Plan, interval: &Interval) -> Option<Plan> {
        let (start, stop) = (Instant::of(&interval.start), Instant::of(&interval.stop));
        if start >= stop {
            return None;
        }
        self.filtered(inner, &|observed| observed.first < stop && observed.last >= start)
    }

    fn filtered(&self, plan: Plan, keep: &dyn Fn(&Observed<'_>) -> bool) -> Option<Plan> {
        let each = |parts: Vec<Plan>| parts.into_iter().map(|part| self.filtered(part, keep));
        match plan.kind {
            Kind::Leaf(mut leaf) => {
                leaf.candidates.retain(|number| keep(&self.observations[*number]));
                self.leaf(leaf.candidates, leaf.demand)
            }
            Kind::All(parts) => each(parts).collect::<Option<Vec<_>>>().and_then(all),
            Kind::Ordered(parts) => each(parts).collect::<Option<Vec<_>>>().and_then(ordered),
            Kind::Any(parts) => self.any(each(parts).flatten().collect()),
            Kind::Within(inner, duration) => within(self.filtered(*inner, keep)?, duration),
            Kind::Copies(inner, count) => self.copies(self.filtered(*inner, keep)?, count),
        }
    }
}

fn plan(kind: Kind, min_first: Instant, max_last: Instant) -> Plan {
    Plan {
        kind,
        min_first,
        max_last,
        firsts: Vec::new(),
        lasts: Vec::new(),
        leaves: 0..0,
        independent: false,
    }
}

fn copied(inner: Plan, count: u64) -> Plan {
    let (min_first, max_last) = (inner.min_first, inner.max_last);
    plan(Kind::Copies(Box::new(inner), count), min_first, max_last)
}

fn all(parts: Vec<Plan>) -> Option<Plan> {
    let min_first = parts.iter().map(|plan| plan.min_first).max()?;
    let max_last = parts.iter().map(|plan| plan.max_last).min()?;
    Some(plan(Kind::All(parts), min_first, max_last))
}

/// Whatever is chosen, what comes earlier may not start after what comes later ends.
fn ordered(parts: Vec<Plan>) -> Option<Plan> {
    let mut latest = Instant::MIN;
    for part in &parts {
        if latest > part.max_last {
            return None;
        }
        latest = latest.max(part.min_first);
    }
    let max_last = parts.iter().map(|plan| plan.max_last).min()?;
    Some(plan(Kind::Ordered(parts), latest, max_last))
}

fn within(inner: Plan, duration: Femtos) -> Option<Plan> {
    if matches!(&inner.kind, Kind::Leaf(leaf) if leaf.demand == 1) {
        return Some(inner);
    }
    if inner.min_first > inner.max_last.after(duration) {
        return None;
    }
    let (min_first, max_last) = (inner.min_first, inner.max_last);
    Some(plan(Kind::Within(Box::new(inner), duration), min_first, max_last))
}

impl Plan {
    /// Calls `visit` for every leaf inside.
    pub(super) fn each_leaf<'p>(&'p self, visit: &mut dyn FnMut(&'p Leaf)) {
        match &self.kind {
            Kind::Leaf(leaf) => visit(leaf),
            Kind::All(parts) | Kind::Any(parts) | Kind::Ordered(parts) => {
                parts.iter().for_each(|part| part.each_leaf(visit));
            }
            Kind::Within(inner, _) | Kind::Copies(inner, _) => inner.each_leaf(visit),
        }
    }

    fn parts_mut(&mut self) -> &mut [Plan] {
        match &mut self.kind {
            Kind::Leaf(_) => &mut [],
            Kind::All(parts) | Kind::Any(parts) | Kind::Ordered(parts) => parts,
            Kind::Within(inner, _) | Kind::Copies(inner, _) => std::slice::from_mut(inner),
        }
    }
}

/// The instants that the search will try.
fn fill_instants(
    plan: &mut Plan,
    observations: &[Observed<'_>],
    budget: &mut Budget,
) -> Result<(), MatchError> {
    match &mut plan.kind {
        Kind::Ordered(parts) => {
            for part in parts {
                part.firsts = instants(part, budget, |number| observations[number].first)?;
            }
        }
        Kind::Within(inner, _) => inner.lasts = instants(inner, budget, |number| observations[number].last)?,
        _ => {}
    }
    plan.parts_mut().iter_mut().try_for_each(|part| fill_instants(part, observations, budget))
}

fn instants(
    plan: &Plan,
    budget: &mut Budget,
    of: impl Fn(usize) -> Instant,
) -> Result<Vec<Instant>, MatchError> {
    let mut found = Vec::new();
    plan.each_leaf(&mut |leaf| found.extend(leaf.candidates.iter().map(|number| of(*number))));
    budget.spend(found.len())?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn number_leaves(plan: &mut Plan, next: &mut usize) {
    let start = *next;
    if matches!(plan.kind, Kind::Leaf(_)) {
        *next += 1;
    }
    plan.parts_mut().iter_mut().for_each(|part| number_leaves(part, next));
    plan.leaves = start..*next;
}

/// For each leaf the first and last leaf it competes with, directly or through others.
struct SharedLeaves {
    reach: Vec<(usize, usize)>,
}

impl SharedLeaves {
    fn of(plan: &Plan, leaves: usize, observations: usize) -> Self {
        let mut parent: Vec<usize> = (0..leaves).collect();
        let mut owner: Vec<Option<usize>> = vec![None; observations];
        let mut leaf_number = 0;
        plan.each_leaf(&mut |leaf| {
            for number in &leaf.candidates {
                let other = *owner[*number].get_or_insert(leaf_number);
                let (a, b) = (find(&mut parent, other), find(&mut parent, leaf_number));
                parent[a.max(b)] = a.min(b);
            }
            leaf_number += 1;
        });
        let mut highest: Vec<usize> = (0..leaves).collect();
        for leaf in 0..leaves {
            let lowest = find(&mut parent, leaf);
            highest[lowest] = highest[lowest].max(leaf);
        }
        let reach =
            (0..leaves).map(|leaf| find(&mut parent, leaf)).map(|lowest| (lowest, highest[lowest])).collect();
        Self { reach }
    }

    /// Copies compete with each other, so nothing inside them is independent.
    fn mark(&self, plan: &mut Plan) {
        let inside = |leaf: usize| {
            plan.leaves.contains(&self.reach[leaf].0) && plan.leaves.contains(&self.reach[leaf].1)
        };
        plan.independent = plan.leaves.clone().all(inside);
        if !matches!(plan.kind, Kind::Copies(..)) {
            plan.parts_mut().iter_mut().for_each(|part| self.mark(part));
        }
    }
}

fn find(parent: &mut [usize], mut leaf: usize) -> usize {
    while parent[leaf] != leaf {
        parent[leaf] = parent[parent[leaf]];
        leaf = parent[leaf];
    }
    leaf
}
