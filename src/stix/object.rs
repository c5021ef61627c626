//! One STIX object: the JSON as it was sent, and a typed header over it.

use super::atom::{self, Named};
use super::content::{self, Definition, Level};
use super::json::{self, Defect, Kind, Seen, Value};
use super::marking::Terms;
use super::schema::{self, Class};
use super::{StixId, StixTime, Tlp};
use bytes::Bytes;
use std::borrow::Cow;

/// What tells the versions of one object apart: `modified`, else `created`, else [`UNVERSIONED`]; of markings
/// `created`.
pub type Version = StixTime;

/// The version of objects that have none (STIX 2.1 §3.6); TAXII 2.1 §3.4.1 leaves the value to us.
pub const UNVERSIONED: &str = "1970-01-01T00:00:00.000Z";

/// A STIX object whose JSON is within limits and whose common properties are what they must be.
#[derive(Debug, Clone)]
pub struct Object {
    json: Bytes,
    header: Header,
}

/// What is read of an object once, when it comes in.
#[derive(Debug, Clone)]
pub struct Header {
    id: StixId,
    version: Version,
    created: Option<StixTime>,
    created_by_ref: Option<StixId>,
    marks: Vec<String>,
    /// Seldom are there any.
    labelled: Option<Box<Terms>>,
    defines: Option<Box<Terms>>,
    ends: Vec<String>,
    names_victims: bool,
    revoked: bool,
    extensions: Vec<String>,
    known_anyway: bool,
    /// The values that it names, if they were read with it.
    named: Option<Box<Option<Named>>>,
}

/// An item of an envelope that is no acceptable object.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// What it is called in the status.
    pub label: Label,
    /// Why.
    pub error: ObjectError,
    /// Its text.
    pub json: Bytes,
}

/// Why an item of an envelope is not an acceptable STIX object.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ObjectError {
    /// Found while reading the JSON.
    #[error("{0}")]
    Defect(#[from] Defect),
    /// Against the standard: the first findings in words.
    #[error("{0}")]
    Content(String),
    /// A marking whose extension is not written as it must be.
    #[error("{0}; nobody could tell what is marked with it")]
    Definition(String),
    /// A level of TLP or PAP with another meaning.
    #[error(
        "{rule}: the id is that of {level}, whose definition is fixed; refer to it, and use another id for a marking of your own",
        rule = level.rule()
    )]
    Redefined {
        /// The level.
        level: Level,
    },
    /// A required property is not there.
    #[error("`{0}` is missing; {1}")]
    Missing(&'static str, &'static str),
    /// A property has a value that it must not have.
    #[error("`{property}` is {found}; {rule}")]
    Wrong {
        /// The property.
        property: &'static str,
        /// Its value, shortened.
        found: String,
        /// What it must be.
        rule: String,
    },
}

/// How an object that failed is called in a status resource (TAXII 2.1 §4.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its id if it has one that is a string, else where it stands.
    pub id: String,
    /// Its version as far as it can be told.
    pub version: String,
}

impl Header {
    /// Reads and checks the common properties of an object.
    pub fn read(seen: Seen) -> Result<Self, ObjectError> {
        if let Some(defect) = seen.defect {
            return Err(defect.clone().into());
        }
        let header = Members::of(seen.value);
        if let Some((_, Definition::Dressed | Definition::Disguised)) = content::level_definition(seen.value)
        {
            return header.known();
        }
        let object_type = header.string("type", TYPE_RULE)?.ok_or(ObjectError::Missing("type", TYPE_RULE))?;
        if object_type == "bundle" {
            return Err(wrong("type", "bundle", "a bundle is no object; send what is in it".to_owned()));
        }
        let id = header.id("id")?.ok_or(ObjectError::Missing("id", ID_RULE))?;
        if id.object_type() != object_type {
            return Err(wrong(
                "id",
                id.as_str(),
                format!("its type part must be `{object_type}`, the object's type"),
            ));
        }
        let class = schema::is_known_type(&object_type);
        // They have no versions, whatever else they carry.
        let is_observable = class == Some(Class::Sco);
        // Markings have no versions either, though some servers date them (STIX 2.1 §7.2).
        let modified = header.time("modified")?.filter(|_| object_type != MARKING);
        let created = header.time("created")?;
        check_times(&object_type, class, created.as_ref(), modified.as_ref())?;
        header.check_spec_version(is_observable || created.is_none())?;
        let version = match (is_observable, modified, &created) {
            (false, Some(modified), _) => modified,
            (false, None, Some(created)) => created.clone(),
            _ => unversioned(),
        };
        let (marks, labelled) = (header.marks()?, header.labelled()?);
        let defines = (object_type == MARKING).then(|| Terms::of_definition(seen.value)).transpose();
        Ok(Self {
            created_by_ref: header.id("created_by_ref")?,
            marks,
            labelled,
            defines: defines.map_err(ObjectError::Definition)?.map(Box::new),
            ends: ends(seen.value, &object_type),
            names_victims: object_type == "sighting"
                && seen.value.member("where_sighted_refs").is_some_and(|refs| !refs.is_empty()),
            revoked: header.value("revoked").is_some_and(|revoked| revoked.kind() == Kind::True),
            extensions: header.extensions(),
            known_anyway: false,
            named: None,
            id,
            version,
            created: created.filter(|_| !is_observable),
        })
    }
}

impl Header {
    /// With the values that the object names, while it is at hand: whoever stores it needs them.
    #[must_use]
    pub fn with_values(mut self, seen: Seen) -> Self {
        self.named = Some(Box::new(atom::seen(self.id.as_str(), seen.value)));
        self
    }
}

impl Object {
    /// The values that it names; they are handed out once without being read again.
    pub fn take_named(&mut self) -> Option<Named> {
        match self.header.named.take() {
            Some(named) => *named,
            None => atom::read(self.id().as_str(), self.json()),
        }
    }

    /// The object with this text, from which the header was read.
    pub fn new(header: Header, json: Bytes) -> Self {
        Self { json, header }
    }

    /// The object's text: as sent, less insignificant white space.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// Its identifier.
    pub fn id(&self) -> &StixId {
        &self.header.id
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.header.version
    }

    /// Is it to be compared with this version of the same object? Of a marking there is one version at most,
    /// whatever its dates say.
    pub fn is_version(&self, version: &Version) -> bool {
        self.is_marking() || self.header.version == *version
    }

    /// Is it a marking-definition?
    pub fn is_marking(&self) -> bool {
        self.header.id.object_type() == MARKING
    }

    /// `created`, except on observables.
    pub fn created(&self) -> Option<&StixTime> {
        self.header.created.as_ref()
    }

    /// Who says to have made it.
    pub fn created_by_ref(&self) -> Option<&StixId> {
        self.header.created_by_ref.as_ref()
    }

    /// Is this version the last of all?
    pub fn is_revoked(&self) -> bool {
        self.header.revoked
    }

    /// Is it a definition of a level of TLP or PAP in words of its own? Everybody knows it by its id.
    pub fn is_known_anyway(&self) -> bool {
        self.header.known_anyway
    }

    /// The ids of the extensions that it uses.
    pub fn extensions(&self) -> &[String] {
        &self.header.extensions
    }

    /// The markings that it refers to, as a whole or in parts.
    pub fn marks(&self) -> &[String] {
        &self.header.marks
    }

    /// What its labels say that are markings in disguise.
    pub fn labelled(&self) -> Option<&Terms> {
        self.header.labelled.as_deref()
    }

    /// What it says, if it is a marking.
    pub fn defines(&self) -> Option<&Terms> {
        self.header.defines.as_deref()
    }

    /// The objects that a relationship, a sighting or a translation is about.
    pub fn ends(&self) -> &[String] {
        &self.header.ends
    }

    /// Is it a sighting that says where?
    pub fn names_victims(&self) -> bool {
        self.header.names_victims
    }

    /// The same object with the marking of `tlp` added (`unmarked = "stamp:…"`).
    #[must_use]
    pub fn stamped(mut self, tlp: Tlp) -> Self {
        self.json = with_marking(&self.json, tlp);
        self.header.marks.push(tlp.marking_id().to_owned());
        self
    }
}

/// What to call an item in a status resource, whatever is wrong with it.
pub fn label(seen: Seen) -> Label {
    let header = Members::of(seen.value);
    let text = |found: Result<Option<Cow<str>>, ObjectError>| {
        found.ok().flatten().map(|text| text.chars().take(300).collect::<String>())
    };
    let is_marking = text(header.string("type", "")).is_some_and(|name| name == MARKING);
    let modified = text(header.string("modified", "")).filter(|_| !is_marking);
    let version = modified.or_else(|| text(header.string("created", "")));
    Label {
        id: text(header.string("id", ""))
            .unwrap_or_else(|| format!("objects[{}]", seen.item.unwrap_or_default())),
        version: version.unwrap_or_else(|| UNVERSIONED.to_owned()),
    }
}

/// What a relationship, a sighting or a translation is about.
pub(super) fn ends(object: Value, object_type: &str) -> Vec<String> {
    let names: &[&str] = match object_type {
        "relationship" => &["source_ref", "target_ref"],
        "sighting" => &["sighting_of_ref", "observed_data_refs"],
        "language-content" => &["object_ref"],
        _ => return Vec::new(),
    };
    let mut found: Vec<String> = Vec::new();
    for value in names.iter().filter_map(|name| object.member(name)) {
        found.extend(value.text().map(Cow::into_owned));
        found.extend(value.items().filter_map(|item| item.text().map(Cow::into_owned)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The text of an object with the marking of a level added: to the list that is there, or in a list in
/// front of all members.
pub fn with_marking(json: &[u8], tlp: Tlp) -> Bytes {
    let id = tlp.marking_id();
    let refs = |seen: Seen| seen.value.member("object_marking_refs").map(|list| list.range());
    let list = json::read(json.to_vec(), refs).ok().and_then(|document| document.root.part.seen);
    let (at, insertion) = match list {
        Some(list) if list.len() > 2 => (list.start + 1, format!("\"{id}\",")),
        Some(list) => (list.start + 1, format!("\"{id}\"")),
        None => (1, format!("\"object_marking_refs\":[\"{id}\"],")),
    };
    let (before, after) = json.split_at(at);
    [before, insertion.as_bytes(), after].concat().into()
}

fn check_times(
    object_type: &str,
    class: Option<Class>,
    created: Option<&StixTime>,
    modified: Option<&StixTime>,
) -> Result<(), ObjectError> {
    if class == Some(Class::Sco) {
        return Ok(());
    }
    let known = class.is_some() && object_type != MARKING;
    if created.is_none() && (known || modified.is_some() || object_type == MARKING) {
        return Err(ObjectError::Missing("created", TIME_RULE));
    }
    if modified.is_none() && known {
        return Err(ObjectError::Missing("modified", TIME_RULE));
    }
    match (created, modified) {
        (Some(created), Some(modified)) if modified < created => Err(wrong(
            "modified",
            modified.as_str(),
            format!("it must not be earlier than `created`, {}", created.as_str()),
        )),
        _ => Ok(()),
    }
}

/// The members that make up the header.
struct Members<'a>([Option<Value<'a>>; NAMES.len()]);

impl<'a> Members<'a> {
    fn of(value: Value<'a>) -> Self {
        let mut members = [None; NAMES.len()];
        for (key, value) in value.members() {
            if let Some(at) = position(&key) {
                members[at] = Some(value);
            }
        }
        Self(members)
    }

    /// The header of what everybody knows by its id: of what it says nothing counts.
    fn known(&self) -> Result<Header, ObjectError> {
        let created = self.time("created").ok().flatten();
        Ok(Header {
            id: self.id("id")?.ok_or(ObjectError::Missing("id", ID_RULE))?,
            version: created.clone().unwrap_or_else(unversioned),
            created,
            created_by_ref: None,
            marks: Vec::new(),
            labelled: None,
            defines: None,
            ends: Vec::new(),
            names_victims: false,
            revoked: false,
            extensions: Vec::new(),
            known_anyway: true,
            named: None,
        })
    }

    fn value(&self, name: &'static str) -> Option<Value<'a>> {
        self.0[NAMES.iter().position(|known| *known == name)?]
    }

    fn string(&self, name: &'static str, rule: &str) -> Result<Option<Cow<'a, str>>, ObjectError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        match value.text() {
            Some(text) => Ok(Some(text)),
            None => Err(wrong(name, value.raw(), rule.to_owned())),
        }
    }

    fn id(&self, name: &'static str) -> Result<Option<StixId>, ObjectError> {
        let Some(text) = self.string(name, ID_RULE)? else {
            return Ok(None);
        };
        let id = StixId::parse(&text).map_err(|error| wrong(name, text.as_ref(), error.to_string()))?;
        if name == "created_by_ref" && id.object_type() != "identity" {
            return Err(wrong(name, text.as_ref(), "it must name an `identity`".to_owned()));
        }
        Ok(Some(id))
    }

    fn time(&self, name: &'static str) -> Result<Option<StixTime>, ObjectError> {
        let Some(text) = self.string(name, TIME_RULE)? else {
            return Ok(None);
        };
        match StixTime::parse(&text) {
            Some(time) => Ok(Some(time)),
            None => Err(wrong(name, text.as_ref(), TIME_RULE.to_owned())),
        }
    }

    fn check_spec_version(&self, optional: bool) -> Result<(), ObjectError> {
        match self.string("spec_version", SPEC_RULE)?.as_deref() {
            Some("2.1") => Ok(()),
            None if optional => Ok(()),
            None => Err(ObjectError::Missing("spec_version", SPEC_RULE)),
            Some(other) => Err(wrong("spec_version", other, SPEC_RULE.to_owned())),
        }
    }

    fn extensions(&self) -> Vec<String> {
        let members = self.value("extensions").into_iter().flat_map(|found| found.members());
        let names = members.map(|(key, _)| key.name().into_owned());
        names.filter(|name| name.starts_with("extension-definition--")).collect()
    }

    /// All markings referred to, each once.
    fn marks(&self) -> Result<Vec<String>, ObjectError> {
        let mut found: Vec<String> = Vec::new();
        let refs = self.list("object_marking_refs", "it must be a list of marking-definition ids")?;
        for item in refs {
            let text = item.text().filter(|text| is_marking(text)).ok_or_else(|| {
                let rule = "it must hold marking-definition ids only".to_owned();
                wrong("object_marking_refs", item.raw(), rule)
            })?;
            found.push(text.into_owned());
        }
        let rule = "it must be a list of objects with `selectors` and `marking_ref` or `lang`";
        for part in self.list("granular_markings", rule)? {
            if part.kind() != Kind::Object {
                return Err(wrong("granular_markings", part.raw(), rule.to_owned()));
            }
            found.extend(part.member("marking_ref").and_then(|marking| marking.text()).map(Cow::into_owned));
        }
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        if found.len() > MARKS_MAX {
            let rule = format!("an object may refer to {MARKS_MAX} different markings at most");
            return Err(wrong("object_marking_refs", found.len().to_string(), rule));
        }
        Ok(found)
    }

    fn labelled(&self) -> Result<Option<Box<Terms>>, ObjectError> {
        let mut found: Option<Box<Terms>> = None;
        // Labels are free terms: one of another form is no error here and no marking either.
        let rule = "it must be a list of strings";
        for label in self.list("labels", rule)? {
            let text = label.text().ok_or_else(|| wrong("labels", label.raw(), rule.to_owned()))?;
            if let Some(terms) = Terms::of_label(&text) {
                found.get_or_insert_default().add(&terms);
            }
        }
        Ok(found)
    }

    fn list(&self, name: &'static str, rule: &str) -> Result<impl Iterator<Item = Value<'a>>, ObjectError> {
        match self.value(name) {
            Some(value) if value.kind() != Kind::List => Err(wrong(name, value.raw(), rule.to_owned())),
            value => Ok(value.into_iter().flat_map(|value| value.items())),
        }
    }
}

/// Where a member of the header stands among [`NAMES`].
fn position(key: &json::Key) -> Option<usize> {
    let decoded = if key.plain().is_none() { key.name() } else { Cow::Borrowed("") };
    let name = key.plain().unwrap_or(decoded.as_bytes());
    // Most members are not of the header, and most of those begin with another letter.
    let may_be =
        matches!(name.first(), Some(b't' | b'i' | b's' | b'c' | b'm' | b'o' | b'g' | b'l' | b'r' | b'e'));
    may_be.then(|| NAMES.iter().position(|known| known.as_bytes() == name)).flatten()
}

fn is_marking(text: &str) -> bool {
    StixId::parse(text).is_ok_and(|id| id.object_type() == MARKING)
}

fn unversioned() -> Version {
    StixTime::parse(UNVERSIONED).expect("the constant is a timestamp")
}

fn wrong(property: &'static str, found: impl AsRef<[u8]>, rule: String) -> ObjectError {
    let text = String::from_utf8_lossy(found.as_ref());
    let mut shown: String = text.chars().take(80).collect::<String>().escape_debug().to_string();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    ObjectError::Wrong { property, found: format!("`{shown}`"), rule }
}

const NAMES: [&str; 11] = [
    "type",
    "id",
    "spec_version",
    "created",
    "modified",
    "created_by_ref",
    "object_marking_refs",
    "granular_markings",
    "labels",
    "revoked",
    "extensions",
];
const MARKING: &str = "marking-definition";
/// Different markings that one object may refer to.
const MARKS_MAX: usize = 32;
const TYPE_RULE: &str = "it must be the name of a STIX object type, as a string";
const ID_RULE: &str = "it must be a string of the form type--uuid";
const TIME_RULE: &str = "it must be a time in UTC such as 2026-02-09T08:00:00.000Z";
const SPEC_RULE: &str = "this server takes STIX 2.1, so it must be the string 2.1";

#[cfg(test)]
#[path = "object_tests.rs"]
mod tests;
