"""What the objects of one envelope say about each other, and which version of an object is the latest."""

from dataclasses import dataclass

from governance_markings import CLEAR, RED, iep_levels, moment

CONTAINERS = {"report", "grouping", "note", "opinion", "observed-data", "malware-analysis", "incident", "sighting", "relationship"}
NOT_CONTENT = {"created_by_ref", "object_marking_refs", "marking_ref"}
ENDS = {"relationship": ("source_ref", "target_ref"), "sighting": ("sighting_of_ref", "observed_data_refs"), "language-content": ("object_ref",)}
NO_VERSION = "1970-01-01T00:00:00.000Z"


@dataclass
class Part:
    """One object of an envelope, and what it is found to be."""

    thing: dict
    version: str
    clauses: frozenset = frozenset()
    base: int | None = None
    own_level: int | None = None
    has_level: bool = False
    problem: str | None = None
    floor: int = CLEAR
    terms: frozenset = frozenset()

    def level(self, now):
        """The own level at ingest; None: it has none, and is refused."""
        return self.own_level


@dataclass
class Row:
    """A stored version."""

    thing: dict
    version: str
    base: int | None
    floor: int
    terms: frozenset
    owner: str
    publisher: str

    @property
    def key(self):
        return self.thing["id"], self.version

    def level(self, now):
        """The own level, without the floor; one that has ended leaves RED."""
        level = level_by_markings(self.base, self.terms, now)
        return RED if level is None else level


def version_of(thing):
    return thing.get("modified") or thing.get("created") or NO_VERSION


def level_by_markings(base, terms, now):
    """None: there is none (any more)."""
    levels = iep_levels(terms, now) + ([] if base is None else [base])
    return max(levels, default=None)


def definitions_of(ref, parts, log):
    """In the envelope, refused or not, and stored."""
    sent = [part.thing for part in parts if part.thing["id"] == ref and part.thing["type"] == "marking-definition"]
    return sent + [row.thing for row in log.by_id.get(ref, ())]


def named_by(thing, found=None):
    """The ids that an object names in its content."""
    found = set() if found is None else found
    for name, value in thing.items():
        if name in NOT_CONTENT:
            continue
        if name.endswith("_ref") and isinstance(value, str):
            found.add(value)
        elif name.endswith("_refs") and isinstance(value, list):
            found.update(value)
        elif isinstance(value, dict):
            named_by(value, found)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    named_by(one, found)
    return found


def inherit(parts):
    """Rule 4: first the levels, then the terms of those that gave them, each until nothing changes."""
    names = [named_by(part.thing) for part in parts]
    containers = []
    for index, part in enumerate(parts):
        is_observable = "created" not in part.thing
        containers.append([
            parts[other] for other in range(len(parts))
            if other != index and part.thing["id"] in names[other] and (is_observable or parts[other].thing["type"] in CONTAINERS)
        ] if part.own_level is None else [])
    gained = [(part, found) for part, found in zip(parts, containers, strict=True) if found]
    is_changing = True
    while is_changing:
        is_changing = False
        for part, found in gained:
            level = max((one.own_level for one in found if one.own_level is not None), default=None)
            if level is not None and level != part.own_level:
                part.base = part.own_level = level
                is_changing = True
    is_changing = True
    while is_changing:
        is_changing = False
        for part, found in gained:
            terms = part.clauses.union(*(one.terms for one in found if one.own_level is not None and one.own_level == part.own_level))
            if terms != part.terms:
                part.terms = terms
                is_changing = True


def versions(identifier, log, stored=()):
    """What is stored of an object, and what of this envelope is going to be."""
    return [*log.by_id.get(identifier, ()), *(stored[key] for key in stored if key[0] == identifier)]


def latest(identifier, parts, log, stored=None):
    """The latest version of an object in the envelope or stored; if that one is refused, the
    latest stored one too."""
    kept = versions(identifier, log, stored or ())
    sent = [part for part in parts if part.thing["id"] == identifier]
    found = newest(kept + sent)
    if not any(isinstance(one, Row) for one in found):
        found += newest(kept)
    return found


def newest(some):
    times = [moment(one.version) for one in some]
    return [one for one, time in zip(some, times, strict=True) if time == max(times)]


def ends_of(thing):
    """What a relationship, sighting or translation is never served below."""
    found = []
    for name in ENDS.get(thing["type"], ()):
        value = thing.get(name, [])
        found += [value] if isinstance(value, str) else value
    return found
