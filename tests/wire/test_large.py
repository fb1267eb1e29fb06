"""A gigabyte up and a gigabyte down pass through with the process's memory flat."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

GIB = 1 << 30
PIECE = b"x" * (1 << 20)
MAX_GROWTH_BYTES = 64 << 20

SERVER = """
import asyncio, sys
from gateway.wire.memory import settle
from gateway.wire.messages import ForwardOptions
from gateway.wire.server.serve import start
from gateway.wire.upstream.http_target import HttpTarget

class Forward:
    target = HttpTarget("http://127.0.0.1:" + sys.argv[1])
    def handle(self, request):
        return self.target.send(request, ForwardOptions())

async def main():
    settle()
    print((await start(Forward())).port, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@contextmanager
def gateway(backend_port: int) -> Iterator[tuple[int, int]]:
    """A gateway in a process of its own: its port and its process id."""
    command = [sys.executable, "-c", SERVER, str(backend_port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


def resident_bytes(pid: int, key: str) -> int:
    """VmRSS or VmHWM (its highest value) of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(key))


async def giant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A backend that swallows what is sent and answers GET with a gigabyte."""
    head = await reader.readuntil(b"\r\n\r\n")
    left = GIB
    if head.startswith(b"GET"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
        for _ in range(GIB // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()
    else:
        while left:
            left -= len(await reader.read(1 << 20))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    await writer.drain()
    writer.close()


async def transfer(port: int, upload: bool) -> int:
    """Bytes that came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    method, size = (b"PUT", GIB) if upload else (b"GET", 0)
    writer.write(method + b" / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // len(PIECE)):
        writer.write(PIECE)
        await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    received = 0
    while piece := await reader.read(1 << 20):
        received += len(piece)
    writer.close()
    return received


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to read the memory of a process")
@pytest.mark.parametrize("upload", [False, True], ids=["down", "up"])
def test_a_gigabyte_leaves_memory_flat(upload: bool) -> None:
    """Bodies stream with back-pressure: the gateway's peak is at most 64 MiB above idle."""

    async def scenario() -> None:
        server = await asyncio.start_server(giant, "127.0.0.1", 0, limit=1 << 20)
        with gateway(server.sockets[0].getsockname()[1]) as (port, pid):
            idle = resident_bytes(pid, "VmRSS")
            assert await transfer(port, upload) == (0 if upload else GIB)
            assert resident_bytes(pid, "VmHWM") - idle < MAX_GROWTH_BYTES
        server.close()

    asyncio.run(scenario())
