"""The management plane's listener: a plain uvicorn server within the gateway's event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.wire.server.serve import EmbeddedServer

CLOSING = "gateway.closing"
"""Where an application finds, in its scope, the event that tells streams without an end that the server stops."""


@asynccontextmanager
async def serve_management(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """Serve *app* on a bound socket while the context lasts. Raises GatewayError: it cannot serve there."""
    closing = asyncio.Event()

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, CLOSING: closing}, receive, send)

    settings = uvicorn.Config(
        told, log_config=None, access_log=False, lifespan="off", server_header=False, date_header=False
    )
    server = EmbeddedServer(settings)
    task = await server.begin(listening)
    try:
        yield
    finally:
        closing.set()
        server.stop.set()
        await asyncio.wait({task})
