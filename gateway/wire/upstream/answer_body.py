"""
The body of an answer on its way from the backend to the client.

Source: RFC 9112 §6.3.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import UpstreamError
from gateway.wire.backlog import backlog
from gateway.wire.body import BodyStream
from gateway.wire.decoders import MAX_CHUNKS, ChunkedDecoder, CloseDecoder, Decoder, LengthDecoder
from gateway.wire.framing import CHUNKED
from gateway.wire.pace import Pace
from gateway.wire.sweeper import sweeper

_NEVER = float("inf")


class AnswerBody:
    """
    One body: where it ends, the stream that carries it, and whether it flows.

    Attributes:
        stream: What the client's side reads.
        decoder: Finds the end.
        flows: Whether the client takes what comes; if not, the backend's bytes stay in the socket.
        stalled_at: Since when it does not flow, in the event loop's time; infinite while it does.
    """

    __slots__ = (
        "_flow_changed",
        "_is_behind",
        "_is_over",
        "_pace",
        "_receive",
        "decoder",
        "flows",
        "stalled_at",
        "stream",
    )

    def __init__(
        self,
        pace: Pace,
        length: int,
        receive: Callable[[AnswerBody, bytes], None],
        flow_changed: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        """
        *length*: bytes, ``CHUNKED`` or ``UNTIL_CLOSE``; *receive*: reads what has come; *give_up*: the client wants no
        more of it.
        """
        self._pace = pace
        self._receive = receive
        self._flow_changed = flow_changed
        self._is_behind = False  # more chunks have come than one turn of the loop reads
        self._is_over = False  # the connection may already carry another answer
        self.flows = True
        self.stalled_at = _NEVER
        self.decoder = _decoder(length)
        self.stream = BodyStream(length if length > 0 else None, self._pause, self._resume, give_up)

    def _pause(self) -> None:
        if self._is_over:
            return
        if self.flows and not self._pace.is_closing():
            self.flows = False
            self.stalled_at = sweeper().now
            if not self._is_behind:
                self._pace.pause_reading()
        self._flow_changed()

    def _resume(self) -> None:
        if self._is_over:
            return
        if not self.flows and not self._pace.is_closing():
            self.flows = True
            self.stalled_at = _NEVER
            if self._is_behind:
                backlog().add(self._catch_up)
            else:
                self._pace.resume_reading()
        self._flow_changed()

    def decode(self, data: bytes) -> bytes:
        """What of the body is in *data*; chunks beyond those of one turn wait for the next. Raises FramingError."""
        content = self.decoder.decode(data)
        if self.decoder.backlog and not self._is_behind:
            self._is_behind = True
            self._pace.pause_reading()
            backlog().add(self._catch_up)
        return content

    def _catch_up(self) -> None:
        if not self._is_behind or not self.flows or self._pace.is_closing():
            return
        self._is_behind = False
        self._pace.resume_reading()
        self._receive(self, b"")

    def let_go(self) -> None:
        """The body is complete: the connection reads again, whatever the client has still to take, and from now on."""
        self._is_over = True
        if not self.flows and not self._pace.is_closing():
            self._pace.resume_reading()

    def connection_ended(self, error: Exception | None) -> None:
        """The backend has closed: the end of a body without a length, too early for any other."""
        if isinstance(self.decoder, CloseDecoder) and error is None:
            self.stream.finish()
        else:
            self.stream.fail(UpstreamError("BackendConnectionFailure", "The backend's answer ended too early."))


def _decoder(length: int) -> Decoder:
    if length > 0:
        return LengthDecoder(length)
    return ChunkedDecoder(MAX_CHUNKS) if length == CHUNKED else CloseDecoder()
