//! Arguments of `liaison sync`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "A hub runs the jobs of the file that [sync] of its liaison.toml names.")]
pub(in crate::cli) struct SyncArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: SyncCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum SyncCommand {
    /// Run jobs by their schedules until stopped, or once.
    Run(SyncRunArgs),
    /// How jobs stand: last run, failures, what waits for a person.
    Status(SyncStatusArgs),
    /// Verify the file of jobs, and try to reach each source and target.
    Check(SyncCheckArgs),
    /// Let a job go on that has been held because it brought far more than usual.
    Release(SyncReleaseArgs),
}

/// Which jobs.
#[derive(Args, Clone)]
pub(in crate::cli) struct JobsArgs {
    /// The file of jobs.
    #[arg(long, default_value = "sync.toml", value_name = "FILE")]
    pub(in crate::cli) jobs: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args)]
#[command(
    after_help = "A job whose target is the hub is run by the hub itself: `--once` then asks it to, and waits.\n\nExit codes: 0 done, 1 failed or something was refused, 2 held, 69 out of reach.\n\nExamples:\n  liaison sync run\n  liaison sync run --once from-cert-b\n  liaison sync run --once from-cert-b --dry-run"
)]
pub(in crate::cli) struct SyncRunArgs {
    /// Run this job once, now (repeatable).
    #[arg(long, value_name = "JOB")]
    pub(in crate::cli) once: Vec<String>,
    /// Fetch and judge, but write nothing: what would come of it.
    #[arg(long, requires = "once")]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) jobs: JobsArgs,
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 every job is well, 2 one has failed, is held or is late.\n\nExample:\n  liaison sync status --jobs hub/sync.toml"
)]
pub(in crate::cli) struct SyncStatusArgs {
    #[command(flatten)]
    pub(in crate::cli) jobs: JobsArgs,
}

#[derive(Args)]
#[command(after_help = "Exit codes: 0 all is well, 1 something is not.\n\nExample:\n  liaison sync check")]
pub(in crate::cli) struct SyncCheckArgs {
    /// Look at the file only; connect to nobody.
    #[arg(long)]
    pub(in crate::cli) offline: bool,
    #[command(flatten)]
    pub(in crate::cli) jobs: JobsArgs,
}

#[derive(Args)]
#[command(after_help = "Example:\n  liaison sync release from-cert-b")]
pub(in crate::cli) struct SyncReleaseArgs {
    /// The job.
    #[arg(value_name = "JOB")]
    pub(in crate::cli) job: String,
    #[command(flatten)]
    pub(in crate::cli) jobs: JobsArgs,
}
