//! What can go wrong in the private CA. Every message says what the operator does about it.

use std::{io, path::PathBuf};

use time::Date;

/// A refusal or failure of the private CA.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to do this to the file or directory.
    #[error("{path}: cannot {1}: {2}; check the path, its owner and the free space", path = .0.display())]
    Io(PathBuf, &'static str, #[source] io::Error),
    /// The directory holds no CA.
    #[error("{path}: no certificate authority here; name the right directory, or make one with `liaison pki init`", path = .0.display())]
    NoCa(PathBuf),
    /// The directory holds a CA already, or the remains of an interrupted init.
    #[error("{path}: exists, and init overwrites nothing; choose another directory, or move this one away", path = .0.display())]
    CaExists(PathBuf),
    /// Users other than the owner can read a private key with these mode bits.
    #[error("{path}: mode {1:03o} lets other users read this private key; run `chmod 600 {path}`, and replace the key if others use this machine", path = .0.display())]
    KeyExposed(PathBuf, u32),
    /// A file does not hold what its name says.
    #[error("{path}: {1}; restore the file from a backup, or name another one", path = .0.display())]
    Damaged(PathBuf, String),
    /// An organisation or client id cannot be part of an identity.
    #[error("{0} {1:?}: use 1 to 63 of a-z, 0-9 and inner hyphens, as in the registry")]
    Slug(&'static str, String),
    /// The hub's name cannot stand in a certificate.
    #[error("hub name {0:?}: use 1 to 60 printable characters")]
    HubName(String),
    /// No client could match this server name.
    #[error("server name {0:?}: give at least one DNS name or IP address, without scheme or port")]
    ServerName(String),
    /// That many days of validity are outside this kind's limits.
    #[error("{1} days for a {0} certificate: use 1 to {2}")]
    Days(&'static str, u32, u32),
    /// The certificate would outlive its CA, which ends on that date.
    #[error("the CA certificate ends on {0}; ask for at most {1} days, or make a new CA")]
    OutlivesCa(Date, i64),
    /// The client has a certificate already: this serial or file.
    #[error("{0} has a certificate already ({1}); use `liaison pki renew`, or `--replace` to issue another")]
    ClientExists(String, String),
    /// The client has nothing to renew.
    #[error("{0} has no certificate to renew (none issued, or all revoked); use `liaison pki issue`")]
    NothingToRenew(String),
    /// The client made its own key, so the hub cannot renew it alone.
    #[error("{0} made its own key; ask for a new certificate request and use `liaison pki sign --replace`")]
    KeyNotOurs(String),
    /// The certificate request cannot be signed.
    #[error(
        "certificate request: {0}; a good one: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout x.key -out x.csr"
    )]
    Request(String),
    /// The key of a certificate request belongs to this certificate, for this reason not usable.
    #[error(
        "certificate request: certificate {0} has the same key and is {1}; ask for a request with a new key"
    )]
    KeyTaken(String, String),
    /// The selector matches no certificate of this CA.
    #[error("{0}: this CA issued no such certificate; see `liaison pki list`")]
    NotIssued(String),
    /// The cryptographic library refused to do this.
    #[error(
        "cannot {0}: {1}; please report this: it is a fault of the program or of this machine's source of randomness"
    )]
    Crypto(&'static str, String),
}

impl Error {
    /// For `map_err` on file operations.
    pub(super) fn io(path: impl Into<PathBuf>, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io(path, action, cause)
    }

    /// For `map_err` on content.
    pub(super) fn damaged<C: ToString>(path: impl Into<PathBuf>) -> impl FnOnce(C) -> Self {
        let path = path.into();
        move |cause| Self::Damaged(path, cause.to_string())
    }

    /// For `map_err` on cryptography.
    pub(super) fn crypto<C: ToString>(action: &'static str) -> impl FnOnce(C) -> Self {
        move |cause| Self::Crypto(action, cause.to_string())
    }
}
