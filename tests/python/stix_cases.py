"""Thousands of cases made from the valid fixtures, always the same: every property of every fixture is taken
away and broken in each way its kind allows, and every rule for whole objects is broken.

Each case carries the finding it was made for (`wants`, from the tables of the reference), and the verdicts and
findings of the oracle (stix_oracle.py), which is written apart from the mutations; test_content.py holds them
against each other before it holds the program against them.

    python stix_cases.py > cases.jsonl     prints all of them
"""

import copy
import json
import sys

from stix_model import COMMON, COMMON_TYPES, CONTENT, KIND, TYPES, common_class, kind, properties
from stix_mutations import MISSING, mutations
from stix_object_mutations import object_mutations
from stix_oracle import PROFILES, judge, judge_text
from stix_oracle_values import class_of

# Common properties are broken in every way on these fixtures, in a few ways on all others.
THOROUGH = ("tool-maximal", "relationship-maximal", "domain-name-maximal", "language-content-maximal",
            "extension-definition-maximal", "marking-definition-statement-maximal", "custom-sdo-extension-maximal")
COMPARED = {"created", "modified"} | {
    word for found in TYPES.values() for rule in found["rules"] if rule.startswith("cmp") for word in rule.split()[1::2]
}


def fixtures():
    with open(CONTENT / "valid.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def rules():
    with open(CONTENT / "rules.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cases():
    """All cases, as dictionaries: name, object or text, wants, errors, valid …"""
    for number, (name, thing, at, wants) in enumerate(_all()):
        if number % 29 == 0 and isinstance(thing, dict) and thing.get("type") != "bundle":
            thing = {"type": "bundle", "id": "bundle--7a9f4c30-5c0b-4f6e-8f61-2f1f5a4f0b11", "objects": [thing]}
            wants = wants and [(code, f"/objects/0{pointer}") for code, pointer in wants]
            name, at = f"{name} [in a bundle]", f"/objects/0{at}"
        yield finished(name, thing, at, wants)


def finished(name, thing, at, wants):
    """A case: `wants` names the finding it was made for; when empty, nothing is wrong at or below `at`."""
    is_text = isinstance(thing, str)
    found = judge_text(thing) if is_text else judge(thing)
    return {
        "name": name,
        "text" if is_text else "object": thing,
        "at": at,
        "wants": wants,
        "errors": found.errors(),
        "warnings": found.warnings(),
        "valid": {profile: found.verdict(profile) for profile in PROFILES},
        "relaxed": sorted({(code, pointer) for code, pointer, relaxed in found.found if relaxed}),
    }


def _all():
    for fixture in fixtures():
        name, thing = fixture["name"], fixture["object"]
        if name.startswith("edge-"):
            continue
        if thing["type"] != "bundle":
            for label, changed, at, wants in property_mutations(name, thing):
                yield f"{name} {label}", changed, at, wants
        for label, changed, wants in object_mutations(name, thing):
            yield f"{name}: {label}", changed, "", wants


def property_mutations(name, thing):
    is_minimal = "maximal" not in name
    for path, wanted, required, is_common in places(thing):
        pointer = pointer_of(path)
        value = look(thing, path)
        yield f"{pointer} missing", changed(thing, path, MISSING), pointer, [("prop.required", pointer)] if required else None
        if is_minimal and not required and not is_common and len(path) == 1:
            continue
        thorough = name in THOROUGH if is_common else not is_minimal
        seen = set()
        for label, item, code, below in mutations(wanted, value, thorough):
            if label in seen:
                continue
            seen.add(label)
            code = special(path, item, code)
            # Wants of None: only the oracle says, since more than this value decides.
            wants = [(code, pointer + below)] if code and code != "?" else [] if code is None else None
            yield f"{pointer} {label}", changed(thing, path, item), pointer, wants
    if not is_minimal:
        for path in nested_objects(thing):
            place = pointer_of(path)
            yield f"{place} unknown member", changed(thing, [*path, "x_example_a"], 1), place, []
            yield f"{place} badly named member", changed(thing, [*path, "Example"], 1), place, [("prop.name", f"{place}/Example")]
            yield f"{place} null member", changed(thing, [*path, "x_example_a"], None), place, [("json.null", f"{place}/x_example_a")]


def nested_objects(thing):
    """The paths of all objects of the tables inside an object, once each."""
    found = []
    for path, *_ in places(thing):
        if len(path) > 1 and path[:-1] not in found:
            found.append(path[:-1])
    return found


def special(path, item, code):
    """Where a string has a rule of its own besides its kind."""
    if path[-1] in ("pattern", "pattern_type") and isinstance(item, str):
        return "?"
    if path[-1] == "source_name" and item == "":
        return "prop.empty"
    if path[-1] in ("source_name", "external_id") and isinstance(item, str):
        return "?"
    if path[-1] in COMPARED and code is None:
        return "?"
    return code


def places(thing):
    """Every property of the tables that is present: (path, kind, is required, is common)."""
    found = class_of(thing)
    levels = COMMON[common_class(thing["type"], found)]
    for name, level in levels.items():
        if name in thing and level in "Ro" and name not in ("type", "id", "spec_version", "extensions"):
            yield [name], kind(COMMON_TYPES[name]), level == "R", True
            if name == "external_references":
                yield from inner(thing, [name], kind(COMMON_TYPES[name]))
    if KIND.get(thing["type"]) in ("sdo", "sro", "sco", "meta"):
        yield from tables(thing, [], properties(thing["type"]))
    for key in thing.get("extensions", {}):
        if KIND.get(key) == "ext":
            yield from tables(thing, ["extensions", key], properties(key))


def tables(thing, path, known):
    for name, (wanted, required) in known.items():
        if name in look(thing, path) and name != "extensions" and not (name == "external_references" and not path):
            yield [*path, name], wanted, required, False
            yield from inner(thing, [*path, name], wanted)


def inner(thing, path, wanted):
    """Into the last element of a list of objects, and into nested objects."""
    if wanted.name == "list" and wanted.of.name in ("obj", "kcp", "extref"):
        yield from inner(thing, [*path, len(look(thing, path)) - 1], wanted.of)
    elif wanted.name == "obj":
        yield from tables(thing, path, properties(wanted.of))
    elif wanted.name == "obscontainer":
        for key, entry in look(thing, path).items():
            for place, inside, required, is_common in tables(thing, [*path, key], properties(entry["type"])):
                if not place[-1].endswith(("_ref", "_refs")):
                    yield place, inside, required, is_common
    elif wanted.name == "kcp":
        yield from tables(thing, path, {name: (kind("str"), True) for name in ("kill_chain_name", "phase_name")})
    elif wanted.name == "extref":
        names = {"source_name": "str", "description": "str", "url": "url", "hashes": "hashes!", "external_id": "str"}
        yield from tables(thing, path, {name: (kind(text), name == "source_name") for name, text in names.items()})


def look(thing, path):
    for step in path:
        thing = thing[step]
    return thing


def changed(thing, path, value):
    found = copy.deepcopy(thing)
    owner = look(found, path[:-1])
    if value is MISSING:
        del owner[path[-1]]
    else:
        owner[path[-1]] = value
    return found


def pointer_of(path):
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


if __name__ == "__main__":
    for case in cases():
        sys.stdout.write(json.dumps(case, ensure_ascii=False) + "\n")
