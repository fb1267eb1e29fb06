"""What clients do, and which of them do it: the data behind docs/clients.md."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from tests.acceptance.clients.chromium import Chromium
from tests.acceptance.clients.command_line import Curl, Nghttp, h2load
from tests.acceptance.clients.exchange import Ask, Client, Line, Seen
from tests.acceptance.clients.node_client import Node
from tests.acceptance.clients.python_client import Httpx
from tests.acceptance.clients.world import LARGE_BYTES, World

Feature: TypeAlias = Callable[[Client, Line, World], Coroutine[Any, Any, None]]

ALL = tuple(Line)
SECOND = (Line.H2C, Line.H2)


async def _call(client: Client, line: Line, world: World, ask: Ask) -> Seen:
    """The answer, which came in the version that was asked for."""
    seen = await client.call(line, world.origin(line), ask)
    assert seen.version == line.version
    return seen


def _bearer(world: World) -> dict[str, str]:
    return {"authorization": f"Bearer {world.entra.mint()}"}


async def _get(client: Client, line: Line, world: World) -> None:
    """GET with a token: the backend reads the verified caller."""
    seen = await _call(client, line, world, Ask("/guarded/a?x=1", fields=_bearer(world)))
    assert (seen.status, seen.length) == (200, 2)
    assert world.service.values("caller-objectid") == [SERVICE_PRINCIPAL]
    assert world.service.heads[-1].startswith(b"GET /a?x=1 HTTP/1.1\r\n")


async def _no_token(client: Client, line: Line, world: World) -> None:
    """GET without a token: 401 from validate-jwt, and nothing reaches the backend."""
    before = len(world.service.heads)
    seen = await _call(client, line, world, Ask("/guarded/a"))
    assert seen.status == 401
    assert len(world.service.heads) == before


async def _forged(client: Client, line: Line, world: World) -> None:
    """A forged caller header: the backend reads the verified caller only."""
    forged = {"caller-objectid": "somebody-else", "Caller_ObjectId": "somebody-else"}
    seen = await _call(client, line, world, Ask("/guarded/a", fields=_bearer(world) | forged))
    assert seen.status == 200
    assert world.service.values("caller-objectid") == [SERVICE_PRINCIPAL]


async def _post(client: Client, line: Line, world: World) -> None:
    """POST with a body, which comes back."""
    seen = await _call(client, line, world, Ask("/open/echo", "POST", body=b"content of the request"))
    assert (seen.status, seen.length) == (200, 22)
    assert seen.body in (b"content of the request", b"")


async def _download(client: Client, line: Line, world: World) -> None:
    """A download of 1 MiB in chunks."""
    seen = await _call(client, line, world, Ask("/open/large"))
    assert (seen.status, seen.length) == (200, LARGE_BYTES)


async def _upload(client: Client, line: Line, world: World) -> None:
    """An upload of 1 MiB."""
    seen = await _call(client, line, world, Ask("/open/count", "PUT", body=bytes(LARGE_BYTES)))
    assert seen.status == 200
    assert seen.body in (b"%d" % LARGE_BYTES, b"")
    assert seen.length == len(str(LARGE_BYTES))


async def _trailers(client: Client, line: Line, world: World) -> None:
    """Trailers behind an answer."""
    seen = await _call(client, line, world, Ask("/open/trailers", fields={"te": "trailers"}))
    assert (seen.status, seen.length) == (200, 3)
    assert seen.trailers.get("x-sum") == "6"


async def _head(client: Client, line: Line, world: World) -> None:
    """HEAD: the length, and no content."""
    seen = await _call(client, line, world, Ask("/open/a", "HEAD"))
    assert (seen.status, seen.length) == (200, 0)
    assert seen.fields["content-length"] == "2"


async def _not_modified(client: Client, line: Line, world: World) -> None:
    """A conditional GET: 304 without content."""
    seen = await _call(client, line, world, Ask("/open/cached", fields={"if-none-match": '"v1"'}))
    assert (seen.status, seen.length) == (304, 0)


async def _cookies(client: Client, line: Line, world: World) -> None:
    """Two cookies: the backend reads one Cookie field."""
    await _call(
        client,
        line,
        world,
        Ask("/open/a", fields={"cookie": "a=b\nc=d"} if line.version == 2 else {"cookie": "a=b; c=d"}),
    )
    [cookie] = world.service.values("cookie")
    assert sorted(cookie.split("; ")) == ["a=b", "c=d"]


async def _early(client: Client, line: Line, world: World) -> None:
    """A large upload that is refused at once: the client sees the 401."""
    seen = await _call(client, line, world, Ask("/guarded/count", "PUT", body=bytes(8 * LARGE_BYTES)))
    assert seen.status == 401


async def _websocket(client: Client, line: Line, world: World) -> None:
    """A WebSocket, which in HTTP/2 is a stream of the connection that there is."""
    assert isinstance(client, Chromium | Node)
    if isinstance(client, Node):
        assert b"an echo" in await client.speak(world.origin(line), "/sockets/a", "an echo")
        return
    await client.call(line, world.origin(line), Ask("/open/a"))
    before = world.server(line).connections
    assert await client.speak(world.origin(line), "/sockets/a", "an echo") == "an echo"
    assert line.version == 1 or world.server(line).connections == before


async def _many(client: Client, line: Line, world: World) -> None:
    """1,000 requests on one connection, in HTTP/2 on 50 streams at a time."""
    assert isinstance(client, Load)
    streams = 50 if line.version == 2 else 1
    assert await h2load(line, f"{world.origin(line)}/open/a", 1000, streams) == 1000


class Load:
    """h2load, which only counts."""

    def __init__(self, ca: object) -> None:
        """It does not verify certificates."""

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing runs."""


# What the table shows, in its order; those of gRPC are in ``grpc/features.py``.
FEATURES: dict[str, Feature] = {
    "GET with a token": _get,
    "401 without one": _no_token,
    "forged caller header removed": _forged,
    "POST with a body": _post,
    "download of 1 MiB": _download,
    "upload of 1 MiB": _upload,
    "trailers": _trailers,
    "HEAD": _head,
    "304": _not_modified,
    "cookies": _cookies,
    "early answer to an upload": _early,
    "WebSocket": _websocket,
    "1,000 requests on one connection": _many,
}


@dataclass(frozen=True)
class Kind:
    """
    One client.

    Attributes:
        package: The program's package in ``.ci/tools``; empty: a library of this environment.
        lines: Protocols that it speaks.
        lacks: Features that it does not have, with the reason.
        only: The features that it has, if it is made for these alone.
    """

    make: Callable[..., Client]
    package: str
    lines: tuple[Line, ...]
    lacks: dict[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()

    def missing(self, feature: str, line: Line) -> str:
        """Why it cannot show *feature*; empty: it can."""
        if self.only and feature not in self.only:
            return "It only counts answers"
        if not self.only and feature == "1,000 requests on one connection":
            return "h2load shows it"
        return self.lacks.get(f"{feature} in {line}") or self.lacks.get(feature, "")


_NO_SOCKETS = {"WebSocket": "The client has no WebSockets"}
KINDS = {
    "curl": Kind(Curl, "curl", ALL, {"WebSocket": "The client has no WebSockets"}),
    "httpx": Kind(
        Httpx,
        "",
        ALL,
        {
            "trailers": "The client does not show trailers",
            **{
                f"early answer to an upload in {line}": "The client reads no answer before it has sent all"
                for line in SECOND
            },
            **_NO_SOCKETS,
        },
    ),
    "Node": Kind(
        Node,
        "npm",
        ALL,
        {f"WebSocket in {line}": "The client has no WebSockets" for line in (Line.HTTP1, Line.HTTP1_TLS, Line.H2C)},
    ),
    "Chromium": Kind(
        Chromium,
        "chromium",
        (Line.HTTP1, Line.H2),
        {"trailers": "The client does not show trailers"},
    ),
    "nghttp": Kind(Nghttp, "nghttp2-client", SECOND, _NO_SOCKETS),
    "h2load": Kind(Load, "nghttp2-client", ALL, only=frozenset(["1,000 requests on one connection"])),
}


def cells() -> list[tuple[str, Line, str]]:
    """Every client, protocol and feature that go together: each is a test."""
    return [
        (name, line, feature)
        for name, kind in KINDS.items()
        for line in kind.lines
        for feature in FEATURES
        if not kind.missing(feature, line)
    ]
