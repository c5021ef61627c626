"""Two hubs in two countries that pull from and push to each other: what is agreed is in both, once, however often they are
killed, and nothing else is."""

import random
import threading
import time

import pytest
import requests
from conftest import wait_for
from governance_hub import to_toml
from hostile_peer import HostilePeer
from sync_hubs import OTHER, THEM, US, by_value, handled, made, next_version, records, two_hubs
from syncing import FAST, Jobs, server_of

pytestmark = pytest.mark.timeout(180)
DONE, FAILED, HELD, UNREACHABLE = 0, 1, 2, 69


class Publisher(threading.Thread):
    """Publishes at one hub, small envelopes one after the other; each again until it is taken."""

    def __init__(self, hub, creator, count):
        super().__init__(daemon=True)
        self.hub, self.creator, self.count = hub, creator, count
        self.sent, self.problem = [], None

    def run(self):
        try:
            for number in range(self.count):
                first = made(self.creator, "AMBER" if number % 2 else "GREEN", f"{self.hub.ours} {number}")
                batch = [first, next_version(first)] if number % 3 == 0 else [first]
                self.deliver(batch)
                self.sent += batch
                time.sleep(0.02)
        except BaseException as problem:
            self.problem = problem

    def deliver(self, batch):
        deadline = time.monotonic() + 60
        while True:
            try:
                status = self.hub.post(batch)
                assert status["failure_count"] == 0, status
                return
            except requests.RequestException:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def totals(hub):
    return {job: hub.jobs.status(job)["total"] for job in hub.jobs.jobs}


def quiet(*hubs):
    """Waits until no job moves anything, and says so of some seconds in which each job has run again."""
    deadline = time.monotonic() + 60
    while True:
        before = [(totals(hub), len(records(hub))) for hub in hubs]
        runs = [[hub.jobs.status(job)["runs"] for job in hub.jobs.jobs] for hub in hubs]
        time.sleep(3)
        if [(totals(hub), len(records(hub))) for hub in hubs] == before:
            after = [[hub.jobs.status(job)["runs"] for job in hub.jobs.jobs] for hub in hubs]
            assert all(new > old for old, new in zip(sum(runs, []), sum(after, []))), (runs, after)
            return
        assert time.monotonic() < deadline, (before, [totals(hub) for hub in hubs])


def test_two_hubs_that_are_killed_again_and_again_agree_in_the_end(make_hub):
    hub_a, hub_b = two_hubs(make_hub)
    for hub, other in ((hub_a, hub_b), (hub_b, hub_a)):
        hub.pull(other, limits=FAST | {"page": 7})
        hub.push(other, limits=FAST | {"page": 7})
        hub.start()
    third, secret = [made(OTHER, name=f"third {number}") for number in range(10)], [made(OTHER, "AMBER") for _ in range(5)]
    asking = [found for _ in range(3) for found in handled(OTHER, handling_codes=["H2"])]
    hub_a.post(third + secret + asking)
    publishers = [Publisher(hub_a, US, 120), Publisher(hub_b, THEM, 120)]
    for publisher in publishers:
        publisher.start()
    chance = random.Random("kills of hubs")
    for _ in range(12):
        time.sleep(chance.uniform(0.2, 1.2))
        hub = chance.choice([hub_a, hub_b])
        hub.hub.kill()
        time.sleep(chance.uniform(0, 0.3))
        hub.start()
    for publisher in publishers:
        publisher.join(90)
        assert not publisher.is_alive() and publisher.problem is None, publisher.problem
    quiet_after_retries(hub_a, hub_b)
    ours, theirs = (publisher.sent for publisher in publishers)
    markings = [found for found in asking if found["type"] == "marking-definition"]
    assert by_value(hub_a.all_objects()) == by_value(ours + theirs + third + secret + asking)
    assert by_value(hub_b.all_objects()) == by_value(ours + theirs + third + markings)
    # Each refused object has its letter; a kill may have it written twice.
    letters = hub_a.jobs.letters("push")
    assert {(letter["id"], letter["code"]) for letter in letters} == (
        {(found["id"], "third_party") for found in secret} | {(found["id"], "onward_transfer") for found in asking if found not in markings})
    assert all(letter["object"] in secret + asking and letter["reason"] for letter in letters)
    assert hub_b.jobs.letters("push") == []
    assert hub_a.hub.on_hub("audit", "verify").returncode == DONE and hub_b.hub.on_hub("audit", "verify").returncode == DONE


def quiet_after_retries(*hubs):
    """Jobs that failed while the other hub was away wait a while."""
    def are_well():
        return all(hub.jobs.status(job)["is"] == "well" for hub in hubs for job in hub.jobs.jobs)

    wait_for(are_well, 60, "jobs are not well after a minute")
    quiet(*hubs)


def test_a_loop_ends_and_own_objects_do_not_come_back(make_hub):
    hub_a, hub_b = two_hubs(make_hub)
    for hub, other in ((hub_a, hub_b), (hub_b, hub_a)):
        hub.pull(other)
        hub.push(other)
        hub.start()
    ours, theirs = [made(US) for _ in range(20)], [made(THEM, "AMBER") for _ in range(20)]
    hub_a.post(ours)
    hub_b.post(theirs)
    for hub in (hub_a, hub_b):
        hub.await_objects(hub.ours, 40)
    quiet(hub_a, hub_b)
    for hub, own in ((hub_a, ours), (hub_b, theirs)):
        assert by_value(hub.all_objects()) == by_value(ours + theirs)
        push, pull = totals(hub)["push"], totals(hub)["pull"]
        # What the own hub holds is seen once, of this the partner's own is left out, and the rest goes once.
        assert (push["received"], push["left_out"], push["stored"] + push["unchanged"], push["refused"]) == (40, {"origin": 20}, 20, 0)
        assert pull["received"] <= 40 and pull["stored"] + pull["unchanged"] >= 20
        # Its own objects are nothing that was refused.
        assert pull["refused"] == 0 and hub.jobs.letters("pull") == []
        served = [record for record in records(hub) if record["kind"] == "served"]
        assert len(served) <= 12, len(served)


def test_third_party_objects_reach_the_other_hub_only_with_consent(make_hub):
    hub_a, hub_b = two_hubs(make_hub)
    hub_a.push(hub_b, enabled=False)
    hub_a.push(hub_b, id="with-consent", enabled=False, forward={
        "ours": [US], "identities": [THEM], "country": "BB", "consents": [OTHER], "tlp_max_of_others": "AMBER"})
    hub_a.start()
    hub_b.start()
    plain, amber, own, back = made(OTHER), made(OTHER, "AMBER"), made(US, "AMBER"), made(THEM)
    kinds = [{"handling_codes": ["H2"]}, {"onward_transfer": "originator-consent"}, {"originator_control": True}]
    asking = [handled(OTHER, **handling) for handling in kinds]
    asking_own = [handled(US, **handling) for handling in kinds]
    markings = [marking for marking, _ in asking + asking_own]
    assert hub_a.post(markings + [plain, amber, own] + [found for _, found in asking + asking_own])["failure_count"] == 0
    assert hub_a.post([back], "cert-b")["failure_count"] == 0
    dry = hub_a.jobs.once("push", FAILED, "--dry-run")["counts"]
    told = hub_a.jobs.once("push", FAILED)["counts"]
    freely = markings + [plain, own] + [found for _, found in asking_own]
    assert (dry["received"], dry["refused"], dry["stored"]) == (told["received"], told["refused"], 0) == (16, 4, 0)
    assert told["left_out"] == {"origin": 1}
    assert by_value(hub_b.all_objects()) == by_value(freely)
    codes = {letter["id"]: letter["code"] for letter in hub_a.jobs.letters("push")}
    assert codes[amber["id"]] == "third_party" and {codes[found["id"]] for _, found in asking} <= {"onward_transfer", "originator_consent_missing"}
    hub_a.jobs.once("with-consent")
    assert by_value(hub_b.all_objects()) == by_value(freely + [amber] + [found for _, found in asking])


def test_a_hub_runs_a_job_when_it_is_told_to(make_hub):
    hub_a, hub_b = two_hubs(make_hub)
    hub_a.pull(hub_b, enabled=False)
    hub_a.start()
    assert hub_a.jobs.once("pull", UNREACHABLE)["error"]
    hub_b.start()
    theirs, strange = made(THEM), made(OTHER)
    hub_b.post([theirs, strange])
    told = hub_a.jobs.once("pull", FAILED)
    assert (told["counts"]["stored"], told["counts"]["refused"]) == (1, 1)
    assert [(letter["id"], letter["code"]) for letter in hub_a.jobs.letters()] == [(strange["id"], "owner")]
    assert by_value(hub_a.all_objects()) == by_value([theirs])
    assert hub_a.jobs.once()["counts"]["received"] == 0
    assert "no dry run" in hub_a.jobs.once("pull", FAILED, "--dry-run")["error"]
    assert hub_a.jobs.run("check").returncode == DONE and hub_a.jobs.status(code=DONE)["is"] == "off"


def test_what_the_hub_refuses_is_a_letter_and_relays_are_asked_for(make_hub):
    hub_a, hub_b = two_hubs(make_hub)
    registry = hub_a.registry(relays=[], types=["indicator"])
    hub_a.hub.apply(to_toml(registry))
    hub_a.pull(hub_b, owners=[THEM, OTHER])
    hub_a.start()
    hub_b.start()
    theirs, third, malware = made(THEM), made(OTHER), made(THEM) | {"type": "malware", "is_family": False}
    malware = {key: value for key, value in malware.items() if key not in ("pattern", "pattern_type", "valid_from")}
    malware["id"] = malware["id"].replace("indicator", "malware")
    hub_b.post([theirs, third, malware])
    wait_for(lambda: hub_a.jobs.status()["total"]["received"] >= 3, 15, "nothing came")
    assert by_value(hub_a.all_objects()) == by_value([third])
    letters = {letter["id"]: letter for letter in hub_a.jobs.letters()}
    assert letters.keys() == {theirs["id"], malware["id"]} and {letter["code"] for letter in letters.values()} == {"hub"}
    assert "relay" in letters[theirs["id"]]["reason"] and letters[theirs["id"]]["object"] == theirs


def test_a_flood_into_a_hub_is_held_until_it_is_released(make_hub, tmp_path):
    hub_a, hub_b = two_hubs(make_hub)
    hub_a.pull(hub_b, limits=FAST | {"page": 10, "volume_factor": 3, "volume_least": 15})
    hub_a.start()
    hub_b.start()
    # Nobody runs the jobs of this file, which is found out meanwhile.
    alone = Jobs(hub_a.hub.binary, tmp_path / "alone")
    alone.declare(**hub_a.jobs.jobs["pull"])
    waiting = alone.begin("run", "--once", "pull")
    few, flood = [made(THEM) for _ in range(3)], [made(THEM) for _ in range(60)]
    hub_b.post(few)
    for _ in range(6):
        hub_a.jobs.once()
    hub_b.post(flood)
    wait_for(lambda: hub_a.jobs.status()["is"] == "held", 20, "not held")
    held = len(hub_a.all_objects())
    assert held <= 3 + 15
    time.sleep(2.5)
    assert len(hub_a.all_objects()) == held and hub_a.jobs.once("pull", HELD)["held"]
    # It stays held over a restart.
    hub_a.hub.kill()
    hub_a.start()
    time.sleep(1.5)
    assert len(hub_a.all_objects()) == held
    assert hub_a.jobs.run("release", "pull").returncode == DONE
    hub_a.await_objects("cert-a", 63, 15)
    assert by_value(hub_a.all_objects()) == by_value(few + flood)
    wait_for(lambda: hub_a.jobs.status()["is"] == "well", 10, "not well")
    assert waiting.wait(15) == FAILED and "no hub runs" in (alone.folder / "log").read_text()


def test_what_waits_for_release_is_counted_as_pending(make_hub):
    hub_a, hub_b = two_hubs(make_hub)
    hub_a.hub.apply(to_toml(hub_a.registry(release="reviewed")))
    hub_a.pull(hub_b)
    hub_b.push(hub_a, id="push")
    hub_a.start()
    hub_b.start()
    hub_b.post([made(THEM) for _ in range(3)])
    wait_for(lambda: hub_a.jobs.status()["total"]["received"] == 3 and hub_b.jobs.status("push")["total"]["received"] == 3, 20, "nothing came")
    assert totals(hub_a)["pull"]["pending"] + totals(hub_b)["push"]["pending"] >= 3 and hub_a.all_objects("cert-a") == []
    quiet(hub_a, hub_b)
    assert totals(hub_a)["pull"]["received"] == 3


@pytest.fixture
def liar():
    with HostilePeer([], page=10) as peer:
        yield peer


def from_liar(hub, peer, **source):
    """A job from a peer to the hub."""
    source = {"kind": "taxii", "collection": "read", "owners": [THEM], "server": server_of(peer)} | source
    hub.jobs.declare(id="pull", enabled=False, limits=FAST, source=source, target={
        "kind": "hub", "collection": "shared", "client": f"{hub.ours}/feed"})


@pytest.mark.parametrize("owners", [[THEM], "any"], ids=str)
@pytest.mark.parametrize("creator", [THEM, OTHER, "forged"])
def test_a_source_cannot_take_over_what_is_somebody_elses(make_hub, liar, owners, creator):
    hub, _ = two_hubs(make_hub)
    from_liar(hub, liar, owners=owners)
    hub.start()
    victims, theirs = [made(US) for _ in range(3)], [made(THEM) for _ in range(3)]
    hub.post(victims)
    liar.add(theirs)
    liar.lie("foreign_owner_objects", victims=victims, owner=creator)
    hub.jobs.run("run", "--once", "pull")
    assert by_value(hub.all_objects()) == by_value(victims + theirs)


@pytest.mark.parametrize("owners", ["any", [US, THEM]], ids=str)
def test_a_source_cannot_speak_in_our_name(make_hub, liar, owners):
    """The job writes as our own client, who may revoke what is ours: so what claims to be ours is never taken."""
    hub, _ = two_hubs(make_hub)
    from_liar(hub, liar, owners=owners)
    hub.start()
    victim, theirs = made(US), made(THEM)
    hub.post([victim])
    liar.add([next_version(victim) | {"revoked": True}, made(US, name="never said"), theirs, victim])
    hub.jobs.run("run", "--once", "pull")
    assert by_value(hub.all_objects()) == by_value([victim, theirs])


def test_a_version_that_comes_again_with_other_content_changes_nothing(make_hub, liar):
    hub, _ = two_hubs(make_hub)
    from_liar(hub, liar)
    hub.start()
    theirs = [made(THEM) for _ in range(12)]
    liar.add(theirs)
    liar.lie("conflicting_versions")
    hub.jobs.run("run", "--once", "pull")
    assert by_value(hub.all_objects()) == by_value(theirs)
    liar.honest()
    liar.add([found | {"name": "otherwise"} for found in theirs])
    hub.jobs.run("run", "--once", "pull")
    assert by_value(hub.all_objects()) == by_value(theirs)


def test_who_wants_to_be_asked_is_asked_before_others_here_may_read(make_hub, liar):
    """A pull into a collection that a third organisation reads is passing on, too."""
    marking, asking = handled(THEM, handling_codes=["H2"])
    for parties, expected in ((["cert-a", "cert-b"], 2), (["cert-a", "cert-b", "cert-c"], 1)):
        hub, _ = two_hubs(make_hub)
        registry = hub.registry(parties=parties)
        registry["organisation"].append({
            "id": "cert-c", "name": "CERT C", "country": "CC", "identity": OTHER, "client": [{"id": "siem", "role": "consumer"}]})
        hub.hub.apply(to_toml(registry))
        from_liar(hub, liar)
        hub.start()
        liar.held["read"].entries.clear()
        liar.add([marking, asking])
        told = hub.jobs.once("pull", DONE if expected == 2 else FAILED)
        assert told["counts"]["stored"] == expected and [letter["code"] for letter in hub.jobs.letters()] == ["onward_transfer"] * (2 - expected)
