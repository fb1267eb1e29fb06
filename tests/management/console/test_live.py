"""Live pages: a stream with the page as it is, for as long as someone looks, and nothing of it afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.management.console import live
from gateway.management.console.live import LivePages
from gateway.management.server import CLOSING


def _request(query: str, closing: asyncio.Event, texts: list[str]) -> Request:
    """A request for the stream, in front of pages that show the *texts* one after the other, then the last again."""

    async def shown(request: Request) -> Response:
        text = texts.pop(0) if len(texts) > 1 else texts[0]
        return HTMLResponse(f'{text} {request.url.query}<p id="made">{id(request)}</p>')

    app = Starlette(
        routes=[Route("/console/apis", shown), Route("/console/none", lambda _: PlainTextResponse("", 404))]
    )
    scope = {"type": "http", "method": "GET", "path": live.PATH, "query_string": query.encode(), "headers": []}
    return Request({**scope, "app": app, CLOSING: closing})


async def _events(pages: LivePages, request: Request) -> AsyncIterator[str]:
    answer = await pages.answer(request)
    assert isinstance(answer, StreamingResponse)
    async for piece in answer.body_iterator:
        assert isinstance(piece, bytes)
        yield piece.decode()


def test_only_news_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page comes at once, again when it has changed, and not when only its age has; the server's end ends it."""
    monkeypatch.setattr(live, "EVERY_S", 0.001)

    async def run() -> tuple[list[str], int]:
        pages, closing = LivePages(), asyncio.Event()
        pieces = []
        async for piece in _events(pages, _request("page=/console/apis?a=1", closing, ["one", "one", "two"])):
            pieces.append(piece)
            if len(pieces) == 5:
                closing.set()
        return pieces, pages.open

    pieces, left = asyncio.run(run())
    kinds = [json.loads(piece[6:]).partition("<")[0] if piece.startswith("data: ") else piece for piece in pieces]
    assert kinds == ["retry: 3000\n\n", "one a=1", ": unchanged\n\n", "two a=1", ": unchanged\n\n"]
    assert left == 0


@pytest.mark.parametrize("query", ["", "page=/metrics", "page=//evil.example/", "page=/console/live"])
def test_only_pages_of_the_console(query: str) -> None:
    """Nothing but a page of the console can be followed, not even the stream itself."""
    assert asyncio.run(LivePages().answer(_request(query, asyncio.Event(), [""]))).status_code == 404


def test_a_page_that_is_gone_ends_the_stream() -> None:
    """A page that does not answer with 200 (any more) has no news: the browser asks again, and is told then."""

    async def run() -> list[str]:
        pages = ("/console/none", "/console/not-even-an-address")
        streams = [_events(LivePages(), _request(f"page={page}", asyncio.Event(), [""])) for page in pages]
        return [piece for stream in streams async for piece in stream]

    assert asyncio.run(run()) == ["retry: 3000\n\n"] * 2


def test_many_at_once() -> None:
    """Requests that come at the same time are no more than the limit, either."""

    async def run() -> int:
        pages, closing = LivePages(), asyncio.Event()
        request = _request("page=/console/apis", closing, ["one"])
        answers = [await pages.answer(request) for _ in range(live.MOST + 5)]
        streams = [aiter(answer.body_iterator) for answer in answers if isinstance(answer, StreamingResponse)]
        first = [await anext(stream, None) for stream in streams]
        return sum(piece is not None for piece in first)

    assert asyncio.run(run()) == live.MOST


def test_their_number_is_bounded() -> None:
    """More pages than the limit are refused with a time to come back."""
    answer = asyncio.run(LivePages(live.MOST).answer(_request("page=/", asyncio.Event(), [""])))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
