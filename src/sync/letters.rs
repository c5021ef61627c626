//! What was refused, with the reason: one JSON object a line, in a file that only grows until somebody has
//! looked at it.

use super::Fault;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// An object that was refused.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its id, or what it goes by.
    pub id: String,
    /// Its version.
    pub version: String,
    /// A word for the reason.
    pub code: String,
    /// The reason, and what to change.
    pub reason: String,
    /// The object.
    pub object: Bytes,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    at: String,
    id: &'a str,
    version: &'a str,
    code: &'a str,
    reason: &'a str,
    /// As it came, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    object: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Appends letters to the file, to the disk.
pub fn append(path: &Path, letters: &[Letter], at: &str) -> Result<(), Fault> {
    if letters.is_empty() {
        return Ok(());
    }
    let lines = letters.iter().map(|letter| {
        let object: Option<&RawValue> = serde_json::from_slice(&letter.object).ok();
        let text = object.is_none().then(|| String::from_utf8_lossy(&letter.object).into_owned());
        let Letter { id, version, code, reason, .. } = letter;
        let line = Line { at: at.to_owned(), id, version, code, reason, object, text };
        serde_json::to_string(&line).map(|line| line + "\n")
    });
    let written = lines.collect::<Result<String, _>>().map_err(io::Error::other).and_then(|text| {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        if length > BYTES_MAX {
            let what =
                "is full: look at it, then move it away; until then the job waits, so that nothing is lost";
            return Err(io::Error::other(what));
        }
        // A run that was killed may have left half a line.
        let mut last = [b'\n'];
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| Fault::passing(format!("{}: {error}", path.display())))
}

/// Bytes after which the file takes no more.
const BYTES_MAX: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_keep_the_object_as_it_came() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("letters");
        let letter = |object: &'static [u8]| Letter {
            id: "x".to_owned(),
            version: String::new(),
            code: "content".to_owned(),
            reason: "a \"reason\"".to_owned(),
            object: Bytes::from_static(object),
        };
        append(&path, &[letter(br#"{"id":"x","n":1.0}"#), letter(b"{")], "now").unwrap();
        append(&path, &[], "now").unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        append(&path, &[letter(b"[")], "now").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() == 3 && text.ends_with("\"text\":\"[\"}\n"), "{text}");
        std::fs::write(&path, whole).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with(r#""object":{"id":"x","n":1.0}}"#), "{}", lines[0]);
        assert!(lines[1].ends_with(r#""text":"{"}"#), "{}", lines[1]);
    }
}
