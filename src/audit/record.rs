//! A record: one line of JSON that begins with `n`, `prev`, `at` and `kind`.

use super::event::Event;
use super::hash::Hash;
use serde::{Deserialize, Serialize};

/// Longest record, in bytes: a publication of 100,000 objects that were all refused.
pub const RECORD_MAX_BYTES: usize = 16 * 1024 * 1024;

/// An event in its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Position in the log, from 0.
    pub n: u64,
    /// Leaf hash of the record before; [`Hash::ZERO`] for the first.
    pub prev: Hash,
    /// When it was recorded: RFC 3339, UTC, with microseconds.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Why there is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The time is not written as in all records.
    #[error("`{0}` is not a time as audit records have it: RFC 3339, UTC, with microseconds")]
    Time(String),
    /// The record would be too long for those who read it.
    #[error("the audit record is longer than 16 MiB: divide the request")]
    TooLong,
    /// These bytes are not a record.
    #[error("not an audit record: {0}")]
    Malformed(&'static str),
    /// A record, but not of an event that this version knows.
    #[error("this version cannot read the event: {0}; use the version that wrote it, or a later one")]
    Event(String),
}

impl Record {
    /// The bytes of the record, without a line feed, and its leaf hash.
    pub fn seal(&self) -> Result<(Vec<u8>, Hash), Error> {
        if !is_time(&self.at) {
            return Err(Error::Time(self.at.clone()));
        }
        let bytes = serde_json::to_vec(self).expect("an event has nothing that JSON cannot express");
        if bytes.len() > RECORD_MAX_BYTES {
            return Err(Error::TooLong);
        }
        let leaf = Hash::leaf(&bytes);
        Ok((bytes, leaf))
    }

    /// The record that these bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let Head { n, prev, at, .. } = Head::parse(bytes)?;
        let event = serde_json::from_slice(bytes).map_err(|error| Error::Event(error.to_string()))?;
        Ok(Self { n, prev, at, event })
    }
}

/// The members that every record begins with, also those of events that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Position in the log, from 0.
    pub n: u64,
    /// Leaf hash of the record before.
    pub prev: Hash,
    /// When it was recorded.
    pub at: String,
    /// The name of the event.
    pub kind: String,
}

impl Head {
    /// The head of the record that these bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > RECORD_MAX_BYTES {
            return Err(Error::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Malformed("it is not UTF-8"))?;
        if text.bytes().any(|byte| byte < b' ') || text.ends_with(' ') {
            return Err(Error::Malformed("it is not one line without surplus space"));
        }
        // Reads to the end, and refuses a second member of the same name.
        let head: Self = serde_json::from_str(text)
            .map_err(|_| Error::Malformed("it is not a JSON object with `n`, `prev`, `at` and `kind`"))?;
        let mut start = serde_json::to_string(&head).expect("a head has nothing that JSON cannot express");
        start.pop();
        let follows = text.strip_prefix(&start).is_some_and(|rest| rest.starts_with([',', '}']));
        match follows && is_time(&head.at) {
            true => Ok(head),
            false => {
                Err(Error::Malformed("it does not begin with `n`, `prev`, `at` and `kind` as written here"))
            }
        }
    }
}

/// Is this a time as audit records have it, `2026-11-28T17:30:00.000000Z`?
pub(super) fn is_time(text: &str) -> bool {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == TIME_FORM.len() && text.bytes().zip(TIME_FORM.bytes()).all(fits)
}

const TIME_FORM: &str = "0000-00-00T00:00:00.000000Z";

#[cfg(test)]
mod tests;
