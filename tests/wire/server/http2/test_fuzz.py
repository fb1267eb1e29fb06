"""Random sequences of frames never cause an exception, a hang, an unlawful frame or another client's failure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import FRAME_BYTES, Kind, Setting, literal, request
from tests.wire.server.http2.lawful import faults
from tests.wire.server.http2.listener import gateway
from tests.wire.server.http2.raw_client import RawClient, connected
from tests.wire.server.http2.recorder import recording

Make = Callable[[random.Random], bytes]
_CHAOS_S = 5.0


def _stream(rng: random.Random) -> int:
    return rng.choice([0, 1, 1, 3, 3, 5, 7, 9, 2, 2**31 - 1])


def _fields(rng: random.Random, oddly: float = 0.3) -> bytes:
    """A request's field block; with the probability *oddly* something is wrong with it."""
    odd = [(b":path", b"/x"), (b"Upper", b"a"), (b"x-a", b"a\0"), (b"te", b"gzip"), (b"content-length", b"3")]
    plain = [(b"x-a", b"b"), (b"cookie", b"a=b"), (b"te", b"trailers"), (b"content-length", b"0")]
    chosen = rng.sample(plain, rng.randrange(3)) + rng.sample(odd, rng.random() < oddly)
    path = rng.choice([b"/a", b"/hold", b"/large", b"/a/../b"])
    block = request(*chosen, path=path, method=rng.choice([b"GET", b"POST"]))
    kept = literal(b"x-kept", b"1", 0x40)
    behind = [b"\xbe", b"\x20", b"\x80"] if rng.random() < oddly / 3 else [b"", kept, kept + b"\xbe"]
    return block + rng.choice(behind)


def _flags(rng: random.Random) -> int:
    return rng.choice([0x5, 0x5, 0x4, 0x4, 0x1, 0x0, 0x2D, 0xFF])


def _damaged(rng: random.Random, sent: bytes) -> bytes:
    """*sent* with an octet changed, cut off, or as it is."""
    if not sent or rng.random() < 0.9:
        return sent
    place = rng.randrange(len(sent))
    return sent[:place] + bytes([rng.randrange(256)]) + sent[place + 1 :] if rng.random() < 0.7 else sent[:place]


FRAMES: list[Make] = [
    lambda rng: frames.headers(_stream(rng), _fields(rng), _flags(rng)),
    lambda rng: frames.headers(_stream(rng), _fields(rng)),
    lambda rng: frames.opening(_stream(rng), _fields(rng)),
    lambda rng: frames.data(
        _stream(rng), rng.randbytes(rng.choice([0, 1, 3, 100, FRAME_BYTES])), rng.choice([0, 1, 9])
    ),
    lambda rng: frames.continuation(_stream(rng), _fields(rng)[: rng.randrange(30)], rng.choice([0, 4])),
    lambda rng: frames.priority(_stream(rng), _stream(rng)),
    lambda rng: frames.reset(_stream(rng), rng.randrange(16)),
    lambda rng: frames.settings((rng.choice([*Setting, 99]), rng.choice([0, 1, 100, FRAME_BYTES, 65_535, 2**31]))),
    lambda rng: frames.settings((Setting.INITIAL_WINDOW_SIZE, rng.choice([0, 1, 65_535, 2**31 - 1]))),
    lambda rng: frames.window(_stream(rng), rng.choice([0, 1, 65_535, 2**31 - 1])),
    lambda rng: frames.ping(rng.randbytes(rng.choice([8, 8, 8, 7])), rng.choice([0, 1])),
    lambda rng: frames.goaway(_stream(rng), rng.randrange(16)),
    lambda rng: frames.frame(rng.randrange(256), _stream(rng), rng.randbytes(rng.randrange(40)), rng.randrange(256)),
    lambda rng: frames.frame(Kind.PUSH_PROMISE, _stream(rng), _fields(rng), 4),
]
# Whoever makes only mistakes does not get far: most frames of a sequence are ordinary.
ORDINARY: list[Make] = [
    lambda rng: frames.ping(),
    lambda rng: frames.window(0, 1000),
    lambda rng: frames.settings(),
    lambda rng: frames.frame(Kind.UNKNOWN, 0, b"a"),
]


def sequence(seed: int) -> list[bytes]:
    """Up to 40 frames, some of which are wrong; requests take streams in their order."""
    rng = random.Random(seed)
    pieces, following = [], 1
    wild = rng.choice([0.0, 0.02, 0.1, 0.5])
    for _ in range(rng.randrange(1, 40)):
        kind = rng.random()
        if kind < wild:
            pieces.append(_damaged(rng, rng.choice(FRAMES)(rng)))
        elif kind < 0.6:
            pieces.append(rng.choice([frames.headers, frames.opening])(following, _fields(rng, wild)))
            following += 2
        elif kind < 0.8:
            pieces.append(rng.choice(ORDINARY)(rng))
        else:
            pieces.append(_more(rng, rng.randrange(1, following + 1, 2)))
    return pieces


def _more(rng: random.Random, stream: int) -> bytes:
    """What a client may send on a stream that it has opened."""
    if stream == 1 and rng.random() < 0.5:
        return b""
    content = rng.randbytes(rng.choice([0, 1, 3, 100, FRAME_BYTES]))
    return rng.choice(
        [
            frames.reset(stream),
            frames.window(stream, 1000),
            frames.data(stream, content),
            frames.data(stream, content, 0),
        ]
    )


async def _attack(port: int, seed: int) -> list[str]:
    """What a server did wrong while it was sent a sequence."""
    rng = random.Random(seed)
    async with connected(port) as client:
        client.send(frames.PREFACE + frames.settings())
        for piece in sequence(seed):
            client.send(piece)
            if rng.random() < 0.1:
                await asyncio.sleep(0)
        client.send(frames.ping(b"thefence"))
        await client.until(lambda: b"thefence" in client.pongs, 0.3)
        return faults(client)


async def _steady(client: RawClient, stream: int) -> bool:
    """Whether another client's next request is answered."""
    client.send(frames.headers(stream, request(path=b"/steady")))
    await client.until(lambda: client.finished(stream), _CHAOS_S)
    return client.statuses.get(stream) == [200]


async def _scenario(folder: Path, seeds: range) -> None:
    loop, exceptions = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: exceptions.append(context))
    async with recording() as recorder, gateway(folder, recorder.port) as server, connected(server.port) as other:
        await other.greet()
        for number, seed in enumerate(seeds):
            wrong = await _attack(server.port, seed)
            assert not wrong, f"seed {seed}: {wrong}"
            assert not exceptions, f"seed {seed}: {exceptions}"
            if number % 5 == 0:
                assert await _steady(other, 2 * number + 1), f"seed {seed}: another client"
        assert server.connections <= 2 + 1
    assert not exceptions


def _run(folder: Path, seeds: range) -> None:
    with capture_logs() as lines:
        asyncio.run(_scenario(folder, seeds))
    # A fault of the gateway's own is an error with a traceback; what clients do wrong is not.
    assert [line for line in lines if line.get("exc_info") or line.get("log_level") in ("error", "critical")] == []


def test_random_frames(tmp_path: Path) -> None:
    """250 sequences, always the same ones."""
    _run(tmp_path, range(250))


@pytest.mark.slow
def test_more_random_frames(tmp_path: Path) -> None:
    """5,000 other sequences."""
    _run(tmp_path, range(1_000, 6_000))
