//! Plain lists: one value a line, as firewalls read them.

use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::Kind;
use serde::Deserialize;

/// The format.
pub(super) struct List;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// A header of `#` lines.
    comments: bool,
    /// Lines in a file; more make further files.
    max_entries: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { comments: true, max_entries: None }
    }
}

impl Format for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        match options::<Options>(table)?.max_entries {
            Some(0) => Err("max_entries must be at least 1".to_owned()),
            _ => Ok(()),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let name = &input.about.name;
        let mut parts: Vec<_> = input.rows.chunks(choices.max_entries.unwrap_or(usize::MAX)).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let is_split = choices.max_entries.is_some();
        for (part, rows) in parts.into_iter().enumerate() {
            let file = if is_split { format!("{name}-{}.txt", part + 1) } else { format!("{name}.txt") };
            let mut text = String::new();
            if choices.comments {
                text += &input.header("# ", &file, rows.len(), files);
            }
            for row in rows {
                text += row.atom.text();
                text.push('\n');
            }
            files.add(file, TEXT, text, rows.len());
        }
        Ok(())
    }
}
