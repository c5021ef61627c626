//! Files: one, those of a directory, one of a web server, or a feed of MISP. What is no STIX becomes it, as if
//! an analyst had submitted it.
//!
//! Each file is looked at once a run, and taken again when its content has changed; of that goes out what the
//! target has not had just so. What is wrong with one of several files is told at the end: it costs that file
//! alone, which is tried again at the next run.
//!
//! * `place`: where files are. `content`: what they say. `kept`: what a job keeps of them.

mod content;
mod kept;
mod place;

pub use content::Reading;
pub use place::Origin;

use super::{Part, Source};
use crate::stix::content::{Options, Profile};
use crate::sync::letters::Letter;
use crate::sync::{Fault, Position};
use crate::taxii::Envelope;
use content::Content;
use kept::Kept;
use place::{ETAG_KEY, Entry};
use serde_json::Value;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Files that are read.
pub struct Files {
    runtime: Rc<Runtime>,
    origin: Origin,
    reading: Reading,
    /// Beside it is what is kept of them.
    path: PathBuf,
    is_dry: bool,
    kept: Option<Kept>,
    /// Files that are still to be looked at; none before they were listed.
    plan: Option<VecDeque<Entry>>,
    begun: Option<Begun>,
    parts: usize,
    failed: Failed,
}

/// A file of which something is still to be given.
struct Begun {
    name: String,
    tag: String,
    etag: Option<String>,
    content: Content,
    /// Objects that were given or passed over.
    done: usize,
}

/// What was wrong with files of this run.
#[derive(Default)]
struct Failed {
    count: usize,
    /// The first ones.
    told: Vec<String>,
    /// Of these, what may pass.
    passing: usize,
    retry_after: Option<Duration>,
    /// The file after which no more were looked at.
    stopped_at: Option<String>,
}

/// What comes next.
enum Next {
    File(Begun),
    /// Many files have been looked at, and there may be more.
    Pause,
    End,
}

impl Files {
    /// Files of a job that keeps what it needs of them beside `path`.
    pub fn new(runtime: Rc<Runtime>, origin: Origin, reading: Reading, path: PathBuf, is_dry: bool) -> Self {
        let (kept, plan, begun) = (None, None, None);
        Self {
            runtime,
            origin,
            reading,
            path,
            is_dry,
            kept,
            plan,
            begun,
            parts: 0,
            failed: Failed::default(),
        }
    }

    /// What is still to be given of the next file that has changed; so many may be looked at for it.
    fn next_file(&mut self, position: &Position, looks: &mut usize) -> Result<Next, Fault> {
        if let Some(begun) = self.begun.take() {
            return Ok(Next::File(begun));
        }
        while let Some(entry) = self.plan.as_mut().and_then(VecDeque::pop_front) {
            let name = entry.name.clone();
            match self.open(entry, position) {
                Ok(Some(begun)) => return Ok(Next::File(begun)),
                Ok(None) => {}
                Err(fault) if self.origin.is_many() => {
                    if self.failed.note(fault) {
                        self.failed.stopped_at = Some(name);
                        self.plan = Some(VecDeque::new());
                    }
                }
                Err(fault) => return Err(fault),
            }
            *looks = looks.saturating_sub(1);
            if *looks == 0 {
                return Ok(Next::Pause);
            }
        }
        Ok(Next::End)
    }

    fn open(&mut self, entry: Entry, position: &Position) -> Result<Option<Begun>, Fault> {
        let Some(input) = self.origin.read(&self.runtime, entry, position)? else { return Ok(None) };
        let Some(kept) = self.kept.as_mut() else { return Ok(None) };
        let is_event = matches!(self.origin, Origin::Feed(..));
        let mut content = self.reading.read(&input, is_event, kept)?;
        let goes_on = position.seen.get(GOES_ON).and_then(|text| text.split_once(' '));
        let done = goes_on.filter(|(_, file)| *file == within(&input.name, &input.tag));
        let done = done.and_then(|(done, _)| done.parse().ok()).unwrap_or(0).min(content.objects.len());
        content.objects.drain(..done);
        Ok(Some(Begun { name: input.name, tag: input.tag, etag: input.etag, content, done }))
    }

    /// Gathers what one part gives: the first one a file, each further one a file more, so that much is on its
    /// way soon, and what a part costs does not count for very many of them.
    fn gather(&mut self, after: &mut Position) -> Result<Gathered, Fault> {
        let (mut part, mut looks) = (Gathered::default(), LOOKS_MAX);
        while part.objects.len() < OBJECTS && part.files <= self.parts {
            let mut file = match self.next_file(after, &mut looks)? {
                Next::File(file) => file,
                Next::Pause => {
                    part.is_paused = true;
                    break;
                }
                Next::End => break,
            };
            if part.files > 0 && part.is_submitted != file.content.is_submitted {
                self.begun = Some(file);
                break;
            }
            part.is_submitted = file.content.is_submitted;
            while part.objects.len() < OBJECTS
                && let Some(object) = file.content.objects.pop_front()
            {
                file.done += 1;
                if self.kept.as_mut().is_some_and(|kept| kept.gives(&object)) {
                    part.objects.push(object);
                }
            }
            part.files += 1;
            after.seen.remove(GOES_ON);
            if file.content.objects.is_empty() {
                part.letters.append(&mut file.content.letters);
                after.seen.insert(file.name, file.tag);
                after.seen.extend(file.etag.map(|etag| (ETAG_KEY.to_owned(), etag)));
            } else {
                let place = format!("{} {}", file.done, within(&file.name, &file.tag));
                after.seen.insert(GOES_ON.to_owned(), place);
                self.begun = Some(file);
                break;
            }
        }
        Ok(part)
    }
}

/// What one part gives.
#[derive(Default)]
struct Gathered {
    objects: Vec<String>,
    letters: Vec<Letter>,
    files: usize,
    is_paused: bool,
    is_submitted: bool,
}

impl Source for Files {
    fn name(&self) -> String {
        self.origin.name()
    }

    fn next(&mut self, position: &Position) -> Result<Part, Fault> {
        if self.kept.is_none() {
            let given = position.seen.get(GIVEN).and_then(|count| count.parse().ok()).unwrap_or(0);
            self.kept = Some(Kept::read(&self.path, given, self.is_dry)?);
        }
        if self.plan.is_none() {
            let mut plan = self.origin.list(&self.runtime, position)?;
            // What has held up the last run does not hold up the others again.
            if let Some(last) = position.seen.get(STARTS_AFTER) {
                let start = plan.iter().position(|entry| entry.name > *last).unwrap_or(0);
                plan.rotate_left(start);
            }
            self.plan = Some(plan);
        }
        let mut after = position.clone();
        let part = self.gather(&mut after)?;
        self.parts += 1;
        if let Some(kept) = &mut self.kept {
            after.seen.insert(GIVEN.to_owned(), kept.write_given()?.to_string());
        }
        let body = format!("{{\"objects\":[{}]}}", part.objects.join(",")).into_bytes();
        let options = Options { profile: Profile::Interop, ..Options::default() };
        let (envelope, _) = Envelope::parse_page(body, options)
            .map_err(|error| Fault::Lasting(format!("{}: {error}", self.name())))?;
        let more = part.files > 0 || part.is_paused;
        if !more {
            after.seen.remove(STARTS_AFTER);
            after.seen.extend(self.failed.stopped_at.take().map(|name| (STARTS_AFTER.to_owned(), name)));
        }
        Ok(Part {
            objects: envelope.objects().collect(),
            letters: part.letters,
            repeated: 0,
            more,
            after,
            remark: None,
            is_submitted: part.is_submitted,
            fault: if more { None } else { self.failed.take() },
        })
    }

    fn definitions(&mut self, _: &[String]) -> Result<Vec<(String, Value)>, Fault> {
        Ok(Vec::new())
    }
}

impl Failed {
    /// Notes what was wrong with a file; true if so much was that the server must be in trouble.
    fn note(&mut self, fault: Fault) -> bool {
        if let Fault::Passing { retry_after, .. } = &fault {
            self.passing += 1;
            self.retry_after = self.retry_after.max(*retry_after);
        }
        self.count += 1;
        if self.told.len() < FAULTS_TOLD {
            self.told.push(fault.to_string());
        }
        self.passing >= PASSING_MAX
    }

    /// All of it in one.
    fn take(&mut self) -> Option<Fault> {
        let Self { count, told, passing, retry_after, .. } = std::mem::take(self);
        let told = told.join("; ");
        let what = match count {
            0 => return None,
            1 => told,
            count => format!("{count} files could not be read, the first of them: {told}"),
        };
        // What lasts does not pass because something else does.
        Some(if passing == count { Fault::Passing { what, retry_after } } else { Fault::Lasting(what) })
    }
}

/// A file as it was when a part of it was given.
fn within(name: &str, tag: &str) -> String {
    format!("{tag} {name}")
}

/// Where in a file it goes on.
const GOES_ON: &str = "goes on";
/// How much of what was given the target has.
const GIVEN: &str = "given";
/// After which file the next run starts.
const STARTS_AFTER: &str = "starts after";
/// Objects given at once.
const OBJECTS: usize = 5_000;
/// So many files of a run may be held up by what may pass.
const PASSING_MAX: usize = 3;
const FAULTS_TOLD: usize = 5;
/// So many files are looked at for one part: between parts a run can be stopped.
const LOOKS_MAX: usize = 64;
