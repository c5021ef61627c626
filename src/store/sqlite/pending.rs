//! Objects that wait for release: put aside when they come in, and what the statuses of their POSTs say once
//! an officer has decided.

use super::add::{Adding, detail};
use super::compare::form_of;
use super::objection::{Objection, TOO_MANY_WAITING, WAITING_CONFLICT};
use super::rows::version_key;
use super::writer::Work;
use crate::stix::{StixTime, Timestamp};
use crate::store::{Batch, Error, Prepared};
use crate::taxii::resource::{Progress, Status, StatusDetail, WAITS_FOR_RELEASE};
use rusqlite::{OptionalExtension, params};
use std::collections::{BTreeMap, HashMap};

/// Objects of one organisation that may wait.
const WAITING_MAX: u64 = 100_000;

/// What waits, by organisation, as far as a transaction had to count it.
pub(super) type Counts = HashMap<String, u64>;

impl Adding<'_, '_> {
    /// Puts an object aside, or finds it there already; what its status says of it.
    pub(super) fn hold(
        &mut self,
        batch: &Batch,
        prepared: &Prepared,
    ) -> Result<Result<StatusDetail, Objection>, Error> {
        let object = prepared.admitted.object();
        let submission = match self.waiting(&batch.collection, prepared)? {
            Some((submission, true)) => submission,
            Some((_, false)) => return Ok(Err(WAITING_CONFLICT)),
            None if self.count(prepared.admitted.sender())? >= WAITING_MAX => {
                return Ok(Err(TOO_MANY_WAITING));
            }
            None => self.put_aside(batch, prepared)?,
        };
        let sql = "INSERT OR IGNORE INTO pending_status (submission, status) VALUES (?1, ?2)";
        self.work.transaction.prepare_cached(sql)?.execute([&submission, &batch.status_id])?;
        let sent_as = prepared.sent_as.as_ref().map(|label| format!("; it was sent as {}", label.id));
        let message = format!("{WAITS_FOR_RELEASE} (submission {submission}){}", sent_as.unwrap_or_default());
        let (id, version) = (object.id().to_string(), object.version().as_str().to_owned());
        Ok(Ok(detail(id, version, Some(message))))
    }

    /// The same version, of a marking any, if it waits already, and whether with the same content.
    pub(super) fn waiting(
        &self,
        collection: &str,
        prepared: &Prepared,
    ) -> Result<Option<(String, bool)>, Error> {
        let object = prepared.admitted.object();
        let sql = "SELECT submission, sha256, json FROM pending WHERE organisation = ?1 AND collection = ?2 AND id = ?3 AND (?5 OR version_key = ?4)";
        let mut statement = self.work.transaction.prepare_cached(sql)?;
        let (sender, key) = (prepared.admitted.sender(), version_key(object.version()));
        let found = statement
            .query_row(params![sender, collection, object.id().as_str(), key, object.is_marking()], |row| {
                Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
            })
            .optional()?;
        Ok(found.map(|(submission, sha256, json)| {
            let is_same = || form_of(&json).is_some_and(|form| form_of(object.json()) == Some(form));
            (submission, sha256 == prepared.sha256 || is_same())
        }))
    }

    fn count(&mut self, organisation: &str) -> Result<u64, Error> {
        if let Some(count) = self.waiting_counts.get(organisation) {
            return Ok(*count);
        }
        let sql = "SELECT count(*) FROM pending WHERE organisation = ?1";
        let count: i64 = self.work.transaction.query_row(sql, [organisation], |row| row.get(0))?;
        self.waiting_counts.insert(organisation.to_owned(), count.cast_unsigned());
        Ok(count.cast_unsigned())
    }

    fn put_aside(&mut self, batch: &Batch, prepared: &Prepared) -> Result<String, Error> {
        let admitted = &prepared.admitted;
        let (object, organisation) = (admitted.object(), admitted.sender());
        let submission = uuid::Uuid::new_v4().to_string();
        let handling = serde_json::to_string(&**admitted.handling())
            .map_err(|error| Error::Backend(error.to_string()))?;
        let sql = "INSERT INTO pending (submission, organisation, number, client, key, api_root, collection, received, id, version, version_key, name, handling, retention_until, sha256, json)
             VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM pending WHERE organisation = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
        self.work.transaction.prepare_cached(sql)?.execute(params![
            submission,
            organisation,
            batch.client,
            batch.key,
            batch.api_root,
            batch.collection,
            batch.received.micros(),
            object.id().as_str(),
            object.version().as_str(),
            version_key(object.version()),
            prepared.name,
            handling,
            admitted.retention_until(),
            prepared.sha256,
            object.json().as_ref(),
        ])?;
        *self.waiting_counts.entry(organisation.to_string()).or_default() += 1;
        Ok(submission)
    }
}

/// What the statuses that tell of a submission are to say now.
pub(super) struct Resolution {
    pub submission: String,
    pub id: String,
    pub version: String,
    /// A success, or a failure.
    pub released: bool,
    pub message: String,
}

/// Takes submissions off the list, and tells every status of them.
pub(super) fn resolve(work: &Work, resolutions: &[Resolution], now: Timestamp) -> Result<(), Error> {
    let mut by_status: BTreeMap<String, Vec<&Resolution>> = BTreeMap::new();
    {
        let sql = "SELECT status FROM pending_status WHERE submission = ?1";
        let mut statuses = work.transaction.prepare_cached(sql)?;
        for resolution in resolutions {
            let mut rows = statuses.query([&resolution.submission])?;
            while let Some(row) = rows.next()? {
                by_status.entry(row.get(0)?).or_default().push(resolution);
            }
        }
    }
    for resolution in resolutions {
        let sql = "DELETE FROM pending_status WHERE submission = ?1";
        work.transaction.prepare_cached(sql)?.execute([&resolution.submission])?;
    }
    by_status.iter().try_for_each(|(status, found)| update(work, status, found, now))
}

fn update(work: &Work, id: &str, found: &[&Resolution], now: Timestamp) -> Result<(), Error> {
    let sql = "SELECT body FROM status WHERE id = ?1";
    let body: Option<Vec<u8>> = work.transaction.query_row(sql, [id], |row| row.get(0)).optional()?;
    let Some(body) = body else { return Ok(()) };
    let damaged = |error: serde_json::Error| Error::Damaged(format!("table status, id {id}: {error}"));
    let mut status: Status = serde_json::from_slice(&body).map_err(damaged)?;
    settle(&mut status, found);
    let completed = (status.status == Progress::Complete).then(|| now.micros());
    let body = serde_json::to_vec(&status).map_err(|error| Error::Backend(error.to_string()))?;
    let sql = "UPDATE status SET body = ?2, completed = ?3 WHERE id = ?1";
    work.transaction.prepare_cached(sql)?.execute(params![id, body, completed])?;
    Ok(())
}

/// Moves what is decided from `pendings` to where it belongs.
fn settle(status: &mut Status, found: &[&Resolution]) {
    let mut by_id: HashMap<&str, Vec<(Option<StixTime>, &Resolution)>> = HashMap::new();
    for resolution in found {
        let version = StixTime::parse(&resolution.version);
        by_id.entry(&resolution.id).or_default().push((version, resolution));
    }
    for waiting in std::mem::take(&mut status.pendings) {
        let version = StixTime::parse(&waiting.version);
        let of_id = by_id.get(waiting.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        match of_id.iter().find(|(other, _)| *other == version) {
            None => status.pendings.push(waiting),
            Some((_, resolution)) => {
                let list = if resolution.released { &mut status.successes } else { &mut status.failures };
                list.push(StatusDetail { message: Some(resolution.message.clone()), ..waiting });
            }
        }
    }
    status.success_count = status.successes.len() as u64;
    status.failure_count = status.failures.len() as u64;
    status.pending_count = status.pendings.len() as u64;
    if status.pendings.is_empty() {
        status.status = Progress::Complete;
    }
}
