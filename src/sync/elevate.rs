//! STIX 2.0 objects become STIX 2.1 objects.
//!
//! TAXII 2.0 servers, and some of TAXII 2.1, give objects of STIX 2.0: those without `spec_version`. The same
//! object always becomes the same objects, so that fetching it again changes nothing. Ids, times and everything
//! custom stay; what 2.1 has no property for is kept as `x_stix20_…`. Pure.
//!
//! * `labels`: labels that say the type of a thing become `indicator_types` and the like.
//! * `pattern`: the text of patterns.
//! * `observed`: the observables inside observed-data become objects of their own.
//! * `changes`: which properties of observables have other names.
//! * `selectors`: granular markings follow what they mark.

mod changes;
mod labels;
mod observed;
mod pattern;
mod selectors;

#[cfg(test)]
mod tests;

use crate::stix::Tlp;
use crate::stix::schema::{self, Class};
use selectors::Moves;
use serde_json::{Map, Value};

/// The STIX 2.1 objects that a STIX 2.0 object becomes: one, or an observed-data with its observables before it.
///
/// An object that is 2.1 already comes back as it is. An error names the object and the property. Whether the
/// result keeps all rules is for [`crate::stix::content`] to say.
pub fn elevate(object: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let kind = text(object, "type").ok_or_else(|| fault(object, "type", "is missing or no string"))?;
    if kind == "bundle" {
        return Err(fault(object, "type", "is `bundle`; a bundle is no object: elevate what is in it"));
    }
    match object.get("spec_version").map(Value::as_str) {
        None if is_current(kind, object) => return Ok(vec![Value::Object(object.clone())]),
        None | Some(Some("2.0")) => {}
        Some(Some("2.1")) => return Ok(vec![Value::Object(object.clone())]),
        Some(_) => return Err(fault(object, "spec_version", "is neither 2.0 nor 2.1")),
    }
    let mut elevated = object.clone();
    elevated.insert("spec_version".to_owned(), "2.1".into());
    for name in ["created", "modified"] {
        with_milliseconds(&mut elevated, name);
    }
    let mut moves = Moves::default();
    if let Some(references) = elevated.get_mut("external_references") {
        changes::hash_names("external_references", references, "external_references", &mut moves);
    }
    labels::sort(kind, &mut elevated, &mut moves);
    match kind {
        "observed-data" => return observed::elevate(object, elevated, &moves),
        "indicator" => indicator(&mut elevated)?,
        "malware" => set_if_absent(&mut elevated, "is_family", false.into()),
        "identity" => sectors(&mut elevated),
        "marking-definition" => name_of_level(&mut elevated),
        _ => {}
    }
    moves.follow(&mut elevated);
    Ok(vec![Value::Object(elevated)])
}

/// Observables have no `spec_version` of their own in 2.1, and stand only inside observed-data in 2.0; what was
/// never created is one of them, of a type that we do not know.
fn is_current(kind: &str, object: &Map<String, Value>) -> bool {
    match schema::is_known_type(kind) {
        Some(class) => class == Class::Sco,
        None => !object.contains_key("created"),
    }
}

/// STIX 2.1 §4.7 wants the language of the pattern.
fn indicator(object: &mut Map<String, Value>) -> Result<(), String> {
    if !object.contains_key("valid_from") {
        return Err(fault(object, "valid_from", "is missing; say from when the indicator holds"));
    }
    set_if_absent(object, "pattern_type", "stix".into());
    if text(object, "pattern_type") == Some("stix") {
        let old =
            text(object, "pattern").ok_or_else(|| fault(object, "pattern", "is missing or no string"))?;
        let new = pattern::elevate(old);
        object.insert("pattern".to_owned(), new.into());
    }
    Ok(())
}

/// The one word that industry-sector-ov spells otherwise (STIX 2.1 §10.10).
fn sectors(object: &mut Map<String, Value>) {
    let sectors = object.get_mut("sectors").and_then(Value::as_array_mut);
    for sector in sectors.into_iter().flatten().filter(|sector| *sector == "defence") {
        *sector = "defense".into();
    }
}

/// The levels of TLP have the ids that they had, and names (STIX 2.1 §7.2.1.4).
fn name_of_level(object: &mut Map<String, Value>) {
    let level = object.get("definition").and_then(|definition| definition.get("tlp")).and_then(Value::as_str);
    let name = level.map(|level| format!("TLP:{}", level.to_ascii_uppercase()));
    if let Some(name) = name.filter(|_| text(object, "id").is_some_and(|id| Tlp::of_marking(id).is_some())) {
        set_if_absent(object, "name", name.into());
    }
}

/// `created` and `modified` have at least three digits after the dot (STIX 2.1 §3.2); some 2.0 servers cut zeros.
fn with_milliseconds(object: &mut Map<String, Value>, name: &str) {
    let Some(body) = text(object, name).and_then(|time| time.strip_suffix('Z')) else { return };
    let digits = body.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let zeros = match (body.len(), digits) {
        (19, 0) => ".000",
        (21, 1) => "00",
        (22, 2) => "0",
        _ => return,
    };
    let padded = format!("{body}{zeros}Z");
    object.insert(name.to_owned(), padded.into());
}

fn set_if_absent(object: &mut Map<String, Value>, name: &str, value: Value) {
    object.entry(name).or_insert(value);
}

fn text<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}

/// What is wrong with a property of an object.
fn fault(object: &Map<String, Value>, property: &str, why: &str) -> String {
    let kind = text(object, "type").unwrap_or("object");
    match text(object, "id") {
        Some(id) => format!("{id}: `{property}` {why}"),
        None => format!("{kind} without id: `{property}` {why}"),
    }
}
