"""Envelopes at random: valid STIX 2.1 with every kind of marking that the rule book knows."""

import copy

from governance_build import (
    ACS_EXT,
    CREATED,
    HANDLING_EXT,
    IEP_EXT,
    OTHER_EXT,
    PAP_EXT,
    REL_EXT,
    TLP,
    TLP_EXT,
    UNKNOWN_EXT,
    observable_id,
    uuid4_of,
)
from governance_oracle import Exchange
from governance_random_exports import indicator_body, opinion_body, sighting_body

BEGUN = CREATED.replace("2026", "2023")
BUILT_IN = {"CLEAR": 5, "GREEN": 20, "AMBER": 20, "AMBER+STRICT": 10, "RED": 6, "WHITE1": 2, "GREEN1": 4, "AMBER1": 4, "RED1": 2, "STRICT-OPENCTI": 3}
LABELS = ["tlp:white", "TLP:GREEN", '"tlp:amber"', "tlp:amber+strict", "tlp:red", "tlp:clear", "tlp:unclear", "pap:red", "PAP:AMBER", "'pap:white'", "malicious-activity"]
OBSERVABLES = {"domain-name": "{}.example", "ipv4-addr": "198.51.{}.{}", "url": "https://{}.example/", "email-addr": "u{}@mail.example"}
KINDS = {
    "indicator": 30, "malware": 8, "identity": 4, "location": 3, "note": 6, "opinion": 4, "report": 8, "grouping": 5, "observed-data": 6, "sighting": 7, "relationship": 14,
    "language-content": 5, "observable": 22,
}
ACTIONS = ["none", "contact-for-instruction", "internally-visible-actions", "externally-visible-indirect-actions", "externally-visible-direct-actions"]
NAMED = {"indicator", "malware", "identity", "location", "report"}
SDO = {"indicator", "malware", "identity", "location", "note", "opinion", "report", "grouping", "observed-data"}


class Author:
    """Makes envelopes, and remembers what it made in each collection."""

    def __init__(self, dice, registry, seed):
        self.dice, self.registry, self.seed, self.made = dice, registry, seed, 0
        self.rules = Exchange(registry)
        self.identities = {one["id"]: one["identity"] for one in registry["organisation"]}
        self.persons = [client["identity"] for one in registry["organisation"] for client in one["client"] if "identity" in client]
        self.writers = {}
        for collection, agreement in self.rules.agreements.items():
            found = [who for who in self.rules.clients if self.rules.rights(who, collection)[1]]
            if found and agreement["id"] != "agreement-11":
                self.writers[collection] = found
        self.pool = {collection: {"definition": [], "object": [], "envelope": []} for collection in self.writers}

    def envelope(self):
        dice = self.dice
        collection = dice.choice(sorted(self.writers))
        pool, who = self.pool[collection], dice.choice(self.writers[collection])
        if pool["envelope"] and dice.random() < 0.02:
            return dice.choice(pool["envelope"])
        size = dice.choice([1, 2, 5, 10, 30, 60, 100, 200])
        size = dice.randint(max(1, size // 2), size)
        self.definitions = list(pool["definition"][-12:])
        objects = [self.definition(who, collection) for _ in range(dice.randint(0, min(4, size // 2)))]
        self.definitions += [one["id"] for one in objects]
        self.here = []
        while len(objects) < size:
            one = self.version(who, pool) if pool["object"] and dice.random() < 0.15 else self.object(who, collection)
            if one is not None and (one["id"], one.get("modified")) not in {(other["id"], other.get("modified")) for other in objects}:
                objects.append(one)
                self.here.append(one)
        dice.shuffle(objects)
        objects = without_turned_versions(objects)
        pool["definition"] += [one["id"] for one in objects if one["type"] == "marking-definition"]
        pool["object"] += [(one, who) for one in objects if "modified" in one]
        pool["envelope"].append((who, collection, objects))
        return who, collection, objects

    def new_id(self, kind):
        self.made += 1
        return f"{kind}--{uuid4_of(f'{self.seed} object {self.made}')}"

    def moment(self, year=2024):
        """Every version has a time of its own."""
        self.made += 1
        at = self.dice.randint(0, 499) * 100_000 + self.made
        day, second = divmod(at // 100, 86_400)
        return f"{year}-{1 + day // 28 % 12:02}-{1 + day % 28:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{at % 100:03}Z"

    # Objects

    def object(self, who, collection):
        kind = self.dice.choices(list(KINDS), KINDS.values())[0]
        if kind == "observable":
            return self.mark(self.observable(who), 0.35)
        body = self.body(kind, self.refs(collection))
        if body is None:
            return None
        made = {"type": kind, "spec_version": "2.1", "id": self.new_id(kind), "created": BEGUN, "modified": self.moment()} | body
        if kind in NAMED:
            made["name"] = f"{kind} {self.made}"
        if creator := self.creator(who, collection):
            made["created_by_ref"] = creator
        return self.mark(made, {"identity": 0.5, "location": 0.5, "language-content": 0.5, "report": 0.95, "grouping": 0.9}.get(kind, 0.65))

    def observable(self, who):
        """At times one that the organisation has sent before; never another organisation's."""
        kind = self.dice.choice(list(OBSERVABLES))
        number = int(who[0][-2:]) * 8 + self.dice.randint(1, 8) if self.dice.random() < 0.1 else 1000 + self.made
        self.made += 1
        value = OBSERVABLES[kind].format(*([number // 250 % 250, number % 250] if kind == "ipv4-addr" else [number]))
        made = {"type": kind, "spec_version": "2.1", "id": observable_id(kind, value), "value": value}
        addresses = [one["id"] for one in self.here if one["type"] == "ipv4-addr"]
        if kind == "domain-name" and addresses and self.dice.random() < 0.3:
            made["resolves_to_refs"] = [self.dice.choice(addresses)]
        return made

    def refs(self, collection):
        """Ids of this envelope, at times of the collection, by what they are."""
        earlier = [one for one, _ in self.pool[collection]["object"][-60:] if self.dice.random() < 0.1]
        found = {"sdo": [], "sco": [], "observed-data": [], "any": []}
        for one in [*self.here, *earlier]:
            found["any"].append(one["id"])
            if "created" not in one:
                found["sco"].append(one["id"])
            elif one["type"] in SDO:
                found["sdo"].append(one["id"])
            if one["type"] == "observed-data":
                found["observed-data"].append(one["id"])
        return found

    def body(self, kind, refs):
        dice, at = self.dice, BEGUN

        def several(name, most):
            return list(dict.fromkeys(dice.choices(refs[name], k=dice.randint(1, most))))

        def one_of(*names):
            return dice.choice([one for name in names for one in refs[name]])
        if kind == "indicator":
            return indicator_body(dice)
        if kind == "malware":
            return {"is_family": False}
        if kind == "identity":
            return {"identity_class": "organization"}
        if kind == "location":
            return {"region": "northern-europe"}
        if not refs["sdo"] or not refs["sco"]:
            return None
        if kind in ("note", "opinion", "report", "grouping"):
            own = {"note": {"content": "x"}, "opinion": opinion_body(dice), "report": {"published": at}, "grouping": {"context": "unspecified"}}[kind]
            said = self.indicator_of(refs) if kind == "opinion" else None
            return own | {"object_refs": list(dict.fromkeys(([said] if said else []) + several("any", 25 if kind in ("report", "grouping") else 3)))}
        if kind == "observed-data":
            return {"first_observed": at, "last_observed": at, "number_observed": 1, "object_refs": several("sco", 5)}
        if kind == "sighting":
            more = {"observed_data_refs": several("observed-data", 2)} if refs["observed-data"] and dice.random() < 0.4 else {}
            return {"sighting_of_ref": self.indicator_of(refs) or one_of("sdo")} | sighting_body(dice) | more
        if kind == "relationship":
            return {"relationship_type": "related-to", "source_ref": one_of("sdo", "sco"), "target_ref": one_of("sdo", "sco")}
        return {"object_ref": one_of("sdo"), "contents": {"de": {"description": "Text"}}}

    def indicator_of(self, refs):
        """What is said of indicators matters most; of a few of them much is said."""
        found = [one for one in refs["any"] if one.startswith("indicator--")]
        return self.dice.choice(found[:6]) if found and self.dice.random() < 0.7 else None

    def creator(self, who, collection):
        """Its own identity, none, a stranger's, and of another party as a relay or without the right to."""
        agreement, chance = self.rules.agreements[collection], self.dice.random()
        if chance < (0.45 if who[0] in agreement.get("relays", ()) else 0.01):
            return self.identities[self.dice.choice(agreement["parties"])]
        return self.identities[who[0]] if chance < 0.7 else f"identity--{uuid4_of(f'{self.seed} stranger')}" if chance > 0.95 else None

    def version(self, who, pool):
        """Another version of what is there; mostly later, mostly by the same organisation."""
        if self.dice.random() < 0.15:
            # The same object in another collection.
            pool = self.pool[self.dice.choice([other for other in sorted(self.pool) if self.pool[other]["object"]])]
        for _ in range(8):
            one, by = self.dice.choice(pool["object"])
            if (by[0] == who[0] or self.dice.random() < 0.03) and one["id"] not in {other["id"] for other in self.here}:
                break
        else:
            return None
        if self.dice.random() < 0.04:
            return copy.deepcopy(one) | {"confidence": self.dice.randint(0, 100)}  # the same version with other content
        made = copy.deepcopy(one) | {"modified": self.moment(self.dice.choice([2024, 2025, 2025]))}
        if self.dice.random() < 0.6:
            for name in ("object_marking_refs", "labels", "granular_markings"):
                made.pop(name, None)
            self.mark(made, 0.85)
        if made["type"] == "indicator" and self.dice.random() < 0.4:
            made = {name: value for name, value in made.items() if name not in ("valid_until", "confidence")} | indicator_body(self.dice)
        if self.dice.random() < 0.25:
            made["revoked"] = True
        return made

    # Markings

    def mark(self, made, chance):
        dice, refs = self.dice, []
        if dice.random() < chance:
            refs.append(TLP[dice.choices(list(BUILT_IN), BUILT_IN.values())[0]])
            if dice.random() < 0.2:
                refs.append(TLP[dice.choice(["PAP-RED", "PAP-AMBER", "PAP-AMBER-OPENCTI", "PAP-GREEN-OPENCTI", "PAP-GREEN", "PAP-CLEAR", "GREEN", "AMBER"])])
        if self.definitions and dice.random() < 0.35:
            refs += dice.sample(self.definitions, min(len(self.definitions), dice.choice([1, 1, 1, 2, 3])))
        if dice.random() < 0.004:
            refs.append(f"marking-definition--{uuid4_of('known to nobody')}")
        if refs and dice.random() < 0.06:
            made["granular_markings"] = [{"marking_ref": refs.pop(), "selectors": ["value" if "value" in made else "type"]}]
        if refs:
            made["object_marking_refs"] = list(dict.fromkeys(refs))
        if dice.random() < 0.08 and "created" in made:
            made["labels"] = [dice.choice(LABELS)]
        return made

    def definition(self, who, collection):
        dice = self.dice
        made = {"type": "marking-definition", "spec_version": "2.1", "id": self.new_id("marking-definition"), "created": BEGUN}
        extensions = {}
        kind = dice.choice(["statement", "claim", "name", "opencti", "type", "rel", "rel", "rel", "rel", "handling", "handling", "iep", "iep", "acs", "pap", "foreign", "other",
        "mixed", "malformed"])
        word = dice.choice(["clear", "green", "amber", "amber+strict", "red", "green", "amber"])
        if kind == "claim":
            extensions[TLP_EXT] = {"tlp_2_0": word}
        if kind in ("rel", "mixed"):
            extensions[REL_EXT] = self.releasability()
        if kind in ("handling", "mixed"):
            extensions[HANDLING_EXT] = self.handling(collection)
        if kind == "iep":
            extensions[IEP_EXT] = self.iep(word)
            made |= {"name": "IEP", "external_references": [{"source_name": "iep", "url": "https://iep.example/"}]}
        if kind == "acs":
            control = dice.choice([{"classification": "S"}, {"classification": "U", "formal_determination": ["PUBREL"]}, {"classification": "U", "formal_determination": ["FOUO"]}])
            extensions[ACS_EXT] = {"policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit", "control_set": control}
        if kind == "pap":
            extensions[PAP_EXT] = {"pap": dice.choice(["clear", "green", "amber", "red"])}
        if kind == "foreign" or (kind == "mixed" and dice.random() < 0.2):
            extensions[dice.choice([UNKNOWN_EXT, UNKNOWN_EXT, OTHER_EXT])] = {"setting": "x"}
        if kind == "malformed":
            extensions[REL_EXT] = dice.choice([{"rel_to": "AA"}, {"releasable": ["AA"]}, {"originator_control": "yes"}])
        if extensions:
            made["extensions"] = {key: {"extension_type": "property-extension"} | content for key, content in extensions.items()}
        else:
            told = {"type": ("TLP", {"tlp": word}), "other": ("ais", {"ais": "x"})}.get(kind, ("statement", {"statement": "Copyright"}))
            made["definition_type"], made["definition"] = told
            made |= {"name": {"name": f"TLP:{word.upper()}"}, "opencti": {"x_opencti_definition": f"TLP:{word.upper()}"}}.get(kind, {})
        if dice.random() < 0.15:
            made["object_marking_refs"] = [TLP[dice.choice(["CLEAR", "GREEN", "AMBER", "RED"])]]
        if dice.random() < 0.3:
            made["created_by_ref"] = self.identities[who[0]]
        return made

    def releasability(self):
        dice, made = self.dice, {}
        places = sorted({one["country"] for one in self.registry["organisation"]}) + sorted(self.identities.values())
        if dice.random() < 0.6:
            made["rel_to"] = dice.sample(places, dice.choice([0, 4, 8, 12, 16]))
        if dice.random() < 0.3:
            made["not_rel_to"] = dice.sample(places, dice.choice([0, 1, 2, 4]))
        if dice.random() < 0.4:
            made["recipients"] = dice.sample([*self.persons, *self.identities.values()], dice.choice([0, 3, 6, 10]))
        if dice.random() < 0.4:
            made["originator_control"] = dice.random() < 0.9
        if dice.random() < 0.2:
            made["valid_until"] = dice.choice(["2021-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2999-12-31T23:59:59.999Z"])
        if dice.random() < 0.3:
            known = [one["id"] for one in self.registry["audience"]]
            made["audiences"] = dice.sample([*known, uuid4_of("an audience that is none")], dice.choice([0, 1, 2, 2, 3]))
        return made or {"rel_to": places[:10]}

    def handling(self, collection):
        dice, made = self.dice, {}
        if dice.random() < 0.7:
            known = sorted(self.rules.purposes(collection))
            made["purposes"] = sorted({dice.choice(known), dice.choice([*known, "research", "statistics", "x-own"])})
        if dice.random() < 0.4:
            made["handling_codes"] = dice.sample(["H0", "H1", "H2"], dice.randint(1, 2))
        if dice.random() < 0.3:
            made["personal_data"] = dice.choice(["yes", "yes", "incidental", "none"])
        return made or {"onward_transfer": "originator-consent", "evidence_use": "permission-required", "personal_data": "incidental"}

    def iep(self, word):
        made = {"iep_version": "2.0", "iep_id": uuid4_of(f"{self.seed} iep {self.made}"), "unmodified_resale": "must-not"}
        if self.dice.random() < 0.8 and word != "amber+strict":
            made["tlp"] = word.replace("clear", "white")
        if self.dice.random() < 0.7:
            made["permitted_actions"] = self.dice.choice(ACTIONS)
        dates = [{}, {}, {"end_date": "2021-01-01T00:00:00Z"}, {"start_date": "2999-01-01T00:00:00Z"}, {"start_date": "2020-01-01T00:00:00Z", "end_date": "2999-01-01T00:00:00Z"}]
        return made | self.dice.choice(dates)


def without_turned_versions(objects):
    """At most one version of an object: the order of several in one envelope is the hub's choice."""
    return list({one["id"]: one for one in objects}.values())
