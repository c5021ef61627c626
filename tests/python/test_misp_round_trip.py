"""Events of MISP go in and come out: as a feed, and as STIX through MISP's own converter. What must come out is said by the
event alone (misp_events.py)."""

import json
from collections import Counter

import pytest
from commands import DONE, FAILED
from conftest import uuid4
from misp_events import as_json, becomes, every_object, every_type, expected, new_event, places, read_as_stix, sample, template_names, told_of
from misp_stix_converter import ExternalSTIX2toMISPParser, InternalSTIX2toMISPParser, MISPtoSTIX21Parser
from pymisp import MISPEvent
from stix2.parsing import parse

pytestmark = pytest.mark.timeout(300)
TERMS = ["--tlp", "GREEN", "--purpose", "cyber-defence", "--purpose", "incident-response", "--yes"]
GROUPS = [template_names()[start::4] for start in range(4)]


class Desk:
    """A hub to which events are handed in, and from which they come back."""

    def __init__(self, hub):
        self.hub = hub
        registry = hub.registry()
        registry["agreement"][0]["collection"][0]["unmarked"] = "inherit"
        registry["export"] = [{
            "id": "feed", "organisation": "cert-a", "collections": [hub.collection], "format": "misp", "tlp_max": "RED", "options": {}}]
        hub.apply(registry)

    def publish(self, content, *arguments, code=DONE):
        path = self.hub.home / f"{uuid4()}.json"
        path.write_text(json.dumps(content))
        done = self.hub.run("publish", "--profile", self.hub.profile("cert-a"), "--json", *arguments, path)
        assert done.returncode == code, done.stdout[-2000:] + done.stderr
        return json.loads(done.stdout)

    def poll(self):
        done = self.hub.run("poll", "--profile", self.hub.profile("cert-a"), "--state", self.hub.dir / f"state-{uuid4()}")
        assert done.returncode == DONE, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def feed(self):
        """What PyMISP reads in the feed: each attribute that is not retracted, with its event."""
        ids = [one["id"] for one in self.poll() if one["type"] == "indicator"]
        for start in range(0, len(ids), 1_000):
            # A value of a warning list would be there without to_ids.
            assert self.hub.on_hub("warning", "confirm", *ids[start : start + 1_000]).returncode == DONE
        ran = self.hub.on_hub("export", "run", "feed", "--json")
        assert ran.returncode == DONE, ran.stdout + ran.stderr
        found, folder = [], self.hub.dir / "exports/feed"
        for uuid in json.loads((folder / "manifest.json").read_text()):
            event = MISPEvent()
            event.load_file(folder / f"{uuid}.json")
            inner = [one for whole in event.objects for one in whole.attributes if one.object_relation != "version"]
            found += [(one, event) for one in event.attributes + inner if not one.get("deleted")]
        return found, json.loads(ran.stdout)[0]["meta"]["left_out"]


@pytest.fixture
def desk(make_hub):
    return Desk(make_hub())


def pairs(found):
    return {(one.type, one.value) for one, _ in found}


def assert_comes_back(desk, *events):
    """Everything that is to be looked for is in the feed, or a reason is told; and nothing else is in it."""
    wanted, whys = set(), {}
    for event in events:
        told = desk.publish(event, *TERMS)["submission"]
        values, reasons = expected(event["Event"])
        wanted |= values
        whys = {left["place"]: left["reason"] for left in told["left_out"]}
        silent = {one["type"] for place, one in reasons.items() if not whys.get(place)}
        named = {one["name"] for one in desk.poll() if one["type"] == "vulnerability"}
        assert silent - {"vulnerability"} == set()
        assert {one["value"] for one in reasons.values() if one["type"] == "vulnerability"} <= named
    found, left_out = desk.feed()
    assert (pairs(found) - wanted, wanted - pairs(found), left_out) == (set(), set(), {})
    assert all(one.to_ids for one, event in found if "PAP:RED" not in {tag.name for tag in [*one.tags, *event.tags]})
    return found, whys


# Into the hub as an event, out of it as a feed


def test_every_type_that_is_to_be_looked_for_comes_back_or_a_reason_is_told(desk):
    found, _ = assert_comes_back(desk, as_json(every_type(True)))
    assert len(found) > 40


@pytest.mark.parametrize("kind", ["btc", "xmr", "dash"])
def test_a_wallet_keeps_its_currency(desk, kind):
    made = new_event()
    made.add_attribute(kind, sample(kind, 7), to_ids=True)
    assert_comes_back(desk, as_json(made))


def test_a_link_that_is_to_be_looked_for_comes_back_or_a_reason_is_told(desk):
    """Links are references, but not without a word if MISP says that they are more."""
    made = new_event()
    made.add_attribute("link", sample("link", 7), to_ids=True)
    made.add_attribute("domain", sample("domain", 7), to_ids=True)
    told = desk.publish(as_json(made), *TERMS)["submission"]
    assert sample("link", 7) in {one.value for one, _ in desk.feed()[0]} | {left["text"] for left in told["left_out"]}


def test_nothing_that_is_not_to_be_looked_for_comes_back(desk):
    event = as_json(every_type(False))
    told = desk.publish(event, *TERMS)["submission"]
    assert desk.feed() == ([], {})
    # But it is context, as far as it is a value, or left out with a reason.
    known = {row["value"] for row in told["values"]} | {left["text"] for left in told["left_out"]}
    silent = {one["type"] for _, one, _ in places(event["Event"]) if becomes(one["type"], one["value"]) and not is_told(one["value"], known)}
    assert silent == set()


def is_told(value, known):
    return any(value.partition("|")[0] in one or one in value for one in known)


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_every_object_of_misp_comes_back_or_a_reason_is_told(desk, number):
    starts = range(0, len(GROUPS[number]), 36)
    assert_comes_back(desk, *(as_json(every_object(GROUPS[number][start : start + 36], 10_000 + start * 100)) for start in starts))


def test_the_data_of_a_key_of_the_registry_is_not_forgotten(desk):
    """`Run|evil.exe` is to be looked for; `Run` alone is on every machine."""
    made = new_event()
    made.add_attribute("regkey|value", sample("regkey|value", 7), to_ids=True)
    made.add_attribute("domain", sample("domain", 7), to_ids=True)
    told = desk.publish(as_json(made), *TERMS)["submission"]
    patterns = [one["pattern"] for one in desk.poll() if one["type"] == "indicator" and "windows-registry-key" in one["pattern"]]
    assert all("evil-7.exe" in pattern for pattern in patterns) and (patterns or sample("regkey|value", 7) in {left["text"] for left in told["left_out"]})


def test_levels_times_and_what_is_deleted_come_back_as_they_are_meant(desk):
    found, whys = assert_comes_back(desk, as_json(told_of(new_event())))
    by_value = {one.value: one for one, _ in found}
    assert set(by_value) == {"strict-one.top", "45.1.2.3"} and "deleted" in whys["Event.Attribute[1]"]
    strict, plain = by_value["strict-one.top"], by_value["45.1.2.3"]
    event = found[0][1]
    levels = lambda one: {tag.name for tag in one.tags} or {tag.name for tag in event.tags}
    assert {tag.name for tag in event.tags} == {"tlp:amber+strict", "PAP:RED"} and not strict.to_ids and plain.to_ids
    assert "tlp:green" in levels(plain) and "tlp:amber+strict" not in levels(plain)
    assert {'misp:confidence-level="fairly-confident"'} <= {tag.name for tag in strict.tags}
    assert {'misp:confidence-level="usually-confident"', 'rsit:malicious-code="c2-server"'} <= {tag.name for tag in plain.tags}
    assert strict.first_seen.isoformat() == "2026-11-01T10:00:00.123000+00:00" and strict.last_seen.isoformat() == "2027-12-01T10:00:00+00:00"


def test_handing_in_again_changes_nothing_and_what_is_looked_for_no_more_goes(desk):
    made = every_type(True)
    event = as_json(made)
    desk.publish(event, *TERMS)
    first = sorted((one.type, one.value, one.uuid) for one, _ in desk.feed()[0])
    again = desk.publish(event, *TERMS)["submission"]
    assert again["new"] == [] and sorted((one.type, one.value, one.uuid) for one, _ in desk.feed()[0]) == first


# Into the hub as STIX of MISP's own converter, and out of it again


def converted(event):
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event(event)
    # What it cannot say itself, of values that nobody would have, is not there.
    return json.loads(parser.bundle.serialize())["objects"]


def event_of(objects, kind=InternalSTIX2toMISPParser):
    parser = kind()
    parser.load_stix_bundle(parse({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": objects}, allow_custom=True))
    parser.parse_stix_bundle()
    return json.loads(parser.misp_event.to_json()), sorted(sum(parser.errors.values(), []))


def contents(event):
    """Everything that an event says, in no order."""
    tags = lambda one: tuple(sorted(tag["name"] for tag in one.get("Tag", [])))
    kept = ("uuid", "type", "category", "value", "to_ids", "comment", "object_relation", "first_seen", "last_seen", "deleted", "timestamp", "data")
    whole = lambda one: tuple(json.dumps(one.get(name)) for name in kept) + tags(one) + (json.dumps(one.get("Sighting"), sort_keys=True),)
    attributes = Counter(whole(one) for one in event.get("Attribute", []))
    objects = Counter(
        (one["name"], one["uuid"], one.get("comment"), *sorted(whole(inner) for inner in one.get("Attribute", []))) for one in event.get("Object", []))
    galaxies = Counter(cluster["value"] for galaxy in event.get("Galaxy", []) for cluster in galaxy["GalaxyCluster"])
    reports = Counter((one["name"], one["content"]) for one in event.get("EventReport", []))
    return attributes, objects, galaxies, reports, tags(event), event["info"], event.get("date"), event["uuid"]


def assert_passes_through(desk, event, refusals):
    """The hub gives what it took, word for word, and MISP makes the same of it as of what it sent."""
    sent = converted(event)
    done = desk.publish({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": sent}, code=FAILED if refusals else DONE)
    refused = {failure["id"]: failure["message"] for failure in done["failures"]}
    assert {message.partition(":")[0] for message in refused.values()} == refusals, refused
    kept = {one["id"]: one for one in sent if one["id"] not in refused}
    back = {one["id"]: one for one in desk.poll()}
    assert {id: back.get(id) for id in kept} == kept
    (direct, problems), (through, others) = event_of(list(kept.values())), event_of([back[id] for id in kept])
    assert contents(through) == contents(direct) and problems == others
    return direct, problems


def test_what_misps_converter_makes_of_every_type_passes_through_the_hub(desk):
    direct, problems = assert_passes_through(desk, as_json(told_of(every_type(True))), {"indicator.pattern"})
    values = {one["value"] for one in direct["Attribute"]}
    assert len(values) > 100 and {"45.1.2.3", "strict-one.top"} <= values
    # What refers to the one that was refused.
    assert len(problems) <= 2, problems


# What the samples say is no CAPEC id, no character set, no language: those that the converter puts where these belong.
REFUSED = [set(), set(), {"extref.capec", "fmt.cpe"}, {"fmt.charset", "rule.oneof"}]


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_what_misps_converter_makes_of_every_object_passes_through_the_hub(desk, number):
    assert_passes_through(desk, as_json(every_object(GROUPS[number])), REFUSED[number])


# Into the hub as an event, out of it as STIX, by MISP's converter


def test_misp_reads_our_stix_as_what_it_was(desk):
    event = as_json(every_type(True))
    desk.publish(event, *TERMS)
    made, problems = event_of(desk.poll(), ExternalSTIX2toMISPParser)
    attributes = made["Attribute"] + [one for whole in made["Object"] for one in whole["Attribute"]]
    found = {(one["type"], one["value"]) for one in attributes}
    looked_for = {(one["type"], one["value"]) for one in attributes if one["to_ids"]}
    wanted = set(read_as_stix(event["Event"]))
    assert (wanted - found, looked_for - wanted, problems) == (set(), set(), [])
    assert made["info"] == event["Event"]["info"]
    clusters = {cluster["value"] for galaxy in made["Galaxy"] for cluster in galaxy["GalaxyCluster"]}
    assert {one["value"] for _, one, _ in places(event["Event"]) if one["type"] == "vulnerability"} <= clusters


def test_misp_reads_the_levels_in_our_stix(desk):
    """A marking that is neither in the standard nor in the collection cannot be looked up by anybody."""
    event = as_json(told_of(new_event()))
    desk.publish(event, *TERMS)
    made, problems = event_of(desk.poll(), ExternalSTIX2toMISPParser)
    # What the event has, the converter does not repeat on its attributes.
    of_event = {tag["name"].lower() for tag in made["Tag"]}
    tags = {one["value"]: {tag["name"] for tag in one.get("Tag", [])} for one in made["Attribute"]}
    assert problems == [] and {"tlp:amber+strict", "pap:red"} <= tags["strict-one.top"] | of_event and "tlp:green" in tags["45.1.2.3"]
