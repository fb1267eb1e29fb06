"""One connection cannot hold the event loop: what it may do before others get their turn is bounded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from statistics import median
from urllib.request import urlopen

import pytest

from gateway.wire.body import Body
from gateway.wire.decoders import MAX_CHUNKS, ChunkedDecoder
from gateway.wire.messages import Request, Response
from gateway.wire.websocket import FrameTracker
from tests.hostile.wire.turns import flood, watched_turns
from tests.speed import on_this_machine
from tests.wire.rig import Answerer, answer, ask, proxy, serving

# The contract is 20 ms of processor time on a machine of its own; a loaded one needs more for the same work.
LONGEST_S = 0.06
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _read(request: Request) -> Response:
    """Read the whole body."""
    if request.body is not None:
        await request.body.buffer(1 << 26)
    return Response()


def _busy(request: Request) -> Response:
    """Half a millisecond of work, then an answer: a token that is refused."""
    end = time.thread_time() + 0.0005
    while time.thread_time() < end:
        pass
    return Response(404, None, Body(b"no"))


FLOODS: dict[str, tuple[bytes, Callable[[Request], Response | Awaitable[Response]]]] = {
    "pipelined requests": (GET * 40_000, lambda _: Response(404)),
    "pipelined requests that cost something": (GET * 2_000, _busy),
    "one-byte chunks": (CHUNKED + b"1\r\na\r\n" * 300_000 + b"0\r\n\r\n", _read),
    "one-byte chunks that nobody reads": (CHUNKED + b"1\r\na\r\n" * 300_000, lambda _: Response(401)),
    "empty lines": (b"\r\n" * 200_000, lambda _: Response(404)),
    "a head of one field too many": (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 10_000, lambda _: Response(404)),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_on_one_connection_leaves_others_their_turn(name: str) -> None:
    """Whatever one connection sends, no turn of the loop takes long, and others are answered meanwhile."""
    data, respond = FLOODS[name]

    async def scenario() -> None:
        answered = 0
        async with serving(Answerer(respond)) as server:
            end = time.thread_time() + 1.0  # of the one thread that all of this shares, however loaded the machine is
            over = asyncio.Event()
            attack = asyncio.create_task(flood(server.port, data, over.is_set))
            async with watched_turns() as turns:
                while time.thread_time() < end:
                    await ask(server.port, GET)
                    answered += 1
            over.set()
            await attack
        assert turns.longest_s < on_this_machine(LONGEST_S)
        assert answered >= 5

    asyncio.run(scenario())


def test_many_floods_delay_others_no_more_than_one_does() -> None:
    """While eight connections send nothing but chunks of one byte, another's request takes few and short turns."""
    data, respond = FLOODS["one-byte chunks"]

    async def scenario() -> None:
        async with serving(Answerer(respond)) as server:
            over = asyncio.Event()
            floods = [asyncio.create_task(flood(server.port, data, over.is_set)) for _ in range(8)]
            waited = []
            await asyncio.sleep(0.05)
            for _ in range(7):
                began = time.thread_time()
                await ask(server.port, GET)
                waited.append(time.thread_time() - began)
            over.set()
            await asyncio.gather(*floods)
        assert median(waited) < on_this_machine(0.02)

    asyncio.run(scenario())


def test_a_turn_begins_one_request_of_a_connection() -> None:
    """Of the requests that are sent ahead, one begins per turn, however quickly each is answered."""

    async def scenario() -> None:
        begun: Counter[int] = Counter()
        async with watched_turns() as turns:

            def respond(request: Request) -> Response:
                begun[turns.count] += 1
                return Response(404)

            app = Answerer(respond)
            async with serving(app) as server:
                await flood(server.port, GET * 500, lambda: len(app.seen) == 500)
        assert sum(begun.values()) == 500
        assert max(begun.values()) <= 2  # the watcher's own place in a turn is not always the same

    asyncio.run(scenario())


def test_a_call_reads_so_many_chunks() -> None:
    """The rest waits in the backlog, in order and complete."""
    decoder = ChunkedDecoder(MAX_CHUNKS)
    count = 3 * MAX_CHUNKS + 7
    pieces = [decoder.decode(b"1\r\na\r\n" * count + b"0\r\n\r\nrest")]
    while decoder.backlog:
        pieces.append(decoder.decode(b""))
    assert [len(piece) for piece in pieces] == [MAX_CHUNKS] * 3 + [7]
    assert (decoder.done, decoder.rest) == (True, b"rest")


def test_tiny_frames_cost_little() -> None:
    """A read full of the shortest WebSocket frames is processed within a turn."""
    tracker = FrameTracker()
    began = time.thread_time()
    tracker.feed(b"\x82\x00" * (128 * 1024))
    assert time.thread_time() - began < on_this_machine(LONGEST_S)
    assert tracker.between


def test_a_backends_tiny_chunks_leave_others_their_turn() -> None:
    """A backend that answers in 300,000 one-byte chunks holds no turn for long, and its answer arrives complete."""
    count = 300_000
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def scenario() -> None:
        async with proxy(answer(head + b"1\r\na\r\n" * count + b"0\r\n\r\n")) as running:
            sizes: list[int] = []

            def fetch() -> None:
                with urlopen(f"http://127.0.0.1:{running.server.port}/a") as got:
                    sizes.append(len(got.read()))

            async with watched_turns() as turns:
                await asyncio.to_thread(fetch)
        assert sizes == [count]
        assert turns.count > count / MAX_CHUNKS
        assert turns.longest_s < on_this_machine(LONGEST_S)

    asyncio.run(scenario())
