"""What a marking says: a naive reading of marking definitions, references and labels.

One definition becomes one `Clause`. Clauses are never merged when objects are stored, only when
somebody asks, so that each rule of combination stands in one place.
"""

import datetime
import functools
import re
from dataclasses import dataclass

CLEAR, GREEN, AMBER, STRICT, RED = range(5)
LEVEL = {"clear": CLEAR, "white": CLEAR, "green": GREEN, "amber": AMBER, "amber+strict": STRICT, "red": RED}

TLP_IDS = {
    "94868c89-83c2-464b-929b-a1a8aa3c8487": CLEAR, "613f2e26-407d-48c7-9eca-b8e91df99dc9": CLEAR,
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": GREEN, "34098fce-860f-48ae-8e50-ebd3cc5e41da": GREEN,
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": AMBER, "f88d31f6-486f-44da-b317-01333bde0b82": AMBER,
    "939a9414-2ddd-4d32-a0cd-375ea402b003": STRICT, "826578e1-40ad-459f-bc73-ede076f81f37": STRICT,
    "e828b379-4e03-4974-9ac4-e53a884c97c1": RED, "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": RED,
}
TLP_IDS = {f"marking-definition--{key}": level for key, level in TLP_IDS.items()}
PAP_IDS = {
    "ad15a0cd-55b6-4588-a14c-a66105329b92": CLEAR, "a3bea94c-b469-41dc-9cfe-d6e7daba7730": CLEAR, "4cdff7eb-acb8-543f-8573-829eb9fe8b34": CLEAR,
    "c43594d1-4b11-4c59-93ab-1c9b14d53ce9": GREEN, "89484dde-e3d2-547f-a6c6-d14824429eb1": GREEN,
    "60f8932b-e51e-4458-b265-a2e8be9a80ab": AMBER, "a6f20d4d-0360-59b6-ba22-3b48707828b1": AMBER,
    "740d36e5-7714-4c30-961a-3ae632ceee0e": RED, "4e4e3b84-de45-53df-9d9b-b21207699fd8": RED,
}
PAP_IDS = {f"marking-definition--{key}": level for key, level in PAP_IDS.items()}

TLP_EXT = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
PAP_EXT = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
REL_EXT = "extension-definition--3a279e9a-6ac9-4ea4-bfd5-59d5078e01c5"
HANDLING_EXT = "extension-definition--93786750-2f8f-4886-8165-b32d0ab69bfb"
IEP_EXT = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
ACS_EXT = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"
KNOWN_EXTS = {TLP_EXT, PAP_EXT, REL_EXT, HANDLING_EXT, IEP_EXT, ACS_EXT}

ENUMERATED = {
    "handling_codes": {"H0", "H1", "H2", "H3"},
    "evidence_use": {"permitted", "permission-required", "prohibited"},
    "onward_transfer": {"permitted", "originator-consent", "prohibited"},
    "personal_data": {"none", "incidental", "yes"},
    "source_evaluation": {"A", "B", "C", "X"},
    "information_evaluation": {"1", "2", "3", "4"},
}
SHAPES = {
    REL_EXT: {"rel_to": list, "not_rel_to": list, "recipients": list, "audiences": list, "originator_control": bool, "valid_until": "time"},
    HANDLING_EXT: dict.fromkeys(("handling_codes", "purposes"), list) | {"retention_until": "time"} | dict.fromkeys(
        ("handling_text", "evidence_use", "onward_transfer", "personal_data", "legal_basis", "source_evaluation", "information_evaluation"), str),
}


@dataclass(frozen=True)
class Clause:
    """What one marking definition demands. None: it says nothing about that."""

    level: int | None = None
    iep: tuple | None = None
    rel_to: frozenset | None = None
    not_rel_to: frozenset = frozenset()
    recipients: frozenset | None = None
    originator_control: bool = False
    valid_until: object = None
    purposes: frozenset | None = None
    audiences: frozenset | None = None
    needs: frozenset = frozenset()
    pap: int | None = None
    actions: tuple | None = None
    personal_data: str | None = None


@functools.lru_cache(None)
def moment(text):
    return datetime.datetime.fromisoformat(text)


def label_level(label):
    """The level that a label or a name claims, or None."""
    found = re.fullmatch(r"""["']?tlp:(white|clear|green|amber|amber\+strict|red)["']?""", label, re.IGNORECASE)
    return LEVEL[found[1].lower()] if found else None


def label_pap(label):
    """The same for what may be done."""
    found = re.fullmatch(r"""["']?pap:(white|clear|green|amber|red)["']?""", label, re.IGNORECASE)
    return LEVEL[found[1].lower()] if found else None


def is_malformed(definition):
    """Whether one of our own extensions holds what it must not."""
    for key, shape in SHAPES.items():
        content = definition.get("extensions", {}).get(key, {})
        for name, value in content.items():
            if name != "extension_type" and not has_shape(name, value, shape.get(name)):
                return True
    return False


def has_shape(name, value, shape):
    if shape is None:
        return False
    if shape == "time":
        return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value) is not None
    if not isinstance(value, shape):
        return False
    words = value if shape is list else [value] if shape is str else []
    allowed = ENUMERATED.get(name)
    return all(isinstance(word, str) and (allowed is None or word in allowed) for word in words)


def clause_of(definition):
    extensions = definition.get("extensions", {})
    rel, handling = extensions.get(REL_EXT, {}), extensions.get(HANDLING_EXT, {})
    return Clause(
        level=claimed_level(definition),
        iep=iep_of(extensions.get(IEP_EXT, {})),
        rel_to=listed(rel, "rel_to"),
        not_rel_to=listed(rel, "not_rel_to") or frozenset(),
        recipients=listed(rel, "recipients"),
        originator_control=rel.get("originator_control", False),
        valid_until=moment(rel["valid_until"]) if "valid_until" in rel else None,
        purposes=listed(handling, "purposes"),
        audiences=listed(rel, "audiences"),
        needs=needs_of(definition),
        pap=LEVEL.get(extensions.get(PAP_EXT, {}).get("pap")),
        actions=dated(extensions.get(IEP_EXT, {}), "permitted_actions"),
        personal_data=handling.get("personal_data"),
    )


def listed(content, name):
    return frozenset(content[name]) if name in content else None


def claimed_level(definition):
    """The highest TLP that a definition under any id claims."""
    claims = [label_level(definition.get(name, "")) for name in ("name", "x_opencti_definition")]
    claims.append(LEVEL.get(definition.get("extensions", {}).get(TLP_EXT, {}).get("tlp_2_0")))
    if definition.get("definition_type", "").lower() == "tlp":
        claims.append(LEVEL.get(str(definition.get("definition", {}).get("tlp")).lower()))
    return max((level for level in claims if level is not None), default=None)


def iep_of(content):
    found = dated(content, "tlp")
    return found and (LEVEL[found[0]], *found[1:])


def dated(content, name):
    """What an IEP says, from when, until when."""
    if name not in content:
        return None
    return content[name], *(moment(content[date]) if date in content else None for date in ("start_date", "end_date"))


def needs_of(definition):
    needs = set(definition.get("extensions", {})) - KNOWN_EXTS
    kind = definition.get("definition_type", "statement")
    if kind.lower() not in ("tlp", "statement", "pap"):
        needs.add(f"definition_type:{kind}")
    acs = definition.get("extensions", {}).get(ACS_EXT)
    if acs is not None:
        control = acs.get("control_set", {})
        if not (control.get("classification") == "U" and "PUBREL" in control.get("formal_determination", ())):
            needs.add("acs")
    return frozenset(needs)


def marking_refs(thing):
    granular = [part["marking_ref"] for part in thing.get("granular_markings", ()) if "marking_ref" in part]
    return [*thing.get("object_marking_refs", ()), *granular]


def iep_levels(clauses, now):
    """Levels of the IEPs that are in force."""
    return in_force([clause.iep for clause in clauses], now)


def in_force(dated_words, now):
    return [word for word, start, end in filter(None, dated_words) if (start is None or start <= now) and (end is None or now <= end)]


# Several clauses together


def intersection(sets):
    """Of those sets that are there; None if there is none."""
    present = [one for one in sets if one is not None]
    return frozenset.intersection(*present) if present else None


def all_purposes(clauses):
    return intersection(clause.purposes for clause in clauses)


# What may be done with it, which matters to exports only

BY_ACTIONS = {
    "none": RED, "contact-for-instruction": RED, "internally-visible-actions": RED, "externally-visible-indirect-actions": AMBER, "externally-visible-direct-actions": GREEN,
}


def pap_of(clauses, now):
    """The effective PAP."""
    found = [clause.pap for clause in clauses if clause.pap is not None]
    return max(found + [BY_ACTIONS[word] for word in actions_of(clauses, now)], default=GREEN)


def actions_of(clauses, now):
    return in_force([clause.actions for clause in clauses], now)
