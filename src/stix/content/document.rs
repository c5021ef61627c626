//! A document as a person sends it: a bundle, an envelope, or one object.

use super::{Findings, Options, Together, judge};
use crate::stix::json::{self, JsonError, Root, Seen, Value};

/// Judges the objects of documents as they are read, and then each document as a whole.
pub struct Reviewer<'o> {
    options: Options<'o>,
    together: Together,
}

/// What was found of an object or, for a document, of the document itself.
#[derive(Debug)]
pub struct Verdict {
    /// The object's id.
    pub id: Option<String>,
    /// What was found of it alone.
    pub findings: Findings,
    kind: Kind,
    together: Together,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bundle,
    Envelope,
    Object,
}

impl<'o> Reviewer<'o> {
    /// Judges by these options.
    pub fn new(options: Options<'o>) -> Self {
        Self { options, together: Together::default() }
    }

    /// Judges what the JSON reader shows.
    pub fn see(&mut self, seen: Seen) -> Verdict {
        let member = |name: &str| seen.value.member(name);
        let kind = match member("type").and_then(|found| found.text()).as_deref() {
            Some("bundle") => Kind::Bundle,
            None if member("type").is_none() && is_list(member("objects")) => Kind::Envelope,
            _ => Kind::Object,
        };
        let is_envelope = kind == Kind::Envelope && seen.item.is_none();
        let findings = if is_envelope { Findings::default() } else { judge(seen, self.options) };
        let pointer = seen.item.map(place).unwrap_or_default();
        if seen.defect.is_none() {
            self.together.note(seen, &pointer);
        }
        let together =
            if seen.item.is_none() { std::mem::take(&mut self.together) } else { Together::default() };
        Verdict { id: member("id").and_then(|id| id.text().map(Into::into)), findings, kind, together }
    }

    /// All that was found of a document, with pointers from its root; `text` is that of all documents.
    pub fn whole(&self, root: Root<Verdict>, text: &[u8]) -> Findings {
        let Verdict { mut findings, kind, together, .. } = root.part.seen;
        if kind != Kind::Object {
            for (at, item) in root.items.into_iter().flatten().enumerate() {
                findings.extend(item.seen.findings.at(&place(at)));
            }
        }
        findings.extend(together.findings(text, self.options));
        findings.group();
        findings
    }

    /// The objects of a document, each with its id and what was found of it; what concerns the
    /// document comes last, with the document's id.
    pub fn each(&self, root: Root<Verdict>, text: &[u8]) -> Vec<(Option<String>, Findings)> {
        let Verdict { id, mut findings, kind, together, .. } = root.part.seen;
        findings.extend(together.findings(text, self.options));
        let items = root.items.into_iter().flatten().filter(|_| kind != Kind::Object);
        let mut all: Vec<_> = items.map(|item| (item.seen.id, item.seen.findings)).collect();
        // A good bundle needs no line of its own.
        if kind == Kind::Object || !findings.errors.is_empty() || !findings.warnings.is_empty() {
            all.push((id, findings));
        }
        for (_, findings) in &mut all {
            findings.group();
        }
        all
    }
}

impl From<JsonError> for Findings {
    /// A text that cannot be read at all.
    fn from(error: JsonError) -> Self {
        let finding = super::Finding {
            code: "json.syntax",
            pointer: error.item.map(place).unwrap_or_default(),
            message: error.to_string(),
            value: None,
            count: 1,
        };
        Self { errors: vec![finding], ..Self::default() }
    }
}

fn is_list(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.kind() == json::Kind::List)
}

fn place(at: usize) -> String {
    format!("/objects/{at}")
}
