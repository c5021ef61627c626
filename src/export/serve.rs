//! Exports while the hub runs: made anew only when something may have changed.

use super::format::named;
use super::place::{self, Listed, Meta, Place};
use super::run::{ExportError, Job, Made, Part};
use crate::audit::Event;
use crate::audit::event::{Handlings, Served, View};
use crate::policy::Directory;
use crate::registry::Export;
use crate::stix::Timestamp;
use crate::store::{PageCache, Store};
use crate::warning::WarningLists;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All exports of a hub.
pub struct Exports {
    dir: PathBuf,
    url: String,
    lists: Arc<WarningLists>,
    cache: Arc<PageCache>,
    current: Mutex<HashMap<String, Arc<Mutex<Option<Current>>>>>,
}

/// An export as it was last made, and what it was made from.
#[derive(Clone)]
pub struct Current {
    /// Its files.
    pub meta: Arc<Meta>,
    /// Where it is from.
    pub parts: Arc<Vec<Part>>,
    directory: Arc<Directory>,
    turn: u64,
    changes: Option<Timestamp>,
}

impl Exports {
    /// Exports whose files are in this directory; `url` is the hub's.
    pub fn new(dir: PathBuf, url: String, lists: Arc<WarningLists>, cache: Arc<PageCache>) -> Self {
        Self { dir, url, lists, cache, current: Mutex::default() }
    }

    /// The warning lists in force.
    pub fn lists(&self) -> &Arc<WarningLists> {
        &self.lists
    }

    /// Where the files of all exports are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the files of an export are.
    pub fn dir_of(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The export as it is now. Nothing of it is asked of the store, as long as nothing it is made from has
    /// changed. Blocks while it is made.
    pub fn current(
        &self,
        store: &dyn Store,
        directory: &Arc<Directory>,
        export: &Export,
        now: Timestamp,
    ) -> Result<Current, ExportError> {
        let slot = self.current.lock().entry(export.id.clone()).or_default().clone();
        // One makes it, the others wait for it.
        let mut slot = slot.lock();
        let format = format_of(export)?;
        let no_confirmations = Default::default();
        let mut job = Job {
            export,
            format,
            directory,
            lists: &self.lists,
            confirmed: &no_confirmations,
            url: &self.url,
            now,
        };
        let turn = self.cache.turn();
        if let Some(known) = slot.as_mut().filter(|known| known.is_as(&job, store, directory, turn)) {
            // Somebody may have made it by command meanwhile.
            if let Some(meta) =
                place::meta(&self.dir_of(&export.id), &export.id).filter(|meta| *meta != *known.meta)
            {
                known.meta = Arc::new(meta);
            }
            return Ok(known.clone());
        }
        let confirmed = store.confirmed()?;
        job.confirmed = &confirmed;
        let selected = job.select(store)?;
        let (parts, changes) = (Arc::new(selected.parts.clone()), selected.changes);
        let meta = match job.put(&self.dir, selected, false)? {
            Made::Written(meta) | Made::Unchanged(meta) | Made::Tried(meta) => Arc::new(meta),
            Made::Held(before, rows) => {
                tracing::error!(export = %export.id, before, rows, "an export would shrink too much; its old files stay, the new ones are beside them: look at them, then `liaison export run --accept-shrink`");
                let meta = place::meta(&self.dir_of(&export.id), &export.id);
                let gone = || io::Error::other("the old files are gone");
                Arc::new(meta.ok_or_else(|| ExportError::Files(export.id.clone(), gone()))?)
            }
        };
        let current = Current { meta, parts, directory: directory.clone(), turn, changes };
        *slot = Some(current.clone());
        Ok(current)
    }

    /// A file of an export, as the metadata says it is; one that is being replaced just now is waited for.
    pub fn read(&self, export: &str, file: &Listed) -> io::Result<Vec<u8>> {
        let read = || std::fs::read(self.dir_of(export).join(&file.name));
        let is_right = |bytes: &Vec<u8>| place::hex(bytes) == file.sha256;
        let bytes = read()?;
        if is_right(&bytes) {
            return Ok(bytes);
        }
        let _place = Place::take(&self.dir, export)?;
        let replaced = || io::Error::new(io::ErrorKind::Interrupted, "it was replaced meanwhile; ask again");
        read().ok().filter(is_right).ok_or_else(replaced)
    }
}

impl Current {
    fn is_as(&self, job: &Job, store: &dyn Store, directory: &Arc<Directory>, turn: u64) -> bool {
        let is_in_time = self.changes.is_none_or(|changes| job.now < changes);
        if !Arc::ptr_eq(&self.directory, directory) || self.turn != turn || !is_in_time {
            return false;
        }
        let scopes = job.scopes();
        scopes.len() == self.parts.len()
            && scopes.iter().zip(&*self.parts).all(|((collection, scope), part)| {
                part.collection == collection.id
                    && part.newest == store.watermark(&collection.id)
                    && part.visible == store.visibility(scope.scope())
            })
    }
}

/// What the audit log is told when somebody receives an export.
pub fn served_event(
    part: &Part,
    (by, key): (&str, &str),
    objects: u64,
    now: Timestamp,
    (log_from, log_to): (u64, u64),
) -> Event {
    let newest = part.newest.unwrap_or(Timestamp::from_micros(0)).to_string();
    Event::Served(Box::new(Served {
        by: by.to_owned(),
        key: key.to_owned(),
        collection: part.collection.clone(),
        view: View::Export,
        filter: BTreeMap::from([("version".to_owned(), serde_json::json!(["last"]))]),
        first: part.newest.map(|_| Timestamp::from_micros(0).to_string()),
        last: part.newest.map(|newest| newest.to_string()),
        objects,
        pages: 1,
        visible: Handlings::of_bits(&part.visible),
        newest,
        log_from,
        log_to,
        until: now.to_string(),
    }))
}

/// The format that an export names.
pub fn format_of(export: &Export) -> Result<&'static dyn super::Format, ExportError> {
    let unknown = || {
        let what = format!("there is no format `{}`; `liaison export formats` lists them", export.format);
        ExportError::Declared(export.id.clone(), what)
    };
    named(&export.format).ok_or_else(unknown)
}

/// What is wrong with the exports of a registry beyond its own checks: formats and their options.
pub fn check(registry: &crate::registry::Registry) -> Vec<String> {
    let wrong = |export: &Export| -> Option<String> {
        let format = match format_of(export) {
            Ok(format) => format,
            Err(error) => return Some(error.to_string()),
        };
        let options = format.check(&export.options).err();
        let types: Vec<&str> = crate::stix::atom::Kind::ALL.iter().map(|kind| kind.object_type()).collect();
        let strange = export.types.iter().flatten().find(|name| !types.contains(&name.as_str()));
        let strange = strange.filter(|_| !format.takes_objects());
        let strange = strange.map(|name| format!("types names `{name}`, of which no values are kept"));
        options.or(strange).map(|what| format!("export {}: {what}", export.id))
    };
    registry.exports.iter().filter_map(wrong).collect()
}
