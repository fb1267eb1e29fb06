"""
The body of one request on its way from the client, from its framing to its reader.

Source: RFC 9112 §6 and §7.1; RFC 9110 §10.1.1 for ``100 Continue``.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.wire.body import Body, BodyStream
from gateway.wire.decoders import MAX_CHUNKS, ChunkedDecoder, LengthDecoder

_DRAIN_BYTES = 64 * 1024  # an unread rest up to this size is worth reading to keep the connection


class IncomingBody:
    """
    One request's body.

    Attributes:
        awaits_continue: Whether the client sends it only after ``100 Continue``.
        received: Bytes of it so far, without framing.
        is_wanted: Whether its reader is ready for more, or the body is being dropped.
    """

    __slots__ = ("_decoder", "_stream", "awaits_continue", "is_wanted", "received")

    def __init__(self, length: int, awaits_continue: bool) -> None:
        """*length*: in bytes, or ``CHUNKED``."""
        self._decoder = LengthDecoder(length) if length > 0 else ChunkedDecoder(MAX_CHUNKS)
        self._stream: BodyStream | None = None
        self.awaits_continue = awaits_continue
        self.received = 0
        self.is_wanted = False

    def decode(self, data: bytes) -> bytes:
        """The part of the body in *data*. Raises FramingError."""
        content = self._decoder.decode(data)
        self.received += len(content)
        return content

    def receive(self, data: bytes) -> None:
        """Pass on the part of the body in *data*, or drop it if nothing reads it. Raises FramingError."""
        content = self.decode(data)
        if content and self._stream is not None:
            self._stream.feed(content)

    @property
    def complete(self) -> bool:
        """Whether its end has been received."""
        return self._decoder.done

    @property
    def has_backlog(self) -> bool:
        """Whether more of it has arrived than is read in one turn."""
        return bool(self._decoder.backlog)

    @property
    def rest(self) -> bytes:
        """The data after its end."""
        return self._decoder.rest

    @property
    def is_short(self) -> bool:
        """Whether so little of it is missing, and already on its way, that the connection can be kept."""
        return not self.awaits_continue and 0 < self._decoder.missing <= _DRAIN_BYTES

    def open(
        self, content: bytes, pause: Callable[[], None], want: Callable[[], None], drop: Callable[[], None]
    ) -> Body:
        """The body for the application: *content* arrived with the head, the rest waits for a reader."""
        length = self._decoder.missing + len(content) if isinstance(self._decoder, LengthDecoder) else None
        self._stream = BodyStream(length, pause, want, drop)
        if content:
            self._stream.feed(content)
        return Body(stream=self._stream)

    def whole(self, content: bytes) -> Body:
        """The body if all of it arrived with the head: in memory, unless trailers follow it."""
        trailers = self._decoder.trailers
        return Body(stream=BodyStream.whole(content, trailers)) if trailers else Body(content)

    def drop(self) -> None:
        """The body is no longer read."""
        self._stream = None

    def finish(self) -> None:
        """Tell the reader that the body is complete."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.trailers = self._decoder.trailers
            stream.finish()

    def fail(self, error: Exception) -> None:
        """Tell the reader that the body is cut short."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.fail(error)
