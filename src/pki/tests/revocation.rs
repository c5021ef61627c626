//! Revocation, the CRL, and the index behind them.

use std::thread;

use x509_parser::prelude::X509Version;

use super::*;

/// Serials and reason codes on the CRL, its number, and its times.
fn crl(pki: &Pki) -> (Vec<(String, Option<u8>)>, u64, OffsetDateTime, OffsetDateTime) {
    let pem = fs::read_to_string(pki.dir.join(CRL)).unwrap();
    let der = show::pem_block(&pem, &["X509 CRL"], usize::MAX).unwrap();
    let (_, crl) = x509_parser::parse_x509_crl(&der).unwrap();
    let ca = show::parse(&pki.certificate, &pki.dir).unwrap();
    crl.verify_signature(ca.public_key()).unwrap();
    assert_eq!(crl.version(), Some(X509Version(1)), "version 2 is written as 1");
    let entries = crl.iter_revoked_certificates().map(|entry| {
        let reason = entry.reason_code().map(|(_, code)| code.0);
        (show::hex(&entry.serial().to_bytes_be()), reason)
    });
    let number = crl.crl_number().unwrap().try_into().unwrap();
    let times = (crl.last_update().to_datetime(), crl.next_update().unwrap().to_datetime());
    (entries.collect(), number, times.0, times.1)
}

#[test]
fn revoked_certificates_are_on_the_crl_with_their_reason() {
    let (_dir, pki) = new_ca();
    let (entries, first, this_update, next_update) = crl(&pki);
    assert_eq!(entries, []);
    assert_eq!(
        (this_update, next_update),
        (datetime!(2026-11-23 11:55 UTC), datetime!(2027-11-23 12:00 UTC))
    );
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| issue(&pki, "org", name));
    let colons = a
        .record
        .serial
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap())
        .collect::<Vec<_>>()
        .join(":");
    let revoked = pki.revoke(&Selector::Serial(colons), Reason::KeyCompromise, NOW).unwrap();
    assert_eq!(revoked.len(), 1);
    pki.revoke(&client("org", "b"), Reason::Unspecified, NOW).unwrap();
    pki.revoke(&Selector::CertificateFile(c.certificate_file), Reason::Superseded, NOW).unwrap();
    let again = pki.revoke(&client("org", "b"), Reason::KeyCompromise, NOW).unwrap();
    assert_eq!(again, [], "it was revoked before, and keeps its reason");
    let (mut entries, number, ..) = crl(&pki);
    entries.sort();
    let mut expected = [(a.record.serial, Some(1)), (b.record.serial, None), (c.record.serial, Some(4))];
    expected.sort();
    assert_eq!(entries, expected);
    assert_eq!(number, first + 4, "rises by one when the clock stands still");
    assert_eq!(state(&pki, &d.record.serial, NOW), State::Valid);
    assert_eq!(state(&pki, &d.record.serial, NOW + Duration::days(397)), State::Expired);
}

#[test]
fn an_expired_certificate_stays_on_the_crl_for_a_year() {
    let (_dir, pki) = new_ca();
    issue(&pki, "org", "a");
    pki.revoke(&client("org", "a"), Reason::KeyCompromise, NOW).unwrap();
    assert_eq!(pki.crl(NOW + Duration::days(397 + 364)).unwrap().entries, 1);
    assert_eq!(pki.crl(NOW + Duration::days(397 + 366)).unwrap().entries, 0);
    assert_eq!(crl(&pki).0, []);
}

#[test]
fn only_certificates_of_this_ca_can_be_revoked() {
    let (_dir, pki) = new_ca();
    let (_other_dir, other) = new_ca();
    let foreign = issue(&other, "org", "a");
    for selector in [
        Selector::Serial(foreign.record.serial),
        Selector::Serial("xyz".into()),
        client("org", "a"),
        Selector::CertificateFile(foreign.certificate_file),
        Selector::CertificateFile(pki.dir.join(CA_CERTIFICATE)),
    ] {
        let refused = pki.revoke(&selector, Reason::KeyCompromise, NOW);
        assert!(matches!(refused, Err(Error::NotIssued(_))), "{selector:?}");
    }
}

#[test]
fn an_index_from_a_backup_lets_nobody_back_in() {
    let (_dir, pki) = new_ca();
    let index = pki.dir.join("index.jsonl");
    let backup = fs::read(&index).unwrap();
    let [a, b] = ["a", "b"].map(|name| issue(&pki, "org", name));
    pki.revoke(&client("org", "a"), Reason::KeyCompromise, NOW).unwrap();
    fs::write(&index, backup).unwrap();
    pki.revoke(&Selector::CertificateFile(b.certificate_file), Reason::KeyCompromise, NOW).unwrap();
    let serials: Vec<_> = crl(&pki).0.into_iter().map(|(serial, _)| serial).collect();
    assert_eq!(serials, [a.record.serial, b.record.serial]);
}

#[test]
fn a_lost_or_damaged_crl_does_not_stop_revocation_or_count_back() {
    let (_dir, pki) = new_ca();
    for damage in [None, Some("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")] {
        let before = crl(&pki).1;
        match damage {
            Some(text) => fs::write(pki.dir.join(CRL), text).unwrap(),
            None => fs::remove_file(pki.dir.join(CRL)).unwrap(),
        }
        let number = pki.crl(NOW + Duration::days(1)).unwrap().number;
        assert!(number >= before, "{number} after {before}");
    }
}

#[test]
fn concurrent_changes_lose_no_record() {
    let (_dir, pki) = new_ca();
    thread::scope(|scope| {
        for org in ["a", "b", "c", "d"] {
            let dir = &pki.dir;
            scope.spawn(move || {
                let pki = Pki::open(dir).unwrap();
                for client in ["1", "2", "3", "4", "5"] {
                    issue(&pki, org, client);
                }
                pki.revoke(&super::client(org, "1"), Reason::Superseded, NOW).unwrap();
            });
        }
    });
    let listed = pki.list(NOW).unwrap();
    assert_eq!(listed.len(), 1 + 20);
    assert_eq!(listed.iter().filter(|l| l.state == State::Revoked).count(), 4);
    assert_eq!(crl(&pki).0.len(), 4);
}

#[test]
fn reasons_are_read_as_they_are_written() {
    for (reason, name) in Reason::ALL {
        assert_eq!(name.parse(), Ok(reason));
        assert_eq!(reason.to_string(), name);
        assert_eq!(serde_json::to_value(reason).unwrap(), name);
    }
    assert!("KeyCompromise".parse::<Reason>().unwrap_err().contains("keyCompromise"));
}

/// A hub with far more partners than there are.
#[test]
fn one_more_is_revoked_beside_ten_thousand() {
    let (_dir, pki) = new_ca();
    let model = issue(&pki, "org", "a").record;
    let records: Vec<Record> = (0..10_000_u128)
        .map(|i| Record {
            serial: format!("{:032x}", (0x40 << 120) + i),
            revoked_at: Some(NOW.truncate_to_second()),
            reason: Some(Reason::KeyCompromise),
            ..model.clone()
        })
        .chain([model.clone()])
        .collect();
    index::store(&pki.dir, &records).unwrap();
    pki.crl(NOW).unwrap();
    pki.revoke(&Selector::Serial(model.serial), Reason::KeyCompromise, NOW).unwrap();
    assert_eq!(crl(&pki).0.len(), 10_001);
}
