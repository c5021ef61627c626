"""A hub of its own for the attack tests, the certificates they need, and HTTP by hand."""

import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certificates import Issuer

BIN = os.environ.get("LIAISON_BIN", "liaison")
TAXII = "application/taxii+json;version=2.1"

REGISTRY = """
[[organisation]]
id = "cert-a"
name = "CERT A"
country = "AA"
  [[organisation.client]]
  id = "feed"
  role = "publisher"
  [[organisation.client]]
  id = "siem"
  role = "consumer"
  [[organisation.client]]
  id = "low"
  role = "publisher"
  tlp_max = "GREEN"
  [[organisation.client]]
  id = "out"
  role = "publisher"
  revoked = true

[[organisation]]
id = "cert-b"
name = "CERT B"
country = "BB"
  [[organisation.client]]
  id = "feed"
  role = "publisher"

[[organisation]]
id = "cert-c"
name = "CERT C"
country = "CC"
trust_anchor = "cert-c-ca.crt"
  [[organisation.client]]
  id = "feed"
  role = "publisher"
  san = "urn:example:c-feed"

[[agreement]]
id = "open"
title = "Open"
parties = ["cert-a", "cert-b", "cert-c"]
tlp_max = "RED"
  [[agreement.collection]]
  id = "11111111-1111-4111-8111-111111111111"
  title = "Shared"
  alias = "shared"
  api_root = "exchange"
  unmarked = "assume:GREEN"
  [[agreement.collection]]
  id = "22222222-2222-4222-8222-222222222222"
  title = "Drop box"
  api_root = "exchange"
  read = ["cert-b"]
  write = ["cert-a"]
  unmarked = "reject"

[[agreement]]
id = "amber-only"
title = "Amber"
parties = ["cert-a", "cert-b"]
tlp_max = "AMBER"
  [[agreement.collection]]
  id = "33333333-3333-4333-8333-333333333333"
  title = "Amber"
  api_root = "exchange"
  unmarked = "assume:AMBER"

[[agreement]]
id = "without-b"
title = "Without B"
parties = ["cert-a", "cert-c"]
tlp_max = "RED"
  [[agreement.collection]]
  id = "44444444-4444-4444-8444-444444444444"
  title = "Hidden"
  api_root = "hidden"
  unmarked = "assume:GREEN"

[[agreement]]
id = "old-pact"
title = "Over"
parties = ["cert-a", "cert-b"]
tlp_max = "RED"
valid_until = 2020-01-01
  [[agreement.collection]]
  id = "55555555-5555-4555-8555-555555555555"
  title = "Over"
  api_root = "exchange"

[[agreement]]
id = "new-pact"
title = "Not yet"
parties = ["cert-a", "cert-b"]
tlp_max = "RED"
valid_from = 2999-01-01
  [[agreement.collection]]
  id = "66666666-6666-4666-8666-666666666666"
  title = "Not yet"
  api_root = "exchange"
"""
SHARED, DROP, AMBER, HIDDEN, OVER, EARLY = (f"{n * 8}-{n * 4}-4{n * 3}-8{n * 3}-{n * 12}" for n in "123456")


def objects_path(collection=SHARED, root="exchange"):
    return f"/{root}/collections/{collection}/objects/"


# --- the hub -------------------------------------------------------------------------------


class Hub:
    def __init__(self, *settings):
        self.dir = Path(tempfile.mkdtemp(prefix="liaison-wire-"))
        self.settings, self.statuses, self.source, self.contexts = settings, [], 1, {}
        self.kept, self.kept_since = None, 0
        run("init", self.dir / "hub")
        self.root = self.dir / "hub"
        key = serialization.load_pem_private_key((self.root / "pki/ca.key").read_bytes(), None)
        self.ca = Issuer(x509.load_pem_x509_certificate((self.root / "pki/ca.crt").read_bytes()), key)
        self.partner = Issuer.root("CERT C CA")
        (self.root / "cert-c-ca.crt").write_bytes(self.partner.cert.public_bytes(serialization.Encoding.PEM))
        (self.root / "registry.toml").write_text(REGISTRY)
        run("registry", "apply", self.root / "registry.toml", "--config", self.root / "liaison.toml")
        self.clients = {
            "a": self.ca.issue("urn:liaison:cert-a:feed"), "siem": self.ca.issue("urn:liaison:cert-a:siem"),
            "low": self.ca.issue("urn:liaison:cert-a:low"), "b": self.ca.issue("urn:liaison:cert-b:feed"),
            "c": self.partner.issue("urn:example:c-feed"),
        }
        self.pem = {who: client.files(self.dir) for who, client in self.clients.items()}
        self.process = None

    def start(self):
        self.port, self.admin = free_port(), free_port()
        self.log = open(self.dir / "log", "ab")
        settings = [f"server.listen=127.0.0.1:{self.port}", f"server.public_url=https://localhost:{self.port}",
                    f"admin.listen=127.0.0.1:{self.admin}", "log.level=info,liaison=debug", *self.settings]
        args = [BIN, "serve", "--config", self.root / "liaison.toml"]
        args += [part for setting in settings for part in ("--set", setting)]
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log)
        wait_for(lambda: self.process.poll() is not None or listens(self.port), 15)
        return self

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_text(self):
        return (self.dir / "log").read_text(errors="replace")

    def elsewhere(self):
        """An address of this machine that nobody has used yet, so that one test's failures are not another's."""
        self.source += 1
        return (f"127.0.{self.source // 250}.{self.source % 250 + 2}", 0)

    def plain(self, source=None, timeout=5):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout, source or self.elsewhere())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def connect(self, who="a", *, source=None, host="localhost", timeout=5, context=None, **options):
        """TLS as a named client, or with an Issuer; None for no certificate."""
        if context is None and isinstance(who, str) and not options:
            context = self.contexts[who] = self.contexts.get(who) or self.context(who)
        context = context or self.context(who, **options)
        sock = self.plain(source or (("127.0.0.1", 0) if isinstance(who, str) else None), timeout)
        try:
            return context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise

    def context(self, who="a", low=None, high=None, ciphers=None, alpn=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.root / "pki/ca.crt")
        context.check_hostname = False
        context.set_ciphers(ciphers or "DEFAULT:@SECLEVEL=0")
        if low:
            context.minimum_version = low
        if high:
            context.maximum_version = high
        if alpn:
            context.set_alpn_protocols(alpn)
        if who is not None:
            context.load_cert_chain(*(self.pem[who] if isinstance(who, str) else who.files(self.dir)))
        return context

    def ask(self, method, path, who="a", headers=(), body=None, sock=None):
        """One well-formed request; `headers` replace those of the same name."""
        fields = {"Host": "localhost", "Accept": TAXII}
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            fields |= {"Content-Type": TAXII, "Content-Length": str(len(body))}
        fields |= dict(headers)
        lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in fields.items() if value is not None)]
        message = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
        with contextlib.nullcontext(sock) if sock else self.connect(who) as connection:
            return self.send(connection, message, method)

    def send(self, sock, message, method="GET"):
        with contextlib.suppress(OSError):
            sock.sendall(message)
        response = read_response(sock, method)
        self.note(response)
        return response

    def note(self, response):
        if response:
            self.statuses.append(response.status)

    def publish(self, objects, who="a", collection=SHARED, root="exchange"):
        response = self.ask("POST", objects_path(collection, root), who, body={"objects": objects})
        assert response.status == 202, response
        return response.json

    def holds(self, object_id, who="a", collection=SHARED, root="exchange"):
        response = self.ask("GET", objects_path(collection, root) + object_id + "/", who)
        assert response.status in (200, 404), response
        return response.status == 200

    def check(self):
        """What must hold after every attack."""
        assert self.process.poll() is None, self.log_text()[-2000:]
        started = time.monotonic()
        if self.kept is None or started - self.kept_since > 2:
            # Old clients must go on being served, and new ones get in.
            self.kept = [*(self.kept or [])[-1:], self.connect()]
            self.kept_since = started
        for sock in self.kept:
            assert self.ask("GET", "/taxii2/", sock=sock).status == 200
        assert time.monotonic() - started < 1
        log = self.log_text()
        assert "panicked" not in log, log[-3000:]
        assert not re.search(r"(^|\s)ERROR\s", log), log[-3000:]
        assert [status for status in self.statuses if status >= 500] == []


def run(*args, check=True):
    return subprocess.run([BIN, *map(str, args)], check=check, capture_output=True, text=True, timeout=60)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


# --- HTTP by hand --------------------------------------------------------------------------


class Response:
    def __init__(self, status, headers, body, rest):
        self.status, self.headers, self.body, self.rest = status, headers, body, rest

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"

    @property
    def json(self):
        return json.loads(self.body)


def read_response(sock, method="GET"):
    """The next response, or None if the connection ends without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = receive(sock)
        if not more:
            assert not data, f"half a head: {data!r}"
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.[01] \d{3} .*", first), first
    status = int(first.split()[1])
    if status == 100:
        return read_response(Buffered(sock, body), method)
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
    while len(body) < length:
        more = receive(sock)
        assert more, "half a body"
        body += more
    return Response(status, headers, body[:length], body[length:])


class Buffered:
    def __init__(self, sock, data):
        self.sock, self.data = sock, data

    def recv(self, size):
        data, self.data = self.data, b""
        return data or self.sock.recv(size)


def receive(sock):
    try:
        return sock.recv(65536)
    except (ConnectionError, ssl.SSLError) as error:
        if isinstance(error, TimeoutError):
            raise
        return b""


def until_closed(sock, seconds=5):
    """Everything that still comes; fails if the peer keeps the connection open."""
    sock.settimeout(seconds)
    data = b""
    while more := receive(sock):
        data += more
    return data


def assert_error(response, status):
    """A TAXII error message with everything that helps its reader (TAXII 2.1 §3.6.1)."""
    assert response is not None and response.status == status, response
    assert response.headers["content-type"] == TAXII, response
    message = response.json
    assert isinstance(message["title"], str) and message["title"]
    assert message["http_status"] == str(status)
    assert uuid.UUID(message["error_id"])
    assert isinstance(message.get("description", ""), str)
    text = response.body.decode()
    assert not re.search(r"(?i)sqlite|select |panic|\.rs\b|src/|actix|rustls", text), text
    return message


MARKINGS = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def indicator(tlp=None, **members):
    found = {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}", "created": "2026-02-09T08:00:00.000Z",
        "modified": "2026-02-09T08:00:00.000Z",
        "pattern": "[domain-name:value = 'example.com']", "pattern_type": "stix", "valid_from": "2026-02-09T08:00:00Z",
    }
    if tlp:
        found["object_marking_refs"] = [MARKINGS[tlp]]
    return found | members


@pytest.fixture(scope="module")
def wire_hub():
    hub = Hub().start()
    yield hub
    hub.stop()


@pytest.fixture(autouse=True)
def unharmed(request):
    """After every test the server still serves, has not panicked, and has sent no 5xx."""
    yield
    if "wire_hub" in request.fixturenames:
        request.getfixturevalue("wire_hub").check()
