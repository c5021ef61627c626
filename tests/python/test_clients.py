"""Clients that are deployed in the field, against a hub behind mutual TLS."""

import collections
import datetime
import hashlib
import http.client
import ipaddress
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import time
import uuid

import pytest
import requests
import stix2
from conftest import (
    TAXII, canonical, indicator, leave_out, marked, read_objects, to_toml, uuid4, version_of, wait_for,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

# taxii2-client


def taxii_server(hub, org="cert-a", client="feed"):
    return Server(f"{hub.url}/taxii2/", cert=hub.client(org, client).cert, verify=hub.ca)


def taxii_collection(hub, org="cert-a", client="feed", collection=None):
    url = f"{hub.root}collections/{collection or hub.collection}/"
    return Collection(url, cert=hub.client(org, client).cert, verify=hub.ca)


def test_taxii2client_finds_its_way_from_discovery_to_collections(hub):
    server = taxii_server(hub)
    assert server.title and server.default.url == hub.root
    (root,) = server.api_roots
    assert root.url == hub.root
    assert root.title and root.versions == [TAXII] and root.max_content_length > 0
    (collection,) = root.collections
    assert (collection.id, collection.alias) == (hub.collection, "indicators")
    assert collection.can_read and collection.can_write
    assert collection.media_types == ["application/stix+json;version=2.1"]
    (reader,) = taxii_server(hub, "cert-b", "siem").api_roots[0].collections
    assert reader.can_read and not reader.can_write
    alone = ApiRoot(hub.root, cert=hub.client("cert-b", "siem").cert, verify=hub.ca)
    assert [found.id for found in alone.collections] == [hub.collection]


def test_taxii2client_adds_objects_and_follows_the_status(hub):
    collection = taxii_collection(hub)
    good, bad = indicator("good"), indicator("bad", created="yesterday")
    status = collection.add_objects({"objects": [good, bad]}, wait_for_completion=True)
    assert (status.status, status.total_count, status.success_count, status.failure_count) == ("complete", 2, 1, 1)
    assert [found["id"] for found in status.successes] == [good["id"]]
    assert [found["id"] for found in status.failures] == [bad["id"]]
    assert "created" in status.failures[0]["message"]
    before = status._raw
    status.refresh()
    assert status._raw == before
    again = ApiRoot(hub.root, cert=hub.client("cert-a", "feed").cert, verify=hub.ca).get_status(status.id)
    assert again._raw == before
    other = ApiRoot(hub.root, cert=hub.client("cert-b", "feed").cert, verify=hub.ca)
    with pytest.raises(requests.HTTPError, match="404"):
        other.get_status(status.id)
    repeated = collection.add_objects(json.dumps({"objects": [good]}))
    assert repeated.success_count == 1
    assert taxii_collection(hub, "cert-b").get_objects()["objects"] == [good]


def test_taxii2client_filters(hub):
    ours = [indicator(str(number)) for number in range(4)]
    malware = {
        "type": "malware", "spec_version": "2.1", "id": f"malware--{uuid4()}", "is_family": False, "name": "m",
        "created": "2026-01-02T03:04:05Z", "modified": "2026-01-02T03:04:05Z",
    }
    newer = ours[0] | {"modified": "2026-02-02T03:04:05.678901Z", "name": "newer"}
    older = ours[0] | {"modified": "2026-01-03T03:04:05.000Z", "name": "older"}
    for batch in ([*ours], [malware], [newer], [older]):
        assert hub.post(batch)["failure_count"] == 0
    reader = taxii_collection(hub, "cert-b", "siem")

    def ids(**filters):
        return [(found["id"], version_of(found)) for found in reader.get_objects(**filters).get("objects", [])]

    def of(*objects):
        return [(found["id"], version_of(found)) for found in objects]

    assert ids() == of(*ours[1:], malware, newer)
    assert ids(type="malware") == of(malware)
    assert ids(type=["malware", "indicator"], limit=2) == of(*ours[1:3])
    assert ids(id=[ours[0]["id"], ours[3]["id"]]) == of(ours[3], newer)
    assert ids(id=ours[0]["id"], version="all") == of(ours[0], newer, older)
    assert ids(id=ours[0]["id"], version="first") == of(ours[0])
    assert ids(id=ours[0]["id"], version=["first", "last"]) == of(ours[0], newer)
    assert ids(version="2026-01-03T03:04:05.000Z") == of(older)
    assert ids(version="2026-01-03T03:04:05Z") == of(older)
    assert ids(spec_version="2.1", type="malware") == of(malware)
    assert ids(spec_version="2.0") == []
    assert ids(id=f"indicator--{uuid4()}") == []
    manifest = reader.get_manifest(version="all")["objects"]
    assert [(found["id"], found["version"]) for found in manifest] == of(*ours, malware, newer, older)
    dates = [found["date_added"] for found in manifest]
    assert dates == sorted(set(dates))
    assert ids(added_after=dates[4]) == of(newer)
    assert ids(added_after=datetime.datetime.fromisoformat(dates[3])) == of(malware, newer)
    assert ids(added_after=dates[-1]) == []


def test_taxii2client_pages(hub):
    objects = [indicator(str(number)) for number in range(57)]
    assert hub.post(objects)["success_count"] == 57
    reader = taxii_collection(hub, "cert-b")
    for per_request in (1, 7, 19, 57, 100):
        pages = list(as_pages(reader.get_objects, per_request=per_request))
        assert [found for page in pages for found in page["objects"]] == objects
        assert len(pages) == -(-57 // per_request)
        assert [page.get("more", False) for page in pages] == [True] * (len(pages) - 1) + [False]
    records = [found for page in as_pages(reader.get_manifest, per_request=10) for found in page["objects"]]
    assert [found["id"] for found in records] == [found["id"] for found in objects]
    some = [objects[at]["id"] for at in range(0, 57, 3)]
    found = [page["objects"] for page in as_pages(reader.get_objects, per_request=4, id=some)]
    assert [len(page) for page in found] == [4, 4, 4, 4, 3]
    assert [thing["id"] for page in found for thing in page] == some


def test_taxii2client_is_served_short_pages_when_the_server_has_a_limit_of_its_own(make_hub):
    hub = make_hub(["server.page_max=7"])
    objects = [indicator(str(number)) for number in range(30)]
    hub.post(objects)
    pages = list(as_pages(taxii_collection(hub, "cert-b").get_objects, per_request=1000))
    assert [len(page["objects"]) for page in pages] == [7, 7, 7, 7, 2]
    assert [found for page in pages for found in page["objects"]] == objects


def test_taxii2client_object_versions_and_delete(hub):
    first = indicator("first")
    second = first | {"name": "second", "modified": "2026-03-01T00:00:00.000Z"}
    third = first | {"name": "third", "modified": "2026-04-01T00:00:00.000Z"}
    for version in (first, second, third):
        hub.post([version])
    ours, theirs = taxii_collection(hub), taxii_collection(hub, "cert-b")
    identifier = first["id"]
    assert theirs.get_object(identifier)["objects"] == [third]
    assert theirs.get_object(identifier, version="all")["objects"] == [first, second, third]
    assert theirs.get_object(identifier, version="first")["objects"] == [first]
    assert theirs.object_versions(identifier)["versions"] == [found["modified"] for found in (first, second, third)]
    paged = as_pages(lambda **filters: theirs.object_versions(identifier, **filters), per_request=0 or 2)
    assert [page["versions"] for page in paged] == [[first["modified"], second["modified"]], [third["modified"]]]
    with pytest.raises(requests.HTTPError, match="403"):
        theirs.delete_object(identifier)
    ours.delete_object(identifier, version=third["modified"])
    assert theirs.get_object(identifier)["objects"] == [second]
    ours.delete_object(identifier, version="first")
    assert theirs.object_versions(identifier)["versions"] == [second["modified"]]
    ours.delete_object(identifier)
    for call in (theirs.get_object, theirs.object_versions, ours.delete_object):
        with pytest.raises(requests.HTTPError, match="404"):
            call(identifier)
    assert theirs.get_objects() == {} and theirs.get_manifest() == {}
    last = hub.fetch()
    assert last == []
    assert hub.post([third])["success_count"] == 1
    assert theirs.get_objects()["objects"] == [third]


# python-stix2


def test_stix2_sink_source_and_store(hub):
    author = stix2.Identity(name="A CERT", identity_class="organization")
    first = stix2.Indicator(
        name="first", pattern="[ipv4-addr:value = '198.51.100.7']", pattern_type="stix", created_by_ref=author.id,
        object_marking_refs=[stix2.TLP_GREEN],
    )
    second = first.new_version(name="second")
    address = stix2.IPv4Address(value="198.51.100.7")
    malware = stix2.Malware(name="bad", is_family=True, malware_types=["bot"])
    sink = stix2.TAXIICollectionSink(taxii_collection(hub))
    sink.add([author, first, address])
    sink.add(stix2.Bundle(malware))
    sink.add(second.serialize())
    sink.add(json.loads(stix2.Relationship(first, "indicates", malware).serialize()))

    source = stix2.TAXIICollectionSource(taxii_collection(hub, "cert-b", "siem"), items_per_page=2)
    assert source.get(first.id) == second
    assert source.get(author.id) == author
    assert source.get(address.id) == address
    assert source.get(f"indicator--{uuid4()}") is None
    assert source.all_versions(first.id) == [first, second]
    assert {found.id for found in source.query()} == {author.id, first.id, address.id, malware.id} | {
        found.id for found in source.query([stix2.Filter("type", "=", "relationship")])
    }
    assert source.query([stix2.Filter("type", "=", "malware")]) == [malware]
    assert source.query([stix2.Filter("type", "in", ["malware", "identity"])]) == [author, malware]
    assert source.query([stix2.Filter("name", "contains", "sec")]) == [second]
    assert source.query([stix2.Filter("id", "=", first.id), stix2.Filter("version", "=", "first")]) == [first]
    everything = source.query([stix2.Filter("version", "=", "all"), stix2.Filter("type", "=", "indicator")])
    assert everything == [first, second]

    store = stix2.TAXIICollectionStore(taxii_collection(hub, "cert-b"), items_per_page=3)
    third = stix2.Indicator(name="third", pattern="[url:value = 'http://x.example/']", pattern_type="stix")
    store.add(third)
    assert store.get(third.id) == third
    assert store.relationships(first.id)[0].target_ref == malware.id
    assert store.related_to(first.id) == [malware]
    with pytest.raises(stix2.datastore.DataSourceError):
        stix2.TAXIICollectionSink(taxii_collection(hub, "cert-b", "siem"))


# Real data

DOMAINS = {
    "enterprise": ["attack/enterprise-attack-*.json.gz"],
    "mobile": ["attack/mobile-attack-*.json.gz"],
    "ics": ["attack/ics-attack-*.json.gz"],
    "feeds": ["indicators/*.json"],
    "misp": ["indicators/*.jsonl"],
    "examples": ["examples/*.json", "examples/**/*.json"],
}


def files_of(shared, domain):
    found = sorted({path for pattern in DOMAINS[domain] for path in shared.glob(pattern)})
    assert found, f"the shared data has no {DOMAINS[domain]}"
    return found


def with_domains(hub, domains=DOMAINS):
    """One collection for each domain: ATT&CK's domains hold different texts of one object version."""
    registry = hub.registry()
    ids = {}
    for domain in domains:
        ids[domain] = uuid4()
        registry["agreement"][0]["collection"].append(
            {"id": ids[domain], "title": domain, "alias": domain, "api_root": "exchange", "unmarked": "assume:AMBER"}
        )
    hub.apply(registry)
    return ids


def judge(objects):
    """What must be stored, and how often an object version must be refused: the first of several
    different texts of one object version stays, the later ones are conflicts."""
    kept, conflicts, repeated = {}, collections.Counter(), 0
    for thing in objects:
        key = (thing["id"], version_of(thing))
        text = canonical(thing)
        if kept.setdefault(key, text) == text:
            repeated += 1
        else:
            conflicts[key] += 1
    return kept, conflicts, repeated - len(kept)


TLP_RED = {"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"}


def without_red(kept):
    """What another organisation gets of it: all but what is marked RED, as a whole or in part."""
    return {key: text for key, text in kept.items() if key[0] in TLP_RED or not any(red in text for red in TLP_RED)}


def kept_of(objects):
    found = {(thing["id"], version_of(thing)): canonical(thing) for thing in objects}
    assert len(found) == len(objects), "an object version was delivered twice"
    return found


@pytest.mark.shared
@pytest.mark.parametrize("domain", DOMAINS)
def test_real_data_published_and_polled_by_command(hub, shared, domain):
    with_domains(hub, [domain])
    files = files_of(shared, domain)
    expected, conflicts, repeated = judge([thing for path in files for thing in read_objects(path)])
    total = len(expected) + conflicts.total() + repeated
    # Only MISP's examples, collected from many documents, use one id for different things.
    assert bool(conflicts) == (domain == "misp")

    sent = hub.run("publish", "--profile", hub.profile("cert-a"), "--collection", domain, "--json", *files, timeout=200)
    assert sent.returncode == (1 if conflicts else 0), sent.stderr
    summary = json.loads(sent.stdout)
    assert summary["total"] == total
    assert summary["success"] == total - conflicts.total()
    assert summary["unchanged"] == repeated
    refused = collections.Counter(entry["id"] for entry in summary["failures"])
    wanted = collections.Counter()
    for (identifier, _), count in conflicts.items():
        wanted[identifier] += count
    assert refused == wanted
    assert all("conflict" in entry["message"] for entry in summary["failures"])

    for org, wanted in (("cert-a", expected), ("cert-b", without_red(expected))):
        out, state = hub.home / f"{org}.jsonl", hub.home / f"state-{org}"
        poll = (
            "poll", "--profile", hub.profile(org), "--collection", domain, "--out", out, "--state", state,
            "--all-versions", "--json",
        )
        assert hub.run(*poll).returncode == 0
        assert kept_of(read_objects(out)) == wanted
        again = hub.run(*poll)
        assert json.loads(again.stderr)["objects"] == 0
        assert len(out.read_bytes().splitlines()) == len(wanted)
    assert (len(wanted) < len(expected)) == (domain == "examples")


@pytest.mark.shared
@pytest.mark.parametrize("name, envelope_objects", [
    ("attack/mobile-attack-18.1.json.gz", 1000),
    ("indicators/amnesty-android_campaign.json", 10_000),
    ("indicators/amnesty-pegasus.json", 500),
    ("indicators/opencti-geography.json", 100),
    ("indicators/mvt-predator.json", 10_000),
    ("examples/apt1.json", 10),
    ("examples/cti-documentation/using-granular-markings.json", 1),
])
def test_real_data_published_and_polled_by_taxii2client(hub, shared, name, envelope_objects):
    objects = read_objects(shared / name)
    expected, conflicts, _ = judge(objects)
    writer = taxii_collection(hub)
    for at in range(0, len(objects), envelope_objects):
        part = objects[at : at + envelope_objects]
        status = writer.add_objects({"objects": part})
        assert (status.status, status.success_count, status.failures) == ("complete", len(part), [])
    assert not conflicts
    for org, wanted in (("cert-a", expected), ("cert-b", without_red(expected))):
        reader = taxii_collection(hub, org, "siem")
        pages = as_pages(reader.get_objects, per_request=999, version="all")
        found = [thing for page in pages for thing in page["objects"]]
        assert kept_of(found) == wanted
    manifest = [entry for page in as_pages(reader.get_manifest, per_request=2000, version="all") for entry in page["objects"]]
    assert [(entry["id"], entry["version"]) for entry in manifest] == [(thing["id"], version_of(thing)) for thing in found]


@pytest.mark.shared
@pytest.mark.parametrize("name", [
    "examples/apt1.json",
    "examples/poisonivy.json",
    "examples/infrastructure.json",
    "examples/cti-documentation/sighting-of-observed-data.json",
    "examples/cti-documentation/using-marking-definitions.json",
    "indicators/mvt-candiru.json",
    "indicators/opencti-sectors.json",
    "attack/ics-attack-18.1.json.gz",
])
def test_real_data_published_and_polled_by_stix2(hub, shared, name):
    plain = lambda thing: json.loads(thing.serialize()) if hasattr(thing, "serialize") else thing
    objects = [stix2.parse(thing, allow_custom=True) for thing in read_objects(shared / name)]
    stix2.TAXIICollectionSink(taxii_collection(hub), allow_custom=True).add(stix2.Bundle(*objects, allow_custom=True))
    source = stix2.TAXIICollectionSource(taxii_collection(hub, "cert-a", "siem"), items_per_page=500)
    found = source.query([stix2.Filter("version", "=", "all")])
    assert {canonical(plain(thing)) for thing in found} == {canonical(plain(thing)) for thing in objects}
    assert len(found) == len({(thing["id"], str(version_of(thing))) for thing in objects})


# What deployed clients do (the requirements checklist, part 4)


def test_opencti_keeps_its_cursor_between_polls(hub):
    """One page a polling interval; the original added_after stays while next is followed."""
    start = "2026-01-01T00:00:00.000Z"
    objects = [indicator(str(number)) for number in range(23)]
    hub.post(objects[:10])
    state = {"added_after": start, "next": ""}
    delivered = []

    def run():
        with hub.session("cert-b") as session:
            answer = session.get(hub.objects_url(), params=state | {"limit": 4}, headers={"Accept": TAXII})
        assert answer.status_code == 200, answer.text
        envelope = answer.json()
        delivered.extend(envelope.get("objects", []))
        if envelope.get("more"):
            assert envelope["objects"] and envelope["next"]
            state["next"] = envelope["next"]
        elif envelope.get("objects"):
            last = answer.headers["X-TAXII-Date-Added-Last"]
            # Parsed into milliseconds and written again.
            state.update({"next": "", "added_after": re.sub(r"\.(\d{3})\d*Z", r".\1Z", last)})
        return envelope

    run()
    hub.post(objects[10:15])
    hub.stop()
    hub.start()
    while run().get("more"):
        pass
    assert [thing["id"] for thing in delivered] == [thing["id"] for thing in objects[:15]]
    assert state["added_after"] != start
    kept = dict(state)
    # Nothing of the last millisecond comes again, and an empty page leaves the state as it is.
    assert run() == {} and state == kept
    hub.post(objects[15:])
    while run().get("more"):
        pass
    assert [thing["id"] for thing in delivered] == [thing["id"] for thing in objects]


def test_a_date_cut_to_milliseconds_loses_nothing(hub):
    """Objects of one POST lie microseconds apart; cutting repeats some at worst."""
    objects = [indicator(str(number)) for number in range(20)]
    hub.post(objects)
    seen, after = [], "2026-01-01T00:00:00Z"
    with hub.session("cert-b") as session:
        answer = session.get(hub.objects_url(), params={"added_after": after, "limit": 7})
        seen += answer.json()["objects"]
        cut = re.sub(r"\.(\d{3})\d*Z", r".\1Z", answer.headers["X-TAXII-Date-Added-Last"])
        rest = session.get(hub.objects_url(), params={"added_after": cut})
        seen += rest.json()["objects"]
        assert re.fullmatch(r".*\.\d{3}000Z", rest.headers["X-TAXII-Date-Added-Last"])
    assert {thing["id"] for thing in seen} == {thing["id"] for thing in objects}


def test_splunk_posts_a_bundle(hub):
    bundle = {"type": "bundle", "id": f"bundle--{uuid4()}", "objects": [indicator("from splunk"), marked("GREEN")]}
    with hub.session("cert-a") as session:
        listed = session.get(f"{hub.root}collections/").json()["collections"]
        url = f"{hub.root}collections/{listed[0]['id']}/objects/"
        answer = session.post(url, data=json.dumps(bundle), headers={"Content-Type": TAXII})
    assert answer.status_code == 202 and answer.json()["success_count"] == 2
    assert hub.fetch() == bundle["objects"]


@pytest.mark.parametrize("content_type, code", [
    ("application/stix+json;version=2.1", 202),
    ("application/stix+json", 202),
    ("application/taxii+json", 202),
    ("application/taxii+json; version=2.1", 202),
    ('Application/TAXII+json ; VERSION="2.1"', 202),
    ("application/taxii+json;version=2.1; charset=utf-8", 202),
    ("application/taxii+json;version=2.0", 415),
    ("application/json", 415),
    ("text/plain", 415),
])
def test_content_types_of_posts(hub, content_type, code):
    bundle = {"type": "bundle", "id": f"bundle--{uuid4()}", "objects": [indicator()]}
    with hub.session("cert-a") as session:
        answer = session.post(hub.objects_url(), data=json.dumps(bundle), headers={"Content-Type": content_type})
    assert answer.status_code == code
    assert answer.headers["Content-Type"] == TAXII


def test_misp_sends_lower_case_basic_and_a_content_type_on_get(hub):
    objects = [indicator(str(number)) for number in range(60)]
    hub.post(objects)
    headers = {
        "Authorization": "basic dXNlcjpwYXNzd29yZA==", "Accept": "application/taxii+json; version=2.1",
        "Content-Type": "application/taxii+json; version=2.1", "User-Agent": "MISP 2.5 - #deadbeef",
    }
    with hub.session("cert-b") as session:
        first = session.get(hub.objects_url(), params={"limit": 50}, headers=headers)
        assert first.status_code == 200 and len(first.json()["objects"]) == 50
        second = session.get(hub.objects_url(), params={"limit": 50, "next": first.json()["next"]}, headers=headers)
    assert first.json()["objects"] + second.json()["objects"] == objects


def test_axios_accepts_anything(hub):
    hub.post([indicator()])
    with hub.session("cert-b") as session:
        for path in ("/taxii2/", "/exchange/", "/exchange/collections/", f"/exchange/collections/{hub.collection}/objects/"):
            answer = session.get(hub.url + path, headers={"Accept": "application/json, text/plain, */*"})
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, TAXII)


def test_an_empty_next_is_none(hub):
    objects = [indicator(str(number)) for number in range(3)]
    hub.post(objects)
    with hub.session("cert-b") as session:
        for query in ("?next=", "?next=&limit=3", "?added_after=2026-01-01T00:00:00Z&next="):
            answer = session.get(hub.objects_url() + query)
            assert answer.status_code == 200 and answer.json()["objects"] == objects


def test_added_after_takes_none_to_nine_fraction_digits(hub):
    hub.post([indicator("first")])
    with hub.session("cert-b") as session:
        last = session.get(hub.objects_url()).headers["X-TAXII-Date-Added-Last"]
        time.sleep(0.002)
        second = indicator("second")
        hub.post([second])
        for digits in range(10):
            dot = "." if digits else ""
            early = session.get(hub.objects_url(), params={"added_after": f"2026-01-01T00:00:00{dot}{'1' * digits}Z"})
            late = session.get(hub.objects_url(), params={"added_after": f"2126-01-01T00:00:00{dot}{'1' * digits}Z"})
            assert (early.status_code, len(early.json()["objects"])) == (200, 2), digits
            assert (late.status_code, late.json()) == (200, {}), digits
        for exact in (last, last[:-4] + "Z", last[:-1] + "999Z"):
            assert session.get(hub.objects_url(), params={"added_after": exact}).json()["objects"] == [second]
        for bad in ("2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00.Z", "2026-01-01", "2026-01-01T00:00:00+02:00", "", "now", "1700000000"):
            answer = session.get(hub.objects_url(), params={"added_after": bad})
            assert (answer.status_code, answer.json()["http_status"]) == (400, "400"), bad


def test_sentinel_wants_version_4_uuids(hub):
    with hub.session("cert-b") as session:
        for collection in session.get(f"{hub.root}collections/").json()["collections"]:
            parsed = uuid.UUID(collection["id"])
            assert parsed.version == 4 and parsed.variant == uuid.RFC_4122 and str(parsed) == collection["id"]
    status = uuid.UUID(hub.post([indicator()])["id"])
    assert status.version == 4


def test_a_cursor_may_be_used_again_with_another_limit_and_by_another_client(hub):
    objects = [indicator(str(number)) for number in range(9)]
    hub.post(objects)
    with hub.session("cert-b") as session, hub.session("cert-b", "siem") as other:
        cursor = session.get(hub.objects_url(), params={"limit": 3}).json()["next"]
        assert session.get(hub.objects_url(), params={"next": cursor, "limit": 2}).json()["objects"] == objects[3:5]
        assert session.get(hub.objects_url(), params={"next": cursor}).json()["objects"] == objects[3:]
        assert other.get(hub.objects_url(), params={"next": cursor, "limit": 9}).json()["objects"] == objects[3:]
        wrong = session.get(hub.objects_url(), params={"next": cursor, "match[type]": "malware"})
        assert wrong.status_code == 400
        for bad in ("x", cursor[:-1], cursor.upper(), "undefined", "0"):
            assert session.get(hub.objects_url(), params={"next": bad}).status_code == 400


# curl and openssl


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


def assert_unknown(answer):
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == TAXII
    assert re.match(r"[\w-]+( |$)", answer.headers["WWW-Authenticate"])
    assert answer.json()["title"] and answer.json()["http_status"] == "401"


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


# Revocation


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
