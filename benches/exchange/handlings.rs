//! What governance costs a page: the same objects, for one client under three handlings, and for
//! twenty clients under fifty.

use crate::args::Args;
use crate::http::{Connection, Target, get, post};
use crate::hub::{Hub, Server};
use crate::insert::send;
use crate::load::{Side, Slice, Walk, Work, alternate, length_of, median};
use crate::objects::Indicators;
use crate::report::{self, Report, number};
use liaison::clock::Clock;
use liaison::stix::Timestamp;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Compares pages that are in no cache, and one that is.
pub(crate) fn measure(
    args: &Args,
    runtime: &Runtime,
    scratch: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let hubs = [Hub::create(&scratch.join("plain"))?, Hub::create(&scratch.join("ruled"))?];
    let clients = enrol(&hubs[1])?;
    for (hub, is_ruled) in hubs.iter().zip([false, true]) {
        fill(runtime, hub, is_ruled)?;
    }
    let handlings: i64 =
        hubs[1].database()?.query_row("SELECT count(DISTINCT handling) FROM class", [], |row| row.get(0))?;
    let plain = vec![Target::new(&hubs[0], "cert-b", "siem")?; CLIENTS];
    let ruled: Vec<Target> =
        clients.iter().map(|(org, client)| Target::new(&hubs[1], org, client)).collect::<Result<_, _>>()?;
    let off = "store.page_cache_bytes=0";
    for (limit, sets) in [(100, &[off][..]), (1000, &[off]), (100, &[])] {
        let servers = [hubs[0].start(sets)?, hubs[1].start(sets)?];
        let kind = if sets.is_empty() { "cached" } else { "uncached" };
        let name = format!(
            "{kind} pages, limit {limit}: {handlings} handlings and {} clients against a few and 1",
            ruled.len()
        );
        let works = work(runtime, &hubs, [&plain[0], &ruled[0]], limit, sets.is_empty())?;
        compare(args, runtime, &name, [(&servers[0], &plain), (&servers[1], &ruled)], works, report)?;
        for server in servers {
            server.stop()?;
        }
    }
    Ok(())
}

fn work(
    runtime: &Runtime,
    hubs: &[Hub; 2],
    readers: [&Target; 2],
    limit: u64,
    cached: bool,
) -> anyhow::Result<[Work; 2]> {
    if cached {
        // Past the markings, whose length differs.
        let request = |hub: &Hub| -> anyhow::Result<String> {
            let from = Timestamp::from_micros(added(hub)?[0]);
            Ok(format!("{}?limit={limit}&added_after={from}", hub.objects_path))
        };
        let requests = [request(&hubs[0])?, request(&hubs[1])?];
        let same = |at: usize| -> anyhow::Result<Work> {
            let length = async { length_of(&mut Connection::open(readers[at]).await?, &requests[at]).await };
            Ok(Work::Same(get(&requests[at]).into(), runtime.block_on(length)?))
        };
        return Ok([same(0)?, same(1)?]);
    }
    let walk = |hub: &Hub| -> anyhow::Result<Work> {
        let added = added(hub)?;
        Ok(Work::Walk(Arc::new(Walk { path: hub.objects_path.clone(), added, limit, pages: 5 })))
    };
    Ok([walk(&hubs[0])?, walk(&hubs[1])?])
}

fn compare(
    args: &Args,
    runtime: &Runtime,
    name: &str,
    [plain, ruled]: [(&Server, &[Target]); 2],
    [first, second]: [Work; 2],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut sides =
        [Side::of(runtime, plain.0, plain.1, first)?, Side::of(runtime, ruled.0, ruled.1, second)?];
    let rounds = alternate(runtime, &mut sides, args.rounds(), args.slice())?;
    let both = |value: fn(&Slice) -> f64| {
        [1, 0].map(|side: usize| number(median(rounds.iter().map(|round| value(&round[side])))))
    };
    let ratio = median(rounds.iter().map(|[plain, ruled]| ruled.cpu_micros() / plain.cpu_micros()));
    let target = Some(report::Target::AtMost(1.05));
    report.ratio(&format!("{name}: server CPU, µs/page"), both(Slice::cpu_micros), ratio, target, true);
    Ok(())
}

/// Registers further organisations and clients with certificates, twenty that read in all.
fn enrol(hub: &Hub) -> anyhow::Result<Vec<(String, String)>> {
    let path = hub.dir.join("registry.toml");
    let mut text = std::fs::read_to_string(&path)?;
    let mut organisations = String::new();
    let mut parties = vec!["\"cert-a\"".to_owned(), "\"cert-b\"".to_owned()];
    let mut clients = Vec::new();
    for at in 0..CLIENTS {
        let org = format!("cert-{at:02}");
        write!(
            organisations,
            "[[organisation]]\nid = \"{org}\"\nname = \"{org}\"\ncountry = \"CC\"\n[[organisation.client]]\nid = \"siem\"\nrole = \"consumer\"\n\n"
        )?;
        parties.push(format!("\"{org}\""));
        clients.push((org, "siem".to_owned()));
    }
    text = text.replacen("[[agreement]]", &format!("{organisations}[[agreement]]"), 1);
    text = text.replacen(
        "parties = [\"cert-a\", \"cert-b\"]",
        &format!("parties = [{}]", parties.join(", ")),
        1,
    );
    std::fs::write(&path, text)?;
    hub.tool(&["registry", "apply", &path.to_string_lossy()])?;
    for (org, client) in &clients {
        hub.tool(&["pki", "issue", "--org", org, "--client", client])?;
    }
    Ok(clients)
}

/// The same objects in both hubs; only what the markings say differs.
fn fill(runtime: &Runtime, hub: &Hub, is_ruled: bool) -> anyhow::Result<()> {
    let server = hub.start(&[])?;
    let mut connection = runtime.block_on(Connection::open(&Target::new(hub, "cert-a", "feed")?))?;
    let ids: Vec<String> = (0..MARKINGS)
        .map(|at| format!("marking-definition--00000000-0000-4000-8000-0000000000{at:02}"))
        .collect();
    let definitions: Vec<String> =
        ids.iter().enumerate().map(|(at, id)| definition(id, at, is_ruled)).collect();
    let body = format!("{{\"objects\":[{}]}}", definitions.join(",")).into_bytes();
    let mut envelopes = vec![];
    let mut indicators = Indicators::new(0, Clock::system().now()).marked(ids);
    for _ in 0..OBJECTS / 1_000 {
        envelopes.push((1_000, post(&hub.objects_path, &indicators.envelope(1_000))));
    }
    // They are taken from the end, and the markings must come first.
    envelopes.push((definitions.len() as u64, post(&hub.objects_path, &body)));
    let waiting = Arc::new(std::sync::Mutex::new(envelopes));
    connection = runtime.block_on(send(connection, waiting))?;
    drop(connection);
    server.stop()
}

fn definition(id: &str, at: usize, is_ruled: bool) -> String {
    // Everybody's country, and others that tell the markings apart.
    let countries: Vec<String> =
        (0..at % 13).map(|more| format!("\"X{}\"", (b'A' + more as u8) as char)).collect();
    let list =
        ["\"AA\"", "\"BB\"", "\"CC\""].map(str::to_owned).into_iter().chain(countries).collect::<Vec<_>>();
    let name = if at < 13 { "rel_to" } else { "not_rel_to" };
    let list = if at < 13 { list.join(",") } else { list[3..].join(",") };
    let head = format!(
        "{{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"{id}\",\"created\":\"2026-01-01T00:00:00.000Z\",\"name\":\"m{at}\""
    );
    match is_ruled {
        true => format!(
            "{head},\"extensions\":{{\"extension-definition--3a279e9a-6ac9-4ea4-bfd5-59d5078e01c5\":{{\"extension_type\":\"property-extension\",\"{name}\":[{list}]}}}}}}"
        ),
        false => {
            format!("{head},\"definition_type\":\"statement\",\"definition\":{{\"statement\":\"{at}\"}}}}")
        }
    }
}

/// Past the markings, which are shorter.
fn added(hub: &Hub) -> anyhow::Result<Vec<i64>> {
    let database = hub.database()?;
    let mut statement = database.prepare("SELECT added FROM log ORDER BY coll, added LIMIT -1 OFFSET 100")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Each makes two handlings: its own, and that of what is marked with it.
const MARKINGS: usize = 25;
const CLIENTS: usize = 20;
const OBJECTS: usize = 20_000;
