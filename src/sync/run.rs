//! One run of a job: part after part from the source, through the sieve, to the target.
//!
//! Letters are on the disk before the position moves on, and the position moves on when the target has
//! acknowledged: a run that is killed anywhere fetches at most one part again.

use super::job::Job;
use super::letters;
use super::sieve::{Inside, MARKINGS_MAX, Sieve, Sifted};
use super::source::{Part, Source};
use super::state::{Counts, Place, State};
use super::target::{Taken, Target};
use super::volume::Alarm;
use super::{Fault, Position};
use crate::stix::Timestamp;

/// What a run takes.
pub struct Run<'a> {
    /// The job.
    pub job: &'a Job,
    /// Where from.
    pub source: &'a mut dyn Source,
    /// Where to.
    pub target: &'a mut dyn Target,
    /// Its files, locked.
    pub place: &'a Place,
    /// What only the hub knows, if it is the target.
    pub inside: &'a Inside<'a>,
    /// However much comes.
    pub is_released: bool,
    /// Nothing is written: what would be.
    pub dry_run: bool,
    /// Is it to stop?
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Tells the time.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Is told after each part.
    pub progress: &'a dyn Fn(&Counts),
    /// What comes next, if it was fetched while the target took what came before.
    pub fetched: Option<Result<Part, Fault>>,
}

/// What a run has done.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    /// What became of the objects.
    pub counts: Counts,
    /// There is more, which the next run brings.
    pub more: bool,
    /// What was strange.
    pub remark: Option<String>,
    /// What could not be had, though everything else came.
    pub fault: Option<Fault>,
}

impl Run<'_> {
    /// Runs it; the state says how far it came, whatever happens.
    pub fn run(&mut self, state: &mut State) -> Result<Ran, Fault> {
        let name = self.source.name();
        if !self.dry_run {
            self.finish_part(state)?;
        }
        let kept = self.target.position()?;
        let mut position = kept.unwrap_or_else(|| state.position.clone());
        if position.source != name {
            position = Position { source: name, ..Position::default() };
            state.markings.clear();
        }
        let mut sieve = Sieve::new(self.job, &state.markings, self.inside)?;
        let alarm = Alarm { factor: self.job.limits.volume_factor, least: self.job.limits.volume_least };
        let allowed = alarm.allowed(&state.volumes).filter(|_| !self.is_released);
        let mut ran = Ran::default();
        loop {
            if (self.is_stopped)() {
                return Err(Fault::Stopped);
            }
            let more = self.part(&mut sieve, state, &mut position, allowed, &mut ran)?;
            (self.progress)(&ran.counts);
            if !more {
                return Ok(ran);
            }
            if ran.counts.received >= self.job.limits.run_objects {
                ran.more = true;
                return Ok(ran);
            }
        }
    }

    /// Gives the target once more what it may have refused when a run was killed: what it has stored is there
    /// already, and what it has not is a letter now.
    fn finish_part(&mut self, state: &mut State) -> Result<(), Fault> {
        let Some((objects, after)) = self.place.part()? else { return Ok(()) };
        let taken = self.target.put(&objects, &after, &mut || ())?;
        letters::append(&self.place.letters(), &taken.letters, &(self.clock)().to_string())?;
        state.total.refused += taken.letters.len() as u64;
        self.place.end_part()
    }

    /// Moves one part; is there more?
    fn part(
        &mut self,
        sieve: &mut Sieve,
        state: &mut State,
        position: &mut Position,
        allowed: Option<u64>,
        ran: &mut Ran,
    ) -> Result<bool, Fault> {
        let mut part = self.fetched.take().unwrap_or_else(|| self.source.next(position))?;
        part.after.source.clone_from(&position.source);
        let unknown = sieve.unknown(&part.objects);
        if !unknown.is_empty() {
            for (id, definition) in self.source.definitions(&unknown)? {
                sieve.learn(&id, &definition);
                remember(state, id, definition);
            }
        }
        let brought = state.brought + ran.counts.received + part.objects.len() as u64;
        if let Some(allowed) = allowed.filter(|allowed| brought > *allowed) {
            return Err(Fault::Held(format!(
                "this run has brought {brought} objects or more, and {allowed} is the most that is usual; nothing of the rest was taken. If it is right: liaison sync release {}",
                self.job.id
            )));
        }
        let now = (self.clock)();
        let mut sifted = sieve.sift(part.objects, part.is_submitted, now);
        sifted.letters.extend(part.letters);
        sifted.count(&mut ran.counts);
        ran.counts.received += part.repeated;
        ran.counts.unchanged += part.repeated;
        ran.remark = part.remark.or(ran.remark.take());
        ran.fault = part.fault;
        if !self.dry_run {
            self.deliver(sifted, (&part.after, part.more), ran, now)?.into_iter().for_each(
                |(id, definition)| {
                    remember(state, id, definition);
                },
            );
            state.position = part.after.clone();
            self.place.save(state)?;
        }
        *position = part.after;
        Ok(part.more)
    }

    fn deliver(
        &mut self,
        sifted: Sifted,
        (after, more): (&Position, bool),
        ran: &mut Ran,
        now: Timestamp,
    ) -> Result<Vec<(String, serde_json::Value)>, Fault> {
        let path = self.place.letters();
        letters::append(&path, &sifted.letters, &now.to_string())?;
        if self.target.keeps_position() && !sifted.passed.is_empty() {
            self.place.begin_part(&sifted.passed, after)?;
        }
        // What comes next is fetched at the same time; it counts for nothing before this is acknowledged.
        let is_wanted = more && ran.counts.received < self.job.limits.run_objects;
        let mut fetch = || self.fetched = is_wanted.then(|| self.source.next(after));
        let Taken { stored, unchanged, pending, letters } =
            self.target.put(&sifted.passed, after, &mut fetch)?;
        letters::append(&path, &letters, &now.to_string())?;
        self.place.end_part()?;
        let counts = &mut ran.counts;
        counts.stored += stored.len() as u64;
        counts.unchanged += unchanged;
        counts.pending += pending;
        counts.refused += letters.len() as u64;
        stored.into_iter().for_each(|name| *counts.types.entry(name).or_default() += 1);
        Ok(sifted.defined)
    }
}

fn remember(state: &mut State, id: String, definition: serde_json::Value) {
    if state.markings.len() < MARKINGS_MAX {
        state.markings.insert(id, definition);
    }
}
