//! What somebody has confirmed although a warning list names it (governance §12.2).

use super::ledger::Ledger;
use super::registry::Tool;
use crate::audit::Event;
use crate::stix::Timestamp;
use crate::store::Error;
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::HashSet;

/// All of it: object, list and its version.
pub(super) fn load(connection: &Connection) -> Result<HashSet<(String, String, u64)>, Error> {
    let mut statement = connection.prepare_cached("SELECT object, list, version FROM confirmed")?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Tool {
    /// What was confirmed so far.
    pub fn confirmed(&self) -> Result<HashSet<(String, String, u64)>, Error> {
        load(&self.connection)
    }

    /// Confirms what objects name, each on a list of a version; recorded, and known to running servers
    /// within a second.
    pub fn confirm(
        &mut self,
        named: &[(String, String, u64)],
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut events = Vec::new();
        for (id, list, version) in named {
            let sql = "INSERT OR REPLACE INTO confirmed (object, list, version, who, at) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.execute(sql, params![id, list, version.cast_signed(), by, now.micros()])?;
            let (by, id, list, version) = (by.to_owned(), id.clone(), list.clone(), *version);
            events.push((now, Event::Confirmed { by, id, list, version }));
        }
        // As after a change of the registry, servers look at everything anew.
        transaction.execute("UPDATE registry SET generation = generation + 1", [])?;
        Ledger::load(&transaction, None)?.append(&transaction, events)?;
        transaction.commit()?;
        Ok(())
    }
}
