"""httpx: the release that the gateway itself uses for control traffic."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx2 as httpx

from tests.acceptance.clients.exchange import Ask, Line, Seen


class Httpx:
    """httpx's asynchronous client, a connection for each request."""

    def __init__(self, ca: Path) -> None:
        self._ca = ca

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        context = ssl.create_default_context(cafile=str(self._ca)) if line.is_secure else True
        fields = [(name, value) for name, values in ask.fields.items() for value in values.split("\n")]
        first, second = line.version == 1, line.version == 2
        async with httpx.AsyncClient(verify=context, trust_env=False, timeout=20, http1=first, http2=second) as client:
            answer = await client.request(ask.method, origin + ask.path, headers=fields, content=ask.body)
        version = {"HTTP/1.1": 1, "HTTP/2": 2}[answer.http_version]
        return Seen(version, answer.status_code, answer.headers, len(answer.content), answer.content)

    async def aclose(self) -> None:
        """Nothing runs."""
