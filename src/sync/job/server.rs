//! Servers as jobs name them.

use ipnet::IpNet;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// How a server is reached, and who we are to it; paths are relative to the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// `https://HOST[:PORT]`
    pub url: String,
    /// The authority of its certificate, PEM; those that the machine trusts, if there is none.
    pub ca: Option<PathBuf>,
    /// Our certificate, PEM.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// For HTTP Basic.
    pub user: Option<String>,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// A file that holds a token, which goes out as `Authorization: Bearer`.
    pub token_file: Option<PathBuf>,
    /// A header of another name, with what is in `header_file`.
    pub header: Option<String>,
    /// A file that holds the value of `header`.
    pub header_file: Option<PathBuf>,
    /// Networks that are not public and may be connected to nevertheless.
    pub allow_addresses: Vec<String>,
}

impl Server {
    pub(super) fn resolve(&mut self, base: &Path) {
        let files = [
            &mut self.ca,
            &mut self.cert,
            &mut self.key,
            &mut self.password_file,
            &mut self.token_file,
            &mut self.header_file,
        ];
        for file in files.into_iter().flatten() {
            *file = base.join(&file);
        }
    }

    /// The networks that may be connected to although they are not public.
    pub fn allowed(&self) -> Result<Vec<IpNet>, String> {
        let network = |text: &String| {
            let single = || text.parse::<std::net::IpAddr>().map(IpNet::from);
            text.parse().or_else(|_| single()).map_err(|_| format!("allow_addresses: `{text}` is no network"))
        };
        self.allow_addresses.iter().map(network).collect()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.allowed()?;
        let both = |one: bool, other: bool, names: &str| match one == other {
            true => Ok(()),
            false => Err(format!("{names} go together")),
        };
        both(self.cert.is_some(), self.key.is_some(), "cert and key")?;
        both(self.user.is_some(), self.password_file.is_some(), "user and password_file")?;
        both(self.header.is_some(), self.header_file.is_some(), "header and header_file")?;
        let ways = [self.user.is_some(), self.token_file.is_some(), self.header.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err("only one of user, token_file and header".to_owned());
        }
        match url::Url::parse(&self.url) {
            Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => {
                Ok(())
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Err("url must not hold a password; use user and password_file".to_owned())
            }
            _ => Err(format!("url is `{}`; expected https://HOST[:PORT]", self.url)),
        }
    }
}
