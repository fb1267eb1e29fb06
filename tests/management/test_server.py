"""The management plane's listener: what those who only connect can do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.management import server
from gateway.management.server import CLOSING, serve_management
from gateway.wire.server.serve import bind

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who the client is, once the whole body is there."""
    request = Request(scope, receive)
    await request.body()
    assert CLOSING in scope
    assert request.client is not None
    await PlainTextResponse(request.client.host)(scope, receive, send)


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends more than any buffer holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(500):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await asyncio.sleep(0)


@asynccontextmanager
async def served(
    app: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> AsyncIterator[Callable[[], Awaitable[Stream]]]:
    """Gives what connects to it."""
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    async with serve_management(app, listening):
        yield lambda: asyncio.open_connection("127.0.0.1", port)


async def _said(stream: Stream, sent: bytes) -> bytes:
    """What the server answers to *sent* before it closes."""
    reader, writer = stream
    writer.write(sent)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("trusted", ["127.0.0.1", "*"])
def test_no_field_says_who_the_client_is(monkeypatch: pytest.MonkeyPatch, trusted: str) -> None:
    """`X-Forwarded-For` changes nothing, whatever an environment for other servers says: wrong tokens are counted,
    and proxies believed, by the address that has connected."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)

    async def run() -> bytes:
        async with served(application) as connect:
            return await _said(await connect(), GET + b"X-Forwarded-For: 10.9.9.9\r\nConnection: close\r\n\r\n")

    assert asyncio.run(run()).endswith(b"\r\n127.0.0.1")


@pytest.mark.parametrize("sent", [b"", GET, POST], ids=["nothing", "half-a-head", "half-a-body"])
def test_a_request_that_does_not_arrive(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """A connection on which no whole request arrives is closed, without a word in the log."""
    monkeypatch.setattr(server, "REQUEST_S", 0.02)

    async def run() -> bytes:
        async with served(application) as connect:
            return await _said(await connect(), sent)

    assert (asyncio.run(run()), caplog.records) == (b"", [])


def test_stopping_waits_for_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """Half a request does not keep the gateway from stopping, and is no error in the log."""

    async def run() -> bytes:
        async with served(application) as connect:
            reader, writer = await connect()
            writer.write(POST)
            await asyncio.sleep(0.02)
        return await _said((reader, writer), b"")

    assert (asyncio.run(run()), caplog.records) == (b"", [])


def test_an_answer_that_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads nothing keeps neither its answer in memory for long, nor the server from stopping."""
    monkeypatch.setattr(server, "READING_S", 0.02)

    async def run() -> bool:
        async with served(endless) as connect:
            reader, writer = await connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(GET + b"\r\n")
            await asyncio.sleep(0.1)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(50_000_000)
            writer.transport.abort()
            return True

    assert asyncio.run(run())


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One client has a bounded number of them, and all clients together, so that a stranger leaves some to others."""
    for name in ("MOST_OF_ONE_CLIENT", "MOST_CONNECTIONS"):
        monkeypatch.setattr(server, name, 3)

        async def run() -> list[bytes]:
            async with served(application) as connect:
                streams = [await connect() for _ in range(5)]
                asked = GET + b"Connection: close\r\n\r\n"
                return [(await _said(stream, asked))[-9:] for stream in reversed(streams)]

        assert asyncio.run(run()) == [b"", b"", *[b"127.0.0.1"] * 3]
        monkeypatch.undo()
