use super::*;
use crate::clock::Clock;
use crate::pki::{InitOptions, IssueOptions, Pki};
use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber};
use std::time::{Duration, Instant};

struct Authority {
    dir: tempfile::TempDir,
    pki: Pki,
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = InitOptions {
            hub_name: "hub".to_owned(),
            server_names: vec!["localhost".to_owned()],
            ca_days: 3650,
            server_days: 10,
        };
        let pki = Pki::init(&dir.path().join("pki"), &options, Clock::system().now_utc()).unwrap();
        Self { dir, pki }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join("pki").join(name)).unwrap()
    }

    fn client(&self) -> CertificateDer<'static> {
        let now = Clock::system().now_utc();
        let issued = self.pki.issue("a", "feed", &IssueOptions::default(), now).unwrap();
        CertificateDer::from_pem_slice(&std::fs::read(issued.certificate_file).unwrap()).unwrap()
    }

    /// A list that revokes so many certificates, none of which was ever issued.
    fn crl(&self, entries: u32, days: i64) -> Vec<u8> {
        let now = Clock::system().now_utc();
        let key = KeyPair::from_pem(&String::from_utf8(self.file("ca.key")).unwrap()).unwrap();
        let ca = String::from_utf8(self.file("ca.crt")).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&ca, key).unwrap();
        let revoked = (0..entries).map(|number| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[&[1; 12], &number.to_be_bytes()[..]].concat()),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: now - time::Duration::days(400),
            next_update: now + time::Duration::days(days),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&issuer).unwrap().pem().unwrap().into_bytes()
    }

    fn trust(&self, crl: &[u8]) -> Result<Trust, TlsError> {
        Trust::new(&TrustFiles { hub_ca: &self.file("ca.crt"), hub_crl: crl, anchors: Vec::new() })
    }
}

fn verifier_of(trust: Trust) -> Verifier {
    Verifier(Arc::new(ArcSwap::from_pointee(trust)))
}

#[test]
fn a_hundred_thousand_revoked_certificates_cost_a_handshake_nothing_measurable() {
    let authority = Authority::new();
    let leaf = authority.client();
    let none = verifier_of(authority.trust(&authority.crl(0, 10)).unwrap());
    let many = authority.trust(&authority.crl(100_000, 10)).unwrap();
    assert_eq!(many.revoked_count(), 100_000);
    let many = verifier_of(many);
    let time = |verifier: &Verifier| {
        let start = Instant::now();
        verifier.verify_client_cert(&leaf, &[], UnixTime::now()).unwrap();
        start.elapsed()
    };
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    // In turn, so that a busy machine slows both alike.
    let (with_none, with_many): (Vec<_>, Vec<_>) = (0..400).map(|_| (time(&none), time(&many))).unzip();
    let ratio = median(with_many).as_secs_f64() / median(with_none).as_secs_f64();
    println!("verifying with 100,000 revoked against none: {ratio:.3}");
    assert!(ratio < 1.2, "{ratio}");
}

#[test]
fn a_revoked_certificate_is_refused_and_another_is_not() {
    let authority = Authority::new();
    let leaf = authority.client();
    let now = Clock::system().now_utc();
    let selector = crate::pki::Selector::Client { org: "a".to_owned(), client: "feed".to_owned() };
    let before = verifier_of(authority.trust(&authority.file("ca.crl")).unwrap());
    assert!(before.verify_client_cert(&leaf, &[], UnixTime::now()).is_ok());
    authority.pki.revoke(&selector, crate::pki::Reason::Unspecified, now).unwrap();
    let after = authority.trust(&authority.file("ca.crl")).unwrap();
    let certificate = after.certificate(std::slice::from_ref(&leaf)).unwrap();
    assert!(after.is_revoked(&certificate, now.unix_timestamp()));
    let refused = verifier_of(after).verify_client_cert(&leaf, &[], UnixTime::now());
    assert_eq!(refused.unwrap_err(), CertificateError::Revoked.into());
}

#[test]
fn a_list_past_its_date_lets_nobody_in() {
    let authority = Authority::new();
    let stale = authority.trust(&authority.crl(0, -1)).unwrap();
    let leaf = authority.client();
    let certificate = stale.certificate(std::slice::from_ref(&leaf)).unwrap();
    assert!(stale.is_revoked(&certificate, Clock::system().now_utc().unix_timestamp()));
    let refused = verifier_of(stale).verify_client_cert(&leaf, &[], UnixTime::now());
    assert_eq!(refused.unwrap_err(), CertificateError::UnknownRevocationStatus.into());
}

#[test]
fn a_list_that_is_not_the_authoritys_is_not_taken() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let error = |crl: &[u8]| ours.trust(crl).unwrap_err().to_string();
    // Both authorities have the same name here, so the signature must tell.
    assert!(error(&theirs.file("ca.crl")).contains("signature"));
    assert!(error(b"").contains("revocation list"));
    assert!(error(&ours.file("ca.crt")).contains("revocation list"));
}

#[test]
fn nothing_is_ever_resumed() {
    let authority = Authority::new();
    let trust = Arc::new(ArcSwap::from_pointee(authority.trust(&authority.file("ca.crl")).unwrap()));
    let identity = ServerIdentity::new(&authority.file("server.crt"), &authority.file("server.key")).unwrap();
    assert_eq!(identity.names(), ["localhost"]);
    let config = server_config(trust, Arc::new(identity)).unwrap();
    assert!(!config.session_storage.can_cache());
    assert!(!config.ticketer.enabled());
    assert_eq!((config.send_tls13_tickets, config.max_early_data_size), (0, 0));
}

#[test]
fn certificate_and_key_must_belong_together() {
    let (one, other) = (Authority::new(), Authority::new());
    let error = ServerIdentity::new(&one.file("server.crt"), &other.file("server.key")).unwrap_err();
    assert!(error.to_string().contains("server certificate and key"), "{error}");
}
