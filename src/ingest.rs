//! From an envelope to stored objects: each is read, judged, and handed to the store with the
//! others of its POST.

use crate::policy::{self, Directory, WriteScope};
use crate::stix::Timestamp;
use crate::stix::object::Label;
use crate::store::{Batch, Entry, Prepared};
use crate::taxii::Envelope;

/// Judges every object of an envelope. Nothing is stored yet; no lock is held.
pub fn prepare(
    directory: &Directory,
    scope: &WriteScope,
    envelope: Envelope,
    status_id: String,
    now: Timestamp,
) -> Batch {
    let entries = envelope.objects().map(|object| match object {
        Err((label, error)) => Entry::Refused(label, error.to_string()),
        Ok(object) => {
            let label = Label { id: object.id().to_string(), version: object.version().as_str().to_owned() };
            if object.is_known_anyway() {
                return Entry::Known(label);
            }
            match policy::admit(directory, scope, object, now) {
                Ok(admitted) => Entry::Admitted(Box::new(Prepared::new(admitted))),
                Err(refusal) => Entry::Refused(label, refusal.to_string()),
            }
        }
    });
    Batch {
        status_id,
        collection: scope.collection().to_owned(),
        api_root: scope.api_root().to_owned(),
        client: scope.client(),
        received: now,
        entries: entries.collect(),
    }
}
