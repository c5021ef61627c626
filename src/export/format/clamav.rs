//! Signatures of ClamAV: hashes of files, and strings in them (export formats §13).

use super::lines::{keep, of, push};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::fmt::Write;

/// The format.
pub(super) struct Clamav;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Names, URLs and mutexes are looked for inside files.
    strings: bool,
}

impl Format for Clamav {
    fn name(&self) -> &'static str {
        "clamav"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        HASHES.contains(&kind) || kind == Kind::FileMd5 || STRINGS.contains(&kind)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<Options>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let strings = of(input.rows, STRINGS);
        let strings = match choices.strings {
            true => keep(&strings, files, "length", |row| {
                (STRING_MIN..=STRING_MAX).contains(&row.atom.text().len())
            }),
            false => keep(&strings, files, "strings_off", |_| false),
        };
        let empty = [NO_HASH, ":*:Liaison.Empty:73\n"].concat();
        add(input, files, (".hsb", &empty), &of(input.rows, HASHES), push_hash);
        add(input, files, (".hdb", &empty[32..]), &of(input.rows, &[Kind::FileMd5]), push_hash);
        if choices.strings {
            add(input, files, (".ndb", NO_STRING), &strings, push_string);
        }
        Ok(())
    }
}

/// A file with a line for each row; without rows with the line that stands for none, as ClamAV does not start
/// with an empty file.
fn add(
    input: &Input,
    files: &mut Files,
    (suffix, empty): (&str, &str),
    rows: &[&Row],
    line: fn(&mut String, &Row),
) {
    let file = format!("{}{suffix}", input.about.name);
    let mut text = input.header("# ", &file, rows.len(), files);
    text.reserve(rows.len() * 96);
    for row in rows {
        line(&mut text, row);
    }
    if rows.is_empty() {
        text += empty;
    }
    files.add(file, TEXT, text, rows.len());
}

fn push_hash(out: &mut String, row: &Row) {
    push(out, &[row.atom.text(), ":*:Liaison.", row.facts.short_id(), ":73\n"]);
}

fn push_string(out: &mut String, row: &Row) {
    push(out, &["Liaison.", row.facts.short_id(), ":0:*:"]);
    for byte in row.atom.text().bytes() {
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out.push('\n');
}

const HASHES: &[Kind] = &[Kind::FileSha1, Kind::FileSha256];
const STRINGS: &[Kind] = &[Kind::Domain, Kind::Url, Kind::Mutex];
/// Shorter strings are in too many files, in bytes.
const STRING_MIN: usize = 8;
/// Longer ones make lines that ClamAV cuts, in bytes.
const STRING_MAX: usize = 2000;
/// A hash that no file has.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Thirty-two bytes from chance, that no file has.
const NO_STRING: &str =
    "Liaison.Empty:0:*:9f1c5be07d2a4463b8e1a70c3d964f52c6e80b7a15d9f34e82a6d05b71ce3948\n";

#[cfg(test)]
mod tests {
    use super::super::testing::{self, CASES, hostile, lines, rows, write};
    use super::*;
    use proptest::prelude::*;

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn hashes_and_strings_have_their_files() {
        let rows = rows(&[(Kind::FileMd5, MD5), (Kind::Mutex, "Global\\x;:y"), (Kind::Mutex, "short")]);
        let files = write(&Clamav, "", &rows);
        assert_eq!(lines(&files, ".hdb"), [format!("{MD5}:*:Liaison.ff5c8641:73")]);
        assert_eq!(lines(&files, ".hsb"), [format!("{NO_HASH}:*:Liaison.Empty:73")]);
        assert_eq!((files.files.len(), files.left_out["strings_off"]), (2, 2));
        let files = write(&Clamav, "strings = true", &rows);
        assert_eq!(lines(&files, ".ndb"), ["Liaison.ff5c8641:0:*:476c6f62616c5c783b3a79"]);
        assert_eq!(files.left_out["length"], 1);
        let none = write(&Clamav, "strings = true", &[]);
        assert_eq!(lines(&none, ".hdb"), [format!("{}:*:Liaison.Empty:73", &NO_HASH[32..])]);
        assert_eq!(format!("{}\n", lines(&none, ".ndb")[0]), NO_STRING);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn nothing_gets_out_of_its_field(texts in hostile()) {
            let rows = testing::keep(texts, STRINGS);
            let files = write(&Clamav, "strings = true", &rows);
            let wanted = rows.iter().map(|row| row.atom.text());
            let wanted: Vec<&str> = wanted.filter(|text| (8..=2000).contains(&text.len())).collect();
            let lines = lines(&files, ".ndb");
            let read: Vec<String> = lines.iter().filter(|line| !NO_STRING.starts_with(*line)).map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                assert_eq!(fields[..3], ["Liaison.ff5c8641", "0", "*"]);
                let pairs = fields[3].as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
                let bytes = pairs.map(|two| u8::from_str_radix(two, 16).unwrap());
                assert_eq!(fields.len(), 4);
                String::from_utf8(bytes.collect()).unwrap()
            }).collect();
            prop_assert_eq!(read, wanted);
        }
    }
}
