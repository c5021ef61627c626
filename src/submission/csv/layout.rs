//! Which column stands where.

use super::{Column, Mapping};
use crate::submission::{Draft, Error};
use csv::StringRecord;

/// Which column stands at which position, counted from 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    places: Vec<(Column, usize)>,
    /// Fields of the header; nothing if there is none.
    pub(super) width: Option<usize>,
    /// Written by our own export, which guards texts against spreadsheets.
    pub(super) is_ours: bool,
}

impl Layout {
    /// By positions alone.
    pub(super) fn of_positions(places: Vec<(Column, usize)>) -> Self {
        Self { places, width: None, is_ours: false }
    }

    /// By the names in a header.
    pub(super) fn of_header(
        header: &StringRecord,
        line: u64,
        mapping: &Mapping,
        delimiter: u8,
        draft: &mut Draft,
    ) -> Result<Self, Error> {
        let names: Vec<&str> = header.iter().map(str::trim).collect();
        let mut layout = Self { width: Some(names.len()), ..Self::default() };
        layout.is_ours = OURS.iter().all(|name| names.contains(name)) && mapping.columns.is_empty();
        let place = format!("line {line}");
        if mapping.columns.is_empty() {
            layout.own(&names, &place, draft)?;
        } else {
            layout.mapped(&names, &place, mapping, delimiter)?;
        }
        if layout.place(Column::Value).is_none() {
            let what = format!(
                "no column `value`; the header, read with `{}` between fields, is {}. Name the column with the values \
                 `value`, or say which it is in a mapping file: [columns] value = \"…\"",
                shown(delimiter),
                quoted(&names)
            );
            return Err(Error::at(place, what));
        }
        Ok(layout)
    }

    /// Where a column stands.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == column).map(|(_, place)| *place)
    }

    fn own(&mut self, names: &[&str], place: &str, draft: &mut Draft) -> Result<(), Error> {
        for (at, name) in names.iter().enumerate() {
            match Column::of_name(name) {
                Some(column) if self.place(column).is_some() => {
                    return Err(Error::at(place, format!("two columns `{name}`; leave one of them")));
                }
                Some(column) => self.places.push((column, at)),
                None if name.is_empty() || (self.is_ours && IGNORED.contains(name)) => {}
                None => draft.leave_out(
                    format!("{place}, column {}", at + 1),
                    name,
                    "no column that we know; to take it, name it in a mapping file",
                ),
            }
        }
        Ok(())
    }

    fn mapped(&mut self, names: &[&str], place: &str, mapping: &Mapping, delimiter: u8) -> Result<(), Error> {
        for (column, from) in &mapping.columns {
            let at = from.within(names).ok_or_else(|| {
                let what = format!(
                    "no column {from}, which the mapping file names for `{}`; the header, read with `{}` between fields, is {}",
                    column.name(),
                    shown(delimiter),
                    quoted(names)
                );
                Error::at(place, what)
            })?;
            self.places.push((*column, at));
        }
        Ok(())
    }
}

fn shown(delimiter: u8) -> String {
    char::from(delimiter).escape_default().to_string()
}

fn quoted(names: &[&str]) -> String {
    let first: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
    crate::submission::draft::one_line(&first.join(", "), 500)
}

/// Columns that only our export writes.
const OURS: [&str; 3] = ["owner", "collection", "stix_id"];
/// Of these a submission says nothing: it is a statement of who hands it in, and new.
const IGNORED: [&str; 4] = ["owner", "collection", "stix_id", "modified"];
const NAMES_SHOWN: usize = 20;
