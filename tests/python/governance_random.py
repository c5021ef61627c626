"""A registry and a history of envelopes at random, the same for the same seed."""

import datetime
import random
from dataclasses import dataclass

from governance_build import OTHER_EXT, UNKNOWN_EXT, uuid4_of
from governance_random_exports import add_exports
from governance_random_objects import Author

LEVELS = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
COUNTRIES = ["AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH", "II", "JJ", "KK", "LL"]
PURPOSES = ["cyber-defence", "incident-response", "fraud-prevention", "organised-crime", "research"]
PAST, FUTURE = datetime.date(2020, 1, 1), datetime.date(2999, 1, 1)


@dataclass
class World:
    seed: int
    registry: dict
    posts: list


def world(seed, objects):
    """`posts` are (who, collection, objects) in the order in which they are to be sent."""
    dice = random.Random(seed)
    registry = make_registry(dice, seed)
    author = Author(dice, registry, seed)
    posts, made = [], 0
    while made < objects:
        envelope = author.envelope()
        posts.append(envelope)
        made += len(envelope[2])
    return World(seed, registry, posts)


def make_registry(dice, seed):
    slugs = [f"org-{number:02}" for number in range(20)]
    audiences = make_audiences(dice, slugs, seed)
    agreements = make_agreements(dice, slugs, audiences, seed)
    collections = [collection["id"] for agreement in agreements for collection in agreement["collection"]]
    registry = {"tlp_max": "RED"} | {
        "organisation": [make_organisation(dice, slug, seed) for slug in slugs],
        "audience": audiences,
        "consent": [make_consent(dice, slugs, collections) for _ in range(40)],
        "agreement": agreements,
    }
    add_exports(registry, seed)
    return registry


def some(dice, items, least, most):
    return sorted(dice.sample(items, dice.randint(least, min(most, len(items)))))


def make_organisation(dice, slug, seed):
    made = {"id": slug, "name": slug.upper(), "country": dice.choice(COUNTRIES), "identity": f"identity--{uuid4_of(f'{seed} {slug}')}"}
    if dice.random() < 0.3:
        made["purposes"] = ["cyber-defence", *some(dice, PURPOSES[1:], 0, 2)]
    if dice.random() < 0.4:
        made["understands"] = some(dice, ["acs", UNKNOWN_EXT, "definition_type:ais"], 1, 3)
    clients = [{"id": "feed", "role": dice.choice(["publisher", "publisher", "analyst", "liaison"])}]
    if dice.random() < 0.5:
        clients.append({"id": "low", "role": dice.choice(["consumer", "publisher"]), "tlp_max": dice.choice(LEVELS[:4])})
    if dice.random() < 0.4:
        clients.append({"id": "person", "role": dice.choice(["consumer", "analyst"]), "identity": f"identity--{uuid4_of(f'{seed} {slug} person')}"})
    if dice.random() < 0.25:
        clients.append({"id": "narrow", "role": "consumer", "purposes": some(dice, PURPOSES, 1, 2)})
    if dice.random() < 0.25:
        clients.append({"id": "learned", "role": "consumer", "understands": some(dice, ["acs", UNKNOWN_EXT, OTHER_EXT], 1, 2)})
    if slug in ("org-00", "org-01"):
        clients.append({"id": "other", "role": "operator" if slug == "org-00" else "auditor"})
    return made | {"client": clients}


def make_audiences(dice, slugs, seed):
    made = [{"id": uuid4_of(f"{seed} audience {number}"), "name": f"audience-{number}", "members": some(dice, slugs, 5, 15)} for number in range(6)]
    made[4]["members"] = []
    made[5]["active"] = False
    return made


def make_consent(dice, slugs, collections):
    made = {"originator": dice.choice(slugs), "to": some(dice, slugs, 1, 6), "reference": "letter"}
    if dice.random() < 0.5:
        made["collection"] = dice.choice(collections)
    if dice.random() < 0.4:
        made["valid_until"] = dice.choice([PAST, FUTURE])
    made["to"] = [one for one in made["to"] if one != made["originator"]] or [slugs[slugs.index(made["originator"]) - 1]]
    return made


def make_agreements(dice, slugs, audiences, seed):
    made = []
    for number in range(12):
        parties = some(dice, slugs, 6, 20)
        agreement = {"id": f"agreement-{number:02}", "title": f"Agreement {number}", "parties": parties, "tlp_max": dice.choice(["AMBER", "AMBER+STRICT", "RED", "RED", "RED"])}
        if number % 3 == 0:
            agreement |= {"purposes": some(dice, PURPOSES, 2, 5), "legal_basis": "Treaty, article 1"}
        if number % 3 != 1:
            agreement["relays"] = some(dice, parties, 1, 4)
        if number % 5 == 4:
            agreement |= {"valid_from": PAST, "valid_until": FUTURE}
        if number == 11:
            agreement["valid_until"] = PAST
        agreement["collection"] = [make_collection(dice, agreement, audiences, f"{seed} {number} {index}") for index in range(3 if number % 2 else 2)]
        made.append(agreement)
    return made


def make_collection(dice, agreement, audiences, name):
    made = {"id": uuid4_of(f"collection {name}"), "title": f"Collection {name}", "api_root": dice.choice(["exchange", "second", "third"])}
    limit = LEVELS.index(agreement["tlp_max"])
    if dice.random() < 0.4:
        limit = min(limit, dice.randint(2, 4))
        made["tlp_max"] = LEVELS[limit]
    if dice.random() < 0.3:
        made["read"] = some(dice, agreement["parties"], 3, 20)
    if dice.random() < 0.3:
        made["write"] = some(dice, agreement["parties"], 2, 20)
    if dice.random() < 0.3:
        made["audiences"] = [one["name"] for one in dice.sample(audiences, dice.randint(1, 2))]
    if dice.random() < 0.3:
        made["purposes"] = some(dice, agreement.get("purposes", PURPOSES[:2]), 1, 3)
    if dice.random() < 0.5:
        made["downgrade"] = dice.choice(["owner", "owner", "never"])
    if dice.random() < 0.5:
        made["alias"] = f"alias-{made['id'][:8]}"
    if name.endswith((" 1 0", " 4 1")):
        kinds = ["indicator", "identity", "marking-definition", "relationship", "domain-name", "language-content"]
        made["types"] = [*kinds, dice.choice(["report", "note"])]
    level = LEVELS[dice.randint(0, limit)]
    return made | {"unmarked": dice.choice(["reject", "reject", "inherit", f"assume:{level}", f"stamp:{level}"])}
