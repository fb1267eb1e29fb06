"""
How much one connection reads in a turn of the event loop.

libuv reads a socket that is full of data up to 32 times in a row before others get their turn: after a large read the
connection waits for the next turn. Over TLS much work may have been little data, or none: such a session
(``PacedTls``) asks for the next turn itself.
"""

from __future__ import annotations

import asyncio

from gateway.wire.backlog import backlog
from gateway.wire.paced_tls import PacedTls

_LARGE_BYTES = 128 * 1024  # a read of the socket takes 256 KiB at most
_DECRYPTING_S = 0.01  # what a session decrypts in a turn may take so long
_TLS_HIGH_BYTES = 32 * 1024  # of received records may wait while reading pauses; more than one record


class Pace:
    """
    The reading of one connection: whether the connection wants to, and whether it is its turn.

    Attributes:
        is_wanted: Whether the connection wants to read.
        limit_bytes: ``took`` must be called after a read of more.
    """

    __slots__ = ("_is_waiting", "_loop", "_transport", "is_wanted", "limit_bytes")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._is_waiting = False
        self.is_wanted = True
        self.limit_bytes = _LARGE_BYTES
        session = transport.get_extra_info("ssl_object")
        if isinstance(session, PacedTls):
            session.yield_turn = self.yield_turn
            transport.set_read_buffer_limits(_TLS_HIGH_BYTES)  # type: ignore[attr-defined]

    def took(self) -> None:
        """Much has been read: leave the rest to the next turn."""
        if not self._is_waiting and not self._transport.is_closing():
            self._is_waiting = True
            self._transport.pause_reading()
            self._loop.call_soon(self._go_on)

    def yield_turn(self) -> bool:
        """Much has been decrypted, as above; False: the connection is closing, and nothing is read any more."""
        if self._transport.is_closing():
            return False
        if not self._is_waiting:
            self._is_waiting = True
            self._transport.pause_reading()
            backlog().add(self._go_on, price_s=_DECRYPTING_S)
        return True

    def _go_on(self) -> None:
        self._is_waiting = False
        if self.is_wanted and not self._transport.is_closing():
            self._transport.resume_reading()

    def is_closing(self) -> bool:
        """Whether the transport is."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Leave what comes in the socket."""
        if self.is_wanted:
            self.is_wanted = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again, as soon as it is this connection's turn."""
        if self.is_wanted or self._transport.is_closing():
            return
        self.is_wanted = True
        if not self._is_waiting:
            self._transport.resume_reading()
