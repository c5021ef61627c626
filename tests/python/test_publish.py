"""Wrong connections, whoami, and publish: exit codes, messages, forms of input."""

import gzip
import json
import subprocess
import tomllib

import pytest
from conftest import free_port, indicator, marked, uuid4, wait_for

DONE, FAILED, DEGRADED, USAGE, BAD_DATA, UNREACHABLE, NOT_PERMITTED = 0, 1, 2, 64, 65, 69, 77
from commands import (
    BAD_DATA,
    DONE,
    FAILED,
    NOT_PERMITTED,
    UNREACHABLE,
    USAGE,
    bundle,
    ended,
    ended_json,
    poll,
    publish,
)

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
    for text in ("conflict", "5 minutes ahead", "`/type`", "spec_version", "belongs to another organisation"):
        assert text in told.stderr
    told = ended_json(publish(hub, "--json", path), FAILED)
    assert (told["total"], told["success"], told["unchanged"], told["failure"]) == (6, 1, 1, 5)
    assert {entry["id"] for entry in told["failures"]} == {thing["id"] for thing in bad}
    assert all(entry["message"] for entry in told["failures"])
    assert hub.fetch() == [conflicting, good]


def identity_of(hub, org):
    """The identity that the registry gives an organisation, as a refusal tells it."""
    registry = hub.registry()
    known = f"identity--{uuid4()}"
    entry = next(entry for entry in registry["organisation"] if entry["id"] == org)
    entry["identity"] = known
    hub.apply(registry)
    return known


@pytest.mark.parametrize("content, text", [
    ("", "no object"),
    ("{", "cut off"),
    ("not JSON", "expected"),
    ("[]", "neither STIX"),
    ("7", "neither STIX"),
    ('{"objects": []}', "no object"),
    ('{"type": "bundle"}', "objects"),
    ('{"objects": {}}', "objects"),
    ('{"type": "x", "a": 1, "a": 2}', "twice"),
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
