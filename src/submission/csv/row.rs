//! A row of a table becomes a record.

use super::layout::Layout;
use super::{Column, Mapping, Options};
use crate::stix::classification::Classification;
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp};
use crate::submission::draft::{LABEL_CHARS_MAX, add_once, one_line, prose};
use crate::submission::value::indicator_type;
use crate::submission::{Details, Draft, Error, Record, Reference, What, scale};
use csv::StringRecord;

/// Takes a row into the draft, or notes why it has no place there.
pub(super) fn take(
    draft: &mut Draft,
    layout: &Layout,
    mapping: &Mapping,
    options: &Options,
    record: &StringRecord,
    line: u64,
) -> Result<(), Error> {
    let place = format!("line {line}");
    let row = Row { layout, mapping, record };
    if let Some(width) = layout.width.filter(|width| record.len() > *width) {
        let reason = format!(
            "{} fields under {width} names: a separator inside a text needs quotes around the text",
            record.len()
        );
        draft.leave_out(place, &whole(record), reason);
        return Ok(());
    }
    let taken = row.what(options).and_then(|what| Ok((what, row.details()?)));
    match taken {
        Err(Wrong { column, found, what }) => {
            draft.leave_out(format!("{place}, column `{}`", column.name()), &found, what);
            Ok(())
        }
        Ok((what, mut details)) => {
            if let Some(address) = row.field(Column::Reference) {
                match Reference::to(&address) {
                    Some(reference) => details.references.push(reference),
                    None => draft.leave_out(
                        format!("{place}, column `reference`"),
                        &address,
                        "no URL; the value was taken without it",
                    ),
                }
            }
            draft.add(Record { what, place, details })
        }
    }
}

struct Row<'a> {
    layout: &'a Layout,
    mapping: &'a Mapping,
    record: &'a StringRecord,
}

/// A field that cannot be taken.
struct Wrong {
    column: Column,
    found: String,
    what: String,
}

impl Row<'_> {
    /// What stands in a column, or for it.
    fn field(&self, column: Column) -> Option<String> {
        let field = self.layout.place(column).and_then(|at| self.record.get(at)).map(str::trim);
        let field = field.filter(|field| !field.is_empty()).map(|field| match self.layout.is_ours {
            true if column.is_guarded() => unguarded(field),
            _ => field,
        });
        field.map(str::to_owned).or_else(|| self.mapping.constants.get(&column).cloned())
    }

    fn what(&self, options: &Options) -> Result<What, Wrong> {
        let wrong =
            |column: Column, found: &str, what: String| Wrong { column, found: found.to_owned(), what };
        let Some(text) = self.field(Column::Value) else {
            return Err(wrong(Column::Value, "", "there is no value".to_owned()));
        };
        let Some(word) = self.field(Column::Type) else {
            let mut found = (options.refang)(&text);
            return match (found.pop(), found.is_empty()) {
                (Some(what), true) => Ok(what),
                (None, _) => {
                    let what = "no value that is recognised; say its type in a column `type`".to_owned();
                    Err(wrong(Column::Value, &text, what))
                }
                (Some(_), false) => {
                    Err(wrong(Column::Value, &text, "several values; write one in each line".to_owned()))
                }
            };
        };
        let Some(named) = self.mapping.named(&word) else {
            let what = "no type that we know; write one such as ipv4-addr, domain-name, url, file:hashes.'SHA-256', or say \
                        what it means under [types] of a mapping file";
            return Err(wrong(Column::Type, &word, what.to_owned()));
        };
        named.read(&text).or_else(|reason| {
            // It may be defanged.
            let mut found = (options.refang)(&text);
            found.retain(|what| named.holds(what));
            match (found.pop(), found.is_empty()) {
                (Some(what), true) => Ok(what),
                _ => Err(wrong(Column::Value, &text, format!("not of the type {word}: {reason}"))),
            }
        })
    }

    fn details(&self) -> Result<Details, Wrong> {
        let mut details = Details {
            name: self.field(Column::Name).map(|text| one_line(&text, LABEL_CHARS_MAX)),
            description: self.field(Column::Description).and_then(|text| prose(&text)),
            confidence: self.read(Column::Confidence, scale::confidence)?.flatten(),
            valid_from: self.read(Column::ValidFrom, |text| self.time(text))?,
            valid_until: self.read(Column::ValidUntil, |text| self.time(text))?,
            tlp: self.read(Column::Tlp, |text| {
                Tlp::parse(text)
                    .ok_or_else(|| "no level; write CLEAR, GREEN, AMBER, AMBER+STRICT or RED".to_owned())
            })?,
            pap: self.read(Column::Pap, |text| {
                let name = text.strip_prefix("PAP:").unwrap_or(text);
                Pap::parse(name).ok_or_else(|| "no level; write CLEAR, GREEN, AMBER or RED".to_owned())
            })?,
            for_detection: true,
            ..Details::default()
        };
        for label in self.list(Column::Labels) {
            details.add_label(&label);
        }
        for word in self.list(Column::IndicatorTypes) {
            let read = indicator_type(&word);
            let word = read.map_err(|what| Wrong { column: Column::IndicatorTypes, found: word, what })?;
            add_once(&mut details.indicator_types, word.to_owned());
        }
        if let Some(class) = self.classification()? {
            let has_one = Classification::of_labels(details.labels.iter().map(String::as_str)).is_some();
            // Our export writes `undetermined` where nobody has said anything.
            if !has_one && class != Classification::UNDETERMINED {
                details.add_label(&class.label());
            }
        }
        Ok(details)
    }

    fn classification(&self) -> Result<Option<Classification>, Wrong> {
        self.read(Column::Classification, |text| {
            Classification::of_type(&text.to_ascii_lowercase())
                .ok_or_else(|| "no type of the taxonomy RSIT, such as phishing or c2-server".to_owned())
        })
    }

    fn time(&self, text: &str) -> Result<StixTime, String> {
        self.mapping.times.read(text)
    }

    fn read<T>(&self, column: Column, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, Wrong> {
        let Some(text) = self.field(column) else { return Ok(None) };
        read(&text).map(Some).map_err(|what| Wrong { column, found: text, what })
    }

    /// Our export separates by semicolons only.
    fn list(&self, column: Column) -> Vec<String> {
        let text = self.field(column).unwrap_or_default();
        let separator = if self.layout.is_ours || text.contains(';') { ';' } else { ',' };
        text.split(separator).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

impl Column {
    /// Does our export put a quote before what a spreadsheet would take for a formula?
    fn is_guarded(self) -> bool {
        matches!(self, Self::Labels | Self::Description)
    }
}

fn unguarded(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => field,
    }
}

fn whole(record: &StringRecord) -> String {
    record.iter().collect::<Vec<_>>().join(" ")
}
