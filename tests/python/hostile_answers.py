"""Lies about answers, their bodies and statuses, about what became of a POST, and about the connection: hostile_lies.py
says how they are told."""

import email.utils
import time

from hostile_bodies import bomb, endless, endless_announced, nested
from hostile_lies import LIES, Lie, lie
from peer_transport import Answer
from taxii_peer import error, taxii

# --- Bodies -----------------------------------------------------------------------------------


@lie("answer")
def raw_null_bytes(peer, request, told, answer):
    answer.body = answer.body.replace(b'"name": "', b'"name": "nul\0')
    return answer


@lie("answer", value="text/html; charset=utf-8")
def wrong_content_type(peer, request, told, answer):
    """The good body under another type; `value` None: under none."""
    return answer.header("Content-Type", told.options["value"])


@lie("answer")
def not_json(peer, request, told, answer):
    answer.body = b"<!doctype html><html><body><h1>Maintenance</h1></body></html>"
    return answer


@lie("answer")
def truncated_json(peer, request, told, answer):
    """Half of the body, with the Content-Length of the half."""
    answer.body = answer.body[: len(answer.body) // 2]
    return answer


@lie("answer")
def short_body(peer, request, told, answer):
    """Half of the body, with the Content-Length of the whole; then the connection ends."""
    answer.delivery = "short"
    return answer


@lie("answer", level="object")
def duplicate_keys(peer, request, told, answer):
    """A member twice, with different values: of each object its name and id, or of the envelope its objects."""
    if told.options["level"] == "envelope":
        answer.body = b'{"objects": [], "more": true, ' + answer.body[1:]
    else:
        kind = b'"type": "indicator", '
        answer.body = answer.body.replace(kind, kind + b'"name": "first", "id": "indicator--00000000-0000-4000-8000-000000000000", ')
    return answer


@lie("answer", depth=200_000, where="object")
def deep_nesting(peer, request, told, answer):
    """Lists in lists, in each "object" or in the "envelope"; "open": in the envelope, and they do not even end."""
    answer.body = nested(answer.body, told.options["depth"], told.options["where"])
    return answer


@lie("answer", form="bytes")
def not_utf8(peer, request, told, answer):
    """Names with octets that are no UTF-8 ("bytes"), or lone surrogates as escapes; or the body in UTF-16 or after a
    "bom"."""
    name = b'"name": "'
    answer.body = {
        "bytes": lambda body: body.replace(name, name + b"\xff\xfe"), "surrogate": lambda body: body.replace(name, name + b"\\ud800"),
        "utf16": lambda body: body.decode().encode("utf-16"), "bom": lambda body: b"\xef\xbb\xbf" + body,
    }[told.options["form"]](answer.body)
    return answer


@lie("answer", number="1e999")
def odd_numbers(peer, request, told, answer):
    """Each indicator has a confidence that no integer type holds."""
    kind = b'"type": "indicator", '
    answer.body = answer.body.replace(kind, kind + b'"confidence": ' + told.options["number"].encode() + b", ")
    return answer


@lie("answer", value="gzip")
def wrong_content_encoding(peer, request, told, answer):
    """The plain body, as if it were packed."""
    return answer.header("Content-Encoding", told.options["value"])


@lie("answer", objects=None)
def smuggled_answer(peer, request, told, answer):
    """Behind the good answer comes another one that nobody asked for: who reads on takes it for that to the next
    request."""
    answer.behind = taxii(200, {"objects": told.options["objects"] or [{"type": "smuggled"}]}).header("X-Smuggled", "yes")
    return answer


@lie("answer", size_bytes=10 * 1024**3, rate=None, shape="objects", announced=False)
def huge_answer(peer, request, told, answer):
    """So many bytes, made as they are sent, at most `rate` a second: objects without end, one "text", or "blanks" after
    a good envelope. `announced`: with a Content-Length."""
    make = endless_announced if told.options["announced"] else endless
    return make(peer, answer, told.options["size_bytes"], told.options["rate"], told.options["shape"])


@lie("answer", size_bytes=10 * 1024**3)
def gzip_bomb(peer, request, told, answer):
    """A valid gzip of so many bytes of valid JSON, a thousandth of that on the wire, whether it was asked for or not."""
    answer.body = bomb(peer, told.options["size_bytes"])
    return answer.header("Content-Encoding", "gzip")


@lie("answer", pause=1.0, part="body")
def slow_drip(peer, request, told, answer):
    """An octet each `pause` seconds, of the body or ("head") of everything."""
    answer.delivery, answer.pause = "drip" if told.options["part"] == "body" else "drip_head", told.options["pause"]
    return answer


@lie("answer")
def reset_midway(peer, request, told, answer):
    answer.delivery = "reset"
    return answer


@lie("answer", part="head")
def stall(peer, request, told, answer):
    """No answer, ever; or ("body") half of one, and then nothing."""
    answer.delivery = "stall" if told.options["part"] == "head" else "stall_body"
    return answer


@lie("answer", count=1_000_000)
def endless_headers(peer, request, told, answer):
    """Header lines without end."""
    answer.body, answer.delivery = (f"X-Padding-{number}: {'x' * 1000}\r\n".encode() for number in range(told.options["count"])), "headers"
    return answer


# --- Instead of an answer -----------------------------------------------------------------------


def failing(status, title):
    """Makes lies that are one error message; `title` can be anything, so that a log shows what it makes of it."""

    def tell(peer, request, told):
        answer = error(told.options.get("status", status), told.options["title"])
        return answer.header("Retry-After", told.options.get("retry_after")).header("WWW-Authenticate", told.options.get("challenge"))

    return lambda name, **options: lie("instead", name=name, title=title, **options)(tell)


failing(500, "Something broke")("status_500", times=2, retry_after=None)
failing(502, "Bad gateway")("status_502", times=2, retry_after=None)
failing(503, "Out of order")("status_503", times=2, retry_after=None)
failing(401, "Unauthorised")("401", challenge='Basic realm="peer"')
failing(403, "Forbidden")("403")
failing(404, "Not found")("404")
failing(418, "Of another kind")("any_status", status=418)


@lie("instead", name="429_retry_after", times=1, seconds=1, form="seconds")
def too_many_requests(peer, request, told):
    """Retry-After in seconds, as an HTTP "date", or whatever else `form` says."""
    seconds, form = told.options["seconds"], told.options["form"]
    value = {"seconds": str(seconds), "date": email.utils.formatdate(time.time() + seconds, usegmt=True)}.get(form, form)
    return error(429, "Too many requests").header("Retry-After", value)


@lie("instead", status=302, plain=False)
def redirect_elsewhere(peer, request, told):
    """To a listener of the peer's that must never be called; `plain`: one without TLS."""
    where = peer.elsewhere_plain if told.options["plain"] else peer.elsewhere
    return Answer(told.options["status"], b"", [("Location", where.url + request.target)])


@lie("instead", on="any", status=308, for_ever=False)
def redirect_same_origin(peer, request, told):
    """To the same below /moved, where it is; `for_ever`: from there again, and again."""
    if request.path.startswith("/moved/") and not told.options["for_ever"]:
        return None
    return Answer(told.options["status"], b"", [("Location", f"{peer.url}/moved{request.target}")])


# --- Resources --------------------------------------------------------------------------------


@lie("shape", on="discovery")
def api_root_elsewhere(peer, request, told, what, resource):
    """Discovery names an API root at the listener that must never be called."""
    return resource | {"default": f"{peer.elsewhere.url}/api/", "api_roots": [f"{peer.elsewhere.url}/api/"]}


@lie("flag", on="any", bytes=2048)
def max_content_length_small(peer, request, told):
    """The API root says that it takes only so many bytes, and does (§4.2)."""


@lie("flag", on="any", seconds=86_400)
def clock_skew(peer, request, told):
    """The peer's clock is wrong by so much: in Date, in date_added and in the date headers, but consistently."""


@lie("shape", on=("status", "post"))
def status_never_completes(peer, request, told, what, resource):
    total = resource["total_count"]
    details = resource.get("pendings") or resource.get("successes", []) + resource.get("failures", [])
    kept = {name: value for name, value in resource.items() if name not in ("successes", "failures", "pendings")}
    counts = {"status": "pending", "success_count": 0, "failure_count": 0, "pending_count": total}
    return kept | counts | ({"pendings": details} if details else {})


@lie("shape", on=("status", "post"), how="sum")
def status_lies_counts(peer, request, told, what, resource):
    """The counts do not add up ("sum"), are "negative", "text", or say that all is well while the lists are "empty"."""
    total = resource["total_count"]
    return resource | {
        "sum": {"success_count": total + 3, "failure_count": 2}, "negative": {"success_count": -1, "failure_count": total + 1},
        "text": {"success_count": str(total), "total_count": str(total)}, "empty": {"successes": [], "success_count": total},
    }[told.options["how"]]


@lie("shape", on=("status", "post"), id="../../../../taxii2")
def status_id_odd(peer, request, told, what, resource):
    """An id that makes another path when it is put into one."""
    return resource | {"id": told.options["id"]}


@lie("flag", on="post", every=2, message="not to our liking")
def post_partial_failure(peer, request, told):
    """Every second object is not stored, and the status says so."""


@lie("answer", on="post", times=1)
def post_drops_connection_after_storing(peer, request, told, answer):
    """The answer is lost, the objects are not."""
    answer.delivery = "drop"
    return answer


@lie("answer", on="post", status=200)
def post_answers_otherwise(peer, request, told, answer):
    """As OpenCTI, which says 200 and not 202."""
    if answer.status == 202:
        answer.status = told.options["status"]
    return answer


# --- Connections ------------------------------------------------------------------------------

CERTIFICATES = {
    "wrong_certificate_name": "wrong_name", "expired_certificate": "expired", "not_yet_valid_certificate": "not_yet_valid",
    "untrusted_certificate": "untrusted",
}
for called in (*CERTIFICATES, "stall_handshake"):
    LIES[called] = Lie(called, "flag", ("connection",), None, {})
