//! The two requests that a hub gets most: a poll that finds nothing new, and a page that others
//! have asked for before.

use crate::args::Args;
use crate::bare;
use crate::http::{Connection, Target, get};
use crate::hub::{Hub, Server};
use crate::load::{Side, Slice, Work, alternate, length_of, median};
use crate::report::{self, Report, number};
use liaison::stix::Timestamp;
use std::path::Path;
use tokio::runtime::Runtime;

/// Measures both on each hub.
pub(crate) fn measure(
    args: &Args,
    runtime: &Runtime,
    hubs: &[&Hub],
    scratch: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    for hub in hubs {
        let server = hub.start(&[])?;
        let target = Target::new(hub, "cert-b", "siem")?;
        let newest = newest(hub)?;
        let (path, count) = (&hub.objects_path, hub.objects()?);
        let empty = format!("{path}?added_after={newest}");
        let page = format!("{path}?limit=100");
        let recorded = scratch.join("polls.json");
        runtime.block_on(async {
            let mut connection = Connection::open(&target).await?;
            bare::record(&mut connection, &[empty.clone(), page.clone()], &recorded).await
        })?;
        let (bare, address) = bare::start(hub, &recorded)?;
        let bare_target = Target { address, ..target.clone() };
        for (name, request) in [("empty poll", &empty), ("cached page of 100 objects", &page)] {
            let servers = [(&server, &target), (&bare, &bare_target)];
            compare(
                args,
                runtime,
                servers,
                request,
                &format!("{name}, {} objects", number(count as f64)),
                report,
            )?;
        }
        report.note_memory(&format!("polls, {count} objects"), server.pid())?;
        server.stop()?;
    }
    Ok(())
}

fn compare(
    args: &Args,
    runtime: &Runtime,
    [liaison, bare]: [(&Server, &Target); 2],
    request: &str,
    name: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let length =
        runtime.block_on(async { length_of(&mut Connection::open(liaison.1).await?, request).await })?;
    let work = Work::Same(get(request).into(), length);
    let mut sides = [
        Side::open(runtime, liaison.0, liaison.1, work.clone())?,
        Side::open(runtime, bare.0, bare.1, work)?,
    ];
    let rounds = alternate(runtime, &mut sides, args.rounds(), args.slice())?;
    let target = Some(report::Target::AtLeast(0.7));
    let pair = |value: fn(&Slice) -> f64| {
        [0, 1].map(|side| number(median(rounds.iter().map(|round| value(&round[side])))))
    };
    let ratio = median(rounds.iter().map(|[ours, bare]| ours.per_second() / bare.per_second()));
    report.ratio(&format!("{name}: requests/s"), pair(Slice::per_second), ratio, target, false);
    if length > 10_000 {
        report.ratio(&format!("{name}: MB/s"), pair(Slice::megabytes_per_second), ratio, None, false);
    }
    // The ratio of what a request costs, so that more is better here too.
    let ratio = median(rounds.iter().map(|[ours, bare]| bare.cpu_micros() / ours.cpu_micros()));
    report.ratio(&format!("{name}: server CPU, µs/request"), pair(Slice::cpu_micros), ratio, target, true);
    Ok(())
}

/// The collection's last `date_added`.
pub(crate) fn newest(hub: &Hub) -> anyhow::Result<Timestamp> {
    let last = hub.database()?.query_row("SELECT max(last_added) FROM collection", [], |row| row.get(0))?;
    Ok(Timestamp::from_micros(last))
}
