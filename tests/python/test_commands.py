"""The command line: exit codes and messages, forms of input and output, and polls that are killed."""

import gzip
import http.server
import json
import os
import random
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import tomllib
import urllib.parse

import pytest
import requests
import stix2
from conftest import TAXII, free_port, indicator, marked, read_objects, to_toml, uuid4, wait_for
from cryptography import x509

DONE, FAILED, DEGRADED, USAGE, BAD_DATA, UNREACHABLE, NOT_PERMITTED = 0, 1, 2, 64, 65, 69, 77


def ended(answer, code, *texts):
    """Asserts how a command ended, and that it says so for people: no debug output, no backtrace."""
    told = answer.stdout + answer.stderr
    assert answer.returncode == code, told
    for text in texts:
        assert text in told, f"`{text}` is not in: {told}"
    if code not in (DONE, DEGRADED):
        assert told.strip() and "Stop {" not in told and "panicked" not in told and "backtrace" not in told, told
    return answer


def publish(hub, *arguments, org="cert-a", client="feed", **options):
    return hub.run("publish", "--profile", hub.profile(org, client), *arguments, **options)


def poll(hub, *arguments, org="cert-b", client="feed", **options):
    return hub.run("poll", "--profile", hub.profile(org, client), *arguments, **options)


def bundle(objects):
    return {"type": "bundle", "id": f"bundle--{uuid4()}", "objects": objects}


# Wrong connections, the same for every client command

CLIENT_COMMANDS = {"publish": ["publish"], "poll": ["poll"], "whoami": ["whoami"]}


@pytest.fixture
def command(request, hub, tmp_path):
    """A client command without its connection."""
    path = tmp_path / "one.json"
    path.write_text(json.dumps(indicator()))
    return [request.param, *([path] if request.param == "publish" else [])]


@pytest.mark.parametrize("command", CLIENT_COMMANDS, indirect=True)
def test_client_commands_say_what_is_wrong_with_a_connection(hub, make_hub, command):
    profile = ("--profile", hub.profile("cert-b"))
    files = hub.client("cert-b", "feed")
    ended(hub.run(*command, *profile, "--url", f"https://localhost:{free_port()}"), UNREACHABLE, "nothing listens there")
    ended(hub.run(*command, *profile, "--url", "https://no-such-host.invalid"), UNREACHABLE, "no-such-host.invalid")
    ended(hub.run(*command, *profile, "--url", f"http://localhost:{hub.port}"), USAGE, "https://")
    ended(hub.run(*command, *profile, "--url", "nonsense"), USAGE, "URL")
    ended(hub.run(*command), USAGE, "--url", "--profile")
    ended(hub.run(*command, "--url", hub.url), USAGE, "--ca")
    ended(hub.run(*command, "--profile", "nobody"), USAGE, "nobody.toml")
    ended(hub.run(*command, *profile, "--cert", "missing.crt"), USAGE, "missing.crt")
    ended(hub.run(*command, *profile, "--key", files.crt), USAGE, "key")
    ended(hub.run(*command, *profile, "--nonsense"), USAGE, "--nonsense")
    ghost = hub.issue("cert-a", "ghost")
    ended(hub.run(*command, "--profile", ghost.profile), NOT_PERMITTED, "401", "not known here", "registry apply")
    stranger = make_hub(start=False)
    theirs = stranger.client("cert-b", "feed")
    ended(hub.run(*command, *profile, "--cert", theirs.crt, "--key", theirs.key), UNREACHABLE, "does not know the authority")
    ended(hub.run(*command, *profile, "--ca", stranger.ca), UNREACHABLE, "not from the authority in --ca")
    assert hub.on_hub("pki", "revoke", "--client", "cert-b/siem").returncode == 0
    wait_for(lambda: hub.status()["revoked"] == 1, 5, "the revocation list was not read")
    ended(hub.run(*command, "--profile", hub.profile("cert-b", "siem")), UNREACHABLE, "revoked")
    assert hub.fetch("cert-a") == []


def test_profiles_are_found_by_name_and_relative_to_themselves(hub):
    folder = hub.home / ".config/liaison/profiles"
    folder.mkdir(parents=True)
    files = hub.client("cert-b", "feed")
    for path in (files.crt, files.key):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "hub-ca.crt").write_bytes(open(hub.ca, "rb").read())
    text = f'url = "{hub.url}/taxii2/"\nca = "hub-ca.crt"\ncert = "feed.crt"\nkey = "feed.key"\ncollection = "indicators"\n'
    (folder / "b.toml").write_text(text)
    ended(hub.run("whoami", "--profile", "b"), DONE, "cert-b/feed")
    ended(hub.run("poll", "--profile", "b"), DONE, "0 new objects")
    (folder / "bad.toml").write_text(text + "nonsense = 1\n")
    ended(hub.run("whoami", "--profile", "bad"), USAGE, "nonsense")


def test_whoami(hub):
    told = ended(hub.run("whoami", "--profile", hub.profile("cert-b", "siem")), DONE)
    for text in ("cert-b/siem", "consumer", hub.collection, "indicators", hub.root):
        assert text in told.stdout
    answer = json.loads(hub.run("whoami", "--profile", hub.profile("cert-a"), "--json").stdout)
    assert (answer["organisation"], answer["client"], answer["role"]) == ("cert-a", "cert-a/feed", "publisher")
    (root,) = answer["api_roots"]
    assert root["url"] == hub.root and root["collections"][0]["id"] == hub.collection
    assert root["collections"][0]["can_read"] is root["collections"][0]["can_write"] is True


# publish


def test_publish_reads_every_form(hub, tmp_path):
    def write(name, raw):
        (tmp_path / name).write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return tmp_path / name

    made = [indicator(str(number)) for number in range(14)]
    lines = lambda objects: "\n".join(map(json.dumps, objects)) + "\n"
    files = [
        write("bundle.json", json.dumps(bundle(made[0:2]), indent=2)),
        write("envelope.json", json.dumps({"objects": made[2:4], "more": False})),
        write("single.json", json.dumps(made[4], indent=1)),
        write("lines.jsonl", lines(made[5:7]) + "\n\n"),
        write("lines-of-bundles.jsonl", lines([bundle(made[7:8]), made[8]])),
        write("packed.json.gz", gzip.compress(json.dumps(bundle(made[9:10])).encode())),
        write("packed-without-a-name", gzip.compress(lines(made[10:12]).encode())),
    ]
    ended(publish(hub, *files), DONE, "12 objects read: 12 stored or there already (0 were), 0 refused, 0 pending")
    ended(publish(hub, "-", stdin=json.dumps(made[12])), DONE, "1 objects read: 1 stored")
    ended(publish(hub, "--collection", "indicators", "-", stdin=gzip.compress(json.dumps(made[13]).encode())), DONE)
    assert hub.fetch() == made
    again = ended(publish(hub, "--json", *files), DONE)
    assert json.loads(again.stdout) == {
        "total": 12, "success": 12, "unchanged": 12, "failure": 0, "pending": 0, "failures": [],
    }
    assert len(hub.fetch()) == 14


def test_publish_names_what_was_refused(hub, tmp_path):
    good, conflicting = indicator("good"), indicator("first")
    hub.post([conflicting])
    bad = [
        conflicting | {"name": "other"},
        indicator("future", modified="2126-01-01T00:00:00.000Z"),
        {key: value for key, value in indicator("no type").items() if key != "type"},
        indicator("2.0", spec_version="2.0"),
        indicator("not ours", created_by_ref=identity_of(hub, "cert-b")),
    ]
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps(bundle([bad[0], good, *bad[1:]])))
    told = ended(publish(hub, path), FAILED, "6 objects read: 1 stored or there already (0 were), 5 refused")
    for thing in bad:
        assert thing["id"] in told.stderr
    for text in ("conflict", "5 minutes ahead", "`type`", "spec_version", "belongs to another organisation"):
        assert text in told.stderr
    told = ended_json(publish(hub, "--json", path), FAILED)
    assert (told["total"], told["success"], told["unchanged"], told["failure"]) == (6, 1, 1, 5)
    assert {entry["id"] for entry in told["failures"]} == {thing["id"] for thing in bad}
    assert all(entry["message"] for entry in told["failures"])
    assert hub.fetch() == [conflicting, good]


def ended_json(answer, code):
    assert answer.returncode == code, answer.stderr
    return json.loads(answer.stdout)


def identity_of(hub, org):
    """The identity that the registry gives an organisation, as a refusal tells it."""
    registry = hub.registry()
    known = f"identity--{uuid4()}"
    entry = next(entry for entry in registry["organisation"] if entry["id"] == org)
    entry["identity"] = known
    hub.apply(registry)
    return known


@pytest.mark.parametrize("content, text", [
    ("", "ends"),
    ("{", "ends"),
    ("not JSON", "expected"),
    ("[]", "expected a STIX bundle"),
    ("7", "expected a STIX bundle"),
    ('{"objects": []}', "no object"),
    ('{"type": "bundle"}', "objects"),
    ('{"objects": {}}', "objects"),
    ('{"a": 1, "a": 2, "type": "x"}', "twice"),
    (b"\x1f\x8b\x08\x00broken", "cannot read"),
    (b"\xff\xfe", "UTF-8"),
])
def test_publish_stops_before_sending_when_a_file_is_broken(hub, tmp_path, content, text):
    path, good = tmp_path / "broken.json", tmp_path / "good.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    good.write_text(json.dumps(indicator()))
    told = publish(hub, path)
    ended(told, BAD_DATA)
    assert text.lower() in told.stderr.lower(), told.stderr
    if content not in ("", '{"objects": []}'):
        ended(publish(hub, good, path), BAD_DATA, str(path))
        assert hub.fetch() == []


def test_publish_names_the_line_that_is_broken(hub, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text(f"{json.dumps(indicator())}\n\n{{broken\n")
    ended(publish(hub, path), BAD_DATA, f"{path} line 3")
    ended(publish(hub, tmp_path / "missing.json"), BAD_DATA, "missing.json")
    ended(publish(hub), USAGE, "FILES")


def test_publish_needs_the_right_and_one_collection(hub, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(indicator()))
    ended(publish(hub, path, client="siem"), NOT_PERMITTED, "written to", hub.collection)
    ended(publish(hub, path, "--collection", "nothing"), NOT_PERMITTED, "nothing", hub.collection)
    registry = hub.registry()
    registry["agreement"][0]["collection"].append(
        {"id": uuid4(), "title": "Second", "alias": "second", "api_root": "other", "write": ["cert-b"], "unmarked": "reject"}
    )
    hub.apply(registry)
    ended(publish(hub, path), DONE)
    ended(publish(hub, path, "--collection", "second"), NOT_PERMITTED, "Second")
    ended(publish(hub, path, org="cert-b"), USAGE, "--collection", "second", "indicators")
    ended(publish(hub, path, "--collection", "second", org="cert-b"), FAILED, "unmarked")
    ended(publish(hub, path, "--collection", "Second", org="cert-b"), FAILED, "unmarked")
    path.write_text(json.dumps(marked("GREEN")))
    ended(publish(hub, path, "--collection", "second", org="cert-b"), DONE)
    registry["agreement"][0]["valid_from"] = tomllib.loads("day = 2126-01-01")["day"]
    hub.apply(registry)
    ended(publish(hub, path), NOT_PERMITTED, "403", "not in force")
    ended(poll(hub, "--collection", "indicators"), NOT_PERMITTED, "403", "not in force")


def test_publish_dry_run_sends_nothing(hub, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(bundle([indicator(), indicator()])))
    ended(publish(hub, "--dry-run", path), DONE, "2 objects would be sent", "1 envelopes")
    assert hub.fetch() == []


def test_publish_splits_by_the_servers_limit(make_hub, tmp_path):
    hub = make_hub(["server.max_content_length=20000"])
    objects = [indicator(str(number), description="x" * 900) for number in range(100)]
    huge = indicator("huge", description="x" * 21_000)
    path = tmp_path / "many.json"
    path.write_text(json.dumps(bundle([*objects, huge])))
    told = ended(publish(hub, path), FAILED, "101 objects read: 100 stored", "1 refused")
    assert huge["id"] in told.stderr and "20000" in told.stderr
    assert sorted(thing["id"] for thing in hub.fetch()) == sorted(thing["id"] for thing in objects)


def test_publish_outlasts_a_server_that_is_killed(make_hub, tmp_path):
    """What an envelope had stored when its answer was lost is found there by the next try."""
    hub = make_hub(["server.max_content_length=6000"])
    objects = [indicator(str(number)) for number in range(1500)]
    path = tmp_path / "many.json"
    path.write_text(json.dumps(bundle(objects)))
    command = hub.command("publish", "--profile", hub.profile("cert-a"), "--json", path)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=hub.environment())
    stored = lambda: hub.status()["collections"][0]["objects"]
    for part in (100, 600, 1100):
        wait_for(lambda: stored() >= part, 60, "publishing does not go on")
        hub.kill()
        hub.start()
    out, told = process.communicate(timeout=120)
    assert process.returncode == DONE, told
    assert "trying again" in told
    summary = json.loads(out)
    assert (summary["total"], summary["success"], summary["failure"]) == (1500, 1500, 0)
    found = hub.fetch(**{"match[version]": "all"})
    assert sorted(thing["id"] for thing in found) == sorted(thing["id"] for thing in objects)


# poll


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
    versions = [first | {"modified": f"2026-02-01T00:00:00.{digits}Z", "name": digits} for digits in ("1", "123456", "123")]
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
        "first", "1", "123", "123456",
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
    kills, checked = 0, set()
    try:
        deadline = time.monotonic() + 18
        while time.monotonic() < deadline:
            for form in outputs:
                process = subprocess.Popen(command(form), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=hub.environment())
                try:
                    process.wait(generator.uniform(0.0, 0.3))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
                process.wait()
            # What is under its final name is whole at any time.
            for form in ("bundles", "directory"):
                for path in set(outputs[form].rglob("*.json")) - checked:
                    json.loads(path.read_text())
                    checked.add(path)
    finally:
        stop.set()
        publisher.join()
    assert kills > 30, "the polls were too fast to be killed"
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


# init, serve, check, status


def test_init(make_hub, tmp_path):
    hub = make_hub(start=False)
    ended(hub.run("init", hub.dir), FAILED, "exists already")
    other = tmp_path / "other"
    answer = hub.run("init", other, "--name", "hub.cert.example", "--name", "192.0.2.1", "--listen", "0.0.0.0:9000")
    ended(answer, DONE, "liaison serve --config", "liaison publish", "liaison poll")
    names = x509.load_pem_x509_certificate((other / "pki/server.crt").read_bytes()).extensions
    names = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"hub.cert.example", "localhost"}
    assert {str(found) for found in names.get_values_for_type(x509.IPAddress)} == {"192.0.2.1", "127.0.0.1", "::1"}
    assert tomllib.loads((other / "pki/clients/cert-a/feed.toml").read_text())["url"] == "https://hub.cert.example:9000"
    for path in [*other.rglob("*.key"), *other.rglob("*.p12*")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for fixed in ("liaison.toml", "registry.toml", "liaison.db", "pki/ca.crt", "pki/ca.key", "pki/ca.crl", "pki/server.crt"):
        assert (other / fixed).is_file()
    ended(hub.run("init"), USAGE, "DIR")
    ended(hub.run("init", tmp_path / "x", "--listen", "nonsense"), USAGE, "nonsense")
    ended(hub.run("init", tmp_path / "x", "--name", "no host/name"), USAGE, "no host/name")
    assert not (tmp_path / "x/pki/ca.key").exists()
    ended(hub.run("check", "--config", other / "liaison.toml"), DONE)


def test_serve_refuses_to_start_wrongly(make_hub):
    hub = make_hub(start=False)
    serve = ("serve", "--set", f"admin.listen=127.0.0.1:{free_port()}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended(hub.on_hub(*serve, "--set", f"server.listen=127.0.0.1:{taken.getsockname()[1]}"), FAILED, "cannot listen", "server.listen")
    ended(hub.on_hub(*serve, "--set", "server.nonsense=1"), USAGE, "nonsense")
    ended(hub.on_hub(*serve, "--set", "nonsense"), USAGE, "nonsense")
    ended(hub.run("serve", "--config", "missing.toml"), USAGE, "missing.toml")
    key = hub.dir / "pki/server.key"
    key.chmod(0o644)
    ended(hub.on_hub(*serve), FAILED, "chmod 600")
    ended(hub.on_hub("check"), FAILED, "chmod 600")
    key.chmod(0o600)
    database = hub.dir / "liaison.db"
    database.write_bytes(b"this is no database" * 1000)
    ended(hub.on_hub(*serve), FAILED, "liaison.db")
    ended(hub.on_hub("check"), FAILED, "liaison.db")


def test_check(hub):
    told = ended(hub.on_hub("check"), DONE, "settings", "server certificate", "database", "registry", "revocation list")
    assert "BAD" not in told.stdout
    answer = json.loads(hub.on_hub("check", "--json").stdout)
    assert answer["ok"] is True and answer["notes"] and answer["problems"] == []
    (hub.dir / "pki/server.crt").rename(hub.dir / "pki/away")
    answer = hub.on_hub("check", "--json")
    assert answer.returncode == FAILED and json.loads(answer.stdout)["ok"] is False
    assert any("server.crt" in problem for problem in json.loads(answer.stdout)["problems"])
    (hub.dir / "pki/away").rename(hub.dir / "pki/server.crt")
    hub.expected_errors.append("not taken over")
    ended(hub.run("check", "--config", "missing.toml"), USAGE, "missing.toml")


def test_status(hub):
    hub.post([indicator()])
    hub.fetch()
    report = hub.status()
    (collection,) = report["collections"]
    assert (collection["id"], collection["objects"], report["writable"]) == (hub.collection, 1, True)
    assert [found["client"] for found in report["clients"]] == ["cert-b/feed"]
    admin = ("--set", f"admin.listen=127.0.0.1:{hub.admin_port}")
    ended(hub.on_hub("status", *admin), DONE, hub.collection, "cert-b/feed", "1 object versions", "taking objects")
    ended(hub.on_hub("status", "--set", "admin.listen=off"), USAGE, "admin.listen")
    hub.stop()
    ended(hub.on_hub("status", *admin), UNREACHABLE, "liaison serve")


# registry


def test_registry_plan_apply_show(hub):
    path = hub.dir / "new.toml"
    registry = hub.registry()
    path.write_text(to_toml(registry))
    ended(hub.on_hub("registry", "plan", path), DONE, "nothing to change")
    registry["organisation"][0]["name"] = "Another name"
    registry["organisation"][1]["client"].append({"id": "new", "role": "consumer"})
    del registry["organisation"][0]["client"][1]
    path.write_text(to_toml(registry))
    changes = ('"CERT A" → "Another name"', "+ client cert-b/new", "- client cert-a/siem")
    ended(hub.on_hub("registry", "plan", path), DONE, *changes, "nothing was changed")
    ended(hub.on_hub("registry", "apply", path, "--dry-run"), DONE, *changes, "nothing was changed")
    planned = json.loads(hub.on_hub("registry", "plan", path, "--json").stdout)
    assert len(planned["changes"]) == 3 and planned["applied"] is False
    assert "Another name" not in hub.on_hub("registry", "show").stdout
    ended(hub.on_hub("registry", "apply", path), DONE, *changes, "in force")
    applied = json.loads(hub.on_hub("registry", "apply", path, "--json").stdout)
    assert applied["changes"] == []
    shown = hub.on_hub("registry", "show").stdout
    assert tomllib.loads(shown)["organisation"][0]["name"] == "Another name"
    assert json.loads(hub.on_hub("registry", "show", "--json").stdout)["organisation"][0]["name"] == "Another name"
    # What is shown can be applied as it is.
    path.write_text(shown)
    ended(hub.on_hub("registry", "plan", path), DONE, "nothing to change")


@pytest.mark.parametrize("change, text", [
    (lambda text: text + "\nnonsense = 1\n", "nonsense"),
    (lambda text: text.replace('role = "publisher"', 'role = "boss"', 1), "boss"),
    (lambda text: text.replace('parties = ["cert-a"', 'parties = ["cert-z"', 1), "cert-z"),
    (lambda text: text.replace('country = "AA"', 'country = "aaa"'), "country"),
    (lambda text: text.replace('tlp_max = "RED"', 'tlp_max = "PINK"'), "PINK"),
    (lambda text: text.replace('unmarked = "assume:AMBER"', 'unmarked = "maybe"'), "maybe"),
    (lambda text: text.replace('api_root = "exchange"', 'api_root = "taxii2"'), "taxii2"),
    (lambda text: re.sub(r'id = "[0-9a-f-]{36}"', 'id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"', text), "version 4"),
    (lambda text: text.replace('country = "AA"', 'country = "AA"\ntrust_anchor = "missing.crt"', 1), "missing.crt"),
    (lambda text: text.replace('country = "AA"', 'country = "AA"\ntrust_anchor = "registry.toml"', 1), "trust_anchor"),
    (lambda text: "[[organisation", "organisation"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_registry_refuses_what_is_wrong_and_changes_nothing(make_hub, change, text):
    hub = make_hub(start=False)
    path = hub.dir / "wrong.toml"
    path.write_text(change((hub.dir / "registry.toml").read_text()))
    before = hub.on_hub("registry", "show").stdout
    for command in ("plan", "apply"):
        ended(hub.on_hub("registry", command, path), BAD_DATA, text)
    assert hub.on_hub("registry", "show").stdout == before


def test_registry_files_that_are_not_there(make_hub):
    hub = make_hub(start=False)
    ended(hub.on_hub("registry", "apply", "missing.toml"), BAD_DATA, "missing.toml")
    ended(hub.run("registry", "show", "--config", "missing.toml"), USAGE, "missing.toml")
    ended(hub.run("registry"), USAGE)


# pki


def listed(hub):
    return [json.loads(line) for line in hub.on_hub("pki", "list", "--json").stdout.splitlines()]


def test_pki_list_and_show(make_hub):
    hub = make_hub(start=False)
    found = listed(hub)
    assert [(entry["org"], entry["client"]) for entry in found] == [
        (None, None), ("cert-a", "feed"), ("cert-a", "siem"), ("cert-b", "feed"), ("cert-b", "siem"),
    ]
    assert len({entry["serial"] for entry in found}) == 5
    ended(hub.on_hub("pki", "list"), DONE, "server", "cert-a/feed", "cert-b/siem")
    certificate = hub.client("cert-a", "feed").crt
    shown = json.loads(hub.run("pki", "show", certificate, "--json").stdout)
    assert shown["identity"] == "urn:liaison:cert-a:feed" and shown["serial"] == found[1]["serial"]
    assert shown["spki_sha256"] == found[1]["spki_sha256"] and not shown["is_ca"]
    ended(hub.run("pki", "show", certificate), DONE, "urn:liaison:cert-a:feed", shown["spki_sha256"], "key_sha256")
    ended(hub.run("pki", "show", hub.ca), DONE, "no client certificate")
    ended(hub.run("pki", "show", hub.config), BAD_DATA, "liaison.toml")
    ended(hub.run("pki", "show", "missing.crt"), BAD_DATA, "missing.crt")


def test_pki_issue(hub, tmp_path):
    arguments = ("pki", "issue", "--org", "cert-b", "--client")
    ended(hub.on_hub(*arguments, "feed"), FAILED, "has a certificate already", "--replace")
    ended(hub.on_hub(*arguments, "Not A Slug"), USAGE, "Not A Slug")
    ended(hub.on_hub(*arguments, "new", "--days", "5000"), USAGE, "5000")
    ended(hub.on_hub(*arguments, "new", "--days", "0"), USAGE, "days")
    ended(hub.on_hub("pki", "issue", "--org", "cert-b"), USAGE, "--client")
    ended(hub.run(*arguments, "new", "--config", "missing.toml"), USAGE, "missing.toml", "--pki")
    ended(hub.run(*arguments, "new", "--pki", tmp_path), FAILED, "pki init")
    answer = json.loads(hub.on_hub(*arguments, "new", "--out", tmp_path / "out", "--json").stdout)
    assert (answer["org"], answer["client"]) == ("cert-b", "new")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ca.crt", "new.crt", "new.key", "new.p12", "new.p12.password", "new.toml",
    ]
    # The folder is all that the partner needs, wherever it is put.
    registry = hub.registry()
    registry["organisation"][1]["client"].append({"id": "new", "role": "consumer"})
    hub.apply(registry, issue=False)
    (tmp_path / "out").rename(tmp_path / "handed-over")
    ended(hub.run("whoami", "--profile", tmp_path / "handed-over/new.toml"), DONE, "cert-b/new")


def test_pki_revoke(make_hub):
    hub = make_hub(start=False)
    ended(hub.on_hub("pki", "revoke"), USAGE, "--serial", "--client", "--file")
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b"), USAGE, "ORG/CLIENT")
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b/feed", "--serial", "00"), USAGE)
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b/feed", "--reason", "boredom"), USAGE, "boredom")
    ended(hub.on_hub("pki", "revoke", "--client", "cert-b/nobody"), FAILED, "cert-b/nobody", "pki list")
    ended(hub.on_hub("pki", "revoke", "--serial", "0123456789abcdef"), FAILED, "0123456789abcdef")
    ended(hub.on_hub("pki", "revoke", "--file", hub.config), BAD_DATA, "liaison.toml")
    serial = listed(hub)[1]["serial"]
    with_colons = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2)).upper()
    ended(hub.on_hub("pki", "revoke", "--serial", with_colons), DONE, serial, "cert-a/feed")
    ended(hub.on_hub("pki", "revoke", "--serial", serial), DONE)
    records = json.loads(hub.on_hub("pki", "revoke", "--client", "cert-b/feed", "--reason", "superseded", "--json").stdout)
    assert [record["reason"] for record in records] == ["superseded"]
    crl = x509.load_pem_x509_crl((hub.dir / "pki/ca.crl").read_bytes())
    assert {entry.serial_number for entry in crl} == {int(serial, 16), int(records[0]["serial"], 16)}
    authority = x509.load_pem_x509_certificate(open(hub.ca, "rb").read())
    assert crl.is_signature_valid(authority.public_key())
    ended(hub.on_hub("pki", "crl"), DONE, "2 revoked")
    states = {(entry["org"], entry["client"]): entry["state"] for entry in listed(hub)}
    assert states[("cert-a", "feed")] == states[("cert-b", "feed")] != states[("cert-b", "siem")]


def test_pki_renew(hub):
    old = hub.client("cert-b", "siem")
    before = (old.crt.read_bytes(), old.key.read_bytes())
    (hub.home / "old.crt").write_bytes(before[0])
    (hub.home / "old.key").write_bytes(before[1])
    ended(hub.on_hub("pki", "renew", "--org", "cert-b", "--client", "siem"), DONE, "cert-b/siem")
    assert old.crt.read_bytes() != before[0] and old.key.read_bytes() != before[1]
    for cert in (old.cert, (str(hub.home / "old.crt"), str(hub.home / "old.key"))):
        answer = requests.get(f"{hub.url}/liaison/v1/whoami", cert=cert, verify=hub.ca, timeout=10)
        assert answer.json()["client"] == "cert-b/siem"
    ended(hub.on_hub("pki", "renew", "--org", "cert-b", "--client", "nobody"), FAILED, "pki issue")
    ended(hub.on_hub("pki", "renew", "--org", "cert-b"), USAGE, "--client")
    ended(hub.on_hub("pki", "renew", "--server", "--org", "cert-b", "--client", "siem"), USAGE)
    ended(hub.on_hub("pki", "renew"), USAGE)


def test_a_running_server_takes_over_its_renewed_certificate(hub):
    context = ssl.create_default_context(cafile=hub.ca)
    context.load_cert_chain(*hub.client("cert-b", "feed").cert)

    def serial():
        with socket.create_connection(("localhost", hub.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                return connection.getpeercert()["serialNumber"]

    before = serial()
    ended(hub.on_hub("pki", "renew", "--server"), DONE, "server")
    wait_for(lambda: serial() != before, 3, "the server still shows its old certificate")
    assert len(hub.fetch()) == 0


def test_pki_sign(hub, tool, tmp_path):
    openssl = tool("openssl")
    key, csr = tmp_path / "own.key", tmp_path / "own.csr"

    def request(*algorithm):
        command = [openssl, "req", "-new", *algorithm, "-nodes", "-subj", "/CN=anything", "-keyout", key, "-out", csr]
        subprocess.run(command, check=True, capture_output=True)

    request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    arguments = ("pki", "sign", csr, "--org", "cert-b", "--client", "own", "--out", tmp_path / "signed")
    answer = json.loads(ended(hub.on_hub(*arguments, "--json"), DONE).stdout)
    assert answer["key_file"] is None and answer["p12_file"] is None
    registry = hub.registry()
    registry["organisation"][1]["client"].append({"id": "own", "role": "publisher"})
    hub.apply(registry, issue=False)
    certificate = tmp_path / "signed/own.crt"
    found = requests.get(f"{hub.url}/liaison/v1/whoami", cert=(str(certificate), str(key)), verify=hub.ca, timeout=10)
    assert found.json()["client"] == "cert-b/own"
    ended(hub.run("whoami", "--profile", tmp_path / "signed/own.toml", "--key", key), DONE, "cert-b/own")
    ended(hub.on_hub(*arguments), FAILED)
    ended(hub.on_hub("pki", "sign", hub.config, "--org", "cert-b", "--client", "other"), BAD_DATA, "certificate request")
    ended(hub.on_hub("pki", "sign", "missing.csr", "--org", "cert-b", "--client", "other"), BAD_DATA, "missing.csr")
    request("-newkey", "rsa:1024")
    ended(hub.on_hub("pki", "sign", csr, "--org", "cert-b", "--client", "weak"), BAD_DATA, "certificate request")


def test_pki_init(make_hub, tmp_path):
    hub = make_hub(start=False)
    ended(hub.run("pki", "init", "--pki", tmp_path / "ca", "--name", "hub.example"), DONE, str(tmp_path / "ca"))
    ended(hub.run("pki", "init", "--pki", tmp_path / "ca"), FAILED, "exists")
    ended(hub.run("pki", "issue", "--pki", tmp_path / "ca", "--org", "x", "--client", "y"), DONE)
    assert (tmp_path / "ca/clients/x/y.crt").exists()
    ended(hub.run("pki", "init", "--pki", tmp_path / "bad", "--name", "not a name"), USAGE, "not a name")


# Everything


def test_help_and_version(make_hub):
    hub = make_hub(start=False)
    ended(hub.run("--version"), DONE, "liaison")
    ended(hub.run("--help"), DONE, "Exit codes", "publish", "poll")
    for command in ("init", "serve", "check", "status", "registry", "pki", "publish", "poll", "whoami", "demo"):
        ended(hub.run(command, "--help"), DONE, "Usage")
    ended(hub.run(), USAGE, "Usage")
    ended(hub.run("nonsense"), USAGE, "nonsense")
