//! Pushes while the hub runs: each has a thread, looks as often as it is told whether its export has
//! changed, and waits after failures.

use super::App;
use crate::export::run::Part;
use crate::export::serve::{Current, served_event};
use crate::push::{Attempt, Failure, Push, Pushed, Status, backoff};
use crate::stix::Timestamp;
use actix_web::web;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The pushes that are under way.
pub(super) struct Pushing {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    is_stopped: AtomicBool,
    /// Held while something is noted for the audit log: nothing may be once the log is closed.
    noting: Mutex<()>,
}

impl Stop {
    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}

/// Starts them.
pub(super) fn start(app: &web::Data<App>, pushes: Vec<Push>) -> std::io::Result<Pushing> {
    let stop = Arc::new(Stop::default());
    let spawn = |push: Push| {
        let name = format!("push {}", push.id);
        let pusher = Pusher { app: app.clone(), push, stop: stop.clone(), noted: None };
        thread::Builder::new().name(name).spawn(move || pusher.keep())
    };
    let threads = pushes.into_iter().map(spawn).collect::<Result<_, _>>()?;
    Ok(Pushing { stop, threads })
}

impl Pushing {
    /// Lets batches under way be answered, for a short while; no other one goes out.
    pub(super) async fn end(&self) {
        {
            let _noting = self.stop.noting.lock();
            self.stop.is_stopped.store(true, Ordering::SeqCst);
        }
        let begun = Instant::now();
        while begun.elapsed() < END_MAX && !self.threads.iter().all(JoinHandle::is_finished) {
            tokio::time::sleep(TICK).await;
        }
    }
}

struct Pusher {
    app: web::Data<App>,
    push: Push,
    stop: Arc<Stop>,
    /// What the audit log knows already: the export as it was, and where it was from.
    noted: Option<(String, Arc<Vec<Part>>)>,
}

impl Pusher {
    fn keep(mut self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
            tracing::error!(push = %self.push.id, "a push cannot be started");
            return;
        };
        let mut pause = self.pause(&self.status());
        loop {
            let begun = Instant::now();
            while begun.elapsed() < pause {
                if self.stop.is_stopped() {
                    return;
                }
                thread::sleep(TICK.min(pause));
            }
            if self.stop.is_stopped() {
                return;
            }
            pause = match self.look(&runtime) {
                Ok(Pushed::Unchanged) => self.push.every,
                Ok(pushed) => {
                    tracing::info!(push = %self.push.id, ?pushed, "pushed");
                    self.push.every
                }
                Err(failure) => {
                    let status = self.status();
                    tracing::warn!(push = %self.push.id, %failure, failures = status.failures, next = status.next_try, "a push has failed; it is tried again");
                    self.pause(&status).max(TICK)
                }
            };
        }
    }

    fn status(&self) -> Status {
        Status::read(&self.app.exports.dir_of(&self.push.export), &self.push.id)
    }

    fn pause(&self, status: &Status) -> Duration {
        let now = self.app.clock.now();
        let next = status.next_try.as_deref().and_then(Timestamp::parse).filter(|_| !status.is_time(now));
        let wait = next.map_or(0, |next| next.micros().saturating_sub(now.micros()));
        Duration::from_micros(u64::try_from(wait).unwrap_or(0)).min(backoff::ASKED_LONGEST)
    }

    fn look(&mut self, runtime: &tokio::runtime::Runtime) -> Result<Pushed, Failure> {
        match self.current(runtime) {
            Ok((organisation, current)) => self.attempt(&organisation, &current),
            Err(what) => {
                let (failure, mut status) = (Failure::Failed(what), self.status());
                status.failed(&failure, chance(), self.app.clock.now());
                let dir = self.app.exports.dir_of(&self.push.export);
                status.write(&dir, &self.push.id).map_err(|error| Failure::Failed(error.to_string()))?;
                Err(failure)
            }
        }
    }

    /// On whose behalf the export is, and what it is now.
    fn current(&self, runtime: &tokio::runtime::Runtime) -> Result<(String, Current), String> {
        let (directory, now) = (self.app.directory.load_full(), self.app.clock.now());
        let name = &self.push.export;
        let export = directory.registry().exports.iter().find(|export| export.id == *name).cloned();
        let export = export.ok_or_else(|| format!("there is no export `{name}` in the registry in force"))?;
        let (shared, organisation) = (self.app.clone(), export.organisation.clone());
        let read =
            self.app.store.read(move |store| Ok(shared.exports.current(store, &directory, &export, now)));
        let current = runtime.block_on(read).map_err(|error| error.to_string())?;
        Ok((organisation, current.map_err(|error| error.to_string())?))
    }

    fn attempt(&mut self, organisation: &str, current: &Current) -> Result<Pushed, Failure> {
        let (app, stop, noted) = (&self.app, &self.stop, &mut self.noted);
        let by = format!("{organisation}/push:{}", self.push.id);
        let known = (current.meta.generated.clone(), current.parts.clone());
        let mut note = |rows: usize| {
            let _noting = stop.noting.lock();
            if stop.is_stopped() {
                return Err(Failure::Stopped.to_string());
            }
            // What is tried again and again is one delivery.
            if noted.as_ref() != Some(&known) {
                self::note(app, current, &by, rows)?;
                *noted = Some(known.clone());
            }
            Ok(())
        };
        let url = url::Url::parse(&app.settings.public_url).ok();
        Attempt {
            push: &self.push,
            exports: app.exports.dir(),
            meta: &current.meta,
            host: url.as_ref().and_then(url::Url::host_str).unwrap_or_default(),
            again: false,
            clock: &|| app.clock.now(),
            is_stopped: &|| stop.is_stopped(),
            note: &mut note,
        }
        .run(chance())
    }
}

/// Notes for the audit log who receives what.
fn note(app: &App, current: &Current, by: &str, rows: usize) -> Result<(), String> {
    let (size, now) = (app.store.memory().audit(), app.clock.now());
    for part in current.parts.iter() {
        let event = served_event(part, (by, ""), rows as u64, now, (size.size(), size.size_soon()));
        app.feed.journal().sends(event).map_err(|full| full.to_string())?;
    }
    Ok(())
}

fn chance() -> u16 {
    let mut bytes = [0; 2];
    // Without randomness there is less of a spread, and nothing worse.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u16::from_be_bytes(bytes)
}

const TICK: Duration = Duration::from_millis(100);
/// For how long a batch under way may hold up the end.
const END_MAX: Duration = Duration::from_secs(5);
