//! Looks for a binding: chooses branches of `OR` and instants of `FOLLOWEDBY` and `WITHIN`, and
//! takes choices back when demands cannot be met.
//!
//! Once an instant is chosen for every time constraint, each demand has a window, and whether all
//! demands can be met at once is a question of matching, which `flow` answers exactly. The search
//! tries the instants that make a difference: first instants for the end of what comes earlier in
//! `FOLLOWEDBY`, last instants for the start of a `WITHIN`.

use super::flow::{Flow, Window};
use super::observation::{Femtos, Instant, Observed};
use super::plan::{Kind, Plan};
use super::{Budget, MatchError};
use std::rc::Rc;

/// Whether some binding satisfies the plan.
pub(super) fn binding_exists(
    plan: &Plan,
    observations: &[Observed<'_>],
    budget: &mut Budget,
) -> Result<bool, MatchError> {
    let window = Window { low: Instant::MIN, high: Instant::MAX };
    let agenda = Some(Rc::new(Task { goal: Goal::Part(plan), window, next: None }));
    let mut search = Search { flow: Flow::new(observations), agenda, choices: Vec::new(), budget };
    // Where instances are too few for any choice, searching through all of them would take long.
    if !search.suffices(plan, 1, window)? {
        return Ok(false);
    }
    search.flow.truncate(0);
    search.run()
}

struct Search<'p, 'v, 'b> {
    flow: Flow<'p, 'v>,
    agenda: Option<Rc<Task<'p>>>,
    choices: Vec<Choice<'p>>,
    budget: &'b mut Budget,
}

/// Something still to satisfy, and what comes after it; lists share their ends.
struct Task<'p> {
    goal: Goal<'p>,
    window: Window,
    next: Option<Rc<Task<'p>>>,
}

#[derive(Clone, Copy)]
enum Goal<'p> {
    Part(&'p Plan),
    /// The remaining operands of `FOLLOWEDBY`.
    Then(&'p [Plan]),
    Copies(Copies<'p>),
    /// Forget choices back to this number: other ways could not help what follows.
    Commit(usize),
}

/// Bindings of one part still to find. Copies are alike, so each may be asked to choose no earlier
/// way than the one before it, which spares trying all their orders.
#[derive(Clone, Copy)]
struct Copies<'p> {
    plan: &'p Plan,
    count: u64,
    /// The way that the copy before has taken: an instant, or the number of a branch.
    from: Instant,
}

/// A place to come back to.
struct Choice<'p> {
    agenda: Option<Rc<Task<'p>>>,
    demands: usize,
    window: Window,
    ways: Ways<'p>,
    /// Further copies of the part that this choice is for.
    copies: Option<Copies<'p>>,
}

/// Ways not yet tried, the next one first.
enum Ways<'p> {
    /// All branches of `OR`, and the number of the next one.
    Branches(&'p [Plan], usize),
    /// Until when the first operand of `FOLLOWEDBY` has begun.
    Thresholds(&'p [Instant], &'p Plan, &'p [Plan]),
    /// When a `WITHIN` begins.
    Starts(&'p [Instant], &'p Plan, Femtos),
}

impl<'p> Search<'p, '_, '_> {
    fn run(&mut self) -> Result<bool, MatchError> {
        while let Some(task) = self.agenda.take() {
            self.budget.spend(1)?;
            self.agenda.clone_from(&task.next);
            if !self.perform(task.goal, task.window)? && !self.try_next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether there are instances enough when time plays no part and branches of `OR` need none.
    fn suffices(&mut self, plan: &'p Plan, times: u64, window: Window) -> Result<bool, MatchError> {
        let (parts, times) = match &plan.kind {
            Kind::Leaf(leaf) => return self.flow.add_times(leaf, times, window, self.budget),
            Kind::Any(_) => return Ok(true),
            Kind::All(parts) | Kind::Ordered(parts) => (parts.as_slice(), times),
            Kind::Within(inner, _) => (std::slice::from_ref(&**inner), times),
            Kind::Copies(inner, count) => (std::slice::from_ref(&**inner), times * count),
        };
        for part in parts {
            if !self.suffices(part, times, window)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn perform(&mut self, goal: Goal<'p>, window: Window) -> Result<bool, MatchError> {
        match goal {
            Goal::Part(plan) => {
                if plan.independent && !matches!(plan.kind, Kind::Leaf(_)) {
                    self.push(Goal::Commit(self.choices.len()), window);
                }
                self.part(plan, window)
            }
            Goal::Then([last]) => self.part(last, window),
            Goal::Then([first, rest @ ..]) => {
                let ways = self.thresholds(first, rest, window, Instant::MIN);
                self.come_back_to(ways, window, None)
            }
            Goal::Then([]) => Ok(true),
            Goal::Copies(copies) => self.choose(copies.plan, window, Some(copies)),
            Goal::Commit(choices) => {
                self.choices.truncate(choices);
                Ok(true)
            }
        }
    }

    fn part(&mut self, plan: &'p Plan, window: Window) -> Result<bool, MatchError> {
        if plan.min_first > window.high || plan.max_last < window.low {
            return Ok(false);
        }
        match &plan.kind {
            Kind::Leaf(leaf) => self.flow.add(leaf, window, self.budget),
            Kind::All(parts) => {
                parts.iter().rev().for_each(|part| self.push(Goal::Part(part), window));
                Ok(true)
            }
            Kind::Copies(inner, count) => {
                let copies = Copies { plan: inner, count: *count, from: Instant::MIN };
                self.perform(Goal::Copies(copies), window)
            }
            Kind::Any(_) | Kind::Ordered(_) | Kind::Within(..) => self.choose(plan, window, None),
        }
    }

    /// Enters a part that can be satisfied in several ways; `copies` says of which copy it is.
    fn choose(
        &mut self,
        plan: &'p Plan,
        window: Window,
        copies: Option<Copies<'p>>,
    ) -> Result<bool, MatchError> {
        let from = copies.map_or(Instant::MIN, |copies| copies.from);
        let ways = match &plan.kind {
            Kind::Any(parts) => Ways::Branches(parts, usize::try_from(from.0).unwrap_or(0)),
            Kind::Ordered(parts) => match parts.as_slice() {
                [first, rest @ ..] => self.thresholds(first, rest, window, from),
                [] => return Ok(true),
            },
            Kind::Within(inner, duration) => {
                let starts = between(&inner.lasts, from.max(window.low), inner.max_last);
                Ways::Starts(starts, inner, *duration)
            }
            // `REPEATS` of these has become larger demands.
            Kind::Leaf(_) | Kind::All(_) | Kind::Copies(..) => return self.part(plan, window),
        };
        self.come_back_to(ways, window, copies)
    }

    /// Every instant of `first` is at or before some threshold, every later one at or after it.
    fn thresholds(&self, first: &'p Plan, rest: &'p [Plan], window: Window, from: Instant) -> Ways<'p> {
        let latest = rest.iter().map(|plan| plan.max_last).min().unwrap_or(Instant::MAX);
        let earliest = first.min_first.max(self.flow.earliest_first(window));
        Ways::Thresholds(between(&first.firsts, from.max(earliest), latest.min(window.high)), first, rest)
    }

    fn come_back_to(
        &mut self,
        ways: Ways<'p>,
        window: Window,
        copies: Option<Copies<'p>>,
    ) -> Result<bool, MatchError> {
        let agenda = self.agenda.clone();
        self.choices.push(Choice { agenda, demands: self.flow.len(), window, ways, copies });
        self.try_next()
    }

    /// Takes the next way of the latest choice that has one left; `false` when none has.
    fn try_next(&mut self) -> Result<bool, MatchError> {
        while let Some(choice) = self.choices.last_mut() {
            self.budget.spend(1)?;
            self.flow.truncate(choice.demands);
            self.agenda.clone_from(&choice.agenda);
            let (window, copies) = (choice.window, choice.copies);
            let depth = self.choices.len() - 1;
            if let Some(Way { taken, goals }) = self.choices[depth].ways.next(window, depth) {
                if let Some(copies) = copies.filter(|copies| copies.count > 1) {
                    self.push(
                        Goal::Copies(Copies { count: copies.count - 1, from: taken, ..copies }),
                        window,
                    );
                }
                goals.into_iter().flatten().rev().for_each(|(goal, window)| self.push(goal, window));
                return Ok(true);
            }
            self.choices.pop();
        }
        Ok(false)
    }

    fn push(&mut self, goal: Goal<'p>, window: Window) {
        let next = self.agenda.take();
        self.agenda = Some(Rc::new(Task { goal, window, next }));
    }
}

/// One way of a choice and what it asks for.
struct Way<'p> {
    taken: Instant,
    goals: [Option<(Goal<'p>, Window)>; 3],
}

impl<'p> Ways<'p> {
    /// The next way; `depth` is the number of choices before this one.
    fn next(&mut self, window: Window, depth: usize) -> Option<Way<'p>> {
        match self {
            Self::Branches(parts, number) => {
                let (branch, taken) = (parts.get(*number)?, Instant(*number as i128));
                *number += 1;
                Some(Way { taken, goals: [Some((Goal::Part(branch), window)), None, None] })
            }
            Self::Thresholds(instants, first, rest) => {
                let taken = take_first(instants)?;
                let before = Window { high: window.high.min(taken), ..window };
                let after = Window { low: window.low.max(taken), ..window };
                // The earliest threshold that works leaves the most to the rest, unless both compete.
                let commit = first.independent.then_some((Goal::Commit(depth), window));
                let goals = [Some((Goal::Part(first), before)), commit, Some((Goal::Then(rest), after))];
                Some(Way { taken, goals })
            }
            Self::Starts(instants, inner, duration) => {
                let taken = take_first(instants)?;
                let high = window.high.min(taken.after(*duration));
                let span = Window { low: window.low.max(taken), high };
                Some(Way { taken, goals: [Some((Goal::Part(inner), span)), None, None] })
            }
        }
    }
}

fn take_first(instants: &mut &[Instant]) -> Option<Instant> {
    let (first, later) = instants.split_first()?;
    *instants = later;
    Some(*first)
}

/// The part of an ascending list that lies between two instants, both included.
fn between(instants: &[Instant], from: Instant, to: Instant) -> &[Instant] {
    let start = instants.partition_point(|instant| *instant < from);
    let end = instants.partition_point(|instant| *instant <= to);
    &instants[start..end.max(start)]
}
