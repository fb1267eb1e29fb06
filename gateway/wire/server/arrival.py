"""
Which version of HTTP a new connection speaks.

With TLS the handshake has decided (ALPN). Without TLS only the first bytes can tell, and only where the configuration
allows HTTP/2 without TLS is a connection looked at: until they have come, it is one of HTTP/1.1, with its deadlines.
Nothing of this is left when the first request begins.

uvicorn keeps sockets, TLS, workers and signals; it asks here for the protocol of each connection, through its ``http``
parameter.

Source: RFC 9113 §3.2 and §3.3; uvicorn, "Custom protocols".
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from gateway.wire.server.client_connection import ClientConnection
from gateway.wire.server.connection import ServerConnection
from gateway.wire.server.forwarded import Introduction
from gateway.wire.server.http2.frames import PREFACE
from gateway.wire.server.listener import Listener

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from gateway.wire.server.http2.connection import Http2ServerConnection


class Arrivals:
    """Makes the protocols of one listener's connections."""

    def __init__(self, listener: Listener, has_tls: bool) -> None:
        self._listener = listener
        self._has_tls = has_tls
        if has_tls or listener.settings.http2.clear_text:
            import_module("gateway.wire.server.http2.connection")  # 1.5 MiB; now, not with the first connection

    @property
    def alpn_protocols(self) -> list[str]:
        """What the handshake offers; uvicorn asks."""
        return ["h2", "http/1.1"] if self._listener.settings.http2.tls else ["http/1.1"]

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        introduction: Introduction | None = None,
    ) -> asyncio.Protocol:
        """*introduction*: what is known of the client besides the address at the other end."""
        if self._has_tls or self._listener.settings.http2.clear_text:
            return Arrival(self._listener, server_state, self._has_tls, introduction)
        return ServerConnection(self._listener, server_state, introduction)


class Arrival(asyncio.Protocol):
    """A connection until it is known which version it speaks."""

    transport: asyncio.Transport

    def __init__(
        self, listener: Listener, server_state: ServerState, has_tls: bool, introduction: Introduction | None = None
    ) -> None:
        self._listener = listener
        self._server_state = server_state
        self._has_tls = has_tls
        self._introduction = introduction
        self._first = ServerConnection(listener, server_state, introduction)
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if not self._has_tls:
            self._first.connection_made(transport)
            if not self._first.is_new:
                transport.set_protocol(self._first)
            return
        tls = transport.get_extra_info("ssl_object")
        is_http2 = tls is not None and tls.selected_alpn_protocol() == "h2"
        self._hand_over(self._http2() if is_http2 else self._first)

    def _http2(self) -> Http2ServerConnection:
        from gateway.wire.server.http2.connection import Http2ServerConnection  # loaded, save after some reloads

        return Http2ServerConnection(self._listener, self._server_state, self._introduction)

    def _hand_over(self, connection: ClientConnection) -> None:
        self.transport.set_protocol(connection)
        connection.connection_made(self.transport)

    def data_received(self, data: bytes) -> None:
        """The first bytes of a connection without TLS."""
        data = self._received + data
        if data.startswith(PREFACE):
            self._first.connection_lost(None)
            connection = self._http2()
            self._hand_over(connection)
            connection.data_received(data)
        elif PREFACE.startswith(data):
            self._received = data
        else:
            self.transport.set_protocol(self._first)
            self._first.data_received(data)

    def eof_received(self) -> None:
        """The client has closed its side."""

    def connection_lost(self, error: Exception | None) -> None:
        self._first.connection_lost(error)

    def pause_writing(self) -> None:
        self._first.pause_writing()

    def resume_writing(self) -> None:
        self._first.resume_writing()
