"""
Clients and backend of one gateway, in the loop of the benchmark.

What they cost is not measured, so they may be as simple as they like; each answer is checked all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import cycle
from typing import cast

END_OF_HEAD = b"\r\n\r\n"
CONNECTIONS = 16
_LENGTH = b"content-length: "
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024


class Messages:
    """Counts whole messages in a stream of bytes whose bodies have a length."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._missing = 0

    def take(self, data: bytes) -> Iterator[bytes]:
        """The heads of the messages that *data* completes."""
        self._buffer += data
        while (end := self._buffer.find(END_OF_HEAD)) >= 0:
            head = bytes(self._buffer[:end])
            whole = end + len(END_OF_HEAD) + _body_length(head)
            if len(self._buffer) < whole:
                return
            del self._buffer[:whole]
            yield head


def _body_length(head: bytes) -> int:
    fields = head.lower()
    start = fields.find(_LENGTH)
    return int(fields[start + len(_LENGTH) :].partition(b"\r\n")[0]) if start >= 0 else 0


class Backend(asyncio.Protocol):
    """Answers each request with 1 KiB."""

    def __init__(self) -> None:
        self._messages = Messages()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection of the gateway."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's classes are not asyncio's

    def data_received(self, data: bytes) -> None:
        """Requests, or parts of one."""
        for _ in self._messages.take(data):
            self._transport.write(ANSWER)


class Load:
    """*answers* requests, in turn, over a few connections that stay."""

    def __init__(self, requests: list[bytes]) -> None:
        self._requests = cycle(requests)
        self._left = 0
        self._open = 0
        self._done: asyncio.Future[None] | None = None

    def next(self) -> bytes | None:
        """The next request to send, or None."""
        if self._left == 0:
            return None
        self._left -= 1
        return next(self._requests)

    def answered(self, head: bytes) -> None:
        """One of them has its answer. Raises SystemExit: it is not the right one."""
        if not head.startswith(b"HTTP/1.1 200 "):
            self.fail(f"not 200 but {head!r}")
        self._open -= 1
        if self._open == 0 and self._done is not None and not self._done.done():
            self._done.set_result(None)

    def fail(self, why: str) -> None:
        """End the run."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(SystemExit(why))

    async def run(self, clients: list[Client], answers: int) -> None:
        """Send so many requests over *clients*, and wait for all of their answers."""
        self._left = self._open = answers
        self._done = asyncio.get_running_loop().create_future()
        for client in clients:
            client.send(self)
        await self._done


class Client(asyncio.Protocol):
    """One connection to the gateway."""

    def __init__(self) -> None:
        self._messages = Messages()
        self._load: Load | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's classes are not asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        """It must stay open."""
        if self._load is not None:
            self._load.fail(f"a connection was closed: {exc}")

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        for head in self._messages.take(data):
            load = self._load
            assert load is not None
            load.answered(head)
            self.send(load)

    def send(self, load: Load) -> None:
        """The next request of *load*."""
        self._load = load
        request = load.next()
        if request is not None:
            self._transport.write(request)

    def close(self) -> None:
        """No more of them."""
        self._load = None
        self._transport.abort()


async def connected(port: int, count: int = CONNECTIONS) -> list[Client]:
    """*count* connections to the gateway."""
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(count):
        _, client = await loop.create_connection(Client, "127.0.0.1", port)
        clients.append(client)
    return clients
