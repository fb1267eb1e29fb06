"""
Pages that stay up to date: a stream of events (``text/event-stream``) with the page as it is now, every other second.

The page is made as for any other request, so what it shows and who may see it is decided in one place. Nothing runs
while no page is open.

Source: HTML Living Standard §9.2, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Scope

from gateway.management.server import CLOSING

PATH = "/console/live"
EVERY_S = 2.0
LASTS_S = 600.0  # then the browser connects again, and has to show who it is
MOST = 16  # pages at a time; the next one is asked to wait
RETRY_MS = 3_000

_MADE = re.compile(rb'<p id="made".*?</p>')


@dataclass(slots=True)
class LivePages:
    """The open streams of one process."""

    open: int = 0

    async def answer(self, request: Request) -> Response:
        """The stream for the page in the query's ``page``: its path, and its own query."""
        path, _, query = request.query_params.get("page", "").partition("?")
        if not (path == "/" or path.startswith("/console/")) or path == PATH:
            return PlainTextResponse("There is no such page.\n", 404)
        if self.open >= MOST:
            return PlainTextResponse("Too many open pages.\n", 503, headers={"Retry-After": "30"})
        closing = request.scope.get(CLOSING) or asyncio.Event()
        return StreamingResponse(self._events(request, path, query, closing), media_type="text/event-stream")

    async def _events(self, request: Request, path: str, query: str, closing: asyncio.Event) -> AsyncIterator[bytes]:
        if self.open >= MOST:  # others have begun since it was answered
            return
        self.open += 1
        shown = b""
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            async for page in _pages(request, path, query, closing):
                yield b": unchanged\n\n" if _content(page) == shown else _event(page)
                shown = _content(page)
        finally:
            self.open -= 1


async def _pages(request: Request, path: str, query: str, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """The page every other second, until it is not there any more, the server stops, or it has been long enough."""
    until = time.monotonic() + LASTS_S
    while not closing.is_set() and time.monotonic() < until:
        page = await _page(request, path, query)
        if page is None:
            return
        yield page
        await _pause(closing)


async def _pause(closing: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(closing.wait(), EVERY_S)
    except TimeoutError:
        return


def _event(page: bytes) -> bytes:
    return b"data: " + json.dumps(page.decode()).encode() + b"\n\n"


def _content(page: bytes) -> bytes:
    """The page but for the line that says when it was made."""
    return _MADE.sub(b"", page)


async def _page(request: Request, path: str, query: str) -> bytes | None:
    """The page as the application answers it to the same client; None: not with 200."""
    scope: Scope = {
        **request.scope,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "path_params": {},
    }
    status, body = 0, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    try:
        await request.app.router(scope, receive, send)
    except HTTPException:  # there is no such page, or no longer
        return None
    return bytes(body) if status == 200 else None
