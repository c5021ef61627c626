"""TLS versions, suites, names, and bytes that are no TLS: security-and-durability.md §5.1."""

import contextlib
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tls_bytes import client_hello, extension, record
from wire import assert_error, receive, unharmed, until_closed, wire_hub

V2, V3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
REQUEST = b"GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n"
GOOD_SUITES = [0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9]
ALERT, HANDSHAKE = 21, 22


def answer_to(hub, data, seconds=12):
    with hub.plain() as sock:
        with contextlib.suppress(OSError):
            sock.sendall(data)
        return until_closed(sock, seconds)


def refused(answer):
    return answer == b"" or answer[0] == ALERT and answer[5] == 2


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0200, 0x0002], ids=["SSL 3", "TLS 1.0", "TLS 1.1", "SSL 2", "SSL 0.2"])
def test_old_versions_are_refused(wire_hub, version):
    hello = client_hello([0xC009, 0xC013, 0x002F, 0x000A, *GOOD_SUITES], version)
    assert refused(answer_to(wire_hub, record(hello, version=version if version >= 0x0300 else 0x0301)))


@pytest.mark.parametrize("versions", [[0x0302], [0x0301, 0x0300], [0x7F1C], [0x0305]])
def test_old_or_draft_versions_in_the_extension_are_refused(wire_hub, versions):
    assert refused(answer_to(wire_hub, record(client_hello([0x1301, *GOOD_SUITES], versions=versions))))


SUITES = {
    "static RSA": [0x002F, 0x0035, 0x009C, 0x009D, 0x003C], "CBC": [0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC027], "3DES": [0x000A, 0xC008, 0xC012],
    "RC4": [0x0004, 0x0005, 0xC007, 0xC011], "NULL": [0x0000, 0x0001, 0x0002, 0x003B, 0xC006, 0xC010], "anonymous": [0x0034, 0x003A, 0x00A6, 0xC018],
    "PSK": [0x008C, 0x00A8, 0xC035, 0xD001], "export": [0x0003, 0x0006, 0x0008, 0x0014, 0x0062], "DHE": [0x009E, 0x009F, 0x0033, 0xCCAA],
    "only the renegotiation signal": [0x00FF], "none": [], "unknown": [0xABCD, 0x0A0A],
}


@pytest.mark.parametrize("suites", SUITES.values(), ids=SUITES)
def test_weak_suites_are_refused(wire_hub, suites):
    assert refused(answer_to(wire_hub, record(client_hello(suites))))


def test_the_hand_made_hello_would_be_answered(wire_hub):
    """Else the tests above would prove nothing."""
    with wire_hub.plain() as sock:
        sock.sendall(record(client_hello(GOOD_SUITES)))
        assert receive(sock)[0] == HANDSHAKE


def test_weak_groups_are_refused(wire_hub):
    assert refused(answer_to(wire_hub, record(client_hello(GOOD_SUITES, groups=(19, 21, 22, 256)))))


def test_only_compression_is_refused_and_none_is_chosen(wire_hub):
    assert refused(answer_to(wire_hub, record(client_hello(GOOD_SUITES, compression=b"\1"))))
    with wire_hub.plain() as sock:
        sock.sendall(record(client_hello(GOOD_SUITES, compression=b"\1\0")))
        hello = receive(sock)
    assert hello[0] == HANDSHAKE
    session = hello[43]
    assert hello[43 + 1 + session + 2] == 0


def test_renegotiation_is_not_done(wire_hub):
    assert shutil.which("openssl"), "install openssl"
    cert, key = wire_hub.pem["a"]
    host, _ = wire_hub.elsewhere()
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{wire_hub.port}", "-bind", host, "-tls1_2", "-cert", cert, "-key", key, "-msg"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        time.sleep(0.7)
        child.stdin.write(b"R\n")
        child.stdin.flush()
        time.sleep(1)
        child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(3)
        child.kill()
        said = child.stdout.read()
    assert said.count(b"ServerHello") - said.count(b"ServerHelloDone") == 1, said[-2000:]


@pytest.mark.parametrize("version", [V2, V3], ids=["TLS 1.2", "TLS 1.3"])
def test_sessions_are_never_resumed(wire_hub, version):
    context = wire_hub.context("a", low=version, high=version)
    with wire_hub.connect("a", context=context) as sock:
        assert wire_hub.ask("GET", "/taxii2/", sock=sock).status == 200
        session = sock.session
    if version == V3:
        assert session is None or not session.has_ticket
        return
    assert not session.has_ticket
    with wire_hub.plain() as raw, context.wrap_socket(raw, server_hostname="localhost", session=session) as sock:
        assert not sock.session_reused
        assert wire_hub.ask("GET", "/taxii2/", sock=sock).status == 200


def test_early_data_is_not_read(wire_hub):
    """A ticket out of thin air with early data behind it."""
    psk = struct.pack("!H", 32) + os.urandom(32) + b"\0\0\0\0"
    offer = struct.pack("!H", len(psk)) + psk + struct.pack("!H", 33) + b"\x20" + os.urandom(32)
    share = struct.pack("!HH", 29, 32) + os.urandom(32)
    extra = extension(51, struct.pack("!H", len(share)) + share) + extension(45, b"\1\1") + extension(42, b"") + extension(41, offer)
    hello = client_hello([0x1301], versions=[0x0304], extra=extra)
    answer = b""
    with wire_hub.plain() as sock, contextlib.suppress(TimeoutError):
        sock.sendall(record(hello) + record(os.urandom(200), 23, 0x0303) + record(REQUEST, 23, 0x0303))
        sock.settimeout(1)
        while more := receive(sock):
            answer += more
    # A server hello may come, to which we have no key; nothing encrypted under the offered one.
    assert b"HTTP/" not in answer and len(answer) < 4_000


@pytest.mark.parametrize("host", [None, "elsewhere.example", "127.0.0.1", "localhost"])
def test_any_or_no_sni_is_served_and_host_decides(wire_hub, host):
    with wire_hub.connect("a", host=host) as sock:
        assert wire_hub.ask("GET", "/taxii2/", sock=sock).status == 200
    with wire_hub.connect("a", host=host) as sock:
        response = wire_hub.ask("GET", "/taxii2/", sock=sock, headers={"Host": "elsewhere.example"})
        assert_error(response, 421)
        assert until_closed(sock) == b""


@pytest.mark.parametrize("alpn, good", [(["h2"], False), (["spdy/3", "http/1.0"], False), (["h2", "http/1.1"], True), (["http/1.1"], True), (None, True)])
def test_alpn_must_offer_http_1_1(wire_hub, alpn, good):
    if not good:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            wire_hub.connect("a", alpn=alpn, source=wire_hub.elsewhere())
        return
    with wire_hub.connect("a", alpn=alpn) as sock:
        assert sock.selected_alpn_protocol() in ("http/1.1", None)
        assert wire_hub.ask("GET", "/taxii2/", sock=sock).status == 200


SSL2 = b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80\x07\x00\xc0\x06\x00\x40\x00\x00\x05" + bytes(16)
NO_TLS = {
    "plain HTTP": REQUEST, "plain POST": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "SSLv2 hello": SSL2, "junk": bytes(range(1, 256)) * 20,
    "NULs": bytes(5000), "oversized record": record(bytes(17_000)), "largest length": b"\x16\x03\x01\xff\xff" + bytes(65_535),
    "empty records": record(b"") * 500, "empty alert": record(b"", 21), "unknown kind": record(b"hello", 99), "application data first": record(REQUEST, 23),
    "change cipher first": record(b"\1", 20) * 100, "a finished first": record(b"\x14\0\0\x0c" + bytes(12)), "close notify": record(b"\1\0", 21),
    "half a hello and end": record(client_hello(GOOD_SUITES))[:60], "hello request": record(b"\0\0\0\0"), "length lies": record(b"\1\xff\xff\xff" + bytes(100)),
    "vector lies": record(b"\1\0\0\x28\3\3" + bytes(32) + b"\xff" + bytes(5)), "many warnings": record(b"\1\x5a", 21) * 300,
    "heartbeat": record(b"\1\xff\xff", 24), "ssh": b"SSH-2.0-OpenSSH_9.9\r\n", "proxy": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + record(client_hello(GOOD_SUITES)),
}


def test_what_is_no_tls_is_closed_within_the_deadline(wire_hub):
    """All at once: some wait for more until the deadline."""
    def attack(data):
        started = time.monotonic()
        answer = answer_to(wire_hub, data, 13)
        return answer, time.monotonic() - started
    before = cpu_seconds(wire_hub)
    with ThreadPoolExecutor(len(NO_TLS)) as pool:
        found = dict(zip(NO_TLS, pool.map(attack, NO_TLS.values())))
    for label, (answer, took) in found.items():
        assert b"HTTP/" not in answer, (label, answer)
        assert took < 12.5, (label, took)
    assert cpu_seconds(wire_hub) - before < 5, "it spins"


def cpu_seconds(hub):
    with open(f"/proc/{hub.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("version", [V2, V3], ids=["TLS 1.2", "TLS 1.3"])
def test_a_hello_in_single_bytes_is_served(wire_hub, version):
    context = wire_hub.context("a", low=version, high=version)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with wire_hub.plain() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def flush():
            for byte in outgoing.read():
                sock.sendall(bytes([byte]))

        def pump(step):
            while True:
                try:
                    found = step()
                    flush()
                    return found
                except ssl.SSLWantReadError:
                    flush()
                    incoming.write(sock.recv(65536))
        pump(tls.do_handshake)
        pump(lambda: tls.write(REQUEST))
        assert pump(lambda: tls.read(65536)).startswith(b"HTTP/1.1 200")


def test_a_hello_in_many_records_is_served_or_refused(wire_hub):
    hello = client_hello(GOOD_SUITES)
    with wire_hub.plain() as sock:
        sock.sendall(b"".join(record(hello[at:at + 7]) for at in range(0, len(hello), 7)))
        assert receive(sock)[0] in (ALERT, HANDSHAKE)


def test_stalled_handshakes_end_and_harm_nobody(wire_hub):
    """Two hundred that stall, from many addresses; twenty clients go on being served meanwhile."""
    hello = record(client_hello(GOOD_SUITES))
    stalled = [wire_hub.plain(timeout=13) for _ in range(200)]
    started = time.monotonic()
    for position, sock in enumerate(stalled):
        sock.sendall([b"", hello[:1], hello[:40], hello][position % 4])
    stop, slowest = threading.Event(), []

    def established(sock):
        worst = 0
        while not stop.is_set():
            begun = time.monotonic()
            assert wire_hub.ask("GET", "/taxii2/", sock=sock).status == 200
            worst = max(worst, time.monotonic() - begun)
            time.sleep(0.1)
        slowest.append(worst)
    clients = [wire_hub.connect() for _ in range(20)]
    threads = [threading.Thread(target=established, args=[sock]) for sock in clients]
    for thread in threads:
        thread.start()
    try:
        for sock in stalled:
            until_closed(sock, 13)
        took = time.monotonic() - started
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for sock in stalled + clients:
            sock.close()
    assert took < 12.5, took
    assert len(slowest) == 20 and max(slowest) < 1, slowest


def test_a_flood_of_failing_handshakes_harms_nobody(wire_hub):
    source = wire_hub.elsewhere()

    def fail(_):
        with contextlib.suppress(OSError):
            with wire_hub.plain(source) as sock:
                sock.sendall(b"junk" * 10)
                until_closed(sock)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(fail, range(200)):
            pass
    wire_hub.check()
