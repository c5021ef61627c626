//! Clients that ask again as soon as they are answered, on connections that stay open, and turns
//! between the servers that are compared.

use crate::http::{Connection, Target, get};
use crate::hub::Server;
use crate::objects::Random;
use liaison::stix::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What clients ask for.
#[derive(Clone)]
pub(crate) enum Work {
    /// The same thing each time; the answer always has this length.
    Same(Arc<[u8]>, usize),
    /// Pages one after the other, from places spread over the collection.
    Walk(Arc<Walk>),
}

/// How a collection is walked through.
pub(crate) struct Walk {
    /// Path of the collection's objects.
    pub(crate) path: String,
    /// `date_added` of every object, ascending.
    pub(crate) added: Vec<i64>,
    /// Objects on a page.
    pub(crate) limit: u64,
    /// Pages by `next` before going elsewhere.
    pub(crate) pages: u64,
}

/// A server with those who ask it.
pub(crate) struct Side<'a> {
    server: &'a Server,
    connections: Vec<(Connection, Random)>,
    work: Work,
}

/// One turn of a side.
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) requests: u64,
    bytes: u64,
    seconds: f64,
    cpu_seconds: f64,
}

impl Slice {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// Bodies, in MB of 1,000,000 bytes.
    pub(crate) fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.seconds / 1e6
    }

    /// Microseconds of the server's processor time for each request.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.requests as f64
    }
}

impl<'a> Side<'a> {
    /// Opens the connections.
    pub(crate) fn open(
        runtime: &Runtime,
        server: &'a Server,
        target: &Target,
        work: Work,
    ) -> anyhow::Result<Self> {
        Self::of(runtime, server, &vec![target.clone(); CONNECTIONS], work)
    }

    /// Opens a connection for each of several clients.
    pub(crate) fn of(
        runtime: &Runtime,
        server: &'a Server,
        targets: &[Target],
        work: Work,
    ) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for (at, target) in targets.iter().enumerate() {
            connections.push((runtime.block_on(Connection::open(target))?, Random::new(at as u64)));
        }
        Ok(Self { server, connections, work })
    }

    /// Asks for so long.
    pub(crate) fn turn(&mut self, runtime: &Runtime, length: Duration) -> anyhow::Result<Slice> {
        let before = self.server.cpu_seconds()?;
        let started = Instant::now();
        let tasks: Vec<_> = std::mem::take(&mut self.connections)
            .into_iter()
            .map(|(connection, random)| {
                runtime.spawn(ask(connection, random, self.work.clone(), started + length))
            })
            .collect();
        let (mut requests, mut bytes) = (0, 0);
        for task in tasks {
            let asked = runtime.block_on(task)??;
            requests += asked.requests;
            bytes += asked.bytes;
            self.connections.push((asked.connection, asked.random));
        }
        Ok(Slice {
            requests,
            bytes,
            seconds: started.elapsed().as_secs_f64(),
            cpu_seconds: self.server.cpu_seconds()? - before,
        })
    }
}

/// Lets the sides take turns, in one order and then the other, so that neither always comes first.
/// The first round warms up and is not told.
pub(crate) fn alternate<const N: usize>(
    runtime: &Runtime,
    sides: &mut [Side; N],
    rounds: usize,
    length: Duration,
) -> anyhow::Result<Vec<[Slice; N]>> {
    let mut all = Vec::new();
    for round in 0..=rounds {
        let mut slices = [None; N];
        let order: Vec<usize> = if round % 2 == 0 { (0..N).collect() } else { (0..N).rev().collect() };
        for at in order {
            slices[at] = Some(sides[at].turn(runtime, if round == 0 { length / 2 } else { length })?);
        }
        if round > 0 {
            all.push(slices.map(|slice| {
                slice.unwrap_or(Slice { requests: 0, bytes: 0, seconds: 0.0, cpu_seconds: 0.0 })
            }));
        }
    }
    Ok(all)
}

/// The middle of the values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// The length of the answer to a request, which is to be 200.
pub(crate) async fn length_of(connection: &mut Connection, target: &str) -> anyhow::Result<usize> {
    let answer = connection.exchange(&get(target)).await?;
    anyhow::ensure!(answer.status == 200, "{target}: status {}", answer.status);
    Ok(answer.body.len())
}

struct Asked {
    connection: Connection,
    random: Random,
    requests: u64,
    bytes: u64,
}

async fn ask(connection: Connection, random: Random, work: Work, until: Instant) -> anyhow::Result<Asked> {
    let mut asked = Asked { connection, random, requests: 0, bytes: 0 };
    while Instant::now() < until {
        match &work {
            Work::Same(request, length) => {
                asked.one(request, |found| found == *length).await?;
            }
            Work::Walk(walk) => asked.walk(walk, until).await?,
        }
    }
    Ok(asked)
}

impl Asked {
    /// Asks once; the answer is `next`, if there is one.
    async fn one(&mut self, request: &[u8], fits: impl Fn(usize) -> bool) -> anyhow::Result<Option<String>> {
        let answer = self.connection.exchange(request).await?;
        let length = answer.body.len();
        anyhow::ensure!(answer.status == 200 && fits(length), "status {}, {length} bytes", answer.status);
        self.requests += 1;
        self.bytes += length as u64;
        Ok(next(answer.body))
    }

    async fn walk(&mut self, walk: &Walk, until: Instant) -> anyhow::Result<()> {
        let last_start = walk.added.len() as u64 - walk.pages * walk.limit;
        let from = walk.added[usize::try_from(self.random.below(last_start))?];
        let (path, limit) = (&walk.path, walk.limit);
        let mut target = format!("{path}?added_after={}&limit={limit}", Timestamp::from_micros(from));
        for _ in 0..walk.pages {
            // Indicators have about 1 kB, so that a page that is not full is noticed.
            let full = |length| length as u64 > limit * 800;
            let next = self.one(&get(&target), full).await?;
            let (Some(next), true) = (next, Instant::now() < until) else {
                break;
            };
            target = format!("{path}?limit={limit}&next={next}");
        }
        Ok(())
    }
}

fn next(body: &[u8]) -> Option<String> {
    let rest = body.strip_prefix(b"{\"more\":true,\"next\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

/// Clients of one side. Enough to keep a server of two threads at work all the time.
const CONNECTIONS: usize = 4;
