"""Web servers of files that lie to `liaison sync`: more lies than hostile_files.py tells, feeds of MISP, and jobs that read
from them.

    web = Feed(authority=...)                       # endpoints: "manifest", each event's uuid, "file" for all else
    web.publish(event("one.top"))                   # an event, and its line in the manifest
    web.lie("chunks_cut", on="manifest")
"""

import email.utils
import gzip
import json
import time
import uuid

import pytest
from hostile_files import HttpFiles
from hostile_lies import lie
from hostile_peer import PeerAuthority
from peer_transport import Answer, Sender, hang_up
from pymisp import MISPEvent
from sync_lies import LIMITS
from syncing import THEM, US, Jobs

SUBMIT = {"author": US, "author_name": "CERT US", "tlp": "GREEN", "purposes": ["cyber-defence", "incident-response"], "confidence": 60}
WRITTEN = 1_790_000_000
HTML = (b"<!doctype html><html><head><title>502</title></head><body>Bad gateway. Ask "
        b"<a href='https://help.hoster-status.com/x'>www.hoster-status.com</a></body></html>")


# --- Lies -------------------------------------------------------------------------------------


@lie("answer", on="file", tls_end=True)
def chunks_cut(peer, request, told, answer):
    """Half of the body as good chunks, and no last one; `tls_end`: the connection itself ends as it should."""
    answer.delivery = "cut_chunks" if told.options["tls_end"] else "cut_chunks_hard"
    return answer


@lie("answer", on="file", whole=False)
def no_length(peer, request, told, answer):
    """Neither a length nor chunks: the end of the connection is that of the body. Half of it, and TCP ends without a word
    of TLS; `whole`: all of it, and TLS says that this was all."""
    answer.delivery = "to_the_end" if told.options["whole"] else "to_the_end_hard"
    return answer


@lie("answer", on="file")
def partial_unasked(peer, request, told, answer):
    """206 with the first half, though nobody asked for a range (RFC 9110 §15.3.7)."""
    size = len(answer.body)
    answer.status, answer.body = 206, answer.body[: size // 2]
    return answer.header("Content-Range", f"bytes 0-{size // 2 - 1}/{size}")


@lie("answer", on="file", body=HTML)
def page_instead(peer, request, told, answer):
    """A page for people, with status 200, as portals, proxies and hosters send it; without the file's ETag."""
    answer.body = told.options["body"]
    return answer.header("Content-Type", "text/html; charset=utf-8").header("ETag", None).header("Last-Modified", None)


@lie("answer", on="file")
def empty(peer, request, told, answer):
    answer.body = b""
    return answer


@lie("answer", on="file", how="garbage")
def broken_gzip(peer, request, told, answer):
    """Content-Encoding: gzip, and no gzip behind it, or one that is cut off."""
    packed = gzip.compress(answer.body)
    answer.body = {"garbage": b"\x1f\x8b\x08\0" + b"\xff" * 64, "cut": packed[: len(packed) // 2], "good": packed}[told.options["how"]]
    return answer.header("Content-Encoding", "gzip")


@lie("flag", on="file")
def no_date(peer, request, told):
    """No Date, though RFC 9110 §6.6.1 wants one: whoever reads dates has only its own clock."""


@lie("answer", on="file")
def other_etag_each_time(peer, request, told, answer):
    """The same content, and with each request another ETag, so that If-None-Match never helps."""
    return answer.header("ETag", f'"{uuid.uuid4()}"')


@lie("answer", on="file", etag=True)
def fresh(peer, request, told, answer):
    """The same values, but each time in another file, as if it said when it was made, and conditions are not minded; `etag`
    False: under one ETag that never changes."""
    (body, kind, _), number = peer.files[peer.path_of(request)], len(peer.requests)
    body = body.replace(b"000000000001", b"%012d" % number) if body.startswith(b"{") else body + b"\n" * number
    return Answer(200, body, [("Content-Type", kind), ("ETag", f'"{number}"' if told.options["etag"] else '"one"')])


@lie("instead", on="file", location="http://169.254.169.254/latest/meta-data/", status=302)
def redirect_to(peer, request, told):
    return Answer(told.options["status"], b"", [("Location", told.options["location"].format(peer=peer))])


@lie("instead", on="file", name="closes")
def closes_at_once(peer, request, told):
    """TCP ends, and there is no answer."""
    return Answer(200, b"", delivery="drop")


def half_in_chunks(sender):
    body = sender.answer.body
    sender.write(sender.head(None))
    for begin in range(0, len(body) // 2, 64):
        part = body[begin : min(begin + 64, len(body) // 2)]
        sender.write(b"%x\r\n%b\r\n" % (len(part), part))
    sender.handler.close_connection = True


def without_end(sender):
    sender.handler.wfile.flush()
    sender.handler.is_cut = True
    hang_up(sender.handler.connection)


def to_the_end(sender, share=1):
    body = sender.answer.body
    lines = [line for line in sender.head(0).split(b"\r\n") if not line.startswith(b"Content-Length")]
    sender.write(b"\r\n".join(lines) + body[: len(body) // share])
    sender.handler.close_connection = True


Sender.send_cut_chunks = half_in_chunks
Sender.send_cut_chunks_hard = lambda sender: (half_in_chunks(sender), without_end(sender))
Sender.send_to_the_end = to_the_end
Sender.send_to_the_end_hard = lambda sender: (to_the_end(sender, 2), without_end(sender))


# --- Feeds ------------------------------------------------------------------------------------


def event(*values, number=0, kind="domain"):
    """An event with a uuid of its own that says to look for these values."""
    made = MISPEvent()
    made.uuid = str(uuid.UUID(int=number << 96 | 0x4000_8000_0000_0000_0000, version=4)) if number else str(uuid.uuid4())
    made.info, made.timestamp = f"event of {values[0]}", WRITTEN
    made.add_tag("tlp:green")
    for value in values:
        made.add_attribute(kind, value, to_ids=True)
    return made


def names(count):
    return [f"n{number}.evil-host.top" for number in range(count)]


def csv_of(values):
    return "value,type\n" + "".join(f"{value},\n" for value in values)


def text_of(values):
    return "Block:\n" + "".join(value.replace(".", "[.]") + "\n" for value in values)


def stix_of(objects, id="bundle--00000000-0000-4000-8000-000000000001"):
    return json.dumps({"type": "bundle", "id": id, "objects": objects})


class Feed(HttpFiles):
    """`/feed/manifest.json` and events."""

    def __init__(self, files=(), **named):
        self.manifest, self.is_written = {}, False
        super().__init__(files, **named)

    def respond(self, request):
        if not self.is_written:
            self.put("/feed/manifest.json", json.dumps(self.manifest))
            self.is_written = True
        name = request.path.rpartition("/")[2].removesuffix(".json")
        request.endpoint = name if self.path_of(request).startswith("/feed/") else "file"
        return self.answer(request).header("Date", None if self.flag("no_date") is not None else email.utils.formatdate(usegmt=True))

    def publish(self, made, body=None, **entry):
        """An event; `body` in the place of what it says."""
        self.put(f"/feed/{made.uuid}.json", json.dumps({"Event": json.loads(made.to_json())}) if body is None else body)
        self.list(made.uuid, **{"timestamp": str(WRITTEN), "info": made.info} | entry)

    def list(self, id, **entry):
        self.is_written = False
        self.manifest[id] = {"Orgc": {"name": "THEM", "uuid": THEM[10:]}, "analysis": "2", "date": "2026-11-23", "threat_level_id": "3"} | entry

    def put_manifest(self, body):
        """Something else in the place of the manifest, until an event is listed again."""
        self.put("/feed/manifest.json", body)
        self.is_written = True

    def asked(self, name):
        """How often a file of the feed was asked for."""
        return len(self.seen("GET", name))


# --- Jobs -------------------------------------------------------------------------------------


class FileJobs(Jobs):
    """Jobs that read from a web server."""

    def reads(self, peer, path, id="pull", target=None, access=(), limits=LIMITS, submit=SUBMIT, **source):
        access = {"url": peer.url + path, "ca": str(peer.ca), "allow_addresses": ["127.0.0.0/8", "::1/128"]} | dict(access)
        return self.declare(
            id=id, source={"kind": "file", "server": access} | ({"submit": submit} if submit else {}) | source, limits=limits,
            target=target or {"kind": "files", "dir": "out", "format": "jsonl"}, forward={"ours": [US], "identities": [THEM]},
            marking={"unmarked": "assume:CLEAR"})

    def follows(self, peer, **more):
        return self.reads(peer, "/feed", misp_feed=True, **more)

    def reads_folder(self, files, format="jsonl"):
        """A job that reads these files of a directory."""
        (self.folder / "in").mkdir()
        for name, text in files.items():
            (self.folder / "in" / name).write_text(text)
        self.declare(
            id="pull", source={"kind": "file", "path": "in", "submit": SUBMIT}, target={"kind": "files", "dir": "out", "format": format},
            forward={"ours": [US], "identities": [THEM]}, marking={"unmarked": "assume:CLEAR"})

    def values(self):
        """The value of each indicator that came, in order."""
        return [found["pattern"].split("'")[1] for found in self.objects() if found["type"] == "indicator"]

    def begin_and_stop(self, seconds):
        """Lets the job run for a while, then asks it to stop; the most memory in MB, and the bytes that it wrote."""
        process, most, written = self.begin("run"), 0, 0
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            most, written = max(most, peak_mb(process.pid)), written_bytes(process.pid) or written
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0
        return most, written


@pytest.fixture(scope="module")
def authority():
    return PeerAuthority()


@pytest.fixture
def web(authority):
    with Feed(authority=authority) as peer:
        yield peer


@pytest.fixture
def jobs(binary, tmp_path):
    return FileJobs(binary, tmp_path / "jobs")


def peak_mb(pid):
    with open(f"/proc/{pid}/status") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0) / 1024


def written_bytes(pid):
    """Bytes that a process has given to write so far."""
    with open(f"/proc/{pid}/io") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("wchar")), 0)


__all__ = [
    "HTML", "SUBMIT", "Feed", "FileJobs", "authority", "csv_of", "event", "jobs", "names", "peak_mb", "stix_of", "text_of", "web", "written_bytes"]
