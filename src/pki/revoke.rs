//! Revocation and the CRL.

use std::{collections::HashSet, fmt, path::PathBuf, str::FromStr};

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, serde::rfc3339};
use x509_parser::num_bigint::BigUint;

use super::{
    CA_CERTIFICATE, CRL, Error, Pki, Record,
    files::{self, Mode},
    index, profile, show,
};

/// A CRL is good for this long. The hub refuses every client when it is past.
pub const CRL_LIFETIME: Duration = Duration::days(365);

/// Why a certificate is revoked (RFC 5280 §5.3.1).
///
/// The reasons for CA certificates are left out, and so is `certificateHold`: a partner that comes
/// back gets a new certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// No reason given.
    Unspecified,
    /// The key is, or may be, in other hands.
    KeyCompromise,
    /// The organisation has another name or structure.
    AffiliationChanged,
    /// Another certificate has taken its place.
    Superseded,
    /// The client is out of service.
    CessationOfOperation,
    /// The client may no longer take part.
    PrivilegeWithdrawn,
}

impl Reason {
    /// Every reason with the name that RFC 5280 gives it.
    pub const ALL: [(Self, &str); 6] = [
        (Self::Unspecified, "unspecified"),
        (Self::KeyCompromise, "keyCompromise"),
        (Self::AffiliationChanged, "affiliationChanged"),
        (Self::Superseded, "superseded"),
        (Self::CessationOfOperation, "cessationOfOperation"),
        (Self::PrivilegeWithdrawn, "privilegeWithdrawn"),
    ];

    fn code(self) -> RevocationReason {
        match self {
            Self::Unspecified => RevocationReason::Unspecified,
            Self::KeyCompromise => RevocationReason::KeyCompromise,
            Self::AffiliationChanged => RevocationReason::AffiliationChanged,
            Self::Superseded => RevocationReason::Superseded,
            Self::CessationOfOperation => RevocationReason::CessationOfOperation,
            Self::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(reason, _)| reason == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(_, name)| *name == text);
        let names = || Self::ALL.map(|(_, name)| name).join(", ");
        known.map(|(reason, _)| reason).ok_or_else(|| format!("use one of: {}", names()))
    }
}

/// Which certificates to revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The one with this serial number: hexadecimal, with or without colons.
    Serial(String),
    /// All unexpired certificates of a client.
    Client {
        /// Organisation id.
        org: String,
        /// Client id.
        client: String,
    },
    /// The first certificate in this PEM file.
    CertificateFile(PathBuf),
}

/// A CRL just signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crl {
    /// The file.
    pub path: PathBuf,
    /// Its number, greater than that of every CRL before it.
    pub number: u64,
    /// How many certificates it revokes.
    pub entries: usize,
    /// When it must have been replaced.
    #[serde(with = "rfc3339")]
    pub next_update: OffsetDateTime,
}

impl Pki {
    /// Revokes certificates and signs a new CRL; returns those that were not revoked before.
    ///
    /// An error after the change is on record leaves the old CRL. Doing it again completes it.
    pub fn revoke(
        &self,
        selector: &Selector,
        reason: Reason,
        now: OffsetDateTime,
    ) -> Result<Vec<Record>, Error> {
        let _lock = files::lock(&self.dir)?;
        let mut records = index::load(&self.dir)?;
        let mut revoked = Vec::new();
        for i in self.select(selector, &mut records, now)? {
            let record = &mut records[i];
            if record.revoked_at.is_none() {
                record.revoked_at = Some(now.truncate_to_second());
                record.reason = Some(reason);
                revoked.push(record.clone());
            }
        }
        if !revoked.is_empty() {
            index::store(&self.dir, &records)?;
        }
        self.sign_crl(&records, now)?;
        Ok(revoked)
    }

    /// Signs the CRL anew, to be done well before it is [`CRL_LIFETIME`] old.
    pub fn crl(&self, now: OffsetDateTime) -> Result<Crl, Error> {
        let _lock = files::lock(&self.dir)?;
        self.sign_crl(&index::load(&self.dir)?, now)
    }

    /// Positions of the selected records. A certificate of ours that the index has lost is put back.
    fn select(
        &self,
        selector: &Selector,
        records: &mut Vec<Record>,
        now: OffsetDateTime,
    ) -> Result<Vec<usize>, Error> {
        match selector {
            Selector::Serial(text) => {
                let serial = show::parse_serial(text);
                let found = records.iter().position(|r| Some(&r.serial) == serial.as_ref());
                let found = found.ok_or_else(|| Error::NotIssued(format!("serial {text}")))?;
                Ok(vec![found])
            }
            Selector::Client { org, client } => {
                let of_client = |i: &usize| records[*i].is_of(org, client);
                let all: Vec<usize> = (0..records.len()).filter(of_client).collect();
                if all.is_empty() {
                    return Err(Error::NotIssued(format!("{org}/{client}")));
                }
                let unexpired = |i: &usize| records[*i].not_after >= now;
                Ok(all.into_iter().filter(unexpired).collect())
            }
            Selector::CertificateFile(path) => {
                let der = show::read(path)?;
                let ca = show::parse(&self.certificate, &self.dir.join(CA_CERTIFICATE))?;
                let leaf = show::parse(&der, path)?;
                if leaf.is_ca() || leaf.verify_signature(Some(ca.public_key())).is_err() {
                    return Err(Error::NotIssued(path.display().to_string()));
                }
                let lost = show::record(&der, path, true)?;
                let found = records.iter().position(|r| r.serial == lost.serial);
                Ok(vec![found.unwrap_or_else(|| {
                    records.push(lost);
                    records.len() - 1
                })])
            }
        }
    }

    pub(super) fn sign_crl(&self, records: &[Record], now: OffsetDateTime) -> Result<Crl, Error> {
        let path = self.dir.join(CRL);
        let now = now.truncate_to_second();
        let (last, mut revoked_certs) = files::read(&path).map_or((0, Vec::new()), |pem| previous(&pem));
        // What the last CRL revokes stays revoked, even if an index from a backup does not know it.
        let known = records.iter().filter(|r| r.revoked_at.is_some());
        let known: HashSet<SerialNumber> = known.map(|record| serial(&record.serial)).collect();
        revoked_certs.retain(|entry| !known.contains(&entry.serial_number));
        // An entry stays for a CRL's lifetime after its certificate has expired, so that one CRL
        // issued after that still has it (RFC 5280 §3.3).
        let listed = records.iter().filter(|r| r.not_after + CRL_LIFETIME > now);
        revoked_certs.extend(listed.filter_map(entry));
        let entries = revoked_certs.len();
        // Counting from the clock keeps the number rising if the last CRL was lost.
        let number = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        let number = number.max(last.saturating_add(1));
        let next_update = now + CRL_LIFETIME;
        let crl = CertificateRevocationListParams {
            this_update: now - profile::BACKDATE,
            next_update,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let crl = crl.signed_by(&self.issuer).and_then(|crl| crl.pem());
        let pem = crl.map_err(Error::crypto("sign the CRL"))?;
        files::write(&path, pem.as_bytes(), Mode::Public)?;
        Ok(Crl { path, number, entries, next_update })
    }
}

fn entry(record: &Record) -> Option<RevokedCertParams> {
    Some(RevokedCertParams {
        serial_number: serial(&record.serial),
        revocation_time: record.revoked_at?,
        reason_code: record.reason.map(Reason::code),
        invalidity_date: None,
    })
}

fn serial(hex: &str) -> SerialNumber {
    let number = BigUint::parse_bytes(hex.as_bytes(), 16).expect("checked when the index was read");
    SerialNumber::from(number.to_bytes_be())
}

/// Number and entries of the last CRL; none if it cannot be read, since the index is the truth.
fn previous(pem: &str) -> (u64, Vec<RevokedCertParams>) {
    let der = show::pem_block(pem, &["X509 CRL"], usize::MAX).unwrap_or_default();
    let Ok((_, crl)) = x509_parser::parse_x509_crl(&der) else {
        return (0, Vec::new());
    };
    let number = crl.crl_number().and_then(|number| number.try_into().ok());
    let entries = crl.iter_revoked_certificates().map(|entry| RevokedCertParams {
        serial_number: SerialNumber::from(entry.serial().to_bytes_be()),
        revocation_time: entry.revocation_date.to_datetime(),
        reason_code: None,
        invalidity_date: None,
    });
    (number.unwrap_or(0), entries.collect())
}
