"""
What other clients notice of an attack: their p99 while it runs, at the gateway and at nginx, in the same run.

Run it with ``python -m tests.hostile.meanwhile``; ``make hostile`` adds the table to docs/hostile.md. Each server is a
process of its own, attackers are threads of another, and one client asks all the time. On a machine that does other
work the figures say little.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from tests.hostile.tls_sessions import shaken
from tests.nginx import free_port, listening, nginx, running

SECONDS = 3.0
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OPENING = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: h\r\n" + OPENING + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65536
GATEWAY = """
listen: 127.0.0.1:{port}
management: 127.0.0.1:{management}
{tls}
apis: [{{id: all, path: "", service-url: "http://127.0.0.1:{backend}"}}]
"""
PROXY = "proxy_pass http://127.0.0.1:{backend}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
NGINX = "listen 127.0.0.1:{port}{tls}; location / {{ " + PROXY + ' proxy_set_header Connection "upgrade"; }}'


@dataclass(frozen=True)
class Attack:
    """
    Many connections that do the same.

    Attributes:
        first, again: What each sends, once and then without end; nothing: it only waits.
        connections: How many there are.
        reads: Whether they take the answers.
        records: Over TLS, in records of one byte.
    """

    first: bytes
    again: bytes = b""
    connections: int = 4
    reads: bool = True
    records: bool = False


ATTACKS = {
    "nothing": Attack(b"", connections=0),
    "pipelined requests that are refused": Attack(GET, b"GET /%2e%2e/a HTTP/1.1\r\nHost: h\r\n\r\n" * 1000),
    "pipelined requests": Attack(GET, GET * 1000),
    "chunks of one byte": Attack(CHUNKED, b"1\r\na\r\n" * 20_000),
    "TLS records of one byte": Attack(
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", b"a" * 20_000, records=True
    ),
    "WebSocket frames of one byte": Attack(UPGRADE, b"\x82\x81abcdx" * 20_000),
    "heads of 100 fields": Attack(GET, GET[:-2] + b"a: b\r\n" * 90 + b"\r\n"),
    "slow readers": Attack(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n", connections=300),
    "clients that read nothing": Attack(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n" * 200, connections=100, reads=False),
    "half-open sockets": Attack(b"GET /a HTTP/1.1\r\nHo", connections=500),
}


async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The backend, which accepts everything."""
    with suppress(OSError, asyncio.IncompleteReadError):
        await _serve(reader, writer)
    writer.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        if b"/ws" in head:
            writer.write(SWITCHED)
            while await reader.read(1 << 20):
                pass
        elif b"chunked" in head.lower() or b"content-length: 9" in head.lower():
            while await reader.read(1 << 20):
                pass
        else:
            writer.write(LARGE if b"/large" in head else OK)


def serve(port: int) -> None:
    """The backend, until it is ended."""

    async def run() -> None:
        listening = await asyncio.start_server(service, "127.0.0.1", port)
        await listening.serve_forever()

    asyncio.run(run())


@contextmanager
def process(work: Callable[..., None], *arguments: object) -> Iterator[None]:
    """*work* in a process of its own, which ends with the context."""
    running = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    running.start()
    try:
        yield
    finally:
        running.kill()
        running.join()


@asynccontextmanager
async def server(name: str, folder: Path, tls: bool, behind: int) -> AsyncIterator[int]:
    """The port of ``gateway`` or ``nginx``."""
    port, certificate = free_port(), folder / "server.pem"
    if name == "nginx":
        secure = f" ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate}" if tls else ""
        async with nginx(folder, port, NGINX.format(port=port, tls=secure, backend=behind)):
            yield port
        return
    secure = f"tls: {{certificate: {certificate}, key: {certificate}}}" if tls else ""
    file = folder / "config.yaml"
    file.write_text(GATEWAY.format(port=port, management=free_port(), tls=secure, backend=behind))
    async with running([sys.executable, "-m", "gateway", "serve", "-c", str(file)], Path.cwd()):
        await listening(port)
        yield port


def attack(what: Attack, port: int, seconds: float) -> None:
    """Everything that attackers do; in a process of their own."""
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=_one, args=(what, port, end)) for _ in range(what.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _one(what: Attack, port: int, end: float) -> None:
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(0.2)
            first, again = _encrypted(what, connection) if what.records else (what.first, lambda: what.again)
            connection.sendall(first)
            while time.monotonic() < end:
                _send(connection, again(), end)
                if what.reads:
                    with suppress(TimeoutError):
                        connection.recv(4096)
                time.sleep(0.01)


def _send(connection: socket.socket, data: bytes, end: float) -> None:
    view = memoryview(data)
    while view and time.monotonic() < end:
        with suppress(TimeoutError):
            view = view[connection.send(view) :]


def _encrypted(what: Attack, connection: socket.socket) -> tuple[bytes, Callable[[], bytes]]:
    """The bytes of a TLS connection with each byte of *again* in its own record."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = shaken(connection, context)
    tls.session.write(what.first)
    first = tls.outgoing.read()

    def again() -> bytes:
        for number in range(len(what.again)):
            tls.session.write(what.again[number : number + 1])
        return tls.outgoing.read()

    return first, again


async def others(port: int, tls: bool, seconds: float) -> list[float]:
    """How long one request after another takes, in seconds: each on a connection of its own."""
    context = ssl.create_default_context() if tls else None
    if context is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    taken, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(GET)
            await reader.readuntil(b"ok")
            writer.transport.abort()
        taken.append(time.monotonic() - began)
        await asyncio.sleep(0.005)
    return taken


async def p99_ms(name: str, what: Attack, folder: Path, seconds: float) -> float:
    """The 99th percentile of what others wait, in milliseconds, while *what* runs against the server *name*."""
    behind = free_port()
    with process(serve, behind):
        await listening(behind)
        async with server(name, folder, what.records, behind) as port:
            with process(attack, what, port, seconds + 1.0):
                await asyncio.sleep(1.0)  # until the attack is under way
                taken = sorted(await others(port, what.records, seconds))
    return taken[int(len(taken) * 0.99)] * 1000


async def rows(seconds: float = SECONDS) -> list[str]:
    """The table."""
    lines = ["| While this goes on | nginx | Gateway |", "|---|---|---|"]
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        for name, what in ATTACKS.items():
            measured = [await p99_ms(server_name, what, folder, seconds) for server_name in ("nginx", "gateway")]
            lines.append(f"| {name} | {measured[0]:.0f} ms | {measured[1]:.0f} ms |")
            print(lines[-1], file=sys.stderr)
    return lines


if __name__ == "__main__":
    print("\n".join(asyncio.run(rows())))
