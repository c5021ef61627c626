//! An attribute of MISP, and the values in it.

use super::tags::Tags;
use crate::stix::{StixId, StixTime};
use crate::submission::draft::prose;
use crate::submission::format::scalar;
use crate::submission::moment::Reading;
use crate::submission::value::{self, Named};
use crate::submission::{Details, Draft, Error, Record, Reference};
use serde_json::Value;

pub(super) struct Attribute<'a> {
    pub(super) json: &'a Value,
    /// The object around it.
    pub(super) object: Option<&'a Value>,
    pub(super) place: String,
}

/// A value in an attribute: what it is, its text, and whether it can be looked for alone.
struct Part<'a> {
    named: Result<Named, String>,
    text: &'a str,
    use_alone: Use,
}

/// A half of a composite is not always worth looking for.
#[derive(PartialEq)]
enum Use {
    AsAttribute,
    Context,
}

impl Attribute<'_> {
    pub(super) fn take(&self, event: &Tags, draft: &mut Draft) -> Result<(), Error> {
        let kind = scalar(&self.json["type"]).unwrap_or_default();
        let text = scalar(&self.json["value"]).unwrap_or_default();
        if is_deleted(self.json) {
            draft.leave_out(&*self.place, &text, "deleted in MISP");
            return Ok(());
        }
        if kind == "link" {
            self.link(&text, draft);
            return Ok(());
        }
        let mut details = match self.details(event) {
            Ok(details) => details,
            Err((key, found, what)) => {
                draft.leave_out(format!("{}.{key}", self.place), &found, what);
                return Ok(());
            }
        };
        if let Some(reason) = self.unfit(&kind, &details) {
            draft.leave_out(&*self.place, &text, reason);
            return Ok(());
        }
        let (parts, note) = match parts(&kind, &text) {
            Ok(split) => split,
            Err(reason) => {
                draft.leave_out(&*self.place, &text, reason);
                return Ok(());
            }
        };
        if let Some(note) = note {
            details.note(&note);
        }
        self.add(&parts, &details, draft)
    }

    fn link(&self, text: &str, draft: &mut Draft) {
        let Some(link) = Reference::to(text) else {
            return draft.leave_out(&*self.place, text, "a link that is no URL");
        };
        if !draft.references.contains(&link) {
            draft.references.push(link);
        }
        if is_true(&self.json["to_ids"]) {
            draft.leave_out(&*self.place, text, LINK);
        }
    }

    fn add(&self, parts: &[Part], details: &Details, draft: &mut Draft) -> Result<(), Error> {
        for part in parts {
            match part.named.clone().and_then(|named| named.read(part.text)) {
                Ok(what) => {
                    let mut details = details.clone();
                    details.for_detection &= part.use_alone == Use::AsAttribute;
                    draft.add(Record { what, place: self.place.clone(), details })?;
                }
                Err(reason) => draft.leave_out(&*self.place, part.text, reason),
            }
        }
        Ok(())
    }

    /// Why values that we could read are not to be taken.
    fn unfit(&self, kind: &str, details: &Details) -> Option<&'static str> {
        let is_part =
            |object: &Value| PARTS_OF_FILES.contains(&&*scalar(&object["name"]).unwrap_or_default());
        if is_hash(kind) && self.object.is_some_and(is_part) {
            return Some("the hash of a part of a file, which no list of hashes of files holds");
        }
        (kind == "regkey|value" && details.for_detection).then_some(KEY_WITH_VALUE)
    }

    fn details(&self, event: &Tags) -> Result<Details, (&'static str, String, String)> {
        let mut own = Tags::default();
        own.take(self.json);
        let of_object = |name: &str| self.object.and_then(|object| scalar(&object[name]));
        let comment = scalar(&self.json["comment"]).or_else(|| of_object("comment"));
        // The comment that our export writes is an id.
        let comment = comment.filter(|text| StixId::parse(text).is_err());
        let mut details = Details {
            description: comment.and_then(|text| prose(&text)),
            valid_from: self.time("first_seen")?,
            valid_until: self.time("last_seen")?,
            for_detection: is_true(&self.json["to_ids"]),
            ..Details::default()
        };
        // What was seen last before it was written down is history, and no end of validity.
        let written = unix(&self.json["timestamp"]).or_else(|| event.written.clone());
        if let Some(seen) = details.valid_until.take_if(|until| {
            Some(&*until) <= written.as_ref() || Some(&*until) <= details.valid_from.as_ref()
        }) {
            details.note(&format!("last seen {}", seen.as_str()));
        }
        event.tell(&own, &mut details);
        Ok(details)
    }

    fn time(&self, key: &'static str) -> Result<Option<StixTime>, (&'static str, String, String)> {
        let Some(text) = scalar(&self.json[key]) else { return Ok(None) };
        Reading::default().read(&text).map(Some).map_err(|what| (key, text, what))
    }
}

/// Is it marked as deleted?
pub(super) fn is_deleted(json: &Value) -> bool {
    is_true(&json["deleted"])
}

/// A time in seconds since 1970.
pub(super) fn unix(value: &Value) -> Option<StixTime> {
    let reading = Reading { format: Some("unix".to_owned()), zone: None };
    reading.read(&scalar(value)?).ok()
}

fn is_hash(kind: &str) -> bool {
    kind == "ssdeep" || kind.starts_with("md5") || kind.starts_with("sha")
}

fn is_true(value: &Value) -> bool {
    *value == true || *value == 1 || *value == "1" || *value == "true"
}

/// The values in an attribute of a type, and what else it says; or why it gives none.
fn parts<'a>(kind: &str, text: &'a str) -> Result<(Vec<Part<'a>>, Option<String>), String> {
    let part =
        |name: &str, text: &'a str, use_alone| Part { named: of_type(name), text: text.trim(), use_alone };
    let alone = |name: &str, text: &'a str| part(name, text, Use::AsAttribute);
    let split = kind.split_once('|').or((kind == "malware-sample").then_some(("filename", "md5")));
    let Some((first, second)) = split else { return Ok((vec![alone(kind, text)], None)) };
    let (one, other) =
        text.split_once('|').ok_or_else(|| format!("no two values with | between, as {kind} has"))?;
    Ok(match (first, second) {
        (_, "port") => (vec![alone(first, one)], Some(format!("port {}", other.trim()))),
        // Only as context: see `unfit`.
        ("regkey", _) => (vec![alone(first, one)], Some(format!("value {}", other.trim()))),
        // A name alone is that of many files.
        ("filename", _) => (vec![alone(second, other), part(first, one, Use::Context)], None),
        // The address may be one of either version, as that of `ip-dst`.
        (_, "ip") => (vec![alone(first, one), alone("ip-dst", other)], None),
        _ => (vec![alone(first, one), alone(second, other)], None),
    })
}

/// What a type of MISP is to us, or why it is nothing.
fn of_type(kind: &str) -> Result<Named, String> {
    if kind.starts_with("target-") {
        return Err(format!("{kind} names a victim; if it is to be shared, hand it in by itself"));
    }
    if RULES.contains(&kind) {
        return Err(format!(
            "{kind} is a rule, not a value; publish it as an indicator in STIX with this pattern_type"
        ));
    }
    if kind == "attachment" {
        return Err("a file; files are not taken".to_owned());
    }
    value::kinds(kind).ok_or_else(|| match kind {
        "" => "an attribute without a type".to_owned(),
        _ => format!("{kind} is no kind of value that is shared in lists"),
    })
}

/// An indicator is one comparison, and that on the key would find each machine that has it.
const KEY_WITH_VALUE: &str = "a key of the registry together with a value, which no list of values holds, and the key alone may be on every machine; publish both as an indicator in STIX";
/// What to do with a link that is more than one.
const LINK: &str =
    "a link, which is kept as a reference and not looked for; if it is to be, its type in MISP is url";
/// Objects whose hashes are not those of files.
const PARTS_OF_FILES: [&str; 3] = ["pe-section", "elf-section", "macho-section"];
const RULES: [&str; 12] = [
    "yara",
    "sigma",
    "snort",
    "suricata",
    "bro",
    "zeek",
    "stix2-pattern",
    "pattern-in-file",
    "pattern-in-traffic",
    "pattern-in-memory",
    "filename-pattern",
    "kusto-query",
];
