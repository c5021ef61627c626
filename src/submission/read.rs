//! A file as it was handed in becomes a draft, whatever it is.

use super::text::{draft as of_text, find};
use super::{Draft, Error, Format, What, csv, intelmq, misp};

/// What is known of a file before it is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// What it is; absent: what it looks like.
    pub format: Option<Format>,
    /// What the columns of a table are; with one, it is a table.
    pub mapping: Option<&'a csv::Mapping>,
    /// Of text, also what is only referred to.
    pub all_values: bool,
}

/// The draft of a file; none of STIX, which is published as it is. Errors do not name the file.
pub fn read(name: &str, bytes: &[u8], hints: Hints) -> Result<Option<Draft>, String> {
    let wrong = |error: Error| error.to_string();
    let format = match (hints.format, hints.mapping) {
        (Some(format), _) => format,
        (None, Some(_)) => Format::Csv,
        (None, None) => Format::guess(name, bytes)?,
    };
    let draft = match format {
        Format::Stix => return Ok(None),
        Format::Csv => {
            let options = csv::Options { mapping: hints.mapping, delimiter: None, refang: &values };
            csv::read(bytes, &options).map_err(wrong)?
        }
        Format::Misp => misp::read(bytes).map_err(wrong)?,
        Format::Intelmq => intelmq::read(bytes, intelmq::Take::MostSpecific).map_err(wrong)?,
        Format::Text => of_text(&String::from_utf8_lossy(bytes), hints.all_values),
    };
    Ok(Some(draft))
}

/// What a field of a table names, undone of what made it harmless.
fn values(text: &str) -> Vec<What> {
    let mut values: Vec<What> = find(text).into_iter().map(|found| found.what).collect();
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_file_comes_before_what_it_looks_like() {
        let table = b"value\nc2.evil.example\n";
        let records = |hints| read("a", table, hints).unwrap().unwrap().records;
        assert_eq!(records(Hints::default())[0].place, "line 2");
        assert_eq!(
            records(Hints { format: Some(Format::Text), ..Hints::default() })[0].what.text(),
            "c2.evil.example"
        );
        let stix = br#"{"type":"bundle","id":"bundle--x","objects":[]}"#;
        assert_eq!(read("a", stix, Hints::default()), Ok(None));
        assert!(read("a.json", b"{", Hints::default()).unwrap_err().contains("cut off"));
        let wrong = read("a", b"a,b\n1,2\n", Hints { format: Some(Format::Csv), ..Hints::default() });
        assert!(wrong.is_err());
    }
}
