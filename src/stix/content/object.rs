//! Whole objects: type, id, common properties, and then what is particular to the type.

use super::Judge;
use super::finding::Weight;
use super::path::Path;
use crate::stix::format::{identifier, name};
use crate::stix::json::{Kind as Json, Seen, Value};
use crate::stix::observable_id;
use crate::stix::schema::{self, Class};

impl<'a> Judge<'a> {
    /// What a document or an item of its `objects` is.
    pub(super) fn whole(&mut self, seen: Seen<'a>, path: &Path) {
        let is_bundle =
            seen.value.member("type").and_then(|found| found.text()).is_some_and(|found| found == "bundle");
        if is_bundle && seen.item.is_some() {
            return self.error("bundle.nested", path, None, "a bundle inside a bundle; send its objects");
        }
        self.object(seen.value, path);
    }

    pub(super) fn object(&mut self, object: Value<'a>, path: &Path) {
        let Some(object_type) = self.shape(object, path) else { return };
        let standard = schema::find(&object_type);
        let class = standard.map_or_else(|| class_of(object), |found| found.class);
        let outer = self.defanged;
        self.defanged =
            class == Class::Sco && object.member("defanged").is_some_and(|v| v.kind() == Json::True);
        self.toplevel = standard.is_none() || has_extension(object, &["toplevel-property-extension"]);
        self.id(object, &object_type, class, path);
        let shape = standard.map_or_else(|| schema::common(class), |found| &found.shape);
        let known = self.members(shape, object, path);
        if standard.is_none() {
            let own = object.members().count() - known.present.count_ones() as usize;
            self.foreign(object, own, path);
        }
        if class != Class::Bundle {
            self.markings(object, path);
            self.registered(object, path);
            self.special(object, &object_type, path);
        }
        self.defanged = outer;
    }

    /// Is it an object with a type and an id? The answer is the type.
    fn shape(&mut self, object: Value<'a>, path: &Path) -> Option<String> {
        let always = Weight::Always;
        if object.kind() != Json::Object {
            self.weighed(always, "obj.shape", path, Some(object), "it must be an object");
            return None;
        }
        let found = object.member("type");
        let Some(object_type) = found.and_then(|found| found.text()) else {
            let expected = "it must be the name of a STIX object type, as a string";
            self.weighed(always, "obj.shape", &path.name("type"), found, expected);
            return None;
        };
        let id = object.member("id");
        // Only in the deprecated container may it be left out.
        if id.is_none_or(|id| id.text().is_none()) && (self.container.is_none() || id.is_some()) {
            let expected = "it must be a string of the form type--uuid";
            self.weighed(always, "obj.shape", &path.name("id"), id, expected);
            return None;
        }
        if object_type == "action" {
            self.weighed(always, "type.name", &path.name("type"), found, "the name is reserved; use another");
            return None;
        }
        if let Err(fault) = name::object_type(&object_type) {
            self.weighed(
                always,
                "type.name",
                &path.name("type"),
                found,
                format!("expected {}", fault.expected),
            );
            return None;
        }
        Some(object_type.into_owned())
    }

    fn id(&mut self, object: Value<'a>, object_type: &str, class: Class, path: &Path) {
        let Some(value) = object.member("id") else { return };
        let Some(text) = value.text() else { return };
        let at = path.name("id");
        let found = match identifier::identifier(&text) {
            Ok(found) => found,
            Err(fault) => {
                let expected = format!("expected {}", fault.expected);
                return self.weighed(Weight::Always, "id.form", &at, Some(value), expected);
            }
        };
        if found.object_type != object_type {
            let expected = format!("its type part must be `{object_type}`, the object's type");
            return self.weighed(Weight::Always, "id.type", &at, Some(value), expected);
        }
        if let Some(advice) = found.advice {
            self.advise("id.form", &at, Some(value), || format!("better {advice}"));
        }
        let contributing = schema::find(object_type).and_then(|found| found.contributing.as_deref());
        let is_content =
            contributing.is_some_and(|names| names.iter().any(|name| object.member(name).is_some()));
        match contributing {
            Some(_) if !is_content && found.version != 4 => {
                let expected = "nothing in it makes its id, so that must be a random one (UUID version 4)";
                self.error("id.v4-required", &at, Some(value), expected);
            }
            Some(_) if is_content && found.version != 5 => {
                let expected = || {
                    "better the id that the content gives (UUID version 5); `liaison id` computes it"
                        .to_owned()
                };
                self.advise("id.version", &at, Some(value), expected);
            }
            Some(_) if is_content => self.deterministic(object, &text, path),
            None if class != Class::Sco && found.version != 4 => {
                self.advise("id.version", &at, Some(value), || {
                    "better a random id (UUID version 4)".to_owned()
                });
            }
            _ => {}
        }
    }

    fn deterministic(&mut self, object: Value<'a>, id: &str, path: &Path) {
        if !self.options.advise {
            return;
        }
        let computed =
            std::str::from_utf8(object.raw()).ok().and_then(observable_id::deterministic_id_from_text);
        if let Some(computed) = computed.filter(|computed| computed != id) {
            let expected = || format!("the content gives another id, {computed}");
            self.advise("id.deterministic", &path.name("id"), object.member("id"), expected);
        }
    }

    /// What the schemas of its extensions say.
    fn registered(&mut self, object: Value<'a>, path: &Path) {
        let (Some(known), Some(extensions)) = (self.options.extensions, object.member("extensions")) else {
            return;
        };
        for (key, entry) in extensions.members() {
            for (pointer, message) in known.objections(&key.name(), entry, object) {
                let expected = format!("the schema of the extension {} refuses it: {message}", key.name());
                self.error("ext.props", &path.below(&pointer), None, expected);
            }
        }
    }

    /// An object of a type that the standard does not have.
    fn foreign(&mut self, object: Value<'a>, own: usize, path: &Path) {
        if !has_extension(object, NEW_TYPES) {
            let expected = || "not a type of the standard; better defined by an extension".to_owned();
            self.advise("type.unknown", &path.name("type"), object.member("type"), expected);
        } else if own == 0 {
            self.error(
                "ext.props",
                path,
                None,
                "an object of a new type has at least one property of its own",
            );
        }
    }
}

/// Of a type that the standard does not have: as its extension says, else by its dates.
fn class_of(object: Value) -> Class {
    match extension_type(object, NEW_TYPES).as_deref() {
        Some("new-sdo") => Class::Sdo,
        Some("new-sro") => Class::Sro,
        Some(_) => Class::Sco,
        None if object.member("created").is_some() || object.member("modified").is_some() => Class::Sdo,
        None => Class::Sco,
    }
}

fn has_extension(object: Value, kinds: &[&str]) -> bool {
    extension_type(object, kinds).is_some()
}

/// The first of these kinds that an extension of the object is of.
fn extension_type(object: Value, kinds: &[&str]) -> Option<String> {
    let extensions = object.member("extensions")?;
    extensions.members().find_map(|(_, extension)| {
        let found = extension.member("extension_type")?.text()?;
        kinds.contains(&found.as_ref()).then(|| found.into_owned())
    })
}

const NEW_TYPES: &[&str] = &["new-sdo", "new-sco", "new-sro"];
