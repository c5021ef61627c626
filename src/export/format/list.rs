//! Plain lists: one value a line, as firewalls read them (export formats §10.3).

use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::Kind;
use serde::Deserialize;

/// The format.
pub(super) struct List;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// A header of `#` lines.
    comments: bool,
    /// Lines in a file; more make further files.
    max_entries: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { comments: true, max_entries: None }
    }
}

impl Format for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        match options::<Options>(table)?.max_entries {
            Some(0) => Err("max_entries must be at least 1".to_owned()),
            _ => Ok(()),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let name = &input.about.name;
        let values = values(input, files);
        let mut parts: Vec<_> = values.chunks(choices.max_entries.unwrap_or(usize::MAX)).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let is_split = choices.max_entries.is_some();
        for (part, values) in parts.into_iter().enumerate() {
            let file = if is_split { format!("{name}-{}.txt", part + 1) } else { format!("{name}.txt") };
            let mut text = String::with_capacity(values.len() * 40);
            if choices.comments {
                text += &input.header("# ", &file, values.len(), files);
            }
            for value in values {
                text += value;
                text.push('\n');
            }
            files.add(file, TEXT, text, values.len());
        }
        Ok(())
    }
}

/// The values that a line says as they are: one that begins like a comment is read as one, and white space at
/// an end is read as none.
fn values<'a>(input: &Input<'a>, files: &mut Files) -> Vec<&'a str> {
    let mut values = Vec::with_capacity(input.rows.len());
    for value in input.rows.iter().map(|row| row.atom.text()) {
        match value.starts_with('#') || value.trim() != value {
            true => files.leave_out("no_place"),
            false => values.push(value),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Row;
    use crate::export::format::hostile::{about, abouts, row, rows, text, write};
    use proptest::prelude::*;

    fn some() -> Vec<Row> {
        ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|value| row(Kind::Ipv4, value)).to_vec()
    }

    fn files(options: &str) -> Vec<(String, usize, String)> {
        let files = write(&List, &about(), &some(), options).files;
        files.into_iter().map(|file| (file.name, file.rows, String::from_utf8(file.bytes).unwrap())).collect()
    }

    #[test]
    fn a_list_has_a_header_and_a_value_in_a_line() {
        let [(name, 3, text)] = &files("")[..] else { panic!() };
        assert_eq!(name, "soc-1.txt");
        assert!(text.starts_with("# liaison export soc-1  collection=feed-a  tlp=AMBER  pap<=GREEN"));
        assert!(text.ends_with("Do not republish.\n192.0.2.1\n192.0.2.2\n192.0.2.3\n"));
    }

    #[test]
    fn a_list_for_devices_has_no_header_and_parts_of_a_size() {
        let part = |n: usize, rows, text: &str| (format!("soc-1-{n}.txt"), rows, text.to_owned());
        assert_eq!(
            files("comments = false\nmax_entries = 2"),
            [part(1, 2, "192.0.2.1\n192.0.2.2\n"), part(2, 1, "192.0.2.3\n")]
        );
        assert_eq!(
            files("comments = false\nmax_entries = 3"),
            [part(1, 3, "192.0.2.1\n192.0.2.2\n192.0.2.3\n")]
        );
        let empty = write(&List, &about(), &[], "comments = false\nmax_entries = 3").files;
        assert_eq!((empty.len(), &*empty[0].name, empty[0].bytes.len()), (1, "soc-1-1.txt", 0));
    }

    #[test]
    fn a_value_that_a_reader_would_take_for_another_is_left_out() {
        let rows = ["# x", " a", "a ", "\u{3000}a", "a#b"].map(|name| row(Kind::Mutex, name));
        let files = write(&List, &about(), &rows, "");
        assert!(
            text(&files).contains("rows=1  left_out=4 (no_place=4)") && text(&files).ends_with(".\na#b\n")
        );
    }

    #[test]
    fn wrong_options_are_refused_with_what_to_change() {
        let error = |options: &str| List.check(&options.parse().unwrap()).unwrap_err();
        assert!(error("max_entries = 0").contains("at least 1"));
        assert!(error("comment = true").contains("comment"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_list_has_what_went_in_and_nothing_else(about in abouts(), rows in rows(&List)) {
            let files = write(&List, &about, &rows, "");
            let found: Vec<&str> = text(&files).split_terminator('\n').filter(|line| !line.starts_with('#')).collect();
            let is_plain = |value: &&str| !value.starts_with('#') && value.trim() == *value;
            let wanted: Vec<&str> = rows.iter().map(|row| row.atom.text()).filter(is_plain).collect();
            prop_assert_eq!(&found, &wanted);
            prop_assert!(text(&files).lines().eq(text(&files).split_terminator('\n')));
            let ends_a_line = ['\r', '\0', '\u{85}', '\u{2028}'];
            prop_assert!(!text(&files).contains(ends_a_line));
            prop_assert_eq!(files.files[0].rows, wanted.len());
        }
    }
}
