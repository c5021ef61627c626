//! When a client came, how regularly, and whether it stays away.

use crate::stix::Timestamp;
use serde::{Deserialize, Serialize};

/// Visits of a client. Whatever it asks within seconds, or goes on with, is one visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visits {
    /// When it last asked for anything, in microseconds since 1970.
    last: i64,
    /// When its last visit began.
    begun: i64,
    /// Between the beginnings of the last visits, the oldest first.
    gaps: Vec<i64>,
}

/// How a client stands to its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its interval in seconds: as agreed, or as it has kept it; none if it comes as it likes.
    pub interval_secs: Option<i64>,
    /// It has not come for three of its intervals.
    pub is_late: bool,
}

impl Visits {
    /// The first visit.
    pub fn begun(now: Timestamp) -> Self {
        Self { last: now.micros(), begun: now.micros(), gaps: Vec::new() }
    }

    /// It asks for something.
    pub fn note(&mut self, now: Timestamp, goes_on: bool) {
        let (now, since) = (now.micros(), now.micros() - self.last);
        self.last = now;
        if goes_on || (0..VISIT_MICROS).contains(&since) {
            return;
        }
        // A clock that was set back tells nothing.
        if now > self.begun {
            self.gaps.push(now - self.begun);
            let over = self.gaps.len().saturating_sub(GAPS_MAX);
            self.gaps.drain(..over);
        }
        self.begun = now;
    }

    /// When it last asked for anything.
    pub fn last(&self) -> Timestamp {
        Timestamp::from_micros(self.last)
    }

    /// How it stands, with the interval in minutes that was agreed, if one was.
    pub fn standing(&self, agreed_minutes: Option<u32>, now: Timestamp) -> Standing {
        standing(agreed_minutes.map(|minutes| i64::from(minutes) * MINUTE).or(self.usual()), self.last, now)
    }

    /// What lies between visits mostly, if they are regular.
    fn usual(&self) -> Option<i64> {
        let mut gaps = self.gaps.clone();
        gaps.sort_unstable();
        let at = |quarter: usize| gaps[(gaps.len() - 1) * quarter / 4];
        let is_regular = gaps.len() >= GAPS_MIN && at(3) <= 2 * at(1);
        is_regular.then(|| at(2))
    }
}

impl Standing {
    /// Of a client that has never come, since the server has been running.
    pub fn of_absent(agreed_minutes: Option<u32>, started: Timestamp, now: Timestamp) -> Self {
        standing(agreed_minutes.map(|minutes| i64::from(minutes) * MINUTE), started.micros(), now)
    }
}

fn standing(interval: Option<i64>, since: i64, now: Timestamp) -> Standing {
    let is_late = interval.is_some_and(|interval| now.micros() - since > (INTERVALS * interval).max(MINUTE));
    Standing { interval_secs: interval.map(|micros| micros / 1_000_000), is_late }
}

const MINUTE: i64 = 60_000_000;
/// So many intervals without a visit are too many.
const INTERVALS: i64 = 3;
/// Requests that come sooner after one another are of one visit.
const VISIT_MICROS: i64 = 5_000_000;
/// So many gaps tell an interval at least, and so many are kept.
const GAPS_MIN: usize = 4;
const GAPS_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// Visits at these times, each of three requests.
    fn visits(times: &[i64]) -> Visits {
        let mut visits = Visits::begun(at(times[0]));
        for time in times {
            visits.note(at(*time), false);
            visits.note(at(time + 1), false);
            visits.note(at(time + 20), true);
        }
        visits
    }

    #[test]
    fn who_comes_every_five_minutes_is_late_after_fifteen() {
        // A page took its time, one visit was missed: it is still every five minutes.
        let visits = visits(&[0, 300, 610, 900, 1_210, 1_800, 2_100]);
        let last = visits.last();
        assert_eq!(last, at(2_120));
        let standing = |seconds: i64| visits.standing(None, at(2_120 + seconds));
        assert_eq!(standing(900).interval_secs, Some(300));
        assert!(!standing(900).is_late && standing(931).is_late);
    }

    #[test]
    fn who_comes_as_he_likes_is_never_late_but_by_agreement() {
        let visits = visits(&[0, 100, 5_000, 5_100, 90_000, 90_300, 200_000]);
        assert_eq!(visits.standing(None, at(9_000_000)), Standing { interval_secs: None, is_late: false });
        assert!(visits.standing(Some(15), at(200_020 + 2_701)).is_late);
        assert!(!visits.standing(Some(15), at(200_020 + 2_700)).is_late);
        assert!(!Visits::begun(at(0)).standing(None, at(9_000_000)).is_late);
    }

    #[test]
    fn who_never_came_is_late_by_agreement_alone() {
        assert!(!Standing::of_absent(None, at(0), at(9_000_000)).is_late);
        assert!(!Standing::of_absent(Some(10), at(0), at(1_800)).is_late);
        assert!(Standing::of_absent(Some(10), at(0), at(1_801)).is_late);
    }

    #[test]
    fn a_clock_that_goes_back_harms_nothing() {
        let mut visits = visits(&[1_000, 1_300, 1_600, 1_900, 2_200]);
        visits.note(at(100), false);
        visits.note(at(400), false);
        assert!(visits.gaps.iter().all(|gap| *gap > 0));
        assert_eq!(visits.standing(None, at(400)).interval_secs, Some(300));
        assert!(!visits.standing(None, at(50)).is_late);
    }

    #[test]
    fn who_polls_every_few_seconds_has_a_minute() {
        let visits = visits(&[0, 30, 60, 90, 120, 150]);
        assert!(!visits.standing(None, at(170 + 60)).is_late && visits.standing(None, at(170 + 91)).is_late);
    }
}
