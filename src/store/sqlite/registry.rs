//! The registry in the database: read by servers, written by `liaison registry apply`.

use super::ledger::Ledger;
use super::open::connect;
use super::outcome::hex;
use crate::audit::{Event, event as audit};
use crate::stix::Timestamp;
use crate::store::Error;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::Path;

/// The registry if its generation is not `known`.
pub(super) fn load(connection: &Connection, known: Option<u64>) -> Result<Option<(u64, String)>, Error> {
    let known = known.map_or(-1, u64::cast_signed);
    let sql = "SELECT generation, text FROM registry WHERE generation <> ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row([known], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?;
    Ok(row.map(|(generation, text)| (generation.cast_unsigned(), text)))
}

/// The generation in force.
pub(super) fn generation(connection: &Connection) -> Result<Option<u64>, Error> {
    let mut statement = connection.prepare_cached("SELECT generation FROM registry")?;
    let row = statement.query_row([], |row| row.get::<_, i64>(0)).optional()?;
    Ok(row.map(i64::cast_unsigned))
}

/// A database as the commands open it that work beside a running server.
pub struct Tool {
    pub(super) connection: Connection,
}

impl Tool {
    /// Opens it, and makes it if it is not there.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, Error> {
        Ok(Self { connection: connect(path, now)? })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The registry as last applied.
    pub fn registry(&self) -> Result<Option<String>, Error> {
        Ok(load(&self.connection, None)?.map(|(_, text)| text))
    }

    /// Records what was done at the machine itself.
    pub fn record(&mut self, events: Vec<Event>, now: Timestamp) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let events = events.into_iter().map(|event| (now, event)).collect();
        Ledger::load(&transaction, None)?.append(&transaction, events)?;
        transaction.commit()?;
        Ok(())
    }

    /// Puts another registry in force if the one in force is still `before`, and records it.
    pub fn apply(
        &mut self,
        before: Option<&str>,
        text: &str,
        change: &Change,
        now: Timestamp,
    ) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let current = load(&transaction, None)?;
        if current.as_ref().map(|(_, text)| text.as_str()) != before {
            return Err(Error::Busy(
                "somebody else has just applied another registry; look at the plan again".to_owned(),
            ));
        }
        let generation = current.map_or(0, |(generation, _)| generation) + 1;
        transaction.execute("DELETE FROM registry", [])?;
        let sql = "INSERT INTO registry (generation, applied, text) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![generation.cast_signed(), now.micros(), text])?;
        let event = Event::Registry(audit::Registry {
            by: change.by.clone(),
            generation,
            changes: change.lines.clone(),
            sha256: hex(&crate::store::sha256(text.as_bytes())),
            reason: change.reason.clone(),
        });
        Ledger::load(&transaction, None)?.append(&transaction, vec![(now, event)])?;
        transaction.commit()?;
        Ok(())
    }
}

/// What the audit log is to tell of another registry.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Who puts it in force: an account of the operating system.
    pub by: String,
    /// What changes, one sentence each.
    pub lines: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}
