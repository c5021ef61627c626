"""Objects, markings and a registry for the governance tests, in short words.

An object is made with a key, `"i"` or `"i/2"` for its second version. `"@i"` anywhere stands for
the id of `i`, `"@gone"` for one that is nowhere, `"@in3"` for the time three seconds from now.
`Names` puts the real ones in.
"""

import copy
import datetime
import functools
import hashlib
import uuid

from governance_markings import ACS_EXT, HANDLING_EXT, IEP_EXT, PAP_EXT, REL_EXT, TLP_EXT

CREATED = "2026-01-02T03:04:05.678Z"
TLP = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "WHITE1": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "GREEN1": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "AMBER1": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "RED1": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
    "STRICT-OPENCTI": "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37",
    "PAP-CLEAR": "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92",
    "PAP-GREEN": "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9",
    "PAP-AMBER": "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab",
    "PAP-AMBER-OPENCTI": "marking-definition--a6f20d4d-0360-59b6-ba22-3b48707828b1",
    "PAP-RED": "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e",
    "PAP-GREEN-OPENCTI": "marking-definition--89484dde-e3d2-547f-a6c6-d14824429eb1",
}
UNKNOWN_EXT = "extension-definition--5f6e0c6e-63b2-4d0c-9f5c-0d4e0c1b7a11"
OTHER_EXT = "extension-definition--0c3a5a86-5f0e-4d3b-8a53-6b6f3c1f2d22"
ID_SPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


def uuid4_of(text):
    """A UUID that looks random and is the same on every run."""
    return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4))


# Content


def thing(kind, key, *marks, **more):
    """An object of that kind; `marks` are TLP words or keys of marking definitions."""
    name, _, number = key.partition("/")
    made = {"type": kind, "spec_version": "2.1", "id": "@" + name, "_key": key, "created": CREATED}
    if kind != "marking-definition":
        made["modified"] = f"2026-02-{int(number or 1):02}T08:00:00.000Z"
    if marks:
        made["object_marking_refs"] = [TLP.get(mark, mark) for mark in marks]
    return made | more


def indicator(key, *marks, **more):
    body = {"name": key, "pattern": "[domain-name:value = 'a.example']", "pattern_type": "stix", "valid_from": CREATED}
    return thing("indicator", key, *marks, **(body | more))


def malware(key, *marks, **more):
    return thing("malware", key, *marks, **({"name": key, "is_family": False} | more))


def identity(key, *marks, **more):
    return thing("identity", key, *marks, **({"name": key} | more))


def location(key, *marks, **more):
    return thing("location", key, *marks, **({"name": key, "region": "western-europe"} | more))


def report(key, refs, *marks, **more):
    return thing("report", key, *marks, **({"name": key, "published": CREATED, "object_refs": refs} | more))


def grouping(key, refs, *marks, **more):
    return thing("grouping", key, *marks, **({"context": "unspecified", "object_refs": refs} | more))


def note(key, refs, *marks, **more):
    return thing("note", key, *marks, **({"content": key, "object_refs": refs} | more))


def opinion(key, refs, *marks, **more):
    return thing("opinion", key, *marks, **({"opinion": "agree", "object_refs": refs} | more))


def observed(key, refs, *marks, **more):
    body = {"first_observed": CREATED, "last_observed": CREATED, "number_observed": 1, "object_refs": refs}
    return thing("observed-data", key, *marks, **(body | more))


def analysis(key, found, *marks, **more):
    return thing("malware-analysis", key, *marks, **({"product": "anon", "result": "malicious", "analysis_sco_refs": found} | more))


def relationship(key, source, target, *marks, **more):
    return thing("relationship", key, *marks, **({"relationship_type": "related-to", "source_ref": source, "target_ref": target} | more))


def sighting(key, of, *marks, **more):
    return thing("sighting", key, *marks, **({"sighting_of_ref": of} | more))


def translation(key, of, *marks, **more):
    return thing("language-content", key, *marks, **({"object_ref": of, "contents": {"de": {"name": "Name"}}} | more))


@functools.cache
def observable_id(kind, value):
    """STIX 2.1 §2.9: the UUIDv5 of the canonical JSON of the contributing properties."""
    text = '{"value":"' + value + '"}'
    return f"{kind}--{uuid.uuid5(ID_SPACE, text)}"


def observable(key, value, *marks, kind="domain-name", **more):
    made = {"type": kind, "spec_version": "2.1", "id": observable_id(kind, value), "_key": key, "value": value}
    if marks:
        made["object_marking_refs"] = [TLP.get(mark, mark) for mark in marks]
    return made | more


# Markings


def definition(key, *marks, extensions=None, **more):
    made = thing("marking-definition", key, *marks, **more)
    if extensions:
        made["extensions"] = {name: {"extension_type": "property-extension"} | content for name, content in extensions.items()}
    return made


def statement(key, *marks, **more):
    return definition(key, *marks, **({"definition_type": "statement", "definition": {"statement": "Copyright"}} | more))


def rel(key, *marks, **content):
    return definition(key, *marks, extensions={REL_EXT: content})


def handling(key, *marks, **content):
    return definition(key, *marks, extensions={HANDLING_EXT: content})


def purpose(key, *purposes):
    return handling(key, purposes=list(purposes))


def tlp_claim(key, word):
    return definition(key, extensions={TLP_EXT: {"tlp_2_0": word}})


def iep(key, tlp=None, **more):
    content = {"iep_version": "2.0", "iep_id": uuid4_of("iep " + key), "permitted_actions": "none"} | ({"tlp": tlp} if tlp else {}) | more
    references = [{"source_name": "iep", "url": "https://iep.example/"}]
    return definition(key, extensions={IEP_EXT: content}, name="IEP", external_references=references)


def acs(key, classification="S", *determinations):
    control = {"classification": classification} | ({"formal_determination": list(determinations)} if determinations else {})
    content = {"policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit", "control_set": control}
    return definition(key, extensions={ACS_EXT: content})


def pap(key, word="amber"):
    return definition(key, extensions={PAP_EXT: {"pap": word}})


def foreign(key, extension=UNKNOWN_EXT):
    return definition(key, extensions={extension: {"setting": "x"}})


# Names into ids


class Names:
    """What the keys of one case stand for."""

    def __init__(self, case, known=()):
        self.case, self.known, self.moment = case, dict(known), None

    def id(self, key, kind):
        return f"{kind}--{uuid4_of(f'{self.case}/{key}')}"

    def objects(self, made, now):
        """Objects with ids in place, and their keys in the same order."""
        self.moment = now
        for one in made:
            if one["id"].startswith("@"):
                self.known.setdefault(one["id"], self.id(one["id"], one["type"]))
        return [self.put({name: value for name, value in one.items() if name != "_key"}) for one in made]

    def put(self, value):
        if isinstance(value, dict):
            return {name: self.put(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.put(inner) for inner in value]
        if isinstance(value, str) and value.startswith("@in"):
            return stamp(self.moment + datetime.timedelta(seconds=int(value[3:])))
        if isinstance(value, str) and value.startswith("@") and len(value) > 1:
            return self.id(value, "indicator") if value == "@gone" else self.known[value]
        return value


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


# The registry of the cases


def named(text):
    return "identity--" + uuid4_of(text)


ORGANISATIONS = ("aa", "bb", "b2", "cc", "dd", "ee")
COUNTRY = {"aa": "AA", "bb": "BB", "b2": "BB", "cc": "CC", "dd": "DD", "ee": "EE"}
IDENTITY = {name: named(f"organisation {name}") for name in ORGANISATIONS}
PERSON = {"ann": named("person ann"), "bea": named("person bea")}
EXTRA = {
    "aa": [
        {"id": "low", "role": "consumer", "tlp_max": "GREEN"}, {"id": "lowfeed", "role": "publisher", "tlp_max": "GREEN"},
        {"id": "ann", "role": "analyst", "identity": PERSON["ann"]},
    ],
    "bb": [{"id": "bea", "role": "consumer", "identity": PERSON["bea"]}, {"id": "boss", "role": "liaison"}],
    "cc": [{"id": "fraud", "role": "consumer", "purposes": ["fraud-prevention"]}],
    "dd": [{"id": "ops", "role": "operator"}, {"id": "aud", "role": "auditor"}],
    "ee": [{"id": "acs", "role": "consumer", "understands": ["acs"]}],
}
LIMITS = {
    "cc": {"purposes": ["fraud-prevention", "cyber-defence"]},
    "dd": {"understands": ["acs"]},
    "ee": {"understands": [UNKNOWN_EXT, "definition_type:ais"]},
}
AUDIENCE = {name: uuid4_of(f"audience {name}") for name in ("ab", "bcd", "none", "off")}
AUDIENCES = [
    {"id": AUDIENCE["ab"], "name": "ab", "members": ["aa", "bb"]},
    {"id": AUDIENCE["bcd"], "name": "bcd", "members": ["bb", "cc", "dd"], "releasability": "for B, C and D", "extendable_by": ["bb"]},
    {"id": AUDIENCE["none"], "name": "none", "members": []},
    {"id": AUDIENCE["off"], "name": "off", "members": list(ORGANISATIONS), "active": False},
]


def organisations():
    return [
        {"id": name, "name": name.upper(), "country": COUNTRY[name], "identity": IDENTITY[name]} | LIMITS.get(name, {})
        | {"client": [{"id": "feed", "role": "publisher"}, *copy.deepcopy(EXTRA.get(name, []))]}
        for name in ORGANISATIONS
    ]


KNOWN = {f"@{name}": one for name, one in {**IDENTITY, **PERSON}.items()} | {f"@audience-{name}": one for name, one in AUDIENCE.items()}
