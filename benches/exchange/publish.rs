//! One client publishes a large file, beside a raw insert of the rows that come of it.

use crate::args::Args;
use crate::hub::{Hub, liaison};
use crate::load::median;
use crate::objects::Indicators;
use crate::report::{Report, Target, number};
use anyhow::Context;
use liaison::clock::Clock;
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

/// Publishes to a fresh hub and inserts into a fresh database, in turns.
pub(crate) fn measure(args: &Args, scratch: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (name, file) = match args.attack() {
        Some(file) => ("ATT&CK enterprise", file),
        None => ("a synthetic file of the size of ATT&CK", synthetic(scratch)?),
    };
    let mut rounds = Vec::new();
    let mut count = 0;
    for round in 0..=args.rounds().div_ceil(2) {
        let dir = scratch.join("publish");
        let hub = Hub::create(&dir)?;
        let (seconds, cpu) = through_hub(&hub, &file, report)?;
        let rows = Rows::load(&hub.database()?)?;
        count = rows.objects.len();
        let raw = rows.insert(&dir.join("raw.db"))?;
        std::fs::remove_dir_all(&dir)?;
        // The first one brings file and program into memory.
        if round > 0 {
            rounds.push((seconds, cpu, raw));
        }
    }
    let per_second = |seconds: f64| number(count as f64 / seconds);
    let seconds = [median(rounds.iter().map(|round| round.0)), median(rounds.iter().map(|round| round.2))];
    let ratio = median(rounds.iter().map(|(seconds, _, raw)| raw / seconds));
    let title = format!("one client publishes {name}, {} objects: objects/s", number(count as f64));
    // Both sides wait for the disk, and so it may be asked of a short run too.
    report.ratio(&title, seconds.map(per_second), ratio, Some(Target::AtLeast(0.35)), true);
    let cpu = median(rounds.iter().map(|round| round.1)) * 1e6 / count as f64;
    report.fact("of that, server CPU, µs/object", [number(cpu), String::new()], None);
    Ok(())
}

/// Seconds from starting `liaison publish` to its end, and processor seconds of the server.
fn through_hub(hub: &Hub, file: &Path, report: &mut Report) -> anyhow::Result<(f64, f64)> {
    let server = hub.start(&[])?;
    let before = server.cpu_seconds()?;
    let started = Instant::now();
    let mut command = liaison();
    command.args(["publish", "--collection", "indicators", "--profile"]).arg(hub.publisher()).arg(file);
    let done = command.stdout(Stdio::null()).status()?;
    let seconds = started.elapsed().as_secs_f64();
    anyhow::ensure!(done.success(), "liaison publish ended with {done}");
    let cpu = server.cpu_seconds()? - before;
    report.note_memory("one client publishes", server.pid())?;
    server.stop()?;
    Ok((seconds, cpu))
}

/// What a hub has written for the objects. The index by id is written later, in large sorted
/// portions; so it is left out here too, which makes the raw insert faster and the ratio stricter.
struct Rows {
    objects: Vec<Vec<Value>>,
    log: Vec<Vec<Value>>,
}

impl Rows {
    fn load(database: &Connection) -> anyhow::Result<Self> {
        let all = |sql: &str| -> anyhow::Result<Vec<Vec<Value>>> {
            let mut statement = database.prepare(sql)?;
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        let merged: i64 = database.query_row("SELECT count(*) FROM by_id", [], |row| row.get(0))?;
        anyhow::ensure!(merged == 0, "the index by id has been written already");
        Ok(Self {
            objects: all("SELECT seq, coll, added, id, version, sha256, json FROM object ORDER BY seq")?,
            log: all("SELECT coll, added, class, seq, version_key FROM log ORDER BY seq")?,
        })
    }

    /// Seconds that inserting takes, with every commit on disk.
    fn insert(&self, path: &Path) -> anyhow::Result<f64> {
        let mut database = Connection::open(path)?;
        // As `src/store/sqlite/open.rs` has it.
        database.execute_batch(
            "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
        )?;
        database.execute_batch(SCHEMA)?;
        let started = Instant::now();
        for (objects, log) in self.objects.chunks(ROWS_PER_COMMIT).zip(self.log.chunks(ROWS_PER_COMMIT)) {
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO object VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
                let mut insert_log =
                    transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5)")?;
                for (object, log) in objects.iter().zip(log) {
                    insert.execute(params_from_iter(object))?;
                    insert_log.execute(params_from_iter(log))?;
                }
            }
            transaction.commit()?;
        }
        Ok(started.elapsed().as_secs_f64())
    }
}

/// For machines without the ATT&CK file: as many objects, and as many bytes.
fn synthetic(scratch: &Path) -> anyhow::Result<PathBuf> {
    let path = scratch.join("synthetic.json");
    let mut indicators = Indicators::new(0, Clock::system().now()).padded(ATTACK_PADDING);
    std::fs::write(&path, indicators.envelope(ATTACK_OBJECTS)).context("cannot write the synthetic file")?;
    Ok(path)
}

const SCHEMA: &str = include_str!("../../src/store/migrations/sqlite/0001_init.sql");
const ROWS_PER_COMMIT: usize = 1_000;
const ATTACK_OBJECTS: u64 = 24_771;
const ATTACK_PADDING: usize = 270;
