//! Reading certificates and certificate requests.

use std::{net::IpAddr, path::Path};

use aws_lc_rs::digest;
use rcgen::SubjectPublicKeyInfo;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use x509_parser::{
    certification_request::X509CertificationRequest,
    num_bigint::BigUint,
    pem::Pem,
    prelude::{FromDer as _, GeneralName, X509Certificate},
    public_key::PublicKey,
    x509::SubjectPublicKeyInfo as Spki,
};

use super::{Error, Kind, Record, files, profile::URN};

/// Certificate files and requests are read up to this size.
const PEM_MAX_BYTES: usize = 64 * 1024;

/// What there is to say about a certificate, ours or another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Subject name.
    pub subject: String,
    /// Issuer name.
    pub issuer: String,
    /// Subject alternative names, as `URI:…`, `DNS:…`, `IP:…`.
    pub names: Vec<String>,
    /// The `urn:liaison:…` URI, if there is exactly one.
    pub identity: Option<String>,
    /// Serial number: lower-case hexadecimal, two digits an octet.
    pub serial: String,
    /// Start of validity.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of validity.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// Whole days until the end; negative once it is past.
    pub days_left: i64,
    /// `ECDSA P-256`, `RSA 3072`, or the OID of another kind.
    pub key_type: String,
    /// Whether it may sign certificates.
    pub is_ca: bool,
    /// SHA-256 of the certificate (DER).
    pub cert_sha256: String,
    /// SHA-256 of the SubjectPublicKeyInfo (DER), by which the registry names clients of other CAs.
    pub spki_sha256: String,
}

/// Describes the first certificate of a PEM file.
pub fn show(path: &Path, now: OffsetDateTime) -> Result<Description, Error> {
    describe(&read(path)?, path, now)
}

fn describe(der: &[u8], path: &Path, now: OffsetDateTime) -> Result<Description, Error> {
    let certificate = parse(der, path)?;
    let names = certificate.subject_alternative_name();
    let names = names.map_err(Error::damaged(path))?;
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let names: Vec<String> = names.map(name).collect();
    let uris = names.iter().filter_map(|name| name.strip_prefix("URI:"));
    let identities: Vec<&str> = uris.filter(|uri| uri.starts_with(URN)).collect();
    let identity = match identities[..] {
        [identity] => Some(identity.to_owned()),
        _ => None,
    };
    let not_after = certificate.validity().not_after.to_datetime();
    Ok(Description {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        identity,
        names,
        serial: hex(&certificate.serial.to_bytes_be()),
        not_before: certificate.validity().not_before.to_datetime(),
        not_after,
        days_left: (not_after - now).whole_days(),
        key_type: key_type(certificate.public_key()),
        is_ca: certificate.is_ca(),
        cert_sha256: sha256(der),
        spki_sha256: sha256(certificate.public_key().raw),
    })
}

/// A certificate of this CA as a record: what it says, not what we meant to write.
pub(super) fn record(der: &[u8], path: &Path, partner_key: bool) -> Result<Record, Error> {
    let certificate = describe(der, path, OffsetDateTime::UNIX_EPOCH)?;
    let identity = certificate.identity.as_deref();
    let identity = identity.and_then(|uri| uri.strip_prefix(URN)?.split_once(':'));
    Ok(Record {
        kind: identity.map_or(Kind::Server, |_| Kind::Client),
        org: identity.map(|(org, _)| org.to_owned()),
        client: identity.map(|(_, client)| client.to_owned()),
        serial: certificate.serial,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        cert_sha256: certificate.cert_sha256,
        spki_sha256: certificate.spki_sha256,
        partner_key,
        superseded_by: None,
        revoked_at: None,
        reason: None,
    })
}

/// The public key of a certificate request, once its signature proves that the sender holds the
/// private key. Names and purposes in the request are not looked at: those are ours to give.
///
/// rcgen has a parser of its own, which takes the curve from the signature's hash and refuses
/// extensions it does not know; hence x509-parser here.
pub(super) fn requested_key(pem: &str) -> Result<SubjectPublicKeyInfo, Error> {
    let labels = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
    let der = pem_block(pem, &labels, PEM_MAX_BYTES).map_err(Error::Request)?;
    let (_, request) =
        X509CertificationRequest::from_der(&der).map_err(|e| Error::Request(format!("not PKCS#10: {e}")))?;
    let spki = &request.certification_request_info.subject_pki;
    let kind = key_type(spki);
    let rsa_bits = kind.strip_prefix("RSA ").and_then(|bits| bits.parse::<u32>().ok());
    let accepted = match rsa_bits {
        Some(bits) => (2048..=8192).contains(&bits),
        None => kind == "ECDSA P-256" || kind == "ECDSA P-384",
    };
    if !accepted {
        let cause = format!("its key is {kind}, not P-256, P-384 or RSA with 2048 to 8192 bits");
        return Err(Error::Request(cause));
    }
    request
        .verify_signature()
        .map_err(|e| Error::Request(format!("its own signature does not verify: {e}")))?;
    SubjectPublicKeyInfo::from_der(spki.raw).map_err(|e| Error::Request(e.to_string()))
}

/// The first certificate of a PEM file, in DER.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let pem = files::read(path)?;
    pem_block(&pem, &["CERTIFICATE"], PEM_MAX_BYTES).map_err(Error::damaged(path))
}

/// Parses a certificate that came from `path`.
pub(super) fn parse<'a>(der: &'a [u8], path: &Path) -> Result<X509Certificate<'a>, Error> {
    let parsed = x509_parser::parse_x509_certificate(der).map(|(_, certificate)| certificate);
    parsed.map_err(|e| Error::damaged(path)(format!("not a certificate: {e}")))
}

/// The first PEM block with one of these labels, in DER.
pub(super) fn pem_block(pem: &str, labels: &[&str], max_bytes: usize) -> Result<Vec<u8>, String> {
    if pem.len() > max_bytes {
        return Err(format!("larger than {max_bytes} bytes"));
    }
    let mut blocks = Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok);
    let block = blocks.find(|block| labels.contains(&block.label.as_str()));
    block.map(|block| block.contents).ok_or_else(|| format!("no PEM block {}", labels[0]))
}

/// A serial number as people write it, with or without colons, in the form of [`Record::serial`].
pub(super) fn parse_serial(text: &str) -> Option<String> {
    let number = BigUint::parse_bytes(text.trim().replace(':', "").as_bytes(), 16)?;
    Some(hex(&number.to_bytes_be()))
}

/// Lower-case hexadecimal SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::DNSName(dns) => format!("DNS:{dns}"),
        GeneralName::RFC822Name(mail) => format!("email:{mail}"),
        GeneralName::IPAddress(octets) => {
            match (<[u8; 4]>::try_from(*octets), <[u8; 16]>::try_from(*octets)) {
                (Ok(v4), _) => format!("IP:{}", IpAddr::from(v4)),
                (_, Ok(v6)) => format!("IP:{}", IpAddr::from(v6)),
                _ => format!("IP:{}", hex(octets)),
            }
        }
        other => other.to_string(),
    }
}

fn key_type(spki: &Spki<'_>) -> String {
    let algorithm = spki.algorithm.algorithm.to_id_string();
    let parameters = spki.algorithm.parameters.as_ref();
    let curve = parameters.and_then(|parameters| parameters.as_oid().ok());
    match (spki.parsed(), curve.map(|oid| oid.to_id_string()).as_deref()) {
        (Ok(PublicKey::RSA(rsa)), _) => format!("RSA {}", rsa.key_size()),
        (Ok(PublicKey::EC(point)), _) if point.data().first() != Some(&4) => {
            "ECDSA with a compressed point".to_owned()
        }
        (Ok(PublicKey::EC(_)), Some("1.2.840.10045.3.1.7")) => "ECDSA P-256".to_owned(),
        (Ok(PublicKey::EC(_)), Some("1.3.132.0.34")) => "ECDSA P-384".to_owned(),
        (_, Some(curve)) => format!("{algorithm} {curve}"),
        _ => algorithm,
    }
}
