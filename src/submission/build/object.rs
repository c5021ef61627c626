//! Records as objects: indicators, vulnerabilities, observables.

use super::version::{Made, Sketch, time};
use super::{Container, Frame, What, id};
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp, observable_id};
use crate::submission::{Details, Error, Record, Reference, moment};
use serde_json::{Map, Value, json};

/// Why a record gives no object.
pub(super) enum No {
    /// What it says contradicts itself.
    Wrong(Error),
    /// There is no object to say it with, and the others do not depend on it.
    Unsayable(String),
}

/// The id of a record's object.
pub(super) fn id(frame: &Frame, record: &Record) -> String {
    match &record.what {
        What::Vulnerability(cve) => frame.id("vulnerability", &[cve]),
        What::Value(atom) if record.details.for_detection => {
            frame.id("indicator", &[atom.kind().name(), atom.text()])
        }
        What::Value(atom) => observable(atom)["id"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The object of a record.
pub(super) fn of_record(frame: &Frame, record: &Record) -> Result<Made, No> {
    match &record.what {
        What::Vulnerability(cve) => Ok(vulnerability(frame, record, cve)),
        What::Value(atom) if record.details.for_detection => indicator(frame, record, atom),
        What::Value(_) if frame.terms.container == Container::None => {
            let reason = "context, not to be looked for; it is only sent inside a report or grouping";
            Err(No::Unsayable(reason.to_owned()))
        }
        What::Value(atom) => {
            let object = observable(atom);
            let is_there =
                frame.known.get(object["id"].as_str().unwrap_or_default()).is_some_and(Value::is_object);
            Ok(Made::constant(object, is_there))
        }
    }
}

/// A reference as objects have it.
pub(super) fn reference(reference: &Reference) -> Value {
    json!({"source_name": reference.source_name, "url": reference.url})
}

/// The pattern that finds a value: one comparison (export formats §2).
fn pattern(atom: &Atom) -> String {
    let kind = atom.kind();
    let (object_type, path) = (kind.object_type(), kind.path());
    match kind {
        Kind::AsNumber => format!("[{object_type}:{path} = {atom}]"),
        _ => {
            let operator = match kind {
                Kind::Ipv4Network | Kind::Ipv6Network => "ISSUBSET",
                _ => "=",
            };
            let text = atom.text().replace('\\', "\\\\").replace('\'', "\\'");
            format!("[{object_type}:{path} {operator} '{text}']")
        }
    }
}

fn indicator(frame: &Frame, record: &Record, atom: &Atom) -> Result<Made, No> {
    let details = &record.details;
    let mut object = Sketch::begin(frame, "indicator", &id(frame, record));
    object.set("pattern", pattern(atom));
    object.set("pattern_type", "stix");
    object.say("name", details.name.as_deref());
    object.default("name", || atom.text().chars().take(NAME_CHARS_MAX).collect::<String>().into());
    object.default("description", || {
        let kind = atom.kind().object_type();
        format!("{kind} in \"{}\", by {}", frame.terms.title, frame.terms.author_name).into()
    });
    object.say("confidence", details.confidence);
    object.default("confidence", || frame.terms.confidence.into());
    let types = (!details.indicator_types.is_empty()).then(|| json!(details.indicator_types));
    object.say("indicator_types", types);
    object.default("indicator_types", || json!(["malicious-activity"]));
    validity(frame, record, &mut object)?;
    Ok(finished(frame, details, object))
}

/// What is handed in again is valid as it was; what is no longer so becomes valid anew.
fn validity(frame: &Frame, record: &Record, object: &mut Sketch) -> Result<(), No> {
    let details = &record.details;
    let known_from = object.known.and_then(|known| time(known, "valid_from"));
    let from = known_from.clone().or_else(|| details.valid_from.clone()).unwrap_or_else(|| frame.now.clone());
    object.set_time("valid_from", &from);
    let known_until = object.known.and_then(|known| time(known, "valid_until"));
    let still = known_until.filter(|until| *until > frame.now && *until > from);
    let until = match (&details.valid_until, still, frame.terms.valid_days) {
        (Some(until), ..) => Some(until.clone()),
        (None, Some(until), _) => Some(until),
        // Said without an end, and not ended.
        (None, None, _) if object.known.is_some_and(|known| !known.contains_key("valid_until")) => None,
        (None, None, None) => None,
        (None, None, Some(days)) => Some(after(frame, &from, days)?),
    };
    match until {
        None => drop(object.members.remove("valid_until")),
        Some(until) if until > from => object.set_time("valid_until", &until),
        Some(until) => {
            let (until, from) = (until.as_str(), from.as_str());
            let since = if known_from.is_some() { ", since when it has been shared" } else { "" };
            let what =
                format!("valid until {until}, and that is not after {from}{since}; correct one of them");
            return Err(No::Wrong(Error::at(&*record.place, what)));
        }
    }
    Ok(())
}

/// So many days after a beginning that may lie in the past.
fn after(frame: &Frame, from: &StixTime, days: u32) -> Result<StixTime, No> {
    let start = from.max(&frame.now).micros() / 1000;
    let until =
        start.checked_add(i64::from(days) * DAY_MILLIS).filter(|_| days > 0).and_then(moment::of_millis);
    until.ok_or_else(|| No::Wrong(Error::at("valid days", "from 1 up to the year 9999")))
}

fn vulnerability(frame: &Frame, record: &Record, cve: &str) -> Made {
    let details = &record.details;
    let mut object = Sketch::begin(frame, "vulnerability", &id(frame, record));
    object.say("name", details.name.as_deref());
    object.default("name", || cve.into());
    object.say("confidence", details.confidence);
    object.join("external_references", [json!({"source_name": "cve", "external_id": cve})]);
    finished(frame, details, object)
}

/// What indicators and vulnerabilities have in common.
fn finished(frame: &Frame, details: &Details, mut object: Sketch) -> Made {
    object.say("description", details.description.as_deref());
    object.join("labels", details.labels.iter().chain(frame.terms.labels).map(|label| json!(label)));
    object.join("external_references", details.references.iter().map(reference));
    let tlp: Tlp = details.tlp.map_or(frame.tlp, |tlp| tlp.max(frame.tlp));
    let pap: Option<Pap> = details.pap.max(frame.pap);
    object.mark(frame, tlp, pap);
    object.finish(frame)
}

/// A value as an observable: the same object whoever says it, so it has no markings and no more to say.
fn observable(atom: &Atom) -> Value {
    let kind = atom.kind();
    let (object_type, text) = (kind.object_type(), atom.text());
    let mut members = Map::new();
    members.insert("type".to_owned(), json!(object_type));
    members.insert("spec_version".to_owned(), json!("2.1"));
    match kind.path().strip_prefix("hashes.") {
        Some(algorithm) => {
            let algorithm = algorithm.trim_matches('\'');
            members.insert("hashes".to_owned(), json!({algorithm: text}));
        }
        None => {
            let number = text.parse::<u32>().ok().filter(|_| kind == Kind::AsNumber);
            members
                .insert(kind.path().to_owned(), number.map_or_else(|| json!(text), |number| json!(number)));
        }
    }
    let id = match extension(kind) {
        Some(extension) => {
            members.insert("extensions".to_owned(), json!({extension: {"extension_type": "new-sco"}}));
            id::of_observable(object_type, kind.path(), text)
        }
        None => observable_id::deterministic_id(&members).unwrap_or_default(),
    };
    members.insert("id".to_owned(), json!(id));
    Value::Object(members)
}

/// The extension that defines a type beyond the standard (governance §17).
fn extension(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Iban => Some("extension-definition--f19f3291-6a84-5674-b311-d75a925d5bd9"),
        Kind::Phone => Some("extension-definition--14a97ee2-e666-5ada-a6bd-b7177f79e211"),
        Kind::Wallet => Some("extension-definition--be78509e-6958-51b1-8b26-d17ee0eba2d7"),
        Kind::UserAgent => Some("extension-definition--7ca5afee-0e4e-5813-b643-de51538658cc"),
        _ => None,
    }
}

const NAME_CHARS_MAX: usize = 250;
const DAY_MILLIS: i64 = 86_400_000;
