//! Files that are no STIX: what they are, and what they say.

use super::super::args::{InputFormat, SubmissionArgs};
use super::super::input;
use super::super::output::{Exit, stop};
use crate::submission::{Draft, Format, Hints, csv, read};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file, looked at.
pub(super) enum Looked {
    /// STIX, which is read elsewhere; of standard input what was read of it already.
    Stix(PathBuf, Vec<u8>),
    /// Something else, and what it says.
    Draft(Box<Draft>),
}

/// Looks at a file, and reads it if it is no STIX.
pub(super) fn look(file: &Path, args: &SubmissionArgs) -> anyhow::Result<Looked> {
    let name = input::name(file);
    let bad = |text: String| stop(Exit::BadData, format!("{name}: {text}"));
    let unreadable = |error: std::io::Error| bad(format!("cannot be read: {error}"));
    let is_stdin = file == Path::new("-");
    let mut source: Box<dyn Read> = match is_stdin {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(file).map_err(unreadable)?),
    };
    let mut bytes = Vec::new();
    source.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    let is_stix = args.format == Some(InputFormat::Stix) || args.format.is_none() && looks_like_stix(&bytes);
    let head = |bytes| if is_stdin { bytes } else { Vec::new() };
    if is_stix {
        return Ok(Looked::Stix(file.to_owned(), head(bytes)));
    }
    source.take(BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 >= BYTES_MAX {
        return Err(bad(format!("larger than {BYTES_MAX} bytes; split it")));
    }
    let format = args.format.map(|format| match format {
        InputFormat::Stix => Format::Stix,
        InputFormat::Csv => Format::Csv,
        InputFormat::Misp => Format::Misp,
        InputFormat::Intelmq => Format::Intelmq,
        InputFormat::Text => Format::Text,
    });
    let mapping = args.mapping.as_deref().map(mapping).transpose()?;
    let hints = Hints { format, mapping: mapping.as_ref(), all_values: args.all_values };
    match read(&name, &bytes, hints).map_err(bad)? {
        None => Ok(Looked::Stix(file.to_owned(), head(bytes))),
        Some(draft) if draft.records.is_empty() => {
            let hint = draft.left_out.first().map(|first| format!("; {}: {}", first.place, first.reason));
            Err(bad(format!("there is no value in it{}", hint.unwrap_or_default())))
        }
        Some(draft) => Ok(Looked::Draft(Box::new(draft))),
    }
}

/// Does a file begin as STIX does, or as what is packed, which only STIX may be? So large files are read once.
fn looks_like_stix(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let text = head.trim_ascii_start();
    let text = text.strip_prefix(b"[").unwrap_or(text).trim_ascii_start();
    let first_key = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let is_key = |key: &&str| first_key.is_some_and(|text| text.starts_with(format!("\"{key}\"").as_bytes()));
    head.starts_with(&[0x1f, 0x8b]) || ["type", "id", "objects", "spec_version", "more"].iter().any(is_key)
}

fn mapping(path: &Path) -> anyhow::Result<csv::Mapping> {
    let wrong = |what: String| stop(Exit::Usage, format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    csv::Mapping::parse(&text).map_err(|error| wrong(error.to_string()))
}

const HEAD_BYTES: u64 = 4096;
/// Bytes of one file.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
