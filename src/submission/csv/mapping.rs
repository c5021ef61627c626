//! What the columns of somebody else's table mean, as a file in TOML says.
//!
//! ```toml
//! delimiter = ";"
//! comment = "#"
//! skip_lines = 2
//! header = true
//!
//! [columns]              # ours = theirs: a name of the header, or a position counted from 1
//! value = "IOC"
//! type = "Category"
//! valid_from = "First seen"
//!
//! [types]                # what stands in their column for the type = our name
//! "C&C server" = "domain-name"
//!
//! [constants]            # where a column is missing or a field is empty
//! confidence = 70
//! labels = ["feed-x"]
//!
//! [times]
//! format = "%d.%m.%Y %H:%M"
//! zone = "UTC"
//! ```

use super::Column;
use super::layout::Layout;
use crate::submission::moment::{self, Reading};
use crate::submission::value::{self, Named};
use crate::submission::{Error, scale};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// What the columns of a table mean.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) delimiter: Option<u8>,
    pub(super) comment: Option<u8>,
    pub(super) skip_lines: u32,
    has_header: bool,
    pub(super) columns: BTreeMap<Column, From>,
    pub(super) types: BTreeMap<String, Named>,
    pub(super) constants: BTreeMap<Column, String>,
    pub(super) times: Reading,
}

impl Default for Mapping {
    /// Our own columns.
    fn default() -> Self {
        Self {
            delimiter: None,
            comment: Some(b'#'),
            skip_lines: 0,
            has_header: true,
            columns: BTreeMap::new(),
            types: BTreeMap::new(),
            constants: BTreeMap::new(),
            times: Reading::default(),
        }
    }
}

/// A column of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum From {
    /// Counted from 1.
    Position(usize),
    /// In the header.
    Name(String),
}

impl From {
    /// Where it stands, counted from 0.
    pub(super) fn within(&self, names: &[&str]) -> Option<usize> {
        match self {
            Self::Position(place) => place.checked_sub(1).filter(|at| *at < names.len()),
            Self::Name(name) => names
                .iter()
                .position(|known| known == name)
                .or_else(|| names.iter().position(|known| known.eq_ignore_ascii_case(name.trim()))),
        }
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(place) => write!(f, "{place}"),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

impl Mapping {
    /// Reads a mapping file. Errors name the key, and for what is no TOML the line and column.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: File =
            toml::from_str(text).map_err(|error| Error::at("the mapping file", error.to_string()))?;
        let mapping = Self {
            delimiter: file.delimiter.as_deref().map(|text| sign("delimiter", text)).transpose()?,
            comment: match file.comment.as_deref() {
                None => Some(b'#'),
                Some("") => None,
                Some(text) => Some(sign("comment", text)?),
            },
            skip_lines: file.skip_lines,
            has_header: file.header,
            columns: file.columns,
            types: file.types.into_iter().map(named).collect::<Result<_, _>>()?,
            constants: file.constants.into_iter().map(constant).collect::<Result<_, _>>()?,
            times: times(file.times)?,
        };
        if mapping.has_header {
            mapping.own_columns_are_enough()?;
        }
        mapping.positions()?;
        Ok(mapping)
    }

    /// Where the columns are, if there is no header to tell.
    pub(super) fn positions(&self) -> Result<Option<Layout>, Error> {
        if self.has_header {
            return Ok(None);
        }
        let mut places = Vec::new();
        for (column, from) in &self.columns {
            let key = format!("mapping file, columns.{}", column.name());
            match from {
                From::Position(place) if (1..=COLUMNS_MAX).contains(place) => {
                    places.push((*column, place - 1))
                }
                From::Position(_) => {
                    return Err(Error::at(key, format!("positions are counted from 1, up to {COLUMNS_MAX}")));
                }
                From::Name(_) => {
                    return Err(Error::at(
                        key,
                        "without a header columns have no names; give the position, counted from 1",
                    ));
                }
            }
        }
        match self.columns.contains_key(&Column::Value) {
            true => Ok(Some(Layout::of_positions(places))),
            false => Err(Error::at("mapping file, columns", VALUE_MISSING)),
        }
    }

    /// The kind that a word of theirs stands for.
    pub(super) fn named(&self, word: &str) -> Option<Named> {
        let word = word.trim();
        let own = self.types.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        own.map(|(_, named)| *named).or_else(|| value::kinds(word))
    }

    fn own_columns_are_enough(&self) -> Result<(), Error> {
        match self.columns.is_empty() || self.columns.contains_key(&Column::Value) {
            true => Ok(()),
            false => Err(Error::at("mapping file, columns", VALUE_MISSING)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    delimiter: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    skip_lines: u32,
    #[serde(default = "yes")]
    header: bool,
    #[serde(default)]
    columns: BTreeMap<Column, From>,
    #[serde(default)]
    types: BTreeMap<String, String>,
    #[serde(default)]
    constants: BTreeMap<Column, Constant>,
    #[serde(default)]
    times: Times,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Constant {
    Number(u8),
    Text(String),
    List(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    format: Option<String>,
    zone: Option<String>,
}

fn yes() -> bool {
    true
}

fn sign(key: &str, text: &str) -> Result<u8, Error> {
    let text = if text == "tab" { "\t" } else { text };
    match text.as_bytes() {
        [byte]
            if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r') =>
        {
            Ok(*byte)
        }
        _ => {
            Err(Error::at(format!("mapping file, {key}"), "one sign is expected, such as \";\", or \"tab\""))
        }
    }
}

fn named((word, name): (String, String)) -> Result<(String, Named), Error> {
    match value::kinds(&name) {
        Some(named) => Ok((word, named)),
        None => {
            let what = format!(
                "`{name}` is no type; write one such as ipv4-addr, domain-name, url, file:hashes.'SHA-256', vulnerability"
            );
            Err(Error::at(format!("mapping file, types.\"{word}\""), what))
        }
    }
}

fn constant((column, constant): (Column, Constant)) -> Result<(Column, String), Error> {
    let text = match constant {
        Constant::Number(number) => number.to_string(),
        Constant::Text(text) => text,
        Constant::List(items) => items.join(";"),
    };
    let wrong = |what: String| Error::at(format!("mapping file, constants.{}", column.name()), what);
    match column {
        Column::Value => return Err(wrong("a value is no constant".to_owned())),
        Column::Type if value::kinds(&text).is_none() => return Err(wrong(format!("`{text}` is no type"))),
        Column::Confidence => drop(scale::confidence(&text).map_err(wrong)?),
        _ => {}
    }
    Ok((column, text))
}

fn times(times: Times) -> Result<Reading, Error> {
    if let Some(format) = &times.format {
        moment::check_format(format).map_err(|what| Error::at("mapping file, times.format", what))?;
    }
    let zone = times.zone.map(|text| {
        let what = format!("`{text}` is no offset; write UTC or one such as +02:00");
        moment::zone(&text).ok_or_else(|| Error::at("mapping file, times.zone", what))
    });
    Ok(Reading { format: times.format, zone: zone.transpose()? })
}

const VALUE_MISSING: &str = "`value` is missing; say which column has the values";
const COLUMNS_MAX: usize = 1_000;
