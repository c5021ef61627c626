"""Events of MISP for round trips: attributes of every type that PyMISP knows, objects of every template that it brings, and
what is to become of each, said from MISP's side alone.

`expected(event)` reads the event as it is handed in. What it gives is not what our program writes, but what the types of
MISP mean: https://www.misp-project.org/datamodels/.
"""

import hashlib
import json
import uuid
from pathlib import Path

import pymisp
from pymisp import MISPEvent, MISPObject, MISPOrganisation, MISPSighting

WRITTEN = 1_790_000_000
TEMPLATES = Path(pymisp.__file__).parent / "data/misp-objects/objects"
HASH_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}

# What a value is there again as, if it is to be looked for. Types not named here have no place in lists, and must be left
# out with a reason. Which way traffic went, and which field of a mail an address was in, is not kept (docs/submission.md):
# an indicator is one comparison.
ADDRESSES = {name: "ip-dst" for name in ("ip-src", "ip-dst")}
MAILS = {name: "email-src" for name in ("email", "email-src", "email-dst", "email-reply-to", "dns-soa-email", "whois-registrant-email")}
SAME = {name: name for name in (
    "domain", "hostname", "url", "md5", "sha1", "sha256", "sha512", "ssdeep", "filename", "x509-fingerprint-md5", "x509-fingerprint-sha1",
    "x509-fingerprint-sha256", "AS", "iban", "btc", "xmr", "dash", "phone-number")}
NAMED_OTHERWISE = {"uri": "url", "email-attachment": "filename", "whois-registrant-phone": "phone-number", "onion-address": "domain"}
ALONE = ADDRESSES | MAILS | SAME | NAMED_OTHERWISE
# MISP has types for these, too, but the feed has them as patterns (docs/export-formats.md).
PATTERNS = {
    "mutex": "[mutex:name = '{}']", "regkey": "[windows-registry-key:key = '{}']", "mac-address": "[mac-addr:value = '{}']",
    "user-agent": "[user-agent:value = '{}']", "http-user-agent": "[user-agent:value = '{}']",
    "github-username": "[user-account:account_login = '{}']", "twitter-id": "[user-account:account_login = '{}']",
}
# Of two values with | between, those that can be looked for alone.
PAIRS = {
    "domain|ip": ("domain", "ip-dst"), "hostname|port": ("hostname", None), "ip-dst|port": ("ip-dst", None), "ip-src|port": ("ip-src", None),
    "malware-sample": (None, "md5"), **{f"filename|{name}": (None, name) for name in (*HASH_LENGTHS, "ssdeep")},
}
# The hash of a part of a file is not that of a file, though its type says so.
PARTS_OF_FILES = ("pe-section", "elf-section", "macho-section")


# --- Values -------------------------------------------------------------------------------------


def digest(number, length):
    return (hashlib.sha512(str(number).encode()).hexdigest() * 2)[:length]


def sample(kind, number):
    """A value of a type, another for each number, in the spelling that MISP itself stores."""
    if kind == "malware-sample" or kind.startswith("filename|"):
        return f"drop-{number}.exe|{sample(kind.partition('|')[2] or 'md5', number)}"
    name = kind.removeprefix("x509-fingerprint-")
    if name in HASH_LENGTHS:
        return digest(number, HASH_LENGTHS[name])
    first = f"45.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    made = {
        "ip-src": first, "ip-dst": first, "ip-src|port": f"{first}|8443", "ip-dst|port": f"{first}|443", "domain": f"evil-{number}.top",
        "hostname": f"c2.evil-{number}.top", "domain|ip": f"evil-{number}.top|{first}", "hostname|port": f"c2.evil-{number}.top|8443",
        "url": f"http://c2.evil-{number}.top/gate.php?n={number}", "uri": f"http://c2.evil-{number}.top/uri/{number}",
        "link": f"https://press.evil-{number}.top/report", "onion-address": f"{digest(number, 40).translate(TO_BASE32)}aaaaaaaaaaaaaaad.onion",
        "ssdeep": f"96:{digest(number, 40)}:{digest(number + 1, 20)}", "filename": f"invoice-{number}.exe", "email-attachment": f"bill-{number}.doc",
        "AS": str(64_512 + number % 1_000), "iban": iban(number), "btc": BTC[number % len(BTC)], "xmr": "4" + BASE58 + digest(number, 45).replace("0", "1"),
        "dash": "X" + digest(number, 33).replace("0", "1"), "phone-number": f"+4930{number:08}", "whois-registrant-phone": f"+4940{number:08}",
        "mutex": f"Global\\evil-{number}",
        "regkey": f"HKEY_LOCAL_MACHINE\\Software\\Evil {number}", "regkey|value": f"HKEY_CURRENT_USER\\Software\\Run|evil-{number}.exe",
        "mac-address": f"02:00:5e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}", "user-agent": f"Evil/{number}.0 (it's \\o/)",
        "http-user-agent": f"Evil/{number}.1", "github-username": f"evil-{number}", "twitter-id": f"evil_{number}", "vulnerability": f"CVE-2026-{10_000 + number}",
        "port": str(number % 65_536), "boolean": "1", "datetime": "2026-11-01T00:00:00+00:00", "uuid": str(uuid.UUID(int=number)), "float": f"{number}.5",
    }
    if kind in MAILS:
        return f"{kind}-{number}@evil-{number}.top"
    return made.get(kind, f"some {kind.replace('|', ' ')} {number}")


TO_BASE32 = str.maketrans("0189", "abcd")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqr"[:49]
BTC = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]


def iban(number):
    """With the check digits of ISO 13616."""
    account = f"37040044{number:010}"
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


# --- Events -------------------------------------------------------------------------------------


def new_event(info="Wave 7", tags=("tlp:green",)):
    made = MISPEvent()
    made.uuid, made.info, made.timestamp = str(uuid.uuid4()), info, WRITTEN
    made.set_date("2026-11-23")
    made.Orgc = MISPOrganisation()
    made.Orgc.from_dict(name="CERT-Example", uuid="55f6ea5e-2c60-40e5-964f-47a8950d210f")
    for tag in tags:
        made.add_tag(tag)
    return made


def every_type(to_ids, but=(), first=1):
    """An attribute of every type, but for some."""
    made = new_event(f"every type, to_ids {to_ids}")
    for number, kind in enumerate(sorted({*made.describe_types["types"]} - {*but})):
        made.add_attribute(kind, sample(kind, first + number), to_ids=to_ids, timestamp=WRITTEN, comment=f"says {kind}")
    return made


def every_object(names, first=10_000):
    """An object of each of these templates, with each attribute that the template has."""
    made = new_event(f"objects from {names[0]} to {names[-1]}")
    number = first
    for name in names:
        whole = MISPObject(name)
        template = json.loads((TEMPLATES / name / "definition.json").read_text())
        for relation, told in sorted(template["attributes"].items()):
            number += 1
            whole.add_attribute(relation, value=sample(told["misp-attribute"], number), type=told["misp-attribute"], timestamp=WRITTEN)
        made.add_object(whole)
    return made


def template_names():
    return sorted(path.name for path in TEMPLATES.iterdir() if (path / "definition.json").exists())


def told_of(made):
    """What stands in an event besides plain values: levels, galaxies, times, sightings, what is deleted, words."""
    strict = made.add_attribute("domain", "strict-one.top", to_ids=True, timestamp=WRITTEN)
    for tag in ("tlp:amber+strict", "PAP:RED", 'admiralty-scale:information-credibility="3"', 'misp-galaxy:threat-actor="Example Bear"'):
        strict.add_tag(tag)
    strict.first_seen, strict.last_seen = "2026-11-01T10:00:00.123000+00:00", "2027-12-01T10:00:00+00:00"
    gone = made.add_attribute("domain", "gone-one.top", to_ids=True, timestamp=WRITTEN)
    gone.delete()
    seen = made.add_attribute("ip-dst", "45.1.2.3", to_ids=True, timestamp=WRITTEN)
    sighting = MISPSighting()
    sighting.from_dict(uuid=str(uuid.uuid4()), value="45.1.2.3", type="0", date_sighting=WRITTEN + 5, source="SOC",
                       Organisation={"name": "Victim Bank", "uuid": "b0c22599-9e58-4da4-96ac-7051603fa951"})
    seen.sightings = [sighting]
    made.add_galaxy({"uuid": "698774c7-8022-42c4-917f-8d6e4f06ada3", "name": "Threat Actor", "type": "threat-actor", "description": "Actors", "GalaxyCluster": [
        {"uuid": "7cdff317-a673-4474-84ec-4f1754947823", "value": "Example Bear", "type": "threat-actor", "description": "A bear.",
         "tag_name": 'misp-galaxy:threat-actor="Example Bear"', "meta": {"synonyms": ["Bear 1"]}, "collection_uuid": "x", "source": "x", "authors": ["x"]}]})
    made.add_tag('rsit:malicious-code="c2-server"')
    made.add_tag('misp:confidence-level="usually-confident"')
    made.add_event_report("What happened", "Words about wave 7.")
    return made


def as_json(made):
    """As MISP exports it: everything has a time, which PyMISP forgets of what was changed."""
    read = json.loads(made.to_json())
    event = read.get("Event", read)
    for one in [*event.get("Attribute", []), *event.get("Object", [])]:
        one.setdefault("timestamp", str(WRITTEN))
        for inner in one.get("Attribute", []):
            inner.setdefault("timestamp", str(WRITTEN))
    return {"Event": {"timestamp": str(WRITTEN), "published": True, "publish_timestamp": str(WRITTEN)} | event}


# --- What is to become of it ----------------------------------------------------------------------


def places(event):
    """Each attribute that MISP still has, with where it stands and the name of its object."""
    for number, one in enumerate(event.get("Attribute", [])):
        yield f"Event.Attribute[{number}]", one, None
    for outer, whole in enumerate(event.get("Object", [])):
        for number, one in enumerate(whole.get("Attribute", [])):
            yield f"Event.Object[{outer}].Attribute[{number}]", one | {"deleted": one.get("deleted") or whole.get("deleted")}, whole["name"]


def becomes(kind, value, within=None):
    """The types and values that a value to be looked for is there again as; none: it must be left out."""
    value = value.strip()
    if within in PARTS_OF_FILES and kind.partition("|")[2] + kind in (*HASH_LENGTHS, "ssdeep"):
        return []
    if kind in PATTERNS:
        return [("stix2-pattern", PATTERNS[kind].format(value.replace("\\", "\\\\").replace("'", "\\'")))]
    if kind in ALONE:
        return [(ALONE[kind], value)]
    pair = zip(PAIRS.get(kind, ()), value.split("|"))
    return [found for one, text in pair if one for found in becomes(one, text, within)]


def expected(event):
    """What must be in a list made of an event, and of what else a reason must be told, by its place."""
    wanted, reasons = set(), {}
    for place, one, within in places(event):
        if not one.get("to_ids") or one.get("deleted"):
            continue
        found = becomes(one["type"], str(one["value"]), within)
        wanted |= set(found)
        if not found:
            reasons[place] = one
    return wanted, reasons


# How MISP's own converter reads what the standard has a type for otherwise than it came, and what only we have one for.
CONVERTED = {"hostname": "domain", "email-src": "email-dst"}
OURS = {
    "iban": "[bank-account:iban = '{}']", "phone-number": "[phone-number:value = '{}']", "user-agent": PATTERNS["user-agent"],
    **{name: "[cryptocurrency-wallet:value = '{}']" for name in ("btc", "xmr", "dash")},
}


def read_as_stix(event):
    """What MISP's converter must make of the indicators that an event becomes: types and values that are to be looked for."""
    for _, one, within in places(event):
        kind, value = one["type"], str(one["value"])
        if not one.get("to_ids") or one.get("deleted"):
            continue
        if kind in PATTERNS and kind not in OURS:
            yield "text" if kind in ("github-username", "twitter-id") else kind, value
            continue
        for name, text in becomes(kind, value, within):
            if name in OURS:
                yield "stix2-pattern", OURS[name].format(text)
            else:
                yield CONVERTED.get(name, name), f"AS{text}" if name == "AS" else text


__all__ = ["as_json", "becomes", "every_object", "every_type", "expected", "new_event", "places", "read_as_stix", "sample", "template_names", "told_of"]
