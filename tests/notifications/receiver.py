"""A receiver of callbacks for tests: it records, and answers as scripted per path. Usable from any thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Script = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Received:
    """One callback."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    at: float = field(default_factory=time.time)


class Receiver:
    """Answers 200 unless a path has a script: a list of answers, the last of which repeats."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.base_url = ""
        self._delay_s = delay_s
        self.app = Starlette(routes=[Route("/{path:path}", self._receive, methods=["POST", "GET", "OPTIONS"])])
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._scripts: dict[str, list[Script]] = {}

    def url(self, path: str) -> str:
        """A callback URL, with a secret in it."""
        return f"{self.base_url}{path}?sig=bearer-secret"

    def script(self, path: str, *answers: Script) -> None:
        """Answer calls of *path* with these, in turn."""
        with self._lock:
            self._scripts[path] = list(answers)

    def received(self, path: str | None = None) -> list[Received]:
        """The callbacks so far."""
        with self._lock:
            return [item for item in self._received if path in (None, item.path)]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._received.clear()
            self._scripts.clear()

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        with self._lock:
            self._received.append(Received(request.url.path, dict(request.headers), body, request.method))
            script = self._scripts.get(request.url.path)
            step = None if not script else script[0] if len(script) == 1 else script.pop(0)
        await asyncio.sleep(self._delay_s)
        return Response(status_code=200) if step is None else await step(request)


def answer(status: int, body: bytes = b"", **headers: str) -> Script:
    """A plain answer; ``retry_after="5"`` becomes ``retry-after: 5``."""

    async def reply(_request: Request) -> Response:
        return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()})

    return reply


def slow(delay_s: float, status: int = 200) -> Script:
    """An answer that takes its time."""

    async def reply(_request: Request) -> Response:
        await asyncio.sleep(delay_s)
        return Response(status_code=status)

    return reply


def drop() -> Script:
    """No answer: the connection is cut."""

    async def reply(request: Request) -> Response:
        request.scope["extensions"]["emulator.drop"]["abort"]()
        return Response()

    return reply


class Trickle(Response):
    """An answer whose body never ends."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send a header and a byte now and then."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.1)


def trickle(status: int) -> Script:
    """Headers at once, a body without end."""

    async def reply(_request: Request) -> Response:
        return Trickle(status_code=status)

    return reply
