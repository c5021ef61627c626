"""Plays a case: on the oracle, or on a hub, and says what differs from what the case expects."""

import datetime
import time

from governance_build import AUDIENCES, KNOWN, ORGANISATIONS, Names, organisations, uuid4_of
from governance_oracle import Exchange, version_of

WATCHERS = [
    *((name, "feed") for name in ORGANISATIONS), ("aa", "low"), ("aa", "ann"), ("bb", "bea"), ("bb", "boss"), ("cc", "fraud"), ("dd", "ops"), ("dd", "aud"), ("ee", "acs"),
]


def collection_of(case, second=False):
    return uuid4_of(f"collection of {case.name}" + (", second" if second else ""))


def registry_of(cases):
    """One registry in which every case has an agreement and a collection of its own."""
    made = {"organisation": organisations(), "audience": AUDIENCES, "consent": [], "agreement": []}
    if cases[0].server != "RED":
        made = {"tlp_max": cases[0].server} | made
    for number, case in enumerate(cases):
        base = {"api_root": "cases", "unmarked": "reject"}
        collections = [{"id": collection_of(case), "title": case.name} | base | case.collection]
        if case.second is not None:
            collections.append({"id": collection_of(case, True), "title": case.name + ", second"} | base | case.second)
        agreement = {"id": f"case-{number}", "title": case.name, "parties": list(ORGANISATIONS), "tlp_max": "RED"}
        made["agreement"].append(agreement | case.agreement | {"collection": collections})
        for consent in case.consents:
            where = {"collection": collection_of(case, consent["collection"] == "second")} if "collection" in consent else {}
            made["consent"].append(consent | where)
    return made


class OnOracle:
    """A case's registry and clock, without a hub."""

    def __init__(self, cases):
        self.exchange = Exchange(registry_of(cases))
        self.now = datetime.datetime.now(datetime.timezone.utc)

    def post(self, who, collection, objects):
        return [(identifier, version, reason) for identifier, version, reason in self.exchange.post(who, collection, objects, self.now)]

    def reads(self, who, collection, version):
        return self.exchange.reads(who, collection, self.now, version)

    def wait(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)


class OnHub:
    """A running hub whose registry has the case. It gives no reasons that a program could read."""

    def __init__(self, hub):
        self.hub = hub
        self.started = None

    @property
    def now(self):
        self.started = datetime.datetime.now(datetime.timezone.utc)
        return self.started

    def post(self, who, collection, objects):
        status = self.hub.post(who, collection, objects)
        failed = {(one["id"], one["version"]) for one in status.get("failures", ())}
        return [(one["id"], version_of(one), "refused" if (one["id"], version_of(one)) in failed else None) for one in objects]

    def reads(self, who, collection, version):
        first = self.hub.wire(who).get(self.hub.path(collection), version=version)
        if first.status != 200:
            assert first.status in (403, 404), first.body
            return set()
        found = [(one["id"], version_of(one)) for one in first.json.get("objects", ())]
        assert len(found) == len(set(found)), f"{who} is served the same version twice: {found}"
        return set(found)

    def wait(self, seconds):
        time.sleep(max(0, seconds - (datetime.datetime.now(datetime.timezone.utc) - self.started).total_seconds()))


def play(case, stage):
    """Texts of what is otherwise than the case says."""
    names = Names(case.name, KNOWN)
    collection, problems, keys, refused = collection_of(case), [], {}, {}
    names.objects([one for post in case.posts for one in post.objects], datetime.datetime.now(datetime.timezone.utc))
    now = stage.now
    for post in case.posts:
        objects = names.objects(post.objects, now)
        verdicts = stage.post(post.who, collection_of(case, post.second), objects)
        for made, one, (identifier, version, reason) in zip(post.objects, objects, verdicts, strict=True):
            assert (identifier, version) == (one["id"], version_of(one))
            keys[identifier, version] = made["_key"]
            if reason:
                refused[made["_key"]] = reason
    expected = case.refused
    if case.only:
        refused = {key: reason for key, reason in refused.items() if key == case.only}
    if isinstance(stage, OnHub):
        expected, refused = set(expected), set(refused)
    if refused != expected:
        problems.append(f"refused {refused}, expected {expected}")
    problems += misread(case.sees, stage, collection, keys, "")
    for who, version, wanted in case.gets:
        found = sorted(keys[row] for row in stage.reads((who, "feed"), collection, version))
        if found != sorted(wanted.split()):
            problems.append(f"{who} gets {found} as {version}, expected {wanted}")
    if case.then:
        stage.wait(3.2)
        problems += misread(case.then, stage, collection, keys, "later ")
    return problems


def misread(expected, stage, collection, keys, when):
    seen = {who: {keys[row] for row in stage.reads(who, collection, "all")} for who in WATCHERS} if expected else {}
    problems = []
    for key, text in expected.items():
        # A key without a number is the only version, or the first.
        same = {key, key.partition("/")[0]} if key.endswith("/1") else {key}
        words = text.replace("all", " ".join(ORGANISATIONS)).split()
        plain = {word for word in words if word[0] not in "+-"}
        found = {who[0] for who in WATCHERS if who[1] == "feed" and same & seen[who]}
        if found != plain:
            problems.append(f"{when}{key}: read by {sorted(found)}, expected {sorted(plain)}")
        for word in set(words) - plain:
            if bool(same & seen[tuple(word[1:].split("."))]) != (word[0] == "+"):
                problems.append(f"{when}{key}: expected {word}")
    return problems
