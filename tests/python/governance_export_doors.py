"""What clients find in exports: who may fetch one, and that it holds what the oracle says and nothing else."""

import base64
import csv
import hashlib
import io
import json
import re
import threading
import uuid

from governance_export_oracle import Exported, may_fetch, values_of, whole_objects
from governance_markings import LEVEL, PAP_IDS, TLP_IDS, moment, pap_of
from governance_oracle import READERS, chosen, version_of
from governance_random_exports import DIFFERENT_VALUES

EXPORTS = "/liaison/v1/export"
LOCK = threading.Lock()
# What values of the random world look like in any file.
LOOKS = [
    r"v\d+\.bad\.example\.net", r"https?://v\d+\.web\.example\.net/p\d+", r"v\d+@mail\.example\.net", r"(?<![\d.])45\.\d+\.\d+\.\d+(?:/24)?", r"2a00::[0-9a-f:]*66",
    r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])",
]


def listing(leak, who):
    answer = leak.hub.wire(who).get(EXPORTS + "/")
    wanted = {one["id"] for one in leak.world.registry["export"] if may_fetch(leak.exchange, one, who)}
    found = {one["name"] for one in answer.json["exports"]}
    if found != wanted:
        yield f"{who}: the list of exports lacks {sorted(wanted - found)}, and LEAKS {sorted(found - wanted)}"


def main_file(leak, who):
    for export in asked(leak, who):
        answer = leak.hub.wire(who).get(f"{EXPORTS}/{export['id']}/")
        if may_fetch(leak.exchange, export, who):
            yield from judged(leak, who, export, answer)
        else:
            yield from hidden(leak, who, export, answer, f"{EXPORTS}/{export['id']}/")


def other_file(leak, who):
    wire = leak.hub.wire(who)
    for export in asked(leak, who):
        name, may = export["id"], may_fetch(leak.exchange, export, who)
        meta = wire.get(f"{EXPORTS}/{name}/{name}.meta.json")
        if not may:
            for file in (f"{name}.meta.json", f"{name}.csv", f"{name}.txt", f"{name}.json", f"{name}.ndjson", "nothing"):
                yield from hidden(leak, who, export, wire.get(f"{EXPORTS}/{name}/{file}"), f"{EXPORTS}/{name}/{file}")
            continue
        if meta.status != 200:
            yield f"{who}: the meta file of {name} is {meta.status}"
            continue
        yield from described(leak, export, meta.json)
        for file in (one["name"] for one in meta.json["files"]):
            answer = wire.get(f"{EXPORTS}/{name}/{file}")
            if answer.status != 200:
                yield f"{who}: {file} is {answer.status}"
            else:
                yield from nothing_else(expected(leak, export), f"{name}/{file}", answer.body.decode())
        for file in ("nothing", ".lock", f"{name}.sha256", "..%2fliaison.db", "%2e%2e%2f%2e%2e%2fliaison.toml"):
            if wire.get(f"{EXPORTS}/{name}/{file}").status not in (400, 404):
                yield f"{who}: {name}/{file} is served"


def asked(leak, who):
    """All of its organisation, and some of others."""
    every = leak.world.registry["export"]
    own = [one for one in every if one["organisation"] == who[0]]
    return own + leak.dice(who, "exports").sample([one for one in every if one not in own], 8)


def hidden(leak, who, export, answer, path):
    absent = f"org-99-{str(uuid.uuid4())[:2]}"
    none = leak.hub.wire(who).get(path.replace(export["id"], absent))
    if answer.status != 404 or answer.masked(export["id"]) != none.masked(absent):
        yield f"{who}: {path} is not as one that does not exist: {answer.status} {answer.body[:200]}"


def expected(leak, export):
    with LOCK:
        if export["id"] not in leak.exported:
            leak.exported[export["id"]] = Exported(leak.exchange, export, leak.world.registry, leak.now)
        return leak.exported[export["id"]]


def judged(leak, who, export, answer):
    what = f"{who}: {export['id']} ({export['format']})"
    if answer.status != 200 or "etag" not in answer.headers:
        yield f"{what} is {answer.status} {answer.body[:200]}"
        return
    wanted, text = expected(leak, export), answer.body.decode()
    if whole_objects(export):
        things = json.loads(text)["objects"] if export["format"] == "stix" else [json.loads(line) for line in text.splitlines()]
        found = {(one["id"], version_of(one)) for one in things if one["id"] not in TLP_IDS | PAP_IDS}
        if len({one["id"] for one in things}) != len(things):
            yield f"{what}: an object twice"
        yield from compared(what, found, {row.key for row in wanted.objects.values()})
    elif export["format"] == "csv":
        yield from table(what, wanted, text)
    elif export["format"] == "list":
        found = [line for line in text.splitlines() if not line.startswith("#")]
        yield from compared(what, set(found), {value for _, value in wanted.rows})
    elif export["format"] in ("rpz", "unbound"):
        found = set(re.findall(r"(?m)(?<![*.])v\d+\.bad\.example\.net", text))
        yield from compared(what, found, {value for kind, value in wanted.rows if kind == "domain-name" and value.startswith("v")})
    yield from nothing_else(wanted, what, text)


def compared(what, found, wanted):
    leaked, missing = sorted(found - wanted), sorted(wanted - found)
    if leaked or missing:
        yield f"{what}: LEAKED {leaked[:4]} ({len(leaked)}), missing {missing[:4]} ({len(missing)}) of {len(wanted)}"


def nothing_else(wanted, what, text):
    """Whatever the format: no value that is not for it."""
    if wanted.export["format"] in ("stix", "ndjson"):
        return
    for word in re.findall(r"(?m)^[A-Za-z0-9+/]{12,}={0,2}$", text):
        text += "\n" + base64.b64decode(word + "=" * (-len(word) % 4)).decode(errors="replace")
    values = {value for _, value in wanted.rows}
    # Some formats write a URL without its scheme, or take it apart.
    allowed = values | {value.removesuffix("/24") for value in values} | {value.partition("://")[2] for value in values}
    found = {value for look in LOOKS for value in re.findall(look, text)}
    leaked = {value for value in found - allowed if not re.fullmatch(r"[0-9a-f]{32}", value) or value in ALL_HASHES}
    if leaked and not wanted.rules:
        yield f"{what}: LEAKED values {sorted(leaked)[:5]} ({len(leaked)})"


ALL_HASHES = {hashlib.md5(str(n).encode()).hexdigest() for n in range(1, DIFFERENT_VALUES + 1)}


def table(what, wanted, text):
    lines = list(csv.DictReader(io.StringIO(text)))
    found = {(one["type"], one["value"]): one for one in lines}
    if len(found) != len(lines):
        yield f"{what}: a value twice"
    yield from compared(what, set(found), set(wanted.rows))
    names = {level: name.upper() for name, level in LEVEL.items() if name != "white"}
    for key, rows in wanted.rows.items():
        one = found.get(key)
        if one is None:
            continue
        newest = max((row for row, _, _ in rows), key=lambda row: (moment(row.version), row.thing["id"]))
        level = names[max(max(row.level(wanted.now), row.floor) for row, _, _ in rows)]
        if wanted.export.get("tlp_write") == "1.0":
            level = {"CLEAR": "WHITE", "AMBER+STRICT": "RED"}.get(level, level)
        untils = [until for _, until, _ in rows]
        until = "" if None in untils else max(untils).strftime("%Y-%m-%dT%H:%M:%SZ")
        scores = [score for _, _, score in rows if score is not None]
        said = (one["tlp"], one["pap"], one["stix_id"], one["valid_until"])
        told = (level, names[max(pap_of(row.terms, wanted.now) for row, _, _ in rows)], newest.thing["id"], until)
        if said != told:
            yield f"{what}: {key} is said to be {said}, expected {told}"
        if bool(scores) != bool(one["confidence"]) or scores and abs(float(one["confidence"]) - max(scores)) > 0.6:
            yield f"{what}: {key} has confidence {one['confidence']!r}, expected {max(scores, default=None)}"


def described(leak, export, meta):
    """The header names the highest level inside, and how many were left out, by reason."""
    wanted, what = expected(leak, export), f"{export['id']} ({export['format']})"
    # The others have no place for everything.
    is_exact = export["format"] in ("csv", "list", "stix", "ndjson")
    if is_exact and meta["tlp"] != wanted.word():
        yield f"{what}: the header says {meta['tlp']}, expected {wanted.word()}"
    found, told = dict(meta["left_out"]), dict(wanted.left_out)
    if is_exact and found != told:
        yield f"{what}: left out {found}, expected {told}"


def domains(leak, who):
    """Names that indicators name which a client sees in their last versions: each with those and their collections."""
    if who in leak.named:
        return leak.named[who]
    wanted = leak.named[who] = {}
    for one in leak.readable(who):
        for row in chosen(leak.seen[who, one], "last"):
            thing = row.thing
            atoms = values_of(thing["pattern"]) if thing["type"] == "indicator" and thing["pattern_type"] == "stix" else None
            for kind, value in atoms or ():
                if kind == "domain-name":
                    wanted.setdefault(value, set()).add((thing["id"], one))
    return wanted


def look_up(leak, who):
    """Exactly what the client sees, where it may look at all."""
    dice, wanted = leak.dice(who, "look-up"), domains(leak, who)
    # A single label is asked for by its type only.
    named = sorted(value for value in wanted if "." in value)
    asked = [f"v{dice.randint(1, DIFFERENT_VALUES)}.bad.example.net" for _ in range(200)] + named[:200]
    answer = leak.hub.wire(who).ask("POST", "/liaison/v1/lookup/", json.dumps({"values": asked}).encode())
    if answer.status != 200:
        if answer.status != 403 or leak.exchange.clients[who]["role"] in READERS:
            yield f"{who}: a look-up is {answer.status} {answer.body[:200]}"
        return
    looked = {one["value"]: one["hits"] for one in answer.json["results"]}
    for value in asked:
        found = {(hit["id"], hit["collection"]) for hit in looked.get(value, ()) if hit["how"] == "exact"}
        yield from compared(f"{who}: {value}", found, wanted.get(value, set()))


def submission(leak, who):
    """Only those who may write; it names parties of the agreement only, and tells of a value what a look-up does."""
    dice, seen = leak.dice(who, "submission"), {value for value in domains(leak, who) if "." in value}
    asked = sorted({f"v{dice.randint(1, DIFFERENT_VALUES)}.bad.example.net" for _ in range(200)} | set(sorted(seen)[:100]))
    request = {"files": [{"content": "value,type\n" + "".join(f"{value},domain-name\n" for value in asked), "format": "csv"}],
               "terms": {"tlp": "CLEAR", "purposes": ["cyber-defence"], "container": "none"}}
    for one in leak.exchange.collections:
        writes = leak.exchange.rights(who, one)[1] and leak.exchange.is_in_force(one, leak.now)
        path = f"/liaison/v1/submission/{leak.hub.roots[one]}/{one}/"
        answer = leak.hub.wire(who).ask("POST", path, json.dumps(request).encode())
        if (answer.status == 200) != writes or answer.status not in (200, 403, 404):
            yield f"{who}: a submission to {one} is {answer.status} {answer.body[:200]}, may write: {writes}"
        elif writes:
            named = {entry["organisation"] for audience in answer.json.get("preview", {}).get("audiences", ()) for entry in audience}
            if not named <= set(leak.exchange.agreements[one]["parties"]):
                yield f"{who}: a submission to {one} names {named}"
            told = {row["value"] for row in answer.json["values"] if row["known"]}
            yield from compared(f"{who}: values known to a submission to {one}", told, seen & set(asked))


EXPORT_DOORS = {
    EXPORTS: listing,
    EXPORTS + "/{name}": main_file,
    EXPORTS + "/{name}/{file}": other_file,
    "/liaison/v1/lookup": look_up,
    "/liaison/v1/submission/{root}/{collection}": submission,
}
