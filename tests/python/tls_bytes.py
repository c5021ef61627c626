"""TLS records and a ClientHello by hand, to offer what no TLS library would."""

import os
import struct


def record(content, kind=22, version=0x0301):
    return struct.pack("!BHH", kind, version, len(content)) + content


def extension(number, content):
    return struct.pack("!HH", number, len(content)) + content


def vector(items, width="!H"):
    content = b"".join(items)
    return struct.pack(width, len(content)) + content


def client_hello(suites, version=0x0303, versions=None, compression=b"\0", alpn=None, sni=b"localhost", extra=b"", groups=(29, 23, 24)):
    """`versions` are those of the supported_versions extension (TLS 1.3)."""
    extensions = b""
    if sni:
        extensions += extension(0, vector([b"\0" + vector([sni])]))
    extensions += extension(10, vector([struct.pack("!H", group) for group in groups])) + extension(11, b"\1\0")
    extensions += extension(13, vector([struct.pack("!H", scheme) for scheme in (0x0403, 0x0804, 0x0401, 0x0503, 0x0203, 0x0201)]))
    if alpn:
        extensions += extension(16, vector([vector([name], "!B") for name in alpn]))
    if versions:
        extensions += extension(43, vector([struct.pack("!H", one) for one in versions], "!B"))
    extensions += extra
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + vector([struct.pack("!H", suite) for suite in suites])
    body += vector([bytes([method]) for method in compression], "!B") + vector([extensions])
    return b"\1" + struct.pack("!I", len(body))[1:] + body
