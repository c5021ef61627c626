//! A body as the hub receives it.

#![no_main]

use liaison::stix::content::{Options, Profile};
use liaison::stix::{Object, StixId, Tlp};
use liaison::taxii::envelope::{Envelope, OBJECTS_MAX, write};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let interop = accepted(body, Profile::Interop);
    let strict = accepted(body, Profile::Strict);
    let permissive = accepted(body, Profile::Permissive);
    assert_eq!(interop.is_some(), strict.is_some(), "a profile is of objects, not of envelopes");
    assert_eq!(interop.is_some(), permissive.is_some(), "a profile is of objects, not of envelopes");
    let (Some(interop), Some(strict), Some(permissive)) = (interop, strict, permissive) else { return };
    for ((strict, interop), permissive) in strict.iter().zip(&interop).zip(&permissive) {
        assert!(strict.is_none() || interop.is_some(), "a milder profile refuses more");
        assert!(interop.is_none() || permissive.is_some(), "a milder profile refuses more");
    }
    written_is_read_again(interop.into_iter().flatten().collect());
});

/// The objects of an envelope, if the body is one; none in place of those that are refused.
fn accepted(body: &[u8], profile: Profile) -> Option<Vec<Option<Object>>> {
    let envelope = match Envelope::parse(body.to_vec(), Options { profile, ..Options::default() }) {
        Ok(envelope) => envelope,
        Err(error) => {
            bearable(&error.to_string());
            return None;
        }
    };
    let count = envelope.len();
    assert!(!envelope.is_empty() && count <= OBJECTS_MAX);
    let objects: Vec<_> = envelope.objects().map(kept).collect();
    assert_eq!(objects.len(), count);
    Some(objects)
}

/// What holds of an object that is accepted, and of one that is refused.
fn kept(object: Result<Object, Box<liaison::stix::object::Rejected>>) -> Option<Object> {
    let object = match object {
        Ok(object) => object,
        Err(rejected) => {
            let label = &rejected.label;
            assert!(label.id.chars().count() <= 300 && label.version.chars().count() <= 300);
            bearable(&rejected.error.to_string());
            return None;
        }
    };
    let tree: Value = serde_json::from_slice(object.json()).expect("an accepted object is JSON");
    let text = |name: &str| tree.get(name).and_then(Value::as_str);
    let id = StixId::parse(object.id().as_str()).expect("its id is one");
    assert_eq!(text("id"), Some(id.as_str()));
    assert_eq!(text("type"), Some(id.object_type()));
    assert!(object.created().is_none_or(|created| Some(created.as_str()) == text("created")));
    assert_eq!(object.is_revoked(), tree.get("revoked") == Some(&Value::Bool(true)));
    stamped_is_marked(&object, &tree);
    Some(object)
}

/// A stamp adds one marking, and nothing else changes.
fn stamped_is_marked(object: &Object, before: &Value) {
    let stamped = object.clone().stamped(Tlp::Amber);
    let mut after: Value = serde_json::from_slice(stamped.json()).expect("a stamped object is JSON");
    let members = after.as_object_mut().expect("a stamped object is an object");
    let refs = members.get_mut("object_marking_refs").and_then(Value::as_array_mut);
    let refs = refs.expect("a stamped object has markings");
    assert_eq!(refs.remove(0), Tlp::Amber.marking_id());
    if refs.is_empty() && before.get("object_marking_refs").is_none() {
        members.remove("object_marking_refs");
    }
    assert_eq!(&after, before);
}

/// What is sent to partners comes back as it is.
fn written_is_read_again(objects: Vec<Object>) {
    if objects.is_empty() {
        return;
    }
    let texts: Vec<&[u8]> = objects.iter().map(|object| &object.json()[..]).collect();
    let body = write(texts.iter().copied(), Some("next"));
    let again = Envelope::parse(body, Options::default()).expect("an envelope of ours is one");
    assert_eq!(again.len(), objects.len());
    for (object, again) in objects.iter().zip(again.objects()) {
        let again = again.expect("an accepted object is accepted again");
        assert_eq!(object.json(), again.json());
        assert_eq!((object.id(), object.version()), (again.id(), again.version()));
        assert_eq!((object.marks(), object.extensions()), (again.marks(), again.extensions()));
    }
}

/// A refusal stands in a status and in the audit log.
fn bearable(error: &str) {
    assert!(error.len() < ERROR_MAX_BYTES, "{} bytes of error: {:.300}", error.len(), error);
}

const ERROR_MAX_BYTES: usize = 4 * 1024;
