"""An application inside this process as a backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as AsgiRequest
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request
from gateway.wire.upstream.asgi_call import AsgiApp
from gateway.wire.upstream.asgi_target import AsgiTarget
from tests.wire.rig import Forwarder, ask, client, serving, settled

left: list[str] = []


async def tell(request: AsgiRequest) -> JSONResponse:
    """What the application sees of the request."""
    return JSONResponse(
        {
            "path": request.url.path,
            "query": request.url.query,
            "caller": request.scope["extensions"]["gateway.caller"],
            "length": request.headers.get("content-length"),
            "body": (await request.body()).decode(),
        }
    )


async def count(request: AsgiRequest) -> StreamingResponse:
    """A streamed answer made of a streamed request."""
    size = 0
    async for piece in request.stream():
        size += len(piece)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // 1000):
            yield b"x" * 1000

    return StreamingResponse(pieces())


async def endless(request: AsgiRequest) -> StreamingResponse:
    """An answer that ends when the client leaves."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.01)
        finally:
            left.append("answer")

    return StreamingResponse(pieces())


async def wait(request: AsgiRequest) -> JSONResponse:
    """Reads until the client leaves."""
    try:
        await request.body()
    except ClientDisconnect:
        left.append("body")
        raise
    await asyncio.sleep(60)
    return JSONResponse({})


APP = Starlette(
    routes=[
        Route("/tell/{name}", tell, methods=["POST", "GET"]),
        Route("/count", count, methods=["POST"]),
        Route("/endless", endless),
        Route("/wait", wait, methods=["POST", "GET"]),
    ]
)
TARGET = AsgiTarget(APP, "notifications")


def test_gives_the_application_request_and_caller() -> None:
    """Path, query, body and the verified caller arrive; framing headers fit the body as it is."""

    async def scenario() -> None:
        headers = Headers([("caller-objectid", "me"), ("Content-Length", "99"), ("Transfer-Encoding", "chunked")])
        response = await TARGET.send(Request("POST", "/tell/a%20b", "q=1", headers, Body(b"hi")), ForwardOptions())
        assert response.status_code == 200
        assert response.body.content == (b'{"path":"/tell/a b","query":"q=1","caller":"me","length":"2","body":"hi"}')
        anonymous = await TARGET.send(Request("GET", "/tell/x"), ForwardOptions())
        assert b'"caller":null' in anonymous.body.content

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [0, 1000, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_streams_both_ways(size: int, chunked: bool) -> None:
    """Large bodies flow in and out."""

    async def scenario() -> None:
        async with serving(Forwarder(TARGET)) as server, client(server.port) as c:
            framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
            c.send(b"POST /count HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n")
            piece = b"y" * 1000
            for _ in range(size // 1000):
                c.send(b"3e8\r\n" + piece + b"\r\n" if chunked else piece)
            if chunked:
                c.send(b"0\r\n\r\n")
            assert len((await c.reply()).body) == size

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("request_bytes", "what"),
    [
        (b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n", "answer"),
        (b"POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", "body"),
    ],
)
def test_tells_the_application_that_the_client_left(request_bytes: bytes, what: str) -> None:
    """A client that leaves ends the application's work for it."""

    async def scenario() -> None:
        left.clear()
        async with serving(Forwarder(TARGET)) as server:
            async with client(server.port) as c:
                c.send(request_bytes)
                await asyncio.sleep(0.05)
            assert await settled(lambda: what in left or what == "body")
            assert await settled(lambda: len(asyncio.all_tasks()) <= 2)

    asyncio.run(scenario())


def test_gives_up_on_a_slow_application() -> None:
    """No answer in time is a Timeout, and the application's task ends."""

    async def scenario() -> None:
        with pytest.raises(UpstreamError) as refusal:
            await TARGET.send(Request("GET", "/wait"), ForwardOptions(timeout_s=0.05))
        assert (refusal.value.reason, refusal.value.status) == ("Timeout", 504)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


async def crash(scope: object, receive: object, send: object) -> None:
    raise RuntimeError("secret")


async def silent(scope: object, receive: object, send: object) -> None:
    return None


async def half(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"half", "more_body": True})  # type: ignore[operator]
    raise RuntimeError("secret")


@pytest.mark.parametrize("app", [crash, silent])
def test_reports_an_application_that_fails(app: AsgiApp) -> None:
    """An application that answers nothing is a broken backend."""

    async def scenario() -> None:
        with pytest.raises(UpstreamError, match="application failed"):
            await AsgiTarget(app, "a").send(Request("GET", "/"), ForwardOptions())

    asyncio.run(scenario())


def test_cuts_an_answer_that_breaks_off() -> None:
    """An incomplete answer never looks complete."""

    async def scenario() -> None:
        async with serving(Forwarder(AsgiTarget(half, "a"))) as server:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await ask(server.port, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")

    asyncio.run(scenario())


def test_holds_a_fast_application_back() -> None:
    """An application that sends faster than the client reads is made to wait."""

    async def scenario() -> None:
        sent: list[int] = []

        async def flood(scope: object, receive: object, send: object) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})  # type: ignore[operator]
            for piece in range(10):
                await send({"type": "http.response.body", "body": b"x", "more_body": True})  # type: ignore[operator]
                sent.append(piece)
            await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

        response = await AsgiTarget(flood, "a").send(Request("GET", "/"), ForwardOptions())
        await asyncio.sleep(0.02)
        assert len(sent) == 1
        assert isinstance(response.body.stream, BodyStream)
        assert await response.body.stream.read(100) == b"x" * 10

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("original", "rest", "root"),
    [
        ("/batch/jobs/7", "/jobs/7", "/batch"),
        ("/jobs/7", "/jobs/7", ""),
        ("/batch/jobs", "/rewritten", ""),
        ("/", "", ""),
    ],
    ids=["below an API's path", "at the root", "rewritten", "empty"],
)
def test_tells_the_application_where_it_is_mounted(original: str, rest: str, root: str) -> None:
    """Links that the application makes from root_path lead back through the gateway."""

    async def where(request: AsgiRequest) -> JSONResponse:
        return JSONResponse([request.scope["root_path"], request.scope["path"]])

    async def scenario() -> None:
        target = AsgiTarget(Starlette(routes=[Route("/{path:path}", where)]), "app")
        request = Request("GET", original)
        request.path = rest
        answer = await target.send(request, ForwardOptions())
        await answer.body.buffer(1000)
        assert answer.body.content.decode().startswith(f'["{root}","{root}{rest or "/"}"')

    asyncio.run(scenario())
