"""A TAXII 2.1 server that keeps to the standard: what hostile_peer.py tells its lies on top of."""

import base64
import binascii
import datetime
import email.utils
import json
import re
import time
import uuid
from dataclasses import dataclass, field

from foreign_objects import stamp
from peer_certificates import PeerAuthority
from peer_transport import Answer, TlsPeer

TAXII = "application/taxii+json;version=2.1"
PATHS = [
    ("discovery", r"/taxii2/"), ("root", r"/api/"), ("status", r"/api/status/(?P<status>[^/]+)/"), ("collections", r"/api/collections/"),
    ("collection", r"/api/collections/(?P<collection>[^/]+)/"), ("manifest", r"/api/collections/(?P<collection>[^/]+)/manifest/"),
    ("objects", r"/api/collections/(?P<collection>[^/]+)/objects/"), ("object", r"/api/collections/(?P<collection>[^/]+)/objects/(?P<object>[^/]+)/"),
    ("versions", r"/api/collections/(?P<collection>[^/]+)/objects/(?P<object>[^/]+)/versions/"),
]


class Refused(Exception):
    """An error of the request: becomes a TAXII error message (§3.6.1)."""

    def __init__(self, status, title, headers=()):
        super().__init__(title)
        self.status, self.title, self.headers = status, title, list(headers)


@dataclass
class Entry:
    number: int
    date_added: datetime.datetime
    object: dict

    @property
    def version(self):
        return self.object.get("modified") or self.object.get("created") or stamp(self.date_added)


@dataclass
class Collection:
    id: str
    title: str
    alias: str
    can_read: bool
    can_write: bool
    entries: list = field(default_factory=list)

    def resource(self):
        return {
            "id": self.id, "title": self.title, "alias": self.alias, "can_read": self.can_read, "can_write": self.can_write,
            "media_types": ["application/stix+json;version=2.1"],
        }


@dataclass
class Page:
    """One page of objects, manifest records or versions; `first` and `last` are the date headers, None for none."""

    members: list
    more: bool = False
    next: str | None = None
    first: str | None = None
    last: str | None = None
    key: str = "objects"
    shows_empty_list: bool = False

    def resource(self):
        found = {self.key: self.members} if self.members or self.shows_empty_list else {}
        if self.more:
            found["more"] = True
        if self.next is not None:
            found["next"] = self.next
        return found


class TaxiiPeer(TlsPeer):
    """`credentials` are a Basic user and password, `token` a bearer token; with neither, everybody is let in whom TLS lets
    in. `pending_polls` is for how many looks at its status a POST is not done yet."""

    def __init__(self, objects=(), *, authority=None, client_ca=None, credentials=None, token=None, page=20, pending_polls=0,
                 max_content_length=10_485_760):
        self.page_max, self.pending_polls, self.content_max = page, pending_polls, max_content_length
        self.credentials, self.token = credentials, token
        self.held = {
            name: Collection(str(uuid.uuid4()), f"To {name}", name, name != "drop", name != "read") for name in ("read", "write", "drop")
        }
        self.collections = {name: found.id for name, found in self.held.items()}
        self.stored, self.posted, self.statuses = [], [], {}
        self.last_date, self.last_number = None, 0
        super().__init__(authority or PeerAuthority(), client_ca)
        self.api_root = f"{self.url}/api/"
        self.add(objects)

    def add(self, objects, collection="read", same_date=False, date=None):
        """Adds objects, each a microsecond or more after the one before; with `same_date` all at once, as some servers
        do with the objects of one POST."""
        with self.lock:
            for position, found in enumerate(objects):
                self.last_date = self.last_date if same_date and position else self.date_for(date if not position else None)
                self.last_number += 1
                self.held[collection].entries.append(Entry(self.last_number, self.last_date, found))

    def date_for(self, wanted):
        found = wanted or datetime.datetime.now(datetime.timezone.utc)
        return found if self.last_date is None else max(found, self.last_date + datetime.timedelta(microseconds=1))

    def objects(self, collection):
        """Every version that a collection holds, in the order of arrival."""
        with self.lock:
            return [entry.object for entry in self.held[collection].entries]

    def objects_url(self, collection="read"):
        return f"{self.api_root}collections/{self.collections[collection]}/objects/"

    # The hooks of lies: here they change nothing.

    @property
    def skew(self):
        return datetime.timedelta()

    @property
    def max_content_length(self):
        return self.content_max

    def page_source(self, request, honest):
        return honest

    def shape(self, request, what, resource):
        return resource

    def refusal_of(self, request, number, thing):
        """Why an object that is posted is not stored; None if it is."""
        return None

    # Answering

    def respond(self, request):
        try:
            answer = self.answer(request)
        except Refused as refused:
            answer = error(refused.status, refused.title, refused.headers)
        return answer.header("Date", email.utils.formatdate(time.time() + self.skew.total_seconds(), usegmt=True))

    def answer(self, request):
        self.authorise(request)
        found = self.find(request)
        if request.method not in (("GET", "HEAD", "POST") if request.endpoint in ("objects", "post") else ("GET", "HEAD")):
            raise Refused(405, "Method not allowed", [("Allow", "GET, HEAD, POST")])
        if not takes(request.headers.get("accept", "")):
            raise Refused(406, "Not acceptable")
        with self.lock:
            return getattr(self, f"answer_{request.endpoint}")(request, **found)

    def find(self, request):
        """Names the endpoint; POST to objects is one of its own."""
        for name, pattern in PATHS:
            if match := re.fullmatch(pattern, self.path_of(request)):
                request.endpoint = "post" if name == "objects" and request.method == "POST" else name
                return match.groupdict()
        raise Refused(404, "Nothing is here")

    def path_of(self, request):
        return request.path

    def authorise(self, request):
        if not self.credentials and not self.token:
            return
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.token and value == self.token:
            return
        if scheme.lower() == "basic" and self.credentials:
            try:
                if base64.b64decode(value, validate=True).decode() == ":".join(self.credentials):
                    return
            except (binascii.Error, UnicodeDecodeError):
                pass
        raise Refused(401, "Unauthorised", [("WWW-Authenticate", 'Basic realm="peer"' if self.credentials else "Bearer")])

    def answer_discovery(self, request):
        return taxii(200, self.shape(request, "discovery", {"title": "A peer", "default": self.api_root, "api_roots": [self.api_root]}))

    def answer_root(self, request):
        root = {"title": "Exchange", "versions": [TAXII], "max_content_length": self.max_content_length}
        return taxii(200, self.shape(request, "root", root))

    def answer_collections(self, request):
        return taxii(200, {"collections": [found.resource() for found in self.held.values()]})

    def answer_collection(self, request, collection):
        return taxii(200, self.collection_of(collection).resource())

    def collection_of(self, name):
        for found in self.held.values():
            if name in (found.id, found.alias):
                return found
        raise Refused(404, "No such collection")

    def readable(self, name):
        found = self.collection_of(name)
        if not found.can_read:
            raise Refused(403, "May not be read")
        return found

    def answer_objects(self, request, collection):
        entries = self.readable(collection).entries
        return self.paged(request, lambda query: self.page_of(entries, query, lambda entry: entry.object))

    def answer_manifest(self, request, collection):
        entries = self.readable(collection).entries
        return self.paged(request, lambda query: self.page_of(entries, query, self.record))

    def record(self, entry):
        return {
            "id": entry.object["id"], "date_added": self.shown(entry.date_added), "version": entry.version,
            "media_type": "application/stix+json;version=2.1",
        }

    def answer_object(self, request, collection, object):
        entries = [entry for entry in self.readable(collection).entries if entry.object.get("id") == object]
        if not entries:
            raise Refused(404, "No such object")
        return self.paged(request, lambda query: self.page_of(entries, query, lambda entry: entry.object))

    def answer_versions(self, request, collection, object):
        entries = [entry for entry in self.readable(collection).entries if entry.object.get("id") == object]
        if not entries:
            raise Refused(404, "No such object")
        return self.paged(request, lambda query: self.page_of(entries, query | {"match[version]": ["all"]}, lambda entry: entry.version, "versions"))

    def paged(self, request, honest):
        page = self.page_source(request, honest)(request.query)
        answer = taxii(200, page.resource())
        return answer.header("X-TAXII-Date-Added-First", page.first).header("X-TAXII-Date-Added-Last", page.last)

    def page_of(self, entries, query, member, key="objects"):
        """The page that a query asks for (§3.4, §3.5)."""
        limit = min(self.page_max, number_of(query.get("limit", [str(self.page_max)])))
        left = matching(entries, query)
        if "added_after" in query:
            border = moment_of(query["added_after"]) - self.skew
            left = [entry for entry in left if entry.date_added > border]
        if "next" in query:
            border = position_of(query["next"])
            left = [entry for entry in left if entry.number > border]
        shown, more = left[:limit], len(left) > limit
        if not shown:
            return Page([], key=key)
        return Page(
            [member(entry) for entry in shown], more, token_for(shown[-1].number) if more else None,
            self.shown(shown[0].date_added), self.shown(shown[-1].date_added), key)

    def shown(self, date):
        return stamp(date + self.skew)

    # Adding

    def answer_post(self, request, collection):
        target = self.collection_of(collection)
        if not target.can_write:
            raise Refused(403, "May not be written to")
        if not takes(request.headers.get("content-type", "")):
            raise Refused(415, "Unsupported media type")
        if len(request.body) > self.max_content_length:
            raise Refused(413, "Too large")
        objects = envelope_of(request.body)
        self.posted += objects
        status = {
            "id": str(uuid.uuid4()), "request_timestamp": self.shown(datetime.datetime.now(datetime.timezone.utc)), "successes": [],
            "failures": [], "to_store": [], "polls": self.pending_polls, "collection": target.alias}
        for number, thing in enumerate(objects):
            detail = {"id": thing["id"], "version": thing.get("modified") or thing.get("created") or stamp(datetime.datetime.now(datetime.timezone.utc))}
            if reason := self.refusal_of(request, number, thing):
                status["failures"].append(detail | {"message": reason})
            else:
                status["successes"].append(detail)
                status["to_store"].append(thing)
        self.statuses[status["id"]] = status
        if not status["polls"]:
            self.finish_status(status)
        return taxii(202, self.shape(request, "status", self.status_resource(status)))

    def finish_status(self, status):
        held = {(entry.object.get("id"), entry.version) for entry in self.held[status["collection"]].entries}
        for thing in status.pop("to_store", []):
            if (thing["id"], thing.get("modified") or thing.get("created")) not in held:
                held.add((thing["id"], thing.get("modified") or thing.get("created")))
                self.add([thing], status["collection"])
                self.stored.append(thing)

    def answer_status(self, request, status):
        if status not in self.statuses:
            raise Refused(404, "No such status")
        found = self.statuses[status]
        if found["polls"]:
            found["polls"] -= 1
        else:
            self.finish_status(found)
        return taxii(200, self.shape(request, "status", self.status_resource(found)))

    def status_resource(self, status):
        is_pending = "to_store" in status
        successes, failures, pendings = status["successes"], status["failures"], []
        if is_pending:
            successes, failures, pendings = [], [], successes + failures
        lists = {"successes": successes, "failures": failures, "pendings": pendings}
        return {
            "id": status["id"], "status": "pending" if is_pending else "complete", "request_timestamp": status["request_timestamp"],
            "total_count": len(successes + failures + pendings), "success_count": len(successes), "failure_count": len(failures),
            "pending_count": len(pendings),
        } | {name: found for name, found in lists.items() if found}


def taxii(status, resource, headers=()):
    return Answer(status, json.dumps(resource, ensure_ascii=False).encode("utf-8", "surrogatepass"), [("Content-Type", TAXII), *headers])


def error(status, title, headers=()):
    return taxii(status, {"title": title, "http_status": str(status)}, headers)


def takes(header):
    """Whether a media range of a header is TAXII 2.1, TAXII of no version, or everything."""
    for one in header.lower().replace(" ", "").split(","):
        kind, *parameters = one.split(";")
        version = dict(found.partition("=")[::2] for found in parameters).get("version", "2.1").strip('"')
        if kind in ("application/taxii+json", "*/*", "application/*") and version == "2.1":
            return True
    return False


def envelope_of(body):
    try:
        envelope = json.loads(body)
    except ValueError:
        raise Refused(400, "Not JSON") from None
    objects = envelope.get("objects") if isinstance(envelope, dict) else None
    if not isinstance(objects, list) or not objects:
        raise Refused(422, "Not an envelope")
    if not all(isinstance(found, dict) and isinstance(found.get("id"), str) for found in objects):
        raise Refused(422, "Not objects with ids")
    return objects


def number_of(values):
    if len(values) != 1 or not re.fullmatch(r"[1-9][0-9]{0,9}", values[0]):
        raise Refused(400, "limit is not a number above zero")
    return int(values[0])


def moment_of(values):
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", values[0]) if len(values) == 1 else None
    if not match:
        raise Refused(400, "added_after is not a timestamp")
    try:
        return datetime.datetime.fromisoformat(f"{match[1]}.{(match[2] or '0')[:6].ljust(6, '0')}+00:00")
    except ValueError:
        raise Refused(400, "added_after is no time that there is") from None


def token_for(number):
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode()


def position_of(values):
    try:
        match = re.fullmatch(rb"after (\d+)", base64.urlsafe_b64decode(values[0])) if len(values) == 1 else None
    except (binascii.Error, ValueError):
        match = None
    if not match:
        raise Refused(400, "next is not one that was given")
    return int(match[1])


def matching(entries, query):
    """What the match fields leave (§3.4.1), in the order of arrival."""
    wanted = {name: values[0].split(",") for name, values in query.items() if name.startswith("match[")}
    left = [
        entry for entry in entries
        if entry.object.get("id") in wanted.get("match[id]", [entry.object.get("id")])
        and entry.object.get("type") in wanted.get("match[type]", [entry.object.get("type")])
        and entry.object.get("spec_version", "2.1") in wanted.get("match[spec_version]", [entry.object.get("spec_version", "2.1")])
    ]
    versions = wanted.get("match[version]", ["last"])
    if versions == ["all"]:
        return left
    ranks = {}
    for entry in left:
        ranks.setdefault(entry.object.get("id"), []).append(rank(entry.version))
    chosen = []
    for entry in left:
        of_same = ranks[entry.object.get("id")]
        is_last, is_first = rank(entry.version) == max(of_same), rank(entry.version) == min(of_same)
        if "last" in versions and is_last or "first" in versions and is_first or entry.version in versions:
            chosen.append(entry)
    return chosen


def rank(version):
    """Orders timestamps of any number of fraction digits."""
    whole, _, fraction = str(version).rstrip("Z").partition(".")
    return whole, fraction.ljust(9, "0")
