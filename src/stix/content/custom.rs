//! Properties that are not in the tables.

use super::Judge;
use super::Profile;
use super::finding::Weight;
use super::path::Path;
use crate::stix::format::{binary, identifier, name};
use crate::stix::json::{Key, Kind as Json, Value};

impl<'a> Judge<'a> {
    /// A member that its object's shape does not name.
    pub(super) fn custom(&mut self, key: Key<'a>, value: Value<'a>, object: Value<'a>, path: &Path) {
        let (name, at) = (key.name(), path.key(key));
        if RESERVED.contains(&name.as_ref()) {
            return self.error("prop.reserved", &at, None, "the name is reserved; use another");
        }
        if let Err(fault) = name::property(&name) {
            let weight = if fault.relaxed { Weight::Relaxed } else { Weight::Usual };
            self.weighed(weight, "prop.name", &at, None, format!("expected {}", fault.expected));
        }
        if !self.toplevel {
            self.advise("prop.custom", &at, None, || {
                "not a property of the standard; better in an extension".to_owned()
            });
            if !name.starts_with("x_") {
                let expected =
                    || "the name of a custom property better begins with x_ and its source".to_owned();
                self.advise("prop.custom-prefix", &at, None, expected);
            }
        }
        match value.kind() {
            Json::Null => self.null(&at),
            Json::List | Json::Object if value.is_empty() => {
                self.error(
                    "prop.empty",
                    &at,
                    Some(value),
                    "leave the property out if there is nothing in it",
                );
            }
            _ => {
                self.suffix(&name, value, object, &at);
                self.deep(value, &at);
            }
        }
    }

    /// The end of a name promises a type (STIX 2.1 §3.1).
    fn suffix(&mut self, name: &str, value: Value<'a>, object: Value<'a>, at: &Path) {
        let text = || value.text();
        let is_id = |value: Value| value.text().is_some_and(|text| identifier::identifier(&text).is_ok());
        let (holds, expected) = if name.ends_with("_ref") {
            (is_id(value), "a name that ends in _ref holds an identifier")
        } else if name.ends_with("_refs") {
            (
                value.kind() == Json::List && value.items().all(is_id),
                "a name that ends in _refs holds a list of identifiers",
            )
        } else if name.ends_with("_bin") {
            let holds = text().is_some_and(|text| binary::base64(&text).is_ok());
            (holds, "a name that ends in _bin holds base64")
        } else if name.ends_with("_hex") {
            let checked = text().map(|text| binary::hex(&text));
            if let Some(Err(fault)) = checked {
                return self.fault("prop.suffix", Err(fault), value, at);
            }
            (checked.is_some(), "a name that ends in _hex holds hexadecimal digits")
        } else if let Some(sibling) = name.strip_suffix("_enc") {
            let holds = text().is_some() && object.member(sibling).is_some();
            (holds, "a name that ends in _enc tells the character set of the property without that ending")
        } else {
            return;
        };
        if !holds {
            // ATT&CK writes the empty string where a reference is gone.
            let is_gone = name.ends_with("_ref") && value.raw() == b"\"\"";
            let weight = if is_gone { Weight::Relaxed } else { Weight::Usual };
            self.weighed(weight, "prop.suffix", at, Some(value), expected);
        }
    }

    /// A value of a dictionary that may hold anything but null.
    pub(super) fn plain(&mut self, value: Value<'a>, path: &Path) {
        match value.kind() {
            Json::Null => self.null(path),
            _ => self.deep(value, path),
        }
    }

    /// What is inside custom content.
    pub(super) fn deep(&mut self, value: Value<'a>, path: &Path) {
        if self.options.advise || self.options.profile == Profile::Strict {
            self.inside(value, path);
        }
    }

    fn inside(&mut self, value: Value<'a>, path: &Path) {
        if value.kind() == Json::BigInteger {
            let expected = "many programs cannot hold integers beyond 2^53-1; send it as a string";
            self.weighed(Weight::Relaxed, "prop.range", path, Some(value), expected);
        }
        for (at, item) in value.items().enumerate() {
            self.inner(item, &path.item(at));
        }
        for (key, member) in value.members() {
            self.inner(member, &path.key(key));
        }
    }

    /// A value inside custom content.
    pub(super) fn inner(&mut self, value: Value<'a>, path: &Path) {
        match value.kind() {
            Json::Null => self.advise("json.null", path, None, || "better left out than null".to_owned()),
            Json::List | Json::Object if value.is_empty() => {
                self.advise("prop.empty", path, None, || "better left out than empty".to_owned());
            }
            _ => self.inside(value, path),
        }
    }
}

/// STIX 2.1 §3.1: never to be used.
const RESERVED: [&str; 4] = ["severity", "username", "phone_number", "action"];
