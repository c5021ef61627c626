//! The same files in the hands of other programs, where they are installed: OpenSSL, NSS (Firefox,
//! Chromium) and Java.

use std::process::Command;

use super::*;

/// Runs a program and returns whether it succeeded, and what it wrote; `None` if not installed.
fn run(program: &str, args: &[&str]) -> Option<(bool, String)> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `openssl verify` at [`NOW`].
fn verify(pki: &Pki, purpose: &str, certificate: &Path) -> Option<(bool, String)> {
    let (ca, crl) = (pki.dir.join(CA_CERTIFICATE), pki.dir.join(CRL));
    let now = NOW.unix_timestamp().to_string();
    let options = ["verify", "-x509_strict", "-crl_check", "-purpose", purpose, "-attime", &now];
    let files = ["-CAfile", text(&ca), "-CRLfile", text(&crl), text(certificate)];
    run("openssl", &[&options[..], &files].concat())
}

#[test]
fn openssl_accepts_the_certificates_until_they_are_revoked() {
    let (_dir, pki) = new_ca();
    let issued = issue(&pki, "cert-a", "feed");
    let server = pki.dir.join(SERVER_CERTIFICATE);
    let Some((accepted, output)) = verify(&pki, "sslclient", &issued.certificate_file) else {
        return;
    };
    assert!(accepted, "{output}");
    assert!(verify(&pki, "sslserver", &server).unwrap().0);
    assert!(!verify(&pki, "sslclient", &server).unwrap().0, "a server is no client");
    assert!(!verify(&pki, "sslserver", &issued.certificate_file).unwrap().0, "a client is no server");
    pki.revoke(&client("cert-a", "feed"), Reason::KeyCompromise, NOW).unwrap();
    let (accepted, output) = verify(&pki, "sslclient", &issued.certificate_file).unwrap();
    assert!(!accepted && output.contains("certificate revoked"), "{output}");
    assert!(verify(&pki, "sslserver", &server).unwrap().0);
    let crl = pki.dir.join(CRL);
    let (_, output) = run("openssl", &["crl", "-noout", "-text", "-in", text(&crl)]).unwrap();
    assert!(output.contains("Key Compromise") && output.contains("X509v3 CRL Number"), "{output}");
}

#[test]
fn openssl_requests_are_signed() {
    let (dir, pki) = new_ca();
    let [key, csr] = ["x.key", "x.csr"].map(|name| dir.path().join(name));
    // A P-384 key with SHA-256, and an extension that rcgen's own parser refuses.
    for (org, algorithm, accepted) in [
        ("a", "ec_paramgen_curve:P-384", true),
        ("b", "rsa_keygen_bits:3072", true),
        ("c", "rsa_keygen_bits:1024", false),
        ("d", "ec_paramgen_curve:P-521", false),
    ] {
        let kind = if algorithm.starts_with("ec") { "ec" } else { "rsa" };
        let options =
            ["req", "-new", "-sha256", "-nodes", "-subj", "/CN=x", "-addext", "tlsfeature=status_request"];
        let made = run(
            "openssl",
            &[
                &options[..],
                &["-newkey", kind, "-pkeyopt", algorithm, "-keyout", text(&key), "-out", text(&csr)],
            ]
            .concat(),
        );
        let Some((made, output)) = made else { return };
        assert!(made, "{output}");
        let signed = pki.sign(&fs::read_to_string(&csr).unwrap(), org, "feed", &IssueOptions::default(), NOW);
        assert_eq!(signed.is_ok(), accepted, "{algorithm}: {signed:?}");
        match signed {
            Ok(issued) => {
                let file = &issued.certificate_file;
                let (accepted, output) = verify(&pki, "sslclient", file).unwrap();
                assert!(accepted, "{output}");
            }
            Err(error) => assert!(error.to_string().contains("its key is"), "{error}"),
        }
    }
}

#[test]
fn openssl_opens_the_p12_without_its_legacy_provider() {
    let (_dir, pki) = new_ca();
    let issued = issue(&pki, "cert-a", "feed");
    let (p12, password) = (issued.p12_file.unwrap(), issued.password_file.unwrap());
    let password = format!("file:{}", password.display());
    let open = |password: &str| {
        run("openssl", &["pkcs12", "-info", "-nodes", "-in", text(&p12), "-passin", password])
    };
    let Some((opened, output)) = open(&password) else {
        return;
    };
    assert!(opened, "{output}");
    for expected in [
        "MAC: sha1, Iteration 2048",
        "pbeWithSHA1And3-KeyTripleDES-CBC",
        "friendlyName: cert-a/feed",
        "CN = feed",
        "CN = Test hub",
        "BEGIN PRIVATE KEY",
    ] {
        assert!(output.contains(expected), "{expected}: {output}");
    }
    assert!(!open("pass:wrong").unwrap().0);
}

#[test]
fn nss_imports_the_p12() {
    let (dir, pki) = new_ca();
    let issued = issue(&pki, "cert-a", "feed");
    let (p12, password) = (issued.p12_file.unwrap(), issued.password_file.unwrap());
    let db = format!("sql:{}", dir.path().display());
    if run("certutil", &["-N", "-d", &db, "--empty-password"]).is_none() {
        return;
    }
    let (imported, output) = run("pk12util", &["-i", text(&p12), "-d", &db, "-w", text(&password)]).unwrap();
    assert!(imported, "{output}");
    let (_, listed) = run("certutil", &["-L", "-d", &db]).unwrap();
    assert!(listed.contains("cert-a/feed") && listed.contains("u,u,u"), "{listed}");
    let (_, keys) = run("certutil", &["-K", "-d", &db]).unwrap();
    assert!(keys.contains("cert-a/feed"), "{keys}");
}

#[test]
fn java_opens_the_p12() {
    let (_dir, pki) = new_ca();
    let issued = issue(&pki, "cert-a", "feed");
    let (p12, password) = (issued.p12_file.unwrap(), issued.password_file.unwrap());
    let args =
        ["-list", "-v", "-storetype", "PKCS12", "-storepass:file", text(&password), "-keystore", text(&p12)];
    let Some((opened, output)) = run("keytool", &args) else {
        return;
    };
    assert!(opened, "{output}");
    for expected in ["cert-a/feed", "PrivateKeyEntry", "Certificate chain length: 2"] {
        assert!(output.contains(expected), "{expected}: {output}");
    }
}
