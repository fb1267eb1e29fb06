"""What a client connection is, whichever version of HTTP it speaks."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, cast

from gateway.wire.pace import Pace
from gateway.wire.server.deadlines import Deadlines
from gateway.wire.server.forwarded import Introduction, Peer
from gateway.wire.server.listener import Caller, Listener
from gateway.wire.server.request_head import HeadError
from gateway.wire.server.sockets import client_certificate, shortage_of
from gateway.wire.sweeper import sweeper

if TYPE_CHECKING:
    from uvicorn.server import ServerState

_WRITE_HIGH_BYTES = 256 * 1024


class ClientConnection(asyncio.Protocol, ABC):
    """
    One client connection.

    Attributes:
        transport: To the client; exchanges write to it.
        address: Address of the other end.
        caller: Turns its heads into requests.
        sweeper: The sweeper of the connection's event loop.
        version: Of HTTP, as Via names it; empty: the one in the request line.
    """

    transport: asyncio.Transport
    caller: Caller
    address: str
    version: ClassVar[str] = ""

    def __init__(self, listener: Listener, server_state: ServerState, introduction: Introduction | None = None) -> None:
        """*introduction*: what is known of the client besides the address at the other end."""
        self._listener = listener
        self.address = ""
        self._introduction = introduction
        self._server_state = server_state
        self.sweeper = sweeper()
        self._deadlines = Deadlines(self.sweeper, listener.settings)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_WRITE_HIGH_BYTES)
        self._pace = Pace(self.transport)
        settings = self._listener.settings
        peer = Peer.at(transport, settings.trusted_proxies, self._introduction)
        self.address = peer.address
        self.caller = Caller(peer, settings, client_certificate(transport), self.version)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self.sweeper.watch(self)
        self._greet()
        if self._introduction is not None and self._introduction.refusal is not None:
            self._turn_away(self._introduction.refusal)
        elif shortage := shortage_of(self.transport, len(self._server_state.connections), settings.limits.connections):
            self._turn_away(HeadError(503, shortage))
        elif self._listener.is_stopping:  # accepted before, but not yet there when the others were told
            self.shutdown()

    def eof_received(self) -> None:
        """The client has closed its side; like nginx and Go we treat that as leaving."""

    def connection_lost(self, error: Exception | None) -> None:
        self._server_state.connections.discard(self)
        self._listener.stalled.discard(self)
        self.sweeper.forget(self)

    def _greet(self) -> None:
        """Say what comes before the first request."""

    @abstractmethod
    def _turn_away(self, refusal: HeadError) -> None:
        """Close before the first request."""

    def _note(self, refusal: HeadError) -> str:
        """Report a request that never reaches the application; the line, with CRLF, of the id that its answer shows."""
        drawn, id_line = self.caller.draw_id()
        self._listener.note(refusal, drawn, self.address)
        return id_line

    def _sweep_writing(self) -> None:
        """Close a connection whose client reads nothing: when its time is up, or earlier if there are too many."""
        listener = self._listener
        if self._deadlines.has_progressed(self.transport.get_write_buffer_size()):
            listener.stalled.discard(self)
            return
        listener.stalled.add(self)
        if not self._deadlines.may_stall() or len(listener.stalled) > listener.settings.limits.stalled_connections:
            self.abort()

    def _end_lingering(self) -> None:
        """The client has had time to close, but it may still be reading the answer."""
        if self.transport.get_write_buffer_size():
            self._deadlines.expect_close()
        else:
            self.abort()

    # -- from the server
    @property
    @abstractmethod
    def lasting(self) -> int:
        """How many tunnels and streams of events are on this connection."""

    @abstractmethod
    def sweep(self, now: float) -> None:
        """Look at the deadlines; *now* is the event loop's time."""

    @abstractmethod
    def go_away(self) -> None:
        """The server is stopping: end tunnels and streams of events, unless a frame to the client is incomplete."""

    @abstractmethod
    def shutdown(self) -> None:
        """The server is stopping: let what runs end, and take no more; an idle client may send a last request."""

    @abstractmethod
    def abort(self) -> None:
        """Close immediately and discard unsent bytes: the client sees that an answer is incomplete."""
