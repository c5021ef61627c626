"""Hubs for the tests: each is made by `liaison init`, served by `liaison serve`, and judged when it
ends: it must stop with 0, and its log must hold no panic and no ERROR that the test did not expect.

Environment:
  LIAISON_BIN             the binary under test (required)
  LIAISON_SHARED          the shared data; default ../shared beside the repository
  LIAISON_REQUIRE_SHARED  1: tests that need the shared data fail when it is absent
  LIAISON_REQUIRE_TOOLS   1 (or CI=true): tests that need a missing program fail
"""

import copy
import gzip
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import tomllib
import urllib.request
import uuid

import pytest
import requests

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TAXII = "application/taxii+json;version=2.1"
LEFT_OUT = []


# Shared data and programs


def shared_dir():
    return pathlib.Path(os.environ.get("LIAISON_SHARED") or REPOSITORY.parent / "shared")


def pytest_configure(config):
    # Programs for administrators, such as name servers, are not in everybody's path.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    # Requests lets these win over what a client is told to trust and where to connect.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    config.addinivalue_line("markers", "shared: needs the shared data (LIAISON_SHARED)")


def pytest_runtest_setup(item):
    if item.get_closest_marker("shared") and not (shared_dir() / "data").is_dir():
        leave_out(item.name, f"no shared data in {shared_dir()}", os.environ.get("LIAISON_REQUIRE_SHARED") == "1")


def pytest_terminal_summary(terminalreporter):
    for name, reason in LEFT_OUT:
        terminalreporter.write_line(f"LEFT OUT {name}: {reason}", yellow=True)


def leave_out(name, reason, is_failure):
    if is_failure:
        pytest.fail(reason, pytrace=False)
    LEFT_OUT.append((name, reason))
    pytest.skip(reason)


def lacking(reason):
    """The test that runs is left out by name, or fails where it must not be."""
    name = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].rpartition(" ")[0]
    return leave_out(name, reason, os.environ.get("CI") == "true" or os.environ.get("LIAISON_REQUIRE_TOOLS") == "1")


def program(*names):
    """The path of a program, which the test that runs needs."""
    for name in names:
        if found := shutil.which(name):
            return found
    return lacking(f"{' or '.join(names)} is not installed")


def root():
    """The test that runs needs to be root."""
    if os.geteuid() != 0:
        lacking("needs root")


@pytest.fixture
def tool():
    """Finds the path of a program."""
    return program


@pytest.fixture(scope="session")
def shared():
    return shared_dir() / "data"


def read_objects(path):
    """The objects of a bundle, an envelope, a single object, or JSON lines; .gz too."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.name.removesuffix(".gz").endswith(".jsonl"):
        return [json.loads(line) for line in raw.splitlines() if line.strip()]
    found = json.loads(raw)
    return found["objects"] if "objects" in found else [found]


def canonical(thing):
    """One text for each JSON value; 1 and 1.0 differ, as do two spellings of a timestamp."""
    return json.dumps(thing, sort_keys=True, ensure_ascii=False)


def version_of(thing):
    return thing.get("modified") or thing.get("created") or ""


# The hub


@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("LIAISON_BIN")
    if not path:
        pytest.exit("LIAISON_BIN is not set: name the liaison binary to test (tests/run does it)", 4)
    if not os.access(path, os.X_OK):
        pytest.exit(f"LIAISON_BIN={path} is not an executable file: build it first", 4)
    return str(pathlib.Path(path).resolve())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def uuid4():
    return str(uuid.uuid4())


class Client:
    """The files of one client's certificate."""

    def __init__(self, folder, name):
        self.crt = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        self.p12 = folder / f"{name}.p12"
        self.password_file = folder / f"{name}.p12.password"
        self.profile = folder / f"{name}.toml"

    @property
    def cert(self):
        """As requests and taxii2-client take it."""
        return (str(self.crt), str(self.key))

    @property
    def password(self):
        return self.password_file.read_text().strip()


class Hub:
    """A hub in a directory of its own, on ports of its own."""

    def __init__(self, binary, folder, sets=()):
        self.binary = binary
        self.home = folder
        self.dir = folder / "hub"
        self.sets = list(sets)
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.config = self.dir / "liaison.toml"
        self.ca = str(self.dir / "pki/ca.crt")
        self.log_path = folder / "serve.log"
        self.process = None
        # What the server's environment has more than ours.
        self.more_environment = {}
        self.expected_errors = []
        made = self.run("init", self.dir, "--listen", f"127.0.0.1:{self.port}", "--json")
        assert made.returncode == 0, made.stderr
        self.collection = json.loads(made.stdout)["collection"]
        self.root = f"{self.url}/exchange/"

    # Running

    def start(self):
        command = [self.binary, "serve", "--config", self.config]
        sets = [
            f"server.listen=127.0.0.1:{self.port}",
            f"server.public_url={self.url}",
            f"admin.listen=127.0.0.1:{self.admin_port}",
            *self.sets,
        ]
        for setting in sets:
            command += ["--set", setting]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment() | self.more_environment)
        deadline = time.monotonic() + 20
        while not self.is_ready():
            assert self.process.poll() is None, f"serve ended at once:\n{self.log()}"
            assert time.monotonic() < deadline, f"serve is not ready after 20 s:\n{self.log()}"
            time.sleep(0.02)
        return self

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        """Stops the server as an init system does; it must end well."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"serve did not stop within 40 s of SIGTERM:\n{self.log()}")
        assert code == 0, f"serve ended with {code}:\n{self.log()}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def judge(self):
        self.stop()
        bad = [
            line
            for line in self.log().splitlines()
            if ("panicked" in line or "ERROR" in line) and not any(text in line for text in self.expected_errors)
        ]
        assert not bad, "the server's log has:\n" + "\n".join(bad)

    # Commands

    def environment(self):
        names = ("PATH", "LANG", "TMPDIR", "LLVM_PROFILE_FILE", "RUST_BACKTRACE")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return kept | {"HOME": str(self.home)}

    def command(self, *arguments):
        return [self.binary, *map(str, arguments)]

    def run(self, *arguments, stdin=None, timeout=120, cwd=None):
        return subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=not isinstance(stdin, bytes),
            timeout=timeout, env=self.environment(), cwd=cwd or self.home,
        )

    def on_hub(self, *arguments, **options):
        """A command that takes --config."""
        return self.run(*arguments, "--config", self.config, **options)

    def status(self):
        answer = self.on_hub("status", "--json", "--set", f"admin.listen=127.0.0.1:{self.admin_port}")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    # Registry

    def registry(self):
        """The registry file as data, to be changed and given to `apply`."""
        return copy.deepcopy(tomllib.loads((self.dir / "registry.toml").read_text()))

    def apply(self, registry, issue=True):
        """Puts a registry (data or text) in force, with certificates for new clients, and waits
        until the running server has it."""
        text = registry if isinstance(registry, str) else to_toml(registry)
        path = self.dir / "registry.toml"
        path.write_text(text)
        taken = "certificates and revocations were read anew"
        seen = self.log().count(taken)
        answer = self.on_hub("registry", "apply", path, "--json")
        assert answer.returncode == 0, answer.stderr
        if issue:
            for organisation in tomllib.loads(text).get("organisation", []):
                for client in organisation.get("client", []):
                    if not self.client(organisation["id"], client["id"]).crt.exists():
                        self.issue(organisation["id"], client["id"])
        if self.process and json.loads(answer.stdout)["changes"]:
            wait_for(lambda: self.log().count(taken) > seen, 3, "the server did not take the registry over")

    def issue(self, org, client):
        answer = self.on_hub("pki", "issue", "--org", org, "--client", client)
        assert answer.returncode == 0, answer.stderr
        return self.client(org, client)

    # Clients

    def client(self, org, client):
        return Client(self.dir / "pki/clients" / org, client)

    def profile(self, org, client="feed"):
        return self.client(org, client).profile

    def session(self, org, client="feed"):
        session = requests.Session()
        session.trust_env = False
        session.cert = self.client(org, client).cert
        session.verify = self.ca
        session.headers["Accept"] = TAXII
        return session

    def objects_url(self, collection=None, root="exchange"):
        return f"{self.url}/{root}/collections/{collection or self.collection}/objects/"

    def post(self, objects, org="cert-a", client="feed", collection=None):
        """Adds objects; the answer is the status resource."""
        body = json.dumps({"objects": objects}).encode()
        with self.session(org, client) as session:
            answer = session.post(self.objects_url(collection), data=body, headers={"Content-Type": TAXII})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def fetch(self, org="cert-b", client="feed", collection=None, **query):
        """Every object, by following next."""
        found = []
        with self.session(org, client) as session:
            while True:
                answer = session.get(self.objects_url(collection), params=query)
                assert answer.status_code == 200, answer.text
                found += answer.json().get("objects", [])
                if not answer.json().get("more"):
                    return found
                query["next"] = answer.json()["next"]


def to_toml(registry):
    """A registry as TOML: tables of tables of plain values."""
    lines = []

    def table(name, entries, inner):
        for entry in entries:
            lines.append(f"[[{name}]]")
            lines.extend(f"{key} = {value(entry[key])}" for key in entry if key != inner)
            if inner:
                table(f"{name}.{inner}", entry.get(inner, []), None)

    def value(found):
        if isinstance(found, list):
            return "[" + ", ".join(map(value, found)) + "]"
        if isinstance(found, dict):
            return "{" + ", ".join(f"{key} = {value(inner)}" for key, inner in found.items()) + "}"
        if isinstance(found, (str, bool, int, float)):
            return json.dumps(found)
        return found.isoformat()

    table("organisation", registry.get("organisation", []), "client")
    table("decay", registry.get("decay", []), None)
    table("agreement", registry.get("agreement", []), "collection")
    table("export", registry.get("export", []), None)
    return "\n".join(lines) + "\n"


def wait_for(condition, seconds, message):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.02)


@pytest.fixture
def make_hub(binary, tmp_path):
    """Makes hubs that are judged at the end of the test."""
    hubs = []

    def make(sets=(), start=True):
        folder = tmp_path / f"h{len(hubs)}"
        folder.mkdir()
        hub = Hub(binary, folder, sets)
        hubs.append(hub)
        return hub.start() if start else hub

    yield make
    yield_problems(hubs)


def yield_problems(hubs):
    problems = []
    for hub in hubs:
        try:
            hub.judge()
        except (AssertionError, pytest.fail.Exception) as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def hub(make_hub):
    return make_hub()


# STIX


def indicator(name="indicator", modified="2026-01-02T03:04:05.678Z", **more):
    """An indicator of its own id, unmarked."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid4()}",
        "created": "2026-01-02T03:04:05.678Z",
        "modified": modified,
        "name": name,
        "pattern": "[domain-name:value = 'a.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-02T03:04:05.678Z",
    } | more


TLP2 = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def marked(level, **more):
    return indicator(name=level, object_marking_refs=[TLP2[level]], **more)
