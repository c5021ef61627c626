//! Tables: our own columns, the columns that our CSV export writes (export formats §3.1), and tables of
//! others by a [`Mapping`].
//!
//! A row that cannot be taken is left out with its line, its column, and what to change; the others are taken.

mod layout;
mod mapping;
mod row;

pub use mapping::Mapping;

use super::{Draft, Error, What};
use layout::Layout;

/// How to read a table.
pub struct Options<'a> {
    /// For a table with other columns than ours.
    pub mapping: Option<&'a Mapping>,
    /// What ends a field; absent: what the mapping says, else what the header shows.
    pub delimiter: Option<u8>,
    /// Undoes defanging and recognises values: what a text names.
    pub refang: &'a dyn Fn(&str) -> Vec<What>,
}

/// What a column is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The value; the one column that must be there.
    Value,
    /// The name of its kind; without it the kind is recognised.
    Type,
    /// A name for it.
    Name,
    /// What is said of it.
    Description,
    /// Separated by `;` or `,`.
    Labels,
    /// 0 to 100, or in words.
    Confidence,
    /// From when on.
    ValidFrom,
    /// Up to when.
    ValidUntil,
    /// Separated by `;` or `,`.
    IndicatorTypes,
    /// A URL.
    Reference,
    /// A level of TLP.
    Tlp,
    /// A level of PAP.
    Pap,
    /// A type of RSIT, such as `phishing`.
    Classification,
}

impl Column {
    /// All.
    pub const ALL: [Self; 13] = [
        Self::Value,
        Self::Type,
        Self::Name,
        Self::Description,
        Self::Labels,
        Self::Confidence,
        Self::ValidFrom,
        Self::ValidUntil,
        Self::IndicatorTypes,
        Self::Reference,
        Self::Tlp,
        Self::Pap,
        Self::Classification,
    ];

    /// Its name in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Type => "type",
            Self::Name => "name",
            Self::Description => "description",
            Self::Labels => "labels",
            Self::Confidence => "confidence",
            Self::ValidFrom => "valid_from",
            Self::ValidUntil => "valid_until",
            Self::IndicatorTypes => "indicator_types",
            Self::Reference => "reference",
            Self::Tlp => "tlp",
            Self::Pap => "pap",
            Self::Classification => "classification",
        }
    }

    /// The column of a name, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        Self::ALL.into_iter().find(|column| column.name() == name)
    }
}

/// Reads a table.
pub fn read(bytes: &[u8], options: &Options) -> Result<Draft, Error> {
    let text = text(bytes)?;
    let none = Mapping::default();
    let mapping = options.mapping.unwrap_or(&none);
    let (body, lines_before) = skipped(text, mapping.skip_lines);
    let delimiter = options.delimiter.or(mapping.delimiter).unwrap_or_else(|| guessed(body, mapping.comment));
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .comment(mapping.comment)
        .from_reader(body.as_bytes());
    let mut draft = Draft::default();
    let mut layout = mapping.positions()?;
    let mut lines = Lines { body, at: 0, line: lines_before + 1, comment: mapping.comment };
    for record in reader.records() {
        let record = record.map_err(|error| Error::at("the table", error.to_string()))?;
        let line = lines.of(record.position().map_or(0, ::csv::Position::byte));
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        match &layout {
            Some(layout) => row::take(&mut draft, layout, mapping, options, &record, line)?,
            None => layout = Some(Layout::of_header(&record, line, mapping, delimiter, &mut draft)?),
        }
    }
    lines.ends_well()?;
    match layout {
        Some(_) => Ok(draft),
        None => {
            Err(Error::at("line 1", "the file is empty; a header line with a column `value` is expected"))
        }
    }
}

/// Is the first line a header of ours?
pub(super) fn has_known_header(text: &str) -> bool {
    let Some(line) = header_line(text, Some(b'#')) else { return false };
    let delimiter = guessed(text, Some(b'#'));
    fields(line, delimiter).filter_map(Column::of_name).any(|column| column == Column::Value)
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let what = "not UTF-8; save the table as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8";
        Error::at(format!("line {line}"), what)
    })
}

/// The text behind so many lines, and how many there were.
fn skipped(text: &str, lines: u32) -> (&str, u64) {
    let (mut rest, mut count) = (text, 0);
    while count < u64::from(lines) {
        let Some((_, after)) = rest.split_once('\n') else { return ("", count) };
        rest = after;
        count += 1;
    }
    (rest, count)
}

/// Counts lines up to records.
struct Lines<'a> {
    body: &'a str,
    at: usize,
    line: u64,
    comment: Option<u8>,
}

impl Lines<'_> {
    /// The line of a record. The reader says where it was when it began to look for one: before line ends,
    /// blank lines and comments.
    fn of(&mut self, byte: u64) -> u64 {
        let bytes = self.body.as_bytes();
        let to = usize::try_from(byte).unwrap_or(bytes.len()).min(bytes.len());
        let mut in_comment = false;
        while let Some(byte) = bytes.get(self.at) {
            let is_end = *byte == b'\n' || (*byte == b'\r' && bytes.get(self.at + 1) != Some(&b'\n'));
            if self.at >= to {
                let is_start = self.at == 0 || matches!(bytes[self.at - 1], b'\n' | b'\r');
                in_comment |= is_start && self.comment == Some(*byte);
                in_comment &= !is_end;
                if !in_comment && !matches!(byte, b'\n' | b'\r') {
                    break;
                }
            }
            self.line += u64::from(is_end);
            self.at += 1;
        }
        self.line
    }

    /// A quote that nothing closes takes the rest of the file into one field.
    fn ends_well(&self) -> Result<(), Error> {
        let last = self.body.get(self.at..).unwrap_or_default().trim_end();
        let quotes = last.bytes().filter(|byte| *byte == b'"').count();
        match quotes % 2 == 1 && last.contains(['\n', '\r']) {
            true => Err(Error::at(
                format!("line {}", self.line),
                "a quote that is never closed; inside a field in quotes a quote is written twice",
            )),
            false => Ok(()),
        }
    }
}

/// The first line that says anything.
fn header_line(text: &str, comment: Option<u8>) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_comment = |line: &str| comment.is_some_and(|mark| line.as_bytes().first() == Some(&mark));
    text.lines().find(|line| !line.trim().is_empty() && !is_comment(line))
}

/// What ends the fields of the header: what shows the most names that we know, and then the most fields.
fn guessed(text: &str, comment: Option<u8>) -> u8 {
    let Some(line) = header_line(text, comment) else { return b',' };
    let score = |delimiter: &u8| {
        let known = fields(line, *delimiter).filter_map(Column::of_name).count();
        (known, fields(line, *delimiter).count())
    };
    // Of equal ones the first, which `max_by_key` would not take.
    DELIMITERS.into_iter().rev().max_by_key(score).unwrap_or(b',')
}

/// Fields of a header, whose quotes hold no delimiters.
fn fields(line: &str, delimiter: u8) -> impl Iterator<Item = &str> {
    line.trim_end_matches('\r').split(char::from(delimiter)).map(|field| field.trim().trim_matches('"'))
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

#[cfg(test)]
mod tests;
