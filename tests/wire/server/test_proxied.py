"""Connections that begin with a PROXY header: whose address counts, who may send one, and what comes behind it."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop

from gateway.reading.values import UNIX, Peers
from gateway.wire.body import Body
from gateway.wire.messages import Request, Response
from gateway.wire.server.listener import Listener, WireRefusal
from gateway.wire.server.serve import RunningServer, start
from gateway.wire.settings import ClientLimits, ClientTimeouts, ListenerTls, ServerSettings
from tests.wire.rig import Answerer, Client, ask, client, settled
from tests.wire.server.test_proxy_header import HOSTILE, V4, VALID, block
from tests.wire.server.test_serve import Files

LOOPBACK: tuple[Peers, ...] = (ipaddress.ip_network("127.0.0.0/8"),)
ELSEWHERE: tuple[Peers, ...] = (ipaddress.ip_network("10.0.0.0/8"),)
GET = b"GET / HTTP/1.1\r\nHost: api.example\r\nX-Forwarded-For: 198.51.100.1\r\nConnection: close\r\n\r\n"
HEADER = b"PROXY TCP4 203.0.113.7 10.0.0.1 56324 443\r\n"
SETTINGS = ServerSettings(trusted_proxies=LOOPBACK, proxy_protocol=True, farewell_s=1.0)
LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}

T = TypeVar("T")
Scenario = Callable[[RunningServer, Answerer, list[WireRefusal]], Awaitable[None]]


def whose(request: Request) -> Response:
    """Whose request it is, and what the backend would learn."""
    line = request.headers.first("X-Forwarded-For")
    return Response(200, body=Body(f"{request.scheme} {request.ip_address} {line}".encode()))


def play(
    scenario: Scenario,
    settings: ServerSettings = SETTINGS,
    tls: ListenerTls | None = None,
    loop: str = "uvloop",
    listening: socket.socket | None = None,
) -> None:
    """Run *scenario* with a server, its application and what it has refused."""

    async def run() -> None:
        application, refused = Answerer(whose), list[WireRefusal]()
        server = await start(Listener(application, settings, refused.append), tls=tls, listening=listening)
        try:
            await scenario(server, application, refused)
        finally:
            await server.aclose()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())


@pytest.mark.parametrize("loop", LOOPS)
def test_the_client(loop: str) -> None:
    """The address is the one in the header, however it arrives; where it names none, the proxy's own."""

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        for name, (header, address) in VALID.items():
            expected = f"http {address or '127.0.0.1'} {address or '127.0.0.1'}".encode()
            assert (name, (await ask(server.port, header + GET)).body) == (name, expected)
            async with client(server.port) as slow:
                for position in range(min(len(header), 60)):
                    slow.send(header[position : position + 1])
                    await asyncio.sleep(0)
                slow.send(header[60:] + GET)
                assert (await slow.reply()).body == expected
        assert refused == []

    play(scenario, loop=loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_trusted_proxy_must_send_one(loop: str) -> None:
    """Anything else is refused with 400, noted once, and reaches no application."""

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        for name, stream in HOSTILE.items():
            refused.clear()
            async with client(server.port) as peer:
                peer.send(stream.ljust(120, b"x"))
                reply = await peer.reply()
            assert (name, reply.status, [refusal.status for refusal in refused]) == (name, 400, [400])
            assert b"has no PROXY header that can be read" in reply.body
        assert (await ask(server.port, GET)).status == 400
        assert application.seen == []

    play(scenario, loop=loop)


def test_others_must_not() -> None:
    """A peer outside trusted-proxies speaks for itself: its header is refused, and the answer says why."""

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        assert (await ask(server.port, GET)).body == b"http 127.0.0.1 127.0.0.1"
        application.seen.clear()
        for header in (HEADER, block(0x21, 0x11, V4)):
            reply = await ask(server.port, header + GET)
            assert (reply.status, b"only from a peer in trusted-proxies" in reply.body) == (400, True)
        assert application.seen == []

    play(scenario, ServerSettings(trusted_proxies=ELSEWHERE, proxy_protocol=True))
    play(scenario, ServerSettings(trusted_proxies=ELSEWHERE))


def test_whom_the_client_may_speak_for() -> None:
    """Its forwarding fields count if the header's address is a trusted proxy's; without an address never."""
    cases = {
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n": b"http 203.0.113.7 203.0.113.7",
        b"PROXY TCP4 127.0.0.9 10.0.0.1 1 2\r\n": b"http 198.51.100.1 198.51.100.1, 127.0.0.9",
        b"PROXY UNKNOWN\r\n": b"http 127.0.0.1 127.0.0.1",
        block(0x20, 0, b""): b"http 127.0.0.1 127.0.0.1",
    }

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        for header, expected in cases.items():
            async with client(server.port) as peer:
                for last in (False, True):
                    peer.send((b"" if last else header) + (GET if last else GET.replace(b"close", b"keep-alive")))
                    assert (await peer.reply()).body == expected
                    server.serve_with(application, SETTINGS)  # a reload keeps what is known of the connection

    play(scenario)


class Secured:
    """A TLS client that is given what comes before its handshake."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.reader, self.writer = reader, writer

    async def does(self, step: Callable[[], T], before: bytes = b"") -> T:
        """The result of *step*, which may need more of the other side. Raises EOFError: that has left."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.writer.write(before + self.outgoing.read())
                before = b""
                if not (received := await self.reader.read(65_536)):
                    raise EOFError from None
                self.incoming.write(received)


async def secured(context: ssl.SSLContext, port: int, header: bytes, at_once: bool) -> bytes:
    """What is answered over TLS behind *header*, which comes in the first segment of the handshake or before it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tls = Secured(context, reader, writer)
    try:
        if not at_once:
            writer.write(header)
            await asyncio.sleep(0.02)
        await tls.does(tls.session.do_handshake, header if at_once else b"")
        tls.session.write(GET)
        answer = await tls.does(lambda: tls.session.read(65_536))
        return answer.partition(b"\r\n\r\n")[2]
    except (EOFError, ConnectionError):
        return b"closed"
    finally:
        writer.close()


@pytest.mark.parametrize("loop", LOOPS)
def test_tls_comes_behind_it(tmp_path: Path, loop: str) -> None:
    """The header is read in the clear; TLS begins behind it, even in the same segment. A second header is refused."""
    files = Files(tmp_path)
    context = ssl.create_default_context(cafile=files.ca)

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        for at_once in (False, True):
            assert await secured(context, server.port, HEADER, at_once) == b"https 203.0.113.7 203.0.113.7"
            assert (
                await secured(context, server.port, block(0x21, 0x11, V4), at_once) == b"https 203.0.113.9 203.0.113.9"
            )
        assert refused == []
        assert await secured(context, server.port, b"", at_once=True) == b"closed"
        assert [(refusal.status, refusal.client) for refusal in refused] == [(400, "127.0.0.1")]
        assert await secured(context, server.port, HEADER + HEADER, at_once=True) == b"closed"
        assert len(application.seen) == 4

    play(scenario, tls=files.listener, loop=loop)


def test_time() -> None:
    """A header has as long as a request's head: then 408; who has sent nothing, as health checks do, is let go."""
    impatient = ServerSettings(trusted_proxies=LOOPBACK, proxy_protocol=True, timeouts=ClientTimeouts(head_s=0.1))

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        async with client(server.port) as silent, client(server.port) as slow:
            slow.send(HEADER[:20])
            assert await silent.closed()
            assert (await slow.reply()).status == 408
        async with client(server.port) as leaving:
            leaving.send(HEADER[:20])
            leaving.writer.write_eof()
            assert await leaving.closed()
        assert [refusal.status for refusal in refused] == [408]

    play(scenario, impatient)


def test_how_many() -> None:
    """Connections whose header is on its way count like any other: beyond limits/connections there is 503."""
    narrow = ServerSettings(trusted_proxies=LOOPBACK, proxy_protocol=True, limits=ClientLimits(connections=2))

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        async with client(server.port) as one, client(server.port) as two:
            one.send(b"P")
            two.send(HEADER + b"GET")
            await settled(lambda: server.connections == 1)
            assert (await ask(server.port, HEADER + GET)).status == 503
        assert await settled(lambda: server.connections == 0)
        assert (await ask(server.port, HEADER + GET)).status == 200

    play(scenario, narrow)


async def _begun(open_: AsyncExitStack, server: RunningServer, header: bytes) -> Client:
    """A client that has sent the first byte of its handshake."""
    peer = await open_.enter_async_context(client(server.port))
    peer.send(header + b"\x16")
    await asyncio.sleep(0.03)
    return peer


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("header", [b"", HEADER])
def test_handshakes(tmp_path: Path, header: bytes, loop: str) -> None:
    """With TLS, a client that does not begin the handshake is counted, and let go when its time is up."""
    files = Files(tmp_path)
    context = ssl.create_default_context(cafile=files.ca)
    narrow = ServerSettings(
        trusted_proxies=LOOPBACK,
        proxy_protocol=bool(header),
        timeouts=ClientTimeouts(head_s=0.3),
        limits=ClientLimits(connections=1),
    )

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        async with AsyncExitStack() as open_:
            one, two = [await _begun(open_, server, header) for _ in range(2)]
            assert await secured(context, server.port, header, at_once=True) == b"closed"
            assert [refusal.status for refusal in refused] == [503]
            assert await one.closed()
            assert await two.closed()
            await asyncio.sleep(0.05)
        assert (await secured(context, server.port, header, at_once=True)).startswith(b"https")

    play(scenario, narrow, tls=files.listener, loop=loop)


def test_the_last_descriptors_are_not_for_handshakes(tmp_path: Path) -> None:
    """Clients that only connect to a listener with TLS leave an eighth of the descriptors to backends and files."""

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        others = len(os.listdir("/dev/fd"))  # of whatever ran before in this process
        async with AsyncExitStack() as open_:
            resource.setrlimit(resource.RLIMIT_NOFILE, (others + 2 * 112 + 16, hard))
            try:
                for _ in range(112):
                    await open_.enter_async_context(client(server.port))
                assert await settled(lambda: bool(refused))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert {refusal.message for refusal in refused} == {"Out of file descriptors"}

    play(scenario, ServerSettings(), tls=Files(tmp_path).listener)


def test_a_stop_waits_for_it() -> None:
    """A proxy that has connected when the server stops gets its answer; one that says nothing is cut after a second."""

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        async with client(server.port) as late, client(server.port) as silent:
            late.send(HEADER[:5])
            await asyncio.sleep(0.05)
            stopping = asyncio.ensure_future(server.aclose())
            await asyncio.sleep(0.05)
            with pytest.raises(OSError, match="refused|reset|Connect call failed"):
                await ask(server.port, HEADER + GET)
            late.send(HEADER[5:] + GET)
            assert (await late.reply()).status == 200
            assert await silent.closed()
            await asyncio.wait_for(stopping, 5)

    play(scenario)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_socket_file(tmp_path: Path, trusted: bool) -> None:
    """There, unix: among trusted-proxies decides: with it the header is due, without it nobody has an address."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "http.sock"))
    listening.listen()
    networks = (UNIX,) if trusted else LOOPBACK

    async def say(data: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "http.sock")
        writer.write(data)
        answer = await reader.read()
        writer.close()
        return answer.partition(b" ")[2]

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        introduced, plain = await say(HEADER + GET), await say(GET)
        assert introduced.endswith(b"http 203.0.113.7 203.0.113.7") is trusted
        assert plain.endswith(b"http unix: None") is not trusted
        assert (introduced[:3], plain[:3]) == ((b"200", b"400") if trusted else (b"400", b"200"))

    settings = ServerSettings(trusted_proxies=networks, proxy_protocol=True)
    play(scenario, settings, listening=listening)


def test_nothing_is_left() -> None:
    """Connections that end in any way leave no descriptor behind."""

    async def scenario(server: RunningServer, application: Answerer, refused: list[WireRefusal]) -> None:
        await ask(server.port, HEADER + GET)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for data in (b"", b"P", HEADER, HEADER + GET, GET, b"\0"):
            for _ in range(5):
                async with client(server.port) as peer:
                    peer.send(data)
                    await asyncio.sleep(0.005)
                    peer.abort()
        assert await settled(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)
        assert server.connections == 0

    play(scenario)
