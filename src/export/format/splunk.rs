//! Threat lists of Splunk Enterprise Security: one file for each kind of value.

use super::csv::cell;
use super::records::{CSV, NoOptions, line};
use super::{Class, Files, Format, Input, options};
use crate::export::row::{Facts, TlpWrite};
use crate::stix::atom::Kind;
use std::fmt::Write;

/// The format (export formats §3.2).
pub(super) struct Splunk;

impl Format for Splunk {
    fn name(&self) -> &'static str {
        "splunk"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        place(kind).is_some()
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let mut tables: Vec<(String, usize)> =
            LISTS.iter().map(|(_, columns)| (format!("{columns}\n"), 0)).collect();
        for row in input.rows {
            let Some((list, column)) = place(row.atom.kind()) else {
                files.leave_out("no_place");
                continue;
            };
            // Its look-ups take an asterisk for any text: one value would match everything.
            if row.atom.text().contains('*') {
                files.leave_out("wildcard");
                continue;
            }
            let (Some((text, rows)), Some((_, columns))) = (tables.get_mut(list), LISTS.get(list)) else {
                continue;
            };
            for (nth, name) in columns.split(',').enumerate() {
                if nth > 0 {
                    text.push(',');
                }
                match name {
                    "description" => cell(text, &description(&row.facts, input.about.tlp_write)),
                    "weight" => {
                        let weight = row.facts.confidence.map_or(60, |confidence| confidence.max(1));
                        write!(text, "{weight}").map_err(|error| error.to_string())?;
                    }
                    _ if name == column => cell(text, row.atom.text()),
                    _ => {}
                }
            }
            text.push('\n');
            *rows += 1;
        }
        for ((file, _), (text, rows)) in LISTS.iter().zip(tables) {
            files.add(*file, CSV, text, rows);
        }
        Ok(())
    }
}

/// The list, by its number, and the column for a kind of value. Certificates have no column for hashes.
fn place(kind: Kind) -> Option<(usize, &'static str)> {
    Some(match kind {
        Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network => (0, "ip"),
        Kind::Domain => (1, "domain"),
        Kind::Url => (2, "url"),
        Kind::UserAgent => (2, "http_user_agent"),
        Kind::FileMd5 | Kind::FileSha1 | Kind::FileSha256 | Kind::FileSha512 => (3, "file_hash"),
        Kind::FileName => (3, "file_name"),
        Kind::Email => (4, "src_user"),
        Kind::RegistryKey => (6, "registry_path"),
        Kind::Account => (9, "user"),
        _ => return None,
    })
}

fn description(facts: &Facts, tlp_write: TlpWrite) -> String {
    let (name, tlp, id) = (line(&facts.name), tlp_write.word(facts.tlp), &facts.id);
    let space = if name.is_empty() { "" } else { " " };
    format!("{name}{space}tlp={tlp} id={id}")
}

/// Files and their headers. All are written, empty ones too: a list replaces what was there.
const LISTS: [(&str, &str); 10] = [
    ("ip_intel.csv", "description,ip,weight"),
    ("domain_intel.csv", "description,domain,weight"),
    ("http_intel.csv", "description,http_referrer,http_user_agent,url,weight"),
    ("file_intel.csv", "description,file_hash,file_name,weight"),
    ("email_intel.csv", "description,src_user,subject,weight"),
    (
        "certificate_intel.csv",
        "certificate_issuer,certificate_subject,certificate_issuer_organization,certificate_subject_organization,certificate_serial,certificate_issuer_unit,certificate_subject_unit,description,weight",
    ),
    ("registry_intel.csv", "description,registry_path,registry_value_name,registry_value_text,weight"),
    ("process_intel.csv", "description,process,process_file_name,weight"),
    ("service_intel.csv", "description,service,service_file_hash,service_dll_file_hash,weight"),
    ("user_intel.csv", "description,user,weight"),
];

#[cfg(test)]
mod tests {
    use super::super::csv::tests::read;
    use super::super::records::testing::{rows, written};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_comes_back_in_its_column(rows in rows()) {
            let files = written(&Splunk, &rows, "");
            let taken: Vec<_> = rows.iter().filter(|row| Splunk.takes(row.atom.kind())).collect();
            let wild = taken.iter().filter(|row| row.atom.text().contains('*')).count();
            let mut found = Vec::new();
            for ((name, header), file) in LISTS.iter().zip(&files.files) {
                prop_assert_eq!(*name, &file.name);
                let mut lines = read(std::str::from_utf8(&file.bytes).unwrap()).unwrap().into_iter();
                let columns: Vec<&str> = header.split(',').collect();
                prop_assert_eq!(lines.next().unwrap(), columns.clone());
                let before = found.len();
                for cells in lines {
                    prop_assert_eq!(cells.len(), columns.len());
                    let values: Vec<_> = columns.iter().zip(&cells)
                        .filter(|(column, text)| !matches!(**column, "description" | "weight") && !text.is_empty())
                        .collect();
                    prop_assert_eq!(values.len(), 1);
                    found.push((values[0].0.to_string(), values[0].1.clone()));
                }
                prop_assert_eq!(found.len() - before, file.rows);
            }
            let mut expected: Vec<_> = taken.iter().filter(|row| !row.atom.text().contains('*'))
                .map(|row| (place(row.atom.kind()).unwrap().1.to_owned(), row.atom.text().to_owned()))
                .collect();
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(files.left_out.get("wildcard").copied().unwrap_or(0), wild as u64);
        }
    }

    #[test]
    fn weight_is_never_nothing_and_sixty_if_unknown() {
        let rows = super::super::records::testing::three(Kind::Domain, [Some(0), None, Some(100)]);
        let files = written(&Splunk, &rows, "");
        let text = String::from_utf8(files.files[1].bytes.clone()).unwrap();
        let weights: Vec<&str> = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
        assert_eq!(weights, ["1", "60", "100"]);
        assert!(text.lines().nth(1).unwrap().starts_with("Name tlp=AMBER id=indicator--"));
    }
}
