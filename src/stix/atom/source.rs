//! What is kept beside the values of an object: what lists and look-ups say of them.

use super::stored::Writer;
use super::{Atom, of_indicator, of_observable};
use crate::stix::classification::{self, Classification};
use crate::stix::json::{self, Kind, Seen, Value};
use crate::stix::timestamp::instant;
use serde::Deserialize;
use std::borrow::Cow;

/// An object that names values; times in microseconds since 1970. Its texts stand together: look-ups have ten
/// thousand of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Its version; 0 of observables, which have none.
    pub modified: i64,
    /// `confidence`.
    pub confidence: Option<u8>,
    /// `valid_until`.
    pub valid_until: Option<i64>,
    /// `revoked`.
    pub revoked: bool,
    /// `indicator_types`.
    pub indicator_types: Vec<Cow<'static, str>>,
    /// `labels`.
    pub labels: Vec<String>,
    /// If it is not the same as `modified`.
    pub(super) valid_from: Option<i64>,
    pub(super) texts: String,
    pub(super) id: Span,
    pub(super) created_by_ref: Option<Span>,
    /// If it is not `stix`.
    pub(super) pattern_type: Option<Span>,
    pub(super) classification: Option<Span>,
    pub(super) name: Span,
    pub(super) description: Span,
}

/// Where one of its texts stands.
pub(super) type Span = (u32, u32);

impl Source {
    /// Its id.
    pub fn id(&self) -> &str {
        self.text(self.id)
    }

    /// Who says to have made it.
    pub fn created_by_ref(&self) -> Option<&str> {
        self.created_by_ref.map(|span| self.text(span))
    }

    /// `valid_from`; of observables 0.
    pub fn valid_from(&self) -> i64 {
        self.valid_from.unwrap_or(self.modified)
    }

    /// `pattern_type`, if it is not `stix`.
    pub fn pattern_type(&self) -> Option<&str> {
        self.pattern_type.map(|span| self.text(span))
    }

    /// Type of the taxonomy RSIT, if there is one.
    pub fn classification(&self) -> Option<&str> {
        self.classification.map(|span| self.text(span))
    }

    /// `name`, shortened.
    pub fn name(&self) -> &str {
        self.text(self.name)
    }

    /// `description`, shortened. Stored of what has no name; of anything else [`description`] reads it where a
    /// format asks for it.
    pub fn description(&self) -> &str {
        self.text(self.description)
    }

    /// Sets the description, where it was read.
    pub(crate) fn describe(&mut self, text: &str) {
        self.description = self.put(text);
    }

    /// Is it an indicator? Else it is an observable.
    pub fn is_indicator(&self) -> bool {
        self.id().starts_with(INDICATOR)
    }

    fn text(&self, (start, end): Span) -> &str {
        self.texts.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Takes a text in.
    pub(super) fn put(&mut self, text: &str) -> Span {
        let start = self.texts.len() as u32;
        self.texts.push_str(text);
        (start, self.texts.len() as u32)
    }
}

/// May an object of this id name values?
pub fn may_name_values(id: &str) -> bool {
    NAMING.iter().any(|start| id.starts_with(start))
}

/// What an object that names values says, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its values; none of an indicator that cannot be said as a list.
    pub atoms: Vec<Atom>,
    /// [`Source`], as it is stored.
    pub source: Vec<u8>,
    /// When it is over, in microseconds since 1970; of what is revoked 0.
    pub until: Option<i64>,
}

/// What an object names; nothing if it can name no values.
pub fn read(id: &str, json: &[u8]) -> Option<Named> {
    if !may_name_values(id) {
        return None;
    }
    let read = |root: Seen| root.item.is_none().then(|| seen(id, root.value));
    json::read(json.to_vec(), read).ok()?.root.part.seen?
}

/// The description of an object, shortened.
pub fn description(json: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Described<'a> {
        #[serde(borrow)]
        description: Option<Cow<'a, str>>,
    }
    let read = serde_json::from_slice::<Described>(json).ok().and_then(|object| object.description);
    read.map(|text| text[..shortened(&text)].to_owned()).unwrap_or_default()
}

/// Where the first characters of a text end.
fn shortened(text: &str) -> usize {
    // A character is a byte at least.
    if text.len() <= TEXT_MAX {
        return text.len();
    }
    text.char_indices().nth(TEXT_MAX).map_or(text.len(), |(end, _)| end)
}

/// The same of an object that is being read.
pub(in crate::stix) fn seen(id: &str, object: Value) -> Option<Named> {
    if !may_name_values(id) {
        return None;
    }
    let mut said = Said::default();
    for (key, value) in object.members() {
        match key.plain() {
            Some(name) => said.take(name, value),
            None => said.take(key.name().as_bytes(), value),
        }
    }
    let atoms = match (id.starts_with(INDICATOR), said.pattern_type) {
        (true, None) => {
            let pattern = said.pattern.and_then(|pattern| pattern.text());
            pattern.as_deref().and_then(of_indicator).unwrap_or_default()
        }
        (true, Some(_)) => Vec::new(),
        (false, _) => of_observable(&object.tree()),
    };
    if atoms.is_empty() && !id.starts_with(INDICATOR) {
        return None;
    }
    let class = said.may_tell_class.then(|| Classification::of_indicator(&object.tree(), &[]));
    let class = class.filter(|class| *class != Classification::UNDETERMINED).map(|class| class.type_name());
    let until = if said.revoked { Some(0) } else { said.valid_until };
    Some(Named { atoms, until, source: said.stored(id, class) })
}

/// [`Source`] while its object is read. Each publish pays for it: nothing is copied twice.
#[derive(Default)]
struct Said<'a> {
    modified: i64,
    created_by_ref: Option<Value<'a>>,
    confidence: Option<u8>,
    valid_from: i64,
    valid_until: Option<i64>,
    revoked: bool,
    pattern: Option<Value<'a>>,
    /// If it is not `stix`.
    pattern_type: Option<Value<'a>>,
    indicator_types: Option<Value<'a>>,
    labels: Option<Value<'a>>,
    name: Option<Value<'a>>,
    description: Option<Value<'a>>,
    /// Can [`Classification::of_indicator`] find anything? It needs the object as a tree, which costs.
    may_tell_class: bool,
}

impl<'a> Said<'a> {
    fn take(&mut self, name: &[u8], value: Value<'a>) {
        let time = || value.text().and_then(|text| Some(instant(&text)?.0));
        let text = || is_text(value).then_some(value);
        let tells =
            |tells: fn(&str) -> bool| value.items().filter_map(|item| item.text()).any(|text| tells(&text));
        match name {
            b"modified" => self.modified = time().unwrap_or(0),
            b"created_by_ref" => self.created_by_ref = text(),
            b"confidence" => self.confidence = value.integer().and_then(|value| u8::try_from(value).ok()),
            b"valid_from" => self.valid_from = time().unwrap_or(0),
            b"valid_until" => self.valid_until = time(),
            b"revoked" => self.revoked = value.kind() == Kind::True,
            b"pattern" => self.pattern = text(),
            b"pattern_type" => self.pattern_type = text().filter(|_| value.text().as_deref() != Some("stix")),
            b"indicator_types" => {
                self.indicator_types = Some(value);
                self.may_tell_class |= tells(classification::is_telling_type);
            }
            b"labels" => {
                self.labels = Some(value);
                self.may_tell_class |= tells(classification::is_label);
            }
            b"name" => self.name = text(),
            b"description" => self.description = text(),
            _ if classification::REFERENCES.iter().any(|reference| reference.as_bytes() == name) => {
                self.may_tell_class |= classification::may_name(value.raw());
            }
            _ => {}
        }
    }

    /// [`Source`], as it is stored.
    fn stored(&self, id: &str, class: Option<&str>) -> Vec<u8> {
        let text = |value: &Value<'a>| value.text().unwrap_or_default();
        let mut out = Writer::new();
        out.id(b'i', id);
        out.number(b'm', self.modified);
        self.created_by_ref.iter().for_each(|id| out.id(b'b', &text(id)));
        self.confidence.iter().for_each(|number| out.byte(b'c', *number));
        if self.valid_from != self.modified {
            out.number(b'f', self.valid_from);
        }
        self.valid_until.iter().for_each(|time| out.number(b'u', *time));
        if self.revoked {
            out.byte(b'r', 1);
        }
        self.pattern_type.iter().for_each(|value| out.text(b'p', &text(value)));
        self.indicator_types.iter().for_each(|list| out.words(&texts(*list)));
        class.iter().for_each(|class| out.text(b'k', class));
        self.labels.iter().for_each(|list| out.texts(b'l', &texts(*list)));
        let mut start = |letter, value: &Value<'a>| {
            let text = text(value);
            out.text(letter, &text[..shortened(&text)]);
        };
        self.name.iter().for_each(|name| start(b'n', name));
        if self.name.is_none_or(|name| name.raw().len() == 2) {
            self.description.iter().for_each(|description| start(b'd', description));
        }
        out.done()
    }
}

/// The texts of a list.
fn texts(list: Value<'_>) -> Vec<Cow<'_, str>> {
    list.items().filter(|item| is_text(*item)).filter_map(|item| item.text()).collect()
}

fn is_text(value: Value) -> bool {
    matches!(value.kind(), Kind::Text | Kind::Escaped)
}

const INDICATOR: &str = "indicator--";
/// Types whose objects name values.
pub(super) const NAMING: [&str; 16] = [
    INDICATOR,
    "ipv4-addr--",
    "ipv6-addr--",
    "domain-name--",
    "url--",
    "email-addr--",
    "file--",
    "x509-certificate--",
    "autonomous-system--",
    "mac-addr--",
    "mutex--",
    "windows-registry-key--",
    "user-account--",
    "bank-account--",
    "phone-number--",
    "cryptocurrency-wallet--",
];
/// Characters that are kept of free text.
const TEXT_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::super::source_of;
    use super::*;
    use serde_json::{Value, json};

    fn of(object: &Value) -> (Source, Named) {
        let named = read(object["id"].as_str().unwrap(), object.to_string().as_bytes()).unwrap();
        (source_of(&named.source).unwrap(), named)
    }

    fn indicator(more: Value) -> Value {
        let mut object = json!({"type": "indicator", "id": "indicator--1", "pattern": "[domain-name:value = 'A.example']",
            "pattern_type": "stix"});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    }

    #[test]
    fn all_that_an_indicator_says_is_kept() {
        let said = json!({"created_by_ref": "identity--1", "modified": "1970-01-01T00:00:00.000002Z", "confidence": 70,
            "valid_from": "1970-01-01T00:00:01Z", "valid_until": "1970-01-01T00:00:02Z", "name": "\"n\"",
            "indicator_types": ["compromised", "x"], "labels": ["l", "m"], "description": "ä".repeat(300)});
        let (source, named) = of(&indicator(said));
        assert_eq!((source.id(), source.modified, source.confidence), ("indicator--1", 2, Some(70)));
        assert_eq!((source.valid_from(), source.valid_until), (1_000_000, Some(2_000_000)));
        assert_eq!((source.created_by_ref(), source.pattern_type()), (Some("identity--1"), None));
        assert_eq!(source.indicator_types, ["compromised", "x"]);
        assert_eq!(
            (source.classification(), &source.labels),
            (Some("system-compromise"), &vec!["l".to_owned(), "m".to_owned()])
        );
        assert_eq!((source.name(), source.description(), source.revoked), ("\"n\"", "", false));
        assert_eq!(named.until, Some(2_000_000));
        for (from, micros) in [("1970-01-01T00:00:00.000002Z", 2), ("1970-01-01T00:00:01Z", 1_000_000)] {
            let said = json!({"modified": "1970-01-01T00:00:00.000002Z", "valid_from": from});
            assert_eq!(of(&indicator(said)).0.valid_from(), micros);
        }
        assert_eq!(named.atoms, [Atom::parse(super::super::Kind::Domain, "a.example").unwrap()]);
    }

    #[test]
    fn descriptions_are_kept_of_what_has_no_name_and_else_read() {
        for (text, short) in
            [("ä".repeat(300), "ä".repeat(TEXT_MAX)), ("a \"b\" \n".to_owned(), "a \"b\" \n".to_owned())]
        {
            for more in [json!({"description": text}), json!({"description": text, "name": ""})] {
                assert_eq!(of(&indicator(more)).0.description(), short);
            }
            let named = indicator(json!({"description": text, "name": "n"}));
            assert_eq!(of(&named).0.description(), "");
            assert_eq!(description(named.to_string().as_bytes()), short);
        }
        assert_eq!(description(indicator(json!({})).to_string().as_bytes()), "");
    }

    #[test]
    fn whatever_may_tell_the_class_is_looked_at() {
        for (more, class) in [
            (json!({"labels": ["x", "rsit:fraud=\"phishing\""]}), Some("phishing")),
            (json!({"indicator_types": ["anonymization"]}), Some("other")),
            (
                json!({"external_references": [{"source_name": "x", "external_id": "t1566.001"}]}),
                Some("phishing"),
            ),
            (
                json!({"kill_chain_phases": [{"kill_chain_name": "x", "phase_name": "T1566"}]}),
                Some("phishing"),
            ),
            (json!({"labels": ["rsit:fraud"], "indicator_types": ["benign"]}), None),
        ] {
            assert_eq!(of(&indicator(more.clone())).0.classification(), class, "{more}");
        }
    }

    #[test]
    fn what_is_revoked_is_over_and_other_languages_name_nothing() {
        let (source, named) = of(&indicator(json!({"revoked": true, "valid_until": "2030-01-01T00:00:00Z"})));
        assert!(source.revoked && named.until == Some(0));
        let (source, named) =
            of(&indicator(json!({"pattern_type": "yara", "pattern": "rule x { condition: true }"})));
        assert_eq!((source.pattern_type(), named.atoms.len()), (Some("yara"), 0));
        let observable = br#"{"type":"ipv4-addr","id":"ipv4-addr--1","v\u0061lue":"192.0.2.1"}"#;
        assert_eq!(read("ipv4-addr--1", observable).unwrap().atoms[0].text(), "192.0.2.1");
        let escaped =
            br#"{"type":"indicator","id":"indicator--1","p\u0061ttern":"[ipv4-addr:value = '192.0.2.1']"}"#;
        assert_eq!(read("indicator--1", escaped).unwrap().atoms.len(), 1);
        assert_eq!(read("file--1", br#"{"type":"file","id":"file--1","size":1}"#), None);
        assert_eq!(read("malware--1", br#"{"type":"malware","id":"malware--1","name":"x"}"#), None);
    }
}
