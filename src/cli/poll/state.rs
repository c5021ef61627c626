//! Where a poll stands: cursor and output, in one file that is replaced whole.

use super::super::args::PollArgs;
use super::super::connect::{Connection, user_dir};
use super::super::output::{Exit, stop};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Where the walk began; it is repeated with `next` (TAXII 2.1 §3.5).
    pub(super) added_after: Option<String>,
    /// In the middle of a walk.
    pub(super) next: Option<String>,
    /// `X-TAXII-Date-Added-Last` of the last page.
    #[serde(default)]
    pub(super) last: Option<String>,
}

impl Position {
    /// A new walk from the last object.
    pub(super) fn restarted(&self) -> Self {
        Self {
            added_after: self.last.clone().or_else(|| self.added_after.clone()),
            next: None,
            last: self.last.clone(),
        }
    }
}

/// What of the output the cursor stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Output {
    /// The file or directory.
    pub(super) path: PathBuf,
    /// Which file it was, should another take its name: device and inode.
    pub(super) file: Option<(u64, u64)>,
    /// Its bytes.
    pub(super) length: u64,
    /// Files written so far.
    pub(super) files: u64,
    /// A run is writing, or was killed while it was: what is past the above is its own. Otherwise
    /// it is another's, such as a poll of another collection.
    #[serde(default)]
    pub(super) writing: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    server: String,
    #[serde(default)]
    client: String,
    collection: String,
    versions: String,
    position: Position,
    output: Output,
}

/// The state of one server, client and collection; locked while it is open.
pub(super) struct StateFile {
    path: PathBuf,
    state: State,
    _lock: File,
}

impl StateFile {
    /// Opens the state, or starts one.
    pub(super) fn open(args: &PollArgs, connection: &Connection, collection: &str) -> anyhow::Result<Self> {
        let (server, client) = (connection.client.origin(), &connection.holder);
        let dir = match &args.state {
            Some(dir) => dir.clone(),
            None => user_dir("XDG_STATE_HOME", ".local/state")?.join("liaison/poll"),
        };
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let versions = if args.all_versions { "all" } else { "last" };
        // A subject may be long, so the name has a digest of it.
        let holder = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, client.as_bytes());
        let name: String = format!("{server}_{collection}_{versions}_{holder}")
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
        let path = dir.join(format!("{name}.json"));
        let lock = lock(&path.with_extension("lock"))?;
        let mut state: State = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                stop(
                    Exit::BadData,
                    format!(
                        "the cursor file {} is damaged ({error}); remove it to poll from the start",
                        path.display()
                    ),
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        state.server = server;
        state.client.clone_from(client);
        state.collection = collection.to_owned();
        state.versions = versions.to_owned();
        Ok(Self { path, state, _lock: lock })
    }

    pub(super) fn position(&self) -> &Position {
        &self.state.position
    }

    pub(super) fn output(&mut self) -> &mut Output {
        &mut self.state.output
    }

    /// Says on disk whether a run is writing.
    pub(super) fn mark(&mut self, writing: bool) -> anyhow::Result<()> {
        if self.state.output.writing == writing {
            return Ok(());
        }
        self.state.output.writing = writing;
        self.save(self.state.position.clone())
    }

    /// Says on disk where a run goes on; nothing is written if it is there already.
    pub(super) fn adopt(&mut self, output: Output) -> anyhow::Result<()> {
        if self.state.output == output {
            return Ok(());
        }
        self.state.output = output;
        self.save(self.state.position.clone())
    }

    /// Replaces the state on disk.
    pub(super) fn save(&mut self, position: Position) -> anyhow::Result<()> {
        self.state.position = position;
        let text = serde_json::to_vec_pretty(&self.state)?;
        replace(&self.path, &text)
    }
}

/// Writes a file whole or not at all, to the disk.
pub(super) fn replace(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let temporary = temporary(path, text)?;
    // Before the rename: no power cut may leave the name without the content.
    sync(&temporary)?;
    rename(&temporary, path)?;
    sync(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Writes a file whole or not at all; it may not have reached the disk yet.
pub(super) fn place(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    rename(&temporary(path, text)?, path)
}

fn temporary(path: &Path, text: &[u8]) -> anyhow::Result<PathBuf> {
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, text).with_context(|| format!("cannot write {}", temporary.display()))?;
    Ok(temporary)
}

fn rename(temporary: &Path, path: &Path) -> anyhow::Result<()> {
    std::fs::rename(temporary, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Waits until a file or a folder's list of names is on the disk.
pub(super) fn sync(path: &Path) -> anyhow::Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("cannot write {} to the disk", path.display()))
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(stop(Exit::Failed, "another poll of this collection is running; it holds the cursor")),
    }
}
