//! The private CA: certificates for the hub and for its partners' clients, and their revocation.
//!
//! A CA is a directory with `ca.crt ca.key ca.crl server.crt server.key index.jsonl` and
//! `clients/<org>/<client>.crt .key .p12 .p12.password`. Profiles, and the choice of algorithms for
//! the `.p12` file, are explained in `certs/README.md`.
//!
//! Against crashes and concurrent commands three rules hold. Every change happens under one lock. A
//! certificate is on record before any file of it appears, so the index may know one that nobody
//! has, never the reverse. A revocation is on record before the CRL is signed, so that doing it
//! again completes it.
//!
//! Time is an argument. Nothing is logged or printed.

mod error;
mod files;
mod index;
mod issue;
mod p12;
mod profile;
mod revoke;
mod show;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rcgen::{Issuer, KeyPair, PublicKeyData as _};
use time::OffsetDateTime;

pub use error::Error;
pub use index::{Kind, Listed, Record, State};
pub use issue::{IssueOptions, Issued, ServerKey};
pub use revoke::{CRL_LIFETIME, Crl, Reason, Selector};
pub use show::{Description, show};

use files::Mode;

/// Validity of a CA unless told otherwise: ten years.
pub const DEFAULT_CA_DAYS: u32 = 3650;
/// Longest validity of a CA.
pub const MAX_CA_DAYS: u32 = 7300;
/// Validity of a server or client certificate unless told otherwise.
pub const DEFAULT_LEAF_DAYS: u32 = 397;
/// Longest validity of a server or client certificate: Apple's clients refuse longer server
/// certificates, also those of private CAs.
pub const MAX_LEAF_DAYS: u32 = 825;

const CA_CERTIFICATE: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const CRL: &str = "ca.crl";
const SERVER_CERTIFICATE: &str = "server.crt";
const SERVER_KEY: &str = "server.key";

/// What a new CA is made from.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Name of the hub, for people; it stands in the CA's subject.
    pub hub_name: String,
    /// DNS names and IP addresses by which clients reach the hub.
    pub server_names: Vec<String>,
    /// Validity of the CA.
    pub ca_days: u32,
    /// Validity of the first server certificate.
    pub server_days: u32,
}

/// A CA that can sign.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    not_after: OffsetDateTime,
}

impl Pki {
    /// Makes a CA, an empty CRL and the first server certificate in `dir`.
    pub fn init(dir: &Path, options: &InitOptions, now: OffsetDateTime) -> Result<Self, Error> {
        let validity = profile::validity("CA", options.ca_days, MAX_CA_DAYS, now)?;
        let params = profile::ca(&options.hub_name, validity)?;
        files::make_dir(dir)?;
        let _lock = files::lock(dir)?;
        let names = [CA_CERTIFICATE, CA_KEY, CRL, SERVER_CERTIFICATE, SERVER_KEY, index::FILE];
        if let Some(path) = names.map(|name| dir.join(name)).into_iter().find(|path| path.exists()) {
            return Err(Error::CaExists(path));
        }
        let key = issue::new_key()?;
        let key_pem = key.serialize_pem();
        let certificate = params.self_signed(&key).map_err(Error::crypto("sign the CA"))?;
        let pki = Self::new(dir, certificate.der().to_vec(), key)?;
        let (names, days) = (&options.server_names, options.server_days);
        pki.enrol_server(names, days, ServerKey::New, Vec::new(), now)?;
        pki.sign_crl(&[], now)?;
        // These come last: with them, `open` finds the rest.
        files::publish(&[
            files::stage(&dir.join(CA_KEY), key_pem.as_bytes(), Mode::Secret)?,
            files::stage(&dir.join(CA_CERTIFICATE), certificate.pem().as_bytes(), Mode::Public)?,
        ])?;
        Ok(pki)
    }

    /// Opens the CA in `dir`, unless other users can read its key.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(CA_CERTIFICATE);
        if !path.exists() {
            return Err(Error::NoCa(path));
        }
        Self::new(dir, show::read(&path)?, issue::read_pair(&dir.join(CA_KEY))?)
    }

    fn new(dir: &Path, certificate: Vec<u8>, key: KeyPair) -> Result<Self, Error> {
        let path = dir.join(CA_CERTIFICATE);
        let ca = show::parse(&certificate, &path)?;
        if ca.public_key().raw != key.subject_public_key_info() {
            return Err(Error::damaged(path)("is not the certificate of the key in ca.key"));
        }
        let not_after = ca.validity().not_after.to_datetime();
        let issuer = Issuer::from_ca_cert_der(&certificate.as_slice().into(), key);
        let issuer = issuer.map_err(Error::damaged(path))?;
        Ok(Self { dir: dir.to_owned(), issuer, certificate, not_after })
    }

    /// All certificates that this CA has issued, oldest first.
    pub fn list(&self, now: OffsetDateTime) -> Result<Vec<Listed>, Error> {
        let records = index::load(&self.dir)?.into_iter();
        let listed = records.map(|record| Listed { state: record.state(now), record });
        Ok(listed.collect())
    }
}

/// Random bytes from the crypto provider.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(Error::crypto("get random bytes"))?;
    Ok(bytes)
}
