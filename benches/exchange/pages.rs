//! Pages that are in no cache: what reading costs, and that it costs the same in a large
//! collection as in a small one.

use crate::args::Args;
use crate::bare;
use crate::http::{Connection, Target, get};
use crate::hub::Hub;
use crate::load::{Side, Slice, Walk, Work, alternate, length_of, median};
use crate::report::{self, Report, number};
use liaison::stix::Timestamp;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Walks through both hubs, with a bare server of one such page beside them.
pub(crate) fn measure(
    args: &Args,
    runtime: &Runtime,
    hubs: [&Hub; 2],
    scratch: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    // The cache would hold all pages of the small collection, and few of the large one.
    let off = "store.page_cache_bytes=0";
    let servers = [hubs[0].start(&[off])?, hubs[1].start(&[off])?];
    let targets = [Target::new(hubs[0], "cert-b", "siem")?, Target::new(hubs[1], "cert-b", "siem")?];
    let added = [added(hubs[0])?, added(hubs[1])?];
    for limit in [1, 100, 1000] {
        let walks = [0, 1].map(|at| Walk {
            path: hubs[at].objects_path.clone(),
            added: added[at].clone(),
            limit,
            pages: PAGES.min(added[at].len() as u64 / limit / 2).max(1),
        });
        let middle = added[1][added[1].len() / 2];
        let request =
            format!("{}?added_after={}&limit={limit}", hubs[1].objects_path, Timestamp::from_micros(middle));
        let recorded = scratch.join("pages.json");
        let length = runtime.block_on(async {
            let mut connection = Connection::open(&targets[1]).await?;
            bare::record(&mut connection, std::slice::from_ref(&request), &recorded).await?;
            length_of(&mut connection, &request).await
        })?;
        let (bare, address) = bare::start(hubs[1], &recorded)?;
        let bare_target = Target { address, ..targets[1].clone() };
        let [few, many] = walks.map(|walk| Work::Walk(Arc::new(walk)));
        let mut sides = [
            Side::open(runtime, &servers[0], &targets[0], few)?,
            Side::open(runtime, &servers[1], &targets[1], many)?,
            Side::open(runtime, &bare, &bare_target, Work::Same(get(&request).into(), length))?,
        ];
        let rounds = alternate(runtime, &mut sides, args.rounds(), args.slice())?;
        tell(&rounds, limit, added.each_ref().map(Vec::len), report);
    }
    for (server, count) in servers.into_iter().zip(added.each_ref().map(Vec::len)) {
        report.note_memory(&format!("pages, {count} objects"), server.pid())?;
        server.stop()?;
    }
    Ok(())
}

fn tell(rounds: &[[Slice; 3]], limit: u64, counts: [usize; 2], report: &mut Report) {
    let text = |side: usize, value: fn(&Slice) -> f64| {
        number(median(rounds.iter().map(|round| value(&round[side]))))
    };
    let name = format!("uncached pages, limit {limit}");
    for (side, count) in counts.iter().enumerate() {
        let name = format!("{name}, {} objects", number(*count as f64));
        let per_second = [text(side, Slice::per_second), text(2, Slice::per_second)];
        let ratio = median(rounds.iter().map(|round| round[side].per_second() / round[2].per_second()));
        report.ratio(&format!("{name}: pages/s"), per_second, ratio, None, false);
        let megabytes = [text(side, Slice::megabytes_per_second), text(2, Slice::megabytes_per_second)];
        let ratio = median(
            rounds.iter().map(|round| round[side].megabytes_per_second() / round[2].megabytes_per_second()),
        );
        report.ratio(&format!("{name}: MB/s"), megabytes, ratio, None, false);
        let cpu = [text(side, Slice::cpu_micros), text(2, Slice::cpu_micros)];
        let ratio = median(rounds.iter().map(|round| round[2].cpu_micros() / round[side].cpu_micros()));
        report.ratio(&format!("{name}: server CPU, µs/page"), cpu, ratio, None, true);
    }
    let target = Some(report::Target::AtMost(1.2));
    let sides = |value: fn(&Slice) -> f64| [text(1, value), text(0, value)];
    let name = format!("{name}, {} against {} objects", number(counts[1] as f64), number(counts[0] as f64));
    // Pages per second the other way round are time per page.
    let ratio = median(rounds.iter().map(|[few, many, _]| few.per_second() / many.per_second()));
    report.ratio(
        &format!("{name}: time per page, by pages/s"),
        sides(Slice::per_second),
        ratio,
        target,
        false,
    );
    let ratio = median(rounds.iter().map(|[few, many, _]| many.cpu_micros() / few.cpu_micros()));
    report.ratio(&format!("{name}: server CPU, µs/page"), sides(Slice::cpu_micros), ratio, target, true);
}

fn added(hub: &Hub) -> anyhow::Result<Vec<i64>> {
    let database = hub.database()?;
    let mut statement = database.prepare("SELECT added FROM log ORDER BY coll, added")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Pages walked from one place before going on from another: as a poller that has some hours to
/// catch up on.
const PAGES: u64 = 20;
