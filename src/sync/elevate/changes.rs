//! What STIX 2.1 calls otherwise in observables and their extensions (STIX 2.1 §6, and part 4 of 2.0).

use super::selectors::Moves;
use serde_json::{Map, Value};

/// The name of a property in 2.1, if it has another.
pub(super) fn renamed(kind: &str, property: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(of, old, _)| *of == kind && *old == property).map(|(.., new)| *new)
}

/// Gives the properties of an observable their names and forms of 2.1, and says where they went.
pub(super) fn observable(kind: &str, object: &mut Map<String, Value>) -> Moves {
    let mut moves = Moves::default();
    for (name, value) in object.iter_mut() {
        hash_names(name, value, name, &mut moves);
    }
    if let Some(extensions) = object.remove("extended_properties") {
        // So they were called before 2.0 was final.
        moves.add("extended_properties".to_owned(), vec!["extensions".to_owned()]);
        object.entry("extensions").or_insert(extensions);
    }
    rename(kind, object, "", &mut moves);
    if kind == "email-message" {
        list_values(object.get_mut("additional_header_fields"));
    }
    if let Some(Value::Object(extensions)) = object.get_mut("extensions") {
        *extensions = std::mem::take(extensions)
            .into_iter()
            .map(|(name, mut content)| {
                let key = extension_key(&name);
                if key != name {
                    moves.add(format!("extensions.{name}"), vec![format!("extensions.{key}")]);
                }
                if let Value::Object(content) = &mut content {
                    rename(&name, content, &format!("extensions.{name}."), &mut moves);
                    if name == "http-request-ext" {
                        list_values(content.get_mut("request_header"));
                    }
                }
                (key, content)
            })
            .collect();
    }
    moves
}

/// Gives hashes the names of 2.1, wherever they stand in a property, but not in what is custom.
pub(super) fn hash_names(name: &str, value: &mut Value, path: &str, moves: &mut Moves) {
    match value {
        _ if name.starts_with("x_") => {}
        Value::Object(hashes) if name == "hashes" || name.ends_with("_hashes") => {
            if let Some(hash) = hashes.remove("ssdeep") {
                moves.add(format!("{path}.ssdeep"), vec![format!("{path}.SSDEEP")]);
                hashes.entry("SSDEEP").or_insert(hash);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                hash_names(name, value, &format!("{path}.{name}"), moves);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                hash_names("", item, &format!("{path}.[{at}]"), moves);
            }
        }
        _ => {}
    }
}

/// A property whose new name is there already stays.
fn rename(kind: &str, object: &mut Map<String, Value>, path: &str, moves: &mut Moves) {
    for (_, old, new) in RENAMED.iter().filter(|(of, ..)| *of == kind) {
        if !object.contains_key(*new)
            && let Some(value) = object.remove(*old)
        {
            object.insert((*new).to_owned(), value);
            moves.add(format!("{path}{old}"), vec![format!("{path}{new}")]);
        }
    }
}

/// Header fields may come more than once, and so are lists.
fn list_values(fields: Option<&mut Value>) {
    for value in fields.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        if value.is_string() {
            *value = Value::Array(vec![value.take()]);
        }
    }
}

/// Extensions without a definition end in `-ext` (STIX 2.1 §7.3).
fn extension_key(name: &str) -> String {
    let is_current = name.ends_with("-ext") || name.starts_with("extension-definition--");
    if is_current { name.to_owned() } else { format!("{name}-ext") }
}

/// Type or extension, the name in 2.0, that in 2.1. What has no place in 2.1 is kept as a custom property.
const RENAMED: &[(&str, &str, &str)] = &[
    ("directory", "created", "ctime"),
    ("directory", "modified", "mtime"),
    ("directory", "accessed", "atime"),
    ("file", "created", "ctime"),
    ("file", "modified", "mtime"),
    ("file", "accessed", "atime"),
    ("file", "is_encrypted", "x_stix20_is_encrypted"),
    ("file", "encryption_algorithm", "x_stix20_encryption_algorithm"),
    ("file", "decryption_key", "x_stix20_decryption_key"),
    ("network-traffic", "encapsulates_by_ref", "encapsulated_by_ref"),
    ("process", "created", "created_time"),
    ("process", "binary_ref", "image_ref"),
    ("process", "name", "x_stix20_name"),
    ("process", "arguments", "x_stix20_arguments"),
    ("user-account", "password_last_changed", "credential_last_changed"),
    ("windows-registry-key", "modified", "modified_time"),
    ("archive-ext", "version", "x_stix20_version"),
    ("raster-image-ext", "image_compression_algorithm", "x_stix20_image_compression_algorithm"),
    ("socket-ext", "protocol_family", "x_stix20_protocol_family"),
];
