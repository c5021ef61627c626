"""A TAXII 2.1 server that lies when it is told to, for tests of what reads from and writes to other servers.

    with HostilePeer(indicators(50), page=10) as peer:      # or with lies=["stall"], lies={"stall": {"part": "body"}}
        peer.lie("same_page_for_ever")                      # every answer for objects, from now on
        peer.lie("status_503", times=3, after=1)            # the second to the fourth
        peer.lie("slow_drip", on="discovery", pause=0.1)
        ... the hub works with peer.url, peer.api_root, peer.collections["read"], and trusts peer.ca ...
        assert len(peer.seen("GET", "objects")) < 100
        peer.honest()                                       # no lie any more

`client_ca` makes it require client certificates; `credentials` and `token` are for Basic and bearer; `pending_polls`
keeps a POST pending for so many looks; `add` gives it more objects, `go_down` and `come_up` are an outage.

Without a lie it keeps to the standard. Endpoints: discovery, root, collections, collection, objects (GET), post,
object, manifest, versions, status. "read" may only be read, "write" both, "drop" only written. What it saw and has:
`requests` (with query, headers, body digest, time, what it answered, bytes sent, lies told), `connections`,
`concurrent`, `most_concurrent`, `handshake_failures`, `stored` (by POST, each version once), `posted` (all that came),
`poisoned`, `elsewhere` (the listener of the redirects). The lies and their options: hostile_pages.py and
hostile_answers.py; how they are told: hostile_lies.py.
"""

import datetime
import functools
import re

import hostile_pages  # Fills LIES, as hostile_answers does.
from hostile_answers import CERTIFICATES
from hostile_lies import LIES, Told
from peer_certificates import PeerAuthority
from peer_transport import Answer, TlsPeer
from taxii_peer import TaxiiPeer

__all__ = ["LIES", "Elsewhere", "HostilePeer", "LyingPeer", "PeerAuthority"]


class Elsewhere(TlsPeer):
    """A listener that must never be called. It answers, so that who calls it does not stop at that."""

    def respond(self, request):
        return Answer(200, b'{"title": "elsewhere", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1000}', [
            ("Content-Type", "application/taxii+json;version=2.1")])


class LyingPeer(TlsPeer):
    """What a peer needs to tell lies; the second base class is what it lies about."""

    def __init__(self, *arguments, lies=(), **named):
        self.told = []
        self.poisoned = []
        self.others = {}
        for one in lies:
            self.lie(one, **(lies[one] if isinstance(lies, dict) else {}))
        super().__init__(*arguments, **named)

    def lie(self, name, **options):
        """Tells a lie from now on, besides those told already."""
        told = Told.of(name, **options)
        self.told.append(told)
        return told

    def honest(self):
        self.told.clear()

    @property
    def elsewhere(self):
        return self.other(False)

    @property
    def elsewhere_plain(self):
        return self.other(True)

    def other(self, plain):
        with self.lock:
            if plain not in self.others:
                self.others[plain] = Elsewhere(self.authority, plain=plain)
            return self.others[plain]

    def stop(self):
        for other in self.others.values():
            other.stop()
        super().stop()

    # Which lies

    def chosen(self, endpoint):
        """The lies that are told to a request."""
        with self.lock:
            return [told for told in list(self.told) if told.is_told(endpoint)]

    def flag(self, name):
        """The options of a lie that is told all the time, or None."""
        for told in list(self.told):
            if told.lie.name == name:
                return told.options
        return None

    def certificate_kind(self):
        for told in list(self.told):
            if told.lie.name in CERTIFICATES and told.is_told("connection"):
                return CERTIFICATES[told.lie.name]
        return "server"

    def holds_handshake(self):
        return any(told.lie.name == "stall_handshake" and told.is_told("connection") for told in list(self.told))

    def lied(self, request, honest):
        """The answer to a request whose endpoint is known: lies in its place, or the honest one with lies added."""
        lies = [told for told in self.chosen(request.endpoint) if told.lie.hook != "flag"]
        request.lies = [told.lie.name for told in lies] + [told.lie.name for told in list(self.told) if told.lie.hook == "flag"]
        self_told = {hook: [told for told in lies if told.lie.hook == hook] for hook in ("source", "shape", "instead", "answer")}
        for told in self_told["instead"]:
            if answer := told.lie.tell(self, request, told):
                return answer
        request.lies_by_hook = self_told
        answer = honest(request)
        for told in self_told["answer"]:
            answer = told.lie.tell(self, request, told, answer)
        return answer


class HostilePeer(LyingPeer, TaxiiPeer):
    def answer(self, request):
        # The endpoint decides which lies are told, and some are told to who has no rights at all.
        self.find(request)
        return self.lied(request, super().answer)

    def path_of(self, request):
        return re.sub("^(/moved)+", "", request.path) if self.flag("redirect_same_origin") else request.path

    @property
    def skew(self):
        found = self.flag("clock_skew")
        return datetime.timedelta(seconds=found["seconds"] if found else 0)

    @property
    def max_content_length(self):
        found = self.flag("max_content_length_small")
        return found["bytes"] if found else self.content_max

    def page_source(self, request, honest):
        for told in request.lies_by_hook["source"]:
            honest = functools.partial(told.lie.tell, self, request, told, honest)
        return honest

    def shape(self, request, what, resource):
        for told in request.lies_by_hook["shape"]:
            resource = told.lie.tell(self, request, told, what, resource)
        return resource

    def refusal_of(self, request, number, thing):
        found = self.flag("post_partial_failure")
        return found["message"] if found and number % found["every"] == found["every"] - 1 else None
