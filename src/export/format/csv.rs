//! Generic CSV, for people, scripts and importers that map columns.

use super::records::{CSV, NoOptions, Seconds, line};
use super::{Class, Files, Format, Input, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use std::borrow::Cow;
use std::fmt::Write;

/// The format (export formats §3.1).
pub(super) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes_descriptions(&self) -> bool {
        true
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let mut text = String::with_capacity(COLUMNS.len() + 1 + 280 * input.rows.len());
        text += COLUMNS;
        text.push('\n');
        for row in input.rows {
            cell(&mut text, row.atom.kind().name());
            text.push(',');
            record(&mut text, row, input).map_err(|error| error.to_string())?;
        }
        files.add(format!("{}.csv", input.about.name), CSV, text, input.rows.len());
        Ok(())
    }
}

/// The columns after the first.
fn record(text: &mut String, row: &Row, input: &Input) -> std::fmt::Result {
    let facts = &row.facts;
    cell(text, row.atom.text());
    text.push(',');
    if let Some(confidence) = facts.confidence {
        write!(text, "{confidence}")?;
    }
    let (tlp, pap) = (input.about.tlp_write.word(facts.tlp), facts.pap.name());
    write!(text, ",{tlp},{pap},{},", Seconds(facts.valid_from))?;
    if let Some(until) = facts.valid_until {
        write!(text, "{}", Seconds(until))?;
    }
    for field in [&facts.classification, &guarded(&list(&facts.labels)), &guarded(&list(&facts.owners))] {
        text.push(',');
        cell(text, field);
    }
    for field in [&facts.collection, &facts.id] {
        text.push(',');
        cell(text, field);
    }
    write!(text, ",{},", Seconds(facts.modified))?;
    cell(text, &guarded(&line(&facts.description)));
    text.push('\n');
    Ok(())
}

/// Adds a field, in quotes if it needs them (RFC 4180 §2). A semicolon gets them too: some readers end
/// fields there.
pub(super) fn cell(text: &mut String, field: &str) {
    if !field.bytes().any(|b| matches!(b, b',' | b'"' | b';' | b'\r' | b'\n')) {
        *text += field;
        return;
    }
    text.push('"');
    for (nth, part) in field.split('"').enumerate() {
        if nth > 0 {
            *text += "\"\"";
        }
        *text += part;
    }
    text.push('"');
}

/// Texts in one field. A semicolon inside one becomes a comma, or it would read as two.
fn list(texts: &[String]) -> Cow<'_, str> {
    match texts {
        [] => Cow::Borrowed(""),
        [one] if !one.contains(';') => line(one),
        several => {
            let items: Vec<String> = several.iter().map(|text| line(text).replace(';', ",")).collect();
            Cow::Owned(items.join(";"))
        }
    }
}

/// Text that no spreadsheet takes for a formula.
fn guarded(text: &str) -> String {
    let mark = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{mark}{text}")
}

/// Columns never move; new ones come at the end.
const COLUMNS: &str = "type,value,confidence,tlp,pap,valid_from,valid_until,classification,labels,owner,collection,stix_id,modified,description";

#[cfg(test)]
pub(super) mod tests;
