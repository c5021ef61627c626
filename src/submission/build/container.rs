//! The report or grouping that names everything that was handed in.

use super::version::{Made, Sketch};
use super::{Container, Frame, REFS_MAX, object};
use crate::stix::Tlp;
use crate::stix::marking::Pap;
use crate::submission::Error;
use serde_json::{Value, json};

/// The id of the container, if there is to be one.
pub(super) fn id(frame: &Frame) -> Option<String> {
    Some(frame.id(object_type(frame)?, &[frame.terms.title]))
}

/// The container of these objects; none if there is nothing to hold.
pub(super) fn of(
    frame: &Frame,
    refs: Vec<String>,
    tlp: Tlp,
    pap: Option<Pap>,
) -> Result<Option<Made>, Error> {
    let (Some(id), Some(object_type)) = (&frame.container, object_type(frame)) else { return Ok(None) };
    if refs.is_empty() {
        return Ok(None);
    }
    let (draft, terms) = (frame.draft, frame.terms);
    if terms.title.trim().is_empty() {
        return Err(Error::at("title", "what is handed in together needs a title"));
    }
    let mut object = Sketch::begin(frame, object_type, id);
    object.set("name", terms.title);
    object.say("description", terms.description.or(draft.description.as_deref()));
    match &terms.container {
        Container::Grouping { context } => object.set("context", context.as_str()),
        Container::Report | Container::None => {
            object.join("report_types", types(&refs).map(Value::from));
            let published = draft.published.as_ref().unwrap_or(&frame.now);
            object.default("published", || published.as_str().into());
        }
    }
    object.join("object_refs", refs.into_iter().map(Value::from));
    let count = object.members.get("object_refs").and_then(Value::as_array).map_or(0, Vec::len);
    if count > REFS_MAX {
        let what = format!(
            "{count} objects under one title, and {REFS_MAX} are the most that one can name; hand them in under several \
             titles, or without a report"
        );
        return Err(Error::at("title", what));
    }
    object.join("labels", terms.labels.iter().map(|label| json!(label)));
    object.join("external_references", draft.references.iter().map(object::reference));
    object.mark(frame, tlp, pap);
    let made = object.finish(frame);
    match super::faults(made.object()) {
        None => Ok(Some(made)),
        Some(faults) => Err(Error::at("title", faults)),
    }
}

fn object_type(frame: &Frame) -> Option<&'static str> {
    match frame.terms.container {
        Container::Report => Some("report"),
        Container::Grouping { .. } => Some("grouping"),
        Container::None => None,
    }
}

/// What a report is mainly about (STIX 2.1 §10.22).
fn types(refs: &[String]) -> impl Iterator<Item = &'static str> {
    let has = |start: &str| refs.iter().any(|id| id.starts_with(start));
    let (indicators, vulnerabilities) = (has("indicator--"), has("vulnerability--"));
    let others = !indicators && !vulnerabilities;
    [("indicator", indicators), ("vulnerability", vulnerabilities), ("threat-report", others)]
        .into_iter()
        .filter_map(|(word, holds)| holds.then_some(word))
}
