"""`liaison sync` from and to TAXII servers of other makers, and through a hub: what comes out is what went in, by value."""

import subprocess

import pytest
from conftest import TLP2, canonical, lacking
from foreign_objects import indicators, keys_of
from foreign_servers import SERVERS, interpreter
from sync_hubs import two_hubs
from syncing import LOOPBACK, OTHER, THEM, US, Jobs

pytestmark = pytest.mark.timeout(180)
LIMITS = {"page": 7, "answer_secs": 10}
SEED = indicators(45, versions=3)
MEMORY_MB = 400


@pytest.fixture(scope="module")
def foreign():
    """Makes servers; those that are named "shared" are started once, since OpenTAXII takes its time."""
    servers, shared = [], {}

    def foreign(name, seed=(), shared_as=None):
        if not interpreter(name):
            lacking(f"no virtual environment with requirements-{name}.txt")
        if shared_as not in shared or shared_as is None:
            servers.append(SERVERS[name](seed))
            shared[shared_as] = servers[-1]
        return shared[shared_as]

    yield foreign
    for server in servers:
        server.stop()


@pytest.fixture
def opentaxii(foreign):
    return foreign("opentaxii", SEED, "opentaxii")


@pytest.fixture
def medallion(foreign):
    return foreign("medallion", SEED, "medallion")


@pytest.fixture
def jobs(binary, tmp_path):
    return Jobs(binary, tmp_path / "jobs")


def basic(jobs, server):
    """How a job says who we are to such a server."""
    secret = jobs.folder / "password"
    secret.write_text(server.credentials[1] + "\n")
    secret.chmod(0o600)
    return {"user": server.credentials[0], "password_file": "password"}


def bearer(jobs, server):
    secret = jobs.folder / "token"
    secret.write_text(server.token())
    secret.chmod(0o600)
    return {"token_file": "token"}


def by_value(objects):
    return sorted(canonical(found) for found in objects)


def marked_indicators(count, **options):
    return indicators(count, object_marking_refs=[TLP2["GREEN"]], **options)


# Sources


@pytest.mark.parametrize("page", [7, 10, 50])
def test_medallion_as_a_source_loses_nothing(medallion, jobs, page):
    """One `next` for a whole walk, and one date for all objects of a POST."""
    jobs.pull(medallion, collection=medallion.collections["read"], server=basic(jobs, medallion), limits=LIMITS | {"page": page})
    told, code, _, memory = jobs.measured()
    assert code == 0 and memory < MEMORY_MB, told
    assert by_value(jobs.objects()) == by_value(SEED)
    assert jobs.once()["counts"]["received"] == 0


def test_medallion_gives_what_is_added_and_what_a_kill_interrupted(foreign, jobs):
    server = foreign("medallion")
    sent = marked_indicators(30, seed=2)
    jobs.pull(server, collection="To write", server=basic(jobs, server), limits=LIMITS)
    for begin in range(0, 30, 10):
        assert server.post("write", sent[begin : begin + 10]).status_code == 202
        for _ in range(3):
            process = jobs.begin("run", "--once", "pull")
            try:
                process.wait(0.12)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        jobs.once()
        assert set(by_value(jobs.objects())) == set(by_value(sent[: begin + 10]))


def test_opentaxii_as_a_source_has_its_spec_version_refused(opentaxii, jobs):
    """Every object says that its spec_version is its type: what is no STIX 2.1 is not taken, and each one is told."""
    jobs.pull(opentaxii, collection=opentaxii.collections["read"], server=bearer(jobs, opentaxii), limits=LIMITS)
    told = jobs.once("pull", 1)
    assert told["counts"]["refused"] == len(SEED) and jobs.objects() == []
    assert keys_of([letter["object"] for letter in jobs.letters()]) == keys_of(SEED)
    assert all("spec_version" in letter["reason"] for letter in jobs.letters())


def test_opentaxii_as_a_source_is_put_right_if_that_is_wanted(opentaxii, jobs):
    jobs.pull(opentaxii, collection="To read", server=basic(jobs, opentaxii), limits=LIMITS, source={"repair_spec_version": True})
    assert jobs.once()["counts"]["refused"] == 0
    assert by_value(jobs.objects()) == by_value(SEED)
    assert jobs.once()["counts"]["received"] == 0


@pytest.mark.parametrize("name", ["medallion", "opentaxii"])
def test_wrong_secrets_and_names_are_told(foreign, jobs, name):
    server = foreign(name, SEED, name)
    access = basic(jobs, server)
    (jobs.folder / "password").write_text("wrong")
    jobs.pull(server, collection=server.collections["read"], server=access, limits=LIMITS)
    assert "401" in jobs.once("pull", 1)["error"]
    (jobs.folder / "password").chmod(0o644)
    assert "password" in jobs.once("pull", 1)["error"]
    assert jobs.run("check").returncode == 1
    basic(jobs, server)
    assert jobs.run("check").returncode == 0
    jobs.pull(server, collection="To nowhere", server=access, limits=LIMITS)
    told = jobs.once("pull", 1)
    assert "To nowhere" in told["error"] and "To read" in told["error"]


# Targets


def sends(jobs, source, target, access, id="pull"):
    """A job from the one to the other."""
    server = {"url": target.url, "ca": target.ca, "allow_addresses": LOOPBACK} | access(jobs, target)
    jobs.pull(source, id=id, collection="To read", server=basic(jobs, source), limits=LIMITS,
              target={"kind": "taxii", "collection": "To write", "server": server})


@pytest.mark.parametrize("name, accesses", [("medallion", [basic]), ("opentaxii", [basic, bearer])])
def test_other_makers_take_what_is_sent(foreign, jobs, name, accesses):
    target, everything = foreign(name, SEED, name), []
    for number, access in enumerate(accesses):
        sent = marked_indicators(40, versions=2, seed=10 + number)
        everything += sent
        sends(jobs, foreign("medallion", sent), target, access, f"send-{number}")
        assert jobs.once(f"send-{number}")["counts"]["stored"] == len(sent) and jobs.letters(f"send-{number}") == []
        arrived = [found | {"spec_version": "2.1"} for found in target.objects("write")]
        assert by_value(arrived) == by_value(everything)
        assert jobs.once(f"send-{number}")["counts"]["received"] == 0


def test_a_target_that_calls_what_it_has_a_failure_gets_nothing_lost(foreign, jobs):
    """medallion: "Unable to process object" for what is there already, as after a run whose position was lost."""
    sent = marked_indicators(20)
    source, target = foreign("medallion", sent), foreign("medallion")
    sends(jobs, source, target, basic)
    jobs.once()
    (jobs.state_dir / "pull.json").unlink()
    jobs.run("run", "--once", "pull")
    assert by_value(target.objects("write")) == by_value(sent)
    assert {letter["reason"] for letter in jobs.letters()} <= {"Unable to process object"}


# Through hubs


def test_a_round_trip_keeps_every_value(foreign, make_hub, tmp_path, jobs):
    """medallion → our hub → the partner's hub → files."""
    hub_a, hub_b = two_hubs(make_hub)
    # Of somebody who takes part in neither hub: what claims to be a hub's own is not taken from outside.
    odd = [
        found | {"created_by_ref": OTHER, "x_note": "ä☃𝄞 \"\\ \n", "confidence": number % 100, "labels": [f"label {number}"]}
        for number, found in enumerate(marked_indicators(40, versions=3))
    ]
    server = foreign("medallion", odd)
    first = hub_a.jobs
    first.pull(server, id="in", collection="To read", server=basic(first, server), limits=LIMITS, every="1s",
               target={"kind": "hub", "collection": hub_a.collection, "client": "cert-a/feed"}, forward={})
    second = hub_b.jobs
    second.declare(
        id="across", every="1s", jitter="0s", limits=LIMITS,
        source={"kind": "taxii", "collection": hub_a.collection, "owners": [OTHER], "server": hub_a.wire("cert-b")},
        target={"kind": "hub", "collection": hub_b.collection, "client": "cert-b/feed"})
    hub_a.start()
    hub_b.start()
    hub_b.await_objects("cert-b", len(odd))
    assert by_value(hub_b.all_objects("cert-b")) == by_value(odd)
    jobs.declare(
        id="out", limits=LIMITS, forward={"ours": [US, THEM], "identities": ["identity--dddddddd-0000-4000-8000-000000000000"]},
        source={"kind": "taxii", "collection": hub_b.collection, "owners": [OTHER], "server": hub_b.wire("cert-a")},
        target={"kind": "files", "dir": "out", "format": "jsonl"})
    assert jobs.once("out")["counts"]["stored"] == len(odd)
    assert by_value(jobs.objects()) == by_value(odd)
