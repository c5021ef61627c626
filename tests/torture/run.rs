//! Writers and pollers at once, with and without kills.

use crate::checker::{Ledger, check_receipts};
use crate::dice::{Dice, seed, setting};
use crate::hub::{Hub, Member};
use crate::poller::{Poller, Style};
use crate::publisher::Publisher;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// 8 publishers and 12 pollers of two organisations.
pub(crate) fn members() -> Vec<Member> {
    let mut members = Vec::new();
    for org in ["org-a", "org-b"] {
        for at in 0..4 {
            members.push(Member::new(org, &format!("writer-{at}"), true, 4));
        }
        for (at, ceiling) in [4, 3, 2, 4, 1, 4].into_iter().enumerate() {
            members.push(Member::new(org, &format!("reader-{at}"), false, ceiling));
        }
    }
    members
}

/// Actors at work on a hub.
pub(crate) struct Crowd {
    /// Told at each answer to a POST.
    answered: Arc<Notify>,
    publishing: Arc<AtomicBool>,
    polling: Arc<AtomicBool>,
    publishers: Vec<JoinHandle<Publisher>>,
    pollers: Vec<JoinHandle<Poller>>,
}

/// What they were when they had finished.
pub(crate) struct Finished {
    pub(crate) publishers: Vec<Publisher>,
    pub(crate) pollers: Vec<Poller>,
}

impl Crowd {
    /// Sets everybody to work; publishers rest up to `rest` between requests.
    pub(crate) fn start(hub: &Hub, dice: &mut Dice, rest: Duration) -> Self {
        let (publishing, polling) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let answered: Arc<Notify> = Arc::default();
        let mut publishers = Vec::new();
        for (at, member) in hub.members.iter().filter(|member| member.publishes).enumerate() {
            let mut publisher = Publisher::new(member, hub.client(member), Dice::new(dice.roll(), at as u64));
            publisher.rest = rest;
            publisher.answered = answered.clone();
            let stop = publishing.clone();
            publishers.push(tokio::spawn(async move { publisher.work(&stop).await }));
        }
        let mut pollers = Vec::new();
        let readers = hub.members.iter().filter(|member| !member.publishes);
        for (member, (style, all, limits)) in readers.zip(WAYS) {
            let dice = Dice::new(dice.roll(), 100);
            let poller = Poller::new(member, hub.client(member), style, all, limits, dice);
            let stop = polling.clone();
            pollers.push(tokio::spawn(async move { poller.work(&stop).await }));
        }
        Self { answered, publishing, polling, publishers, pollers }
    }

    /// Stops the publishers, lets the pollers come to the end.
    pub(crate) async fn finish(self) -> Finished {
        self.publishing.store(true, Ordering::Relaxed);
        let mut publishers = Vec::new();
        for publisher in self.publishers {
            publishers.push(publisher.await.unwrap());
        }
        self.polling.store(true, Ordering::Relaxed);
        let mut pollers = Vec::new();
        for poller in self.pollers {
            pollers.push(poller.await.unwrap());
        }
        Finished { publishers, pollers }
    }
}

impl Finished {
    /// Everything that can be checked while the hub runs; it is stopped at the end.
    pub(crate) async fn check(&mut self, hub: &Hub, what: &str, started: Instant) {
        self.check_rest().await;
        self.check_at_once().await;
        let ledger = Ledger::new(self.publishers.iter().map(|publisher| &publisher.book));
        for poller in &self.pollers {
            let manifest = ledger.check_resources(hub, &poller.member, 10).await;
            ledger.check(poller, &manifest);
        }
        self.check_afresh(hub).await;
        for publisher in &self.publishers {
            check_receipts(hub, publisher.member.org, &publisher.book).await;
        }
        hub.stop_and_check();
        self.tell(what, &ledger, started);
    }

    /// At rest nobody is shown anything again, also not who cuts dates and sees only part of what
    /// came last.
    async fn check_rest(&mut self) {
        for publisher in &mut self.publishers {
            publisher.publish_levels(&[0, 1, 2, 3, 4]).await;
            publisher.publish_levels(&[0, 4, 3, 0, 2, 1, 4, 3]).await;
        }
        for poller in &mut self.pollers {
            poller.drain().await;
            let again = poller.drain().await;
            assert_eq!(again, 0, "{:?} {:?} sees objects again at rest", poller.member, poller.style);
        }
    }

    /// Who asks after an answer to a POST sees what it added, also if it asked in vain all the while.
    async fn check_at_once(&mut self) {
        let writer = &mut self.publishers[0];
        for _ in 0..25 {
            let done = AtomicBool::new(false);
            let publish = async {
                writer.publish_levels(&[0]).await;
                done.store(true, Ordering::Relaxed);
            };
            let steady = self.pollers.iter_mut().filter(|poller| poller.limits.0 == poller.limits.1);
            let polls = steady.map(async |poller| {
                while !done.load(Ordering::Relaxed) {
                    poller.drain().await;
                }
                poller.drain().await;
                poller.seen.last().map(|seen| seen.id.clone())
            });
            let (newest, ()) = tokio::join!(futures_util::future::join_all(polls), publish);
            let sent = &writer.book.sent[writer.book.sent.len() - 1].id;
            assert!(newest.iter().flatten().all(|id| id == sent), "{sent} was acknowledged and is not shown");
        }
        for poller in &mut self.pollers {
            poller.drain().await;
        }
    }

    /// Who comes anew sees what stands and nothing else: twice, with a deletion between, so that
    /// pages kept in memory are asked for when they are stale.
    async fn check_afresh(&mut self, hub: &Hub) {
        for round in 0..2 {
            let ledger = Ledger::new(self.publishers.iter().map(|publisher| &publisher.book));
            let readers = hub.members.iter().filter(|member| !member.publishes);
            for (member, (style, all, limits)) in readers.zip(WAYS) {
                let dice = Dice::new(0, round);
                let limit = limits.1.max(100);
                let mut poller = Poller::new(member, hub.client(member), style, all, (limit, limit), dice);
                poller.drain().await;
                ledger.check_afresh(&poller);
            }
            for publisher in &mut self.publishers {
                publisher.delete(round == 0).await;
            }
        }
    }

    fn tell(&self, what: &str, ledger: &Ledger, started: Instant) {
        let sum = |of: fn(&Publisher) -> usize| self.publishers.iter().map(of).sum::<usize>();
        let seen: usize = self.pollers.iter().map(|poller| poller.seen.len()).sum();
        let pages: usize = self.pollers.iter().map(|poller| poller.pages.len()).sum();
        eprintln!(
            "{what}: {} versions in {} envelopes, {} deletions, {} answers lost, {} refusals for now; {} pollers saw {seen} versions on {pages} pages; {:.0} s",
            ledger.len(),
            sum(|publisher| publisher.book.receipts.len()),
            sum(|publisher| publisher.book.deletions),
            sum(|publisher| publisher.book.lost_answers),
            sum(|publisher| publisher.book.refused_for_now),
            self.pollers.len(),
            started.elapsed().as_secs_f64()
        );
    }
}

/// A hub for a run: pages are cut by bytes now and then.
pub(crate) fn hub(dice: &mut Dice) -> Hub {
    on(dice, |_| ())
}

/// The same on a directory that was prepared in some way.
pub(crate) fn on(dice: &mut Dice, prepare: impl FnOnce(&Path)) -> Hub {
    let mut hub = Hub::on(members(), dice, prepare);
    // A cache that keeps all pages would show stale ones.
    hub.extra =
        ["server.page_max_bytes=200000", "store.page_cache_bytes=200000000"].map(str::to_owned).to_vec();
    hub
}

async fn torture(what: &str, length: Duration, kills: u32, rest: Duration) {
    let started = Instant::now();
    let mut dice = Dice::new(seed(), 0);
    let mut hub = hub(&mut dice);
    if kills > 0 && dice.percent(40) {
        hub.extra.push("store.page_cache_bytes=1000000".to_owned());
    }
    hub.start();
    let crowd = Crowd::start(&hub, &mut dice, rest);
    let begun = Instant::now();
    for kill in 1..=kills {
        let due = length * kill / (kills + 1);
        let chance = Duration::from_millis(dice.range(0, 1_000));
        tokio::time::sleep((due + chance).saturating_sub(begun.elapsed())).await;
        // Mostly at the moment of an answer, when what it promises must be on disk.
        if dice.percent(75) {
            let _ = tokio::time::timeout(Duration::from_secs(2), crowd.answered.notified()).await;
        }
        hub.kill();
        tokio::time::sleep(Duration::from_millis(dice.range(0, 300))).await;
        hub.start();
    }
    tokio::time::sleep(length.saturating_sub(begun.elapsed())).await;
    crowd.finish().await.check(&hub, what, started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_poller_sees_everything_once_and_in_order() {
    torture("quick", Duration::from_secs(10), 0, Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, or LIAISON_TORTURE_SECS; tests/run runs it"]
async fn every_poller_sees_everything_once_though_the_server_is_killed_ten_times() {
    let seconds = setting("LIAISON_TORTURE_SECS").unwrap_or(40);
    torture(
        "kills",
        Duration::from_secs(seconds),
        u32::try_from(seconds / 5).unwrap().max(10),
        Duration::from_millis(1_000),
    )
    .await;
}

/// Half of eight by `next`, half by date, sizes from 1 to 1000; two that cut dates; two that want
/// the last versions only.
const WAYS: [(Style, bool, (u64, u64)); 12] = [
    (Style::Next, true, (1, 1)),
    (Style::Date, true, (1, 3)),
    (Style::Next, true, (1, 20)),
    (Style::Date, true, (5, 300)),
    (Style::Cut, true, (10, 500)),
    (Style::Next, false, (1, 200)),
    (Style::Date, true, (1, 1)),
    (Style::Next, true, (100, 100)),
    (Style::Date, true, (7, 7)),
    (Style::Next, true, (1_000, 1_000)),
    (Style::Cut, true, (1_000, 1_000)),
    (Style::Date, false, (1, 1_000)),
];
