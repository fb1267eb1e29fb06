"""Serving: an application is reachable at the URL it was told, over HTTP and TLS, from a thread and from a loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.emulators.certificates import throw_away
from gateway.emulators.faults import Dropped
from gateway.emulators.serving import Binding, serve, serve_here


async def _hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def _cut(_request: Request) -> Response:
    return Dropped()


class Echo:
    """A minimal emulator, with the members that ``serve`` needs."""

    def __init__(self) -> None:
        self.base_url = ""
        self.app: Any = Starlette(routes=[Route("/", _hello), Route("/cut", _cut)])


def test_serve_application() -> None:
    """A plain ASGI application is served, and gone afterwards."""
    with serve(Echo().app) as base_url:
        assert httpx2.get(base_url).text == "hello"
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(base_url)


def test_serve_emulator() -> None:
    """An emulator learns its URL before the first request."""
    echo = Echo()
    with serve(echo) as base_url:
        assert echo.base_url == base_url


def test_serve_tls(tmp_path: Path) -> None:
    """A throw-away certificate is accepted by a client that trusts its authority, by address and by name."""
    tls = throw_away(tmp_path)
    trust = ssl.create_default_context(cafile=tls.ca_file)
    with serve(Echo(), Binding(tls=tls.context)) as base_url, httpx2.Client(verify=trust) as client:
        assert base_url.startswith("https://127.0.0.1:")
        assert client.get(base_url).text == "hello"
        assert client.get(base_url.replace("127.0.0.1", "localhost")).text == "hello"


def test_serve_ipv6() -> None:
    """An IPv6 address is written in brackets."""
    with serve(Echo(), Binding("::1")) as base_url:
        assert base_url.startswith("http://[::1]:")
        assert httpx2.get(base_url).text == "hello"


def test_port_in_use() -> None:
    """A port in use is an immediate error, not a server that cannot be reached."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"), serve(Echo(), Binding(port=taken.getsockname()[1])):
            pass


def test_serve_here() -> None:
    """Inside a running loop the server shares the loop."""

    async def main() -> str:
        async with serve_here(Echo()) as base_url, httpx2.AsyncClient() as client:
            return (await client.get(base_url)).text

    assert asyncio.run(main()) == "hello"


async def _refuse_start(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no"})


def test_start_failure() -> None:
    """An application that refuses to start is reported, not waited for."""
    with pytest.raises(TimeoutError, match="did not start"), serve(_refuse_start):
        pass


def test_start_failure_here() -> None:
    """The same inside a loop."""

    async def main() -> None:
        async with serve_here(_refuse_start):
            pass

    with pytest.raises(TimeoutError, match="did not start"):
        asyncio.run(main())


def test_drop() -> None:
    """A dropped request ends the connection without an answer."""
    with serve(Echo()) as base_url, pytest.raises(httpx2.TransportError):
        httpx2.get(f"{base_url}/cut")


def test_drop_in_process() -> None:
    """Where there is no connection to cut, the application raises instead."""

    async def main() -> None:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(Echo().app)) as client:
            await client.get("http://in-process/cut")

    with pytest.raises(ConnectionAbortedError):
        asyncio.run(main())
