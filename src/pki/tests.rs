//! The CA from outside: what is written, what is refused, what survives.

mod programs;
mod requests;
mod revocation;
mod storage;

use std::fs;

use tempfile::TempDir;
use time::{Duration, macros::datetime};
use x509_parser::prelude::{ParsedExtension, X509Certificate};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00:00.75 UTC);

/// A new CA in a directory that goes away with it.
fn new_ca() -> (TempDir, Pki) {
    let parent = tempfile::tempdir().unwrap();
    let pki = Pki::init(&parent.path().join("hub/pki"), &init_options(), NOW).unwrap();
    (parent, pki)
}

fn init_options() -> InitOptions {
    InitOptions {
        hub_name: "Test hub Ö".into(),
        server_names: ["localhost", "*.hub.example", "127.0.0.1", "::1"].map(String::from).into(),
        ca_days: DEFAULT_CA_DAYS,
        server_days: DEFAULT_LEAF_DAYS,
    }
}

fn issue(pki: &Pki, org: &str, client: &str) -> Issued {
    pki.issue(org, client, &IssueOptions::default(), NOW).unwrap()
}

fn client(org: &str, client: &str) -> Selector {
    Selector::Client { org: org.into(), client: client.into() }
}

fn replace() -> IssueOptions {
    IssueOptions { replace: true, ..IssueOptions::default() }
}

fn state(pki: &Pki, serial: &str, now: OffsetDateTime) -> State {
    pki.list(now).unwrap().iter().find(|l| l.record.serial == serial).unwrap().state
}

#[test]
fn ca_certificate_follows_its_profile() {
    let (_dir, pki) = new_ca();
    let ca = show::parse(&pki.certificate, &pki.dir).unwrap();
    let constraints = ca.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = ca.key_usage().unwrap().unwrap();
    assert!(usage.critical);
    assert_eq!(usage.value.to_string(), "Key Cert Sign, CRL Sign");
    assert!(
        ca.extensions()
            .iter()
            .any(|e| matches!(e.parsed_extension(), ParsedExtension::SubjectKeyIdentifier(_)))
    );
    assert_eq!(ca.subject().to_string(), "O=Test hub Ö, CN=Test hub Ö CA");
    assert_eq!(ca.validity().not_before.to_datetime(), datetime!(2026-11-23 11:55 UTC));
    assert_eq!(ca.validity().not_after.to_datetime(), datetime!(2036-11-20 11:55 UTC));
    ca.verify_signature(None).unwrap();
}

#[test]
fn leaf_certificates_follow_their_profiles() {
    let (_dir, pki) = new_ca();
    let issued = issue(&pki, "cert-a", "feed");
    for (path, purpose, names) in [
        (
            pki.dir.join(SERVER_CERTIFICATE),
            "server",
            vec!["DNS:localhost", "DNS:*.hub.example", "IP:127.0.0.1", "IP:::1"],
        ),
        (issued.certificate_file.clone(), "client", vec!["URI:urn:liaison:cert-a:feed"]),
    ] {
        assert_eq!(show(&path, NOW).unwrap().names, names);
        let der = show::read(&path).unwrap();
        let leaf = show::parse(&der, &path).unwrap();
        let usage = leaf.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.flags == 1, "digitalSignature only");
        let extended = leaf.extended_key_usage().unwrap().unwrap().value;
        assert_eq!((extended.server_auth, extended.client_auth), (purpose == "server", purpose == "client"));
        assert!(!extended.any && extended.other.is_empty());
        assert!(!leaf.is_ca());
        let ca = show::parse(&pki.certificate, &path).unwrap();
        leaf.verify_signature(Some(ca.public_key())).unwrap();
        assert_eq!(key_ids(&leaf).1, key_ids(&ca).0, "authority key id is the CA's subject key id");
        assert_eq!(leaf.raw_serial().len(), 16);
        assert!((0x40..0x80).contains(&leaf.raw_serial()[0]), "positive, no leading zero");
        let days = leaf.validity().not_after.to_datetime() - leaf.validity().not_before.to_datetime();
        assert_eq!(days, Duration::days(397));
        assert_eq!(fs::read_to_string(&path).unwrap().matches("BEGIN").count(), 1, "the leaf alone");
    }
    assert_eq!(show(&issued.certificate_file, NOW).unwrap().subject, "O=cert-a, CN=feed");
}

/// Subject and authority key identifier.
fn key_ids(certificate: &X509Certificate<'_>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let mut ids = (None, None);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => ids.0 = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                ids.1 = id.key_identifier.as_ref().map(|id| id.0.to_vec())
            }
            _ => {}
        }
    }
    ids
}

#[test]
fn show_describes_a_certificate() {
    let (_dir, pki) = new_ca();
    let issued = issue(&pki, "cert-a", "feed");
    let shown = show(&issued.certificate_file, NOW + Duration::days(7)).unwrap();
    assert_eq!(shown.identity.as_deref(), Some("urn:liaison:cert-a:feed"));
    assert_eq!(shown.serial, issued.record.serial);
    assert_eq!((shown.days_left, shown.is_ca, shown.key_type.as_str()), (389, false, "ECDSA P-256"));
    assert_eq!(shown.issuer, "O=Test hub Ö, CN=Test hub Ö CA");
    assert_eq!(shown.spki_sha256.len(), 64);
    let key = issued.key_file.unwrap();
    assert!(matches!(show(&key, NOW), Err(Error::Damaged(..))), "a key is no certificate");
}

#[test]
fn a_client_gets_a_second_certificate_only_on_request() {
    let (dir, pki) = new_ca();
    let first = issue(&pki, "cert-a", "feed");
    let key = fs::read(first.key_file.as_ref().unwrap()).unwrap();
    let elsewhere = IssueOptions { out: Some(dir.path().into()), ..IssueOptions::default() };
    for options in [IssueOptions::default(), elsewhere] {
        let error = pki.issue("cert-a", "feed", &options, NOW).unwrap_err();
        assert!(error.to_string().contains("--replace"), "{error}");
    }
    assert_eq!(fs::read(first.key_file.unwrap()).unwrap(), key);
    issue(&pki, "cert-b", "feed");

    let second = pki.issue("cert-a", "feed", &replace(), NOW).unwrap();
    let third = pki.renew("cert-a", "feed", &IssueOptions::default(), NOW).unwrap();
    let listed = pki.list(NOW).unwrap();
    let superseded = |serial: &str| {
        listed.iter().find(|l| l.record.serial == serial).unwrap().record.superseded_by.clone()
    };
    assert_eq!(superseded(&first.record.serial), Some(second.record.serial.clone()));
    assert_eq!(superseded(&second.record.serial), Some(third.record.serial.clone()));
    assert_eq!(superseded(&third.record.serial), None);
    assert!(listed.iter().all(|l| l.state == State::Valid), "superseded certificates stay valid");
    assert_eq!(show(&third.certificate_file, NOW).unwrap().serial, third.record.serial);
}

#[test]
fn renew_needs_something_to_renew() {
    let (_dir, pki) = new_ca();
    let renew = |now| pki.renew("cert-a", "feed", &IssueOptions::default(), now);
    assert!(matches!(renew(NOW), Err(Error::NothingToRenew(_))));
    issue(&pki, "cert-a", "feed");
    renew(NOW + Duration::days(500)).unwrap();
    pki.revoke(&client("cert-a", "feed"), Reason::KeyCompromise, NOW).unwrap();
    assert!(matches!(renew(NOW), Err(Error::NothingToRenew(_))), "a revoked client is not renewed");
}

#[test]
fn ids_names_and_days_outside_their_limits_are_refused() {
    let (_dir, pki) = new_ca();
    let long = "a".repeat(64);
    for id in ["", "-a", "a-", "A", "a_b", "a.b", "../x", "ä", "a b", &long] {
        for (org, client) in [(id, "feed"), ("cert-a", id)] {
            let refused = pki.issue(org, client, &IssueOptions::default(), NOW);
            assert!(matches!(refused, Err(Error::Slug(..))), "{id:?}");
        }
    }
    issue(&pki, &long[1..], "0");
    for name in ["", "https://hub", "hub:8443", "a b", "-hub", "hub.", "1.2.3", "999.1.1.1", "hüb", "*"] {
        let refused = pki.issue_server(&[name.into()], 1, ServerKey::Keep, NOW);
        assert!(matches!(refused, Err(Error::ServerName(_))), "{name:?}");
    }
    assert!(pki.issue_server(&[], 1, ServerKey::Keep, NOW).is_err());
    for days in [0, 826, u32::MAX] {
        let options = IssueOptions { days, ..IssueOptions::default() };
        assert!(matches!(pki.issue("cert-a", "x", &options, NOW), Err(Error::Days(..))));
    }
    let message = pki.issue("cert-a", "x", &IssueOptions::default(), NOW + Duration::days(3640)).unwrap_err();
    assert!(message.to_string().contains("at most 9 days"), "{message}");
    assert_eq!(
        pki.list(NOW).unwrap().iter().filter(|l| l.record.org.as_deref() == Some("cert-a")).count(),
        0
    );
}

#[test]
fn server_certificate_is_renewed_with_the_same_or_a_new_key() {
    let (_dir, pki) = new_ca();
    let key = || fs::read(pki.dir.join(SERVER_KEY)).unwrap();
    let (before, names) = (key(), ["hub.example".to_owned()]);
    let kept = pki.issue_server(&names, 30, ServerKey::Keep, NOW).unwrap();
    assert_eq!(key(), before);
    let renewed = pki.issue_server(&names, 30, ServerKey::New, NOW).unwrap();
    assert_ne!(key(), before);
    assert_ne!(kept.record.spki_sha256, renewed.record.spki_sha256);
    let servers: Vec<_> = pki
        .list(NOW)
        .unwrap()
        .into_iter()
        .map(|l| (l.record.kind, l.record.superseded_by.is_some()))
        .collect();
    assert_eq!(servers, [(Kind::Server, true), (Kind::Server, true), (Kind::Server, false)]);
    assert_eq!(show(&pki.dir.join(SERVER_CERTIFICATE), NOW).unwrap().names, ["DNS:hub.example"]);
}
