"""Nothing leaks: a registry and thousands of objects at random are published, and every client reads
everything through every door. A naive model of the rule book says what it must find.

  LIAISON_LEAK_SEED     another world (the seed is printed when a test fails)
  LIAISON_LEAK_OBJECTS  how many objects
"""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from governance_doors import DOORS, Leak, routes
from governance_hub import GovernedHub
from governance_random import world

SEED = int(os.environ.get("LIAISON_LEAK_SEED") or 131292)
OBJECTS = int(os.environ.get("LIAISON_LEAK_OBJECTS") or 20_000)
SHOWN = 20
HIDING = {
    None, "not_in_audience", "not_releasable", "originator_consent_missing", "tlp_above_ceiling", "tlp_not_recipient", "purpose_mismatch", "marking_not_understood",
}
REFUSING = {None, "type", "marking_unknown", "marking_malformed", "creator", "unmarked", "tlp_above_ceiling", "purpose_mismatch", "not_owner", "conflict", "revoked", "downgrade"}


def none_of(problems):
    found = list(itertools.islice(problems, 1000))
    assert not found, f"LIAISON_LEAK_SEED={SEED} LIAISON_LEAK_OBJECTS={OBJECTS}: {len(found)} problems\n" + "\n".join(text[:800] for text in found[:SHOWN])


@pytest.fixture(scope="module")
def hub(binary, tmp_path_factory):
    made = world(SEED, OBJECTS)
    hub = GovernedHub(binary, tmp_path_factory.mktemp("leak"), made.registry)
    yield Leak(hub, made)
    hub.judge()


@pytest.fixture(scope="module")
def leak(hub):
    """Everything published; what went otherwise is the first test's business."""
    hub.problems = list(hub.publish())
    hub.look()
    return hub


def test_every_door_has_its_test():
    paths, services = routes()
    assert len(paths) == services, f"a route is written in a way that this test cannot read: {paths}"
    assert sorted(paths) == sorted(DOORS), "a door without a leak test, or a test without a door"


def test_the_world_has_everything(leak):
    """The comparison is worth something only if each rule refuses some and lets others pass."""
    exchange, found = leak.exchange, set()
    for who, collection in leak.seen:
        if leak.may_read(who, collection):
            found |= {exchange.why_not(who, collection, row, leak.now) for row in exchange.logs[collection].rows}
    assert OBJECTS < 10_000 or found >= HIDING, SEED
    assert OBJECTS < 10_000 or leak.reasons >= REFUSING, SEED


def test_the_hub_takes_and_refuses_what_the_oracle_does(leak):
    none_of(iter(leak.problems))


@pytest.mark.parametrize("door", DOORS)
def test_every_client_finds_behind_a_door_what_it_may_see(leak, door):
    look = DOORS[door]
    with ThreadPoolExecutor(3) as pool:
        none_of(itertools.chain.from_iterable(pool.map(lambda who: list(look(leak, who)), leak.exchange.clients)))
