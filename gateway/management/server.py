"""The management plane's listener: a plain uvicorn server within the gateway's event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette


class _QuietServer(uvicorn.Server):
    """Leaves signals to the gateway."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve_management(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    """Serve *app* on a bound socket while the context lasts."""
    settings = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = _QuietServer(settings)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({task})
