//! What is particular to one type.

use super::Judge;
use super::path::Path;
use crate::stix::StixTime;
use crate::stix::json::Value;
use crate::stix::pattern::Pattern;
use crate::stix::schema::{self, Class};
use crate::stix::timestamp::instant;

impl<'a> Judge<'a> {
    pub(super) fn special(&mut self, object: Value<'a>, object_type: &str, path: &Path) {
        self.future(object, path);
        match object_type {
            "marking-definition" => self.marking_definition(object, path),
            "indicator" => self.indicator(object, path),
            "observed-data" => self.observed_data(object, path),
            "relationship" => self.relationship(object, path),
            "file" if object.member("name_enc").is_some() && object.member("name").is_none() => {
                self.error(
                    "prop.suffix",
                    &path.name("name_enc"),
                    None,
                    "it tells the character set of `name`, which is missing",
                );
            }
            "extension-definition" => self.extension_definition(object, path),
            "network-traffic" => {
                for name in ["src_port", "dst_port"].into_iter().filter(|name| object.member(name).is_none())
                {
                    let expected = || "better with the port, if it is known".to_owned();
                    self.advise("netflow.ports", &path.name(name), None, expected);
                }
            }
            _ => {}
        }
    }

    fn future(&mut self, object: Value<'a>, path: &Path) {
        let Some(now) = self.options.now.filter(|_| self.options.advise) else { return };
        for name in ["created", "modified"] {
            let text = object.member(name).and_then(|value| value.text());
            let micros = text.as_deref().and_then(instant).map(|found| found.0);
            if micros.is_some_and(|micros| micros > now.micros() + CLOCK_SKEW_MICROS) {
                let expected = || "later than now; check the clock of the system that wrote it".to_owned();
                self.advise("ts.future", &path.name(name), object.member(name), expected);
            }
        }
    }

    fn indicator(&mut self, object: Value<'a>, path: &Path) {
        for name in ["name", "description"].into_iter().filter(|name| object.member(name).is_none()) {
            let expected = || "better with a name and a description".to_owned();
            self.advise("indicator.text", &path.name(name), None, expected);
        }
        let text = |name: &str| object.member(name).and_then(|value| value.text());
        let (Some(pattern), Some(language)) = (text("pattern"), text("pattern_type")) else { return };
        let at = path.name("pattern");
        if language != "stix" {
            if pattern.is_empty() {
                self.error("indicator.pattern", &at, None, "the pattern is empty");
            }
            return;
        }
        match Pattern::parse(&pattern) {
            Err(error) => self.error("indicator.pattern", &at, object.member("pattern"), error.to_string()),
            Ok(parsed) if self.options.advise => {
                let time = |name: &str| StixTime::parse(&text(name)?);
                let validity = time("valid_from")
                    .map(|from| parsed.warnings_of_validity(&from, time("valid_until").as_ref()));
                for warning in parsed.warnings().into_iter().chain(validity.unwrap_or_default()) {
                    self.advise("indicator.pattern", &at, object.member("pattern"), || warning.to_string());
                }
            }
            Ok(_) => {}
        }
    }

    fn observed_data(&mut self, object: Value<'a>, path: &Path) {
        let Some(refs) = object.member("object_refs").filter(|refs| !refs.is_empty()) else { return };
        let is_sro = |id: Value| {
            let text = id.text()?;
            let (object_type, _) = text.split_once("--")?;
            Some(schema::find(object_type)?.class == Class::Sro)
        };
        if refs.items().all(|id| is_sro(id) == Some(true)) {
            let expected = "at least one observable is needed among the references";
            self.error("rule.oneof", &path.name("object_refs"), None, expected);
        }
    }

    /// The deprecated `objects`: observables that refer to each other by the names they have here.
    pub(super) fn container(&mut self, container: Value<'a>, path: &Path) {
        let outer =
            self.container.replace(container.members().map(|(key, object)| (key.name(), object)).collect());
        for (key, object) in container.members() {
            self.object(object, &path.key(key));
        }
        self.container = outer;
    }

    fn relationship(&mut self, object: Value<'a>, path: &Path) {
        if !self.options.advise {
            return;
        }
        let text = |name: &str| object.member(name).and_then(|value| value.text());
        let (Some(word), Some(source), Some(target)) =
            (text("relationship_type"), text("source_ref"), text("target_ref"))
        else {
            return;
        };
        let types = source.split_once("--").zip(target.split_once("--"));
        let Some(((source, _), (target, _))) = types else { return };
        let (Some(from), Some(to)) = (schema::find(source), schema::find(target)) else { return };
        let suggested =
            from.relationships.iter().find(|(name, _)| *name == word).is_some_and(|(_, targets)| {
                targets
                    .iter()
                    .any(|name| name == target || (name == ANY_OBSERVABLE && to.class == Class::Sco))
            });
        let common = word == "related-to"
            || (source == target && matches!(word.as_ref(), "derived-from" | "duplicate-of"));
        if !suggested && !common {
            let expected = || {
                format!("not among the relationships that the standard suggests from {source} to {target}")
            };
            self.advise(
                "rel.matrix",
                &path.name("relationship_type"),
                object.member("relationship_type"),
                expected,
            );
        }
    }

    fn extension_definition(&mut self, object: Value<'a>, path: &Path) {
        let Some(kinds) = object.member("extension_types") else { return };
        let is_toplevel =
            kinds.items().any(|kind| kind.text().is_some_and(|kind| kind == "toplevel-property-extension"));
        let has_names = object.member("extension_properties").is_some();
        let at = path.name("extension_properties");
        if has_names && !is_toplevel {
            let expected = "it is for extensions of the type toplevel-property-extension only";
            self.error("rule.requires", &at, None, expected);
        }
        if is_toplevel && !has_names {
            self.advise("rule.requires", &at, None, || {
                "better with the names of the new properties".to_owned()
            });
        }
    }
}

const ANY_OBSERVABLE: &str = "<any-SCO>";
const CLOCK_SKEW_MICROS: i64 = 5 * 60 * 1_000_000;
