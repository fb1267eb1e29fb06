"""
The numbers of streams: which ones have been, and for which a late frame is no fault.

Source: RFC 9113 §5.1 and §5.1.1.
"""

from __future__ import annotations

from gateway.wire.server.http2.frames import END_STREAM, ConnectionFault, ErrorCode

_MAX_LEFT = 512
_MAX_SKIPPED = 16


class StreamNumbers:
    """
    Those of one connection.

    Attributes:
        last: The highest one that the client has used.
    """

    __slots__ = ("_due", "_left", "_skipped", "_unread", "last")

    def __init__(self) -> None:
        self.last = 0
        self._left: dict[int, None] = {}  # that we have ended before the client did; the last ones of them
        self._unread: set[int] = set()  # answered, and the client has not been told that we do not read the rest
        self._due: set[int] = set()  # those of them that were answered before the last tick
        self._skipped: list[range] = []  # left out by the client; the last ones

    def begin(self, stream_id: int) -> None:
        """A new stream, higher than all before; those that were left out can never be."""
        if stream_id != self.last + 2:
            self._skipped.append(range(self.last + 1, stream_id))
            del self._skipped[:-_MAX_SKIPPED]
        self.last = stream_id

    def leave(self, stream_id: int) -> None:
        """We have ended a stream, of which frames may still come."""
        self._left[stream_id] = None
        if len(self._left) > _MAX_LEFT:
            self._left.pop(next(iter(self._left)))

    def answer_early(self, stream_id: int) -> None:
        """We have answered a stream whose client is still sending."""
        self.leave(stream_id)
        self._unread.add(stream_id)

    def has_ended(self, stream_id: int) -> None:
        """The client sends no more on a stream that may have been answered early."""
        self._unread.discard(stream_id)
        self._due.discard(stream_id)

    def take_unread(self) -> set[int]:
        """The streams whose clients should be told that the rest is not read, each once, a tick after its answer."""
        due = self._due
        if due or self._unread:
            self._due, self._unread = self._unread, set()
        return due

    def excuse(self, stream_id: int, flags: int) -> None:
        """
        A frame with data or fields has come for a stream that is not there.

        Raises:
            ConnectionFault: It is the client that has ended it, or never began it.
        """
        if stream_id in self._left:
            if flags & END_STREAM:
                self.has_ended(stream_id)
            return
        was_open = 0 < stream_id <= self.last and stream_id % 2
        never = not was_open or any(stream_id in skipped for skipped in self._skipped)
        code = ErrorCode.PROTOCOL_ERROR if never else ErrorCode.STREAM_CLOSED
        raise ConnectionFault(code, "a frame of a stream that is not open")
