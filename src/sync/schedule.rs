//! When a job is due: every so often, or at the times that a cron expression names. Pure.
//!
//! The scheduler asks [`Schedule::next_after`] with the start of the last run, which it keeps across restarts,
//! waits until then and starts the job. Asking again while it waits changes nothing, so it may wake up every
//! minute to notice a clock that was set.

mod wall;

#[cfg(test)]
mod tests;

use std::time::Duration;
use wall::WallClock;

/// The keys of a job that say when it runs.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// How long from one start to the next: `"5m"`.
    pub every: Option<String>,
    /// At which times: minute, hour, day of month, month, day of week.
    pub cron: Option<String>,
    /// Where the clock of `cron` hangs: `"Europe/Berlin"`; UTC if not said.
    pub timezone: Option<String>,
    /// How much later a run may start, by chance; a tenth of the interval, at most a minute, if not said.
    pub jitter: Option<String>,
    /// Is one run made up for if the program was down at a time of `cron`? Yes if not said.
    pub catch_up: Option<bool>,
}

/// When a job is due.
#[derive(Debug, Clone)]
pub struct Schedule {
    times: Times,
    /// In microseconds; `None` is the default.
    jitter: Option<i64>,
}

#[derive(Debug, Clone)]
enum Times {
    /// So many microseconds from one start to the next.
    Every(i64),
    Cron {
        clock: Box<WallClock>,
        catch_up: bool,
    },
}

impl Schedule {
    /// Reads the keys of a job; an error says what is wrong, and what would be right.
    pub fn parse(keys: &Keys) -> Result<Self, String> {
        let jitter = keys.jitter.as_deref().map(|text| period("jitter", text, "30s")).transpose()?;
        let times = match (&keys.every, &keys.cron) {
            (Some(every), None) => Times::Every(interval(keys, every, jitter)?),
            (None, Some(cron)) => Times::Cron {
                clock: Box::new(WallClock::parse(cron, keys.timezone.as_deref().unwrap_or("UTC"))?),
                catch_up: keys.catch_up.unwrap_or(true),
            },
            (Some(_), Some(_)) => {
                return Err("`every` and `cron` exclude each other: remove one of them".to_owned());
            }
            (None, None) => {
                return Err(
                    "say when the job runs: every = \"5m\", or cron = \"*/10 6-20 * * MON-FRI\"".to_owned()
                );
            }
        };
        Ok(Self { times, jitter })
    }

    /// When the job is due next: now or later, in microseconds since 1970.
    ///
    /// `last_start` is when the last run started, by the same clock; `chance` says how much of the jitter this
    /// run gets, and stays the same until the job has run.
    ///
    /// * `every`: an interval after the last start, at once if there was none.
    /// * `cron`: at the first time after the last start. Is that past, at once: so one run makes up for
    ///   however many were missed. Without `catch_up`, and if the job never ran, times that are more than a
    ///   minute past do not count.
    /// * A last start in the future means that the clock was set back. It says nothing any more: `every` runs
    ///   at once, `cron` at its next time.
    pub fn next_after(&self, now: i64, last_start: Option<i64>, chance: u16) -> i64 {
        let last_start = last_start.filter(|start| *start <= now.saturating_add(GRACE));
        let due = match &self.times {
            Times::Every(interval) => last_start.map_or(now, |start| {
                start.saturating_add(*interval).saturating_add(self.delay(*interval, chance))
            }),
            Times::Cron { clock, catch_up } => {
                let counts =
                    |due: i64| (*catch_up && last_start.is_some()) || due > now.saturating_sub(GRACE);
                let since = if *catch_up { last_start } else { None };
                let from = since.unwrap_or_else(|| {
                    let recent = now.saturating_sub(GRACE + self.jitter.unwrap_or(LONGEST_DEFAULT_JITTER));
                    last_start.map_or(recent, |start| start.max(recent))
                });
                clock
                    .after(from)
                    .map(|time| time.saturating_add(self.delay(clock.gap_after(time), chance)))
                    .find(|due| counts(*due))
                    .unwrap_or(i64::MAX)
            }
        };
        due.max(now)
    }

    /// How far runs lie apart around this time. Of `cron` it is the time from the run before to the run after,
    /// which may be a night or a weekend.
    pub fn interval(&self, around: i64) -> Duration {
        let micros = match &self.times {
            Times::Every(interval) => *interval,
            Times::Cron { clock, .. } => clock.gap_around(around),
        };
        Duration::from_micros(micros.unsigned_abs())
    }

    /// How many runs should have started after `since` and up to now, counted up to `at_most`. A peer that has
    /// missed three of them is late, whatever nights and weekends lie between.
    pub fn missed(&self, since: i64, now: i64, at_most: u16) -> u16 {
        match &self.times {
            Times::Every(interval) => {
                let late = now.saturating_sub(since) / (interval + self.delay(*interval, u16::MAX));
                u16::try_from(late.max(0)).unwrap_or(u16::MAX).min(at_most)
            }
            Times::Cron { clock, .. } => {
                let latest = |time: i64| time.saturating_add(self.delay(clock.gap_after(time), u16::MAX));
                let missed = clock.after(since).take(at_most.into()).take_while(|time| latest(*time) <= now);
                u16::try_from(missed.count()).unwrap_or(at_most)
            }
        }
    }

    /// The schedule in words.
    pub fn describe(&self) -> String {
        let (mut text, jitter) = match &self.times {
            Times::Every(interval) => {
                (format!("every {}", in_words(*interval)), self.delay(*interval, u16::MAX))
            }
            Times::Cron { clock, .. } => (
                format!("at `{}` in {}", clock.expression(), clock.timezone()),
                self.jitter.unwrap_or(LONGEST_DEFAULT_JITTER),
            ),
        };
        if jitter > 0 {
            text.push_str(&format!(", up to {} later by chance", in_words(jitter)));
        }
        if matches!(self.times, Times::Cron { catch_up: false, .. }) {
            text.push_str("; missed runs are left out");
        }
        text
    }

    /// The part of the jitter that falls to a run with this interval after it: never so much that the next run
    /// is reached.
    fn delay(&self, interval: i64, chance: u16) -> i64 {
        let longest = self.jitter.unwrap_or_else(|| (interval / 10).min(LONGEST_DEFAULT_JITTER));
        let longest = i128::from(longest.min(interval));
        i64::try_from(longest * i128::from(chance) / i128::from(u16::MAX)).unwrap_or(0)
    }
}

/// `every`, and that the other keys go with it.
fn interval(keys: &Keys, every: &str, jitter: Option<i64>) -> Result<i64, String> {
    for (name, is_set) in [("timezone", keys.timezone.is_some()), ("catch_up", keys.catch_up.is_some())] {
        if is_set {
            return Err(format!("`{name}` goes with `cron`, not with `every`: remove it"));
        }
    }
    let interval = period("every", every, "5m")?;
    if interval == 0 {
        return Err("`every` is nothing at all; write a number and s, m, h or d: every = \"5m\"".to_owned());
    }
    if jitter.is_some_and(|jitter| jitter > interval) {
        return Err("`jitter` is longer than `every`: write less, such as a tenth of it".to_owned());
    }
    Ok(interval)
}

/// A number and a unit, in microseconds.
fn period(key: &str, text: &str, example: &str) -> Result<i64, String> {
    let wrong = |why: &str| {
        format!("`{key}` is `{text}`, {why}; write a number and s, m, h or d: {key} = \"{example}\"")
    };
    let unit = text.chars().next_back().and_then(|last| UNITS.iter().find(|(unit, ..)| *unit == last));
    let (unit, _, micros) = unit.ok_or_else(|| wrong("which ends in no unit"))?;
    let digits = text.strip_suffix(*unit).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let count: Option<i64> = digits.and_then(|digits| digits.parse().ok());
    let count = count.ok_or_else(|| wrong("which is no whole number and a unit"))?;
    let whole = count.checked_mul(*micros).filter(|micros| *micros <= LONGEST);
    whole.ok_or_else(|| wrong("which is more than 366 days"))
}

/// `1 h 30 min`; fractions of a second are left out, except below one.
fn in_words(mut micros: i64) -> String {
    if micros < SECOND {
        return format!("{} ms", micros / 1000);
    }
    let mut words = Vec::new();
    for (_, name, unit) in UNITS.iter().rev() {
        if micros >= *unit {
            words.push(format!("{} {name}", micros / unit));
            micros %= unit;
        }
    }
    words.join(" ")
}

const SECOND: i64 = 1_000_000;

/// Letter, name and microseconds, from small to large.
const UNITS: [(char, &str, i64); 4] = [
    ('s', "s", SECOND),
    ('m', "min", 60 * SECOND),
    ('h', "h", 3600 * SECOND),
    ('d', "d", 24 * 3600 * SECOND),
];

/// The longest period that can be written.
const LONGEST: i64 = 366 * 24 * 3600 * SECOND;

/// What jitter is at most if nobody says.
const LONGEST_DEFAULT_JITTER: i64 = 60 * SECOND;

/// Clocks are corrected and programs wake up late by less than this.
const GRACE: i64 = 60 * SECOND;
