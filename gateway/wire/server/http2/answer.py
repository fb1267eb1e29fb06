"""The sink of an answer's body that is still on its way to a client of HTTP/2."""

from __future__ import annotations

from collections.abc import Callable

from gateway.wire.body import BodyStream
from gateway.wire.server.http2.fields import trailer_block
from gateway.wire.server.http2.outflow import Outflow
from gateway.wire.trailers import passed_lines
from gateway.wire.websocket import FrameTracker


class Http2Answer:
    """
    The sink of one answer's body.

    Attributes:
        sent: Bytes of the body so far.
        frames: Tracks a WebSocket's frames towards the client; None for everything else.
        barred: Folded names of trailers that are not forwarded; None: no trailer is.
    """

    __slots__ = ("_ended", "_flow", "_is_held", "_source", "barred", "frames", "sent")

    def __init__(self, flow: Outflow, ended: Callable[[Exception | None], None]) -> None:
        """*ended* is called once: when the body is complete or, with the reason, when it never will be."""
        self._flow = flow
        self._ended = ended
        self._source: BodyStream | None = None
        self._is_held = False
        self.frames: FrameTracker | None = None
        self.barred: frozenset[str] | None = None
        self.sent = 0

    def take(self, source: BodyStream) -> None:
        """Send the body as it comes; what the client does not take at once pauses the source."""
        self._source = source
        source.pipe(self)  # which lets the source go on
        self._is_held = False
        if self._flow.size:
            self.pause()

    def write(self, data: bytes) -> None:
        """The next piece of the body."""
        self.sent += len(data)
        if self.frames is not None:
            self.frames.feed(data)
        self._flow.send(data)
        if self._flow.size:
            self.pause()

    def insert(self, data: bytes) -> None:
        """Send *data* of our own, between two frames of a tunnel."""
        self._flow.send(data)

    def finish(self) -> None:
        """The body is complete."""
        source, self._source = self._source, None
        trailers = {} if source is None else source.trailers
        self._flow.complete(trailer_block(passed_lines(trailers, self.barred)) if trailers else b"")
        self._ended(None)

    def fail(self, error: Exception) -> None:
        """The body will never be complete."""
        self._source = None
        self._ended(error)

    def pause(self) -> None:
        """The client is slow to read."""
        if self._source is not None and not self._is_held:
            self._is_held = True
            self._source.pause()

    def resume(self) -> None:
        """The client has taken everything that was written."""
        if self._source is not None and self._is_held:
            self._is_held = False
            self._source.resume()

    def abandon(self) -> None:
        """The rest of the body will not be read."""
        source, self._source = self._source, None
        if source is not None:
            source.discard()
