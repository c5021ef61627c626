//! Exports of a large collection, and what asking for one costs when nothing is new.

use crate::args::Args;
use crate::http::{Connection, Target};
use crate::hub::{Hub, liaison};
use crate::insert::fill_with;
use crate::load::median;
use crate::report::{Report, Target as Bound, number};
use anyhow::Context;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;
use tokio::runtime::Runtime;

/// Fills a hub with objects of which one in five is in force, and exports the values of one kind of these.
pub(crate) fn measure(
    args: &Args,
    runtime: &Runtime,
    hubs: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let [_, objects] = args.sizes()?;
    let dir = hubs.join("exports-hub");
    let hub = if dir.exists() { Hub::reopen(&dir)? } else { Hub::create(&dir)? };
    let there = hub.objects()?;
    if there < objects {
        fill_with(runtime, &hub, [there, objects], IN_FORCE, report)?;
    }
    declare(&hub)?;
    for (format, bound) in FORMATS {
        let mut seconds = Vec::new();
        let mut rows = 0;
        for _ in 0..args.rounds().div_ceil(3).max(2) {
            let _ = std::fs::remove_dir_all(dir.join("exports").join(format));
            let started = Instant::now();
            let done = liaison()
                .args(["export", "run", format, "--json", "--config"])
                .arg(dir.join("liaison.toml"))
                .stderr(Stdio::inherit())
                .output()?;
            seconds.push(started.elapsed().as_secs_f64());
            anyhow::ensure!(done.status.success(), "liaison export run {format} failed");
            let told: serde_json::Value = serde_json::from_slice(&done.stdout)?;
            rows = told[0]["meta"]["rows"].as_u64().context("no rows")?;
        }
        anyhow::ensure!(rows == objects / IN_FORCE, "{format}: {rows} rows");
        let name = format!(
            "export {} values as {format} from {} objects: seconds, the whole command",
            number(rows as f64),
            number(objects as f64)
        );
        let best = median(seconds.into_iter());
        report.ratio(&name, [format!("{best:.2}"), "2.00".to_owned()], best / 2.0, bound, false);
    }
    unchanged(runtime, &hub, report)
}

/// Asks a server again and again for an export that is as it was.
fn unchanged(runtime: &Runtime, hub: &Hub, report: &mut Report) -> anyhow::Result<()> {
    let server = hub.start(&[])?;
    let mut connection = runtime.block_on(Connection::open(&Target::new(hub, "cert-a", "feed")?))?;
    let get = |tag: &str| {
        format!("GET /liaison/v1/export/list HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {tag}\r\n\r\n")
            .into_bytes()
    };
    let listed = std::fs::read_to_string(hub.dir.join("exports/list/list.meta.json"))?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let tag = format!("\"{}\"", listed["files"][0]["sha256"].as_str().context("no checksum")?);
    let mut micros = Vec::new();
    for _ in 0..ASKED {
        let started = Instant::now();
        let status = runtime.block_on(connection.exchange(&get(&tag)))?.status;
        anyhow::ensure!(status == 304, "status {status}");
        micros.push(started.elapsed().as_secs_f64() * 1e6);
    }
    // The first one had to find out whether anything was new.
    let first = micros.remove(0) / 1e6;
    let name = "asking for an export that is as it was: µs; seconds the first time";
    report.fact(name, [format!("{}; {first:.2}", number(median(micros.into_iter()))), String::new()], None);
    server.stop()
}

/// Declares an export of each format for the organisation that reads most.
fn declare(hub: &Hub) -> anyhow::Result<()> {
    let path = hub.dir.join("registry.toml");
    let text = std::fs::read_to_string(&path)?;
    if text.contains("\n[[export]]\n") {
        return Ok(());
    }
    let registry: toml::Table = text.parse()?;
    let collection = registry["agreement"][0]["collection"][0]["id"].as_str().context("no collection")?;
    let exports: String = FORMATS
        .iter()
        .map(|(format, _)| {
            let types = if *format == "ndjson" { "" } else { "types = [\"domain-name\"]\n" };
            format!("\n[[export]]\nid = \"{format}\"\norganisation = \"cert-a\"\ncollections = [\"{collection}\"]\nformat = \"{format}\"\ntlp_max = \"AMBER\"\n{types}")
        })
        .collect();
    std::fs::write(&path, text + &exports)?;
    hub.tool(&["registry", "apply", path.to_str().context("a strange path")?])
}

/// Of so many objects one is in force.
const IN_FORCE: u64 = 5;
const FORMATS: [(&str, Option<Bound>); 7] = [
    ("list", Some(Bound::AtMost(1.0))),
    ("rpz", Some(Bound::AtMost(1.0))),
    ("squid", Some(Bound::AtMost(1.0))),
    ("csv", None),
    ("ecs", None),
    ("misp", None),
    ("ndjson", None),
];
/// Times an unchanged export is asked for.
const ASKED: usize = 200;
