"""That each lie about pages and objects is really told."""

import json

import pytest

from foreign_objects import indicators, keys_of
from hostile_peer import HostilePeer
from peer_client import OBJECTS, authority, get, make, told, walk

pytestmark = pytest.mark.timeout(60)


def test_lies_can_be_told_now_and_then_and_one_upon_the_other(make):
    peer = make(("status_500", {"times": 1, "after": 1}), ("missing_date_headers", {"times": 3}), ("403", {"on": "discovery"}))
    assert [get(peer).status_code for _ in range(3)] == [200, 500, 200] and get(peer, f"{peer.url}/taxii2/").status_code == 403
    assert [("missing_date_headers" in found.lies, found.status) for found in peer.seen(endpoint="objects")] == [(True, 200), (True, 500), (True, 200)]
    peer.honest()
    assert "X-TAXII-Date-Added-Last" in get(peer).headers and get(peer, f"{peer.url}/taxii2/").status_code == 200
    with pytest.raises(AssertionError):
        peer.lie("stall", colour="red")


def test_lies_can_be_told_from_the_beginning(authority):
    with HostilePeer(OBJECTS, lies={"403": {"times": 1}}, authority=authority) as peer:
        assert [get(peer).status_code for _ in range(2)] == [403, 200]
    with HostilePeer(OBJECTS, lies=["404"], authority=authority) as peer:
        assert get(peer).status_code == 404


# --- Pages ----------------------------------------------------------------------------------


def test_same_page_for_ever(make):
    peer = make(told("same_page_for_ever"))
    pages, nexts = walk(peer, 15)
    assert all(page == OBJECTS[:10] for page in pages) and len(set(nexts)) == 15
    assert get(peer, added_after="2999-01-01T00:00:00.000000Z").json()["objects"] == OBJECTS[:10]


def test_next_repeats(make):
    pages, nexts = walk(make(told("next_repeats")), 15)
    assert all(page == OBJECTS[:10] for page in pages) and set(nexts) == {"again"} and len(nexts) == 15


def test_more_for_ever_empty_pages(make):
    pages, nexts = walk(make(told("more_for_ever_empty_pages")), 15)
    assert sum(pages[:3], []) == OBJECTS and pages[3:] == [[]] * 12 and len(set(nexts)) == 15


def test_next_cycle(make):
    pages, nexts = walk(make(told("next_cycle")), 6)
    assert nexts == ["b", "a"] * 3 and pages == [OBJECTS[:10], OBJECTS[10:20]] * 3


def test_next_stateful(make):
    peer = make(told("next_stateful"))
    pages, nexts = walk(peer)
    assert sum(pages, []) == OBJECTS and len(nexts) == 2 and len(set(nexts)) == 1
    assert get(peer, next=nexts[0]).status_code == 400


def test_odd_next(make):
    peer = make(told("odd_next"))
    pages, nexts = walk(peer)
    assert sum(pages, []) == OBJECTS and "&limit=1#" in nexts[0]
    assert get(peer, f"{peer.objects_url()}?next={nexts[0]}").status_code == 400


def test_regressing_dates(make):
    peer = make(told("regressing_dates"))
    dates, query = [], {}
    for _ in range(3):
        answer = get(peer, **query)
        dates.append((answer.headers["X-TAXII-Date-Added-First"], answer.headers["X-TAXII-Date-Added-Last"]))
        query = {"next": answer.json().get("next")}
    assert all(last < first for first, last in dates) and dates == sorted(dates, reverse=True) and len(set(dates)) == 3


def test_far_future_dates(make):
    peer = make(told("far_future_dates"))
    last = get(peer).headers["X-TAXII-Date-Added-Last"]
    assert last == "9999-12-31T23:59:59.999999Z"
    peer.add(indicators(1, seed=2))
    assert get(peer, added_after=last).json() == {}


@pytest.mark.parametrize("name, value", [("missing_date_headers", None), ("garbage_date_headers", "undefined")])
def test_odd_date_headers(make, name, value):
    answer = get(make(told(name)))
    assert answer.json()["objects"] == OBJECTS[:10] and answer.headers.get("X-TAXII-Date-Added-Last") == value == answer.headers.get("X-TAXII-Date-Added-First")


def test_more_without_next(make):
    peer = make(told("more_without_next"))
    answer = get(peer)
    assert answer.json()["more"] is True and "next" not in answer.json()
    assert get(peer, added_after=answer.headers["X-TAXII-Date-Added-Last"]).json()["objects"] == OBJECTS[10:20]


def test_next_without_more(make):
    peer = make(told("next_without_more"), page=100)
    assert get(peer).json()["next"] == "the-end" and "more" not in get(peer).json()
    assert get(peer, added_after="2999-01-01T00:00:00.000000Z").json() == {"objects": [], "next": "the-end"}


def test_filters_and_limits_can_be_ignored(make):
    assert get(make(told("ignores_added_after")), added_after="2999-01-01T00:00:00.000000Z").json()["objects"] == OBJECTS[:10]
    assert get(make(told("ignores_limit")), limit=3).json() == {"objects": OBJECTS}


# --- Objects --------------------------------------------------------------------------------


def test_poison_objects(make):
    peer = make(told("poison_objects"), objects=indicators(60), page=100)
    members = get(peer).json()["objects"]
    assert len(members) == 90 and [one for one in members if one in indicators(60)] == indicators(60)
    kinds = [kind for kind, _ in peer.poisoned]
    assert len(set(kinds)) == 22 and None in members and {} in members and [bad for _, bad in peer.poisoned] == members[2::3]


def test_foreign_owner_objects(make):
    peer = make(told("foreign_owner_objects"))
    taken = get(peer).json()["objects"][:3]
    assert [one["id"] for one in taken] == [one["id"] for one in OBJECTS[:3]] and all(one["revoked"] for one in taken)
    assert all(one["modified"] > victim["modified"] and one["created_by_ref"] != victim["created_by_ref"] for one, victim in zip(taken, OBJECTS))
    victim = indicators(1, seed=77)[0]
    peer = make(told("foreign_owner_objects", victims=[victim], owner="forged", revoked=False))
    taken = get(peer).json()["objects"][0]
    assert (taken["id"], taken["created_by_ref"], taken["revoked"]) == (victim["id"], victim["created_by_ref"], False)


def test_duplicate_objects(make):
    pages, _ = walk(make(told("duplicate_objects")))
    assert pages[0] == [one for found in OBJECTS[:10] for one in (found, found)] and pages[1][0] == OBJECTS[9] == pages[0][-1]


def test_conflicting_versions(make):
    first, second = get(make(told("conflicting_versions"))).json()["objects"][:2]
    assert keys_of([first]) == keys_of([second]) and first != second
    peer = make(told("conflicting_versions", across=True))
    first, second, third = (get(peer).json()["objects"] for _ in range(3))
    assert first == third != second and keys_of(first) == keys_of(second)


def test_null_bytes(make):
    answer = get(make(told("null_bytes")))
    assert answer.json()["objects"][0]["name"].startswith("nul\0") and b"\0" not in answer.content
    answer = get(make(told("raw_null_bytes")))
    assert b"\0" in answer.content
    with pytest.raises(ValueError):
        json.loads(answer.content)


def test_huge_single_object(make):
    found = get(make(told("huge_single_object", size_bytes=5_000_000))).json()["objects"]
    assert len(found[0]["description"]) == 5_000_000 and found[1:] == OBJECTS[1:10]
