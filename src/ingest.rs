//! From an envelope to stored objects: each is read, judged, and handed to the store with the
//! others of its POST. [`review`]: what waits for release is judged a second time.

pub mod review;

mod attribution;

use crate::policy::{self, Directory, Item, Together, WriteScope};
use crate::stix::Timestamp;
use crate::stix::claims::Claims;
use crate::stix::object::{Label, Rejected};
use crate::store::{Batch, Entry, Error, Prepared, Store};
use crate::taxii::Envelope;
use crate::taxii::resource::known;
use crate::warning::{Action, WarningLists};
use std::cell::RefCell;

/// Judges every object of an envelope. Nothing is stored yet; no lock is held.
pub fn prepare(
    store: &dyn Store,
    directory: &Directory,
    scope: &WriteScope,
    envelope: Envelope,
    status_id: String,
    now: Timestamp,
) -> Result<Batch, Error> {
    let items: Vec<Item> = envelope.objects().map(item).collect();
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
        let atoms = prepared.naming.atoms.iter();
        let Some(action) = atoms.filter_map(|atom| lists.verdict(atom)).max() else { continue };
        let hits = prepared.naming.atoms.iter().flat_map(|atom| {
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

fn item(found: Result<crate::stix::Object, Box<Rejected>>) -> Item {
    match found {
        Ok(object) => Item::Object(object),
        Err(rejected) => {
            let claims = Claims::of(&rejected.json);
            Item::Rejected(Box::new((*rejected, claims)))
        }
    }
}

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
        Err(refusal) => Entry::Refused(label, refusal.code(), refusal.to_string()),
    }
}
