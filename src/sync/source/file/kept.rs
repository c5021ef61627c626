//! What a job keeps of its files beside its state: what they have come to, by id, and what was given of it.
//!
//! Both files only grow while a run lasts: what a feed of many events costs does not rise with their square. What
//! was given is written before it goes out, and a position says how much of it the target has: what was not
//! taken, or was lost with a target that was set back, goes out again.

use crate::sync::Fault;
use crate::sync::state::replace;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a job keeps of its files.
pub(super) struct Kept {
    known_path: PathBuf,
    given_path: PathBuf,
    /// What became of what was no STIX, by id.
    pub(super) known: HashMap<String, Value>,
    /// First bytes of the hashes of the objects that the target has had, and of those on their way.
    given: HashSet<i64>,
    /// The last of them, not written yet.
    new: Vec<u8>,
    /// How many are written.
    written: usize,
    /// Nothing is written.
    is_dry: bool,
}

impl Kept {
    /// Reads it; of what was given so much as the position says.
    pub(super) fn read(path: &Path, given: usize, is_dry: bool) -> Result<Self, Fault> {
        let (known_path, given_path) = (path.with_extension("known.jsonl"), path.with_extension("given"));
        let (known, set) = (HashMap::new(), HashSet::new());
        let mut kept =
            Self { known_path, given_path, known, given: set, new: Vec::new(), written: 0, is_dry };
        kept.read_known().map_err(|error| unusable(&kept.known_path, &error))?;
        kept.read_given(given).map_err(|error| unusable(&kept.given_path, &error))?;
        Ok(kept)
    }

    fn read_given(&mut self, count: usize) -> io::Result<()> {
        let bytes = bytes_of(&self.given_path)?;
        let (keys, _) = bytes.as_chunks();
        let keys = &keys[..count.min(keys.len())];
        self.given = keys.iter().map(|key| i64::from_le_bytes(*key)).collect();
        self.written = keys.len();
        if keys.len() * KEY_BYTES < bytes.len() && !self.is_dry {
            let file = OpenOptions::new().write(true).open(&self.given_path)?;
            file.set_len((keys.len() * KEY_BYTES) as u64)?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// The last line of an object counts; one that a crash has cut off is not there.
    fn read_known(&mut self) -> io::Result<()> {
        let bytes = bytes_of(&self.known_path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut lines = 0;
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let object: Value = serde_json::from_slice(line)?;
            self.known.insert(id(&object), object);
            lines += 1;
        }
        let is_worn = lines > 2 * self.known.len() + LINES_SPARE || whole < bytes.len();
        if is_worn && !self.is_dry {
            let all: Vec<String> = self.known.values().map(|object| format!("{object}\n")).collect();
            replace(&self.known_path, all.concat().as_bytes())?;
        }
        Ok(())
    }

    /// Keeps what is new or has changed; it is on the disk before any of it goes out.
    pub(super) fn learn(&mut self, objects: Vec<Value>) -> Result<(), Fault> {
        if objects.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = objects.iter().map(|object| format!("{object}\n")).collect();
        self.append(&self.known_path, lines.concat().as_bytes())?;
        self.known.extend(objects.into_iter().map(|object| (id(&object), object)));
        Ok(())
    }

    /// Notes an object that is to go out; false if the target has had it just so.
    pub(super) fn gives(&mut self, text: &str) -> bool {
        let key = crate::store::id_hash(text);
        let is_new = self.given.insert(key);
        if is_new {
            self.new.extend(key.to_le_bytes());
        }
        is_new
    }

    /// Writes down what goes out; how much the target has had, once it has that.
    pub(super) fn write_given(&mut self) -> Result<usize, Fault> {
        let new = std::mem::take(&mut self.new);
        self.append(&self.given_path, &new)?;
        self.written += new.len() / KEY_BYTES;
        Ok(self.written)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        if self.is_dry || bytes.is_empty() {
            return Ok(());
        }
        let written = OpenOptions::new().create(true).append(true).open(path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|error| unusable(path, &error))
    }
}

pub(super) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_default().to_owned()
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::passing(format!("{}: {error}", path.display()))
}

/// Lines that may be worn beside as many as there are objects.
const LINES_SPARE: usize = 1_000;
const KEY_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_line_of_an_object_counts_and_a_torn_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.kept");
        let mut kept = Kept::read(&path, 0, false).unwrap();
        kept.learn(vec![json!({"id": "a", "n": 1}), json!({"id": "b", "n": 1})]).unwrap();
        kept.learn(vec![json!({"id": "a", "n": 2})]).unwrap();
        let file = dir.path().join("job.known.jsonl");
        let mut text = fs::read(&file).unwrap();
        text.extend_from_slice(b"{\"id\": \"c");
        fs::write(&file, &text).unwrap();
        let kept = Kept::read(&path, 0, false).unwrap();
        assert_eq!(kept.known["a"]["n"], 2);
        assert_eq!(kept.known.len(), 2);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2, "written anew");
    }

    #[test]
    fn what_was_given_is_what_the_position_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.kept");
        let mut kept = Kept::read(&path, 0, false).unwrap();
        assert!(kept.gives("x") && kept.gives("y") && !kept.gives("x"), "twice in one part");
        assert_eq!(kept.write_given().unwrap(), 2);
        assert!(kept.gives("z"));
        assert_eq!(kept.write_given().unwrap(), 3);
        fs::write(
            dir.path().join("job.given"),
            [&fs::read(dir.path().join("job.given")).unwrap()[..], b"abc"].concat(),
        )
        .unwrap();
        // The target has been set back, or has not taken the last part; and something was torn.
        let mut kept = Kept::read(&path, 2, false).unwrap();
        assert!(!kept.gives("y") && kept.gives("z") && kept.gives("w"));
        assert_eq!(kept.write_given().unwrap(), 4);
        let mut kept = Kept::read(&path, 9, false).unwrap();
        assert!(!kept.gives("w") && !kept.gives("x"));
        assert!(Kept::read(&path, 0, false).unwrap().gives("x"), "a job that begins anew");
    }

    #[test]
    fn a_dry_run_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(&dir.path().join("job.kept"), 0, true).unwrap();
        kept.learn(vec![json!({"id": "a"})]).unwrap();
        assert!(kept.gives("x"));
        kept.write_given().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(kept.known.len(), 1);
    }
}
