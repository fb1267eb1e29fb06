"""
What does a unary gRPC call cost, beside a JSON request over HTTP/1.1 and beside a call without a gateway?

Run: ``make bench-grpc``. h2load is the client in every row; one process serves both backends, a real service on gRPC's
own library and a minimal server of HTTP/1.1; another is ``gateway serve`` with one worker. Rounds are interleaved: the
ratios are of one run on one machine. The processor time is the gateway's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import grpc.aio

SERVICE = "bench.Echo"
MESSAGE = b"x" * 100
JSON = b'{"id": 7, "state": "PAID", "text": "' + b"x" * 64 + b'"}'
CONFIG = """
listen: 127.0.0.1:{port}
management: 127.0.0.1:{management}
http2: {{clear-text: true}}
apis:
  - {{id: calls, type: grpc, path: bench.Echo, service-url: "http://127.0.0.1:{calls}/bench.Echo"}}
  - {{id: json, path: json, service-url: "http://127.0.0.1:{json}"}}
"""
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_RATE = re.compile(r"finished in .*?, ([0-9.]+) req/s")
_SUCCEEDED = re.compile(r"(\d+) succeeded")


# -- the backends, in a process of their own
async def _echo(message: bytes, _: Any) -> bytes:
    return message


class _JsonServer(asyncio.Protocol):
    """Answers each request, which arrives in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(JSON)
        self._transport.write(head + JSON)


async def serve_backends() -> None:
    """Print both ports, and serve until the process is ended."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers = {"Say": grpc.unary_unary_rpc_method_handler(_echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    plain = await asyncio.get_running_loop().create_server(_JsonServer, "127.0.0.1", 0)
    print(port, plain.sockets[0].getsockname()[1], flush=True)
    await server.wait_for_termination()


# -- the measurement
@dataclass
class Row:
    """One way to ask; *rates* and *costs_us* by round."""

    name: str
    url: str
    options: tuple[str, ...]
    rates: list[float] = field(default_factory=list)
    costs_us: list[float] = field(default_factory=list)

    def turn(self, requests: int, gateway: int) -> None:
        """*requests* in a row. Raises RuntimeError: one has failed."""
        before = _process_s(gateway)
        command = ["h2load", "-n", str(requests), "-c", "4", "-m", "8", *self.options, self.url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate, succeeded = _RATE.search(printed), _SUCCEEDED.search(printed)
        if rate is None or succeeded is None or int(succeeded[1]) != requests:
            raise RuntimeError(f"{self.name}: {printed}")
        self.rates.append(float(rate[1]))
        self.costs_us.append((_process_s(gateway) - before) / requests * 1e6)


def _process_s(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


@contextmanager
def _running(command: list[str], folder: Path, ready: str) -> Iterator[tuple[int, str]]:
    """The process of *command*, and the first line that it prints with *ready* in it."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            lines = iter(process.stdout or ())
            yield process.pid, next(line for line in lines if ready in line)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


@contextmanager
def _gateway(folder: Path, ports: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Process and port of a gateway in front of the backends at *ports*."""
    port, management = _free_port(), _free_port()
    text = CONFIG.format(port=port, management=management, calls=ports[0], json=ports[1])
    (folder / "config.yaml").write_text(text)
    command = [str(Path(sys.executable).with_name("gateway")), "serve", "-c", "config.yaml"]
    with _running(command, folder, "listening") as (process, _):
        yield process, port


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def rows(folder: Path, port: int, ports: tuple[int, int]) -> list[Row]:
    """What is compared."""
    (folder / "message").write_bytes(b"\0" + len(MESSAGE).to_bytes(4) + MESSAGE)
    (folder / "body").write_bytes(JSON)
    call = ("-d", str(folder / "message"), "-H", "content-type: application/grpc", "-H", "te: trailers")
    post = ("--h1", "-d", str(folder / "body"), "-H", "content-type: application/json")
    return [
        Row("gRPC, through the gateway", f"http://127.0.0.1:{port}/{SERVICE}/Say", call),
        Row("gRPC, direct", f"http://127.0.0.1:{ports[0]}/{SERVICE}/Say", call),
        Row("JSON over HTTP/1.1, through the gateway", f"http://127.0.0.1:{port}/json/say", post),
        Row("JSON over HTTP/1.1, direct", f"http://127.0.0.1:{ports[1]}/say", post),
    ]


def report(compared: list[Row]) -> str:
    """A table: requests a second and processor time of the gateway, medians, and their ratios to the first row's."""
    first = compared[0]
    lines = ["| | requests/s | ratio | gateway's processor time, µs | ratio |", "|---|---|---|---|---|"]
    own_us = statistics.median(first.costs_us)
    for row in compared:
        rate, cost_us = statistics.median(row.rates), statistics.median(row.costs_us)
        share = f"{cost_us:.0f} | {cost_us / own_us:.2f}" if "direct" not in row.name else "– | –"
        lines.append(f"| {row.name} | {rate:,.0f} | {rate / statistics.median(first.rates):.2f} | {share} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backends", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.backends:
        asyncio.run(serve_backends())
        return
    with TemporaryDirectory(prefix="bench-grpc-") as name:
        folder = Path(name)
        backends = [sys.executable, "-m", "benchmarks.grpc_calls", "--backends"]
        with _running(backends, Path(__file__).parents[1], " ") as (_, printed):
            calls, json = map(int, printed.split())
            with _gateway(folder, (calls, json)) as (process, port):
                compared = rows(folder, port, (calls, json))
                for number in range(options.rounds + 1):
                    for row in compared:
                        row.turn(options.requests, process)
                        if not number:  # the first round warms up
                            row.rates.clear()
                            row.costs_us.clear()
    print(report(compared))
    print(f"{options.rounds} rounds of {options.requests} requests; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
