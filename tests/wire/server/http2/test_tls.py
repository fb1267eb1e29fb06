"""HTTP/2 over TLS is agreed in the handshake, or it is not spoken. Source: RFC 9113 §3.2, §3.3 and §9.2."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest
import uvloop

from gateway.wire.server.http2.joined import JoinedWrites
from tests.wire.rig import settled
from tests.wire.server.http2 import frames
from tests.wire.server.http2.listener import gateway
from tests.wire.server.http2.raw_client import connected
from tests.wire.server.test_serve import Files

OFFERS: list[tuple[list[str], str | None]] = [
    (["h2"], "h2"),
    (["h2", "http/1.1"], "h2"),
    (["http/1.1", "h2"], "h2"),
    (["http/1.1"], "http/1.1"),
    (["h2c"], None),
    (["h2c", "http/1.1"], "http/1.1"),
    ([], None),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of one authority."""
    return Files(tmp_path_factory.mktemp("tls"))


def _context(files: Files, offered: list[str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.ca)
    if offered:
        context.set_alpn_protocols(offered)
    return context


@pytest.mark.parametrize(("offered", "agreed"), OFFERS)
def test_what_is_agreed(tmp_path: Path, files: Files, offered: list[str], agreed: str | None) -> None:
    """The gateway prefers h2, takes http/1.1, and never selects h2c."""

    async def scenario() -> None:
        async with gateway(tmp_path, 9, tls=files.listener) as server:
            context = _context(files, offered)
            _, writer = await asyncio.open_connection("localhost", server.port, ssl=context)
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == agreed
            writer.transport.abort()

    asyncio.run(scenario())


@pytest.mark.parametrize("offered", [[], ["http/1.1"]])
def test_a_preface_without_agreement(tmp_path: Path, files: Files, offered: list[str]) -> None:
    """Where the handshake has not agreed on it, the preface is a request of a version that is not spoken: 505."""

    async def scenario() -> None:
        async with gateway(tmp_path, 9, tls=files.listener) as server:
            reader, writer = await asyncio.open_connection("localhost", server.port, ssl=_context(files, offered))
            writer.write(frames.PREFACE + frames.settings())
            assert (await reader.readline()).startswith(b"HTTP/1.1 505 ")
            writer.transport.abort()

    asyncio.run(scenario())


def test_text_after_an_agreement(tmp_path: Path, files: Files) -> None:
    """Where h2 was agreed, a request of HTTP/1.1 is an invalid preface: GOAWAY, and no answer in HTTP/1.1."""

    async def scenario() -> None:
        context = _context(files, ["h2"])
        async with gateway(tmp_path, 9, tls=files.listener) as server, connected(server.port, context) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await client.until(lambda: client.goaway is not None)
            assert client.goaway == (0, frames.Code.PROTOCOL_ERROR)

    asyncio.run(scenario())


def test_old_versions_of_tls_are_refused(tmp_path: Path, files: Files) -> None:
    """TLS 1.1 does not even come to the agreement."""

    async def scenario() -> None:
        context = _context(files, ["h2"])
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        async with gateway(tmp_path, 9, tls=files.listener) as server:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("localhost", server.port, ssl=context)

    asyncio.run(scenario())


def test_a_fault_ends_the_connection_soon(tmp_path: Path, files: Files) -> None:
    """Over TLS, too, a client that breaks the protocol gets GOAWAY and then the end, without waiting for ``linger``."""

    async def scenario() -> None:
        async with gateway(tmp_path, 9, tls=files.listener) as server:
            reader, writer = await asyncio.open_connection("localhost", server.port, ssl=_context(files, ["h2"]))
            writer.write(frames.PREFACE + frames.settings() + frames.window(0, 0))
            began = time.monotonic()
            received = await asyncio.wait_for(reader.read(-1), 5)
            assert time.monotonic() - began < 1.5
            assert b"\x07\x00\x00\x00\x00\x00" in received  # GOAWAY
            writer.close()
            assert await settled(lambda: not server.server.server_state.connections)

    uvloop.run(scenario())


def test_small_writes_of_a_turn_are_one() -> None:
    """What streams write in one turn goes out together; nothing waits for more than a record is filled with."""

    class Recorder(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.written: list[bytes] = []

        def write(self, data: object) -> None:
            self.written.append(bytes(data))  # type: ignore[call-overload]

        def is_closing(self) -> bool:
            return False

        def close(self) -> None:
            self.written.append(b"closed")

    async def scenario() -> None:
        recorder = Recorder()
        joined = JoinedWrites(recorder)
        joined.write(b"one ")
        joined.write(b"turn")
        assert recorder.written == []
        await asyncio.sleep(0)
        joined.write(bytes(10_000))
        joined.write(bytes(10_000))
        joined.write(b"the last")
        joined.close()
        assert recorder.written == [b"one turn", bytes(20_000), b"the last", b"closed"]

    asyncio.run(scenario())
