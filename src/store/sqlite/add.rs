//! Adding objects: first each is judged against what is stored and what the same transaction
//! adds, then all are written in order.

use super::classes::{Class, type_of};
use super::compare::against_pending;
use super::family::{Member, family};
use super::links::Bounds;
use super::mark;
use super::objection::{CONFLICT, Objection, WAITING_CONFLICT};
use super::outcome::Outcome;
use super::pending::Counts;
use super::rows::write_rows;
use super::writer::Work;
use crate::policy::Handling;
use crate::stix::Timestamp;
use crate::stix::marking::built_in;
use crate::stix::object::Label;
use crate::store::{Batch, Entry, Error, Prepared};
use crate::taxii::resource::{PRESENT, Progress, Status, StatusDetail};
use rusqlite::params;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Statuses can be asked for this long after they are complete.
const STATUS_KEPT_MICROS: i64 = 7 * 24 * 3600 * 1_000_000;

/// A status with who may ask for it.
pub(super) type Owned = (Status, Sender);

/// Where a POST came from.
pub(super) struct Sender {
    client: String,
    api_root: String,
    received: i64,
}

/// Objects accepted by the transaction so far, by collection.
pub(super) struct Adding<'w, 'a> {
    pub(super) work: &'w mut Work<'a>,
    pub(super) rows: HashMap<String, Vec<Row>>,
    /// Positions in `rows` by hash of the id.
    pub(super) by_hash: HashMap<(i64, i64), Vec<usize>>,
    /// Positions in `rows` by the keys of what they are about.
    pub(super) by_end: HashMap<(i64, i64), Vec<usize>>,
    /// Which POST and which of its objects is judged.
    place: (usize, usize),
    /// By collection: whether levels differ so that floors need be looked at.
    pub(super) bounds: HashMap<i64, Bounds>,
    /// Of stored rows that something was compared with: each is read and brought to its canonical
    /// form once, however many are compared.
    pub(super) forms: HashMap<i64, Form>,
    pub(super) waiting_counts: Counts,
    /// Does what must be released first wait, or is it judged as if it were released?
    holds: bool,
    /// What the audit log is to tell of each POST.
    outcomes: Vec<Outcome>,
    /// The POST that is judged; none where officers decide.
    post: Option<usize>,
}

/// SHA-256 of an object's canonical form.
pub(super) type Form = Option<[u8; 32]>;

/// An object to be written.
pub(super) struct Row {
    pub(super) hash: i64,
    pub(super) prepared: Box<Prepared>,
    pub(super) received: i64,
    /// Its POST, among those of the transaction.
    pub(super) post: Option<usize>,
    pub(super) class: Class,
    pub(super) form: OnceCell<Form>,
    /// Where it stands among all that the transaction was given.
    pub(super) place: (usize, usize),
}

pub(super) enum Verdict {
    Stored,
    Present,
    Refused(Objection),
    /// Nothing speaks against it, but it must be released first.
    Waits(Box<Prepared>),
}

impl Verdict {
    /// Of several, the lowest counts.
    fn rank(&self) -> u8 {
        match self {
            Self::Stored | Self::Present | Self::Waits(_) => 0,
            Self::Refused(CONFLICT) => 1,
            Self::Refused(_) => 2,
        }
    }
}

impl<'w, 'a> Adding<'w, 'a> {
    pub(super) fn new(work: &'w mut Work<'a>) -> Self {
        Self {
            work,
            rows: HashMap::new(),
            by_hash: HashMap::new(),
            by_end: HashMap::new(),
            bounds: HashMap::new(),
            place: (0, 0),
            forms: HashMap::new(),
            waiting_counts: Counts::new(),
            holds: true,
            outcomes: Vec::new(),
            post: None,
        }
    }

    /// The same, for judging only.
    pub(super) fn without_holding(self) -> Self {
        Self { holds: false, ..self }
    }

    /// Judges a batch; what it tells in the status holds once the transaction is committed.
    pub(super) fn batch(&mut self, mut batch: Batch) -> Result<Owned, Error> {
        if let Some(mark) = batch.mark.take() {
            mark::keep(&self.work.transaction, &mark)?;
        }
        let coll = self.work.collection(&batch.collection)?.pk;
        let (mut successes, mut failures, mut pendings) = (Vec::new(), Vec::new(), Vec::new());
        let post = self.outcomes.len();
        self.outcomes.push(Outcome::new(&batch));
        self.post = Some(post);
        // What is about other objects is judged when those are: its level depends on what becomes of them.
        let mut entries: Vec<_> = std::mem::take(&mut batch.entries).into_iter().enumerate().collect();
        entries.sort_by_key(|(_, entry)| is_about_others(entry));
        for (at, entry) in entries {
            self.place = (post, at);
            let (detail, list) = match entry {
                Entry::Refused(label, code, message) => {
                    self.outcomes[post].refused(&label.id, &label.version, code);
                    (detail(label.id, label.version, Some(message)), &mut failures)
                }
                Entry::Known(label, remark) => {
                    self.outcomes[post].present();
                    (detail(label.id, label.version, Some(remark.to_owned())), &mut successes)
                }
                Entry::Companion(prepared) => {
                    self.judge(&batch.collection, coll, prepared, batch.received.micros())?;
                    continue;
                }
                Entry::Admitted(prepared) => {
                    let (Label { id, version }, remark) = (prepared.label(), prepared.remark());
                    let refused = |why: Objection| Some(why.text.to_owned());
                    match self.judge(&batch.collection, coll, prepared, batch.received.micros())? {
                        Verdict::Stored => (detail(id, version, remark), &mut successes),
                        Verdict::Present => {
                            self.outcomes[post].present();
                            (detail(id, version, Some(PRESENT.to_owned())), &mut successes)
                        }
                        Verdict::Refused(why) => {
                            self.outcomes[post].refused(&id, &version, why.code);
                            (detail(id, version, refused(why)), &mut failures)
                        }
                        Verdict::Waits(prepared) => match self.hold(&batch, &prepared)? {
                            Ok(detail) => {
                                self.outcomes[post].waits();
                                (detail, &mut pendings)
                            }
                            Err(why) => {
                                self.outcomes[post].refused(&id, &version, why.code);
                                (detail(id, version, refused(why)), &mut failures)
                            }
                        },
                    }
                }
            };
            list.push((at, detail));
        }
        let [successes, failures, pendings] = [successes, failures, pendings].map(in_order);
        let status = Status {
            id: batch.status_id,
            status: if pendings.is_empty() { Progress::Complete } else { Progress::Pending },
            request_timestamp: Some(batch.received.to_string()),
            total_count: (successes.len() + failures.len() + pendings.len()) as u64,
            success_count: successes.len() as u64,
            successes,
            failure_count: failures.len() as u64,
            failures,
            pending_count: pendings.len() as u64,
            pendings,
        };
        let sender =
            Sender { client: batch.client, api_root: batch.api_root, received: batch.received.micros() };
        Ok((status, sender))
    }

    /// Judges an object, and takes it if nothing speaks against it.
    pub(super) fn judge(
        &mut self,
        collection: &str,
        coll: i64,
        prepared: Box<Prepared>,
        received: i64,
    ) -> Result<Verdict, Error> {
        let id = prepared.admitted.object().id();
        let hash = prepared.id_hash;
        let stored = family(self.work, coll, id.as_str(), hash)?;
        let pending = self.by_hash.get(&(coll, hash)).cloned().unwrap_or_default();
        // Everybody knows these, and whoever sends one sends the same.
        if built_in(id.as_str()).is_some() && !(stored.is_empty() && pending.is_empty()) {
            return Ok(Verdict::Present);
        }
        let (mut verdicts, form) = (Vec::new(), OnceCell::new());
        for member in &stored {
            verdicts.extend(self.against_stored(&prepared, &form, member, received)?);
        }
        let rows = self.rows.entry(collection.to_owned()).or_default();
        let pending: Vec<usize> =
            pending.into_iter().filter(|at| rows[*at].prepared.admitted.object().id() == id).collect();
        verdicts
            .extend(pending.iter().filter_map(|at| against_pending(&prepared, &form, &rows[*at], received)));
        // What is there already is a success, whoever owns the object and its other versions.
        if let Some(verdict) = verdicts.into_iter().min_by_key(Verdict::rank) {
            return Ok(verdict);
        }
        let before = self.level_before(collection, &prepared, &stored, &pending, received);
        if let Some(why) = self.objection(collection, &prepared, &stored, &pending, before)? {
            return Ok(Verdict::Refused(why));
        }
        if prepared.admitted.waits() {
            if self.holds {
                return Ok(Verdict::Waits(prepared));
            }
            if matches!(self.waiting(collection, &prepared)?, Some((_, false))) {
                return Ok(Verdict::Refused(WAITING_CONFLICT));
            }
        }
        let now = Timestamp::from_micros(received);
        let floor =
            self.floor(collection, coll, prepared.admitted.object(), prepared.admitted.handling(), now)?;
        let handling = match floor > prepared.admitted.handling().floor {
            true => Arc::new(prepared.admitted.handling().raised(floor)),
            false => prepared.admitted.handling().clone(),
        };
        let post = self.post;
        if let (Some((from, to)), Some(post)) = (before.filter(|(from, to)| to < from), post) {
            let version = prepared.admitted.object().version().as_str();
            self.outcomes[post].lowered(prepared.admitted.object().id().as_str(), version, from, to);
        }
        let row = Row {
            class: self.class(&prepared, &handling)?,
            hash,
            prepared,
            received,
            post,
            place: self.place,
            form,
        };
        self.accept(collection, coll, row, &stored, &pending)?;
        Ok(Verdict::Stored)
    }

    fn class(&mut self, prepared: &Prepared, handling: &Arc<Handling>) -> Result<Class, Error> {
        let admitted = &prepared.admitted;
        Ok(Class {
            handling: self.work.classes.intern_handling(&self.work.transaction, handling)?,
            object_type: type_of(admitted.object().id().object_type()).to_owned(),
            later: Vec::new(),
            earlier: Vec::new(),
            twins: Vec::new(),
        })
    }

    /// Settles which versions are now later and earlier than which.
    fn accept(
        &mut self,
        collection: &str,
        coll: i64,
        mut row: Row,
        stored: &[Member],
        pending: &[usize],
    ) -> Result<(), Error> {
        let version = row.prepared.admitted.object().version().clone();
        for member in stored {
            let mut class = member.class.clone();
            if relate(&mut class, &member.version, &mut row.class, &version) {
                let new = self.work.classes.intern_class(&self.work.transaction, class)?;
                self.work.reclass(collection, member.added, member.class_key, new)?;
            }
        }
        let rows = self.rows.entry(collection.to_owned()).or_default();
        for at in pending {
            let other = &mut rows[*at];
            let other_version = other.prepared.admitted.object().version().clone();
            relate(&mut other.class, &other_version, &mut row.class, &version);
        }
        let at = rows.len();
        self.by_hash.entry((coll, row.hash)).or_default().push(at);
        for link in &row.prepared.links {
            self.by_end.entry((coll, *link)).or_default().push(at);
        }
        rows.push(row);
        let is_latest = stored.iter().all(|member| member.version < version);
        if is_latest {
            self.raise_what_is_about(collection, coll, at)?;
        }
        Ok(())
    }

    /// Writes everything accepted, with `date_added` in the order accepted.
    pub(super) fn write_objects(&mut self) -> Result<(), Error> {
        for (collection, mut rows) in std::mem::take(&mut self.rows) {
            // In the order sent, which is not that of judging.
            rows.sort_by_key(|row| row.place);
            write_rows(self.work, &collection, rows, &mut self.outcomes)?;
        }
        Ok(())
    }

    /// Writes everything accepted, the statuses, and what the audit log is to tell.
    pub(super) fn write(mut self, statuses: &[Owned]) -> Result<(), Error> {
        self.write_objects()?;
        self.outcomes.into_iter().for_each(|outcome| outcome.record(self.work));
        let transaction = &self.work.transaction;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO status (id, client, api_root, received, body, completed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (status, sender) in statuses {
            let body = serde_json::to_vec(status).map_err(|error| Error::Backend(error.to_string()))?;
            let completed = (status.status == Progress::Complete).then_some(sender.received);
            let received = sender.received;
            insert.execute(params![status.id, sender.client, sender.api_root, received, body, completed])?;
        }
        let Some(newest) = statuses.iter().map(|(_, sender)| sender.received).max() else {
            return Ok(());
        };
        let sql = "DELETE FROM status WHERE id IN (SELECT id FROM status WHERE completed < ?1 ORDER BY completed LIMIT 64)";
        transaction.prepare_cached(sql)?.execute([newest - STATUS_KEPT_MICROS])?;
        Ok(())
    }
}

/// Notes what two versions are to each other, of which the first came before; true if its class changed.
fn relate(
    one: &mut Class,
    one_version: &crate::stix::Version,
    other: &mut Class,
    other_version: &crate::stix::Version,
) -> bool {
    let order = other_version.cmp(one_version);
    other.beside(order.reverse(), one.handling, true);
    one.beside(order, other.handling, false)
}

fn is_about_others(entry: &Entry) -> bool {
    matches!(entry, Entry::Admitted(prepared) if !prepared.admitted.object().ends().is_empty())
}

/// Details in the order of the POST.
fn in_order(mut details: Vec<(usize, StatusDetail)>) -> Vec<StatusDetail> {
    details.sort_by_key(|(at, _)| *at);
    details.into_iter().map(|(_, detail)| detail).collect()
}

pub(super) fn detail(id: String, version: String, message: Option<String>) -> StatusDetail {
    StatusDetail { id, version, message }
}
