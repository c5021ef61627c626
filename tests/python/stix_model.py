"""The STIX 2.1 object model as data (content/stix21-model.json), and what the reference
(stix-2.1-objects.md) says about common properties, names and fixed objects. Nothing here is read
from the program under test."""

import functools
import json
import pathlib
import re

CONTENT = pathlib.Path(__file__).resolve().parent / "content"
MODEL = json.loads((CONTENT / "stix21-model.json").read_text())
VOCABULARIES = MODEL["vocabularies"]
TYPES = MODEL["types"]
KIND = {name: found["kind"] for name, found in TYPES.items()} | {"bundle": "bundle"}
OBJECT_TYPES = [name for name, kind in KIND.items() if kind in ("sdo", "sro", "sco", "meta")]
SCO_NAMESPACE = "00abedb4-aa42-466c-9c01-fed23315a9b7"

# §2
TYPE_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PROPERTY_NAME = re.compile(r"[a-z][a-z0-9_]*")
RELAXED_NAME = re.compile(r"x_[A-Za-z0-9_.-]*")
DICTIONARY_KEY = re.compile(r"[A-Za-z0-9_-]{1,250}")
EXTENSION_NAME = re.compile(r"[a-z0-9_]*")
RESERVED = ("severity", "username", "phone_number", "action")

# §4: R required, o optional, n not applicable (with the level of the finding: E or W).
COMMON_TYPES = {
    "type": "str",
    "spec_version": "specversion",
    "id": "ownid",
    "created_by_ref": "id(identity)",
    "created": "ts.ms",
    "modified": "ts.ms",
    "revoked": "bool",
    "labels": "list<str>",
    "confidence": "int[0..100]",
    "lang": "lang",
    "external_references": "list<extref>",
    "object_marking_refs": "list<markref>",
    "granular_markings": "list<granular>",
    "defanged": "bool",
    "extensions": "exts()",
}
_CLASSES = ("sdo", "sro", "sco", "extension-definition", "language-content", "marking-definition", "bundle")
_COMMON = {
    "type": "R R R R R R R",
    "spec_version": "R R o R R R W",
    "id": "R R R R R R R",
    "created_by_ref": "o o W R o o E",
    "created": "R R W R R R E",
    "modified": "R R W R R E E",
    "revoked": "o o W o o E E",
    "labels": "o o W o o W E",
    "confidence": "o o W W o W E",
    "lang": "o o W W W W E",
    "external_references": "o o W o o o E",
    "object_marking_refs": "o o o o o o E",
    "granular_markings": "o o o o o o E",
    "defanged": "E E o E E E E",
    "extensions": "o o o E o o E",
}
COMMON = {
    found: {name: levels.split()[place] for name, levels in _COMMON.items()} for place, found in enumerate(_CLASSES)
}

# §6
CONTRIBUTING = {
    name: re.sub(r"\(.*?\)", "", found["id_contributing"]).replace("none", "").replace(" ", "").split(",")
    for name, found in TYPES.items()
    if "id_contributing" in found
}
CONTRIBUTING["process"] = []

# §10
TLP1 = {
    "white": "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
TLP2 = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
TLP2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"


def tlp1(level):
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{TLP1[level]}",
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{level.upper()}",
        "definition": {"tlp": level},
    }


def tlp2(level):
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{TLP2[level]}",
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{level.upper()}",
        "extensions": {TLP2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}},
    }


TLP1_BY_ID = {f"marking-definition--{found}": tlp1(level) for level, found in TLP1.items()}
TLP2_BY_ID = {f"marking-definition--{found}": tlp2(level) for level, found in TLP2.items()}


# Governance §1.2 and §2: what everybody knows by its id, as (protocol, level).
PAP = {
    "clear": ("ad15a0cd-55b6-4588-a14c-a66105329b92", "a3bea94c-b469-41dc-9cfe-d6e7daba7730", "4cdff7eb-acb8-543f-8573-829eb9fe8b34"),
    "green": ("c43594d1-4b11-4c59-93ab-1c9b14d53ce9", "89484dde-e3d2-547f-a6c6-d14824429eb1"),
    "amber": ("60f8932b-e51e-4458-b265-a2e8be9a80ab", "a6f20d4d-0360-59b6-ba22-3b48707828b1"),
    "red": ("740d36e5-7714-4c30-961a-3ae632ceee0e", "4e4e3b84-de45-53df-9d9b-b21207699fd8"),
}
LEVELS = (
    {f"marking-definition--{found}": ("tlp", "clear" if level == "white" else level) for level, found in (*TLP1.items(), *TLP2.items())}
    | {"marking-definition--826578e1-40ad-459f-bc73-ede076f81f37": ("tlp", "amber+strict")}
    | {f"marking-definition--{found}": ("pap", level) for level, ids in PAP.items() for found in ids}
)


def level_named(text, own):
    """The level that a value names, read as `own`'s protocol if it names none; "other" for one that is not known."""
    if not isinstance(text, str):
        return None
    word = text.lower()
    labelled = re.fullmatch(r"""["']*(tlp|pap):(.*)""", word, re.S)
    quoted = word.startswith(('"', "'"))
    protocol, level = (labelled[1], labelled[2].rstrip("\"'")) if labelled else (own[0], word)
    level = {"white": "clear"}.get(level, level)
    if level in ("clear", "green", "amber", "red") or (level == "amber+strict" and (protocol == "tlp" or not labelled)):
        return (protocol, level)
    return "other" if labelled and not quoted else None


class Kind:
    """A parsed type notation: `name`, with inner kinds, bounds or names in `of`."""

    def __init__(self, name, of=None):
        self.name, self.of = name, of

    def __repr__(self):
        return f"{self.name}({self.of})" if self.of is not None else self.name


@functools.cache
def kind(text):
    """Parses the notation of stix21-model.json, explained in the README of the shared data."""
    if text.startswith("list<"):
        return Kind("list", kind(text[5:-1]))
    if text.startswith("dict<"):
        return Kind("dict", kind(text[5:-1]))
    if " or " in text:
        return Kind("or", tuple(kind(part) for part in text.split(" or ")))
    if found := re.fullmatch(r"(int|num)\[(-?\d+)\.\.(-?\d*)\]", text):
        low, high = int(found[2]), int(found[3]) if found[3] else None
        return Kind(found[1], (low, high))
    if found := re.fullmatch(r"(id|ov|enum|obj|exts)\((.*)\)", text):
        if found[1] in ("id", "exts"):
            return Kind(found[1], tuple(found[2].split(",")) if found[2] else ())
        return Kind(found[1], found[2])
    return Kind(text)


@functools.cache
def properties(name):
    """The properties of a type by name: (kind, required)."""
    return {found["name"]: (kind(found["type"]), found["required"]) for found in TYPES[name]["properties"]}


def common_class(type_name, object_kind):
    return type_name if object_kind in ("meta", "bundle") else object_kind
