//! Arguments of the commands that tell and change who may see what.

use super::HubArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
#[command(
    after_help = "Exit code 0 if the client reads at least one version, else 1.\n\nExample:\n  liaison explain --client cert-b/siem --object indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --config hub/liaison.toml"
)]
pub(in crate::cli) struct ExplainArgs {
    /// For whom: ORG/CLIENT.
    #[arg(long, alias = "peer", value_name = "ORG/CLIENT")]
    pub(in crate::cli) client: String,
    /// The object's id.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) object: String,
    /// In this collection only: id or alias.
    #[arg(long, value_name = "ID|ALIAS")]
    pub(in crate::cli) collection: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Subcommand)]
pub(in crate::cli) enum PolicyCommand {
    /// Show what another registry would have shown a client, or hidden from it.
    Simulate(SimulateArgs),
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  liaison policy simulate --client cert-b/siem --since 30d --registry new.toml --config hub/liaison.toml"
)]
pub(in crate::cli) struct SimulateArgs {
    /// For whom: ORG/CLIENT.
    #[arg(long, value_name = "ORG/CLIENT")]
    pub(in crate::cli) client: String,
    /// What was added since then: a time, or a span such as 12h, 30d, 8w.
    #[arg(long, default_value = "30d", value_name = "TIME|SPAN")]
    pub(in crate::cli) since: String,
    /// The registry to try.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) registry: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}
