"""Reviewed release and preview, with the commands as people use them."""

import json
import threading
import time

import pytest
from commands import BAD_DATA, DONE, FAILED, NOT_PERMITTED, USAGE, bundle, ended, ended_json, poll, publish
from conftest import marked, uuid4


@pytest.fixture
def reviewed(hub):
    """A hub under reviewed release, with officers, an analyst and a SIEM that sees up to GREEN."""
    registry = hub.registry()
    registry["agreement"][0]["release"] = "reviewed"
    for organisation in registry["organisation"]:
        people = [{"id": "officer", "role": "liaison"}, {"id": "second", "role": "liaison"}, {"id": "analyst", "role": "analyst"}]
        organisation["client"] += people
        for client in organisation["client"]:
            if client["id"] == "siem":
                client["tlp_max"] = "GREEN"
    hub.apply(registry)
    return hub


def write(path, objects):
    path.write_text(json.dumps(bundle(objects)))
    return path


def review(hub, deed, *arguments, client="officer", org="cert-a", **options):
    return hub.run("review", deed, "--profile", hub.profile(org, client), *arguments, **options)


def waiting(hub, client="officer", org="cert-a"):
    return ended_json(review(hub, "list", "--json", client=client, org=org), DONE)["submissions"]


def test_what_is_published_waits_for_an_officer_and_publish_does_not(reviewed, tmp_path):
    made = [marked("AMBER"), marked("GREEN")]
    path = write(tmp_path / "two.json", made)
    started = time.monotonic()
    told = ended(publish(reviewed, path), DONE, "2 pending", "2 wait until an officer", "Status: ")
    assert time.monotonic() - started < 10, "it waited for a decision that may take days"
    assert reviewed.fetch() == []
    status = told.stdout.split("Status: ")[1].split()[0]
    summary = ended_json(publish(reviewed, "--json", path), DONE)
    assert (summary["pending"], summary["failure"], len(summary["waiting_statuses"])) == (2, 0, 1)
    listed = waiting(reviewed)
    assert [one["object"] for one in listed] == [thing["id"] for thing in made]
    assert {one["submitter"] for one in listed} == {"cert-a/feed"}
    ended(review(reviewed, "list"), DONE, listed[0]["submission"], "AMBER", "2 objects waiting")
    own = ended(review(reviewed, "list", client="feed"), DONE, "2 objects waiting", "not yours to decide")
    assert "only an officer" in own.stdout
    out = tmp_path / "feed.jsonl"
    ended(poll(reviewed, "--out", out), DONE, "0 new objects")
    ended(review(reviewed, "release", listed[1]["submission"], "--message", "agreed"), DONE, "1 of 1 object released")
    ended(poll(reviewed, "--out", out), DONE, "1 new object")
    ended(review(reviewed, "decline", listed[0]["submission"], "--message", "names the source"), DONE, "1 of 1 object declined")
    assert [json.loads(line) for line in out.read_text().splitlines()] == [made[1]]
    with reviewed.session("cert-a") as session:
        for one in (status, summary["waiting_statuses"][0]):
            found = session.get(f"{reviewed.root}status/{one}/").json()
            assert found["status"] == "complete"
            assert found["successes"][0]["message"] == "released by cert-a/officer: agreed"
            assert found["failures"][0]["message"] == "declined by cert-a/officer: names the source"
    ended(review(reviewed, "list"), DONE, "0 objects waiting")
    again = ended_json(publish(reviewed, "--json", path), DONE)
    assert (again["unchanged"], again["pending"]) == (1, 1)


def test_exit_codes_tell_who_may_not_and_what_failed(reviewed, tmp_path):
    ended(publish(reviewed, write(tmp_path / "a.json", [marked("AMBER"), marked("GREEN")])), DONE)
    ended(publish(reviewed, write(tmp_path / "b.json", [marked("AMBER")]), client="officer"), DONE)
    listed = waiting(reviewed)
    (first, second, own) = [one["submission"] for one in listed]
    ended(review(reviewed, "release", own), NOT_PERMITTED, "another officer", "0 of 1")
    ended(review(reviewed, "release", first, client="feed"), NOT_PERMITTED, "only an officer")
    ended(review(reviewed, "release", first, client="siem"), NOT_PERMITTED, "403")
    ended(review(reviewed, "list", client="siem"), NOT_PERMITTED, "403")
    ended(review(reviewed, "release", first, org="cert-b"), FAILED, "no such submission")
    ended(review(reviewed, "show", first, org="cert-b"), FAILED, "404")
    ended(review(reviewed, "release", "not-an-id"), USAGE, "review list")
    ended(review(reviewed, "show", f"../{first}"), USAGE)
    ended(review(reviewed, "release"), USAGE)
    ended(review(reviewed, "release", "--all", first), USAGE)
    ended(review(reviewed, "decline", first), USAGE, "--message")
    ended(review(reviewed, "release", first, "--message", "two\nlines"), FAILED, "control characters")
    ended(review(reviewed, "release", first, "--dry-run"), DONE, "1 of 1 object would be released")
    assert len(waiting(reviewed)) == 3
    told = ended_json(review(reviewed, "release", first, uuid4(), own, "--json"), FAILED)
    assert [one["outcome"] for one in told["decisions"]] == ["released", "not_found", "not_permitted"]
    ended(review(reviewed, "release", "--all"), DONE, "1 of 1 object released")
    ended(review(reviewed, "release", "--all", client="second"), DONE, "1 of 1 object released")
    ended(review(reviewed, "release", "--all"), DONE, "0 of 0 objects released")
    assert len(reviewed.fetch()) == 3 and second


def test_one_object_is_shown_with_its_handling_and_its_readers(reviewed, tmp_path):
    thing = marked("AMBER+STRICT", labels=["\u001b[31mred"])
    ended(publish(reviewed, write(tmp_path / "a.json", [thing])), DONE)
    (one,) = waiting(reviewed)
    told = ended(review(reviewed, "show", one["submission"]), DONE, "TLP:AMBER+STRICT, from its own markings", "CERT A (cert-a)", "CERT B (cert-b)")
    assert "\u001b" not in told.stdout
    shown = ended_json(review(reviewed, "show", one["submission"], "--json"), DONE)
    assert shown["object"] == thing
    assert [(party["organisation"], party["reads"]) for party in shown["recipients"]] == [("cert-a", True), ("cert-b", True)]


def test_a_release_that_something_speaks_against_waits_on(reviewed, tmp_path):
    thing = marked("AMBER")
    ended(publish(reviewed, write(tmp_path / "a.json", [thing, marked("GREEN")])), DONE)
    registry = reviewed.registry()
    registry["agreement"][0]["collection"][0]["unmarked"] = "reject"
    registry["agreement"][0]["tlp_max"] = "GREEN"
    reviewed.apply(registry)
    submission = waiting(reviewed)[0]["submission"]
    ended(review(reviewed, "show", submission), DONE, "could not be released now", "at most TLP:GREEN")
    ended(review(reviewed, "release", submission, "--dry-run"), FAILED, "at most TLP:GREEN")
    ended(review(reviewed, "release", "--all"), FAILED, "at most TLP:GREEN", "1 of 2 objects released")
    assert [one["object"] for one in waiting(reviewed)] == [thing["id"]]


def test_a_server_that_is_killed_has_released_an_object_or_not(reviewed):
    made = [marked("GREEN") for _ in range(600)]
    status = reviewed.post(made)
    assert status["pending_count"] == len(made)
    named = [one["submission"] for one in waiting(reviewed)]
    url = f"{reviewed.url}/liaison/v1/review"
    acknowledged = []

    def release():
        with reviewed.session("cert-a", "officer") as session:
            try:
                for at in range(0, len(named), 4):
                    answer = session.post(f"{url}/release", json={"submissions": named[at:at + 4]})
                    acknowledged.extend(one["submission"] for one in answer.json()["decisions"] if one["outcome"] == "released")
            except OSError:
                pass

    thread = threading.Thread(target=release)
    thread.start()
    while len(acknowledged) < 100:
        time.sleep(0.001)
    reviewed.kill()
    thread.join()
    reviewed.start()
    left = {one["object"] for one in waiting(reviewed)}
    out = [thing["id"] for thing in reviewed.fetch()]
    assert len(out) == len(set(out)) and len(out) >= len(acknowledged)
    assert left | set(out) == {thing["id"] for thing in made} and not left & set(out)
    with reviewed.session("cert-a") as session:
        found = session.get(f"{reviewed.root}status/{status['id']}/").json()
    assert (found["success_count"], found["pending_count"]) == (len(out), len(left))
    assert {one["id"] for one in found["pendings"]} == left


def test_preview_tells_by_name_who_would_read_what(reviewed, tmp_path):
    bad = {key: value for key, value in marked("AMBER").items() if key != "pattern"}
    path = write(tmp_path / "mixed.json", [marked("AMBER"), marked("RED"), bad, marked("AMBER")])
    told = ended(publish(reviewed, "--preview", path), FAILED, "2 objects (2 TLP:AMBER)", "read by: CERT A (cert-a), CERT B (cert-b)",
                 "1 objects (1 TLP:RED)", "not by CERT B (cert-b): its level is for named recipients", bad["id"],
                 "4 objects read: 3 would be accepted, and would wait until an officer releases them, 1 refused; nothing was stored")
    assert told.stdout.count("read by") == 2
    found = ended_json(publish(reviewed, "--preview", "--json", path), FAILED)
    assert [one["accepted"] for one in found["objects"]] == [True, True, False, True]
    assert found["objects"][0]["audience"] == found["objects"][3]["audience"] != found["objects"][1]["audience"]
    assert reviewed.fetch("cert-a") == [] and waiting(reviewed) == []
    ended(publish(reviewed, "--preview", write(tmp_path / "good.json", [marked("GREEN")])), DONE)
    ended(publish(reviewed, "--preview", "--dry-run", path), USAGE)
    ended(publish(reviewed, "--preview", path, client="siem"), NOT_PERMITTED)
    (tmp_path / "broken.json").write_text("{")
    ended(publish(reviewed, "--preview", tmp_path / "broken.json"), BAD_DATA)


def test_preview_of_many_objects_in_several_envelopes(hub, tmp_path):
    path = write(tmp_path / "many.json", [marked("GREEN" if number % 2 else "AMBER") for number in range(2500)])
    found = ended_json(publish(hub, "--preview", "--json", path), DONE)
    assert len(found["objects"]) == 2500 and found["waits_for_release"] is False
    assert len(found["audiences"]) == 1
    ended(publish(hub, "--preview", path), DONE, "1250 TLP:AMBER", "1250 TLP:GREEN")
    assert hub.fetch() == []
