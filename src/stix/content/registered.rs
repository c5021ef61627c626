//! Extensions that the hub knows, with the JSON Schemas that their authors gave.

use crate::stix::json::Value;
use std::collections::HashMap;

/// Extension definitions by id.
#[derive(Default)]
pub struct Extensions {
    known: HashMap<String, Option<jsonschema::Validator>>,
}

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}

impl Extensions {
    /// Adds an extension; its schema (2020-12) may refer to nothing outside itself, and its
    /// expressions must be such as run in linear time.
    pub fn add(&mut self, id: &str, schema: Option<&str>) -> Result<(), String> {
        let compiled = schema.map(compile).transpose()?;
        self.known.insert(id.to_owned(), compiled);
        Ok(())
    }

    /// Is it one of them?
    pub fn knows(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    /// What the schema of an extension says against an object that uses it. It is about the entry
    /// in `extensions`, or about the whole object if the extension is of another kind than
    /// `property-extension`.
    pub(super) fn objections(&self, id: &str, entry: Value, object: Value) -> Vec<(String, String)> {
        let Some(Some(validator)) = self.known.get(id) else { return Vec::new() };
        let kind = entry.member("extension_type").and_then(|kind| kind.text());
        let (judged, place) = match kind.as_deref() {
            Some("property-extension") => (entry, format!("/extensions/{id}")),
            _ => (object, String::new()),
        };
        let tree = judged.tree();
        let errors = validator.iter_errors(&tree).take(OBJECTIONS_TOLD);
        errors
            .map(|error| (cut(format!("{place}{}", error.instance_path())), cut(error.to_string())))
            .collect()
    }
}

fn compile(schema: &str) -> Result<jsonschema::Validator, String> {
    if schema.len() > SCHEMA_MAX_BYTES {
        return Err(format!("the schema has more than {SCHEMA_MAX_BYTES} bytes"));
    }
    let tree: serde_json::Value =
        serde_json::from_str(schema).map_err(|error| format!("the schema is no JSON: {error}"))?;
    if !tree.is_object() {
        return Err("the schema is no JSON Schema that we take: an object is expected".to_owned());
    }
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .should_validate_formats(true)
        .build(&tree)
        .map_err(|error| format!("the schema is no JSON Schema 2020-12 that stands alone: {error}"))
}

/// Both quote the object.
fn cut(text: String) -> String {
    if text.len() <= TEXT_SHOWN { text } else { text.chars().take(TEXT_SHOWN / 4).chain(['…']).collect() }
}

const TEXT_SHOWN: usize = 1_200;
const SCHEMA_MAX_BYTES: usize = 256 * 1024;
const OBJECTIONS_TOLD: usize = 10;
