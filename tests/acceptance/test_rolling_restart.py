"""Two gateways behind HAProxy are restarted one after the other, under load, and nobody notices."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests import tools
from tests.wire.rig import answer, backend

CLIENTS = 12
POST = b"POST /a/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
FROM_BACKEND = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"

GATEWAY = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
timeouts: {{drain-delay: 2s}}
apis: [{{id: a, path: a, service-url: "http://127.0.0.1:{backend}"}}]
"""

# No retries: a request that a gateway loses is a request that its client loses.
HAPROXY = """
defaults
    mode http
    retries 0
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend public
    bind 127.0.0.1:{public}
    default_backend gateways
backend gateways
    http-reuse always
    option httpchk GET /readyz
    default-server check inter 300ms fall 2 rise 2
    server one 127.0.0.1:{one} port {manage_one}
    server two 127.0.0.1:{two} port {manage_two}
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass
class GatewayProcess:
    """One ``gateway serve`` that can be stopped and started again on its ports."""

    config: Path
    management: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and return when it is ready."""
        command = (sys.executable, "-m", "gateway", "serve", "-c", str(self.config))
        self.process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        while await self.readiness() != 200:
            await asyncio.sleep(0.1)

    async def readiness(self) -> int | None:
        """What ``/readyz`` answers; None when there is no answer."""
        try:
            async with httpx2.AsyncClient() as client:
                return (await client.get(f"http://127.0.0.1:{self.management}/readyz")).status_code
        except httpx2.HTTPError:
            return None

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert await self.readiness() == 503  # told to stop, and still there
        return await self.process.wait()


@asynccontextmanager
async def behind_haproxy(directory: Path, upstream: int) -> AsyncIterator[tuple[int, list[GatewayProcess]]]:
    """HAProxy's port, and the two gateways behind it."""
    public, one, manage_one, two, manage_two = free_ports(5)
    gateways = []
    for data, management in ((one, manage_one), (two, manage_two)):
        config = directory / f"{data}.yaml"
        config.write_text(GATEWAY.format(data=data, management=management, backend=upstream))
        gateways.append(GatewayProcess(config, management))
    settings = directory / "haproxy.cfg"
    ports = {"public": public, "one": one, "manage_one": manage_one, "two": two, "manage_two": manage_two}
    settings.write_text(HAPROXY.format(**ports))
    await asyncio.gather(*(each.start() for each in gateways))
    haproxy = await asyncio.create_subprocess_exec(tools.need("haproxy"), "-db", "-f", str(settings))
    try:
        await asyncio.sleep(1)
        yield public, gateways
    finally:
        for process in (haproxy, *(each.process for each in gateways)):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()


async def keep_asking(port: int, tally: Counter[str], over: asyncio.Event) -> None:
    """POST on one connection after another; count each answer and each failure."""
    while not over.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for _ in range(50):
                writer.write(POST)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(4) if b" 200 " in head else b""
                tally["answered" if body == b"done" else head.decode()] += 1
                await asyncio.sleep(0.01)
        except (OSError, asyncio.IncompleteReadError) as error:
            tally[repr(error)] += 1
        finally:
            writer.close()


@pytest.mark.slow
@pytest.mark.needs("haproxy")
def test_a_rolling_restart_loses_no_request(tmp_path: Path) -> None:
    """Each gateway is stopped and started while the other serves; even POSTs, which must not be sent twice, succeed."""

    async def scenario() -> None:
        tally: Counter[str] = Counter()
        over = asyncio.Event()
        async with (
            backend(answer(FROM_BACKEND)) as upstream,
            behind_haproxy(tmp_path, upstream.port) as (port, gateways),
        ):
            asking = [asyncio.create_task(keep_asking(port, tally, over)) for _ in range(CLIENTS)]
            for each in gateways:
                assert await each.stop() == 0
                await each.start()
                await asyncio.sleep(1)
            over.set()
            await asyncio.gather(*asking)
        assert list(tally) == ["answered"], tally
        assert tally["answered"] > 100 * CLIENTS

    asyncio.run(scenario())
