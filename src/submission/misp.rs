//! Events of MISP: what its own export writes, what its search answers, and what PyMISP writes.
//!
//! Each attribute, of the event or of its objects, becomes a record for each value that it has, if it has one
//! of a kind that we have; everything else is left out with the reason. `to_ids` says what is to be looked
//! for. Tags give levels, confidence and labels; what an attribute's own tags say of confidence counts before
//! what those of the event say. A link is a reference of the whole; one that is to be looked for is left out as
//! that. `disable_correlation`, `distribution` and the like are about a MISP server.

mod attribute;
mod tags;

use super::draft::{one_line, prose};
use super::format::scalar;
use super::moment::Reading;
use super::{Draft, Error};
use crate::stix::StixTime;
use attribute::Attribute;
use serde_json::Value;
use tags::Tags;

/// Reads one event or several.
pub fn read(bytes: &[u8]) -> Result<Draft, Error> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let json: Value =
        serde_json::from_slice(bytes).map_err(|error| Error::at("the file", format!("no JSON: {error}")))?;
    let mut draft = Draft::default();
    match events(&json) {
        Some(events) if !events.is_empty() => {
            let is_one = events.len() == 1;
            for (nth, event) in events.iter().enumerate() {
                let place = if is_one { "Event".to_owned() } else { format!("Event[{nth}]") };
                Event { json: event, place }.take(&mut draft)?;
            }
            Ok(draft)
        }
        _ => {
            let what = "no event; {\"Event\": {…}}, {\"response\": [{\"Event\": {…}}]} or a list of events is expected";
            Err(Error::at("the file", what))
        }
    }
}

/// The events of a file.
fn events(json: &Value) -> Option<Vec<&Value>> {
    let inner = |item: &'_ Value| -> Option<()> { item.as_object().map(|_| ()) };
    match json {
        Value::Array(items) => {
            let events = items.iter().map(|item| item.get("Event").unwrap_or(item));
            Some(events.filter(|event| inner(event).is_some()).collect())
        }
        Value::Object(members) => match (members.get("Event"), members.get("response")) {
            (Some(event), _) => Some(vec![event]),
            (None, Some(response)) => events(response),
            (None, None) if members.contains_key("info") => Some(vec![json]),
            (None, None) => None,
        },
        _ => None,
    }
}

struct Event<'a> {
    json: &'a Value,
    place: String,
}

impl Event<'_> {
    fn take(&self, draft: &mut Draft) -> Result<(), Error> {
        let event = self.json;
        let mut tags = Tags::default();
        tags.take(event);
        tags.written = attribute::unix(&event["timestamp"]).or_else(|| published(event));
        draft.tlp = draft.tlp.max(tags.tlp);
        draft.pap = draft.pap.max(tags.pap);
        // Of several events the first gives its name.
        draft.title = draft.title.take().or_else(|| {
            let title = one_line(&scalar(&event["info"])?, TITLE_CHARS_MAX);
            (!title.is_empty()).then_some(title)
        });
        draft.published = draft.published.take().or_else(|| published(event));
        for (nth, attribute) in list(&event["Attribute"]).enumerate() {
            let place = format!("{}.Attribute[{nth}]", self.place);
            Attribute { json: attribute, object: None, place }.take(&tags, draft)?;
        }
        for (nth, object) in list(&event["Object"]).enumerate() {
            let place = format!("{}.Object[{nth}]", self.place);
            if attribute::is_deleted(object) {
                draft.leave_out(place, &scalar(&object["name"]).unwrap_or_default(), "deleted in MISP");
                continue;
            }
            for (nth, attribute) in list(&object["Attribute"]).enumerate() {
                let place = format!("{place}.Attribute[{nth}]");
                Attribute { json: attribute, object: Some(object), place }.take(&tags, draft)?;
            }
        }
        self.texts(draft);
        self.proposals(draft);
        Ok(())
    }

    /// Reports in an event are what it says in words.
    fn texts(&self, draft: &mut Draft) {
        for (nth, report) in list(&self.json["EventReport"]).enumerate() {
            if attribute::is_deleted(report) {
                continue;
            }
            let name = scalar(&report["name"]).unwrap_or_default();
            let place = format!("{}.EventReport[{nth}]", self.place);
            match scalar(&report["content"]).and_then(|text| prose(&text)) {
                Some(text) if draft.description.is_none() => {
                    if text.ends_with('…') {
                        draft.leave_out(place, &name, "the end of a long report; hand it in as text");
                    }
                    draft.description = Some(text);
                }
                _ => draft.leave_out(place, &name, "a report in words, after the first; hand it in as text"),
            }
        }
    }

    fn proposals(&self, draft: &mut Draft) {
        for (nth, proposal) in list(&self.json["ShadowAttribute"]).enumerate() {
            let place = format!("{}.ShadowAttribute[{nth}]", self.place);
            draft.leave_out(
                place,
                &scalar(&proposal["value"]).unwrap_or_default(),
                "a proposal that nobody has accepted",
            );
        }
    }
}

/// The day that an event names.
fn published(event: &Value) -> Option<StixTime> {
    let day = scalar(&event["date"])?;
    Reading { format: None, zone: Some(time::UtcOffset::UTC) }.read(&day).ok()
}

/// The items of what ought to be a list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

const TITLE_CHARS_MAX: usize = 250;

#[cfg(test)]
mod tests;
