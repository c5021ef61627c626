//! One attempt at a push, from the lock to the status.

use super::cursor::Cursor;
use super::elastic::Elastic;
use super::round::{Done, Round, Waiting};
use super::rows::{Key, Shape};
use super::splunk::{Names, Splunk};
use super::status::{self, Status};
use super::{Failure, Push, Sender, To, syslog};
use crate::export::Meta;
use crate::stix::Timestamp;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What an attempt takes.
pub struct Attempt<'a> {
    /// The push.
    pub push: &'a Push,
    /// Where the files of exports are.
    pub exports: &'a Path,
    /// The export as it is now.
    pub meta: &'a Meta,
    /// The hub's name, for messages that carry one.
    pub host: &'a str,
    /// By hand: also what the target has refused, and a program that was told already.
    pub again: bool,
    /// Tells the time.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Does the hub stop?
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Records, before anything goes out, that so many rows do.
    pub note: &'a mut dyn FnMut(usize) -> Result<(), String>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The target has everything, and had it before.
    Unchanged,
    /// So much was done.
    Rows(Done),
    /// Files were copied, and the program has ended well.
    Files(usize),
}

impl Push {
    /// Has the target something else than this?
    pub fn is_due(&self, status: &Status, meta: &Meta) -> bool {
        status.version.as_ref() != Some(&self.version(meta))
    }

    fn version(&self, meta: &Meta) -> String {
        let mut text = self.to.description();
        for file in meta.files.iter().filter(|file| !file.is_state) {
            text += &format!("\n{} {}", file.name, file.sha256);
        }
        Key::of(text.as_bytes()).to_string()
    }
}

impl<'a> Attempt<'a> {
    /// Tries it; waits for whoever tries it at the same time. The status says how it went.
    pub fn run(mut self, chance: u16) -> Result<Pushed, Failure> {
        let (dir, id) = (self.dir(), &self.push.id);
        let path = status::path(&dir, id, "lock");
        let lock = File::create(&path).and_then(|lock| lock.lock().map(|()| lock));
        let _lock = lock.map_err(|error| Failure::of_file(&path, &error))?;
        let mut status = Status::read(&dir, id);
        if !self.again && !self.push.is_due(&status, self.meta) {
            return Ok(Pushed::Unchanged);
        }
        let pushed = self.push(&mut status);
        let now = (self.clock)();
        match &pushed {
            Ok(_) => status.succeeded(self.push.version(self.meta), now),
            Err(failure) => status.failed(failure, chance, now),
        }
        let written = status.write(&dir, id);
        written.map_err(|error| Failure::of_file(&status::path(&dir, id, "json"), &error))?;
        pushed
    }

    /// What would be sent.
    pub fn waiting(&self) -> Result<Waiting, Failure> {
        if let To::Command(_) = self.push.to {
            return Ok(Waiting { changed: self.meta.rows, gone: 0 });
        }
        let (file, shape) = self.file()?;
        let mut cursor = self.cursor()?;
        let round = self.round(&file, shape, &mut cursor);
        let deletes = matches!(self.push.to, To::Elastic(_));
        round.waiting(deletes).map_err(|error| Failure::of_file(&file, &error))
    }

    fn push(&mut self, status: &mut Status) -> Result<Pushed, Failure> {
        if let To::Command(hook) = &self.push.to {
            status.waiting = self.meta.rows;
            (self.note)(self.meta.rows).map_err(Failure::Failed)?;
            let files = hook.copy(self.exports, self.meta)?;
            hook.run(self.meta, self.is_stopped)?;
            return Ok(Pushed::Files(files));
        }
        let (file, shape) = self.file()?;
        let mut cursor = self.cursor()?;
        let mut sender = self.sender(shape)?;
        let waiting = self.round(&file, shape, &mut cursor).waiting(sender.deletes());
        let waiting = waiting.map_err(|error| Failure::of_file(&file, &error))?;
        let total = waiting.changed + waiting.gone;
        status.waiting = total;
        if total > 0 {
            (self.note)(waiting.changed).map_err(Failure::Failed)?;
        }
        let mut done = Done::default();
        let ran = self.round(&file, shape, &mut cursor).run(sender.as_mut(), &mut done);
        status.waiting = total.saturating_sub(done.total());
        status.refused = cursor.refused();
        ran?;
        Ok(if done == Done::default() { Pushed::Unchanged } else { Pushed::Rows(done) })
    }

    fn round<'b>(&'b self, file: &'b Path, shape: Shape, cursor: &'b mut Cursor) -> Round<'b> {
        Round { file, shape, cursor, again: self.again, is_stopped: self.is_stopped }
    }

    fn sender(&self, shape: Shape) -> Result<Box<dyn Sender + 'a>, Failure> {
        match &self.push.to {
            To::Splunk(service) => {
                let names = Names::new(&self.push.export, &self.meta.format, shape);
                Ok(Box::new(Splunk::new(service, names, self.clock)?))
            }
            To::Elastic(service) if shape == Shape::Json => Ok(Box::new(Elastic::new(service, self.clock)?)),
            To::Elastic(_) => Err(Failure::Failed(format!(
                "export {}: Elastic takes documents, so its format must be ecs, idea, intelmq or ndjson, not {}",
                self.push.export, self.meta.format
            ))),
            To::Syslog(receiver) => {
                let sender = syslog::Syslog::new(receiver, self.host, &self.push.export, self.clock)?;
                Ok(Box::new(sender))
            }
            To::Command(_) => Err(Failure::Failed("a program takes files".to_owned())),
        }
    }

    fn file(&self) -> Result<(PathBuf, Shape), Failure> {
        let wrong = || {
            let (export, format) = (&self.push.export, &self.meta.format);
            Failure::Failed(format!(
                "export {export}: the format {format} has no line for each row; cef, csv, ecs, idea, intelmq, leef, list and ndjson have, and kind = \"command\" takes any"
            ))
        };
        let shape = Shape::of(&self.meta.format).ok_or_else(wrong)?;
        let main = self.meta.file(None).ok_or_else(wrong)?;
        Ok((self.dir().join(&main.name), shape))
    }

    fn cursor(&self) -> Result<Cursor, Failure> {
        let path = status::path(&self.dir(), &self.push.id, "cursor");
        Cursor::open(&path, &self.push.to.description()).map_err(|error| Failure::of_file(&path, &error))
    }

    fn dir(&self) -> PathBuf {
        self.exports.join(&self.meta.name)
    }
}
