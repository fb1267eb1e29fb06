"""The client behind send-request, against real servers."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.emulators.serving import serve_here
from gateway.errors import UpstreamError
from gateway.outside.http_calls import HttpCalls
from gateway.outside.seam import Call
from gateway.wire.headers import Headers


async def _echo(request: Request) -> Response:
    body = await request.body()
    text = f"{request.method} {request.url.path} {request.headers.get('x-a')} ".encode() + body
    return Response(gzip.compress(text), 201, {"Content-Encoding": "gzip", "X-B": "2"})


async def _slow(_: Request) -> Response:
    await asyncio.sleep(5)
    return Response()


async def _elsewhere(_: Request) -> Response:
    return Response(status_code=302, headers={"Location": "/echo"})


class Site:
    """An application as ``serve_here`` wants it."""

    base_url = ""
    app = Starlette(
        routes=[
            Route("/echo", _echo, methods=["GET", "POST", "PUT"]),
            Route("/slow", _slow),
            Route("/elsewhere", _elsewhere),
        ]
    )


def call(url: str, method: str = "GET", body: bytes = b"", timeout_s: float = 2.0) -> Call:
    return Call(method, url, Headers([("X-A", "1")]), body, timeout_s)


def test_an_answer_is_decoded() -> None:
    """Status, headers and the decoded body come back; what told about the encoding does not."""

    async def scenario() -> None:
        async with serve_here(Site()) as server:
            calls = HttpCalls(10_000)
            answer = await calls.send(call(f"{server}/echo", "PUT", b"body"))
            assert (answer.status_code, answer.body.content) == (201, b"PUT /echo 1 body")
            assert answer.headers.first("X-B") == "2"
            assert "Content-Encoding" not in answer.headers
            assert (await calls.send(call(f"{server}/elsewhere"))).status_code == 302
            await calls.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "timeout_s", "max_bytes", "reason"),
    [
        ("/slow", 0.1, 100, "Timeout"),
        ("/echo", 2.0, 4, "BackendConnectionFailure"),
        (None, 2.0, 100, "BackendConnectionFailure"),
    ],
    ids=["slow", "too long", "nobody there"],
)
def test_failures_have_apims_reasons(path: str | None, timeout_s: float, max_bytes: int, reason: str) -> None:
    """Whatever goes wrong becomes an UpstreamError, never an exception of the library."""

    async def scenario() -> None:
        async with serve_here(Site()) as server:
            url = f"{server}{path}" if path else "http://127.0.0.1:1/"
            calls = HttpCalls(max_bytes)
            with pytest.raises(UpstreamError) as caught:
                await calls.send(call(url, timeout_s=timeout_s))
            assert caught.value.reason == reason
            await calls.aclose()

    asyncio.run(scenario())
