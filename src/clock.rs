//! The one place where the system clock is read; everything else takes the time as a value.

use crate::stix::Timestamp;

/// Tells the time.
#[derive(Clone, Copy)]
pub struct Clock(fn() -> Timestamp);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(system_now)
    }

    /// A clock that a test sets.
    pub fn from_fn(now: fn() -> Timestamp) -> Self {
        Self(now)
    }

    /// Now.
    pub fn now(self) -> Timestamp {
        (self.0)()
    }

    /// Now, as certificates count it.
    pub fn now_utc(self) -> time::OffsetDateTime {
        let nanos = i128::from(self.now().micros()) * 1000;
        time::OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place")]
fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
