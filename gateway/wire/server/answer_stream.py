"""
An answer whose body is still on its way: the sink that frames what its source gives and writes it to the client.

Source: RFC 9112 §7.1; RFC 9110 §7.8 for tunnels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.wire.body import BodyStream
from gateway.wire.trailers import LAST_CHUNK, last_chunk
from gateway.wire.websocket import FrameTracker

JOIN_BYTES = 32 * 1024  # below this, a copy is cheaper than another buffer for the kernel


class AnswerStream:
    """
    The sink of one answer's body.

    Attributes:
        sent: Bytes of the body so far, without their framing.
        frames: Tracks a WebSocket's frames towards the client; None for everything else.
        barred: Folded names of trailers that are not forwarded; None: no trailer is.
    """

    __slots__ = ("_chunked", "_ended", "_head", "_source", "_transport", "barred", "frames", "sent")

    def __init__(
        self, transport: asyncio.Transport, head: bytes, chunked: bool, ended: Callable[[Exception | None], None]
    ) -> None:
        """*ended* is called once: when the body is complete or, with the reason, when it never will be."""
        self._transport = transport
        self._head = head
        self._chunked = chunked
        self._ended = ended
        self._source: BodyStream | None = None
        self.frames: FrameTracker | None = None
        self.barred: frozenset[str] | None = None
        self.sent = 0

    def take(self, source: BodyStream, is_full: bool) -> None:
        """Send the head and the available part of the body in one write; *is_full*: the client is already slow."""
        self._source = source
        source.pipe(self)
        if self._head and self._source is not None:
            self._write_head()
        if is_full:
            self.pause()

    def _write_head(self) -> None:
        head, self._head = self._head, b""
        self._transport.write(head)

    # -- the sink
    def write(self, data: bytes) -> None:
        """The next piece of the body."""
        self.sent += len(data)
        if self.frames is not None:
            self.frames.feed(data)
        pieces = [b"%x\r\n" % len(data), data, b"\r\n"] if self._chunked else [data]
        if self._head:
            pieces.insert(0, self._head)
            self._head = b""
        if len(pieces) == 1:
            self._transport.write(data)
        elif len(data) <= JOIN_BYTES:
            self._transport.write(b"".join(pieces))
        else:
            self._transport.writelines(pieces)

    def insert(self, data: bytes) -> None:
        """Send *data* of our own, between two frames of a tunnel."""
        self._transport.write(data)

    def finish(self) -> None:
        """The body is complete."""
        tail = self._head + self._last_chunk() if self._chunked else self._head
        self._head = b""
        if tail:
            self._transport.write(tail)
        self._source = None
        self._ended(None)

    def _last_chunk(self) -> bytes:
        return LAST_CHUNK if self._source is None else last_chunk(self._source.trailers, self.barred)

    def fail(self, error: Exception) -> None:
        """The body will never be complete."""
        self._source = None
        self._ended(error)

    # -- the client's pace
    def pause(self) -> None:
        """The client is slow to read."""
        if self._source is not None:
            self._source.pause()

    def resume(self) -> None:
        """The client has taken everything that was written."""
        if self._source is not None:
            self._source.resume()

    def abandon(self) -> None:
        """The rest of the body will not be read."""
        source, self._source = self._source, None
        if source is not None:
            source.discard()
