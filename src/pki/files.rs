//! Files that are whole or absent, and secret from their first byte.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::Error;

/// Who may read a file. It is created with this mode, so there is no moment at which others can
/// read a key, as there would be before a `chmod`.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    Public = 0o644,
    Secret = 0o600,
}

/// A file written and synced under a temporary name beside its destination.
pub(super) struct Staged {
    temporary: PathBuf,
    destination: PathBuf,
}

/// Writes one file; a crash leaves the old content or the new.
pub(super) fn write(path: &Path, content: &[u8], mode: Mode) -> Result<(), Error> {
    publish(&[stage(path, content, mode)?])
}

/// Writes a file to appear at `path` with [`publish`]. To be called under the lock: the temporary
/// name is always the same, so that what a crash left behind is replaced and not collected.
pub(super) fn stage(path: &Path, content: &[u8], mode: Mode) -> Result<Staged, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged =
        Staged { temporary: path.with_file_name(format!(".{name}.tmp")), destination: path.to_owned() };
    remove(&staged.temporary)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode as u32);
    let write = |mut file: File| file.write_all(content).and_then(|()| file.sync_all());
    options.open(&staged.temporary).and_then(write).map_err(Error::io(path, "write"))?;
    Ok(staged)
}

/// Gives staged files of one directory their names, in order, and makes that durable.
pub(super) fn publish(files: &[Staged]) -> Result<(), Error> {
    for file in files {
        fs::rename(&file.temporary, &file.destination)
            .map_err(Error::io(&file.destination, "rename into place"))?;
    }
    let dir = files.first().and_then(|file| file.destination.parent());
    dir.map_or(Ok(()), sync_dir)
}

impl Drop for Staged {
    /// Removes what was never published. After publishing there is nothing to remove.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes a directory that only its owner can enter, with its parents, durably.
pub(super) fn make_dir(dir: &Path) -> Result<(), Error> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new(""));
    make_dir(parent)?;
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(Error::io(dir, "create")(e)),
        _ => sync_dir(parent),
    }
}

/// Removes a file if there is one.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, "remove")(e)),
        _ => Ok(()),
    }
}

/// Reads a text file.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::io(path, "read"))
}

/// Reads a private key, unless others could have read it too.
pub(super) fn read_key(path: &Path) -> Result<String, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "read"))?;
    match metadata.permissions().mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(Error::KeyExposed(path.to_owned(), mode)),
        _ => read(path),
    }
}

/// Waits until no other process changes this CA. The lock ends with the returned file, and so with
/// the process.
pub(super) fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(".lock");
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(Mode::Secret as u32);
    let lock = options.open(&path).and_then(|file| file.lock().map(|()| file));
    lock.map_err(Error::io(&path, "lock"))
}

/// A new name is durable only once its directory is synced.
fn sync_dir(dir: &Path) -> Result<(), Error> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let sync = File::open(dir).and_then(|dir| dir.sync_all());
    sync.map_err(Error::io(dir, "sync"))
}
