//! Envelopes (TAXII 2.1 §3.7): taken apart with limits, put together from stored text.

use crate::stix::content::{self, Definition, Options, Profile};
use crate::stix::json::{self, Document, JsonError, Kind, Seen};
use crate::stix::object::{Header, Label, Rejected, label};
use crate::stix::{Object, ObjectError};

/// Objects that one envelope may hold.
pub const OBJECTS_MAX: usize = 10_000;

/// A received envelope: its objects are found, and each can be read on its own.
#[derive(Debug)]
pub struct Envelope {
    document: Document<Result<Header, (Label, ObjectError)>>,
}

/// How to go on after a page (TAXII 2.1 §3.7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Following {
    /// `more`
    pub more: bool,
    /// `next`
    pub next: Option<String>,
}

/// Why a body is not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not the JSON that the protocol allows: 400.
    #[error("the body is not valid I-JSON: {0}")]
    Json(#[from] JsonError),
    /// JSON, but not an envelope: 422.
    #[error("{0}")]
    Shape(String),
}

impl Envelope {
    /// Takes a body apart and judges its objects; a STIX bundle passes too, since deployed clients
    /// send those.
    pub fn parse(body: Vec<u8>, options: Options) -> Result<Self, EnvelopeError> {
        let judge = |seen: Seen| match read(seen, options) {
            Ok(header) => Ok(header.with_values(seen)),
            Err(error) => Err((label(seen), error)),
        };
        let envelope = Self { document: json::read(body, judge)? };
        envelope.check_shape()?;
        Ok(envelope)
    }

    /// Takes a page of a server apart: an envelope that may be empty, and how to go on after it.
    pub fn parse_page(body: Vec<u8>, options: Options) -> Result<(Self, Following), EnvelopeError> {
        let mut following = Following::default();
        let judge = |seen: Seen| {
            if seen.item.is_none() {
                let member = |name| seen.value.member(name);
                following.more = member("more").is_some_and(|more| more.kind() == Kind::True);
                following.next = member("next").and_then(|next| next.text().map(String::from));
            }
            read(seen, options).map_err(|error| (label(seen), error))
        };
        let document = json::read(body, judge)?;
        if !document.root.part.is_object {
            return Err(EnvelopeError::Shape("the page is no JSON object".to_owned()));
        }
        Ok((Self { document }, following))
    }

    /// How many objects it holds.
    pub fn len(&self) -> usize {
        self.document.root.items.as_ref().map_or(0, Vec::len)
    }

    /// True if it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each object, in order; one that is wrong keeps its text and the name it goes by.
    pub fn objects(self) -> impl Iterator<Item = Result<Object, Box<Rejected>>> {
        let text = self.document.text;
        let items = self.document.root.items.into_iter().flatten();
        items.map(move |item| {
            let json = text.slice(item.range);
            match item.seen {
                Ok(header) => Ok(Object::new(header, json)),
                Err((label, error)) => Err(Box::new(Rejected { label, error, json })),
            }
        })
    }

    fn check_shape(&self) -> Result<(), EnvelopeError> {
        let shape = |what: String| Err(EnvelopeError::Shape(what));
        if !self.document.root.part.is_object {
            return shape("the body must be a JSON object with a list `objects`".to_owned());
        }
        let Some(items) = &self.document.root.items else {
            return shape("`objects` is missing or not a list; an envelope is {\"objects\":[…]}".to_owned());
        };
        if items.is_empty() {
            return shape("`objects` is empty; send at least one object".to_owned());
        }
        if items.len() > OBJECTS_MAX {
            let found = items.len();
            return shape(format!("{found} objects; send at most {OBJECTS_MAX} in one envelope"));
        }
        match items.iter().position(|item| !item.is_object) {
            Some(at) => shape(format!("objects[{at}] is not a JSON object")),
            None => Ok(()),
        }
    }
}

/// Reads an object if its content is right; of what is around the objects nothing is asked.
fn read(seen: Seen, options: Options) -> Result<Header, ObjectError> {
    if seen.item.is_some() && seen.defect.is_none() {
        match content::level_definition(seen.value) {
            Some((level, Definition::Contradicting)) => return Err(ObjectError::Redefined { level }),
            Some((level, Definition::Disguised)) if options.profile == Profile::Strict => {
                return Err(ObjectError::Redefined { level });
            }
            _ => {}
        }
        let findings = content::judge(seen, options);
        if !findings.is_valid() {
            return Err(ObjectError::Content(findings.in_words()));
        }
    }
    Header::read(seen)
}

/// Writes an envelope around objects exactly as they are stored.
pub fn write<'a>(objects: impl Iterator<Item = &'a [u8]> + Clone, next: Option<&str>) -> Vec<u8> {
    let length: usize = objects.clone().map(|object| object.len() + 1).sum();
    let mut out = Vec::with_capacity(FRAME_MAX + next.map_or(0, str::len) + length);
    out.push(b'{');
    if let Some(next) = next {
        out.extend_from_slice(format!("\"more\":true,\"next\":\"{next}\"").as_bytes());
    }
    let mut first = true;
    for object in objects {
        let before: &[u8] = match (first, next) {
            (true, None) => b"\"objects\":[",
            (true, Some(_)) => b",\"objects\":[",
            (false, _) => b",",
        };
        out.extend_from_slice(before);
        out.extend_from_slice(object);
        first = false;
    }
    out.extend_from_slice(if first { b"}" } else { b"]}" });
    out
}

/// What is around objects and `next`, at most.
const FRAME_MAX: usize = br#"{"more":true,"next":"","objects":[]}"#.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_no_envelopes_are_refused() {
        for (body, want) in [
            ("[]", "must be a JSON object"),
            ("{}", "`objects` is missing"),
            (r#"{"objects":{}}"#, "not a list"),
            (r#"{"objects":[]}"#, "is empty"),
            (r#"{"objects":[{},7]}"#, "objects[1] is not"),
            (r#"{"objects":["#, "not valid I-JSON"),
        ] {
            let found =
                Envelope::parse(body.as_bytes().to_vec(), Options::default()).unwrap_err().to_string();
            assert!(found.contains(want), "{body}: {found}");
        }
        let many = format!(r#"{{"objects":[{}{{}}]}}"#, "{},".repeat(OBJECTS_MAX));
        let found = Envelope::parse(many.into_bytes(), Options::default()).unwrap_err().to_string();
        assert!(found.contains("at most 10000"), "{found}");
    }

    #[test]
    fn a_bundle_is_taken_and_its_objects_keep_their_text() {
        let object = r#"{"type":"url","id":"url--c1477287-23ac-5971-a010-5c287877fa60","value":"http:\/\/example.com"}"#;
        let body = format!(r#"{{"type":"bundle","id":"x","objects":[ {object} ,{{"id":"y"}}]}}"#);
        let envelope = Envelope::parse(body.into_bytes(), Options::default()).unwrap();
        let mut objects = envelope.objects();
        assert_eq!(objects.next().unwrap().unwrap().json(), object.as_bytes());
        assert_eq!(objects.next().unwrap().unwrap_err().label.id, "y");
        assert!(objects.next().is_none());
    }

    #[test]
    fn written_envelopes_have_objects_only_if_there_are_some() {
        let none: [&[u8]; 0] = [];
        assert_eq!(write(none.into_iter(), None), b"{}");
        let two: [&[u8]; 2] = [b"{\"a\":1}", b"{}"];
        assert_eq!(write(two.into_iter(), None), b"{\"objects\":[{\"a\":1},{}]}");
        assert_eq!(
            write(two.into_iter(), Some("x")),
            b"{\"more\":true,\"next\":\"x\",\"objects\":[{\"a\":1},{}]}"
        );
    }
}
