"""That the peer of hostile_peer.py keeps to TAXII 2.1 as long as no lie is told."""

import email.utils
import socket
import time

import pytest
import requests

from foreign_objects import indicators, keys_of, last_versions
from peer_client import OBJECTS, authority, get, make, post, walk
from hostile_peer import PeerAuthority
from taxii_peer import TAXII

pytestmark = pytest.mark.timeout(60)


def test_the_honest_peer_serves_its_resources(make):
    peer = make()
    discovery = get(peer, f"{peer.url}/taxii2/")
    assert discovery.headers["Content-Type"] == TAXII and discovery.json()["api_roots"] == [peer.api_root]
    assert get(peer, peer.api_root).json()["versions"] == [TAXII]
    listed = get(peer, f"{peer.api_root}collections/").json()["collections"]
    assert {found["alias"]: (found["can_read"], found["can_write"]) for found in listed} == {
        "read": (True, False), "write": (True, True), "drop": (False, True)}
    assert get(peer, f"{peer.api_root}collections/{listed[0]['id']}/").json() == listed[0]
    assert abs(email.utils.parsedate_to_datetime(discovery.headers["Date"]).timestamp() - time.time()) < 3


def test_taxii2client_reads_and_writes_the_honest_peer(make):
    from taxii2client.v21 import Collection, Server, as_pages

    peer = make(credentials=("partner", "open: sesame"))
    server = Server(f"{peer.url}/taxii2/", user="partner", password="open: sesame", verify=peer.ca)
    assert [found.title for found in server.default.collections] == ["To read", "To write", "To drop"]
    collection = Collection(peer.objects_url().removesuffix("objects/"), user="partner", password="open: sesame", verify=peer.ca)
    found = [one for page in as_pages(collection.get_objects, per_request=7) for one in page["objects"]]
    assert found == OBJECTS
    to_write = Collection(peer.objects_url("write").removesuffix("objects/"), user="partner", password="open: sesame", verify=peer.ca)
    status = to_write.add_objects({"objects": OBJECTS[:3]}, wait_for_completion=True)
    assert status.success_count == 3 and peer.stored == OBJECTS[:3]


def test_the_honest_peer_pages_by_next_and_by_added_after(make):
    peer = make(objects=indicators(25, versions=3))
    every = indicators(25, versions=3)
    pages, nexts = walk(peer)
    assert keys_of(sum(pages, [])) == keys_of(last_versions(every)) and len(set(nexts)) == 2
    pages, _ = walk(peer, **{"match[version]": "all", "limit": 4})
    assert sum(pages, []) == every and {len(page) for page in pages[:-1]} == {4}
    found, after = [], "1970-01-01T00:00:00Z"
    while True:
        answer = get(peer, **{"match[version]": "all", "added_after": after})
        found += answer.json().get("objects", [])
        if not answer.json().get("more"):
            break
        after = answer.headers["X-TAXII-Date-Added-Last"]
    assert found == every
    last = get(peer, added_after=after, limit=3)
    manifest = f"{peer.objects_url().removesuffix('objects/')}manifest/"
    dates = [record["date_added"] for record in get(peer, manifest, added_after=after, limit=3).json()["objects"]]
    assert [last.headers["X-TAXII-Date-Added-First"], last.headers["X-TAXII-Date-Added-Last"]] == [dates[0], dates[-1]]
    nothing = get(peer, added_after="2999-01-01T00:00:00.000000Z")
    assert nothing.json() == {} and "X-TAXII-Date-Added-Last" not in nothing.headers


def test_the_honest_peer_filters(make):
    every = indicators(10, versions=3)
    peer = make(objects=every, page=100)
    one = every[0]["id"]

    def versions(**query):
        return [found["modified"] for found in get(peer, **{"match[id]": one} | query).json().get("objects", [])]

    assert versions() == [every[2]["modified"]] and versions(**{"match[version]": "first"}) == [every[0]["modified"]]
    assert versions(**{"match[version]": f"first,{every[1]['modified']}"}) == [every[0]["modified"], every[1]["modified"]]
    assert len(versions(**{"match[version]": "all"})) == 3 and versions(**{"match[type]": "malware"}) == []
    assert get(peer, f"{peer.objects_url()}{one}/versions/").json()["versions"] == [found["modified"] for found in every[:3]]
    assert get(peer, f"{peer.objects_url()}{one}/").json()["objects"] == [every[2]]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"added_after": "yesterday"}, {"added_after": "2026-13-01T00:00:00Z"}, {"next": "x"}])
def test_the_honest_peer_refuses_what_is_malformed(make, query):
    answer = get(make(), **query)
    assert answer.status_code == 400 and answer.json()["http_status"] == "400" and answer.headers["Content-Type"] == TAXII


def test_the_honest_peer_refuses_by_rights_types_and_size(make):
    peer = make(max_content_length=2000, credentials=("user", "pass"), token="bearer-token")
    auth = {"Authorization": "Bearer bearer-token"}
    refused = get(peer)
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Basic")
    assert get(peer, headers={"Authorization": "Basic eDp5"}).status_code == 401
    assert get(peer, headers=auth).status_code == 200
    assert get(peer, headers=auth | {"Accept": "text/html"}).status_code == 406
    assert get(peer, headers=auth | {"Accept": "application/taxii+json"}).status_code == 200
    assert get(peer, f"{peer.url}/nothing/", headers=auth).status_code == 404
    assert get(peer, peer.objects_url("drop"), headers=auth).status_code == 403
    assert post(peer, OBJECTS[:1], "read", **auth).status_code == 403
    assert post(peer, OBJECTS[:1], **auth | {"Content-Type": "application/json"}).status_code == 415
    assert post(peer, OBJECTS, **auth).status_code == 413
    assert post(peer, [], **auth).status_code == 422 and not peer.stored
    assert post(peer, OBJECTS[:1], **auth).status_code == 202


def test_a_post_is_pending_for_a_while_if_wanted(make):
    peer = make(pending_polls=2)
    status = post(peer, OBJECTS[:3] + OBJECTS[:1]).json()
    url = f"{peer.api_root}status/{status['id']}/"
    assert (status["status"], status["pending_count"], status["total_count"]) == ("pending", 4, 4) and get(peer, peer.objects_url("write")).json() == {}
    assert [get(peer, url).json()["status"] for _ in range(4)] == ["pending", "pending", "complete", "complete"]
    assert get(peer, url).json()["success_count"] == 4
    assert get(peer, peer.objects_url("write")).json()["objects"] == OBJECTS[:3] == peer.stored and len(peer.posted) == 4


def test_requests_and_connections_are_remembered(make):
    peer = make()
    with requests.Session() as session:
        for number in range(3):
            query = {"limit": number + 1, "match[type]": "indicator,malware"}
            session.get(peer.objects_url(), params=query, headers={"Accept": TAXII, "X-Own": "ö"}, verify=peer.ca)
    assert peer.connections == 1 and [found.connection for found in peer.requests] == [1, 1, 1]
    one = peer.requests[1]
    assert (one.method, one.endpoint, one.query, one.status) == ("GET", "objects", {"limit": ["2"], "match[type]": ["indicator,malware"]}, 200)
    assert one.path.endswith("/objects/") and one.headers["accept"] == TAXII and abs(one.time - time.time()) < 5 and one.sent_bytes > 500
    sent = post(peer, OBJECTS[:2], Connection="close")
    assert peer.requests[-1].body == sent.request.body.encode() and len(peer.requests[-1].body_digest) == 64
    peer.wait_for(lambda: peer.concurrent == 0)
    held = [socket.create_connection(("127.0.0.1", peer.port)) for _ in range(5)]
    peer.wait_for(lambda: peer.concurrent == 5)
    for one in held:
        one.close()
    peer.wait_for(lambda: peer.concurrent == 0)
    assert peer.most_concurrent == 5 and peer.connections == 7


def test_client_certificates_can_be_required(make, authority):
    clients = PeerAuthority()
    peer = make(client_ca=clients.ca)
    with pytest.raises(requests.exceptions.RequestException):
        get(peer)
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(peer.objects_url(), verify=peer.ca, cert=authority.client(), headers={"Accept": TAXII})
    peer.wait_for(lambda: len(peer.handshake_failures) == 2)
    assert not peer.requests
    answer = requests.get(peer.objects_url(), verify=peer.ca, cert=clients.client("hub"), headers={"Accept": TAXII})
    assert answer.status_code == 200 and peer.requests[0].peer_certificate["subject"] == ((("commonName", "hub"),),)


def test_the_peer_goes_down_and_comes_up_again_as_it_was(make):
    peer = make()
    post(peer, OBJECTS[:2])
    peer.go_down()
    with pytest.raises(requests.exceptions.ConnectionError):
        get(peer)
    peer.come_up()
    assert get(peer, peer.objects_url("write")).json()["objects"] == OBJECTS[:2] == peer.stored and len(peer.requests) == 2
