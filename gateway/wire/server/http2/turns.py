"""How the frames of one connection are handled: a bounded number of them in each turn of the event loop."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from gateway.wire.backlog import backlog
from gateway.wire.server.client_connection import ClientConnection
from gateway.wire.server.deadlines import NEVER
from gateway.wire.server.forwarded import Introduction
from gateway.wire.server.http2.frames import ConnectionFault, StreamFault
from gateway.wire.server.http2.reader import FrameReader
from gateway.wire.server.http2.stream import Http2Stream
from gateway.wire.server.listener import Listener

if TYPE_CHECKING:
    from uvicorn.server import ServerState

MAX_FRAMES = 128
"""Frames that are read from one connection before others get their turn."""
MAX_WORK = 8
"""Requests that begin in one turn, and what else takes as long."""


class FrameTurns(ClientConnection):
    """
    A client connection that reads frames.

    Attributes:
        settings: Those with which it was made.
    """

    def __init__(self, listener: Listener, server_state: ServerState, introduction: Introduction | None = None) -> None:
        super().__init__(listener, server_state, introduction)
        self.settings = listener.settings
        self._reader = FrameReader(self.settings.limits.head_bytes)
        self._is_behind = False  # more frames have come than one turn handles
        self._is_partial = True  # the rest of something is due
        self._is_closing = False
        self._work = 0  # of this turn
        self._streams: dict[int, Http2Stream] = {}

    def data_received(self, data: bytes) -> None:
        if len(data) > self._pace.limit_bytes:
            self._pace.took()
        if self._is_closing:
            return
        self._reader.feed(data)
        if not self._is_behind:
            self._read()

    def _read(self) -> None:
        """Handle the frames of one turn; the others wait for the next, and what follows them stays in the socket."""
        was_behind, self._is_behind = self._is_behind, False
        self._work, before = 0, self._reader.count
        try:
            self._is_behind = self._take_frames()
            self._begin_fresh()
        except ConnectionFault as fault:
            self._fail(fault)
        if self._is_closing or self.transport.is_closing():
            return
        if self._is_behind:
            self._pace.pause_reading()
            backlog().add(self._read)
            return
        if was_behind:
            self._pace.resume_reading()
        self._await_rest(self._reader.count > before)

    def _await_rest(self, has_moved: bool) -> None:
        """What is due: the rest of a frame or a head, or the next request. *has_moved*: a frame has been read."""
        was_partial, self._is_partial = self._is_partial, self._reader.is_partial
        if self._is_partial and (has_moved or not was_partial):
            self._deadlines.expect_head()
        elif was_partial and not self._is_partial:
            self._deadlines.reading = NEVER
            if not self._streams:
                self._deadlines.expect_request()

    def _take_frames(self) -> bool:
        """Whether there may be more of them than one turn handles. Raises ConnectionFault."""
        for _ in range(MAX_FRAMES):
            if self._work >= MAX_WORK:
                return True
            if not self._take_frame():
                return False
        return True

    def _take_frame(self) -> bool:
        """Whether there was one. Raises ConnectionFault."""
        try:
            frame = self._reader.take()
            if frame is None or self._is_closing:
                return False
            self._handle(*frame)
        except StreamFault as fault:
            self._end_stream(fault)
        return True

    @abstractmethod
    def _handle(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        """One frame. Raises ConnectionFault, StreamFault."""

    @abstractmethod
    def _begin_fresh(self) -> None:
        """The turn's frames have been handled: begin its requests."""

    @abstractmethod
    def _end_stream(self, fault: StreamFault) -> None:
        """The client has broken the protocol in one stream. Raises ConnectionFault: too often."""

    @abstractmethod
    def _fail(self, fault: ConnectionFault) -> None:
        """The client has broken the protocol in the connection."""
