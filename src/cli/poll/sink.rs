//! Where polled objects go.

use super::super::args::{Format, PollArgs};
use super::super::output::{Exit, stop};
use super::state::{Output, StateFile, place, replace, sync};
use crate::stix::json::{Document, Kind, Part, Seen};
use crate::stix::{StixTime, Timestamp};
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is noted of a page and of each object on it.
pub(super) struct Noted {
    id: Option<String>,
    modified: Option<String>,
    pub(super) more: bool,
    pub(super) next: Option<String>,
}

impl Noted {
    pub(super) fn of(seen: Seen) -> Self {
        let text = |name: &str| seen.value.member(name).and_then(|value| value.text().map(String::from));
        let is_page = seen.item.is_none();
        Self {
            id: text("id").filter(|_| !is_page),
            modified: text("modified").filter(|_| !is_page),
            more: is_page && seen.value.member("more").is_some_and(|more| more.kind() == Kind::True),
            next: text("next").filter(|next| is_page && !next.is_empty()),
        }
    }

    /// Its id, if it has one.
    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }
}

/// An output, brought to where the cursor stands.
pub(super) enum Sink {
    Stdout,
    Lines { file: File, length: u64 },
    Bundles { dir: PathBuf, files: u64, _lock: File },
    Directory { dir: PathBuf },
}

impl Sink {
    /// Opens the output; what a killed run wrote past its cursor is taken back.
    pub(super) fn open(args: &PollArgs, state: &mut StateFile) -> anyhow::Result<Self> {
        let is_stdout = args.out == Path::new("-");
        let path = if is_stdout { args.out.clone() } else { std::path::absolute(&args.out)? };
        if state.output().path != path {
            *state.output() = Output { path: path.clone(), ..Default::default() };
        }
        match (args.format, is_stdout) {
            (Format::Jsonl, true) => Ok(Self::Stdout),
            (_, true) => Err(stop(Exit::Usage, "--format bundles and directory need --out DIR")),
            (Format::Jsonl, false) => lines(&path, state),
            (Format::Bundles, false) => bundles(&path, state),
            (Format::Directory, false) => {
                std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
                Ok(Self::Directory { dir: path })
            }
        }
    }

    /// Writes the objects of a page, to the disk.
    pub(super) fn write(&mut self, page: &Document<Noted>) -> anyhow::Result<()> {
        let items = || page.root.items.iter().flatten();
        match self {
            Self::Stdout => {
                let mut out = std::io::stdout().lock();
                for item in items() {
                    out.write_all(&page.text[item.range.clone()])?;
                    out.write_all(b"\n")?;
                }
                out.flush()?;
            }
            Self::Lines { file, length } => {
                let mut text = Vec::with_capacity(page.text.len());
                for item in items() {
                    text.extend_from_slice(&page.text[item.range.clone()]);
                    text.push(b'\n');
                }
                file.write_all(&text).and_then(|()| file.sync_data()).context("cannot write the output")?;
                *length += text.len() as u64;
            }
            Self::Bundles { dir, files, .. } => {
                *files += 1;
                let id = uuid::Uuid::new_v4();
                let mut text =
                    format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[").into_bytes();
                for (at, item) in items().enumerate() {
                    text.extend_from_slice(if at == 0 { b"" } else { b"," });
                    text.extend_from_slice(&page.text[item.range.clone()]);
                }
                text.extend_from_slice(b"]}\n");
                replace(&dir.join(bundle_name(*files)), &text)?;
            }
            Self::Directory { dir } => {
                let written: Vec<PathBuf> =
                    items().map(|item| write_object(dir, page, item)).collect::<Result<_, _>>()?;
                // Written first and synced then: the disk takes them together.
                let folders: BTreeSet<&Path> = written.iter().filter_map(|path| path.parent()).collect();
                for path in written.iter().map(PathBuf::as_path).chain(folders) {
                    sync(path)?;
                }
            }
        }
        Ok(())
    }

    /// Tells the state what the output holds now.
    pub(super) fn note(&self, state: &mut StateFile) {
        match self {
            Self::Stdout | Self::Directory { .. } => {}
            Self::Lines { length, .. } => state.output().length = *length,
            Self::Bundles { files, .. } => state.output().files = *files,
        }
    }
}

fn lines(path: &Path, state: &mut StateFile) -> anyhow::Result<Sink> {
    let context = || format!("cannot write {}", path.display());
    let mut file = File::options().create(true).read(true).append(true).open(path).with_context(context)?;
    alone(&file, path)?;
    let found = file.metadata().with_context(context)?;
    let output = state.output();
    let known = output.file == Some((found.dev(), found.ino())) && output.length <= found.len();
    if known && output.writing {
        // Past this length is what a killed run wrote without moving its cursor.
        file.set_len(output.length).with_context(context)?;
    } else {
        // A new file, or one that another has taken away, shortened or written to: go on at its end.
        let now = Output {
            path: path.to_owned(),
            file: Some((found.dev(), found.ino())),
            length: found.len(),
            ..Output::default()
        };
        state.adopt(now)?;
    }
    file.seek(std::io::SeekFrom::End(0)).with_context(context)?;
    let length = state.output().length;
    Ok(Sink::Lines { file, length })
}

fn bundles(path: &Path, state: &mut StateFile) -> anyhow::Result<Sink> {
    let context = || format!("cannot write {}", path.display());
    std::fs::create_dir_all(path).with_context(context)?;
    let folder = File::open(path).with_context(context)?;
    alone(&folder, path)?;
    let found = folder.metadata().with_context(context)?;
    let found = Some((found.dev(), found.ino()));
    let output = state.output();
    if output.file == found && output.writing {
        // One file more than the cursor stands for is what a killed run left; it is written anew,
        // but if there is nothing new it must not stay.
        match std::fs::remove_file(path.join(bundle_name(output.files + 1))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(context);
            }
            _ => {}
        }
    }
    // The directory may hold what another wrote: go on after it.
    let files = last_bundle(path).with_context(context)?;
    state.adopt(Output { path: path.to_owned(), file: found, files, ..Output::default() })?;
    Ok(Sink::Bundles { dir: path.to_owned(), files, _lock: folder })
}

/// Two polls of different collections may write to one place, but not at once.
fn alone(output: &File, path: &Path) -> anyhow::Result<()> {
    output
        .try_lock()
        .map_err(|_| stop(Exit::Failed, format!("another poll is writing to {}", path.display())))
}

/// The highest number among the bundle files in a directory.
fn last_bundle(dir: &Path) -> std::io::Result<u64> {
    let mut last = 0;
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

fn bundle_name(number: u64) -> String {
    format!("{number:08}.json")
}

/// TYPE/ID/VERSION.json, or TYPE/ID.json for objects without versions, as python-stix2's
/// FileSystemSource reads them. A version keeps its name, so writing it again repeats nothing.
fn write_object(dir: &Path, page: &Document<Noted>, item: &Part<Noted>) -> anyhow::Result<PathBuf> {
    let id = item.seen.id.as_deref().and_then(|id| crate::stix::StixId::parse(id).ok());
    let id = id.ok_or_else(|| stop(Exit::BadData, "the server sent an object without a usable id"))?;
    let folder = dir.join(id.object_type());
    // A marking has no versions, though some servers date it.
    let modified = item.seen.modified.as_deref().filter(|_| id.object_type() != "marking-definition");
    let version = modified.and_then(StixTime::parse);
    let path = match version {
        None => folder.join(format!("{id}.json")),
        Some(version) => {
            let name: String = Timestamp::from_micros(version.micros())
                .to_string()
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            folder.join(id.as_str()).join(format!("{name}{}.json", version.rest()))
        }
    };
    let parent = path.parent().unwrap_or(dir);
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    place(&path, &page.text[item.range.clone()])?;
    Ok(path)
}
