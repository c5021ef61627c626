//! The times that a cron expression names on the clocks of a time zone. Nothing else here knows `chrono`.
//!
//! The expression speaks of local time, which the change to and from summer time makes uneven:
//!
//! * A time that does not exist is taken at the next instant that does, once for all that do not exist.
//! * A time that comes twice is taken once, the first time it comes. Except for jobs that run through that hour
//!   and those around it, which would otherwise pause: those run on.

use chrono::offset::LocalResult;
use chrono::{DateTime, Duration, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// A cron expression, and where the clock hangs.
#[derive(Debug, Clone)]
pub(super) struct WallClock {
    cron: Cron,
    zone: Tz,
    expression: String,
}

impl WallClock {
    /// Five fields, and a name of the IANA time zone database.
    pub(super) fn parse(expression: &str, timezone: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("`cron` is `{expression}`, {why}; {EXAMPLE}");
        let zone = timezone.parse().map_err(|_| {
            format!(
                "`timezone` is `{timezone}`, which is no name of the IANA time zone database; \
                 an example is timezone = \"Europe/Berlin\""
            )
        })?;
        let fields = expression.split_whitespace().count();
        if fields != 5 && !expression.trim_start().starts_with('@') {
            return Err(wrong(format!("which has {fields} fields, not five")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron =
            parser.parse(expression).map_err(|error| wrong(format!("which cannot be read ({error})")))?;
        let clock = Self { cron, zone, expression: expression.trim().to_owned() };
        if clock.after(0).next().is_none() {
            return Err(wrong("a time that never comes".to_owned()));
        }
        Ok(clock)
    }

    pub(super) fn expression(&self) -> &str {
        &self.expression
    }

    pub(super) fn timezone(&self) -> &'static str {
        self.zone.name()
    }

    /// The times after this one, all in microseconds since 1970, soonest first.
    pub(super) fn after(&self, micros: i64) -> impl Iterator<Item = i64> {
        // Before 1970 there were no jobs, and years of five digits would be searched day by day.
        let next = |seconds: i64| if seconds < END { self.next(seconds.max(0)) } else { None };
        std::iter::successors(next(micros.div_euclid(SECOND)), move |seconds| next(*seconds))
            .map(|seconds| seconds * SECOND)
    }

    /// From this time to the next.
    pub(super) fn gap_after(&self, micros: i64) -> i64 {
        self.after(micros).next().map_or(0, |next| next.saturating_sub(micros))
    }

    /// From the last time up to this one to the next.
    pub(super) fn gap_around(&self, micros: i64) -> i64 {
        let before = self.last(micros.div_euclid(SECOND).clamp(0, END)).map(|seconds| seconds * SECOND);
        self.gap_after(before.unwrap_or(micros))
    }

    fn next(&self, seconds: i64) -> Option<i64> {
        let local = DateTime::from_timestamp(seconds, 0)?.with_timezone(&self.zone).naive_local();
        let once = self.walk(local).map_while(|time| self.first_instant(time)).find(|found| *found > seconds);
        let again = self.next_repeated(seconds, local);
        [once, again].into_iter().flatten().min()
    }

    /// The next time in the hour that comes twice, when it comes the second time.
    fn next_repeated(&self, seconds: i64, local: NaiveDateTime) -> Option<i64> {
        let LocalResult::Ambiguous(_, second) = self.zone.from_local_datetime(&local) else { return None };
        // What the clock would show if it had been set back already.
        let shown = local - Duration::seconds(second.timestamp() - seconds);
        for time in self.walk(shown) {
            match self.zone.from_local_datetime(&time) {
                LocalResult::Ambiguous(_, second) if self.runs_through(time.hour()) => {
                    return Some(second.timestamp());
                }
                LocalResult::Ambiguous(..) => {}
                _ if time > local => return None,
                _ => {}
            }
        }
        None
    }

    /// The last time up to this one; of times that come twice, the first.
    fn last(&self, seconds: i64) -> Option<i64> {
        let local = DateTime::from_timestamp(seconds, 0)?.with_timezone(&self.zone).naive_local();
        self.first_instant(self.cron.find_previous_occurrence(&local, true).ok()?)
    }

    /// The local times that the expression names after this one.
    fn walk(&self, local: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let next = |time: &NaiveDateTime| self.cron.find_next_occurrence(time, false).ok();
        std::iter::successors(next(&local), next)
    }

    /// When clocks show this for the first time, or, if they skip it, when they go on.
    fn first_instant(&self, local: NaiveDateTime) -> Option<i64> {
        let shown = (0..=LONGEST_SKIP_MINUTES).find_map(|minutes| {
            let later = local.checked_add_signed(Duration::minutes(minutes))?;
            self.zone.from_local_datetime(&later).earliest()
        })?;
        Some(shown.timestamp())
    }

    /// Does the job run in this hour, the one before and the one after?
    fn runs_through(&self, hour: u32) -> bool {
        [23, 0, 1].iter().all(|shift| self.cron.pattern.hour_match((hour + shift) % 24).unwrap_or(false))
    }
}

const SECOND: i64 = 1_000_000;

/// The year 3000.
const END: i64 = 32_503_680_000;

/// Islands that changed sides of the date line skipped a day.
const LONGEST_SKIP_MINUTES: i64 = 25 * 60;

const EXAMPLE: &str = "write minute, hour, day of month, month and day of week: \
    cron = \"*/10 6-20 * * MON-FRI\" is every ten minutes from 6:00 to 20:50, Monday to Friday";
