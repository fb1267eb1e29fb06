"""
The messages of a call, looked at while they pass: nothing is held back.

Source: gRPC over HTTP2, "Length-Prefixed-Message": a byte of flags, four bytes of length, the message.
"""

from __future__ import annotations

from gateway.errors import PolicyError
from gateway.wire.body import BodyStream, Sink

_PREFIX_BYTES = 5


class MessageMeter:
    """
    Finds the lengths of messages in a stream of bytes, however they are cut.

    Attributes:
        limit: Bytes of the largest message.
    """

    __slots__ = ("_left", "_prefix", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._left = 0  # bytes to come of a message
        self._prefix = b""  # of a message, as far as it has come

    @property
    def is_within(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._left or self._prefix)

    def excess(self, data: bytes) -> int:
        """
        The length of the first message beyond the limit that begins in *data*; 0 where there is none. *data* with one
        counts as not received.
        """
        if self._prefix:
            data = self._prefix + data
        at, end, limit = self._left, len(data), self.limit
        while at + _PREFIX_BYTES <= end:
            size = int.from_bytes(data[at + 1 : at + _PREFIX_BYTES])
            if size > limit:
                return size
            at += _PREFIX_BYTES + size
        self._left = max(0, at - end)
        self._prefix = data[at:]
        return 0


class MessageStream(BodyStream):
    """
    A body between its source and its reader.

    It becomes the source's sink when it has a reader itself, so that nothing is read earlier than without it.
    """

    __slots__ = ("_source",)

    def __init__(self, source: BodyStream, length: int | None) -> None:
        super().__init__(length, source.pause, source.resume, source.discard)
        self._source = source

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self._finished or self._error is not None

    # -- the source's sink
    def write(self, data: bytes) -> None:
        """The next piece."""
        self.feed(data)

    def finish(self) -> None:
        """The source is complete."""
        if not self.is_over:
            self.trailers = self._source.trailers
            super().finish()

    def fail(self, error: Exception) -> None:
        """The source will never be complete."""
        if not self.is_over:
            super().fail(error)

    # -- the reader's side
    def pipe(self, sink: Sink) -> None:
        """Give everything to *sink*."""
        self._sink = sink
        self._source.pipe(self)

    async def read(self, max_bytes: int) -> bytes:
        """Refused: these are messages, and there may be no end of them. Raises PolicyError."""
        message = "a policy reads the body of a gRPC call, which is a stream of messages"
        raise PolicyError(500, "GrpcBodyNotReadable", message, "Internal server error")
