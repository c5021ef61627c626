"""Two hubs in the roles of two countries, each with jobs towards the other one, and objects to be passed on or not."""

import json

from conftest import TLP2, canonical, uuid4, wait_for
from governance_hub import to_toml
from governance_markings import HANDLING_EXT, REL_EXT
from syncing import FAST, LOOPBACK, OTHER, THEM, US, Jobs

COUNTRIES = {"cert-a": ("AA", US), "cert-b": ("BB", THEM)}
COLLECTIONS = {"cert-a": "aaaaaaaa-1111-4111-8111-111111111111", "cert-b": "bbbbbbbb-1111-4111-8111-111111111111"}


class SyncHub:
    """A hub of one organisation, in which the other one has a client; its jobs are in sync.toml beside its settings."""

    def __init__(self, hub, ours):
        self.hub, self.ours = hub, ours
        self.theirs = next(name for name in COUNTRIES if name != ours)
        self.collection = COLLECTIONS[ours]
        self.jobs = Jobs(hub.binary, hub.dir)
        hub.sets.append("sync.jobs=sync.toml")
        self.jobs.write()

    def start(self):
        self.hub.start()
        return self

    def registry(self, **agreement):
        organisations = [
            {"id": name, "name": name.upper(), "country": country, "identity": identity,
             "client": [{"id": "feed", "role": "publisher"}, {"id": "siem", "role": "consumer"}]}
            for name, (country, identity) in COUNTRIES.items()
        ]
        collection = {
            "id": self.collection, "title": "Shared", "alias": "shared", "api_root": "exchange", "unmarked": "reject", "attribution": "open"}
        return {"organisation": organisations, "agreement": [{
            "id": "two", "title": "Two countries", "parties": list(COUNTRIES), "purposes": ["cyber-defence"], "tlp_max": "RED",
            "relays": [self.ours], "collection": [collection]} | agreement]}

    def post(self, objects, org=None):
        return self.hub.post(objects, org or self.ours, collection=self.collection)

    def all_objects(self, org=None):
        return self.hub.fetch(org or self.ours, collection=self.collection, **{"match[version]": "all"})

    def await_objects(self, org, count, seconds=20):
        wait_for(lambda: len(self.all_objects(org)) >= count, seconds, f"not {count} objects after {seconds} s")

    def wire(self, who):
        """How another program reaches it as this organisation."""
        client = self.hub.client(who, "feed")
        return {"url": self.hub.url, "ca": self.hub.ca, "cert": str(client.crt), "key": str(client.key), "allow_addresses": LOOPBACK}

    # Jobs

    def pull(self, other, id="pull", owners=None, **more):
        """Takes the other one's objects into the own collection."""
        return self.jobs.declare(**{
            "id": id, "limits": FAST,
            "source": {"kind": "taxii", "collection": other.collection, "owners": owners or [COUNTRIES[other.ours][1]], "server": other.wire(self.ours)},
            "target": {"kind": "hub", "collection": "shared", "client": f"{self.ours}/feed"}} | more)

    def push(self, other, id="push", **more):
        """Sends what the own collection holds to the other one's."""
        country, identity = COUNTRIES[other.ours]
        return self.jobs.declare(**{
            "id": id, "limits": FAST,
            "source": {"kind": "taxii", "collection": "shared", "owners": "any", "server": self.wire(self.ours)},
            "target": {"kind": "taxii", "collection": "shared", "server": other.wire(self.ours)},
            "forward": {"ours": [COUNTRIES[self.ours][1]], "identities": [identity], "country": country}} | more)


def two_hubs(make_hub, **agreement):
    """Hubs of cert-a and cert-b, not started: jobs can be declared first."""
    hubs = [SyncHub(make_hub(start=False), name) for name in COUNTRIES]
    for hub in hubs:
        hub.hub.apply(to_toml(hub.registry(**agreement)))
    return hubs


# Objects


def made(creator, level="GREEN", name="indicator", **more):
    """An indicator of a creator."""
    host = uuid4()
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid4()}", "created_by_ref": creator, "created": "2026-03-01T08:00:00.000Z",
        "modified": "2026-03-01T08:00:00.000Z", "name": name, "pattern": f"[domain-name:value = '{host}.example']", "pattern_type": "stix",
        "valid_from": "2026-03-01T08:00:00.000Z", "object_marking_refs": [TLP2[level]]} | more


def next_version(found, number=1):
    return found | {"modified": f"2026-03-01T09:{number // 60:02}:{number % 60:02}.000Z", "name": f"{found['name']}, version {number + 1}"}


def definition(creator, extension, **content):
    """A marking definition of our own extensions."""
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{uuid4()}", "created_by_ref": creator,
        "created": "2026-03-01T08:00:00.000Z", "name": "handling",
        "extensions": {extension: {"extension_type": "property-extension"} | content}}


def handled(creator, level="GREEN", **content):
    """Marking definition and indicator that asks for something in handling; `originator_control` is about release."""
    extension = REL_EXT if set(content) & {"originator_control", "rel_to", "not_rel_to"} else HANDLING_EXT
    marking = definition(creator, extension, **content)
    return marking, made(creator, level, object_marking_refs=[TLP2[level], marking["id"]])


def by_value(objects):
    return sorted(canonical(found) for found in objects)


def records(hub):
    """The audit log."""
    exported = hub.hub.on_hub("audit", "export")
    assert exported.returncode == 0, exported.stderr
    return [json.loads(line) for line in exported.stdout.splitlines()]


__all__ = ["COUNTRIES", "OTHER", "THEM", "US", "SyncHub", "by_value", "handled", "made", "next_version", "records", "two_hubs"]
