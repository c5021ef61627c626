//! The marking that says on which conditions something is handed in (governance §4.2), and the definitions of
//! levels.

use super::version::Made;
use super::{Terms, id};
use crate::stix::StixTime;
use crate::stix::marking::{EvidenceUse, HANDLING_EXTENSION, OnwardTransfer, Pap, PersonalData, published};
use crate::stix::{json, object};
use crate::submission::Error;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// Conditions beside levels and purposes (governance §4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handling {
    /// `H0` to `H3`.
    pub codes: Vec<String>,
    /// What the restriction is; `H3` needs it.
    pub text: Option<String>,
    /// May a court see it?
    pub evidence_use: Option<EvidenceUse>,
    /// May it be passed on?
    pub onward_transfer: Option<OnwardTransfer>,
    /// Are persons in it?
    pub personal_data: Option<PersonalData>,
    /// By what right it is shared.
    pub legal_basis: Option<String>,
    /// Kept up to when.
    pub retention_until: Option<StixTime>,
    /// `A`, `B`, `C` or `X`.
    pub source_evaluation: Option<String>,
    /// `1` to `4`.
    pub information_evaluation: Option<String>,
}

/// The marking for terms that need one.
pub(super) fn of(terms: &Terms, known: &HashMap<String, Value>) -> Result<Option<Made>, Error> {
    let mut says = terms.handling.map(said).unwrap_or_default();
    let purposes: BTreeSet<&str> =
        terms.purposes.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    let are_usual = purposes.is_empty() || purposes.iter().copied().eq(USUAL_PURPOSES);
    if !are_usual {
        says.insert("purposes".to_owned(), json!(purposes));
    }
    if says.is_empty() {
        return Ok(None);
    }
    let id = id::of(MARKING, &[MARKING, terms.author, &Value::Object(says.clone()).to_string()]);
    let name = named(&says);
    says.insert("extension_type".to_owned(), json!("property-extension"));
    let definition = json!({
        "type": MARKING,
        "spec_version": "2.1",
        "id": id,
        "created_by_ref": terms.author,
        "created": CREATED,
        "name": name,
        "extensions": {HANDLING_EXTENSION: says},
    });
    check(&definition)?;
    let is_there = known.get(&id).is_some_and(Value::is_object);
    Ok(Some(Made::constant(definition, is_there)))
}

/// The definition of a level of PAP, which is none of the standard's, so that nobody has it from there
/// (governance §2).
pub(super) fn of_pap(pap: Pap, known: &HashMap<String, Value>) -> Option<Made> {
    let id = pap.marking_id();
    let definition = serde_json::from_str(&published(id)?).ok()?;
    Some(Made::constant(definition, known.get(id).is_some_and(Value::is_object)))
}

fn said(handling: &Handling) -> Map<String, Value> {
    let codes: BTreeSet<String> =
        handling.codes.iter().map(|code| code.trim().to_ascii_uppercase()).collect();
    let text = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(Value::from)
    };
    let members = [
        ("handling_codes", (!codes.is_empty()).then(|| json!(codes))),
        ("handling_text", text(&handling.text)),
        ("evidence_use", handling.evidence_use.map(|word| json!(word))),
        ("onward_transfer", handling.onward_transfer.map(|word| json!(word))),
        ("personal_data", handling.personal_data.map(|word| json!(word))),
        ("legal_basis", text(&handling.legal_basis)),
        ("retention_until", handling.retention_until.as_ref().map(|time| json!(time.as_str()))),
        ("source_evaluation", text(&handling.source_evaluation)),
        ("information_evaluation", text(&handling.information_evaluation)),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What people see of it in lists.
fn named(says: &Map<String, Value>) -> String {
    let words = |name: &str| {
        let list = says.get(name).and_then(Value::as_array);
        list.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
    };
    let parts: Vec<String> = [words("purposes"), words("handling_codes")].into_iter().flatten().collect();
    match parts.is_empty() {
        true => "Handling conditions".to_owned(),
        false => format!("Handling: {}", parts.join("; ")),
    }
}

/// Nobody could tell what is marked with a definition that is not written as it must be.
fn check(definition: &Value) -> Result<(), Error> {
    let read = json::read(definition.to_string().into_bytes(), |seen| object::Header::read(seen).map(drop));
    match read {
        Ok(document) => {
            document.root.part.seen.map_err(|error| Error::at("handling conditions", error.to_string()))
        }
        Err(error) => Err(Error::at("handling conditions", error.to_string())),
    }
}

const MARKING: &str = "marking-definition";
/// What nobody need ask for, sorted.
const USUAL_PURPOSES: [&str; 2] = ["cyber-defence", "incident-response"];
/// A marking has no versions, so the same conditions are always the same object.
const CREATED: &str = "2026-01-01T00:00:00.000Z";
