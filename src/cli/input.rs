//! Files of STIX content: documents one after the other, as in JSON lines, packed with gzip or not.

use super::output::{Exit, stop};
use crate::stix::json::{self, Documents, Seen};
use anyhow::Context;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::mpsc;

/// What a file is called in messages.
pub(super) fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Reads all documents of a file; `-` is standard input. Unpacking and reading take turns on two
/// processors.
pub(super) fn documents<T>(file: &Path, visit: impl FnMut(Seen) -> T) -> anyhow::Result<Documents<T>> {
    documents_after(file, Vec::new(), visit)
}

/// The same where this much of standard input was read already.
pub(super) fn documents_after<T>(
    file: &Path,
    head: Vec<u8>,
    visit: impl FnMut(Seen) -> T,
) -> anyhow::Result<Documents<T>> {
    let name = name(file);
    std::thread::scope(|scope| {
        let (chunks, received) = mpsc::sync_channel::<Vec<u8>>(CHUNKS_AHEAD);
        let reader = scope.spawn(move || send(file, head, &chunks));
        let mut more = |text: &mut Vec<u8>| match received.recv() {
            Ok(chunk) => {
                text.reserve(chunk.capacity());
                text.extend_from_slice(&chunk);
                true
            }
            Err(mpsc::RecvError) => false,
        };
        let documents = json::read_all(&mut more, visit);
        drop(received);
        let sent = reader.join().unwrap_or_else(|_| Err(std::io::Error::other("the reading thread failed")));
        sent.with_context(|| format!("cannot read {name}"))
            .map_err(|error| stop(Exit::BadData, format!("{error:#}")))?;
        documents.map_err(|error| {
            let place = if error.line > 1 { format!("{name} line {}", error.line) } else { name };
            stop(Exit::BadData, format!("{place}: {error}"))
        })
    })
}

/// Sends the text of a file in chunks; the first announces by its capacity how much will come.
fn send(file: &Path, head: Vec<u8>, chunks: &mpsc::SyncSender<Vec<u8>>) -> std::io::Result<()> {
    let (input, hint): (Box<dyn Read>, usize) = match file == Path::new("-") {
        true => (Box::new(Cursor::new(head).chain(std::io::stdin())), 0),
        false => {
            let mut file = File::open(file)?;
            let hint = unpacked_hint(&mut file)?;
            (Box::new(file), hint)
        }
    };
    let mut input = BufReader::with_capacity(CHUNK_BYTES, input);
    let mut text: Box<dyn Read> = match input.fill_buf()?.starts_with(GZIP) {
        true => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        false => Box::new(input),
    };
    let mut capacity = hint.max(CHUNK_BYTES);
    loop {
        let mut chunk = Vec::with_capacity(capacity);
        text.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        // A receiver that has gone has found the text broken and says so itself.
        if chunk.is_empty() || chunks.send(chunk).is_err() {
            return Ok(());
        }
        capacity = CHUNK_BYTES;
    }
}

/// How long the text will be, so that it need not move as it grows. What a gzip file says of it
/// may be wrong, or another may follow; then the text moves after all.
fn unpacked_hint(file: &mut File) -> std::io::Result<usize> {
    let length = file.metadata()?.len();
    let mut ends = [0; 4];
    if length < 18 {
        return Ok(0);
    }
    file.read_exact(&mut ends)?;
    let is_packed = ends.starts_with(GZIP);
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut ends)?;
    file.rewind()?;
    let said = if is_packed { u64::from(u32::from_le_bytes(ends)) } else { length };
    Ok(usize::try_from(said.min(length.saturating_mul(UNPACKED_HINT_RATIO))).unwrap_or(0))
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const CHUNK_BYTES: usize = 256 * 1024;
const CHUNKS_AHEAD: usize = 4;
/// JSON seldom packs better than this.
const UNPACKED_HINT_RATIO: u64 = 64;
