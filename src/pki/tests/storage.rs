//! Files: whole or absent, secret, and never overwritten by mistake.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn secrets_are_readable_by_their_owner_only() {
    let (dir, pki) = new_ca();
    let out = dir.path().join("out/x");
    let options = IssueOptions { out: Some(out.clone()), ..IssueOptions::default() };
    let issued = pki.issue("cert-a", "feed", &options, NOW).unwrap();
    let password = issued.password_file.unwrap();
    assert_eq!(password, out.join("feed.p12.password"));
    assert_eq!(fs::read_to_string(&password).unwrap().trim().len(), 26);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for secret in [
        pki.dir.join(CA_KEY),
        pki.dir.join(SERVER_KEY),
        pki.dir.join("index.jsonl"),
        issued.key_file.unwrap(),
        issued.p12_file.unwrap(),
        password,
    ] {
        assert_eq!(mode(&secret), 0o600, "{}", secret.display());
    }
    assert_eq!((mode(&pki.dir), mode(&out)), (0o700, 0o700));
    let names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "no temporary file is left: {names:?}");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let (_dir, pki) = new_ca();
    let key = pki.dir.join(CA_KEY);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let message = Pki::open(&pki.dir).unwrap_err().to_string();
    assert!(
        message.contains("mode 640") && message.contains(&format!("chmod 600 {}", key.display())),
        "{message}"
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    Pki::open(&pki.dir).unwrap();
}

#[test]
fn open_refuses_what_is_not_a_ca() {
    let (dir, pki) = new_ca();
    assert!(matches!(Pki::open(dir.path()), Err(Error::NoCa(_))));
    fs::copy(pki.dir.join(SERVER_KEY), pki.dir.join(CA_KEY)).unwrap();
    let message = Pki::open(&pki.dir).unwrap_err().to_string();
    assert!(message.contains("not the certificate of the key"), "{message}");
}

#[test]
fn init_overwrites_nothing() {
    let (_dir, pki) = new_ca();
    for name in [CA_KEY, CA_CERTIFICATE, SERVER_KEY, SERVER_CERTIFICATE, CRL] {
        assert!(matches!(Pki::init(&pki.dir, &init_options(), NOW), Err(Error::CaExists(_))));
        fs::remove_file(pki.dir.join(name)).unwrap();
    }
    assert!(
        matches!(Pki::init(&pki.dir, &init_options(), NOW), Err(Error::CaExists(_))),
        "the index is left"
    );
}

#[test]
fn a_damaged_index_is_named_with_its_line() {
    let (_dir, pki) = new_ca();
    let index = pki.dir.join("index.jsonl");
    let text = fs::read_to_string(&index).unwrap();
    for bad in [
        "{",
        &text.trim().replace("\"serial\":\"", "\"serial\":\"zz"),
        &text.trim().replace('{', "{\"new\":1,"),
    ] {
        fs::write(&index, format!("{text}{bad}\n")).unwrap();
        let message = pki.list(NOW).unwrap_err().to_string();
        assert!(message.contains("index.jsonl: line 2: "), "{message}");
    }
}

#[test]
fn a_file_that_was_not_finished_never_appears() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.key");
    drop(files::stage(&path, b"secret", Mode::Secret).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    files::write(&path, b"old", Mode::Secret).unwrap();
    // A killed process removes nothing.
    std::mem::forget(files::stage(&path, b"half", Mode::Secret).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    files::write(&path, b"new", Mode::Secret).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
