"""A deliberately naive model of who may publish and who may read what.

`Exchange(registry)` takes the registry as data (the TOML file's tables). `post` is given each
envelope in the order in which the hub got it and answers per object; `reads` then says what a
client sees. Nothing is indexed or cached that would make a rule harder to read.
"""

import datetime
from dataclasses import dataclass, field

from governance_envelope import ENDS, Part, Row, definitions_of, ends_of, inherit, latest, level_by_markings, version_of, versions
from governance_markings import (
    CLEAR,
    GREEN,
    LEVEL,
    PAP_IDS,
    RED,
    STRICT,
    TLP_IDS,
    Clause,
    all_purposes,
    clause_of,
    intersection,
    is_malformed,
    label_level,
    label_pap,
    marking_refs,
    moment,
)

# Where the rule book can be read in two ways, the stricter one. False is the other.

READERS = {"consumer", "publisher", "analyst", "liaison"}
WRITERS = {"publisher", "analyst", "liaison"}
USUAL_PURPOSES = {"cyber-defence", "incident-response"}
PURPOSE_FREE = {"identity", "location", "marking-definition", "extension-definition", "language-content"}
NOBODY = "(nobody)"


@dataclass
class Log:
    rows: list = field(default_factory=list)
    by_id: dict = field(default_factory=dict)
    naming: dict = field(default_factory=dict)


class Exchange:
    def __init__(self, registry):
        self.server_max = LEVEL[registry.get("tlp_max", "RED").lower()]
        self.organisations = {one["id"]: one for one in registry["organisation"]}
        self.clients = {(one["id"], client["id"]): client for one in registry["organisation"] for client in one.get("client", ())}
        self.by_identity = {one["identity"]: one["id"] for one in registry["organisation"]}
        self.audiences = {one["id"]: one for one in registry.get("audience", ())}
        self.consents = registry.get("consent", [])
        self.agreements, self.collections, self.logs = {}, {}, {}
        for agreement in registry["agreement"]:
            for collection in agreement["collection"]:
                self.agreements[collection["id"]] = agreement
                self.collections[collection["id"]] = collection
                self.logs[collection["id"]] = Log()

    # Rights to a collection

    def is_in_force(self, collection, now):
        agreement = self.agreements[collection]
        return agreement.get("valid_from", datetime.date.min) <= now.date() <= agreement.get("valid_until", datetime.date.max)

    def rights(self, who, collection):
        """(may read, may write); (False, False) is: there is no such collection."""
        organisation, role = who[0], self.clients[who]["role"]
        agreement, settings = self.agreements[collection], self.collections[collection]
        if organisation not in agreement["parties"] or self.clients[who].get("revoked"):
            return False, False
        reads = organisation in settings.get("read", agreement["parties"])
        writes = organisation in settings.get("write", agreement["parties"])
        if "audiences" in settings:
            named = [one for one in self.audiences.values() if one["name"] in settings["audiences"]]
            member = any(self.is_member(organisation, one["id"]) for one in named)
            reads, writes = reads and member, writes and member
        return reads and role in READERS, writes and role in WRITERS

    def is_member(self, organisation, audience):
        found = self.audiences.get(audience)
        return found is not None and found.get("active", True) and organisation in found["members"]

    def ceiling(self, who, collection):
        limits = [self.agreements[collection], self.collections[collection], self.clients[who]]
        return min([self.server_max, *(LEVEL[one.get("tlp_max", "RED").lower()] for one in limits)])

    def purposes(self, collection):
        return set(self.collections[collection].get("purposes") or self.agreements[collection].get("purposes") or USUAL_PURPOSES)

    # Publishing

    def post(self, who, collection, objects, now):
        """Stores what may be stored; per object (id, version, None or the reason of refusal)."""
        log = self.logs[collection]
        parts = [Part(thing, version_of(thing)) for thing in objects]
        for part in parts:
            self.read_own_markings(part, parts, log, now)
        inherit(parts)
        for part in parts:
            self.settle(part, self.collections[collection])
        stored = {}
        # Floors depend on which of the ends are refused, and translations on relationships.
        for kinds in (lambda kind: kind not in ENDS, lambda kind: kind in ("relationship", "sighting"), lambda kind: kind == "language-content"):
            for part in parts:
                if kinds(part.thing["type"]):
                    self.follow_the_translated(part, parts, log, stored, now)
                    part.floor = self.floor(part, parts, log, stored, now)
                    floor = self.floor(part, parts, log, stored, now, Part)
                    part.problem = self.refusal(part, who, collection, stored, floor, now)
                    if not part.problem:
                        self.keep(part, who, log, stored)
        for part in parts:
            row = stored.get((part.thing["id"], part.version))
            if not part.problem and row is not None and row.thing is part.thing:
                self.store(row, log, now)
        return [(part.thing["id"], part.version, part.problem) for part in parts]

    def read_own_markings(self, part, parts, log, now):
        """Rules 1 to 3."""
        labels = part.thing.get("labels", ())
        levels, clauses = [label_level(label) for label in labels], {Clause(pap=label_pap(label)) for label in labels if label_pap(label) is not None}
        for ref in marking_refs(part.thing):
            if ref in TLP_IDS:
                levels.append(TLP_IDS[ref])
            elif ref in PAP_IDS:
                clauses.add(Clause(pap=PAP_IDS[ref]))
            else:
                definitions = definitions_of(ref, parts, log)
                if not definitions or any(map(is_malformed, definitions)):
                    part.problem = "marking_unknown"
                clauses.update(clause_of(one) for one in definitions if not is_malformed(one))
        if part.thing["type"] == "marking-definition" and is_malformed(part.thing):
            part.problem = "marking_malformed"
        levels += [clause.level for clause in clauses]
        part.base = max((level for level in levels if level is not None), default=None)
        part.clauses = part.terms = frozenset(clauses)
        part.own_level = level_by_markings(part.base, clauses, now)

    def settle(self, part, settings):
        """Rule 5 for what has no level, and what a definition demands of its own readers."""
        kind, unmarked = part.thing["type"], settings.get("unmarked", "reject")
        part.has_level = part.own_level is not None
        if not part.has_level:
            word, _, level = unmarked.partition(":")
            if word in ("stamp", "assume") and not kind.endswith("-definition"):
                part.base = part.own_level = LEVEL[level.lower()]
            elif kind in ("identity", "location"):
                part.base = part.own_level = GREEN
            elif kind in ("marking-definition", "extension-definition"):
                part.base = part.own_level = CLEAR
        if kind == "marking-definition" and not is_malformed(part.thing):
            said = clause_of(part.thing)
            part.terms |= {Clause(**(vars(said) | dict.fromkeys(("level", "iep", "purposes", "pap", "actions"))))}

    def follow_the_translated(self, part, parts, log, stored, now):
        """A translation without a level of its own is as the latest version of what it translates."""
        if part.thing["type"] != "language-content" or part.has_level:
            return
        # The version that comes along may be refused by what is stored: both count.
        ref = part.thing["object_ref"]
        others = latest(ref, parts, log, stored) + latest(ref, [], log, {}) + latest(ref, parts, Log(), {})
        levels = [other.level(now) for other in others]
        if others and None not in levels:
            part.base = part.own_level = max(levels + ([] if part.own_level is None else [part.own_level]))
            part.terms = part.terms.union(*(other.terms for other in others))

    def floor(self, part, parts, log, stored, now, kinds=(Part, Row)):
        levels = [CLEAR]
        for end in ends_of(part.thing):
            levels += [other.level(now) for other in latest(end, parts, log, stored) if isinstance(other, kinds)]
        return max(level for level in levels if level is not None)

    def refusal(self, part, who, collection, stored, floor, now):
        """The reason why an object is not taken, or None."""
        thing, organisation, log = part.thing, who[0], self.logs[collection]
        agreement, settings = self.agreements[collection], self.collections[collection]
        ahead = now + datetime.timedelta(minutes=5)
        if any(moment(thing[name]) > ahead for name in ("created", "modified") if name in thing):
            return "clock"
        if thing["type"] not in settings.get("types", agreement.get("types", [thing["type"]])):
            return "type"
        if part.problem:
            return part.problem
        creator = self.by_identity.get(thing.get("created_by_ref"))
        if creator not in (None, organisation) and organisation not in agreement.get("relays", ()):
            return "creator"
        if thing["id"] in TLP_IDS:
            return None
        if part.own_level is None:
            return "unmarked"
        if max(part.own_level, floor) > self.ceiling(who, collection):
            return "tlp_above_ceiling"
        purposes = all_purposes(part.terms)
        if not (purposes is None and thing["type"] in PURPOSE_FREE):
            if not (USUAL_PURPOSES if purposes is None else purposes) & self.purposes(collection):
                return "purpose_mismatch"
        return self.clash(part, who, settings, versions(thing["id"], log, stored), now)

    def clash(self, part, who, settings, others, now):
        """What stands against it among the stored versions."""
        thing = part.thing
        owner = self.owner(thing, who)
        same = [row for row in others if moment(row.version) == moment(part.version)]
        if any(row.thing == thing for row in same):
            return None
        if any(row.owner != owner for row in others):
            return "not_owner"
        if same:
            return "conflict"
        if any(row.thing.get(name) != thing.get(name) for row in others for name in ("created", "created_by_ref")):
            return "changed"
        before = sorted((row for row in others if moment(row.version) < moment(part.version)), key=lambda row: moment(row.version))
        if any(row.thing.get("revoked") for row in before):
            return "revoked"
        after = sorted((row for row in others if moment(row.version) > moment(part.version)), key=lambda row: moment(row.version))
        if any(part.own_level < row.level(now) for row in before[-1:] + after[:1]):
            if not (who[0] == owner and settings.get("downgrade", "never") == "owner"):
                return "downgrade"
        return None

    def owner(self, thing, who):
        return self.by_identity.get(thing.get("created_by_ref"), who[0])

    def keep(self, part, who, log, stored):
        """Notes the row that comes of a part, unless the version is there already."""
        key = (part.thing["id"], part.version)
        there = any(moment(row.version) == moment(part.version) for row in versions(key[0], log, stored))
        if not there and key[0] not in TLP_IDS:
            stored[key] = Row(part.thing, part.version, part.base, part.floor, part.terms, self.owner(part.thing, who), who[0])

    def store(self, row, log, now):
        others = log.by_id.setdefault(row.thing["id"], [])
        is_latest = all(moment(row.version) > moment(other.version) for other in others)
        others.append(row)
        log.rows.append(row)
        for end in ends_of(row.thing):
            log.naming.setdefault(end, []).append(row)
        if is_latest:
            for naming in log.naming.get(row.thing["id"], ()):
                naming.floor = max(naming.floor, row.level(now))

    # Reading

    def why_not(self, who, collection, row, now):
        """The first line of the decision that refuses, or None."""
        organisation, client = self.organisations[who[0]], self.clients[who]
        terms, name = row.terms, who[0]
        for clause in terms:
            if clause.audiences is not None and not any(self.is_member(name, one) for one in clause.audiences):
                return "not_in_audience"
        known_as = {organisation["identity"], organisation["country"]}
        if any(clause.valid_until is not None and now >= clause.valid_until for clause in terms):
            return "not_releasable"
        if any(known_as & clause.not_rel_to for clause in terms):
            return "not_releasable"
        rel_to = intersection(clause.rel_to for clause in terms)
        if rel_to is not None and not known_as & rel_to:
            return "not_releasable"
        is_ours = name in (row.owner, row.publisher)
        is_relayed = row.owner != row.publisher
        if any(clause.originator_control for clause in terms) and is_relayed and not is_ours and not self.has_consent(row.owner, name, collection, now):
            return "originator_consent_missing"
        level, recipients = level_by_markings(row.base, terms, now), intersection(clause.recipients for clause in terms) or frozenset()
        if level is None:
            level, recipients = RED, frozenset()
        level = max(level, row.floor)
        if level > self.ceiling(who, collection):
            return "tlp_above_ceiling"
        if level == RED and name != row.owner and not {organisation["identity"], client.get("identity", NOBODY)} & recipients:
            return "tlp_not_recipient"
        if level == STRICT and is_relayed and not is_ours:
            return "tlp_not_recipient"
        purposes = all_purposes(terms)
        if not (purposes is None and row.thing["type"] in PURPOSE_FREE):
            allowed = set(USUAL_PURPOSES if purposes is None else purposes) & self.purposes(collection)
            for limits in (organisation, client):
                allowed &= set(limits.get("purposes", allowed))
            if not allowed:
                return "purpose_mismatch"
        understood = {*organisation.get("understands", ()), *client.get("understands", ())}
        if name != row.owner and any(clause.needs - understood for clause in terms):
            return "marking_not_understood"
        return None

    def has_consent(self, originator, name, collection, now):
        return any(
            consent["originator"] == originator and name in consent["to"] and consent.get("collection", collection) == collection
            and now.date() <= consent.get("valid_until", datetime.date.max)
            for consent in self.consents
        )

    def visible(self, who, collection, now):
        """The rows that a client sees, in the order in which they were added."""
        if not self.rights(who, collection)[0] or not self.is_in_force(collection, now):
            return []
        answers, found = {}, []
        for row in self.logs[collection].rows:
            same = (row.base, row.floor, row.terms, row.owner, row.publisher, row.thing["type"])
            if same not in answers:
                answers[same] = self.why_not(who, collection, row, now)
            if answers[same] is None:
                found.append(row)
        return found

    def reads(self, who, collection, now, version="last"):
        """The (id, version) that a client gets: version is all, first, last, or a time."""
        return {row.key for row in chosen(self.visible(who, collection, now), version)}


def chosen(rows, version):
    """Which of the visible rows `match[version]` takes."""
    if version == "all":
        return list(rows)
    if version in ("first", "last"):
        best = {}
        for row in rows:
            held = best.get(row.thing["id"])
            if held is None or (moment(row.version) < moment(held.version)) == (version == "first"):
                best[row.thing["id"]] = row
        return [row for row in rows if best[row.thing["id"]] is row]
    return [row for row in rows if moment(row.version) == moment(version)]
