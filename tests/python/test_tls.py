"""TLS and client certificates: security-and-durability.md §5.1."""

import contextlib
import datetime
import os
import shutil
import ssl
import subprocess
import time

import pytest
from certificates import DAY, NOW, Issuer, crl, name, uri
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from wire import Hub, assert_error, run, unharmed, until_closed, wait_for, wire_hub

V2, V3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
REQUEST = b"GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n"
HOUR = datetime.timedelta(hours=1)


def refused(hub, who, **options):
    """In the handshake: not one byte of HTTP comes back. In TLS 1.3 the client learns it when it reads."""
    try:
        with hub.connect(who, **options) as sock:
            sock.sendall(REQUEST)
            data = until_closed(sock)
    except (ssl.SSLError, ConnectionError):
        return
    assert data == b"", data[:300]


def served(hub, who, **options):
    with hub.connect(who, **options) as sock:
        return hub.send(sock, REQUEST)


def ecdsa():
    return ec.generate_private_key(ec.SECP256R1())


def impostor(hub):
    key_id = hub.ca.cert.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return Issuer.root(subject=hub.ca.cert.subject, key_id=x509.SubjectKeyIdentifier(key_id))


def corrupted(hub):
    good = hub.ca.issue()
    der = bytearray(good.cert.public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    return Issuer(x509.load_der_x509_certificate(bytes(der)), good.key)


def raw_extension(oid, value=b"\x05\x00"):
    return x509.UnrecognizedExtension(ObjectIdentifier(oid), value)


def under(hub, intermediate, **options):
    """A leaf below an intermediate of the hub's CA."""
    middle = hub.ca.issue(None, subject="middle", usages=(), **intermediate)
    return Issuer(middle.cert, middle.key).issue(**options)


def long_chain(hub, length, padding=0):
    extra = [(raw_extension("1.3.6.1.4.1.99999.9", b"\x04\x84" + padding.to_bytes(4, "big") + bytes(padding)), False)] if padding else []
    issuer = Issuer.root("Deep root")
    for depth in range(length - 1):
        issuer = issuer.issue(None, ca=True, usages=(), subject=f"deep {depth}", extra=extra)
    return issuer.issue()


def maze(hub):
    """Certificates that all may have signed each other: six keys, one name."""
    keys = [ecdsa() for _ in range(6)]
    certs = [Issuer.root(subject=name("Maze"), key=key) for key in keys]
    crossed = [Issuer(one.cert, one.key).issue(None, ca=True, usages=(), subject="Maze", key=other.key).cert for one in certs for other in certs if one is not other]
    leaf = certs[0].issue()
    return Issuer(leaf.cert, leaf.key, crossed[:7])


CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
BAD = {
    "no certificate": lambda hub: None,
    "self-signed": lambda hub: (lambda key: Issuer(self_signed(key), key))(ecdsa()),
    "unknown CA": lambda hub: Issuer.root().issue(),
    "impostor CA": lambda hub: impostor(hub).issue(),
    "impostor CA in the chain": lambda hub: (lambda ca: Issuer(*(lambda leaf: (leaf.cert, leaf.key))(ca.issue()), [ca.cert]))(impostor(hub)),
    "corrupted signature": corrupted,
    "signed by another key": lambda hub: hub.ca.issue(signer=ecdsa()),
    "expired": lambda hub: hub.ca.issue(start=NOW - 9 * DAY, end=NOW - DAY),
    "expired a second ago": lambda hub: hub.ca.issue(start=NOW - 9 * DAY, end=NOW - datetime.timedelta(seconds=2)),
    "not yet valid": lambda hub: hub.ca.issue(start=NOW + DAY, end=NOW + 9 * DAY),
    "valid in a minute": lambda hub: hub.ca.issue(start=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)),
    "only serverAuth": lambda hub: hub.ca.issue(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "only emailProtection": lambda hub: hub.ca.issue(usages=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)),
    "CA as leaf": lambda hub: hub.ca.issue(ca=True),
    "the server's own certificate": lambda hub: Issuer(x509.load_pem_x509_certificate((hub.root / "pki/server.crt").read_bytes()),
                                                       serialization.load_pem_private_key((hub.root / "pki/server.key").read_bytes(), None)),
    "leaf as issuer": lambda hub: (lambda leaf: Issuer(leaf.cert, leaf.key, [leaf.cert]).issue())(hub.ca.issue()),
    "path length of the root": lambda hub: under(hub, {"ca": True}),
    "path length of the middle": lambda hub: under_two(hub),
    "name constraint": lambda hub: constrained(hub),
    "SHA-1 signature": lambda hub: sha1(hub),
    "RSA 1024": lambda hub: hub.ca.issue(key=rsa.generate_private_key(65537, 1024)),
    "P-192": lambda hub: hub.ca.issue(key=ec.generate_private_key(ec.SECP192R1())),
    "secp256k1": lambda hub: hub.ca.issue(key=ec.generate_private_key(ec.SECP256K1())),
    "unknown critical extension": lambda hub: hub.ca.issue(extra=[(raw_extension("1.3.6.1.4.1.99999.1"), True)]),
    "malformed SAN": lambda hub: hub.ca.issue(None, extra=[(raw_extension("2.5.29.17", b"\x30\x82\xff\xff\x86"), False)]),
    "malformed critical key usage": lambda hub: hub.ca.issue(extra=[(raw_extension("2.5.29.36", b"\x30\x03\x80\x01"), True)]),
    "nine certificates": lambda hub: long_chain(hub, 9),
    "over 64 KiB": lambda hub: long_chain(hub, 4, 25_000),
    "maze": maze,
}


def self_signed(key):
    subject = name("client")
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY).add_extension(uri("urn:liaison:cert-a:feed"), False)
    return builder.sign(key, hashes.SHA256())


def under_two(hub):
    first = hub.ca.issue(None, ca=True, path_length=0, usages=(), subject="one")
    second = Issuer(first.cert, first.key).issue(None, ca=True, usages=(), subject="two")
    return Issuer(second.cert, second.key, [first.cert]).issue()


def constrained(hub):
    """Under a partner, whose CA has no path length; a test below shows that such a chain is good otherwise."""
    only = x509.NameConstraints([x509.DNSName("example.com")], None)
    middle = hub.partner.issue(None, ca=True, usages=(), subject="middle", extra=[(only, True)])
    foreign = x509.SubjectAlternativeName([x509.DNSName("evil.example.org"), x509.UniformResourceIdentifier("urn:example:c-feed")])
    return Issuer(middle.cert, middle.key, [middle.cert]).issue(None, extra=[(foreign, False)])


def sha1(hub):
    """No library signs with SHA-1 any more, so openssl is asked; without it the case is skipped."""
    if not shutil.which("openssl"):
        raise ValueError("needs openssl")
    good = hub.ca.issue()
    request = x509.CertificateSigningRequestBuilder().subject_name(name("client")).sign(good.key, hashes.SHA256())
    (hub.dir / "sha1.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    (hub.dir / "sha1.ext").write_text("extendedKeyUsage=clientAuth\nsubjectAltName=URI:urn:liaison:cert-a:feed\n")
    form = ["-CA", hub.root / "pki/ca.crt", "-CAkey", hub.root / "pki/ca.key", "-set_serial", "77", "-days", "1", "-extfile", hub.dir / "sha1.ext"]
    done = subprocess.run(["openssl", "x509", "-req", "-in", hub.dir / "sha1.csr", "-sha1", *form], capture_output=True, check=True)
    found = x509.load_pem_x509_certificate(done.stdout)
    assert found.signature_algorithm_oid.dotted_string == "1.2.840.10045.4.1"
    return Issuer(found, good.key)


@pytest.mark.parametrize("version", [V2, V3], ids=["TLS 1.2", "TLS 1.3"])
def test_an_intermediate_of_a_partner_is_served(wire_hub, version):
    middle = wire_hub.partner.issue(None, ca=True, path_length=0, usages=(), subject="middle")
    who = Issuer(middle.cert, middle.key).issue("urn:example:c-feed")
    who.chain = (middle.cert,)
    assert served(wire_hub, who, low=version, high=version).status == 200


@pytest.mark.parametrize("version", [V2, V3], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_bad_certificates_are_refused_in_the_handshake(wire_hub, make, version):
    try:
        who = make(wire_hub)
        context = wire_hub.context(who, low=version, high=version)
    except ssl.SSLError as error:
        # OpenSSL itself will not load one of them; any other fault in making one is the test's.
        assert "INVALID_CERTIFICATE" in str(error)
        return pytest.skip(f"the client's own library refuses it: {error}")
    refused(wire_hub, who, context=context)


def test_a_key_that_is_not_held_is_refused(wire_hub):
    """The handshake is spoken with another key than that of the certificate; OpenSSL would not do it."""
    assert shutil.which("openssl"), "install openssl"
    cert, _ = wire_hub.ca.issue().files(wire_hub.dir)
    _, key = wire_hub.ca.issue().files(wire_hub.dir)
    done = s_client(wire_hub, "-cert", cert, "-key", key, stdin=REQUEST)
    assert b"HTTP/1.1" not in done


def s_client(hub, *args, stdin=b""):
    host, _ = hub.elsewhere()
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{hub.port}", "-bind", host, "-quiet", *args]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=15).stdout


@pytest.mark.parametrize("version", [V2, V3], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("key", [ecdsa, lambda: ec.generate_private_key(ec.SECP384R1()), lambda: rsa.generate_private_key(65537, 2048),
                                 ed25519.Ed25519PrivateKey.generate], ids=["P-256", "P-384", "RSA 2048", "Ed25519"])
def test_good_certificates_are_served(wire_hub, key, version):
    assert served(wire_hub, wire_hub.ca.issue(key=key()), low=version, high=version).status == 200


# --- who a certificate is ------------------------------------------------------------------

US = "urn:liaison:cert-a:feed"
NOBODY = {
    "not in the registry": "urn:liaison:cert-a:nobody", "unknown organisation": "urn:liaison:cert-x:feed", "revoked in the registry": "urn:liaison:cert-a:out",
    "two identities": [US, "urn:liaison:cert-b:feed"], "the same twice": [US, US], "none": None, "none of ours": ["https://example.com/"],
    "upper case": "URN:LIAISON:CERT-A:FEED", "mixed case": "urn:Liaison:cert-a:feed", "beside a look-alike": [US, "URN:liaison:cert-b:feed"],
    "blank at end": US + " ", "blank at start": " " + US, "escape": "urn:liaison:cert%2Da:feed", "escaped colon": "urn:liaison:cert-a%3Afeed",
    "more segments": US + ":admin", "fewer segments": "urn:liaison:cert-a", "empty segment": "urn:liaison:cert-a::feed", "trailing colon": US + ":",
    "slash": "urn:liaison:cert-a/feed", "query": US + "?x", "fragment": US + "#x", "NUL": US + "\0", "NUL inside": US + "\0.example.com", "line": US + "\n",
    "partner's san under the hub": "urn:example:c-feed", "partner's client under the hub's CA": None,
}


@pytest.mark.parametrize("sans", NOBODY.values(), ids=NOBODY)
def test_an_unknown_identity_is_401_and_learns_nothing(wire_hub, sans):
    who = wire_hub.ca.issue(sans)
    for path in ("/taxii2/", "/exchange/collections/", "/liaison/v1/whoami", "/nothing/at/all/"):
        with wire_hub.connect(who) as sock:
            response = wire_hub.ask("GET", path, sock=sock)
            assert until_closed(sock) == b""
        message = assert_error(response, 401)
        assert response.headers["www-authenticate"]
        assert "cert-" not in response.body.decode() and "exchange" not in message["title"]


def test_unicode_look_alikes_are_401(wire_hub):
    # Cyrillic letters: not ASCII, so the extension is made by hand.
    text = "urn:liaison:cert-\u0430:feed".encode()
    value = bytes([0x30, len(text) + 2, 0x86, len(text)]) + text
    who = wire_hub.ca.issue(None, extra=[(raw_extension("2.5.29.17", value), False)])
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        with wire_hub.connect(who) as sock:
            response = wire_hub.send(sock, REQUEST)
            assert response is None or response.status == 401


def test_identity_never_comes_from_subject_or_mail(wire_hub):
    san = x509.SubjectAlternativeName([x509.DNSName("feed.cert-a"), x509.RFC822Name("feed@cert-a.example")])
    assert served(wire_hub, wire_hub.ca.issue(None, subject=US, extra=[(san, False)])).status == 401


def test_a_partner_anchor_yields_only_the_partners_clients(wire_hub):
    assert wire_hub.ask("GET", "/liaison/v1/whoami", "c", {"Accept": "*/*"}).json["client"] == "cert-c/feed"
    for san in (US, "urn:liaison:cert-b:feed", "urn:liaison:cert-c:feed", ["urn:example:c-feed", "urn:example:c-feed"], None):
        response = served(wire_hub, wire_hub.partner.issue(san))
        assert response.status in (200, 401), response
        if response.status == 200:
            pytest.fail(f"{san}: served")


def test_a_partner_client_cannot_become_another_organisation(wire_hub):
    who = wire_hub.partner.issue(["urn:example:c-feed", US])
    with wire_hub.connect(who) as sock:
        response = wire_hub.ask("GET", "/liaison/v1/whoami", sock=sock, headers={"Accept": "*/*"})
    assert response.status == 401 or response.json["client"] == "cert-c/feed"


FORGED = ["X-SSL-Client-Cert", "X-Client-Cert", "X-Forwarded-Client-Cert", "SSL_CLIENT_CERT", "X-SSL-Client-S-DN", "X-SSL-Client-Verify", "Client-Cert",
          "X-ARR-ClientCert", "X-Forwarded-For", "X-Forwarded-User", "Authorization", "X-Remote-User", "synchronized-upsert", "X-Original-URL"]


@pytest.mark.parametrize("field", FORGED)
def test_headers_are_never_identity(wire_hub, field):
    pem = wire_hub.clients["b"].cert.public_bytes(serialization.Encoding.PEM).decode().replace("\n", "%0A")
    for value in (pem, "urn:liaison:cert-b:feed", "Basic Y2VydC1iOng=", "/hidden/"):
        found = wire_hub.ask("GET", "/liaison/v1/whoami", headers={field: value, "Accept": "*/*"})
        assert found.json["client"] == "cert-a/feed"
        with wire_hub.connect(wire_hub.ca.issue("urn:liaison:cert-a:nobody")) as sock:
            assert wire_hub.ask("GET", "/taxii2/", sock=sock, headers={field: value}).status == 401


# --- revocation ----------------------------------------------------------------------------


@pytest.fixture
def own_hub():
    hub = Hub()
    yield hub
    hub.stop()


def test_revocation_bites_within_five_seconds(own_hub):
    hub = own_hub.start()
    with hub.connect("a") as live, hub.connect("b") as other:
        assert hub.ask("GET", "/taxii2/", sock=live).status == 200
        (hub.root / "pki/ca.crl").write_bytes(crl(hub.ca, serials=[hub.clients["a"].cert.serial_number]))
        time.sleep(2)
        wait_for(lambda: "read anew" in hub.log_text(), 3)
        response = hub.ask("GET", "/taxii2/", sock=live)
        assert response is None or assert_error(response, 401)
        assert until_closed(live) == b""
        assert hub.ask("GET", "/taxii2/", sock=other).status == 200
    refused(hub, "a")
    assert hub.ask("GET", "/taxii2/", "b").status == 200


def test_a_stale_list_lets_nobody_in(own_hub):
    (own_hub.root / "pki/ca.crl").write_bytes(crl(own_hub.ca, NOW - 9 * DAY, NOW - HOUR))
    hub = own_hub.start()
    if hub.process.poll() is not None:
        assert "crl" in hub.log_text().lower()
        return
    refused(hub, "a")
    (hub.root / "pki/ca.crl").write_bytes(crl(hub.ca))
    wait_for(lambda: "read anew" in hub.log_text(), 4)
    hub.check()


def tampered(hub):
    der = bytearray(x509.load_pem_x509_crl(crl(hub.ca)).public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    return x509.load_der_x509_crl(bytes(der)).public_bytes(serialization.Encoding.PEM)


BAD_LISTS = {"tampered": tampered, "of another CA": lambda hub: crl(Issuer.root()), "of an impostor": lambda hub: crl(impostor(hub)),
             "empty": lambda hub: b"", "junk": lambda hub: os.urandom(500), "a certificate": lambda hub: (hub.root / "pki/ca.crt").read_bytes()}


def test_a_bad_list_is_never_taken(own_hub):
    path = own_hub.root / "pki/ca.crl"
    good = crl(own_hub.ca, serials=[own_hub.clients["siem"].cert.serial_number])
    for label, make in BAD_LISTS.items():
        path.write_bytes(make(own_hub))
        args = ["serve", "--config", own_hub.root / "liaison.toml", "--set", "server.listen=127.0.0.1:0", "--set", "admin.listen=off"]
        done = run(*args, check=False)
        assert done.returncode != 0 and ("crl" in done.stderr.lower() or "revocation" in done.stderr.lower()), (label, done.stderr)
    path.write_bytes(good)
    hub = own_hub.start()
    refused(hub, "siem")
    for make in BAD_LISTS.values():
        path.write_bytes(make(hub))
        time.sleep(0.7)
        refused(hub, "siem")
        assert hub.ask("GET", "/taxii2/").status == 200
    assert "panicked" not in hub.log_text() and "not taken over" in hub.log_text()
