"""
TLS sessions that decrypt a little at a time.

OpenSSL works through everything that it has been given before it returns, and not all of it is data: one read of the
socket can hold 10,000 key updates of TLS 1.3, or 11,000 records of one byte. A session of the contexts made here is
given one piece after the other. When much of it was not data, the rest waits for the next turn of the event loop.

Source: RFC 8446 §4.6.3 for key updates; Python, "ssl.SSLContext.sslobject_class".
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, TypeVar

_PIECE_BYTES = 8 * 1024
# A record has 16 KiB of data: fewer than two pieces more have been given when its data comes.
_OVERHEAD_BYTES = 24 * 1024
_MAX_WAITING_BYTES = 1024 * 1024  # as much as several reads of the socket

T = TypeVar("T")


class PacedTls(ssl.SSLObject):
    """
    One session.

    Attributes:
        yield_turn: Lets reading go on in the next turn; returns False where nothing will be read any more. None: there
            is no limit, as in the handshake.
    """

    yield_turn: Callable[[], bool] | None = None
    _waiting: ssl.MemoryBIO
    _given: ssl.MemoryBIO
    _overhead = 0  # bytes given without data in return

    def attach(self, waiting: ssl.MemoryBIO, given: ssl.MemoryBIO) -> None:
        """Take what is received from *waiting*; the session itself reads *given*."""
        self._waiting, self._given = waiting, given

    def do_handshake(self) -> None:
        self._persistently(super().do_handshake)
        self._overhead = 0

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        data = self._persistently(super().read, len, buffer)
        self._overhead = max(0, self._overhead - (data if isinstance(data, int) else data.__len__()))
        return data

    def _persistently(self, call: Callable[..., T], *arguments: Any) -> T:
        """*call* with piece after piece, until one is enough. Raises ssl.SSLWantReadError, or what *call* raises."""
        while True:
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                self._give()

    def _give(self) -> None:
        """Give the session the next piece. Raises ssl.SSLWantReadError: there is none, or not in this turn."""
        if self._overhead >= _OVERHEAD_BYTES and self.yield_turn is not None:
            self._rest(self.yield_turn)
        piece = self._waiting.read(_PIECE_BYTES)
        if not piece:
            raise ssl.SSLWantReadError
        self._overhead += len(piece)
        self._given.write(piece)

    def _rest(self, yield_turn: Callable[[], bool]) -> None:
        """
        Leave what is waiting to the next turn.

        Raises:
            ssl.SSLWantReadError: That is done.
            ssl.SSLError: Nothing is read in later turns, or more is waiting than may.
        """
        self._overhead = 0
        if not yield_turn() or self._waiting.pending > _MAX_WAITING_BYTES:
            raise ssl.SSLError("too many records without data")
        raise ssl.SSLWantReadError

    def pending(self) -> int:
        return super().pending() + self._given.pending


class PacedContext(ssl.SSLContext):
    """Makes such sessions."""

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *arguments: Any, **options: Any) -> PacedTls:
        given = ssl.MemoryBIO()
        session = super().wrap_bio(given, outgoing, *arguments, **options)
        assert isinstance(session, PacedTls)  # noqa: S101 - sslobject_class
        session.attach(incoming, given)
        return session


def paced(context: ssl.SSLContext) -> ssl.SSLContext:
    """*context* itself, with everything that the standard library has set by default; its sessions are paced."""
    context.__class__ = PacedContext
    context.sslobject_class = PacedTls
    return context
