"""What the tests of detection formats share: a small capture, and Suricata run over it."""

import json
import ssl
import subprocess
from pathlib import Path

from conftest import program
from scapy.all import DNS, DNSQR, IP, TCP, UDP, Ether, IPv6, Raw, wrpcap

CLIENT = "192.168.1.10"
MAC = dict(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def query(name, port=40000):
    return [Ether(**MAC) / IP(src=CLIENT, dst="192.168.1.1") / UDP(sport=port, dport=53) / DNS(rd=1, qd=DNSQR(qname=name))]


def session(server, port, sent, answer=b"", client_port=41000):
    """A whole TCP session: handshake, what the client sends, what it gets, and its end."""
    ip, client = (IPv6, "fd00::10") if ":" in server else (IP, CLIENT)
    there = Ether(**MAC) / ip(src=client, dst=server)
    back = Ether(src=MAC["dst"], dst=MAC["src"]) / ip(src=server, dst=client)
    to, fro = dict(sport=client_port, dport=port), dict(sport=port, dport=client_port)
    mine, theirs = 1000, 5000
    packets = [
        there / TCP(**to, flags="S", seq=mine),
        back / TCP(**fro, flags="SA", seq=theirs, ack=mine + 1),
        there / TCP(**to, flags="A", seq=mine + 1, ack=theirs + 1),
        there / TCP(**to, flags="PA", seq=mine + 1, ack=theirs + 1) / Raw(sent),
        back / TCP(**fro, flags="A", seq=theirs + 1, ack=mine + 1 + len(sent)),
    ]
    mine, theirs = mine + 1 + len(sent), theirs + 1
    if answer:
        packets.append(back / TCP(**fro, flags="PA", seq=theirs, ack=mine) / Raw(answer))
        theirs += len(answer)
        packets.append(there / TCP(**to, flags="A", seq=mine, ack=theirs))
    packets += [
        there / TCP(**to, flags="FA", seq=mine, ack=theirs),
        back / TCP(**fro, flags="FA", seq=theirs, ack=mine + 1),
        there / TCP(**to, flags="A", seq=mine + 1, ack=theirs + 1),
    ]
    return packets


def web(host, path, body=b"hello", server="192.0.2.80", client_port=42000):
    sent = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    return session(server, 80, sent, head.encode() + body, client_port)


def hello(name, client_port=43000):
    sent = ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return session("192.0.2.44", 443, sent.read(), client_port=client_port)


def check(rules, log):
    """Suricata's judgement of a file of rules."""
    log.mkdir(exist_ok=True)
    return subprocess.run([program("suricata"), "-T", "-S", str(rules), "-l", str(log)], capture_output=True, text=True, timeout=120)


def alerts(rules, packets, log):
    """The alerts that Suricata gives over the packets: (sid, msg) of each."""
    log.mkdir(exist_ok=True)
    capture = log / "capture.pcap"
    wrpcap(str(capture), packets)
    # Without being forced to, it reckons only one of the three kinds of hashes.
    settings = Path("/etc/suricata/suricata.yaml").read_text()
    assert settings.count("#force-hash: [md5]") == 1
    (log / "suricata.yaml").write_text(settings.replace("#force-hash: [md5]", "force-hash: [md5, sha1, sha256]"))
    run = subprocess.run(
        [program("suricata"), "-c", str(log / "suricata.yaml"), "-r", str(capture), "-S", str(rules), "-l", str(log), "-k", "none",
         "--set", "vars.address-groups.HOME_NET=[192.168.0.0/16,fd00::/8]"],
        capture_output=True, text=True, timeout=120,
    )
    assert run.returncode == 0, run.stderr + run.stdout
    events = [json.loads(line) for line in (log / "eve.json").read_text().splitlines()]
    return {(e["alert"]["signature_id"], e["alert"]["signature"]) for e in events if e["event_type"] == "alert"}
