"""Exports for SIEMs and event pipelines: CSV, Splunk, ECS, CEF, LEEF, IntelMQ, IDEA."""
import csv
import datetime
import functools
import ipaddress
import json
import pathlib
import re
import warnings

import idea.lite
import jsonschema
import pycef
import pytest
from exporting import CLASSES, MANY, day, export, exporter, indicator, many  # noqa: F401  (export is a fixture)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from intelmq.lib import exceptions
    from intelmq.lib.message import Event, MessageFactory
    from intelmq.lib.utils import load_configuration

import intelmq

HARMONIZATION = load_configuration(str(pathlib.Path(intelmq.__file__).parent / "etc" / "harmonization.conf"))
SCHEMA = json.loads((pathlib.Path(__file__).parents[2] / "schemas" / "export" / "ecs.json").read_text())
ECS = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())

# What those write who want to be read as something else.
NASTY = [
    'say "hi", and ; more', "=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(1)", "C:\\Temp\\a=b|c.exe", "a cs1=CLEAR b",
    "tlp=CLEAR stixId=x", "x\u202etxt.exe", "back\\", "pipe|pipe", "' OR 1=1", "ü\u00a0é", "{}[]", "a" * 1500, " lead", "*", "-",
]


def literal(text):
    return text.replace("\\", "\\\\").replace("'", "\\'")


def nasty():
    """(type, value, indicator) for many kinds, with as nasty texts about them."""
    about = dict(confidence=80, labels=["=1;2", 'a"b', "x,y"], owners=["+CERT;B", "-A\nB"], description="=1+1\r\n\ttlp=CLEAR|\\ \u202e",
                 name='@n|a\\m=e cs1=CLEAR\t"\x01', classification="c2-server", valid_until=day(25).replace(".000Z", ".5Z"))
    values = [("file:name", f"file:name = '{literal(v)}'", v) for v in NASTY]
    values += [("mutex", f"mutex:name = '{literal(v)}'", v) for v in NASTY]
    values += [("user-account", f"user-account:account_login = '{literal(v)}'", v) for v in NASTY]
    urls = ["http://c2.evil.example/a|b?x=1&y=%22;z", "http://user:pw@198.51.100.7/*", "http://[2001:db8::66]:8080/=1", "ldap://a.example/cn=x"]
    values += [("url", f"url:value = '{literal(v)}'", v) for v in urls]
    values += [
        ("email-addr", "email-addr:value = 'a=b|c@bad-login.example'", "a=b|c@bad-login.example"),
        ("domain-name", "domain-name:value = 'a_b.evil.example'", "a_b.evil.example"),
        ("domain-name", "domain-name:value = 'xn--mnchen-3ya.example'", "xn--mnchen-3ya.example"),
        ("ipv4-addr", "ipv4-addr:value = '198.51.100.7'", "198.51.100.7"),
        ("ipv4-addr", "ipv4-addr:value ISSUBSET '203.0.113.0/24'", "203.0.113.0/24"),
        ("ipv6-addr", "ipv6-addr:value = '2001:db8::66'", "2001:db8::66"),
        ("ipv6-addr", "ipv6-addr:value ISSUBSET '2001:db8:1::/48'", "2001:db8:1::/48"),
        ("file:hashes.MD5", "file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'", "d41d8cd98f00b204e9800998ecf8427e"),
        ("file:hashes.'SHA-256'", f"file:hashes.'SHA-256' = '{'ab' * 32}'", "ab" * 32),
        ("x509-certificate:hashes.'SHA-1'", f"x509-certificate:hashes.'SHA-1' = '{'cd' * 20}'", "cd" * 20),
        ("autonomous-system", "autonomous-system:number = 64496", "64496"),
        ("windows-registry-key", "windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\A=B'", "HKEY_LOCAL_MACHINE\\Software\\A=B"),
        ("bank-account", "bank-account:iban = 'GB33BUKB20201555555555'", "GB33BUKB20201555555555"),
    ]
    return [(kind, value, indicator(f"[{pattern}]", **about)) for kind, pattern, value in values]


@functools.cache
def mixed():
    return many("mixed")


def one():
    return [indicator("[domain-name:value = 'c2.evil.example']", confidence=80, name="two words", classification="c2-server",
                      labels=["rat", "wave-7"], owners=["CERT-Example"], valid_until=day(25))]


def read(directory, suffix):
    """Lines of the file; nothing but LF ends one."""
    files = [file for file in directory.iterdir() if file.name.endswith(suffix)]
    assert len(files) == 1, files
    text = files[0].read_bytes().decode()
    assert text == "" or text.endswith("\n")
    # Consumers that split at every end of line known to Unicode find the same lines.
    lines = text.split("\n")[:-1]
    assert lines == text.splitlines()
    return lines


# CSV

CSV_COLUMNS = ["type", "value", "confidence", "tlp", "pap", "valid_from", "valid_until", "classification", "labels", "owner",
               "collection", "stix_id", "modified", "description"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def check_csv(lines, columns):
    """Rows, if the file keeps the rules of RFC 4180 with one line a record."""
    assert not any("\r" in line for line in lines)
    for line in lines:
        assert re.fullmatch(r'("([^"]|"")*"|[^",]*)(,("([^"]|"")*"|[^",]*))*', line), line
    rows = list(csv.reader(lines, strict=True))
    assert rows[0] == columns
    assert len(rows) == len(lines) and all(len(row) == len(columns) for row in rows)
    return [dict(zip(columns, row)) for row in rows[1:]]


def check_generic(lines):
    rows = check_csv(lines, CSV_COLUMNS)
    for row in rows:
        assert row["confidence"] == "" or 0 <= int(row["confidence"]) <= 100
        assert row["tlp"] in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED") and row["pap"] in ("CLEAR", "GREEN", "AMBER")
        assert TIME.fullmatch(row["valid_from"]) and TIME.fullmatch(row["modified"])
        assert row["valid_until"] == "" or TIME.fullmatch(row["valid_until"])
        assert re.fullmatch(r"indicator--[0-9a-f-]{36}", row["stix_id"])
        for text in (row["labels"], row["owner"], row["description"]):
            assert not text.startswith(("=", "+", "-", "@", "\t")) and text.isprintable()
    assert len({(row["type"], row["value"]) for row in rows}) == len(rows)
    return rows


def test_csv_has_every_value_and_no_formula(export):
    for values, count in ([], 0), (one(), 1), (mixed(), MANY):
        directory, report = export("csv", values)
        assert len(check_generic(read(directory, ".csv"))) == count


def test_csv_gives_nasty_values_back(export):
    values = nasty()
    directory, _ = export("csv", [row for _, _, row in values])
    rows = check_generic(read(directory, ".csv"))
    assert sorted((row["type"], row["value"]) for row in rows) == sorted((kind, value) for kind, value, _ in values)
    assert all(row["labels"] == "'=1,2;a\"b;x,y;rsit:malicious-code=\"c2-server\"" and len(row["owner"].split(";")) == 2 for row in rows)


def test_csv_as_the_page_shows_it(export):
    directory, _ = export("csv", one())
    line = TIME.sub("TIME", read(directory, ".csv")[1])
    assert line.startswith('domain-name,c2.evil.example,80,AMBER,GREEN,TIME,TIME,c2-server,"rat;wave-7;rsit:malicious-code=""c2-server""",CERT-Example,')


@pytest.mark.parametrize("broken", [
    lambda line: line.replace(",CERT-Example,", ',CERT-"Example,'), lambda line: line + ",", lambda line: line.replace(",80,", ",101,"),
    lambda line: re.sub('"rat;.*""",', "=rat,", line), lambda line: line.replace(",AMBER,", ",amber,"), lambda line: line.replace('"rat;', '"rat;\n'),
])
def test_csv_reader_finds_what_is_wrong(export, broken):
    directory, _ = export("csv", one())
    head, line = read(directory, ".csv")
    check_generic([head, line])
    assert broken(line) != line
    with pytest.raises((AssertionError, csv.Error)):
        check_generic([head, *broken(line).split("\n")])


# Splunk

SPLUNK = {
    "ip_intel.csv": "description,ip,weight",
    "domain_intel.csv": "description,domain,weight",
    "http_intel.csv": "description,http_referrer,http_user_agent,url,weight",
    "file_intel.csv": "description,file_hash,file_name,weight",
    "email_intel.csv": "description,src_user,subject,weight",
    "certificate_intel.csv": "certificate_issuer,certificate_subject,certificate_issuer_organization,certificate_subject_organization,"
    "certificate_serial,certificate_issuer_unit,certificate_subject_unit,description,weight",
    "registry_intel.csv": "description,registry_path,registry_value_name,registry_value_text,weight",
    "process_intel.csv": "description,process,process_file_name,weight",
    "service_intel.csv": "description,service,service_file_hash,service_dll_file_hash,weight",
    "user_intel.csv": "description,user,weight",
}


def check_splunk(file):
    """(column, value) of each row: one value in a row, a weight, and no text that a look-up takes for any."""
    lines = file.read_bytes().decode().split("\n")
    assert lines.pop() == "" and lines[0] == SPLUNK[file.name]
    found = []
    for row in check_csv(lines, SPLUNK[file.name].split(",")):
        assert 1 <= int(row.pop("weight")) <= 100
        assert re.search(r"(^| )tlp=(CLEAR|GREEN|AMBER|AMBER\+STRICT|RED) id=indicator--[0-9a-f-]{36}$", row.pop("description"))
        [(column, value)] = [(column, value) for column, value in row.items() if value]
        assert "*" not in value
        if column == "ip":
            assert str(ipaddress.ip_network(value)) in (value, value + "/32", value + "/128")
        found.append((column, value))
    assert len(set(found)) == len(found)
    return found


def test_splunk_has_each_value_in_its_list(export):
    for values, count in ([], 0), (one(), 1), (mixed(), MANY):
        directory, _ = export("splunk", values)
        assert {file.name for file in directory.glob("*.csv")} == set(SPLUNK)
        assert sum(len(check_splunk(directory / name)) for name in SPLUNK) == count


def test_splunk_gives_nasty_values_back(export):
    columns = {"file:name": "file_name", "user-account": "user", "url": "url", "email-addr": "src_user", "domain-name": "domain", "ipv4-addr": "ip",
               "ipv6-addr": "ip", "file:hashes.MD5": "file_hash", "file:hashes.'SHA-256'": "file_hash", "windows-registry-key": "registry_path"}
    values = nasty()
    directory, report = export("splunk", [row for _, _, row in values])
    found = [pair for name in SPLUNK for pair in check_splunk(directory / name)]
    expected = [(columns[kind], value) for kind, value, _ in values if kind in columns and "*" not in value]
    assert sorted(found) == sorted(expected)
    assert report["left_out"]["wildcard"] == sum("*" in value for kind, value, _ in values if kind in columns)


@pytest.mark.parametrize("old, new", [
    ("description,domain,weight", "description, domain, weight"), (",80\n", ",0\n"), ("c2.evil.example", "*.evil.example"), ("tlp=AMBER", "tlp=")])
def test_splunk_reader_finds_what_is_wrong(export, old, new):
    directory, _ = export("splunk", one())
    file = directory / "domain_intel.csv"
    assert check_splunk(file) == [("domain", "c2.evil.example")]
    text = file.read_text()
    assert old in text
    file.chmod(0o600)
    file.write_text(text.replace(old, new))
    with pytest.raises(AssertionError):
        check_splunk(file)


# ECS

ECS_PLACES = {
    "domain-name": ("url", "domain"), "url": ("url", "full"), "email-addr": ("email", "address"), "file:name": ("file", "name"),
    "file:hashes.MD5": ("file", "hash", "md5"), "file:hashes.'SHA-256'": ("file", "hash", "sha256"), "windows-registry-key": ("registry", "path"),
}


def test_ecs_keeps_our_schema(export):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for values, count in ([], 0), (one(), 1), (mixed(), MANY):
        directory, _ = export("ecs", values)
        documents = [json.loads(line) for line in read(directory, ".ecs.ndjson")]
        assert len(documents) == count
        for document in documents[:: max(1, count // 250)]:
            ECS.validate(document)
        # Loaders make a document's id of both.
        assert len({(d["liaison"]["stix_id"], d["threat"]["indicator"]["name"]) for d in documents}) == count


def test_ecs_gives_nasty_values_back(export):
    values = nasty()
    directory, report = export("ecs", [row for _, _, row in values])
    documents = {}
    for line in read(directory, ".ecs.ndjson"):
        document = json.loads(line)
        ECS.validate(document)
        found = document["threat"]["indicator"]
        documents[found["type"], found["name"], next(iter(found.get("file", {})), "")] = document
    taken = [(kind, value) for kind, value, _ in values if kind != "bank-account"]
    assert len(documents) == len(taken)
    for kind, value in taken:
        part = "name" if kind == "file:name" else "hash" if kind.startswith("file:") else ""
        document = documents[kind.split(":")[0], value, part]
        found = document["threat"]["indicator"]
        for step in ECS_PLACES.get(kind, ("name",)):
            found = found[step]
        assert found == value
        if "/" in value and kind.startswith("ipv"):
            assert document["liaison"]["network"] == value and "ip" not in document["threat"]["indicator"]


@pytest.mark.parametrize("path, value", [
    (("threat", "indicator", "type"), "domain"), (("threat", "indicator", "ip"), "198.51.100.7"), (("threat", "indicator", "confidence"), "Med"),
    (("threat", "indicator", "marking", "tlp"), "amber"), (("threat", "indicator", "marking", "tlp_version"), "1.1"), (("@timestamp",), "2026-11-23"),
    (("liaison", "network"), "203.0.113.0/24"), (("threat", "indicator", "url", "full"), "x"), (("more",), 1), (("threat", "indicator", "name"), "a\nb"),
])
def test_ecs_schema_finds_what_is_wrong(export, path, value):
    directory, _ = export("ecs", one())
    [document] = map(json.loads, read(directory, ".ecs.ndjson"))
    ECS.validate(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        ECS.validate(document)


# CEF

CEF_KEYS = {"ipv4-addr": "dst", "ipv6-addr": "dst", "domain-name": "dhost", "url": "request", "email-addr": "suser",
            "file:hashes.MD5": "fileHash", "file:hashes.'SHA-256'": "fileHash"}


def check_cef(line):
    """What pycef reads; it does not undo the escapes of values."""
    found = pycef.parse(line)
    assert found is not None
    head = [found.pop(key) for key in ("CEFVersion", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID")]
    assert head == ["0", "Liaison", "Liaison", "1.0", "indicator"]
    assert found["Name"] == found.pop("DeviceName") and found["Severity"] == found.pop("DeviceSeverity")
    found = {key: re.sub(r"\\(.)", r"\1", value) for key, value in found.items()}
    assert re.fullmatch(r"10|\d|Unknown", found.pop("Severity"))
    assert re.fullmatch(r"\d+", found.pop("rt")) and re.fullmatch(r"indicator--[0-9a-f-]{36}", found.pop("externalId"))
    assert found.pop("tlp") in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
    return found


def test_cef_is_read_by_pycef(export):
    for values, count in ([], 0), (one(), 1), (mixed(), MANY):
        directory, _ = export("cef", values)
        lines = read(directory, ".cef")
        assert len(lines) == count
        for line in lines[:: max(1, count // 20_000)]:
            assert len(set(check_cef(line)) & {"dst", "dhost", "request", "suser", "fileHash", "stixPattern"}) == 1


def test_cef_gives_nasty_values_back(export):
    values = nasty()
    directory, _ = export("cef", [row for _, _, row in values])
    found = []
    for line in read(directory, ".cef"):
        event = check_cef(line)
        assert event.pop("classification") == "c2-server" and event.pop("confidence") == "80"
        assert event.pop("msg") == '@n|a\\m=e cs1=CLEAR "'
        assert event.pop("Name").startswith("Known-bad ")
        event.pop("fileType", None)
        found += event.items()
    expected = [(CEF_KEYS[kind], value) if kind in CEF_KEYS and not (kind.startswith("ipv") and "/" in value)
                else ("stixPattern", row["pattern"]) for kind, value, row in values]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("old, new", [("|8|", "|"), ("CEF:0", "CEF:"), ("tlp cs1=", "tlp cs1"), ("|8|", "|eight|"), ("c2.evil.example|", "a=b|")])
def test_cef_check_finds_what_is_wrong(export, old, new):
    directory, _ = export("cef", one())
    [line] = read(directory, ".cef")
    assert check_cef(line) == {"Name": "Known-bad domain c2.evil.example", "dhost": "c2.evil.example", "classification": "c2-server",
                               "confidence": "80", "msg": "two words"}
    assert old in line
    with pytest.raises((AssertionError, KeyError, IndexError, ValueError)):
        check_cef(line.replace(old, new))


# LEEF

LEEF_HEAD = "LEEF:2.0|Liaison|Liaison|1.0|indicator|x09|"


def check_leef(line):
    assert line.startswith(LEEF_HEAD)
    fields = [field.split("=", 1) for field in line[len(LEEF_HEAD):].split("\t")]
    assert all(len(field) == 2 and field[0].isalnum() and field[1] for field in fields)
    found = dict(fields)
    assert len(found) == len(fields)
    assert found.pop("devTimeFormat") == "yyyy-MM-dd'T'HH:mm:ss.SSSX"
    datetime.datetime.strptime(found.pop("devTime"), "%Y-%m-%dT%H:%M:%S.%fZ")
    assert 1 <= int(found.pop("sev", "1")) <= 10
    assert found.pop("tlp") in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
    assert re.fullmatch(r"indicator--[0-9a-f-]{36}", found.pop("stixId"))
    cat = found.pop("cat")
    [(key, value)] = found.items()
    assert key == {"ipv4-addr": "dst", "ipv6-addr": "dst", "url": "url", "domain-name": "domain", "file": "fileHash"}[cat]
    if key == "dst":
        ipaddress.ip_address(value)
    return key, value


def test_leef_has_every_value_that_it_has_a_key_for(export):
    hashes = [row for row in mixed() if any(word in row["pattern"] for word in ("ipv4-addr:value =", "ipv6", "domain", "url", "hashes"))]
    for values, count in ([], 0), (one(), 1), (mixed(), len(hashes)):
        directory, _ = export("leef", values)
        lines = read(directory, ".leef")
        assert len(lines) == count
        assert len(set(map(check_leef, lines))) == count


def test_leef_gives_nasty_values_back(export):
    values = nasty()
    directory, _ = export("leef", [row for _, _, row in values])
    keys = {"ipv4-addr": "dst", "ipv6-addr": "dst", "url": "url", "domain-name": "domain", "file:hashes.MD5": "fileHash", "file:hashes.'SHA-256'": "fileHash"}
    expected = [(keys[kind], value) for kind, value, _ in values if kind in keys and not (kind.startswith("ipv") and "/" in value)]
    assert sorted(map(check_leef, read(directory, ".leef"))) == sorted(expected)


def test_leef_over_syslog_has_a_front(export):
    directory, _ = export("leef", one(), {"syslog_host": "hub.example"})
    [line] = read(directory, ".leef")
    front, rest = line.split("LEEF:", 1)
    assert re.fullmatch(r"<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z hub\.example ", front)
    check_leef("LEEF:" + rest)


@pytest.mark.parametrize("old, new", [("sev=8", "sev=0"), ("\ttlp=", "\ttlp"), ("domain=c2", "domain=c2\tdst=c2"), ("x09", "x7c"), ("AMBER", "CLEAR\tx=1")])
def test_leef_reader_finds_what_is_wrong(export, old, new):
    directory, _ = export("leef", one())
    [line] = read(directory, ".leef")
    assert check_leef(line) == ("domain", "c2.evil.example") and old in line
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check_leef(line.replace(old, new))


# IntelMQ

def check_intelmq(line):
    """The event that IntelMQ makes of the line, which must be what we wrote."""
    wrote = json.loads(line)
    event = Event(harmonization=HARMONIZATION)
    for key, value in wrote.items():
        assert event.add(key, value), (key, value)
        kept = event[key]
        assert kept == value, (key, value, kept)
    assert {"classification.type", "time.source", "feed.name", "tlp", "extra.stix_id", "extra.tlp2"} <= set(wrote)
    # As its JSON parser reads lines.
    parsed = MessageFactory.unserialize(line, harmonization=HARMONIZATION, default_type="Event")
    assert parsed.to_dict(hierarchical=False).items() >= {"tlp": event["tlp"]}.items()
    return event


def test_intelmq_takes_every_key(export):
    taken = [row for row in mixed() if "file:name" not in row["pattern"]]
    for values, count in ([], 0), (one(), 1), (mixed(), len(taken)):
        directory, _ = export("intelmq", values)
        lines = read(directory, ".intelmq.jsonl")
        assert len(lines) == count
        for line in lines[:: max(1, count // 4000)]:
            check_intelmq(line)


def test_intelmq_gives_nasty_values_back(export):
    keys = {"ipv4-addr": "source.ip", "ipv6-addr": "source.ip", "url": "source.url", "domain-name": "source.fqdn", "email-addr": "source.account",
            "user-account": "source.account", "file:hashes.MD5": "malware.hash.md5", "file:hashes.'SHA-256'": "malware.hash.sha256",
            "autonomous-system": "source.asn"}
    values = nasty()
    directory, report = export("intelmq", [row for _, _, row in values])
    found = []
    for event in map(check_intelmq, read(directory, ".intelmq.jsonl")):
        found += [(key, str(event[key])) for key in {*keys.values(), "source.network"} if key in event]
    expected = [("source.network" if kind.startswith("ipv") and "/" in value else keys[kind], value) for kind, value, _ in values
                if kind in keys and value not in ("-", " lead")]
    assert sorted(found) == sorted(expected)
    assert report["left_out"]["no_place"] >= 2


def test_intelmq_knows_every_type_of_the_taxonomy(export):
    rows = [indicator(f"[domain-name:value = '{word}.example']", classification=word) for word in CLASSES]
    directory, _ = export("intelmq", rows)
    events = [check_intelmq(line) for line in read(directory, ".intelmq.jsonl")]
    assert {event["source.fqdn"]: event["classification.type"] for event in events} == {
        f"{word}.example": word.replace("unauthorised-use", "unauthorized-use") for word in CLASSES}


@pytest.mark.parametrize("tlp, old", [("CLEAR", "WHITE"), ("GREEN", "GREEN"), ("AMBER", "AMBER"), ("AMBER+STRICT", "RED"), ("RED", "RED")])
def test_intelmq_gets_a_level_that_it_knows_and_the_true_one(export, tlp, old):
    # Of what is RED an organisation sees its own only.
    directory, _ = export("intelmq", [dict(one()[0], tlp=tlp, owners=[None])])
    [event] = map(check_intelmq, read(directory, ".intelmq.jsonl"))
    assert (event["tlp"], event["extra.tlp2"]) == (old, tlp)


@pytest.mark.parametrize("key, value", [
    ("tlp", "AMBER+STRICT"), ("classification.type", "unauthorised-use-of-resources"), ("source.fqdn", "198.51.100.7"), ("feed.accuracy", 101.0),
    ("source.domain", "x"), ("source.ip", "203.0.113.0/24"), ("time.source", "soon"), ("source.account", " x"),
])
def test_intelmq_refuses_what_is_wrong(export, key, value):
    directory, _ = export("intelmq", one())
    [line] = read(directory, ".intelmq.jsonl")
    check_intelmq(line)
    with pytest.raises((exceptions.IntelMQException, AssertionError)):
        check_intelmq(json.dumps({**json.loads(line), key: value}))


# IDEA

CATEGORIES = {"Intrusion.Botnet", "Fraud.Phishing", "Malware", "Recon.Scanning", "Abusive.Spam", "Availability.DDoS", "Vulnerable.Config", "Other"}
IDEA_KEYS = {"Format", "ID", "DetectTime", "CreateTime", "CeaseTime", "Category", "Confidence", "Description", "Note", "Source", "Node", "Ref"}


def check_idea(line):
    """(list, value) of the source. The library takes unknown keys and categories, so those are looked at here."""
    wrote = json.loads(line)
    event = idea.lite.Idea(wrote)
    assert set(wrote) <= IDEA_KEYS and wrote["Format"] == "IDEA0" and set(wrote["Category"]) <= CATEGORIES
    assert 0 <= wrote.get("Confidence", 0) <= 1 and wrote["Ref"][0].startswith("urn:stix:indicator--")
    assert set(wrote["Source"][0].get("Type", [])) <= {"CC", "Phishing", "Malware", "OriginSpam"}
    assert list(event["Node"][0]["Type"]) == ["Relay", "External"] and re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*", event["Node"][0]["Name"])
    [(key, [value])] = [(key, value) for key, value in wrote["Source"][0].items() if key != "Type"]
    if key in ("IP4", "IP6"):
        assert str(event["Source"][0][key][0]) == value or ipaddress.ip_network(value)
    assert key in ("IP4", "IP6", "Hostname", "URL", "Email")
    return key, value


def test_idea_is_read_by_its_library(export):
    taken = [row for row in mixed() if any(word in row["pattern"] for word in ("ipv4", "ipv6", "domain", "url", "email"))]
    for values, count in ([], 0), (one(), 1), (mixed(), len(taken)):
        directory, _ = export("idea", values)
        lines = read(directory, ".idea.jsonl")
        assert len(lines) == count
        for line in lines[:: max(1, count // 10_000)]:
            check_idea(line)
        assert len({re.search('"ID":"([^"]+)"', line)[1] for line in lines}) == count


def test_idea_gives_nasty_values_back(export):
    keys = {"ipv4-addr": "IP4", "ipv6-addr": "IP6", "url": "URL", "domain-name": "Hostname", "email-addr": "Email"}
    values = nasty()
    directory, _ = export("idea", [row for _, _, row in values], {"node": "example.cert.liaison"})
    lines = read(directory, ".idea.jsonl")
    assert sorted(map(check_idea, lines)) == sorted((keys[kind], value) for kind, value, _ in values if kind in keys)
    event = json.loads(lines[0])
    assert event["Category"] == ["Intrusion.Botnet"] and event["Source"][0]["Type"] == ["CC"] and event["Confidence"] == 0.8
    assert event["Node"][0]["Name"] == "example.cert.liaison" and event["Note"] == "tlp=AMBER pap=GREEN"


@pytest.mark.parametrize("change", [
    {"Format": "IDEA1"}, {"DetectTime": "today"}, {"Category": ["Bad Category"]}, {"Category": ["Malware.Nonsense"]}, {"ID": "a b"},
    {"Ref": ["stix indicator"]}, {"Source": [{"IP4": ["c2.evil.example"]}]}, {"Confidence": 80}, {"Extra": 1},
])
def test_idea_check_finds_what_is_wrong(export, change):
    directory, _ = export("idea", one())
    [line] = read(directory, ".idea.jsonl")
    assert check_idea(line) == ("Hostname", "c2.evil.example")
    with pytest.raises((AssertionError, ValueError)):
        check_idea(json.dumps({**json.loads(line), **change}))
