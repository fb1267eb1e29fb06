"""Node's own http, https and http2 modules, in one process for all requests."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from pathlib import Path
from typing import Any

from tests import tools
from tests.acceptance.clients.exchange import Ask, Line, Seen

SCRIPT = Path(__file__).with_name("node_client.mjs")


class Node:
    """Node."""

    def __init__(self, ca: Path) -> None:
        self._program, self._ca = tools.need("npm").replace("npm", "node"), ca
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count()

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        return _seen(await self._exchange(line, origin, ask))

    async def speak(self, origin: str, path: str, text: str) -> bytes:
        """Open a WebSocket within a connection of HTTP/2, and send *text*; what came back, in frames."""
        answer = await self._exchange(
            Line.H2, origin, Ask(path, "CONNECT", {"sec-websocket-version": "13"}), protocol="websocket", text=text
        )
        return base64.b64decode(answer["body"])

    async def _exchange(self, line: Line, origin: str, ask: Ask, **more: str) -> dict[str, Any]:
        process = await self._running()
        fields = {name: (values.split("\n") if "\n" in values else values) for name, values in ask.fields.items()}
        body = None if ask.body is None else base64.b64encode(ask.body).decode()
        job = {"id": next(self._numbers), "origin": origin, "path": ask.path, "method": ask.method, "fields": fields}
        process.stdin.write(json.dumps({**job, "body": body, "version": line.version, **more}).encode() + b"\n")  # type: ignore[union-attr]
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))  # type: ignore[union-attr]
        assert "error" not in answer, answer["error"]
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            pipe = asyncio.subprocess.PIPE
            command = [self._program, str(SCRIPT), str(self._ca)]
            self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=1 << 24)
        return self._process

    async def aclose(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()


def _seen(answer: dict[str, Any]) -> Seen:
    fields = {name: str(value) for name, value in answer["fields"].items()}
    body = base64.b64decode(answer["body"])
    return Seen(answer["version"], answer["status"], fields, answer["length"], body, answer["trailers"])
