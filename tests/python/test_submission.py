"""Submission: tables, events of MISP and IntelMQ, and text, handed in as an analyst would."""

import csv
import json
import subprocess
import sys

import pytest
from commands import BAD_DATA, DONE, FAILED, USAGE, ended
from conftest import REPOSITORY, uuid4
from pymisp import MISPEvent

MAIL = """From: soc@cert-b.example
Subject: phishing wave

Please block hxxps://login-evil[.]top/gate.php and 198[.]51[.]100[.]7, also evil-c2[.]xyz.
SHA-256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, CVE-2026-1234
More at https://vendor-blog.com/post
--
CERT B, info@cert-b.org
"""
TERMS = ["--tlp", "AMBER", "--purpose", "cyber-defence", "--yes"]


@pytest.fixture
def desk(make_hub, tmp_path):
    """Hands files in at a hub of its own."""
    hub = make_hub()

    def submit(name, text, *arguments, org="cert-a", terms=TERMS, title=("--title", "Wave 7"), json_out=True):
        path = tmp_path / name
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        extra = ["--json"] if json_out else []
        return hub.run("publish", "--profile", hub.profile(org), *terms, *title, *extra, *arguments, path)

    submit.hub = hub
    return submit


def told(done, code=DONE):
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def values(answer):
    return {(row["type"], row["value"]) for row in answer["submission"]["values"]}


def stored(hub, org="cert-b"):
    done = hub.run("poll", "--profile", hub.profile(org), "--state", hub.dir / f"state-{uuid4()}")
    assert done.returncode == DONE, done.stderr
    return {one["id"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_a_mail_becomes_indicators_of_a_report_and_handing_it_in_again_sends_nothing(desk):
    first = told(desk("mail.txt", MAIL))
    assert values(first) == {
        ("url", "https://login-evil.top/gate.php"), ("ipv4-addr", "198.51.100.7"), ("domain-name", "evil-c2.xyz"),
        ("file:hashes.'SHA-256'", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"), ("vulnerability", "CVE-2026-1234")}
    assert {left["text"] for left in first["submission"]["left_out"]} == {"soc@cert-b.example", "https://vendor-blog.com/post", "info@cert-b.org"}
    # Five values, the report, and the marking that says the purpose.
    assert first["summary"]["success"] == 7 and first["summary"]["failure"] == 0
    objects = stored(desk.hub)
    patterns = {one["pattern"] for one in objects.values() if one["type"] == "indicator"}
    assert "[domain-name:value = 'evil-c2.xyz']" in patterns and len(patterns) == 4
    report = next(one for one in objects.values() if one["type"] == "report")
    assert report["name"] == "Wave 7" and set(report["object_refs"]) == {
        id for id, one in objects.items() if one["type"] in ("indicator", "vulnerability")}
    again = told(desk("mail.txt", MAIL))
    assert again["submission"]["new"] == [] and len(again["submission"]["unchanged"]) == 7
    assert stored(desk.hub) == objects
    warned = {row["value"]: row["warnings"] for row in again["submission"]["values"]}
    assert any("documentation" in text for text in warned["198.51.100.7"]) and warned["evil-c2.xyz"] == []
    known = {row["value"]: row["known"] for row in again["submission"]["values"]}
    assert known["evil-c2.xyz"] and known["evil-c2.xyz"][0].startswith("CERT A 20")


def test_more_under_the_same_title_makes_the_report_grow(desk):
    told(desk("a.txt", "Block evil-one[.]top"))
    answer = told(desk("b.txt", "Block evil-two[.]top"))
    assert len(answer["submission"]["new"]) == 2
    report = next(one for one in stored(desk.hub).values() if one["type"] == "report")
    assert len(report["object_refs"]) == 2 and report["created"] < report["modified"]
    told(desk("c.txt", "Block evil-three[.]top", title=("--title", "Other")))
    assert sum(one["type"] == "report" for one in stored(desk.hub).values()) == 2


def test_marking_and_purpose_are_never_guessed(desk):
    for missing in ("--tlp", "--purpose"):
        terms = [*TERMS]
        at = terms.index(missing)
        del terms[at:at + 2]
        ended(desk("mail.txt", MAIL, terms=terms), USAGE, missing)
    ended(desk("mail.txt", MAIL, terms=TERMS[:-1]), USAGE, "--yes")
    ended(desk("mail.txt", MAIL, title=()), USAGE, "--title")
    ended(desk("mail.txt", MAIL, terms=["--tlp", "PINK", *TERMS[2:]]), USAGE, "expected CLEAR")
    assert stored(desk.hub) == {}


def test_who_will_read_it_is_told_before_anything_is_sent(desk):
    done = desk("mail.txt", MAIL, "--dry-run", json_out=False)
    ended(done, DONE, "read by: CERT A (cert-a), CERT B (cert-b)", "on warning lists", "nothing was sent", "in the header of a mail")
    assert stored(desk.hub) == {}
    done = desk("mail.txt", MAIL, "--dry-run", json_out=False, terms=["--tlp", "RED", *TERMS[2:]])
    ended(done, DONE, "read by: CERT A (cert-a)", "not by CERT B (cert-b)")


def test_a_table_of_ours_and_one_of_others(desk, tmp_path):
    table = "value;type;confidence;labels;valid_until\nevil-csv[.]top;;80;rat,wave-7;2030-01-01T00:00:00Z\n203.0.113.9;ipv4-addr;low;;\nno value;;;;\n"
    answer = told(desk("ours.csv", table))
    assert values(answer) == {("domain-name", "evil-csv.top"), ("ipv4-addr", "203.0.113.9")}
    assert [left["place"] for left in answer["submission"]["left_out"]] == ["line 4, column `value`"]
    found = {one["pattern"]: one for one in stored(desk.hub).values() if one["type"] == "indicator"}
    one = found["[domain-name:value = 'evil-csv.top']"]
    assert (one["confidence"], one["labels"], one["valid_until"]) == (80, ["rat", "wave-7"], "2030-01-01T00:00:00.000Z")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('delimiter = "|"\n[columns]\nvalue = "IOC"\ntype = "Kind"\n[types]\n"ip-dst" = "ipv4-addr"\n[constants]\nconfidence = 70\n')
    foreign = "IOC|Kind\n192.0.2.77|ip-dst\nx|strange\n"
    answer = told(desk("theirs.txt", foreign, "--mapping", mapping))
    assert values(answer) == {("ipv4-addr", "192.0.2.77")}
    assert answer["submission"]["left_out"][0]["place"].startswith("line 3")
    mapping.write_text('[colums]\nvalue = "IOC"\n')
    ended(desk("theirs.txt", foreign, "--mapping", mapping), USAGE, "colums")


def test_events_of_misp_as_pymisp_writes_them(desk):
    event = MISPEvent()
    event.info = "Wave 8"
    event.add_tag("tlp:green")
    event.add_attribute("ip-dst", "203.0.113.50", to_ids=True, comment="C2")
    event.add_attribute("domain|ip", "evil-misp.top|203.0.113.51", to_ids=True)
    event.add_attribute("md5", "5d41402abc4b2a76b9719d911017c592", to_ids=True)
    event.add_attribute("comment", "nothing", to_ids=False)
    answer = told(desk("event.json", json.dumps({"Event": json.loads(event.to_json())}), title=()))
    assert values(answer) >= {
        ("ipv4-addr", "203.0.113.50"), ("domain-name", "evil-misp.top"), ("ipv4-addr", "203.0.113.51"),
        ("file:hashes.MD5", "5d41402abc4b2a76b9719d911017c592")}
    objects = stored(desk.hub).values()
    assert next(one["name"] for one in objects if one["type"] == "report") == "Wave 8"
    c2 = next(one for one in objects if one.get("pattern") == "[ipv4-addr:value = '203.0.113.50']")
    assert c2["description"] == "C2"


def test_events_of_intelmq(desk):
    events = [{"source.ip": "203.0.113.60", "classification.type": "c2-server", "time.source": "2026-11-01T00:00:00+00:00", "feed.accuracy": 90},
              {"source.url": "http://evil-imq.top/x", "source.ip": "203.0.113.61", "classification.type": "phishing"}, {"feed.name": "x"}]
    answer = told(desk("events.jsonl", "\n".join(map(json.dumps, events))))
    assert values(answer) == {("ipv4-addr", "203.0.113.60"), ("url", "http://evil-imq.top/x")}
    assert len(answer["submission"]["left_out"]) == 1


def test_other_purposes_are_a_marking_that_decides_who_reads(desk):
    done = desk("mail.txt", MAIL, terms=["--tlp", "AMBER", "--purpose", "drug-trafficking", "--yes"])
    answer = told(done, FAILED)
    assert answer["summary"]["failure"] >= 6 and "purposes" in answer["summary"]["failures"][0]["message"]
    assert all(one["type"] == "marking-definition" for one in stored(desk.hub).values())


def test_what_cannot_be_read_says_what_to_do(desk):
    for name, content, words in [
        ("a.pdf", b"%PDF-1.7\n", "pdftotext"), ("a.docx", b"PK\x03\x04", "save it as text"), ("a.txt", "nothing here", "no value"),
        ("a.json", '{"Event":', "cut off")]:
        ended(desk(name, content), BAD_DATA, words)


def test_standard_input_is_text_or_stix(desk):
    profile = desk.hub.profile("cert-a")
    run = lambda text, *more: subprocess.run(
        [desk.hub.binary, "publish", "--profile", profile, *more, "--json", "-"], input=text, capture_output=True, text=True, timeout=60)
    answer = told(run("evil-stdin[.]top", *TERMS, "--title", "T"))
    assert values(answer) == {("domain-name", "evil-stdin.top")}
    objects = stored(desk.hub)
    again = run(json.dumps({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": list(objects.values())}))
    assert told(again)["unchanged"] == len(objects)


def test_fixtures_of_the_readers_are_what_their_programs_write(tmp_path):
    """They were made by these scripts; a newer version of a program must not change what we read."""
    for script, folder in [("make_misp.py", "misp")]:
        subprocess.run([sys.executable, REPOSITORY / "tests/python" / script, tmp_path], check=True, timeout=60)
        ours = REPOSITORY / "src/submission" / folder / "fixtures"
        made = {path.name for path in tmp_path.iterdir()}
        assert {path.name for path in ours.iterdir()} <= made, script


def test_a_csv_export_can_be_handed_in(desk, tmp_path):
    """What others export as CSV with our columns comes in again."""
    path = tmp_path / "out.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["value", "type", "confidence", "description"])
        writer.writerow(["evil-quote.top", "domain-name", "55", 'says "x", and; more'])
    answer = told(desk("again.csv", path.read_text()))
    assert values(answer) == {("domain-name", "evil-quote.top")}
    one = next(one for one in stored(desk.hub).values() if one["type"] == "indicator")
    assert one["description"] == 'says "x", and; more'
