"""
The management plane's listener: a plain uvicorn server within the gateway's event loop.

Anyone who can connect can send something before they have shown a token. So connections are bounded in number, a
request has to arrive and an answer to be read within a time, and no field of a request changes who its client is.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.management.attempts import network_of
from gateway.management.guard import INSIDE
from gateway.wire.server.serve import EmbeddedServer

CLOSING = "gateway.closing"
"""Where an application finds, in its scope, the event that tells streams without an end that the server stops."""

MOST_CONNECTIONS = 512
MOST_OF_ONE_CLIENT = 64
REQUEST_S = 20.0  # for a whole request to arrive, its body included
READING_S = 60.0  # for a client that reads nothing, while an answer waits
GOODBYE_S = 2  # for requests that run when it stops: with the data plane's, within what a supervisor waits


@asynccontextmanager
async def serve_management(
    app: ASGIApp, listening: socket.socket, closing: asyncio.Event | None = None, *, inside: bool = False
) -> AsyncIterator[None]:
    """
    Serve *app* on a bound socket while the context lasts.

    Args:
        closing: Set before it stops listening.
        inside: Whether only the gateway's own processes reach it: its callers show no token, and are not counted.

    Raises:
        GatewayError: It cannot serve there.
    """
    closing = asyncio.Event() if closing is None else closing

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app({**scope, CLOSING: closing, INSIDE: inside}, receive, send)
        except ClientDisconnect:
            return  # in the middle of its request: nothing that anybody has to look at
        except asyncio.CancelledError:
            if not closing.is_set():
                raise  # else its client has not read the answer in time

    settings = Config(
        told,
        http=_InnerConnection if inside else ManagementConnection,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        # The guard counts wrong tokens, and believes proxies, by the address that has connected.
        proxy_headers=False,
        timeout_graceful_shutdown=GOODBYE_S,
    )
    server = EmbeddedServer(settings)
    task = await server.begin(listening)
    try:
        yield
    finally:
        closing.set()
        server.stop.set()
        await asyncio.wait({task})


class ManagementConnection(HttpToolsProtocol):
    """A connection that does not last unless its client does its part."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Close it if there are too many, of all clients or of this one."""
        super().connection_made(transport)
        if self._is_one_too_many():
            transport.abort()
        else:
            self._expect(REQUEST_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._satisfied()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The whole request has to arrive in time."""
        super().on_message_begin()
        self._expect(REQUEST_S)

    def on_message_complete(self) -> None:
        """It has arrived."""
        self._satisfied()
        super().on_message_complete()

    def shutdown(self) -> None:
        """A request that has not arrived is not waited for."""
        super().shutdown()
        if self.cycle is not None and self.cycle.more_body:
            self.transport.abort()

    def pause_writing(self) -> None:
        """The client has to read what waits for it."""
        super().pause_writing()
        self._expect(READING_S)

    def resume_writing(self) -> None:
        """It has read."""
        self._satisfied()
        super().resume_writing()

    def _expect(self, seconds: float) -> None:
        self._satisfied()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _satisfied(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _is_one_too_many(self) -> bool:
        """A Unix socket's clients have no address, and cannot be told apart."""
        if len(self.connections) > MOST_CONNECTIONS:
            return True
        if self.client is None:
            return False
        connections = cast("set[ManagementConnection]", self.connections)
        clients = [network_of(other.client[0]) for other in connections if other.client is not None]
        return clients.count(network_of(self.client[0])) > MOST_OF_ONE_CLIENT


class _InnerConnection(ManagementConnection):
    """One of the gateway's own."""

    def _is_one_too_many(self) -> bool:
        return False
