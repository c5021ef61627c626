//! What `publish` reads: bundles, envelopes, single objects, or JSON lines of these; packed or not.

use super::super::output::{Exit, stop};
use crate::stix::json::{self, Document};
use bytes::Bytes;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One object as it will be sent.
pub(in crate::cli) struct Item {
    /// Where it came from, until the server calls it by its id.
    pub(in crate::cli) name: String,
    /// Its text.
    pub(in crate::cli) json: Bytes,
}

/// Reads every file before anything is sent, so that a broken one stops the command early.
pub(in crate::cli) fn read_all(files: &[PathBuf]) -> anyhow::Result<Vec<Item>> {
    let mut items = Vec::new();
    for file in files {
        let name =
            if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
        let text = load(file, &name)?;
        parse(&name, text, &mut items)?;
    }
    match items.is_empty() {
        true => Err(stop(Exit::BadData, "there is no object in the input")),
        false => Ok(items),
    }
}

fn load(file: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let bad = |error: std::io::Error| stop(Exit::BadData, format!("cannot read {name}: {error}"));
    let mut raw = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut raw).map_err(bad)?;
    } else {
        raw = std::fs::read(file).map_err(bad)?;
    }
    if !raw.starts_with(GZIP) {
        return Ok(raw);
    }
    let mut text = Vec::with_capacity(unpacked_hint(&raw));
    let unpacked =
        flate2::read::MultiGzDecoder::new(raw.as_slice()).take(UNPACKED_MAX_BYTES + 1).read_to_end(&mut text);
    match unpacked.map_err(bad)? as u64 > UNPACKED_MAX_BYTES {
        true => Err(stop(
            Exit::BadData,
            format!("{name} is larger than {UNPACKED_MAX_BYTES} bytes unpacked; split it"),
        )),
        false => Ok(text),
    }
}

/// What a gzip file says of its length, so that the text need not move as it grows. It may be
/// wrong, or another file may follow; then the text moves after all.
fn unpacked_hint(raw: &[u8]) -> usize {
    let said = raw.last_chunk().map_or(0, |last| u32::from_le_bytes(*last) as usize);
    said.min(raw.len().saturating_mul(UNPACKED_HINT_RATIO))
}

fn parse(name: &str, text: Vec<u8>, items: &mut Vec<Item>) -> anyhow::Result<()> {
    if !is_lines(&text) {
        let document = json::read(text).map_err(|error| stop(Exit::BadData, format!("{name}: {error}")))?;
        return take(name, document, items);
    }
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let place = format!("{name} line {}", at + 1);
        let document =
            json::read(line.to_vec()).map_err(|error| stop(Exit::BadData, format!("{place}: {error}")))?;
        take(&place, document, items)?;
    }
    Ok(())
}

/// JSON lines: the first line is a document of its own, and something follows it.
fn is_lines(text: &[u8]) -> bool {
    let Some(end) = text.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let follows = text[end..].iter().any(|byte| !byte.is_ascii_whitespace());
    follows && json::read(text[..end].to_vec()).is_ok()
}

/// The objects of a bundle or an envelope, or the object that the document is.
fn take(name: &str, document: Document, items: &mut Vec<Item>) -> anyhow::Result<()> {
    if !document.root.is_object {
        return Err(stop(Exit::BadData, format!("{name}: expected a STIX bundle, an envelope or an object")));
    }
    let Some(found) = &document.items else {
        let is_container = document.member(&document.root, "type").is_none_or(|found| found == b"\"bundle\"");
        if is_container {
            return Err(stop(
                Exit::BadData,
                format!("{name}: expected a list `objects`, or an object with a `type`"),
            ));
        }
        items.push(Item { name: name.to_owned(), json: document.text.clone() });
        return Ok(());
    };
    for (at, item) in found.iter().enumerate() {
        let id = document.member(item, "id").and_then(|raw| serde_json::from_slice(raw).ok());
        items.push(Item {
            name: id.unwrap_or_else(|| format!("{name} objects[{at}]")),
            json: document.text.slice(item.range.clone()),
        });
    }
    Ok(())
}

const GZIP: &[u8] = &[0x1f, 0x8b];
/// JSON seldom packs better than this.
const UNPACKED_HINT_RATIO: usize = 64;
const UNPACKED_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
