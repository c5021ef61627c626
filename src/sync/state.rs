//! Where a job stands, on the disk: replaced whole, and locked while the job runs.

use super::{Fault, Position};
use crate::stix::Object;
use crate::stix::content::{Options, Profile};
use crate::taxii::{Envelope, envelope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How a job stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where it goes on, unless the target keeps that itself.
    pub position: Position,
    /// Markings that the source has defined, by id.
    pub markings: BTreeMap<String, serde_json::Value>,
    /// When the last run began.
    pub last_start: Option<String>,
    /// When a run last came to its end.
    pub last_success: Option<String>,
    /// What that one did.
    pub last_run: Counts,
    /// Everything since the job was first run.
    pub total: Counts,
    /// Runs that came to their end.
    pub runs: u64,
    /// Failures since then.
    pub failures: u32,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// What the last run found strange.
    pub remark: Option<String>,
    /// Not to be tried before.
    pub next_try: Option<String>,
    /// It waits for a person, who says `liaison sync release`.
    pub held: Option<String>,
    /// Objects that recent runs have brought, the newest last.
    pub volumes: Vec<u64>,
    /// Objects that runs have brought since one last came to the end of its source.
    pub brought: u64,
}

/// What became of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Objects that the source has given.
    pub received: u64,
    /// Of these, those that the target has stored.
    pub stored: u64,
    /// Those that it had.
    pub unchanged: u64,
    /// Those that wait for release there.
    pub pending: u64,
    /// Those that were refused, by us or by the target; see the letters.
    pub refused: u64,
    /// Those that are not wanted, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// What was stored, by type.
    pub types: BTreeMap<String, u64>,
}

impl Counts {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.stored += other.stored;
        self.unchanged += other.unchanged;
        self.pending += other.pending;
        self.refused += other.refused;
        for (ours, theirs) in [(&mut self.left_out, &other.left_out), (&mut self.types, &other.types)] {
            theirs.iter().for_each(|(name, count)| *ours.entry(name.clone()).or_default() += count);
        }
    }
}

/// The files of a job, locked.
pub struct Place {
    dir: PathBuf,
    id: String,
    /// Nobody else runs it; nothing if it is only looked at.
    _lock: Option<File>,
}

impl Place {
    /// Takes the files of a job; nobody else may run it meanwhile.
    pub fn take(dir: &Path, id: &str) -> Result<Self, Fault> {
        let wrong = |error: io::Error| Fault::passing(format!("{}: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(wrong)?;
        let lock = File::create(path(dir, id, "lock")).map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(lock), ..Self::look(dir, id) }),
            Err(_) => Err(Fault::passing(format!("another process runs the job `{id}`"))),
        }
    }

    /// The files of a job, for looking at them.
    pub fn look(dir: &Path, id: &str) -> Self {
        Self { dir: dir.to_owned(), id: id.to_owned(), _lock: None }
    }

    /// Its state.
    pub fn state(&self) -> Result<State, Fault> {
        State::read(&self.dir, &self.id)
    }

    /// Replaces its state, to the disk.
    pub fn save(&self, state: &State) -> Result<(), Fault> {
        let path = path(&self.dir, &self.id, "json");
        let saved = serde_json::to_vec_pretty(state).map_err(io::Error::other);
        let saved = saved.and_then(|text| replace(&path, &text));
        saved.map_err(|error| Fault::passing(format!("{}: {error}", path.display())))
    }

    /// Notes what goes to the target now.
    pub fn begin_part(&self, objects: &[Object], after: &Position) -> Result<(), Fault> {
        let path = path(&self.dir, &self.id, PART);
        let head = serde_json::to_vec(after).map_err(|error| Fault::Lasting(error.to_string()))?;
        let mut text = head;
        text.push(b'\n');
        text.extend(envelope::write(objects.iter().map(|object| object.json().as_ref()), None));
        replace(&path, &text).map_err(|error| Fault::passing(format!("{}: {error}", path.display())))
    }

    /// What was going to the target when a run was killed, and the position that it leads to.
    pub fn part(&self) -> Result<Option<(Vec<Object>, Position)>, Fault> {
        let path = path(&self.dir, &self.id, PART);
        let wrong = |error: &dyn std::fmt::Display| Fault::Lasting(format!("{}: {error}", path.display()));
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(&error)),
        };
        let at = text.iter().position(|byte| *byte == b'\n').ok_or_else(|| wrong(&"it is cut off"))?;
        let after = serde_json::from_slice(&text[..at]).map_err(|error| wrong(&error))?;
        let options = Options { profile: Profile::Interop, ..Options::default() };
        let (envelope, _) =
            Envelope::parse_page(text[at + 1..].to_vec(), options).map_err(|error| wrong(&error))?;
        Ok(Some((envelope.objects().filter_map(Result::ok).collect(), after)))
    }

    /// The target has it, and what it has refused is noted.
    pub fn end_part(&self) -> Result<(), Fault> {
        let path = path(&self.dir, &self.id, PART);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Fault::passing(format!("{}: {error}", path.display())))
            }
            _ => Ok(()),
        }
    }

    /// Where the letters are.
    pub fn letters(&self) -> PathBuf {
        path(&self.dir, &self.id, "refused.jsonl")
    }
}

impl State {
    /// Reads it; a new one if there is none.
    pub fn read(dir: &Path, id: &str) -> Result<Self, Fault> {
        let path = path(dir, id, "json");
        let damaged = |error: &dyn std::fmt::Display| {
            let what = "remove it to start anew: what is there already is not stored twice";
            Fault::Lasting(format!("the state {} cannot be read ({error}); {what}", path.display()))
        };
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| damaged(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(damaged(&error)),
        }
    }
}

const PART: &str = "part";

/// A file of a job.
pub fn path(dir: &Path, id: &str, ending: &str) -> PathBuf {
    dir.join(format!("{id}.{ending}"))
}

/// Asks whoever runs a job for something: `run` or `release`.
pub fn ask(dir: &Path, id: &str, what: &str) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    replace(&path(dir, id, what), b"")
}

/// Was that asked for? It is asked for no more then.
pub fn is_asked(dir: &Path, id: &str, what: &str) -> bool {
    fs::remove_file(path(dir, id, what)).is_ok()
}

/// Writes a file whole or not at all, to the disk.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written_and_a_damaged_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::take(dir.path(), "j").unwrap();
        assert_eq!(place.state().unwrap(), State::default());
        let mut state = State { runs: 3, last_error: Some("x".to_owned()), ..State::default() };
        state.position.next = Some("n".to_owned());
        place.save(&state).unwrap();
        assert_eq!(place.state().unwrap(), state);
        assert!(matches!(Place::take(dir.path(), "j"), Err(Fault::Passing { .. })));
        fs::write(path(dir.path(), "j", "json"), "{").unwrap();
        assert!(matches!(place.state(), Err(Fault::Lasting(_))));
    }

    #[test]
    fn what_is_asked_for_is_asked_for_once() {
        let dir = tempfile::tempdir().unwrap();
        ask(dir.path(), "j", "run").unwrap();
        assert!(is_asked(dir.path(), "j", "run") && !is_asked(dir.path(), "j", "run"));
    }
}
