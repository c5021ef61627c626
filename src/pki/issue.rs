//! Issuing, signing and renewing.

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SubjectPublicKeyInfo};
use serde::Serialize;
use time::OffsetDateTime;

use super::{
    DEFAULT_LEAF_DAYS, Error, MAX_LEAF_DAYS, Pki, Record, SERVER_CERTIFICATE, SERVER_KEY,
    files::{self, Mode, Staged},
    index, p12, profile, show,
};

/// How a client certificate is issued.
#[derive(Debug, Clone)]
pub struct IssueOptions {
    /// Validity.
    pub days: u32,
    /// Directory for the files, instead of `clients/<org>` in the CA's.
    pub out: Option<PathBuf>,
    /// Issue although the client has a certificate, and write over its files. The old certificate
    /// stays valid until it expires or is revoked.
    pub replace: bool,
}

impl Default for IssueOptions {
    fn default() -> Self {
        Self { days: DEFAULT_LEAF_DAYS, out: None, replace: false }
    }
}

/// Which key a renewed server certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKey {
    /// The one in `server.key`; partners that pin it notice nothing.
    Keep,
    /// A new one, in place of the old.
    New,
}

/// A new certificate, and where its files are.
#[derive(Debug, Clone, Serialize)]
pub struct Issued {
    /// The certificate.
    #[serde(flatten)]
    pub record: Record,
    /// The certificate alone, in PEM.
    pub certificate_file: PathBuf,
    /// The private key, in PKCS#8 PEM, unless the partner has it.
    pub key_file: Option<PathBuf>,
    /// Key, certificate and CA certificate for browsers and operating systems.
    pub p12_file: Option<PathBuf>,
    /// The password of the `.p12` file, to be handed over by another way than the file.
    pub password_file: Option<PathBuf>,
}

/// The key that a client certificate is for.
enum ClientKey {
    Hub(KeyPair),
    Partner(SubjectPublicKeyInfo),
}

impl Pki {
    /// Issues a key and certificate to a client.
    pub fn issue(
        &self,
        org: &str,
        client: &str,
        options: &IssueOptions,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let _lock = files::lock(&self.dir)?;
        let key = ClientKey::Hub(new_key()?);
        let records = index::load(&self.dir)?;
        self.enrol((org, client), key, options, records, now)
    }

    /// Issues a certificate for a key that the partner made, from its PKCS#10 request in PEM.
    ///
    /// Only the public key is taken from the request: P-256, P-384, or RSA from 2048 bits. The key
    /// must not be that of another client or of a revoked certificate.
    pub fn sign(
        &self,
        csr_pem: &str,
        org: &str,
        client: &str,
        options: &IssueOptions,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let key = show::requested_key(csr_pem)?;
        let spki = show::sha256(&key.subject_public_key_info());
        let _lock = files::lock(&self.dir)?;
        let records = index::load(&self.dir)?;
        for record in records.iter().filter(|record| record.spki_sha256 == spki) {
            let state = match (record.revoked_at, record.is_of(org, client)) {
                (Some(_), _) => "revoked",
                (None, false) => "not this client's",
                (None, true) => continue,
            };
            return Err(Error::KeyTaken(record.serial.clone(), state.to_owned()));
        }
        let key = ClientKey::Partner(key);
        self.enrol((org, client), key, options, records, now)
    }

    /// Issues a new certificate with a new key to a client that has one; both are valid until the
    /// old one expires or is revoked. `options.replace` is implied.
    pub fn renew(
        &self,
        org: &str,
        client: &str,
        options: &IssueOptions,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let _lock = files::lock(&self.dir)?;
        let records = index::load(&self.dir)?;
        let mut unrevoked = records.iter().filter(|record| record.revoked_at.is_none());
        match unrevoked.rfind(|record| record.is_of(org, client)) {
            None => return Err(Error::NothingToRenew(format!("{org}/{client}"))),
            Some(last) if last.partner_key => {
                return Err(Error::KeyNotOurs(format!("{org}/{client}")));
            }
            Some(_) => {}
        }
        let options = &IssueOptions { replace: true, ..options.clone() };
        let key = ClientKey::Hub(new_key()?);
        self.enrol((org, client), key, options, records, now)
    }

    /// Issues a new server certificate, which a running hub picks up.
    pub fn issue_server(
        &self,
        names: &[String],
        days: u32,
        key: ServerKey,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let _lock = files::lock(&self.dir)?;
        self.enrol_server(names, days, key, index::load(&self.dir)?, now)
    }

    /// Everything is prepared first, then put on record, then published.
    fn enrol(
        &self,
        (org, client): (&str, &str),
        key: ClientKey,
        options: &IssueOptions,
        records: Vec<Record>,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let validity = self.leaf_validity("client", options.days, now)?;
        let params = profile::client(org, client, validity)?;
        let default_dir = || self.dir.join("clients").join(org);
        let dir = options.out.clone().unwrap_or_else(default_dir);
        let extensions = ["crt", "key", "p12", "p12.password"];
        let paths = extensions.map(|extension| dir.join(format!("{client}.{extension}")));
        let name = format!("{org}/{client}");
        let mut current = records.iter().filter(|r| r.is_current(now));
        let current = current.find(|r| r.is_of(org, client));
        let on_disk = paths.iter().find(|path| path.exists());
        let on_disk = on_disk.map(|path| path.display().to_string());
        let found = current.map(|record| record.serial.clone()).or(on_disk);
        if let (Some(found), false) = (found, options.replace) {
            return Err(Error::ClientExists(name, found));
        }
        files::make_dir(&dir)?;
        let [certificate_file, key_file, p12_file, password_file] = &paths;
        let mut staged = Vec::new();
        let certificate = match &key {
            ClientKey::Partner(key) => self.sign_leaf(&params, key)?,
            ClientKey::Hub(key) => {
                let certificate = self.sign_leaf(&params, key)?;
                let (key_der, der) = (key.serialize_der(), certificate.der());
                let password = p12::password()?;
                let p12 = p12::write(&name, &password, &key_der, der, &self.certificate)?;
                staged.push(stage_secret(password_file, format!("{password}\n"))?);
                staged.push(stage_secret(p12_file, p12)?);
                staged.push(stage_secret(key_file, key.serialize_pem())?);
                certificate
            }
        };
        // The certificate comes last: where it is, the rest is.
        staged.push(stage_certificate(certificate_file, &certificate)?);
        let partner_key = matches!(key, ClientKey::Partner(_));
        let record = show::record(certificate.der(), certificate_file, partner_key)?;
        index::add(&self.dir, records, record.clone(), now)?;
        if partner_key {
            // Secrets of a certificate that this one replaces would not fit it.
            for secret in [key_file, p12_file, password_file] {
                files::remove(secret)?;
            }
        }
        files::publish(&staged)?;
        let [certificate_file, secrets @ ..] = paths;
        let [key_file, p12_file, password_file] = secrets.map(|file| (!partner_key).then_some(file));
        Ok(Issued { record, certificate_file, key_file, p12_file, password_file })
    }

    pub(super) fn enrol_server(
        &self,
        names: &[String],
        days: u32,
        key: ServerKey,
        records: Vec<Record>,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let params = profile::server(names, self.leaf_validity("server", days, now)?)?;
        let certificate_file = self.dir.join(SERVER_CERTIFICATE);
        let key_file = self.dir.join(SERVER_KEY);
        let mut staged = Vec::new();
        let pair = if key == ServerKey::New {
            let pair = new_key()?;
            staged.push(stage_secret(&key_file, pair.serialize_pem())?);
            pair
        } else {
            read_pair(&key_file)?
        };
        let certificate = self.sign_leaf(&params, &pair)?;
        staged.push(stage_certificate(&certificate_file, &certificate)?);
        let record = show::record(certificate.der(), &certificate_file, false)?;
        index::add(&self.dir, records, record.clone(), now)?;
        files::publish(&staged)?;
        Ok(Issued { record, certificate_file, key_file: Some(key_file), p12_file: None, password_file: None })
    }

    fn leaf_validity(
        &self,
        kind: &'static str,
        days: u32,
        now: OffsetDateTime,
    ) -> Result<profile::Validity, Error> {
        let validity = profile::validity(kind, days, MAX_LEAF_DAYS, now)?;
        if validity.1 > self.not_after {
            let left = (self.not_after - now).whole_days().max(0);
            return Err(Error::OutlivesCa(self.not_after.date(), left));
        }
        Ok(validity)
    }

    fn sign_leaf(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<rcgen::Certificate, Error> {
        let certificate = params.signed_by(key, &self.issuer);
        certificate.map_err(Error::crypto("sign the certificate"))
    }
}

/// A new P-256 key.
pub(super) fn new_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Error::crypto("make a key"))
}

/// The key in a file, unless others could have read it too.
pub(super) fn read_pair(path: &Path) -> Result<KeyPair, Error> {
    KeyPair::from_pem(&files::read_key(path)?).map_err(Error::damaged(path))
}

fn stage_secret(path: &Path, content: impl AsRef<[u8]>) -> Result<Staged, Error> {
    files::stage(path, content.as_ref(), Mode::Secret)
}

fn stage_certificate(path: &Path, certificate: &rcgen::Certificate) -> Result<Staged, Error> {
    files::stage(path, certificate.pem().as_bytes(), Mode::Public)
}
