//! Who has come, and how far each organisation has fetched.

use crate::freshness::Kept;
use crate::store::Error;
use rusqlite::{Connection, OptionalExtension};

/// What was kept last; nothing yet in a new database.
pub(super) fn load(connection: &Connection) -> Result<Kept, Error> {
    let sql = "SELECT value FROM meta WHERE name = 'freshness'";
    let text: Option<Vec<u8>> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let damaged = |error| Error::Damaged(format!("table meta, row freshness: {error}"));
    text.map_or_else(|| Ok(Kept::default()), |text| serde_json::from_slice(&text).map_err(damaged))
}

/// Keeps it, in the transaction that is open.
pub(super) fn keep(connection: &Connection, kept: &Kept) -> Result<(), Error> {
    let text = serde_json::to_vec(kept).map_err(|error| Error::Backend(error.to_string()))?;
    let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES ('freshness', ?1)";
    connection.prepare_cached(sql)?.execute([text])?;
    Ok(())
}
