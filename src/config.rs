//! `liaison.toml`: one typed tree, with defaults; what it does not know is an error.

mod audit;
mod export;
mod push;
mod sync;

pub use audit::Audit;
pub use export::{Export, Lists};
pub use push::{Push, PushKind};
pub use sync::Sync;

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// All settings of a hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The TAXII listener and what it says.
    #[serde(default)]
    pub server: Server,
    /// Certificates.
    #[serde(default)]
    pub tls: Tls,
    /// The database.
    #[serde(default)]
    pub store: Store,
    /// The operator's listener.
    #[serde(default)]
    pub admin: Admin,
    /// Shares and ceilings.
    #[serde(default)]
    pub limits: Limits,
    /// The log.
    #[serde(default)]
    pub log: Log,
    /// The audit log.
    #[serde(default)]
    pub audit: Audit,
    /// Files for those who never speak TAXII.
    #[serde(default)]
    pub export: Export,
    /// Values that must not be published.
    #[serde(default)]
    pub warning_lists: Lists,
    /// Where exports are sent as they change.
    #[serde(default)]
    pub push: Vec<Push>,
    /// Jobs between servers.
    #[serde(default)]
    pub sync: Sync,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port of the TAXII listener.
    pub listen: SocketAddr,
    /// The URL that clients reach it by; by default `https://localhost:PORT`.
    pub public_url: Option<String>,
    /// Title of the discovery resource.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The largest request body, in bytes.
    pub max_content_length: u64,
    /// Objects on a page.
    pub page_max: u32,
    /// Bytes of objects on a page.
    pub page_max_bytes: usize,
    /// Threads that answer requests; by default one for each processor.
    pub workers: Option<usize>,
}

/// `[tls]`: paths relative to the configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The server's certificate, PEM.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// The authority that hub-issued client certificates come from, PEM.
    pub client_ca: PathBuf,
    /// Its revocation list, PEM.
    pub crl: PathBuf,
}

/// `[store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:FILE`, relative to the configuration file.
    pub url: String,
    /// Requests that read at once.
    pub readers: usize,
    /// Bytes of assembled pages kept in memory.
    pub page_cache_bytes: u64,
}

/// `[admin]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port of the operator's listener; `off` for none.
    pub listen: String,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of all bodies in flight together.
    pub memory_in_flight: u64,
    /// Requests per second and client.
    pub requests_per_second: u32,
    /// Requests at once after a pause.
    pub requests_burst: u32,
    /// Requests of one client worked on at once.
    pub concurrent_requests: usize,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, or a filter of the tracing library.
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Why the settings are not usable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file.
    #[error("cannot read {0}: {1}; `liaison init DIR` writes one, `--config FILE` names another")]
    Read(PathBuf, std::io::Error),
    /// What is in it.
    #[error("{0}:\n{1}")]
    Parse(PathBuf, String),
    /// An override.
    #[error("the setting `{0}` (from {1}) is not usable: {2}")]
    Override(String, &'static str, String),
    /// A value.
    #[error("{0}")]
    Value(String),
}

impl Config {
    /// Reads the file, then `LIAISON_SECTION__KEY` variables, then `--set section.key=value`.
    pub fn load(
        path: &Path,
        variables: impl Iterator<Item = (String, String)>,
        sets: &[String],
    ) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?;
        let parse_error = |error: toml::de::Error| ConfigError::Parse(path.to_owned(), error.to_string());
        // Read once as it stands, so that a mistake is told with its line.
        toml::from_str::<Self>(&text).map_err(parse_error)?;
        let mut table: Table = toml::from_str(&text).map_err(parse_error)?;
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix("LIAISON_").filter(|key| key.contains("__")) {
                overlay(&mut table, &key.to_ascii_lowercase().replace("__", "."), &value, "the environment")?;
            }
        }
        for set in sets {
            let Some((key, value)) = set.split_once('=') else {
                return Err(ConfigError::Override(
                    set.clone(),
                    "--set",
                    "expected section.key=value".to_owned(),
                ));
            };
            overlay(&mut table, key, value, "--set")?;
        }
        let mut config: Self = table.try_into().map_err(parse_error)?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        config.check()?;
        Ok(config)
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        PathBuf::from(self.store.url.strip_prefix("sqlite:").unwrap_or_default())
    }

    fn resolve(&mut self, base: &Path) {
        let (tls, audit) = (&mut self.tls, &mut self.audit);
        let paths = [&mut tls.cert, &mut tls.key, &mut tls.client_ca, &mut tls.crl];
        let lists =
            self.warning_lists.dir.iter_mut().chain([&mut self.export.dir]).chain(&mut self.sync.jobs);
        for path in paths.into_iter().chain([&mut audit.key, &mut audit.checkpoints]).chain(lists) {
            *path = base.join(&path);
        }
        for push in &mut self.push {
            for path in [&mut push.dir, &mut push.token_file, &mut push.ca].into_iter().flatten() {
                *path = base.join(&path);
            }
        }
        if let Some(file) = self.store.url.strip_prefix("sqlite:") {
            self.store.url = format!("sqlite:{}", base.join(file).display());
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fail = |text: &str| Err(ConfigError::Value(text.to_owned()));
        if !self.store.url.starts_with("sqlite:") {
            return fail("store.url must be sqlite:FILE");
        }
        if self.server.max_content_length < 1024 || self.server.max_content_length > 1 << 30 {
            return fail("server.max_content_length must be 1024 to 1073741824 bytes");
        }
        if self.server.page_max == 0 || self.server.page_max_bytes == 0 {
            return fail("server.page_max and server.page_max_bytes must be greater than 0");
        }
        if self.limits.memory_in_flight < self.server.max_content_length {
            return fail("limits.memory_in_flight must not be less than server.max_content_length");
        }
        if self.limits.requests_per_second == 0
            || self.limits.requests_burst == 0
            || self.limits.concurrent_requests == 0
        {
            return fail(
                "limits.requests_per_second, requests_burst and concurrent_requests must be greater than 0",
            );
        }
        if self.store.readers == 0 || self.server.workers == Some(0) {
            return fail("store.readers and server.workers must be greater than 0");
        }
        let url_ok = |url: &String| {
            url::Url::parse(url)
                .is_ok_and(|url| url.scheme() == "https" && url.path() == "/" && url.query().is_none())
        };
        if !self.server.public_url.as_ref().is_none_or(url_ok) {
            return fail("server.public_url must be https://HOST[:PORT] without a path");
        }
        for (name, address) in [("admin.listen", &self.admin.listen), ("export.listen", &self.export.listen)]
        {
            if address != "off" && address.parse::<SocketAddr>().is_err() {
                return fail(&format!("{name} must be ADDRESS:PORT or off"));
            }
        }
        Ok(())
    }
}

/// Puts one value in its place; a text that is no TOML value is taken as a string.
fn overlay(table: &mut Table, key: &str, value: &str, source: &'static str) -> Result<(), ConfigError> {
    let error = |what: String| ConfigError::Override(key.to_owned(), source, what);
    let Some((section, name)) = key.split_once('.') else {
        return Err(error("expected section.key".to_owned()));
    };
    let parsed = toml::from_str::<Table>(&format!("value = {value}"));
    let value = match parsed.ok().and_then(|mut parsed| parsed.remove("value")) {
        Some(value) => value,
        None => Value::String(value.to_owned()),
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    let section = section.as_table_mut().ok_or_else(|| error("it is no section".to_owned()))?;
    let before = section.insert(name.to_owned(), value);
    match table.clone().try_into::<Config>() {
        Ok(_) => Ok(()),
        Err(found) => {
            drop(before);
            Err(error(found.to_string().trim().to_owned()))
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            public_url: None,
            title: "Liaison".to_owned(),
            description: None,
            contact: None,
            max_content_length: 10 * 1024 * 1024,
            page_max: 5_000,
            page_max_bytes: 8 * 1024 * 1024,
            workers: None,
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            cert: "pki/server.crt".into(),
            key: "pki/server.key".into(),
            client_ca: "pki/ca.crt".into(),
            crl: "pki/ca.crl".into(),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite:liaison.db".to_owned(), readers: 4, page_cache_bytes: 32 * 1024 * 1024 }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9443".to_owned() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_in_flight: 256 * 1024 * 1024,
            requests_per_second: 500,
            requests_burst: 2_000,
            concurrent_requests: 64,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

#[cfg(test)]
mod tests;
