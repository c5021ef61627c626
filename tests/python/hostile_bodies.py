"""Bodies that are larger than anybody wants, made while they are sent and never held."""

import json
import struct
import uuid
import zlib

from foreign_objects import indicators

CHUNK_BYTES = 64 * 1024


def endless(peer, answer, size_bytes, rate, shape):
    answer.body = paced(peer, cut_to(pieces(answer.body, shape), size_bytes), rate)
    return answer


def endless_announced(peer, answer, size_bytes, rate, shape):
    answer.length = size_bytes
    return endless(peer, answer, size_bytes, rate, shape)


def pieces(honest, shape):
    """Ever more of: good objects with ids of their own, one text, blanks behind the honest body, or lines of text."""
    if shape == "objects":
        before, behind = json.dumps(indicators(1)[0] | {"id": "@"}).split("@")
        yield b'{"objects": ['
        lead = ""
        while True:
            objects = []
            for _ in range(128):
                objects.append(f"{lead}{before}indicator--{uuid.uuid4()}{behind}")
                lead = ", "
            yield "".join(objects).encode()
    if shape == "text":
        yield b'{"objects": [], "title": "'
        while True:
            yield b"x" * CHUNK_BYTES
    if shape == "blanks":
        yield honest
        while True:
            yield b" " * CHUNK_BYTES
    if shape == "lines":
        number = 0
        while True:
            yield "".join(f"host-{number + one}.example\n" for one in range(1000)).encode()
            number += 1000
    raise ValueError(f"no shape {shape}")


def cut_to(parts, size_bytes):
    left = size_bytes
    for part in parts:
        yield part[:left]
        left -= len(part[:left])
        if not left:
            return


def paced(peer, parts, rate):
    for part in parts:
        if rate is None:
            yield part
            continue
        for begin in range(0, len(part), max(1, rate // 10)):
            if peer.closing.wait(0.1):
                return
            yield part[begin : begin + max(1, rate // 10)]


def nested(body, depth, where):
    """The body with lists in lists in it."""
    opened, closed = b"[" * depth, b"]" * depth
    if where == "open":
        return b'{"x_deep": ' + opened
    if where == "envelope":
        return b'{"x_deep": ' + opened + closed + (b", " if body != b"{}" else b"") + body[1:]
    return body.replace(b'"type": "indicator", ', b'"type": "indicator", "x_deep": ' + opened + closed + b", ")


BLOCK_BYTES = 16 * 1024 * 1024


def bomb(peer, size_bytes):
    """One gzip member: a deflate block of 16 MiB of one letter, after a full flush the same octets each time, so that
    only the checksum has to be computed anew."""
    begin, end = b'{"objects": [], "x_padding": "', b'"}'
    block = b"x" * BLOCK_BYTES
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    deflate = zlib.compressobj(9, wbits=-15)
    yield deflate.compress(begin) + deflate.flush(zlib.Z_FULL_FLUSH)
    flushed = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum, length = zlib.crc32(begin), len(begin)
    while length < size_bytes and not peer.closing.is_set():
        yield flushed
        checksum, length = zlib.crc32(block, checksum), length + BLOCK_BYTES
    last = zlib.compressobj(9, wbits=-15)
    yield last.compress(end) + last.flush()
    yield struct.pack("<II", zlib.crc32(end, checksum), (length + len(end)) & 0xFFFFFFFF)
