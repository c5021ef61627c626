"""A plain HTTPS server of files, as feeds of CSV, text, STIX or MISP are published, that lies when it is told to.

    with HttpFiles({"/feed.csv": b"..."}) as peer:
        peer.put("/feed.csv", b"new")
        peer.lie("always_304")

Answers GET and HEAD with ETag and Last-Modified, and minds If-None-Match and If-Modified-Since (RFC 9110 §13). Besides
its own lies it tells those of hostile_lies.py about answers: truncated_json, short_body, reset_midway, huge_answer
(shape="lines"), slow_drip, stall, gzip_bomb, wrong_content_type, status_5xx, 429_retry_after, the redirects and the
certificates. All are told at the endpoint "file" if not `on` says something else.
"""

import base64
import binascii
import email.utils
import hashlib
import mimetypes
import re
import time

from hostile_lies import LIES, lie
from hostile_peer import LyingPeer
from peer_certificates import PeerAuthority
from peer_transport import Answer, TlsPeer
from taxii_peer import error


class FilesPeer(TlsPeer):
    def __init__(self, files=(), *, authority=None, client_ca=None, credentials=None, token=None):
        self.files = {}
        self.credentials, self.token = credentials, token
        super().__init__(authority or PeerAuthority(), client_ca)
        for path, body in dict(files).items():
            self.put(path, body)

    def put(self, path, body, content_type=None, modified=None):
        """Publishes a file; `modified` in seconds since 1970."""
        kind = content_type or mimetypes.guess_type(path)[0] or "application/octet-stream"
        self.files[path] = (body if isinstance(body, bytes) else body.encode(), kind, time.time() if modified is None else modified)

    def etag_of(self, request, body):
        return f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def body_of(self, request, body):
        return body

    def path_of(self, request):
        return request.path

    def respond(self, request):
        request.endpoint = "file"
        return self.answer(request).header("Date", email.utils.formatdate(usegmt=True))

    def answer(self, request):
        if not self.lets_in(request):
            return error(401, "Unauthorised", [("WWW-Authenticate", 'Basic realm="files"')])
        if self.path_of(request) not in self.files:
            return Answer(404, b"no such file", [("Content-Type", "text/plain")])
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", [("Allow", "GET, HEAD")])
        body, kind, modified = self.files[self.path_of(request)]
        body = self.body_of(request, body)
        headers = [("ETag", self.etag_of(request, body)), ("Last-Modified", email.utils.formatdate(modified, usegmt=True))]
        if is_known(request.headers, headers[0][1], modified):
            return Answer(304, b"", headers)
        return Answer(200, body, [("Content-Type", kind), *headers])

    def lets_in(self, request):
        if not self.credentials and not self.token:
            return True
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.token is not None and value == self.token
        try:
            return bool(self.credentials) and base64.b64decode(value).decode() == ":".join(self.credentials)
        except (binascii.Error, UnicodeDecodeError):
            return False


def is_known(headers, etag, modified):
    """Whether the client has this version already; If-None-Match, which compares weakly, goes before the date."""
    if "if-none-match" in headers:
        known = [found.strip().removeprefix("W/") for found in headers["if-none-match"].split(",")]
        return "*" in known or etag.removeprefix("W/") in known
    if "if-modified-since" in headers:
        try:
            return int(modified) <= email.utils.parsedate_to_datetime(headers["if-modified-since"]).timestamp()
        except (TypeError, ValueError):
            return False
    return False


class HttpFiles(LyingPeer, FilesPeer):
    def lie(self, name, **options):
        """All lies are about files here, but for those about the handshake."""
        if "connection" not in LIES[name].on:
            options = {"on": "file"} | options
        return super().lie(name, **options)

    def path_of(self, request):
        return re.sub("^(/moved)+", "", request.path) if self.flag("redirect_same_origin") else request.path

    def answer(self, request):
        return self.lied(request, super().answer)

    def body_of(self, request, body):
        for name in ("changed_content", "same_etag_changed_content"):
            if told := self.flag(name):
                return body + told["line"].format(number=len(self.requests)).encode()
        return body

    def etag_of(self, request, body):
        if self.flag("same_etag_changed_content"):
            body = self.files[self.path_of(request)][0]
        return super().etag_of(request, body)


@lie("flag", on="file", line="\nhost-{number}.changed.example\n")
def changed_content(peer, request, told):
    """Another line at the end with each request, and so another ETag."""


@lie("flag", on="file", line="\nhost-{number}.changed.example\n")
def same_etag_changed_content(peer, request, told):
    """The content changes, ETag and Last-Modified do not."""


@lie("answer", on="file", modified=True)
def missing_etag(peer, request, told, answer):
    """No ETag, nor ETag-made 304; `modified` False: no Last-Modified either."""
    if not told.options["modified"]:
        answer.header("Last-Modified", None)
    return answer.header("ETag", None)


@lie("answer", on="file")
def weak_etag(peer, request, told, answer):
    """The same ETag, but weak."""
    return answer.header("ETag", "W/" + dict(answer.headers).get("ETag", '""'))


@lie("instead", on="file")
def always_304(peer, request, told):
    """Also to who has nothing to compare with."""
    return Answer(304, b"", [("ETag", request.headers.get("if-none-match", '"never-seen"'))])
