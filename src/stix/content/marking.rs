//! Markings: selectors, levels, and the definitions that are fixed (STIX 2.1 §7.2).

use super::Judge;
use super::finding::Weight;
use super::level::{fixed, is_fixed, is_tlp};
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
        if let Some(level) = fixed(&id) {
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

fn is_like_tlp(object: Value) -> bool {
    let name = object.member("name").and_then(|name| name.text());
    name.is_some_and(|name| is_tlp(&name))
}

/// Each is looked up in the object.
const SELECTORS_MAX: usize = 256;
/// Items of lists that are passed on the way.
const STEPS_MAX: usize = 100_000;
const MARKINGS: [&str; 2] = ["granular_markings", "object_marking_refs"];
