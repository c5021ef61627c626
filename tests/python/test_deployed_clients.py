"""What deployed clients do that a server has to survive."""

import json
import re
import time
import uuid

import pytest
from conftest import (
    TAXII,
    indicator,
    marked,
    uuid4,
)


def test_opencti_keeps_its_cursor_between_polls(hub):
    """One page a polling interval; the original added_after stays while next is followed."""
    start = "2026-01-01T00:00:00.000Z"
    objects = [indicator(str(number)) for number in range(23)]
    hub.post(objects[:10])
    state = {"added_after": start, "next": ""}
    delivered = []

    def run():
        with hub.session("cert-b") as session:
            answer = session.get(hub.objects_url(), params=state | {"limit": 4}, headers={"Accept": TAXII})
        assert answer.status_code == 200, answer.text
        envelope = answer.json()
        delivered.extend(envelope.get("objects", []))
        if envelope.get("more"):
            assert envelope["objects"] and envelope["next"]
            state["next"] = envelope["next"]
        elif envelope.get("objects"):
            last = answer.headers["X-TAXII-Date-Added-Last"]
            # Parsed into milliseconds and written again.
            state.update({"next": "", "added_after": re.sub(r"\.(\d{3})\d*Z", r".\1Z", last)})
        return envelope

    run()
    hub.post(objects[10:15])
    hub.stop()
    hub.start()
    while run().get("more"):
        pass
    assert [thing["id"] for thing in delivered] == [thing["id"] for thing in objects[:15]]
    assert state["added_after"] != start
    kept = dict(state)
    # Nothing of the last millisecond comes again, and an empty page leaves the state as it is.
    assert run() == {} and state == kept
    hub.post(objects[15:])
    while run().get("more"):
        pass
    assert [thing["id"] for thing in delivered] == [thing["id"] for thing in objects]


def test_a_date_cut_to_milliseconds_loses_nothing(hub):
    """Objects of one POST lie microseconds apart; cutting repeats some at worst."""
    objects = [indicator(str(number)) for number in range(20)]
    hub.post(objects)
    seen, after = [], "2026-01-01T00:00:00Z"
    with hub.session("cert-b") as session:
        answer = session.get(hub.objects_url(), params={"added_after": after, "limit": 7})
        seen += answer.json()["objects"]
        cut = re.sub(r"\.(\d{3})\d*Z", r".\1Z", answer.headers["X-TAXII-Date-Added-Last"])
        rest = session.get(hub.objects_url(), params={"added_after": cut})
        seen += rest.json()["objects"]
        assert re.fullmatch(r".*\.\d{3}000Z", rest.headers["X-TAXII-Date-Added-Last"])
    assert {thing["id"] for thing in seen} == {thing["id"] for thing in objects}


def test_splunk_posts_a_bundle(hub):
    bundle = {"type": "bundle", "id": f"bundle--{uuid4()}", "objects": [indicator("from splunk"), marked("GREEN")]}
    with hub.session("cert-a") as session:
        listed = session.get(f"{hub.root}collections/").json()["collections"]
        url = f"{hub.root}collections/{listed[0]['id']}/objects/"
        answer = session.post(url, data=json.dumps(bundle), headers={"Content-Type": TAXII})
    assert answer.status_code == 202 and answer.json()["success_count"] == 2
    assert hub.fetch() == bundle["objects"]


@pytest.mark.parametrize("content_type, code", [
    ("application/stix+json;version=2.1", 202),
    ("application/stix+json", 202),
    ("application/taxii+json", 202),
    ("application/taxii+json; version=2.1", 202),
    ('Application/TAXII+json ; VERSION="2.1"', 202),
    ("application/taxii+json;version=2.1; charset=utf-8", 202),
    ("application/taxii+json;version=2.0", 415),
    ("application/json", 415),
    ("text/plain", 415),
])
def test_content_types_of_posts(hub, content_type, code):
    bundle = {"type": "bundle", "id": f"bundle--{uuid4()}", "objects": [indicator()]}
    with hub.session("cert-a") as session:
        answer = session.post(hub.objects_url(), data=json.dumps(bundle), headers={"Content-Type": content_type})
    assert answer.status_code == code
    assert answer.headers["Content-Type"] == TAXII


def test_misp_sends_lower_case_basic_and_a_content_type_on_get(hub):
    objects = [indicator(str(number)) for number in range(60)]
    hub.post(objects)
    headers = {
        "Authorization": "basic dXNlcjpwYXNzd29yZA==", "Accept": "application/taxii+json; version=2.1",
        "Content-Type": "application/taxii+json; version=2.1", "User-Agent": "MISP 2.5 - #deadbeef",
    }
    with hub.session("cert-b") as session:
        first = session.get(hub.objects_url(), params={"limit": 50}, headers=headers)
        assert first.status_code == 200 and len(first.json()["objects"]) == 50
        second = session.get(hub.objects_url(), params={"limit": 50, "next": first.json()["next"]}, headers=headers)
    assert first.json()["objects"] + second.json()["objects"] == objects


def test_axios_accepts_anything(hub):
    hub.post([indicator()])
    with hub.session("cert-b") as session:
        for path in ("/taxii2/", "/exchange/", "/exchange/collections/", f"/exchange/collections/{hub.collection}/objects/"):
            answer = session.get(hub.url + path, headers={"Accept": "application/json, text/plain, */*"})
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, TAXII)


def test_an_empty_next_is_none(hub):
    objects = [indicator(str(number)) for number in range(3)]
    hub.post(objects)
    with hub.session("cert-b") as session:
        for query in ("?next=", "?next=&limit=3", "?added_after=2026-01-01T00:00:00Z&next="):
            answer = session.get(hub.objects_url() + query)
            assert answer.status_code == 200 and answer.json()["objects"] == objects


def test_added_after_takes_none_to_nine_fraction_digits(hub):
    hub.post([indicator("first")])
    with hub.session("cert-b") as session:
        last = session.get(hub.objects_url()).headers["X-TAXII-Date-Added-Last"]
        time.sleep(0.002)
        second = indicator("second")
        hub.post([second])
        for digits in range(10):
            dot = "." if digits else ""
            early = session.get(hub.objects_url(), params={"added_after": f"2026-01-01T00:00:00{dot}{'1' * digits}Z"})
            late = session.get(hub.objects_url(), params={"added_after": f"2126-01-01T00:00:00{dot}{'1' * digits}Z"})
            assert (early.status_code, len(early.json()["objects"])) == (200, 2), digits
            assert (late.status_code, late.json()) == (200, {}), digits
        for exact in (last, last[:-4] + "Z", last[:-1] + "999Z"):
            assert session.get(hub.objects_url(), params={"added_after": exact}).json()["objects"] == [second]
        for bad in ("2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00.Z", "2026-01-01", "2026-01-01T00:00:00+02:00", "", "now", "1700000000"):
            answer = session.get(hub.objects_url(), params={"added_after": bad})
            assert (answer.status_code, answer.json()["http_status"]) == (400, "400"), bad


def test_sentinel_wants_version_4_uuids(hub):
    with hub.session("cert-b") as session:
        for collection in session.get(f"{hub.root}collections/").json()["collections"]:
            parsed = uuid.UUID(collection["id"])
            assert parsed.version == 4 and parsed.variant == uuid.RFC_4122 and str(parsed) == collection["id"]
    status = uuid.UUID(hub.post([indicator()])["id"])
    assert status.version == 4


def test_a_cursor_may_be_used_again_with_another_limit_and_by_another_client(hub):
    objects = [indicator(str(number)) for number in range(9)]
    hub.post(objects)
    with hub.session("cert-b") as session, hub.session("cert-b", "siem") as other:
        cursor = session.get(hub.objects_url(), params={"limit": 3}).json()["next"]
        assert session.get(hub.objects_url(), params={"next": cursor, "limit": 2}).json()["objects"] == objects[3:5]
        assert session.get(hub.objects_url(), params={"next": cursor}).json()["objects"] == objects[3:]
        assert other.get(hub.objects_url(), params={"next": cursor, "limit": 9}).json()["objects"] == objects[3:]
        wrong = session.get(hub.objects_url(), params={"next": cursor, "match[type]": "malware"})
        assert wrong.status_code == 400
        for bad in ("x", cursor[:-1], cursor.upper(), "undefined", "0"):
            assert session.get(hub.objects_url(), params={"next": bad}).status_code == 400
