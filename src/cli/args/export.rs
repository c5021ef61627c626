//! Arguments of exports and warning lists.

use super::HubArgs;
use clap::{Args, Subcommand};

#[derive(Args)]
pub(in crate::cli) struct ExportFilesArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ExportFilesCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum ExportFilesCommand {
    /// Make exports of the registry in force, as files.
    Run(RunArgs),
    /// Make exports, and send what has changed to their targets, once.
    Push(PushArgs),
    /// Show the exports of the registry in force, what was last made of them, and how their pushes go.
    List(HubArgs),
    /// Show the formats.
    Formats(FormatsArgs),
    /// Make a token by which a device without a certificate fetches an export.
    Token,
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 made or unchanged, 1 an export failed or would shrink too much.\n\nExamples:\n  liaison export run soc-dns\n  liaison export run --all --config hub/liaison.toml"
)]
pub(in crate::cli) struct RunArgs {
    /// Their names.
    #[arg(required_unless_present = "all", value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with = "names")]
    pub(in crate::cli) all: bool,
    /// Put the new files in place however much goes.
    #[arg(long)]
    pub(in crate::cli) accept_shrink: bool,
    /// Tell what would be in them, and write nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "While the hub runs it does this by itself. By hand it does not wait after failures, and sends again what a target has refused.\n\nExit codes: 0 the targets have everything, 1 one has not.\n\nExamples:\n  liaison export push soc-siem\n  liaison export push --all --dry-run"
)]
pub(in crate::cli) struct PushArgs {
    /// Names of pushes, or of exports for all pushes of them.
    #[arg(required_unless_present = "all", value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with = "names")]
    pub(in crate::cli) all: bool,
    /// Tell what of the files as they are would be sent, and make and send nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
pub(in crate::cli) struct FormatsArgs {
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args)]
pub(in crate::cli) struct WarningArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: WarningCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum WarningCommand {
    /// Show the lists in force.
    List(HubArgs),
    /// Show what the lists say of values.
    Test(TestArgs),
    /// Confirm objects although lists name their values: exports take them from now on.
    Confirm(ConfirmArgs),
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 no list names a value, 1 one does.\n\nExample:\n  liaison warning test 10.1.2.3 example.com"
)]
pub(in crate::cli) struct TestArgs {
    /// Addresses, networks, names, URLs, e-mail addresses, hashes.
    #[arg(required = true, value_name = "VALUE")]
    pub(in crate::cli) values: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "A confirmation holds for the objects and the lists' versions of today, or the opinions given so far; it is recorded in the audit log.\n\nExamples:\n  liaison warning confirm indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1\n  liaison warning confirm --opinions indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1"
)]
pub(in crate::cli) struct ConfirmArgs {
    /// Ids of objects.
    #[arg(required = true, value_name = "ID")]
    pub(in crate::cli) ids: Vec<String>,
    /// End their disputes instead: opinions given up to now no longer count.
    #[arg(long)]
    pub(in crate::cli) opinions: bool,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}
