//! Arguments of `liaison erase` and `liaison hold`.

use super::HubArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which objects.
#[derive(Args)]
pub(in crate::cli) struct WhichArgs {
    /// Ids of objects: all their versions in every collection.
    #[arg(value_name = "ID", required_unless_present = "collection", conflicts_with = "collection")]
    pub(in crate::cli) ids: Vec<String>,
    /// What a collection holds: its id or alias.
    #[arg(long)]
    pub(in crate::cli) collection: Option<String>,
    /// Of the collection's objects, those of this type.
    #[arg(long = "type", value_name = "TYPE", requires = "collection")]
    pub(in crate::cli) object_type: Option<String>,
    /// Of the collection's objects, those of this organisation.
    #[arg(long, value_name = "ORG", requires = "collection")]
    pub(in crate::cli) owner: Option<String>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison erase indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --reason \"request 2026-17 of the person concerned\"\n  liaison erase --collection indicators --type ipv4-addr --before 2026-01-01 --reason \"decision of 3 March\" --dry-run\n\nWhat is erased is gone from the hub and is not taken again; recipients and backups keep what they have. A legal hold wins."
)]
pub(in crate::cli) struct EraseArgs {
    #[command(flatten)]
    pub(in crate::cli) which: WhichArgs,
    /// Of the collection's objects, those added before this day or time (UTC).
    #[arg(long, value_name = "DATE", requires = "collection")]
    pub(in crate::cli) before: Option<String>,
    /// Why; it is kept with the tombstones and in the audit log. No personal data.
    #[arg(long)]
    pub(in crate::cli) reason: String,
    /// Do not ask.
    #[arg(long)]
    pub(in crate::cli) yes: bool,
    /// Show what would go, what a hold keeps and who received it; erase nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Write the drafted notices to recipients here, a file for each organisation.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) notices: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
pub(in crate::cli) struct HoldArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: HoldCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum HoldCommand {
    /// Keep objects from being erased or deleted, those to come included.
    #[command(
        after_help = "Examples:\n  liaison hold add indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --reason \"court order 12/26\"\n  liaison hold add --collection indicators --owner cert-a --reason \"inquiry of 3 March\""
    )]
    Add {
        #[command(flatten)]
        which: WhichArgs,
        /// Why; it is kept with the hold and in the audit log.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Show the holds in force.
    List {
        /// Show those that were lifted, too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// End a hold; what is due goes with the next sweep, within a minute.
    Lift {
        /// Its number, as `hold list` shows it.
        hold: i64,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        hub: HubArgs,
    },
}
