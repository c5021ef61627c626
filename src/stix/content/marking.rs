//! Markings: selectors, levels, and the definitions that are fixed (STIX 2.1 §7.2).

use super::Judge;
use super::finding::Weight;
use super::path::Path;
use crate::stix::Tlp;
use crate::stix::format::selector::{Step, steps};
use crate::stix::json::{ITEMS_MAX, Kind as Json, Value};

impl<'a> Judge<'a> {
    /// What any object says of its markings.
    pub(super) fn markings(&mut self, object: Value<'a>, path: &Path) {
        if let Some(granular) = object.member("granular_markings") {
            let list = path.name("granular_markings");
            let (mut count, mut steps) = (0, 0);
            for (position, part) in granular.items().enumerate() {
                let (at, selectors) = (list.item(position), part.member("selectors"));
                let at = at.name("selectors");
                for (position, selector) in selectors.into_iter().flat_map(|list| list.items()).enumerate() {
                    count += 1;
                    if count > SELECTORS_MAX {
                        let expected = format!("at most {SELECTORS_MAX} selectors in one object");
                        return self.weighed(Weight::Always, "mark.selector", &list, None, expected);
                    }
                    self.selector(object, selector, &mut steps, &at.item(position));
                    if steps > STEPS_MAX {
                        let expected = "its selectors take too many steps to look up";
                        return self.weighed(Weight::Always, "mark.selector", &list, None, expected);
                    }
                }
            }
        }
        if self.options.advise {
            self.levels(object, path);
        }
    }

    fn selector(&mut self, object: Value<'a>, selector: Value<'a>, steps_taken: &mut usize, path: &Path) {
        let Some(text) = selector.text() else { return };
        let mut reached = Some(object);
        for step in steps(&text) {
            match step {
                Err(fault) => {
                    let expected = format!("expected {}", fault.expected);
                    return self.error("mark.selector", path, Some(selector), expected);
                }
                Ok(Step::Name(name)) => {
                    if MARKINGS.contains(&name) {
                        let expected = || "a selector better selects content than markings".to_owned();
                        self.advise("mark.selector", path, Some(selector), expected);
                    }
                    *steps_taken += 1;
                    reached = reached.and_then(|value| value.member(name));
                }
                Ok(Step::Index(at)) => {
                    *steps_taken += at.min(ITEMS_MAX as usize);
                    reached = reached.and_then(|value| value.items().nth(at));
                }
            }
        }
        if reached.is_none() {
            self.error("mark.selector", path, Some(selector), "it selects nothing that is there");
        }
    }

    fn levels(&mut self, object: Value<'a>, path: &Path) {
        let refs = object.member("object_marking_refs");
        let found =
            refs.into_iter().flat_map(|refs| refs.items()).filter_map(|id| Tlp::of_marking(&id.text()?));
        let mut found: Vec<Tlp> = found.collect();
        found.sort_unstable();
        found.dedup();
        if found.len() > 1 {
            let expected = || "several TLP levels; the most restricted counts".to_owned();
            self.advise("mark.tlp-conflict", &path.name("object_marking_refs"), refs, expected);
        }
    }

    /// A marking definition.
    pub(super) fn marking_definition(&mut self, object: Value<'a>, path: &Path) {
        let text = |name: &str| object.member(name).and_then(|value| value.text());
        let Some(id) = text("id") else { return };
        if let Some(refs) = object.member("object_marking_refs") {
            let own = refs.items().position(|found| found.text().is_some_and(|found| found == id));
            if let Some(at) = own {
                let refs = path.name("object_marking_refs");
                self.error("mark.self", &refs.item(at), None, "a marking must not mark itself");
            }
        }
        let granular = object.member("granular_markings").into_iter().flat_map(|list| list.items());
        for (at, part) in granular.enumerate() {
            let marking = part.member("marking_ref").and_then(|marking| marking.text());
            if marking.is_some_and(|marking| marking == id) {
                let list = path.name("granular_markings");
                let at = list.item(at);
                self.error("mark.self", &at.name("marking_ref"), None, "a marking must not mark itself");
            }
        }
        let described = text("definition_type");
        let fixed = FIXED.iter().find(|(known, _)| id.strip_prefix("marking-definition--") == Some(known));
        if let Some((_, level)) = fixed {
            if !is_fixed(object, level) {
                let expected =
                    format!("the id is that of TLP:{}, whose content is fixed", level.to_ascii_uppercase());
                self.error("mark.tlp-fixed", path, None, expected);
            }
        } else if described.as_deref() == Some("tlp") {
            let weight = if Tlp::of_marking(&id).is_some() { Weight::Relaxed } else { Weight::Usual };
            let expected = "only the four definitions of the standard are of this type; refer to these";
            self.weighed(weight, "mark.tlp-fixed", path, None, expected);
        } else if Tlp::of_marking(&id).is_none() && is_like_tlp(object) {
            let expected =
                || "it looks like a TLP level, but its id is none of theirs; refer to those".to_owned();
            self.advise("mark.tlp-lookalike", &path.name("name"), object.member("name"), expected);
        }
        self.definition(object, described.as_deref(), path);
    }

    fn definition(&mut self, object: Value<'a>, described: Option<&str>, path: &Path) {
        let has = |name: &str| object.member(name).is_some();
        let is_defined = has("extensions") || (has("definition_type") && has("definition"));
        if !is_defined {
            let expected = "it needs `extensions`, or `definition_type` with `definition`";
            self.error("mark.definition", path, None, expected);
        }
        let definition = object.member("definition").filter(|found| found.kind() == Json::Object);
        if let (Some("statement"), Some(definition)) = (described, definition)
            && definition.member("statement").is_none_or(|statement| statement.text().is_none())
        {
            let expected = "a statement is written {\"statement\": \"…\"}";
            self.error("mark.definition", &path.name("definition"), Some(definition), expected);
        }
    }
}

/// Is the object one of the four of TLP 1, to the letter?
fn is_fixed(object: Value, level: &str) -> bool {
    let holds = |value: Value, wanted: &str| value.text().is_some_and(|text| text == wanted);
    let mut members = object.members();
    let right = members.all(|(key, value)| match key.name().as_ref() {
        "type" | "id" => true,
        "spec_version" => holds(value, "2.1"),
        "created" => holds(value, "2017-01-20T00:00:00.000Z"),
        "definition_type" => holds(value, "tlp"),
        "name" => holds(value, &format!("TLP:{}", level.to_ascii_uppercase())),
        "definition" => {
            value.members().count() == 1 && value.member("tlp").is_some_and(|found| holds(found, level))
        }
        _ => false,
    });
    right
        && ["spec_version", "created", "definition_type", "name", "definition"]
            .iter()
            .all(|name| object.member(name).is_some())
}

/// What an object with the id of a TLP level says about that level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlpDefinition {
    /// What the standard, or the extension for TLP 2.0, has.
    Exact,
    /// The same level, written in another way.
    Dressed,
    /// Something else.
    Contradicting,
}

/// What an object says about the TLP level whose id it has, if it has one.
pub fn tlp_definition(object: Value) -> Option<TlpDefinition> {
    let id = object.member("id")?.text()?;
    let level = Tlp::of_marking(&id)?;
    let is_level = |value: Value| value.text().and_then(|text| Tlp::parse(&text)) == Some(level);
    let mut said = false;
    for (key, value) in object.members() {
        let holds = match key.name().as_ref() {
            "name" => is_level(value),
            "definition_type" => value.text().is_some_and(|kind| kind == "tlp" || is_tlp(&kind)),
            "definition" => {
                said = true;
                value.member("tlp").is_some_and(is_level)
            }
            "extensions" => {
                let mut levels = value.members().filter_map(|(_, entry)| entry.member("tlp_2_0"));
                said |= levels.clone().next().is_some();
                levels.all(is_level)
            }
            _ => true,
        };
        if !holds {
            return Some(TlpDefinition::Contradicting);
        }
    }
    let fixed = FIXED.iter().find(|(known, _)| id.strip_prefix("marking-definition--") == Some(known));
    let is_exact = match fixed {
        Some((_, level)) => is_fixed(object, level),
        None => is_tlp_2(object),
    };
    Some(match (is_exact, said) {
        (true, _) => TlpDefinition::Exact,
        (false, true) => TlpDefinition::Dressed,
        (false, false) => TlpDefinition::Contradicting,
    })
}

/// Is an object with the id of a TLP 2.0 level written as that extension has it?
fn is_tlp_2(object: Value) -> bool {
    let plain =
        |name: &str| matches!(name, "type" | "id" | "spec_version" | "created" | "name" | "extensions");
    let created = object.member("created").and_then(|created| created.text());
    object.members().all(|(key, _)| plain(&key.name()))
        && created.is_some_and(|created| created == "2022-10-01T00:00:00.000Z")
        && object.member("extensions").is_some_and(|found| found.members().count() == 1)
}

fn is_like_tlp(object: Value) -> bool {
    let name = object.member("name").and_then(|name| name.text());
    name.is_some_and(|name| is_tlp(&name))
}

fn is_tlp(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("tlp:"))
}

const FIXED: [(&str, &str); 4] = [
    ("613f2e26-407d-48c7-9eca-b8e91df99dc9", "white"),
    ("34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"),
    ("f88d31f6-486f-44da-b317-01333bde0b82", "amber"),
    ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"),
];
/// Each is looked up in the object.
const SELECTORS_MAX: usize = 256;
/// Items of lists that are passed on the way.
const STEPS_MAX: usize = 100_000;
const MARKINGS: [&str; 2] = ["granular_markings", "object_marking_refs"];
