"""What clients find behind our own doors: submissions, previews, the audit log.

Nothing waits for release in the random world, so what is asked for there must not exist.
"""

import json
import uuid

from governance_build import indicator
from governance_oracle import READERS, WRITERS

SUBMISSION = str(uuid.UUID(int=0x5, version=4))


def nothing(leak, who, path, method, body=None):
    """A thing that does not exist is refused to everybody, and never told of."""
    answer = leak.hub.wire(who).ask(method, path, body)
    if answer.status not in (401, 403, 404):
        yield f"{who}: {method} {path} is {answer.status} {answer.body[:200]}"


def review(leak, who):
    answer = leak.hub.wire(who).ask("GET", "/liaison/v1/review/")
    writes = leak.exchange.clients[who]["role"] in WRITERS
    if answer.status != (200 if writes else 403):
        yield f"{who}: the list of what waits is {answer.status}"
    if writes and any(json.loads(answer.body).values()):
        yield f"{who}: something waits: {answer.body[:300]}"


def one_submission(leak, who):
    yield from nothing(leak, who, f"/liaison/v1/review/{SUBMISSION}/", "GET")


def decide_one(deed):
    return lambda leak, who: nothing(leak, who, f"/liaison/v1/review/{SUBMISSION}/{deed}/", "POST", b"{}")


def decide_several(deed):
    def look(leak, who):
        answer = leak.hub.wire(who).ask("POST", f"/liaison/v1/review/{deed}/", json.dumps({"submissions": [SUBMISSION]}).encode())
        if answer.status not in (200, 401, 403, 404) or b"released" in answer.body or b"declined" in answer.body:
            yield f"{who}: {deed} of what is not there is {answer.status} {answer.body[:200]}"

    return look


def preview(leak, who):
    """Only those who may write; and it names parties of the agreement only."""
    for one, settings in leak.exchange.collections.items():
        writes = leak.exchange.rights(who, one)[1] and leak.exchange.is_in_force(one, leak.now)
        body = json.dumps({"objects": [indicator(f"preview of {one}", "CLEAR") | {"id": f"indicator--{uuid.uuid4()}"}]}).encode()
        answer = leak.hub.wire(who).ask("POST", f"/liaison/v1/preview/{leak.hub.roots[one]}/{one}/", body)
        if (answer.status == 200) != writes or answer.status not in (200, 403, 404):
            yield f"{who}: a preview for {one} is {answer.status}, may write: {writes}"
        elif writes:
            named = {entry["organisation"] for audience in answer.json.get("audiences", ()) for entry in audience}
            if not named <= set(leak.exchange.agreements[one]["parties"]):
                yield f"{who}: a preview for {one} names {named}"
        del settings


def own_log(leak, who):
    """Auditors read everything; others only of deeds of their own organisation, and of pages with objects of theirs."""
    wire, after = leak.hub.wire(who), 0
    role = leak.exchange.clients[who]["role"]
    answer = wire.ask("GET", "/liaison/v1/audit/", after=after, limit=1000)
    if role not in READERS and role != "auditor":
        if answer.status != 403:
            yield f"{who}: a {role} reads the log: {answer.status}"
        return
    if answer.status != 200:
        yield f"{who}: the log is {answer.status}"
    elif role != "auditor":
        for record in map(json.loads, answer.json["records"]):
            own = str(record.get("by", "")).startswith(who[0] + "/")
            theirs = record["kind"] == "served" and record.get("objects", 0) > 0 and set(record) <= {"n", "at", "kind", "client", "collection", "view", "objects"}
            if not own and not theirs:
                yield f"{who}: the log tells {record}"


def checkpoint(leak, who):
    answer = leak.hub.wire(who).ask("GET", "/liaison/v1/audit/checkpoint/")
    if answer.status not in (200, 404) or answer.status == 200 and set(answer.json) != {"checkpoint", "vkey"}:
        yield f"{who}: the checkpoint is {answer.status} {answer.body[:200]}"


def consistency(leak, who):
    answer = leak.hub.wire(who).ask("GET", "/liaison/v1/audit/consistency/", old=1, new=2)
    if answer.status not in (200, 400) or answer.status == 200 and set(answer.json) != {"old", "new", "proof"}:
        yield f"{who}: consistency is {answer.status} {answer.body[:200]}"


def inclusion(leak, who):
    answer = leak.hub.wire(who).ask("GET", "/liaison/v1/audit/inclusion/", record=0, size=1)
    if answer.status == 200 and leak.exchange.clients[who]["role"] != "auditor":
        yield f"{who}: inclusion is proved to somebody who is no auditor"


def recipients(leak, who):
    """Of their own objects only, and named are those alone who may see them; anything else looks like nothing."""
    wire, dice = leak.hub.wire(who), leak.dice(who, "recipients")
    none = wire.get(f"/liaison/v1/audit/recipients/indicator--{uuid.UUID(int=7, version=4)}/")
    rows = [(one, row) for one in leak.exchange.collections for row in leak.exchange.logs[one].rows]
    for one, row in dice.sample(rows, min(25, len(rows))):
        identifier = row.thing["id"]
        answer = wire.get(f"/liaison/v1/audit/recipients/{identifier}/")
        owners = {other.owner for log in leak.exchange.logs.values() for other in log.by_id.get(identifier, ())}
        if leak.exchange.clients[who]["role"] == "auditor":
            continue
        if who[0] not in owners:
            if answer.status != none.status or answer.masked(identifier) != none.masked(f"indicator--{uuid.UUID(int=7, version=4)}"):
                yield f"{who}: recipients of {identifier} of {owners} are {answer.status} {answer.body[:200]}"
        elif answer.status == 200:
            for version in answer.json["versions"]:
                if version["owner"] != who[0]:
                    yield f"{who}: recipients of {identifier} tell of the version of {version['owner']}"
                for receiver in version["recipients"]:
                    client = tuple(receiver["client"].split("/"))
                    if receiver["how"] == "objects" and not leak.may_read(client, version["collection"]):
                        yield f"{who}: {client} is said to have received {identifier} from {version['collection']}"


OWN_DOORS = {
    "/liaison/v1/review": review,
    "/liaison/v1/review/{submission}": one_submission,
    "/liaison/v1/review/{submission}/release": decide_one("release"),
    "/liaison/v1/review/{submission}/decline": decide_one("decline"),
    "/liaison/v1/review/release": decide_several("release"),
    "/liaison/v1/review/decline": decide_several("decline"),
    "/liaison/v1/preview/{root}/{collection}": preview,
    "/liaison/v1/audit": own_log,
    "/liaison/v1/audit/checkpoint": checkpoint,
    "/liaison/v1/audit/consistency": consistency,
    "/liaison/v1/audit/inclusion": inclusion,
    "/liaison/v1/audit/recipients/{object}": recipients,
}
