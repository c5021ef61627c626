//! Files in a directory: a numbered STIX bundle for each part, or one file of lines. The name of a bundle comes
//! from the position that it leads to, and lines are cut off after what the last position stood for, so that a
//! part that is fetched again takes the place of itself.

use super::{Taken, Target};
use crate::stix::Object;
use crate::sync::job::FileFormat;
use crate::sync::state::replace;
use crate::sync::{Fault, Position};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// A directory that is written to.
pub struct Files {
    dir: PathBuf,
    format: FileFormat,
    mark: Mark,
}

/// What the files hold, and the position that it stands for.
#[derive(Default, Serialize, Deserialize)]
struct Mark {
    position: Position,
    bundles: u64,
    bytes: u64,
}

impl Files {
    /// Opens the directory; what a run left that was killed is overwritten or cut off.
    pub fn open(dir: PathBuf, format: FileFormat) -> Result<Self, Fault> {
        let wrong = |error: io::Error| Fault::passing(format!("{}: {error}", dir.display()));
        fs::create_dir_all(&dir).map_err(wrong)?;
        let mark = match fs::read(dir.join(MARK)) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other).map_err(wrong)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Mark::default(),
            Err(error) => return Err(wrong(error)),
        };
        Ok(Self { dir, format, mark })
    }

    /// Looks at how far the files have come, without making anything.
    pub fn look(dir: PathBuf) -> Result<Self, Fault> {
        match dir.exists() {
            true => Self::open(dir, FileFormat::default()),
            false => Ok(Self { dir, format: FileFormat::default(), mark: Mark::default() }),
        }
    }

    fn write(&mut self, objects: &[Object], after: &Position) -> io::Result<()> {
        let mut mark = Mark { position: after.clone(), ..self.mark };
        match self.format {
            FileFormat::Bundles if !objects.is_empty() => {
                mark.bundles += 1;
                replace(&self.dir.join(format!("{:08}.json", mark.bundles)), &bundle(objects))?;
            }
            FileFormat::Bundles => {}
            FileFormat::Jsonl => {
                let path = self.dir.join(LINES);
                let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
                file.set_len(self.mark.bytes)?;
                let mut text = Vec::new();
                for object in objects {
                    text.extend_from_slice(object.json());
                    text.push(b'\n');
                }
                file.write_all(&text)?;
                file.sync_all()?;
                File::open(&self.dir)?.sync_all()?;
                mark.bytes += text.len() as u64;
            }
        }
        replace(&self.dir.join(MARK), &serde_json::to_vec(&mark)?)?;
        self.mark = mark;
        Ok(())
    }
}

fn bundle(objects: &[Object]) -> Vec<u8> {
    let ids: String =
        objects.iter().map(|object| format!("{}\n{}\n", object.id(), object.version().as_str())).collect();
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, ids.as_bytes());
    let mut text = format!(r#"{{"type":"bundle","id":"bundle--{id}","objects":["#).into_bytes();
    for (at, object) in objects.iter().enumerate() {
        text.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        text.extend_from_slice(object.json());
    }
    text.extend_from_slice(b"\n]}\n");
    text
}

impl Target for Files {
    fn put(&mut self, objects: &[Object], after: &Position, _: &mut dyn FnMut()) -> Result<Taken, Fault> {
        let written = self.write(objects, after);
        written.map_err(|error| Fault::passing(format!("{}: {error}", self.dir.display())))?;
        let stored = objects.iter().map(|object| object.id().object_type().to_owned()).collect();
        Ok(Taken { stored, ..Taken::default() })
    }

    fn position(&mut self) -> Result<Option<Position>, Fault> {
        let is_new =
            self.mark.bundles == 0 && self.mark.bytes == 0 && self.mark.position == Position::default();
        Ok((!is_new).then(|| self.mark.position.clone()))
    }
}

const MARK: &str = ".position.json";
const LINES: &str = "objects.jsonl";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stix::content::Options;
    use crate::taxii::Envelope;

    fn objects(names: &[&str]) -> Vec<Object> {
        let object = |name: &&str| {
            let value = format!("http://{name}.example/");
            let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, value.as_bytes());
            format!(r#"{{"type":"url","spec_version":"2.1","id":"url--{id}","value":"{value}"}}"#)
        };
        let all: Vec<String> = names.iter().map(object).collect();
        let body = format!(r#"{{"objects":[{}]}}"#, all.join(","));
        let envelope = Envelope::parse(body.into_bytes(), Options::default()).unwrap();
        envelope.objects().map(Result::unwrap).collect()
    }

    fn at(last: &str) -> Position {
        Position { last: Some(last.to_owned()), ..Position::default() }
    }

    #[test]
    fn what_a_killed_run_left_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        for format in [FileFormat::Bundles, FileFormat::Jsonl] {
            let dir = dir.path().join(format!("{format:?}"));
            let open = || Files::open(dir.clone(), format).unwrap();
            assert_eq!(open().position().unwrap(), None);
            open().put(&objects(&["a"]), &at("1"), &mut || ()).unwrap();
            // Killed after the files, before the mark.
            let mark = fs::read(dir.join(MARK)).unwrap();
            open().put(&objects(&["b"]), &at("2"), &mut || ()).unwrap();
            fs::write(dir.join(MARK), mark).unwrap();
            assert_eq!(open().position().unwrap(), Some(at("1")));
            open().put(&objects(&["b", "c"]), &at("2"), &mut || ()).unwrap();
            let mut text = String::new();
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().is_some_and(|name| name != MARK) {
                    text += &fs::read_to_string(path).unwrap();
                }
            }
            assert_eq!(text.matches(".example/").count(), 3, "{text}");
        }
    }
}
