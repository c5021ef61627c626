"""A hub under a given registry, and clients that speak to it over mutual TLS without a library."""

import datetime
import http.client
import json
import ssl
import threading
import time
from urllib.parse import quote

from conftest import Hub

TAXII = "application/taxii+json;version=2.1"
CHANGING = {"date", "content-length", "error_id"}


def to_toml(registry):
    """A registry as TOML: plain values first, then tables of tables."""
    lines = []

    def table(entry, name):
        plain = {key: value for key, value in entry.items() if not is_table(value)}
        lines.extend(f"{key} = {text(value)}" for key, value in plain.items())
        for key in entry.keys() - plain.keys():
            for inner in entry[key]:
                lines.append(f"[[{name}{key}]]")
                table(inner, f"{name}{key}.")

    def is_table(value):
        return isinstance(value, list) and bool(value) and isinstance(value[0], dict)

    def text(value):
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        return value.isoformat() if isinstance(value, datetime.date) else json.dumps(value)

    table(registry, "")
    return "\n".join(lines) + "\n"


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)

    def masked(self, *secrets):
        """What must be equal for two things that both do not exist for a client."""
        text = self.body.decode()
        if self.status >= 400 and text:
            text = text.replace(self.json["error_id"], "ERROR")
        for secret in secrets:
            text = text.replace(secret, "ID")
        return self.status, sorted((name, value) for name, value in self.headers.items() if name not in CHANGING), text


class Wire:
    """One client's connection, made again when it was closed."""

    def __init__(self, hub, who):
        context = ssl.create_default_context(cafile=hub.ca)
        context.load_cert_chain(*hub.client(*who).cert)
        self.who = who
        self.connection = http.client.HTTPSConnection("localhost", hub.port, timeout=120, context=context)
        self.lock, self.used = threading.Lock(), 0.0

    def ask(self, method, path, body=None, **query):
        """`version=` and the like stand for match[…]; a value is quoted."""
        parts = [f"{quote(MATCH.get(name, name))}={quote(str(value), safe=',:')}" for name, value in query.items() if value is not None]
        target = path + ("?" + "&".join(parts) if parts else "")
        headers = {"Accept": TAXII} | ({"Content-Type": TAXII} if body is not None else {})
        with self.lock:
            # The hub closes connections that have been idle for 75 s; what is sent then is not sent again.
            if time.monotonic() - self.used > 30:
                self.connection.close()
            for attempt in (1, 2):
                try:
                    self.connection.request(method, target, body, headers)
                    answer = Answer(self.connection.getresponse())
                    self.used = time.monotonic()
                    return answer
                except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                    self.connection.close()
                    if attempt == 2 or method == "POST":
                        raise

    def get(self, path, **query):
        return self.ask("GET", path, **query)

    def pages(self, path, limit=None, **query):
        """Every answer, by following next."""
        answers = []
        while True:
            answers.append(self.get(path, limit=limit, **query))
            assert answers[-1].status == 200, (self.who, path, query, answers[-1].body)
            if not answers[-1].json.get("more"):
                return answers
            query["next"] = answers[-1].json["next"]


MATCH = {"version": "match[version]", "id": "match[id]", "type": "match[type]", "spec": "match[spec_version]"}


class GovernedHub:
    """A hub that serves a registry to all its clients."""

    def __init__(self, binary, folder, registry, sets=()):
        self.hub = Hub(binary, folder, sets)
        self.registry = registry
        self.hub.apply(to_toml(registry))
        self.hub.start()
        self.wires = {}
        self.roots = {collection["id"]: collection["api_root"] for agreement in registry["agreement"] for collection in agreement["collection"]}

    def wire(self, who):
        if who not in self.wires:
            self.wires[who] = Wire(self.hub, who)
        return self.wires[who]

    def path(self, collection, rest="objects/"):
        return f"/{self.roots[collection]}/collections/{collection}/{rest}"

    def post(self, who, collection, objects):
        """The status resource, when nothing is pending any more."""
        answer = self.wire(who).ask("POST", self.path(collection), json.dumps({"objects": objects}))
        assert answer.status == 202, (who, collection, answer.status, answer.body)
        assert answer.json["status"] == "complete" and answer.json["pending_count"] == 0, answer.body
        return answer.json

    def judge(self):
        for wire in self.wires.values():
            wire.connection.close()
        self.hub.judge()
