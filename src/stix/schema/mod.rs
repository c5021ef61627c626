//! The object model: what `schemas/stix/` says an object may contain, compiled once.
//!
//! The files are the one table of it. They are JSON Schema 2020-12 with a few keywords of ours
//! (`schemas/README.md`); what they cannot say is in [`super::content`].

mod compile;
mod shape;

pub use shape::{Advice, Format, Keys, Kind, Property, Role, Rule, Shape, Terms, Then};

use std::collections::HashMap;
use std::sync::LazyLock;

/// What kind of object a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Domain object (STIX 2.1 §4).
    Sdo,
    /// Relationship object (§5).
    Sro,
    /// Observable (§6).
    Sco,
    /// Marking definition, language content, extension definition (§3.3, §7).
    Meta,
    /// Bundle (§8).
    Bundle,
}

/// A type of the standard.
pub struct Type {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// What it may contain.
    pub shape: Shape,
    /// The properties that make an observable's id.
    pub contributing: Option<Vec<String>>,
    /// The relationships that the standard suggests from it: name to types of targets.
    pub relationships: Vec<(String, Vec<String>)>,
}

/// The type of this name, if the standard has it.
pub fn find(name: &str) -> Option<&'static Type> {
    MODEL.types.get(name)
}

/// The class of a type, if the standard has it; bundles are no objects.
pub fn is_known_type(name: &str) -> Option<Class> {
    find(name).map(|found| found.class).filter(|class| *class != Class::Bundle)
}

/// What an observable of this type may contain.
pub fn observable(object_type: &str) -> Option<&'static Shape> {
    find(object_type).filter(|found| found.class == Class::Sco).map(|found| &found.shape)
}

/// What objects of a class share; for types that the standard does not have.
pub fn common(class: Class) -> &'static Shape {
    match class {
        Class::Sco => &MODEL.sco,
        Class::Sro => &MODEL.sro,
        Class::Sdo | Class::Meta | Class::Bundle => &MODEL.sdo,
    }
}

/// What an entry of `extensions` may contain.
pub fn extension() -> &'static Shape {
    &MODEL.extension
}

/// The files: name and text.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().copied()
}

struct Model {
    types: HashMap<String, Type>,
    sdo: Shape,
    sro: Shape,
    sco: Shape,
    extension: Shape,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let sources = compile::Sources::read(FILES).expect("the embedded schemas are JSON");
    let common = |class: &str| {
        let reference = format!("urn:liaison:schema:stix:common#/$defs/{class}");
        sources.compile(&serde_json::json!({ "$ref": reference })).expect("the embedded schemas compile")
    };
    let types = FILES.iter().filter_map(|(name, _)| {
        let found = sources.object_type(name)?.expect("the embedded schemas compile");
        Some((found.name.clone(), found))
    });
    Model {
        types: types.collect(),
        sdo: common("sdo"),
        sro: common("sro"),
        sco: common("sco"),
        extension: common("extension"),
    }
});

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../schemas/stix/", $name, ".json")))),*]
    };
}

const FILES: &[(&str, &str)] = schemas![
    "common",
    "vocabularies",
    "extensions",
    "parts",
    "artifact",
    "attack-pattern",
    "autonomous-system",
    "bundle",
    "campaign",
    "course-of-action",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "extension-definition",
    "file",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "ipv4-addr",
    "ipv6-addr",
    "language-content",
    "location",
    "mac-addr",
    "malware",
    "malware-analysis",
    "marking-definition",
    "mutex",
    "network-traffic",
    "note",
    "observed-data",
    "opinion",
    "process",
    "relationship",
    "report",
    "sighting",
    "software",
    "threat-actor",
    "tool",
    "url",
    "user-account",
    "vulnerability",
    "windows-registry-key",
    "x509-certificate",
];

#[cfg(test)]
mod tests;
