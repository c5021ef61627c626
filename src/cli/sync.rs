//! `liaison sync`: jobs between servers, on a machine of their own or in the hub.

use super::args::{JobsArgs, SyncArgs, SyncCheckArgs, SyncCommand, SyncRunArgs};
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::Syncs;
use crate::sync::Fault;
use crate::sync::job::{Job, Jobs, Target};
use crate::sync::keep::{Keeper, RELEASE, RUN, word};
use crate::sync::run::Ran;
use crate::sync::state::{self, Counts, State};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

pub(super) fn run(args: &SyncArgs) -> anyhow::Result<Exit> {
    match &args.command {
        SyncCommand::Run(args) if args.once.is_empty() => keep(&args.jobs),
        SyncCommand::Run(args) => once(args),
        SyncCommand::Status(args) => status(&args.jobs),
        SyncCommand::Check(args) => check(args),
        SyncCommand::Release(args) => {
            let jobs = load(&args.jobs.jobs)?;
            let job = named(&jobs, &args.job)?;
            let held = State::read(&jobs.state, &job.id).map_err(failed)?.held;
            if held.is_none() {
                return Err(stop(Exit::Failed, format!("the job `{}` is not held", job.id)));
            }
            state::ask(&jobs.state, &job.id, RELEASE)?;
            output::line(&format!("{}: goes on with its next run", job.id));
            Ok(Exit::Done)
        }
    }
}

/// The jobs that a hub runs, as its settings name them.
pub(super) fn declared(config: &Config) -> anyhow::Result<Syncs> {
    let Some(path) = &config.sync.jobs else { return Ok(Syncs::default()) };
    let jobs = load(path)?;
    let with_schedule = |job: Job| -> anyhow::Result<_> {
        let schedule = job.schedule().map_err(|what| stop(Exit::Usage, format!("job {}: {what}", job.id)))?;
        Ok((job, schedule))
    };
    let state = jobs.state;
    Ok(Syncs { jobs: jobs.jobs.into_iter().map(with_schedule).collect::<Result<_, _>>()?, state })
}

fn load(path: &Path) -> anyhow::Result<Jobs> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        stop(Exit::Usage, format!("cannot read {}: {error}; --jobs FILE names another", path.display()))
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    Jobs::parse(&text, base).map_err(|what| stop(Exit::Usage, format!("{}: {what}", path.display())))
}

fn named<'a>(jobs: &'a Jobs, id: &str) -> anyhow::Result<&'a Job> {
    let known = || jobs.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>().join(", ");
    let found = jobs.jobs.iter().find(|job| job.id == id);
    found.ok_or_else(|| stop(Exit::Usage, format!("there is no job `{id}`; there are: {}", known())))
}

/// Runs all jobs that are not the hub's by their schedules, until a signal comes.
fn keep(args: &JobsArgs) -> anyhow::Result<Exit> {
    crate::telemetry::start(&crate::config::Log::default()).map_err(|error| stop(Exit::Usage, error))?;
    let jobs = load(&args.jobs)?;
    let is_ours = |job: &&Job| !matches!(job.target, Target::Hub { .. });
    let ours: Vec<&Job> = jobs.jobs.iter().filter(is_ours).filter(|job| job.enabled).collect();
    if ours.is_empty() {
        let what = "there is no job to run here: those whose target is the hub are run by the hub";
        return Err(stop(Exit::Usage, what));
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let is_stopped = || stopped.load(Ordering::SeqCst);
    let keepers: Result<Vec<Keeper>, anyhow::Error> =
        ours.into_iter().map(|job| keeper(&jobs, job, &is_stopped, &|_| ())).collect();
    let keepers = keepers?;
    std::thread::scope(|scope| {
        for keeper in &keepers {
            tracing::info!(job = %keeper.job.id, schedule = keeper.schedule.describe(), "a job is kept");
            scope.spawn(|| keeper.keep());
        }
        let waited = super::connect::runtime().and_then(|runtime| {
            runtime.block_on(async {
                let (mut one, mut other) =
                    (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
                tokio::select! { _ = one.recv() => {}, _ = other.recv() => {} }
                Ok(())
            })
        });
        stopped.store(true, Ordering::SeqCst);
        waited
    })?;
    Ok(Exit::Done)
}

fn keeper<'a>(
    jobs: &Jobs,
    job: &Job,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
    progress: &'a (dyn Fn(&Counts) + Sync),
) -> anyhow::Result<Keeper<'a>> {
    let schedule = job.schedule().map_err(|what| stop(Exit::Usage, format!("job {}: {what}", job.id)))?;
    let (job, dir) = (job.clone(), jobs.state.clone());
    Ok(Keeper { job, schedule, dir, inside: None, clock: Clock::system(), is_stopped, progress })
}

fn once(args: &SyncRunArgs) -> anyhow::Result<Exit> {
    let jobs = load(&args.jobs.jobs)?;
    let chosen: Vec<&Job> = args.once.iter().map(|id| named(&jobs, id)).collect::<Result<_, _>>()?;
    let mut exit = Exit::Done;
    for job in chosen {
        let ran = match &job.target {
            Target::Hub { .. } if args.dry_run => Err(Fault::Lasting(
                "its target is the hub, which judges what comes when it comes: there is no dry run"
                    .to_owned(),
            )),
            Target::Hub { .. } => order(&jobs, job),
            _ => here(&jobs, job, args.dry_run),
        };
        let outcome = tell(job, &ran, args);
        exit = if exit == Exit::Done { outcome } else { exit };
    }
    Ok(exit)
}

/// Runs a job in this process.
fn here(jobs: &Jobs, job: &Job, dry_run: bool) -> Result<Ran, Fault> {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let progress = |counts: &Counts| {
        bar.set_message(format!(
            "{}: {} received, {} stored, {} refused",
            job.id, counts.received, counts.stored, counts.refused
        ));
        bar.tick();
    };
    let keeper =
        keeper(jobs, job, &|| false, &progress).map_err(|error| Fault::Lasting(error.to_string()))?;
    let mut before = Counts::default();
    let ran = loop {
        match keeper.once(dry_run) {
            // The limit on one run is there for those that others wait for.
            Ok(ran) if ran.more && !dry_run => before.add(&ran.counts),
            Ok(mut ran) => {
                before.add(&ran.counts);
                ran.counts = before;
                break Ok(ran);
            }
            failed => break failed,
        }
    };
    bar.finish_and_clear();
    ran
}

/// Has the hub run a job, and waits until it has.
fn order(jobs: &Jobs, job: &Job) -> Result<Ran, Fault> {
    let read = || State::read(&jobs.state, &job.id);
    let before = read()?;
    state::ask(&jobs.state, &job.id, RUN).map_err(Fault::passing)?;
    let begun = Instant::now();
    let is_waiting = || state::path(&jobs.state, &job.id, RUN).exists();
    while is_waiting() {
        if begun.elapsed() > ANSWER_MAX && state::is_asked(&jobs.state, &job.id, RUN) {
            let what = "no hub runs the jobs of this file; is `liaison serve` running, and does [sync] of its liaison.toml name the file?";
            return Err(Fault::Lasting(what.to_owned()));
        }
        std::thread::sleep(TICK);
    }
    loop {
        let now = read()?;
        if let Some(held) = now.held {
            return Err(Fault::Held(held));
        }
        if now.runs != before.runs {
            // A run that has failed in part is both.
            let fault = now.last_error.filter(|_| now.failures > before.failures).map(Fault::passing);
            return Ok(Ran { counts: now.last_run, remark: now.remark, fault, ..Ran::default() });
        }
        if now.failures > before.failures {
            return Err(Fault::passing(now.last_error.unwrap_or_default()));
        }
        std::thread::sleep(TICK);
    }
}

/// Says what came of a run, and how the command ends.
fn tell(job: &Job, ran: &Result<Ran, Fault>, args: &SyncRunArgs) -> Exit {
    let (told, text, exit) = match ran {
        Ok(ran) => {
            let exit = if ran.counts.refused > 0 { Exit::Failed } else { Exit::Done };
            let exit = ran.fault.as_ref().map_or(exit, exit_of);
            let mut told = json!({"job": job.id, "counts": ran.counts, "remark": ran.remark, "more": ran.more, "dry_run": args.dry_run});
            if let Some(fault) = &ran.fault {
                told["error"] = fault.to_string().into();
            }
            (told, summary(job, ran, args.dry_run), exit)
        }
        Err(fault) => {
            let told =
                json!({"job": job.id, "error": fault.to_string(), "held": matches!(fault, Fault::Held(_))});
            (told, format!("{}: {fault}", job.id), exit_of(fault))
        }
    };
    match args.jobs.json {
        true => output::json(&told),
        false if ran.is_ok() => output::line(&text),
        false => output::problem(&text),
    }
    exit
}

fn summary(job: &Job, ran: &Ran, dry_run: bool) -> String {
    let counts = &ran.counts;
    let list = |all: &std::collections::BTreeMap<String, u64>| {
        let parts: Vec<String> = all.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    let left_out: u64 = counts.left_out.values().sum();
    let mut text = match dry_run {
        true => format!("{}: {} received, {} would be refused", job.id, counts.received, counts.refused),
        false => format!(
            "{}: {} received, {} stored{}, {} there already, {} waiting for release, {} refused",
            job.id,
            counts.received,
            counts.stored,
            list(&counts.types),
            counts.unchanged,
            counts.pending,
            counts.refused
        ),
    };
    text += &format!(", {left_out} left out{}", list(&counts.left_out));
    if let Some(remark) = &ran.remark {
        text += &format!("; note: {remark}");
    }
    if let Some(fault) = &ran.fault {
        text += &format!("; but {fault}");
    }
    text
}

fn exit_of(fault: &Fault) -> Exit {
    match fault {
        Fault::Passing { .. } => Exit::Unreachable,
        Fault::Held(_) => Exit::Degraded,
        Fault::Lasting(_) | Fault::Stopped => Exit::Failed,
    }
}

fn failed(fault: Fault) -> anyhow::Error {
    stop(exit_of(&fault), fault.to_string())
}

fn status(args: &JobsArgs) -> anyhow::Result<Exit> {
    let jobs = load(&args.jobs)?;
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for job in &jobs.jobs {
        let state = State::read(&jobs.state, &job.id).map_err(failed)?;
        let word = word(&state, job, Clock::system().now());
        if !["well", "off", "new"].contains(&word) {
            exit = Exit::Degraded;
        }
        if args.json {
            let mut value = serde_json::to_value(&state)?;
            if let Value::Object(object) = &mut value {
                object.insert("job".to_owned(), job.id.as_str().into());
                object.insert("is".to_owned(), word.into());
                object.remove("markings");
            }
            told.push(value);
            continue;
        }
        let never = || "never".to_owned();
        output::line(&format!(
            "{:<6} {}  last success {}, {} runs; in all {} received, {} stored, {} refused",
            word,
            job.id,
            state.last_success.clone().unwrap_or_else(never),
            state.runs,
            state.total.received,
            state.total.stored,
            state.total.refused
        ));
        if let Some(next) = &state.next_try {
            let error = state.last_error.as_deref().unwrap_or_default();
            output::line(&format!("       {} failures, next try {next}: {error}", state.failures));
        }
        for text in state.held.iter().chain(&state.remark) {
            output::line(&format!("       {text}"));
        }
    }
    if args.json {
        output::json(&told);
    }
    Ok(exit)
}

fn check(args: &SyncCheckArgs) -> anyhow::Result<Exit> {
    let jobs = load(&args.jobs.jobs)?;
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for job in &jobs.jobs {
        let never = || false;
        let checked = keeper(&jobs, job, &never, &|_| ()).and_then(|keeper| {
            if !args.offline {
                keeper.reach().map_err(failed)?;
            }
            Ok(keeper.schedule.describe())
        });
        let (is_well, text) = match checked {
            Ok(schedule) => (true, schedule),
            Err(error) => (false, error.to_string()),
        };
        if !is_well {
            exit = Exit::Failed;
        }
        match args.jobs.json {
            true => told.push(json!({"job": job.id, "ok": is_well, "text": text})),
            false => output::line(&format!("{}  {}: {text}", if is_well { "ok " } else { "BAD" }, job.id)),
        }
    }
    if args.jobs.json {
        output::json(&told);
    }
    Ok(exit)
}

/// For so long a hub may take to notice that it is asked.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(100);
