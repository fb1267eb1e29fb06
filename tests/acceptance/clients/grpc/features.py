"""What clients of gRPC do, and which of them do it: more of the data behind docs/clients.md."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from tests.acceptance.clients.grpc.exchange import Call, Caller, Place, Way
from tests.acceptance.clients.grpc.grpcurl import Grpcurl
from tests.acceptance.clients.grpc.library import Asynchronous, Synchronous
from tests.acceptance.clients.grpc.web import Web
from tests.acceptance.clients.grpc.world import GUARDED, LIMITED, LISTED, SMALL, Scene
from tests.acceptance.refusals import token
from tests.wire.rig import settled

CallFeature: TypeAlias = Callable[[Caller, Scene], Coroutine[Any, Any, None]]


async def _unary(caller: Caller, scene: Scene) -> None:
    """One message and one answer."""
    ended = await caller.call(Call("UnaryUnary", (b"hello",)))
    assert (ended.code, ended.answers) == ("OK", [b"echo hello"])


async def _client_stream(caller: Caller, scene: Scene) -> None:
    """Two messages and one answer, which counts them."""
    ended = await caller.call(Call("StreamUnary", (b"a", b"b")))
    assert (ended.code, ended.answers) == ("OK", [b"2 messages, 12 bytes"])


async def _server_stream(caller: Caller, scene: Scene) -> None:
    """One message and three answers, in order."""
    ended = await caller.call(Call("UnaryStream", (b"3 hello",)))
    assert (ended.code, ended.answers) == ("OK", [b"%d echo hello" % number for number in range(3)])


async def _both(caller: Caller, scene: Scene) -> None:
    """Three messages on one stream, each sent after the answer to the one before it has arrived."""
    assert await caller.talk(b"a", b"b", b"c") == [b"echo a", b"echo b", b"echo c"]


async def _deadline(caller: Caller, scene: Scene) -> None:
    """A deadline that passes: DEADLINE_EXCEEDED; the service knew the deadline, and its work ends."""
    work = scene.service
    begun, cancelled = len(work.seen), len(work.cancelled)
    for timeout_s in (0.1, 0.5, 2.5):  # on a busy machine the shortest may pass before the call arrives
        ended = await caller.call(Call("UnaryUnary", (b"sleep:20",), timeout_s=timeout_s))
        assert ended.code == "DEADLINE_EXCEEDED", ended
        if len(work.seen) > begun:
            break
    remaining_s = work.remaining_s[-1]
    assert len(work.seen) > begun
    assert remaining_s is not None
    assert remaining_s < timeout_s * 1.1, "a client may round up"
    assert await settled(lambda: len(work.cancelled) > cancelled, 5)


async def _no_token(caller: Caller, scene: Scene) -> None:
    """A call whose token has expired: UNAUTHENTICATED, and nothing reaches the service; with a valid one it passes."""
    before = len(scene.service.seen)
    for expires, code in ((-600, "UNAUTHENTICATED"), (600, "OK")):
        bearer = (("authorization", f"Bearer {_token(expires)}"),)
        ended = await caller.call(Call("UnaryUnary", (b"x",), GUARDED, bearer))
        assert ended.code == code
        assert len(scene.service.seen) == before + (code == "OK")


def _token(expires_in_s: int) -> str:
    now = int(time.time())
    return token(exp=now + expires_in_s, nbf=now - 3600)


async def _rate(caller: Caller, scene: Scene) -> None:
    """One call more than a rate limit allows: RESOURCE_EXHAUSTED, with retry-after as metadata."""
    call = Call("UnaryUnary", (b"x",), LIMITED, (("x-key", secrets.token_hex(8)),))
    assert (await caller.call(call)).code == "OK"
    ended = await caller.call(call)
    assert ended.code == "RESOURCE_EXHAUSTED"
    assert "retry-after" in ended.initial | ended.trailing


async def _metadata(caller: Caller, scene: Scene) -> None:
    """Metadata before the messages, as text and as octets (`-bin`), in both directions."""
    sent = (("x-a", "1"), ("x-b-bin", b"\x00\xff,"))
    ended = await caller.call(Call("UnaryUnary", (b"x",), metadata=sent))
    assert ended.code == "OK"
    seen = scene.service.seen[-1]
    assert (seen["x-a"], seen["x-b-bin"]) == ("1", b"\x00\xff,")
    assert (ended.initial["x-initial"], ended.initial["x-initial-bin"]) == ("i", b"\x02\xfd")


async def _trailers(caller: Caller, scene: Scene) -> None:
    """Metadata behind the messages, of a call that succeeds and of one that fails with a status and a message."""
    ended = await caller.call(Call("UnaryUnary", (b"x",)))
    assert (ended.trailing["x-trailing"], ended.trailing["x-trailing-bin"]) == ("t", b"\x01\xfe")
    ended = await caller.call(Call("UnaryUnary", (b"abort:5:no such thing \xc3\xa4%",)))
    assert (ended.code, ended.message) == ("NOT_FOUND", "no such thing ä%")
    assert (ended.trailing["x-why"], ended.trailing["x-why-bin"]) == ("asked", b"\x00\xff")


async def _cancel(caller: Caller, scene: Scene) -> None:
    """A call that the client cancels while the service works on it: that work ends."""
    work = scene.service
    begun, cancelled = len(work.seen), len(work.cancelled)
    await caller.cancel(Call("UnaryUnary", (b"sleep:20",)), lambda: len(work.seen) > begun)
    assert await settled(lambda: len(work.cancelled) > cancelled, 5)


async def _health(caller: Caller, scene: Scene) -> None:
    """A health check (grpc.health.v1) of the service: SERVING."""
    assert await caller.health() == "SERVING"


async def _reflection(caller: Caller, scene: Scene) -> None:
    """Reflection lists the service's names."""
    assert sorted(await caller.services()) == LISTED


async def _too_large(caller: Caller, scene: Scene) -> None:
    """A message one byte over the limit, in either direction: RESOURCE_EXHAUSTED; at the limit it passes."""
    over = "RESOURCE_EXHAUSTED"
    codes = {b"x" * 98: "OK", b"x" * 99: over, b"large:197": "OK", b"large:198": over}
    calls = [caller.call(Call("UnaryUnary", (text,), SMALL)) for text in codes]
    for code, ended in zip(codes.values(), await asyncio.gather(*calls), strict=True):
        assert ended.code == code, ended
        assert code == "OK" or "bytes, and at most" in ended.message


CALL_FEATURES: dict[str, CallFeature] = {
    "unary": _unary,
    "client streaming": _client_stream,
    "server streaming": _server_stream,
    "both directions": _both,
    "a deadline that passes": _deadline,
    "refused token": _no_token,
    "rate limit": _rate,
    "metadata": _metadata,
    "trailing metadata": _trailers,
    "cancellation": _cancel,
    "health": _health,
    "reflection": _reflection,
    "message over the limit": _too_large,
}


@dataclass(frozen=True)
class CallerKind:
    """
    One client.

    Attributes:
        lines: Protocols that it speaks.
        lacks: Features that it does not have, with the reason.
    """

    make: Callable[[Place], Caller]
    lines: tuple[Way, ...] = (Way.CLEAR, Way.TLS)
    lacks: dict[str, str] = field(default_factory=dict)

    def missing(self, feature: str, line: Way) -> str:
        """Why it cannot show *feature*; empty: it can."""
        return self.lacks.get(feature, "")


_ONE_MESSAGE = "In gRPC-Web a client sends one message"
_NO_STREAMS = dict.fromkeys(("client streaming", "both directions"), _ONE_MESSAGE) | {
    "reflection": "Reflection is a stream in both directions, which gRPC-Web does not have"
}
CALLERS = {
    "grpcio": CallerKind(Synchronous),
    "grpc.aio": CallerKind(Asynchronous),
    "grpcurl": CallerKind(Grpcurl, lacks={"cancellation": "The client has no way to cancel a call"}),
    "httpx, binary, HTTP/1.1": CallerKind(
        partial(Web, kind="application/grpc-web", version="HTTP/1.1"), (Way.WEB,), _NO_STREAMS
    ),
    "httpx, text, HTTP/2": CallerKind(
        partial(Web, kind="application/grpc-web-text", version="HTTP/2"),
        (Way.WEB,),
        {**_NO_STREAMS, "cancellation": "In HTTP/2 the client does not reset a stream that it no longer reads"},
    ),
}


def call_cells() -> list[tuple[str, Way, str]]:
    """Every client, protocol and feature that go together: each is a test."""
    return [
        (name, way, feature)
        for name, kind in CALLERS.items()
        for way in kind.lines
        for feature in CALL_FEATURES
        if not kind.missing(feature, way)
    ]
