"""What a client sends over HTTP/2 holds up no other one, and has an end: a number for each kind of flood."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
import uvloop
from hpack import Encoder

from gateway.reading.values import LOOPBACK_NETWORKS
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending
from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.calm import MAX_CONTINUATIONS, MAX_NOISE, MAX_RESETS
from gateway.wire.server.http2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    SETTINGS,
    WINDOW_UPDATE,
    ErrorCode,
    Setting,
    frame,
)
from gateway.wire.settings import Http2Settings, ServerSettings
from tests.hostile.wire.test_fair_loop import LONGEST_S
from tests.hostile.wire.turns import watched_turns
from tests.speed import on_this_machine
from tests.wire.rig import Answerer, listener_of, serving, settled

CLEAR = ServerSettings(http2=Http2Settings(clear_text=True))
HEAD = Encoder().encode([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")])
COUNT = 20_000


def head(stream: int, flags: int = END_HEADERS | END_STREAM, block: bytes = HEAD) -> bytes:
    """A request's head, whose block is the same whatever came before."""
    return frame(HEADERS, flags, stream, block)


def streams() -> Iterator[int]:
    """The numbers of streams, in order."""
    return itertools.count(1, 2)


def entries(block: bytes) -> bytes:
    """A head in as many frames as its block takes."""
    return frames.field_block(block, END_STREAM, 1)


FLOODS: dict[str, tuple[Callable[[], Iterator[bytes]], int]] = {
    "rapid reset": (lambda: (head(n) + frames.reset(n, ErrorCode.CANCEL) for n in streams()), MAX_RESETS),
    "MadeYouReset": (lambda: (head(n) + frame(WINDOW_UPDATE, 0, n, bytes(4)) for n in streams()), MAX_RESETS),
    "streams that end too soon": (
        lambda: (head(n, END_HEADERS) + frames.reset(n, ErrorCode.CANCEL) for n in streams()),
        MAX_RESETS,
    ),
    "malformed heads": (lambda: (head(n, block=b"\x82\x82") for n in streams()), MAX_RESETS),
    "too many streams": (lambda: (head(n, END_HEADERS) for n in streams()), MAX_RESETS + 100),
    "PING": (lambda: itertools.repeat(frame(PING, 0, 0, bytes(8))), MAX_NOISE),
    "SETTINGS": (lambda: itertools.repeat(frame(SETTINGS, 0, 0)), MAX_NOISE),
    "PRIORITY": (lambda: itertools.repeat(frame(PRIORITY, 0, 1, bytes(5))), MAX_NOISE),
    "WINDOW_UPDATE": (lambda: itertools.repeat(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")), MAX_NOISE),
    "unknown frames": (lambda: itertools.repeat(frame(0xEE, 0, 0)), MAX_NOISE),
    "empty DATA": (
        lambda: itertools.chain([head(1, END_HEADERS)], itertools.repeat(frame(DATA, 0, 1))),
        MAX_NOISE,
    ),
    "CONTINUATION": (
        lambda: itertools.chain([head(1, 0, b"")], itertools.repeat(frame(CONTINUATION, 0, 1))),
        MAX_CONTINUATIONS,
    ),
    "large CONTINUATION": (
        lambda: itertools.chain([head(1, 0, b"")], itertools.repeat(frame(CONTINUATION, 0, 1, bytes(16_000)))),
        5,
    ),
}
BOMBS = {
    "indexed fields": entries(b"\x84" * 60_000),
    "empty fields": entries(b"\x00\x00\x00" * 20_000),
    "empty fields for the table": entries(b"\x40\x00\x00" * 20_000),
    "a large field, repeated": entries(b"\x40\x01a\x7f\x81\x1e" + b"v" * 4000 + b"\xbe" * 50_000),
    "resizings of the table": entries(b"\x20" * 60_000),
    "a long Huffman code": entries(b"\x00\x01x\xff\xe1\xd2\x03" + b"\0" * 60_000),
    "settings": frames.settings({}) + frame(SETTINGS, 0, 0, b"\0\4\0\0\0\1" * 2700),
}


def quiet(request: Request) -> Response:
    """An answer, once its body has begun to come."""
    return Response(200, Headers(), Body(b"ok"))


def waiting(request: Request) -> Pending[Response]:
    """No answer."""
    return Pending()


async def _flood(port: int, sent: Iterator[bytes], patience_s: float = 5.0) -> bytes:
    """Send until the connection is closed, and wait for that; what has come meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = bytearray()
    received = asyncio.create_task(_received(reader, data))
    writer.write(PREFACE + frame(SETTINGS, 0, 0))
    try:
        await _send(writer, sent, received)
        await asyncio.wait([received], timeout=patience_s)
    finally:
        received.cancel()
        writer.transport.abort()
        await asyncio.sleep(0)
    return bytes(data)


async def _send(writer: asyncio.StreamWriter, sent: Iterator[bytes], received: asyncio.Task[None]) -> None:
    with suppress(ConnectionError):
        for _ in range(COUNT // 100):
            writer.write(b"".join(itertools.islice(sent, 100)))
            await writer.drain()
            if received.done():
                break


async def _received(reader: asyncio.StreamReader, data: bytearray) -> None:
    """Add what comes to *data*, until the connection is closed."""
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            data += piece


def _goaway(data: bytes) -> tuple[int, int]:
    """How many frames came, and the code with which the connection ended."""
    at = count = 0
    while at + 9 <= len(data):
        length, kind, _, _ = frames.head_of(data, at)
        count += 1
        if kind == GOAWAY:
            return count, int.from_bytes(data[at + 13 : at + 17])
        at += 9 + length
    return count, -1


@pytest.mark.parametrize("kind", FLOODS)
def test_floods_end(kind: str) -> None:
    """Whoever sends what carries nothing, without end, is told to calm down, and no turn is long meanwhile."""

    async def scenario() -> None:
        make, bound = FLOODS[kind]
        async with serving(Answerer(waiting), CLEAR) as server, watched_turns() as turns:
            data = await _flood(server.port, make())
            turns.stop()
            count, code = _goaway(data)
            assert code == ErrorCode.ENHANCE_YOUR_CALM
            assert count <= bound + 150
            assert turns.longest_s < on_this_machine(LONGEST_S)
            await settled(lambda: server.connections == 0)

    uvloop.run(scenario())


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_small(kind: str) -> None:
    """What takes long to decode is bounded, and so is what one turn of the loop decodes."""

    async def scenario() -> None:
        async with serving(Answerer(quiet), CLEAR) as server, watched_turns() as turns:
            await _flood(server.port, itertools.repeat(BOMBS[kind], 1), 0.3)
            turns.stop()
            assert turns.longest_s < on_this_machine(LONGEST_S)

    uvloop.run(scenario())


def test_heads_of_many_fields_are_decoded_over_several_turns() -> None:
    """As many fields as are let through, in stream after stream: no turn is long."""

    async def scenario() -> None:
        block = HEAD + b"\x00\x01x\x00" * 90
        async with serving(Answerer(quiet), CLEAR) as server, watched_turns() as turns:
            flooding = asyncio.create_task(_flood(server.port, (head(n, block=block) for n in streams())))
            await settled(lambda: server.server.server_state.total_requests > 500)
            turns.stop()
            assert turns.longest_s < on_this_machine(LONGEST_S)
            flooding.cancel()
            await asyncio.wait([flooding])

    uvloop.run(scenario())


def test_tiny_windows_are_no_progress_of_others() -> None:
    """A client that opens windows by single bytes is answered byte by byte, and everybody else as before."""

    async def scenario() -> None:
        content = Body(bytes(100_000))
        async with serving(Answerer(lambda _: Response(200, Headers(), content)), CLEAR) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            data = bytearray()
            received = asyncio.create_task(_received(reader, data))
            writer.write(PREFACE + frames.settings({Setting.INITIAL_WINDOW_SIZE: 0}))
            writer.write(b"".join(head(n) for n in itertools.islice(streams(), 50)))
            async with watched_turns() as turns:
                for _ in range(20):
                    updates = [frames.window_update(n, 1) for n in itertools.islice(streams(), 50)]
                    writer.write(b"".join(updates))
                    await asyncio.sleep(0.002)
                turns.stop()
            assert turns.longest_s < on_this_machine(LONGEST_S)
            assert data.count(b"\0\0\1\0\0\0\0\0") >= 500
            received.cancel()
            writer.transport.abort()
            await asyncio.sleep(0)

    uvloop.run(scenario())


def test_who_comes_again_has_no_more_resets_than_before() -> None:
    """A client that is thrown out for its resets and connects again has none left: the budget is its address's."""

    async def scenario() -> None:
        application = Answerer(waiting)
        async with serving(application, CLEAR) as server:
            for attempt in range(5):
                make, _ = FLOODS["streams that end too soon"]
                count, code = _goaway(await _flood(server.port, make()))
                assert code == ErrorCode.ENHANCE_YOUR_CALM, attempt
            resets = listener_of(server).resets.of("127.0.0.1", 0.0)
            assert resets.left < MAX_RESETS / 2

    uvloop.run(scenario())


def test_a_trusted_proxy_is_counted_by_connection() -> None:
    """One client of a proxy that resets much uses up no other connection of that proxy."""

    async def scenario() -> None:
        settings = replace(CLEAR, trusted_proxies=LOOPBACK_NETWORKS)
        async with serving(Answerer(waiting), settings) as server:
            make, _ = FLOODS["streams that end too soon"]
            assert _goaway(await _flood(server.port, make()))[1] == ErrorCode.ENHANCE_YOUR_CALM
            assert listener_of(server).resets.of("127.0.0.1", 0.0).left == MAX_RESETS

    uvloop.run(scenario())


def test_requests_that_are_reset_in_the_same_turn_never_begin() -> None:
    """Rapid reset costs the reading of frames, and no call of a backend."""

    async def scenario() -> None:
        application = Answerer(waiting)
        async with serving(application, CLEAR) as server:
            make, _ = FLOODS["rapid reset"]
            await _flood(server.port, make())
            assert len(application.seen) < MAX_RESETS / 4

    uvloop.run(scenario())
