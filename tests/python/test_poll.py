"""poll: forms of output, cursors, and polls that are killed."""

import http.server
import json
import random
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest
import stix2
from conftest import TAXII, indicator, marked, read_objects, uuid4, wait_for

DONE, FAILED, DEGRADED, USAGE, BAD_DATA, UNREACHABLE, NOT_PERMITTED = 0, 1, 2, 64, 65, 69, 77
from commands import (
    BAD_DATA,
    DONE,
    FAILED,
    NOT_PERMITTED,
    USAGE,
    ended,
    poll,
)


def test_poll_writes_lines_to_a_file_and_to_standard_output(hub, tmp_path):
    objects = [indicator(str(number)) for number in range(10)]
    out = tmp_path / "feed.jsonl"
    ended(poll(hub, "--out", out), DONE, "0 new objects")
    hub.post(objects[:6])
    ended(poll(hub, "--out", out, "--limit", "4"), DONE, "6 new objects")
    assert read_objects(out) == objects[:6]
    hub.post(objects[6:])
    told = poll(hub, "--out", out, "--json")
    report = json.loads(told.stderr)
    assert (report["collection"], report["objects"], report["pages"]) == (hub.collection, 4, 1)
    assert report["cursor"].endswith("000Z")
    assert read_objects(out) == objects
    ended(poll(hub, "--out", out), DONE, "0 new objects")
    assert read_objects(out) == objects
    told = ended(poll(hub, "--from-start"), DONE)
    assert [json.loads(line) for line in told.stdout.splitlines()] == objects
    ended(poll(hub), DONE, "0 new objects")


def test_poll_fetches_last_versions_or_all(hub, tmp_path):
    first = indicator("first")
    second = first | {"name": "second", "modified": "2026-02-01T00:00:00.000Z"}
    hub.post([first, second])
    for extra, expected in (((), [second]), (("--all-versions",), [first, second])):
        out = tmp_path / f"feed{len(extra)}.jsonl"
        ended(poll(hub, "--out", out, *extra), DONE)
        assert read_objects(out) == expected


def test_poll_writes_bundles(hub, tmp_path):
    objects = [indicator(str(number)) for number in range(7)]
    hub.post(objects[:5])
    out = tmp_path / "bundles"
    ended(poll(hub, "--format", "bundles", "--out", out, "--limit", "3"), DONE, "5 new objects")
    hub.post(objects[5:])
    ended(poll(hub, "--format", "bundles", "--out", out), DONE)
    files = sorted(out.iterdir())
    assert [len(read_objects(path)) for path in files] == [3, 2, 2]
    assert [thing for path in files for thing in read_objects(path)] == objects
    for path in files:
        assert isinstance(stix2.parse(path.read_text()), stix2.Bundle)


def test_poll_going_back_to_an_earlier_output_destroys_nothing(hub, tmp_path):
    objects = [indicator(str(number)) for number in range(4)]
    for step, name in enumerate(("a", "b", "a", "b")):
        hub.post([objects[step]])
        ended(poll(hub, "--format", "bundles", "--out", tmp_path / name), DONE, "1 new object")
    ended(poll(hub, "--format", "bundles", "--out", tmp_path / "a"), DONE, "0 new objects")
    found = {name: [thing for path in sorted((tmp_path / name).iterdir()) for thing in read_objects(path)] for name in "ab"}
    assert found == {"a": objects[0::2], "b": objects[1::2]}
    for step, name in enumerate(("c", "d", "c", "d")):
        hub.post([indicator(f"more {step}")])
        ended(poll(hub, "--out", tmp_path / f"{name}.jsonl"), DONE, "1 new object")
    assert [thing["name"] for thing in read_objects(tmp_path / "c.jsonl")] == ["more 0", "more 2"]
    assert [thing["name"] for thing in read_objects(tmp_path / "d.jsonl")] == ["more 1", "more 3"]


def test_polls_of_two_collections_may_write_to_one_place(hub, tmp_path):
    registry = hub.registry()
    second = uuid4()
    registry["agreement"][0]["collection"].append(
        {"id": second, "title": "Second", "alias": "second", "api_root": "exchange", "unmarked": "assume:AMBER"}
    )
    hub.apply(registry)
    outputs = {"jsonl": tmp_path / "both.jsonl", "bundles": tmp_path / "both"}
    sent = []
    for step in range(6):
        collection = (hub.collection, second)[step % 2]
        sent.append(indicator(str(step)))
        hub.post([sent[-1]], collection=collection)
        for form, out in outputs.items():
            # The same state directory, and one of each form's own.
            state = ("--state", tmp_path / f"state-{form}", "--collection", collection)
            ended(poll(hub, "--format", form, "--out", out, *state), DONE, "1 new object")
            ended(poll(hub, "--format", form, "--out", out, *state), DONE, "0 new objects")
    assert read_objects(outputs["jsonl"]) == sent
    assert [thing for path in sorted(outputs["bundles"].iterdir()) for thing in read_objects(path)] == sent


def test_poll_writes_a_directory_that_stix2_reads(hub, tmp_path):
    first = indicator("first")
    versions = [first | {"modified": f"2026-02-01T00:00:00.{digits}Z", "name": digits} for digits in ("100", "123456", "123")]
    address = {"type": "ipv4-addr", "spec_version": "2.1", "id": f"ipv4-addr--{uuid4()}", "value": "198.51.100.9"}
    marking = {
        "type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{uuid4()}",
        "created": "2026-01-01T00:00:00.000Z", "definition_type": "statement", "definition": {"statement": "Copyright"},
    }
    hub.post([first, address, marking])
    out = tmp_path / "objects"
    arguments = ("--format", "directory", "--out", out, "--all-versions")
    ended(poll(hub, *arguments), DONE, "3 new objects")
    hub.post(versions)
    ended(poll(hub, *arguments), DONE, "3 new objects")
    source = stix2.FileSystemSource(str(out), allow_custom=False)
    assert [found["name"] for found in sorted(source.all_versions(first["id"]), key=lambda found: found["modified"])] == [
        "first", "100", "123", "123456",
    ]
    assert source.get(first["id"])["name"] == "123456"
    assert source.get(address["id"])["value"] == "198.51.100.9"
    assert source.get(marking["id"])["definition"]["statement"] == "Copyright"
    assert {found["type"] for found in source.query()} == {"indicator", "ipv4-addr", "marking-definition"}
    kept = [json.loads(path.read_text()) for path in out.rglob("*.json")]
    assert sorted(map(json.dumps, kept)) == sorted(map(json.dumps, [first, address, marking, *versions]))


def test_poll_keeps_a_cursor_for_each_client(make_hub, tmp_path):
    """Two certificates of one user see different things; the cursor of one must not hide the other's."""
    hub = make_hub()
    registry = hub.registry()
    registry["organisation"][1]["client"][1]["tlp_max"] = "GREEN"
    hub.apply(registry)
    green, amber = marked("GREEN"), marked("AMBER")
    hub.post([green, amber, marked("GREEN")])
    ended(poll(hub, "--out", tmp_path / "siem.jsonl", client="siem"), DONE, "2 new objects")
    ended(poll(hub, "--out", tmp_path / "feed.jsonl"), DONE, "3 new objects")
    # A renewed certificate is the same client.
    assert hub.on_hub("pki", "renew", "--org", "cert-b", "--client", "feed").returncode == 0
    ended(poll(hub, "--out", tmp_path / "feed.jsonl"), DONE, "0 new objects")


@pytest.mark.parametrize("arguments, text", [
    (("--format", "bundles"), "--out"),
    (("--format", "directory"), "--out"),
    (("--format", "csv"), "csv"),
    (("--every", "5"), "interval"),
    (("--every", "0s"), "interval"),
    (("--every", "99999999999999999999s"), "interval"),
    (("--limit", "many"), "many"),
])
def test_poll_usage(hub, arguments, text):
    ended(poll(hub, *arguments), USAGE, text)


def test_poll_refuses_what_it_cannot_do(hub, tmp_path):
    hub.post([indicator()])
    ended(poll(hub, "--collection", "nothing"), NOT_PERMITTED, "nothing", hub.collection)
    ended(poll(hub, "--limit", "0"), FAILED, "400", "limit")
    answer = poll(hub, "--out", tmp_path / "missing" / "feed.jsonl")
    assert answer.returncode in (FAILED, 74) and "missing" in answer.stderr
    state = tmp_path / "state"
    ended(poll(hub, "--out", tmp_path / "feed.jsonl", "--state", state), DONE, "1 new object")
    (cursor,) = state.glob("*.json")
    text = cursor.read_text()
    cursor.write_text(text[: len(text) // 2])
    ended(poll(hub, "--out", tmp_path / "feed.jsonl", "--state", state), BAD_DATA, str(cursor), "remove it")


def test_only_one_poll_holds_a_cursor(hub, tmp_path):
    out, state = tmp_path / "feed.jsonl", tmp_path / "state"
    ended(poll(hub, "--out", out, "--state", state), DONE)
    import fcntl

    (lock,) = state.glob("*.lock")
    with open(lock, "a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended(poll(hub, "--out", out, "--state", state), FAILED, "another poll")
    ended(poll(hub, "--out", out, "--state", state), DONE)


def test_polls_killed_at_any_moment_lose_and_repeat_nothing(make_hub, tmp_path):
    hub = make_hub(["limits.requests_per_second=100000", "limits.requests_burst=100000"])
    hub.post([indicator(f"backlog {number}") for number in range(300)])
    stop = threading.Event()

    def publish_on():
        number = 0
        while not stop.is_set():
            hub.post([indicator(f"{number}.{part}") for part in range(random.randint(1, 4))])
            number += 1
            time.sleep(0.04)

    outputs = {
        "jsonl": tmp_path / "feed.jsonl", "bundles": tmp_path / "bundles", "directory": tmp_path / "objects",
    }

    def command(form, limit=3):
        return hub.command(
            "poll", "--profile", hub.profile("cert-b"), "--format", form, "--out", outputs[form],
            "--state", tmp_path / f"state-{form}", "--limit", limit,
        )

    publisher = threading.Thread(target=publish_on)
    publisher.start()
    generator = random.Random(20260209)
    kills, checked, longest = 0, set(), 0.3
    try:
        deadline = time.monotonic() + 120
        while kills < 60:
            assert time.monotonic() < deadline, f"only {kills} polls were killed"
            for form in outputs:
                began = time.monotonic()
                process = subprocess.Popen(command(form), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=hub.environment())
                try:
                    process.wait(generator.uniform(0.0, longest))
                    # Kills fall anywhere in a poll, however fast the machine is.
                    longest = 2 * (time.monotonic() - began)
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills, longest = kills + 1, 1.1 * longest
                process.wait()
            # What is under its final name is whole at any time.
            for form in ("bundles", "directory"):
                for path in set(outputs[form].rglob("*.json")) - checked:
                    json.loads(path.read_text())
                    checked.add(path)
    finally:
        stop.set()
        publisher.join()
    for form in outputs:
        subprocess.run(command(form, 1000), check=True, capture_output=True, env=hub.environment(), timeout=120)
    expected = hub.fetch("cert-a")
    assert read_objects(outputs["jsonl"]) == expected
    files = sorted(outputs["bundles"].glob("*.json"))
    assert [thing for path in files for thing in read_objects(path)] == expected
    kept = [json.loads(path.read_text())["id"] for path in outputs["directory"].rglob("*.json")]
    assert sorted(kept) == sorted(thing["id"] for thing in expected)
    source = stix2.FileSystemSource(str(outputs["directory"]))
    assert len(source.query()) == len(expected)


def test_poll_every_outlasts_a_server_that_is_down(hub, tmp_path):
    hub.post([indicator("before")])
    out, told = tmp_path / "feed.jsonl", tmp_path / "told.txt"
    command = hub.command("poll", "--profile", hub.profile("cert-b"), "--out", out, "--every", "1s", "--json")
    names = lambda: [thing["name"] for thing in read_objects(out)] if out.exists() else []
    with open(told, "wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr, env=hub.environment())
    try:
        wait_for(lambda: names() == ["before"], 10, "the first round did not come")
        hub.post([indicator("meanwhile")])
        wait_for(lambda: names() == ["before", "meanwhile"], 5, "the second round did not come")
        hub.stop()
        wait_for(lambda: "nothing listens there" in told.read_text(), 5, "it does not say that the server is down")
        time.sleep(2.5)
        # It waits longer than its interval before it tries again.
        assert told.read_text().count("nothing listens there") == 1
        hub.start()
        hub.post([indicator("after")])
        wait_for(lambda: names() == ["before", "meanwhile", "after"], 10, "it did not go on")
        hub.post([indicator("later")])
        wait_for(lambda: names()[-1] == "later", 5, "it did not return to its interval")
        rounds = lambda: [json.loads(line) for line in told.read_text().splitlines() if line.startswith("{")]
        wait_for(lambda: sum(found["objects"] for found in rounds()) == 4, 3, "it does not tell what each round brought")
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_poll_every_starts_from_the_beginning_once(hub, tmp_path):
    hub.post([indicator("one")])
    out, told = tmp_path / "feed.jsonl", tmp_path / "told.txt"
    command = hub.command("poll", "--profile", hub.profile("cert-b"), "--out", out, "--every", "1s", "--from-start", "--json")
    with open(told, "wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr, env=hub.environment())
    try:
        wait_for(lambda: told.read_text().count("\n") >= 3, 10, "three rounds did not come")
    finally:
        process.terminate()
        process.wait(10)
    assert len(read_objects(out)) == 1


class Foreign:
    """A TAXII server of another make: it serves the pages that it is told to, and notes the queries."""

    def __init__(self, hub, pages):
        self.pages, self.queries = pages, []
        collection = {"id": hub.collection, "title": "Foreign", "can_read": True, "can_write": False}
        fixed = {
            "/taxii2/": {"title": "Foreign", "api_roots": ["/root/"]},
            "/root/": {"title": "Root", "versions": [TAXII], "max_content_length": 1000},
            "/root/collections/": {"collections": [collection]},
        }
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path, _, query = self.path.partition("?")
                last = None
                if path in fixed:
                    body = fixed[path]
                else:
                    outer.queries.append(dict(urllib.parse.parse_qsl(query)))
                    body, last = outer.pages[len(outer.queries) - 1] if len(outer.queries) <= len(outer.pages) else ({}, None)
                raw = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", TAXII)
                self.send_header("Content-Length", str(len(raw)))
                if last:
                    self.send_header("X-TAXII-Date-Added-Last", last)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(hub.dir / "pki/server.crt", hub.dir / "pki/server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_poll_pages_through_a_server_of_another_make(make_hub, tmp_path):
    """TAXII 2.1 §3.5: the original filters are repeated with `next`; without `next` the date goes on."""
    hub = make_hub(start=False)
    objects = [indicator(str(number)) for number in range(6)]
    dates = [f"2026-01-0{day}T00:00:00.000000Z" for day in range(1, 7)]
    foreign = Foreign(hub, [
        ({"objects": objects[:1], "more": True, "next": "n1"}, dates[0]),
        ({"objects": objects[1:2], "more": True, "next": "n2"}, dates[1]),
        ({"objects": objects[2:3], "more": False, "next": "ignored"}, dates[2]),
        ({"objects": objects[3:4], "more": True, "next": "n3"}, dates[3]),
        ({"objects": objects[4:5], "more": True}, dates[4]),
        ({"objects": objects[5:6]}, dates[5]),
        ({"objects": []}, None),
    ])
    out = tmp_path / "feed.jsonl"
    arguments = ("--url", foreign.url, "--out", out, "--limit", "9")
    ended(poll(hub, *arguments), DONE, "3 new objects")
    ended(poll(hub, *arguments), DONE, "3 new objects")
    ended(poll(hub, *arguments), DONE, "0 new objects")
    assert read_objects(out) == objects
    assert foreign.queries == [
        {"limit": "9"},
        {"limit": "9", "next": "n1"},
        {"limit": "9", "next": "n2"},
        {"limit": "9", "added_after": dates[2]},
        {"limit": "9", "added_after": dates[2], "next": "n3"},
        {"limit": "9", "added_after": dates[4]},
        {"limit": "9", "added_after": dates[5]},
    ]
