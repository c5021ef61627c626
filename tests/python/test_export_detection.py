"""Exports for detection, read by the programs that they are for: Suricata, YARA, Sigma; and Zeek's by a strict reader."""

import hashlib
import re

import pytest
from detection import alerts, check, hello, query, session, web
from exporting import export, indicator, many, MANY  # noqa: F401: a fixture

BAD = b"a bad file"
HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}


def equals(path, value):
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{path} = '{escaped}']"


def some_of_all():
    values = [
        indicator(equals("domain-name:value", "c2.evil.example"), confidence=80),
        indicator(equals("ipv4-addr:value", "198.51.100.7")),
        indicator("[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
        indicator(equals("ipv6-addr:value", "2001:db8::66")),
        indicator(equals("url:value", "http://c2.evil.example/gate.php?id=1;x|y")),
        indicator(equals("url:value", "http://www.evil.example/a%20b//c")),
        indicator(equals("url:value", "http://root.evil.example/")),
    ]
    return values + [indicator(equals(f"file:hashes.'{h}'", hashlib.new(n, BAD + n.encode()).hexdigest())) for h, n in HASHES.items()]


PACKETS = (
    query("c2.evil.example") + query("WWW.C2.evil.example", 40001) + query("good.example", 40002)
    + query("notc2.evil.example", 40003)
    + hello("C2.evil.example") + hello("good.example", 43001)
    + web("c2.evil.example", "/gate.php?id=1;x|y") + web("www.evil.example", "/a%20b//c", client_port=42001)
    + web("root.evil.example", "/", client_port=42002) + web("root.evil.example", "/other", client_port=42003)
    + web("good.example", "/bad", BAD + b"md5", client_port=42004)
    + web("good.example", "/bad", BAD + b"sha1", client_port=42005)
    + web("good.example", "/bad", BAD + b"sha256", client_port=42006)
    + session("198.51.100.7", 8080, b"x") + session("203.0.113.9", 8080, b"x") + session("2001:db8::66", 8080, b"x")
)


def test_suricata_alerts_by_lists(export, tmp_path):
    out, report = export("suricata", some_of_all())
    assert report["left_out"] == {"layout": 4}
    found = alerts(out / "liaison.rules", PACKETS, tmp_path / "log")
    assert {sid for sid, _ in found} == {9100001, 9100002, 9100003, 9100004, 9100005, 9100006, 9100007}


def test_suricata_alerts_on_what_lists_do_not_hold(export, tmp_path):
    choices = {"subdomains": True, "networks": True, "urls": True}
    out, report = export("suricata", some_of_all(), choices)
    assert report["left_out"] == {}
    found = alerts(out / "liaison.rules", PACKETS, tmp_path / "log")
    own = sorted(msg for sid, msg in found if sid >= 9101000)
    assert own == ["LIAISON 203.0.113.0/24", "LIAISON c2.evil.example"] + 3 * ["LIAISON url"]


def test_suricata_alerts_by_rules(export, tmp_path):
    out, report = export("suricata", some_of_all(), {"layout": "rules"})
    assert report["left_out"] == {}
    found = alerts(out / "liaison.rules", PACKETS, tmp_path / "log")
    own = sorted(msg for sid, msg in found if sid >= 9101000)
    assert own == [
        "LIAISON 198.51.100.7", "LIAISON 2001:db8::66", "LIAISON 203.0.113.0/24", "LIAISON c2.evil.example",
    ] + 3 * ["LIAISON url"]
    good = alerts(out / "liaison.rules", web("root.evil.example", "/other") + query("notc2.evil.example"), tmp_path / "good")
    assert good == set()


@pytest.mark.parametrize("layout", ["lists", "rules"])
@pytest.mark.parametrize("count", [0, 1])
def test_suricata_takes_few(export, tmp_path, layout, count):
    out, _ = export("suricata", many("domain", count), {"layout": layout})
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr, run.stderr


@pytest.mark.parametrize("kind", ["mixed", "domain"])
def test_suricata_takes_many_in_lists(export, tmp_path, kind):
    out, report = export("suricata", many(kind))
    assert sum(report["left_out"].values()) + report["files"]["liaison.rules"] in (MANY, MANY * 7 // 10)
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr, run.stderr


@pytest.mark.parametrize("kind", ["domain", "url", "ipv4"])
def test_suricata_takes_many_rules(export, tmp_path, kind):
    out, report = export("suricata", many(kind, 5000), {"layout": "rules"})
    assert report["files"]["liaison.rules"] == 5000
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr, run.stderr


def broken(line):
    return line + "!\n"


@pytest.mark.parametrize("name, change", [
    ("liaison.rules", lambda text: text.replace(" sid:9100001;", "")),
    ("liaison.rules", lambda text: text.replace('domain"; dns', "domain; dns")),
    ("-dom.lst", lambda text: text + "c2.evil.example\n"),
    ("-ip.lst", lambda text: text + "203.0.113.0/33\n"),
    ("-ip.lst", None),
    ("-sha256.lst", lambda text: text + "abc\n"),
])
def test_suricata_refuses_what_is_broken(export, tmp_path, name, change):
    out, _ = export("suricata", some_of_all())
    [file] = [file for file in out.iterdir() if file.name.endswith(name)]
    if change is None:
        file.unlink()
    else:
        file.write_text(change(file.read_text()))
    assert check(out / "liaison.rules", tmp_path / "log").returncode != 0
