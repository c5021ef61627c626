//! A log goes in, the lines with hits come out, in bounded memory: one thread reads and finds what may be
//! looked up, the other asks for batches and prints. What comes slowly is asked for at once.

use super::Hub;
use crate::cli::output::{self, Exit, stop};
use crate::lookup::candidates::candidates;
use crate::lookup::{Hit, VALUES_MAX};
use serde_json::json;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Lines with what is to be looked up in them.
#[derive(Default)]
struct Batch {
    lines: Vec<Line>,
    values: usize,
    bytes: usize,
}

/// A line, or as much of one as is looked at together.
struct Line {
    number: u64,
    text: Vec<u8>,
    values: Vec<String>,
}

/// What is known of values already: logs repeat themselves.
#[derive(Default)]
struct Known {
    values: HashMap<String, Option<Rc<Vec<Hit<'static>>>>>,
    /// About how many bytes they take.
    bytes: usize,
}

pub(super) fn run(hub: &Hub) -> anyhow::Result<Exit> {
    let (send, lines) = sync_channel(LINES_WAITING);
    let reader =
        std::thread::spawn(move || read(&mut BufReader::with_capacity(READ_BYTES, io::stdin()), &send));
    let (mut known, mut hits) = (Known::default(), false);
    let mut out = BufWriter::with_capacity(READ_BYTES, io::stdout());
    let is_raw = !io::stdout().is_terminal();
    let mut is_open = true;
    while is_open {
        let batch = gather(&lines, &mut is_open);
        known.learn(hub, &batch)?;
        for line in &batch.lines {
            let found = known.hits(&line.values);
            hits |= !found.is_empty();
            let printed = match (found.is_empty(), hub.args.json) {
                (true, _) => Ok(()),
                (false, true) => print_json(&mut out, line, &found),
                (false, false) => print(&mut out, line, is_raw),
            };
            if printed.is_err() {
                // Who read has seen enough.
                return Ok(Exit::Done);
            }
        }
        if out.flush().is_err() {
            return Ok(Exit::Done);
        }
    }
    match reader.join() {
        Ok(Ok(())) => Ok(if hits { Exit::Done } else { Exit::Failed }),
        Ok(Err(error)) => Err(stop(Exit::InputOutput, format!("cannot read standard input: {error}"))),
        Err(_) => Err(stop(Exit::InputOutput, "cannot read standard input")),
    }
}

/// Reads lines to the end, and finds what may be looked up in each. What is longer than a line may be is taken
/// apart.
fn read(input: &mut impl BufRead, send: &SyncSender<Line>) -> io::Result<()> {
    let (mut number, mut is_new) = (0, true);
    loop {
        let mut text = Vec::new();
        if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        number += u64::from(is_new);
        is_new = text.last() == Some(&b'\n');
        let mut found = Vec::new();
        candidates(&text, &mut found);
        found.truncate(VALUES_MAX);
        let values: Vec<String> = found.into_iter().map(str::to_owned).collect();
        // Without anything to look up there is nothing to wait for.
        if !values.is_empty() && send.send(Line { number, text, values }).is_err() {
            return Ok(());
        }
    }
}

/// Lines until there are enough for a request, or no more come for a moment.
fn gather(lines: &Receiver<Line>, is_open: &mut bool) -> Batch {
    let mut batch = Batch::default();
    let Ok(first) = lines.recv() else {
        *is_open = false;
        return batch;
    };
    batch.take(first);
    while batch.values < BATCH_VALUES && batch.bytes < BATCH_BYTES {
        match lines.recv_timeout(PAUSE) {
            Ok(line) => batch.take(line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                *is_open = false;
                break;
            }
        }
    }
    batch
}

impl Batch {
    fn take(&mut self, line: Line) {
        self.values += line.values.len();
        self.bytes += line.text.len() + LINE_COST;
        self.lines.push(line);
    }
}

impl Known {
    /// Asks for what is not known yet.
    fn learn(&mut self, hub: &Hub, batch: &Batch) -> anyhow::Result<()> {
        if self.bytes > KNOWN_BYTES {
            *self = Self::default();
        }
        let mut wanted: Vec<String> = Vec::new();
        for value in batch.lines.iter().flat_map(|line| &line.values) {
            if !self.values.contains_key(value) {
                self.values.insert(value.clone(), None);
                self.bytes += value.len() + VALUE_COST;
                wanted.push(value.clone());
            }
        }
        while !wanted.is_empty() {
            for looked in hub.ask(wanted.split_off(wanted.len() - at_once(&wanted)))?.results {
                if !looked.hits.is_empty() {
                    self.bytes += looked.hits.len() * HIT_COST;
                    self.values.insert(looked.value.into_owned(), Some(Rc::new(looked.hits)));
                }
            }
        }
        Ok(())
    }

    fn hits<'v>(&self, values: &'v [String]) -> Vec<(&'v String, Rc<Vec<Hit<'static>>>)> {
        let hits = |value: &String| self.values.get(value).cloned().flatten();
        values.iter().filter_map(|value| Some((value, hits(value)?))).collect()
    }
}

/// How many of the last values go into one request.
fn at_once(values: &[String]) -> usize {
    let mut bytes = 0;
    let fits = values.iter().rev().take(VALUES_MAX).take_while(|value| {
        bytes += value.len();
        bytes <= REQUEST_BYTES
    });
    fits.count().max(1)
}

fn print(out: &mut impl Write, line: &Line, is_raw: bool) -> io::Result<()> {
    if !is_raw {
        let text = String::from_utf8_lossy(&line.text);
        return writeln!(out, "{}", output::shown(text.trim_end_matches(['\r', '\n'])));
    }
    out.write_all(&line.text)?;
    if line.text.last() == Some(&b'\n') { Ok(()) } else { out.write_all(b"\n") }
}

fn print_json(
    out: &mut impl Write,
    line: &Line,
    found: &[(&String, Rc<Vec<Hit<'static>>>)],
) -> io::Result<()> {
    let text = String::from_utf8_lossy(&line.text);
    let values: Vec<_> = found.iter().map(|(value, hits)| json!({"value": value, "hits": **hits})).collect();
    let told = json!({"line": line.number, "text": text.trim_end_matches(['\r', '\n']), "values": values});
    writeln!(out, "{}", output::escaped(&told.to_string()))
}

const READ_BYTES: usize = 256 * 1024;
/// Bytes of a line that are looked at together.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Lines between the two threads.
const LINES_WAITING: usize = 256;
/// A request is sent once there may be so many values in it, or so many bytes of lines wait for it.
const BATCH_VALUES: usize = 20_000;
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// What a line takes beside its text.
const LINE_COST: usize = 128;
/// Bytes of values in one request.
const REQUEST_BYTES: usize = 2 * 1024 * 1024;
/// What is remembered at most, beside what the batch in work brings.
const KNOWN_BYTES: usize = 32 * 1024 * 1024;
/// What a value takes beside its text, and a hit.
const VALUE_COST: usize = 64;
const HIT_COST: usize = 1_024;
/// So long nothing may come before what is there is asked for.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_long_ones_taken_apart() {
        let (send, lines) = sync_channel(16);
        let long = format!("a.example {} b.example", "x ".repeat(40_000));
        let text = format!("nothing here\nc.example\n{long}\r\nd.example");
        read(&mut BufReader::new(text.as_bytes()), &send).unwrap();
        drop(send);
        let mut is_open = true;
        let batch = gather(&lines, &mut is_open);
        let all: Vec<_> = batch.lines.iter().map(|line| (line.number, line.values.join(" "))).collect();
        let expected = [(2, "c.example"), (3, "a.example"), (3, "b.example"), (4, "d.example")];
        assert_eq!(all, expected.map(|(number, values)| (number, values.to_owned())));
        assert!(!is_open && batch.lines.iter().all(|line| line.text.len() as u64 <= LINE_BYTES_MAX));
    }

    #[test]
    fn lines_are_printed_as_they_came_or_made_harmless_for_a_terminal() {
        let line = Line { number: 1, text: b"a.example \x1b[31m\xff".to_vec(), values: Vec::new() };
        let printed = |is_raw: bool| {
            let mut out = Vec::new();
            print(&mut out, &line, is_raw).unwrap();
            out
        };
        assert_eq!(printed(true), b"a.example \x1b[31m\xff\n");
        assert!(!printed(false).contains(&0x1b));
        let mut out = Vec::new();
        print_json(&mut out, &line, &[]).unwrap();
        let told: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&told["line"], &told["values"]), (&json!(1), &json!([])));
    }
}
