"""What `liaison sync` passes on and what it does not: markings, handling, third parties, filters, owners; and its commands:
dry runs, the alarm about volume, exit codes."""

import subprocess

import pytest
from conftest import TLP2, uuid4
from foreign_objects import keys_of
from hostile_peer import HostilePeer, PeerAuthority
from sync_hubs import by_value, handled, made, next_version
from syncing import OTHER, THEM, US, Jobs

pytestmark = pytest.mark.timeout(60)
DONE, FAILED, HELD, USAGE, UNREACHABLE = 0, 1, 2, 64, 69
LIMITS = {"page": 10, "answer_secs": 5}
TLP1 = {
    "CLEAR": "613f2e26-407d-48c7-9eca-b8e91df99dc9", "GREEN": "34098fce-860f-48ae-8e50-ebd3cc5e41da", "AMBER": "f88d31f6-486f-44da-b317-01333bde0b82",
    "RED": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
CREATED = "2026-03-01T08:00:00.000Z"


@pytest.fixture(scope="module")
def authority():
    return PeerAuthority()


@pytest.fixture
def peer(authority):
    with HostilePeer([], authority=authority, page=10) as peer:
        yield peer


@pytest.fixture
def jobs(binary, tmp_path):
    return Jobs(binary, tmp_path / "jobs")


def bare(creator=US, **more):
    found = made(creator, **more)
    del found["object_marking_refs"]
    return found


def thing(kind, creator=US, level="GREEN", **more):
    body = {"name": "x"} | ({"region": "western-europe"} if kind == "location" else {}) | ({"is_family": False} if kind == "malware" else {})
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid4()}", "created_by_ref": creator, "created": CREATED, "modified": CREATED,
            "object_marking_refs": [TLP2[level]]} | body | more


def outcome(peer, jobs, objects, **job):
    """What becomes of the last of these objects: "passed", the reason why it is left out, or the code of its letter."""
    peer.add(objects)
    defaults = {"marking": {}, "limits": LIMITS}
    jobs.pull(peer, **(defaults | job))
    told = jobs.once("pull", jobs.run("run", "--once", "pull", "--dry-run").returncode)
    last = objects[-1]
    passed = [found["id"] for found in jobs.objects()]
    codes = [letter["code"] for letter in jobs.letters() if letter["object"] == last]
    if last["id"] in passed:
        assert codes == []
        return "passed"
    return codes[0] if codes else next(iter(told["counts"]["left_out"]))


def to_them(**more):
    return {"forward": {"ours": [US], "identities": [THEM], "country": "BB"} | more}


# Levels and third parties


@pytest.mark.parametrize("creator, level, forward, expected", [
    (US, "CLEAR", {}, "passed"), (US, "AMBER", {}, "passed"), (US, "AMBER+STRICT", {}, "tlp_above_ceiling"),
    (US, "AMBER", {"tlp_max": "GREEN"}, "tlp_above_ceiling"), (US, "AMBER+STRICT", {"tlp_max": "AMBER+STRICT"}, "passed"),
    (US, "RED", {"tlp_max": "RED"}, "tlp_not_recipient"),
    (OTHER, "GREEN", {}, "passed"), (OTHER, "AMBER", {}, "third_party"), (OTHER, "AMBER", {"tlp_max_of_others": "AMBER"}, "passed"),
    (OTHER, "GREEN", {"tlp_max_of_others": "CLEAR"}, "third_party"),
    (OTHER, "AMBER+STRICT", {"tlp_max": "RED", "tlp_max_of_others": "RED"}, "tlp_not_recipient"),
    (OTHER, "AMBER", {"consents": [OTHER]}, "third_party"), (OTHER, "AMBER", {"ours": [US, OTHER]}, "passed"),
    (THEM, "CLEAR", {}, "origin"), (THEM, "AMBER", {}, "origin"),
    (None, "GREEN", {}, "passed"), (None, "AMBER", {}, "third_party"),
])
def test_ours_goes_up_to_the_ceiling_and_that_of_others_up_to_green(peer, jobs, creator, level, forward, expected):
    found = made(creator, level)
    if creator is None:
        del found["created_by_ref"]
    assert outcome(peer, jobs, [found], **to_them(**forward)) == expected


ASKING = [{"handling_codes": ["H2"]}, {"onward_transfer": "originator-consent"}, {"onward_transfer": "prohibited"}, {"originator_control": True}]


@pytest.mark.parametrize("handling", ASKING, ids=str)
@pytest.mark.parametrize("creator, consents, passes", [(US, [], True), (OTHER, [], False), (OTHER, [THEM], False), (OTHER, [OTHER], True)])
def test_who_wants_to_be_asked_is_asked(peer, jobs, handling, creator, consents, passes):
    codes = {"passed"} if passes else {"onward_transfer", "originator_consent_missing"}
    assert outcome(peer, jobs, handled(creator, **handling), **to_them(consents=consents)) in codes


NOT_ASKING = [{"handling_codes": ["H0"]}, {"handling_codes": ["H1", "H3"], "handling_text": "call the desk first"}, {"onward_transfer": "permitted"}]


@pytest.mark.parametrize("handling", NOT_ASKING, ids=str)
def test_who_does_not_ask_is_not_asked(peer, jobs, handling):
    assert outcome(peer, jobs, handled(OTHER, **handling), **to_them()) == "passed"


@pytest.mark.parametrize("kind", ["identity", "location"])
def test_what_comes_along_is_under_the_same_rule(peer, jobs, kind):
    """A third party's identity may be that of a victim."""
    assert outcome(peer, jobs, [thing(kind, OTHER, "AMBER")], **to_them()) == "third_party"


def test_a_marking_that_comes_after_its_object_is_looked_up(peer, jobs):
    marking, found = handled(OTHER, handling_codes=["H2"])
    assert outcome(peer, jobs, [marking, found], **to_them(), limits=LIMITS | {"page": 1}) == "onward_transfer"
    peer.held["read"].entries.clear()
    marking, found = handled(OTHER, handling_codes=["H2"])
    peer.add([found, marking])
    jobs.once("pull", FAILED)
    assert [letter["code"] for letter in jobs.letters()] == ["onward_transfer"] * 2
    # What was defined in an earlier run still holds, even if the source no longer tells.
    peer.held["read"].entries.clear()
    peer.add([next_version(found)])
    jobs.once("pull", FAILED)
    assert jobs.letters()[-1]["code"] == "onward_transfer" and {found["type"] for found in jobs.objects()} == {"marking-definition"}


def test_a_marking_that_nobody_defines_lets_nothing_pass(peer, jobs):
    _, found = handled(US, handling_codes=["H2"])
    assert outcome(peer, jobs, [found], **to_them()) not in ("passed", "filter", "origin")
    assert found["object_marking_refs"][1] in jobs.letters()[0]["reason"]


@pytest.mark.parametrize("handling, forward, passes", [
    ({"rel_to": ["BB"]}, {}, True), ({"rel_to": ["CC"]}, {}, False), ({"not_rel_to": ["BB"]}, {}, False), ({"rel_to": ["BB"]}, {"country": "CC"}, False),
    ({"purposes": ["cyber-defence"]}, {}, True), ({"purposes": ["fraud-prevention"]}, {}, False),
    ({"purposes": ["fraud-prevention"]}, {"purposes": ["fraud-prevention"]}, True),
], ids=str)
def test_countries_and_purposes_hold_for_the_recipient(peer, jobs, handling, forward, passes):
    assert (outcome(peer, jobs, handled(US, **handling), **to_them(**forward)) == "passed") == passes


# What markings mean


def test_unmarked_objects_are_refused_taken_for_something_or_stamped(peer, jobs):
    found, of_other, marked = bare(), bare(OTHER), made(US, "AMBER")
    peer.add([found, of_other, marked, thing("identity") | {"object_marking_refs": [TLP2["GREEN"]]}])

    def run(id, unmarked, code):
        jobs.pull(peer, id=id, dir=id, marking={"unmarked": unmarked} if unmarked else {}, limits=LIMITS, **to_them())
        jobs.once(id, code)
        return {found["id"]: found for found in jobs.objects(id)}, [letter["object"] for letter in jobs.letters(id)]

    for id, unmarked in (("nothing", None), ("reject", "reject"), ("inherit", "inherit")):
        passed, refused = run(id, unmarked, FAILED)
        assert by_value(refused) == by_value([found, of_other]) and passed[marked["id"]] == marked
    passed, refused = run("assume", "assume:GREEN", DONE)
    assert passed[found["id"]] == found and passed[of_other["id"]] == of_other and refused == []
    passed, refused = run("assume-amber", "assume:AMBER", FAILED)
    assert passed[found["id"]] == found and refused == [of_other]
    passed, refused = run("stamp", "stamp:GREEN", DONE)
    assert passed[found["id"]] == found | {"object_marking_refs": [TLP2["GREEN"]]} and passed[marked["id"]] == marked
    passed, refused = run("stamp-amber", "stamp:AMBER", FAILED)
    assert passed[found["id"]] == found | {"object_marking_refs": [TLP2["AMBER"]]} and refused == [of_other]


def test_nothing_above_the_jobs_level_is_taken(peer, jobs):
    assert outcome(peer, jobs, [made(US, "AMBER")], marking={"tlp_max": "GREEN"}, **to_them()) == "tlp_above_ceiling"
    assert "GREEN" in jobs.letters()[0]["reason"]
    assert outcome(peer, jobs, [made(US, "GREEN")], marking={"tlp_max": "GREEN"}, **to_them()) == "passed"


@pytest.mark.parametrize("is_raised", [True, False])
def test_tlp_1_becomes_tlp_2_if_that_is_wanted(peer, jobs, is_raised):
    levels = ["CLEAR", "GREEN", "AMBER"]
    sent = [made(US, name="a text about marking-definition--") | {"object_marking_refs": [f"marking-definition--{TLP1[level]}"]} for level in levels]
    peer.add(sent)
    jobs.pull(peer, marking={"tlp_1_to_2": is_raised}, limits=LIMITS, **to_them())
    jobs.once()
    refs = [found["object_marking_refs"] for found in jobs.objects()]
    assert refs == ([[TLP2[level]] for level in levels] if is_raised else [found["object_marking_refs"] for found in sent])


# Filters


def test_filters_leave_out_what_is_not_wanted(peer, jobs):
    plain, labelled = made(US), made(US, labels=["botnet", "x"])
    unsure, sure = made(US, confidence=20), made(US, confidence=80)
    old = made(US) | {"created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-01T00:00:00.000Z", "valid_from": "2024-01-01T00:00:00.000Z"}
    malware, identity = thing("malware"), thing("identity")
    everything = [plain, labelled, unsure, sure, old, malware, identity]
    peer.add(everything)
    for id, filter, wanted in [
        ("all", {}, everything), ("types", {"types": ["indicator"]}, [plain, labelled, unsure, sure, old, identity]),
        ("labels", {"labels": ["botnet", "y"]}, [labelled, identity]), ("confidence", {"confidence_min": 50}, [plain, labelled, sure, old, malware, identity]),
        ("since", {"since": "2025-01-01T00:00:00Z"}, [plain, labelled, unsure, sure, malware, identity]),
        ("both", {"types": ["indicator"], "labels": ["botnet"], "confidence_min": 50}, [labelled, identity]), ("none", {"types": ["tool"]}, [identity]),
    ]:
        jobs.pull(peer, id=id, dir=id, filter=filter, marking={}, limits=LIMITS, **to_them())
        counts = jobs.once(id)["counts"]
        assert by_value(jobs.objects(id)) == by_value(wanted), id
        assert counts["left_out"] == ({"filter": len(everything) - len(wanted)} if len(wanted) < len(everything) else {}) and counts["refused"] == 0


# Commands


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_dry_run_tells_and_writes_nothing(peer, jobs):
    peer.add([made(US), made(OTHER, "AMBER"), made(THEM)])
    jobs.pull(peer, marking={}, limits=LIMITS, **to_them())
    before = tree(jobs.folder)
    told = jobs.once("pull", FAILED, "--dry-run")
    counts = told["counts"]
    assert told["dry_run"] and (counts["received"], counts["refused"], counts["left_out"], counts["stored"]) == (3, 1, {"origin": 1}, 0)
    assert tree(jobs.folder) == before and "3 received, 1 would be refused" in jobs.run("run", "--once", "pull", "--dry-run").stdout
    jobs.once("pull", FAILED)
    after = {path: path.read_bytes() for path in jobs.folder.rglob("*") if path.is_file()}
    peer.add([made(US), made(OTHER, "AMBER")])
    assert jobs.once("pull", FAILED, "--dry-run")["counts"]["received"] == 2
    assert {path: path.read_bytes() for path in jobs.folder.rglob("*") if path.is_file()} == after
    assert len(jobs.letters()) == 1 and len(jobs.objects()) == 1


def test_far_more_than_usual_waits_for_a_person(peer, jobs):
    jobs.pull(peer, marking={}, limits=LIMITS | {"volume_factor": 3, "volume_least": 15}, **to_them())
    for _ in range(12):
        peer.add([made(US)])
        jobs.once()
    peer.add([made(US) for _ in range(35)])
    told = jobs.once("pull", HELD)
    assert told["held"] and "liaison sync release pull" in told["error"] and len(jobs.objects()) == 12 + 10
    status = jobs.status(code=HELD)
    assert status["is"] == "held" and status["held"] == told["error"]
    asked = len(peer.seen("GET", "objects"))
    jobs.once("pull", HELD)
    keeper = jobs.begin("run")
    with pytest.raises(subprocess.TimeoutExpired):
        keeper.wait(1.5)
    keeper.terminate()
    assert keeper.wait(10) == DONE and len(peer.seen("GET", "objects")) == asked
    assert jobs.run("release", "pull").returncode == DONE
    # Neither a dry run nor an outage uses the release up.
    jobs.run("run", "--once", "pull", "--dry-run")
    peer.go_down()
    jobs.once("pull", UNREACHABLE)
    peer.come_up()
    assert jobs.once()["counts"]["received"] == 25
    assert by_value(jobs.objects()) == by_value(peer.objects("read")) and jobs.status(code=DONE)["is"] == "well"
    assert jobs.run("release", "pull").returncode == FAILED


def test_a_flood_in_small_runs_is_held_too(peer, jobs):
    jobs.pull(peer, marking={}, limits=LIMITS | {"volume_factor": 2, "volume_least": 40, "run_objects": 30}, every="1s", **to_them())
    for _ in range(6):
        peer.add([made(US)])
        jobs.once()
    peer.add([made(US) for _ in range(300)])
    keeper = jobs.begin("run")
    with pytest.raises(subprocess.TimeoutExpired):
        keeper.wait(4)
    keeper.terminate()
    assert keeper.wait(10) == DONE
    assert jobs.status()["is"] == "held" and len(jobs.objects()) <= 6 + 40


def test_a_run_ends_after_so_many_objects_and_the_next_goes_on(peer, jobs):
    peer.add([made(OTHER, "AMBER"), *(made(US) for _ in range(44))])
    jobs.pull(peer, marking={}, limits=LIMITS | {"run_objects": 20}, every="1h", **to_them())
    told = jobs.once("pull", FAILED)
    assert (told["counts"]["received"], told["counts"]["stored"], told["counts"]["refused"], told["more"]) == (45, 44, 1, False)
    assert jobs.status()["total"]["received"] == 45
    peer.add([made(US) for _ in range(45)])
    keeper = jobs.begin("run", "--once", "pull")
    assert keeper.wait(20) == DONE
    assert keys_of(jobs.objects()) == keys_of(peer.objects("read")[1:]) and jobs.status()["total"]["received"] == 90


def test_two_runs_at_once_are_one(peer, jobs):
    peer.add([made(US) for _ in range(30)])
    peer.lie("slow_drip", pause=0.0005, times=1)
    jobs.pull(peer, marking={}, limits=LIMITS | {"answer_secs": 10}, **to_them())
    first = jobs.begin("run", "--once", "pull")
    peer.wait_for(lambda: peer.seen("GET", "objects"))
    assert "another process" in jobs.once("pull", UNREACHABLE)["error"]
    assert first.wait(20) == DONE and len(jobs.objects()) == 30


def test_mistakes_are_told_with_exit_codes(peer, jobs):
    jobs.pull(peer, marking={}, limits=LIMITS, **to_them())
    assert jobs.run("run", "--once", "nobody").returncode == USAGE and "pull" in jobs.run("run", "--once", "nobody").stderr
    assert jobs.run("run", "--dry-run").returncode == USAGE
    assert jobs.run("release", "pull").returncode == FAILED
    assert jobs.run("status").returncode == DONE and "new" in jobs.run("status").stdout
    good = jobs.path.read_text()
    for wrong, right, text in [
        ('every = "1s"', 'evry = "1s"', "evry"), (f'identities = ["{THEM}"]', "identities = []", "forward.identities"),
        (f'url = "{peer.url}"', f'url = "{peer.url.replace("https", "http")}"', "https://"), ('id = "pull"', 'id = "Pull"', "slug"),
        ("[[job]]", good + "\n[[job]]", "two of this id"),
    ]:
        assert wrong in good
        jobs.path.write_text(good.replace(wrong, right))
        for arguments in (["run", "--once", "pull"], ["status"], ["check", "--offline"]):
            done = jobs.run(*arguments)
            assert done.returncode == USAGE and text in done.stderr, (wrong, done)
    jobs.path.unlink()
    assert jobs.run("status").returncode == USAGE
    jobs.path.write_text(good)
    jobs.once()
    (jobs.state_dir / "pull.json").write_text("{")
    assert "cannot be read" in jobs.once("pull", FAILED)["error"]
