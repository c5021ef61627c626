//! A job is run as its schedule says, until it is told to stop.
//!
//! After a failure it is tried again sooner than the schedule says, with pauses that become longer; after many
//! the circuit is open, and it is tried once an hour. One that is held waits for a person.

use super::job::{Job, Target as To};
use super::run::{Ran, Run};
use super::schedule::Schedule;
use super::sieve::Inside as Within;
use super::state::{self, Counts, Place, State};
use super::target::hub::Inside;
use super::volume::Alarm;
use super::{Fault, open};
use crate::clock::Clock;
use crate::push::backoff;
use crate::stix::Timestamp;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A job with everything that running it takes.
pub struct Keeper<'a> {
    /// The job.
    pub job: Job,
    /// When it runs.
    pub schedule: Schedule,
    /// Where the states of jobs are.
    pub dir: PathBuf,
    /// The hub, if one runs it.
    pub inside: Option<Inside>,
    /// Tells the time.
    pub clock: Clock,
    /// Is it to stop?
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
    /// Is told after each part of a run.
    pub progress: &'a (dyn Fn(&Counts) + Sync),
}

impl Keeper<'_> {
    /// Runs it again and again.
    pub fn keep(&self) {
        let mut again = false;
        while !(self.is_stopped)() {
            let state = State::read(&self.dir, &self.job.id);
            let is_asked = state::is_asked(&self.dir, &self.job.id, RUN);
            let is_free = state.as_ref().is_ok_and(|state| state.held.is_none()) || self.is_released();
            let due = state.as_ref().map_or(i64::MAX, |state| self.due(state));
            let is_due = self.job.enabled && due <= self.clock.now().micros();
            let is_released = self.is_released() && state.is_ok_and(|state| state.next_try.is_none());
            if !(is_asked || is_free && (again || is_due || is_released)) {
                std::thread::sleep(TICK);
                continue;
            }
            match self.once(false) {
                Ok(ran) => {
                    tracing::info!(job = %self.job.id, counts = ?ran.counts, remark = ran.remark, "synced");
                    if let Some(fault) = &ran.fault {
                        tracing::warn!(job = %self.job.id, %fault, "a sync job has failed in part");
                    }
                    again = ran.more;
                }
                Err(Fault::Stopped) => return,
                Err(fault) => {
                    tracing::warn!(job = %self.job.id, %fault, "a sync job has failed");
                    again = false;
                    // Whatever the state says, never in a tight loop.
                    std::thread::sleep(TICK);
                }
            }
        }
    }

    /// Has a person let it go on? That holds until a run comes to the end of its source.
    fn is_released(&self) -> bool {
        state::path(&self.dir, &self.job.id, RELEASE).exists()
    }

    /// Are source and target there, and may we use them? The hub as a target looks at it when it runs.
    pub fn reach(&self) -> Result<(), Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime: Rc<Runtime> = Rc::new(runtime.map_err(Fault::passing)?);
        open::source(&runtime, &self.job, &self.dir, (self.clock, true))?;
        match self.job.target {
            To::Hub { .. } => Ok(()),
            _ => open::target(&runtime, &self.job, None, true).map(drop),
        }
    }

    /// Runs it once, now.
    pub fn once(&self, dry_run: bool) -> Result<Ran, Fault> {
        if dry_run {
            let place = Place::look(&self.dir, &self.job.id);
            return self.run(&place, &mut place.state()?, true);
        }
        let place = Place::take(&self.dir, &self.job.id)?;
        let mut state = place.state()?;
        state.last_start = Some(self.clock.now().to_string());
        let ran = self.run(&place, &mut state, false);
        self.note(&mut state, &ran);
        place.save(&state)?;
        if ran.as_ref().is_ok_and(|ran| !ran.more) {
            state::is_asked(&self.dir, &self.job.id, RELEASE);
        }
        ran
    }

    fn run(&self, place: &Place, state: &mut State, dry_run: bool) -> Result<Ran, Fault> {
        let is_released = self.is_released();
        if let Some(held) = state.held.as_ref().filter(|_| !is_released) {
            return Err(Fault::Held(held.clone()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime: Rc<Runtime> = Rc::new(runtime.map_err(Fault::passing)?);
        let mut source = open::source(&runtime, &self.job, &self.dir, (self.clock, dry_run))?;
        let mut target = open::target(&runtime, &self.job, self.inside.as_ref(), dry_run)?;
        let hub = matches!(self.job.target, To::Hub { .. })
            .then(|| open::hub(&runtime, &self.job, self.inside.as_ref()))
            .transpose()?;
        let within = Within {
            shares: &|creator| hub.as_ref().is_some_and(|hub| hub.shares(creator)),
            is_ours: &|identity| hub.as_ref().is_some_and(|hub| hub.is_ours(identity)),
        };
        let mut run = Run {
            job: &self.job,
            source: source.as_mut(),
            target: target.as_mut(),
            place,
            inside: &within,
            is_released,
            dry_run,
            is_stopped: self.is_stopped,
            clock: &|| self.clock.now(),
            progress: self.progress,
            fetched: None,
        };
        run.run(state)
    }

    /// What the state says after a run.
    fn note(&self, state: &mut State, ran: &Result<Ran, Fault>) {
        let now = self.clock.now();
        match ran {
            Ok(ran) => {
                // A run that has brought all but something that is wrong with the source is none.
                state.last_success =
                    ran.fault.is_none().then(|| now.to_string()).or(state.last_success.take());
                (state.last_run, state.remark) = (ran.counts.clone(), ran.remark.clone());
                state.total.add(&ran.counts);
                state.runs += 1;
                state.held = None;
                match &ran.fault {
                    Some(fault) => self.note_failure(state, fault, true),
                    None => (state.failures, state.last_error, state.next_try) = (0, None, None),
                }
                state.brought += ran.counts.received;
                if !ran.more {
                    Alarm::note(&mut state.volumes, std::mem::take(&mut state.brought));
                }
            }
            Err(Fault::Stopped) => {}
            Err(Fault::Held(why)) => state.held = Some(why.clone()),
            Err(fault) => self.note_failure(state, fault, false),
        }
    }

    /// Tries it again soon, and less often as it goes on. If only a part has failed, never less often than the
    /// schedule says: the rest must not wait for it.
    fn note_failure(&self, state: &mut State, fault: &Fault, in_part: bool) {
        let now = self.clock.now();
        state.failures = state.failures.saturating_add(1);
        state.last_error = Some(fault.to_string());
        let asked = match fault {
            Fault::Passing { retry_after, .. } => retry_after.map(|time| time.min(ASKED_MAX)),
            _ => None,
        };
        let open = Duration::from_secs(3600).mul_f64(0.9 + 0.1 * f64::from(chance()) / 65_535.0);
        let wait = match state.failures >= OPEN_AFTER {
            true => open.max(asked.unwrap_or_default()),
            false => backoff::delay(state.failures, chance(), asked),
        };
        let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        let next = now.micros().saturating_add(wait);
        let planned = self.schedule.next_after(now.micros(), Some(now.micros()), chance_of(&self.job.id));
        let next = if in_part && asked.is_none() { next.min(planned) } else { next };
        state.next_try = Some(Timestamp::from_micros(next).to_string());
    }

    /// When it is to run.
    fn due(&self, state: &State) -> i64 {
        let time =
            |text: &Option<String>| text.as_deref().and_then(Timestamp::parse).map(|time| time.micros());
        let now = self.clock.now().micros();
        match time(&state.next_try) {
            // A clock that was set back must not make it wait for ever.
            Some(next) if next - now <= HOUR * 2 => next,
            Some(_) => now,
            None => self.schedule.next_after(now, time(&state.last_start), chance_of(&self.job.id)),
        }
    }
}

/// Has it failed so often that it is tried but once an hour?
fn is_open(state: &State) -> bool {
    state.failures >= OPEN_AFTER
}

/// How a job is, in a word.
pub fn word(state: &State, job: &Job, now: Timestamp) -> &'static str {
    let is_late = || {
        let last = state.last_success.as_deref().and_then(Timestamp::parse);
        job.schedule()
            .ok()
            .zip(last)
            .is_some_and(|(schedule, last)| schedule.missed(last.micros(), now.micros() - LATE_LEAST, 3) == 3)
    };
    match state {
        _ if !job.enabled => "off",
        _ if state.held.is_some() => "held",
        _ if is_open(state) => "broken",
        _ if state.failures > 0 => "failed",
        _ if state.last_success.is_none() => "new",
        _ if is_late() => "late",
        _ => "well",
    }
}

fn chance() -> u16 {
    let mut bytes = [0; 2];
    // Without randomness there is less of a spread, and nothing worse.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u16::from_be_bytes(bytes)
}

/// The same for a job each time it is asked, so that it does not wander.
fn chance_of(id: &str) -> u16 {
    let bytes = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes()).into_bytes();
    u16::from_be_bytes([bytes[0], bytes[1]])
}

/// What `liaison sync` asks of whoever runs a job.
pub const RUN: &str = "run";
/// The same: what is held goes on.
pub const RELEASE: &str = "release";
const OPEN_AFTER: u32 = 12;
const TICK: Duration = Duration::from_millis(200);
const HOUR: i64 = 3_600_000_000;
/// Microseconds that nobody is late by.
const LATE_LEAST: i64 = 60_000_000;
const ASKED_MAX: Duration = Duration::from_secs(3600);
