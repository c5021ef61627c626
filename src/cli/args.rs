//! Every command and its arguments, as `--help` shows them.

mod audit;
mod content;
mod erasing;
mod export;
mod governance;
mod lookup;
mod review;
mod submission;
mod sync;

pub(super) use audit::{
    AuditArgs, AuditCommand, CheckpointArgs, ConsistencyArgs, ExportArgs, InclusionArgs, RecipientsArgs,
    TailArgs, VerifyArgs,
};
pub(super) use content::{ContentCommand, IdArgs, PatternCommand, SchemaArgs, ValidateArgs};
pub(super) use erasing::{EraseArgs, HoldArgs, HoldCommand, WhichArgs};
pub(super) use export::{
    ConfirmArgs, ExportFilesArgs, ExportFilesCommand, FormatsArgs, PushArgs, RunArgs, TestArgs, WarningArgs,
    WarningCommand,
};
pub(super) use governance::{ExplainArgs, PolicyCommand, SimulateArgs};
pub(super) use lookup::LookupArgs;
pub(super) use review::{How, ReviewArgs, ReviewCommand, Which};
pub(super) use submission::{ExtractArgs, Holder, InputFormat, PublishArgs, SubmissionArgs};
pub(super) use sync::{JobsArgs, SyncArgs, SyncCheckArgs, SyncCommand, SyncRunArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Exchange of cyber-threat information between CERTs: STIX 2.1 over TAXII 2.1 behind mutual TLS.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXITS)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show an exchange at work: two CERTs, a SIEM, real-looking data. Run this first.
    Demo(DemoArgs),
    /// Write everything a hub needs into a directory: settings, registry, CA, certificates.
    Init(InitArgs),
    /// Run the hub.
    Serve(ServeArgs),
    /// Verify settings, certificates, database and registry without serving.
    Check(HubArgs),
    /// Show what a running hub is doing.
    Status(HubArgs),
    /// Who takes part and what they have agreed.
    Registry(RegistryArgs),
    /// The hub's private certificate authority.
    Pki(PkiArgs),
    /// Erase objects from the hub for good, and draft the notices to those who received them.
    Erase(EraseArgs),
    /// Legal holds: what must not be erased.
    Hold(HoldArgs),
    /// Publish STIX, tables, events of MISP or IntelMQ, or what texts name to a collection.
    Publish(PublishArgs),
    /// Show what values texts name, however they are written; no server is asked.
    Extract(ExtractArgs),
    /// Look at what waits for release, and decide on it.
    Review(ReviewArgs),
    /// Fetch everything new from a collection since the last time.
    Poll(PollArgs),
    /// Show who this certificate is to a server, and what it may use there.
    Whoami(WhoamiArgs),
    /// Look values up, or those in a log: which shared objects name them, and what is said of them.
    Lookup(LookupArgs),
    /// Tell why a client sees an object, or does not: each line of the decision.
    Explain(ExplainArgs),
    /// What a change of the registry would do.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Jobs that keep information moving between servers, by a schedule.
    Sync(SyncArgs),
    /// Files for SIEMs and network devices.
    Export(ExportFilesArgs),
    /// Values that must not be published: the lists, and what was confirmed nevertheless.
    Warning(WarningArgs),
    /// The audit log: who did what, and who received what.
    Audit(AuditArgs),
    #[command(flatten)]
    Content(ContentCommand),
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison demo\n  liaison demo --once\n  liaison demo ./my-demo --data bundle.json"
)]
pub(super) struct DemoArgs {
    /// Where to set it up; by default a new directory that is removed at the end.
    pub(super) dir: Option<PathBuf>,
    /// End when the round is complete, instead of serving on.
    #[arg(long)]
    pub(super) once: bool,
    /// Publish this file instead of the data set that comes with the program.
    #[arg(long, value_name = "FILE")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison init hub\n  liaison init hub --name hub.cert.example --listen 0.0.0.0:8443"
)]
pub(super) struct InitArgs {
    /// The directory to write; it must not hold a hub yet.
    pub(super) dir: PathBuf,
    /// A host name or address that clients will use (repeatable); localhost always works.
    #[arg(long = "name", value_name = "HOST")]
    pub(super) names: Vec<String>,
    /// Where to serve.
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDRESS:PORT")]
    pub(super) listen: std::net::SocketAddr,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which hub.
#[derive(Args, Clone)]
pub(super) struct HubArgs {
    /// The settings.
    #[arg(long, default_value = "liaison.toml", value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Override a setting (repeatable).
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(super) sets: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison serve --config hub/liaison.toml\n  liaison serve --set server.listen=0.0.0.0:8443"
)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) hub: HubArgs,
    /// Serve although the newest objects are dated more than 24 hours ahead of the clock.
    #[arg(long)]
    pub(super) accept_future_watermark: bool,
}

#[derive(Args)]
pub(super) struct RegistryArgs {
    #[command(subcommand)]
    pub(super) command: RegistryCommand,
}

#[derive(Subcommand)]
pub(super) enum RegistryCommand {
    /// Show what applying a file would change.
    Plan(RegistryFileArgs),
    /// Put a file in force; running servers take it over within a second.
    Apply(RegistryApplyArgs),
    /// Print the registry in force.
    Show(HubArgs),
}

#[derive(Args)]
pub(super) struct RegistryApplyArgs {
    #[command(flatten)]
    pub(super) file: RegistryFileArgs,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

#[derive(Args)]
pub(super) struct RegistryFileArgs {
    /// The registry, for example registry.toml.
    pub(super) file: PathBuf,
    /// With `apply`: change nothing, as `plan`.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) hub: HubArgs,
}

#[derive(Args)]
pub(super) struct PkiArgs {
    #[command(subcommand)]
    pub(super) command: PkiCommand,
}

#[derive(Subcommand)]
pub(super) enum PkiCommand {
    /// Make a CA and a server certificate.
    Init {
        /// Host names and addresses that clients will use.
        #[arg(long = "name", value_name = "HOST", default_values_t = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()])]
        names: Vec<String>,
        #[command(flatten)]
        dir: PkiDir,
    },
    /// Make a key and a certificate for a client.
    Issue {
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        dir: PkiDir,
    },
    /// Certify a client's own key, from its certificate signing request.
    Sign {
        /// The request, PEM.
        csr: PathBuf,
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        dir: PkiDir,
    },
    /// Make a new key and certificate for a client that has one; or with --server for the hub.
    Renew {
        /// Renew the server's certificate.
        #[arg(long, conflicts_with_all = ["org", "client"])]
        server: bool,
        /// With --server: the host names and addresses that clients will use.
        #[arg(long = "name", value_name = "HOST", requires = "server")]
        names: Vec<String>,
        /// The organisation's id.
        #[arg(long, required_unless_present = "server", requires = "client")]
        org: Option<String>,
        /// The client's id.
        #[arg(long, requires = "org")]
        client: Option<String>,
        /// Validity.
        #[arg(long, default_value_t = crate::pki::DEFAULT_LEAF_DAYS)]
        days: u32,
        #[command(flatten)]
        dir: PkiDir,
    },
    /// Revoke certificates; a running server acts on it within 5 seconds.
    Revoke {
        /// The serial number.
        #[arg(long, group = "what")]
        serial: Option<String>,
        /// All certificates of a client: ORG/CLIENT.
        #[arg(long, group = "what", value_name = "ORG/CLIENT")]
        client: Option<String>,
        /// A certificate file.
        #[arg(long, group = "what", value_name = "FILE")]
        file: Option<PathBuf>,
        /// Why: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn.
        #[arg(long, default_value = "unspecified")]
        reason: String,
        #[command(flatten)]
        dir: PkiDir,
    },
    /// Sign the revocation list anew, before it expires after a year.
    Crl {
        #[command(flatten)]
        dir: PkiDir,
    },
    /// List the certificates issued.
    List {
        #[command(flatten)]
        dir: PkiDir,
    },
    /// Describe a certificate file.
    Show {
        /// The certificate, PEM.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct PkiDir {
    /// The settings of the hub, whose client_ca tells where the CA is.
    #[arg(long, default_value = "liaison.toml", value_name = "FILE")]
    pub(super) config: PathBuf,
    /// The CA's directory, instead of that of the hub.
    #[arg(long, value_name = "DIR")]
    pub(super) pki: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct ClientArgs {
    /// The organisation's id.
    #[arg(long)]
    pub(super) org: String,
    /// The client's id.
    #[arg(long)]
    pub(super) client: String,
    /// Write here instead of DIR/pki/clients/ORG.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Validity.
    #[arg(long, default_value_t = crate::pki::DEFAULT_LEAF_DAYS)]
    pub(super) days: u32,
    /// Write over the files of a certificate issued before, which stays valid until revoked.
    #[arg(long)]
    pub(super) replace: bool,
}

/// Which server, and who we are to it.
#[derive(Args, Clone, Default)]
pub(super) struct ServerArgs {
    /// A file with url, ca, cert, key and collection, or the name of one in the configuration
    /// directory's liaison/profiles. `liaison pki issue` writes one beside each certificate.
    #[arg(long, value_name = "FILE|NAME", env = "LIAISON_PROFILE")]
    pub(super) profile: Option<String>,
    /// The server, for example https://hub.cert.example:8443
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The authority of the server's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Our certificate, PEM.
    #[arg(long, value_name = "FILE")]
    pub(super) cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
}

impl ServerArgs {
    /// Is a server meant, and not the hub's own database?
    pub(super) fn is_given(&self) -> bool {
        self.profile.is_some() || self.url.is_some()
    }
}

#[derive(Args)]
#[command(after_help = "Example:\n  liaison whoami --profile hub/pki/clients/cert-a/feed.toml")]
pub(super) struct WhoamiArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  liaison poll --profile hub/pki/clients/cert-b/siem.toml --collection indicators --out feed.jsonl\n  liaison poll --profile siem --collection indicators --out objects/ --format directory --every 5m\n\nThe cursor is kept for each server, client and collection. After a crash at any moment the next run goes on\nwithout losing or repeating an object in a file or directory; on standard output the last page may\nbe repeated."
)]
pub(super) struct PollArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The collection's id or alias; may be left out if only one can be read.
    #[arg(long)]
    pub(super) collection: Option<String>,
    /// Where to write: a file for jsonl, a directory for bundles and directory, - for standard output.
    #[arg(long, default_value = "-", value_name = "PATH")]
    pub(super) out: PathBuf,
    /// How to write.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub(super) format: Format,
    /// Poll again and again at this interval: 30s, 5m, 1h.
    #[arg(long, value_name = "INTERVAL")]
    pub(super) every: Option<String>,
    /// Objects to ask for at once.
    #[arg(long)]
    pub(super) limit: Option<u32>,
    /// Every version of each object, instead of the last one.
    #[arg(long)]
    pub(super) all_versions: bool,
    /// Where cursors are kept; by default the state directory's liaison/poll.
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Forget the cursor and fetch everything again.
    #[arg(long)]
    pub(super) from_start: bool,
    /// Print one JSON object for each round on standard error.
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors.
    #[arg(long)]
    pub(super) quiet: bool,
}

/// How polled objects are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(super) enum Format {
    /// One object a line, appended to one file.
    Jsonl,
    /// One STIX bundle file a page.
    Bundles,
    /// One file an object version: TYPE/ID/VERSION.json, as python-stix2 reads.
    Directory,
}

const EXITS: &str = "Exit codes: 0 done, 1 refused or failed, 2 degraded or stale, 64 usage, 65 bad data, 69 unreachable, 74 input or output error, 77 not permitted.";
