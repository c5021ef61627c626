//! Where files are, which there are, and what is in them.

use super::super::super::{Fault, Position};
use crate::client::{Answer, Client, ClientError};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use url::Url;

/// Where files are.
pub enum Origin {
    /// A file, or a directory of files.
    Path(PathBuf),
    /// A file of a web server.
    Web(Client, Url),
    /// A feed of MISP: `manifest.json`, and a file for each event.
    Feed(Client, Url),
}

/// A file that may be read in this run.
pub(super) struct Entry {
    /// What it is called in positions.
    pub(super) name: String,
    at: At,
    /// What it is known by, as far as that is told before it is read.
    tag: Option<String>,
}

enum At {
    Path(PathBuf),
    Url(Url),
    /// It cannot be had, and why.
    Nowhere(String),
}

/// A file that was read.
pub(super) struct Input {
    pub(super) name: String,
    /// What it is known by: of events what the manifest says, of others the hash of its content.
    pub(super) tag: String,
    pub(super) bytes: Vec<u8>,
    pub(super) etag: Option<String>,
    /// What errors call it.
    pub(super) place: String,
    /// It was served as a page for people.
    pub(super) is_page: bool,
}

impl Origin {
    /// What errors call the whole.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Web(_, url) | Self::Feed(_, url) => url.to_string(),
        }
    }

    /// May there be several files, so that one that is wrong is no reason to read none?
    pub(super) fn is_many(&self) -> bool {
        match self {
            Self::Path(path) => path.is_dir(),
            Self::Web(..) => false,
            Self::Feed(..) => true,
        }
    }

    /// All files that may have changed, in order.
    pub(super) fn list(&self, runtime: &Runtime, position: &Position) -> Result<VecDeque<Entry>, Fault> {
        match self {
            Self::Path(path) => Ok(paths(path)?
                .into_iter()
                .map(|path| Entry { name: path.display().to_string(), at: At::Path(path), tag: None })
                .collect()),
            Self::Web(_, url) => {
                Ok(VecDeque::from([Entry { name: url.to_string(), at: At::Url(url.clone()), tag: None }]))
            }
            Self::Feed(client, base) => {
                let manifest = client.within(&format!("{base}manifest.json"))?;
                let answer = whole(runtime, client, &manifest, None)?;
                let answer = answer.ok_or_else(|| unasked(&manifest))?;
                let events = events(&answer.body)
                    .map_err(|what| Fault::Lasting(format!("{manifest}: {}", short(&what))))?;
                let is_known = |event: &Entry| {
                    event.tag.is_some() && position.seen.get(&event.name) == event.tag.as_ref()
                };
                let entries = events.into_iter().map(|(id, event)| entry(client, base, id, event));
                Ok(entries.filter(|event| !is_known(event)).collect())
            }
        }
    }

    /// Reads a file; nothing if it is as it was.
    pub(super) fn read(
        &self,
        runtime: &Runtime,
        entry: Entry,
        position: &Position,
    ) -> Result<Option<Input>, Fault> {
        let Entry { name, at, tag } = entry;
        let known = position.seen.get(&name);
        let (bytes, etag, place, is_page) = match (at, self) {
            (At::Nowhere(why), _) => return Err(Fault::Lasting(why)),
            (At::Path(path), _) => (read(&path)?, None, path.display().to_string(), false),
            (At::Url(url), Self::Web(client, _) | Self::Feed(client, _)) => {
                let etag = position.seen.get(ETAG_KEY).filter(|_| known.is_some() && tag.is_none());
                let Some(answer) = whole(runtime, client, &url, etag.map(String::as_str))? else {
                    return Ok(None);
                };
                let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok());
                let is_page =
                    text(CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("text/html"));
                let etag = text(ETAG).map(str::to_owned).filter(|_| tag.is_none());
                (answer.body.into(), etag, url.to_string(), is_page)
            }
            (At::Url(url), Self::Path(_)) => return Err(Fault::Lasting(format!("{url} is no path"))),
        };
        let tag = tag.unwrap_or_else(|| hex(&bytes));
        Ok((known != Some(&tag)).then_some(Input { name, tag, bytes, etag, place, is_page }))
    }
}

/// The whole of what a server has under a URL; nothing if it is as it was. Errors name the URL.
fn whole(runtime: &Runtime, client: &Client, url: &Url, etag: Option<&str>) -> Result<Option<Answer>, Fault> {
    let asked: Vec<_> = etag.map(|etag| (IF_NONE_MATCH, etag)).into_iter().collect();
    let answer = runtime.block_on(client.fetch(url, "*/*", &asked)).map_err(|error| named(url, error))?;
    match answer.status {
        StatusCode::OK => Ok(Some(answer)),
        StatusCode::NOT_MODIFIED if etag.is_some() => Ok(None),
        StatusCode::NOT_MODIFIED => Err(unasked(url)),
        status => Err(Fault::Lasting(format!(
            "{url}: the server answers {}, which is not the file",
            status.as_u16()
        ))),
    }
}

fn unasked(url: &Url) -> Fault {
    Fault::Lasting(format!(
        "{url}: the server answers 304, though the file was asked for without a condition"
    ))
}

/// In a feed the server alone says little; and a file is no TAXII.
fn named(url: &Url, error: ClientError) -> Fault {
    match error {
        ClientError::Protocol(_, what) => Fault::Lasting(format!("{url}: {what}")),
        error => match Fault::from(error) {
            Fault::Passing { what, retry_after } if !what.contains(url.as_str()) => {
                Fault::Passing { what: format!("{url}: {what}"), retry_after }
            }
            fault => fault,
        },
    }
}

/// The events that a manifest lists.
fn events(manifest: &[u8]) -> Result<BTreeMap<String, &RawValue>, String> {
    serde_json::from_slice(manifest).map_err(|error| format!("no manifest of a feed: {error}"))
}

fn entry(client: &Client, base: &Url, id: String, event: &RawValue) -> Entry {
    #[derive(Deserialize)]
    struct Event {
        #[serde(default)]
        timestamp: Value,
    }
    let nowhere = |name: &str, why: &str| Entry {
        name: name.to_owned(),
        at: At::Nowhere(format!("{base}manifest.json: `{}` {why}", short(name))),
        tag: None,
    };
    let Ok(uuid) = uuid::Uuid::parse_str(&id) else { return nowhere(&id, "is no UUID") };
    let name = uuid.to_string();
    let Ok(event) = serde_json::from_str::<Event>(event.get()) else {
        return nowhere(&name, "is listed without what is known of it");
    };
    // Whatever it is: what is told again just so has not changed.
    let tag = event.timestamp.to_string();
    let tag = if tag.len() > TAG_MAX { hex(tag.as_bytes()) } else { tag };
    match client.within(&format!("{base}{uuid}.json")) {
        Ok(url) => Entry { name, at: At::Url(url), tag: Some(tag) },
        Err(error) => nowhere(&name, &error.to_string()),
    }
}

/// A file, or those of a directory in the order of their names; hidden and half-written ones are not looked at.
fn paths(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    let wrong = |error: std::io::Error| Fault::passing(format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(wrong)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(".");
        let is_half = name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part");
        if !is_half && path.is_file() {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::Lasting(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| wrong(&error))?;
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
    match bytes.len() as u64 > BYTES_MAX {
        true => Err(wrong(&format!("larger than {BYTES_MAX} bytes"))),
        false => Ok(bytes),
    }
}

/// As much of a text of others as an error needs.
pub(super) fn short(text: &str) -> String {
    let mut short: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn hex(bytes: &[u8]) -> String {
    crate::store::sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) const ETAG_KEY: &str = "etag";
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of what a manifest says of an event's time.
const TAG_MAX: usize = 40;
const TEXT_CHARS_MAX: usize = 200;
