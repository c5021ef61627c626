"""Exports and what fills them, at random: patterns, values, dates, confidence, markings of use."""

import datetime
import hashlib
import random

from governance_build import stamp

FORMATS = ["stix", "ndjson", "csv", "list", "csv", "list", "rpz", "suricata", "zeek", "unbound", "squid", "cef", "intelmq"]
NOW = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
DECAYS = [
    {"id": "slow", "lifetime_days": 2000.0, "decay_speed": 2.0, "threshold": 30.0},
    {"id": "straight", "lifetime_days": 1500.0, "decay_speed": 1.0, "threshold": 20.0},
]
WAVES = ["wave-1", "wave-2", "wave-3", "wave-4"]
OBSERVABLE_TYPES = ["ipv4-addr", "domain-name", "url", "email-addr", "file", "ipv6-addr"]
OBJECT_TYPES = ["indicator", "malware", "report", "identity", "relationship", "marking-definition", "domain-name", "note", "observed-data"]
# Values on lists that are built in.
WARNED = [
    ("ipv4-addr:value", "10.1.2.3"), ("ipv4-addr:value", "192.0.2.7"), ("ipv4-addr:value", "127.0.0.1"), ("domain-name:value", "com"), ("domain-name:value", "co.uk"),
    ("ipv6-addr:value", "2001:db8::7"), ("file:hashes.MD5", "d41d8cd98f00b204e9800998ecf8427e"), ("url:value", "http://192.168.1.1/x"), ("ipv4-addr:value", "0.0.0.0"),
    ("file:hashes.'SHA-256'", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
]
ADDRESSES = ("ipv4-addr:value", "ipv6-addr:value")
DIFFERENT_VALUES = 4000


def add_exports(registry, seed):
    """Some for every organisation, under names of their own dice: the rest of the world stays."""
    dice = random.Random(f"{seed} exports")
    collections = [one for agreement in registry["agreement"] for one in agreement["collection"]]
    for one in collections:
        if dice.random() < 0.4:
            one["decay"] = dice.choice(["slow", "slow", "straight", "opencti", "none"])
    registry["decay"] = [dict(one) for one in DECAYS]
    registry["export"] = [
        export(dice, organisation, f"{organisation['id']}-x{number}", collections) for organisation in registry["organisation"] for number in range(dice.randint(3, 5))
    ]


def export(dice, organisation, name, collections):
    made = {"id": name, "organisation": organisation["id"], "format": dice.choice(FORMATS), "tlp_max": dice.choice(["GREEN", "AMBER", "AMBER+STRICT", "RED", "RED"])}
    made["collections"] = [one["id"] for one in dice.sample(collections, dice.choice([1, 2, 4, 8]))]
    is_whole = made["format"] in ("stix", "ndjson")
    if dice.random() < 0.3:
        made["types"] = dice.sample(OBJECT_TYPES if is_whole else OBSERVABLE_TYPES, dice.randint(1, 3))
    if dice.random() < 0.2:
        made["labels"] = dice.sample(WAVES, 2)
    if dice.random() < 0.3:
        made["confidence_min"] = dice.choice([1, 30, 50, 80])
    if dice.random() < 0.25:
        made["purposes"] = dice.sample(["cyber-defence", "incident-response", "fraud-prevention", "research"], dice.randint(1, 2))
    if dice.random() < 0.3:
        made["understands"] = dice.sample(["acs", "extension-definition--5f6e0c6e-63b2-4d0c-9f5c-0d4e0c1b7a11"], 1)
    if dice.random() < 0.5:
        made["personal_data"] = True
    if dice.random() < 0.3:
        made["readers"] = [one["id"] for one in dice.sample(organisation["client"], 1)]
    if dice.random() < 0.2:
        made["tlp_write"] = dice.choice(["1.0", "both"])
    return made


# Indicators


def value(dice):
    """A path, and a value in some spelling of it."""
    if dice.random() < 0.04:
        return dice.choice(WARNED)
    n = dice.randint(1, DIFFERENT_VALUES)
    host = f"v{n}.bad.example.net"
    return dice.choice([
        ("domain-name:value", host), ("domain-name:value", host), ("domain-name:value", host.upper() + "."), ("ipv4-addr:value", f"45.7.{n % 250}.{n // 250}"),
        ("ipv4-addr:value", f"45.{9 + n % 90}.{n // 100}.0/24"), ("ipv6-addr:value", f"2a00:0:0:{n:x}::66"), ("ipv6-addr:value", f"2A00:0000::{n:X}:0:0:0066"),
        ("url:value", f"http://v{n}.web.example.net/p{n}"), ("url:value", f"HTTP://V{n}.Web.Example.net:80/p{n}#top"), ("email-addr:value", f"V{n}@mail.Example.net"),
        ("file:hashes.'SHA-256'", hashlib.sha256(str(n).encode()).hexdigest().upper()), ("file:hashes.MD5", hashlib.md5(str(n).encode()).hexdigest()),
    ])


def comparison(dice):
    path, text = value(dice)
    if path in ADDRESSES and "/" in text:
        return f"{path} ISSUBSET '{text}'"
    if path in ADDRESSES and dice.random() < 0.1:
        return f"{path} IN ('{text}', '45.8.1.{dice.randint(1, 250)}')" if path[3] == "4" or path.startswith("ipv4") else f"{path} = '{text}'"
    return f"{path} = '{text}'"


def pattern(dice):
    chance = dice.random()
    if chance < 0.6:
        return f"[{comparison(dice)}]"
    if chance < 0.78:
        return "[" + " OR ".join(comparison(dice) for _ in range(dice.randint(2, 4))) + "]"
    one, other = comparison(dice), comparison(dice)
    return dice.choice([
        f"[{one}] OR [{other}]", f"[{one}] FOLLOWEDBY [{other}]", "[file:name = 'a.exe' AND file:size = 3]", "[(file:name = 'a.exe' OR file:name = 'b.exe') AND file:size > 3]",
        f"[{one}] START t'2026-01-01T00:00:00Z' STOP t'2027-01-01T00:00:00Z'", "[domain-name:value LIKE '%.bad.example.net']", "[url:value MATCHES '^http://v']",
        f"[domain-name:value NOT = 'v{dice.randint(1, 99)}.bad.example.net']", f"[process:name = 'p{dice.randint(1, 99)}.exe']",
        f"[domain-name:value IN ('v1.bad.example.net', 'v{dice.randint(2, 99)}.bad.example.net')]", f"[{one} OR process:name = 'x.exe']",
    ])


def indicator_body(dice):
    made = {"pattern": pattern(dice), "pattern_type": "stix", "valid_from": stamp(ago(dice, [400, 200, 100, 20, 5]))}
    if dice.random() < 0.06:
        made |= dice.choice([
            {"pattern": "rule a { condition: true }", "pattern_type": "yara"}, {"pattern": "alert ip any any -> any any (msg:\"x\"; sid:1;)", "pattern_type": "suricata"},
            {"pattern": "SecurityEvent | take 1", "pattern_type": "x-kql"},
        ])
    chance = dice.random()
    if chance < 0.03:
        made["valid_from"] = "2998-01-01T00:00:00.000Z"
    if chance < 0.5:
        made["valid_until"] = "2999-01-01T00:00:00.000Z"
    elif chance < 0.62:
        made["valid_until"] = stamp(ago(dice, [4, 1]))
    if dice.random() < 0.7:
        made["confidence"] = dice.randint(0, 100)
    if dice.random() < 0.4:
        made["labels"] = dice.sample(WAVES, dice.randint(1, 2))
    return made


def ago(dice, days):
    """Far from where a number of days is over, so that it does not matter when the test runs."""
    return NOW - datetime.timedelta(days=dice.choice(days), hours=dice.randint(1, 10))


def opinion_body(dice):
    made = {"opinion": dice.choice(["strongly-disagree", "disagree", "disagree", "neutral", "agree"])}
    return made | ({"explanation": dice.choice(["ours", "shared hosting", " "])} if dice.random() < 0.8 else {})


def sighting_body(dice):
    made = {}
    if dice.random() < 0.7:
        made["last_seen"] = stamp(ago(dice, [700, 300, 30, 3]))
    if dice.random() < 0.5:
        made["count"] = dice.choice([0, 1, 5, 40])
    return made
