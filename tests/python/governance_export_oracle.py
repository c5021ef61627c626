"""What an export must hold, by the rule book, as naively as the rest of the oracle.

`Exported(exchange, export, now)` answers what a reader of the file must find: `rows` for lists (type and
value), `objects` for formats of whole objects, `tlp` and `left_out` for the header.
"""

import collections
import copy
import datetime
import ipaddress
import re
from urllib.parse import urlsplit

from governance_markings import AMBER, CLEAR, GREEN, LEVEL, RED, actions_of, marking_refs, moment, pap_of
from governance_oracle import READERS, chosen

CLASS = {"stix": RED, "ndjson": RED, "csv": AMBER, "suricata": AMBER, "zeek": AMBER, "cef": AMBER, "intelmq": AMBER}  # the others block
LANGUAGES = {"suricata": {"suricata", "snort"}}
DAYS = {"ipv4-addr": 30, "ipv6-addr": 30, "url": 30, "domain-name": 180, "email-addr": 180, "file": None}
WIDE = [ipaddress.ip_network(text) for text in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "0.0.0.0/32", "fc00::/7", "::1/128", "fe80::/10", "2001:db8::/32", "ff00::/8", "::/128",
)]
EMPTY = {"d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
SUFFIXES = {"com", "co.uk"}


def whole_objects(export):
    return export["format"] in ("stix", "ndjson")


# Values of patterns (export formats §1, governance §15)


def values_of(pattern):
    """(type, value) of a single comparison or a chain of OR within one observation; None: no list."""
    inner = re.fullmatch(r"\[([^\[\]()]*(?:IN \([^()]*\))?[^\[\]()]*)\]", pattern)
    if not inner:
        return None
    found = []
    for test in re.split(r" OR ", inner[1]):
        parts = re.fullmatch(r"([a-z0-9-]+):(\S+) (=|ISSUBSET|IN) (.+)", test)
        if not parts or not re.fullmatch(r"'[^']*'|\('[^']*'(, '[^']*')*\)", parts[4]):
            return None
        kind, path, relation, told = parts.groups()
        texts = re.findall(r"'([^']*)'", told)
        if relation != "=" and kind not in ("ipv4-addr", "ipv6-addr"):
            return None
        if (kind, path.split(".")[0]) not in KNOWN_PATHS:
            return None
        found += [named(kind, path, text) for text in texts]
    return list(dict.fromkeys(found))


KNOWN_PATHS = {("ipv4-addr", "value"), ("ipv6-addr", "value"), ("domain-name", "value"), ("url", "value"), ("email-addr", "value"), ("file", "hashes"), ("file", "name")}


def named(kind, path, text):
    """As CSV names the type, and the value in its one spelling."""
    if kind in ("ipv4-addr", "ipv6-addr"):
        network = ipaddress.ip_network(text, strict=False)
        return kind, str(network.network_address if network.num_addresses == 1 else network)
    if kind == "url":
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port and (parts.scheme.lower(), parts.port) != ("http", 80) else ""
        return kind, f"{parts.scheme.lower()}://{parts.hostname}{port}{parts.path}"
    if kind == "file":
        return f"file:{path}", text if path == "name" else text.lower()
    return kind, text.lower().rstrip(".")


def is_warned(kind, value):
    """On a built-in list; nobody confirms anything in this world."""
    if kind == "url":
        host = urlsplit(value).hostname
        return re.fullmatch(r"[\d.]+", host) is not None and is_warned("ipv4-addr", host)
    if kind in ("ipv4-addr", "ipv6-addr"):
        network = ipaddress.ip_network(value)
        too_wide = network.prefixlen < (8 if network.version == 4 else 16)
        return too_wide or any(one.version == network.version and one.overlaps(network) for one in WIDE)
    return value in SUFFIXES if kind == "domain-name" else value in EMPTY


# Decay (governance §11)


def curve(registry, collection):
    """(score, is over) of a base and days, or None where nothing decays."""
    name = collection.get("decay", "none")
    if name == "none":
        return None
    if name == "opencti":
        return lambda base, days: value_at(base, days, 470, 1 / (3 * 0.35)), lambda score: score <= 20
    own = next(one for one in registry["decay"] if one["id"] == name)
    return lambda base, days: value_at(base, days, own["lifetime_days"], 1 / own["decay_speed"]), lambda score: score < own["threshold"]


def value_at(base, days, lifetime, exponent):
    return 0.0 if days >= lifetime else max(0.0, base * (1 - (days / lifetime) ** exponent))


class Exported:
    def __init__(self, exchange, export, registry, now):
        self.export, self.registry, self.now = export, registry, now
        self.who = (export["organisation"], "export:" + export["id"])
        # It reads as a consumer of its organisation would, under limits of its own.
        self.exchange = copy.copy(exchange)
        self.exchange.clients = exchange.clients | {self.who: {"role": "consumer"} | {key: export[key] for key in ("tlp_max", "purposes", "understands") if key in export}}
        self.rows, self.objects, self.left_out, self.levels = {}, {}, collections.Counter(), []
        self.rules = set()
        for collection in exchange.collections:
            if collection in export["collections"]:
                self.collection(collection)
        self.tlp = max(self.levels, default=CLEAR)

    def collection(self, collection):
        last = chosen(self.exchange.visible(self.who, collection, self.now), "last")
        said = self.feedback(last)
        taken, needed = {}, set()
        for row in last:
            is_in = self.indicator(row, said, collection) if row.thing["type"] == "indicator" else self.other(row)
            if is_in and whole_objects(self.export) and row.thing["type"] in self.export.get("types", [row.thing["type"]]):
                taken[row.thing["id"]] = row
                needed |= {*marking_refs(row.thing), *row.thing.get("extensions", ()), row.thing.get("created_by_ref")}
        for row in last:
            # What is needed for being understood, unless it must not leave in an export itself.
            if row.thing["id"] in needed and row.thing["id"] not in taken and not self.use(row):
                taken[row.thing["id"]] = row
        for identifier, row in taken.items():
            held = self.objects.get(identifier)
            if held is None or moment(row.version) > moment(held.version):
                self.objects[identifier] = row
        if whole_objects(self.export):
            self.levels = [max(row.level(self.now), row.floor) for row in self.objects.values()]

    def labelled(self, row):
        return "labels" not in self.export or bool({*row.thing.get("labels", ())} & {*self.export["labels"]})

    def use(self, row):
        """What the use that is allowed forbids: §2, §5, §4.3."""
        highest = CLASS.get(self.export["format"], GREEN)
        asks = highest < RED and {"none", "contact-for-instruction"} & {*actions_of(row.terms, self.now)}
        if pap_of(row.terms, self.now) > highest or asks:
            return "pap_class"
        if any(clause.personal_data == "yes" for clause in row.terms) and not self.export.get("personal_data"):
            return "personal_data"
        return None

    def other(self, row):
        if not self.labelled(row) or not whole_objects(self.export) or row.thing["type"] not in self.export.get("types", [row.thing["type"]]):
            return False
        reason = self.use(row) or ("not_active" if row.thing.get("revoked") else None)
        if reason:
            self.left_out[reason] += 1
        return reason is None

    def indicator(self, row, said, collection):
        """Whether anything of it goes out."""
        thing = row.thing
        atoms = values_of(thing["pattern"]) if thing["pattern_type"] == "stix" else None
        is_in = False
        if not self.labelled(row) or whole_objects(self.export) and "indicator" not in self.export.get("types", ["indicator"]):
            return False
        for atom in atoms or [None]:
            types = self.export.get("types") if not whole_objects(self.export) else None
            if atom and types and atom[0].partition(":")[0] not in types:
                continue
            reason, until, score = self.standing(row, atom, said, collection)
            reason = reason or self.left(atom, thing["pattern_type"])
            if reason:
                self.left_out[reason] += 1
                continue
            is_in = True
            if not whole_objects(self.export):
                self.levels.append(max(row.level(self.now), row.floor))
                if atom:
                    self.rows.setdefault(atom, []).append((row, until, score))
                else:
                    self.rules.add(thing["id"])
        return is_in

    def left(self, atom, language):
        if atom is None:
            return None if whole_objects(self.export) or language in LANGUAGES.get(self.export["format"], ()) else "not_atomic"
        return "warning_list" if CLASS.get(self.export["format"], GREEN) < RED and is_warned(*atom) else None

    def standing(self, row, atom, said, collection):
        """(why it is not for this export, when it is over, its score)."""
        thing, now = row.thing, self.now
        if thing.get("revoked") or "valid_until" in thing and now >= moment(thing["valid_until"]):
            return "not_active", None, None
        if reason := self.use(row):
            return reason, None, None
        seen, votes = said.get(thing["id"], ([], {}))
        reference = max([moment(thing["modified"])] + [time for time in seen if time <= now])
        until = moment(thing["valid_until"]) if "valid_until" in thing else None
        days = DAYS.get(atom[0].partition(":")[0]) if atom and until is None else None
        if days:
            until = max(reference, moment(thing["valid_from"])) + datetime.timedelta(days=days)
        score, is_over = thing.get("confidence"), False
        model = curve(self.registry, self.exchange.collections[collection]) if thing["pattern_type"] == "stix" else None
        if model:
            decayed = model[0](thing.get("confidence", 80), (now - reference).total_seconds() / 86400)
            is_over = model[1](decayed)
            score = None if score is None else decayed
        if now < moment(thing["valid_from"]) or until and now >= until or is_over:
            return "not_active", None, None
        against = {who for who, opinion in votes.items() if opinion["opinion"].endswith("disagree") and opinion.get("explanation", "").strip()}
        if row.owner in against or len(against) >= 2:
            return "under_review", None, None
        least = self.export.get("confidence_min")
        if least is not None and (score is None or int(score + 0.5) < least):
            return "confidence", None, None
        return None, until, score

    def feedback(self, rows):
        """Of each object: when it was seen, and what each organisation said of it last."""
        said = {}
        for row in rows:
            thing = row.thing
            if thing.get("revoked"):
                continue
            if thing["type"] == "sighting" and thing.get("count", 1) > 0:
                time = thing.get("last_seen", thing.get("first_seen", thing["created"]))
                said.setdefault(thing["sighting_of_ref"], ([], {}))[0].append(moment(time))
            if thing["type"] == "opinion":
                for ref in dict.fromkeys(thing["object_refs"]):
                    votes = said.setdefault(ref, ([], {}))[1]
                    if row.owner not in votes or moment(votes[row.owner]["modified"]) < moment(thing["modified"]):
                        votes[row.owner] = thing
        return said

    # The header

    def word(self):
        names = {level: name for name, level in LEVEL.items() if name != "white"}
        word = names[self.tlp].upper()
        return {"CLEAR": "WHITE", "AMBER+STRICT": "RED"}.get(word, word) if self.export.get("tlp_write") == "1.0" else word


def may_fetch(exchange, export, who):
    """Readers of its organisation, of those that it names, who could see themselves all that it may hold."""
    client = exchange.clients[who]
    if who[0] != export["organisation"] or client["role"] not in READERS or who[1] not in export.get("readers", [who[1]]):
        return False
    organisation = exchange.organisations[who[0]]
    for one in export["collections"]:
        agreement, settings = exchange.agreements[one], exchange.collections[one]
        if not exchange.rights(who, one)[0]:
            if may_read(exchange, who, one):
                return False
            continue
        limits = [LEVEL[limit.get("tlp_max", "RED").lower()] for limit in (agreement, settings)] + [exchange.server_max]
        if min(*limits, LEVEL[export["tlp_max"].lower()]) > min(*limits, LEVEL[client.get("tlp_max", "RED").lower()]):
            return False
        allowed = exchange.purposes(one) & {*organisation.get("purposes", exchange.purposes(one))}
        if not allowed & {*export.get("purposes", allowed)} <= allowed & {*client.get("purposes", allowed)}:
            return False
        own = {*organisation.get("understands", ())}
        if not own | {*export.get("understands", ())} <= own | {*client.get("understands", ())}:
            return False
    return True


def may_read(exchange, who, one):
    """May a reader of its organisation?"""
    eyes = copy.copy(exchange)
    eyes.clients = exchange.clients | {who: {"role": "consumer"}}
    return eyes.rights(who, one)[0]
