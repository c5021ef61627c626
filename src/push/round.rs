//! A round: what is new, changed or gone goes out in batches, each acknowledged before the next.
//!
//! Before a batch goes out, the cursor says that its rows are unsure. So whatever happens to the hub
//! meanwhile, such a row is sent again if the export has it, and deleted if it has not.

use super::cursor::{Cursor, Mark};
use super::rows::{Key, Row, Rows, Shape};
use super::{Answer, Failure, Item, Sender};
use std::io;
use std::path::Path;

/// What is to be done.
pub struct Round<'a> {
    /// The export's main file.
    pub file: &'a Path,
    /// What its lines are.
    pub shape: Shape,
    /// What the target has.
    pub cursor: &'a mut Cursor,
    /// Also what it has refused.
    pub again: bool,
    /// Does the hub stop?
    pub is_stopped: &'a dyn Fn() -> bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows that the target has taken.
    pub sent: usize,
    /// Rows that it has deleted.
    pub deleted: usize,
    /// Rows that it will never take.
    pub refused: usize,
}

impl Done {
    /// How many rows are done with.
    pub fn total(self) -> usize {
        self.sent + self.deleted + self.refused
    }
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Rows that are new or have changed.
    pub changed: usize,
    /// Rows that are gone and must be deleted.
    pub gone: usize,
}

struct Batch {
    items: Vec<Item>,
    /// What each will have been, if taken.
    hashes: Vec<Option<Key>>,
    bytes: usize,
}

impl Round<'_> {
    /// Counts what there is to do for a target that deletes, or does not.
    pub fn waiting(&self, deletes: bool) -> io::Result<Waiting> {
        let mut rows = Rows::open(self.file, self.shape)?;
        let mut changed = 0;
        while let Some(row) = rows.next()? {
            changed += usize::from(self.wants(&row));
        }
        let gone = self.cursor.keys().filter(|key| deletes && !rows.seen().contains(key)).count();
        Ok(Waiting { changed, gone })
    }

    /// Does it, as far as it gets; what is done is added to `done` as it is done.
    pub fn run(&mut self, sender: &mut dyn Sender, done: &mut Done) -> Result<(), Failure> {
        let unreadable = |error| Failure::of_file(self.file, &error);
        let mut rows = Rows::open(self.file, self.shape).map_err(unreadable)?;
        let mut batch = Batch::new();
        while let Some(row) = rows.next().map_err(|error| Failure::of_file(self.file, &error))? {
            if !self.wants(&row) {
                continue;
            }
            let Some(line) = row.line else {
                tracing::error!(key = %row.key, "a row is too long to be pushed; it is left out");
                self.keep(&[(row.key, Mark::Refused(row.hash))])?;
                done.refused += 1;
                continue;
            };
            if batch.is_full_with(line.len()) {
                self.send(sender, std::mem::replace(&mut batch, Batch::new()), done)?;
            }
            batch.add(Item { key: row.key, line: Some(line) }, Some(row.hash));
        }
        let mut gone: Vec<Key> = self.cursor.keys().filter(|key| !rows.seen().contains(key)).collect();
        gone.sort_unstable();
        if !sender.deletes() {
            let marks: Vec<_> = gone.drain(..).map(|key| (key, Mark::Gone)).collect();
            marks.chunks(ROWS_MAX).try_for_each(|some| self.keep(some))?;
        }
        for key in gone {
            if batch.is_full_with(0) {
                self.send(sender, std::mem::replace(&mut batch, Batch::new()), done)?;
            }
            batch.add(Item { key, line: None }, None);
        }
        self.send(sender, batch, done)
    }

    fn wants(&self, row: &Row) -> bool {
        match self.cursor.mark(row.key) {
            Mark::Taken(hash) => hash != row.hash,
            Mark::Refused(hash) => hash != row.hash || self.again,
            Mark::Unsure | Mark::Gone => true,
        }
    }

    fn send(&mut self, sender: &mut dyn Sender, batch: Batch, done: &mut Done) -> Result<(), Failure> {
        if batch.items.is_empty() {
            return Ok(());
        }
        if (self.is_stopped)() {
            return Err(Failure::Stopped);
        }
        let unsure: Vec<_> = batch.items.iter().map(|item| (item.key, Mark::Unsure)).collect();
        self.keep(&unsure)?;
        match sender.send(&batch.items) {
            Ok(answers) if answers.len() == batch.items.len() => self.answered(&batch, answers, done),
            Ok(answers) => {
                let (sent, known) = (batch.items.len(), answers.len());
                Err(Failure::Failed(format!("it answers for {known} rows, but was sent {sent}")))
            }
            Err(Failure::TooLarge(what)) if batch.items.len() == 1 => {
                self.answered(&batch, vec![Answer::Refused(what)], done)
            }
            Err(Failure::TooLarge(_)) => {
                let [first, second] = batch.halves();
                self.send(sender, first, done)?;
                self.send(sender, second, done)
            }
            Err(failure) => Err(failure),
        }
    }

    fn answered(&mut self, batch: &Batch, answers: Vec<Answer>, done: &mut Done) -> Result<(), Failure> {
        let mut later = None;
        let mut marks = Vec::with_capacity(answers.len());
        let before = *done;
        let mut refusal = None;
        for ((item, hash), answer) in batch.items.iter().zip(&batch.hashes).zip(answers) {
            match (answer, hash) {
                (Answer::Taken, Some(hash)) => {
                    marks.push((item.key, Mark::Taken(*hash)));
                    done.sent += 1;
                }
                (Answer::Taken, None) => {
                    marks.push((item.key, Mark::Gone));
                    done.deleted += 1;
                }
                (Answer::Refused(what), Some(hash)) => {
                    marks.push((item.key, Mark::Refused(*hash)));
                    refusal.get_or_insert(what);
                    done.refused += 1;
                }
                (Answer::Refused(what), None) | (Answer::Later(what), _) => {
                    later.get_or_insert(what);
                }
            }
        }
        self.keep(&marks)?;
        if let Some(what) = refusal {
            let rows = done.refused - before.refused;
            tracing::error!(rows, reason = %what, "the target of a push refuses rows; they are sent again when they change, or by `liaison export push`");
        }
        later.map_or(Ok(()), |what| Err(Failure::Failed(what)))
    }

    fn keep(&mut self, marks: &[(Key, Mark)]) -> Result<(), Failure> {
        let failed = |error| Failure::Failed(format!("the cursor cannot be written: {error}"));
        self.cursor.keep(marks).map_err(failed)
    }
}

impl Batch {
    fn new() -> Self {
        Self { items: Vec::new(), hashes: Vec::new(), bytes: 0 }
    }

    /// Would it be more than a batch with so many bytes more? A row always has a batch.
    fn is_full_with(&self, bytes: usize) -> bool {
        self.items.len() >= ROWS_MAX || !self.items.is_empty() && self.bytes + bytes > BYTES_MAX
    }

    fn add(&mut self, item: Item, hash: Option<Key>) {
        self.bytes += item.line.as_ref().map_or(0, Vec::len);
        self.items.push(item);
        self.hashes.push(hash);
    }

    fn halves(mut self) -> [Self; 2] {
        let middle = self.items.len() / 2;
        let second =
            Self { items: self.items.split_off(middle), hashes: self.hashes.split_off(middle), bytes: 0 };
        [self, second]
    }
}

/// Rows in a batch.
pub const ROWS_MAX: usize = 500;
/// Bytes of lines in a batch of more than one.
pub const BYTES_MAX: usize = 512 * 1024;

#[cfg(test)]
#[path = "round/tests.rs"]
mod tests;
