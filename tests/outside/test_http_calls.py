"""The client behind send-request, against real servers."""

from __future__ import annotations

import ast
import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.emulators.serving import serve_here
from gateway.errors import UpstreamError
from gateway.outside.http_calls import HttpCalls, _fields
from gateway.outside.seam import Call
from gateway.wire.headers import Headers
from tests.sources import nodes


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
    """Status, headers and the decoded body are returned, without the headers about the encoding."""

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


def test_the_trace_of_a_policy_is_left_alone() -> None:
    """A call has the fields of its trace, unless a policy has set its own."""
    trace, plain = {"traceparent": "00-1", "tracestate": "a=1"}, call("http://a.test/")
    plain.headers.append("X-B", "2")
    own = replace(plain, headers=Headers([("TraceParent", "00-2")]))
    assert _fields(plain, trace)[2:] == [(b"traceparent", b"00-1"), (b"tracestate", b"a=1")]
    assert _fields(own, trace) == [(b"TraceParent", b"00-2")]


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


class Door(asyncio.Protocol):
    """A server that offers a cookie, and logs whole connections in; it keeps the requests of each connection."""

    connections: ClassVar[list[list[bytes]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.requests: list[bytes] = []
        self.connections.append(self.requests)

    def data_received(self, data: bytes) -> None:
        self.requests.append(data)
        self.transport.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=alice; Path=/\r\nContent-Length: 0\r\n\r\n")


async def _visit(*authorizations: str) -> list[list[bytes]]:
    """What a server sees of calls with *authorizations*, by connection."""
    Door.connections.clear()
    server = await asyncio.get_running_loop().create_server(Door, "127.0.0.1", 0)
    calls = HttpCalls(10_000)
    for authorization in authorizations:
        fields = [("Authorization", authorization)] if authorization else []
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answer = await calls.send(Call("GET", url, Headers(fields), b"", 2.0))
        assert answer.headers.first("Set-Cookie") == "session=alice; Path=/"
    await calls.aclose()
    server.close()
    return [list(requests) for requests in Door.connections]


def test_no_cookie_lives_on() -> None:
    """A cookie that a server sets in one caller's call is not sent with the next call; only the answer shows it."""
    (requests,) = asyncio.run(_visit("", ""))
    assert len(requests) == 2
    assert b"cookie" not in requests[1].lower()


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate", "negotiate"])
def test_a_connection_that_was_logged_in_is_not_used_again(scheme: str) -> None:
    """If a connection is authenticated as such, the next call uses another one."""
    assert [len(requests) for requests in asyncio.run(_visit(f"{scheme} YWxpY2U=", "", ""))] == [1, 2]


def _constructions(module: Path) -> Iterator[ast.Call]:
    """The HTTP clients that *module* makes to outlive a call."""
    tree = nodes(module)
    brief = {id(item.context_expr) for node in tree if isinstance(node, ast.AsyncWith) for item in node.items}
    for node in tree:
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AsyncClient" and id(node) not in brief:
            yield node


@pytest.mark.usefixtures("parsed_once")
def test_every_lasting_client_is_isolated() -> None:
    """Each HTTP client that outlives a call takes no cookies and follows no redirects, wherever it is made."""
    package = Path(__file__).parents[2] / "gateway"
    made = {f"{module.name}:{call.lineno}": call for module in package.rglob("*.py") for call in _constructions(module)}
    loose = {
        place
        for place, call in made.items()
        if {"cookies=no_cookies()", "follow_redirects=False"} - {ast.unparse(keyword) for keyword in call.keywords}
    }
    assert len(made) >= 5
    assert not loose
