"""What clients read through each door, held against what the oracle says they may.

A door is a route of the server. Each function looks at it with the eyes of one client and yields
what is wrong, as text; `DOORS` names all routes, so that none is forgotten.
"""

import datetime
import itertools
import random
import re
import uuid
from pathlib import Path

from governance_build import TLP
from governance_export_doors import EXPORT_DOORS
from governance_oracle import Exchange, chosen, version_of
from governance_own_doors import OWN_DOORS

ROUTES = Path(__file__).resolve().parents[2] / "src/http/mod.rs"
STAMPS = [{marking} for marking in TLP.values()]


class Leak:
    """A hub with everything published, and the oracle that was told the same."""

    def __init__(self, hub, world):
        self.hub, self.world = hub, world
        self.exchange = Exchange(world.registry)
        self.statuses, self.dates, self.seen, self.reasons = [], {}, {}, set()
        self.exported, self.named = {}, {}
        self.now = datetime.datetime.now(datetime.timezone.utc)

    def publish(self):
        """Sends everything; yields what the hub took or refused otherwise than the oracle."""
        for who, collection, objects in self.world.posts:
            verdicts = self.exchange.post(who, collection, objects, self.now)
            self.reasons |= {reason for _, _, reason in verdicts}
            status = self.hub.post(who, collection, objects)
            self.statuses.append((who, self.hub.roots[collection], status))
            refused = {(one["id"], one["version"]) for one in status.get("failures", ())}
            taken = {(one["id"], one["version"]) for one in status.get("successes", ())}
            messages = {(one["id"], one["version"]): one["message"] for one in status.get("failures", ())}
            for (identifier, version, reason), thing in zip(verdicts, objects, strict=True):
                key = identifier, version
                if (reason is None) != (key in taken) or (reason is not None) != (key in refused):
                    yield f"{who} to {collection}: {reason or 'accepted'} by the oracle, the hub says {messages.get(key, 'accepted')}: {thing}"

    def look(self):
        """Learns the dates of all rows that anybody sees, and what each client may see."""
        for who in self.exchange.clients:
            for collection in self.exchange.collections:
                self.seen[who, collection] = self.exchange.visible(who, collection, self.now)
                if self.may_read(who, collection):
                    for answer in self.hub.wire(who).pages(self.hub.path(collection, "manifest/"), version="all"):
                        for one in answer.json.get("objects", ()):
                            self.dates.setdefault((collection, one["id"], one["version"]), set()).add(one["date_added"])

    def may_read(self, who, collection):
        return self.exchange.rights(who, collection)[0] and self.exchange.is_in_force(collection, self.now)

    def is_listed(self, who, collection):
        return any(self.exchange.rights(who, collection))

    def date(self, collection, row):
        """The date that every client is told for a row; None where one must be told it and is not."""
        return next(iter(self.dates.get((collection, *row.key), [None])))

    def readable(self, who):
        return [collection for collection in self.exchange.collections if self.may_read(who, collection)]

    def dice(self, *words):
        return random.Random(f"{self.world.seed} {words}")


def keys(objects):
    return [(one["id"], version_of(one)) for one in objects]


def differ(what, found, rows):
    """Rows must come each once, in the order in which they were added."""
    wanted = [row.key for row in rows]
    if found != wanted:
        leaked, missing = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
        yield f"{what}: LEAKED {leaked[:5]} ({len(leaked)}), missing {missing[:5]} ({len(missing)})" + ("" if leaked or missing else ", in another order or twice")


def dated(leak, collection, answer, rows):
    """The headers of a page speak of its first and its last row, and of no other."""
    told = [answer.headers.get(f"x-taxii-date-added-{end}") for end in ("first", "last")]
    wanted = [leak.date(collection, rows[0]), leak.date(collection, rows[-1])] if rows else [None, None]
    if told != wanted:
        yield f"{collection}: headers {told}, the page has {wanted}"


def paged(leak, who, collection, rest, rows, limit=None, **query):
    """All pages of a listing: the rows, their order, their headers, and full pages."""
    what, at, found = f"{who} {collection} {rest}{query} limit={limit}", 0, []
    for answer in leak.hub.wire(who).pages(leak.hub.path(collection, rest), limit=limit, **query):
        objects = answer.json.get("objects", [])
        page = [(one["id"], one["version"]) for one in objects] if rest == "manifest/" else keys(objects)
        more = answer.json.get("more", False)
        if more and len(page) != (limit or len(page)) or more and not page:
            yield f"{what}: a page of {len(page)} with more behind it"
        if not more and "next" in answer.json:
            yield f"{what}: next without more"
        yield from dated(leak, collection, answer, rows[at:at + len(page)])
        at += len(page)
        found += page
        if rest == "objects/":
            yield from unaltered(leak, collection, objects, {row.key: row for row in rows})
    yield from differ(what, found, rows)


def unaltered(leak, collection, objects, rows):
    """What is served is what was sent, but for a stamp."""
    for one in objects:
        row = rows.get((one["id"], version_of(one)))
        if row is not None and one != row.thing:
            added = set(one.pop("object_marking_refs", ())) - set(row.thing.get("object_marking_refs", ()))
            stamped = leak.exchange.collections[collection].get("unmarked", "").startswith("stamp") and added in STAMPS
            if not stamped or one != {name: value for name, value in row.thing.items() if name != "object_marking_refs"}:
                yield f"{collection} {row.key}: served otherwise than sent"


# Doors

ASKED = [("GET", ""), ("HEAD", ""), ("GET", "objects/"), ("GET", "manifest/"), ("GET", "objects/?match[version]=all"), ("HEAD", "objects/")]


def discovery(leak, who):
    answer = leak.hub.wire(who).get("/taxii2/")
    wanted = {leak.hub.roots[one] for one in leak.exchange.collections if leak.is_listed(who, one)}
    found = {url.rstrip("/").rpartition("/")[2] for url in answer.json.get("api_roots", ())}
    if found != wanted:
        yield f"{who}: roots {found}, expected {wanted}"


def api_root(leak, who):
    for root in sorted(set(leak.hub.roots.values())):
        is_there = any(leak.is_listed(who, one) for one, its in leak.hub.roots.items() if its == root)
        for path in (f"/{root}/", f"/{root}/collections/"):
            answer, absent = leak.hub.wire(who).get(path), leak.hub.wire(who).get(path.replace(root, "nowhere"))
            if (answer.status == 200) != is_there or (not is_there and answer.masked() != absent.masked()):
                yield f"{who}: {path} answers {answer.status}"


def collections(leak, who):
    for root in sorted(set(leak.hub.roots.values())):
        answer = leak.hub.wire(who).get(f"/{root}/collections/")
        found = {one["id"]: (one["can_read"], one["can_write"]) for one in answer.json.get("collections", ())} if answer.status == 200 else {}
        wanted = {one: leak.exchange.rights(who, one) for one, its in leak.hub.roots.items() if its == root and leak.is_listed(who, one)}
        if found != wanted:
            yield f"{who}: {root} lists {found}, expected {wanted}"


def collection(leak, who):
    absent = str(uuid.uuid4())
    for one, root in leak.hub.roots.items():
        for name, (method, rest) in itertools.product(filter(None, (one, leak.exchange.collections[one].get("alias"))), ASKED):
            answer = leak.hub.wire(who).ask(method, f"/{root}/collections/{name}/{rest}")
            if leak.is_listed(who, one):
                status = 200 if not rest or leak.may_read(who, one) else 403
                if answer.status != status:
                    yield f"{who}: {method} {name}/{rest} is {answer.status}, not {status}"
            else:
                other = leak.hub.wire(who).ask(method, f"/{root}/collections/{absent}/{rest}")
                if answer.status != 404 or answer.masked(name) != other.masked(absent):
                    yield f"{who}: {method} {name}/{rest} of {root} differs from no collection: {answer.status} {answer.body}"
        if not leak.is_listed(who, one):
            posted, other = (leak.hub.wire(who).ask("POST", f"/{root}/collections/{name}/objects/", '{"objects":[{}]}') for name in (one, absent))
            if posted.status != 404 or posted.masked(one) != other.masked(absent):
                yield f"{who}: POST to {one} differs from no collection: {posted.status} {posted.body}"


def objects(leak, who):
    for one in leak.readable(who):
        rows, dice = leak.seen[who, one], leak.dice(who, one)
        yield from paged(leak, who, one, "objects/", rows, version="all")
        yield from paged(leak, who, one, "objects/", chosen(rows, "last"), limit=dice.randint(20, 150))
        yield from paged(leak, who, one, "objects/", chosen(rows, "first"), version="first")
        yield from filtered(leak, who, one, rows, dice)
        yield from swapped(leak, who, one, dice)
        yield from headed(leak, who, one, dice)


def filtered(leak, who, one, rows, dice):
    everything = leak.exchange.logs[one].rows
    if not everything:
        return
    types = {row.thing["type"] for row in dice.sample(everything, min(3, len(everything)))}
    asked = {row.thing["id"] for row in dice.sample(everything, min(60, len(everything)))}
    other = dice.choice(everything)
    last = chosen(rows, "last")
    yield from paged(leak, who, one, "objects/", [row for row in rows if row.thing["type"] in types], version="all", type=",".join(sorted(types)))
    yield from paged(leak, who, one, "objects/", [row for row in last if row.thing["id"] in asked], id=",".join(sorted(asked)), limit=dice.randint(1, 20))
    yield from paged(leak, who, one, "objects/", chosen(rows, other.version), version=other.version)
    after = leak.date(one, other)
    if after is not None:
        yield from paged(leak, who, one, "objects/", [row for row in rows if (leak.date(one, row) or "") > after], version="all", added_after=after)
        yield from paged(leak, who, one, "manifest/", [row for row in last if (leak.date(one, row) or "") > after], added_after=after)


def swapped(leak, who, one, dice):
    """A cursor of another client is a place in the log, and nothing more."""
    others = [other for other in leak.exchange.clients if other != who and leak.may_read(other, one)]
    other, limit = dice.choice(others or [who]), dice.randint(1, 30)
    for rest in ("objects/", "manifest/"):
        theirs = leak.hub.wire(other).get(leak.hub.path(one, rest), version="all", limit=limit)
        if not theirs.json.get("more"):
            continue
        after = theirs.headers["x-taxii-date-added-last"]
        own = leak.hub.wire(who).get(leak.hub.path(one, rest), version="all", limit=limit, next=theirs.json["next"])
        wanted = [row for row in leak.seen[who, one] if (leak.date(one, row) or "") > after][:limit]
        found = [(found["id"], found.get("version") or version_of(found)) for found in own.json.get("objects", [])]
        yield from differ(f"{who} {one} {rest} with a cursor of {other}", found, wanted)
        yield from dated(leak, one, own, wanted)


def headed(leak, who, one, dice):
    for rest in ("objects/", "manifest/"):
        query = {"limit": dice.randint(1, 50), "version": dice.choice(["all", "last", "first"])}
        head, get = (leak.hub.wire(who).ask(method, leak.hub.path(one, rest), **query) for method in ("HEAD", "GET"))
        if head.body or (head.status, head.masked()[1]) != (get.status, get.masked()[1]):
            yield f"{who} {one}: HEAD {rest} differs from GET"


def manifest(leak, who):
    for one in leak.readable(who):
        rows, dice = leak.seen[who, one], leak.dice(who, one, "manifest")
        yield from paged(leak, who, one, "manifest/", rows, version="all", limit=dice.randint(50, 400))
        yield from paged(leak, who, one, "manifest/", chosen(rows, "last"))
        yield from paged(leak, who, one, "manifest/", chosen(rows, "first"), version="first")
        for row in rows:
            if len(leak.dates.get((one, *row.key), ())) != 1:
                yield f"{one} {row.key} has the dates {leak.dates.get((one, *row.key))}"


def probes(leak, who):
    """Some objects of collections that a client reads: (collection, id, all rows, visible rows)."""
    dice = leak.dice(who, "probes")
    for one in leak.readable(who):
        for row in dice.sample(leak.exchange.logs[one].rows, min(2, len(leak.exchange.logs[one].rows))):
            identifier = row.thing["id"]
            yield one, identifier, leak.exchange.logs[one].by_id[identifier], [row for row in leak.seen[who, one] if row.thing["id"] == identifier]


def by_id(leak, who, rest="", methods=("GET", "HEAD", "DELETE")):
    for one, identifier, every, visible in probes(leak, who):
        path, absent = leak.hub.path(one, f"objects/{identifier}/{rest}"), identifier.partition("--")[0] + f"--{uuid.uuid4()}"
        if visible:
            yield from by_id_visible(leak, who, one, path, rest, every, visible)
            continue
        if any(row.owner == who[0] for row in every):
            methods = tuple(method for method in methods if method != "DELETE")
        for method, query in itertools.product(methods, ({}, {"version": "all"}, {"version": every[0].version})):
            hidden, none = (leak.hub.wire(who).ask(method, path.replace(identifier, name), **query) for name in (identifier, absent))
            if hidden.status not in (403, 404) or hidden.masked(identifier) != none.masked(absent):
                yield f"{who} {one}: {method} {identifier} {query} differs from a random id: {hidden.status} {hidden.body[:200]}"
                break  # What is there after all must not be deleted.


def by_id_visible(leak, who, one, path, rest, every, visible):
    wire = leak.hub.wire(who)
    if rest:
        found = wire.get(path, version="all").json.get("versions", [])
        if found != [row.version for row in visible]:
            yield f"{who} {path}: versions {found}"
        return
    for version in ("all", "first", "last"):
        answer, rows = wire.get(path, version=version), chosen(visible, version)
        yield from differ(f"{who} {path} {version}", keys(answer.json.get("objects", [])), rows)
        yield from dated(leak, one, answer, rows)
    for row in every:
        if row not in visible:
            hidden, none = (wire.get(path, version=version) for version in (row.version, "2019-01-01T00:00:00.000Z"))
            if hidden.masked() != none.masked():
                yield f"{who} {path}: the hidden version {row.version} shows"


def versions(leak, who):
    yield from by_id(leak, who, "versions/", ("GET", "HEAD"))


def status(leak, who):
    dice, wire = leak.dice(who, "status"), leak.hub.wire(who)
    for other, root, told in dice.sample(leak.statuses, min(15, len(leak.statuses))):
        answer, none = (wire.get(f"/{root}/status/{one}/") for one in (told["id"], uuid.uuid4()))
        if other == who and answer.json != told:
            yield f"{who}: its own status {told['id']} is {answer.status}"
        if other != who and (answer.status != 404 or answer.masked() != none.masked()):
            yield f"{who}: the status {told['id']} of {other} is {answer.status}"


def whoami(leak, who):
    found = {
        one["id"]: (one["can_read"], one["can_write"]) for root in leak.hub.wire(who).get("/liaison/v1/whoami/").json["api_roots"] for one in root["collections"]
    }
    wanted = {one: leak.exchange.rights(who, one) for one in leak.exchange.collections if leak.is_listed(who, one)}
    if found != wanted:
        yield f"{who}: whoami has {found}, expected {wanted}"


COLLECTION = "/{root}/collections/{collection}"
DOORS = {
    "/taxii2": discovery,
    "/{root}": api_root,
    "/{root}/collections": collections,
    "/{root}/status/{status}": status,
    "/liaison/v1/whoami": whoami,
    COLLECTION: collection,
    f"{COLLECTION}/objects": objects,
    f"{COLLECTION}/manifest": manifest,
    f"{COLLECTION}/objects/{{object}}": by_id,
    f"{COLLECTION}/objects/{{object}}/versions": versions,
} | OWN_DOORS | EXPORT_DOORS


def routes():
    """The paths of the server's route tables, and how many services and further tables they name."""
    text, paths, wanted = ROUTES.read_text(), [], []
    named = dict(re.findall(r'let (\w+) = "(/[^"]*)";', text))
    for table in re.findall(r"\nfn \w*routes\((.*?)\n}\n", text, re.DOTALL):
        prefix = re.search(r'format!\("([^"]*)\{path\}', table)[1]
        for plain, form, name in re.findall(r'\.service\(\s*\w+\(\s*(?:"([^"]*)"|&format!\("([^"]*)"\)|(\w+)\))', table):
            filled = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda match: named[match[1]], form)
            own = plain or re.sub(r"\{\{(\w+)\}\}", r"{\1}", filled)
            paths.append(prefix + (named[name] if name else own))
        wanted += re.findall(r"\.(service|configure)\((?!\w*routes\))", table)
        wanted += [other for other in re.findall(r"\.configure\((\w*routes)\)", table) if other not in re.findall(r"\nfn (\w*routes)\(", text)]
    return paths, len(wanted)
