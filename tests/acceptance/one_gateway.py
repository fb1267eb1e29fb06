"""A gateway of one configuration, in this process, and a client of its listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.wire.server.serve import start


@asynccontextmanager
async def one_gateway(
    config: str, folder: Path, timeout_s: float = 10
) -> AsyncIterator[tuple[Gateway, httpx2.AsyncClient]]:
    """*config* has its files in *folder*."""
    async with AsyncExitStack() as running:
        gateway = build(parse(config, "config.yaml", folder, {}))
        await gateway.start()
        running.push_async_callback(gateway.aclose)
        server = await start(gateway.dispatcher)
        running.push_async_callback(server.aclose)
        client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=timeout_s)
        yield gateway, await running.enter_async_context(client)
