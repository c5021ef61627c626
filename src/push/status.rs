//! How a push went, and when to try again.

use super::{Failure, backoff};
use crate::stix::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How a push went. If it is lost, nothing but time is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// What of the export the target has as a whole, and which target that is.
    pub version: Option<String>,
    /// When it last had all of it.
    pub last_success: Option<String>,
    /// Rows that wait for being sent or deleted.
    pub waiting: usize,
    /// Rows that the target has refused; they are sent again when they change, or by hand.
    pub refused: usize,
    /// Failures since then.
    pub failures: u32,
    /// Not to be tried before.
    pub next_try: Option<String>,
    /// What the last failure was.
    pub last_error: Option<String>,
}

impl Status {
    /// Reads it; as if nothing had been done yet, if there is none.
    pub fn read(dir: &Path, id: &str) -> Self {
        let bytes = fs::read(path(dir, id, "json")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes it, as a whole or not at all.
    pub fn write(&self, dir: &Path, id: &str) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let beside = path(dir, id, "json.new");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o640).open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(beside, path(dir, id, "json"))
    }

    /// Is it time to try again? A clock that was set back must not stop it.
    pub fn is_time(&self, now: Timestamp) -> bool {
        let Some(next) = self.next_try.as_deref().and_then(Timestamp::parse) else { return true };
        let wait = next.micros().saturating_sub(now.micros());
        wait <= 0 || wait > micros(backoff::ASKED_LONGEST)
    }

    /// The target has all of it.
    pub(super) fn succeeded(&mut self, version: String, now: Timestamp) {
        self.version = Some(version);
        self.last_success = Some(now.to_string());
        (self.waiting, self.failures, self.next_try, self.last_error) = (0, 0, None, None);
    }

    /// It does not, and waits.
    pub fn failed(&mut self, failure: &Failure, chance: u16, now: Timestamp) {
        self.version = None;
        self.last_error = Some(failure.to_string());
        if *failure == Failure::Stopped {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let delay = backoff::delay(self.failures, chance, failure.retry_after());
        self.next_try = Some(Timestamp::from_micros(now.micros().saturating_add(micros(delay))).to_string());
    }
}

/// A file of a push, beside those of its export.
pub(super) fn path(dir: &Path, id: &str, ending: &str) -> PathBuf {
    dir.join(format!(".push-{id}.{ending}"))
}

fn micros(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_micros(secs * 1_000_000)
    }

    #[test]
    fn after_failures_it_waits_longer_and_after_a_success_not_at_all() {
        let mut status = Status::default();
        assert!(status.is_time(at(0)));
        status.failed(&Failure::Failed("x".to_owned()), u16::MAX, at(100));
        assert!(!status.is_time(at(101)) && status.is_time(at(102)));
        status.failed(&Failure::Wait { what: "y".to_owned(), time: Duration::from_secs(60) }, 0, at(102));
        assert!(!status.is_time(at(161)) && status.is_time(at(162)));
        assert_eq!((status.failures, status.last_error.as_deref()), (2, Some("y; it asks to wait 60 s")));
        status.succeeded("v".to_owned(), at(162));
        assert!(status.is_time(at(162)) && status.failures == 0 && status.last_error.is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_it() {
        let mut status = Status::default();
        status.failed(&Failure::Failed("x".to_owned()), 0, at(1_000_000));
        assert!(status.is_time(at(100)) && !status.is_time(at(1_000_000)));
    }

    #[test]
    fn stopping_is_no_failure_but_leaves_it_unfinished() {
        let mut status = Status { version: Some("v".to_owned()), ..Status::default() };
        status.failed(&Failure::Stopped, 0, at(0));
        assert!(status.version.is_none() && status.failures == 0 && status.is_time(at(0)));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_a_damaged_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut status = Status::default();
        status.failed(&Failure::Failed("x".to_owned()), 0, at(5));
        status.write(dir.path(), "p").unwrap();
        assert_eq!(Status::read(dir.path(), "p"), status);
        fs::write(path(dir.path(), "p", "json"), "{").unwrap();
        assert_eq!(Status::read(dir.path(), "p"), Status::default());
    }
}
