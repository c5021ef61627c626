"""Targets of `liaison sync` that lie about what became of a POST, and files as a target: killed anywhere, nothing is
missing, and nothing stands there twice."""

import json
import random
import time

import pytest
from conftest import TLP2
from foreign_objects import indicators, keys_of
from sync_lies import FAILED, LIMITS, UNREACHABLE, authority, bounded, case, jobs, make
from syncing import server_of

__all__ = ["authority", "jobs", "make"]
pytestmark = pytest.mark.timeout(120)
OBJECTS = indicators(50, object_marking_refs=[TLP2["GREEN"]])


@pytest.fixture
def pair(make, jobs):
    """An honest source, a target, and the job between them."""
    source, target = make(OBJECTS), make([])
    jobs.pull(source, limits=LIMITS, target={"kind": "taxii", "collection": "write", "server": server_of(target)})
    return source, target


# What became of a POST


PUT_UP_WITH = [
    case("max_content_length_small"), case("post_drops_connection_after_storing"), case("post_answers_otherwise"), case("status_503", on="post"),
    case("429_retry_after", on="post"), case("status_id_odd"), case("redirect_same_origin", status=307), case("wrong_content_type", on="post"),
    case("status_lies_counts", how="empty"),
]


@pytest.mark.parametrize("name, options", PUT_UP_WITH)
def test_all_is_stored_once_in_spite_of_what_is_odd(pair, jobs, name, options):
    source, target = pair
    target.lie(name, **options)
    told, code = bounded(jobs.measured())
    assert code == 0 and told["counts"]["stored"] == len(OBJECTS), told
    assert keys_of(target.objects("write")) == keys_of(OBJECTS)
    sent = len(target.posted)
    assert jobs.once()["counts"]["received"] == 0 and len(target.posted) == sent and jobs.letters() == []


NOT_BELIEVED = [
    case("status_lies_counts", FAILED, "told of"), case("status_lies_counts", FAILED, "not TAXII", how="negative"),
    case("status_lies_counts", FAILED, "not TAXII", how="text"), case("not_json", FAILED, "not TAXII", on="post"),
    case("status_503", UNREACHABLE, "503", on="post", times=None), case("403", FAILED, "403", on="post"), case("401", FAILED, "401", on="post"),
    case("redirect_elsewhere", FAILED, "302", on="post"), case("redirect_elsewhere", FAILED, "307", on="post", status=307),
    case("huge_answer", FAILED, "larger", on="post"), case("gzip_bomb", FAILED, "packed", on="post"),
    case("endless_headers", UNREACHABLE, "too large", on="post"), case("reset_midway", UNREACHABLE, "reset", on="post"),
    case("status_never_completes", UNREACHABLE, "not decided"),
]


@pytest.mark.parametrize("name, options, expected, text", NOT_BELIEVED)
def test_nothing_is_taken_for_stored_that_may_not_be(pair, jobs, name, options, expected, text):
    source, target = pair
    target.lie(name, **options)
    told, code = bounded(jobs.measured())
    assert code == expected and text in told["error"], told
    assert jobs.status()["last_error"] == told["error"] and jobs.status()["total"]["stored"] == 0
    assert not any(other.connections for other in target.others.values())
    target.honest()
    jobs.once()
    assert keys_of(target.objects("write")) == keys_of(OBJECTS) and jobs.letters() == []
    assert target.objects("write") == OBJECTS


def test_what_the_target_refuses_is_a_letter(pair, jobs):
    source, target = pair
    target.lie("post_partial_failure")
    told, code = bounded(jobs.measured())
    letters = jobs.letters()
    assert code == FAILED and (told["counts"]["stored"], told["counts"]["refused"]) == (25, 25)
    assert {(letter["code"], letter["reason"]) for letter in letters} == {("target", "not to our liking")}
    assert keys_of([letter["object"] for letter in letters] + target.objects("write")) == keys_of(OBJECTS)


def test_a_refused_version_is_told_from_another_one_of_the_same_object(pair, jobs):
    source, target = pair
    both = indicators(1, seed=9, versions=2, object_marking_refs=[TLP2["GREEN"]])
    source.held["read"].entries.clear()
    source.add(both)
    target.lie("post_partial_failure")
    assert jobs.once("pull", FAILED)["counts"]["stored"] == 1
    assert [letter["object"] for letter in jobs.letters()] == both[1:] and target.objects("write") == both[:1]


def test_a_post_that_takes_its_time_is_waited_for(make, jobs):
    source, target = make(OBJECTS[:10]), make([], pending_polls=2)
    jobs.pull(source, limits=LIMITS | {"answer_secs": 10}, target={"kind": "taxii", "collection": "write", "server": server_of(target)})
    assert jobs.once()["counts"]["stored"] == 10 and target.objects("write") == OBJECTS[:10]


# Files


@pytest.mark.parametrize("format", ["bundles", "jsonl"])
def test_files_are_whole_after_kills_at_any_moment(make, jobs, format):
    """Each kill hits another place: in a page, between pages, while a file or the position is written."""
    objects, chance = indicators(600, seed=3), random.Random(f"kills {format}")
    source = make(objects)
    jobs.pull(source, format=format, limits=LIMITS | {"page": 2})
    kills = 0
    for _ in range(60):
        process = jobs.begin("run", "--once", "pull")
        time.sleep(chance.uniform(0.02, 0.1))
        ended = process.poll()
        process.kill()
        process.wait()
        kills += ended is None
        if ended == 0:
            break
    jobs.once()
    assert kills >= 5
    assert keys_of(jobs.objects()) == keys_of(objects)
    assert sorted(map(canonical, jobs.objects())) == sorted(map(canonical, objects))
    for path in (jobs.folder / "out").glob("0*.json"):
        bundle = json.loads(path.read_text())
        assert bundle["type"] == "bundle" and bundle["id"].startswith("bundle--") and bundle["objects"]


def canonical(found):
    return json.dumps(found, sort_keys=True)


def test_what_a_kill_cut_off_in_files_is_repaired(make, jobs):
    """As if the last write had reached the disk, and the position had not."""
    objects = indicators(40, seed=4)
    source = make(objects[:20])
    for format in ("bundles", "jsonl"):
        dir = f"out-{format}"
        jobs.pull(source, id=format, format=format, dir=dir, limits=LIMITS)
        jobs.once(format)
    kept = {format: (jobs.folder / f"out-{format}/.position.json").read_bytes() for format in ("bundles", "jsonl")}
    states = {format: (jobs.state_dir / f"{format}.json").read_bytes() for format in kept}
    source.add(objects[20:])
    for format, position in kept.items():
        jobs.once(format)
        (jobs.folder / f"out-{format}/.position.json").write_bytes(position)
        (jobs.state_dir / f"{format}.json").write_bytes(states[format])
    with open(jobs.folder / "out-jsonl/objects.jsonl", "ab") as lines:
        lines.write(b'{"type": "indic')
    for format in kept:
        jobs.once(format)
        assert jobs.objects(f"out-{format}") == objects


def test_files_that_were_taken_away_do_not_come_again(make, jobs):
    source = make(OBJECTS)
    jobs.pull(source, limits=LIMITS)
    jobs.once()
    for path in (jobs.folder / "out").iterdir():
        path.unlink()
    source.add(indicators(5, seed=5))
    jobs.once()
    # Who takes the files away to work on them does not get the old ones again.
    assert keys_of(jobs.objects()) == keys_of(indicators(5, seed=5))


def test_a_letter_after_a_torn_line_is_a_line_of_its_own(make, jobs):
    source = make([])
    source.add([{"type": "indicator", "spec_version": "2.1", "id": "indicator--1"}])
    jobs.pull(source, limits=LIMITS)
    jobs.state_dir.mkdir()
    (jobs.state_dir / "pull.refused.jsonl").write_text('{"at":"2026-01-01T00:00:00Z","id":"x')
    jobs.once("pull", FAILED)
    last = (jobs.state_dir / "pull.refused.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["object"]["id"] == "indicator--1"
