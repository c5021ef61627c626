//! Moving the log into the database file.

use crate::store::Error;
use rusqlite::Connection;

/// Moves the log into the database file when it has grown. Not left to SQLite, which would not
/// tell that it failed; an error is one after which the writer must stop. If something was erased,
/// nothing of it is to be left in the log.
pub(super) fn checkpoint(connection: &Connection, logged: &mut usize, wipes: &mut bool) -> Result<(), ()> {
    if *logged < CHECKPOINT_BYTES && !*wipes {
        return Ok(());
    }
    let sql = if *wipes { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "PRAGMA wal_checkpoint(PASSIVE)" };
    match connection.query_row(sql, [], |row| row.get::<_, bool>(0)) {
        Ok(is_busy) => {
            *logged = 0;
            // Somebody still reads from the log: it is tried again after the next commit.
            *wipes &= is_busy;
            Ok(())
        }
        Err(error) if is_sync(&error) => {
            tracing::error!(%error, "the disk did not take what was written; stopping");
            Err(())
        }
        // For want of space, say: the log keeps everything until it works.
        Err(error) => {
            tracing::warn!(%error, "the log could not be moved into the database file yet");
            Ok(())
        }
    }
}

/// Empties the log at the start: a process that ended early may have left in it what it had erased.
pub(super) fn empty_log(connection: &Connection) -> Result<(), Error> {
    match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        Err(error) if is_sync(&error) => Err(error.into()),
        // For want of space, say: nothing is lost by waiting.
        Err(error) => {
            tracing::warn!(%error, "the log could not be moved into the database file yet");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Did the system fail to bring to the disk what it had taken?
fn is_sync(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(rusqlite::ffi::SQLITE_IOERR_FSYNC | rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC))
}

/// The log is moved into the database file when it has about so many bytes.
const CHECKPOINT_BYTES: usize = 16 * 1024 * 1024;
