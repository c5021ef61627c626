//! Inserting into collections of different size, as several publishers do it together.

use crate::args::Args;
use crate::http::{Connection, Target, post};
use crate::hub::{Hub, Server};
use crate::load::median;
use crate::objects::Indicators;
use crate::report::{self, Report, number};
use anyhow::Context;
use liaison::clock::Clock;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;

/// What publishing a number of objects took.
#[derive(Clone, Copy)]
struct Window {
    per_second: f64,
    cpu_micros: f64,
}

/// Publishes into a hub until it holds enough.
pub(crate) fn fill(
    runtime: &Runtime,
    hub: &Hub,
    from: u64,
    to: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    fill_with(runtime, hub, [from, to], 1, report)
}

/// The same, with the time of all but one in `in_force` over.
pub(crate) fn fill_with(
    runtime: &Runtime,
    hub: &Hub,
    [from, to]: [u64; 2],
    in_force: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut publishers = Publishers::start(runtime, hub, from)?;
    publishers.in_force = in_force;
    let mut windows = Vec::new();
    while publishers.at < to {
        let count = (to - publishers.at).min(WINDOW);
        windows.push(publishers.publish(runtime, count)?);
        if publishers.at % (10 * WINDOW) == 0 {
            eprintln!(
                "  {} objects, {} objects/s",
                publishers.at,
                number(windows.last().map_or(0.0, |window| window.per_second))
            );
        }
    }
    let rate = median(windows.iter().map(|window| window.per_second));
    let cpu = median(windows.iter().map(|window| window.cpu_micros));
    let name = format!(
        "publish {} objects by {CONNECTIONS} connections: objects/s, server CPU µs/object",
        number((to - from) as f64)
    );
    report.fact(&name, [format!("{}, {}", number(rate), number(cpu)), String::new()], None);
    report.note_memory(&format!("filling to {to} objects"), publishers.server.pid())?;
    publishers.server.stop()
}

/// Lets a large and a smaller collection grow in turns.
pub(crate) fn measure(
    args: &Args,
    runtime: &Runtime,
    hubs: [&Hub; 2],
    report: &mut Report,
) -> anyhow::Result<()> {
    let counts = [hubs[0].objects()?, hubs[1].objects()?];
    let mut sides =
        [Publishers::start(runtime, hubs[0], counts[0])?, Publishers::start(runtime, hubs[1], counts[1])?];
    let mut rounds = Vec::new();
    for round in 0..=args.rounds() {
        let first = round % 2;
        let mut windows = [None; 2];
        for side in [first, 1 - first] {
            windows[side] = Some(sides[side].publish(runtime, WINDOW)?);
        }
        // The first ones fill caches.
        if let ([Some(tenth), Some(many)], true) = (windows, round > 0) {
            rounds.push([tenth, many]);
        }
    }
    let text = |value: fn(&Window) -> f64| {
        [1, 0].map(|side: usize| number(median(rounds.iter().map(|round| value(&round[side])))))
    };
    let name = format!("insert at {} against {} objects", number(counts[1] as f64), number(counts[0] as f64));
    let target = Some(report::Target::AtLeast(0.6));
    let ratio = median(rounds.iter().map(|[tenth, many]| many.per_second / tenth.per_second));
    report.ratio(&format!("{name}: objects/s"), text(|window| window.per_second), ratio, target, false);
    let ratio = median(rounds.iter().map(|[tenth, many]| tenth.cpu_micros / many.cpu_micros));
    report.ratio(
        &format!("{name}: server CPU, µs/object"),
        text(|window| window.cpu_micros),
        ratio,
        target,
        true,
    );
    for (side, count) in sides.into_iter().zip(counts) {
        report.note_memory(&format!("inserting at {count} objects"), side.server.pid())?;
        side.server.stop()?;
    }
    Ok(())
}

/// Several connections of one client that publish.
struct Publishers {
    server: Server,
    path: String,
    connections: Vec<Connection>,
    /// Objects there.
    at: u64,
    /// Of so many one is still in force.
    in_force: u64,
}

impl Publishers {
    fn start(runtime: &Runtime, hub: &Hub, at: u64) -> anyhow::Result<Self> {
        let server = hub.start(&[])?;
        let target = Target::new(hub, "cert-a", "feed")?;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(runtime.block_on(Connection::open(&target))?);
        }
        Ok(Self { server, path: hub.objects_path.clone(), connections, at, in_force: 1 })
    }

    /// Publishes so many more; making them is not timed.
    fn publish(&mut self, runtime: &Runtime, count: u64) -> anyhow::Result<Window> {
        let mut indicators = Indicators::new(self.at, Clock::system().now()).aged(self.in_force);
        let mut envelopes = Vec::new();
        for start in (0..count).step_by(ENVELOPE) {
            let size = (count - start).min(ENVELOPE as u64);
            envelopes.push((size, post(&self.path, &indicators.envelope(size))));
        }
        let waiting = Arc::new(std::sync::Mutex::new(envelopes));
        let cpu = self.server.cpu_seconds()?;
        let started = Instant::now();
        let tasks: Vec<_> = std::mem::take(&mut self.connections)
            .into_iter()
            .map(|connection| runtime.spawn(send(connection, waiting.clone())))
            .collect();
        for task in tasks {
            self.connections.push(runtime.block_on(task)??);
        }
        let seconds = started.elapsed().as_secs_f64();
        self.at += count;
        Ok(Window {
            per_second: count as f64 / seconds,
            cpu_micros: (self.server.cpu_seconds()? - cpu) * 1e6 / count as f64,
        })
    }
}

pub(crate) type Waiting = Arc<std::sync::Mutex<Vec<(u64, Vec<u8>)>>>;

pub(crate) async fn send(mut connection: Connection, waiting: Waiting) -> anyhow::Result<Connection> {
    loop {
        let taken = waiting.lock().ok().and_then(|mut waiting| waiting.pop());
        let Some((count, request)) = taken else {
            return Ok(connection);
        };
        let answer = connection.exchange(&request).await?;
        let text = std::str::from_utf8(answer.body)?;
        anyhow::ensure!(answer.status == 202, "status {}: {text}", answer.status);
        let status: serde_json::Value = serde_json::from_str(text)?;
        let stored = status["success_count"].as_u64().context("no success_count")?;
        anyhow::ensure!(stored == count, "{stored} of {count} objects stored");
    }
}

/// Objects in one turn of each side.
const WINDOW: u64 = 20_000;
const ENVELOPE: usize = 1_000;
const CONNECTIONS: usize = 4;
