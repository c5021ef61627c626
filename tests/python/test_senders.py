"""Senders as they are: whatever way a program marks, or mislays, the level of what it sends, the hub finds it.
The level is read off who gets an object: clients that differ in their ceiling alone."""

import json
import uuid

import pytest
from conftest import TAXII, TLP2, Hub, indicator, uuid4, yield_problems
from misp_stix_converter import MISPtoSTIX21Parser

import senders
from senders import OCTI_AMBER_STRICT, OCTI_PAP, TLP1

LADDER = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
STIX = "application/stix+json; version=2.1"
OF = {"inherit": "inherit", "stripped": "stamp:AMBER", "strict": "reject"}


@pytest.fixture(scope="module")
def exchange(binary, tmp_path_factory):
    """A hub with a collection for each rule, and in each organisation a reader for each ceiling."""
    hub = Hub(binary, tmp_path_factory.mktemp("senders")).start()
    registry = hub.registry()
    for organisation in registry["organisation"]:
        organisation["client"] += [{"id": ladder_client(level), "role": "consumer", "tlp_max": level} for level in LADDER]
    registry["agreement"][0]["collection"] = [
        {"id": uuid4(), "alias": alias, "title": alias, "api_root": "exchange", "unmarked": unmarked} for alias, unmarked in OF.items()
    ]
    hub.apply(registry)
    yield hub
    yield_problems([hub])


def ladder_client(level):
    return "up-to-" + level.lower().replace("+", "-")


def levels(hub, collection, org="cert-a"):
    """Of each object in a collection: the lowest ceiling under which a client of the organisation gets it. The owner's
    own clients get everything up to their ceiling, RED too."""
    found = {}
    for level in reversed(LADDER):
        for thing in hub.fetch(org, ladder_client(level), collection):
            found[thing["id"]] = level
    return found


def assert_levels(hub, collection, expected):
    """The levels are these, partners get what they may, and `explain` tells the same level."""
    ours, theirs = levels(hub, collection), levels(hub, collection, "cert-b")
    assert {of: ours.get(of) for of in expected} == expected
    assert {of: theirs.get(of) for of in expected} == {of: None if level == "RED" else level for of, level in expected.items()}
    for of in list(expected)[:3]:
        answer = hub.on_hub("explain", "--json", "--client", "cert-b/feed", "--object", of)
        told = json.loads(answer.stdout.splitlines()[0])
        assert (told["level"], told["judgement"]["reads"]) == (expected[of], expected[of] != "RED")


def accepted(status):
    assert status["failure_count"] == 0, status["failures"]
    return status


def failures(status):
    return {one["id"]: one["message"] for one in status.get("failures", [])}


def push(hub, thing, collection):
    """One object a POST, in a bundle: as OpenCTI's TAXII POST connector does."""
    bundle = {"type": "bundle", "spec_version": "2.1", "id": f"bundle--{uuid.uuid4()}", "objects": [thing]}
    with hub.session("cert-a") as session:
        answer = session.post(hub.objects_url(collection), data=json.dumps(bundle), headers={"Content-Type": STIX, "Accept": TAXII})
    assert answer.status_code == 202, answer.text
    return answer.json()


# OpenCTI


def test_objects_of_opencti_have_the_level_of_its_own_ids(exchange):
    strict = senders.octi_indicator([OCTI_AMBER_STRICT, OCTI_PAP["AMBER"]])
    red = senders.octi_indicator([TLP1["RED"], OCTI_PAP["RED"]])
    clear = senders.octi_indicator([TLP1["CLEAR"]])
    domain = senders.octi_domain([OCTI_AMBER_STRICT])
    for thing in (strict, red, clear, domain):
        accepted(push(exchange, thing, "strict"))
    report = senders.octi_report([strict, domain], [TLP1["AMBER"]])
    low = senders.octi_relationship(clear, domain, [TLP1["CLEAR"]])
    for thing in (report, low):
        accepted(push(exchange, thing, "strict"))
    assert_levels(exchange, "strict", {
        strict["id"]: "AMBER+STRICT", red["id"]: "RED", clear["id"]: "CLEAR", domain["id"]: "AMBER+STRICT",
        report["id"]: "AMBER",
        # It is marked CLEAR, but about something that is not.
        low["id"]: "AMBER+STRICT",
    })
    stored = {one["id"]: one for one in exchange.fetch("cert-b", collection="strict")}
    assert stored[strict["id"]] == strict, "x_opencti and extensions stay as they are"


def test_pap_alone_is_no_level(exchange):
    bare = senders.octi_indicator([OCTI_PAP["GREEN"]])
    assert failures(push(exchange, bare, "strict"))[bare["id"]].startswith("unmarked: add a TLP marking")


def test_markings_that_connectors_define_give_their_level(exchange):
    """Python connectors write AMBER+STRICT and PAP as statements, with the level in `x_opencti_definition`."""
    own = f"marking-definition--{uuid.uuid4()}"
    definitions = [
        senders.octi_definition(own, "TLP", "TLP:AMBER+STRICT"),
        senders.octi_definition(OCTI_PAP["AMBER"], "PAP", "PAP:AMBER"),
    ]
    by_own, known = (senders.octi_indicator(refs) for refs in ([own], [OCTI_AMBER_STRICT, OCTI_PAP["AMBER"]]))
    envelope = [*definitions, senders.octi_definition(OCTI_AMBER_STRICT, "TLP", "TLP:AMBER+STRICT"), by_own, known]
    status = exchange.post(envelope, collection="strict")
    accepted(status)
    assert_levels(exchange, "strict", {by_own["id"]: "AMBER+STRICT", known["id"]: "AMBER+STRICT"})


DEFINITIONS = {
    "connector": senders.octi_definition(OCTI_AMBER_STRICT, "TLP", "TLP:AMBER+STRICT"),
    "platform": senders.octi_server_definition(OCTI_AMBER_STRICT, "TLP", "TLP:AMBER+STRICT"),
    "platform, TLP 1": senders.octi_server_definition(TLP1["RED"], "TLP", "TLP:RED"),
    "platform, PAP": senders.octi_server_definition(OCTI_PAP["AMBER"], "PAP", "PAP:AMBER"),
}


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_copies_of_built_in_markings_are_taken_and_change_nothing(exchange, definition):
    status = accepted(push(exchange, definition, "strict"))
    assert "everybody knows" in status["successes"][0]["message"]
    assert definition["id"] not in levels(exchange, "strict")


def test_copies_of_built_in_markings_that_say_another_level_are_refused(exchange):
    for of, rule, definition in (
        ("TLP", "mark.tlp-fixed", senders.octi_server_definition(TLP1["RED"], "TLP", "TLP:GREEN")),
        ("TLP", "mark.tlp-fixed", senders.octi_definition(OCTI_AMBER_STRICT, "TLP", "TLP:AMBER")),
        ("PAP", "mark.pap-fixed", senders.octi_server_definition(OCTI_PAP["RED"], "PAP", "PAP:CLEAR")),
    ):
        message = failures(push(exchange, definition, "strict"))[definition["id"]]
        assert message.startswith(f"{rule}: the id is that of {of}:"), message


def test_a_marking_of_opencti_itself_is_for_those_who_understand_it(exchange):
    """Its platform puts an extension of its own on each marking that it defines. What that asks for is not known."""
    definition = senders.octi_server_definition(f"marking-definition--{uuid.uuid4()}", "statement", "CERT A internal")
    thing = senders.octi_indicator([TLP1["GREEN"], definition["id"]])
    accepted(exchange.post([definition, thing], collection="strict"))
    assert levels(exchange, "strict").get(thing["id"]) == "GREEN"
    assert thing["id"] not in levels(exchange, "strict", "cert-b")
    told = exchange.on_hub("explain", "--json", "--client", "cert-b/feed", "--object", thing["id"])
    assert json.loads(told.stdout)["judgement"]["reason"] == "marking_not_understood"


def stripped(thing):
    """OpenCTI's TAXII POST connector takes these two away unless told otherwise."""
    return {key: value for key, value in thing.items() if key not in ("object_marking_refs", "created_by_ref")}


def test_what_lost_its_markings_on_the_way_is_stamped(exchange):
    domain = stripped(senders.octi_domain([TLP1["GREEN"]]))
    source = stripped(senders.octi_indicator([TLP1["GREEN"]], created_by_ref=f"identity--{uuid.uuid4()}"))
    labelled = stripped(senders.octi_indicator([], labels=["phishing", "TLP:AMBER+STRICT"]))
    things = [source, domain, labelled, stripped(senders.octi_relationship(source, domain, []))]
    about_labelled = stripped(senders.octi_relationship(labelled, domain, []))
    for thing in (*things, about_labelled):
        accepted(push(exchange, thing, "stripped"))
    assert_levels(exchange, "stripped", {
        **{thing["id"]: "AMBER" for thing in things}, labelled["id"]: "AMBER+STRICT", about_labelled["id"]: "AMBER+STRICT",
    })
    stored = {one["id"]: one for one in exchange.fetch("cert-b", collection="stripped")}
    for thing in (source, domain):
        assert stored[thing["id"]] == thing | {"object_marking_refs": [TLP2["AMBER"]]}, "nothing else changes"
    assert stored[labelled["id"]] == labelled
    # Elsewhere it is refused, and the sender learns why.
    for collection in ("strict", "inherit"):
        lost = indicator()
        assert failures(push(exchange, lost, collection))[lost["id"]].startswith("unmarked: ")


def test_sending_the_stripped_object_again_is_no_conflict(exchange):
    thing = stripped(senders.octi_indicator([TLP1["GREEN"]]))
    for _ in range(2):
        accepted(push(exchange, thing, "stripped"))


# MISP


def converted(event):
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event(event)
    assert not parser.errors
    return json.loads(parser.bundle.serialize())["objects"]


def by_name(objects, number):
    """What the converter made of one attribute or object, by type."""
    end = f"{number:012x}"
    return {one["type"]: one["id"] for one in objects if one["id"].endswith(end)}


FILE = {
    "name": "file", "meta-category": "file", "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215", "template_version": "24",
    "uuid": "5ac47782-e1b8-40b6-96b4-000000000020", "timestamp": "1770000000", "Attribute": [
        senders.misp_attribute(0x21, "filename", "a.exe", object_relation="filename"),
        senders.misp_attribute(0x22, "sha256", "a" * 64, object_relation="sha256"),
    ],
}


def test_bare_objects_of_a_misp_event_have_its_level(exchange):
    event = senders.misp_event(1, ["tlp:amber+strict", "PAP:AMBER"], [
        senders.misp_attribute(0x11, "domain", "login.example"),
        senders.misp_attribute(0x12, "ip-dst", "198.51.100.7", to_ids=False),
        senders.misp_attribute(0x13, "url", "http://login.example/a", ["tlp:red"]),
        senders.misp_attribute(0x14, "md5", "b2a5abfeef9e36964281a31e17b57c97", ["tlp:white"], Sighting=[senders.misp_sighting(0x15)]),
    ], [FILE])
    objects = converted(event)
    marked = {one["type"] for one in objects if "object_marking_refs" in one}
    assert marked == {"report", "indicator", "observed-data"}, "the converter leaves observables bare"
    bare = [one["id"] for one in objects if one["type"] == "indicator" and "object_marking_refs" not in one]
    assert len(bare) == 2, "and indicators, but for those of attributes with a level of their own"
    status = accepted(exchange.post(objects, collection="inherit"))

    plain, passive, red, white, file = (by_name(objects, number) for number in (0x11, 0x12, 0x13, 0x14, 0x20))
    strict = [*bare, *plain.values(), *passive.values(), *file.values()]
    strict += [of for of in by_name(objects, 1).values() if of.startswith("report")]
    strict += [one["id"] for one in objects if one["type"] == "relationship" and one["source_ref"] != red["indicator"]]
    about_red = [one["id"] for one in objects if one["type"] == "relationship" and one["source_ref"] == red["indicator"]]
    assert_levels(exchange, "inherit", {
        **{of: "AMBER+STRICT" for of in strict},
        # An attribute's own level counts, the higher as well as the lower. A bare observable takes the higher of the event's and its own.
        red["indicator"]: "RED", red["observed-data"]: "RED", red["url"]: "RED", about_red[0]: "RED",
        white["indicator"]: "CLEAR", white["observed-data"]: "CLEAR", white["file"]: "AMBER+STRICT",
    })
    # A sighting is kept under another id, for it tells who was attacked; its level is that of the event.
    kept = next(one["message"] for one in status["successes"] if one["id"].startswith("sighting"))
    new = kept.split()[2].rstrip(":")
    assert levels(exchange, "inherit")[new] == "AMBER+STRICT"
    stored = next(one for one in exchange.fetch("cert-b", collection="inherit") if one["id"] == new)
    assert "b0c22599" not in json.dumps(stored)


@pytest.mark.parametrize("number, tags, level", [
    (2, ["tlp:white"], "CLEAR"), (3, ["tlp:clear"], "CLEAR"), (4, ["tlp:green", "tlp:amber"], "AMBER"), (5, ["tlp:red", "PAP:RED"], "RED"),
    (6, ["tlp:amber+strict", "tlp:white"], "AMBER+STRICT"),
])
def test_every_level_of_misp_is_found_in_groupings_too(exchange, number, tags, level):
    """What is not published yet is converted to a grouping in place of a report."""
    event = senders.misp_event(number, tags, [senders.misp_attribute(0x100 + number, "domain", f"n{number}.example")], published=False)
    objects = converted(event)
    assert "grouping" in {one["type"] for one in objects}
    accepted(exchange.post(objects, collection="inherit"))
    made = by_name(objects, 0x100 + number)
    assert {"indicator", "domain-name", "observed-data"} <= set(made)
    assert_levels(exchange, "inherit", {of: level for of in made.values()})


def test_a_misp_event_without_a_level_is_refused(exchange):
    event = senders.misp_event(7, ["PAP:AMBER"], [senders.misp_attribute(0x107, "domain", "n7.example")])
    objects = converted(event)
    refused = failures(exchange.post(objects, collection="inherit"))
    assert set(refused) == {one["id"] for one in objects if one["type"] not in ("identity", "marking-definition")}
    assert all(message.startswith("unmarked: ") for message in refused.values())


def test_a_misp_event_sent_in_parts_does_not_lose_its_level(exchange):
    """Apart from the report nothing says what the level is: the parts are refused, not let through."""
    event = senders.misp_event(8, ["tlp:amber+strict"], [senders.misp_attribute(0x108, "domain", "n8.example")])
    objects = converted(event)
    made = by_name(objects, 0x108)
    rest = [one for one in objects if one["id"] in made.values()]
    assert set(failures(exchange.post(rest, collection="inherit"))) == set(made.values())
    accepted(exchange.post(objects, collection="inherit"))
    assert_levels(exchange, "inherit", {of: "AMBER+STRICT" for of in made.values()})


def test_what_the_converter_writes_against_the_standard_is_refused_alone(exchange):
    """URIs without scheme and patterns that no object can match come from what analysts put in. So do abbreviated hives,
    which are let through: they say what is meant."""
    event = senders.misp_event(9, ["tlp:green"], [
        senders.misp_attribute(0x111, "regkey", "HKLM\\Software\\a", category="Persistence mechanism", to_ids=False),
        senders.misp_attribute(0x112, "uri", "/a/b", to_ids=False),
        senders.misp_attribute(0x113, "hostname|port", "c.example|8080"),
        senders.misp_attribute(0x114, "domain", "n9.example"),
    ])
    objects = converted(event)
    refused = failures(exchange.post(objects, collection="inherit"))
    rules = {of.split("--")[0]: message.split(":")[0] for of, message in refused.items()}
    assert rules == {"url": "fmt.url", "indicator": "indicator.pattern"}
    assert_levels(exchange, "inherit", {of: "GREEN" for of in by_name(objects, 0x114).values()})


# Splunk


def test_a_grouping_of_splunk_keeps_each_level(exchange):
    """Its app for the sharing platform of Australia's CERT marks with TLP 2.0, and sends the definitions along."""
    identity = {"type": "identity", "spec_version": "2.1", "id": f"identity--{uuid.uuid4()}", "created": "2026-02-01T10:00:00.123Z",
                "modified": "2026-02-01T10:00:00.123Z", "name": "Team", "identity_class": "organization"}
    made = {level: indicator(created_by_ref=identity["id"], object_marking_refs=[TLP2[level]]) for level in LADDER}
    grouping = {"type": "grouping", "spec_version": "2.1", "id": f"grouping--{uuid.uuid4()}", "created_by_ref": identity["id"],
                "created": "2026-02-01T10:00:00.123Z", "modified": "2026-02-01T10:00:00.123Z", "name": "Group", "context": "unspecified",
                "object_refs": [one["id"] for one in made.values()], "object_marking_refs": [TLP2["GREEN"]]}
    definitions = [senders.splunk_definition(level, of) for level, of in TLP2.items()]
    accepted(exchange.post([grouping, identity, *made.values(), *definitions], collection="strict"))
    assert_levels(exchange, "strict", {one["id"]: level for level, one in made.items()} | {grouping["id"]: "GREEN", identity["id"]: "GREEN"})
