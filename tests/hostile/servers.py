"""The gateway, nginx and HAProxy, each in front of the same backend, and what they make of raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.serve import start
from tests import tools
from tests.hostile.probes import CLOSE, PASS, REFUSE, Probe
from tests.nginx import free_port, listening, nginx, running
from tests.wire.rig import OK, answer, backend

SILENCE_S = 2.0
HAPROXY = """
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend api
    bind 127.0.0.1:{port}
    default_backend service
backend service
    server one 127.0.0.1:{backend}
"""


@asynccontextmanager
async def gateway(backend_port: int) -> AsyncIterator[int]:
    """The gateway's port."""
    config = f'apis: [{{id: all, path: "", service-url: "http://127.0.0.1:{backend_port}"}}]'
    built = build(parse(config, "config.yaml", Path(), {}))
    await built.start()
    server = await start(built.dispatcher, settings=built.config.server_settings())
    try:
        yield server.port
    finally:
        await server.aclose()
        await built.aclose()


@asynccontextmanager
async def haproxy(folder: Path, port: int, backend_port: int) -> AsyncIterator[None]:
    """HAProxy on *port*."""
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, backend=backend_port))
    async with running([tools.need("haproxy"), "-f", str(folder / "haproxy.cfg")], folder):
        await listening(port)
        yield


async def outcome(port: int, probe: Probe) -> tuple[str, str]:
    """What becomes of *probe*: ``passes``, ``refused`` or ``closed``, and the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(probe.sent)
    try:
        line = await asyncio.wait_for(reader.readline(), SILENCE_S)
    except (TimeoutError, OSError):
        line = b""
    finally:
        writer.close()
    status = line.split(b" ")[1].decode() if line.startswith(b"HTTP/1.") else ""
    if not status:
        return CLOSE, "closed"
    return (PASS if status.startswith("2") else REFUSE), status


@asynccontextmanager
async def everyone(folder: Path, names: Sequence[str]) -> AsyncIterator[dict[str, int]]:
    """Ports by name: ``gateway``, ``nginx``, ``haproxy``."""
    async with AsyncExitStack() as stack:
        behind = await stack.enter_async_context(backend(answer(OK)))
        ports = {"gateway": await stack.enter_async_context(gateway(behind.port))}
        if "nginx" in names:
            ports["nginx"] = free_port()
            server = f"listen 127.0.0.1:{ports['nginx']}; location / {{ proxy_pass http://127.0.0.1:{behind.port}; }}"
            await stack.enter_async_context(nginx(folder, ports["nginx"], server))
        if "haproxy" in names:
            ports["haproxy"] = free_port()
            await stack.enter_async_context(haproxy(folder, ports["haproxy"], behind.port))
        yield ports
