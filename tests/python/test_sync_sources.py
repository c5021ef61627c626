"""`liaison sync` from TAXII 2.0 servers and from files: of a directory, of a web server, of a MISP feed."""

import json
import uuid

import pytest
from conftest import lacking, uuid4
from foreign_objects import indicators, indicators_20, keys_of
from foreign_servers import SERVERS, interpreter
from hostile_files import HttpFiles
from pymisp import MISPEvent
from syncing import US, Jobs, server_of

pytestmark = pytest.mark.timeout(120)
SUBMIT = {"author": US, "author_name": "CERT US", "tlp": "GREEN", "purposes": ["cyber-defence", "incident-response"], "confidence": 60}


@pytest.fixture
def jobs(binary, tmp_path):
    return Jobs(binary, tmp_path / "jobs")


def files(jobs, **source):
    """A job from files to files."""
    target = {"kind": "files", "dir": "out", "format": "jsonl"}
    return jobs.declare(id="pull", source={"kind": "file"} | source, target=target, forward={"ours": [US], "identities": [f"identity--{uuid4()}"]})


def patterns(jobs):
    return [found["pattern"] for found in jobs.objects() if found["type"] == "indicator"]


@pytest.mark.parametrize("name", ["medallion20", "medallion20old"])
def test_a_taxii_2_0_server_gives_all_its_objects_as_stix_2_1(jobs, name):
    if not interpreter(name):
        lacking(f"no virtual environment with requirements-{name}.txt")
    server = SERVERS[name](indicators_20(45, versions=2))
    try:
        secret = jobs.folder / "password"
        secret.write_text(server.credentials[1])
        secret.chmod(0o600)
        access = server_of(server, user=server.credentials[0], password_file="password")
        jobs.declare(
            id="pull", source={"kind": "taxii20", "collection": server.collections["read"], "owners": "any", "server": access},
            target={"kind": "files", "dir": "out"}, forward={"ours": [US], "identities": [f"identity--{uuid4()}"]}, marking={"unmarked": "assume:CLEAR"})
        told = jobs.once()
        found = jobs.objects()
        assert told["counts"]["refused"] == 0, jobs.letters()
        assert {one["id"] for one in found} >= {one["id"] for one in indicators_20(45, versions=2)}
        assert all(one["spec_version"] == "2.1" and one["pattern_type"] == "stix" for one in found if one["type"] == "indicator")
    finally:
        server.stop()


def test_a_directory_is_read_file_by_file_and_again_only_what_has_changed(jobs):
    folder = jobs.folder / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("value,type\nevil-a[.]top,\n198.51.100.7,ipv4-addr\nnonsense,\n")
    (folder / "b.txt").write_text("Block hxxp://evil-b[.]top/x please")
    (folder / ".hidden.csv").write_text("value\nevil-hidden.top\n")
    files(jobs, path="in", submit=SUBMIT)
    told = jobs.once(code=1)
    assert sorted(patterns(jobs)) == ["[domain-name:value = 'evil-a.top']", "[ipv4-addr:value = '198.51.100.7']", "[url:value = 'http://evil-b.top/x']"]
    assert told["counts"]["stored"] == 3 and [letter["code"] for letter in jobs.letters()] == ["left_out"]
    assert "line 4" in jobs.letters()[0]["id"]
    assert jobs.once()["counts"]["received"] == 0
    (folder / "b.txt").write_text("Block hxxp://evil-b[.]top/x and hxxp://evil-c[.]top/y please")
    jobs.once()
    versions = {}
    for one in jobs.objects():
        versions.setdefault(one["id"], set()).add(one["modified"])
    # What has not changed keeps its version, in a file that has.
    assert all(len(found) == 1 for found in versions.values()) and len(versions) == 4


def test_stix_goes_on_word_for_word(jobs):
    objects = indicators(30)
    (jobs.folder / "bundle.json").write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": objects}))
    (jobs.folder / "lines").write_text("\n".join(json.dumps(one) for one in objects[:3]))
    target = {"kind": "files", "dir": "out", "format": "jsonl"}
    jobs.declare(
        id="pull", source={"kind": "file", "path": "bundle.json"}, target=target,
        forward={"identities": [f"identity--{uuid4()}"]}, marking={"unmarked": "assume:CLEAR"})
    assert jobs.once()["counts"]["stored"] == 30
    assert keys_of(jobs.objects()) == keys_of(objects)


def test_what_is_no_stix_needs_terms(jobs):
    (jobs.folder / "a.txt").write_text("Block evil-a[.]top")
    files(jobs, path="a.txt")
    told = jobs.once(code=1)
    assert "source.submit" in told["error"]


def test_a_web_server_is_asked_with_its_etag(jobs):
    with HttpFiles({"/list.csv": b"value\nevil-a.top\n"}) as peer:
        access = {"url": f"{peer.url.rstrip('/')}/list.csv", "ca": str(peer.ca), "allow_addresses": ["127.0.0.0/8", "::1/128"]}
        files(jobs, server=access, submit=SUBMIT)
        assert jobs.once()["counts"]["stored"] == 1
        assert jobs.once()["counts"]["received"] == 0
        assert any("if-none-match" in {name.lower() for name in request.headers} for request in peer.requests)
        peer.put("/list.csv", b"value\nevil-a.top\nevil-b.top\n")
        jobs.once()
        assert sorted(set(patterns(jobs))) == ["[domain-name:value = 'evil-a.top']", "[domain-name:value = 'evil-b.top']"]


def test_a_feed_of_misp_is_followed_by_its_manifest(jobs):
    def event(value):
        made = MISPEvent()
        made.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, value))
        made.info = value
        made.add_attribute("domain", value, to_ids=True)
        return made

    first, second = event("evil-one.top"), event("evil-two.top")
    manifest = {first.uuid: {"timestamp": 1, "info": "x"}}
    with HttpFiles({"/feed/manifest.json": json.dumps(manifest).encode(), f"/feed/{first.uuid}.json": json.dumps({"Event": json.loads(first.to_json())}).encode()}) as peer:
        access = {"url": f"{peer.url.rstrip('/')}/feed", "ca": str(peer.ca), "allow_addresses": ["127.0.0.0/8", "::1/128"]}
        files(jobs, server=access, misp_feed=True, submit=SUBMIT)
        jobs.once()
        assert patterns(jobs) == ["[domain-name:value = 'evil-one.top']"]
        peer.put(f"/feed/{second.uuid}.json", json.dumps({"Event": json.loads(second.to_json())}).encode())
        peer.put("/feed/manifest.json", json.dumps(manifest | {second.uuid: {"timestamp": 2}}).encode())
        jobs.once()
        assert patterns(jobs) == ["[domain-name:value = 'evil-one.top']", "[domain-name:value = 'evil-two.top']"]
