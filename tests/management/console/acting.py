"""A gateway whose console may act, and a client that logs in to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from tests.acceptance.rig import Product
from tests.management.console.rig import CONFIG, hostile_product

TOKEN = "0123456789abcdef-console"
ACTING = f"console: {{{{actions: true, token: {TOKEN}, login-header: X-User}}}}\n{CONFIG}"
NO_ACTIONS = f"console: {{{{token: {TOKEN}}}}}\n{CONFIG}"


class Visitor:
    """A browser as far as cookies and forms go; *running* is called over ASGI, from 127.0.0.1."""

    def __init__(self, running: Product, origin: str = "http://localhost:8081") -> None:
        transport = httpx2.ASGITransport(running.gateway.management)
        self.client = httpx2.AsyncClient(transport=transport, base_url=origin)
        self.csrf = ""

    async def get(self, path: str, **fields: str) -> httpx2.Response:
        """A page; notes the secret of its forms."""
        answer = await self.client.get(path, headers={"accept": "text/html", **fields})
        secret = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.csrf = secret[1] if secret else self.csrf
        return answer

    async def post(self, path: str, values: dict[str, str], **fields: str) -> httpx2.Response:
        """A form, with its secret unless *values* has another."""
        return await self.client.post(path, data={"csrf": self.csrf, **values}, headers=fields)

    async def login(self, token: str = TOKEN) -> httpx2.Response:
        """Log in; the cookie is kept."""
        answer = await self.post("/console/login", {"token": token, "next": "/console/dependencies"})
        await self.get("/console/dependencies")
        return answer


def visit(directory: Path, look_around: Callable[[Visitor, Product], Awaitable[None]], config: str = ACTING) -> None:
    """A visitor in front of a running gateway."""

    async def run() -> None:
        async with hostile_product(directory, config) as running:
            await look_around(Visitor(running), running)

    asyncio.run(run())
