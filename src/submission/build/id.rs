//! Ids that follow from what an object says (UUID version 5).

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The id of an object that is named by these texts.
pub(super) fn of(object_type: &str, names: &[&str]) -> String {
    // As a JSON list, no two lists of texts are the same name.
    let name = Value::from(names).to_string();
    format!("{object_type}--{}", Uuid::new_v5(&NAMESPACE, name.as_bytes()))
}

/// The id of an observable of a type that the standard does not have: by its one property, as the standard
/// does it (STIX 2.1 §2.9).
pub(super) fn of_observable(object_type: &str, property: &str, value: &str) -> String {
    // With one member there is no order, and strings are written as RFC 8785 wants them.
    let content = Value::Object(Map::from_iter([(property.to_owned(), json!(value))])).to_string();
    format!("{object_type}--{}", Uuid::new_v5(&STIX, content.as_bytes()))
}

/// Ours.
const NAMESPACE: Uuid = Uuid::from_u128(0xa84d4ac7_23e5_4fe5_95cc_2e0fa65f8196);
/// That of the standard.
const STIX: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
