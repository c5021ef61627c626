//! Arguments of `liaison publish` and `liaison extract`.

use super::ServerArgs;
use crate::submission::terms::{CONFIDENCE, CONTEXT};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InputFormat {
    /// STIX bundles, TAXII envelopes, objects, JSON lines of any of these.
    Stix,
    /// A table with a header line, or any table with --mapping.
    Csv,
    /// An event of MISP.
    Misp,
    /// Events of IntelMQ, one JSON object a line.
    Intelmq,
    /// Free text: an e-mail, a report, a list.
    Text,
}

/// What holds the indicators together.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Holder {
    /// A `report`.
    Report,
    /// A `grouping`, whose context --context names.
    Grouping,
    /// Nothing.
    None,
}

/// What is said of everything that a submission holds.
#[derive(Args, Clone)]
#[command(next_help_heading = "Tables, MISP, IntelMQ, text")]
pub(in crate::cli) struct SubmissionArgs {
    /// What the files are; found out by looking at them, if not said.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<InputFormat>,
    /// Which columns of a table are what: a TOML file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) mapping: Option<PathBuf>,
    /// The TLP level of everything: CLEAR, GREEN, AMBER, AMBER+STRICT, RED. Asked for on a terminal.
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) tlp: Option<String>,
    /// What it may be used for (repeatable): cyber-defence, incident-response, fraud-prevention, … Asked for on a
    /// terminal.
    #[arg(long = "purpose", value_name = "PURPOSE", value_delimiter = ',')]
    pub(in crate::cli) purposes: Vec<String>,
    /// The PAP level.
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) pap: Option<String>,
    /// What the whole is called: under the same title it grows. By default what the source calls it.
    #[arg(long)]
    pub(in crate::cli) title: Option<String>,
    /// What holds the indicators together.
    #[arg(long, value_enum, default_value_t = Holder::Report)]
    pub(in crate::cli) container: Holder,
    /// Of a grouping.
    #[arg(long, default_value = CONTEXT)]
    pub(in crate::cli) context: String,
    /// 0 to 100, for what has none of its own.
    #[arg(long, default_value_t = CONFIDENCE, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(in crate::cli) confidence: u8,
    /// Days for which what has no end of its own is valid.
    #[arg(long, value_name = "DAYS")]
    pub(in crate::cli) valid_days: Option<u32>,
    /// A label for everything (repeatable).
    #[arg(long = "label", value_name = "LABEL")]
    pub(in crate::cli) labels: Vec<String>,
    /// A handling code, H0 to H3 (repeatable).
    #[arg(long = "handling-code", value_name = "CODE")]
    pub(in crate::cli) handling_codes: Vec<String>,
    /// The agreement or article by which it is shared.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) legal_basis: Option<String>,
    /// Of text, also values in headers and footers of mails, and what is only referred to.
    #[arg(long)]
    pub(in crate::cli) all_values: bool,
    /// Send without asking.
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison publish --profile hub/pki/clients/cert-a/feed.toml --collection indicators bundle.json\n  gunzip -c objects.jsonl.gz | liaison publish --profile feed --collection indicators -\n  liaison publish --profile feed --collection indicators --preview bundle.json\n  liaison publish --profile feed --tlp AMBER --purpose cyber-defence --title \"Wave 7\" indicators.csv\n  pdftotext -layout report.pdf - | liaison publish --profile feed --tlp GREEN --purpose cyber-defence --title \"Report 12\" -\n\nSending the same file again is safe: what is there already is not stored twice."
)]
pub(in crate::cli) struct PublishArgs {
    /// STIX, TAXII envelopes, JSON lines of these, .gz too; CSV, events of MISP or IntelMQ, e-mails, reports, lists as
    /// text; - for standard input.
    #[arg(required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    /// The collection's id or alias; may be left out if only one can be written to.
    #[arg(long)]
    pub(in crate::cli) collection: Option<String>,
    /// Read the files, look at the collection, send nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Store nothing; show who would read which objects, and what would be refused.
    #[arg(long, conflicts_with = "dry_run")]
    pub(in crate::cli) preview: bool,
    #[command(flatten)]
    pub(in crate::cli) submission: SubmissionArgs,
    /// Give up on an envelope after so many tries.
    #[arg(long, default_value_t = 8)]
    pub(in crate::cli) tries: u32,
    /// Print one JSON object at the end.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args)]
#[command(
    after_help = "One value a line, with its type before it, each value once a file.\n\nExit codes: 0 there is one, 1 there is none.\n\nExamples:\n  liaison extract mail.txt\n  pdftotext -layout report.pdf - | liaison extract --json -"
)]
pub(in crate::cli) struct ExtractArgs {
    /// Texts; - for standard input.
    #[arg(required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Also values in headers and footers of mails, and what is only referred to.
    #[arg(long)]
    pub(in crate::cli) all_values: bool,
    /// Print one JSON object for each value.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
