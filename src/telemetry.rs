//! The log: lines to standard error.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging; a filter that cannot be read is an error text.
pub fn start(log: &Log) -> Result<(), String> {
    // The HTTP library calls every malformed request an error; peers must not write into our log so.
    let quiet = if log.level.contains("actix_http") { "" } else { ",actix_http=off" };
    let filter =
        EnvFilter::try_new(format!("{}{quiet}", log.level)).map_err(|error| format!("log.level: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| error.to_string())
}
