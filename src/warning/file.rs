//! Warning list files and where they lie (governance §12.1).

use super::attribute;
use super::index::{Builder, NewList};
use super::{Category, Error};
use crate::stix::atom::Kinds;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: u64,
    #[serde(rename = "description")]
    _description: String,
    #[serde(rename = "type")]
    form: Form,
    #[serde(default)]
    matching_attributes: Option<Vec<String>>,
    #[serde(default)]
    category: Category,
    list: Vec<Box<str>>,
}

/// How entries are compared (governance §12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    String,
    Substring,
    Hostname,
    Cidr,
    Regex,
}

/// The files of a directory and what each is called by, in order: `lists/*/list.json` if there is such a
/// folder, else `*.json` and `*/list.json`.
pub(super) fn paths(dir: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let inner = dir.join("lists");
    let (dir, is_nested) = if inner.is_dir() { (inner.as_path(), true) } else { (dir, false) };
    let read = |source| Error::Read { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let named = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
        let Some(slug) = named(&path).filter(|name| !name.starts_with('.')) else { continue };
        if path.join("list.json").is_file() {
            paths.push((path.join("list.json"), slug));
        } else if !is_nested
            && path.is_file()
            && path.extension().is_some_and(|extension| extension == "json")
        {
            paths.push((path, slug));
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Reads a file and adds its list.
pub(super) fn add(builder: &mut Builder<'_>, path: &Path, slug: &str) -> Result<(), Error> {
    let bytes = read(path)?;
    let wrong = |what: String| Error::File { path: path.to_owned(), what };
    let file: File = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if file.name.is_empty() || file.name.len() > NAME_BYTES_MAX {
        return Err(wrong(format!("`name` must have 1 to {NAME_BYTES_MAX} bytes")));
    }
    let mut seen = HashSet::with_capacity(file.list.len());
    if let Some(twice) = file.list.iter().find(|entry| !seen.insert(&***entry)) {
        return Err(wrong(format!("`{}` is in `list` twice", super::parts::excerpt(twice))));
    }
    let reach = attribute::reach(file.matching_attributes.as_deref());
    if reach.is_empty() {
        builder.warn(&file.name, "matches no kind of value that is known here".to_owned());
    }
    let list = NewList { name: file.name, slug, version: file.version, category: file.category, reach };
    let number = builder.list(list).map_err(|error| match error {
        Error::File { what, .. } => wrong(what),
        other => other,
    })?;
    builder.digest(&bytes);
    add_entries(builder, number, (file.form, reach), &file.list)
}

fn add_entries(
    builder: &mut Builder<'_>,
    list: u16,
    (form, reach): (Form, Kinds),
    entries: &[Box<str>],
) -> Result<(), Error> {
    builder.count(list, entries.len())?;
    if form == Form::Regex {
        return builder.expressions(list, entries);
    }
    let mut left_out = 0;
    let mut example = None;
    for entry in entries {
        let is_kept = match form {
            _ if entry.len() > ENTRY_BYTES_MAX => false,
            Form::String => builder.text(list, reach, entry)?,
            Form::Hostname => builder.host(list, entry)?,
            Form::Cidr => builder.network(list, entry),
            Form::Substring | Form::Regex => builder.substring(list, reach, entry),
        };
        if !is_kept {
            left_out += 1;
            example.get_or_insert(entry);
        }
    }
    if let Some(example) = example {
        let example = super::parts::excerpt(example);
        builder.warn_of(list, format!("left out {left_out} entries that are none, such as `{example}`"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let wrong = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(wrong)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(wrong)?;
    match bytes.len() as u64 > FILE_BYTES_MAX {
        true => {
            Err(Error::File { path: path.to_owned(), what: format!("larger than {FILE_BYTES_MAX} bytes") })
        }
        false => Ok(bytes),
    }
}

/// Values are no longer either.
const ENTRY_BYTES_MAX: usize = 4096;
const FILE_BYTES_MAX: u64 = 128 << 20;
const NAME_BYTES_MAX: usize = 512;
