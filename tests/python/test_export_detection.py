"""Exports for detection, read by the programs that they are for: Suricata, YARA, Sigma; and Zeek's by a strict reader."""

import hashlib
import ipaddress
import re
import subprocess
import sys
from pathlib import Path

import pytest
from detection import alerts, check, hello, query, session, web
from detection_rules import BAD, BAD_SIGMA, BAD_YARA, GOOD, GOOD_SIGMA, GOOD_YARA, mutations, random_rules
from conftest import program
from exporting import export, exporter, indicator, many, MANY  # noqa: F401: a fixture

FILE = b"a bad file"
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
    return values + [indicator(equals(f"file:hashes.'{h}'", hashlib.new(n, FILE + n.encode()).hexdigest())) for h, n in HASHES.items()]


PACKETS = (
    query("c2.evil.example") + query("WWW.C2.evil.example", 40001) + query("good.example", 40002)
    + query("notc2.evil.example", 40003)
    + hello("C2.evil.example") + hello("good.example", 43001)
    + web("c2.evil.example", "/gate.php?id=1;x|y") + web("www.evil.example", "/a%20b//c", client_port=42001)
    + web("root.evil.example", "/", client_port=42002) + web("root.evil.example", "/other", client_port=42003)
    + web("good.example", "/bad", FILE + b"md5", client_port=42004)
    + web("good.example", "/bad", FILE + b"sha1", client_port=42005)
    + web("good.example", "/bad", FILE + b"sha256", client_port=42006)
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


def test_suricata_takes_many_in_lists(export, tmp_path):
    out, report = export("suricata", many("mixed"))
    # Of ten kinds two have no place in it, and two none in lists.
    assert report["files"]["liaison.rules"] == MANY * 6 // 10
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr, run.stderr


@pytest.mark.parametrize("kind", ["domain", "url", "ipv4"])
def test_suricata_takes_many_rules(export, tmp_path, kind):
    out, report = export("suricata", many(kind, 5000), {"layout": "rules"})
    assert report["files"]["liaison.rules"] == 5000
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr, run.stderr


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
    run = check(out / "liaison.rules", tmp_path / "log")
    # Of a bad hash it tells, and goes on.
    assert run.returncode != 0 or "E:" in run.stderr


ZEEK_TYPES = {"ADDR", "SUBNET", "URL", "DOMAIN", "EMAIL", "FILE_HASH", "FILE_NAME", "CERT_HASH", "USER_NAME", "SOFTWARE"}
ZEEK_FIELDS = ["indicator", "indicator_type", "meta.source", "meta.desc", "meta.url"]


def zeek_lines(text):
    """Reads a file as strictly as can be: the lines' fields, or an AssertionError."""
    assert text.endswith("\n") and "\r" not in text
    lines = text.split("\n")[:-1]
    while lines[0].startswith("# "):
        lines.pop(0)
    marker, *names = lines.pop(0).split("\t")
    assert marker == "#fields" and names in (ZEEK_FIELDS, ZEEK_FIELDS + ["meta.do_notice"])
    keys, found = set(), []
    for line in lines:
        fields = line.split("\t")
        assert len(fields) == len(names) and not line.startswith("#"), line
        assert all(field not in ("", "-", "(empty)") for field in fields), line
        values = [re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), field) for field in fields]
        kind = values[1].removeprefix("Intel::")
        assert kind in ZEEK_TYPES and values[1] == "Intel::" + kind
        if kind in ("ADDR", "SUBNET"):
            network = ipaddress.ip_network(values[0])
            assert str(network) == values[0] or str(network.network_address) == values[0]
            assert ("/" in values[0]) == (kind == "SUBNET")
        assert kind != "URL" or "://" not in values[0].split("?")[0]
        assert len(values) == 5 or values[5] in ("T", "F")
        assert tuple(values[:3]) not in keys, line
        keys.add(tuple(values[:3]))
        found.append(values)
    return found


AWKWARD = ["#first", "-", "(empty)", "a\\x41b", "back\\slash", "x;y|z", "=cmd", "ä\u202eexe.txt", "'quoted\""]


def test_zeek_values_come_back(export):
    out, report = export("zeek", some_of_all() + [indicator(equals("file:name", name), description="a\tb\nc") for name in AWKWARD])
    found = zeek_lines((out / "liaison.intel").read_text())
    assert len(found) == 10 + len(AWKWARD) and report["left_out"] == {}
    assert {values[0] for values in found if values[1] == "Intel::FILE_NAME"} == set(AWKWARD)
    assert {"c2.evil.example", "198.51.100.7", "203.0.113.0/24", "root.evil.example/"} <= {values[0] for values in found}


@pytest.mark.parametrize("kind, count", [("domain", 0), ("domain", 1), ("mixed", MANY)])
def test_zeek_lines_are_strict(export, kind, count):
    out, _ = export("zeek", many(kind, count), {"do_notice": True})
    assert len(zeek_lines((out / "liaison.intel").read_text())) == count


@pytest.mark.parametrize("change", [
    lambda text: text.replace("\tIntel::DOMAIN", "  Intel::DOMAIN"),
    lambda text: text.replace("Intel::DOMAIN", "Intel::NAME"),
    lambda text: text + text.splitlines()[-1] + "\n",
    lambda text: re.sub("tlp=[^\t]*", "-", text),
    lambda text: text.replace("#fields\t", "#fields "),
])
def test_zeek_reader_refuses_what_is_broken(export, change):
    out, _ = export("zeek", many("domain", 1))
    with pytest.raises((AssertionError, ValueError)):
        zeek_lines(change((out / "liaison.intel").read_text()))


def yarac(rules, tmp_path):
    # More rules and longer ones make it warn that the scan could be slow.
    return subprocess.run([program("yarac"), str(rules), str(tmp_path / "compiled")], capture_output=True, text=True, timeout=120)


def test_yara_finds_files(export, tmp_path):
    out, _ = export("yara", some_of_all())
    bad = tmp_path / "bad"
    bad.mkdir()
    for name in HASHES.values():
        (bad / name).write_bytes(FILE + name.encode())
    (bad / "good").write_bytes(b"good")
    run = subprocess.run([program("yara"), "-r", str(out / "liaison.yar"), str(bad)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stderr == ""
    assert sorted(line.rsplit("/", 1)[1] for line in run.stdout.splitlines()) == ["md5", "sha1", "sha256"]


@pytest.mark.parametrize("kind, count", [("sha256", 0), ("sha256", 1), ("mixed", MANY)])
def test_yara_compiles(export, tmp_path, kind, count):
    out, report = export("yara", many(kind, count))
    assert report["files"]["liaison.yar"] == (count if kind == "sha256" else count * 3 // 10)
    run = yarac(out / "liaison.yar", tmp_path)
    assert run.returncode == 0 and run.stderr == "", run.stderr


def test_yara_keeps_texts_in_strings(export, tmp_path):
    owner = 'x" condition: true } rule y { condition: true } // \\'
    out, _ = export("yara", [indicator(equals("file:hashes.MD5", "0" * 32), owners=[owner + "\n"])])
    file = tmp_path / "file"
    file.write_text("x")
    run = subprocess.run([program("yara"), "-m", str(out / "liaison.yar"), str(file)], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize("change", [
    lambda text: text.replace("condition:", "conditions:"),
    lambda text: text.replace('import "hash"', ""),
    lambda text: text + text[text.index("rule "):],
    lambda text: text.replace('author = "', 'author = "x" "'),
])
def test_yara_refuses_what_is_broken(export, tmp_path, change):
    out, _ = export("yara", many("sha256", 1))
    file = out / "liaison.yar"
    file.write_text(change(file.read_text()))
    assert yarac(file, tmp_path).returncode != 0


VALIDATORS = "validators:\n  - all\n  - -attacktag\n  - -d3_fendtag\n"


def sigma(*arguments):
    return subprocess.run([Path(sys.executable).parent / "sigma", *arguments], capture_output=True, text=True, timeout=170)


def sigma_check(out, tmp_path):
    """Its findings, without the one that cannot but be: an escaped question mark in a URL."""
    (tmp_path / "validators.yml").write_text(VALIDATORS)
    run = sigma("check", "--fail-on-error", "--validation-config", str(tmp_path / "validators.yml"), str(out))
    issues = [line for line in run.stdout.splitlines() if line.startswith("issue=") and "EscapedWildcardIssue" not in line]
    return run.returncode, issues, run.stdout + run.stderr


def test_sigma_becomes_a_search(export, tmp_path):
    out, _ = export("sigma", some_of_all() + [indicator(equals("url:value", "http://a.example/*?b=c"))])
    code, issues, text = sigma_check(out, tmp_path)
    assert (code, issues) == (0, []), text
    run = sigma("convert", "-t", "splunk", "--without-pipeline", str(out))
    assert run.returncode == 0, run.stderr
    searches = run.stdout
    for wanted in [
        'QueryName IN ("c2.evil.example", "*.c2.evil.example")', '"cs-host"="c2.evil.example"',
        '"http://c2.evil.example/gate.php?id=1;x|y"', 'DestinationIp="203.0.113.0/24"', '"198.51.100.7"', '"2001:db8::66"',
        '"*SHA256=' + hashlib.sha256(FILE + b"sha256").hexdigest(), r'"http://a.example/\*?b=c"',
    ]:
        assert wanted in searches, searches


@pytest.mark.parametrize("level", ["clear", "green", "amber", "amber+strict", "red"])
def test_sigma_takes_one(export, tmp_path, level):
    # Of what is RED an organisation sees its own only.
    owners = [None] if level == "red" else ["O'Neil: #1\ufffe", "- x"]
    out, report = export("sigma", [indicator(equals("domain-name:value", "c2.evil.example"), tlp=level, owners=owners)])
    assert report["rows"] == 1
    code, issues, text = sigma_check(out, tmp_path)
    # TLP 1.0 knows no level of that name, and there is a check of tags against either version.
    assert code == 0 and len(issues) == (2 if level in ("clear", "amber+strict") else 0), text
    assert all("InvalidTLPTagIssue" in issue for issue in issues), text


def test_sigma_takes_none(export, tmp_path):
    out, _ = export("sigma", [])
    assert len([file for file in out.iterdir() if file.suffix == ".yml"]) == 1
    assert sigma_check(out, tmp_path)[0] == 0


def test_sigma_takes_many(export, tmp_path):
    out, report = export("sigma", many("mixed"))
    counts = [rows for name, rows in report["files"].items() if name.endswith(".yml")]
    # Domains, and each hash, are in two kinds of rules; of ten kinds one has no place: e-mail, and file names.
    assert sum(counts) == MANY * 12 // 10 and max(counts) == 5000
    files = sorted(file for file in out.iterdir() if file.suffix == ".yml")
    few = tmp_path / "few"
    few.mkdir()
    for file in files[:: len(files) // 6]:
        (few / file.name).write_bytes(file.read_bytes())
    code, issues, text = sigma_check(few, tmp_path)
    assert (code, issues) == (0, []), text
    assert sigma("convert", "-t", "splunk", "--without-pipeline", str(few)).returncode == 0


@pytest.mark.parametrize("change", [
    lambda text: re.sub("id: .*", "id: 'x'", text),
    lambda text: text.replace("1 of values_*", "values_1 and value_2"),
    lambda text: text.replace("detection:", "detections:"),
    lambda text: text.replace("level: 'high'", "level: 'loud'"),
    lambda text: text.replace("'c2.evil", "'c2'.evil"),
])
def test_sigma_refuses_what_is_broken(export, tmp_path, change):
    out, _ = export("sigma", some_of_all()[:1])
    for file in out.glob("*.yml"):
        file.write_text(change(file.read_text()))
    code, _, text = sigma_check(out, tmp_path)
    assert code != 0 or "Found 0 errors, 0 condition errors" not in text


def foreign(rules, language="suricata"):
    # The hub takes no pattern without text, and no NUL.
    return [indicator(rule, pattern_type=language) for rule in rules if rule.strip("\0")]


def test_suricata_takes_good_rules_of_others(export, tmp_path):
    out, report = export("suricata", foreign(GOOD) + foreign(GOOD[:1], "snort"))
    assert report["left_out"] == {}
    text = (out / "liaison.rules").read_text()
    assert len(re.findall(r"sid:91010\d\d; rev:1;\)", text)) == 6 and "2900001" not in text
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr and "W:" not in run.stderr, run.stderr
    found = alerts(out / "liaison.rules", query("www.evil.example"), tmp_path / "run")
    assert [msg for _, msg in found] == ["EXAMPLE dns : x; y"]


def test_suricata_leaves_out_what_is_not_understood(export):
    _, report = export("suricata", foreign(BAD))
    assert report["left_out"] == {"not_understood": len(foreign(BAD))}


def test_suricata_takes_every_rule_of_others_that_passes(export, tmp_path):
    rules = list(random_rules(6000, seed=1))
    out, report = export("suricata", foreign(rules))
    passed = len(rules) - report["left_out"]["not_understood"]
    assert passed > 500
    run = check(out / "liaison.rules", tmp_path / "log")
    assert run.returncode == 0 and "E:" not in run.stderr, run.stderr[:5000]


def test_yara_takes_good_rules_of_others(export, tmp_path):
    out, report = export("yara", foreign(GOOD_YARA, "yara") + many("sha256", 1))
    assert report["left_out"] == {} and report["files"]["liaison.yar"] == 5
    file = tmp_path / "file"
    file.write_bytes(b"xevilx")
    run = subprocess.run([program("yara"), str(out / "liaison.yar"), str(file)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    names = sorted(line.split()[0] for line in run.stdout.splitlines())
    # Of the two of one name one got another; so did the one with a name like ours.
    assert len(names) == 2 and all(name == "Example_One" or name.startswith("liaison_") for name in names)
    assert "liaison_mine" not in (out / "liaison.yar").read_text()


def test_yara_leaves_out_what_is_not_understood(export):
    _, report = export("yara", foreign(BAD_YARA, "yara"))
    assert report["left_out"] == {"not_understood": len(foreign(BAD_YARA))}


def test_yara_takes_every_rule_of_others_that_passes(export, tmp_path):
    rules = list(mutations(GOOD_YARA, 4000, seed=1))
    out, report = export("yara", foreign(rules, "yara"))
    assert report["files"]["liaison.yar"] > 800
    run = yarac(out / "liaison.yar", tmp_path)
    assert run.returncode == 0, run.stderr[:3000]


def test_sigma_takes_good_rules_of_others(export, tmp_path):
    out, report = export("sigma", foreign(GOOD_SIGMA, "sigma"))
    assert report["left_out"] == {}
    code, issues, text = sigma_check(out, tmp_path)
    assert code == 0 and "Found 0 errors, 0 condition errors" in text, text
    run = sigma("convert", "-t", "splunk", "--without-pipeline", str(out))
    assert run.returncode == 0 and 'NOT User="SYSTEM"' in run.stdout, run.stdout + run.stderr


def test_sigma_leaves_out_what_is_not_understood(export):
    _, report = export("sigma", foreign(BAD_SIGMA, "sigma"))
    assert report["left_out"] == {"not_understood": len(foreign(BAD_SIGMA))}


def test_sigma_takes_every_rule_of_others_that_passes(export, tmp_path):
    out, report = export("sigma", foreign(list(mutations(GOOD_SIGMA, 1500, seed=1)), "sigma"))
    assert len(report["files"]) > 300
    code, _, text = sigma_check(out, tmp_path)
    assert code == 0 and "Found 0 errors, 0 condition errors" in text, text[:3000]
    run = sigma("convert", "-t", "splunk", "--without-pipeline", str(out))
    assert run.returncode == 0, run.stderr[-3000:]
