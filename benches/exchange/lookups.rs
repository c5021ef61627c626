//! Looking 10,000 values up among a million: what hits decides how long it takes. One hub holds a few
//! indicators of very many values each, the other many indicators of two.

use crate::args::Args;
use crate::filled;
use crate::http::{Connection, Target, post};
use crate::hub::Hub;
use crate::insert::send;
use crate::load::median;
use crate::objects::Random;
use crate::report::{Report, number};
use liaison::clock::Clock;
use std::fmt::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::runtime::Runtime;

/// Measures both.
pub(crate) fn measure(
    args: &Args,
    runtime: &Runtime,
    hubs: &Path,
    values: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let dir = hubs.join("lists");
    let is_there = dir.exists();
    let lists = if is_there { Hub::reopen(&dir)? } else { Hub::create(&dir)? };
    if !is_there {
        fill(runtime, &lists, values)?;
    }
    ask(args, runtime, &lists, ("indicators of 500 values", values, stored), report)?;
    let pairs = filled(runtime, hubs, "pairs", values / 2, report)?;
    let host = |n: u64| format!("host-{}.example.com", n / 2);
    ask(args, runtime, &pairs, ("indicators of 2 values", values, host), report)
}

/// What the hub holds: its name, how many values, and the n-th of them.
type Held = (&'static str, u64, fn(u64) -> String);

fn ask(
    args: &Args,
    runtime: &Runtime,
    hub: &Hub,
    (name, values, stored): Held,
    report: &mut Report,
) -> anyhow::Result<()> {
    let server = hub.start(&[])?;
    let mut connection = runtime.block_on(Connection::open(&Target::new(hub, "cert-b", "siem")?))?;
    let mut random = Random::new(values);
    let mut once = |connection: &mut Connection, percent: u64| -> anyhow::Result<(f64, f64, u64)> {
        let asked: Vec<String> = (0..ASKED)
            .map(|at| match at % 100 < percent {
                true => stored(random.below(values)),
                false => unknown(random.next()),
            })
            .collect();
        let body = serde_json::json!({ "values": asked }).to_string();
        let request = post("/liaison/v1/lookup", body.as_bytes());
        let (cpu, started) = (server.cpu_seconds()?, Instant::now());
        let answer = runtime.block_on(connection.exchange(&request))?;
        let wall = started.elapsed().as_secs_f64();
        anyhow::ensure!(answer.status == 200, "status {}", answer.status);
        let hits = answer.body.windows(HIT.len()).filter(|part| *part == HIT).count();
        Ok((wall * 1e3, (server.cpu_seconds()? - cpu) * 1e3, hits as u64))
    };
    let (first, ..) = once(&mut connection, 0)?;
    let title = format!("{ASKED} values among {} ({name})", number(values as f64));
    report.fact(&format!("look up {title}, the first time: ms"), [number(first), String::new()], None);
    for percent in [0, 1, 10, 50, 100] {
        let rounds: Vec<_> =
            (0..args.rounds()).map(|_| once(&mut connection, percent)).collect::<Result<_, _>>()?;
        let middle = |value: fn(&(f64, f64, u64)) -> f64| median(rounds.iter().map(value));
        let (wall, cpu, hits) = (middle(|one| one.0), middle(|one| one.1), middle(|one| one.2 as f64));
        let text = format!("{} (server CPU {}; {} hits)", number(wall), number(cpu), number(hits));
        let is_met = (!args.quick).then_some(wall <= TARGET_MILLIS);
        report.fact(&format!("look up {title}, {percent} % known: ms"), [text, String::new()], is_met);
    }
    report.note_memory(&format!("look-ups, {name}"), server.pid())?;
    server.stop()
}

/// Publishes values, 500 in an indicator.
fn fill(runtime: &Runtime, hub: &Hub, values: u64) -> anyhow::Result<()> {
    let server = hub.start(&[])?;
    let time = Clock::system().now().to_string();
    let mut envelopes = Vec::new();
    for first in (0..values).step_by(IN_ENVELOPE) {
        let indicators: Vec<String> = (first..first + IN_ENVELOPE as u64)
            .step_by(IN_INDICATOR)
            .map(|from| indicator(from, &format!("{}Z", &time[..23])))
            .collect();
        let body = format!("{{\"objects\":[{}]}}", indicators.join(","));
        envelopes.push((indicators.len() as u64, post(&hub.objects_path, body.as_bytes())));
    }
    let connection = runtime.block_on(Connection::open(&Target::new(hub, "cert-a", "feed")?))?;
    drop(runtime.block_on(send(connection, Arc::new(Mutex::new(envelopes))))?);
    server.stop()
}

fn indicator(from: u64, time: &str) -> String {
    let mut pattern = String::new();
    for n in from..from + IN_INDICATOR as u64 {
        let joint = if n == from { "" } else { " OR " };
        let (value, path) = (stored(n), path(n));
        let _ = write!(pattern, "{joint}{path} '{value}'");
    }
    format!(
        "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-4000-8000-{from:012x}\",\
         \"created\":\"{time}\",\"modified\":\"{time}\",\"valid_from\":\"{time}\",\"name\":\"List {from}\",\"confidence\":75,\
         \"pattern_type\":\"stix\",\"pattern\":\"[{pattern}]\",\"object_marking_refs\":[\"{}\"]}}",
        liaison::stix::Tlp::Green.marking_id()
    )
}

fn path(n: u64) -> &'static str {
    match n % 20 {
        0 => "ipv4-addr:value ISSUBSET",
        1..8 => "ipv4-addr:value =",
        8..14 => "domain-name:value =",
        14..17 => "url:value =",
        17..19 => "file:hashes.\\u0027SHA-256\\u0027 =",
        _ => "email-addr:value =",
    }
}

/// The n-th value that the hub holds: addresses, networks of thirteen lengths, names, URLs, hashes.
fn stored(n: u64) -> String {
    let address = |n: u64| {
        let scattered = (n.wrapping_mul(0x9E37_79B9) ^ 0x5A5A_5A5A) as u32;
        std::net::Ipv4Addr::from(0x0B00_0000 + scattered % 0x7000_0000)
    };
    match n % 20 {
        0 => {
            let length = 16 + (n / 20 % 13) as u32;
            let base = u32::from(address(n)) & u32::MAX << (32 - length);
            format!("{}/{length}", std::net::Ipv4Addr::from(base))
        }
        1..8 => address(n).to_string(),
        8..14 => format!("c{n}.bad{}.example.net", n % 977),
        14..17 => format!("http://h{n}.bad.example.net/gate/{n}?a=1"),
        17..19 => format!("{n:064x}"),
        _ => format!("user{n}@bad{}.example.net", n % 977),
    }
}

/// One that it does not hold, of the same kinds.
fn unknown(n: u64) -> String {
    match n % 20 {
        0..8 => std::net::Ipv4Addr::from(0xA000_0000 + (n >> 8) as u32 % 0x3000_0000).to_string(),
        8..14 => format!("www.n{n}.example.org"),
        14..17 => format!("https://w{n}.example.org/a/{n}?b=2"),
        17..19 => format!("{:064x}", u128::from(n) << 64 | 1),
        _ => format!("someone{n}@m{}.example.org", n % 977),
    }
}

const ASKED: u64 = 10_000;
const IN_INDICATOR: usize = 500;
const IN_ENVELOPE: usize = 10_000;
const HIT: &[u8] = b"{\"how\":";
const TARGET_MILLIS: f64 = 50.0;
