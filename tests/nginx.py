"""A real nginx, for tests that want a peer which nobody here has written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests import tools


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def nginx(folder: Path, port: int, server: str = "") -> AsyncIterator[None]:
    """nginx with one *server* block, which listens on *port*; without one it serves the files in *folder*."""
    server = server or f"listen 127.0.0.1:{port}; root {folder};"
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; master_process off; pid {folder}/pid; error_log stderr crit; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/up; server {{ {server} }} }}\n"
    )
    async with running([tools.need("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)], folder):
        await listening(port)
        yield


@asynccontextmanager
async def running(command: list[str], folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that is ended when the context is."""
    quiet, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=quiet, stderr=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def listening(port: int) -> None:
    """Wait until somebody listens on *port*."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError(f"nobody listens on {port}")
