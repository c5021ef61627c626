"""liaison lookup: values, and the lines of a log."""

import json
import subprocess
import threading
import time

import pytest
from commands import DONE, FAILED, UNREACHABLE, USAGE, ended
from conftest import free_port, marked

NOTHING, REFUSED = FAILED, 2
MD5 = "9e107d9d372bb6826bd81d3542a419d6"
PATTERNS = [
    "[ipv4-addr:value = '198.51.100.7']",
    "[ipv4-addr:value ISSUBSET '203.0.113.0/28']",
    "[domain-name:value = 'evil.example']",
    "[url:value = 'http://c2.example.net/gate']",
    f"[file:hashes.MD5 = '{MD5}']",
]
LOG = [
    ("Nov 28 06:00:01 fw kernel: DROP SRC=192.0.2.9 DST=198.51.100.7 PROTO=TCP DPT=443", ["198.51.100.7"]),
    ("Nov 28 06:00:02 fw kernel: DROP SRC=192.0.2.9 DST=198.51.100.70 PROTO=TCP DPT=443", []),
    ("Nov 28 06:00:03 fw kernel: DROP SRC=203.0.113.14 DST=192.0.2.9", ["203.0.113.14"]),
    ("Nov 28 06:00:04 fw kernel: DROP SRC=203.0.113.16 DST=192.0.2.9", []),
    ("28-Nov-2026 06:00:05 queries: client 192.0.2.7#5353 query: www.Evil.Example. IN A", ["www.Evil.Example"]),
    ("28-Nov-2026 06:00:06 queries: client 192.0.2.7#5353 query: notevil.example IN A", []),
    ('192.0.2.8 - - "GET http://c2.example.net/gate?id=7 HTTP/1.1" 200', ["http://c2.example.net/gate?id=7"]),
    ('192.0.2.8 - - "GET http://c2.example.net/gateway HTTP/1.1" 200', []),
    ("postfix/smtpd: from=<someone@mail.evil.example>, size=17", ["someone@mail.evil.example"]),
    (f"av: quarantined C:\\Temp\\a.exe md5={MD5.upper()}", [MD5.upper()]),
    ("", []),
    ("a line of words without any value", []),
    ("both 198.51.100.7 and evil.example\r", ["198.51.100.7", "evil.example"]),
]


@pytest.fixture
def shared(hub):
    status = hub.post([marked("GREEN", pattern=pattern, confidence=60) for pattern in PATTERNS])
    assert status["failure_count"] == 0, status
    return hub


def profile(hub, client="cert-b/siem"):
    return ("--profile", hub.dir / f"pki/clients/{client}.toml")


def test_values(shared):
    found = shared.run("lookup", *profile(shared), "198.51.100.7", "x.evil.example", "nothing.example")
    ended(found, DONE, "exact: ipv4-addr 198.51.100.7, indicator--", "subdomain: domain-name evil.example", "nothing.example: nothing")
    assert "active, confidence 60, TLP:GREEN, PAP:" in found.stdout
    ended(shared.run("lookup", *profile(shared), "nothing.example"), NOTHING, "nothing.example: nothing")
    told = shared.run("lookup", *profile(shared), "--json", "nothing.example", "203.0.113.3")
    ended(told, DONE)
    first, second = map(json.loads, told.stdout.splitlines())
    assert (first["value"], first["hits"]) == ("nothing.example", [])
    assert [(hit["how"], hit["value"]) for hit in second["hits"]] == [("inside-network", "203.0.113.0/28")]
    ended(shared.run("lookup", *profile(shared), "--type", "domain-name", "198.51.100.7"), NOTHING)
    ended(shared.run("lookup", *profile(shared), "--collection", "indicators", "198.51.100.7"), DONE)


def test_what_fails_is_not_taken_for_nothing(shared):
    ended(shared.run("lookup", *profile(shared)), USAGE, "VALUE")
    ended(shared.run("lookup", *profile(shared), "--stdin", "a"), USAGE, "--stdin")
    ended(shared.run("lookup", "a"), USAGE, "--url")
    ended(shared.run("lookup", *profile(shared), "--type", "nonsense", "a"), REFUSED, "nonsense")
    ended(shared.run("lookup", *profile(shared), "--collection", "nonsense", "a"), REFUSED, "nonsense")
    ended(shared.run("lookup", *profile(shared), "--url", f"https://localhost:{free_port()}", "a"), UNREACHABLE)
    log = "198.51.100.7\n"
    ended(shared.run("lookup", *profile(shared), "--collection", "nonsense", "--stdin", stdin=log), REFUSED, "nonsense")


def test_a_log_is_filtered(shared):
    log = "".join(line + "\n" for line, _ in LOG)
    found = subprocess.run(
        shared.command("lookup", *profile(shared), "--stdin"), input=log.encode(), capture_output=True, env=shared.environment(), timeout=60
    )
    assert found.returncode == DONE, found.stderr
    assert found.stdout.decode() == "".join(line + "\n" for line, values in LOG if values)
    told = shared.run("lookup", *profile(shared), "--stdin", "--json", stdin=log)
    ended(told, DONE)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    expected = [(n, line.rstrip("\r"), values) for n, (line, values) in enumerate(LOG, 1) if values]
    assert [(one["line"], one["text"], [value["value"] for value in one["values"]]) for one in lines] == expected
    assert all(hit["id"].startswith("indicator--") for one in lines for value in one["values"] for hit in value["hits"])
    harmless = "".join(line + "\n" for line, values in LOG if not values)
    for text in (harmless, ""):
        nothing = shared.run("lookup", *profile(shared), "--stdin", stdin=text)
        assert (nothing.returncode, nothing.stdout, nothing.stderr) == (NOTHING, "", "")


def test_bytes_of_any_kind_and_a_line_without_an_end(shared):
    log = b"\xff\xfe 198.51.100.7 \x00\n" + b"x" * 300_000 + b" evil.example " + b"y" * 300_000 + b"\nlast 198.51.100.7"
    found = subprocess.run(
        shared.command("lookup", *profile(shared), "--stdin"), input=log, capture_output=True, env=shared.environment(), timeout=60
    )
    assert found.returncode == DONE, found.stderr
    first, *middle, last = found.stdout.split(b"\n")[:-1]
    assert (first, last) == (b"\xff\xfe 198.51.100.7 \x00", b"last 198.51.100.7")
    assert b" evil.example " in b"".join(middle)


def test_lines_come_out_while_the_log_goes_on(shared):
    process = subprocess.Popen(
        shared.command("lookup", *profile(shared), "--stdin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=shared.environment()
    )
    try:
        for number in range(3):
            process.stdin.write(f"{number} 198.51.100.7\nharmless\n".encode())
            process.stdin.flush()
            line = []
            reading = threading.Thread(target=lambda: line.append(process.stdout.readline()))
            reading.start()
            reading.join(10)
            assert line == [f"{number} 198.51.100.7\n".encode()]
        process.stdin.close()
        assert process.wait(10) == DONE
    finally:
        process.kill()
        process.wait()


def test_a_large_log_takes_little_memory(shared, tmp_path):
    path, megabytes = tmp_path / "large.log", 12
    with open(path, "w") as log:
        size = n = 0
        while size < megabytes * 1_000_000:
            value = "198.51.100.7" if n % 1000 == 0 else f"10.{n % 200}.{n // 200 % 200}.7"
            size += log.write(f"Nov 28 06:00:01 fw kernel: DROP SRC={value} host=h{n % 5000}.example.org PROTO=TCP SPT=52100 DPT=443 LEN=60\n")
            n += 1
    with open(path) as log:
        started = time.monotonic()
        process = subprocess.Popen(
            shared.command("lookup", *profile(shared), "--stdin"), stdin=log, stdout=subprocess.PIPE, env=shared.environment()
        )
        lines, peak = 0, 0
        for _ in process.stdout:
            lines += 1
            if lines % 10 == 0:
                status = open(f"/proc/{process.pid}/status").read()
                peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        assert process.wait(60) == DONE
    assert lines == (n + 999) // 1000
    assert 0 < peak < 150_000, f"{peak} KiB"
    print(f"{megabytes / (time.monotonic() - started):.1f} MB/s, {peak} KiB")
