//! Sync jobs while the hub runs: each has a thread.

use super::App;
use crate::sync::job::Job;
use crate::sync::keep::Keeper;
use crate::sync::schedule::Schedule;
use crate::sync::target::hub::Inside;
use actix_web::web;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The jobs of a hub.
#[derive(Debug, Clone, Default)]
pub struct Syncs {
    /// Each, with when it runs.
    pub jobs: Vec<(Job, Schedule)>,
    /// Where their states are.
    pub state: PathBuf,
}

/// The jobs that are under way.
pub(super) struct Syncing {
    is_stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts them.
pub(super) fn start(app: &web::Data<App>, syncs: Syncs) -> std::io::Result<Syncing> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let spawn = |(job, schedule): (Job, Schedule)| {
        let (dir, stopped, registry) = (syncs.state.clone(), is_stopped.clone(), app.clone());
        let inside = Inside {
            store: app.store.clone(),
            directory: Arc::new(move || registry.directory.load_full()),
            lists: app.exports.lists().clone(),
            clock: app.clock,
        };
        let clock = app.clock;
        thread::Builder::new().name(format!("sync {}", job.id)).spawn(move || {
            let is_stopped = || stopped.load(Ordering::SeqCst);
            let inside = Some(inside);
            let keeper =
                Keeper { job, schedule, dir, inside, clock, is_stopped: &is_stopped, progress: &|_| () };
            keeper.keep();
        })
    };
    let threads = syncs.jobs.into_iter().map(spawn).collect::<Result<_, _>>()?;
    Ok(Syncing { is_stopped, threads })
}

impl Syncing {
    /// Lets the parts under way come to their end, for a short while; no other one begins. Whatever is cut off
    /// is done again at the next start.
    pub(super) async fn end(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        while begun.elapsed() < END_MAX && !self.threads.iter().all(JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// For how long a part under way may hold up the end.
const END_MAX: Duration = Duration::from_secs(5);
