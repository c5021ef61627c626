"""HTTP framing, heads, negotiation: security-and-durability.md §5.2."""

import json
import time

import pytest
from wire import (
    AMBER,
    SHARED,
    TAXII,
    assert_error,
    indicator,
    objects_path,
    read_response,
    unharmed,
    until_closed,
    wire_hub,
)

PATH = objects_path()
SMUGGLED = b"DELETE /taxii2/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def head(first=f"POST {PATH} HTTP/1.1", *fields, host="Host: localhost"):
    return "\r\n".join([first, *([host] if host else []), f"Accept: {TAXII}", f"Content-Type: {TAXII}", *fields]).encode("latin-1") + b"\r\n\r\n"


def refused_and_closed(hub, message, statuses, bare=False):
    """One answer with one of these statuses, then the end: what follows is not taken for a request."""
    with hub.connect() as sock:
        response = hub.send(sock, message)
        rest = response.rest if response else b""
        rest += until_closed(sock)
    assert response is not None and response.status in statuses, response
    assert rest == b"", rest
    if response.body or not bare:
        assert_error(response, response.status)
    return response


def envelope():
    found = indicator()
    return found["id"], json.dumps({"objects": [found]}).encode()


AMBIGUOUS = {
    "both lengths": ["Content-Length: {n}", "Transfer-Encoding: chunked"],
    "both lengths, turned": ["Transfer-Encoding: chunked", "Content-Length: {n}"],
    "two equal lengths": ["Content-Length: {n}", "Content-Length: {n}"],
    "two lengths": ["Content-Length: {n}", "Content-Length: 5"],
    "list of lengths": ["Content-Length: {n}, {n}"],
    "plus sign": ["Content-Length: +{n}"],
    "minus sign": ["Content-Length: -{n}"],
    "hexadecimal": ["Content-Length: 0x{n:x}"],
    "overflow": ["Content-Length: 18446744073709551617"],
    "empty length": ["Content-Length: "],
    "fraction": ["Content-Length: {n}.0"],
    "blank inside": ["Content-Length: 1 {n}"],
    "gzip, chunked": ["Transfer-Encoding: gzip, chunked"],
    "chunked, identity": ["Transfer-Encoding: chunked, identity"],
    "chunked twice in one": ["Transfer-Encoding: chunked, chunked"],
    "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "identity": ["Transfer-Encoding: identity"],
    "identity with length": ["Transfer-Encoding: identity", "Content-Length: {n}"],
    "xchunked": ["Transfer-Encoding: xchunked"],
    "quoted": ['Transfer-Encoding: "chunked"'],
    "parameter": ["Transfer-Encoding: chunked;q=1"],
    "empty coding": ["Transfer-Encoding: "],
    "vertical tab": ["Transfer-Encoding: \x0bchunked"],
    "trailing comma": ["Transfer-Encoding: chunked,"],
}


@pytest.mark.parametrize("fields", AMBIGUOUS.values(), ids=AMBIGUOUS)
@pytest.mark.parametrize("chunked", [False, True], ids=["plain body", "chunked body"])
def test_ambiguous_framing_is_400_and_closes(wire_hub, fields, chunked):
    object_id, body = envelope()
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    message = head(f"POST {PATH} HTTP/1.1", *(field.format(n=len(framed)) for field in fields)) + framed + SMUGGLED
    refused_and_closed(wire_hub, message, {400}, bare=True)
    assert not wire_hub.holds(object_id)


def test_http_1_0_with_chunked_is_400_and_closes(wire_hub):
    object_id, body = envelope()
    message = head(f"POST {PATH} HTTP/1.0", "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + SMUGGLED
    refused_and_closed(wire_hub, message, {400}, bare=True)
    assert not wire_hub.holds(object_id)


CHUNKS = {
    "size not hexadecimal": b"zz\r\n%s\r\n0\r\n\r\n", "no size": b"\r\n%s\r\n0\r\n\r\n", "sign": b"+%x\r\n%s\r\n0\r\n\r\n",
    "prefix": b"0x%x\r\n%s\r\n0\r\n\r\n", "overflow": b"fffffffffffffffff\r\n%s\r\n0\r\n\r\n", "bare LF": b"%x\n%s\n0\n\n",
    "bare CR": b"%x\r%s\r0\r\r", "no CRLF after data": b"%x\r\n%s0\r\n\r\n", "longer data": b"%x\r\n%sxx\r\n0\r\n\r\n",
    "blank before": b" %x\r\n%s\r\n0\r\n\r\n", "control in extension": b"%x;a=\x01b\r\n%s\r\n0\r\n\r\n",
    "LF in extension": b"%x;a\nb\r\n%s\r\n0\r\n\r\n", "underscore": b"1_0\r\n%s\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("template", CHUNKS.values(), ids=CHUNKS)
def test_chunk_syntax_errors_are_400_and_close(wire_hub, template):
    object_id, body = envelope()
    framed = template % ((len(body), body) if b"%x" in template else (body,))
    refused_and_closed(wire_hub, head(f"POST {PATH} HTTP/1.1", "Transfer-Encoding: chunked") + framed + SMUGGLED, {400}, bare=True)
    assert not wire_hub.holds(object_id)


@pytest.mark.parametrize("pieces", [1, 7, 10_000])
def test_a_well_chunked_body_is_taken(wire_hub, pieces):
    object_id, body = envelope()
    chunks = [body[at:at + pieces] for at in range(0, len(body), pieces)]
    framed = b"".join(b"%X;x=y\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nTrailer: x\r\n\r\n"
    with wire_hub.connect() as sock:
        assert wire_hub.send(sock, head(f"POST {PATH} HTTP/1.1", "Transfer-Encoding: Chunked") + framed).status == 202
        assert wire_hub.ask("GET", "/taxii2/", sock=sock).status == 200
    assert wire_hub.holds(object_id)


GET = "GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\n"
SYNTAX = {
    "folding": GET + "X: a\r\n b\r\n\r\n", "NUL in value": GET + "X: a\0b\r\n\r\n", "NUL in name": GET + "X\0: a\r\n\r\n",
    "blank before colon": GET + "X : a\r\n\r\n", "tab before colon": GET + "X\t: a\r\n\r\n", "no name": GET + ": a\r\n\r\n",
    "no colon": GET + "Xa\r\n\r\n", "leading blank": "GET /taxii2/ HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "bare CR in value": GET + "X: a\rb\r\n\r\n", "bare CR ends line": GET + "X: a\rY: b\r\n\r\n",
    "control in value": GET + "X: a\x01b\r\n\r\n", "delete in value": GET + "X: a\x7fb\r\n\r\n", "non-token name": GET + "X(y): a\r\n\r\n",
    "high byte in name": GET + "X\xe9: a\r\n\r\n", "blanks in target": "GET /tax ii2/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "control in target": "GET /tax\x01ii2/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "no target": "GET HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bad method": "GE(T /taxii2/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "two blanks": "GET  /taxii2/  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no Host": "GET /taxii2/ HTTP/1.1\r\nAccept: */*\r\n\r\n", "no Host in 1.0": "GET /taxii2/ HTTP/1.0\r\nAccept: */*\r\n\r\n",
    "two Hosts": GET + "Host: localhost\r\n\r\n", "two different Hosts": GET + "Host: elsewhere\r\n\r\n",
    "Host list": "GET /taxii2/ HTTP/1.1\r\nHost: localhost, localhost\r\n\r\n", "empty Host": "GET /taxii2/ HTTP/1.1\r\nHost: \r\n\r\n",
    "Host with user": "GET /taxii2/ HTTP/1.1\r\nHost: a@localhost\r\n\r\n", "high byte in Host": "GET /taxii2/ HTTP/1.1\r\nHost: l\xf6calhost\r\n\r\n",
    "HTTP/0.9": "GET /taxii2/\r\n", "HTTP/0.9 with Host": "GET /taxii2/\r\nHost: localhost\r\n\r\n", "preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": "GET /taxii2/ HTTP/1.2\r\nHost: localhost\r\n\r\n", "HTTP/3.0": "GET /taxii2/ HTTP/3.0\r\nHost: localhost\r\n\r\n",
    "http lower": "GET /taxii2/ http/1.1\r\nHost: localhost\r\n\r\n", "HTTP/11": "GET /taxii2/ HTTP/11\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("message", SYNTAX.values(), ids=SYNTAX)
def test_illegal_syntax_is_400_and_closes(wire_hub, message):
    # A Host that is no host of ours may also be told as misdirected.
    statuses = {400, 505} | ({421} if "Host" in message.split("\r\n")[1] and "Host: localhost\r\n" not in message else set())
    refused_and_closed(wire_hub, message.encode("latin-1") + SMUGGLED, statuses, bare=True)


BARE_LF = {
    "ends a line": GET + "X: a\nContent-Length: 5\r\n\r\n", "ends a head": GET + "X: a\r\n\n", "ends all": "GET /taxii2/ HTTP/1.1\nHost: localhost\n\n",
    "ends the first line": "GET /taxii2/ HTTP/1.1\nHost: localhost\r\n\r\n", "hides a coding": GET + "X: a\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("message", BARE_LF.values(), ids=BARE_LF)
def test_a_bare_lf_ends_a_line_for_every_check(wire_hub, message):
    """A divergence (docs/divergences.md): taken as the end of a line, as RFC 9112 §2.2 allows. What
    matters is that a field behind it counts, so that nothing can be hidden there."""
    framed = "Content-Length" in message or "Transfer-Encoding" in message
    with wire_hub.connect() as sock:
        response = wire_hub.send(sock, message.encode())
        assert response.status == (400 if framed else 200)
        if framed:
            assert until_closed(sock) == b""
        else:
            assert wire_hub.ask("GET", "/nothing", sock=sock).status == 404


@pytest.mark.parametrize("host", ["elsewhere", "localhost.", "127.0.0.2", "localhost.example.com", "xlocalhost", "[::2]", "10.0.0.1:80"])
def test_a_foreign_host_is_421_and_closes(wire_hub, host):
    assert_error(refused_and_closed(wire_hub, head("GET /taxii2/ HTTP/1.1", host=f"Host: {host}") + SMUGGLED, {421}), 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:1", "127.0.0.1", "[::1]", "[::1]:8443"])
def test_our_hosts_are_served(wire_hub, host):
    assert wire_hub.ask("GET", "/taxii2/", headers={"Host": host}).status == 200


def test_an_absolute_target_counts_as_its_host(wire_hub):
    assert wire_hub.ask("GET", "https://localhost/taxii2/").status in (200, 400)
    refused_and_closed(wire_hub, head("GET https://elsewhere/taxii2/ HTTP/1.1") + SMUGGLED, {400, 421})


LARGE = {
    "one large field": (["X: " + "a" * 33_000], 431), "many large fields": ([f"X-{n}: " + "a" * 700 for n in range(60)], 431),
    "too many fields": ([f"X-{n}: a" for n in range(65)], 431), "a hundred fields": ([f"X-{n}: a" for n in range(150)], 431),
    "over all buffers": (["X: " + "a" * 200_000], 431),
}


@pytest.mark.parametrize("fields, status", LARGE.values(), ids=LARGE)
def test_a_head_over_its_limits_is_431_and_closes(wire_hub, fields, status):
    refused_and_closed(wire_hub, head("GET /taxii2/ HTTP/1.1", *fields) + SMUGGLED, {status}, bare=True)


def test_sixty_fields_are_taken(wire_hub):
    assert wire_hub.send(wire_hub.connect(), head("GET /taxii2/ HTTP/1.1", *(f"X-{n}: a" for n in range(60)))).status == 200


@pytest.mark.parametrize("target", ["/taxii2/?" + "a" * 8_200, "/" + "a" * 9_000, "/taxii2/?" + "a=b&" * 5_000])
def test_a_long_target_is_414_and_closes(wire_hub, target):
    assert_error(refused_and_closed(wire_hub, head(f"GET {target} HTTP/1.1") + SMUGGLED, {414}), 414)


def test_a_target_over_64_kib_is_414_or_400_and_closes(wire_hub):
    refused_and_closed(wire_hub, head("GET /" + "a" * 70_000 + " HTTP/1.1") + SMUGGLED, {400, 414, 431}, bare=True)


@pytest.mark.parametrize("length", [10 * 1024 * 1024 + 1, 2**40, 2**64 - 1])
def test_a_declared_length_over_the_limit_is_413_at_once(wire_hub, length):
    started = time.monotonic()
    message = assert_error(refused_and_closed(wire_hub, head(f"POST {PATH} HTTP/1.1", f"Content-Length: {length}"), {413}), 413)
    # Two seconds of it are the lingering close.
    assert time.monotonic() - started < 5
    assert "max_content_length" in message["description"]


def test_a_declared_length_over_the_limit_is_413_though_expected(wire_hub):
    message = head(f"POST {PATH} HTTP/1.1", "Content-Length: 99999999", "Expect: 100-continue")
    with wire_hub.connect() as sock:
        sock.sendall(message)
        answer = until_closed(sock).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The HTTP library invites before we can look; docs/divergences.md.
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]


def test_a_chunked_body_over_the_limit_is_413_and_closes(wire_hub):
    chunk = b"%x\r\n%s\r\n" % (65536, b" " * 65536)
    with wire_hub.connect() as sock:
        try:
            sock.sendall(head(f"POST {PATH} HTTP/1.1", "Transfer-Encoding: chunked"))
            for _ in range(170):
                sock.sendall(chunk)
        except OSError:
            pass  # closed while we were still sending: that is the point
        response = read_response(sock)
        if response is not None:
            wire_hub.note(response)
            assert_error(response, 413)
        until_closed(sock, 7)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x", "gzip, identity", "identity, gzip"])
def test_a_content_encoding_is_415_with_accept_encoding(wire_hub, coding):
    object_id, body = envelope()
    message = head(f"POST {PATH} HTTP/1.1", f"Content-Encoding: {coding}", f"Content-Length: {len(body)}") + body + SMUGGLED
    response = refused_and_closed(wire_hub, message, {415})
    assert response.headers["accept-encoding"] == "identity"
    assert assert_error(response, 415)["description"]
    assert not wire_hub.holds(object_id)


def test_a_second_content_encoding_is_seen(wire_hub):
    _, body = envelope()
    fields = ["Content-Encoding: identity", "Content-Encoding: gzip", f"Content-Length: {len(body)}"]
    refused_and_closed(wire_hub, head(f"POST {PATH} HTTP/1.1", *fields) + body + SMUGGLED, {415})


@pytest.mark.parametrize("media", ["application/json", "text/plain", "", "application/taxii+json;version=2.0", "application/taxii+json;version=3.0",
                                   "application/vnd.oasis.taxii+json; version=2.0", "*/*", "application/taxii+json, text/plain",
                                   "multipart/form-data", "application/taxii", None])
def test_a_foreign_content_type_is_415(wire_hub, media):
    object_id, body = envelope()
    response = wire_hub.ask("POST", PATH, headers={"Content-Type": media}, body=body)
    assert "Content-Type" in assert_error(response, 415)["description"]
    assert not wire_hub.holds(object_id)


def test_a_repeated_content_type_is_415(wire_hub):
    object_id, body = envelope()
    fields = ["Content-Type: text/plain", f"Content-Length: {len(body)}"]
    refused_and_closed(wire_hub, head(f"POST {PATH} HTTP/1.1", *fields) + body + SMUGGLED, {400, 415})
    assert not wire_hub.holds(object_id)


@pytest.mark.parametrize("media", [TAXII, "application/taxii+json", "Application/TAXII+JSON; Version=\"2.1\"", "application/taxii+json ; version=2.1"])
def test_taxii_content_types_are_taken(wire_hub, media):
    object_id, body = envelope()
    assert wire_hub.ask("POST", PATH, headers={"Content-Type": media}, body=body).status == 202
    assert wire_hub.holds(object_id)


@pytest.mark.parametrize("accept, status", [
    ("text/html", 406), ("application/json", 406), ("application/taxii+json;version=2.0", 406), ("application/taxii+json;q=0", 406), ("junk", 406),
    ("", 406), (",,,", 406), ("text/html, application/xml;q=0.9", 406), (None, 200), ("*/*", 200), ("application/*", 200), (TAXII, 200),
    ("application/taxii+json", 200), ("text/html, */*;q=0.1", 200), ("application/taxii+json; version=2.1, application/stix+json;version=2.1", 200),
])
def test_accept_decides(wire_hub, accept, status):
    response = wire_hub.ask("GET", "/taxii2/", headers={"Accept": accept})
    assert response.status == status
    if status == 406:
        assert TAXII in assert_error(response, 406)["description"]


@pytest.mark.parametrize("path", ["/", "/nothing", "/taxii2/x/", "/exchange/x/", "/exchange/collections/x/y/", "/taxii2//", "//taxii2/", "/TAXII2/",
                                  "/exchange/collections/" + AMBER + "/objects/x/y/", "/favicon.ico", "/.git/config", "/console/", "/healthz", "/metrics"])
def test_an_unknown_path_is_404(wire_hub, path):
    assert_error(wire_hub.ask("GET", path), 404)
    # A first part alone has the form of an API root, so other methods are told that, whether it exists or not.
    for method in ("POST", "DELETE"):
        response = wire_hub.ask(method, path, body=b"" if method == "POST" else None)
        assert_error(response, 405 if path.strip("/").count("/") == 0 and path.strip("/") and "//" not in path else 404)


ALLOWED = {
    "/taxii2/": {"GET", "HEAD"}, "/exchange/": {"GET", "HEAD"}, "/exchange/collections/": {"GET", "HEAD"},
    f"/exchange/collections/{SHARED}/": {"GET", "HEAD"}, f"/exchange/collections/{SHARED}/manifest/": {"GET", "HEAD"},
    PATH: {"GET", "HEAD", "POST"}, PATH + "x/": {"GET", "HEAD", "DELETE"}, PATH + "x/versions/": {"GET", "HEAD"},
    "/exchange/status/x/": {"GET", "HEAD"},
}


@pytest.mark.parametrize("path", ALLOWED)
def test_another_method_is_405_with_allow(wire_hub, path):
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "get", "X"}
    for method in sorted(methods - ALLOWED[path]):
        response = wire_hub.ask(method, path, headers={"X-Secret": "echo-me"}, body=b"" if method == "POST" else None)
        assert_error(response, 405)
        assert {part.strip() for part in response.headers["allow"].split(",")} == ALLOWED[path]
        assert b"echo-me" not in response.body and method.encode() not in response.body.replace(b"HEAD", b"").replace(b"GET", b"") or method == "X"


@pytest.mark.parametrize("target", ["/taxii2/", "localhost:443", "example.com:80"])
def test_connect_makes_no_tunnel(wire_hub, target):
    refused_and_closed(wire_hub, head(f"CONNECT {target} HTTP/1.1") + SMUGGLED, {400, 404, 405, 421}, bare=True)


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"])
def test_method_overrides_are_ignored(wire_hub, override):
    kept = indicator()
    wire_hub.publish([kept])
    field, _, value = override.partition(": ")
    assert wire_hub.ask("GET", PATH + kept["id"] + "/?_method=DELETE&method=DELETE", headers={field: value}).status == 200
    assert wire_hub.holds(kept["id"])
