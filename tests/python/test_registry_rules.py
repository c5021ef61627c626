"""Revocation, and what the registry says about who may see and send what."""

import datetime
import hashlib
import http.client
import ipaddress
import json
import ssl
import time
import uuid

import pytest
import requests
from conftest import (
    TAXII,
    indicator,
    marked,
    to_toml,
    uuid4,
    wait_for,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from taxii2client.v21 import Collection

from taxii import assert_unknown


def tls_context(hub, org, client):
    context = ssl.create_default_context(cafile=hub.ca)
    context.load_cert_chain(*hub.client(org, client).cert)
    return context


class Live:
    """One connection that stays open, and never opens another."""

    def __init__(self, hub, org, client):
        self.connection = http.client.HTTPSConnection("localhost", hub.port, timeout=10, context=tls_context(hub, org, client))
        self.connection.connect()
        self.connection.auto_open = 0

    def get(self, path="/taxii2/"):
        self.connection.request("GET", path, headers={"Accept": TAXII})
        answer = self.connection.getresponse()
        answer.body = answer.read()
        return answer


def assert_locked_out(hub, live, within, may_connect):
    """The live connection gets 401 and is closed, in time; meanwhile it works as before."""
    deadline = time.monotonic() + within
    while (answer := live.get()).status == 200:
        assert time.monotonic() < deadline, f"still served after {within} s"
        time.sleep(0.05)
    assert answer.status == 401 and json.loads(answer.body)["http_status"] == "401"
    assert answer.getheader("WWW-Authenticate") and answer.getheader("Content-Type") == TAXII
    assert answer.getheader("Connection") == "close" and live.connection.sock is None
    attempt = lambda: requests.get(f"{hub.url}/taxii2/", cert=hub.client("cert-b", "siem").cert, verify=hub.ca, timeout=10)
    if may_connect:
        assert_unknown(attempt())
    else:
        with pytest.raises(requests.ConnectionError):
            attempt()


def test_a_revoked_certificate_is_out_within_5_seconds(hub):
    live, others = Live(hub, "cert-b", "siem"), [Live(hub, "cert-b", "feed"), Live(hub, "cert-a", "siem")]
    assert live.get().status == 200
    assert [other.get().status for other in others] == [200, 200]
    answer = hub.on_hub("pki", "revoke", "--client", "cert-b/siem", "--reason", "keyCompromise")
    assert answer.returncode == 0, answer.stderr
    assert_locked_out(hub, live, 5, may_connect=False)
    assert [other.get().status for other in others] == [200, 200]
    with hub.session("cert-b") as session:
        assert session.get(f"{hub.url}/taxii2/").status_code == 200
    assert hub.status()["revoked"] == 1
    # A new certificate for the same client works at once, the old one stays out.
    old = hub.client("cert-b", "siem").crt.read_bytes()
    answer = hub.on_hub("pki", "issue", "--org", "cert-b", "--client", "siem", "--replace")
    assert answer.returncode == 0, answer.stderr
    assert hub.client("cert-b", "siem").crt.read_bytes() != old
    with hub.session("cert-b", "siem") as session:
        assert session.get(f"{hub.url}/taxii2/").status_code == 200


def test_revocation_outlives_a_restart(hub):
    assert hub.on_hub("pki", "revoke", "--file", hub.client("cert-b", "siem").crt).returncode == 0
    hub.stop()
    hub.start()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{hub.url}/taxii2/", cert=hub.client("cert-b", "siem").cert, verify=hub.ca, timeout=10)


def test_a_client_revoked_in_the_registry_is_out_within_2_seconds(hub):
    live, other = Live(hub, "cert-b", "siem"), Live(hub, "cert-b", "feed")
    assert live.get().status == 200 and other.get().status == 200
    registry = hub.registry()
    path = hub.dir / "revoked.toml"
    registry["organisation"][1]["client"][1]["revoked"] = True
    path.write_text(to_toml(registry))
    assert hub.on_hub("registry", "apply", path).returncode == 0
    assert_locked_out(hub, live, 2, may_connect=True)
    assert other.get().status == 200
    assert hub.on_hub("registry", "apply", hub.dir / "registry.toml").returncode == 0
    wait_for(lambda: hub.session("cert-b", "siem").get(f"{hub.url}/taxii2/").status_code == 200, 2, "not let in again")


# Registry


def three(hub, **agreement):
    """cert-a writes to "one" and all read it; "two" is between cert-a and cert-b; cert-c has "three"."""
    registry = hub.registry()
    registry["organisation"].append({"id": "cert-c", "name": "CERT C", "country": "CC", "client": [
        {"id": "feed", "role": "publisher"}, {"id": "green", "role": "consumer", "tlp_max": "GREEN"},
    ]})
    registry["organisation"][0]["client"].append({"id": "green", "role": "publisher", "tlp_max": "GREEN"})
    registry["organisation"][0]["client"].append({"id": "auditor", "role": "auditor"})
    ids = {name: uuid4() for name in ("one", "two", "three", "drop")}

    def collection(name, **more):
        return {"id": ids[name], "title": name, "api_root": "exchange", "unmarked": "assume:AMBER"} | more

    registry["agreement"] = [
        {"id": "all", "title": "All", "parties": ["cert-a", "cert-b", "cert-c"], "tlp_max": "RED", "collection": [
            collection("one", write=["cert-a"]), collection("drop", read=["cert-a"], write=["cert-b", "cert-c"]),
        ]} | agreement,
        {"id": "two", "title": "Two", "parties": ["cert-a", "cert-b"], "tlp_max": "AMBER+STRICT", "collection": [collection("two")]},
        {"id": "alone", "title": "Alone", "parties": ["cert-c"], "tlp_max": "GREEN", "collection": [collection("three", unmarked="reject")]},
    ]
    hub.apply(registry)
    return ids


def test_each_party_sees_and_may_what_the_registry_says(hub):
    ids = three(hub)
    expected = {
        ("cert-a", "feed"): {"one": (True, True), "drop": (True, False), "two": (True, True)},
        ("cert-a", "siem"): {"one": (True, False), "drop": (True, False), "two": (True, False)},
        ("cert-b", "feed"): {"one": (True, False), "drop": (False, True), "two": (True, True)},
        ("cert-b", "siem"): {"one": (True, False), "two": (True, False)},
        ("cert-c", "feed"): {"one": (True, False), "drop": (False, True), "three": (True, True)},
        ("cert-c", "green"): {"one": (True, False), "three": (True, False)},
        ("cert-a", "auditor"): {},
    }
    for (org, client), rights in expected.items():
        with hub.session(org, client) as session:
            discovery = session.get(f"{hub.url}/taxii2/").json()
            listed = session.get(f"{hub.root}collections/")
            if not rights:
                assert "api_roots" not in discovery and "default" not in discovery and listed.status_code == 404
            else:
                found = {entry["id"]: (entry["can_read"], entry["can_write"]) for entry in listed.json()["collections"]}
                assert found == {ids[name]: right for name, right in rights.items()}
                assert list(found) == sorted(found)
            for name in ids:
                url = hub.objects_url(ids[name])
                read, write = rights.get(name, (None, None))
                codes = {True: 200, False: 403, None: 404}
                for path in (url, url.replace("/objects/", "/manifest/")):
                    assert session.get(path).status_code == codes[read], (org, client, name)
                assert session.get(url.removesuffix("objects/")).status_code == (404 if read is None else 200)
                posted = session.post(url, data=json.dumps({"objects": [marked("GREEN")]}), headers={"Content-Type": TAXII})
                assert posted.status_code == {True: 202, False: 403, None: 404}[write], (org, client, name)
                deleted = session.delete(f"{url}indicator--{uuid4()}/")
                wanted = 404 if read is None or (read and write) else 403
                assert deleted.status_code == wanted, (org, client, name)


def test_a_hidden_collection_looks_like_one_that_does_not_exist(hub):
    ids = three(hub)
    hub.post([indicator()], collection=ids["two"])
    identifier = hub.fetch("cert-a", collection=ids["two"])[0]["id"]

    def told(method, collection, path, **more):
        with hub.session("cert-c") as session:
            answer = session.request(method, f"{hub.root}collections/{collection}/{path}", **more)
        body = answer.json()
        assert uuid.UUID(body.pop("error_id"))
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "date"}
        return answer.status_code, body, headers

    post = {"data": json.dumps({"objects": [indicator()]}), "headers": {"Content-Type": TAXII}}
    for method, path, more in [
        ("GET", "", {}), ("GET", "objects/", {}), ("GET", "manifest/", {}), ("POST", "objects/", post),
        ("GET", f"objects/{identifier}/", {}), ("GET", f"objects/{identifier}/versions/", {}),
        ("DELETE", f"objects/{identifier}/", {}), ("GET", "objects/?limit=0", {}), ("GET", "objects/?next=zzz", {}),
        ("POST", "objects/", {"data": "{", "headers": {"Content-Type": "text/plain"}}), ("PUT", "objects/", {}),
    ]:
        hidden, random = told(method, ids["two"], path, **more), told(method, uuid4(), path, **more)
        assert hidden == random, (method, path)
        assert hidden[0] == (405 if method == "PUT" else 404)


def test_levels_bound_what_is_sent_and_what_is_seen(hub):
    ids = three(hub)
    levels = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
    objects = {level: marked(level) for level in levels}
    status = hub.post(list(objects.values()), collection=ids["one"])
    assert status["success_count"] == 5

    def seen(org, client, collection="one"):
        return [found["name"] for found in hub.fetch(org, client, ids[collection])]

    assert seen("cert-a", "feed") == seen("cert-a", "siem") == levels
    assert seen("cert-b", "feed") == seen("cert-b", "siem") == seen("cert-c", "feed") == levels[:-1]
    assert seen("cert-c", "green") == seen("cert-a", "green") == levels[:2]
    # Above the agreement's level, and above the client's.
    status = hub.post([marked(level) for level in levels], collection=ids["two"])
    assert status["success_count"] == 4
    assert "TLP:RED" in status["failures"][0]["message"] and "TLP:AMBER+STRICT" in status["failures"][0]["message"]
    status = hub.post([marked(level) for level in levels], "cert-a", "green", ids["one"])
    assert (status["success_count"], status["failure_count"]) == (2, 3)
    # Unmarked counts as AMBER in "two" and is refused in "three".
    hub.post([indicator("unmarked")], collection=ids["two"])
    assert seen("cert-b", "siem", "two")[-1] == "unmarked"
    assert "unmarked" not in seen("cert-a", "green", "two")
    refused = hub.post([indicator(), marked("AMBER"), marked("GREEN")], "cert-c", "feed", ids["three"])
    assert refused["failure_count"] == 2 and "unmarked" in refused["failures"][0]["message"]
    # What is above the level is not there, whichever way it is asked for.
    red = objects["RED"]["id"]
    with hub.session("cert-b") as session, hub.session("cert-a") as owner:
        url = hub.objects_url(ids["one"])
        for path in (f"{red}/", f"{red}/versions/"):
            assert session.get(url + path).status_code == 404 and owner.get(url + path).status_code == 200
        assert session.get(url, params={"match[id]": red}).json() == {}
        assert session.get(f"{url}?match[version]=all&match[type]=indicator").text.count('"indicator--') == 6
        manifest = session.get(url.replace("/objects/", "/manifest/")).json()["objects"]
        assert red not in [entry["id"] for entry in manifest]
        first = session.get(url, params={"limit": 4})
        assert [thing["name"] for thing in first.json()["objects"]] == levels[:4]
        # The page does not tell that something lies between.
        last = session.get(url, params={"limit": 6})
        assert len(last.json()["objects"]) == 6 and "more" not in last.json()


def test_an_agreement_out_of_its_dates_is_closed_and_loses_nothing(hub):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    day = datetime.timedelta(days=1)
    registry = hub.registry()
    agreement = registry["agreement"][0]
    hub.post([indicator("kept")])
    for dates, is_open in [
        ({"valid_until": today - day}, False),
        ({"valid_from": today + day}, False),
        ({"valid_from": today - day, "valid_until": today + day}, True),
    ]:
        for key in ("valid_from", "valid_until"):
            agreement.pop(key, None)
        agreement.update(dates)
        hub.apply(registry)
        with hub.session("cert-a") as session:
            url = hub.objects_url()
            answers = [
                session.get(url), session.get(url.replace("/objects/", "/manifest/")),
                session.post(url, data=json.dumps({"objects": [indicator("kept")]}), headers={"Content-Type": TAXII}),
                session.delete(f"{url}indicator--{uuid4()}/"),
            ]
        if is_open:
            assert [answer.status_code for answer in answers] == [200, 200, 202, 404]
            assert {thing["name"] for thing in hub.fetch()} == {"kept"}
        else:
            assert [answer.status_code for answer in answers] == [403] * 4
            assert all("not in force" in answer.json()["title"] for answer in answers)


class Authority:
    """An organisation's own certificate authority."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key, [(x509.BasicConstraints(True, None), True)])

    def _sign(self, subject, key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, folder, name, *uris):
        """A client certificate; the answer is its files and the SHA-256 of its public key."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [(x509.BasicConstraints(False, None), True), (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), False)]
        if uris:
            extensions.append((x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris]), False))
        certificate = self._sign(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), key, extensions)
        crt, private = folder / f"{name}.crt", folder / f"{name}.key"
        crt.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return (str(crt), str(private)), hashlib.sha256(public).hexdigest()


def test_an_organisations_own_authority_vouches_for_its_own_clients_only(hub, tmp_path):
    authority = Authority("CERT A's authority")
    by_key, key_sha256 = authority.issue(tmp_path, "by-key")
    by_san, _ = authority.issue(tmp_path, "by-san", "https://cert-a.example/feed")
    strangers = {
        "claims another organisation": authority.issue(tmp_path, "b", "urn:liaison:cert-b:feed")[0],
        "claims another organisation too": authority.issue(tmp_path, "ab", "https://cert-a.example/other", "urn:liaison:cert-b:feed")[0],
        "claims a client of the hub's authority": authority.issue(tmp_path, "a", "urn:liaison:cert-a:feed")[0],
        "is not registered": authority.issue(tmp_path, "nobody", "https://cert-a.example/unknown")[0],
        "has no name": authority.issue(tmp_path, "nameless")[0],
    }
    get = lambda cert: requests.get(f"{hub.url}/liaison/v1/whoami", cert=cert, verify=hub.ca, timeout=10)
    for cert in (by_key, by_san, *strangers.values()):
        with pytest.raises(requests.ConnectionError):
            get(cert)
    before = hub.registry()
    registry = hub.registry()
    (hub.dir / "pki/cert-a-ca.crt").write_bytes(authority.pem())
    organisation = registry["organisation"][0]
    organisation["trust_anchor"] = "pki/cert-a-ca.crt"
    organisation["client"].append({"id": "own-key", "role": "publisher", "key_sha256": key_sha256})
    organisation["client"].append({"id": "own-san", "role": "consumer", "san": "https://cert-a.example/feed"})
    hub.apply(registry, issue=False)
    assert get(by_key).json()["client"] == "cert-a/own-key"
    assert get(by_san).json()["client"] == "cert-a/own-san"
    for why, cert in strangers.items():
        assert get(cert).status_code == 401, why
        assert_unknown(get(cert))
    assert get(hub.client("cert-a", "feed").cert).json()["client"] == "cert-a/feed"
    assert get(hub.client("cert-b", "feed").cert).json()["client"] == "cert-b/feed"
    # As a real client uses it.
    collection = Collection(f"{hub.root}collections/{hub.collection}/", cert=by_key, verify=hub.ca)
    assert collection.add_objects({"objects": [indicator("own authority")]}).success_count == 1
    assert [thing["name"] for thing in hub.fetch("cert-b")] == ["own authority"]
    # Without the anchor nobody of it is let in any more.
    hub.apply(before, issue=False)
    for cert in (by_key, by_san):
        with pytest.raises(requests.ConnectionError):
            get(cert)


def test_the_server_answers_for_its_names_only(hub):
    with hub.session("cert-b") as session:
        for host in ("localhost", f"localhost:{hub.port}", "127.0.0.1", "LOCALHOST"):
            assert session.get(f"{hub.url}/taxii2/", headers={"Host": host}).status_code == 200
        assert session.get(f"{hub.url}/taxii2/", headers={"Host": "hub.elsewhere.example"}).status_code == 421
    certificate = x509.load_pem_x509_certificate((hub.dir / "pki/server.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
