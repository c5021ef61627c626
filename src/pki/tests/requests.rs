//! Certificate requests: only the key counts, and not every key.

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, IsCa, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    SignatureAlgorithm,
};

use super::*;

/// A request that asks for much more than it gets.
fn request(key: &KeyPair) -> String {
    let mut params = CertificateParams::new(vec!["hub.example".into()]).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

fn sign(pki: &Pki, csr: &str, org: &str) -> Result<Issued, Error> {
    pki.sign(csr, org, "feed", &IssueOptions::default(), NOW)
}

#[test]
fn only_the_key_is_taken_from_a_request() {
    let (_dir, pki) = new_ca();
    for (org, algorithm, kind) in [
        ("a", &rcgen::PKCS_ECDSA_P256_SHA256, "ECDSA P-256"),
        ("b", &PKCS_ECDSA_P384_SHA384, "ECDSA P-384"),
        ("c", &PKCS_RSA_SHA256, "RSA 2048"),
    ] {
        let key = key(algorithm);
        let issued = sign(&pki, &request(&key), org).unwrap();
        let shown = show(&issued.certificate_file, NOW).unwrap();
        assert_eq!(shown.names, [format!("URI:urn:liaison:{org}:feed")]);
        assert_eq!((shown.is_ca, shown.key_type.as_str()), (false, kind));
        assert_eq!(shown.spki_sha256, show::sha256(&key.subject_public_key_info()));
        assert!(issued.record.partner_key && issued.key_file.is_none() && issued.p12_file.is_none());
        let files = fs::read_dir(issued.certificate_file.parent().unwrap()).unwrap();
        assert_eq!(files.count(), 1, "the certificate alone");
    }
}

#[test]
fn weak_or_foreign_keys_are_refused() {
    let (_dir, pki) = new_ca();
    let message = sign(&pki, &request(&key(&PKCS_ED25519)), "a").unwrap_err().to_string();
    assert!(message.contains("its key is 1.3.101.112"), "{message}");
    let mut forged = request(&key(&rcgen::PKCS_ECDSA_P256_SHA256));
    let at = forged.find("\n-----END").unwrap() - 12;
    let other = if forged.as_bytes()[at] == b'A' { "B" } else { "A" };
    forged.replace_range(at..=at, other);
    for bad in [
        forged.as_str(),
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        &"x".repeat(100_000),
    ] {
        assert!(matches!(sign(&pki, bad, "a"), Err(Error::Request(_))), "{bad:.60}");
    }
    assert_eq!(pki.list(NOW).unwrap().len(), 1, "nothing is on record but the server");
}

#[test]
fn a_key_belongs_to_one_client_and_dies_with_its_revocation() {
    let (_dir, pki) = new_ca();
    let csr = request(&key(&rcgen::PKCS_ECDSA_P256_SHA256));
    sign(&pki, &csr, "a").unwrap();
    assert!(matches!(sign(&pki, &csr, "b"), Err(Error::KeyTaken(..))));
    assert!(matches!(sign(&pki, &csr, "a"), Err(Error::ClientExists(..))));
    pki.sign(&csr, "a", "feed", &replace(), NOW).unwrap();
    assert!(matches!(pki.renew("a", "feed", &IssueOptions::default(), NOW), Err(Error::KeyNotOurs(_))));
    pki.revoke(&client("a", "feed"), Reason::KeyCompromise, NOW).unwrap();
    let message = pki.sign(&csr, "a", "feed", &replace(), NOW).unwrap_err().to_string();
    assert!(message.contains("is revoked"), "{message}");
}

#[test]
fn a_partners_own_key_takes_the_place_of_ours() {
    let (_dir, pki) = new_ca();
    let ours = issue(&pki, "a", "feed");
    let csr = request(&key(&rcgen::PKCS_ECDSA_P256_SHA256));
    let theirs = pki.sign(&csr, "a", "feed", &replace(), NOW).unwrap();
    assert_eq!(theirs.certificate_file, ours.certificate_file);
    for secret in [ours.key_file, ours.p12_file, ours.password_file] {
        assert!(!secret.unwrap().exists(), "a key that does not fit the certificate");
    }
}
