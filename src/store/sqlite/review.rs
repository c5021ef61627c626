//! Submissions: listing them, showing one, and carrying out what officers decide.

use super::add::{Adding, Verdict};
use super::family::family;
use super::lineage::object_of;
use super::pending::{Resolution, resolve};
use super::writer::Work;
use crate::audit::{Event, event};
use crate::policy::{Handling, Submission, SubmissionScope};
use crate::stix::object::Label;
use crate::stix::{StixTime, Timestamp};
use crate::store::{Decision, Error, Listed, Outcome, Ruling, Submissions, id_hash, sha256};
use rusqlite::{Connection, Row, params};

/// What waits for release, after a place.
pub(super) fn list(
    connection: &Connection,
    scope: &SubmissionScope,
    after: i64,
    limit: usize,
) -> Result<Submissions, Error> {
    let sql = "SELECT submission, number, id, version, name, handling, api_root, collection, client, received FROM pending
         WHERE organisation = ?1 AND number > ?2 AND (?3 IS NULL OR client = ?3) ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![scope.organisation(), after, scope.only_of()])?;
    let (mut found, mut last) = (Submissions::default(), after);
    while let Some(row) = rows.next()? {
        let listed = Listed {
            id: row.get(0)?,
            object: Label { id: row.get(2)?, version: row.get(3)? },
            name: row.get(4)?,
            handling: handling(row, 5)?,
            api_root: row.get(6)?,
            collection: row.get(7)?,
            client: row.get(8)?,
            received: Timestamp::from_micros(row.get(9)?),
        };
        if !scope.sees(&listed.client, &listed.handling) {
            continue;
        }
        if found.listed.len() == limit {
            found.next = Some(last);
            break;
        }
        last = row.get(1)?;
        found.listed.push(listed);
    }
    Ok(found)
}

/// One submission.
pub(super) fn one(
    connection: &Connection,
    scope: &SubmissionScope,
    id: &str,
) -> Result<Option<Submission>, Error> {
    let sql = "SELECT submission, number, client, api_root, collection, received, name, handling, retention_until, sha256, json FROM pending
         WHERE submission = ?1 AND organisation = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id, scope.organisation()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (client, handling): (String, _) = (row.get(2)?, handling(row, 7)?);
    if !scope.sees(&client, &handling) {
        return Ok(None);
    }
    let (sum, json): (Vec<u8>, Vec<u8>) = (row.get(9)?, row.get(10)?);
    if sum != sha256(&json) {
        return Err(Error::Damaged(format!("table pending, submission {id}: the checksum does not match")));
    }
    Ok(Some(Submission {
        id: row.get(0)?,
        number: row.get(1)?,
        client,
        api_root: row.get(3)?,
        collection: row.get(4)?,
        received: Timestamp::from_micros(row.get(5)?),
        object: object_of(json, &format!("table pending, submission {id}"))?,
        name: row.get(6)?,
        handling,
        retention_until: row.get(8)?,
    }))
}

fn handling(row: &Row, at: usize) -> Result<Handling, Error> {
    let (id, text): (String, String) = (row.get(0)?, row.get(at)?);
    serde_json::from_str(&text)
        .map_err(|error| Error::Damaged(format!("table pending, submission {id}: {error}")))
}

/// A submission that is being decided on, as the audit log and statuses need it.
struct Case {
    submission: String,
    client: String,
    collection: String,
    id: String,
    version: String,
    level: String,
    officer: String,
    key: Option<String>,
    message: Option<String>,
}

/// Carries out decisions; what is released goes the way of everything that is added.
pub(super) fn decide(
    work: &mut Work,
    decisions: Vec<Decision>,
    now: Timestamp,
) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Vec::with_capacity(decisions.len());
    let mut cases = Vec::new();
    let mut adding = Adding::new(work);
    for decision in decisions {
        let (ruling, Some(case)) = case(adding.work, decision, now)? else {
            outcomes.push(Outcome::Gone);
            continue;
        };
        let outcome = match ruling {
            Ruling::Decline => Outcome::Declined,
            Ruling::Release(prepared) => {
                let coll = adding.work.collection(&case.collection)?.pk;
                match adding.judge(&case.collection, coll, prepared, now.micros())? {
                    Verdict::Refused(why) => Outcome::Refused(why.code, why.text.to_owned()),
                    // The date is known when everything is written.
                    _ => Outcome::Released(now),
                }
            }
        };
        if !matches!(outcome, Outcome::Refused(..)) {
            let sql = "DELETE FROM pending WHERE submission = ?1";
            adding.work.transaction.prepare_cached(sql)?.execute([&case.submission])?;
            cases.push((outcomes.len(), case));
        }
        outcomes.push(outcome);
    }
    adding.write_objects()?;
    let mut resolutions = Vec::with_capacity(cases.len());
    for (at, mut case) in cases {
        if let Outcome::Released(added) = &mut outcomes[at] {
            (*added, case.level) = stored(work, &case, now)?;
        }
        resolutions.push(case.finish(work, &outcomes[at], now));
    }
    resolve(work, &resolutions, now)?;
    Ok(outcomes)
}

/// Reads what is decided on, if it still waits.
fn case(work: &Work, decision: Decision, now: Timestamp) -> Result<(Ruling, Option<Case>), Error> {
    let Decision { scope, ruling, message, key } = decision;
    let sql =
        "SELECT submission, client, collection, id, version, handling FROM pending WHERE submission = ?1";
    let mut statement = work.transaction.prepare_cached(sql)?;
    let mut rows = statement.query([scope.submission()])?;
    let Some(row) = rows.next()? else { return Ok((ruling, None)) };
    let case = Case {
        submission: row.get(0)?,
        client: row.get(1)?,
        collection: row.get(2)?,
        id: row.get(3)?,
        version: row.get(4)?,
        level: handling(row, 5)?.level(now).to_string(),
        officer: scope.client().to_owned(),
        key,
        message,
    };
    Ok((ruling, Some(case)))
}

/// When a released version was added, which may be before it was released, and its level.
fn stored(work: &mut Work, case: &Case, now: Timestamp) -> Result<(Timestamp, String), Error> {
    let coll = work.collection(&case.collection)?.pk;
    let members = family(work, coll, &case.id, id_hash(&case.id))?;
    let version = StixTime::parse(&case.version);
    let found = members.iter().find(|member| Some(&member.version) == version.as_ref());
    // A level of TLP is there whatever its version.
    Ok(found.map_or_else(
        || (now, case.level.clone()),
        |found| (Timestamp::from_micros(found.added), found.handling.level(now).to_string()),
    ))
}

impl Case {
    /// Records the decision; what the submitter is told.
    fn finish(self, work: &mut Work, outcome: &Outcome, now: Timestamp) -> Resolution {
        let date_added = match outcome {
            Outcome::Released(added) => Some(added.to_string()),
            _ => None,
        };
        let released = date_added.is_some();
        let deed = if released { "released" } else { "declined" };
        let words = self.message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let message = format!("{deed} by {}{words}", self.officer);
        let decision = Box::new(event::Decision {
            by: self.officer,
            key: self.key,
            collection: self.collection,
            submission: self.submission.clone(),
            id: self.id.clone(),
            version: self.version.clone(),
            level: self.level,
            submitter: self.client,
            date_added,
        });
        work.record(now, if released { Event::Released(decision) } else { Event::Declined(decision) });
        Resolution { submission: self.submission, id: self.id, version: self.version, released, message }
    }
}
