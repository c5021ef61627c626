//! `index.jsonl`: what this CA has issued, one line a certificate.
//!
//! The file is rewritten whole, under the lock: no torn line to recover from, and no history of
//! lines to interpret. Reading and writing 100,000 records takes half a second.

use std::path::Path;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use super::{
    Error, Reason,
    files::{self, Mode},
    show::parse_serial,
};

/// Name of the file in the CA's directory.
pub(super) const FILE: &str = "index.jsonl";

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A partner's client.
    Client,
    /// The hub itself.
    Server,
}

/// One certificate that this CA has issued.
///
/// An unknown field comes from a later release. It is an error, because rewriting the file would
/// lose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Serial number: lower-case hexadecimal, two digits an octet.
    pub serial: String,
    /// What the certificate is for.
    pub kind: Kind,
    /// Organisation id of a client.
    pub org: Option<String>,
    /// Client id of a client.
    pub client: Option<String>,
    /// Start of validity.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of validity.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// SHA-256 of the certificate (DER).
    pub cert_sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo (DER).
    pub spki_sha256: String,
    /// Whether the partner made the key and the hub never had it.
    pub partner_key: bool,
    /// Serial of the certificate that takes this one's place; until then both are valid.
    pub superseded_by: Option<String>,
    /// When it was revoked.
    #[serde(with = "rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
    /// Why it was revoked.
    pub reason: Option<Reason>,
}

/// What a certificate is worth at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The hub accepts it.
    Valid,
    /// It is past its end.
    Expired,
    /// It was revoked, whether or not it has expired since.
    Revoked,
}

/// A record, and its state when it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The certificate.
    #[serde(flatten)]
    pub record: Record,
    /// Its state.
    pub state: State,
}

impl Record {
    /// The state at `now`.
    pub fn state(&self, now: OffsetDateTime) -> State {
        match self.revoked_at {
            Some(_) => State::Revoked,
            None if self.not_after < now => State::Expired,
            None => State::Valid,
        }
    }

    pub(super) fn is_of(&self, org: &str, client: &str) -> bool {
        self.org.as_deref() == Some(org) && self.client.as_deref() == Some(client)
    }

    /// Valid, and no other has taken its place.
    pub(super) fn is_current(&self, now: OffsetDateTime) -> bool {
        self.superseded_by.is_none() && self.state(now) == State::Valid
    }
}

/// Reads all records.
pub(super) fn load(dir: &Path) -> Result<Vec<Record>, Error> {
    let path = dir.join(FILE);
    let text = files::read(&path)?;
    let mut records = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let damaged = |cause: String| Error::damaged(&path)(format!("line {number}: {cause}"));
        let record: Record = serde_json::from_str(line).map_err(|e| damaged(e.to_string()))?;
        if parse_serial(&record.serial).as_deref() != Some(&record.serial) {
            return Err(damaged(format!("{:?} is no serial number", record.serial)));
        }
        records.push(record);
    }
    Ok(records)
}

/// Writes all records.
pub(super) fn store(dir: &Path, records: &[Record]) -> Result<(), Error> {
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, record).map_err(Error::crypto("write a record"))?;
        text.push(b'\n');
    }
    files::write(&dir.join(FILE), &text, Mode::Secret)
}

/// Adds a record and marks those whose place it takes.
pub(super) fn add(
    dir: &Path,
    mut records: Vec<Record>,
    new: Record,
    now: OffsetDateTime,
) -> Result<(), Error> {
    for old in &mut records {
        let same = (old.kind, &old.org, &old.client) == (new.kind, &new.org, &new.client);
        if same && old.is_current(now) {
            old.superseded_by = Some(new.serial.clone());
        }
    }
    records.push(new);
    store(dir, &records)
}
