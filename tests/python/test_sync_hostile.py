"""Sources that lie to `liaison sync`: it ends in time, keeps little in memory, says what was wrong, calls nobody else, and
when the source is honest again, everything comes that had not come, and nothing comes twice."""

import datetime
import time

import pytest
from foreign_objects import identity_of, indicators, keys_of
from sync_lies import FAILED, HELD, LIMITS, OBJECTS, UNREACHABLE, authority, bounded, case, jobs, make
from syncing import server_of

__all__ = ["authority", "jobs", "make"]

pytestmark = pytest.mark.timeout(60)


def seconds_until(status):
    moment = datetime.datetime.fromisoformat(status["next_try"])
    return (moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


# Lies that stop nothing


HARMLESS = [
    case("odd_next"), case("next_stateful"), case("more_without_next"), case("next_without_more"),
    case("ignores_limit"), case("smuggled_answer"), case("redirect_same_origin"), case("redirect_same_origin", status=301),
    case("clock_skew"), case("clock_skew", seconds=-86_400),
    case("wrong_content_type", value=None), case("wrong_content_type", value="application/json"),
]


@pytest.mark.parametrize("name, options", HARMLESS)
def test_all_comes_in_spite_of_what_is_odd(make, jobs, name, options):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie(name, **options)
    for added in ([], indicators(15, seed=2), []):
        peer.add(added)
        told, code = bounded(jobs.measured())
        assert code == 0, told
        assert keys_of(jobs.objects()) == keys_of(peer.objects("read"))
    assert jobs.status()["is"] == "well" and jobs.letters() == [] and len(peer.seen()) < 60
    if name == "smuggled_answer":
        assert not any(found["type"] == "smuggled" for found in jobs.objects())


ROUNDABOUT = [
    case("missing_date_headers", None), case("ignores_added_after", None), case("more_for_ever_empty_pages", "more"),
    *(case(name, "X-TAXII-Date-Added-Last") for name in ("garbage_date_headers", "far_future_dates", "regressing_dates")),
    case("clock_skew", "X-TAXII-Date-Added-Last", seconds=3 * 86_400),
]


@pytest.mark.parametrize("name, options, remark", ROUNDABOUT)
def test_what_says_nothing_of_the_way_on_loses_nothing(make, jobs, name, options, remark):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie(name, **options)
    for added in ([], indicators(15, seed=2)):
        peer.add(added)
        told, code = bounded(jobs.measured())
        assert code == 0, told
        assert set(keys_of(jobs.objects())) == set(keys_of(peer.objects("read")))
    # What was told of the future is not believed: what comes later is asked for.
    peer.honest()
    peer.add(indicators(15, seed=3))
    jobs.once()
    assert set(keys_of(jobs.objects())) == set(keys_of(peer.objects("read"))) and len(peer.seen()) < 80
    assert remark is None or remark in told["remark"], told


@pytest.mark.parametrize("name", ["same_page_for_ever", "next_repeats", "next_cycle"])
def test_pages_that_go_in_circles_come_to_an_end(make, jobs, name):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie(name)
    told, code = bounded(jobs.measured())
    assert code == 0 and len(peer.seen("GET", "objects")) < 12, told
    assert told["remark"] and jobs.status()["remark"] == told["remark"]
    peer.honest()
    jobs.once()
    jobs.once()
    assert set(keys_of(jobs.objects())) == set(keys_of(OBJECTS))


def test_an_object_that_comes_twice_is_written_once(make, jobs):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie("duplicate_objects")
    told, code = bounded(jobs.measured())
    assert code == 0 and told["counts"]["received"] > len(OBJECTS)
    assert keys_of(jobs.objects()) == keys_of(OBJECTS)


def test_what_is_no_stix_is_a_letter_and_the_rest_comes(make, jobs):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie("poison_objects")
    told, code = bounded(jobs.measured())
    letters = jobs.letters()
    assert code == FAILED and told["counts"]["refused"] == len(peer.poisoned) == len(letters) == 25
    assert keys_of(jobs.objects()) == keys_of(OBJECTS)
    assert [letter["object"] for letter in letters] == [bad for _, bad in peer.poisoned]
    assert all(letter["code"] == "content" and letter["reason"] for letter in letters)
    assert jobs.once()["counts"]["received"] == 0


@pytest.mark.parametrize("name, options", [case("null_bytes"), case("odd_numbers"), case("odd_numbers", number="-1")])
def test_bad_values_are_letters(make, jobs, name, options):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie(name, **options)
    told, code = bounded(jobs.measured())
    assert (code, len(jobs.letters()), jobs.objects()) == (FAILED, 50, []), told


def test_objects_of_others_are_refused_by_owner(make, jobs):
    peer, ours = make(), identity_of(1)["id"]
    jobs.pull(peer, limits=LIMITS, owners=[ours])
    peer.lie("foreign_owner_objects")
    told, code = bounded(jobs.measured())
    assert code == FAILED and keys_of(jobs.objects()) == keys_of(OBJECTS)
    letters = jobs.letters()
    assert [letter["code"] for letter in letters] == ["owner"] * 3
    assert all(identity_of("intruder")["id"] in letter["reason"] and ours in letter["reason"] for letter in letters)


# Lies that stop a run


STOPPING = [
    case("raw_null_bytes", FAILED, "I-JSON"), case("not_json", FAILED, "I-JSON"), case("truncated_json", FAILED, "I-JSON"),
    case("duplicate_keys", FAILED, "twice"), case("duplicate_keys", FAILED, "twice", level="envelope"),
    *(case("deep_nesting", FAILED, "nested deeper", where=where) for where in ("object", "envelope", "open")),
    *(case("not_utf8", FAILED, "I-JSON", form=form) for form in ("bytes", "surrogate", "utf16")),
    case("wrong_content_type", FAILED, "Content-Type"), case("wrong_content_encoding", FAILED, "packed"), case("gzip_bomb", FAILED, "packed"),
    *(case("huge_answer", FAILED, "larger than", shape=shape) for shape in ("objects", "text", "blanks")),
    case("huge_answer", FAILED, "larger than", announced=True), case("huge_single_object", FAILED, "larger than"),
    case("short_body", UNREACHABLE, "end of file"), case("reset_midway", UNREACHABLE, "reset"),
    *(case("stall", UNREACHABLE, "timed out", part=part) for part in ("head", "body")),
    *(case("slow_drip", UNREACHABLE, "timed out", part=part, pause=0.1) for part in ("head", "body")),
    case("huge_answer", UNREACHABLE, "timed out", rate=100_000), case("endless_headers", UNREACHABLE, "too large"),
    *(case(f"status_{status}", UNREACHABLE, f"answers {status}", times=None) for status in (500, 502, 503)),
    *(case(status, FAILED, f"answers {status}") for status in ("401", "403", "404")), case("any_status", FAILED, "answers 418"),
    *(case("redirect_elsewhere", FAILED, f"answers {status}", status=status) for status in (301, 302, 303, 307, 308)),
    case("redirect_elsewhere", FAILED, "answers 302", plain=True), case("redirect_same_origin", FAILED, "answers 308", for_ever=True, on="objects"),
]


@pytest.mark.parametrize("name, options, expected, text", STOPPING)
def test_a_run_that_fails_midway_goes_on_where_it_was(make, jobs, name, options, expected, text):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie(name, after=2, **options)
    told, code = bounded(jobs.measured())
    assert code == expected and text in told["error"], told
    assert keys_of(jobs.objects()) == keys_of(OBJECTS[:20])
    status = jobs.status(code=HELD)
    assert (status["is"], status["failures"], status["last_error"]) == ("failed", 1, told["error"])
    assert status["last_start"]
    assert 0 < seconds_until(status) <= 2
    assert not any(other.connections for other in peer.others.values())
    peer.honest()
    peer.add(indicators(15, seed=2))
    jobs.once()
    assert keys_of(jobs.objects()) == keys_of(peer.objects("read"))
    assert jobs.status(code=0)["is"] == "well"


CONNECTIONS = [
    case("wrong_certificate_name", UNREACHABLE, "not valid for name"), case("expired_certificate", UNREACHABLE, "expired"),
    case("not_yet_valid_certificate", UNREACHABLE, "not valid yet"), case("untrusted_certificate", UNREACHABLE, "authority"),
    case("stall_handshake", UNREACHABLE, "timed out"), case("api_root_elsewhere", FAILED, "another server"),
    case("stall", UNREACHABLE, "timed out", on="discovery"), case("huge_answer", FAILED, "larger than", on="collections"),
    case("not_json", FAILED, "not TAXII", on="root"), case("redirect_elsewhere", FAILED, "302", on="discovery"),
]


@pytest.mark.parametrize("name, options, expected, text", CONNECTIONS)
def test_nothing_is_read_from_a_server_that_cannot_be_believed(make, jobs, name, options, expected, text):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie(name, **options)
    told, code = bounded(jobs.measured())
    assert code == expected and text in told["error"], told
    checked = jobs.run("check")
    assert checked.returncode == FAILED and text in checked.stdout, checked
    assert peer.seen("GET", "objects") == [] and not any(other.connections for other in peer.others.values())
    assert jobs.run("check", "--offline").returncode == 0
    peer.honest()
    assert jobs.run("check").returncode == 0 and jobs.objects() == []
    assert jobs.once()["counts"]["stored"] == len(OBJECTS)


def test_a_walk_that_is_lost_among_equal_dates_loses_nothing(make, jobs):
    peer = make([])
    peer.add(OBJECTS, same_date=True)
    jobs.pull(peer, limits=LIMITS)
    for status in (400, 404, 410):
        peer.honest()
        peer.lie("any_status", status=status, after=2, times=1)
        told, code = bounded(jobs.measured())
        assert set(keys_of(jobs.objects())) == set(keys_of(peer.objects("read"))), told
        peer.add(indicators(50, seed=status), same_date=True)
    jobs.once()
    assert set(keys_of(jobs.objects())) == set(keys_of(peer.objects("read")))
    assert jobs.once()["counts"]["received"] == 0


# Addresses


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_addresses_inside_are_called_only_if_they_are_listed(make, jobs, host):
    peer = make()
    url = peer.url.replace("localhost", host)
    for allowed in ([], ["10.0.0.0/8"]):
        jobs.pull(peer, limits=LIMITS, server={"url": url, "allow_addresses": allowed})
        assert "allow_addresses" in jobs.once("pull", jobs.run("run", "--once", "pull").returncode or 99)["error"]
    assert peer.connections == 0 and jobs.status()["is"] == "failed"
    # The peer names its API root by name, which is another server than that of an address.
    jobs.pull(peer, limits=LIMITS, server={"allow_addresses": ["127.0.0.1", "::1"]})
    assert jobs.once()["counts"]["stored"] == len(OBJECTS)


# Patience


@pytest.mark.parametrize("form, seconds, least, most", [
    ("seconds", 600, 590, 600), ("date", 600, 590, 601), ("seconds", 10**7, 3590, 3600), ("soon", 600, 0, 2),
])
def test_a_source_that_says_when_is_asked_again_then(make, jobs, form, seconds, least, most):
    peer = make()
    jobs.pull(peer, limits=LIMITS)
    peer.lie("429_retry_after", form=form, seconds=seconds)
    assert "answers 429" in jobs.once("pull", UNREACHABLE)["error"]
    assert least <= seconds_until(jobs.status()) <= most


def test_pauses_grow_and_the_circuit_opens(make, jobs):
    peer = make()
    jobs.pull(peer, limits=LIMITS, every="1s")
    peer.lie("status_503", times=None, on="discovery")
    keeper = jobs.begin("run")
    try:
        # The first at once; the others 1 to 2 and 2 to 4 seconds after the one before.
        time.sleep(5.5)
        times = [found.time for found in peer.seen("GET", "discovery")]
        gaps = [after - before for before, after in zip(times, times[1:])]
        assert len(gaps) in (1, 2) and all(2**number < gap < 2 ** (number + 1) + 1.5 for number, gap in enumerate(gaps)), gaps
    finally:
        keeper.terminate()
        assert keeper.wait(10) == 0
    failures = jobs.status()["failures"]
    for _ in range(12 - failures):
        assert jobs.status()["is"] == "failed"
        jobs.once("pull", UNREACHABLE)
    status = jobs.status(code=HELD)
    assert (status["is"], status["failures"]) == ("broken", 12) and 3200 < seconds_until(status) <= 3600
    before, keeper = len(peer.requests), jobs.begin("run")
    time.sleep(2)
    keeper.terminate()
    assert keeper.wait(10) == 0 and len(peer.requests) == before
    peer.honest()
    assert jobs.once()["counts"]["stored"] == len(OBJECTS)
    status = jobs.status(code=0)
    assert (status["is"], status["failures"], status["next_try"], status["last_error"]) == ("well", 0, None, None)


def test_a_source_of_the_same_name_elsewhere_is_read_from_its_beginning(make, jobs):
    """Dates of one server say nothing about those of another one."""
    first, second = make(), make([])
    second.add(indicators(20, seed=2), date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), same_date=True)
    jobs.pull(first, limits=LIMITS)
    jobs.once()
    jobs.pull(second, limits=LIMITS, server=server_of(second))
    jobs.once()
    assert keys_of(jobs.objects()) == keys_of(OBJECTS + second.objects("read"))
