//! Arguments of `liaison audit`.

use super::{HubArgs, ServerArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct AuditArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: AuditCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Check that no record was changed, left out, put in or moved; names the first that was.
    Verify(VerifyArgs),
    /// Show the newest records.
    Tail(TailArgs),
    /// Write all records, one a line, byte for byte.
    Export(ExportArgs),
    /// Who received an object, when, and each version of it.
    Recipients(RecipientsArgs),
    /// Print the latest signed checkpoint: keep it, and nobody can change unnoticed what it covers.
    Checkpoint(CheckpointArgs),
    /// Print the verifier key that checkpoints are checked with.
    Key(HubArgs),
    /// Prove that the log at one size begins with the log at a smaller size; or check such a proof.
    Consistency(ConsistencyArgs),
    /// Prove that a record is in the log.
    Inclusion(InclusionArgs),
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison audit verify --config hub/liaison.toml\n  liaison audit verify --export audit.jsonl --key 'hub.example/liaison+1a2b3c4d+AbCd…' --checkpoint yesterday.txt\n\nThe database is checked with every checkpoint that it and audit.checkpoints hold. An export needs no hub; give\nthe key as the hub's operator told it, and the checkpoints that you kept."
)]
pub(in crate::cli) struct VerifyArgs {
    /// Check this export instead of the hub's database.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) export: Option<PathBuf>,
    /// The verifier key of the log (repeatable).
    #[arg(long = "key", value_name = "VKEY")]
    pub(in crate::cli) keys: Vec<String>,
    /// A file with checkpoints to check against (repeatable).
    #[arg(long = "checkpoint", value_name = "FILE", requires = "keys")]
    pub(in crate::cli) checkpoints: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison audit tail --config hub/liaison.toml -n 50\n  liaison audit tail --follow --json\n  liaison audit tail --profile hub/pki/clients/cert-a/audit.toml\n\nWith --profile the server is asked. It shows auditors every record, and others what concerns their own objects."
)]
pub(in crate::cli) struct TailArgs {
    /// How many.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    pub(in crate::cli) lines: u32,
    /// Wait for more, until interrupted.
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  liaison audit export --config hub/liaison.toml --out audit.jsonl\n\n`liaison audit verify --export` checks such a file, and so can anybody who reads RFC 6962: the leaf of a line is\nSHA-256(0x00, line without its line feed), and `prev` is the leaf of the line before."
)]
pub(in crate::cli) struct ExportArgs {
    /// Where to write; - for standard output.
    #[arg(long, default_value = "-", value_name = "FILE")]
    pub(in crate::cli) out: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison audit recipients indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2 --config hub/liaison.toml\n  liaison audit recipients indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2 --profile hub/pki/clients/cert-a/feed.toml\n\nWith --profile the server is asked. It answers auditors, and others for the objects of their own organisation."
)]
pub(in crate::cli) struct RecipientsArgs {
    /// The object.
    pub(in crate::cli) id: String,
    /// In the collection with this id only.
    #[arg(long)]
    pub(in crate::cli) collection: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison audit checkpoint --config hub/liaison.toml\n  liaison audit checkpoint --profile hub/pki/clients/cert-b/feed.toml > today.txt"
)]
pub(in crate::cli) struct CheckpointArgs {
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison audit consistency 1200 3400 --profile hub/pki/clients/cert-b/feed.toml > proof.json\n  liaison audit consistency yesterday.txt today.txt --check proof.json --key 'hub.example/liaison+1a2b3c4d+AbCd…'\n\nWith --check no hub is asked: the proof must lead from the one checkpoint to the other."
)]
pub(in crate::cli) struct ConsistencyArgs {
    /// The smaller size; with --check, the file of the older checkpoint.
    pub(in crate::cli) old: String,
    /// The larger size; with --check, the file of the newer checkpoint.
    pub(in crate::cli) new: String,
    /// Check this proof instead of making one.
    #[arg(long, value_name = "PROOF.json", requires = "keys")]
    pub(in crate::cli) check: Option<PathBuf>,
    /// The verifier key of the log (repeatable).
    #[arg(long = "key", value_name = "VKEY")]
    pub(in crate::cli) keys: Vec<String>,
    /// Ask the server of this profile instead of the hub's own database.
    #[arg(long, value_name = "FILE|NAME", env = "LIAISON_PROFILE")]
    pub(in crate::cli) profile: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison audit inclusion 17 --config hub/liaison.toml\n  liaison audit inclusion 17 --size 3400 --json > proof.json\n  liaison audit inclusion 17 --check proof.json --record record.json --checkpoint today.txt --key 'hub.example/liaison+1a2b3c4d+AbCd…'"
)]
pub(in crate::cli) struct InclusionArgs {
    /// The number of the record.
    pub(in crate::cli) n: u64,
    /// Among so many records; by default those of the latest checkpoint.
    #[arg(long)]
    pub(in crate::cli) size: Option<u64>,
    /// Check this proof instead of making one.
    #[arg(long, value_name = "PROOF.json", requires_all = ["keys", "record", "checkpoint"])]
    pub(in crate::cli) check: Option<PathBuf>,
    /// With --check: a file with the record, as exported.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) record: Option<PathBuf>,
    /// With --check: a file with the checkpoint.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) checkpoint: Option<PathBuf>,
    /// The verifier key of the log (repeatable).
    #[arg(long = "key", value_name = "VKEY")]
    pub(in crate::cli) keys: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) hub: HubArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_of_all_commands_go_together() {
        crate::cli::args::Cli::command().debug_assert();
    }
}
