"""That each lie about answers, bodies, statuses, POSTs and connections is really told."""

import datetime
import email.utils
import gzip
import json
import re
import socket
import ssl
import threading
import time
import zlib
from pathlib import Path

import pytest
import requests

import hostile_files  # Fills LIES too.
from hostile_answers import CERTIFICATES
from hostile_peer import LIES
from peer_client import OBJECTS, authority, get, make, post, raw, told
from taxii_peer import TAXII

pytestmark = pytest.mark.timeout(60)


# --- Bodies ---------------------------------------------------------------------------------


def test_wrong_content_type(make):
    answer = get(make(told("wrong_content_type")))
    assert answer.headers["Content-Type"].startswith("text/html") and answer.json()["objects"] == OBJECTS[:10]
    assert "Content-Type" not in get(make(told("wrong_content_type", value=None))).headers


@pytest.mark.parametrize("name", ["not_json", "truncated_json"])
def test_bodies_that_are_no_json(make, name):
    answer = get(make(told(name)))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == TAXII and int(answer.headers["Content-Length"]) == len(answer.content) > 0
    with pytest.raises(ValueError):
        json.loads(answer.content)


def test_short_body(make):
    data, end = raw(make(told("short_body")))
    head, _, body = data.partition(b"\r\n\r\n")
    announced = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert len(body) == announced // 2 and end == "end"


@pytest.mark.parametrize("level, twice", [("object", "id"), ("envelope", "objects")])
def test_duplicate_keys(make, level, twice):
    body = get(make(told("duplicate_keys", level=level))).content
    doubled = []
    json.loads(body, object_pairs_hook=lambda pairs: doubled.extend({key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1}) or dict(pairs))
    assert twice in doubled


@pytest.mark.parametrize("form", ["bytes", "surrogate", "utf16", "bom"])
def test_not_utf8(make, form):
    body = get(make(told("not_utf8", form=form))).content
    if form == "surrogate":
        assert json.loads(body)["objects"][0]["name"].startswith("\ud800") and b"\\ud800" in body
    elif form == "bom":
        assert body.startswith(b"\xef\xbb\xbf{") and json.loads(body.decode("utf-8-sig"))["objects"] == OBJECTS[:10]
    else:
        with pytest.raises(UnicodeDecodeError):
            body.decode("utf-8")


@pytest.mark.parametrize("number", ["1e999", "123456789012345678901234567890", "-0.0", "85.5"])
def test_odd_numbers(make, number):
    assert get(make(told("odd_numbers", number=number))).content.count(f'"confidence": {number},'.encode()) == 10


def test_wrong_content_encoding(make):
    peer = make(told("wrong_content_encoding"))
    answer = requests.get(peer.objects_url(), headers={"Accept": TAXII}, verify=peer.ca, stream=True)
    assert answer.headers["Content-Encoding"] == "gzip" and json.loads(answer.raw.read(decode_content=False))["objects"] == OBJECTS[:10]


def test_smuggled_answer(make):
    peer = make(told("smuggled_answer", objects=OBJECTS[20:21]))
    context = ssl.create_default_context(cafile=peer.ca)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", peer.port), timeout=5), server_hostname="localhost") as stream:
        stream.sendall(f"GET {peer.objects_url().removeprefix(peer.url)} HTTP/1.1\r\nHost: localhost\r\nAccept: {TAXII}\r\n\r\n".encode())
        read = stream.makefile("rb")
        first, second = read_answer(read), read_answer(read)
    assert json.loads(first)["objects"] == OBJECTS[:10] and json.loads(second)["objects"] == OBJECTS[20:21] and len(peer.requests) == 1


def read_answer(stream):
    assert stream.readline().startswith(b"HTTP/1.1 200")
    length = 0
    while (line := stream.readline()) != b"\r\n":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return stream.read(length)


@pytest.mark.parametrize("where", ["object", "envelope", "open"])
def test_deep_nesting(make, where):
    body = get(make(told("deep_nesting", where=where, depth=50_000))).content
    assert b"[" * 50_000 in body and (where == "open") != (b"[" * 50_000 + b"]" * 50_000 in body)
    with pytest.raises((RecursionError, ValueError)):
        json.loads(body)
    shallow = json.loads(get(make(told("deep_nesting", where="envelope", depth=3))).content)
    assert shallow["x_deep"] == [[[]]] and shallow["objects"] == OBJECTS[:10]


@pytest.mark.parametrize("shape", ["objects", "text", "blanks"])
@pytest.mark.parametrize("announced", [False, True])
def test_huge_answer(make, shape, announced):
    peer = make(told("huge_answer", shape=shape, announced=announced))
    with requests.get(peer.objects_url(), headers={"Accept": TAXII}, verify=peer.ca, stream=True) as answer:
        assert answer.headers.get("Content-Length") == (str(10 * 1024**3) if announced else None)
        begin = time.monotonic()
        taken = 0
        for part in answer.iter_content(65536):
            assert taken or part.startswith(b'{"objects": [')
            taken += len(part)
            if taken > 20_000_000:
                break
        assert time.monotonic() - begin < 20
    peer.wait_for(lambda: peer.requests[0].finished)
    assert 20_000_000 < peer.requests[0].sent_bytes < 40_000_000


def test_huge_answer_can_end_and_can_be_slow(make):
    peer = make(told("huge_answer", size_bytes=1_000_000, shape="text"))
    assert len(get(peer).content) == 1_000_000
    peer = make(told("huge_answer", rate=10_000, shape="text"))
    with requests.get(peer.objects_url(), headers={"Accept": TAXII}, verify=peer.ca, stream=True) as answer:
        begin, taken = time.monotonic(), 0
        for part in answer.iter_content(1000):
            taken += len(part)
            if taken >= 20_000:
                break
        assert 1 < time.monotonic() - begin < 6


def test_gzip_bomb(make):
    peer = make(told("gzip_bomb", size_bytes=100_000_000))
    answer = requests.get(peer.objects_url(), headers={"Accept": TAXII, "Accept-Encoding": "identity"}, verify=peer.ca, stream=True)
    packed = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip" and len(packed) < 200_000
    found = json.loads(gzip.decompress(packed))
    assert found["objects"] == [] and len(found["x_padding"]) > 99_000_000
    peer = make(told("gzip_bomb"))
    unpacked, machine = 0, zlib.decompressobj(wbits=31)
    with requests.get(peer.objects_url(), headers={"Accept": TAXII}, verify=peer.ca, stream=True) as answer:
        while unpacked < 500_000_000:
            unpacked += len(machine.decompress(answer.raw.read(65536, decode_content=False)))
    peer.wait_for(lambda: peer.requests[0].finished)
    assert not machine.eof and peer.requests[0].sent_bytes < 15_000_000


def test_slow_drip(make):
    peer = make(told("slow_drip", pause=0.2))
    begin = time.monotonic()
    with requests.get(peer.objects_url(), headers={"Accept": TAXII}, verify=peer.ca, stream=True) as answer:
        assert time.monotonic() - begin < 1.5
        assert b"".join(next(answer.iter_content(1)) for _ in range(10)) == b'{"objects"'
    assert time.monotonic() - begin > 1.5
    begin = time.monotonic()
    data, _ = raw(make(told("slow_drip", part="head", pause=0.2)), read=10)
    assert data == b"HTTP/1.1 2" and time.monotonic() - begin > 1.5


def test_reset_midway(make):
    data, end = raw(make(told("reset_midway")))
    assert end in ("reset", "cut") and len(data) > 200
    with pytest.raises(requests.exceptions.RequestException):
        get(make(told("reset_midway")))


@pytest.mark.parametrize("part", ["head", "body"])
def test_stall(make, part):
    peer = make(told("stall", part=part))
    data, end = raw(peer, seconds=1)
    assert end == "silence" and (data == b"") == (part == "head")
    peer.wait_for(lambda: peer.concurrent == 0)
    assert 0.9 < peer.requests[0].finished - peer.requests[0].time < 3


def test_a_stalled_peer_can_be_stopped(make):
    peer = make(told("stall"))
    ended = []
    client = threading.Thread(target=lambda: ended.append(raw(peer, seconds=30)[1]))
    client.start()
    peer.wait_for(lambda: peer.requests)
    time.sleep(0.3)
    assert not ended
    peer.stop()
    client.join(5)
    assert ended and ended[0] in ("reset", "cut", "end")


def test_stall_handshake(make):
    peer = make(told("stall_handshake", times=1))
    with pytest.raises(TimeoutError):
        raw(peer, seconds=1)
    assert not peer.requests and get(peer).status_code == 200


def test_endless_headers(make):
    peer = make(told("endless_headers"))
    data, end = raw(peer, read=2_000_000)
    assert end == "enough" and b"\r\n\r\n" not in data and data.count(b"X-Padding-") > 1900


# --- Statuses and redirects ------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503])
def test_failures_that_pass(make, status):
    peer = make(told(f"status_{status}", times=3, retry_after=7))
    answers = [get(peer) for _ in range(4)]
    assert [found.status_code for found in answers] == [status] * 3 + [200] and answers[0].headers["Retry-After"] == "7"


def test_429_retry_after(make):
    peer = make(told("429_retry_after", seconds=5))
    assert [(found.status_code, found.headers.get("Retry-After")) for found in (get(peer), get(peer))] == [(429, "5"), (200, None)]
    answer = get(make(told("429_retry_after", seconds=90, form="date")))
    assert 80 < email.utils.parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - time.time() < 95
    assert get(make(told("429_retry_after", form="soon"))).headers["Retry-After"] == "soon"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusals(make, status):
    peer = make(told(str(status)))
    answers = [get(peer) for _ in range(3)]
    assert {found.status_code for found in answers} == {status} and answers[0].json()["http_status"] == str(status)
    assert (status == 401) == ("WWW-Authenticate" in answers[0].headers)


def test_any_status(make):
    title = "\x1b[2Jforged\r\nERROR all is lost"
    answer = post(make(told("any_status", status=507, title=title, on="post")), OBJECTS[:1])
    assert answer.status_code == 507 and answer.json() == {"title": title, "http_status": "507"}


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_elsewhere(make, status, plain):
    peer = make(told("redirect_elsewhere", status=status, plain=plain))
    other = peer.other(plain)
    answer = get(peer)
    where = answer.headers["Location"]
    assert answer.status_code == status and where.startswith("http://" if plain else "https://") and f":{other.port}/" in where
    assert other.connections == 0 and not other.requests
    assert requests.get(where, verify=peer.ca).status_code == 200
    assert len(other.requests) == 1 == other.connections


def test_redirect_same_origin(make):
    peer = make(told("redirect_same_origin"))
    first = get(peer, limit=3)
    assert first.status_code == 308 and first.headers["Location"].startswith(f"{peer.url}/moved/api/")
    assert get(peer, first.headers["Location"]).json()["objects"] == OBJECTS[:3]
    with pytest.raises(requests.exceptions.TooManyRedirects):
        requests.get(make(told("redirect_same_origin", for_ever=True)).objects_url(), verify=peer.ca, headers={"Accept": TAXII})


def test_api_root_elsewhere(make):
    peer = make(told("api_root_elsewhere"))
    root = get(peer, f"{peer.url}/taxii2/").json()["default"]
    assert root == f"{peer.elsewhere.url}/api/" and get(peer, root).json()["title"] == "elsewhere" and len(peer.elsewhere.requests) == 1


# --- Adding ---------------------------------------------------------------------------------


def test_max_content_length_small(make):
    peer = make(told("max_content_length_small", bytes=1500))
    assert get(peer, peer.api_root).json()["max_content_length"] == 1500
    assert [post(peer, OBJECTS[:count]).status_code for count in (1, 10)] == [202, 413] and peer.stored == OBJECTS[:1]


def test_status_never_completes(make):
    peer = make(told("status_never_completes"))
    status = post(peer, OBJECTS[:3]).json()
    for _ in range(10):
        assert (status["status"], status["pending_count"], status["success_count"], len(status["pendings"])) == ("pending", 3, 0, 3)
        status = get(peer, f"{peer.api_root}status/{status['id']}/").json()


@pytest.mark.parametrize("how", ["sum", "negative", "text", "empty"])
def test_status_lies_counts(make, how):
    status = post(make(told("status_lies_counts", how=how)), OBJECTS[:3]).json()
    adds_up = (status["success_count"], status["failure_count"], status["total_count"], len(status["successes"])) == (3, 0, 3, 3)
    assert status["status"] == "complete" and not adds_up


def test_status_id_odd(make):
    assert post(make(told("status_id_odd")), OBJECTS[:3]).json()["id"] == "../../../../taxii2"


def test_post_partial_failure(make):
    peer = make(told("post_partial_failure", message="no"))
    status = post(peer, OBJECTS[:5]).json()
    assert (status["success_count"], status["failure_count"], status["total_count"]) == (3, 2, 5)
    assert [(found["id"], found["message"]) for found in status["failures"]] == [(OBJECTS[1]["id"], "no"), (OBJECTS[3]["id"], "no")]
    assert peer.stored == OBJECTS[0:5:2]


def test_post_drops_connection_after_storing(make):
    peer = make(told("post_drops_connection_after_storing"))
    with pytest.raises(requests.exceptions.ConnectionError):
        post(peer, OBJECTS[:3])
    assert peer.stored == OBJECTS[:3]
    assert post(peer, OBJECTS[:3]).json()["success_count"] == 3 and peer.stored == OBJECTS[:3] and len(peer.posted) == 6


def test_post_answers_otherwise(make):
    assert post(make(told("post_answers_otherwise")), OBJECTS[:1]).status_code == 200


# --- Certificates and clocks -------------------------------------------------------------------


@pytest.mark.parametrize("name, reason", [
    ("wrong_certificate_name", "not valid for"), ("expired_certificate", "expired"), ("not_yet_valid_certificate", "not yet valid"),
    ("untrusted_certificate", "certificate verify failed")])
def test_bad_certificates(make, name, reason):
    peer = make(told(name))
    with pytest.raises(requests.exceptions.SSLError, match=reason):
        get(peer)
    peer.wait_for(lambda: peer.handshake_failures or peer.concurrent == 0)
    assert not peer.requests and name in CERTIFICATES
    peer.honest()
    assert get(peer).status_code == 200


@pytest.mark.parametrize("seconds", [86_400, -7200])
def test_clock_skew(make, seconds):
    peer = make(told("clock_skew", seconds=seconds))
    answer = get(peer)
    wrong = time.time() + seconds
    assert abs(email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp() - wrong) < 10
    last = answer.headers["X-TAXII-Date-Added-Last"]
    assert abs(datetime.datetime.fromisoformat(last).timestamp() - wrong) < 30
    assert get(peer, added_after=last).json()["objects"] == OBJECTS[10:20]


def test_no_lie_is_without_a_test():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    untold = [name for name in LIES if f'"{name}"' not in tests and not re.fullmatch(r"status_50.|40.", name)]
    assert len(LIES) > 60 and not untold
