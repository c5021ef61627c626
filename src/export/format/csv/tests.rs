//! Read back by the rules of RFC 4180, not by the writer.

use super::super::records::testing::{rows, written};
use super::*;
use proptest::prelude::*;

/// Records of a text that keeps the rules: LF after each, quotes only around whole fields, doubled inside.
pub(crate) fn read(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut record = Vec::new();
        loop {
            let mut field = String::new();
            if let Some(mut inside) = rest.strip_prefix('"') {
                loop {
                    let (part, after) = inside.split_once('"').ok_or("no closing quote")?;
                    field += part;
                    inside = after;
                    match inside.strip_prefix('"') {
                        Some(after) => {
                            field.push('"');
                            inside = after
                        }
                        None => break,
                    }
                }
                rest = inside;
            } else {
                let end = rest.find([',', '\n']).ok_or("no line end")?;
                field += &rest[..end];
                if field.contains(['"', '\r']) {
                    return Err(format!("a quote or CR in {field:?}"));
                }
                rest = &rest[end..];
            }
            record.push(field);
            let end = rest.chars().next().ok_or("no line end")?;
            rest = &rest[1..];
            match end {
                ',' => {}
                '\n' => break,
                other => return Err(format!("{other:?} after a quote")),
            }
        }
        records.push(record);
    }
    Ok(records)
}

proptest! {
    #[test]
    fn every_value_comes_back_and_no_text_is_a_formula(rows in rows()) {
        let files = written(&Csv, &rows, "");
        let records = read(std::str::from_utf8(&files.files[0].bytes).unwrap()).unwrap();
        prop_assert_eq!(records.len(), rows.len() + 1);
        prop_assert_eq!(records[0].join(","), COLUMNS);
        for (row, record) in rows.iter().zip(&records[1..]) {
            prop_assert_eq!(record.len(), 14);
            prop_assert_eq!(&record[0], row.atom.kind().name());
            prop_assert_eq!(&record[1], row.atom.text());
            let confidence = row.facts.confidence.map(|c| c.to_string()).unwrap_or_default();
            prop_assert_eq!(&record[2], &confidence);
            prop_assert_eq!(&record[11], &row.facts.id);
            for text in [&record[8], &record[9], &record[13]] {
                prop_assert!(!text.starts_with(['=', '+', '-', '@']), "{}", text);
                prop_assert!(!text.contains(char::is_control));
            }
            let names = if row.facts.owners.is_empty() { 1 } else { row.facts.owners.len() };
            prop_assert_eq!(record[9].split(';').count(), names);
        }
    }
}

#[test]
fn reader_refuses_what_breaks_the_rules() {
    for bad in ["a", "a,b\"c\n", "\"a\n", "\"a\"b\n", "a\r\n"] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn options_are_refused_by_name() {
    let table = "separator = ';'".parse().unwrap();
    assert!(Csv.check(&table).unwrap_err().contains("separator"));
}
