//! The Python validator on some of the same objects.

use anyhow::Context;
use liaison::stix::json;
use std::path::Path;
use std::process::{Command, Stdio};

/// Objects a second, the time to start the interpreter and to load the schemas not counted.
pub(crate) fn objects_per_second(python: &Path, text: &[u8], sample: usize) -> anyhow::Result<f64> {
    let read = json::read(text.to_vec(), |_| ())?;
    let items = read.root.items.context("the file is no bundle")?;
    let step = (items.len() / sample).max(1);
    let mut lines = Vec::new();
    for item in items.iter().step_by(step) {
        lines.extend_from_slice(&read.text[item.range.clone()]);
        lines.push(b'\n');
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), lines)?;
    let done = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(file.path())
        .stderr(Stdio::null())
        .output()
        .with_context(|| python.display().to_string())?;
    anyhow::ensure!(done.status.success(), "it ended with {}", done.status);
    String::from_utf8(done.stdout)?.trim().parse().context("no number came back")
}

const SCRIPT: &str = "
import json, sys, time
from stix2validator import ValidationOptions, validate_instance
objects = [json.loads(line) for line in open(sys.argv[1])]
options = ValidationOptions(version='2.1')
validate_instance(objects[0], options)
started = time.perf_counter()
for found in objects:
    validate_instance(found, options)
print(len(objects) / (time.perf_counter() - started))
";
