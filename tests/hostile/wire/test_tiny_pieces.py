"""
Tiny TLS records and tiny frames, in floods: no turn of the production loop takes long over them.

It is uvloop that reads a full socket again and again before anything else has its turn; asyncio's own loop does not.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import ListenerTls, TlsSettings, UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget
from tests.hostile.tls_sessions import KeyUpdates, shaken
from tests.hostile.wire.test_fair_loop import LONGEST_S
from tests.hostile.wire.turns import watched_turns
from tests.speed import on_this_machine
from tests.wire.http2_peer import Link, Peer, Received, playing
from tests.wire.rig import Answerer, Backend, proxy, serving

COUNT = 150_000
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % COUNT
FRAMES = {
    "short": b"\x82\x85abcd12345",
    "a long head for a short frame": b"\x82\xfe\x00\x05abcd12345",
    "empty": b"\x82\x80abcd",
}
HTTP2 = {
    "DATA of one byte": b"\0\0\x01\0\0\0\0\0\x01a",
    "PING": b"\0\0\x08\x06\0\0\0\0\0" + b"x" * 8,
    "SETTINGS": b"\0\0\0\x04\0\0\0\0\0",
    "unknown": b"\0\0\0\xee\0\0\0\0\0",
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signs both certificates."""
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> Path:
    """With its key."""
    file = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))
    return file


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's side."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def _run(scenario: Coroutine[Any, Any, None]) -> None:
    uvloop.run(scenario)


def _records(port: int, context: ssl.SSLContext, head: bytes) -> tuple[socket.socket, bytes, Callable[[], bytes]]:
    """A connection after its handshake, *head* and 150,000 bytes in as many records to be sent, and the answer."""
    connection = socket.create_connection(("127.0.0.1", port))
    tls = shaken(connection, context, "127.0.0.1")
    tls.session.write(head)
    for _ in range(COUNT):
        tls.session.write(b"a")
    return connection, tls.outgoing.read(), partial(_next, tls.session, connection, tls.incoming, tls.outgoing)


async def _read(request: Request) -> Response:
    if request.body is not None:
        await request.body.buffer(1 << 26)
    return Response()


def test_a_clients_tiny_tls_records(certificate: Path, trusting: ssl.SSLContext) -> None:
    """150,000 TLS records of one byte each, in one rush, hold no turn for long, and the request is answered."""

    async def scenario() -> None:
        tls = ListenerTls(certificate=certificate, key=certificate)
        async with serving(Answerer(_read), tls=tls) as server:
            connection, data, answer = await asyncio.to_thread(_records, server.port, trusting, UPLOAD)
            with connection:
                async with watched_turns() as turns:
                    await asyncio.to_thread(connection.sendall, data)
                    assert (await asyncio.to_thread(answer)).startswith(b"HTTP/1.1 200 ")
        assert turns.count > 10
        assert turns.longest_s < on_this_machine(LONGEST_S)

    _run(scenario())


def test_key_updates(certificate: Path, trusting: ssl.SSLContext, tmp_path: Path) -> None:
    """12,000 key updates of TLS 1.3 before a request hold no turn for long, and the request is answered."""
    log = tmp_path / "secrets"
    trusting.keylog_filename = str(log)

    def play(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            tls = shaken(connection, trusting, "127.0.0.1")
            connection.sendall(tls.outgoing.read())
            lines = (line.split() for line in log.read_text().splitlines())
            keys = KeyUpdates(next(bytes.fromhex(line[2]) for line in lines if line[0] == "CLIENT_TRAFFIC_SECRET_0"))
            updates = b"".join(keys.update() for _ in range(12_000))
            connection.sendall(updates + keys.data(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
            return _next(tls.session, connection, tls.incoming, tls.outgoing)

    async def scenario() -> None:
        tls = ListenerTls(certificate=certificate, key=certificate)
        async with serving(Answerer(_read), tls=tls) as server, watched_turns() as turns:
            answer = await asyncio.to_thread(play, server.port)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert turns.longest_s < on_this_machine(LONGEST_S)

    _run(scenario())


def test_a_backends_tiny_tls_records(certificate: Path, authority: trustme.CA, tmp_path: Path) -> None:
    """A backend's answer in as many records arrives complete, and others have their turn meanwhile."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        with connection:
            while b"\r\n\r\n" not in _next(session, connection, incoming, outgoing):
                pass
            session.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % COUNT)
            for _ in range(COUNT):
                session.write(b"a")
            connection.sendall(outgoing.read())
            connection.recv(1)

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            answering = asyncio.create_task(asyncio.to_thread(answer, listening))
            target = HttpTarget(
                f"https://127.0.0.1:{port}", UpstreamSettings(tls=TlsSettings(ca_file=tmp_path / "ca.pem"))
            )
            async with watched_turns() as turns:
                response = await target.send(Request("GET", "/"), ForwardOptions(30))
                await response.body.buffer(1 << 26)
            await target.aclose()
            await answering
        assert response.body.content == b"a" * COUNT
        assert turns.longest_s < on_this_machine(LONGEST_S)

    _run(scenario())


def _next(session: ssl.SSLObject, connection: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> bytes:
    """The next data of a session that may still be in its handshake."""
    while True:
        try:
            return session.read(65536)
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))


@pytest.mark.parametrize("frame", FRAMES.values(), ids=list(FRAMES))
@pytest.mark.parametrize("sender", ["client", "backend"])
def test_tiny_websocket_frames(sender: str, frame: bytes) -> None:
    """A tunnel full of the shortest frames takes its turns like any connection, in both directions."""
    data, passed = frame * COUNT, 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        nonlocal passed
        await backend.head(reader)
        writer.write(SWITCHED + (data if sender == "backend" else b""))
        while received := await reader.read(1 << 20):
            passed += len(received)

    def play(port: int) -> None:
        nonlocal passed
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(UPGRADE)
            received = connection.recv(1 << 20)
            while not received.endswith(b"\r\n\r\n") and sender == "client":
                received += connection.recv(1 << 20)
            if sender == "client":
                connection.sendall(data)
            else:
                passed = len(received.partition(b"\r\n\r\n")[2])
            while passed < len(data):
                passed += len(connection.recv(1 << 20)) if sender == "backend" else 0
                time.sleep(0.001)

    async def scenario() -> None:
        async with proxy(script) as running:
            async with watched_turns() as turns:
                await asyncio.to_thread(play, running.server.port)
            assert turns.longest_s < on_this_machine(LONGEST_S)

    _run(scenario())
    assert passed == len(data)


@pytest.mark.parametrize("frame", HTTP2.values(), ids=list(HTTP2))
def test_a_backends_tiny_http2_frames(frame: bytes) -> None:
    """100,000 HTTP/2 frames in one rush hold no turn for long."""
    count = 100_000

    def script(link: Link, request: Received) -> None:
        link.head(request.stream)
        link.transport.write(frame * count)

    async def scenario() -> None:
        async with playing(Peer(script)) as peer:
            target = HttpTarget(peer.url, UpstreamSettings())
            response = await target.send(Request("GET", "/"), ForwardOptions(5, http_version="2"))
            async with watched_turns() as turns:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(response.body.buffer(1 << 26), 1.0)
            await target.aclose()
        assert turns.count > 10
        assert turns.longest_s < on_this_machine(LONGEST_S)

    _run(scenario())
