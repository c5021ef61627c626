//! Where the files of an export stand: a directory of its own, replaced file by file, never half a file
//! (export formats §1).

use super::format::{File, Files};
use super::row::{About, seconds};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What `NAME.meta.json` says of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Its name.
    pub name: String,
    /// Its format.
    pub format: String,
    /// When what is in it last changed.
    pub generated: String,
    /// On whose behalf.
    pub organisation: String,
    /// Where it comes from.
    pub collections: Vec<String>,
    /// The highest level in it.
    pub tlp: String,
    /// The most restricted use in it at most.
    pub pap_max: String,
    /// What it may be used for.
    pub purposes: Vec<String>,
    /// What its readers must know besides.
    pub caveats: Vec<String>,
    /// Values, rules or objects.
    pub rows: usize,
    /// What was left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// SHA-256 of what the registry let it hold: what the registry takes away goes at once.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rights: String,
    /// Its files; the first is the main one.
    pub files: Vec<Listed>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes.
    pub bytes: usize,
    /// How many values, rules or objects.
    pub rows: usize,
    /// For the writer alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_state: bool,
}

/// The directory of one export, which nobody else writes meanwhile.
pub struct Place {
    dir: PathBuf,
    name: String,
    _lock: fs::File,
}

impl Place {
    /// Takes the directory, and makes it if it is not there; waits for whoever writes there.
    pub fn take(exports: &Path, name: &str) -> io::Result<Self> {
        let dir = exports.join(name);
        fs::create_dir_all(&dir)?;
        let lock = fs::File::create(dir.join(".lock"))?;
        lock.lock()?;
        Ok(Self { dir, name: name.to_owned(), _lock: lock })
    }

    /// What was written last, if anything was.
    pub fn meta(&self) -> Option<Meta> {
        meta(&self.dir, &self.name)
    }

    /// A file as it was last written.
    pub fn previous(&self, name: &str) -> Option<Vec<u8>> {
        let is_name = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
        is_name.then(|| fs::read(self.dir.join(name)).ok()).flatten()
    }

    /// Is this what stands there already?
    pub fn is_as(&self, meta: &Meta, files: &Files) -> bool {
        let same = |file: &File| self.previous(&file.name).is_some_and(|bytes| bytes == file.bytes);
        meta.files.len() == files.files.len() && files.files.iter().all(same)
    }

    /// Puts new files in the place of the old ones, and takes away those that are no more.
    pub fn replace(&self, meta: &Meta, files: &Files) -> io::Result<()> {
        let before = self.meta();
        for (file, listed) in files.files.iter().zip(&meta.files) {
            self.put(&file.name, &file.bytes)?;
            if !file.is_state {
                let name = format!("{}.sha256", listed.name);
                self.put(&name, meta.checksum(&name).unwrap_or_default().as_bytes())?;
            }
        }
        // Last: what it says is there, is there.
        let text = serde_json::to_vec_pretty(meta)?;
        self.put(&format!("{}.meta.json", self.name), &text)?;
        let stays = |name: &str| meta.files.iter().any(|file| file.name == name);
        for gone in before.into_iter().flat_map(|before| before.files).filter(|file| !stays(&file.name)) {
            let _ = fs::remove_file(self.dir.join(&gone.name));
            let _ = fs::remove_file(self.dir.join(format!("{}.sha256", gone.name)));
        }
        self.forget_held()?;
        fs::File::open(&self.dir)?.sync_all()
    }

    /// Keeps new files beside the old ones, until somebody has looked at them.
    pub fn hold(&self, files: &Files) -> io::Result<()> {
        self.forget_held()?;
        for file in files.files.iter().filter(|file| !file.is_state) {
            self.put(&format!("{}.held", file.name), &file.bytes)?;
        }
        Ok(())
    }

    /// Takes away what was held back: it is not wanted any more.
    pub fn forget_held(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "held") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// A whole file or none: written beside, synced, renamed; for its owner and group only.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = self.dir.join(format!(".{name}.new"));
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o640).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(beside, self.dir.join(name))
    }
}

/// What was last written of an export, if anything was.
pub fn meta(dir: &Path, name: &str) -> Option<Meta> {
    serde_json::from_slice(&fs::read(dir.join(format!("{name}.meta.json"))).ok()?).ok()
}

impl Meta {
    /// Of files that were written.
    pub(super) fn of(about: &About, format: &str, organisation: &str, files: &Files) -> Self {
        let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
        for (reason, count) in about.left_out.iter().chain(&files.left_out) {
            *left_out.entry((*reason).to_owned()).or_default() += count;
        }
        let listed = |file: &File| Listed {
            name: file.name.clone(),
            media_type: file.media_type.to_owned(),
            sha256: hex(&file.bytes),
            bytes: file.bytes.len(),
            rows: file.rows,
            is_state: file.is_state,
        };
        Self {
            name: about.name.clone(),
            format: format.to_owned(),
            generated: seconds(about.generated),
            organisation: organisation.to_owned(),
            collections: about.collections.clone(),
            tlp: about.tlp_write.word(about.tlp).to_owned(),
            pap_max: about.pap_max.name().to_owned(),
            purposes: about.purposes.clone(),
            caveats: about.caveats.clone(),
            rows: 0,
            left_out,
            rights: String::new(),
            files: files.files.iter().map(listed).collect(),
        }
    }

    /// What the file with the checksum of a file holds, if it is the name of such a one.
    pub fn checksum(&self, name: &str) -> Option<String> {
        let of = name.strip_suffix(".sha256")?;
        let file = self.files.iter().find(|file| file.name == of && !file.is_state)?;
        Some(format!("{}  {}\n", file.sha256, file.name))
    }

    /// The file of this name that is served; the main file without one.
    pub fn file(&self, name: Option<&str>) -> Option<&Listed> {
        let mut served = self.files.iter().filter(|file| !file.is_state);
        served.find(|file| name.is_none_or(|name| file.name == name))
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digest = crate::store::sha256(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[(&str, &str)]) -> Files {
        let mut files = Files::default();
        names.iter().for_each(|(name, text)| files.add(*name, "text/plain", *text, 1));
        files
    }

    fn meta_of(files: &Files) -> Meta {
        let about = About {
            name: "soc".to_owned(),
            collections: Vec::new(),
            tlp: crate::stix::Tlp::Green,
            pap_max: crate::stix::marking::Pap::Green,
            purposes: Vec::new(),
            caveats: Vec::new(),
            generated: crate::stix::Timestamp::from_micros(0),
            left_out: BTreeMap::new(),
            url: String::new(),
            tlp_write: super::super::row::TlpWrite::Two,
        };
        Meta::of(&about, "list", "cert-a", files)
    }

    #[test]
    fn files_are_replaced_whole_and_what_is_no_more_goes() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::take(dir.path(), "soc").unwrap();
        let (first, second) = (files(&[("a.txt", "1\n"), ("b.txt", "2\n")]), files(&[("a.txt", "3\n")]));
        place.replace(&meta_of(&first), &first).unwrap();
        assert!(place.is_as(&place.meta().unwrap(), &first) && !place.is_as(&meta_of(&first), &second));
        place.hold(&second).unwrap();
        assert_eq!(place.previous("a.txt").unwrap(), b"1\n");
        assert_eq!(place.previous("a.txt.held").unwrap(), b"3\n");
        place.replace(&meta_of(&second), &second).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(dir.path().join("soc")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".lock", "a.txt", "a.txt.sha256", "soc.meta.json"]);
        assert_eq!(place.previous("../soc/a.txt"), None);
    }
}
