"""Two thousand mutated requests: whatever comes, no 5xx, no panic, no stall (P11)."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

from wire import SHARED, TAXII, indicator, objects_path, unharmed, wire_hub

REQUESTS, SECONDS, SEEDS = 2_000, 20, range(8)
TOKENS = [b"\r\n", b"\r", b"\n", b"\0", b":", b" ", b"\t", b"%00", b"%", b"..", b"/", b"//", b"?", b"&", b"=", b"[", b"]", b",", b'"', b"'", b"{", b"}", b"\\u0000",
          b"\\ud800", b"\xff", b"\xc0\xaf", b"\xef\xbb\xbf", b"-1", b"0", b"99999999999999999999", b"1e999", b"NaN", b"null", b"chunked", b"Content-Length: 5\r\n",
          b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n", b"Connection: close\r\n", b"A" * 9_000, b"[" * 100]


def seeds():
    body = json.dumps({"objects": [indicator("GREEN")]}).encode()
    paths = ["/taxii2/", "/exchange/", "/exchange/collections/", objects_path(), f"/exchange/collections/{SHARED}/manifest/", "/liaison/v1/whoami",
             objects_path() + "?limit=5&added_after=2026-02-09T08:00:00Z&match[type]=indicator&match[version]=first,last",
             objects_path() + "indicator--00000000-0000-4000-8000-000000000000/versions/?limit=3"]
    found = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {TAXII}\r\n\r\n".encode() for path in paths]
    head = f"POST {objects_path()} HTTP/1.1\r\nHost: localhost\r\nAccept: {TAXII}\r\nContent-Type: {TAXII}\r\n"
    found += [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body] * 5
    found += [f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"] * 2
    found += [f"DELETE {objects_path()}indicator--00000000-0000-4000-8000-000000000000/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()]
    return found


def mutated(dice, data):
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4])):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            data[at:at] = dice.choice(TOKENS)
        elif kind == 1:
            del data[at:at + dice.choice([1, 2, 10])]
        elif kind == 2 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 3:
            data[at:at] = data[max(0, at - dice.randrange(40)):at] * dice.choice([1, 3])
        else:
            data[at:at + 3] = dice.randbytes(3)
    return bytes(data)


def attack(hub, seed, end):
    """Sends mutated requests until its share is done or time is up; the answer is how many."""
    dice, templates, context = random.Random(seed), seeds(), hub.context("a")
    sock = None
    for done in range(REQUESTS // len(SEEDS)):
        if time.monotonic() > end:
            return done
        if sock is None:
            sock = hub.connect("a", context=context)
            sock.settimeout(0.05)
        try:
            sock.sendall(mutated(dice, dice.choice(templates)))
            data = sock.recv(65536)
        except OSError:
            data = b""  # cut, or it waits for the rest
        hub.statuses += [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]
        if not data or b"close" in data.lower() or dice.random() < 0.05:
            sock.close()
            sock = None
    return REQUESTS // len(SEEDS)


def test_mutated_requests_are_answered_or_cut(wire_hub):
    end = time.monotonic() + SECONDS
    with ThreadPoolExecutor(len(SEEDS)) as pool:
        running = [pool.submit(attack, wire_hub, seed, end) for seed in SEEDS]
        while not all(future.done() for future in running):
            wire_hub.check()
            time.sleep(1)
    done = sum(future.result() for future in running)
    assert done > REQUESTS / 4, f"only {done} in {SECONDS} s"
    assert len(set(wire_hub.statuses)) > 5, "the mutations reach nothing"
