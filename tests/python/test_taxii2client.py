"""taxii2-client and python-stix2 against a hub behind mutual TLS."""

import datetime
import json

import pytest
import requests
import stix2
from conftest import (
    TAXII,
    indicator,
    uuid4,
    version_of,
)
from taxii2client.v21 import ApiRoot, as_pages

from taxii import taxii_collection, taxii_server


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
        "created": "2026-01-02T03:04:05.000Z", "modified": "2026-01-02T03:04:05.000Z",
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
