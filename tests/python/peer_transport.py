"""The wire side of a hostile peer: a TLS listener with a thread for each connection, what it remembers of each request,
and the ways in which an answer can be sent, good and bad."""

import hashlib
import http.server
import os
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

BODY_MAX_BYTES = 64 * 1024 * 1024
IDLE_SECONDS = 120


@dataclass
class Request:
    """One request as it came, and what became of it: `connection` counts the peer's connections from 1,
    `peer_certificate` is as ssl has it, `finished` is when the answer had been sent or the client had left."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    time: float
    connection: int
    target: str
    peer_certificate: dict | None
    endpoint: str = "?"
    status: int | None = None
    sent_bytes: int = 0
    finished: float | None = None
    lies: list = field(default_factory=list)

    @property
    def body_digest(self):
        return hashlib.sha256(self.body).hexdigest()

    def one(self, name, default=None):
        return self.query.get(name, [default])[0]


@dataclass
class Answer:
    """What to send. `body` is bytes, or an iterable of bytes of unknown length. `delivery` is how:
    plain, drip (`pause` seconds between octets of the body), drip_head (the same from the first octet on), short
    (Content-Length is right, but the connection ends after half), reset (the same, with a TCP reset), drop (a TCP reset
    and no answer), stall (nothing, until the client leaves or the peer is stopped), stall_body (the head and half of the
    body, then nothing), headers (the body is header lines without end).
    `behind` is another answer that follows unasked."""

    status: int
    body: object = b""
    headers: list = field(default_factory=list)
    delivery: str = "plain"
    pause: float = 1.0
    length: int | None = None
    behind: object = None

    def header(self, name, value):
        """Sets a header; None takes it out."""
        self.headers = [(key, found) for key, found in self.headers if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))
        return self


class PeerServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    peer = None

    def finish_request(self, request, client_address):
        """In the connection's own thread: also the handshake, so that a silent client holds up nobody else."""
        self.peer.serve_connection(request, client_address)

    def handle_error(self, request, client_address):
        """Clients hang up on such a peer as they should; that is no error of the peer."""


class TlsPeer:
    """A listener on 127.0.0.1 that gives each request to `respond`, and remembers everything."""

    def __init__(self, authority, client_ca=None, require_client=True, plain=False):
        self.authority, self.plain = authority, plain
        self.client_ca, self.require_client = client_ca, require_client
        self.ca = authority.ca
        self.requests = []
        self.connections = 0
        self.concurrent = 0
        self.most_concurrent = 0
        self.handshake_failures = []
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self.open_sockets = set()
        self.contexts = {}
        self.handler = handler_for(self)
        self.server = self.thread = None
        self.port = 0
        self.come_up()
        self.url = f"{'http' if plain else 'https'}://localhost:{self.port}"

    def come_up(self):
        """Listens: on a free port, later on the same again."""
        self.closing.clear()
        self.server = PeerServer(("127.0.0.1", self.port), self.handler)
        self.server.peer = self
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def respond(self, request):
        raise NotImplementedError

    def certificate_kind(self):
        """Which certificate the next handshake shows: a method of the authority."""
        return "server"

    def go_down(self):
        """Ends all connections, also those that hang on purpose, and refuses others until `come_up`. When this returns,
        no thread of the peer is left."""
        if self.closing.is_set():
            return
        self.closing.set()
        self.server.shutdown()
        with self.lock:
            for sock in list(self.open_sockets):
                hang_up(sock)
        self.server.server_close()
        self.thread.join(10)
        deadline = time.monotonic() + 10
        while self.concurrent and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not self.concurrent, f"{self.concurrent} connections are still served"

    def stop(self):
        self.go_down()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # Connections

    def context(self, kind):
        with self.lock:
            if kind not in self.contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*getattr(self.authority, kind)())
                if self.client_ca:
                    context.load_verify_locations(self.client_ca)
                    context.verify_mode = ssl.CERT_REQUIRED if self.require_client else ssl.CERT_OPTIONAL
                self.contexts[kind] = context
            return self.contexts[kind]

    def serve_connection(self, raw, address):
        with self.lock:
            self.connections += 1
            number = self.connections
            self.concurrent += 1
            self.most_concurrent = max(self.most_concurrent, self.concurrent)
        connection = raw
        try:
            raw.settimeout(IDLE_SECONDS)
            if not self.plain:
                connection = self.context(self.certificate_kind()).wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
            with self.lock:
                self.open_sockets.add(connection)
            if self.shakes_hands(connection):
                self.handler(connection, address, self.server, number)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open_sockets.discard(connection)
                self.concurrent -= 1
            connection.close()

    def shakes_hands(self, connection):
        if self.plain:
            return True
        if self.holds_handshake():
            self.closing.wait()
            return False
        try:
            connection.do_handshake()
        except (OSError, ssl.SSLError) as error:
            with self.lock:
                self.handshake_failures.append(str(error))
            return False
        return True

    def holds_handshake(self):
        return False

    # What came

    def seen(self, method=None, endpoint=None):
        """The requests so far, by method and endpoint."""
        with self.lock:
            return [found for found in self.requests if method in (None, found.method) and endpoint in (None, found.endpoint)]

    def wait_for(self, condition, seconds=10):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s; requests: {[(one.method, one.target, one.status) for one in self.requests]}"
            time.sleep(0.01)


def handler_for(peer):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "foreign-peer", ""
        timeout = IDLE_SECONDS

        def __init__(self, connection, address, server, number):
            self.number, self.is_cut = number, False
            super().__init__(connection, address, server)

        def handle(self):
            try:
                super().handle()
                if not peer.plain and not self.is_cut:
                    # Waits a moment for the other side's close_notify, no longer.
                    self.connection.settimeout(0.1)
                    self.connection.unwrap()
            except (OSError, ValueError):
                pass

        def finish(self):
            try:
                super().finish()
            except (OSError, ValueError):
                pass

        def read_body(self):
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                return b"".join(iter(self.read_chunk, b""))
            length = int(self.headers.get("Content-Length") or 0)
            if length > BODY_MAX_BYTES:
                raise ValueError("more than a test sends")
            return self.rfile.read(length)

        def read_chunk(self):
            chunk = self.rfile.read(int(self.rfile.readline().split(b";")[0], 16))
            self.rfile.readline()
            return chunk

        def serve(self):
            parts = urllib.parse.urlsplit(self.path)
            certificate = None if peer.plain else self.request.getpeercert()
            request = Request(
                self.command, parts.path, urllib.parse.parse_qs(parts.query, keep_blank_values=True),
                {name.lower(): value for name, value in self.headers.items()}, self.read_body(), time.time(), self.number, self.path,
                certificate or None)
            with peer.lock:
                peer.requests.append(request)
            answer = peer.respond(request)
            request.status = answer.status
            try:
                Sender(self, peer, request, answer).send()
            finally:
                request.finished = time.time()

        do_GET = do_POST = do_HEAD = do_DELETE = do_PUT = do_OPTIONS = serve

        def log_message(self, *_):
            pass

    return Handler


class Sender:
    """Sends one answer in its way."""

    def __init__(self, handler, peer, request, answer):
        self.handler, self.peer, self.request, self.answer = handler, peer, request, answer

    def write(self, data):
        self.handler.wfile.write(data)
        self.request.sent_bytes += len(data)

    def send(self):
        getattr(self, f"send_{self.answer.delivery}")()

    def head(self, length):
        answer, chunked = self.answer, length is None
        reason = http.server.BaseHTTPRequestHandler.responses.get(answer.status, ("Odd",))[0]
        headers = list(answer.headers)
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif answer.status not in (204, 304):
            headers.append(("Content-Length", str(length)))
        lines = [f"HTTP/1.1 {answer.status} {reason}"] + [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    def is_bodiless(self):
        return self.request.method == "HEAD" or self.answer.status in (204, 304)

    def send_plain(self):
        body = self.answer.body
        if isinstance(body, bytes):
            length = len(body) if self.answer.length is None else self.answer.length
            self.write(self.head(length) + (b"" if self.is_bodiless() else body) + self.behind())
            if length != len(body):
                self.handler.close_connection = True
            return
        self.write(self.head(self.answer.length))
        if self.is_bodiless():
            return
        for part in body:
            if self.peer.closing.is_set():
                return self.cut()
            self.write(part if self.answer.length is not None else b"%x\r\n%b\r\n" % (len(part), part))
        if self.answer.length is None:
            self.write(b"0\r\n\r\n")

    def behind(self):
        unasked = self.answer.behind
        return Sender(self.handler, self.peer, self.request, unasked).head(len(unasked.body)) + unasked.body if unasked else b""

    def send_drip(self, begin=None):
        head = self.head(len(self.answer.body))
        begin = len(head) if begin is None else begin
        everything = head + self.answer.body
        self.write(everything[:begin])
        for position in range(begin, len(everything)):
            self.write(everything[position : position + 1])
            if self.peer.closing.wait(self.answer.pause):
                return self.cut()

    def send_drip_head(self):
        self.send_drip(0)

    def half(self):
        body = self.answer.body if isinstance(self.answer.body, bytes) else b"".join(self.answer.body)
        self.write(self.head(len(body)) + body[: len(body) // 2])

    def send_short(self):
        self.half()
        self.handler.close_connection = True

    def send_reset(self):
        self.half()
        # What the client has not read when a reset comes is lost to it.
        self.peer.closing.wait(0.2)
        self.cut()

    def send_drop(self):
        self.cut()

    def send_stall(self):
        self.handler.connection.settimeout(0.02)
        while not self.peer.closing.is_set() and not self.has_left():
            pass
        self.cut()

    def has_left(self):
        try:
            return self.handler.connection.recv(65536) == b""
        except TimeoutError:
            return False
        except (OSError, ValueError):
            return True

    def send_headers(self):
        self.handler.close_connection = True
        self.write(self.head(0)[:-2])
        for line in self.answer.body:
            if self.peer.closing.is_set():
                return self.cut()
            self.write(line)

    def send_stall_body(self):
        self.half()
        self.send_stall()

    def cut(self):
        """A TCP reset in place of an end: no close_notify, and what is still on its way may be lost."""
        self.handler.close_connection = self.handler.is_cut = True
        connection = self.handler.connection
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(connection.detach())
        except OSError:
            pass


def hang_up(sock):
    """Wakes up whoever reads from or writes to a socket. Not by SSLSocket's own method, which takes the TLS state away
    from under the thread that uses it."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except (OSError, ValueError):
        pass
