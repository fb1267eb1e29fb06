"""The management plane's listener: a plain uvicorn server within the gateway's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette

from gateway.wire.serve import bind


class _QuietServer(uvicorn.Server):
    """Leaves signals to the gateway."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve_management(app: Starlette, address: tuple[str, int]) -> AsyncIterator[int]:
    """Serve *app* while the context lasts; yields the port. Raises OSError when the address cannot be had."""
    listening = bind(*address)
    settings = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = _QuietServer(settings)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait({task})
        listening.close()
