//! How far sync jobs have come.

use crate::store::{Error, Mark};
use rusqlite::{Connection, OptionalExtension, params};

/// What was kept last.
pub(super) fn load(connection: &Connection, job: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut statement = connection.prepare_cached("SELECT position FROM sync_mark WHERE job = ?1")?;
    Ok(statement.query_row([job], |row| row.get(0)).optional()?)
}

/// Keeps it, in the transaction that is open.
pub(super) fn keep(connection: &Connection, mark: &Mark) -> Result<(), Error> {
    let sql = "INSERT OR REPLACE INTO sync_mark (job, position) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![mark.job, mark.position])?;
    Ok(())
}
