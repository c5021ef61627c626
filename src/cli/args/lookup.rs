//! Arguments of look-ups.

use super::ServerArgs;
use clap::Args;

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 something hits, 1 nothing does, 2 the hub refuses, 64 usage, 69 unreachable, 77 not permitted.\n\nExamples:\n  liaison lookup --profile siem 198.51.100.7 evil.example\n  zcat proxy.log.gz | liaison lookup --profile siem --stdin > hits.log\n  tail -F mail.log | liaison lookup --profile siem --stdin --json"
)]
pub(in crate::cli) struct LookupArgs {
    /// Addresses, networks, names, URLs, e-mail addresses, hashes, or any other value.
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin", value_name = "VALUE")]
    pub(in crate::cli) values: Vec<String>,
    /// Read a log from standard input, and print the lines in which something hits.
    #[arg(long)]
    pub(in crate::cli) stdin: bool,
    /// What the values are, for example ipv4-addr or domain-name (repeatable).
    #[arg(long = "type", value_name = "TYPE")]
    pub(in crate::cli) types: Vec<String>,
    /// Look here alone: a collection's id or alias (repeatable).
    #[arg(long = "collection", value_name = "COLLECTION")]
    pub(in crate::cli) collections: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    /// Print JSON, one object a value or a line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
