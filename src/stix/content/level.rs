//! The definitions of the levels of TLP and PAP. Everybody knows these by their ids, so producers may dress
//! them up; none may give a level another meaning.

use crate::stix::json::Value;
use crate::stix::marking::Pap;
use crate::stix::{Tlp, marking};
use std::fmt;

/// A level whose definition is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Of TLP.
    Tlp(Tlp),
    /// Of PAP.
    Pap(Pap),
}

/// What an object with the id of a level says about that level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// What the standard, or the extension for TLP 2.0 or PAP, has.
    Exact,
    /// The same level, written in another way or with more around it.
    Dressed,
    /// A marking of another kind, such as a statement, that names the level, or names none and defines nothing.
    Disguised,
    /// Another level, or something else that does not name the level.
    Contradicting,
}

/// What an object says about the level whose id it has, if it is a marking with such an id.
pub fn level_definition(object: Value) -> Option<(Level, Definition)> {
    let text = |name: &str| object.member(name).and_then(|value| value.text());
    let id = text("id")?;
    let level = Level::of_marking(&id)?;
    if text("type")? != "marking-definition" {
        return None;
    }
    let said = level.said(object);
    let defines = object.member("definition").is_some();
    let definition = if said.another || (!said.itself && defines) {
        Definition::Contradicting
    } else if level.is_exact(object, &id) {
        Definition::Exact
    } else if level.is_plain(object) {
        Definition::Dressed
    } else {
        Definition::Disguised
    };
    Some((level, definition))
}

/// The name that TLP 1 has for the level with this id, if it is one of its four.
pub(super) fn fixed(id: &str) -> Option<&'static str> {
    marking::TLP_1.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// Is the object one of the four of TLP 1, to the letter?
pub(super) fn is_fixed(object: Value, level: &str) -> bool {
    let mut members = object.members();
    let right = members.all(|(key, value)| match key.name().as_ref() {
        "type" | "id" => true,
        "spec_version" => is(value, "2.1"),
        "created" => is(value, "2017-01-20T00:00:00.000Z"),
        "definition_type" => is(value, "tlp"),
        "name" => is(value, &format!("TLP:{}", level.to_ascii_uppercase())),
        "definition" => {
            value.members().count() == 1 && value.member("tlp").is_some_and(|found| is(found, level))
        }
        _ => false,
    });
    right
        && ["spec_version", "created", "definition_type", "name", "definition"]
            .iter()
            .all(|name| object.member(name).is_some())
}

/// Does a text begin as the label of a level of TLP?
pub(super) fn is_tlp(text: &str) -> bool {
    begins(text, "tlp:")
}

/// What is said of levels.
#[derive(Default)]
struct Said {
    itself: bool,
    another: bool,
}

impl Said {
    fn note(&mut self, named: Option<bool>) {
        self.itself |= named == Some(true);
        self.another |= named == Some(false);
    }
}

impl Level {
    /// The level that a marking-definition id stands for.
    pub fn of_marking(id: &str) -> Option<Self> {
        Tlp::of_marking(id).map(Self::Tlp).or_else(|| Pap::of_marking(id).map(Self::Pap))
    }

    /// The rule that another definition of it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Tlp(_) => "mark.tlp-fixed",
            Self::Pap(_) => "mark.pap-fixed",
        }
    }

    fn said(self, object: Value) -> Said {
        let mut said = Said::default();
        for (key, value) in object.members() {
            match key.name().as_ref() {
                "name" | "definition_type" | "x_opencti_definition" => said.note(self.is_named(value)),
                "definition" => {
                    said.note(self.is_named(value));
                    for (key, value) in value.members() {
                        match key.name().to_ascii_lowercase().as_str() {
                            protocol @ ("tlp" | "pap") => said.note(Some(self.is_level(protocol, value))),
                            _ => said.note(self.is_named(value)),
                        }
                    }
                }
                "extensions" => {
                    for (_, entry) in value.members() {
                        for name in ["tlp_2_0", "pap"] {
                            said.note(entry.member(name).map(|value| self.is_level(name, value)));
                        }
                    }
                }
                _ => {}
            }
        }
        said
    }

    /// Does a text name this level? Nothing if it names none.
    fn is_named(self, value: Value) -> Option<bool> {
        let text = value.text()?;
        let tlp = Tlp::of_label(&text).or_else(|| Tlp::parse(&text));
        let pap = Pap::of_label(&text).or_else(|| Pap::parse(&text));
        let is_own = match self {
            Self::Tlp(level) => tlp == Some(level),
            Self::Pap(level) => pap == Some(level),
        };
        let is_level = tlp.is_some() || pap.is_some() || begins(&text, "tlp:") || begins(&text, "pap:");
        is_level.then_some(is_own)
    }

    /// Is a value this level, in a property for levels of a protocol?
    fn is_level(self, property: &str, value: Value) -> bool {
        matches!(self, Self::Pap(_)) == (property == "pap") && self.is_named(value) == Some(true)
    }

    fn is_exact(self, object: Value, id: &str) -> bool {
        match self {
            Self::Tlp(level) => match fixed(id) {
                Some(name) => is_fixed(object, name),
                None => is_tlp_2(object, level),
            },
            Self::Pap(_) => marking::published(id)
                .is_some_and(|text| Some(object.tree()) == serde_json::from_str(&text).ok()),
        }
    }

    /// Is nothing wrong with it but what stands beside the level? Of PAP nobody is held to a form.
    fn is_plain(self, object: Value) -> bool {
        let is_named = |value: Value| self.is_named(value) == Some(true);
        let is_kind = |kind: Value| kind.text().is_some_and(|kind| kind == "tlp" || is_tlp(&kind));
        let definition = object.member("definition");
        let mut entries = object.member("extensions").into_iter().flat_map(|found| found.members());
        matches!(self, Self::Pap(_))
            || object.member("name").is_none_or(is_named)
                && object.member("definition_type").is_none_or(is_kind)
                && match definition {
                    Some(definition) => definition.member("tlp").is_some_and(is_named),
                    None => entries.any(|(_, entry)| entry.member("tlp_2_0").is_some()),
                }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tlp(level) => level.fmt(f),
            Self::Pap(level) => level.fmt(f),
        }
    }
}

/// Is it the definition of a level of TLP 2.0, to the letter?
fn is_tlp_2(object: Value, level: Tlp) -> bool {
    let extends = |value: Value| {
        value.members().count() == 2
            && value.member("extension_type").is_some_and(|found| is(found, "property-extension"))
            && value.member("tlp_2_0").is_some_and(|found| is(found, &level.name().to_ascii_lowercase()))
    };
    let right = object.members().all(|(key, value)| match key.name().as_ref() {
        "type" | "id" => true,
        "spec_version" => is(value, "2.1"),
        "created" => is(value, "2022-10-01T00:00:00.000Z"),
        "name" => is(value, &level.to_string()),
        "extensions" => {
            value.members().count() == 1 && value.member(marking::TLP_2_EXTENSION).is_some_and(extends)
        }
        _ => false,
    });
    right && ["spec_version", "created", "extensions"].iter().all(|name| object.member(name).is_some())
}

fn is(value: Value, wanted: &str) -> bool {
    value.text().is_some_and(|text| text == wanted)
}

fn begins(text: &str, label: &str) -> bool {
    text.get(..label.len()).is_some_and(|start| start.eq_ignore_ascii_case(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stix::json::{self, Seen};

    fn of(id: &str, rest: &str) -> Option<Definition> {
        let text = format!(r#"{{"type":"marking-definition","id":"marking-definition--{id}"{rest}}}"#);
        let read = |seen: Seen| level_definition(seen.value);
        json::read(text.into_bytes(), read).unwrap().root.part.seen.map(|(_, found)| found)
    }

    const RED: &str = "5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
    const PAP_RED: &str = "740d36e5-7714-4c30-961a-3ae632ceee0e";

    #[test]
    fn a_level_keeps_its_meaning_in_any_dress() {
        let fixed = r#","spec_version":"2.1","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:RED","definition":{"tlp":"red"}"#;
        assert_eq!(of(RED, fixed), Some(Definition::Exact));
        assert_eq!(of("5e57c739-391a-4eb3-b6be-7d15ca92d5ee", fixed), None);
        for (dress, wanted) in [
            (r#","definition_type":"tlp","definition":{"tlp":"RED"},"x":1"#, Definition::Dressed),
            (r#","extensions":{"e":{"tlp_2_0":"red"},"f":7}"#, Definition::Dressed),
            (r#","definition_type":"TLP","name":"TLP:RED""#, Definition::Disguised),
            (r#","name":"everybody""#, Definition::Disguised),
            (r#","definition":{"statement":"x"},"x_opencti_definition":"tlp:red""#, Definition::Disguised),
            (r#","definition":"TLP:RED""#, Definition::Disguised),
            ("", Definition::Disguised),
        ] {
            assert_eq!(of(RED, dress), Some(wanted), "{dress}");
        }
        assert_eq!(of(PAP_RED, r#","name":"pap:red","definition_type":"PAP""#), Some(Definition::Dressed));
    }

    #[test]
    fn a_level_of_pap_is_exact_as_it_is_published() {
        let read = |text: &str| {
            let read = |seen: Seen| level_definition(seen.value).map(|(_, found)| found);
            json::read(text.as_bytes().to_vec(), read).unwrap().root.part.seen
        };
        let text = marking::published(Pap::Red.marking_id()).unwrap();
        assert_eq!(read(&text), Some(Definition::Exact));
        for dress in [
            text.replace("10-06", "10-07"),
            text.replace("\"name\":\"PAP:RED\",", ""),
            text.replace("\"red\"", "\"RED\""),
            text.replace("}}}", "},\"e\":{}}}"),
            text.replace("\"id\"", "\"lang\":\"en\",\"id\""),
        ] {
            assert_eq!(read(&dress), Some(Definition::Dressed), "{dress}");
        }
    }

    #[test]
    fn a_level_has_no_other_meaning() {
        for other in [
            r#","name":"TLP:AMBER","definition":{"tlp":"red"}"#,
            r#","name":"TLP:RED","x_opencti_definition":"TLP:CLEAR""#,
            r#","name":"TLP:PURPLE""#,
            r#","name":"PAP:RED""#,
            r#","name":"TLP:RED","definition":{"tlp":7}"#,
            r#","name":"TLP:RED","definition":{"statement":"tlp:green"}"#,
            r#","name":"TLP:RED","extensions":{"e":{"tlp_2_0":"green"}}"#,
            r#","name":"TLP:RED","extensions":{"e":{"pap":"red"}}"#,
            r#","name":"everybody","definition":{"statement":"may be published freely"}"#,
        ] {
            assert_eq!(of(RED, other), Some(Definition::Contradicting), "{other}");
        }
        assert_eq!(of(PAP_RED, r#","extensions":{"e":{"pap":"amber"}}"#), Some(Definition::Contradicting));
        assert_eq!(of(PAP_RED, r#","name":"TLP:RED""#), Some(Definition::Contradicting));
    }
}
