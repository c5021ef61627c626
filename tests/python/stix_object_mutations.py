"""Mutations of whole objects: identifiers, names, times in the wrong order, rules of the tables, extensions,
markings, JSON text. Each yields (label, object or raw text, wants); wants of None leave the verdict to the oracle."""

import copy
import json

from stix_model import COMMON, KIND, RESERVED, TYPES, properties, tlp1
from stix_mutations import UUID4

MARKING = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
EXTENSION = f"extension-definition--{UUID4}"
RULE_VALUES = {
    "payload_bin": "QQ==", "url": "https://samples.example.org/a", "body": "text", "end": "2026-02-02T00:00:00Z",
    "body_multipart": [{"body": "text"}], "objects": {"0": {"type": "url", "value": "https://a.example/"}},
    "object_refs": [f"file--{UUID4}"],
}


def object_mutations(name, thing):
    if thing["type"] == "bundle":
        yield from bundles(thing)
        return
    if name.endswith("-tlp1-white") or "-tlp1-" in name or "-tlp2-" in name:
        yield from markings_of_tlp(name, thing)
        return
    yield from rules(thing)
    if "minimal" in name:
        return
    yield from identifiers(thing)
    yield from custom_names(thing)
    yield from not_applicable(thing)
    yield from extensions(thing)
    yield from granular(thing)
    yield from texts(thing)


def identifiers(thing):
    own, number = thing["type"], thing["id"].split("--")[1]
    for label, value in {
        "one hyphen": f"{own}-{number}", "no type": number, "short": f"{own}--{number[:-1]}", "newline": f"{own}--{number}\n",
        "nil": f"{own}--00000000-0000-0000-0000-000000000000", "version 9": f"{own}--{number[:14]}9{number[15:]}",
        "version 0": f"{own}--{number[:14]}0{number[15:]}", "variant": f"{own}--{number[:19]}0{number[20:]}", "empty": "",
        "braces": f"{own}--{{{number}}}", "capital type": f"{own.capitalize()}--{number}",
    }.items():
        yield f"id {label}", {**thing, "id": value}, [("id.form", "/id")]
    for other in ("bundle", "x-example-other", "malware" if own != "malware" else "tool"):
        yield f"id of a {other}", {**thing, "id": f"{other}--{number}"}, [("id.type", "/id")]
    for version in "1345678":
        yield f"id of version {version}", {**thing, "id": f"{own}--{number[:14]}{version}{number[15:]}"}, None
    yield "id in capitals", {**thing, "id": f"{own}--{number.upper()}"}, []
    for label, value in {"null": None, "a number": 5, "a list": [thing["id"]], "an object": {}}.items():
        yield f"id {label}", {**thing, "id": value}, [("obj.shape", "/id")]
        yield f"type {label}", {**thing, "type": value}, [("obj.shape", "/type")]
    for absent in ("id", "type"):
        yield f"no {absent}", without(thing, absent), [("obj.shape", f"/{absent}")]
    for value in ("X-Example", "x_example", "x--example", "x-example-", "ab", "action", "", "x example", "x" * 251):
        changed = {**thing, "type": value, "id": f"{value}--{number}"}
        yield f"type {value[:12]!r}", changed, [("type.name", "/type")]
    for value in ("2.0", "2", "", "2.1 ", 2.1, None, ["2.1"]):
        yield f"spec_version {value!r}", {**thing, "spec_version": value}, [("json.null" if value is None else "spec_version", "/spec_version")]
    is_sco = KIND.get(thing["type"]) == "sco" or "created" not in thing
    yield "no spec_version", without(thing, "spec_version"), [] if is_sco else [("spec_version", "/spec_version")]


def custom_names(thing):
    for name in RESERVED:
        yield f"reserved {name}", {**thing, name: "x"}, [("prop.reserved", f"/{name}")]
    for name in ("Example", "x-example", "9lives", "_example", "ab", "x_" + "a" * 249, "x_a b", "x_é", "", "x_misp_Capital", "x_a.b-c"):
        yield f"name {name[:12]!r} of {len(name)}", {**thing, name: 1}, [("prop.name", f"/{name}")]
    for name in ("abc", "x_example_score", "x_" + "a" * 248, "rank2"):
        yield f"name {name[:12]!r} of {len(name)}", {**thing, name: 1}, []
    for name, good, bad in (
        ("x_example_ref", f"tool--{UUID4}", ("tool", 5, [], f"tool--{UUID4}\n")),
        ("x_example_refs", [f"tool--{UUID4}"], (f"tool--{UUID4}", ["tool"], [5])),
        ("x_example_bin", "QQ==", ("QQ", 5)),
        ("x_example_hex", "00ff", ("00f", "00FF", "", 5)),
    ):
        yield f"{name} good", {**thing, name: good}, []
        for value in bad:
            code = "prop.empty" if value == [] else "prop.suffix"
            below = "" if code == "prop.empty" or not isinstance(value, list) else "?"
            yield f"{name} {value!r:.20}", {**thing, name: value}, None if below else [(code, f"/{name}")]
    yield "custom _enc alone", {**thing, "x_example_enc": "UTF-8"}, [("prop.suffix", "/x_example_enc")]
    yield "custom null", {**thing, "x_example_a": None}, [("json.null", "/x_example_a")]
    yield "custom empty list", {**thing, "x_example_a": []}, [("prop.empty", "/x_example_a")]
    yield "custom empties below", {**thing, "x_example_a": {"a": [], "b": {}, "c": None, "d": [None]}}, []
    yield "custom large integer", {**thing, "x_example_a": 2**60}, [("prop.range", "/x_example_a")]
    yield "custom large integer below", {**thing, "x_example_a": [{"b": -(2**53)}]}, [("prop.range", "/x_example_a/0/b")]


def not_applicable(thing):
    values = {
        "defanged": False, "modified": "2026-03-01T00:00:00.000Z", "revoked": False, "labels": ["x"], "confidence": 5, "lang": "en",
        "created_by_ref": f"identity--{UUID4}", "created": "2026-02-01T00:00:00.000Z",
        "external_references": [{"source_name": "x", "external_id": "1"}],
    }
    found = thing["type"] if KIND.get(thing["type"]) == "meta" else KIND.get(thing["type"])
    for name, level in COMMON.get(found, {}).items():
        if level in "EW" and name in values:
            wants = [("prop.not-applicable", f"/{name}")] if level == "E" else []
            yield f"{name} does not apply", {**thing, name: values[name]}, wants


def rules(thing):
    for late, early in (("modified", "created"),):
        if late in thing and KIND.get(thing["type"]) != "sco":
            yield "modified before created", {**thing, late: "2026-01-01T00:00:00.000Z", early: "2026-01-01T00:00:00.001Z"}, [("ts.order", "/modified")]
            yield "modified is created", {**thing, late: "2026-01-01T00:00:00.000Z", early: "2026-01-01T00:00:00.0000Z"}, []
    for rule in TYPES.get(thing["type"], {"rules": []})["rules"]:
        words = rule.split()
        if words[0] == "cmp" and words[1] in thing and words[3] in thing:
            yield from order(thing, words[1], words[3], words[2] == ">")
        elif words[0] == "anyof":
            choices = {part for choice in " ".join(words[1:]).split(" | ") for part in choice.split("+")}
            yield f"{rule}: none", without(thing, *choices), [("rule.oneof", "")]
        elif words[0] == "oneof":
            choices = " ".join(words[1:]).split(" | ")
            yield f"{rule}: none", without(thing, *choices), [("rule.oneof", "")]
            yield f"{rule}: both", {**{choice: RULE_VALUES[choice] for choice in choices}, **thing}, [("rule.oneof", "")]
        elif words[0] == "requires" and words[1] in thing:
            yield f"{rule}: without", without(thing, words[2]), [("rule.requires", f"/{words[2]}")]
        elif words[0] == "atleast1":
            own = set(properties(thing["type"])) | {"extensions"}
            yield f"{rule}: nothing", without(thing, *own), [("rule.oneof", "")]
        elif words[0] == "if":
            yield from conditions(thing, rule)


def conditions(thing, rule):
    words = rule.split()
    name, value = words[1].split("=")
    changed = {**thing, name: value == "true"}
    if words[2] == "requires":
        yield f"{rule}: without", without(changed, words[3]), [("rule.requires", f"/{words[3]}")]
    else:
        yield f"{rule}: with", {**changed, words[3]: RULE_VALUES[words[3]]}, [("rule.requires", f"/{words[3]}")]
    yield f"{rule}: other way", {**thing, name: value != "true"}, None


def order(thing, late, early, is_strict):
    base = {**thing, early: "2026-01-01T00:00:00.5Z"}
    wrong = [("ts.order", f"/{late}")]
    yield f"{late} earlier", {**base, late: "2026-01-01T00:00:00Z"}, wrong
    yield f"{late} earlier by a picosecond", {**base, late: "2026-01-01T00:00:00.499999999999Z"}, wrong
    yield f"{late} equal", {**base, late: "2026-01-01T00:00:00.500Z"}, wrong if is_strict else []
    yield f"{late} later", {**base, late: "2026-01-01T00:00:00.500000000001Z"}, []


def extensions(thing):
    if thing["type"] == "extension-definition":
        yield "extensions", {**thing, "extensions": {EXTENSION: {"extension_type": "property-extension", "abc": 1}}}, None
        return
    is_sco = KIND.get(thing["type"]) == "sco"
    old = thing.get("extensions", {})

    def add(key, value):
        return {**thing, "extensions": {**old, key: value}}

    place = f"/extensions/{EXTENSION}"
    yield "extensions empty", {**thing, "extensions": {}}, [("prop.empty", "/extensions")]
    yield "extensions null", {**thing, "extensions": None}, [("json.null", "/extensions")]
    yield "extensions a list", {**thing, "extensions": [{"abc": 1}]}, [("prop.type", "/extensions")]
    yield "extension good", add(EXTENSION, {"extension_type": "property-extension", "abc": {"a": [1, "x"]}}), []
    yield "extension without its type", add(EXTENSION, {"abc": 1}), [("ext.type", f"{place}/extension_type")]
    yield "extension of a bad type", add(EXTENSION, {"extension_type": "property"}), [("ext.type", f"{place}/extension_type")]
    yield "extension a string", add(EXTENSION, "x"), [("prop.type", place)]
    yield "extension null", add(EXTENSION, None), [("json.null", place)]
    for name in ("Abc", "a-b", "a b", "é" * 3):
        changed = add(EXTENSION, {"extension_type": "property-extension", name: 1})
        yield f"extension name {name!r}", changed, [("ext.props", f"{place}/{name}")]
    for key in ("example", "extension-definition--1", f"identity--{UUID4}", f"extension-definition--{UUID4}\n", "X-Example-ext", "", "-ext"):
        yield f"extension key {key[:24]!r}", add(key, {"extension_type": "property-extension"}), [("ext.key", f"/extensions/{key}")]
    legacy = add("x-example-ext", {"abc": 1})
    yield "legacy extension", legacy, [] if is_sco or "created" not in thing else [("ext.key", "/extensions/x-example-ext")]


def granular(thing):
    def marked(*markings):
        return {**thing, "granular_markings": list(markings)}

    place = "/granular_markings/0"
    for selector in ("id", "type"):
        yield f"selector {selector}", marked({"selectors": [selector], "marking_ref": MARKING}), []
    for selector in ("nothing", "id.x", "id.[0]", "", ".id", "id.", "Type", "type ", "type\n", "$.id", "granular_markings.0"):
        changed = marked({"selectors": [selector], "marking_ref": MARKING})
        yield f"selector {selector!r}", changed, [("mark.selector", f"{place}/selectors/0")]
    yield "selector null", marked({"selectors": ["id", None], "marking_ref": MARKING}), [("json.null", f"{place}/selectors/1")]
    yield "selector a number", marked({"selectors": [5], "marking_ref": MARKING}), [("prop.type", f"{place}/selectors/0")]
    yield "selectors a string", marked({"selectors": "id", "marking_ref": MARKING}), [("prop.type", f"{place}/selectors")]
    yield "selectors empty", marked({"selectors": [], "marking_ref": MARKING}), [("mark.granular", f"{place}/selectors")]
    yield "selectors missing", marked({"marking_ref": MARKING}), [("mark.granular", f"{place}/selectors")]
    yield "neither lang nor marking", marked({"selectors": ["id"]}), [("mark.granular", place)]
    yield "both lang and marking", marked({"selectors": ["id"], "lang": "en", "marking_ref": MARKING}), [("mark.granular", place)]
    yield "granular lang", marked({"selectors": ["id"], "lang": "en"}), []
    yield "granular bad lang", marked({"selectors": ["id"], "lang": "english"}), [("fmt.lang", f"{place}/lang")]
    yield "granular bad marking", marked({"selectors": ["id"], "marking_ref": "TLP:RED"}), [("ref.form", f"{place}/marking_ref")]
    yield "granular wrong marking", marked({"selectors": ["id"], "marking_ref": f"tool--{UUID4}"}), [("mark.ref", f"{place}/marking_ref")]
    yield "granular a string", marked("id"), [("prop.type", place)]
    yield "granular null", marked({"selectors": ["id"], "marking_ref": MARKING}, None), [("json.null", "/granular_markings/1")]
    for name in ("object_marking_refs", "granular_markings"):
        yield f"{name} empty", {**thing, name: []}, [("prop.empty", f"/{name}")]


def texts(thing):
    text = json.dumps(thing, ensure_ascii=False)
    broken = [("json.syntax", "")]
    yield "text whole", f"\n {text}\t", []
    yield "text cut", text[:-1], broken
    yield "text with a duplicate", text[:-1] + ', "id": ' + json.dumps(thing["id"]) + "}", broken
    yield "text with a comma", text[:-1] + ",}", broken
    yield "text with a lone surrogate", text[:-1] + ', "x_example_a": "\\ud800"}', broken


def markings_of_tlp(name, thing):
    if "-tlp2-" in name:
        level = {"clear": "white", "amber+strict": "amber"}.get(name.split("-")[-1].replace("strict", "amber+strict"), name.split("-")[-1])
        old = {**without(thing, "extensions"), "definition_type": "tlp", "definition": {"tlp": level if level in ("white", "green", "amber", "red") else "amber"}}
        yield "written with definition_type", old, [("mark.tlp-fixed", "")]
        return
    fixed = [("mark.tlp-fixed", "")]
    other = tlp1("red" if not name.endswith("red") else "white")
    yield "other level", {**thing, "definition": other["definition"]}, fixed
    yield "other id", {**thing, "id": f"marking-definition--{UUID4}"}, fixed
    yield "other created", {**thing, "created": "2017-01-20T00:00:00.001Z"}, fixed
    yield "statement", {**thing, "definition_type": "statement", "definition": {"statement": "x"}}, fixed
    yield "creator", {**thing, "created_by_ref": f"identity--{UUID4}"}, fixed
    yield "custom property", {**thing, "x_example_a": 1}, fixed


def bundles(thing):
    for name in COMMON["bundle"]:
        if name not in ("type", "id", "spec_version"):
            yield f"with {name}", {**thing, name: "x"}, [("prop.not-applicable", f"/{name}")]
    yield "with spec_version", {**thing, "spec_version": "2.0"}, []
    yield "custom member", {**thing, "x_example_a": 1}, []
    for label, value, code in (("null", None, "json.null"), ("empty", [], "bundle.empty"), ("an object", {"a": 1}, "prop.type"), ("a string", "x", "prop.type")):
        yield f"objects {label}", {**thing, "objects": value}, [(code, "/objects")]
    members = thing.get("objects")
    if not members:
        return
    last = len(members)
    yield "bundle inside", {**thing, "objects": [*members, {"type": "bundle", "id": f"bundle--{UUID4}"}]}, [("bundle.nested", f"/objects/{last}")]
    yield "null inside", {**thing, "objects": [*members, None]}, [("obj.shape", f"/objects/{last}")]
    yield "string inside", {**thing, "objects": [*members, "x"]}, [("obj.shape", f"/objects/{last}")]
    yield "first again", {**thing, "objects": [*members, members[0]]}, []
    changed = copy.deepcopy(members[0]) | {"x_example_a": 1}
    yield "first again, changed", {**thing, "objects": [*members, changed]}, [("bundle.dup", f"/objects/{last}")]
    for place, member in enumerate(members):
        yield f"member {place} without id", {**thing, "objects": [*members[:place], without(member, "id"), *members[place + 1 :]]}, [("obj.shape", f"/objects/{place}/id")]


def without(thing, *names):
    return {name: value for name, value in thing.items() if name not in names}


