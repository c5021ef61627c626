"""How the tests of the hostile peer look at it: through requests and plain sockets, which know nothing of it."""

import json
import socket
import ssl
import threading
import time

import pytest
import requests

from foreign_objects import indicators
from hostile_peer import HostilePeer, PeerAuthority
from taxii_peer import TAXII

OBJECTS = indicators(25)


@pytest.fixture(scope="module")
def authority():
    return PeerAuthority()


@pytest.fixture
def make(authority):
    """Peers that are stopped at the end, and must leave no thread and no connection behind."""
    before, peers = threading.active_count(), []

    def made(*lies, objects=OBJECTS, page=10, **named):
        peer = HostilePeer(objects, authority=authority, page=page, **named)
        peers.append(peer)
        for name, options in lies:
            peer.lie(name, **options)
        return peer

    yield made
    for peer in peers:
        begun = time.monotonic()
        peer.stop()
        assert time.monotonic() - begun < 5 and peer.concurrent == 0
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def told(name, **options):
    return name, options


def get(peer, url=None, timeout=10, **query):
    headers = {"Accept": TAXII} | query.pop("headers", {})
    return requests.get(url or peer.objects_url(), params=query, headers=headers, verify=peer.ca, timeout=timeout, allow_redirects=False)


def post(peer, objects, collection="write", **headers):
    return requests.post(
        peer.objects_url(collection), data=json.dumps({"objects": objects}), verify=peer.ca, timeout=10,
        headers={"Accept": TAXII, "Content-Type": TAXII} | headers)


def walk(peer, most=20, **query):
    """Objects and nexts of at most so many pages."""
    found, nexts = [], []
    for _ in range(most):
        page = get(peer, **query).json()
        found.append(page.get("objects", []))
        if not page.get("more"):
            break
        nexts.append(page["next"])
        query["next"] = page["next"]
    return found, nexts


def raw(peer, seconds=5, read=None, host="localhost"):
    """A GET of the objects through a plain TLS socket: everything that comes, and how it ends."""
    context = ssl.create_default_context(cafile=peer.ca)
    with socket.create_connection(("127.0.0.1", peer.port), timeout=seconds) as plain:
        with context.wrap_socket(plain, server_hostname=host, suppress_ragged_eofs=False) as stream:
            path = peer.objects_url().removeprefix(peer.url)
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {TAXII}\r\nConnection: close\r\n\r\n".encode())
            data = b""
            try:
                while part := stream.recv(65536):
                    data += part
                    if read and len(data) >= read:
                        return data, "enough"
            except TimeoutError:
                return data, "silence"
            except ConnectionResetError:
                return data, "reset"
            except ssl.SSLError:
                return data, "cut"
            return data, "end"
