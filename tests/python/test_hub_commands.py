"""init, serve, check, status, registry, pki: exit codes and messages."""

import json
import re
import socket
import ssl
import stat
import subprocess
import tomllib

import pytest
import requests
from conftest import free_port, indicator, to_toml, wait_for
from cryptography import x509

DONE, FAILED, DEGRADED, USAGE, BAD_DATA, UNREACHABLE, NOT_PERMITTED = 0, 1, 2, 64, 65, 69, 77
from commands import (
    BAD_DATA,
    DONE,
    FAILED,
    UNREACHABLE,
    USAGE,
    ended,
)


def test_init(make_hub, tmp_path):
    hub = make_hub(start=False)
    ended(hub.run("init", hub.dir), FAILED, "exists already")
    other = tmp_path / "other"
    answer = hub.run("init", other, "--name", "hub.cert.example", "--name", "192.0.2.1", "--listen", "0.0.0.0:9000")
    ended(answer, DONE, "liaison serve --config", "liaison publish", "liaison poll")
    names = x509.load_pem_x509_certificate((other / "pki/server.crt").read_bytes()).extensions
    names = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"hub.cert.example", "localhost"}
    assert {str(found) for found in names.get_values_for_type(x509.IPAddress)} == {"192.0.2.1", "127.0.0.1", "::1"}
    assert tomllib.loads((other / "pki/clients/cert-a/feed.toml").read_text())["url"] == "https://hub.cert.example:9000"
    for path in [*other.rglob("*.key"), *other.rglob("*.p12*")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for fixed in ("liaison.toml", "registry.toml", "liaison.db", "pki/ca.crt", "pki/ca.key", "pki/ca.crl", "pki/server.crt"):
        assert (other / fixed).is_file()
    ended(hub.run("init"), USAGE, "DIR")
    ended(hub.run("init", tmp_path / "x", "--listen", "nonsense"), USAGE, "nonsense")
    ended(hub.run("init", tmp_path / "x", "--name", "no host/name"), USAGE, "no host/name")
    assert not (tmp_path / "x/pki/ca.key").exists()
    ended(hub.run("check", "--config", other / "liaison.toml"), DONE)


def test_serve_refuses_to_start_wrongly(make_hub):
    hub = make_hub(start=False)
    serve = ("serve", "--set", f"admin.listen=127.0.0.1:{free_port()}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended(hub.on_hub(*serve, "--set", f"server.listen=127.0.0.1:{taken.getsockname()[1]}"), FAILED, "cannot listen", "server.listen")
    ended(hub.on_hub(*serve, "--set", "server.nonsense=1"), USAGE, "nonsense")
    ended(hub.on_hub(*serve, "--set", "nonsense"), USAGE, "nonsense")
    ended(hub.run("serve", "--config", "missing.toml"), USAGE, "missing.toml")
    key = hub.dir / "pki/server.key"
    key.chmod(0o644)
    ended(hub.on_hub(*serve), FAILED, "chmod 600")
    ended(hub.on_hub("check"), FAILED, "chmod 600")
    key.chmod(0o600)
    database = hub.dir / "liaison.db"
    database.write_bytes(b"this is no database" * 1000)
    ended(hub.on_hub(*serve), FAILED, "liaison.db")
    ended(hub.on_hub("check"), FAILED, "liaison.db")


def test_check(hub):
    told = ended(hub.on_hub("check"), DONE, "settings", "server certificate", "database", "registry", "revocation list")
    assert "BAD" not in told.stdout
    answer = json.loads(hub.on_hub("check", "--json").stdout)
    assert answer["ok"] is True and answer["notes"] and answer["problems"] == []
    (hub.dir / "pki/server.crt").rename(hub.dir / "pki/away")
    answer = hub.on_hub("check", "--json")
    assert answer.returncode == FAILED and json.loads(answer.stdout)["ok"] is False
    assert any("server.crt" in problem for problem in json.loads(answer.stdout)["problems"])
    (hub.dir / "pki/away").rename(hub.dir / "pki/server.crt")
    hub.expected_errors.append("not taken over")
    ended(hub.run("check", "--config", "missing.toml"), USAGE, "missing.toml")


def test_status(hub):
    hub.post([indicator()])
    hub.fetch()
    report = hub.status()
    (collection,) = report["collections"]
    assert (collection["id"], collection["objects"], report["writable"]) == (hub.collection, 1, True)
    assert [found["client"] for found in report["clients"] if found["last_polled"]] == ["cert-b/feed"]
    assert [found["client"] for found in report["clients"]] == ["cert-a/feed", "cert-a/siem", "cert-b/feed", "cert-b/siem"]
    admin = ("--set", f"admin.listen=127.0.0.1:{hub.admin_port}")
    ended(hub.on_hub("status", *admin), DONE, hub.collection, "cert-b/feed", "1 object versions", "taking objects")
    ended(hub.on_hub("status", "--set", "admin.listen=off"), USAGE, "admin.listen")
    hub.stop()
    ended(hub.on_hub("status", *admin), UNREACHABLE, "liaison serve")


# registry


def test_registry_plan_apply_show(hub):
    path = hub.dir / "new.toml"
    registry = hub.registry()
    path.write_text(to_toml(registry))
    ended(hub.on_hub("registry", "plan", path), DONE, "nothing to change")
    registry["organisation"][0]["name"] = "Another name"
    registry["organisation"][1]["client"].append({"id": "new", "role": "consumer"})
    del registry["organisation"][0]["client"][1]
    path.write_text(to_toml(registry))
    changes = ('"CERT A" → "Another name"', "+ client cert-b/new", "- client cert-a/siem")
    ended(hub.on_hub("registry", "plan", path), DONE, *changes, "nothing was changed")
    ended(hub.on_hub("registry", "apply", path, "--dry-run"), DONE, *changes, "nothing was changed")
    planned = json.loads(hub.on_hub("registry", "plan", path, "--json").stdout)
    assert len(planned["changes"]) == 3 and planned["applied"] is False
    assert "Another name" not in hub.on_hub("registry", "show").stdout
    ended(hub.on_hub("registry", "apply", path), DONE, *changes, "in force")
    applied = json.loads(hub.on_hub("registry", "apply", path, "--json").stdout)
    assert applied["changes"] == []
    shown = hub.on_hub("registry", "show").stdout
    assert tomllib.loads(shown)["organisation"][0]["name"] == "Another name"
    assert json.loads(hub.on_hub("registry", "show", "--json").stdout)["organisation"][0]["name"] == "Another name"
    # What is shown can be applied as it is.
    path.write_text(shown)
    ended(hub.on_hub("registry", "plan", path), DONE, "nothing to change")


@pytest.mark.parametrize("change, text", [
    (lambda text: text + "\nnonsense = 1\n", "nonsense"),
    (lambda text: text.replace('role = "publisher"', 'role = "boss"', 1), "boss"),
    (lambda text: text.replace('parties = ["cert-a"', 'parties = ["cert-z"', 1), "cert-z"),
    (lambda text: text.replace('country = "AA"', 'country = "aaa"'), "country"),
    (lambda text: text.replace('tlp_max = "RED"', 'tlp_max = "PINK"'), "PINK"),
    (lambda text: text.replace('unmarked = "assume:AMBER"', 'unmarked = "maybe"'), "maybe"),
    (lambda text: text.replace('api_root = "exchange"', 'api_root = "taxii2"'), "taxii2"),
    (lambda text: re.sub(r'id = "[0-9a-f-]{36}"', 'id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"', text), "version 4"),
    (lambda text: text.replace('country = "AA"', 'country = "AA"\ntrust_anchor = "missing.crt"', 1), "missing.crt"),
    (lambda text: text.replace('country = "AA"', 'country = "AA"\ntrust_anchor = "registry.toml"', 1), "trust_anchor"),
    (lambda text: "[[organisation", "organisation"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_registry_refuses_what_is_wrong_and_changes_nothing(make_hub, change, text):
    hub = make_hub(start=False)
    path = hub.dir / "wrong.toml"
    path.write_text(change((hub.dir / "registry.toml").read_text()))
    before = hub.on_hub("registry", "show").stdout
    for command in ("plan", "apply"):
        ended(hub.on_hub("registry", command, path), BAD_DATA, text)
    assert hub.on_hub("registry", "show").stdout == before


def test_registry_files_that_are_not_there(make_hub):
    hub = make_hub(start=False)
    ended(hub.on_hub("registry", "apply", "missing.toml"), BAD_DATA, "missing.toml")
    ended(hub.run("registry", "show", "--config", "missing.toml"), USAGE, "missing.toml")
    ended(hub.run("registry"), USAGE)


# pki


def listed(hub):
    return [json.loads(line) for line in hub.on_hub("pki", "list", "--json").stdout.splitlines()]


def test_pki_list_and_show(make_hub):
    hub = make_hub(start=False)
    found = listed(hub)
    assert [(entry["org"], entry["client"]) for entry in found] == [
        (None, None), ("cert-a", "feed"), ("cert-a", "siem"), ("cert-b", "feed"), ("cert-b", "siem"),
    ]
    assert len({entry["serial"] for entry in found}) == 5
    ended(hub.on_hub("pki", "list"), DONE, "server", "cert-a/feed", "cert-b/siem")
    certificate = hub.client("cert-a", "feed").crt
    shown = json.loads(hub.run("pki", "show", certificate, "--json").stdout)
    assert shown["identity"] == "urn:liaison:cert-a:feed" and shown["serial"] == found[1]["serial"]
    assert shown["spki_sha256"] == found[1]["spki_sha256"] and not shown["is_ca"]
    ended(hub.run("pki", "show", certificate), DONE, "urn:liaison:cert-a:feed", shown["spki_sha256"], "key_sha256")
    ended(hub.run("pki", "show", hub.ca), DONE, "no client certificate")
    ended(hub.run("pki", "show", hub.config), BAD_DATA, "liaison.toml")
    ended(hub.run("pki", "show", "missing.crt"), BAD_DATA, "missing.crt")


def test_pki_issue(hub, tmp_path):
    arguments = ("pki", "issue", "--org", "cert-b", "--client")
    ended(hub.on_hub(*arguments, "feed"), FAILED, "has a certificate already", "--replace")
    ended(hub.on_hub(*arguments, "Not A Slug"), USAGE, "Not A Slug")
    ended(hub.on_hub(*arguments, "new", "--days", "5000"), USAGE, "5000")
    ended(hub.on_hub(*arguments, "new", "--days", "0"), USAGE, "days")
    ended(hub.on_hub("pki", "issue", "--org", "cert-b"), USAGE, "--client")
    ended(hub.run(*arguments, "new", "--config", "missing.toml"), USAGE, "missing.toml", "--pki")
    ended(hub.run(*arguments, "new", "--pki", tmp_path), FAILED, "pki init")
    answer = json.loads(hub.on_hub(*arguments, "new", "--out", tmp_path / "out", "--json").stdout)
    assert (answer["org"], answer["client"]) == ("cert-b", "new")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ca.crt", "new.crt", "new.key", "new.p12", "new.p12.password", "new.toml",
    ]
    # The folder is all that the partner needs, wherever it is put.
    registry = hub.registry()
    registry["organisation"][1]["client"].append({"id": "new", "role": "consumer"})
    hub.apply(registry, issue=False)
    (tmp_path / "out").rename(tmp_path / "handed-over")
    ended(hub.run("whoami", "--profile", tmp_path / "handed-over/new.toml"), DONE, "cert-b/new")


def test_pki_revoke(make_hub):
    hub = make_hub(start=False)
    ended(hub.on_hub("pki", "revoke"), USAGE, "--serial", "--client", "--file")
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b"), USAGE, "ORG/CLIENT")
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b/feed", "--serial", "00"), USAGE)
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b/feed", "--reason", "boredom"), USAGE, "boredom")
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b/nobody"), FAILED, "cert-b/nobody", "pki list")
    ended(hub.on_hub("pki", "revoke", "--serial", "0123456789abcdef"), FAILED, "0123456789abcdef")
    ended(hub.on_hub("pki", "revoke", "--file", hub.config), BAD_DATA, "liaison.toml")
    serial = listed(hub)[1]["serial"]
    with_colons = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2)).upper()
    ended(hub.on_hub("pki", "revoke", "--serial", with_colons), DONE, serial, "cert-a/feed")
    ended(hub.on_hub("pki", "revoke", "--serial", serial), DONE)
    records = json.loads(hub.on_hub("pki", "revoke", "--client", "cert-b/feed", "--reason", "superseded", "--json").stdout)
    assert [record["reason"] for record in records] == ["superseded"]
    crl = x509.load_pem_x509_crl((hub.dir / "pki/ca.crl").read_bytes())
    assert {entry.serial_number for entry in crl} == {int(serial, 16), int(records[0]["serial"], 16)}
    authority = x509.load_pem_x509_certificate(open(hub.ca, "rb").read())
    assert crl.is_signature_valid(authority.public_key())
    ended(hub.on_hub("pki", "crl"), DONE, "2 revoked")
    states = {(entry["org"], entry["client"]): entry["state"] for entry in listed(hub)}
    assert states[("cert-a", "feed")] == states[("cert-b", "feed")] != states[("cert-b", "siem")]


def test_pki_renew(hub):
    old = hub.client("cert-b", "siem")
    before = (old.crt.read_bytes(), old.key.read_bytes())
    (hub.home / "old.crt").write_bytes(before[0])
    (hub.home / "old.key").write_bytes(before[1])
    ended(hub.on_hub("pki", "renew", "--org", "cert-b", "--client", "siem"), DONE, "cert-b/siem")
    assert old.crt.read_bytes() != before[0] and old.key.read_bytes() != before[1]
    for cert in (old.cert, (str(hub.home / "old.crt"), str(hub.home / "old.key"))):
        answer = requests.get(f"{hub.url}/liaison/v1/whoami", cert=cert, verify=hub.ca, timeout=10)
        assert answer.json()["client"] == "cert-b/siem"
    ended(hub.on_hub("pki", "renew", "--org", "cert-b", "--client", "nobody"), FAILED, "pki issue")
    ended(hub.on_hub("pki", "renew", "--org", "cert-b"), USAGE, "--client")
    ended(hub.on_hub("pki", "renew", "--server", "--org", "cert-b", "--client", "siem"), USAGE)
    ended(hub.on_hub("pki", "renew"), USAGE)


def test_a_running_server_takes_over_its_renewed_certificate(hub):
    context = ssl.create_default_context(cafile=hub.ca)
    context.load_cert_chain(*hub.client("cert-b", "feed").cert)

    def serial():
        with socket.create_connection(("localhost", hub.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                return connection.getpeercert()["serialNumber"]

    before = serial()
    ended(hub.on_hub("pki", "renew", "--server"), DONE, "server")
    wait_for(lambda: serial() != before, 3, "the server still shows its old certificate")
    assert len(hub.fetch()) == 0


def test_pki_sign(hub, tool, tmp_path):
    openssl = tool("openssl")
    key, csr = tmp_path / "own.key", tmp_path / "own.csr"

    def request(*algorithm):
        command = [openssl, "req", "-new", *algorithm, "-nodes", "-subj", "/CN=anything", "-keyout", key, "-out", csr]
        subprocess.run(command, check=True, capture_output=True)

    request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    arguments = ("pki", "sign", csr, "--org", "cert-b", "--client", "own", "--out", tmp_path / "signed")
    answer = json.loads(ended(hub.on_hub(*arguments, "--json"), DONE).stdout)
    assert answer["key_file"] is None and answer["p12_file"] is None
    registry = hub.registry()
    registry["organisation"][1]["client"].append({"id": "own", "role": "publisher"})
    hub.apply(registry, issue=False)
    certificate = tmp_path / "signed/own.crt"
    found = requests.get(f"{hub.url}/liaison/v1/whoami", cert=(str(certificate), str(key)), verify=hub.ca, timeout=10)
    assert found.json()["client"] == "cert-b/own"
    ended(hub.run("whoami", "--profile", tmp_path / "signed/own.toml", "--key", key), DONE, "cert-b/own")
    ended(hub.on_hub(*arguments), FAILED)
    ended(hub.on_hub("pki", "sign", hub.config, "--org", "cert-b", "--client", "other"), BAD_DATA, "certificate request")
    ended(hub.on_hub("pki", "sign", "missing.csr", "--org", "cert-b", "--client", "other"), BAD_DATA, "missing.csr")
    request("-newkey", "rsa:1024")
    ended(hub.on_hub("pki", "sign", csr, "--org", "cert-b", "--client", "weak"), BAD_DATA, "certificate request")


def test_pki_init(make_hub, tmp_path):
    hub = make_hub(start=False)
    ended(hub.run("pki", "init", "--pki", tmp_path / "ca", "--name", "hub.example"), DONE, str(tmp_path / "ca"))
    ended(hub.run("pki", "init", "--pki", tmp_path / "ca"), FAILED, "exists")
    ended(hub.run("pki", "issue", "--pki", tmp_path / "ca", "--org", "x", "--client", "y"), DONE)
    assert (tmp_path / "ca/clients/x/y.crt").exists()
    ended(hub.run("pki", "init", "--pki", tmp_path / "bad", "--name", "not a name"), USAGE, "not a name")


# Everything


def test_help_and_version(make_hub):
    hub = make_hub(start=False)
    ended(hub.run("--version"), DONE, "liaison")
    ended(hub.run("--help"), DONE, "Exit codes", "publish", "poll")
    for command in ("init", "serve", "check", "status", "registry", "pki", "publish", "poll", "whoami", "demo"):
        ended(hub.run(command, "--help"), DONE, "Usage")
    ended(hub.run(), USAGE, "Usage")
    ended(hub.run("nonsense"), USAGE, "nonsense")
