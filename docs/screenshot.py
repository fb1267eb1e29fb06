"""
Takes the picture in ``console.md`` again: ``python -m docs.screenshot``. Needs Chromium.

Runs the demo with two and a half minutes of made-up traffic: calls that work, calls without a token or with a broken
one, and calls to no API.
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import uvloop

from gateway.commands.demo import running as demo
from gateway.serving.process import Sockets, serving_gateway
from gateway.telemetry import logs

PICTURE = Path(__file__).parent / "images" / "console.png"
SIZE = "1000,880"
PORT = 23_180
SECONDS = 150.0


async def take() -> None:
    """Start the demo, call it, and take the picture."""
    async with running() as facts:
        origin = f"http://127.0.0.1:{facts['port']}"
        async with httpx2.AsyncClient(base_url=origin) as client:
            await _traffic(client, await _token(facts))
        await _photograph(f"http://127.0.0.1:{facts['management_port']}/")


@asynccontextmanager
async def running() -> AsyncIterator[dict[str, str]]:
    """The demo, and the addresses of its parts."""
    async with AsyncExitStack() as stack:
        gateway, facts = await demo.start(PORT, stack)
        await stack.enter_async_context(serving_gateway(gateway, Sockets.bound(gateway.config)))
        yield facts


async def _token(facts: dict[str, str]) -> str:
    form = {"grant_type": "client_credentials", "client_id": facts["client"], "client_secret": facts["secret"]}
    async with httpx2.AsyncClient() as client:
        url = f"{facts['entra']}/{facts['tenant']}/oauth2/v2.0/token"
        answer = await client.post(url, data={**form, "scope": "api://batch/.default"})
    return str(answer.json()["access_token"])


async def _traffic(client: httpx2.AsyncClient, token: str) -> None:
    """Traffic that rises and falls, so that there are curves to see."""
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < SECONDS:
        good = {"Authorization": f"Bearer {token}"}
        for _ in range(round(12 + 9 * math.sin(elapsed / 14))):
            await client.get("/echo/hello", headers=good)
        await client.get("/echo/open")
        await client.get("/echo/hello", headers={"Authorization": f"Bearer {token[:-9]}AAAAAAAAA"})
        if elapsed % 3 < 1:
            await client.get("/echo/hello")
            await client.get("/nowhere")
        await asyncio.sleep(0.5)


async def _photograph(url: str) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE}"]
    process = await asyncio.create_subprocess_exec("chromium", *options, f"--screenshot={PICTURE}", url)
    if await process.wait():
        raise SystemExit("chromium failed")


if __name__ == "__main__":
    logs.configure("error", "console")
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        uvloop.run(take())
