"""Table-driven cases of the sharing rule book, continued: floors, versions, ceilings, relays,
releasability, purposes, audiences, unknown markings, rights."""

import datetime

from governance_build import (
    HANDLING_EXT,
    OTHER_EXT,
    PAP_EXT,
    REL_EXT,
    UNKNOWN_EXT,
    acs,
    definition,
    foreign,
    handling,
    identity,
    iep,
    indicator,
    malware,
    note,
    observable,
    observed,
    pap,
    purpose,
    rel,
    relationship,
    report,
    sighting,
    statement,
    thing,
    tlp_claim,
    translation,
)
from governance_cases import NOWHERE, case, level, post

FRAUD = {"purposes": ["cyber-defence", "incident-response", "fraud-prevention", "research"], "legal_basis": "Treaty, article 1"}
RELAY = {"relays": ["b2"]}
PAST, FUTURE = datetime.date(2020, 1, 1), datetime.date(2999, 1, 1)
ENDS = (malware("a", "GREEN"), indicator("b", "AMBER"))

# Floors

level("vector 13: relationship below its ends", "AMBER", "x", post("aa", relationship("x", "@b", "@a", "CLEAR"), *ENDS))
level("relationship above its ends", "AMBER+STRICT", "x", post("aa", relationship("x", "@b", "@a", "AMBER+STRICT"), *ENDS))
level("target alone", "AMBER", "x", post("aa", relationship("x", "@gone", "@b", "CLEAR"), *ENDS))
level("source alone", "AMBER", "x", post("aa", relationship("x", "@b", "@gone", "CLEAR"), *ENDS))
level("an unmarked relationship gets a level, then the floor", "AMBER", "x", post("aa", relationship("x", "@a", "@b"), *ENDS, note("n", ["@x"], "CLEAR")))
level("sighting below what is sighted", "AMBER", "x", post("aa", sighting("x", "@b", "CLEAR"), *ENDS))
level("sighting below its observed data", "AMBER", "x", post("aa", sighting("x", "@a", "CLEAR", observed_data_refs=["@o"]), *ENDS, observed(
    "o", [observable("s", "f1.example")["id"]], "AMBER"), observable("s", "f1.example")))
level("translation below the translated", "AMBER", "t", post("aa", translation("t", "@b", "CLEAR"), *ENDS))
level("a note has no floor", "GREEN", "n", post("aa", note("n", ["@b"], "GREEN"), *ENDS))
level("an end with an inherited level", "AMBER", "x", post("aa", relationship("x", "@i", "@a", "CLEAR"), *ENDS, indicator("i"), report("r", ["@i"], "AMBER")))
case("a refused end counts", post("aa", malware("a", "RED"), relationship("x", "@a", "@b", "CLEAR"), indicator("b", "CLEAR")),
     collection={"tlp_max": "AMBER"}, refused={"a": "tlp_above_ceiling", "x": "tlp_above_ceiling"})
case("an end that is stored", post("bb", malware("a", "RED")), post("aa", relationship("x", "@a", "@n", "CLEAR"), indicator("n", "CLEAR")), sees={"x": "aa", "a": "bb", "n": "all"})
case("an end that arrives later", post("aa", relationship("x", "@a", "@n", "CLEAR"), sighting("y", "@a", "CLEAR"), indicator("n", "CLEAR")), post("bb", malware("a", "RED")),
     sees={"x": "aa", "y": "aa", "a": "bb"})
case("an end of another collection does not count", post("bb", malware("a", "RED"), second=True), post("aa", relationship("x", "@a", "@gone", "CLEAR")), second={},
     sees={"x": "all"})
case("an end that is raised raises", post("aa", *ENDS, relationship("x", "@a", "@b", "CLEAR")), post("aa", indicator("b/2", "RED")), sees={"x": "aa", "b/1": "all", "b/2": "aa"})
case("an end that is lowered does not lower", post("aa", malware("a", "RED"), relationship("x", "@a", "@gone", "CLEAR")), post("aa", malware("a/2", "GREEN")),
     post("aa", relationship("x/2", "@a", "@gone", "CLEAR")), collection={"downgrade": "owner"}, sees={"x": "aa", "a/2": "all", "x/2": "all"})
case("an end that is lowered in the same envelope, before", post("aa", malware("a", "RED")), post("aa", malware("a/2", "GREEN"), relationship("x", "@a", "@gone", "CLEAR")),
     collection={"downgrade": "owner"}, sees={"x": "all"})
case("an older version of an end that arrives late", post("aa", malware("a/2", "GREEN"), relationship("x", "@a", "@gone", "CLEAR")), post("aa", malware("a/1", "RED")),
     sees={"x": "all", "a/1": "aa"})
case("the latest version counts, not an older one beside it", post("aa", malware("a/2", "RED")), post("aa", malware("a/1", "GREEN"), relationship("x", "@a", "@gone", "CLEAR")),
     collection={"downgrade": "owner"}, sees={"x": "aa", "a/1": "all"})
case("an older version beside it that is higher", post("aa", malware("a/2", "GREEN")), post("aa", malware("a/1", "RED"), relationship("x", "@a", "@gone", "CLEAR")),
     sees={"x": "all", "a/1": "aa"})
case("a stored end above the publisher, who must not learn of it", post("bb", malware("a", "AMBER")), post("aa.lowfeed", relationship("x", "@a", "@gone", "CLEAR")),
     sees={"x": "all -aa.low"})
case("an end with an unknown marking counts with what it says", post("aa", malware("a", "RED", NOWHERE), relationship("x", "@a", "@gone", "CLEAR")),
     refused={"a": "marking_unknown"}, sees={"x": "aa"})
case("a translation of an older version is under the terms of the latest", post("aa", rel("m", rel_to=["AA"]), malware("a/2", "GREEN", "@m")), post(
    "aa", malware("a/1", "GREEN"), translation("t", "@a")), sees={"t": "aa", "a/1": "all"})
case("a translation of the latest version", post("aa", malware("a/1", "GREEN")), post("aa", rel("m", rel_to=["AA"]), malware("a/2", "GREEN", "@m"), translation("t", "@a")),
     sees={"t": "aa"})
case("an end that is refused later does not raise", post("aa", relationship("x", "@a", "@gone", "CLEAR")), post("aa", malware("a", "RED")), collection={"tlp_max": "AMBER"},
     refused={"a": "tlp_above_ceiling"}, sees={"x": "all"})
case("a floor is a level, not terms", post("aa", rel("m", rel_to=["AA"]), malware("a", "GREEN", "@m"), relationship("x", "@a", "@gone", "CLEAR")), sees={"a": "aa", "x": "all"})

# Rule 4 and terms

case("terms of the container", post("aa", rel("m", rel_to=["AA"]), report("r", ["@i", "@k"], "AMBER", "@m"), indicator("i"), indicator("k", "AMBER")), sees={"i": "aa", "k": "all"})
case("terms of those that gave the level", post("aa", rel("m", rel_to=["AA"]), report("r", ["@i"], "GREEN", "@m"), note("n", ["@i"], "AMBER"), indicator("i")),
     sees={"i": "all", "r": "aa"})
case("terms of all that gave the level", post("aa", rel("m", rel_to=["AA", "BB"]), rel("o", rel_to=["BB", "CC"]), report("r", ["@i"], "AMBER", "@m"), note("n", ["@i"], "AMBER",
     "@o"),
     indicator("i")), sees={"i": "bb b2"})
case("own terms and the container's", post("aa", rel("m", rel_to=["AA", "BB"]), rel("o", rel_to=["BB", "CC"]), report("r", ["@i"], "AMBER", "@m"), indicator("i", "@o")),
     sees={"i": "bb b2"})
case("terms through an unmarked container", post("aa", rel("m", rel_to=["AA"]), report("r", ["@g"], "AMBER"), note("g", ["@i"], "@m"), indicator("i")), sees={"g": "aa", "i": "aa"})
case("terms under assume are only its own", post("aa", rel("m", rel_to=["AA"]), indicator("i", "@m"), indicator("k")), collection={"unmarked": "assume:GREEN"},
     sees={"i": "aa", "k": "all"})

# Versions

case("a version may raise", post("aa", indicator("i", "GREEN")), post("aa", indicator("i/2", "RED")), sees={"i": "all", "i/2": "aa"},
     gets=[("bb", "last", "i"), ("bb", "all", "i"), ("aa", "last", "i/2"), ("aa", "first", "i"), ("aa", "all", "i i/2")])
case("a version may not lower", post("aa", indicator("i", "AMBER")), post("aa", indicator("i/2", "GREEN")), refused={"i/2": "downgrade"}, sees={"i": "all"})
case("an older version that comes late may not be lower than the one after it", post("aa", indicator("i/2", "RED")), post("aa", indicator("i", "GREEN")), refused={"i": "downgrade"},
     sees={"i/2": "aa"})
case("the owner may lower where that is allowed", post("aa", indicator("i", "RED")), post("aa", indicator("i/2", "GREEN")), collection={"downgrade": "owner"},
     sees={"i": "aa", "i/2": "all"},
     gets=[("bb", "first", "i/2"), ("bb", "all", "i/2"), ("aa", "first", "i")])
case("a relay may not lower", post("b2", indicator("i", "AMBER", created_by_ref="@aa")), post("b2", indicator("i/2", "GREEN", created_by_ref="@aa")),
     agreement=RELAY, collection={"downgrade": "owner"}, refused={"i/2": "downgrade"})
case("the owner lowers what was relayed", post("b2", indicator("i", "AMBER", created_by_ref="@aa")), post("aa", indicator("i/2", "GREEN", created_by_ref="@aa")),
     agreement=RELAY, collection={"downgrade": "owner"}, sees={"i/2": "all"})
case("lower than the version before, not the first", post("aa", indicator("i", "GREEN")), post("aa", indicator("i/2", "RED")), post("aa", indicator("i/3", "AMBER")),
     refused={"i/3": "downgrade"})
case("a label lowers nothing", post("aa", indicator("i", "AMBER")), post("aa", indicator("i/2", "AMBER", labels=["tlp:clear"])), sees={"i/2": "all"})
case("unmarked after marked is a lowering", post("aa", indicator("i", "AMBER")), post("aa", indicator("i/2")), collection={"unmarked": "assume:GREEN"},
     refused={"i/2": "downgrade"})
case("another organisation adds no version", post("aa", indicator("i", "GREEN")), post("bb", indicator("i/2", "GREEN")), refused={"i/2": "not_owner"})
case("a visible older version is the last", post("aa", rel("m", rel_to=["AA"]), indicator("i", "GREEN")), post("aa", indicator("i/2", "GREEN", "@m")),
     post("aa", indicator("i/3", "RED")),
     gets=[("aa", "last", "m i/3"), ("aa", "all", "m i i/2 i/3"), ("bb", "last", "i"), ("bb", "all", "i")])
case("sending it again is no failure", post("aa", indicator("i", "GREEN")), post("aa", indicator("i", "GREEN")), sees={"i": "all"})
case("a revoked version ends it", post("aa", indicator("i", "GREEN")), post("aa", indicator("i/2", "GREEN", revoked=True)), post("aa", indicator("i/3", "GREEN")),
     refused={"i/3": "revoked"},
     gets=[("bb", "last", "i/2")])

# Ceilings, RED, AMBER+STRICT, relays

ALL_LEVELS = [indicator(word.lower().replace("+", "-"), word) for word in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")]
HIGH = {"amber-strict": "tlp_above_ceiling", "red": "tlp_above_ceiling"}
OPEN = {"clear": "all +aa.low +bb.bea", "green": "all +aa.low", "amber": "all -aa.low"}
case("levels and clients", post("aa", *ALL_LEVELS), sees=OPEN | {"amber-strict": "all -aa.low", "red": "aa +aa.ann -aa.low -bb.bea"})
case("the agreement's ceiling", post("aa", *ALL_LEVELS), agreement={"tlp_max": "AMBER"}, refused=HIGH, sees=OPEN)
case("the collection's ceiling", post("aa", *ALL_LEVELS), collection={"tlp_max": "AMBER"}, refused=HIGH, sees=OPEN)
case("the server's ceiling", post("aa", *ALL_LEVELS), server="AMBER", refused=HIGH, sees=OPEN)
case("the server's ceiling is not raised below", post("aa", *ALL_LEVELS), server="AMBER", agreement={"tlp_max": "RED"}, collection={"tlp_max": "RED"}, refused=HIGH)
case("the publisher's ceiling", post("aa.lowfeed", *ALL_LEVELS), refused=HIGH | {"amber": "tlp_above_ceiling"}, sees={"clear": "all", "green": "all"})
case("RED for a person", post("aa", rel("m", recipients=["@bea"]), indicator("i", "RED", "@m")), sees={"i": "aa +bb.bea -bb.boss +aa.ann -aa.low"})
case("RED for an organisation", post("aa", rel("m", recipients=["@bb"]), indicator("i", "RED", "@m")), sees={"i": "aa bb +bb.bea +bb.boss"})
case("RED for those in both lists", post("aa", rel("m", recipients=["@bb", "@cc"]), rel("n", recipients=["@cc", "@dd"]), indicator("i", "RED", "@m", "@n")), sees={"i": "aa cc"})
case("RED for an empty list", post("aa", rel("m", recipients=[]), rel("n", recipients=["@cc"]), indicator("i", "RED", "@m", "@n")), sees={"i": "aa"})
case("recipients limit RED only", post("aa", rel("m", recipients=["@bea"]), indicator("i", "AMBER", "@m")), sees={"i": "all"})
case("RED, recipients and no release", post("aa", rel("m", recipients=["@bb"], not_rel_to=["BB"]), indicator("i", "RED", "@m")), sees={"i": "aa"})
case("AMBER+STRICT from its owner", post("aa", indicator("i", "AMBER+STRICT", created_by_ref="@aa")), sees={"i": "all"})
case("AMBER+STRICT from a relay", post("b2", indicator("i", "AMBER+STRICT", created_by_ref="@aa")), agreement=RELAY, sees={"i": "aa b2"})
case("AMBER from a relay", post("b2", indicator("i", "AMBER", created_by_ref="@aa")), agreement=RELAY, sees={"i": "all"})
case("RED from a relay", post("b2", indicator("i", "RED", created_by_ref="@aa")), agreement=RELAY, sees={"i": "aa"})
case("a stranger's object is the sender's", post("b2", indicator("i", "RED", created_by_ref="@n"), identity("n", "CLEAR")), sees={"i": "b2"})
case("who is no relay speaks for itself only", post("bb", indicator("i", "GREEN", created_by_ref="@aa")), agreement=RELAY, refused={"i": "creator"})

# Releasability

for name, content, readers in [
    ("rel_to a country", {"rel_to": ["BB"]}, "bb b2 +bb.bea"), ("rel_to two", {"rel_to": ["AA", "CC"]}, "aa cc"), ("rel_to an organisation", {"rel_to": ["@bb"]}, "bb"),
    ("vector 5: rel_to nobody", {"rel_to": []}, ""), ("rel_to elsewhere", {"rel_to": ["ZZ"]}, ""), ("not_rel_to a country", {"not_rel_to": ["BB"]}, "aa cc dd ee -bb.bea"),
    ("not_rel_to an organisation", {"not_rel_to": ["@bb"]}, "aa b2 cc dd ee"), ("not_rel_to wins", {"rel_to": ["BB"], "not_rel_to": ["@b2"]}, "bb"),
    ("not_rel_to the owner", {"not_rel_to": ["AA"]}, "bb b2 cc dd ee -aa.ann"), ("not_rel_to nobody", {"not_rel_to": []}, "all"),
    ("valid_until past", {"rel_to": ["AA"], "valid_until": "2021-01-01T00:00:00Z"}, ""), ("valid_until to come", {"rel_to": ["AA"], "valid_until": "2999-01-01T00:00:00Z"}, "aa"),
    ("valid_until past alone", {"valid_until": "2021-01-01T00:00:00Z"}, ""), ("originator_control, not relayed", {"originator_control": True}, "all"),
    ("audience", {"audiences": ["@audience-ab"]}, "aa bb"), ("either audience", {"audiences": ["@audience-ab", "@audience-bcd"]}, "aa bb cc dd"),
    ("vector 5: audience without members", {"audiences": ["@audience-none"]}, ""), ("inactive audience", {"audiences": ["@audience-off"]}, ""), ("no audience",
    {"audiences": []}, ""),
    ("unknown audience", {"audiences": ["b7a0a3a6-9a52-4d0c-8ee5-6d9b0d1f3c11"]}, ""), ("audience and rel_to", {"audiences": ["@audience-ab"], "rel_to": ["BB"]}, "bb"),
    ("everything", {"rel_to": ["AA", "BB"], "not_rel_to": ["@b2"], "audiences": ["@audience-bcd"], "valid_until": "2999-01-01T00:00:00Z"}, "bb"),
]:
    case(name, post("aa", rel("m", **content), indicator("i", "GREEN", "@m")), sees={"i": readers, "m": readers})
TWO = [indicator("i", "GREEN", "@m", "@n")]
case("rel_to twice", post("aa", rel("m", rel_to=["AA", "BB"]), rel("n", rel_to=["BB", "CC"]), *TWO), sees={"i": "bb b2"})
case("rel_to twice, nothing in common", post("aa", rel("m", rel_to=["@bb"]), rel("n", rel_to=["BB"]), *TWO), sees={"i": ""})
case("not_rel_to twice", post("aa", rel("m", not_rel_to=["AA"]), rel("n", not_rel_to=["BB"]), *TWO), sees={"i": "cc dd ee"})
case("audiences twice", post("aa", rel("m", audiences=["@audience-ab"]), rel("n", audiences=["@audience-bcd"]), *TWO), sees={"i": "bb"})
case("the earliest valid_until", post("aa", rel("m", valid_until="2021-01-01T00:00:00Z"), rel("n", valid_until="2999-01-01T00:00:00Z"), *TWO), sees={"i": ""})
case("valid_until passes", post("aa", rel("m", valid_until="@in3"), indicator("i", "GREEN", "@m"), indicator("k", "GREEN")),
     sees={"i": "all", "m": "all"}, then={"i": "", "m": "", "k": "all"})
case("releasability in a part", post("aa", rel("m", rel_to=["AA"]), indicator("i", "GREEN", granular_markings=[{"marking_ref": "@m", "selectors": ["name"]}])), sees={"i": "aa"})
case("releasability does not widen TLP", post("aa", rel("m", rel_to=["BB"]), indicator("i", "RED", "@m")), sees={"i": ""})
case("terms on a definition", post("aa", rel("m", rel_to=["AA"]), statement("n", "GREEN", "@m"), indicator("i", "GREEN", "@n")), sees={"n": "aa", "i": "all"})
CONTROL = [rel("m", originator_control=True), indicator("i", "GREEN", "@m", created_by_ref="@aa")]
case("originator_control, relayed", post("b2", *CONTROL), agreement=RELAY, sees={"i": "aa b2"})
for name, consent, readers in [
    ("consent", {}, "aa b2 cc"), ("consent for two", {"to": ["cc", "ee"]}, "aa b2 cc ee"), ("consent for another collection", {"collection": "second"}, "aa b2"),
    ("consent that is over", {"valid_until": PAST}, "aa b2"), ("consent with an end", {"valid_until": FUTURE}, "aa b2 cc"), ("consent of somebody else", {"originator": "bb"},
    "aa b2"),
]:
    case(name, post("b2", *CONTROL), agreement=RELAY, second={}, consents=[{"originator": "aa", "to": ["cc"], "reference": "letter 1", "collection": "this"} | consent],
    sees={"i": readers})
case("consent for all collections", post("b2", CONTROL[0], CONTROL[1] | {"created_by_ref": "@dd"}),
     agreement=RELAY, consents=[{"originator": "dd", "to": ["ee"], "reference": "letter 2"}],
     sees={"i": "b2 dd ee"})
case("control twice, once is enough", post("b2", *CONTROL[:1], rel("n", originator_control=False), CONTROL[1] | {"object_marking_refs": ["@n", "@m", tlp_claim("g",
     "green")["id"]]},
     tlp_claim("g", "green")), agreement=RELAY, sees={"i": "aa b2"})
for name, extension, content in [
    ("rel_to that is no list", REL_EXT, {"rel_to": "AA"}), ("an unknown property", REL_EXT, {"releasable_to": ["AA"]}), ("control that is no boolean", REL_EXT,
    {"originator_control": "yes"}),
    ("valid_until that is no time", REL_EXT, {"valid_until": "tomorrow"}), ("a list with a number", REL_EXT, {"rel_to": [1]}), ("an unknown handling code", HANDLING_EXT,
    {"handling_codes": ["H4"]}),
    ("purposes that are no list", HANDLING_EXT, {"purposes": "research"}), ("an unknown value", HANDLING_EXT, {"onward_transfer": "sometimes"}),
]:
    case(f"malformed: {name}", post("aa", definition("m", extensions={extension: content}), indicator("i", "GREEN", "@m"), indicator("k", "GREEN")),
         refused={"m": "marking_malformed", "i": "marking_unknown"}, sees={"k": "all"})

# Purposes

for name, purposes, readers in [
    ("usual purposes", ("cyber-defence", "incident-response"), "all -cc.fraud"), ("one usual purpose", ("incident-response",), "aa bb b2 dd ee -cc.fraud"),
    ("fraud", ("fraud-prevention",), "all +cc.fraud"), ("research", ("research",), "aa bb b2 dd ee"), ("fraud or research", ("fraud-prevention", "research"), "all +cc.fraud"),
]:
    case(name, post("aa", purpose("m", *purposes), indicator("i", "GREEN", "@m")), agreement=FRAUD, sees={"i": readers})
case("no purposes are the usual ones", post("aa", indicator("i", "GREEN")), agreement=FRAUD, sees={"i": "all -cc.fraud"})
for name, purposes in [("statistics", ("statistics",)), ("no purpose at all", ()), ("a purpose of one's own", ("x-games",))]:
    case(f"{name} is not agreed", post("aa", purpose("m", *purposes), indicator("i", "GREEN", "@m")), agreement=FRAUD, refused={"i": "purpose_mismatch"})
case("purposes twice", post("aa", purpose("m", "research", "fraud-prevention"), purpose("n", "research", "cyber-defence"), *TWO), agreement=FRAUD, sees={"i": "aa bb b2 dd ee"})
case("purposes twice, nothing in common", post("aa", purpose("m", "research"), purpose("n", "cyber-defence"), *TWO), agreement=FRAUD, refused={"i": "purpose_mismatch"})
case("handling without purposes", post("aa", handling("m", handling_codes=["H1", "H2"], personal_data="yes"), indicator("i", "GREEN", "@m")), sees={"i": "all"})
ONLY_FRAUD = {"purposes": ["fraud-prevention"]}
case("the collection's purposes", post("aa", purpose("m", "fraud-prevention"), indicator("i", "GREEN", "@m"), indicator("k", "GREEN")), agreement=FRAUD, collection=ONLY_FRAUD,
     refused={"k": "purpose_mismatch"}, sees={"i": "all +cc.fraud"})
case("identities have no purpose", post("aa", identity("d", "GREEN"), thing("location", "l", "GREEN", region="asia"), statement("m")), agreement=FRAUD, collection=ONLY_FRAUD,
     sees={"d": "all +cc.fraud", "l": "all +cc.fraud", "m": "all +cc.fraud"})
case("identities with a purpose", post("aa", purpose("m", "research"), identity("d", "GREEN", "@m")), agreement=FRAUD, sees={"d": "aa bb b2 dd ee -cc.fraud"})
case("purposes of the container", post("aa", purpose("m", "research"), report("r", ["@i"], "GREEN", "@m"), indicator("i")), agreement=FRAUD, sees={"i": "aa bb b2 dd ee"})

# Markings that must be understood

for name, made, readers in [
    ("an unknown extension", foreign("m"), "aa ee +ee.acs"), ("another unknown extension", foreign("m", OTHER_EXT), "aa"), ("ACS", acs("m"), "aa dd +ee.acs"),
    ("ACS, public", acs("m", "U", "FOUO", "PUBREL"), "all"), ("ACS, unclassified", acs("m", "U", "FOUO"), "aa dd +ee.acs"), ("ACS, secret and public", acs("m", "S", "PUBREL"),
    "aa dd +ee.acs"),
    ("PAP extension", pap("m"), "all"), ("statement", statement("m"), "all"), ("an unknown definition_type", definition("m", definition_type="ais", definition={"ais": "x"}),
    "aa ee"),
    ("another definition_type", definition("m", definition_type="x-other", definition={"x": "x"}), "aa"), ("definition_type PAP", definition("m", definition_type="PAP",
    definition={"pap": "red"}), "all"),
    ("two unknown extensions", definition("m", extensions={UNKNOWN_EXT: {"a": "b"}, OTHER_EXT: {"a": "b"}}), "aa"),
    ("an unknown extension beside ours", definition("m", extensions={UNKNOWN_EXT: {"a": "b"}, REL_EXT: {"rel_to": ["BB", "EE"]}, PAP_EXT: {"pap": "red"}}), "ee"),
    ("handling beside releasability", definition("m", extensions={HANDLING_EXT: {"purposes": ["cyber-defence"]}, REL_EXT: {"rel_to": ["BB"]}}), "bb b2"),
]:
    case(name, post("aa", made, indicator("i", "GREEN", "@m")), sees={"i": readers, "m": readers})
case("an unknown extension, relayed", post("b2", foreign("m"), indicator("i", "GREEN", "@m", created_by_ref="@aa")), agreement=RELAY, sees={"i": "aa ee", "m": "b2 ee"})
case("ACS and an unknown extension", post("aa", acs("m"), foreign("n"), *TWO), sees={"i": "aa +ee.acs"})
case("IEP with other demands", post("aa", iep("m", "green", provider_attribution="may", unmodified_resale="must-not"), indicator("i", "@m")), sees={"i": "all"})

# Rights to collections

ONE = post("aa", indicator("i", "GREEN"))
case("readers", ONE, collection={"read": ["aa", "cc"]}, sees={"i": "aa cc -bb.bea"})
case("parties", ONE, agreement={"parties": ["aa", "dd"]}, sees={"i": "aa dd -dd.ops -dd.aud"})
case("only writers", ONE, collection={"read": ["bb"], "write": ["aa"]}, sees={"i": "bb +bb.bea +bb.boss -aa.ann"})
case("an audience of the collection", ONE, collection={"audiences": ["ab"]}, sees={"i": "aa bb"})
case("either audience of the collection", ONE, collection={"audiences": ["ab", "bcd", "none"]}, sees={"i": "aa bb cc dd -dd.aud"})
case("an audience and readers", ONE, collection={"audiences": ["ab", "bcd"], "read": ["aa", "dd", "ee"]}, sees={"i": "aa dd"})
case("the agreement has begun", ONE, agreement={"valid_from": PAST, "valid_until": FUTURE}, sees={"i": "all"})
