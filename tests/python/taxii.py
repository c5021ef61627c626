"""taxii2-client's view of a hub, and what strangers get."""

import re

from conftest import TAXII
from taxii2client.v21 import Collection, Server


def taxii_server(hub, org="cert-a", client="feed"):
    return Server(f"{hub.url}/taxii2/", cert=hub.client(org, client).cert, verify=hub.ca)


def taxii_collection(hub, org="cert-a", client="feed", collection=None):
    url = f"{hub.root}collections/{collection or hub.collection}/"
    return Collection(url, cert=hub.client(org, client).cert, verify=hub.ca)


def assert_unknown(answer):
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == TAXII
    assert re.match(r"[\w-]+( |$)", answer.headers["WWW-Authenticate"])
    assert answer.json()["title"] and answer.json()["http_status"] == "401"
