//! The key that signs checkpoints, and the name of the log.

use crate::audit::{Signer, Verifier};
use crate::cli::account::account;
use crate::cli::args::HubArgs;
use crate::cli::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::Auditing;
use crate::store::sqlite::Tool;
use anyhow::Context;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// Everything for keeping the log; makes the key if there is none.
pub(in crate::cli) fn auditing(config: &Config, clock: Clock) -> anyhow::Result<Auditing> {
    if !config.audit.key.exists() {
        make_key(&config.audit.key)?;
        tracing::warn!(key = %config.audit.key.display(), "a new key that signs checkpoints of the audit log was made; partners need its verifier key: liaison audit key");
    }
    let mut tool = Tool::open(&config.database(), clock.now())?;
    let origin = tool.origin(config.audit.origin.as_deref(), &usual_origin(config), true)?;
    Ok(Auditing {
        signer: Arc::new(signer(config, &origin)?),
        checkpoints: config.audit.checkpoints.clone(),
        started_by: account(),
    })
}

/// Writes a new key that nobody else reads.
pub(in crate::cli) fn make_key(path: &Path) -> anyhow::Result<()> {
    let key = Signer::generate("liaison")?.to_pem()?;
    let cannot = || format!("cannot write {}", path.display());
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).with_context(cannot)?;
    file.write_all(key.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)
}

/// `liaison audit key`
pub(super) fn show(args: &HubArgs) -> anyhow::Result<Exit> {
    let config = crate::cli::hub::load(args)?;
    let mut tool = super::open(args)?;
    let origin = tool.origin(config.audit.origin.as_deref(), &usual_origin(&config), false)?;
    let vkey = signer(&config, &origin)?.verifier().to_string();
    match args.json {
        true => output::json(&serde_json::json!({"vkey": vkey, "origin": origin})),
        false => output::line(&vkey),
    }
    Ok(Exit::Done)
}

/// Verifier keys as given on the command line.
pub(super) fn parse(keys: &[String]) -> anyhow::Result<Vec<Verifier>> {
    let parse =
        |key: &String| key.trim().parse().map_err(|error| stop(Exit::Usage, format!("--key: {error}")));
    keys.iter().map(parse).collect()
}

fn signer(config: &Config, origin: &str) -> anyhow::Result<Signer> {
    let path = &config.audit.key;
    let pem = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Signer::from_pem(origin, &pem).with_context(|| format!("{}", path.display()))
}

fn usual_origin(config: &Config) -> String {
    let url = config.server.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost");
    format!("{host}/liaison")
}
