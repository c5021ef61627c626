//! Signing checkpoints, never two that contradict each other.

use super::look;
use crate::audit::{Checkpoint, Event, Signer};
use crate::stix::Timestamp;
use crate::store::Error;
use crate::store::sqlite::writer::Work;
use rusqlite::params;

/// Signs what the transaction found, which is on disk, and stores the note with the transaction.
pub(in crate::store::sqlite) fn checkpoint(
    work: &mut Work,
    signer: &Signer,
    now: Timestamp,
    even_if_idle: bool,
) -> Result<Option<String>, Error> {
    let (size, root) = {
        let ledger = work.ledger()?;
        (ledger.size(), ledger.root())
    };
    let last = match look::latest(&work.transaction)? {
        None => None,
        Some(note) => Some(look::open(&note, &look::keys(&work.transaction)?)?),
    };
    if let Some(last) = &last {
        holds(work, last, size)?;
        // The record of the last checkpoint is no reason for another one.
        let is_idle = size == last.size + 1 && !even_if_idle;
        if size == last.size || is_idle {
            return Ok(None);
        }
    }
    if size == 0 {
        return Ok(None);
    }
    let checkpoint =
        Checkpoint { origin: signer.verifier().name().to_owned(), size, root, time: now.to_string() };
    let note = checkpoint.sign(signer).map_err(|error| Error::Backend(error.to_string()))?;
    let sql = "INSERT OR IGNORE INTO audit_key (vkey, since) VALUES (?1, ?2)";
    work.transaction.execute(sql, params![signer.verifier().to_string(), now.micros()])?;
    let sql = "INSERT INTO audit_checkpoint (size, note) VALUES (?1, ?2)";
    work.transaction.execute(sql, params![size.cast_signed(), note])?;
    work.record(now, Event::Checkpoint { size, root });
    Ok(Some(note))
}

/// Does the log of `size` records still begin as the checkpoint says?
fn holds(work: &Work, last: &Checkpoint, size: u64) -> Result<(), Error> {
    let fails = |what: &str| {
        Err(Error::Damaged(format!(
            "no checkpoint is signed: {what} its checkpoint of {} records; find out with `liaison audit verify`, and restore a backup",
            last.size
        )))
    };
    if last.size > size {
        return fails("the audit log is shorter than");
    }
    match look::root(&work.transaction, last.size)? == last.root {
        true => Ok(()),
        false => fails("the audit log has changed since"),
    }
}
