"""docs/bilateral-example.md does what it says: registry, objects and tables are taken from the page itself."""

import json
import re

import pytest
from conftest import REPOSITORY, Hub, wait_for, yield_problems

DOCS = REPOSITORY / "docs"
PAGE = (DOCS / "bilateral-example.md").read_text()


@pytest.fixture(scope="module")
def hub(binary, tmp_path_factory):
    hub = Hub(binary, tmp_path_factory.mktemp("example")).start()
    hub.apply((DOCS / "bilateral.registry.toml").read_text())
    yield hub
    yield_problems([hub])


# The page


def objects_of(name):
    """The objects of the JSON block that follows a file's name."""
    found = re.search(rf"`{re.escape(name)}`.*?```json\n(.*?)```", PAGE, re.DOTALL)
    return json.loads(found[1])["objects"]


ALL = {of["id"]: of for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) for of in json.loads(text)["objects"]}


def table(head):
    """The rows of the table whose first cell is this, as cells; the heading first."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n(?:\|.*\n)+", PAGE, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in found[0].splitlines()]
    return [rows[0], *rows[2:]]


def named(cell):
    """The id of an object that a table calls by its type and the end of its id."""
    object_type, end = cell.split(" …")
    (found,) = {of for of in ALL if of.startswith(f"{object_type}--") and of.endswith(end)}
    return found


def refusals(head):
    return {named(cell): message for cell, message in table(head)[1:]}


# The hub


def publish(hub, name, client, collection):
    path = hub.home / name
    path.write_text(json.dumps({"objects": objects_of(name)}))
    answer = hub.run("publish", "--json", "--profile", hub.profile(*client.split("/")), "--collection", collection, path)
    return json.loads(answer.stdout)


def failures(told):
    return {one["id"]: one["message"] for one in told.get("failures", [])}


def assert_table(hub, head, collection):
    """What `explain` says of each object and client, and what the client gets."""
    (_, _, *clients), *rows = table(head)
    got = {client: {of["id"] for of in hub.fetch(*client.split("/"), collection)} for client in clients}
    for cell, level, *outcomes in rows:
        of = named(cell)
        for client, outcome in zip(clients, outcomes, strict=True):
            answer = hub.on_hub("explain", "--json", "--client", client, "--object", of, "--collection", collection)
            told = [json.loads(line) for line in answer.stdout.splitlines()]
            # The last version is what a table is about.
            last = max(told, key=lambda one: one["version"])
            reason = last["judgement"].get("reason", "reads")
            assert (last["level"], reason) == (level, outcome), f"{cell} for {client}"
            assert (of in got[client]) == (outcome == "reads"), f"{cell} for {client}"
            assert answer.returncode == (0 if any(one["judgement"]["reads"] for one in told) else 1)


def test_the_registry_needs_no_change_to_be_applied(hub):
    plan = hub.on_hub("registry", "plan", DOCS / "bilateral.registry.toml", "--json")
    assert plan.returncode == 0 and json.loads(plan.stdout)["changes"] == []
    with hub.session("cert-b", "crime") as session:
        listed = session.get(f"{hub.root}collections/").json()["collections"]
    assert {one["alias"]: (one["can_read"], one["can_write"]) for one in listed} == {
        "cyber": (True, False), "fraud": (True, False), "crime": (True, False),
    }


def test_cyber_incident_information(hub):
    assert failures(publish(hub, "cyber.json", "cert-a/feed", "cyber")) == {}
    assert_table(hub, "in `cyber`", "cyber")
    assert failures(publish(hub, "sighting.json", "cert-b/feed", "cyber")) == {}
    (sent,) = objects_of("sighting.json")
    (kept,) = (of for of in hub.fetch("cert-a", "feed", "cyber") if of["type"] == "sighting")
    assert kept["count"] == 10 and kept["id"] != sent["id"] and kept["where_sighted_refs"] == [kept["created_by_ref"]]
    assert "bbbbbbbb" not in json.dumps(kept)
    assert failures(publish(hub, "refused-in-cyber.json", "cert-b/feed", "cyber")) == refusals("refused in `cyber`")
    assert failures(publish(hub, "lowered-in-cyber.json", "cert-a/feed", "cyber")) == refusals("refused in `cyber` from the owner")
    assert_table(hub, "in `cyber`", "cyber")


def test_fraud_indicators(hub):
    assert failures(publish(hub, "fraud.json", "cert-a/fraud", "fraud")) == {}
    assert_table(hub, "in `fraud`", "fraud")
    assert failures(publish(hub, "refused-in-fraud.json", "cert-a/fraud", "fraud")) == refusals("refused in `fraud`")


def test_nothing_of_the_example_goes_where_it_should_not(hub):
    """Of each collection, clients without its purpose get at most what names and marks."""
    neutral = {"identity", "marking-definition"}
    for collection, purpose in (("cyber", {"feed", "siem", "duty"}), ("fraud", {"fraud"}), ("crime", {"crime", "officer"})):
        for org, clients in (("cert-a", ["feed", "siem", "fraud", "crime", "officer"]), ("cert-b", ["feed", "siem", "duty", "fraud", "crime"])):
            for client in set(clients) - purpose:
                assert {of["type"] for of in hub.fetch(org, client, collection)} <= neutral


def test_cert_b_may_not_write_to_the_crime_collection(hub):
    with hub.session("cert-b", "feed") as session:
        answer = session.post(hub.objects_url("crime"), json={"objects": objects_of("crime.json")},
                              headers={"Content-Type": "application/taxii+json;version=2.1"})
    assert answer.status_code == 403 and "you may not write to this collection" in answer.text


def test_organised_crime_infrastructure_is_released_by_an_officer(hub):
    def submit(name):
        status = hub.post(objects_of(name), "cert-a", "crime", "crime")
        assert (status["failure_count"], status["pending_count"]) == (0, len(objects_of(name)))

    def waiting(client):
        with hub.session("cert-a", client) as session:
            return session.get(f"{hub.url}/liaison/v1/review").json()["submissions"]

    def decide(client, submission):
        with hub.session("cert-a", client) as session:
            return session.post(f"{hub.url}/liaison/v1/review/{submission}/release")

    def release(name):
        listed = waiting("officer")
        assert {one["object"] for one in listed} == {of["id"] for of in objects_of(name)}
        for one in listed:
            assert decide("crime", one["submission"]).status_code == 403, "who submitted it may not release it"
            assert decide("officer", one["submission"]).status_code == 200
        wait_for(lambda: not waiting("officer"), 5, "released objects still wait")

    submit("crime.json")
    for org, client in (("cert-a", "crime"), ("cert-a", "officer"), ("cert-b", "crime")):
        assert hub.fetch(org, client, "crime") == []
    release("crime.json")
    assert_table(hub, "in `crime`", "crime")
    submit("lowered-in-crime.json")
    assert_table(hub, "in `crime`", "crime")
    release("lowered-in-crime.json")
    assert_table(hub, "in `crime` after that", "crime")
