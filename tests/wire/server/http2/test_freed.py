"""What a client has left behind is freed when it leaves, not when the garbage collector comes."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from gateway.wire.server.http2.connection import Http2ServerConnection
from gateway.wire.server.http2.stream import Http2Stream
from tests.wire.rig import settled
from tests.wire.server.http2.frames import data, headers, opening, post, request
from tests.wire.server.http2.listener import gateway
from tests.wire.server.http2.raw_client import RawClient, connected
from tests.wire.server.http2.recorder import recording


async def answered(client: RawClient) -> None:
    """A request and its answer."""
    client.send(headers(1, request()))
    await client.until(lambda: client.finished(1))


async def uploaded(client: RawClient) -> None:
    """A body in two pieces."""
    client.send(opening(1, post()) + data(1, b"a", 0))
    await asyncio.sleep(0.02)
    client.send(data(1, b"b"))
    await client.until(lambda: client.finished(1))


async def left(client: RawClient) -> None:
    """A body that breaks off with the connection."""
    client.send(opening(1, post()) + data(1, bytes(10_000), 0))
    await asyncio.sleep(0.02)


def _held() -> list[object]:
    return [found for found in gc.get_objects() if isinstance(found, Http2ServerConnection | Http2Stream)]


@pytest.mark.parametrize("act", [answered, uploaded, left])
def test_no_client_leaves_anything(tmp_path: Path, act: object) -> None:
    """No connection and no stream is left once its client is gone, with the garbage collector switched off."""

    async def scenario() -> None:
        async with recording() as recorder, gateway(tmp_path, recorder.port) as server:
            for _ in range(3):
                async with connected(server.port) as client:
                    await client.greet()
                    await act(client)  # type: ignore[operator]
            assert await settled(lambda: not _held())

    gc.collect()
    gc.disable()
    try:
        asyncio.run(scenario())
    finally:
        gc.enable()
