"""Resolvers run for a test, and an upstream that they ask."""
import contextlib
import socket
import struct
import subprocess
import threading
import time

from conftest import program, root

GOOD = "192.0.2.10"


def free_port():
    """A port that is free for UDP and TCP alike."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                tcp.bind(("127.0.0.1", udp.getsockname()[1]))
                return udp.getsockname()[1]


def ask(port, name, kind="A"):
    """(status, answers) as dig reads them; status is TIMEOUT when nothing comes, TC when it is cut short."""
    command = [program("dig"), "@127.0.0.1", "-p", str(port), "+time=2", "+tries=1", "+ignore", "+noall", "+comments",
               "+answer", name, kind]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    if "status: " not in text:
        return "TIMEOUT", []
    flags = text.split("flags: ")[1].split(";")[0].split()
    answers = [line.split()[-1] for line in text.splitlines() if line and line[0] != ";"]
    return "TC" if "tc" in flags else text.split("status: ")[1].split(",")[0], answers


@contextlib.contextmanager
def upstream(addresses):
    """A name server on a port of its own: each name has the address given, every other one GOOD."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                query, peer = server.recvfrom(4096)
            except OSError:
                return
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack("!H", query[at + 1:at + 3])[0]
            address = addresses.get(".".join(labels).lower(), GOOD)
            wire = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
            answer = b""
            if kind == (28 if ":" in address else 1):
                answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(wire)) + wire
            flags = 0x8580 | struct.unpack("!H", query[2:4])[0] & 0x0100
            head = query[:2] + struct.pack("!HHHHH", flags, 1, bool(answer), 0, 0)
            server.sendto(head + query[12:at + 5] + answer, peer)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


@contextlib.contextmanager
def running(command, port, log):
    """A program that answers at a port; what it says goes into a file. Ended when the test ends."""
    with open(log, "wb") as out:
        process = subprocess.Popen([program(command[0]), *command[1:]], stdout=out, stderr=out)
    try:
        for _ in range(100):
            assert process.poll() is None, log.read_text()[-4000:]
            if ask(port, "ready.example")[0] in ("NOERROR", "NXDOMAIN", "REFUSED"):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(log.read_text()[-4000:])
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


UNBOUND = """
server:
    directory: "{tmp}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: 127.0.0.1
    port: {port}
    do-not-query-localhost: no
    module-config: "respip validator iterator"
{server}
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{forward}
{more}
"""


@contextlib.contextmanager
def unbound(tmp, forward, server="", more=""):
    """Unbound."""
    port, config = free_port(), tmp / "unbound.conf"
    config.write_text(UNBOUND.format(tmp=tmp, port=port, forward=forward, server=server, more=more))
    with running(["unbound", "-d", "-c", str(config)], port, tmp / "unbound.log"):
        yield port


def unbound_rpz(tmp, forward, zone):
    """Unbound with a policy zone."""
    return unbound(tmp, forward, more=f'rpz:\n    name: "rpz.test"\n    zonefile: "{zone}"\n')


@contextlib.contextmanager
def bind_rpz(tmp, forward, zone):
    """BIND with a policy zone."""
    port, config = free_port(), tmp / "named.conf"
    config.write_text(f"""
options {{
    directory "{tmp}"; pid-file none; session-keyfile none; recursion yes; dnssec-validation no;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    forward only; forwarders {{ 127.0.0.1 port {forward}; }};
    response-policy {{ zone "rpz.test"; }};
}};
controls {{ }};
zone "rpz.test" {{ type primary; file "{zone}"; }};
""")
    with running(["named", "-g", "-c", str(config)], port, tmp / "bind.log"):
        deadline = time.time() + 30
        while "reload done" not in (tmp / "bind.log").read_text() and time.time() < deadline:
            time.sleep(0.1)
        yield port


@contextlib.contextmanager
def powerdns_rpz(tmp, forward, zone):
    """PowerDNS Recursor with a policy zone."""
    port, lua = free_port(), tmp / "rpz.lua"
    lua.write_text(f'rpzFile("{zone}", {{policyName = "liaison"}})\n')
    (tmp / "recursor.conf").touch()
    command = ["pdns_recursor", f"--config-dir={tmp}", f"--socket-dir={tmp}", "--local-address=127.0.0.1",
               f"--local-port={port}", f"--lua-config-file={lua}", "--daemon=no", "--dont-query=", "--threads=1",
               f"--forward-zones-recurse=.=127.0.0.1:{forward}", "--dnssec=off", "--security-poll-suffix=",
               "--max-mthreads=256", "--write-pid=no"]
    with running(command, port, tmp / "powerdns.log"):
        yield port


@contextlib.contextmanager
def dnsmasq(tmp, forward, *options):
    """dnsmasq."""
    root()
    port = free_port()
    command = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--server=127.0.0.1#{forward}",
               "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}", "--log-facility=-",
               "--user=root", "--pid-file=", *options]
    with running(command, port, tmp / "dnsmasq.log"):
        yield port
