//! What the server does by itself: it erases what is due, revokes what has expired where a collection says so,
//! and does what the operator's commands have left for it. All go in batches with pauses, so that polls and
//! publishes stay fast meanwhile.

use super::App;
use crate::ingest::expiry;
use crate::store::Error;
use crate::store::erasure::{Step, Swept};
use actix_web::web;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Goes on as long as the server runs.
pub(super) async fn keep(app: web::Data<App>) {
    let mut upkeep = Upkeep { app, next_sweep: i64::MIN, round: Swept::default(), revoked: 0 };
    loop {
        let begun = Instant::now();
        let pause = match upkeep.batch().await {
            Ok(true) => (begun.elapsed() * PAUSE_FACTOR).clamp(PAUSE_MIN, PAUSE_MAX),
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                tracing::error!(%error, "upkeep has stopped; it is tried again");
                PAUSE_AFTER_ERROR
            }
        };
        sleep(pause).await;
    }
}

struct Upkeep {
    app: web::Data<App>,
    /// When to look for what is due, in microseconds since 1970.
    next_sweep: i64,
    /// What this round has erased so far.
    round: Swept,
    /// How many indicators it has revoked.
    revoked: u64,
}

impl Upkeep {
    /// One batch of whatever there is to do; false if there is nothing.
    async fn batch(&mut self) -> Result<bool, Error> {
        let now = self.app.clock.now();
        if self.app.store.write(move |store| store.step(now)).await? == Step::Worked {
            return Ok(true);
        }
        // A clock that was set back must not stop it.
        let is_time = now.micros() >= self.next_sweep || now.micros() < self.next_sweep - SWEEP_EVERY_MICROS;
        if !is_time {
            return Ok(false);
        }
        let swept = self.app.store.write(move |store| store.sweep(now)).await?;
        self.round.erased += swept.erased;
        self.round.kept += swept.kept;
        if swept.more {
            return Ok(true);
        }
        let directory = self.app.directory.load_full();
        let revoked = self.app.store.write(move |store| expiry::revoke(store, &directory, now)).await?;
        self.revoked += revoked.revoked;
        if !revoked.more {
            self.next_sweep = now.micros() + SWEEP_EVERY_MICROS;
            self.end_round().await?;
        }
        Ok(revoked.more)
    }

    async fn end_round(&mut self) -> Result<(), Error> {
        let revoked = std::mem::take(&mut self.revoked);
        if revoked > 0 {
            tracing::info!(indicators = revoked, "revoked what has expired");
        }
        let round = std::mem::take(&mut self.round);
        if round.erased == 0 {
            return Ok(());
        }
        tracing::info!(
            versions = round.erased,
            kept_by_holds = round.kept,
            "erased what was kept long enough"
        );
        self.app.store.write(move |store| store.wipe()).await
    }
}

/// How often to look for orders.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often to look for what is due.
const SWEEP_EVERY_MICROS: i64 = 60_000_000;
/// A pause after a batch is so many times as long as the batch took.
const PAUSE_FACTOR: u32 = 2;
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(2);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(10);
