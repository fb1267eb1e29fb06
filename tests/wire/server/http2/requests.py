"""One request in both versions of HTTP, and what a gateway makes of it in each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import Code, block
from tests.wire.server.http2.raw_client import connected
from tests.wire.server.http2.recorder import Recorder

Field = tuple[bytes, bytes]
CLOSED, MALFORMED = "closed", "malformed"
_SPACE = b" \t"


@dataclass(frozen=True, slots=True)
class Both:
    """A request: *first* are the bytes of HTTP/1.1, *second* the fields of HTTP/2, behind which comes *content*."""

    first: bytes
    second: Sequence[Field]
    content: bytes = b""

    def has(self, *names: bytes) -> bool:
        """Whether it has a field with one of *names*."""
        return any(name in names for name, _ in self.second)

    def value(self, name: bytes) -> bytes:
        """The first value of the field *name*, empty where there is none."""
        return next((value for found, value in self.second if found == name), b"")


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of a request.

    Attributes:
        word: A status, ``malformed``, or how the connection ended.
        received: The request line and the fields that reached the backend, and the body; nothing if none did.
    """

    word: str
    received: tuple[str, ...] = ()


def translate(first: bytes) -> Both | None:
    """The same request in HTTP/2; None: HTTP/2 has no such thing, such as another version or a malformed line."""
    head, _, content = first.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    parts = start.split(b" ")
    if len(parts) != 3 or parts[2] != b"HTTP/1.1" or b"://" in parts[1] or any(not _is_line(line) for line in lines):
        return None
    pseudo = [(b":method", parts[0]), (b":scheme", b"http"), (b":path", parts[1])]
    fields = [_field(line) for line in lines]
    if hosts := [field for field in fields if field[0] == b"host"]:
        pseudo.append((b":authority", hosts[0][1]))
        fields.remove(hosts[0])
    return Both(first, [*pseudo, *fields], content)


def _is_line(line: bytes) -> bool:
    name, colon, _ = line.partition(b":")
    return bool(colon) and name == name.strip(_SPACE) and not line.startswith((b" ", b"\t"))


def _field(line: bytes) -> Field:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(_SPACE)


async def first_verdict(both: Both, port: int, recorder: Recorder) -> Verdict:
    """In HTTP/1.1."""
    recorder.complete.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(both.first)
    try:
        line = b"HTTP/1.1 100 "
        while line.startswith(b"HTTP/1.1 100 "):
            line = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)).partition(b"\r\n")[0]
        word = line.split(b" ")[1].decode()
    except (TimeoutError, OSError, asyncio.IncompleteReadError):
        word = CLOSED
    finally:
        writer.transport.abort()
    return Verdict(word, _normal(recorder))


async def second_verdict(both: Both, port: int, recorder: Recorder) -> Verdict:
    """In HTTP/2."""
    recorder.complete.clear()
    async with connected(port) as client:
        await client.greet()
        client.send(frames.head(1, block(both.second), 0 if both.content else frames.END_STREAM))
        if both.content:
            client.send(frames.data(1, both.content))
        await client.until(lambda: client.finished(1) or bool(client.goaway), 2)
        statuses = [status for status in client.statuses.get(1, []) if status >= 200]
        if statuses:
            word = str(statuses[-1])
        elif client.resets.get(1) == Code.PROTOCOL_ERROR:
            word = MALFORMED
        else:
            word = f"connection {Code(client.goaway[1]).name}" if client.goaway else f"{client.resets} {CLOSED}"
    return Verdict(word, _normal(recorder))


def _normal(recorder: Recorder) -> tuple[str, ...]:
    """The only request that the backend has, without what differs from one request to the next."""
    assert len(recorder.complete) < 2, "one request became several"
    if not recorder.complete:
        return ()
    head, _, content = recorder.complete[0].decode("latin-1").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    pairs = [line.partition(":") for line in lines]
    named = [(name.lower(), value.strip()) for name, _, value in pairs]
    fields = sorted(f"{name}: {value}" for name, value in named if name not in ("x-request-id", "via"))
    return start, *fields, content
