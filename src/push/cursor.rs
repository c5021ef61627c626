//! What a target has acknowledged, on the disk: after a crash at any moment it is known what it has, but for
//! the batch under way, of which it is known that it is not known.
//!
//! A file is a line that names the target, and then batches. Each is written and synced before the next
//! step, and ends with its hash, so half a batch is found and left out. The file is written anew, as a whole,
//! once most of it is of the past.

use super::rows::Key;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What is known of a row at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It has the line of this hash.
    Taken(Key),
    /// It will never take the line of this hash.
    Refused(Key),
    /// Something was sent and no answer has come: it may have that, or what it had before.
    Unsure,
    /// It does not have it.
    Gone,
}

/// What a target has.
pub struct Cursor {
    path: PathBuf,
    file: File,
    target: String,
    known: HashMap<Key, Mark>,
    /// Lines of the file.
    lines: usize,
}

impl Cursor {
    /// Opens the cursor of a target. What another target has acknowledged is forgotten.
    pub fn open(path: &Path, target: &str) -> io::Result<Self> {
        let header = format!("{FORMAT} {}\n", Key::of(target.as_bytes()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o640).open(path)?;
        let mut cursor = Self {
            path: path.to_owned(),
            file: file.try_clone()?,
            target: header,
            known: HashMap::new(),
            lines: 0,
        };
        let mut input = BufReader::new(&mut file);
        let mut first = String::new();
        // A file that is no text begins anew too.
        let is_ours = input.read_line(&mut first).is_ok() && first == cursor.target;
        if !is_ours {
            cursor.rewrite()?;
            return Ok(cursor);
        }
        let good = cursor.read(&mut input, first.len() as u64)?;
        cursor.file.set_len(good)?;
        cursor.file.seek(SeekFrom::Start(good))?;
        Ok(cursor)
    }

    /// What is known of a row.
    pub fn mark(&self, key: Key) -> Mark {
        self.known.get(&key).copied().unwrap_or(Mark::Gone)
    }

    /// The rows that the target has or may have.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.known.keys().copied()
    }

    /// How many rows it has refused.
    pub fn refused(&self) -> usize {
        self.known.values().filter(|mark| matches!(mark, Mark::Refused(_))).count()
    }

    /// Keeps what has become known, on the disk. After an error the cursor must be opened anew.
    pub fn keep(&mut self, marks: &[(Key, Mark)]) -> io::Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        let text: String = marks.iter().map(|(key, mark)| line(*key, *mark)).collect();
        let end = format!("= {}\n", Key::of(text.as_bytes()));
        self.file.write_all((text + &end).as_bytes())?;
        self.file.sync_data()?;
        marks.iter().for_each(|(key, mark)| self.take(*key, *mark));
        self.lines += marks.len();
        if self.lines > 4 * self.known.len() + LINES_SPARE {
            self.rewrite()?;
        }
        Ok(())
    }

    fn take(&mut self, key: Key, mark: Mark) {
        match mark {
            Mark::Gone => self.known.remove(&key),
            _ => self.known.insert(key, mark),
        };
    }

    /// Reads batches; the answer is where the last whole one ends.
    fn read(&mut self, input: &mut impl BufRead, start: u64) -> io::Result<u64> {
        let (mut at, mut good) = (start, start);
        let (mut text, mut marks) = (String::new(), Vec::new());
        loop {
            let before = text.len();
            let read = input.read_line(&mut text);
            let size = match read {
                Ok(size) => size,
                // No text: damage, like any other.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(good),
                Err(error) => return Err(error),
            };
            at += size as u64;
            let Some(found) = text[before..].strip_suffix('\n') else { return Ok(good) };
            if let Some(end) = found.strip_prefix("= ") {
                if Key::parse(end) != Some(Key::of(&text.as_bytes()[..before])) {
                    return Ok(good);
                }
                self.lines += marks.len();
                marks.drain(..).for_each(|(key, mark)| self.take(key, mark));
                text.clear();
                good = at;
            } else {
                let Some(mark) = parsed(found) else { return Ok(good) };
                marks.push(mark);
            }
        }
    }

    /// Writes the file anew, with what is known and nothing else.
    fn rewrite(&mut self) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o640).open(&beside)?;
        let mut out = BufWriter::new(&file);
        out.write_all(self.target.as_bytes())?;
        let known: Vec<_> = self.known.iter().collect();
        for some in known.chunks(BATCH) {
            let text: String = some.iter().map(|(key, mark)| line(**key, **mark)).collect();
            out.write_all(text.as_bytes())?;
            writeln!(out, "= {}", Key::of(text.as_bytes()))?;
        }
        out.flush()?;
        drop(out);
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        (self.file, self.lines) = (file, self.known.len());
        Ok(())
    }
}

fn line(key: Key, mark: Mark) -> String {
    match mark {
        Mark::Taken(hash) => format!("+ {key} {hash}\n"),
        Mark::Refused(hash) => format!("! {key} {hash}\n"),
        Mark::Unsure => format!("? {key}\n"),
        Mark::Gone => format!("- {key}\n"),
    }
}

fn parsed(line: &str) -> Option<(Key, Mark)> {
    let (sign, rest) = line.split_once(' ')?;
    let (key, hash) = match rest.split_once(' ') {
        Some((key, hash)) => (Key::parse(key)?, Some(Key::parse(hash)?)),
        None => (Key::parse(rest)?, None),
    };
    let mark = match (sign, hash) {
        ("+", Some(hash)) => Mark::Taken(hash),
        ("!", Some(hash)) => Mark::Refused(hash),
        ("?", None) => Mark::Unsure,
        ("-", None) => Mark::Gone,
        _ => return None,
    };
    Some((key, mark))
}

const FORMAT: &str = "liaison push 1";
/// Rows in a batch when the file is written anew.
const BATCH: usize = 500;
/// So many lines of the past do not matter.
const LINES_SPARE: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn key(number: u8) -> Key {
        Key([number; 16])
    }

    fn known(cursor: &Cursor) -> BTreeMap<Key, String> {
        cursor.known.iter().map(|(key, mark)| (*key, format!("{mark:?}"))).collect()
    }

    #[test]
    fn what_was_kept_is_known_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let mut cursor = Cursor::open(&path, "one").unwrap();
        cursor
            .keep(&[(key(1), Mark::Taken(key(9))), (key(2), Mark::Unsure), (key(3), Mark::Refused(key(8)))])
            .unwrap();
        cursor.keep(&[(key(2), Mark::Gone), (key(4), Mark::Unsure)]).unwrap();
        let again = Cursor::open(&path, "one").unwrap();
        assert_eq!(known(&again), known(&cursor));
        assert_eq!((again.mark(key(2)), again.mark(key(4)), again.refused()), (Mark::Gone, Mark::Unsure, 1));
        assert_eq!(again.keys().count(), 3);
    }

    #[test]
    fn another_target_has_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        Cursor::open(&path, "one").unwrap().keep(&[(key(1), Mark::Taken(key(9)))]).unwrap();
        assert_eq!(Cursor::open(&path, "two").unwrap().keys().count(), 0);
        assert_eq!(Cursor::open(&path, "one").unwrap().keys().count(), 0);
        fs::write(&path, b"\xff\xfe").unwrap();
        assert_eq!(Cursor::open(&path, "one").unwrap().keys().count(), 0);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let mut cursor = Cursor::open(&path, "one").unwrap();
        let marks: Vec<_> = (0..200).map(|number| (key(number), Mark::Taken(key(1)))).collect();
        for _ in 0..120 {
            cursor.keep(&marks).unwrap();
        }
        assert!(cursor.lines < LINES_SPARE + 1_200 && fs::metadata(&path).unwrap().len() < 1_000_000);
        assert_eq!(known(&Cursor::open(&path, "one").unwrap()), known(&cursor));
    }

    proptest! {
        // Each case writes to the disk.
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Wherever a crash cuts the file, what is known is what was known after a whole batch, and what is
        /// kept afterwards is known again.
        #[test]
        fn half_a_batch_is_left_out(batches in prop::collection::vec(prop::collection::vec((0_u8..6, 0_u8..4, 0_u8..3), 1..4), 1..6), cut in 0.0_f64..1.0) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("c");
            let mut cursor = Cursor::open(&path, "one").unwrap();
            let mut states = vec![(fs::metadata(&path).unwrap().len(), known(&cursor))];
            for batch in batches {
                let mark = |(number, sign, hash): (u8, u8, u8)| {
                    let hash = key(hash);
                    (key(number), [Mark::Taken(hash), Mark::Refused(hash), Mark::Unsure, Mark::Gone][usize::from(sign)])
                };
                cursor.keep(&batch.into_iter().map(mark).collect::<Vec<_>>()).unwrap();
                states.push((fs::metadata(&path).unwrap().len(), known(&cursor)));
            }
            let (first, last) = (states[0].0, states.last().unwrap().0);
            let size = first + ((last - first) as f64 * cut) as u64;
            File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
            let mut again = Cursor::open(&path, "one").unwrap();
            let expected = states.iter().rev().find(|(end, _)| *end <= size).unwrap();
            prop_assert_eq!(&known(&again), &expected.1);
            again.keep(&[(key(77), Mark::Unsure)]).unwrap();
            prop_assert_eq!(known(&Cursor::open(&path, "one").unwrap()), known(&again));
        }
    }
}
