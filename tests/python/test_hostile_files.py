"""That the file server minds the conditions of RFC 9110 without a lie, and that each lie about files is really told."""

import email.utils
import time

import pytest
import requests

from hostile_files import HttpFiles
from peer_certificates import PeerAuthority

pytestmark = pytest.mark.timeout(60)
FEED = b"value,first_seen\nhost-1.example,2026-01-01\nhost-2.example,2026-01-02\n" * 20
AUTHORITY = PeerAuthority()


@pytest.fixture
def files():
    with HttpFiles({"/feed.csv": FEED}, authority=AUTHORITY) as peer:
        yield peer


def get(peer, path="/feed.csv", timeout=10, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(peer.url + path, headers=headers, verify=peer.ca, timeout=timeout, allow_redirects=False)


def test_files_have_etag_and_date(files):
    answer = get(files)
    assert answer.content == FEED and answer.headers["Content-Type"] == "text/csv" and answer.headers["ETag"].startswith('"')
    again = get(files, If_None_Match=answer.headers["ETag"])
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert get(files, If_None_Match=f'"other", W/{answer.headers["ETag"]}').status_code == 304
    assert get(files, If_None_Match='"other"', If_Modified_Since=answer.headers["Last-Modified"]).status_code == 200
    assert get(files, If_Modified_Since=answer.headers["Last-Modified"]).status_code == 304
    assert get(files, If_Modified_Since=email.utils.formatdate(time.time() - 3600, usegmt=True)).status_code == 200
    assert get(files, "/none.csv").status_code == 404 and requests.post(f"{files.url}/feed.csv", verify=files.ca).status_code == 405
    head = requests.head(f"{files.url}/feed.csv", verify=files.ca)
    assert head.content == b"" and int(head.headers["Content-Length"]) == len(FEED)
    files.put("/feed.csv", "new")
    assert get(files, If_None_Match=answer.headers["ETag"]).text == "new"
    assert [found.endpoint for found in files.requests] == ["file"] * 10


def test_files_can_need_credentials():
    with HttpFiles({"/feed": b"x"}, authority=AUTHORITY, credentials=("user", "pass")) as peer:
        assert get(peer, "/feed").status_code == 401
        assert requests.get(f"{peer.url}/feed", auth=("user", "pass"), verify=peer.ca).content == b"x"


def test_changed_content(files):
    files.lie("changed_content")
    first, second = get(files), get(files)
    assert first.content != second.content and first.headers["ETag"] != second.headers["ETag"] and second.content.startswith(FEED)
    assert get(files, If_None_Match=first.headers["ETag"]).status_code == 200


def test_same_etag_changed_content(files):
    files.lie("same_etag_changed_content")
    first, second = get(files), get(files)
    assert first.content != second.content and first.headers["ETag"] == second.headers["ETag"]
    assert get(files, If_None_Match=first.headers["ETag"]).status_code == 304


def test_missing_etag(files):
    files.lie("missing_etag")
    assert "ETag" not in get(files).headers and "Last-Modified" in get(files).headers
    files.honest()
    files.lie("missing_etag", modified=False)
    assert not {"ETag", "Last-Modified"} & set(get(files).headers)


def test_weak_etag(files):
    files.lie("weak_etag")
    etag = get(files).headers["ETag"]
    assert etag.startswith('W/"') and get(files, If_None_Match=etag).status_code == 304


def test_always_304(files):
    files.lie("always_304", after=1)
    assert get(files).status_code == 200
    files.put("/feed.csv", b"new")
    assert [get(files).status_code, get(files, If_None_Match='"x"').status_code] == [304, 304]


def test_truncated(files):
    files.lie("truncated_json", times=1)
    files.lie("short_body", after=1)
    assert get(files).content == FEED[: len(FEED) // 2]
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(files)


def test_huge(files):
    files.lie("huge_answer", shape="lines")
    with requests.get(f"{files.url}/feed.csv", verify=files.ca, stream=True) as answer:
        lines = []
        for line in answer.iter_lines():
            lines.append(line)
            if len(lines) == 500_000:
                break
    assert len(set(lines)) == 500_000
    files.wait_for(lambda: files.requests[0].finished)
    assert files.requests[0].sent_bytes < 30_000_000


def test_slow(files):
    files.lie("slow_drip", pause=0.2)
    begin = time.monotonic()
    with requests.get(f"{files.url}/feed.csv", verify=files.ca, stream=True) as answer:
        assert b"".join(next(answer.iter_content(1)) for _ in range(10)) == FEED[:10]
    assert time.monotonic() - begin > 1.5


@pytest.mark.parametrize("name, status", [
    ("status_503", 503), ("429_retry_after", 429), ("403", 403), ("redirect_elsewhere", 302), ("redirect_same_origin", 308)])
def test_statuses(files, name, status):
    files.lie(name)
    answer = get(files)
    assert answer.status_code == status
    if name == "redirect_same_origin":
        assert get(files, answer.headers["Location"].removeprefix(files.url)).content == FEED


@pytest.mark.parametrize("name", ["wrong_certificate_name", "expired_certificate", "stall", "reset_midway", "gzip_bomb"])
def test_lies_of_taxii_are_told_of_files_too(files, name):
    files.lie(name, **{"size_bytes": 50_000_000} if name == "gzip_bomb" else {})
    if name == "gzip_bomb":
        assert len(get(files).content) > 50_000_000
        return
    with pytest.raises(requests.exceptions.RequestException):
        get(files, timeout=1)
