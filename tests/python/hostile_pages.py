"""Lies about pages and the objects on them: hostile_lies.py says how they are told."""

import copy
import time
import uuid

from foreign_objects import identity_of, stamp
from hostile_lies import lie
from taxii_peer import Page, Refused, moment_of


def without(query, *names):
    return {name: values for name, values in query.items() if name not in names}


# --- Pages ------------------------------------------------------------------------------------


@lie("source")
def same_page_for_ever(peer, request, told, honest, query):
    """The first page again and again, each time with another next."""
    page = honest(without(query, "next", "added_after"))
    page.more, page.next = True, f"page-{told.count}"
    return page


@lie("source")
def next_repeats(peer, request, told, honest, query):
    """The same page with the same next, for ever."""
    page = honest(without(query, "next", "added_after"))
    page.more, page.next = True, "again"
    return page


@lie("source")
def more_for_ever_empty_pages(peer, request, told, honest, query):
    """After the true pages come empty ones, each of which promises another."""
    if not query.get("next", [""])[0].startswith("empty-"):
        page = honest(query)
        if page.more:
            return page
    else:
        page = Page([])
    page.more, page.next = True, f"empty-{told.count}"
    return page


@lie("source")
def next_cycle(peer, request, told, honest, query):
    """The first page leads to b, b (the second page) to a, and a is the first page."""
    first = honest(without(query, "next"))
    if query.get("next") == ["b"]:
        page = honest(query | {"next": [first.next]}) if first.next else first
        page.more, page.next = True, "a"
        return page
    first.more, first.next = True, "b"
    return first


@lie("source")
def next_stateful(peer, request, told, honest, query):
    """As medallion 3.0.0: one next for the whole walk, that gives other objects each time, and none a second time."""
    token = query.get("next", [None])[0]
    if token is not None and token not in told.state:
        raise Refused(400, "next is used up")
    page = honest(query if token is None else query | {"next": [told.state.pop(token)]})
    if page.more:
        token = token or str(uuid.uuid4())
        told.state[token], page.next = page.next, token
    return page


@lie("source", before="a&limit=1#/../?x=% é+", behind=' "\'==&')
def odd_next(peer, request, told, honest, query):
    """Good pages with a next that must be encoded with care; only exactly this one is taken back."""
    before, behind = told.options["before"], told.options["behind"]
    if "next" in query:
        value = query["next"][0]
        if len(query["next"]) != 1 or not (value.startswith(before) and value.endswith(behind)):
            raise Refused(400, "next is not as it was given")
        query = query | {"next": [value[len(before) : len(value) - len(behind)]]}
    page = honest(query)
    if page.next is not None:
        page.next = before + page.next + behind
    return page


@lie("source")
def regressing_dates(peer, request, told, honest, query):
    """The date headers go back an hour with each page, and the last is before the first."""
    page = honest(query)
    if page.last:
        moment = moment_of([page.last]).timestamp() - 3600 * told.count
        page.first, page.last = (time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(moment - back)) for back in (0, 60))
    return page


@lie("source", date="9999-12-31T23:59:59.999999Z")
def far_future_dates(peer, request, told, honest, query):
    """Who takes the header for the next added_after will never again be given anything."""
    page = honest(query)
    page.first = page.last = told.options["date"]
    return page


@lie("source")
def missing_date_headers(peer, request, told, honest, query):
    page = honest(query)
    page.first = page.last = None
    return page


@lie("source", value="undefined")
def garbage_date_headers(peer, request, told, honest, query):
    page = honest(query)
    page.first = page.last = told.options["value"]
    return page


@lie("source")
def more_without_next(peer, request, told, honest, query):
    """Allowed by §3.5: the way on is added_after with the date header."""
    page = honest(query)
    page.next = None
    return page


@lie("source")
def next_without_more(peer, request, told, honest, query):
    """As OpenCTI: a next on every page, and an empty list of objects."""
    page = honest(query)
    page.shows_empty_list = True
    page.next = page.next or "the-end"
    return page


@lie("source")
def ignores_added_after(peer, request, told, honest, query):
    return honest(without(query, "added_after"))


@lie("source")
def ignores_limit(peer, request, told, honest, query):
    """All that is left in one page."""
    page_max, peer.page_max = peer.page_max, 1_000_000
    try:
        return honest(without(query, "limit"))
    finally:
        peer.page_max = page_max


# --- Objects ----------------------------------------------------------------------------------


def poisons(good):
    """Objects made from a good one, none of which is STIX, by what is wrong with them."""

    def changed(**members):
        return good | {"id": f"indicator--{uuid.uuid4()}"} | members

    def lacking(name):
        return {key: value for key, value in changed().items() if key != name}

    return {
        "no id": lacking("id"), "no type": lacking("type"), "no pattern": lacking("pattern"), "no created": lacking("created"),
        "id of another type": changed(id=f"malware--{uuid.uuid4()}"), "id without uuid": changed(id="indicator--1"), "id is a number": changed(id=7),
        "id is a path": changed(id="indicator--../../../../etc/passwd"), "modified is no time": changed(modified="yesterday"),
        "modified before created": changed(modified="1999-01-01T00:00:00.000Z"), "created is a number": changed(created=1700000000),
        "spec_version is the type": changed(spec_version="indicator"), "spec_version 3": changed(spec_version="3.0"),
        "pattern is no pattern": changed(pattern="[nonsense"), "confidence 1000": changed(confidence=1000), "revoked is text": changed(revoked="yes"),
        "labels are empty": changed(labels=[]), "null": None, "text": "indicator", "list": [good], "number": 1, "empty": {},
    }


@lie("source", every=2)
def poison_objects(peer, request, told, honest, query):
    """Behind each `every`th good object one that is not STIX; in turn all of `poisons`."""
    page, mixed = honest(query), []
    for number, good in enumerate(page.members):
        mixed.append(good)
        if number % told.options["every"] == told.options["every"] - 1:
            kinds = list(poisons(good).items())
            kind, bad = kinds[told.state.setdefault("next", 0) % len(kinds)]
            told.state["next"] += 1
            peer.poisoned.append((kind, bad))
            mixed.append(bad)
    page.members = mixed
    return page


@lie("source", victims=None, owner=None, revoked=True)
def foreign_owner_objects(peer, request, told, honest, query):
    """In front of the first page newer versions of objects that are somebody else's: of `victims`, or of the peer's own
    first three. Their creator is `owner`, or the victim's own if that is "forged"."""
    page = honest(query)
    if "next" not in query:
        victims = told.options["victims"] or [entry.object for entry in peer.held["read"].entries[:3]]
        owner = told.options["owner"] or identity_of("intruder")["id"]
        taken = []
        for victim in victims:
            new = copy.deepcopy(victim) | {"modified": stamp_after(victim), "name": "taken over", "revoked": told.options["revoked"]}
            taken.append(new if owner == "forged" else new | {"created_by_ref": owner})
        page.members = taken + page.members
    return page


def stamp_after(victim):
    return stamp(moment_of([victim.get("modified") or victim["created"]]).replace(year=2038), 3)


@lie("source")
def duplicate_objects(peer, request, told, honest, query):
    """Each object twice, and the last of the page before once more."""
    page = honest(query)
    doubled = [found for one in page.members for found in (one, copy.deepcopy(one))]
    page.members = told.state.get("before", []) + doubled
    told.state["before"] = doubled[-1:]
    return page


@lie("source", across=False)
def conflicting_versions(peer, request, told, honest, query):
    """The same id and modified with other content: next to each other, or with `across` at every other request."""
    page = honest(query)
    other = [found | {"name": f"{found.get('name', '')} (otherwise)", "confidence": 1} for found in page.members]
    if told.options["across"]:
        page.members = other if told.count % 2 == 0 else page.members
    else:
        page.members = [found for pair in zip(page.members, other) for found in pair]
    return page


@lie("source", size_bytes=64 * 1024 * 1024)
def huge_single_object(peer, request, told, honest, query):
    """The first object has a description of that many bytes."""
    page = honest(query)
    if page.members:
        page.members = [page.members[0] | {"description": "x" * told.options["size_bytes"]}] + page.members[1:]
    return page


@lie("source")
def null_bytes(peer, request, told, honest, query):
    """NUL in the name of each object, as JSON may have it; `raw_null_bytes` has it as JSON may not."""
    page = honest(query)
    page.members = [found | {"name": f"nul\0{found.get('name', '')}"} for found in page.members]
    return page
