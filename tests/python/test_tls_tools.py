"""curl, openssl, and programs that open the .p12."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import requests
from conftest import (
    TAXII,
    indicator,
    leave_out,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from taxii import assert_unknown


def curl(hub, client, *arguments):
    command = [
        "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10", "--cacert", hub.ca,
        "--write-out", "\n%{http_code} %{http_version}", *client, *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_curl(hub, tool):
    tool("curl")
    files = hub.client("cert-b", "feed")
    hub.post([indicator()])
    pem = ("--cert", files.crt, "--key", files.key)
    for client in (pem, ("--cert-type", "P12", "--cert", f"{files.p12}:{files.password}")):
        for version in ("--http1.1", "--http2"):
            answer = curl(hub, client, version, "--header", f"Accept: {TAXII}", hub.objects_url())
            assert answer.returncode == 0, answer.stderr
            body, code = answer.stdout.rsplit("\n", 1)
            assert code == "200 1.1" and len(json.loads(body)["objects"]) == 1
    with_body = curl(
        hub, pem, "--header", f"Content-Type: {TAXII}", "--header", f"Accept: {TAXII}",
        "--data", json.dumps({"objects": [indicator()]}), hub.objects_url(),
    )
    assert with_body.stdout.endswith("202 1.1")
    assert curl(hub, (), f"{hub.url}/taxii2/").returncode != 0


def s_client(hub, *arguments, client=("cert-b", "feed")):
    command = ["openssl", "s_client", "-connect", f"localhost:{hub.port}", "-servername", "localhost", "-CAfile", hub.ca, "-ign_eof"]
    if client:
        files = hub.client(*client)
        command += ["-cert", str(files.crt), "-key", str(files.key)]
    request = f"GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\nAccept: {TAXII}\r\nConnection: close\r\n\r\n"
    found = subprocess.run([*command, *arguments], input=request, capture_output=True, text=True, timeout=30)
    return found.stdout + found.stderr


@pytest.mark.parametrize("protocol, suites", [
    ("-tls1_2", r"ECDHE-(ECDSA|RSA)-(AES\d+-GCM-SHA\d+|CHACHA20-POLY1305)"),
    ("-tls1_3", r"TLS_(AES_\d+_GCM|CHACHA20_POLY1305)_SHA\d+"),
])
def test_openssl_speaks_tls_with_aead_and_no_resumption(hub, tool, protocol, suites):
    tool("openssl")
    told = s_client(hub, protocol, "-alpn", "h2,http/1.1")
    assert "HTTP/1.1 200" in told and '"api_roots"' in told, told
    assert "Verify return code: 0 (ok)" in told
    assert re.search(rf"Cipher is {suites}\b", told), told
    assert "ALPN protocol: http/1.1" in told
    assert "New Session Ticket arrived" not in told and "session ticket:" not in told
    assert re.search(r"Session-ID: *\n", told) or "Session-ID:" not in told, told
    for alpn in (("-alpn", "h2"), ()):
        assert "ALPN protocol: h2" not in s_client(hub, protocol, *alpn)


@pytest.mark.parametrize("weak", [
    ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
    ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-SHA256:AES128-SHA:@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:aNULL:@SECLEVEL=0"),
], ids=lambda weak: " ".join(weak))
def test_openssl_gets_no_connection_with_what_is_outdated(hub, tool, weak):
    tool("openssl")
    told = s_client(hub, *weak)
    assert "HTTP/1.1" not in told
    assert "Cipher is (NONE)" in told or "no protocols available" in told or "no ciphers available" in told, told


@pytest.mark.parametrize("protocol", ["-tls1_2", "-tls1_3"])
def test_openssl_without_a_certificate_or_with_a_strangers_gets_nothing(hub, make_hub, tool, protocol):
    tool("openssl")
    told = s_client(hub, protocol, client=None)
    assert "HTTP/1.1" not in told and re.search("certificate required|handshake failure", told), told
    stranger = make_hub(start=False).client("cert-b", "feed")
    told = s_client(hub, protocol, "-cert", str(stranger.crt), "-key", str(stranger.key), client=None)
    assert "HTTP/1.1" not in told and re.search("unknown ca|decrypt error|bad certificate|certificate unknown", told), told


def test_requests_without_a_certificate_or_with_a_strangers_gets_nothing(hub, make_hub):
    stranger = make_hub(start=False).client("cert-b", "feed")
    for cert in (None, stranger.cert):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{hub.url}/taxii2/", cert=cert, verify=hub.ca, timeout=10)


def test_a_valid_certificate_that_the_registry_does_not_know_gets_401(hub):
    ghost = hub.issue("cert-a", "ghost")
    for path in ("/taxii2/", "/exchange/", f"/exchange/collections/{hub.collection}/objects/", "/nothing/", "/liaison/v1/whoami"):
        answer = requests.get(hub.url + path, cert=ghost.cert, verify=hub.ca, timeout=10)
        assert_unknown(answer)
    answer = requests.post(hub.objects_url(), data="{}", headers={"Content-Type": TAXII}, cert=ghost.cert, verify=hub.ca, timeout=10)
    assert_unknown(answer)


# .p12


def test_p12_opens_in_openssl_without_the_legacy_provider(hub, tool):
    tool("openssl")
    files = hub.client("cert-b", "feed")
    command = ["openssl", "pkcs12", "-in", files.p12, "-passin", f"file:{files.password_file}", "-nodes", "-info"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr
    assert "PRIVATE KEY" in told.stdout and told.stdout.count("BEGIN CERTIFICATE") == 2
    assert "RC2" not in told.stderr
    wrong = subprocess.run([*command[:4], "-passin", "pass:wrong", "-noout"], capture_output=True, timeout=30)
    assert wrong.returncode != 0


def test_p12_opens_in_python(hub):
    files = hub.client("cert-b", "feed")
    key, certificate, others = pkcs12.load_key_and_certificates(files.p12.read_bytes(), files.password.encode())
    assert certificate == x509.load_pem_x509_certificate(files.crt.read_bytes())
    assert key.public_key() == certificate.public_key()
    assert others == [x509.load_pem_x509_certificate(open(hub.ca, "rb").read())]
    assert len(files.password) >= 16


def test_p12_opens_in_java(hub, request):
    # Java is large, so nobody has to install it for this.
    keytool = shutil.which("keytool") or leave_out(request.node.name, "keytool is not installed", False)
    files = hub.client("cert-b", "feed")
    command = [keytool, "-J-XX:TieredStopAtLevel=1", "-list", "-v", "-storetype", "PKCS12", "-keystore", files.p12, "-storepass:file", files.password_file]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stdout
    assert "PrivateKeyEntry" in told.stdout and "urn:liaison:cert-b:feed" in told.stdout


def nss_database(hub, tool, folder):
    """An NSS database with the client's certificate and the hub's authority, as browsers have it."""
    certutil, pk12util = tool("certutil"), tool("pk12util")
    folder.mkdir(parents=True)
    database = f"sql:{folder}"
    files = hub.client("cert-b", "feed")

    def run(*command):
        told = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout

    run(certutil, "-N", "-d", database, "--empty-password")
    run(pk12util, "-i", files.p12, "-d", database, "-w", files.password_file, "-K", "")
    run(certutil, "-A", "-d", database, "-n", "hub", "-t", "CT,,", "-i", hub.ca)
    return database, run


def test_p12_opens_in_nss(hub, tool, tmp_path):
    database, run = nss_database(hub, tool, tmp_path / "nss")
    keys = run("certutil", "-K", "-d", database)
    name = re.search(r"^<\s*0> +ec +[0-9a-f]+ +(.*)$", keys, re.MULTILINE)
    assert name, keys
    nickname = name[1].split(":")[-1].strip()
    assert "u,u,u" in run("certutil", "-L", "-d", database)
    assert "certificate is valid" in run("certutil", "-V", "-u", "C", "-d", database, "-n", nickname)


def test_chromium_shows_the_discovery_resource_with_the_p12(hub, tool, tmp_path, request):
    chromium = tool("chromium", "chromium-browser", "google-chrome")
    home = tmp_path / "home"
    nss_database(hub, tool, home / ".pki/nssdb")
    policies = pathlib.Path("/etc/chromium/policies/managed")
    policy = policies / f"liaison-test-{hub.port}.json"
    required = os.environ.get("CI") == "true" or os.environ.get("LIAISON_REQUIRE_TOOLS") == "1"
    try:
        policies.mkdir(parents=True, exist_ok=True)
        policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [json.dumps({"pattern": hub.url, "filter": {}})]}))
    except OSError as error:
        leave_out(request.node.name, f"no browser policy can be written: {error}", required)
    try:
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"{hub.url}/taxii2/",
        ]
        environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {"HOME": str(home)}
        told = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment)
    finally:
        policy.unlink()
    assert f"{hub.root}" in told.stdout and "api_roots" in told.stdout, told.stdout + told.stderr
