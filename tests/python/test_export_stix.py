"""Bundles and lines of STIX as OpenCTI, MISP and the standard's own validator read them, and the feed as MISP's
library reads it; each also with a file that we broke, so that we know they look."""
import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from misp_stix_converter import ExternalSTIX2toMISPParser, MISPtoSTIX21Parser, stix_2_to_misp
from pymisp import MISPEvent, PyMISPError
from stix2.parsing import parse
from stix2validator import ValidationOptions, validate_string

from conftest import lacking
from exporting import MANY, day, export, exporter, indicator, many, stix  # noqa: F401

OPENCTI = os.environ.get("OPENCTI_PYTHON", str(Path(__file__).parents[2] / ".venv-opencti/bin/python"))
SPLIT = """
import sys
from pycti.utils.opencti_stix2_splitter import OpenCTIStix2Splitter
expected, rejected, bundles = OpenCTIStix2Splitter().split_bundle_with_expectations(sys.stdin.read())
print(expected, len(rejected), len(bundles))
"""
HARD = 'a "b" \\ \n},{ \u202e \u2028 =1+1 \U0001f600 ' + "x" * 5000
MADE = {}
# So many that they are read page by page.
OBJECTS = 12_000


def files(directory):
    """What an export is, without the sums and what stands beside it."""
    beside = (".sha256", ".meta.json", ".lock")
    return [path for path in directory.iterdir() if not path.name.endswith(beside)]


def only(directory, suffix):
    (found,) = [path for path in files(directory) if path.match("*" + suffix)]
    return found


def some():
    return [
        indicator("[domain-name:value = 'c2.evil.example']", tlp="GREEN", confidence=80, name=HARD, description=HARD, labels=["rat"]),
        indicator("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", tlp="AMBER+STRICT", name="net"),
        indicator("[url:value = 'http://c2.evil.example/a?b=\\'|\"']", tlp="CLEAR", name="url"),
        indicator("[file:name = 'a.exe' AND file:size = 7]", tlp="AMBER", name="both"),
        indicator('rule x { strings: $a = "\\"" condition: $a }', pattern_type="yara", tlp="RED", name="rule"),
    ]


def once(export, format):
    """An export of many values, made once; of whole objects one for each value."""
    if "objects" not in MADE:
        MADE["objects"] = [{"object": stix(value)} for value in many("mixed", OBJECTS)]
    if format not in MADE:
        MADE[format] = export(format, many("mixed") if format == "misp" else MADE["objects"])
    return MADE[format]


# STIX


def opencti(text):
    if not Path(OPENCTI).exists():
        lacking(f"there is no {OPENCTI} (tests/run makes it)")
    run = subprocess.run([OPENCTI, "-c", SPLIT], input=text, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [int(number) for number in run.stdout.split()]


def errors(text):
    found = validate_string(text, ValidationOptions(version="2.1"))
    results = getattr(found, "object_results", [found])
    return [str(error) for result in results for error in result.errors]


def event_of(bundle):
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(parse(bundle, allow_custom=True))
    parser.parse_stix_bundle()
    assert not parser.errors, parser.errors
    return parser.misp_event


def bundle_of(directory):
    return json.loads(only(directory, ".json").read_text())


@pytest.mark.parametrize("levels", ["2.0", "1.0", "both"])
def test_all_three_read_a_bundle(export, levels):
    directory, report = export("stix", some(), {"group": True}, tlp_write=levels)
    text = only(directory, ".json").read_text()
    bundle = json.loads(text)
    assert not report["left_out"] and errors(text) == []
    expected, rejected, parts = opencti(text)
    assert (expected, rejected, parts) == (len(bundle["objects"]), 0, len(bundle["objects"]))
    event = event_of(bundle)
    values = {one.value for one in event.attributes} | {one.value for whole in event.objects for one in whole.attributes}
    assert {"c2.evil.example", some()[4]["pattern"]} <= values
    assert "tlp:red" in {tag.name for tag in event.tags}


@pytest.mark.parametrize("levels", ["2.0", "1.0", "both"])
def test_markings_are_all_there_and_none_is_lower(export, levels):
    directory, _ = export("stix", some(), tlp_write=levels)
    objects = {one["id"]: one for one in bundle_of(directory)["objects"]}
    names = {}
    for one in objects.values():
        for mark in one.get("object_marking_refs", []):
            definition = objects[mark]
            names.setdefault(one["name"], []).append(
                "1 " + definition["definition"]["tlp"] if "definition" in definition else "2 " + definition["name"][4:].lower()
            )
    both = {"net": ["2 amber+strict", "1 red"], "url": ["2 clear", "1 white"], "both": ["2 amber", "1 amber"], "rule": ["2 red", "1 red"]}
    kept = {"2.0": "2", "1.0": "1", "both": "21"}[levels]
    assert {name: names[name] for name in both} == {name: [mark for mark in marks if mark[0] in kept] for name, marks in both.items()}


def test_a_bundle_that_we_broke_is_refused(export):
    directory, _ = export("stix", some())
    bundle = bundle_of(directory)
    broken = json.loads(json.dumps(bundle))
    next(one for one in broken["objects"] if one["type"] == "indicator").pop("valid_from")
    assert errors(json.dumps(broken))
    broken = json.loads(json.dumps(bundle))
    next(one for one in broken["objects"] if one["type"] == "indicator")["pattern"] = "[domain-name:value = 'it's']"
    broken["objects"] = [one | {"pattern_type": "stix"} if one["type"] == "indicator" else one for one in broken["objects"]]
    assert errors(json.dumps(broken))
    broken["objects"][0] |= {"type": "no-such-type", "id": "no-such-type--00000000-0000-4000-8000-000000000001"}
    assert opencti(json.dumps(broken))[1] == 1
    del broken["objects"]
    with pytest.raises(AssertionError):
        opencti(json.dumps(broken))


def test_the_values_in_lines_are_those_that_went_in(export):
    directory, report = export("ndjson", some())
    text = only(directory, ".ndjson").read_bytes().decode()
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    found = {one["pattern"]: one for one in lines if one["type"] == "indicator"}
    assert set(found) == {one["pattern"] for one in some()} and text.endswith("}\n")
    assert found[some()[0]["pattern"]]["name"] == HARD
    whole = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": lines}
    assert errors(json.dumps(whole)) == [] and opencti(json.dumps(whole))[1] == 0


def test_none_is_an_empty_bundle_and_no_lines(export):
    directory, _ = export("stix", [], {"group": True})
    text = only(directory, ".json").read_text()
    assert errors(text) == [] and opencti(text) == [0, 0, 0]
    imported = stix_2_to_misp(only(directory, ".json"), output_dir=directory.parent)
    assert imported["success"] == 1, imported
    directory, _ = export("ndjson", [])
    assert only(directory, ".ndjson").read_bytes() == b""


def test_one_object_is_read(export):
    directory, _ = export("stix", some()[:1])
    text = only(directory, ".json").read_text()
    assert errors(text) == [] and opencti(text) == [2, 0, 2]


def test_many_objects_are_read(export):
    directory, _ = once(export, "stix")
    bundle = bundle_of(directory)
    objects = [one for one in bundle["objects"] if one["type"] == "indicator"]
    assert len({one["id"] for one in objects}) == len(objects) == OBJECTS
    assert {one["pattern"] for one in objects} == {one["pattern"] for one in many("mixed", OBJECTS)}
    # They need minutes for all.
    part = json.dumps(bundle | {"objects": bundle["objects"][-500:]})
    assert errors(part) == []
    assert opencti(json.dumps(bundle | {"objects": bundle["objects"][-2000:]})) == [2000, 0, 2000]
    lines = only(once(export, "ndjson")[0], ".ndjson").read_text().split("\n")[:-1]
    assert [json.loads(line)["id"] for line in lines] == [one["id"] for one in bundle["objects"]]


# The feed of MISP


def loaded(path):
    event = MISPEvent()
    event.load_file(path)
    return event


def plain(entry):
    """What a manifest says, without how numbers and tags are dressed."""
    tags = [(tag["name"], tag["colour"]) for tag in entry["Tag"]]
    rest = {name: str(value) for name, value in entry.items() if name not in ("Tag", "Orgc")}
    return rest | {"Tag": tags, "Orgc": entry["Orgc"]}


def feed(directory):
    """Reads a feed with MISP's library, and compares what that would have written."""
    manifest = json.loads((directory / "manifest.json").read_text())
    told = [tuple(line.split(",")) for line in (directory / "hashes.csv").read_text().splitlines()]
    assert {path.name for path in files(directory)} == {"manifest.json", "hashes.csv"} | {f"{uuid}.json" for uuid in manifest}
    events = {uuid: loaded(directory / f"{uuid}.json") for uuid in manifest}
    for uuid, event in events.items():
        file = json.loads((directory / f"{uuid}.json").read_text())["Event"]
        gone = [one["value"] for one in file["Attribute"] if one.get("deleted")]
        gone += [one["value"] for whole in file["Object"] for one in whole["Attribute"] if one.get("deleted")]
        written = event.to_feed(with_meta=True)["Event"]
        hashes = list(written["_hashes"])
        for value in gone:
            hashes.remove(hashlib.md5(value.encode()).hexdigest())
        assert sorted(hashes) == sorted(digest for digest, of in told if of == uuid)
        assert {uuid: plain(manifest[uuid])} == {of: plain(entry) for of, entry in written["_manifest"].items()}
        for one in file["Attribute"] + [one for whole in file["Object"] for one in whole["Attribute"]]:
            types = event.describe_types["category_type_mappings"]
            assert one["type"] in types[one["category"]], one
    assert {of for _, of in told} <= set(manifest)
    return events


def attributes(events):
    return {one.value: one for event in events.values() for one in event.attributes}


def test_misp_reads_the_feed(export):
    values = some() + [
        indicator("[domain-name:value = 'evil.co.uk' OR domain-name:value = 'www.evil.co.uk']", pap="AMBER", classification="c2-server"),
        indicator("[mutex:name = 'Global\\\\it\\'s']", valid_until=day(40)),
        indicator("alert ip any any -> any any (msg:\"x\"; sid:1;)", pattern_type="suricata"),
    ]
    directory, report = export("misp", values)
    events = feed(directory)
    assert not report["left_out"] and len(events) == 1
    found = attributes(events)
    types = {value: one.type for value, one in found.items()}
    (url,) = [value for value, kind in types.items() if kind == "url"]
    assert url.startswith("http://c2.evil.example/a?b=")
    assert types == {
        "c2.evil.example": "hostname", "203.0.113.0/24": "ip-dst", url: "url", values[4]["pattern"]: "yara",
        "evil.co.uk": "domain", "www.evil.co.uk": "hostname", values[7]["pattern"]: "snort",
    }
    patterns = {one.value for event in events.values() for whole in event.objects for one in whole.attributes if one.type == "stix2-pattern"}
    assert patterns == {values[3]["pattern"], values[6]["pattern"]}
    assert not found["evil.co.uk"].to_ids and found["203.0.113.0/24"].to_ids
    assert 'rsit:malicious-code="c2-server"' in {tag.name for tag in found["evil.co.uk"].tags}
    (event,) = events.values()
    assert {tag.name for tag in event.tags} == {"tlp:red", "PAP:AMBER"}


def test_the_feed_becomes_stix_by_misps_own_converter(export):
    directory, _ = export("misp", some())
    event = loaded(only(directory, "-*.json"))
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event(json.loads(event.to_json()))
    assert not parser.errors, parser.errors
    objects = json.loads(parser.bundle.serialize())["objects"]
    patterns = {one["pattern"] for one in objects if one["type"] == "indicator"}
    # The converter puts what is no pattern of STIX into brackets too.
    assert {"[file:name = 'a.exe' AND file:size = 7]", f"[{some()[4]['pattern']}]"} <= patterns
    assert any("c2.evil.example" in pattern for pattern in patterns)


def test_a_feed_that_we_broke_is_refused(export):
    directory, _ = export("misp", some())
    feed(directory)
    path = only(directory, "-*.json")
    good = path.read_text()
    event = json.loads(good)
    path.write_text(good.replace('"timestamp":"', '"timestamp":"1', 1))
    with pytest.raises(AssertionError):
        feed(directory)
    event["Event"]["Attribute"][0]["type"] = "no-such-type"
    path.write_text(json.dumps(event))
    with pytest.raises((PyMISPError, AssertionError)):
        feed(directory)
    path.write_text(good)
    hashes = directory / "hashes.csv"
    hashes.write_text("\n".join(hashes.read_text().splitlines()[1:]) + "\n")
    with pytest.raises(AssertionError):
        feed(directory)


def test_no_values_are_a_feed_without_events(export):
    directory, _ = export("misp", [])
    assert feed(directory) == {} and (directory / "hashes.csv").read_bytes() == b""


def test_one_value_is_one_event(export):
    directory, _ = export("misp", some()[:1])
    assert list(attributes(feed(directory))) == ["c2.evil.example"]


def test_an_update_tells_what_changed_and_what_is_retracted(export):
    first = [indicator(f"[domain-name:value = '{name}.example']", id=f"indicator--00000000-0000-4000-8000-00000000000{n}", modified=day(n - 9), valid_from=day(n - 9))
             for n, name in enumerate("abcd")]
    directory, _ = export("misp", first)
    first_files = {path.name: path.read_bytes() for path in files(directory)}
    before = attributes(feed(directory))
    assert len(first_files) == 6

    directory, _ = export("misp", first, again=directory)
    assert {path.name: path.read_bytes() for path in files(directory)} == first_files, "nothing changed"

    changed = first[1] | {"confidence": 90, "modified": day(-4)}
    later = indicator("[domain-name:value = 'e.example']", modified=day(-4), valid_from=day(-4))
    directory, _ = export("misp", [first[0], changed, first[3], later], again=directory)
    after = attributes(feed(directory))
    rewritten = {name for name, old in first_files.items() if (directory / name).read_bytes() != old}
    assert len(rewritten) == 4, "manifest, hashes, and the events of b and c"
    assert after["b.example"].timestamp > before["b.example"].timestamp and after["b.example"].uuid == before["b.example"].uuid
    assert after["c.example"].deleted and after["c.example"].timestamp > before["c.example"].timestamp
    assert after["a.example"].timestamp == before["a.example"].timestamp and not after["a.example"].get("deleted")
    old, new = json.loads(first_files["manifest.json"]), json.loads((directory / "manifest.json").read_text())
    assert sorted(int(new[uuid]["timestamp"]) > int(old[uuid]["timestamp"]) for uuid in old) == [False, False, True, True]
    assert len(new) == 5, "and the day of e"


def test_misp_reads_many(export):
    directory, report = once(export, "misp")
    (uuid,) = json.loads((directory / "manifest.json").read_text())
    file = json.loads((directory / f"{uuid}.json").read_text())["Event"]
    assert len({one["uuid"] for one in file["Attribute"]}) == len({(one["type"], one["value"]) for one in file["Attribute"]}) == MANY
    assert len(attributes(feed(directory))) == MANY and not report["left_out"]
