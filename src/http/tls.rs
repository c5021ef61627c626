//! Mutual TLS: who may connect, and what the certificate says about them.
//!
//! The chain is verified by rustls; revocation by a set of our own, in the handshake and again on
//! every request, so that it also ends connections that are open. Nothing is ever resumed.

use crate::policy::{Anchor, Credential};
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use std::collections::HashSet;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A certificate, told by its issuer and serial number.
type CertificateKey = [u8; 32];

/// Everything that a reload replaces in one step.
pub struct Trust {
    /// Each authority alone, so that it is known which one vouches for a client.
    authorities: Vec<Authority>,
    revoked: HashSet<CertificateKey>,
    /// When the revocation list must have been replaced, in seconds since 1970.
    crl_until: i64,
}

/// One authority that client certificates may come from.
struct Authority {
    anchor: Anchor,
    verifier: Arc<dyn ClientCertVerifier>,
    /// How many intermediates may stand between it and a client.
    path_length: usize,
}

/// What trust is made from.
pub struct TrustFiles<'a> {
    /// The hub's own authority, PEM.
    pub hub_ca: &'a [u8],
    /// Its revocation list, PEM.
    pub hub_crl: &'a [u8],
    /// Authorities that organisations bring: slug and PEM.
    pub anchors: Vec<(String, &'a [u8])>,
}

/// Why trust cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not PEM, or not what it should be.
    #[error("{0}: {1}")]
    Unusable(String, String),
}

/// The verified certificate of a connection.
#[derive(Debug)]
pub struct Certificate {
    /// What policy needs of it.
    pub credential: Credential,
    /// When it expires, in seconds since 1970.
    pub not_after: i64,
    key: CertificateKey,
}

impl Trust {
    /// Checks and compiles everything; a revocation list that cannot be trusted is an error.
    pub fn new(files: &TrustFiles) -> Result<Self, TlsError> {
        let hub = authority(files.hub_ca, "the hub's CA")?;
        let (revoked, crl_until) = revocations(files.hub_crl, &hub)?;
        let mut authorities = Vec::new();
        let own = files.anchors.iter().map(|(slug, pem)| {
            let place = format!("the trust_anchor of organisation {slug}");
            (Anchor::Organisation(slug.clone()), authority(pem, &place))
        });
        for (anchor, der) in std::iter::once((Anchor::Hub, Ok(hub))).chain(own) {
            let der = der?;
            let path_length = path_length(&der);
            let mut alone = RootCertStore::empty();
            alone.add(der).map_err(|error| unusable(format!("{anchor:?}"), &error))?;
            let verifier = verifier(alone)?;
            authorities.push(Authority { anchor, verifier, path_length });
        }
        Ok(Self { authorities, revoked, crl_until })
    }

    /// Is this certificate, or what we know about revocation, no longer good at this time?
    pub fn is_revoked(&self, certificate: &Certificate, now_seconds: i64) -> bool {
        self.revoked.contains(&certificate.key)
            || now_seconds > self.crl_until
            || now_seconds > certificate.not_after
    }

    /// When the revocation list must have been replaced, in seconds since 1970.
    pub fn crl_until(&self) -> i64 {
        self.crl_until
    }

    /// How many certificates are revoked.
    pub fn revoked_count(&self) -> usize {
        self.revoked.len()
    }

    /// The authority under which a chain is good, else why the last one refused it.
    fn vouching(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(&Anchor, ClientCertVerified), rustls::Error> {
        let mut refused = rustls::Error::from(CertificateError::UnknownIssuer);
        for authority in &self.authorities {
            // The verifier does not look at the path length of the authority itself. Chains come
            // in order (RFC 5246 §7.4.2), so no good path needs what is cut off here.
            let near = &intermediates[..intermediates.len().min(authority.path_length)];
            match authority.verifier.verify_client_cert(leaf, near, now) {
                Ok(verified) => return Ok((&authority.anchor, verified)),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// What checks signatures in handshakes; the same for all authorities.
    fn signatures(&self) -> Result<&dyn ClientCertVerifier, rustls::Error> {
        let first = self.authorities.first().ok_or(CertificateError::UnknownIssuer)?;
        Ok(first.verifier.as_ref())
    }

    /// Reads the certificate of a connection whose handshake is done.
    pub fn certificate(&self, chain: &[CertificateDer]) -> Option<Certificate> {
        let (leaf, intermediates) = chain.split_first()?;
        let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
        // With one authority there is nothing to find out; the handshake has verified the chain.
        let anchor = match &self.authorities[..] {
            [only] => only.anchor.clone(),
            _ => self.vouching(leaf, intermediates, UnixTime::now()).ok()?.0.clone(),
        };
        let names = parsed.subject_alternative_name().ok()?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let uris = names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        });
        let key_sha256 = crate::store::sha256(parsed.public_key().raw);
        Some(Certificate {
            credential: Credential {
                anchor,
                uris: uris.collect(),
                key_sha256: key_sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
            not_after: parsed.validity().not_after.timestamp(),
            key: certificate_key(parsed.issuer().as_raw(), parsed.raw_serial()),
        })
    }
}

/// Is this PEM text a certificate authority?
pub fn check_anchor(pem: &[u8]) -> Result<(), TlsError> {
    authority(pem, "trust_anchor").map(|_| ())
}

/// The rustls settings of the TAXII listener.
pub fn server_config(
    trust: Arc<ArcSwap<Trust>>,
    identity: Arc<ServerIdentity>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| unusable("TLS", &error))?;
    let mut config =
        builder.with_client_cert_verifier(Arc::new(Verifier(trust))).with_cert_resolver(identity);
    // A resumed handshake does not look at the certificate again, so none is offered.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The rustls settings of the listener for devices: they have tokens, and no certificates.
pub fn device_config(identity: Arc<ServerIdentity>) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| unusable("TLS", &error))?;
    Ok(builder.with_no_client_auth().with_cert_resolver(identity))
}

/// The server's certificate and key, which a reload replaces.
#[derive(Debug)]
pub struct ServerIdentity(ArcSwap<CertifiedKey>);

impl ServerIdentity {
    /// From PEM texts that belong together.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(ArcSwap::from_pointee(certified_key(certificate, key)?)))
    }

    /// Replaces both, if they belong together.
    pub fn replace(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.0.store(Arc::new(certified_key(certificate, key)?));
        Ok(())
    }

    /// The host names and addresses that the certificate is for.
    pub fn names(&self) -> Vec<String> {
        let key = self.0.load();
        let Some(Ok((_, parsed))) = key.cert.first().map(|leaf| X509Certificate::from_der(leaf)) else {
            return Vec::new();
        };
        let Ok(Some(names)) = parsed.subject_alternative_name() else {
            return Vec::new();
        };
        let names = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| std::net::Ipv4Addr::from(b).to_string()),
                16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| format!("[{}]", std::net::Ipv6Addr::from(b))),
                _ => None,
            },
            _ => None,
        });
        names.collect()
    }

    /// When the certificate expires, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        let key = self.0.load();
        let parsed = key.cert.first().map(|leaf| X509Certificate::from_der(leaf));
        parsed.and_then(Result::ok).map_or(0, |(_, parsed)| parsed.validity().not_after.timestamp())
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// The one set of algorithms: rustls's defaults on aws-lc-rs.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[derive(Debug)]
struct Verifier(Arc<ArcSwap<Trust>>);

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("revoked", &self.revoked.len()).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Cannot be lent from what a reload replaces; empty is legal and means any.
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let trust = self.0.load();
        if intermediates.len() >= CHAIN_MAX {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        let (_, verified) = trust.vouching(leaf, intermediates, now)?;
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if seconds > trust.crl_until {
            return Err(CertificateError::UnknownRevocationStatus.into());
        }
        for certificate in std::iter::once(leaf).chain(intermediates) {
            let (_, parsed) =
                X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
            if trust.revoked.contains(&certificate_key(parsed.issuer().as_raw(), parsed.raw_serial())) {
                return Err(CertificateError::Revoked.into());
            }
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.load().signatures()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.load().signatures()?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

fn verifier(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| unusable("client authorities", &error))
}

fn authority(pem: &[u8], place: &str) -> Result<CertificateDer<'static>, TlsError> {
    let der = CertificateDer::from_pem_slice(pem).map_err(|error| unusable(place, &error))?;
    let is_ca = X509Certificate::from_der(&der).is_ok_and(|(_, parsed)| parsed.is_ca());
    match is_ca {
        true => Ok(der),
        false => Err(unusable(place, &"it is not a CA certificate")),
    }
}

/// The path length of a CA certificate; as many as a chain may have if it names none.
fn path_length(der: &CertificateDer) -> usize {
    let parsed = X509Certificate::from_der(der).map(|(_, parsed)| parsed);
    let constraints =
        parsed.ok().and_then(|parsed| parsed.basic_constraints().ok()?.map(|found| found.value.clone()));
    let length = constraints.and_then(|found| found.path_len_constraint);
    length.map_or(CHAIN_MAX, |length| usize::try_from(length).unwrap_or(CHAIN_MAX))
}

/// The revoked set of a list whose signature is verified here, once, and not in each handshake.
fn revocations(pem: &[u8], issuer: &CertificateDer) -> Result<(HashSet<CertificateKey>, i64), TlsError> {
    let fail = |error: &dyn std::fmt::Display| unusable("the revocation list (crl)", error);
    let der = CertificateRevocationListDer::from_pem_slice(pem).map_err(|error| fail(&error))?;
    let (_, crl) = x509_parser::parse_x509_crl(der.as_ref()).map_err(|error| fail(&error))?;
    let (_, issuer) = X509Certificate::from_der(issuer).map_err(|error| fail(&error))?;
    if crl.issuer().as_raw() != issuer.subject().as_raw() {
        return Err(fail(&"it was issued by another CA than client_ca"));
    }
    crl.verify_signature(issuer.public_key()).map_err(|_| fail(&"its signature is not that of client_ca"))?;
    let until = crl.next_update().ok_or_else(|| fail(&"it has no nextUpdate"))?.timestamp();
    let issuer_name = crl.issuer().as_raw();
    let keys = crl.iter_revoked_certificates().map(|entry| certificate_key(issuer_name, entry.raw_serial()));
    Ok((keys.collect(), until))
}

fn certificate_key(issuer: &[u8], serial: &[u8]) -> CertificateKey {
    crate::store::sha256(&[issuer, &[0], serial].concat())
}

fn certified_key(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| unusable("the server certificate", &error))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable("the server key", &error))?;
    if chain.is_empty() {
        return Err(unusable("the server certificate", &"the file holds no certificate"));
    }
    CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| unusable("server certificate and key", &error))
}

fn unusable(place: impl Into<String>, error: &(impl std::fmt::Display + ?Sized)) -> TlsError {
    TlsError::Unusable(place.into(), error.to_string())
}

/// Certificates that a client may send; rustls limits their bytes to 64 KiB.
const CHAIN_MAX: usize = 8;

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
