//! How long to wait after failures.

use crate::stix::Timestamp;
use std::time::Duration;

/// How long to wait after so many failures in a row: twice as long each time, up to 15 minutes, and half of
/// that is left to chance (0 to 65,535), so that many hubs do not come back at once. Never less than the
/// target asks for, if that is a day at most.
pub fn delay(failures: u32, chance: u16, retry_after: Option<Duration>) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
    let jittered = doubled / 2 + doubled / 2 * u32::from(chance) / u32::from(u16::MAX);
    jittered.max(retry_after.unwrap_or_default().min(ASKED_LONGEST))
}

/// What `Retry-After` says (RFC 9110 §10.2.3): seconds, or a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().map_or(ASKED_LONGEST, Duration::from_secs));
    }
    let wait = http_date(value)?.saturating_sub(now.micros().div_euclid(1_000_000));
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

/// A date of HTTP (RFC 9110 §5.6.7) in seconds since 1970.
pub fn http_date(text: &str) -> Option<i64> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    Some(time::PrimitiveDateTime::parse(text, format).ok()?.assume_utc().unix_timestamp())
}

const FIRST: Duration = Duration::from_secs(2);
/// The longest time between two attempts of our own choice.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The longest time that a target may ask for.
pub const ASKED_LONGEST: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_fifteen_minutes_and_half_is_chance() {
        let secs: Vec<_> = (1..=12).map(|failures| delay(failures, u16::MAX, None).as_secs()).collect();
        assert_eq!(secs, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        for failures in 0..40 {
            let (least, most) = (delay(failures, 0, None), delay(failures, u16::MAX, None));
            assert_eq!(least * 2, most);
            let middle = delay(failures, 30_000, None);
            assert!(least < middle && middle < most);
        }
        assert_eq!(delay(u32::MAX, u16::MAX, None), LONGEST);
    }

    #[test]
    fn what_the_target_asks_for_is_the_least_but_not_for_ever() {
        let asked = |secs| delay(1, 0, Some(Duration::from_secs(secs))).as_secs();
        assert_eq!((asked(0), asked(30), asked(3600)), (1, 30, 3600));
        assert_eq!(asked(u64::MAX), 86_400);
        assert_eq!(delay(20, u16::MAX, Some(Duration::from_secs(5))), LONGEST);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("1994-11-06T08:49:07Z").unwrap();
        let secs = |text| retry_after(text, now).map(|time| time.as_secs());
        assert_eq!(secs("120"), Some(120));
        assert_eq!(secs("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(secs("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(secs("99999999999999999999999"), Some(86_400));
        for wrong in ["", "-1", "soon", "1.5", "Sun, 06 Nov 1994"] {
            assert_eq!(secs(wrong), None, "{wrong}");
        }
    }
}
