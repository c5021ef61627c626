"""Web servers of files that lie to `liaison sync`: it ends in time, keeps little in memory, says what was wrong, takes
nothing half, and when the server is honest again, everything comes, and nothing twice."""

import datetime
import json

import pytest
from file_lies import authority, csv_of, event, jobs, names, stix_of, text_of, web
from foreign_objects import indicators, keys_of
from sync_lies import FAILED, HELD, LIMITS, UNREACHABLE, bounded, case

__all__ = ["authority", "jobs", "web"]
pytestmark = pytest.mark.timeout(60)
PACKED, LARGE, SLOW, CUT = "packed", "larger than", "timed out", "close_notify"


class Source:
    """A file or feed with a job that reads it. `on`: the endpoint at which lies are told; `url`: of the file there."""

    def __init__(self, kind, web, jobs):
        self.kind, self.web, self.jobs, self.expected = kind, web, jobs, set()
        self.path = {"csv": "/list.csv", "text": "/list.txt", "stix": "/list.json"}.get(kind)
        self.on = "manifest" if kind == "manifest" else "file"
        jobs.reads(web, self.path) if self.path else jobs.follows(web)

    @property
    def url(self):
        return self.web.url + (self.path or f"/feed/{self.on}.json")

    def grow(self, count):
        """So many values are there."""
        if self.path:
            make = {"csv": csv_of, "text": text_of, "stix": lambda values: stix_of(indicators(len(values)))}[self.kind]
            self.expected = {f"host-{number}.seed-1.example" for number in range(count)} if self.kind == "stix" else set(names(count))
            self.web.put(self.path, make(names(count)))
            return
        added = sorted(set(names(count)) - self.expected)
        self.expected |= set(added)
        made = event(*added)
        self.web.publish(made)
        self.on = made.uuid if self.kind == "event" else self.on

    def lie(self, name, **options):
        return self.web.lie(name, **({} if "certificate" in name or name == "stall_handshake" else {"on": self.on}) | options)

    def came(self):
        found = self.jobs.objects()
        versions = {(one["id"], one.get("modified")): one for one in found}
        assert all(versions[one["id"], one.get("modified")] == one for one in found)
        return set(self.jobs.values())


@pytest.fixture(params=["csv", "text", "stix", "manifest", "event"])
def source(request, web, jobs):
    return Source(request.param, web, jobs)


@pytest.fixture(params=["csv", "manifest", "event"])
def place(request, web, jobs):
    """Where a lie about the wire can be told; what a file holds does not matter to it."""
    return Source(request.param, web, jobs)


# Lies that stop nothing

HARMLESS = [
    case("redirect_same_origin"), case("redirect_same_origin", status=301), case("no_length", whole=True), case("weak_etag"),
    case("missing_etag"), case("missing_etag", modified=False), case("other_etag_each_time"), case("smuggled_answer"),
    *(case("wrong_content_type", value=value) for value in (None, "application/octet-stream", "text/plain", "application/json")),
]


@pytest.mark.parametrize("name, options", HARMLESS)
def test_all_comes_in_spite_of_what_is_odd(source, name, options):
    source.lie(name, **options)
    for count in (3, 3, 20):
        if count != len(source.expected):
            source.grow(count)
        told, code = bounded(source.jobs.measured(timeout=20))
        assert code == 0 and source.came() == source.expected, told
    assert source.jobs.status()["is"] == "well" and source.jobs.letters() == [] and len(source.web.requests) < 60


# Lies that stop a run

STOPPING = [
    *(case("stall", UNREACHABLE, SLOW, part=part) for part in ("head", "body")),
    *(case("slow_drip", UNREACHABLE, SLOW, part=part, pause=0.1) for part in ("head", "body")),
    case("huge_answer", UNREACHABLE, SLOW, shape="lines", rate=100_000), case("short_body", UNREACHABLE, "end of file"),
    case("reset_midway", UNREACHABLE, "reset"), case("chunks_cut", UNREACHABLE, "EOF"), case("chunks_cut", UNREACHABLE, CUT, tls_end=False),
    case("no_length", UNREACHABLE, CUT), case("closes", UNREACHABLE, "reset"), case("endless_headers", UNREACHABLE, "too large"),
    *(case("huge_answer", FAILED, LARGE, shape=shape) for shape in ("lines", "blanks")),
    case("huge_answer", FAILED, LARGE, shape="lines", announced=True), case("gzip_bomb", FAILED, PACKED),
    *(case("broken_gzip", FAILED, PACKED, how=how) for how in ("garbage", "cut")), case("wrong_content_encoding", FAILED, PACKED),
    *(case(f"status_{status}", UNREACHABLE, f"answers {status}", times=None) for status in (500, 502, 503)),
    *(case(str(status), FAILED, f"answers {status}") for status in (401, 403, 404)),
    *(case("any_status", FAILED, f"answers {status}", status=status) for status in (410, 418, 300)),
    case("429_retry_after", UNREACHABLE, "answers 429", times=None),
    *(case("redirect_elsewhere", FAILED, f"answers {status}", status=status) for status in (301, 302, 303, 307, 308)),
    case("redirect_elsewhere", FAILED, "answers 302", plain=True), case("redirect_same_origin", FAILED, "answers 308", for_ever=True),
    case("redirect_to", FAILED, "answers 302"), case("redirect_to", FAILED, "answers 302", location="file:///etc/passwd"),
    case("redirect_to", FAILED, "answers 302", location="https://127.0.0.1:{peer.elsewhere.port}/list.csv"),
    case("redirect_to", FAILED, "answers 302", location="https://[::1]:{peer.elsewhere.port}/"),
]


@pytest.mark.parametrize("name, options, expected, text", STOPPING)
def test_a_run_that_fails_takes_nothing_half_and_goes_on_later(place, name, options, expected, text):
    place.grow(3)
    place.jobs.once()
    before = place.jobs.objects()
    place.grow(20)
    place.lie(name, **options)
    told, code = bounded(place.jobs.measured(timeout=20))
    assert code == expected and text in told["error"] and place.web.url in told["error"], told
    assert place.jobs.objects() == before and place.jobs.letters() == []
    status = place.jobs.status(code=HELD)
    assert (status["is"], status["failures"], status["last_error"]) == ("failed", 1, told["error"])
    assert 0 < seconds_until(status) <= 2
    assert not any(other.connections for other in place.web.others.values())
    place.web.honest()
    place.jobs.once()
    assert place.came() == place.expected and place.jobs.status(code=0)["is"] == "well"
    assert place.jobs.once()["counts"]["received"] == 0


def seconds_until(status):
    return (datetime.datetime.fromisoformat(status["next_try"]) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


@pytest.mark.parametrize("name, text", [
    ("untrusted_certificate", "authority"), ("expired_certificate", "expired"), ("not_yet_valid_certificate", "not valid yet"),
    ("wrong_certificate_name", "not valid for name"), ("stall_handshake", SLOW)])
def test_nothing_is_read_from_a_server_that_cannot_be_believed(web, jobs, name, text):
    source = Source("csv", web, jobs)
    source.grow(3)
    source.lie(name)
    told, code = bounded(jobs.measured(timeout=20))
    assert code == UNREACHABLE and text in told["error"] and web.url in told["error"], told
    assert web.requests == [] and jobs.objects() == []
    web.honest()
    jobs.once()
    assert sorted(jobs.values()) == sorted(source.expected)


@pytest.mark.parametrize("allowed", [[], ["10.0.0.0/8"]], ids=str)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_addresses_inside_are_called_only_if_they_are_listed(web, jobs, host, allowed):
    web.put("/list.csv", csv_of(names(3)))
    jobs.reads(web, "/list.csv", access={"url": f"https://{host}:{web.port}/list.csv", "allow_addresses": allowed})
    assert "allow_addresses" in jobs.once("pull", jobs.run("run", "--once", "pull").returncode or 99)["error"]
    assert web.connections == 0


CUT_OFF = ["stall", "short_body", "reset_midway", "chunks_cut", "truncated_json", "not_json"]


@pytest.mark.parametrize("name", CUT_OFF)
def test_what_is_wrong_with_one_file_names_this_file(web, jobs, name):
    """In a feed the name of the server alone says little."""
    source = Source("event", web, jobs)
    source.grow(3)
    source.grow(20)
    source.lie(name)
    told, code = bounded(jobs.measured(timeout=20))
    assert code in (FAILED, UNREACHABLE) and source.url in told["error"], told


@pytest.mark.parametrize("name", ["broken_gzip", "redirect_elsewhere", "401"])
def test_an_error_does_not_speak_of_what_is_not_there(web, jobs, name):
    """A file is not TAXII, and nobody has shown a certificate; and who is sent elsewhere wants to know where."""
    source = Source("csv", web, jobs)
    web.lie(name)
    source.grow(3)
    error = jobs.once("pull", FAILED)["error"]
    assert "TAXII" not in error and "certificate" not in error
    assert name != "redirect_elsewhere" or web.elsewhere.url in error, error


# Content


@pytest.mark.parametrize("name", ["truncated_json", "not_json", "not_utf8", "empty"])
@pytest.mark.parametrize("source", ["stix", "manifest", "event"], indirect=True)
def test_json_that_is_broken_is_not_taken(source, name):
    """Of other files nobody can tell what is cut off from what is short."""
    source.grow(3)
    source.jobs.once()
    source.grow(20)
    source.lie(name, **{"form": "utf16"} if name == "not_utf8" else {})
    told, code = bounded(source.jobs.measured(timeout=20))
    assert code == FAILED and told["error"], told
    before = source.came()
    assert before != source.expected and source.came() == before
    source.web.honest()
    source.jobs.once()
    assert source.came() == source.expected


def test_a_page_for_people_in_place_of_the_file_is_no_source_of_values(source):
    """With status 200, as portals and hosters send it: what it links to is not what is to be blocked."""
    source.grow(3)
    source.jobs.once()
    source.grow(20)
    source.lie("page_instead")
    told, code = bounded(source.jobs.measured(timeout=20))
    assert not any("hoster-status" in value for value in source.jobs.values()), (told, source.jobs.values())
    assert code == FAILED and told["error"], told
    source.web.honest()
    source.jobs.once()
    assert source.came() == source.expected


def test_what_was_not_asked_for_is_no_success(source):
    """304 without a condition: nobody has the file, and nobody would ever miss it."""
    source.grow(3)
    source.lie("always_304")
    told, code = bounded(source.jobs.measured(timeout=20))
    assert code != 0 and "304" in told["error"] and source.url in told["error"], told
    source.web.honest()
    source.jobs.once()
    assert source.came() == source.expected


def test_a_part_that_was_not_asked_for_is_not_the_whole(source):
    source.grow(20)
    source.lie("partial_unasked")
    told, code = bounded(source.jobs.measured(timeout=20))
    assert code != 0 and source.jobs.objects() == [] and "206" in told["error"], told
    source.web.honest()
    source.jobs.once()
    assert sorted(source.jobs.values()) == sorted(source.expected)


def test_other_content_under_the_same_etag_comes_when_the_etag_changes(web, jobs):
    source = Source("csv", web, jobs)
    source.grow(3)
    told = web.lie("same_etag_changed_content", line="\nlater-{number}.evil-host.top,\n")
    assert bounded(jobs.measured(timeout=20))[1] == 0
    first = source.came()
    assert first >= source.expected
    assert bounded(jobs.measured(timeout=20))[1] == 0 and source.came() == first and told.count < 10
    web.honest()
    source.grow(20)
    jobs.once()
    assert source.came() == source.expected | first


@pytest.mark.parametrize("kind", ["csv", "text", "stix"])
@pytest.mark.parametrize("etag", [True, False], ids=["other etag", "same etag"])
def test_a_file_that_is_another_at_each_request_is_read_once_a_run(web, jobs, kind, etag):
    """A date in a comment, or a new id of the bundle: many servers make the file when it is asked for."""
    source = Source(kind, web, jobs)
    source.grow(3)
    jobs.reads(web, source.path, limits=LIMITS | {"run_objects": 400})
    source.lie("fresh", etag=etag)
    told, code = bounded(jobs.measured(timeout=20))
    assert code == 0 and len(web.requests) <= 3, (len(web.requests), told)
    assert source.came() == source.expected
    before = len(web.requests)
    jobs.once()
    assert len(web.requests) <= before + 3 and source.came() == source.expected


def test_files_get_only_what_is_new_in_a_file_that_grows(source):
    """`What is there already is not stored twice`: of a list of a million lines that changes every five minutes, too."""
    for count in (3, 20, 21):
        source.grow(count)
        source.jobs.once()
    assert sorted(source.jobs.values()) == sorted(source.expected)


@pytest.mark.parametrize("kind", ["stix", "csv"])
def test_a_file_with_more_objects_than_one_run_may_bring_comes_whole(web, jobs, kind):
    source = Source(kind, web, jobs)
    source.grow(12_000)
    jobs.reads(web, source.path, limits=LIMITS | {"run_objects": 5_000, "answer_bytes": 32 * 1024 * 1024})
    bounded(jobs.measured(timeout=20))
    assert sorted(jobs.values()) == sorted(source.expected)


def test_bad_objects_among_good_ones_are_letters(web, jobs):
    good = indicators(30)
    bad = [{"type": "indicator"}, {}, 7, None, "x", [], {"type": "indicator", "id": "indicator--1", "spec_version": "2.1"}]
    web.put("/list.json", json.dumps({"objects": [*good[:15], *bad, *good[15:]]}))
    jobs.reads(web, "/list.json")
    told, code = bounded(jobs.measured(timeout=20))
    assert code == FAILED and keys_of(jobs.objects()) == keys_of(good), told
    assert len(jobs.letters()) == len(bad) and all(letter["reason"] for letter in jobs.letters())


ROWS = ['"' + "x" * 1_000_000, ",".join("y" * 10 for _ in range(50_000)), "\0", "evil-a.top,\udcff", '"', "=cmd|' /C calc'!A0,", "," * 1_000]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_a_row_that_is_no_row_costs_nothing_but_itself(web, jobs, row):
    body = (csv_of(names(3)) + row).encode(errors="surrogateescape") + b"\n" + csv_of(names(6)).partition("\n")[2].encode()
    web.put("/list.csv", body)
    jobs.reads(web, "/list.csv")
    told, code = bounded(jobs.measured(timeout=20))
    assert set(jobs.values()) <= set(names(6)) and ("error" in told or len(jobs.letters()) >= 1 or not row.strip(",")), told
    # A quote that is never closed takes the rest with it; what was before stands.
    assert "error" in told or set(jobs.values()) >= set(names(3))


# Patience


@pytest.mark.parametrize("name, options, least, most", [
    case("429_retry_after", 590, 600, seconds=600), case("429_retry_after", 590, 601, seconds=600, form="date"),
    case("429_retry_after", 3590, 3600, seconds=10**7), case("status_503", 290, 300, retry_after="300"),
])
def test_a_server_that_says_when_is_asked_again_then(source, name, options, least, most):
    source.grow(3)
    source.lie(name, **options)
    source.jobs.once("pull", UNREACHABLE)
    assert least <= seconds_until(source.jobs.status()) <= most


def test_a_date_to_ask_again_counts_by_our_clock_if_the_server_tells_none(web, jobs):
    source = Source("csv", web, jobs)
    source.lie("no_date")
    source.lie("429_retry_after", seconds=600, form="date")
    jobs.once("pull", UNREACHABLE)
    assert 590 <= seconds_until(jobs.status()) <= 601


def test_a_job_completes_by_itself_when_the_server_is_honest_again(source):
    source.grow(3)
    source.lie("status_503", times=2)
    keeper = source.jobs.begin("run")
    try:
        source.web.wait_for(lambda: source.came() == source.expected, 20)
    finally:
        keeper.terminate()
        assert keeper.wait(10) == 0
    assert sorted(source.jobs.values()) == sorted(source.expected)
