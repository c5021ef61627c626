"""The rule book's table of cases: the oracle keeps them, they notice a broken oracle, the hub keeps them."""

import dataclasses
import datetime

import governance_cases_terms  # noqa: F401  it adds to CASES
import governance_envelope
import governance_markings
import governance_oracle
import pytest
from governance_cases import CASES
from governance_hub import GovernedHub
from governance_play import OnHub, OnOracle, play, registry_of

by_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def test_names_of_cases_differ():
    assert len({case.name for case in CASES}) == len(CASES) >= 120


@by_case
def test_the_oracle_keeps(case):
    assert not play(case, OnOracle([case]))


# The cases notice


def no_containers(monkeypatch):
    monkeypatch.setattr(governance_oracle, "inherit", lambda parts: None)


def containers_without_terms(monkeypatch):
    inherit = governance_envelope.inherit

    def only_levels(parts):
        inherit(parts)
        for part in parts:
            part.terms = part.clauses
    monkeypatch.setattr(governance_oracle, "inherit", only_levels)


def no_floors(monkeypatch):
    monkeypatch.setattr(governance_oracle, "ends_of", lambda thing: [])


def no_late_floors(monkeypatch):
    store = governance_oracle.Exchange.store

    def quietly(self, row, log, now):
        log.naming.clear()
        store(self, row, log, now)
    monkeypatch.setattr(governance_oracle.Exchange, "store", quietly)


def without(name, value):
    """Markings never say that."""
    def broken(monkeypatch):
        clause_of = governance_markings.clause_of
        monkeypatch.setattr(governance_oracle, "clause_of", lambda one: dataclasses.replace(clause_of(one), **{name: value}))
    broken.__name__ = f"without_{name}"
    return broken


def union_for_intersection(monkeypatch):
    def union(sets):
        present = [one for one in sets if one is not None]
        return frozenset().union(*present) if present else None
    monkeypatch.setattr(governance_oracle, "intersection", union)


def empty_audience_is_everyone(monkeypatch):
    def is_member(self, organisation, audience):
        members = self.audiences.get(audience, {}).get("members", [])
        return not members or organisation in members
    monkeypatch.setattr(governance_oracle.Exchange, "is_member", is_member)


def inactive_audience_counts(monkeypatch):
    monkeypatch.setattr(governance_oracle.Exchange, "is_member", lambda self, organisation, audience: organisation in self.audiences.get(audience, {}).get("members", []))


def consent_for_all(monkeypatch):
    monkeypatch.setattr(governance_oracle.Exchange, "has_consent", lambda *_: True)


def no_client_ceiling(monkeypatch):
    ceiling = governance_oracle.Exchange.ceiling

    def wider(self, who, collection):
        self.clients[who].pop("tlp_max", None)
        return ceiling(self, who, collection)
    monkeypatch.setattr(governance_oracle.Exchange, "ceiling", wider)


def no_server_ceiling(monkeypatch):
    monkeypatch.setattr(governance_oracle.Exchange, "server_max", property(lambda self: governance_markings.RED, lambda self, value: None), raising=False)


def labels_are_nothing(monkeypatch):
    monkeypatch.setattr(governance_oracle, "label_level", lambda label: None)


def granular_is_nothing(monkeypatch):
    monkeypatch.setattr(governance_oracle, "marking_refs", lambda thing: thing.get("object_marking_refs", ()))


def unknown_references_pass(monkeypatch):
    monkeypatch.setattr(governance_oracle, "is_malformed", lambda definition: False)


def time_stands_still(monkeypatch):
    now = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
    why_not = governance_oracle.Exchange.why_not
    monkeypatch.setattr(governance_oracle.Exchange, "why_not", lambda self, who, collection, row, _: why_not(self, who, collection, row, now))


def last_before_visible(monkeypatch):
    """The latest version is found first, and whether the client sees it then."""
    def reads(self, who, collection, now, version="last"):
        taken = governance_oracle.chosen(self.logs[collection].rows, version)
        return {row.key for row in self.visible(who, collection, now) if row in taken}
    monkeypatch.setattr(governance_oracle.Exchange, "reads", reads)


def any_relay(monkeypatch):
    clash = governance_oracle.Exchange.clash
    monkeypatch.setattr(governance_oracle.Exchange, "clash", lambda self, part, who, settings, *rest: clash(self, part, (self.owner(part.thing, who), who[1]), settings, *rest))


MUTANTS = [
    no_containers, containers_without_terms, no_floors, no_late_floors, union_for_intersection, empty_audience_is_everyone, inactive_audience_counts, consent_for_all,
    no_client_ceiling, no_server_ceiling, labels_are_nothing, granular_is_nothing, unknown_references_pass, time_stands_still, last_before_visible, any_relay,
    *(without(name, value) for name, value in [
        ("level", None), ("iep", None), ("rel_to", None), ("not_rel_to", frozenset()), ("recipients", None), ("originator_control", False), ("valid_until", None),
        ("purposes", None), ("audiences", None), ("needs", frozenset()),
    ]),
]


@pytest.mark.parametrize("broken", MUTANTS, ids=lambda broken: broken.__name__)
def test_the_cases_notice(broken, monkeypatch):
    broken(monkeypatch)
    assert any(play(case, OnOracle([case])) for case in CASES)


# The hub


@pytest.fixture(scope="module")
def stages(binary, tmp_path_factory):
    """One hub for each ceiling of the server, with the collections of all cases."""
    made = {}
    for server in sorted({case.server for case in CASES}):
        made[server] = GovernedHub(binary, tmp_path_factory.mktemp("cases"), registry_of([case for case in CASES if case.server == server]))
    yield made
    for hub in made.values():
        hub.judge()


@by_case
def test_the_hub_keeps(case, stages):
    assert not play(case, OnHub(stages[case.server]))
