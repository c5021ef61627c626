//! Arguments of the commands about content.

use crate::stix::content::Profile;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Commands about content, which need no server.
#[derive(Subcommand)]
pub(in crate::cli) enum ContentCommand {
    /// Check STIX content against the standard.
    Validate(ValidateArgs),
    /// Check, explain and match STIX patterns.
    Pattern(PatternArgs),
    /// Compute the ids that the content of observables gives.
    Id(IdArgs),
    /// Print the JSON Schema of a STIX type.
    Schema(SchemaArgs),
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison validate bundle.json\n  liaison validate --profile interop feed.jsonl.gz\n  liaison validate --json bundle.json\n  echo '{\"name\":1,\"object\":{…}}' | liaison validate --json-lines -\n\nExit code 0 if everything is valid, 1 if not, 65 if a file cannot be read. With --json-lines the verdicts are data: 0."
)]
pub(in crate::cli) struct ValidateArgs {
    /// Bundles, envelopes, objects, or JSON lines of these; packed with gzip or not; - is standard input.
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Which findings refuse: strict, interop (some that real feeds are full of only warn), permissive.
    #[arg(long, value_parser = profile, default_value = "strict")]
    pub(in crate::cli) profile: Profile,
    /// Print one JSON verdict for each object.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Read lines {"name":…, "object":{…}} or {"name":…, "text":"…"}, and answer each with a verdict.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub(in crate::cli) json_lines: Option<PathBuf>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison pattern explain \"[domain-name:value = 'example.com']\"\n  liaison pattern check < patterns.jsonl"
)]
pub(in crate::cli) struct PatternArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: PatternCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum PatternCommand {
    /// Check patterns: lines {"name":…, "pattern":"…"} in, {"name":…, "valid":…, "error":…, "warnings":[…]} out.
    #[command(
        after_help = "Example:\n  echo '{\"name\":1,\"pattern\":\"[file:size > 100]\"}' | liaison pattern check"
    )]
    Check {
        /// Where the lines come from; - is standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        json_lines: PathBuf,
    },
    /// Match patterns: lines {"name":…, "pattern":"…", "observations":[…]} in, {"name":…, "match":…} or "error" out.
    #[command(after_help = "Example:\n  liaison pattern match --json-lines cases.jsonl")]
    Match {
        /// Where the lines come from; - is standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        json_lines: PathBuf,
    },
    /// Tell in plain words what a pattern looks for.
    #[command(after_help = "Example:\n  liaison pattern explain \"[domain-name:value = 'example.com']\"")]
    Explain {
        /// The pattern.
        pattern: String,
    },
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  echo '{\"name\":1,\"object\":{\"type\":\"domain-name\",\"value\":\"example.com\"}}' | liaison id --json-lines -"
)]
pub(in crate::cli) struct IdArgs {
    /// Lines {"name":…, "object":{…}} in, {"name":…, "id":…} out; null where the id must be random.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(in crate::cli) json_lines: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  liaison schema indicator\n  liaison schema --list")]
pub(in crate::cli) struct SchemaArgs {
    /// The type, such as indicator.
    pub(in crate::cli) name: Option<String>,
    /// Name all schemas.
    #[arg(long)]
    pub(in crate::cli) list: bool,
}

fn profile(name: &str) -> Result<Profile, String> {
    match name {
        "strict" => Ok(Profile::Strict),
        "interop" => Ok(Profile::Interop),
        "permissive" => Ok(Profile::Permissive),
        _ => Err("expected strict, interop or permissive".to_owned()),
    }
}
