"""Targets of pushes, as they are: an HTTPS server that is Splunk's collector and Elastic's bulk interface, and a
syslog server over TLS. Each says what it is told to say, and remembers what it got."""

import http.server
import json
import socket
import ssl
import threading
import time


def server_tls(crt, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context


class Siem:
    """`plan` has what the next requests come to, the last for all that follow: "ok", a status (with headers), "half"
    (an answer that breaks off after the batch was taken), "drop" (the same before), "hang" (taken, never answered),
    or a function that says for each action of a bulk request which status it has."""

    def __init__(self, tls=None):
        self.plan = []
        self.requests = []
        self.events = []
        self.documents = {}
        self.actions = []
        self.lock = threading.Lock()
        siem = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                siem.post(self, body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def post(self, handler, body):
        with self.lock:
            fate = (self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]) if self.plan else "ok"
            self.requests.append(
                {"time": time.time(), "path": handler.path, "headers": {name.lower(): value for name, value in handler.headers.items()}, "body": body, "fate": fate}
            )
            if isinstance(fate, tuple) or isinstance(fate, int):
                status, headers = fate if isinstance(fate, tuple) else (fate, {})
                return self.answer(handler, status, {"text": "no", "code": 9}, headers)
            if fate == "drop":
                handler.close_connection = True
                return handler.connection.close()
            told = self.bulk(body, fate) if handler.path.endswith("/_bulk") else self.collect(body)
        if fate == "hang":
            time.sleep(3600)
        if fate == "half":
            text = json.dumps(told).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text[: len(text) // 2])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return None
        return self.answer(handler, 200, told, {})

    def answer(self, handler, status, told, headers):
        text = json.dumps(told).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def collect(self, body):
        self.events += [json.loads(line) for line in body.decode().splitlines()]
        return {"text": "Success", "code": 0}

    def bulk(self, body, fate):
        lines, items = body.decode().split("\n"), []
        assert lines.pop() == ""
        while lines:
            ((action, place),) = json.loads(lines.pop(0)).items()
            document = json.loads(lines.pop(0)) if action == "index" else None
            status = fate(action, document) if callable(fate) else None
            key = (place["_index"], place["_id"])
            if status is None:
                if action == "index":
                    status = 200 if key in self.documents else 201
                    self.documents[key] = document
                else:
                    status = 200 if self.documents.pop(key, None) else 404
            self.actions.append((action, key, status))
            item = {"_index": key[0], "_id": key[1], "status": status}
            if status >= 400 and action == "index":
                item["error"] = {"type": "some_exception", "reason": "as planned"}
            items.append({action: item})
        return {"took": 1, "errors": any(list(item.values())[0]["status"] >= 400 for item in items), "items": items}


class Syslog:
    """Reads messages by their counted octets (RFC 5425), and ends connections as `plan` says: "ok" answers close_notify
    with its own, "cut" closes without, "half" closes after a few octets."""

    def __init__(self, tls):
        self.plan = []
        self.messages = []
        self.connections = []
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        fate = (self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]) if self.plan else "ok"
        self.connections.append(fate)
        try:
            # Without suppress_ragged_eofs an end without close_notify is an error.
            stream = self.tls.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
        except (ssl.SSLError, OSError):
            self.connections[-1] = "no handshake"
            return
        if fate == "half":
            stream.recv(20)
            stream.close()
            return
        data = b""
        while chunk := stream.recv(65536):
            data += chunk
        self.messages += [message.decode() for message in split(data)]
        if fate == "ok":
            try:
                stream.unwrap()
            except (ssl.SSLError, OSError):
                pass
        stream.close()


def split(data):
    """Messages of RFC 5425 §4.3; all octets must belong to one."""
    while data:
        length, rest = data.split(b" ", 1)
        assert length.isdigit() and not length.startswith(b"0"), length
        assert len(rest) >= int(length), "half a message"
        yield rest[: int(length)]
        data = rest[int(length) :]
