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
