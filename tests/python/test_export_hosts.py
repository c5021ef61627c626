"""Exports for ClamAV, osquery and Wazuh: a scanner's hits, queries in a database of the same columns, and a
strict reader where there is no program."""

import hashlib
import ipaddress
import json
import re
import sqlite3

import pytest
from consumers import fails, only, run
from exporting import MANY, export, exporter, indicator, many  # noqa: F401

# ClamAV

SAMPLE = b"#!/bin/sh\necho this file does nothing, but is listed\n"
MUTEX = r"Global\liaison;a:b*{1-2}"


def hashed(name):
    kind = {"md5": "MD5", "sha1": "'SHA-1'", "sha256": "'SHA-256'"}[name]
    return indicator(f"[file:hashes.{kind} = '{hashlib.new(name, SAMPLE).hexdigest()}']")


def scan(tmp_path, database, content=SAMPLE, rc=1):
    """What clamscan calls a file by one database: 1 is a hit, 0 none."""
    (tmp_path / "sample").write_bytes(content)
    said = run("clamscan", "--no-summary", "-d", database, tmp_path / "sample", rc=rc)
    assert "WARNING" not in said and "ERROR" not in said, said
    return said.rpartition(": ")[2].strip()


@pytest.mark.parametrize("name, suffix", [("md5", ".hdb"), ("sha1", ".hsb"), ("sha256", ".hsb")])
def test_clamav_finds_a_listed_file(export, tmp_path, name, suffix):
    out, _ = export("clamav", [hashed(name)])
    found = scan(tmp_path, only(out, suffix))
    assert re.fullmatch(r"Liaison\.[0-9a-f]{8}\.UNOFFICIAL FOUND", found), found
    assert scan(tmp_path, only(out, suffix), SAMPLE + b"x", rc=0) == "OK"


def test_clamav_finds_a_listed_string(export, tmp_path):
    out, report = export("clamav", [
        indicator("[mutex:name = '" + MUTEX.replace("\\", "\\\\") + "']"), indicator("[mutex:name = 'short']")],
        {"strings": True})
    assert report["left_out"] == {"length": 1}
    assert "FOUND" in scan(tmp_path, only(out, ".ndb"), b"\0\1" + MUTEX.encode() + b"\0")
    for other in (MUTEX[1:], MUTEX.replace("*", "x"), "short"):
        assert scan(tmp_path, only(out, ".ndb"), b"\0\1" + other.encode() + b"\0", rc=0) == "OK"


def test_clamav_starts_with_nothing_listed(export, tmp_path):
    out, _ = export("clamav", [], {"strings": True})
    for suffix in (".hdb", ".hsb", ".ndb"):
        for content in (SAMPLE, b"\0" * 4096):
            assert scan(tmp_path, only(out, suffix), content, rc=0) == "OK"
    (tmp_path / "empty.hsb").write_text("")
    assert "Malformed" in fails("clamscan", "--no-summary", "-d", tmp_path / "empty.hsb", tmp_path / "sample")


def test_clamav_loads_long_lists(export, tmp_path):
    out, report = export("clamav", many("sha256", MANY // 2) + many("md5", MANY // 2) + [hashed("sha1"), hashed("md5")])
    assert report["left_out"] == {} and sum(report["files"].values()) == MANY + 2
    for suffix in (".hdb", ".hsb"):
        assert "FOUND" in scan(tmp_path, only(out, suffix))


@pytest.mark.parametrize("line", ["e3b0c44298fc:*:Liaison.x:73", "0" * 64 + ":*:Liaison.x", "0" * 64])
def test_clamav_refuses_what_is_wrong(export, tmp_path, line):
    out, _ = export("clamav", [hashed("sha1")])
    database = only(out, ".hsb")
    database.write_text(database.read_text() + line + "\n")
    (tmp_path / "sample").write_bytes(b"x")
    said = fails("clamscan", "--no-summary", "-d", database, tmp_path / "sample")
    assert "Malformed" in said or "ERROR" in said, said


# osquery

STUB = """
CREATE TABLE process_open_sockets (pid, fd, socket, family, protocol, local_address, remote_address, local_port,
  remote_port, path, state, net_namespace);
CREATE TABLE hash (path, directory, md5, sha1, sha256);
CREATE TABLE dns_cache (name, type, flags);
INSERT INTO process_open_sockets (pid, remote_address) VALUES (1, '198.51.100.7'), (2, '198.51.100.8'),
  (3, '2001:db8::66'), (4, '');
INSERT INTO dns_cache (name) VALUES ('c2.evil.example'), ('evil.example');
INSERT INTO hash (path, md5, sha1, sha256) VALUES ('/tmp/a', 'M', 'S', 'T'), ('/opt/a', 'M', 'S', 'T');
"""


def hits(out):
    """The first columns of all rows that each query of a pack finds."""
    pack = json.loads(only(out, ".conf").read_text(), parse_constant=lambda word: pytest.fail(word))
    assert set(pack) == {"queries"}
    base = sqlite3.connect(":memory:")
    stub = STUB
    for letter, name in (("M", "md5"), ("S", "sha1"), ("T", "sha256")):
        stub = stub.replace(f"'{letter}'", f"'{hashlib.new(name, SAMPLE).hexdigest()}'")
    base.executescript(stub)
    found = {}
    for name, query in pack["queries"].items():
        assert set(query) - {"platform"} == {"query", "interval", "description"} and query["interval"] >= 60, query
        assert re.fullmatch(r"[a-z0-9_]+", name) and query["query"].count("'") <= 2 * 500 + 20
        found[name] = [row[0] for row in base.execute(query["query"])]
    return found


def test_osquery_finds_what_is_listed(export):
    out, _ = export("osquery", [
        indicator("[ipv4-addr:value = '198.51.100.7']"), indicator("[ipv6-addr:value = '2001:db8::66']", tlp="RED"),
        indicator("[domain-name:value = 'c2.evil.example']"), hashed("md5"), hashed("sha1"), hashed("sha256")])
    assert hits(out) == {"liaison_ip": [1, 3], "liaison_dns": ["c2.evil.example"], "liaison_md5": ["/tmp/a"],
                         "liaison_sha1": ["/tmp/a"], "liaison_sha256": ["/tmp/a"]}
    queries = json.loads(only(out, ".conf").read_text())["queries"]
    assert queries["liaison_ip"]["description"].startswith("tlp=RED ")
    assert queries["liaison_md5"]["description"].startswith("tlp=AMBER ")


def test_osquery_looks_for_files_in_the_places_named(export):
    out, _ = export("osquery", [hashed("sha1")], {"paths": ["/opt/%", "/it's/%"], "interval": 60})
    assert hits(out) == {"liaison_sha1": ["/opt/a"]}


def test_osquery_takes_nothing_and_much(export):
    out, _ = export("osquery", [])
    assert hits(out) == {}
    out, report = export("osquery", many("ipv4", MANY // 2) + many("sha256", MANY // 2))
    assert len(hits(out)) == MANY // 500 and report["left_out"] == {}


@pytest.mark.parametrize("old, new", [
    ("198.51.100.7'", "198.51.100.7"), ("remote_address IN", "remote IN"), ('":', '"')])
def test_osquery_checks_find_what_is_wrong(export, old, new):
    out, _ = export("osquery", [indicator("[ipv4-addr:value = '198.51.100.7']")])
    path = only(out, ".conf")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises((sqlite3.Error, json.JSONDecodeError)):
        hits(out)


# Wazuh

KEYS = {
    "-ip": lambda key: re.fullmatch(r"(\d{1,3}\.){1,3}", key) or ipaddress.ip_address(key),
    "-domain": lambda key: re.fullmatch(r"[a-z0-9_.-]{1,253}", key),
    "-url": lambda key: "://" in key,
    "-email": lambda key: "@" in key,
    "-filename": lambda key: True,
    "-md5": lambda key: re.fullmatch(r"[0-9a-f]{32}", key),
    "-sha1": lambda key: re.fullmatch(r"[0-9a-f]{40}", key),
    "-sha256": lambda key: re.fullmatch(r"[0-9a-f]{64}", key),
}


def read(out):
    """All lists as `key: value`, read strictly."""
    lists = {}
    for suffix, is_key in KEYS.items():
        entries = lists[suffix] = {}
        text = only(out, suffix).read_bytes().decode()
        assert text == "" or text.endswith("\n")
        for line in text.split("\n")[:-1]:
            quoted = re.fullmatch(r'"([^"]+)":([0-9a-f]{8})', line)
            plain = re.fullmatch(r'([^":]+):([0-9a-f]{8})', line)
            key, value = (quoted or plain).groups() if quoted or plain else pytest.fail(line)
            assert len(line) < 2048 and key == key.strip() and is_key(key), line
            assert key not in entries, line
            entries[key] = value
    return lists


def test_wazuh_lists_have_each_key_once(export):
    out, report = export("wazuh", [
        indicator("[ipv4-addr:value ISSUBSET '203.0.113.0/24']"), indicator("[ipv4-addr:value ISSUBSET '10.0.0.0/30']"),
        indicator("[ipv4-addr:value = '10.0.0.2']"), indicator("[ipv4-addr:value ISSUBSET '0.0.0.0/0']"),
        indicator("[ipv6-addr:value = '2001:db8::66']"), indicator("[ipv6-addr:value ISSUBSET '2001:db8::/32']"),
        indicator("[url:value = 'http://a.example/x']"), indicator("[domain-name:value = 'a.example']"),
        indicator("[file:name = 'a:b.exe']"), indicator("[file:name = 'say \"x\":y']"), hashed("sha1")])
    lists = read(out)
    assert sorted(lists["-ip"]) == ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::66", "203.0.113."]
    assert list(lists["-url"]) == ["http://a.example/x"] and list(lists["-filename"]) == ["a:b.exe"]
    assert report["left_out"] == {"misread": 1, "network": 2}


@pytest.mark.parametrize("values", [[], [hashed("md5")], None], ids=["none", "one", "many"])
def test_wazuh_lists_of_any_length(export, values):
    values = many("mixed") if values is None else values
    out, report = export("wazuh", values)
    assert sum(len(entries) for entries in read(out).values()) + sum(report["left_out"].values()) == len(values)


@pytest.mark.parametrize("line", [
    "a.example", "a.example:ff5c8641", "2001:db8::66:ff5c8641", "b.example:ff5c8641:x", ""])
def test_wazuh_reader_refuses_what_is_wrong(export, line):
    out, _ = export("wazuh", [indicator("[domain-name:value = 'a.example']")])
    path = only(out, "-domain")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        read(out)
