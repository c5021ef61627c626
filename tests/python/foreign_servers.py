"""TAXII servers of other makers, as they are installed from PyPI, over TLS: medallion 3 (TAXII 2.1), medallion 1 (TAXII
2.0, in two versions that differ on the wire) and OpenTAXII (TAXII 2.1). Each runs in a virtual environment of its own,
behind gunicorn, in one process; nothing of it is patched. How each departs from the standard is in FACTS.md.

    with Medallion(indicators(50, versions=3)) as server:
        ... server.url, .api_root, .ca, .credentials, .collections["read"], .objects("read"), .post("write", objects) ...

Environment, for each the interpreter of the virtual environment that its requirements file was installed into:
  MEDALLION_PYTHON       default .venv-medallion/bin/python in the repository    requirements-medallion.txt
  MEDALLION20_PYTHON     default .venv-medallion20/bin/python                    requirements-medallion20.txt
  MEDALLION20OLD_PYTHON  default .venv-medallion20old/bin/python                 requirements-medallion20old.txt
  OPENTAXII_PYTHON       default .venv-opentaxii/bin/python                      requirements-opentaxii.txt
"""

import atexit
import datetime
import hashlib
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import requests

from foreign_objects import EPOCH, stamp
from peer_certificates import PeerAuthority

TAXII_21 = "application/taxii+json;version=2.1"
TAXII_20 = "application/vnd.oasis.taxii+json; version=2.0"
STIX_20 = "application/vnd.oasis.stix+json; version=2.0"
SECONDS = 60


def interpreter(name):
    """The interpreter of a foreign server, or None if its virtual environment is not there."""
    default = Path(__file__).resolve().parents[2] / f".venv-{name}/bin/python"
    path = os.environ.get(f"{name.upper()}_PYTHON", str(default))
    return path if os.access(path, os.X_OK) else None


class ForeignServer:
    """A server in a folder of its own, on a free port; `collections` are the ids by what they are for."""

    environment_name = None

    def __init__(self, authority=None, client_ca=None):
        self.python = interpreter(self.environment_name)
        assert self.python, f"{self.environment_name} is not installed"
        self.folder_kept = tempfile.TemporaryDirectory(prefix=f"{self.environment_name}-")
        self.folder = Path(self.folder_kept.name)
        self.authority = authority or PeerAuthority(self.folder)
        self.ca, self.client_ca, self.cert = self.authority.ca, client_ca, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.log_path = self.folder / "server.log"
        self.command, self.environment, self.process = None, {}, None

    def start(self, application):
        crt, key = self.authority.server()
        self.command = [
            self.python, "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "8", "--certfile", crt, "--keyfile", key,
            "--graceful-timeout", "2", "--chdir", str(self.folder), "--worker-tmp-dir", str(self.folder), application,
        ]
        if self.client_ca:
            self.command += ["--ca-certs", self.client_ca, "--cert-reqs", str(int(ssl.CERT_REQUIRED))]
            self.cert = self.authority.client()
        atexit.register(self.stop)
        self.begin()

    def begin(self):
        """Gunicorn takes over the listening socket, so that nobody else can get the port in between."""
        number = self.listener.fileno()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--bind", f"fd://{number}"], stdout=log, stderr=log, pass_fds=[number], start_new_session=True, env=self.surroundings())
        self.listener.close()
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def surroundings(self):
        return {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {"HOME": str(self.folder)} | self.environment

    def restart(self):
        """The same server again on the same port, after `go_down` or at once. What it only had in memory is gone."""
        self.go_down()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.begin()

    def go_down(self):
        """Ends the server as an init system does; connections are refused until `restart`."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def wait_until_ready(self):
        deadline = time.monotonic() + SECONDS
        while True:
            assert self.process.poll() is None, f"the server ended at once:\n{self.log()}"
            try:
                answer = self.get(self.discovery_url, timeout=2)
                assert answer.status_code == 200, (answer.status_code, answer.text)
                return
            except requests.RequestException:
                assert time.monotonic() < deadline, f"the server is not ready after {SECONDS} s:\n{self.log()}"
                time.sleep(0.05)

    def stop(self):
        atexit.unregister(self.stop)
        self.listener.close()
        self.go_down()
        self.folder_kept.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # An independent client

    @property
    def discovery_url(self):
        return f"{self.url}/taxii2/"

    @property
    def discovery_accept(self):
        return TAXII_21

    def ask(self, method, url, headers, **options):
        options = {"auth": self.credentials, "verify": self.ca, "cert": self.cert, "timeout": SECONDS} | options
        return requests.request(method, url, headers=headers, **options)

    def get(self, url, accept=None, headers=(), **options):
        return self.ask("GET", url, {"Accept": accept or self.discovery_accept} | dict(headers), **options)

    def objects_url(self, collection):
        return f"{self.api_root}collections/{self.collections[collection]}/objects/"

    def objects(self, collection, **query):
        """Every version of every object, in the server's order, by its own paging."""
        found, query = [], {"match[version]": "all", "limit": 10} | query
        while True:
            answer = self.get(self.objects_url(collection), params=query)
            assert answer.status_code == 200, (answer.status_code, answer.text, self.log()[-3000:])
            envelope = answer.json()
            found += envelope.get("objects", [])
            if not envelope.get("more"):
                return found
            query["next"] = envelope["next"]

    def post(self, collection, objects, auth=None, **headers):
        """The answer to adding objects."""
        headers = {"Accept": TAXII_21, "Content-Type": TAXII_21} | headers
        return self.ask("POST", self.objects_url(collection), headers, data=json.dumps({"objects": objects}), auth=auth or self.credentials)

    def status(self, identifier):
        return self.get(f"{self.api_root}status/{identifier}/")


def dated(objects, batch):
    """Pairs of date_added and object; each `batch` share a date, as objects of one POST do in medallion."""
    return [(stamp(EPOCH + datetime.timedelta(days=1, seconds=number // batch, microseconds=302472)), found) for number, found in enumerate(objects)]


class MedallionServer(ForeignServer):
    """What all medallions with the memory back end have in common."""

    credentials = ("partner", "open: sesame 7")
    versions = [TAXII_21]
    media_type = "application/stix+json;version=2.1"

    def __init__(self, seed=(), page=20, batch=10, max_content_length=1_048_576, **named):
        super().__init__(**named)
        self.page = page
        self.api_root = f"{self.url}/exchange/"
        self.collections = {name: str(uuid.uuid4()) for name in ("read", "write", "closed")}
        root = {
            "information": {"title": "Exchange", "versions": self.versions, "max_content_length": max_content_length}, "status": [],
            "collections": [
                self.collection("read", True, False, dated(seed, batch)), self.collection("write", True, True, []),
                self.collection("closed", False, False, []),
            ],
        }
        discovery = {"title": "Foreign medallion", "default": self.api_root, "api_roots": [self.api_root]}
        (self.folder / "data.json").write_text(json.dumps({"/discovery": discovery, "exchange": root}))
        (self.folder / "config.json").write_text(json.dumps(self.configuration()))
        self.start(f"medallion:{self.factory}('{self.folder}/config.json')")

    def collection(self, name, can_read, can_write, entries):
        return {
            "id": self.collections[name], "title": f"To {name}", "can_read": can_read, "can_write": can_write, "media_types": [self.media_type],
            "objects": [found for _, found in entries], "manifest": self.manifest(entries),
        }


class Medallion(MedallionServer):
    """TAXII 2.1 by OASIS's own server."""

    environment_name = "medallion"
    factory = "load_app"

    def configuration(self):
        backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": str(self.folder / "data.json")}
        return {"backend": backend, "users": dict([self.credentials]), "taxii": {"max_page_size": self.page}}

    def manifest(self, entries):
        return [{"id": found["id"], "date_added": date, "version": found["modified"], "media_type": self.media_type} for date, found in entries]


class Medallion20(MedallionServer):
    """TAXII 2.0 by the last medallion that spoke it: bundles, Range, other media types."""

    environment_name = "medallion20"
    factory = "create_app"
    range_form = "items={}-{}"
    versions = ["taxii-2.0"]
    media_type = STIX_20

    def configuration(self):
        user, password = self.credentials
        return {
            "backend": {"module": "medallion.backends.taxii.memory_backend", "module_class": "MemoryBackend", "filename": str(self.folder / "data.json")},
            "auth": {"module": "medallion.backends.auth.memory_auth", "module_class": "AuthMemoryBackend", "users": {user: password_hash(password)}},
            "taxii": {"max_page_size": self.page},
        }

    def manifest(self, entries):
        listed = {}
        for date, found in entries:
            record = listed.setdefault(found["id"], {"id": found["id"], "date_added": date, "versions": [], "media_types": [STIX_20]})
            record["versions"].insert(0, found["modified"])
        return list(listed.values())

    @property
    def discovery_url(self):
        return f"{self.url}/taxii/"

    @property
    def discovery_accept(self):
        return TAXII_20

    def objects(self, collection, **query):
        """Every version of every object. The total is in Content-Range, and the last item of a range is left out of the
        answer, whatever the header says: so the next page begins after what really came."""
        found, query = [], {"match[version]": "all"} | query
        while True:
            asked = self.range_form.format(len(found), len(found) + self.page - 1)
            answer = self.get(self.objects_url(collection), accept=STIX_20, params=query, headers={"Range": asked})
            if answer.status_code == 416:
                return found
            assert answer.status_code == 206, (answer.status_code, answer.text, self.log()[-3000:])
            came = answer.json()["objects"]
            found += came
            if not came or len(found) >= int(answer.headers["Content-Range"].rpartition("/")[2]):
                return found

    def post(self, collection, objects, **headers):
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "spec_version": "2.0", "objects": objects}
        return self.ask("POST", self.objects_url(collection), {"Accept": TAXII_20, "Content-Type": STIX_20} | headers, data=json.dumps(bundle))


class Medallion20Old(Medallion20):
    """The same a version earlier, with a Range that 1.1.0 refuses, and that refuses what 1.1.0 takes."""

    environment_name = "medallion20old"
    range_form = "items {}-{}"


def password_hash(password, rounds=1000):
    """As Werkzeug writes it."""
    salt = secrets.token_hex(8)
    return f"pbkdf2:sha256:{rounds}${salt}${hashlib.pbkdf2_hmac('sha256', password.encode(), salt.encode(), rounds).hex()}"


class OpenTaxii(ForeignServer):
    """TAXII 2.1 by EclecticIQ's server on SQLite. The partner is an ordinary account, which has only the rights that a
    collection gives everybody; "closed" is for the administrator alone."""

    environment_name = "opentaxii"
    credentials = ("partner", "open: sesame 7")
    administrator = ("administrator", "open: sesame 8")

    def __init__(self, seed=(), batch=10, max_content_length=1_048_576, **named):
        super().__init__(**named)
        (self.folder / "opentaxii.yml").write_text(json.dumps({
            "domain": f"localhost:{self.port}", "support_basic_auth": True, "return_server_error_details": False, "taxii1": None,
            "auth_api": {"class": "opentaxii.auth.sqldb.SQLDatabaseAPI", "parameters": {
                "db_connection": f"sqlite:///{self.folder}/auth.db", "create_tables": True, "secret": secrets.token_hex(32), "token_ttl_secs": 3600}},
            "taxii2": {
                "title": "Foreign OpenTAXII", "contact": "nobody@example.org", "description": "For tests", "public_discovery": False,
                "allow_custom_properties": True, "max_content_length": max_content_length,
                "persistence_api": {"class": "opentaxii_store.TextIds", "parameters": {
                    "db_connection": f"sqlite:///{self.folder}/data.db", "create_tables": True}},
            },
            "logging": {"opentaxii": "warning", "root": "warning"},
        }))
        self.environment = {"OPENTAXII_CONFIG": str(self.folder / "opentaxii.yml"), "PYTHONPATH": str(Path(__file__).parent)}
        # Only what anybody may write to takes objects of an ordinary account.
        made = self.make({
            "accounts": [[*self.administrator, True], [*self.credentials, False]],
            "collections": [["read", True, False], ["write", True, True], ["closed", False, False]],
        })
        self.api_root, self.collections = f"{self.url}/taxii2/{made['api_root']}/", made["collections"]
        self.start("opentaxii.http:app")
        for begin in range(0, len(seed), batch):
            answer = self.post("read", list(seed[begin : begin + batch]), auth=self.administrator)
            if answer.status_code != 202:
                self.stop()
                raise AssertionError(answer.text)

    def make(self, wanted):
        done = subprocess.run(
            [self.python, Path(__file__).with_name("opentaxii_setup.py")], input=json.dumps(wanted), capture_output=True, text=True,
            timeout=SECONDS, env=self.surroundings(), cwd=self.folder)
        assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
        return json.loads(done.stdout)

    def token(self, credentials=None):
        """A bearer token, good for an hour or more."""
        user, password = credentials or self.credentials
        answer = self.ask("POST", f"{self.url}/management/auth", {}, json={"username": user, "password": password}, auth=None)
        assert answer.status_code == 200, answer.text
        return answer.json()["token"]


SERVERS = {"medallion": Medallion, "medallion20": Medallion20, "medallion20old": Medallion20Old, "opentaxii": OpenTaxii}
