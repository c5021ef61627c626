"""Exports as their consumers get them: published to a hub, made by `liaison export run`.

`export(format, values, options)` gives the directory with the files, and what the command told. What is said of
a value: see `stix`; besides `owners`, names of the organisations that published it, and `object`, a whole object.
"""

import datetime
import hashlib
import itertools
import json
import re
import uuid

import pytest
import requests

from conftest import Hub, to_toml, uuid4, wait_for

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
KEPT = ("confidence", "name", "description", "indicator_types", "valid_until", "revoked", "pattern_type", "created_by_ref")
# Values in one indicator where there are very many: one POST holds a few hundred of those.
PACKED = 500
COLLECTIONS = 40


def indicator(pattern, **more):
    return {"pattern": pattern, **more}


def day(number):
    """06:00 so many days from today, as a timestamp: nothing in a test is over only because years have passed."""
    # A day begins at 06:00 here, so that the first of them is never ahead of the clock.
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=6)
    then = now.date() + datetime.timedelta(days=number)
    return f"{then}T06:00:00.000Z"


SINCE, UNTIL = day(-5), day(300)


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
    return [indicator(make[kinds[n % len(kinds)]](n + 1), confidence=80, valid_until=UNTIL) for n in range(count)]


# A few values, and what of them is in an export.


def name(text, **more):
    return indicator(f"[domain-name:value = '{text}.example.com']", **more)


def address(last, **more):
    return indicator(f"[ipv4-addr:value = '9.9.9.{last}']", **more)


def found(directory, report):
    """The first label, or the last number, of each value in an export of any class, sorted."""
    text = (directory / next(iter(report["files"]))).read_text()
    return sorted(re.findall(r"(?:^|,|')([a-z0-9-]+)\.example\.com\b", text, re.M) + re.findall(r"\b9\.9\.9\.(\d+)", text))


class Exporter:
    """A hub with a collection for each set of values and an export for each call."""

    def __init__(self, hub, make_big):
        self.hub = hub
        # Very many values are in another hub: exports of a few need not pass by them.
        self.make_big, self.big = make_big, None
        self.numbers = itertools.count(1)
        self.registry = hub.registry()
        self.agreement = self.registry["agreement"][0]
        # It publishes for all: whose an object is, `created_by_ref` says.
        self.agreement["relays"] = ["cert-a"]
        self.registry["export"] = []
        self.free, self.identities = [], {}
        # By export: its collection and what was published there, by id. By what was published: the same.
        self.made, self.known = {}, {}

    def __call__(self, format, values, options=None, tlp_write="2.0", again=None, **keys):
        if again is not None:
            return self.again(again.name, values)
        key = hashlib.sha256(json.dumps(values).encode()).digest() if is_many(values) else None
        if key and self.make_big:
            self.big = self.big or Exporter(self.make_big(), None)
            return self.big(format, values, options, tlp_write, **keys)
        place = self.known.get(key) or self.place(values)
        if key:
            self.known[key] = place
        return self.over(place, format, options, tlp_write=tlp_write, **keys)

    def over(self, place, format, options=None, tlp_write="2.0", **keys):
        """Another export of what was published already."""
        name = f"soc-{next(self.numbers)}"
        self.made[name] = place
        self.registry["export"].append(
            {"id": name, "organisation": "cert-a", "collections": [place[0]], "format": format, "tlp_max": "RED",
             "tlp_write": tlp_write, "options": options or {}} | keys
        )
        self.apply()
        return self.run(name)

    def place(self, values, **keys):
        """A collection that holds the values, and the objects in it by id. `keys`: of the collection."""
        self.identify(values)
        if keys or not self.free:
            self.declare(keys)
        collection = self.free.pop()
        objects = self.objects(packed(values) if is_many(values) else values)
        self.publish(collection, objects)
        return collection, {thing["id"]: thing for thing in objects}

    def objects(self, values):
        for_owners = [
            value | ({"created_by_ref": self.identities[owner]} if owner else {}) for value in values for owner in value.get("owners", [None])
        ]
        return [value.get("object") or stix(value) for value in for_owners]

    def again(self, name, values):
        """The same export after its values have become others: new versions, new objects, and the rest revoked."""
        collection, held = self.made[name]
        objects = {thing["id"]: thing for thing in self.objects(values)}
        now = precise(datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        gone = [thing | {"revoked": True, "modified": now} for id, thing in held.items() if id not in objects]
        self.publish(collection, [thing for id, thing in objects.items() if held.get(id) != thing] + gone)
        self.made[name] = collection, objects
        return self.run(name)

    def declare(self, keys):
        """A collection of these keys, or many plain ones: a running server takes them over only from time to time."""
        for _ in range(1 if keys else COLLECTIONS):
            self.free.append(uuid4())
            number = len(self.agreement["collection"])
            self.agreement["collection"].append(
                {"id": self.free[-1], "title": f"Feed {number}", "alias": f"feed-{number}", "api_root": "exchange", "unmarked": "reject",
                 "attribution": "open"} | keys
            )
        self.apply()
        with self.hub.session("cert-a") as session:
            wait_for(lambda: session.get(self.hub.objects_url(self.free[-1])).status_code == 200, 20, "there is no such collection")

    def identify(self, values):
        """Organisations of these names."""
        names = {name for value in values for name in value.get("owners", [])} - {None, *self.identities}
        for name in sorted(names):
            identity = self.identities[name] = f"identity--{uuid4()}"
            id = f"owner-{len(self.identities)}"
            self.registry["organisation"].append({"id": id, "name": name, "country": "AA", "identity": identity})
            self.agreement["parties"].append(id)
        if names:
            # That the server knows of them, it shows by the next collection.
            self.declare({})

    def apply(self):
        """Exports are made by a command: the server need not know of them."""
        path = self.hub.dir / "registry.toml"
        path.write_text(to_toml(self.registry))
        applied = self.hub.on_hub("registry", "apply", path)
        assert applied.returncode == 0, applied.stderr

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

    def post(self, part, org, collection):
        """Sent again if the connection fails, as clients do: a handshake has ten seconds, on a machine that may be busy."""
        for attempt in range(3):
            try:
                return self.hub.post(part, org=org, collection=collection)
            except requests.exceptions.ConnectionError:
                if attempt == 2:
                    raise

    def publish(self, collection, objects, org="cert-a", confirm=True):
        for part in envelopes(objects):
            status = self.post(part, org, collection)
            assert status["failure_count"] == 0, status["failures"][:3]
        if not confirm:
            return
        ids = [thing["id"] for thing in objects if thing.get("pattern_type") == "stix" and not thing.get("revoked")]
        # A few thousand objects are not examples.
        ids = ids if len(ids) < 5 * PACKED else []
        for start in range(0, len(ids), 2_000):
            # Examples have addresses and names that are set aside for examples; warning lists know them.
            confirmed = self.hub.on_hub("warning", "confirm", *ids[start : start + 2_000])
            assert confirmed.returncode == 0, confirmed.stderr


def is_many(values):
    return len(values) > 5 * PACKED


def envelopes(objects):
    """Parts of a size that the hub takes at once."""
    part, size = [], 0
    for thing in objects:
        length = len(json.dumps(thing))
        if part and (size + length > 3_000_000 or len(part) == 1_000):
            yield part
            part, size = [], 0
        part.append(thing)
        size += length
    if part:
        yield part


def packed(values):
    """The same values, many in one indicator; what is a whole object, or no pattern of STIX, stays as it is."""
    kept = ("pattern_type", "object")
    yield from (value for value in values if any(key in value for key in kept))
    values = [value for value in values if not any(key in value for key in kept)]
    for start in range(0, len(values), PACKED):
        some = values[start : start + PACKED]
        yield some[0] | {"pattern": "[" + " OR ".join(value["pattern"][1:-1] for value in some) + "]"}


def stix(value):
    """The indicator that says it."""
    since = precise(value.get("valid_from", SINCE))
    created = precise(value.get("created", since))
    labels = list(value.get("labels", []))
    if "classification" in value:
        labels.append(f"rsit:{CLASSES[value['classification']]}=\"{value['classification']}\"")
    marks = [f"marking-definition--{TLP[value.get('tlp', 'AMBER').upper()]}"]
    if "pap" in value:
        marks.append(f"marking-definition--{PAP[value['pap']]}")
    thing = {
        "type": "indicator", "spec_version": "2.1", "id": value.get("id", f"indicator--{uuid.uuid4()}"),
        "created": created, "modified": precise(value.get("modified", created)), "valid_from": since,
        "pattern": value["pattern"], "pattern_type": "stix", "object_marking_refs": marks,
    } | {key: value[key] for key in KEPT if key in value}
    return thing | ({"labels": labels} if labels else {})


def precise(time):
    """As the standard wants `created` and `modified`: three fraction digits at least."""
    return time if "." in time else time.removesuffix("Z") + ".000Z"


# The taxonomy RSIT: classes, and the types in each.
RSIT = {
    "abusive-content": "spam harmful-speech violence",
    "malicious-code": "infected-system c2-server malware-distribution malware-configuration",
    "information-gathering": "scanner sniffing social-engineering",
    "intrusion-attempts": "ids-alert brute-force exploit",
    "intrusions": "privileged-account-compromise unprivileged-account-compromise application-compromise system-compromise burglary",
    "availability": "dos ddos misconfiguration sabotage outage",
    "information-content-security": "unauthorised-information-access unauthorised-information-modification data-loss data-leak",
    "fraud": "unauthorised-use-of-resources copyright masquerade phishing",
    "vulnerable": "weak-crypto ddos-amplifier potentially-unwanted-accessible information-disclosure vulnerable-system",
    "other": "other undetermined",
    "test": "test",
}
CLASSES = {name: of for of, names in RSIT.items() for name in names.split()}


@pytest.fixture(scope="session")
def exporter(binary, tmp_path_factory):
    hubs = []

    def make():
        hubs.append(Hub(binary, tmp_path_factory.mktemp("exports"), []).start())
        return hubs[-1]

    yield Exporter(make(), make)
    for hub in hubs:
        hub.judge()


@pytest.fixture
def export(exporter):
    return exporter
