"""Feeds of MISP that lie to `liaison sync`: what is wrong with one event costs that event alone, what a manifest says is
never believed further than it can be checked, and the cost does not grow with the square of the feed."""

import json
import uuid

import pytest
from file_lies import HTML, authority, csv_of, event, jobs, names, web, written_bytes
from sync_lies import FAILED, LIMITS, MEMORY_MB, UNREACHABLE, bounded

__all__ = ["authority", "jobs", "web"]
pytestmark = pytest.mark.timeout(120)
SIZES = LIMITS | {"answer_bytes": 64 * 1024 * 1024, "answer_secs": 20}


def three(web, bad, between=1):
    """Three events in the order of their uuids; `bad(event)` publishes that which is wrong. The values of the others."""
    made = [event(value, number=number + 1) for number, value in enumerate(names(3))]
    for number, one in enumerate(made):
        bad(one) if number == between else web.publish(one)
    return [value for number, value in enumerate(names(3)) if number != between], made[between]


def as_event(made, **changed):
    return json.dumps({"Event": json.loads(made.to_json()) | changed})


# One event is wrong


def missing(web):
    return lambda made: web.list(made.uuid, timestamp="1790000000")


def body(make):
    return lambda web: lambda made: web.publish(made, body=make(made))


OTHER_ID = "ffffffff-0000-4000-8000-000000000000"
WRONG = {
    "missing": missing,
    "truncated": body(lambda made: as_event(made)[:200]),
    "empty": body(lambda made: ""),
    "page": body(lambda made: HTML),
    "list": body(lambda made: "[]"),
    "text": body(lambda made: '"x"'),
    "null": body(lambda made: '{"Event": null}'),
    "other json": body(lambda made: '{"error": "no such event"}'),
    "attributes are none": body(lambda made: as_event(made, Attribute={"0": 1}, Object="x")),
    "deep": body(lambda made: '{"Event": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "utf-16": body(lambda made: as_event(made).encode("utf-16")),
}


@pytest.mark.parametrize("between", [0, 1, 2], ids=["first", "second", "last"])
@pytest.mark.parametrize("kind", WRONG)
def test_one_event_that_is_wrong_does_not_hold_up_the_others(web, jobs, kind, between):
    expected, bad = three(web, WRONG[kind](web), between)
    jobs.follows(web)
    told, code = bounded(jobs.measured(timeout=20))
    assert sorted(jobs.values()) == expected, told
    assert code == FAILED and bad.uuid in cause(jobs, told), told
    # As long as it is wrong, the others do not come again; and when it is right, it comes.
    bounded(jobs.measured(timeout=20))
    assert sorted(jobs.values()) == expected
    web.publish(bad)
    jobs.once()
    assert sorted(jobs.values()) == names(3) and jobs.status()["is"] == "well"


def cause(jobs, told):
    """All that is told of what went wrong."""
    status = jobs.status()
    return json.dumps([told, status["last_error"], status["remark"], jobs.letters()])


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_an_event_names_its_file(web, jobs, kind):
    _, bad = three(web, WRONG[kind](web), 2)
    jobs.follows(web)
    told, code = bounded(jobs.measured(timeout=20))
    assert code == FAILED and f"{web.url}/feed/{bad.uuid}.json" in cause(jobs, told), told


@pytest.mark.parametrize("id", [OTHER_ID, None, "no uuid"])
def test_an_event_under_the_id_of_another_does_not_take_its_place(web, jobs, id):
    """What is there under the manifest's id later, under the same time, would never come."""
    stranger = event("stranger.evil-host.top")
    _, bad = three(web, lambda made: web.publish(made, body=as_event(stranger, uuid=id)))
    jobs.follows(web)
    told = bounded(jobs.measured(timeout=20))[0]
    assert bad.uuid in cause(jobs, told), told
    web.publish(bad)
    jobs.run("run", "--once", "pull")
    assert set(names(3)) <= set(jobs.values()) and len(set(jobs.values())) == len(jobs.values())


@pytest.mark.parametrize("name, options", [
    ("any_status", {"status": 410}), ("403", {}), ("huge_answer", {"shape": "lines"}), ("gzip_bomb", {}), ("redirect_elsewhere", {})],
    ids=["410", "403", "huge", "bomb", "redirect"])
def test_one_event_that_is_not_given_does_not_hold_up_the_others(web, jobs, name, options):
    expected, bad = three(web, web.publish, 1)
    jobs.follows(web)
    web.lie(name, on=bad.uuid, **options)
    told, code = bounded(jobs.measured(timeout=20))
    assert code != 0 and sorted(jobs.values()) == expected, told
    web.honest()
    jobs.once()
    assert sorted(jobs.values()) == names(3)


@pytest.mark.parametrize("name, options", [("status_500", {"times": None}), ("short_body", {})], ids=["500", "cut"])
def test_events_that_always_fail_do_not_hold_up_the_others(web, jobs, name, options):
    """What may pass ends a run after a few, but not each run at the same place."""
    made = [event(value, number=number + 1) for number, value in enumerate(names(12))]
    for number, one in enumerate(made):
        web.publish(one)
        if number < 6:
            web.lie(name, on=one.uuid, **options)
    jobs.follows(web)
    for _ in range(6):
        jobs.once("pull", UNREACHABLE)
    assert sorted(jobs.values()) == sorted(names(12)[6:])
    web.honest()
    jobs.once()
    assert sorted(jobs.values()) == sorted(names(12))


# Ids


ODD_IDS = [
    "../../secret", "..%2f..%2fsecret", "../secret", "/secret", "//elsewhere.example/x", "https://elsewhere.example/x", "\\..\\secret", "",
    ".", "x" * 100_000, "00000000-0000-0000-0000-00000000000g", "00000001-0000-4000-8000-000000000000/../../secret", "a\nb", "a\0b",
    "?x=", "#x", "\u202e",
]


@pytest.mark.parametrize("id", ODD_IDS, ids=range(len(ODD_IDS)))
def test_an_id_that_is_none_leads_nowhere_and_holds_up_nothing(web, jobs, id):
    web.put("/secret.json", as_event(event("secret.evil-host.top")))
    web.put("/feed/secret.json", as_event(event("secret.evil-host.top")))
    for number, value in enumerate(names(2)):
        web.publish(event(value, number=number + 1))
    web.list(id, timestamp="1")
    jobs.follows(web)
    told = jobs.once("pull", FAILED)
    paths = {found.path for found in web.seen()}
    assert paths <= {path for path in web.files if path.startswith("/feed/") and "secret" not in path}, paths
    assert sorted(jobs.values()) == names(2), told
    said = cause(jobs, told)
    assert len(said) < 10_000 and (not 0 < len(id) < 100 or json.dumps(id)[1:-1] in said), said


@pytest.mark.parametrize("spell", [str.upper, "{{{}}}".format, "urn:uuid:{}".format, lambda id: id.replace("-", "")],
                         ids=["upper case", "braces", "urn", "no hyphens"])
def test_an_id_that_is_spelt_otherwise_is_read_once(web, jobs, spell):
    """Or refused: but not read again and again."""
    made = event(*names(2), number=0xABCDEF01)
    web.publish(made)
    web.manifest = {spell(id): entry for id, entry in web.manifest.items()}
    web.publish(event("other.evil-host.top", number=1))
    jobs.follows(web, limits=LIMITS | {"run_objects": 100})
    told, code = bounded(jobs.measured(timeout=20))
    assert web.asked(made.uuid) <= 1 and len(web.requests) < 10, (len(web.requests), told)
    assert sorted(jobs.values()) in (sorted([*names(2), "other.evil-host.top"]), ["other.evil-host.top"])
    jobs.once("pull", code)
    assert len(jobs.values()) == len(set(jobs.values())) and len(web.requests) < 14


# Manifests


@pytest.mark.parametrize("manifest", ["", "[]", "null", '"x"', "{", '{"a": 1, "a"', "7", '{"x": ' * 50_000, HTML.decode(), '[{"uuid": "x"}]'],
                         ids=range(10))
def test_a_manifest_that_is_none_is_an_error_that_names_it(web, jobs, manifest):
    web.publish(event("first.evil-host.top", number=1))
    jobs.follows(web)
    jobs.once()
    web.put_manifest(manifest)
    told, code = bounded(jobs.measured(timeout=20))
    assert code == FAILED and f"{web.url}/feed/manifest.json" in told["error"] and len(told["error"]) < 2_000, told
    web.publish(event("second.evil-host.top", number=2))
    jobs.once()
    assert jobs.values() == ["first.evil-host.top", "second.evil-host.top"]


@pytest.mark.parametrize("entry", ["null", "[]", "7", '"x"', "{}", '{"timestamp": null}', '{"timestamp": {"a": [1]}}', '{"timestamp": -1}',
                                   '{"timestamp": "' + "9" * 100_000 + '"}'], ids=range(9))
def test_an_odd_entry_of_a_manifest_holds_up_nothing(web, jobs, entry):
    for number, value in enumerate(names(3)):
        web.publish(event(value, number=number + 1))
    odd = event("x", number=2).uuid
    web.put_manifest("{" + ", ".join(f'"{id}": {entry if id == odd else json.dumps(kept)}' for id, kept in web.manifest.items()) + "}")
    jobs.follows(web)
    for _ in range(2):
        told, code = bounded(jobs.measured(timeout=20))
        assert {names(3)[0], names(3)[2]} <= set(jobs.values()) <= set(names(3)), told
        assert len(jobs.values()) == len(set(jobs.values())) and len(web.requests) < 20
    # Either it is taken, or its id is told.
    assert names(3)[1] in jobs.values() or odd in json.dumps([told, jobs.letters(), jobs.status()])


def test_a_time_that_goes_back_and_an_event_that_leaves_change_nothing(web, jobs):
    made = [event(value, number=number + 1) for number, value in enumerate(names(3))]
    for one in made:
        web.publish(one)
    jobs.follows(web)
    jobs.once()
    web.list(made[0].uuid, timestamp="5")
    del web.manifest[made[1].uuid]
    told, code = bounded(jobs.measured(timeout=20))
    assert code == 0 and sorted(set(jobs.values())) == names(3), told
    web.publish(made[1])
    jobs.once()
    assert sorted(set(jobs.values())) == names(3) and jobs.status()["is"] == "well"


def test_a_feed_that_is_another_at_each_request_is_read_once_a_run(web, jobs):
    """All timestamps of the manifest rise with each request."""
    made = [event(value, number=number + 1) for number, value in enumerate(names(3))]
    for one in made:
        web.publish(one)
    web.body_of = lambda request, body: body.replace(b"1790000000", b"%d" % (1790000000 + len(web.requests))) if "manifest" in request.path else body
    jobs.follows(web, limits=LIMITS | {"run_objects": 200})
    told, code = bounded(jobs.measured(timeout=20))
    assert code == 0 and len(web.requests) < 15, (len(web.requests), told)
    assert sorted(jobs.values()) == names(3)


# Size


def test_a_manifest_of_a_hundred_thousand_events_is_read_once_and_little_is_kept(web, jobs):
    """All but the first are missing for now."""
    for number in range(100_000):
        web.manifest[str(uuid.UUID(int=(number + 2) << 96 | 0x4000_8000_0000_0000_0000))] = {
            "timestamp": "1790000000", "info": "an event " * 5, "Tag": [{"name": "tlp:green", "colour": "#33FF00"}], "Orgc": {"name": "x"}}
    made = [event(f"many-{number}.evil-host.top", number=number + 1) for number in range(40)]
    for one in made:
        web.publish(one)
    jobs.follows(web, limits=SIZES)
    most, _ = jobs.begin_and_stop(20)
    assert most < MEMORY_MB and web.asked("manifest") <= 3, (most, web.asked("manifest"))
    assert sorted(jobs.values()) == sorted(f"many-{number}.evil-host.top" for number in range(40))


@pytest.mark.parametrize("kind", ["feed", "directory"])
def test_what_it_costs_does_not_grow_with_the_square_of_the_files(web, jobs, kind):
    """Real feeds have thousands of events with hundreds of thousands of values. What is written, and how often the manifest is
    asked for, does not depend on the machine."""
    events, each = 60, 50
    values = [[f"n{value}.e{number}.evil-host.top" for value in range(each)] for number in range(events)]
    if kind == "feed":
        for number, some in enumerate(values):
            web.publish(event(*some, number=number + 1))
        jobs.follows(web, limits=SIZES)
    else:
        jobs.reads_folder({f"{number}.csv": csv_of(some) for number, some in enumerate(values)})
    process, written = jobs.begin("run", "--once", "pull"), 0
    while process.poll() is None:
        written = written_bytes(process.pid) or written
    size = (jobs.folder / "out/objects.jsonl").stat().st_size
    assert len(jobs.values()) == len(set(jobs.values())) == events * each
    assert web.asked("manifest") <= 3 and written < 12 * size, (web.asked("manifest"), written / size)
