//! Adding objects: first each is judged against what is stored and what the same transaction
//! adds, then all are written in order.

use super::classes::{Class, type_of};
use super::erased;
use super::family::{Member, family};
use super::lineage::lineage;
use super::links::{Bounds, link_hash};
use super::markings::MARKINGS_MAX;
use super::objection::{
    CONFLICT, DOWNGRADE, NOT_OWNER, Objection, TOO_MANY_HANDLINGS, TOO_MANY_MARKINGS, TOO_MANY_VERSIONS,
    WAITING_CONFLICT,
};
use super::outcome::Outcome;
use super::pending::Counts;
use super::writer::Work;
use crate::policy::Handling;
use crate::stix::equality::canonical;
use crate::stix::marking::built_in;
use crate::stix::object::{Label, UNVERSIONED, with_marking};
use crate::stix::{Object, Timestamp, Tlp};
use crate::store::{Batch, Entry, Error, Prepared, sha256};
use crate::taxii::resource::{PRESENT, Progress, Status, StatusDetail, known};
use rusqlite::{CachedStatement, params, types::Value};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Versions that one object may have in a collection.
const VERSIONS_MAX: usize = 10_000;
/// Different ways in which one organisation's objects may be marked.
const HANDLINGS_MAX: usize = 4_096;
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
    /// Positions in `rows` by [`link_hash`] of what they are about.
    pub(super) by_end: HashMap<(i64, i64), Vec<usize>>,
    /// By collection: whether levels differ so that floors need be looked at.
    pub(super) bounds: HashMap<i64, Bounds>,
    /// Of stored rows that something was compared with: each is read and brought to its canonical
    /// form once, however many are compared.
    forms: HashMap<i64, Form>,
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
    received: i64,
    /// Its POST, among those of the transaction.
    post: Option<usize>,
    pub(super) class: Class,
    form: OnceCell<Form>,
}

impl Row {
    /// When its POST came in.
    pub(super) fn received(&self) -> i64 {
        self.received
    }
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
        let coll = self.work.collection(&batch.collection)?.pk;
        let (mut successes, mut failures, mut pendings) = (Vec::new(), Vec::new(), Vec::new());
        let post = self.outcomes.len();
        self.outcomes.push(Outcome::new(&batch));
        self.post = Some(post);
        for entry in std::mem::take(&mut batch.entries) {
            let (detail, list) = match entry {
                Entry::Refused(label, code, message) => {
                    self.outcomes[post].refused(&label.id, &label.version, code);
                    (detail(label.id, label.version, Some(message)), &mut failures)
                }
                Entry::Known(label) => {
                    self.outcomes[post].present();
                    let remark = known(&label.id).to_owned();
                    (detail(label.id, label.version, Some(remark)), &mut successes)
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
            list.push(detail);
        }
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
        let row = Row { class: self.class(&prepared, &handling)?, hash, prepared, received, post, form };
        self.accept(collection, coll, row, &stored, &pending)?;
        Ok(Verdict::Stored)
    }

    /// The level of the version before, and its own, if there is a version before.
    fn level_before(
        &self,
        collection: &str,
        prepared: &Prepared,
        stored: &[Member],
        pending: &[usize],
        received: i64,
    ) -> Option<(Tlp, Tlp)> {
        let (object, handling) = (prepared.admitted.object(), prepared.admitted.handling());
        let rows = self.rows.get(collection).map(Vec::as_slice).unwrap_or_default();
        let of_stored = stored.iter().map(|member| (&member.version, &member.handling));
        let of_pending = pending.iter().map(|at| &rows[*at].prepared.admitted);
        let of_pending = of_pending.map(|found| (found.object().version(), found.handling()));
        // An older version that comes late is held against the one after it as well: it would be the last for
        // those who do not see that.
        let others: Vec<_> = of_stored.chain(of_pending).collect();
        let before = others.iter().filter(|(version, _)| *version < object.version()).max_by_key(|one| one.0);
        let after = others.iter().filter(|(version, _)| *version > object.version()).min_by_key(|one| one.0);
        let now = Timestamp::from_micros(received);
        let level = before.into_iter().chain(after).map(|(_, handling)| handling.own_level(now)).max()?;
        Some((level, handling.own_level(now)))
    }

    /// What speaks against a version that is not there yet.
    fn objection(
        &self,
        collection: &str,
        prepared: &Prepared,
        stored: &[Member],
        pending: &[usize],
        before: Option<(Tlp, Tlp)>,
    ) -> Result<Option<Objection>, Error> {
        let (object, handling) = (prepared.admitted.object(), prepared.admitted.handling());
        let rows = self.rows.get(collection).map(Vec::as_slice).unwrap_or_default();
        let siblings: Vec<&Object> = pending.iter().map(|at| rows[*at].prepared.admitted.object()).collect();
        if let Some(why) = lineage(self.work, object, stored, &siblings)? {
            return Ok(Some(why));
        }
        if let Some(why) = erased::objection(self.work, collection, &prepared.admitted)? {
            return Ok(Some(why));
        }
        if stored.len() + pending.len() >= VERSIONS_MAX {
            return Ok(Some(TOO_MANY_VERSIONS));
        }
        let is_lower = before.is_some_and(|(before, own)| own < before);
        if is_lower && !prepared.admitted.may_lower() {
            return Ok(Some(DOWNGRADE));
        }
        let is_new = !self.work.classes.knows(handling);
        if is_new && self.work.classes.handlings_of(&handling.owner) >= HANDLINGS_MAX {
            return Ok(Some(TOO_MANY_HANDLINGS));
        }
        let is_full = || self.work.markings_of(collection) >= MARKINGS_MAX;
        Ok((object.defines().is_some() && is_full()).then_some(TOO_MANY_MARKINGS))
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

    fn against_stored(
        &mut self,
        prepared: &Prepared,
        form: &OnceCell<Form>,
        member: &Member,
        received: i64,
    ) -> Result<Option<Verdict>, Error> {
        let admitted = &prepared.admitted;
        let ours = member.handling.owner == admitted.handling().owner;
        let same_version = admitted.object().is_version(&member.version);
        let now = Timestamp::from_micros(received);
        if !same_version || !(ours || admitted.sender_sees(&member.handling, now)) {
            return Ok(foreign(prepared, ours));
        }
        let is_enough = ours || covers(prepared, &member.handling, now);
        if member.sha256 == prepared.sha256 {
            return Ok(is_enough.then_some(Verdict::Present));
        }
        let old = match self.forms.get(&member.seq) {
            Some(form) => *form,
            None => {
                let sql = "SELECT json FROM object WHERE seq = ?1";
                let json: Vec<u8> = self.work.transaction.query_row(sql, [member.seq], |row| row.get(0))?;
                *self.forms.entry(member.seq).or_insert(form_of(&json))
            }
        };
        let new = *form.get_or_init(|| form_of(admitted.object().json()));
        let stamped = || self.is_same_but_for_stamp(prepared, member, old, new);
        if old.is_some() && old == new || stamped()? {
            return Ok(is_enough.then_some(Verdict::Present));
        }
        Ok(Some(Verdict::Refused(CONFLICT)))
    }

    /// Do two texts differ only in the marking that the collection adds?
    fn is_same_but_for_stamp(
        &self,
        prepared: &Prepared,
        member: &Member,
        old: Form,
        new: Form,
    ) -> Result<bool, Error> {
        let Some(tlp) = prepared.admitted.stamp() else { return Ok(false) };
        let sql = "SELECT json FROM object WHERE seq = ?1";
        let json: Vec<u8> = self.work.transaction.query_row(sql, [member.seq], |row| row.get(0))?;
        let with = |json: &[u8]| form_of(&with_marking(json, tlp));
        Ok(old.is_some() && (with(&json) == new || with(prepared.admitted.object().json()) == old))
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
        for end in row.prepared.admitted.object().ends() {
            self.by_end.entry((coll, link_hash(end))).or_default().push(at);
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
        for (collection, rows) in std::mem::take(&mut self.rows) {
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

fn write_rows(
    work: &mut Work,
    collection: &str,
    rows: Vec<Row>,
    outcomes: &mut [Outcome],
) -> Result<(), Error> {
    let (coll, mut added) = {
        let found = work.collection(collection)?;
        (found.pk, found.last_added)
    };
    let count = rows.len();
    let ends = ends(&rows);
    let mut keys = Vec::with_capacity(count);
    for row in &rows {
        keys.push(work.classes.intern_class(&work.transaction, row.class.clone())?);
    }
    let (mut places, mut defined) = (Vec::with_capacity(count), Vec::new());
    let mut dated = Vec::new();
    {
        let mut object = work.transaction.prepare_cached("INSERT INTO object (seq, coll, added, id, version, sha256, json, revoked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        let mut log = work.transaction.prepare_cached(
            "INSERT INTO log (coll, added, class, seq, version_key) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for ((row, class), is_end) in rows.into_iter().zip(&keys).zip(ends) {
            added = row.received.max(added + 1);
            if is_end {
                // A client that cuts dates to milliseconds must not meet the last rows again.
                added = added.div_euclid(1000) * 1000 + if added.rem_euclid(1000) == 0 { 0 } else { 1000 };
            }
            work.last_seq += 1;
            insert_row(&mut object, &mut log, &row, [work.last_seq, coll, added, *class])?;
            if let Some(post) = row.post {
                outcomes[post].written(work, &row, added);
            }
            let object = row.prepared.admitted.object();
            places.push((row.hash, (coll, added)));
            places.extend(object.ends().iter().map(|end| (link_hash(end), (coll, added))));
            dated.extend(row.prepared.admitted.retention_until().map(|due| [due, coll, added]));
            if let Some(terms) = object.defines() {
                defined.push((object.id().to_string(), terms.clone()));
            }
        }
    }
    for (hash, place) in places {
        work.index(hash, place);
    }
    for entry in dated {
        let sql = "INSERT INTO expiry (due, coll, added) VALUES (?1, ?2, ?3)";
        work.transaction.prepare_cached(sql)?.execute(entry)?;
    }
    work.define(collection, defined);
    let found = work.collection(collection)?;
    found.last_added = added;
    for class in keys {
        *found.rows.entry(class).or_default() += 1;
    }
    let mut update =
        work.transaction.prepare_cached("UPDATE collection SET last_added = ?2 WHERE pk = ?1")?;
    update.execute([coll, added])?;
    Ok(())
}

/// Which rows may be the last that some reader sees of this commit: the last of all that are
/// alike in who sees them, and in whom they are the last version for.
fn ends(rows: &[Row]) -> Vec<bool> {
    let mut met = HashSet::new();
    let mut ends: Vec<bool> = rows
        .iter()
        .rev()
        .map(|row| met.insert((row.class.handling, &row.class.later, &row.class.twins)))
        .collect();
    ends.reverse();
    ends
}

fn insert_row(
    object: &mut CachedStatement,
    log: &mut CachedStatement,
    row: &Row,
    [seq, coll, added, class]: [i64; 4],
) -> Result<(), Error> {
    let stored = row.prepared.admitted.object();
    let (id, version, json) = (stored.id().as_str(), stored.version(), stored.json());
    let (sha256, revoked) = (row.prepared.sha256, stored.is_revoked());
    object.execute(params![seq, coll, added, id, version.as_str(), sha256, json.as_ref(), revoked])?;
    log.execute(params![coll, added, class, seq, version_key(version)])?;
    Ok(())
}

/// What `match[version]` with a time compares: microseconds, or a text where those do not suffice.
pub(super) fn version_key(version: &crate::stix::Version) -> Value {
    match version.rest() {
        "" => Value::Integer(version.micros()),
        rest => Value::Text(format!("{}+{rest}", version.micros())),
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

fn against_pending(prepared: &Prepared, form: &OnceCell<Form>, row: &Row, received: i64) -> Option<Verdict> {
    let (new, old) = (&prepared.admitted, &row.prepared.admitted);
    let ours = new.handling().owner == old.handling().owner;
    let same_version = new.object().is_version(old.object().version());
    let now = Timestamp::from_micros(received);
    if !same_version || !(ours || new.sender_sees(old.handling(), now)) {
        return foreign(prepared, ours);
    }
    let is_enough = ours || covers(prepared, old.handling(), now);
    if prepared.sha256 == row.prepared.sha256 {
        return is_enough.then_some(Verdict::Present);
    }
    let of_row = *row.form.get_or_init(|| form_of(old.object().json()));
    let of_new = *form.get_or_init(|| form_of(new.object().json()));
    let with = |json: &[u8], tlp| form_of(&with_marking(json, tlp));
    let stamped = |tlp| with(old.object().json(), tlp) == of_new || with(new.object().json(), tlp) == of_row;
    match of_row.is_some() && (of_row == of_new || new.stamp().is_some_and(stamped)) {
        true => is_enough.then_some(Verdict::Present),
        false => Some(Verdict::Refused(CONFLICT)),
    }
}

/// Is an observable of another organisation all that is wanted? If those who would see this one do not see
/// that one, it must stand beside it.
fn covers(prepared: &Prepared, stored: &Handling, now: Timestamp) -> bool {
    let admitted = &prepared.admitted;
    let is_versioned = admitted.object().version().as_str() != UNVERSIONED;
    is_versioned || admitted.handling().reaches_as_far(stored, now)
}

pub(super) fn form_of(json: &[u8]) -> Form {
    canonical(json).map(|form| sha256(&form))
}

/// Another version, or one the sender must not learn of. Observables belong to nobody, so theirs
/// may stand beside it; anything else is its owner's alone to version.
fn foreign(prepared: &Prepared, ours: bool) -> Option<Verdict> {
    let is_versioned = prepared.admitted.object().version().as_str() != UNVERSIONED;
    (!ours && is_versioned).then_some(Verdict::Refused(NOT_OWNER))
}

pub(super) fn detail(id: String, version: String, message: Option<String>) -> StatusDetail {
    StatusDetail { id, version, message }
}
