//! An object beside what the target has of it.

use super::Frame;
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp};
use crate::submission::draft::add_once;
use crate::submission::moment;
use serde_json::{Map, Value, json};

/// An object, and whether it says anything that is not there yet.
#[derive(Debug, Clone)]
pub(super) struct Made {
    object: Value,
    is_new: bool,
}

impl Made {
    /// Something that has no versions: it is there, or not.
    pub(super) fn constant(object: Value, is_there: bool) -> Self {
        Self { object, is_new: !is_there }
    }

    pub(super) fn object(&self) -> &Value {
        &self.object
    }

    pub(super) fn id(&self) -> &str {
        self.object["id"].as_str().unwrap_or_default()
    }

    /// The highest level that it has.
    pub(super) fn tlp(&self) -> Option<Tlp> {
        marks(self.object.get("object_marking_refs")).filter_map(Tlp::of_marking).max()
    }

    /// The most restricted use.
    pub(super) fn pap(&self) -> Option<Pap> {
        pap(&self.object)
    }

    /// Puts it where it belongs.
    pub(super) fn sort(self, objects: &mut Vec<Value>, unchanged: &mut Vec<String>) {
        match self.is_new {
            true => objects.push(self.object),
            false => unchanged.push(self.id().to_owned()),
        }
    }
}

/// An object in the making: what is known of it, and what is said now.
pub(super) struct Sketch<'a> {
    pub(super) known: Option<&'a Map<String, Value>>,
    pub(super) members: Map<String, Value>,
}

impl<'a> Sketch<'a> {
    /// Begins with what is known under the id, as long as that is such an object.
    pub(super) fn begin(frame: &'a Frame, object_type: &str, id: &str) -> Self {
        let known = frame.known.get(id).and_then(Value::as_object).filter(|known| {
            known.get("type").is_some_and(|found| found == object_type)
                && time(known, "created").is_some()
                && time(known, "modified").is_some()
        });
        let mut members = known.cloned().unwrap_or_default();
        members.insert("type".to_owned(), json!(object_type));
        members.insert("spec_version".to_owned(), json!("2.1"));
        members.insert("id".to_owned(), json!(id));
        members.insert("created_by_ref".to_owned(), json!(frame.terms.author));
        Self { known, members }
    }

    /// Says something, whatever was said before.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// Says something, if it is said at all.
    pub(super) fn say(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Says something if nobody has yet.
    pub(super) fn default(&mut self, name: &str, value: impl FnOnce() -> Value) {
        if !self.members.contains_key(name) {
            self.set(name, value());
        }
    }

    /// Says a time, if it is another one than was said.
    pub(super) fn set_time(&mut self, name: &str, value: &StixTime) {
        if time(&self.members, name).as_ref() != Some(value) {
            self.set(name, value.as_str());
        }
    }

    /// Adds to a list what is not in it.
    pub(super) fn join(&mut self, name: &str, items: impl IntoIterator<Item = Value>) {
        let mut list = self.members.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut there: std::collections::HashSet<String> = list.iter().map(Value::to_string).collect();
        list.extend(items.into_iter().filter(|item| there.insert(item.to_string())));
        if !list.is_empty() {
            self.set(name, list);
        }
    }

    /// Marks it. Levels never fall, and other markings stay.
    pub(super) fn mark(&mut self, frame: &Frame, tlp: Tlp, pap: Option<Pap>) {
        let before: Vec<String> = marks(self.members.get("object_marking_refs")).map(str::to_owned).collect();
        let highest = before.iter().filter_map(|id| Tlp::of_marking(id)).max();
        let strictest = before.iter().filter_map(|id| Pap::of_marking(id)).max();
        let pap = pap.max(strictest).map(Pap::marking_id);
        let mut refs = vec![highest.map_or(tlp, |known| known.max(tlp)).marking_id().to_owned()];
        refs.extend(pap.map(str::to_owned));
        let is_level = |id: &str| Tlp::of_marking(id).is_some() || Pap::of_marking(id).is_some();
        let others = before.iter().filter(|id| !is_level(id)).cloned().chain(frame.marking_id());
        for id in others {
            add_once(&mut refs, id);
        }
        // In another order they say the same.
        let is_same = refs.len() == before.len() && refs.iter().all(|id| before.contains(id));
        if !is_same {
            self.set("object_marking_refs", refs);
        }
    }

    /// Compares it with what is known, and dates it.
    pub(super) fn finish(mut self, frame: &Frame) -> Made {
        let Some(known) = self.known else {
            self.set("created", frame.now.as_str());
            self.set("modified", frame.now.as_str());
            return Made { object: Value::Object(self.members), is_new: true };
        };
        if *known == self.members {
            return Made { object: Value::Object(self.members), is_new: false };
        }
        // Later than the version that is there, whatever the clocks say.
        let known = time(known, "modified").map_or(0, |modified| modified.micros() / 1000 + 1);
        let millis = known.max(frame.now.micros() / 1000);
        let modified = moment::of_millis(millis).unwrap_or_else(|| frame.now.clone());
        self.set("modified", modified.as_str());
        Made { object: Value::Object(self.members), is_new: true }
    }
}

/// A time among members.
pub(super) fn time(members: &Map<String, Value>, name: &str) -> Option<StixTime> {
    members.get(name)?.as_str().and_then(StixTime::parse)
}

/// The most restricted use that an object's markings allow.
pub(super) fn pap(object: &Value) -> Option<Pap> {
    marks(object.get("object_marking_refs")).filter_map(Pap::of_marking).max()
}

fn marks(refs: Option<&Value>) -> impl Iterator<Item = &str> {
    refs.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
