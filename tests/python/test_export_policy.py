"""What an export may hold: levels, uses, terms, state, what others say of it, and warning lists."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from commands import DONE, FAILED, ended
from conftest import uuid4
from exporting import TLP, address, day, export, exporter, found, indicator, name, stix  # noqa: F401: fixtures

HANDLING = "extension-definition--93786750-2f8f-4886-8165-b32d0ab69bfb"
IEP = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
LEVELS = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
BLOCK, DETECT, ARCHIVE = "list", "csv", "ndjson"


def marking(extension, content, **more):
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{uuid4()}", "created": day(-9),
        "extensions": {extension: {"extension_type": "property-extension"} | content},
    } | more


def marked(value, definition):
    """A value under a marking of its own, and the marking."""
    thing = stix(value)
    thing["object_marking_refs"].append(definition["id"])
    return [{"object": definition}, {"object": thing}]


def handled(value, **content):
    return marked(value, marking(HANDLING, content))


# Levels


@pytest.mark.parametrize("ceiling", LEVELS)
def test_nothing_is_above_the_ceiling_and_the_highest_level_inside_is_told(export, ceiling):
    values = [name(f"level-{number}", tlp=level) for number, level in enumerate(LEVELS)]
    directory, report = export(BLOCK, values, tlp_max=ceiling)
    last = LEVELS.index(ceiling)
    assert found(directory, report) == [f"level-{number}" for number in range(last + 1)]
    assert f"tlp={ceiling} " in (directory / f"{report['name']}.txt").read_text().splitlines()[0]
    # How much somebody may not see is nobody's to know.
    assert report["left_out"] == {}


def test_the_highest_level_inside_is_not_the_ceiling(export):
    directory, report = export(BLOCK, [name("green", tlp="GREEN")])
    assert "tlp=GREEN " in (directory / f"{report['name']}.txt").read_text().splitlines()[0]


def test_an_export_for_another_organisation_holds_what_that_one_may_read(export):
    values = [name(f"level-{number}", tlp=level) for number, level in enumerate(LEVELS)]
    place = export.place(values)
    assert found(*export.over(place, ARCHIVE, organisation="cert-b")) == ["level-0", "level-1", "level-2", "level-3"]
    assert found(*export.over(place, ARCHIVE)) == [f"level-{number}" for number in range(5)]


def test_levels_are_written_as_old_readers_know_them(export):
    place = export.place([name("clear", tlp="CLEAR"), name("strict", tlp="AMBER+STRICT")])
    for way, words in ("1.0", ["WHITE", "RED"]), ("2.0", ["CLEAR", "AMBER+STRICT"]):
        directory, report = export.over(place, DETECT, tlp_write=way)
        assert [line.split(",")[3] for line in (directory / f"{report['name']}.csv").read_text().splitlines()[1:]] == words


# Uses


@pytest.mark.parametrize("format, uses", [
    (BLOCK, ["CLEAR", "GREEN"]), (DETECT, ["CLEAR", "GREEN", "AMBER"]), (ARCHIVE, ["CLEAR", "GREEN", "AMBER", "RED"])])
def test_each_class_of_formats_lets_in_what_its_consumers_may_do(export, format, uses):
    values = [name(use.lower(), pap=use) for use in ["CLEAR", "GREEN", "AMBER", "RED"]] + [name("unsaid")]
    directory, report = export(format, values)
    assert found(directory, report) == sorted([use.lower() for use in uses] + ["unsaid"])
    assert report["left_out"] == ({"pap_class": 4 - len(uses)} if len(uses) < 4 else {})


@pytest.mark.parametrize("action, formats", [
    ("none", [ARCHIVE]), ("contact-for-instruction", [ARCHIVE]), ("internally-visible-actions", [ARCHIVE]),
    ("externally-visible-indirect-actions", [DETECT, ARCHIVE]), ("externally-visible-direct-actions", [BLOCK, DETECT, ARCHIVE]),
])
def test_policies_of_information_exchange_limit_uses_too(export, action, formats):
    policy = marking(
        IEP, {"iep_version": "2.0", "iep_id": uuid4(), "permitted_actions": action}, name="IEP",
        external_references=[{"source_name": "iep", "url": "https://iep.example/"}])
    place = export.place(marked(name("asked"), policy) + [name("free")])
    for format in (BLOCK, DETECT, ARCHIVE):
        assert found(*export.over(place, format)) == (["asked", "free"] if format in formats else ["free"]), format


# Terms


def test_personal_data_is_only_where_it_was_asked_for(export):
    values = [name("nobody"), *handled(name("somebody"), personal_data="yes"), *handled(name("by-the-way"), personal_data="incidental")]
    place = export.place(values)
    directory, report = export.over(place, BLOCK)
    assert found(directory, report) == ["by-the-way", "nobody"] and report["left_out"] == {"personal_data": 1}
    directory, report = export.over(place, BLOCK, personal_data=True)
    assert found(directory, report) == ["by-the-way", "nobody", "somebody"] and report["left_out"] == {}


def test_an_export_is_for_the_purposes_of_its_readers(export):
    place = export.place([
        name("usual"), *handled(name("response"), purposes=["incident-response"]), *handled(name("defence"), purposes=["cyber-defence"])])
    cases = [
        (None, ["defence", "response", "usual"], "cyber-defence,incident-response"),
        (["cyber-defence"], ["defence", "usual"], "cyber-defence"),
        (["incident-response"], ["response", "usual"], "incident-response"),
        (["research"], [], ""),
    ]
    for purposes, names, told in cases:
        directory, report = export.over(place, BLOCK, **({"purposes": purposes} if purposes else {}))
        assert found(directory, report) == names, purposes
        head = (directory / f"{report['name']}.txt").read_text().splitlines()[0]
        assert re.search(r"purposes=(\S*)", head)[1].strip("-") == told, head


def test_what_no_machine_enforces_is_told_at_the_top(export):
    directory, report = export(BLOCK, handled(name("evidence"), evidence_use="prohibited", handling_codes=["H1"]))
    meta = json.loads((directory / f"{report['name']}.meta.json").read_text())
    assert meta["caveats"] == ["evidence_use=prohibited", "handling_code=H1"]
    head = "\n".join(line for line in (directory / f"{report['name']}.txt").read_text().splitlines() if line.startswith("#"))
    assert "evidence_use=prohibited" in head and "handling_code=H1" in head


# What the export asks for


def test_labels_types_and_confidence_choose(export):
    place = export.place([
        name("rat", labels=["rat", "x"], confidence=70), name("bot", labels=["bot"], confidence=69), name("plain"),
        address(1, labels=["rat"], confidence=100)])
    cases = [
        ({"labels": ["rat"]}, ["1", "rat"], {}), ({"labels": ["bot", "rat"]}, ["1", "bot", "rat"], {}), ({"labels": ["ra"]}, [], {}),
        ({"types": ["domain-name"]}, ["bot", "plain", "rat"], {}), ({"types": ["ipv4-addr"], "labels": ["rat"]}, ["1"], {}),
        ({"confidence_min": 70}, ["1", "rat"], {"confidence": 2}), ({"confidence_min": 0}, ["1", "bot", "rat"], {"confidence": 1}), ({}, ["1", "bot", "plain", "rat"], {}),
    ]
    for keys, values, left_out in cases:
        for format in (BLOCK, DETECT):
            directory, report = export.over(place, format, **keys)
            assert (found(directory, report), report["left_out"]) == (values, left_out), (format, keys)
    # Of whole objects types are those of objects.
    assert found(*export.over(place, ARCHIVE, types=["indicator"], labels=["rat"])) == ["1", "rat"], "objects"
    assert found(*export.over(place, ARCHIVE, types=["malware"])) == []


# State


def test_only_what_is_active_goes_out(export):
    old, far = day(-40), day(30)
    values = [
        address(1, valid_from=old), address(2, valid_from=day(-20)), address(3, valid_from=old, valid_until=far),
        address(4, valid_until=day(-1)), address(5, created=day(-1), valid_from=day(2)), address(6, revoked=True),
        name("old", valid_from=old), name("older", valid_from=day(-200)), name("oldest", valid_from=day(-200), valid_until=far),
        indicator("[file:name = 'f.example.com']", valid_from=day(-300)),
    ]
    place = export.place(values)
    for format in (BLOCK, DETECT, ARCHIVE):
        directory, report = export.over(place, format)
        assert found(directory, report) == ["2", "3", "f", "old", "oldest"], format
        assert report["left_out"] == {"not_active": 5}, format


def test_a_list_says_until_when_a_value_counts(export):
    directory, report = export(DETECT, [address(1), address(2, valid_until=day(9)), name("domain")])
    rows = [line.split(",") for line in (directory / f"{report['name']}.csv").read_text().splitlines()[1:]]
    assert {row[1]: row[6][:10] for row in rows} == {"9.9.9.1": day(25)[:10], "9.9.9.2": day(9)[:10], "domain.example.com": day(175)[:10]}


def decayed(export, decay, *values):
    directory, report = export.over(export.place(list(values), decay=decay), DETECT)
    rows = [line.split(",") for line in (directory / f"{report['name']}.csv").read_text().splitlines()[1:]]
    return {row[1].split(".")[0]: int(row[2]) for row in rows}, report["left_out"]


def test_decay_takes_values_out_and_confidence_down(export):
    export.registry["decay"] = [{"id": "straight", "lifetime_days": 100, "decay_speed": 1, "threshold": 30}]
    values = [name(f"days-{days}", confidence=80, valid_from=day(-days), valid_until=day(300)) for days in (0, 20, 50, 60, 70)]
    whole = {f"days-{days}": 80 for days in (0, 20, 50, 60, 70)}
    rows, left_out = decayed(export, "none", *values)
    assert (rows, left_out) == (whole, {})
    rows, left_out = decayed(export, "straight", *values)
    # 80 · (1 − t/100), and nothing below 30; up to a day of it has gone since the morning.
    assert set(rows) == {"days-0", "days-20", "days-50", "days-60"} and left_out == {"not_active": 1}
    for days in (20, 50, 60):
        assert 80 * (1 - (days + 1) / 100) - 1 <= rows[f"days-{days}"] <= 80 * (1 - (days - 1) / 100) + 1


def test_the_least_confidence_is_that_of_today(export):
    export.registry["decay"] = [{"id": "straight", "lifetime_days": 100, "decay_speed": 1, "threshold": 30}]
    place = export.place([name(f"days-{days}", confidence=80, valid_from=day(-days)) for days in (2, 40)], decay="straight")
    assert found(*export.over(place, BLOCK, confidence_min=60)) == ["days-2"]
    assert found(*export.over(place, BLOCK, confidence_min=40)) == ["days-2", "days-40"]


# What others say of it


def says(kind, about, modified=None, **more):
    made = modified or day(-1)
    return {
        "type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid4()}", "created": made, "modified": made,
        "object_marking_refs": [f"marking-definition--{TLP['AMBER']}"],
    } | about | more


def opinion(id, value="disagree", **more):
    return says("opinion", {"object_refs": [id], "opinion": value, "explanation": "that is ours"} | more)


def told(export, opinions, **keys):
    """What comes of a value that cert-a published, when organisations say these things of it."""
    value = name("disputed", id=f"indicator--{uuid4()}")
    place = export.place([value, name("other")], **keys)
    for org, make in opinions:
        export.publish(place[0], [make(value["id"])], org=org)
    results = []
    for format in (BLOCK, ARCHIVE):
        directory, report = export.over(place, format)
        results.append("disputed" in found(directory, report))
        assert "other" in found(directory, report)
        # Opinions that were revoked are objects too, which an archive leaves out.
        left_out = {reason: count for reason, count in report["left_out"].items() if format == BLOCK or reason != "not_active"}
        assert left_out == ({} if results[-1] else {"under_review": 1})
    assert results[0] == results[1]
    return results[0]


@pytest.fixture(scope="session")
def third(exporter):
    """A third organisation, to be counted."""
    exporter.registry["organisation"].append(
        {"id": "cert-c", "name": "CERT C", "country": "CC", "client": [{"id": "feed", "role": "publisher"}]})
    exporter.agreement["parties"].append("cert-c")
    exporter.hub.apply(exporter.registry)
    return "cert-c"


@pytest.mark.parametrize("attribution", ["open", "anonymous"])
def test_one_other_organisation_is_not_enough_two_are(export, third, attribution):
    assert told(export, [("cert-b", opinion)], attribution=attribution)
    assert told(export, [("cert-b", opinion), ("cert-b", opinion)], attribution=attribution)
    assert not told(export, [("cert-b", opinion), (third, opinion)], attribution=attribution)


@pytest.mark.parametrize("attribution", ["open", "anonymous"])
def test_its_owner_alone_is_enough(export, attribution):
    assert not told(export, [("cert-a", opinion)], attribution=attribution)


def test_an_opinion_counts_only_if_it_disagrees_says_why_and_stands(export):
    for more in {"value": "agree"}, {"value": "neutral"}, {"explanation": " "}, {"revoked": True}:
        assert told(export, [("cert-a", lambda id, more=more: opinion(id, **more))]), more
    assert not told(export, [("cert-a", lambda id: opinion(id, "strongly-disagree"))])


def test_who_thinks_otherwise_later_is_no_longer_against(export, third):
    later = ("cert-b", lambda id: says("opinion", {"object_refs": [id], "opinion": "agree"}, modified=day(0)))
    assert told(export, [("cert-b", opinion), (third, opinion), later])


def test_a_dispute_ends_when_the_operator_says_so_until_somebody_disagrees_again(export):
    value = name("disputed", id=f"indicator--{uuid4()}")
    place = export.place([value])
    export.publish(place[0], [opinion(value["id"])])
    assert found(*export.over(place, BLOCK)) == []
    ended(export.hub.on_hub("warning", "confirm", "--opinions", f"indicator--{uuid4()}"), FAILED, "not in the database")
    ended(export.hub.on_hub("warning", "confirm", "--opinions", value["id"]), DONE, "no longer count")
    assert found(*export.over(place, BLOCK)) == ["disputed"]
    later = (datetime.now(timezone.utc) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    export.publish(place[0], [opinion(value["id"], modified=later)])
    assert found(*export.over(place, BLOCK)) == []


@pytest.mark.parametrize("seen, is_alive", [
    ([-1], True), ([-29], True), ([-35], False), ([5], False), ([-1, 5], True), ([], False)])
def test_a_value_that_was_seen_again_lives_on(export, seen, is_alive):
    value = address(1, valid_from=day(-40), id=f"indicator--{uuid4()}")
    place = export.place([value, address(2)])
    sightings = [says("sighting", {"sighting_of_ref": value["id"], "first_seen": day(-36), "last_seen": day(n), "count": 1}) for n in seen]
    export.publish(place[0], sightings, org="cert-b")
    assert found(*export.over(place, BLOCK)) == (["1", "2"] if is_alive else ["2"])


def test_a_sighting_does_not_move_the_date_of_its_owner(export):
    value = address(1, valid_from=day(-40), valid_until=day(-2), id=f"indicator--{uuid4()}")
    place = export.place([value])
    export.publish(place[0], [says("sighting", {"sighting_of_ref": value["id"], "last_seen": day(-1)})], org="cert-b")
    assert found(*export.over(place, BLOCK)) == []


# Warning lists


def test_built_in_lists_hold_values_until_they_are_confirmed(export):
    values = [indicator("[ipv4-addr:value = '192.168.7.7']", id=f"indicator--{uuid4()}"), address(1)]
    place = export.place([])
    export.publish(place[0], export.objects(values), confirm=False)

    def has_it(format):
        directory, report = export.over(place, format)
        is_in = "192.168.7.7" in (directory / next(iter(report["files"]))).read_text()
        assert report["left_out"] == ({} if is_in else {"warning_list": 1}), format
        return is_in

    assert [has_it(format) for format in (BLOCK, DETECT, ARCHIVE)] == [False, False, True]
    ended(export.hub.on_hub("warning", "confirm", values[0]["id"]), DONE, "RFC 1918")
    assert [has_it(format) for format in (BLOCK, DETECT, ARCHIVE)] == [True, True, True]


def listed(title, version, *entries, kind="hostname"):
    return {"name": title, "version": version, "description": "x", "type": kind, "matching_attributes": ["domain", "hostname"], "list": list(entries)}


def test_lists_of_a_directory_inform_hold_or_block(make_hub):
    hub = make_hub(start=False)
    lists = hub.dir / "warn"
    lists.mkdir()

    def put(*found):
        for one in found:
            (lists / f"{one['name']}.json").write_text(json.dumps(one))

    put(listed("known", 1, "inform.example.com"), listed("popular", 1, "hold.example.com"), listed("ours", 1, "block.example.com"))
    settings = '[warning_lists]\ndir = "warn"\naction = "review"\nactions = { known = "inform", ours = "block" }\n'
    text = hub.config.read_text()
    assert text.count("[warning_lists]\n") == 1
    text = text.replace("[warning_lists]\n", settings)
    hub.config.write_text(text)
    registry = hub.registry()
    registry["export"] = [{"id": "soc", "organisation": "cert-a", "collections": [hub.collection], "format": BLOCK, "tlp_max": "RED"}]
    hub.apply(registry, issue=False)
    hub.start()
    things = {word: stix(name(word)) for word in ("inform", "hold", "block", "free")}
    status = hub.post(list(things.values()))
    [failure] = status["failures"]
    assert status["success_count"] == 3 and failure["id"] == things["block"]["id"]
    assert "ours" in failure["message"] and "block.example.com" in failure["message"]

    def run():
        made = ended(hub.on_hub("export", "run", "soc", "--json"), DONE)
        meta = json.loads(made.stdout)[0]["meta"]
        return found(hub.dir / "exports/soc", {"files": {"soc.txt": 1}}), meta["left_out"]

    assert run() == (["free", "inform"], {"warning_list": 1})
    ended(hub.on_hub("warning", "confirm", things["hold"]["id"]), DONE, "popular")
    assert run() == (["free", "hold", "inform"], {})
    # What was confirmed was confirmed against that version of the list.
    put(listed("popular", 2, "hold.example.com"))
    assert run() == (["free", "inform"], {"warning_list": 1})
    ended(hub.on_hub("warning", "confirm", things["hold"]["id"]), DONE, "version 2")
    assert run() == (["free", "hold", "inform"], {})
    # What a list blocks stays out even if it was there before, and no confirmation helps.
    put(listed("ours", 2, "block.example.com", "free.example.com"))
    ended(hub.on_hub("warning", "confirm", things["free"]["id"]), DONE, "nothing to confirm")
    assert run() == (["hold", "inform"], {"warning_list": 1})
