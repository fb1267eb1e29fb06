"""
The body of a request on its way to the backend: framed, held back while the socket is full, broken off on either side.

Source: RFC 9112 §7.1 for chunks.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.wire.body import BodyStream
from gateway.wire.trailers import LAST_CHUNK, last_chunk

_JOIN_BYTES = 32 * 1024  # below this, a copy is cheaper than another buffer for the kernel


class Sender(Protocol):
    """The connection that a body goes out on."""

    def body_progressed(self) -> None:
        """One more piece is about to go out."""

    def body_sent(self) -> None:
        """All of it has gone out."""

    def body_failed(self, error: Exception) -> None:
        """The client left before its end."""


class RequestBody:
    """
    The sink of one request's body.

    Attributes:
        source: The body while it is on its way; None once it is complete or given up.
        barred: Folded names of trailers that are not forwarded; None: no trailer is.
    """

    __slots__ = ("_chunked", "_sender", "_transport", "barred", "source")

    def __init__(self, sender: Sender, transport: asyncio.Transport, chunked: bool) -> None:
        self.source: BodyStream | None = None
        self.barred: frozenset[str] | None = None
        self._sender = sender
        self._transport = transport
        self._chunked = chunked

    def begin(self, source: BodyStream) -> None:
        """Send what *source* has, and what comes."""
        self.source = source
        source.pipe(self)

    # -- the sink
    def write(self, data: bytes) -> None:
        """The next piece."""
        if self._transport.is_closing():
            return
        self._sender.body_progressed()
        if not self._chunked:
            self._transport.write(data)
        elif len(data) <= _JOIN_BYTES:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._transport.writelines([b"%x\r\n" % len(data), data, b"\r\n"])

    def finish(self) -> None:
        """The body is complete."""
        source, self.source = self.source, None
        if self._chunked and not self._transport.is_closing():
            self._transport.write(LAST_CHUNK if source is None else last_chunk(source.trailers, self.barred))
        self._sender.body_sent()

    def fail(self, error: Exception) -> None:
        """The body broke off: the backend must not take it for complete."""
        self.source = None
        self._sender.body_failed(error)

    # -- flow
    def pause(self) -> None:
        """The socket is full."""
        if self.source is not None:
            self.source.pause()

    def resume(self) -> None:
        """The socket is ready for more."""
        if self.source is not None:
            self.source.resume()

    def stop(self) -> None:
        """The backend takes no more of it."""
        source, self.source = self.source, None
        if source is not None:
            source.discard()


def send_whole(transport: asyncio.Transport, head: bytes, content: bytes) -> None:
    """Send a request whose body is in memory."""
    if len(content) <= _JOIN_BYTES:
        transport.write(head + content)
    else:
        transport.writelines([head, content])
