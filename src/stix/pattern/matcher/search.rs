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
    let mut search =
        Search { observations, flow: Flow::new(observations), agenda, choices: Vec::new(), budget };
    search.run()
}

struct Search<'p, 'v, 'b> {
    observations: &'p [Observed<'v>],
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
    Copies(&'p Plan, u64),
    /// Forget choices back to this number: other ways could not help what follows.
    Commit(usize),
}

/// A place to come back to.
struct Choice<'p> {
    agenda: Option<Rc<Task<'p>>>,
    demands: usize,
    window: Window,
    options: Options<'p>,
}

/// Ways not yet tried, the next one last.
enum Options<'p> {
    Branches(Vec<&'p Plan>),
    /// Until when the first operand has begun.
    Thresholds(Vec<Instant>, &'p Plan, &'p [Plan]),
    /// When a `WITHIN` begins.
    Starts(Vec<Instant>, &'p Plan, Femtos),
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

    fn perform(&mut self, goal: Goal<'p>, window: Window) -> Result<bool, MatchError> {
        match goal {
            Goal::Part(plan) => {
                if plan.independent && !matches!(plan.kind, Kind::Leaf(_)) {
                    self.push(Goal::Commit(self.choices.len()), window);
                }
                self.part(plan, window)
            }
            Goal::Then([last]) => self.part(last, window),
            Goal::Then([first, rest @ ..]) => self.followed_by(first, rest, window),
            Goal::Then([]) => Ok(true),
            Goal::Copies(plan, count) => {
                if count > 1 {
                    self.push(Goal::Copies(plan, count - 1), window);
                }
                self.part(plan, window)
            }
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
            Kind::Any(parts) => self.choose(Options::Branches(parts.iter().rev().collect()), window),
            Kind::Ordered(parts) => self.perform(Goal::Then(parts), window),
            Kind::Within(inner, duration) => self.within(inner, *duration, window),
            Kind::Copies(inner, count) => self.perform(Goal::Copies(inner, *count), window),
        }
    }

    /// Every instant of `first` is at or before some threshold, every later one at or after it.
    fn followed_by(&mut self, first: &'p Plan, rest: &'p [Plan], window: Window) -> Result<bool, MatchError> {
        let latest = rest.iter().map(|plan| plan.max_last).min().unwrap_or(Instant::MAX);
        let mut thresholds = self.instants(first, |observed| {
            let fits =
                observed.first <= window.high && observed.last >= window.low && observed.first <= latest;
            (fits && observed.first >= first.min_first).then_some(observed.first)
        })?;
        thresholds.reverse();
        self.choose(Options::Thresholds(thresholds, first, rest), window)
    }

    /// All instants lie in a span that begins with the earliest last instant.
    fn within(&mut self, inner: &'p Plan, duration: Femtos, window: Window) -> Result<bool, MatchError> {
        let mut starts = self.instants(inner, |observed| {
            let fits = observed.first <= window.high
                && observed.last >= window.low
                && observed.last <= inner.max_last;
            (fits && observed.last.after(duration) >= inner.min_first).then_some(observed.last)
        })?;
        starts.reverse();
        self.choose(Options::Starts(starts, inner, duration), window)
    }

    /// Instants of the observations that a part can use, ascending.
    fn instants(
        &mut self,
        plan: &Plan,
        pick: impl Fn(&Observed<'_>) -> Option<Instant>,
    ) -> Result<Vec<Instant>, MatchError> {
        let mut found = Vec::new();
        let mut looked_at = 0;
        plan.each_leaf(&mut |leaf| {
            looked_at += leaf.candidates.len();
            found.extend(leaf.candidates.iter().filter_map(|number| pick(&self.observations[*number])));
        });
        self.budget.spend(looked_at)?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn choose(&mut self, options: Options<'p>, window: Window) -> Result<bool, MatchError> {
        let agenda = self.agenda.clone();
        self.choices.push(Choice { agenda, demands: self.flow.len(), window, options });
        self.try_next()
    }

    /// Takes the next way of the latest choice that has one left; `false` when none has.
    fn try_next(&mut self) -> Result<bool, MatchError> {
        while let Some(choice) = self.choices.last_mut() {
            self.budget.spend(1)?;
            self.flow.truncate(choice.demands);
            self.agenda.clone_from(&choice.agenda);
            let (window, depth) = (choice.window, self.choices.len() - 1);
            if let Some(goals) = self.choices[depth].options.next(window, depth) {
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

impl<'p> Options<'p> {
    /// The goals of the next way; `depth` is the number of choices before this one.
    fn next(&mut self, window: Window, depth: usize) -> Option<[Option<(Goal<'p>, Window)>; 3]> {
        match self {
            Self::Branches(branches) => {
                let branch = branches.pop()?;
                Some([Some((Goal::Part(branch), window)), None, None])
            }
            Self::Thresholds(thresholds, first, rest) => {
                let threshold = thresholds.pop()?;
                let before = Window { high: window.high.min(threshold), ..window };
                let after = Window { low: window.low.max(threshold), ..window };
                // The earliest threshold that works leaves the most to the rest, unless both compete.
                let commit = first.independent.then_some((Goal::Commit(depth), window));
                Some([Some((Goal::Part(first), before)), commit, Some((Goal::Then(rest), after))])
            }
            Self::Starts(starts, inner, duration) => {
                let start = starts.pop()?;
                let span =
                    Window { low: window.low.max(start), high: window.high.min(start.after(*duration)) };
                Some([Some((Goal::Part(inner), span)), None, None])
            }
        }
    }
}
