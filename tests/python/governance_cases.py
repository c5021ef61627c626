"""Table-driven cases of the sharing rule book: levels, containers, unmarked, floors, versions.

Each case has a collection of its own. `sees` says which of the six organisations' feeds read a
version ("all": the six), with `+client` and `-client` for further clients; `refused` names all
objects that are refused, with the reason. The expectations are written by hand.
"""

from dataclasses import dataclass, field

from governance_build import (
    TLP,
    analysis,
    definition,
    foreign,
    grouping,
    identity,
    iep,
    indicator,
    location,
    malware,
    note,
    observable,
    observed,
    opinion,
    rel,
    relationship,
    report,
    sighting,
    statement,
    thing,
    tlp_claim,
    translation,
)

LEVELS = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]


@dataclass
class Post:
    who: tuple
    objects: list
    second: bool = False


@dataclass
class Case:
    name: str
    posts: list
    sees: dict = field(default_factory=dict)
    refused: dict = field(default_factory=dict)
    only: str = ""
    collection: dict = field(default_factory=dict)
    agreement: dict = field(default_factory=dict)
    second: dict | None = None
    consents: list = field(default_factory=list)
    gets: list = field(default_factory=list)
    then: dict = field(default_factory=dict)
    server: str = "RED"


def post(who, *objects, second=False):
    organisation, _, client = who.partition(".")
    return Post((organisation, client or "feed"), list(objects), second)


CASES = []


def case(name, *posts, **more):
    CASES.append(Case(name, list(posts), **more))


def level(name, wanted, key, *posts, **collection):
    """That `key` has a level: it is taken where that is the highest, and refused one below."""
    at = LEVELS.index(wanted)
    case(f"{name}: at most {wanted}", *posts, only=key, collection={"tlp_max": wanted} | collection)
    if at:
        below = {"tlp_max": LEVELS[at - 1]} | collection
        case(f"{name}: above {LEVELS[at - 1]}", *posts, only=key, refused={key: "tlp_above_ceiling"}, collection=below)


def unmarked(name, key, *posts, **more):
    case(name, *posts, only=key, refused={key: "unmarked"}, **more)


# Rules 1 to 3: references, granular markings, labels

for word, wanted in [
    ("CLEAR", "CLEAR"), ("GREEN", "GREEN"), ("AMBER", "AMBER"), ("AMBER+STRICT", "AMBER+STRICT"), ("RED", "RED"), ("WHITE1", "CLEAR"),
    ("GREEN1", "GREEN"), ("AMBER1", "AMBER"), ("RED1", "RED"), ("STRICT-OPENCTI", "AMBER+STRICT"),
]:
    level(f"reference {word}", wanted, "i", post("aa", indicator("i", word)))
for label, wanted in [
    ("tlp:white", "CLEAR"), ("TLP:Green", "GREEN"), ('"tlp:amber"', "AMBER"), ("'TLP:AMBER+STRICT'", "AMBER+STRICT"), ("tlp:red", "RED"),
]:
    level(f"label {label}", wanted, "i", post("aa", indicator("i", labels=["x", label])))
for label in ("tlp:unclear", "tlp:redder", "xtlp:red", "tlp red", "tlp:", "pap:red"):
    unmarked(f"label {label} is no level", "i", post("aa", indicator("i", labels=[label])))
level("vector 1: label above the reference", "AMBER+STRICT", "i", post("aa", indicator("i", "AMBER1", labels=["tlp:amber+strict"])))
level("label below the reference", "GREEN", "i", post("aa", indicator("i", "GREEN", labels=["tlp:clear"])))
level("the highest of two references", "AMBER", "i", post("aa", indicator("i", "AMBER", "CLEAR")))
level("a PAP marking is no TLP", "GREEN", "i", post("aa", indicator("i", "GREEN", "PAP-RED", "PAP-GREEN-OPENCTI")))
unmarked("PAP alone is no level", "i", post("aa", indicator("i", "PAP-RED")))


def partly(word, *marks):
    return indicator("i", *marks, granular_markings=[{"marking_ref": TLP[word], "selectors": ["name"]}])


level("vector 3: granular above the reference", "GREEN", "i", post("aa", partly("GREEN", "CLEAR")))
level("granular alone", "AMBER", "i", post("aa", partly("AMBER")))
level("granular below the reference", "AMBER", "i", post("aa", partly("CLEAR", "AMBER")))

# Definitions under other ids

level("tlp_2_0 under an unknown id", "AMBER+STRICT", "i", post("aa", tlp_claim("m", "amber+strict"), indicator("i", "@m")))
level("name under an unknown id", "AMBER", "i", post("aa", statement("m", name="TLP:AMBER"), indicator("i", "@m")))
level("x_opencti_definition under an unknown id", "GREEN", "i", post("aa", statement("m", x_opencti_definition="tlp:green"), indicator("i", "@m")))
level("definition_type TLP", "AMBER", "i", post("aa", definition("m", definition_type="TLP", definition={"tlp": "amber"}), indicator("i", "@m")))
level("a claim below the reference", "AMBER", "i", post("aa", tlp_claim("m", "green"), indicator("i", "@m", "AMBER")))
level("a claim above the reference", "AMBER", "i", post("aa", tlp_claim("m", "amber"), indicator("i", "@m", "GREEN")))
level("the definition comes after", "AMBER", "i", post("aa", indicator("i", "@m"), tlp_claim("m", "amber")))
level("the definition came before", "AMBER", "i", post("aa", tlp_claim("m", "amber")), post("aa", indicator("i", "@m")))
level("another organisation's definition", "AMBER", "i", post("bb", tlp_claim("m", "amber")), post("aa", indicator("i", "@m")))
level("the definition is refused beside it", "GREEN", "i", post("aa", tlp_claim("m", "green") | {"object_marking_refs": ["@r"]}, indicator("i", "@m"), statement("r")),
      types=["indicator"])
level("a definition's own marking does not pass on", "GREEN", "i", post("aa", statement("m", "RED"), indicator("i", "GREEN", "@m")))
unmarked("vector 4: a statement is no level", "i", post("aa", statement("m"), indicator("i", "@m")))
unmarked("a name that only begins so is no level", "i", post("aa", statement("m", name="TLP:AMBER team"), indicator("i", "@m")))
case("an unknown reference is refused", post("aa", indicator("i", "GREEN", "@known"), statement("known")), post("aa", indicator("k", "GREEN", foreign("x")["id"])),
     post("aa", foreign("x")), refused={"k": "marking_unknown"}, sees={"i": "all"})
case("an unknown granular reference is refused", post("aa", indicator("i", "GREEN", granular_markings=[{"marking_ref": "@m", "selectors": ["name"]}])),
     post("aa", statement("m")), refused={"i": "marking_unknown"})
case("a definition of another collection is none", post("aa", statement("m"), second=True), post("aa", indicator("i", "GREEN", "@m")),
     second={}, refused={"i": "marking_unknown"})
case("a definition that was refused earlier is none", post("aa", statement("m", "RED")), post("aa", indicator("i", "GREEN", "@m")),
     collection={"tlp_max": "AMBER"}, refused={"m": "tlp_above_ceiling", "i": "marking_unknown"})
case("built-in definitions may be sent", post("aa", tlp_claim("m", "green") | {
    "id": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "name": "TLP:GREEN", "created": "2022-10-01T00:00:00.000Z"}, indicator("i", "GREEN")), sees={"i": "all"})

# IEP

level("IEP in force", "AMBER", "i", post("aa", iep("m", "amber"), indicator("i", "@m")))
level("IEP between its dates", "AMBER", "i", post("aa", iep("m", "amber", start_date="2020-01-01T00:00:00Z", end_date="2999-01-01T00:00:00Z"), indicator("i", "@m")))
level("IEP over a reference", "AMBER", "i", post("aa", iep("m", "amber"), indicator("i", "@m", "CLEAR")))
level("IEP that is over", "GREEN", "i", post("aa", iep("m", "red", end_date="2021-01-01T00:00:00Z"), indicator("i", "@m", "GREEN")))
level("IEP that has not begun", "GREEN", "i", post("aa", iep("m", "red", start_date="2999-01-01T00:00:00Z"), indicator("i", "@m", "GREEN")))
level("the highest of two IEPs", "AMBER", "i", post("aa", iep("m", "amber"), iep("n", "white"), indicator("i", "@n", "@m")))
unmarked("IEP without tlp is no level", "i", post("aa", iep("m"), indicator("i", "@m")))
unmarked("IEP that is over is no level", "i", post("aa", iep("m", "green", end_date="2021-01-01T00:00:00Z"), indicator("i", "@m")))
case("IEP ends while stored, and it was the only level", post("aa", iep("m", "green", end_date="@in3"), indicator("i", "@m"), indicator("k", "@m", "GREEN")),
     sees={"i": "all +aa.low", "k": "all +aa.low"}, then={"i": "aa -aa.low", "k": "all +aa.low"})
case("IEP begins while stored", post("aa", iep("m", "red", start_date="@in3"), indicator("i", "@m", "GREEN")), sees={"i": "all"}, then={"i": "aa"})
case("IEP above what is under it ends", post("aa", iep("m", "red", end_date="@in3"), indicator("i", "@m", "GREEN")), sees={"i": "aa -aa.low"}, then={"i": "all +aa.low"})

# Rule 4: containers

WITHIN = {
    "report": report("c", ["@i"], "AMBER"), "grouping": grouping("c", ["@i"], "AMBER"), "note": note("c", ["@i"], "AMBER"), "opinion": opinion("c", ["@i"], "AMBER"),
    "sighting": sighting("c", "@i", "AMBER"), "relationship": relationship("c", "@i", "@i", "AMBER"),
}
for kind, container in WITHIN.items():
    level(f"named by a {kind}", "AMBER", "i", post("aa", indicator("i"), container))
level("observable of observed-data", "AMBER", "s", post("aa", observable("s", "c1.example"), observed("c", [observable("s", "c1.example")["id"]], "AMBER")))
level("found by a malware analysis", "AMBER", "s", post("aa", analysis("c", [observable("s", "c2.example")["id"]], "AMBER"), observable("s", "c2.example")))
level("observable of a malware, which is no container", "AMBER", "s", post(
    "aa", observable("s", "c3.example"), malware("c", "AMBER", x_seen_refs=[observable("s", "c3.example")["id"]])))
level("observable through an observable", "AMBER", "s", post(
    "aa", observable("s", "192.0.2.4", kind="ipv4-addr"), observable("d", "c4.example", resolves_to_refs=[observable("s", "192.0.2.4", kind="ipv4-addr")["id"]]),
    report("r", [observable("d", "c4.example")["id"]], "AMBER")))
unmarked("an indicator named by a malware, which is no container", "i", post("aa", indicator("i"), malware("c", "AMBER", x_seen_refs=["@i"])))
unmarked("a translation is no container", "i", post("aa", indicator("i"), translation("t", "@i", "AMBER")))
level("vector 2: the report's level", "AMBER+STRICT", "i", post("aa", report("r", ["@i"], "AMBER+STRICT"), indicator("i")))
unmarked("vector 2: alone", "i", post("aa", indicator("i")))
unmarked("another envelope's report", "i", post("aa", report("r", ["@i"], "AMBER")), post("aa", indicator("i")))
unmarked("a report that does not name it", "i", post("aa", indicator("i"), indicator("k"), report("r", ["@k"], "AMBER")))
level("the highest of two containers", "AMBER", "i", post("aa", report("r", ["@i"], "AMBER"), note("n", ["@i"], "GREEN"), indicator("i")))
level("a container's label", "AMBER", "i", post("aa", report("r", ["@i"], labels=["tlp:amber"]), indicator("i")))
level("an own level stays below the container's", "GREEN", "i", post("aa", report("r", ["@i"], "RED"), indicator("i", "GREEN")))
level("through an unmarked container", "AMBER", "i", post("aa", indicator("i"), grouping("g", ["@i"]), report("r", ["@g"], "AMBER")))
level("through two unmarked containers", "AMBER", "i", post("aa", report("r", ["@g"], "AMBER"), note("n", ["@i"]), grouping("g", ["@n"]), indicator("i")))
level("containers in a circle", "AMBER", "i", post("aa", grouping("g", ["@n", "@i"]), note("n", ["@g"]), indicator("i"), report("r", ["@n"], "AMBER")))
level("a marked container hides those behind it", "GREEN", "i", post("aa", indicator("i"), grouping("g", ["@i"], "GREEN"), report("r", ["@g"], "RED")))
unmarked("unmarked containers in a circle", "i", post("aa", grouping("g", ["@n", "@i"]), note("n", ["@g"]), indicator("i")))
level("a container of a refused type", "AMBER", "i", post("aa", report("r", ["@i"], "AMBER"), indicator("i")), types=["indicator"])
case("a container above the ceiling counts", post("aa", report("r", ["@i"], "RED"), indicator("i"), indicator("k", "CLEAR")),
     collection={"tlp_max": "AMBER"}, refused={"r": "tlp_above_ceiling", "i": "tlp_above_ceiling"}, sees={"k": "all"})
level("relationship named by a report", "AMBER", "x", post("aa", relationship("x", "@i", "@k"), indicator("i", "CLEAR"), indicator("k", "CLEAR"), report("r", ["@x"], "AMBER")))
unmarked("its creator does not contain it", "i", post("aa", indicator("i"), report("r", ["@k"], "AMBER", created_by_ref="@aa"), indicator("k")))
level("an identity that is only the creator", "GREEN", "d", post("aa", {**identity("d"), "id": "@aa"}, report("r", ["@k"], "RED", created_by_ref="@aa"), indicator("k", "RED")))
level("an identity that a report names", "AMBER", "d", post("aa", identity("d"), report("r", ["@d"], "AMBER")))
case("containers come before assume", post("aa", report("r", ["@i"], "AMBER"), indicator("i")), collection={"unmarked": "assume:CLEAR"}, sees={"i": "all -aa.low"})

NOWHERE = "marking-definition--7b0e7d5a-3a55-4a0b-9d4f-8f3a2b0c6e21"
case("a container with an unknown marking counts with what it says", post("aa", report("r", ["@i"], "RED", NOWHERE), indicator("i")), collection={"unmarked": "assume:GREEN"},
     refused={"r": "marking_unknown"}, sees={"i": "aa -aa.low"})
case("a container with a malformed marking counts with what it says", post("aa", rel("m", rel_to="AA"), report("r", ["@i"], "RED", "@m"), indicator("i")),
     collection={"unmarked": "assume:GREEN"}, refused={"m": "marking_malformed", "r": "marking_unknown"}, sees={"i": "aa -aa.low"})
case("a container of another's creator counts", post("aa", report("r", ["@i"], "RED", created_by_ref="@bb"), indicator("i")), collection={"unmarked": "assume:GREEN"},
     refused={"r": "creator"}, sees={"i": "aa -aa.low"})
case("a container from the future counts", post("aa", report("r", ["@i"], "RED", modified="2999-01-01T00:00:00.000Z"), indicator("i")), collection={"unmarked": "assume:GREEN"},
     refused={"r": "clock"}, sees={"i": "aa -aa.low"})

# Rule 5: unmarked

for rule in ("assume", "stamp"):
    case(f"{rule} AMBER", post("aa", indicator("i")), collection={"unmarked": f"{rule}:AMBER"}, sees={"i": "all -aa.low"})
    case(f"{rule} GREEN", post("aa", indicator("i")), collection={"unmarked": f"{rule}:GREEN"}, sees={"i": "all +aa.low"})
    case(f"{rule} RED", post("bb", indicator("i")), collection={"unmarked": f"{rule}:RED"}, sees={"i": "bb"})
    case(f"{rule} above the publisher", post("aa.lowfeed", indicator("i")), collection={"unmarked": f"{rule}:AMBER"}, refused={"i": "tlp_above_ceiling"})
    case(f"{rule} is not for what has a level", post("aa", indicator("i", "CLEAR"), indicator("k", "RED")), collection={"unmarked": f"{rule}:AMBER"},
    sees={"i": "all +aa.low", "k": "aa"})
    case(f"{rule} for observables, identities, definitions", post("aa", observable("s", "u1.example"), identity("d"), statement("m")), collection={"unmarked": f"{rule}:AMBER"},
         sees={"s": "all -aa.low", "d": "all -aa.low", "m": "all +aa.low"})
level("inherit takes a container", "AMBER", "i", post("aa", indicator("i"), report("r", ["@i"], "AMBER")), unmarked="inherit")
unmarked("inherit refuses what is alone", "i", post("aa", indicator("i")), collection={"unmarked": "inherit"})
unmarked("an observable alone", "s", post("aa", observable("s", "u2.example")))
level("identity", "GREEN", "d", post("aa", identity("d")))
level("location", "GREEN", "d", post("aa", location("d")))
level("identity with a level", "AMBER", "d", post("aa", identity("d", "AMBER")))
level("marking definition", "CLEAR", "m", post("aa", statement("m")))
level("marking definition with a level", "AMBER", "m", post("aa", statement("m", "AMBER")))
level("a TLP claim is not the level of its own definition", "CLEAR", "m", post("aa", tlp_claim("m", "red")))
level("extension definition", "CLEAR", "e", post("aa", identity("d", "CLEAR"), thing(
    "extension-definition", "e", name="E", schema="https://e.example/", version="1.0", extension_types=["property-extension"], created_by_ref="@aa")))
level("translation, as the translated", "AMBER", "t", post("aa", indicator("i", "AMBER"), translation("t", "@i")))
case("translation of what is stored", post("bb", indicator("i", "RED")), post("aa", translation("t", "@i")), sees={"i": "bb", "t": "aa"})
unmarked("translation of nothing", "t", post("aa", translation("t", "@i"), note("n", ["@i"], "GREEN")), post("aa", indicator("i", "GREEN")))
case("translation, under the terms of the translated", post("aa", rel("m", rel_to=["AA", "BB"]), indicator("i", "GREEN", "@m"), translation("t", "@i")),
     sees={"i": "aa bb b2", "t": "aa bb b2"})
case("translation under assume, under the terms of the translated", post("aa", rel("m", rel_to=["AA", "BB"]), indicator("i", "GREEN", "@m"), translation("t", "@i")),
     collection={"unmarked": "assume:CLEAR"}, sees={"t": "aa bb b2 +aa.low"})
case("translation under assume, of something higher", post("aa", indicator("i", "AMBER"), translation("t", "@i")), collection={"unmarked": "assume:CLEAR"},
     sees={"t": "all -aa.low"})
case("translation under assume, of something lower", post("aa", indicator("i", "CLEAR"), translation("t", "@i")), collection={"unmarked": "assume:AMBER"},
     sees={"t": "all -aa.low"})

# The same again: equal content is a success and stores nothing, whoever sends it

AGAIN = observable("s", "again.example")
case("an observable again", post("aa", AGAIN, report("r", [AGAIN["id"]], "GREEN")), post("bb", AGAIN, report("q", [AGAIN["id"]], "AMBER")), sees={"s": "all +aa.low"})
case("an observable again, at a lower level", post("aa", AGAIN, report("r", [AGAIN["id"]], "AMBER")), post("aa", AGAIN, report("q", [AGAIN["id"]], "GREEN")), sees={"s": "all -aa.low"})
case("a stamped observable again, with a level of its container", post("aa", AGAIN), post("aa", AGAIN, report("r", [AGAIN["id"]], "AMBER")),
     collection={"unmarked": "stamp:GREEN"}, sees={"s": "all +aa.low"})
case("a stamped observable again", post("aa", AGAIN), post("aa", AGAIN), collection={"unmarked": "stamp:GREEN"}, sees={"s": "all +aa.low"})
