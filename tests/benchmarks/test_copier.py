"""The floor under the gateway's figures: bytes that pass through unread."""

from __future__ import annotations

import asyncio
import socket

import pytest

from benchmarks.copier import serve


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.readline()).upper())
    writer.close()


async def _echoed(lines: list[bytes]) -> list[bytes]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    backend = await asyncio.start_server(_answer, "127.0.0.1", 0)
    copier = asyncio.create_task(serve(port, backend.sockets[0].getsockname()[1]))
    try:
        return [await _ask(port, line) for line in lines]
    finally:
        copier.cancel()
        backend.close()


async def _ask(port: int, line: bytes) -> bytes:
    for _ in range(200):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.01)
    else:
        pytest.fail("the copier does not listen")
    writer.write(line)
    try:
        return await reader.read()
    finally:
        writer.close()


def test_everything_passes_both_ways_and_ends_with_the_backend() -> None:
    """What a client sends before the backend is connected arrives too, and the backend's end is the client's."""
    assert asyncio.run(_echoed([b"one\n", b"two\n"])) == [b"ONE\n", b"TWO\n"]
