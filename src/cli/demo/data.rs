//! The demo's data: what is published, and what came out of it.

use crate::clock::Clock;
use crate::stix::{Tlp as Marking, json};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;

/// Levels as the demo counts them.
pub(super) type Level = Marking;
/// How many objects of each level.
pub(super) type Counts = BTreeMap<Marking, usize>;

const DATASET: &str = include_str!("dataset.json");
const REPLY: &str = include_str!("reply.json");

/// Writes the bundles to files, so that the commands shown can be typed again.
pub(super) fn write(dir: &Path) -> anyhow::Result<()> {
    let folder = dir.join("data");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    std::fs::write(folder.join("dataset.json"), DATASET)?;
    std::fs::write(folder.join("reply.json"), REPLY)?;
    Ok(())
}

/// Writes an indicator that is new now; the answer is its file.
pub(super) fn write_fresh(dir: &Path) -> anyhow::Result<String> {
    let now = Clock::system().now().to_string();
    let now = format!("{}Z", &now[..23]);
    let indicator = serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid::Uuid::new_v4()),
        "created_by_ref": "identity--7c2e9a64-52cb-4a41-9d53-b1c1e9a0c0aa",
        "created": now, "modified": now, "valid_from": now,
        "name": "Sign-on page copied from the Ministry of Finance, seen minutes ago",
        "indicator_types": ["malicious-activity"], "pattern_type": "stix",
        "pattern": "[domain-name:value = 'sign-on.finance.example.net']",
        "object_marking_refs": [Marking::Green.marking_id()],
    });
    let path = dir.join("data/fresh.json");
    std::fs::write(&path, indicator.to_string())?;
    Ok(path.display().to_string())
}

/// Lines of a file; none if it is not there.
pub(super) fn count_lines(path: &Path) -> anyhow::Result<usize> {
    match std::fs::read(path) {
        Ok(text) => Ok(text.iter().filter(|byte| **byte == b'\n').count()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Objects of a JSON lines file, by level.
pub(super) fn count(path: &Path) -> anyhow::Result<Counts> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut counts = Counts::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        add(&mut counts, line)?;
    }
    Ok(counts)
}

/// Objects of a directory, by level.
pub(super) fn count_directory(dir: &Path) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => add(&mut counts, &std::fs::read(&path)?)?,
            }
        }
    }
    Ok(counts)
}

/// Counts in words.
pub(super) fn describe(counts: &Counts) -> String {
    let total: usize = counts.values().sum();
    let levels: Vec<String> = counts.iter().map(|(level, count)| format!("{count} {level}")).collect();
    format!("{total} objects: {}", levels.join(", "))
}

/// Counts an object; one without a marking counts as the collection has it, AMBER.
fn add(counts: &mut Counts, text: &[u8]) -> anyhow::Result<()> {
    let level = |seen: json::Seen| {
        let refs = seen.value.member("object_marking_refs")?;
        refs.items().filter_map(|id| Marking::of_marking(&id.text()?)).max()
    };
    let level = json::read(text.to_vec(), level)?.root.part.seen;
    *counts.entry(level.unwrap_or(Marking::Amber)).or_default() += 1;
    Ok(())
}
