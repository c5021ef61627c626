//! From an envelope to stored objects: each is read, judged, and handed to the store with the
//! others of its POST. [`review`]: what waits for release is judged a second time; [`expiry`]: what the hub adds.

pub mod expiry;
pub mod review;

mod attribution;

use crate::policy::{self, Directory, Item, Refusal, Together, WriteScope};
use crate::stix::Timestamp;
use crate::stix::content::Options;
use crate::stix::marking::built_in;
use crate::stix::object::Label;
use crate::store::{Batch, Entry, Error, Prepared, Store};
use crate::taxii::resource::known;
use crate::taxii::{Envelope, EnvelopeError};
use crate::warning::{Action, WarningLists};
use std::cell::RefCell;

/// Why a body cannot be judged at all.
#[derive(Debug, thiserror::Error)]
pub enum Unjudged {
    /// It is no envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Takes a body apart and judges what is in it; runs where it may block.
pub fn judge(
    store: &dyn Store,
    directory: &Directory,
    scope: &WriteScope,
    lists: &WarningLists,
    body: Vec<u8>,
    now: Timestamp,
) -> Result<Batch, Unjudged> {
    let options =
        Options { profile: scope.profile(), extensions: Some(directory.extensions()), ..Options::default() };
    let envelope = Envelope::parse(body, options)?;
    let status_id = uuid::Uuid::new_v4().to_string();
    let mut batch = prepare(store, directory, scope, envelope, status_id, now)?;
    warn(&mut batch, lists);
    Ok(batch)
}

/// Judges every object of an envelope. Nothing is stored yet; no lock is held.
pub fn prepare(
    store: &dyn Store,
    directory: &Directory,
    scope: &WriteScope,
    envelope: Envelope,
    status_id: String,
    now: Timestamp,
) -> Result<Batch, Error> {
    let items: Vec<Item> = envelope.objects().map(Item::from).collect();
    let markings = store.markings(scope.collection());
    let failed = RefCell::new(None);
    let stored = |id: &str| {
        let found = store.latest(scope.collection(), id);
        found.unwrap_or_else(|error| {
            *failed.borrow_mut() = Some(error);
            None
        })
    };
    let around =
        policy::Around { unmarked: scope.declared().unmarked, markings: &markings, stored: &stored, now };
    let standings = Together::new(&items, around).standings();
    if let Some(error) = failed.take() {
        return Err(error);
    }
    let entry = |(item, standing)| entry(directory, scope, item, standing, now);
    let mut entries: Vec<Entry> = items.into_iter().zip(standings).map(entry).collect();
    attribution::hide_sources(store, directory, scope, &mut entries, now);
    Ok(Batch {
        status_id,
        collection: scope.collection().to_owned(),
        api_root: scope.api_root().to_owned(),
        client: scope.client(),
        key: None,
        received: now,
        entries,
        mark: None,
    })
}

/// Holds what a batch names against warning lists: what one of them refuses is refused, what others say is
/// told in the status (governance §12.2).
pub fn warn(batch: &mut Batch, lists: &WarningLists) {
    for entry in &mut batch.entries {
        let Entry::Admitted(prepared) = entry else { continue };
        if prepared.admitted.object().id().object_type() != "indicator" {
            continue;
        }
        let atoms = prepared.named.iter().flat_map(|named| &named.atoms);
        let Some(action) = atoms.clone().filter_map(|atom| lists.verdict(atom)).max() else { continue };
        let hits = atoms.flat_map(|atom| {
            let hits = lists.hits(atom).into_iter().filter(|hit| hit.action == action);
            hits.map(move |hit| {
                format!("`{atom}` is on the warning list \"{}\" (entry {})", hit.list, hit.entry)
            })
        });
        let mut told: Vec<String> = hits.take(HITS_TOLD).collect();
        match action {
            Action::Block => {
                told.push("this hub takes no indicator of it; is the value right?".to_owned());
                *entry = Entry::Refused(prepared.label(), "warning_list", told.join("; "));
            }
            Action::Review => {
                told.push(
                    "it stays out of exports that block or detect until an analyst confirms it".to_owned(),
                );
                prepared.note = Some(told.join("; "));
            }
            Action::Inform => prepared.note = Some(told.join("; ")),
        }
    }
}

/// Hits told of one object.
const HITS_TOLD: usize = 5;

fn entry(
    directory: &Directory,
    scope: &WriteScope,
    item: Item,
    standing: Result<policy::Standing, policy::Refusal>,
    now: Timestamp,
) -> Entry {
    let object = match item {
        Item::Object(object) => object,
        Item::Rejected(found) => {
            return Entry::Refused(found.0.label, "content", found.0.error.to_string());
        }
    };
    let label = Label { id: object.id().to_string(), version: object.version().as_str().to_owned() };
    if object.is_known_anyway() {
        let remark = known(&label.id);
        return Entry::Known(label, remark);
    }
    match policy::admit(directory, scope, object, standing, now) {
        Ok(admitted) => Entry::Admitted(Box::new(Prepared::new(admitted))),
        // Where definitions are not part of the agreement, everybody knows these all the same.
        Err(Refusal::TypeNotAgreed(..) | Refusal::TypeNotHere(..)) if built_in(&label.id).is_some() => {
            let remark = known(&label.id);
            Entry::Known(label, remark)
        }
        Err(refusal) => Entry::Refused(label, refusal.code(), refusal.to_string()),
    }
}
