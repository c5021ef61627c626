//! YARA rules: hashes of files, and rules of others (export formats §13).

mod foreign;
#[cfg(test)]
mod tests;

use super::{Class, Files, Format, Input, TEXT, TEXT_MAX, one_line, options};
use crate::export::row::{Facts, Row};
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

/// The format.
pub(super) struct Yara;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Larger files are not hashed, in megabytes.
    filesize_max_mb: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { filesize_max_mb: 64 }
    }
}

impl Format for Yara {
    fn name(&self) -> &'static str {
        "yara"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        function(kind).is_some()
    }

    fn languages(&self) -> &'static [&'static str] {
        &["yara"]
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        match options::<Options>(table)?.filesize_max_mb {
            1..=1_000_000 => Ok(()),
            _ => Err("filesize_max_mb must be between 1 and 1000000".to_owned()),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let mut imports = BTreeSet::from(["hash"]);
        let mut names = HashSet::new();
        let mut text = String::with_capacity(input.rows.len() * 450);
        for rows in by_id(input.rows) {
            let name = own_name(&rows[0].facts);
            hashes(&mut text, &name, &rows, input, choices.filesize_max_mb);
            names.insert(name);
        }
        let mut count = input.rows.len();
        for rule in input.rules {
            let Some(read) = foreign::read(&rule.text) else {
                files.leave_out("not_understood");
                continue;
            };
            imports.extend(read.imports);
            // A name is taken once in all that is loaded together; ours are made of ids.
            let mut name = read.name.to_owned();
            if name.starts_with("liaison_") || !names.insert(name.clone()) {
                name = own_name(&rule.facts);
                names.insert(name.clone());
            }
            let _ = writeln!(text, "rule {name}{}", read.rest);
            count += 1;
        }
        let mut head = input.header("// ", FILE, count, files);
        for module in imports {
            let _ = writeln!(head, "import \"{module}\"");
        }
        files.add(FILE, TEXT, head + &text, count);
        Ok(())
    }
}

/// The function of the module `hash` for a kind.
fn function(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::FileMd5 => Some("md5"),
        Kind::FileSha1 => Some("sha1"),
        Kind::FileSha256 => Some("sha256"),
        _ => None,
    }
}

/// The rows of each id, in the order of the first of them.
fn by_id(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::with_capacity(rows.len());
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    for row in rows {
        let place = *places.entry(&row.facts.id).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn own_name(facts: &Facts) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("liaison_{}", facts.uuid().chars().map(plain).collect::<String>())
}

/// A rule for files with one of these hashes.
fn hashes(text: &mut String, name: &str, rows: &[&Row], input: &Input, filesize_max_mb: u32) {
    let facts = &rows[0].facts;
    let level = rows.iter().map(|row| row.facts.tlp).max().unwrap_or(facts.tlp);
    let tlp = input.about.tlp_write.word(level);
    let tag = tlp.to_ascii_lowercase().replace('+', "_");
    // Writing to a String cannot fail.
    let _ = write!(text, "rule {name} : liaison tlp_{tag} {{\n  meta:\n    stix_id = ");
    quote(text, &facts.id);
    let _ = write!(text, "\n    tlp = \"{tlp}\"\n");
    if let Some(confidence) = facts.confidence {
        let _ = writeln!(text, "    confidence = {confidence}");
    }
    if let Some(until) = facts.valid_until {
        let _ = writeln!(text, "    valid_until = \"{}\"", until.to_string().replace(".000000Z", "Z"));
    }
    text.push_str("    author = ");
    quote(text, &one_line(&facts.owners.join(", "), TEXT_MAX));
    let _ = write!(text, "\n  condition:\n    filesize < {filesize_max_mb}MB and ");
    let is_one = rows.len() == 1;
    text.push_str(if is_one { "" } else { "(" });
    for (n, row) in rows.iter().enumerate() {
        text.push_str(if n > 0 { " or " } else { "" });
        let function = function(row.atom.kind()).unwrap_or_default();
        let _ = write!(text, "hash.{function}(0, filesize) == \"{}\"", row.atom.text());
    }
    text.push_str(if is_one { "\n}\n" } else { ")\n}\n" });
}

/// A string; what is written has no control characters.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

/// The file.
const FILE: &str = "liaison.yar";
