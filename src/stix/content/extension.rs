//! Members of `extensions` (STIX 2.1 §7.3).

use super::Judge;
use super::path::Path;
use crate::stix::format::{identifier, name};
use crate::stix::json::{Key, Kind as Json, Value};
use crate::stix::schema::{self, Role};

impl<'a> Judge<'a> {
    pub(super) fn extension(&mut self, role: Role, key: Key<'a>, value: Value<'a>, path: &Path) {
        let (name, at) = (key.name(), path.key(key));
        if role != Role::NoExtensions
            && name.starts_with("extension-definition--")
            && identifier::identifier(&name).is_ok()
        {
            let shape = schema::extension();
            return self.value(shape, value, &at);
        }
        if role == Role::ObservableExtensions && name.ends_with("-ext") && name::object_type(&name).is_ok() {
            return self.legacy(key, value, path);
        }
        let expected = match role {
            Role::ObservableExtensions => {
                "the id of an extension definition, or the name of an extension of this observable, is expected"
            }
            Role::NoExtensions => "an extension definition is not extended itself",
            _ => "the id of an extension definition is expected",
        };
        self.error("ext.key", &at, None, expected);
    }

    /// The deprecated form, for observables only.
    fn legacy(&mut self, key: Key<'a>, value: Value<'a>, path: &Path) {
        let at = path.key(key);
        self.advise("deprecated", &at, None, || "better defined by an extension definition".to_owned());
        self.verdict("ext.key", name::legacy_extension(&key.name()), None, &at);
        match value.kind() {
            Json::Null => self.null(&at),
            Json::Object if value.is_empty() => {
                self.error("ext.empty", &at, None, "at least one property is needed")
            }
            Json::Object => {
                for (key, member) in value.members() {
                    self.custom(key, member, value, &at);
                }
            }
            _ => self.error("prop.type", &at, Some(value), "it must be an object"),
        }
    }
}
