"""Who may do what, cursors and filters: security-and-durability.md §5.5, §5.6."""

import json
import urllib.parse
import uuid

import pytest
from wire import (
    AMBER,
    DROP,
    EARLY,
    HIDDEN,
    MARKINGS,
    OVER,
    SHARED,
    assert_error,
    indicator,
    objects_path,
    unharmed,
    wire_hub,
)

PATH = objects_path()


def masked(response, *secrets):
    """A response without what differs from one request to the next."""
    text = response.body.decode()
    if response.status >= 400:
        text = text.replace(response.json["error_id"], "ERROR")
    for secret in secrets:
        text = text.replace(secret, "ID")
    headers = {key: value for key, value in response.headers.items() if key not in ("date", "content-length")}
    return response.status, sorted(headers.items()), text


# --- absent and forbidden look the same ----------------------------------------------------


@pytest.mark.parametrize("method, rest", [("GET", ""), ("GET", "objects/"), ("GET", "manifest/"), ("POST", "objects/"), ("GET", "objects/x/"),
                                          ("DELETE", "objects/x/"), ("GET", "objects/x/versions/"), ("HEAD", "")])
def test_a_hidden_collection_is_like_none(wire_hub, method, rest):
    def ask(root, collection):
        path = f"/{root}/collections/{collection}/{rest}"
        return wire_hub.ask(method, path, "b", body={"objects": [indicator()]} if method == "POST" else None)
    random = str(uuid.uuid4())
    hidden, absent = ask("hidden", HIDDEN), ask("nowhere", random)
    assert hidden.status == 404
    if method != "HEAD":
        assert masked(hidden, HIDDEN) == masked(absent, random)
        assert masked(hidden, HIDDEN) == masked(ask("exchange", random), random) == masked(ask("exchange", HIDDEN), HIDDEN)


@pytest.mark.parametrize("rest", ["", "collections/", "status/x/"])
def test_a_hidden_root_is_like_none(wire_hub, rest):
    hidden, absent = (wire_hub.ask("GET", f"/{root}/{rest}", "b") for root in ("hidden", "nowhere"))
    assert_error(hidden, 404)
    assert masked(hidden) == masked(absent)
    assert "hidden" not in json.dumps(wire_hub.ask("GET", "/taxii2/", "b").json)


@pytest.mark.parametrize("rest", ["", "versions/", "?match[version]=all"])
def test_a_hidden_object_is_like_none(wire_hub, rest):
    red = indicator("RED")
    wire_hub.publish([red])
    assert wire_hub.holds(red["id"])
    random = f"indicator--{uuid.uuid4()}"
    for method in ("GET", "DELETE") if rest == "" else ("GET",):
        hidden, absent = (wire_hub.ask(method, PATH + one + "/" + rest, "b") for one in (red["id"], random))
        assert hidden.status == 404
        assert masked(hidden, red["id"]) == masked(absent, random)
    assert wire_hub.holds(red["id"])


def test_a_hidden_version_is_like_none(wire_hub):
    found = indicator("GREEN")
    wire_hub.publish([found])
    newer = found | {"modified": "2026-02-10T08:00:00.000Z", "object_marking_refs": [MARKINGS["RED"]]}
    assert wire_hub.publish([newer])["success_count"] == 1
    path = PATH + found["id"] + "/"
    assert wire_hub.ask("GET", path + "versions/").json["versions"] == [found["modified"], newer["modified"]]
    assert wire_hub.ask("GET", path + "versions/", "b").json["versions"] == [found["modified"]]
    # The last version is the last among those that the client may see.
    assert wire_hub.ask("GET", path, "b").json["objects"][0]["modified"] == found["modified"]
    hidden, absent = (wire_hub.ask("GET", f"{path}?match[version]={time}", "b") for time in (newer["modified"], "2026-02-11T08:00:00.000Z"))
    assert masked(hidden) == masked(absent)


def test_the_status_of_another_clients_publish_is_404(wire_hub):
    status = wire_hub.publish([indicator()])
    path = f"/exchange/status/{status['id']}/"
    assert wire_hub.ask("GET", path).json == status
    for who in ("b", "siem", "low", "c"):
        hidden, absent = wire_hub.ask("GET", path, who), wire_hub.ask("GET", f"/exchange/status/{uuid.uuid4()}/", who)
        assert_error(hidden, 404)
        assert masked(hidden) == masked(absent)
    assert wire_hub.ask("GET", f"/hidden/status/{status['id']}/").status == 404


# --- rights --------------------------------------------------------------------------------


def test_a_missing_right_is_403(wire_hub):
    drop = objects_path(DROP)
    secret = indicator("GREEN")
    assert wire_hub.publish([secret], "a", DROP)["success_count"] == 1
    assert_error(wire_hub.ask("GET", drop), 403)
    assert_error(wire_hub.ask("GET", drop + secret["id"] + "/"), 403)
    assert_error(wire_hub.ask("GET", f"/exchange/collections/{DROP}/manifest/"), 403)
    assert_error(wire_hub.ask("DELETE", drop + secret["id"] + "/"), 403)
    refused = indicator("GREEN")
    assert_error(wire_hub.ask("POST", drop, "b", body={"objects": [refused]}), 403)
    assert not wire_hub.holds(refused["id"], "b", DROP) and wire_hub.holds(secret["id"], "b", DROP)
    assert_error(wire_hub.ask("POST", PATH, "siem", body={"objects": [refused]}), 403)
    assert_error(wire_hub.ask("DELETE", PATH + refused["id"] + "/", "siem"), 403)
    assert not wire_hub.holds(refused["id"])
    assert wire_hub.ask("GET", drop, "c").status == 404


def test_collections_say_what_the_client_may(wire_hub):
    def rights(who):
        found = wire_hub.ask("GET", "/exchange/collections/", who).json["collections"]
        return {one["id"]: (one["can_read"], one["can_write"]) for one in found}
    assert rights("a")[DROP] == (False, True) and rights("b")[DROP] == (True, False) and DROP not in rights("c")
    assert rights("siem")[SHARED] == (True, False) and HIDDEN not in rights("a")


@pytest.mark.parametrize("collection, name", [(OVER, "old-pact"), (EARLY, "new-pact")])
def test_an_agreement_out_of_its_dates_is_403_and_named_to_its_parties(wire_hub, collection, name):
    refused = indicator("GREEN")
    for who in ("a", "b"):
        for method, rest, body in (("GET", "", None), ("POST", "", {"objects": [refused]}), ("GET", "x/", None), ("DELETE", "x/", None)):
            message = assert_error(wire_hub.ask(method, objects_path(collection) + rest, who, body=body), 403)
            assert name in message["title"] + message.get("description", "")
    random = str(uuid.uuid4())
    outsider, absent = (wire_hub.ask("GET", objects_path(one), "c") for one in (collection, random))
    assert masked(outsider, collection) == masked(absent, random) and outsider.status == 404


def test_delete_is_for_the_owner(wire_hub):
    shared, red = indicator("GREEN"), indicator("RED")
    wire_hub.publish([shared, red])
    assert_error(wire_hub.ask("DELETE", PATH + shared["id"] + "/", "b"), 403)
    assert_error(wire_hub.ask("DELETE", PATH + red["id"] + "/", "b"), 404)
    assert wire_hub.holds(shared["id"]) and wire_hub.holds(red["id"])
    assert wire_hub.ask("DELETE", PATH + shared["id"] + "/").status == 200
    assert_error(wire_hub.ask("DELETE", PATH + shared["id"] + "/"), 404)


def test_an_object_is_found_only_through_its_collection(wire_hub):
    found = indicator("GREEN")
    wire_hub.publish([found])
    for rest in ("", "versions/"):
        assert_error(wire_hub.ask("GET", objects_path(AMBER) + found["id"] + "/" + rest), 404)
    assert_error(wire_hub.ask("DELETE", objects_path(AMBER) + found["id"] + "/"), 404)
    assert_error(wire_hub.ask("GET", objects_path(SHARED, "hidden") + found["id"] + "/"), 404)
    assert wire_hub.holds(found["id"])


SPELLINGS = [str.upper, lambda i: i.replace("indicator", "Indicator"), lambda i: "{" + i + "}", lambda i: "urn:" + i, lambda i: i.replace("--", "%2d%2d"),
             lambda i: i + " ", lambda i: i + ".", lambda i: i.replace("-", ""), lambda i: i + "%00", lambda i: i.replace("i", "%69", 1), lambda i: "x" + i,
             lambda i: i[:-1], lambda i: i + ",", lambda i: i.replace("--", "--urn:uuid:")]


@pytest.mark.parametrize("spell", SPELLINGS)
def test_ids_compare_byte_for_byte(wire_hub, spell):
    found = indicator("GREEN")
    wire_hub.publish([found])
    for method in ("GET", "DELETE"):
        path = PATH + urllib.parse.quote(spell(found["id"]), safe="%{}:,.") + "/"
        assert wire_hub.ask(method, path).status in (400, 404)
    assert wire_hub.holds(found["id"])


@pytest.mark.parametrize("path", [f"/exchange/collections/{SHARED.upper()}/", f"/exchange/collections/{{{SHARED}}}/", f"/exchange/collections/urn:uuid:{SHARED}/",
                                  f"/exchange/collections/{SHARED.replace('-', '')}/", "/exchange/collections/SHARED/", "/Exchange/collections/", "/EXCHANGE/"])
def test_collections_and_roots_compare_byte_for_byte(wire_hub, path):
    # The ids here have no letters, so only the other spellings differ.
    expected = 200 if path == f"/exchange/collections/{SHARED}/" else 404
    assert wire_hub.ask("GET", path).status == expected


# --- markings ------------------------------------------------------------------------------


def test_levels_above_the_agreement_or_the_client_fail_alone(wire_hub):
    good, bad = indicator("AMBER"), indicator("AMBER+STRICT")
    status = wire_hub.publish([good, bad, indicator("RED")], collection=AMBER)
    assert (status["success_count"], status["failure_count"]) == (1, 2)
    failure = next(one for one in status["failures"] if one["id"] == bad["id"])
    assert "AMBER+STRICT" in failure["message"] and "AMBER" in failure["message"]
    assert wire_hub.holds(good["id"], collection=AMBER) and not wire_hub.holds(bad["id"], collection=AMBER)
    above = indicator("AMBER")
    status = wire_hub.publish([above, indicator("GREEN")], "low")
    assert [one["id"] for one in status["failures"]] == [above["id"]]


def test_a_client_sees_up_to_its_ceiling(wire_hub):
    made = {level: indicator(level) for level in MARKINGS}
    assert wire_hub.publish(list(made.values()))["success_count"] == 5
    for who, sees in (("a", MARKINGS), ("siem", MARKINGS), ("b", set(MARKINGS) - {"RED"}), ("low", {"CLEAR", "GREEN"})):
        query = "?match[id]=" + ",".join(one["id"] for one in made.values())
        page = wire_hub.ask("GET", PATH + query, who)
        assert {one["id"] for one in page.json.get("objects", [])} == {made[level]["id"] for level in sees}, who
        listed = wire_hub.ask("GET", f"/exchange/collections/{SHARED}/manifest/" + query, who).json["objects"]
        assert len(listed) == len(sees)
        # Headers come from the rows served, so they tell nothing of the others.
        assert page.headers["x-taxii-date-added-last"] == listed[-1]["date_added"]


def test_counts_and_pages_do_not_tell_of_hidden_objects(wire_hub):
    batch = [indicator("RED") if n % 2 else indicator("GREEN") for n in range(20)]
    wire_hub.publish(batch)
    ids = ",".join(one["id"] for one in batch)
    pages, query = [], f"?limit=3&match[id]={ids}"
    path = PATH + query
    while True:
        page = wire_hub.ask("GET", path, "b").json
        pages.append(len(page["objects"]))
        if not page.get("more"):
            break
        path = PATH + query + "&next=" + page["next"]
    assert pages == [3, 3, 3, 1]


# --- cursors and filters -------------------------------------------------------------------


@pytest.fixture(scope="module")
def paged(wire_hub):
    """Ten objects, the query for them, and a cursor after the first three."""
    batch = [indicator("GREEN") for _ in range(10)]
    wire_hub.publish(batch)
    query = "limit=3&match[id]=" + ",".join(one["id"] for one in batch)
    page = wire_hub.ask("GET", f"{PATH}?{query}").json
    assert page["more"] is True
    return query, page["next"]


def flipped(cursor, at):
    return cursor[:at] + ("0" if cursor[at] != "0" else "1") + cursor[at + 1:]


ALTERED = {
    "truncated": lambda c: c[:-1], "halved": lambda c: c[:len(c) // 2], "longer": lambda c: c + "0", "upper case": str.upper, "padded": lambda c: c + "=",
    "first digit": lambda c: flipped(c, 0), "position": lambda c: flipped(c, 10), "epoch": lambda c: flipped(c, 20), "filters": lambda c: flipped(c, 40),
    "seal": lambda c: flipped(c, len(c) - 1), "invented": lambda c: "0" * len(c), "word": lambda c: "next", "number": lambda c: "3", "SQL": lambda c: "' OR 1=1 --",
    "twice": lambda c: c + c, "other base": lambda c: "AQAAAA==", "NUL": lambda c: c[:-1] + "\0", "UTF-8": lambda c: "\u0660" * len(c), "long": lambda c: "a" * 7_000,
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_an_altered_cursor_is_400(wire_hub, paged, alter):
    query, cursor = paged
    altered = urllib.parse.quote(alter(cursor))
    assert "added_after" in json.dumps(assert_error(wire_hub.ask("GET", f"{PATH}?limit=3&next={altered}"), 400))


@pytest.mark.parametrize("path, query", [(objects_path(AMBER), "QUERY"), (PATH, "limit=3"), (PATH, "QUERY&match[type]=indicator"), (PATH, "QUERY&match[version]=all"),
                                         (PATH, "limit=3&match[id]=indicator--00000000-0000-4000-8000-000000000000")])
def test_a_cursor_of_another_collection_or_filter_is_400(wire_hub, paged, path, query):
    own, cursor = paged
    message = assert_error(wire_hub.ask("GET", f"{path}?{query.replace('QUERY', own)}&next={cursor}"), 400)
    assert "another collection" in message["title"]


def test_a_cursor_shows_the_same_page_again_and_rights_are_the_callers(wire_hub, paged):
    query, cursor = paged
    pages = [wire_hub.ask("GET", f"{PATH}?{query}&next={cursor}", who) for who in ("a", "a", "b")]
    assert pages[0].body == pages[1].body == pages[2].body and pages[0].status == 200
    red = indicator("RED")
    wire_hub.publish([red])
    after = wire_hub.ask("GET", f"{PATH}?limit=100&match[type]=indicator").json
    assert red["id"] in json.dumps(wire_hub.ask("GET", f"{PATH}?match[type]=indicator&limit=5000").json) or after.get("more")
    first = wire_hub.ask("GET", f"{PATH}?match[type]=indicator&limit=1").json
    rest = wire_hub.ask("GET", f"{PATH}?match[type]=indicator&limit=5000&next={first['next']}", "b")
    assert rest.status == 200 and red["id"] not in rest.body.decode()


BAD_QUERIES = [f"limit={value}" for value in ("0", "-1", "x", "", "1.5", "1e3", "0x10", "%20", "+5", "5%20", "\u0665", "1,2", "00", "NaN")] + ["limit=1&limit=1"] + [
    f"added_after={value}" for value in ("", "x", "2026", "2026-02-09", "2026-02-30T00:00:00Z", "2026-02-09T08:00:00", "2026-02-09T08:00:00%2B01:00",
                                         "2026-02-09T25:00:00Z", "2026-02-09T08:00:00.0123456789Z", "2026-02-09T08:00:00,5Z", "1700000000",
                                         "2026-02-09T08:00:00.Z", "20260209T080000Z", "2026-02-09T08:00:00ZZ", "now()")] + [
    "added_after=2026-02-09T08:00:00Z&added_after=2026-02-09T08:00:00Z", "match[version]=latest", "match[version]=", "match[version]=first,x",
    "match[version]=all,last", "match[version]=last&match[version]=first", "match[id]=a&match[id]=b", "match%5Bid%5D=a&match[id]=b", "match[type]=", "match[id]=,",
    "match[type]=" + ",".join(["indicator"] * 101), "&".join(f"x{n}=1" for n in range(65))]


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_malformed_parameters_are_400_and_named(wire_hub, query):
    message = assert_error(wire_hub.ask("GET", f"{PATH}?{urllib.parse.quote(query, safe='%=&[],:')}"), 400)
    name = urllib.parse.unquote(query).split("=")[0]
    assert name in json.dumps(message) or name == "x0"


@pytest.mark.parametrize("query", ["limit=99999999999999999999", "limit=5000", "limit=1", "added_after=2026-02-09T08:00:00Z", "added_after=2026-02-09T08:00:00.1Z",
                                   "added_after=2026-02-09T08:00:00.123456789Z", "match[x]=y", "match[confidence]=5", "match[]=", "unknown=1", "", "&&&", "next=",
                                   "match%5Btype%5D=indicator%2Cmalware", "match[spec_version]=2.1"])
def test_good_or_unknown_parameters_are_served(wire_hub, query):
    assert wire_hub.ask("GET", f"{PATH}?{query}").status == 200


@pytest.mark.parametrize("when", ["2999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_the_future_is_an_empty_page(wire_hub, when):
    response = wire_hub.ask("GET", f"{PATH}?added_after={when}")
    assert (response.status, response.json) == (200, {})


INJECTIONS = ["' OR '1'='1", "'; DROP TABLE object; --", '" OR ""="', "1); ATTACH 'x' AS y; --", "%' OR 1 GLOB '*", "\\", "${jndi:ldap://x}", "{{7*7}}", "$(id)", "`id`",
              "../../etc/passwd", "x\0y", "x\r\nSet-Cookie: a=b", "\u202e", "*", "%", "_", "[a-z]*"]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injection_strings_are_only_values(wire_hub, text):
    quoted = urllib.parse.quote(text, safe="")
    for field in ("id", "type", "spec_version"):
        response = wire_hub.ask("GET", f"{PATH}?match[{field}]={quoted}")
        assert (response.status, response.json) == (200, {}) or response.status == 400, response
        assert "set-cookie" not in response.headers
    for field in ("match[version]", "added_after", "limit", "next"):
        assert_error(wire_hub.ask("GET", f"{PATH}?{field}={quoted}"), 400)
    for path in (PATH + quoted + "/", f"/exchange/collections/{quoted}/", f"/exchange/status/{quoted}/", f"/{quoted}/"):
        assert wire_hub.ask("GET", path).status in (400, 404)
