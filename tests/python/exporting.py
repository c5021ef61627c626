"""Exports as their consumers get them: published to a hub, made by `liaison export run`.

`export(format, values, options)` gives the directory with the files, and what the command told.
"""

import itertools
import json
import uuid

import pytest

from conftest import Hub, uuid4

MANY = 200_000
TLP = {
    "CLEAR": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
PAP = {
    "CLEAR": "ad15a0cd-55b6-4588-a14c-a66105329b92",
    "GREEN": "c43594d1-4b11-4c59-93ab-1c9b14d53ce9",
    "AMBER": "60f8932b-e51e-4458-b265-a2e8be9a80ab",
    "RED": "740d36e5-7714-4c30-961a-3ae632ceee0e",
}
KEPT = ("confidence", "name", "description", "indicator_types", "valid_until", "revoked", "pattern_type")
# Values in one indicator where there are very many: one POST holds a few hundred of those.
PACKED = 500


def indicator(pattern, **more):
    return {"pattern": pattern, **more}


def many(kind, count=MANY):
    """`count` different values of a kind: ipv4, ipv4net, ipv6, domain, url, email, sha256, sha1, md5, filename, mixed."""
    make = {
        "ipv4": lambda n: f"[ipv4-addr:value = '{11 + n // 65536}.{n // 256 % 256}.{n % 256}.7']",
        "ipv4net": lambda n: f"[ipv4-addr:value ISSUBSET '{11 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24']",
        "ipv6": lambda n: f"[ipv6-addr:value = '2a00:{n // 65536:x}:{n % 65536:x}::66']",
        "domain": lambda n: f"[domain-name:value = 'host-{n}.bad{n % 977}.example.net']",
        "url": lambda n: f"[url:value = 'http://host-{n}.bad.example.net/gate/{n}?a=1']",
        "email": lambda n: f"[email-addr:value = 'user{n}@bad{n % 977}.example.net']",
        "sha256": lambda n: f"[file:hashes.'SHA-256' = '{n:064x}']",
        "sha1": lambda n: f"[file:hashes.'SHA-1' = '{n:040x}']",
        "md5": lambda n: f"[file:hashes.MD5 = '{n:032x}']",
        "filename": lambda n: f"[file:name = 'invoice-{n}.exe']",
    }
    kinds = sorted(make) if kind == "mixed" else [kind]
    return [indicator(make[kinds[n % len(kinds)]](n + 1), confidence=80) for n in range(count)]


class Exporter:
    """A hub with one collection and one export for each call."""

    def __init__(self, hub):
        self.hub = hub
        self.numbers = itertools.count(1)
        self.registry = hub.registry()
        self.registry["export"] = []

    def __call__(self, format, values, options=None, tlp_write="2.0", **keys):
        number = next(self.numbers)
        collection, name = uuid4(), f"soc-{number}"
        agreement = self.registry["agreement"][0]
        agreement["collection"].append(
            {"id": collection, "title": f"For {format}", "alias": f"feed-{number}", "api_root": "exchange", "unmarked": "reject"}
        )
        self.registry["export"].append(
            {"id": name, "organisation": "cert-a", "collections": [collection], "format": format, "tlp_max": "RED",
             "tlp_write": tlp_write, "options": options or {}} | keys
        )
        self.hub.apply(self.registry, issue=False)
        ids = self.publish(collection, packed(values) if len(values) > 5 * PACKED else values)
        if 0 < len(ids) <= 2_000:
            # Examples have addresses and names that are set aside for examples; warning lists know them.
            confirmed = self.hub.on_hub("warning", "confirm", *ids)
            assert confirmed.returncode == 0, confirmed.stderr
        return self.run(name)

    def run(self, name):
        ran = self.hub.on_hub("export", "run", name, "--json", timeout=300)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        told = json.loads(ran.stdout)[0]
        meta = told["meta"]
        report = {
            "name": name,
            "outcome": told["outcome"],
            "rows": meta["rows"],
            "files": {file["name"]: file["rows"] for file in meta["files"]},
            "left_out": meta["left_out"],
        }
        return self.hub.dir / "exports" / name, report

    def publish(self, collection, values):
        objects = [stix(value) for value in values]
        for start in range(0, len(objects), 40):
            status = self.hub.post(objects[start : start + 40], collection=collection)
            assert status["failure_count"] == 0, status["failures"][:3]
        return [thing["id"] for thing in objects]


def packed(values):
    """The same values, many in one indicator."""
    for start in range(0, len(values), PACKED):
        some = values[start : start + PACKED]
        yield some[0] | {"pattern": "[" + " OR ".join(value["pattern"][1:-1] for value in some) + "]"}


def stix(value):
    """The indicator that says it."""
    created = precise(value.get("valid_from", "2026-11-23T06:00:00Z"))
    labels = list(value.get("labels", []))
    if "classification" in value:
        labels.append(f"rsit:{CLASSES.get(value['classification'], 'malicious-code')}=\"{value['classification']}\"")
    marks = [f"marking-definition--{TLP[value.get('tlp', 'AMBER')]}"]
    if "pap" in value:
        marks.append(f"marking-definition--{PAP[value['pap']]}")
    thing = {
        "type": "indicator", "spec_version": "2.1", "id": value.get("id", f"indicator--{uuid.uuid4()}"),
        "created": created, "modified": precise(value.get("modified", created)), "valid_from": created,
        "pattern": value["pattern"], "pattern_type": "stix", "object_marking_refs": marks,
    } | {key: value[key] for key in KEPT if key in value}
    return thing | ({"labels": labels} if labels else {})


def precise(time):
    """As the standard wants `created` and `modified`: three fraction digits at least."""
    return time if "." in time else time.removesuffix("Z") + ".000Z"


CLASSES = {"phishing": "fraud", "scanner": "information-gathering", "spam": "abusive-content", "ddos": "availability"}


@pytest.fixture(scope="session")
def exporter(binary, tmp_path_factory):
    hub = Hub(binary, tmp_path_factory.mktemp("exports"), [])
    hub.start()
    yield Exporter(hub)
    hub.judge()


@pytest.fixture
def export(exporter):
    return exporter
