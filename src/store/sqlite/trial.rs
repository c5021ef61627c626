//! Trying out: a batch is judged as if it were added, and everything is as it was before.

use super::add::{Adding, Verdict};
use super::family::family;
use super::writer::Work;
use crate::stix::StixTime;
use crate::store::{Batch, Entry, Error, Tried};
use std::sync::Arc;

/// Judges a batch without leaving a trace.
pub(super) fn try_out(work: &mut Work, batch: Batch) -> Result<Vec<Tried>, Error> {
    let (classes, collections) = (work.classes.clone(), work.collections.clone());
    let changed = work.changed.clone();
    work.transaction.execute_batch("SAVEPOINT trial")?;
    let found = judge(work, batch);
    work.transaction.execute_batch("ROLLBACK TO trial; RELEASE trial")?;
    (work.classes, work.collections, work.changed) = (classes, collections, changed);
    found
}

fn judge(work: &mut Work, batch: Batch) -> Result<Vec<Tried>, Error> {
    let coll = work.collection(&batch.collection)?.pk;
    let (collection, received) = (&batch.collection, batch.received.micros());
    let mut adding = Adding::new(work).without_holding();
    let (mut tried, mut rows) = (Vec::with_capacity(batch.entries.len()), Vec::new());
    for entry in batch.entries {
        let prepared = match entry {
            Entry::Refused(label, code, message) => {
                tried.push(Tried { label, verdict: Err((code, message)), handling: None });
                continue;
            }
            Entry::Known(label, remark) => {
                tried.push(Tried { label, verdict: Ok(Some(remark.to_owned())), handling: None });
                continue;
            }
            Entry::Companion(_) => continue,
            Entry::Admitted(prepared) => prepared,
        };
        let (label, hash, remark) = (prepared.label(), prepared.id_hash, prepared.remark());
        let handling = prepared.admitted.handling().clone();
        let id = prepared.admitted.object().id().to_string();
        let (verdict, handling) = match adding.judge(collection, coll, prepared, received)? {
            Verdict::Refused(why) => (Err((why.code, why.text.to_owned())), None),
            Verdict::Present => {
                let stored = family(adding.work, coll, &id, hash)?;
                let version = StixTime::parse(&label.version);
                let stored = stored.into_iter().find(|member| Some(&member.version) == version.as_ref());
                let stored = stored.map(|member| member.handling).filter(|one| one.owner == handling.owner);
                (Ok(Some(crate::taxii::resource::PRESENT.to_owned())), Some(stored.unwrap_or(handling)))
            }
            Verdict::Stored | Verdict::Waits(_) => {
                let at = adding.rows.get(collection).map_or(0, Vec::len).saturating_sub(1);
                rows.push((tried.len(), at));
                (Ok(remark), Some(handling))
            }
        };
        tried.push(Tried { label, verdict, handling });
    }
    // What comes later may raise what came before, so levels are read when all is judged.
    for (entry, at) in rows {
        let row = adding.rows.get(collection).and_then(|rows| rows.get(at));
        let raised = row.and_then(|row| adding.work.classes.handling(row.class.handling));
        tried[entry].handling = raised.map(Arc::clone).or(tried[entry].handling.take());
    }
    Ok(tried)
}
