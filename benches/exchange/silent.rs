//! Does an empty poll do work in the database? Told from outside, by what the kernel counts: reads
//! of files, and processor time of the threads that the store runs on.

use crate::http::{Connection, Target, get};
use crate::hub::{Hub, Server};
use crate::objects::Random;
use crate::polls::newest;
use crate::process::{cpu_seconds_of, reads};
use crate::report::{Report, number};
use liaison::stix::Timestamp;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[derive(Clone, Copy)]
struct Counted {
    reads: u64,
    store_micros: f64,
}

/// Counts over many empty polls, over as long a time without any, and over polls that do read.
pub(crate) fn measure(runtime: &Runtime, hub: &Hub, report: &mut Report) -> anyhow::Result<()> {
    // Without a page cache, so that the last count shows what work in the database looks like.
    let server = hub.start(&["store.page_cache_bytes=0"])?;
    let target = Target::new(hub, "cert-b", "siem")?;
    let mut connection = runtime.block_on(Connection::open(&target))?;
    let empty = get(&format!("{}?added_after={}", hub.objects_path, newest(hub)?));
    runtime.block_on(ask(&mut connection, &empty, 100))?;
    let before = count(&server)?;
    let started = Instant::now();
    runtime.block_on(ask(&mut connection, &empty, POLLS))?;
    let length = started.elapsed();
    let polled = since(&server, before)?;
    let before = count(&server)?;
    std::thread::sleep(length);
    let idle = since(&server, before)?;
    let control = control(runtime, hub, &server, &mut connection)?;
    server.stop()?;
    let text = |counted: Counted, requests: u64| {
        let micros = counted.store_micros / requests as f64;
        format!("{} reads, {} µs a request in store threads", counted.reads, number(micros))
    };
    // The server looks at its registry twice a second, polls or no polls; so one look more or less
    // may fall into either time. A poll that asked the database would show thousands of reads, or
    // some microseconds for each in a thread of the store.
    let margin = 4 * (1 + length.as_millis() / 500) as u64;
    let silent =
        polled.reads <= idle.reads + margin && polled.store_micros <= idle.store_micros + 0.2 * POLLS as f64;
    let name = format!("database work of {} empty polls, beside as long without any", number(POLLS as f64));
    report.fact(&name, [text(polled, POLLS), text(idle, POLLS)], Some(silent));
    let name = format!("the same of {} polls for one object each", number(CONTROLS as f64));
    report.fact(&name, [text(control, CONTROLS), String::new()], None);
    Ok(())
}

/// Polls that must read, from places all over the collection.
fn control(
    runtime: &Runtime,
    hub: &Hub,
    server: &Server,
    connection: &mut Connection,
) -> anyhow::Result<Counted> {
    let sql = "SELECT min(added), max(added) FROM log";
    let (first, last): (i64, i64) =
        hub.database()?.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut random = Random::new(1);
    let before = count(server)?;
    for _ in 0..CONTROLS {
        let after = first + random.below((last - first).cast_unsigned()).cast_signed();
        let target = format!("{}?added_after={}&limit=1", hub.objects_path, Timestamp::from_micros(after));
        runtime.block_on(ask(connection, &get(&target), 1))?;
    }
    since(server, before)
}

async fn ask(connection: &mut Connection, request: &[u8], times: u64) -> anyhow::Result<()> {
    for _ in 0..times {
        let status = connection.exchange(request).await?.status;
        anyhow::ensure!(status == 200, "status {status}");
    }
    Ok(())
}

fn count(server: &Server) -> anyhow::Result<Counted> {
    Ok(Counted { reads: reads(server.pid())?.0, store_micros: cpu_seconds_of(server.pid(), is_store)? * 1e6 })
}

fn since(server: &Server, before: Counted) -> anyhow::Result<Counted> {
    // Work that a request leaves behind would be done within this.
    std::thread::sleep(Duration::from_millis(20));
    let now = count(server)?;
    Ok(Counted { reads: now.reads - before.reads, store_micros: now.store_micros - before.store_micros })
}

/// The writer, and the pool that blocking reads run on; not the threads that serve connections.
fn is_store(thread: &str) -> bool {
    thread.starts_with("store-") || thread.starts_with("tokio-rt") || thread.starts_with("tokio-runtime")
}

const POLLS: u64 = 10_000;
const CONTROLS: u64 = 1_000;
