//! What a file says: STIX word for word, and of everything else what it becomes when it is submitted.

use super::kept::{Kept, id};
use super::place::{Input, short};
use crate::clock::Clock;
use crate::submission::build::{Container, Terms, ids, objects};
use crate::submission::{self, Draft, Format, Hints, csv};
use crate::sync::Fault;
use crate::sync::job::{FileKind, Submit};
use crate::sync::letters::Letter;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// How files are read.
pub struct Reading {
    /// What they are; found out if nothing is said.
    pub format: Option<FileKind>,
    /// Which columns of a table are what.
    pub mapping: Option<csv::Mapping>,
    /// In whose name, and on which terms, what is no STIX is said.
    pub submit: Option<Submit>,
    /// Tells the time.
    pub clock: Clock,
}

/// What a file comes to.
#[derive(Default)]
pub(super) struct Content {
    /// Its objects, in order.
    pub(super) objects: VecDeque<String>,
    /// What of it is none.
    pub(super) letters: Vec<Letter>,
    /// They were made here, in the name that the job says.
    pub(super) is_submitted: bool,
}

impl Reading {
    /// Reads a file; of an event of a feed its id must be that under which it is listed. Errors name the file.
    pub(super) fn read(&self, input: &Input, is_event: bool, kept: &mut Kept) -> Result<Content, Fault> {
        let wrong = |what: String| Fault::Lasting(format!("{}: {}", input.place, short(&what)));
        let format = match self.format {
            _ if is_event => Some(Format::Misp),
            Some(FileKind::Misp) => Some(Format::Misp),
            Some(FileKind::Stix) => Some(Format::Stix),
            Some(FileKind::Csv) => Some(Format::Csv),
            Some(FileKind::Intelmq) => Some(Format::Intelmq),
            Some(FileKind::Text) => Some(Format::Text),
            None => None,
        };
        if format != Some(Format::Text) && (input.is_page || begins_as_page(&input.bytes)) {
            return Err(wrong("a page for people (HTML) is in the place of the file".to_owned()));
        }
        if is_event {
            check_event(input).map_err(wrong)?;
        }
        // Without a format a table is one by its look, mapping or not.
        let format = format.map_or_else(|| Format::guess(&input.name, &input.bytes), Ok).map_err(wrong)?;
        let hints = Hints { format: Some(format), mapping: self.mapping.as_ref(), all_values: false };
        match submission::read(&input.name, &input.bytes, hints).map_err(wrong)? {
            None => Ok(Content { objects: stix(input)?, ..Content::default() }),
            Some(mut draft) => {
                if format == Format::Text {
                    // References and footers are none of what was to be taken.
                    draft.left_out.clear();
                }
                self.submit(input, &draft, kept)
            }
        }
    }

    fn submit(&self, input: &Input, draft: &Draft, kept: &mut Kept) -> Result<Content, Fault> {
        let place = &input.place;
        let submit = self.submit.as_ref().ok_or_else(|| {
            Fault::Lasting(format!(
                "{place}: it is no STIX; source.submit must say in whose name and on which terms it is said"
            ))
        })?;
        let now = self.clock.now().to_millis();
        let terms = Terms {
            author: &submit.author,
            author_name: &submit.author_name,
            tlp: submit.tlp,
            pap: None,
            purposes: &submit.purposes,
            handling: None,
            title: submit.title.as_deref().unwrap_or_default(),
            description: None,
            container: if submit.title.is_some() { Container::Report } else { Container::None },
            now: &now,
            valid_days: submit.valid_days,
            confidence: submit.confidence,
            labels: &submit.labels,
        };
        let built = objects(draft, &terms, &kept.known).map_err(|errors| {
            let all: Vec<String> = errors.iter().take(5).map(ToString::to_string).collect();
            Fault::Lasting(format!("{place}: {}", all.join("; ")))
        })?;
        kept.learn(built.objects)?;
        // All of the file goes out, so that a run that is killed within it loses nothing of it; what the target
        // has had just so is passed over then.
        let mut wanted: Vec<&Value> =
            ids(draft, &terms, &kept.known).iter().filter_map(|id| kept.known.get(id)).collect();
        wanted.sort_by_key(|object| {
            (object["type"] != "marking-definition", object["object_refs"].is_array(), id(object))
        });
        let left_out = draft.left_out.iter().chain(&built.left_out).map(|left| Letter {
            id: left.place.clone(),
            version: String::new(),
            code: "left_out".to_owned(),
            reason: format!("{place}: {}", left.reason),
            object: Bytes::from(left.text.clone()),
        });
        let letters = left_out.collect();
        let objects = wanted.into_iter().map(Value::to_string).collect();
        Ok(Content { objects, letters, is_submitted: true })
    }
}

/// The objects of a bundle, an envelope, or lines of these, word for word.
fn stix(input: &Input) -> Result<VecDeque<String>, Fault> {
    #[derive(Deserialize)]
    struct Bundle<'a> {
        #[serde(borrow)]
        objects: Vec<&'a RawValue>,
    }
    let mut found = VecDeque::new();
    for document in serde_json::Deserializer::from_slice(&input.bytes).into_iter::<&RawValue>() {
        let document = document.map_err(|error| Fault::Lasting(format!("{}: {error}", input.place)))?;
        match serde_json::from_str::<Bundle>(document.get()) {
            Ok(bundle) => found.extend(bundle.objects.iter().map(|object| object.get().to_owned())),
            Err(_) => found.push_back(document.get().to_owned()),
        }
    }
    Ok(found)
}

/// An event under the id of another would take its place: the right one would never be fetched.
fn check_event(input: &Input) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct File {
        event: Event,
    }
    #[derive(Deserialize)]
    struct Event {
        uuid: String,
        #[serde(rename = "Attribute", default)]
        _attributes: Vec<serde::de::IgnoredAny>,
        #[serde(rename = "Object", default)]
        _objects: Vec<serde::de::IgnoredAny>,
    }
    let bytes = input.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&input.bytes);
    let found: File = serde_json::from_slice(bytes).map_err(|error| format!("no event of MISP: {error}"))?;
    match uuid::Uuid::parse_str(&found.event.uuid) {
        Ok(uuid) if uuid.to_string() == input.name => Ok(()),
        _ => Err(format!(
            "it is the event `{}`, not the one that the manifest lists",
            short(&found.event.uuid)
        )),
    }
}

/// As servers send it with status 200 when something is wrong.
fn begins_as_page(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let begins =
        |start: &[u8]| bytes.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    begins(b"<!doctype html") || begins(b"<html")
}
