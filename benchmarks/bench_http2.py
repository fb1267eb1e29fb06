"""
What HTTP/2 costs beside HTTP/1.1: h2load, with 1, 10 and 100 requests under way.

Run: ``make bench-http2``. In HTTP/2 these are streams of one connection, in HTTP/1.1 as many connections. The
request is W1's: one valid token, 1 KiB of JSON from nginx. Gateway and nginx share one core, load generator and backend
the other; rounds are interleaved, medians count, and a run with an answer that is not 200 ends the benchmark.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import GATEWAY_CORE, LOAD_CORE, Contender, await_port, write_files
from benchmarks.issuer import Issuer
from benchmarks.machine import describe, find, pinned

UNDER_WAY = (1, 10, 100)
GATEWAY_PORT, NGINX_PORT, NGINX_H2_PORT = 19901, 19903, 19913
PATH = "/api/small.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One run: answers per second, and microseconds of the server's processor time for each."""

    rate: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Way:
    """A server spoken to in one version of HTTP."""

    name: str
    server: Contender
    port: int
    version: int

    def load(self, token: str, under_way: int, seconds: float) -> Run:
        """Load it for *seconds*. Raises SystemExit: not every answer was 200."""
        h2load = find("h2load") or "h2load"
        several = ["-c1", f"-m{under_way}"] if self.version == 2 else [f"-c{under_way}", "-m1", "--h1"]
        # A number of requests, not a duration: with one, h2load cuts off the last requests and counts them as failed.
        began, before = time.monotonic(), self.server.cpu_s()
        total = failed = 0
        while time.monotonic() - began < seconds:
            command = [h2load, "-n", "5000", *several, "-H", f"authorization: Bearer {token}"]
            url = f"http://127.0.0.1:{self.port}{PATH}"
            done = subprocess.run(pinned(LOAD_CORE, [*command, url]), check=True, capture_output=True, text=True)
            good = int(re.search(r"status codes: (\d+) 2xx", done.stdout)[1])  # type: ignore[index]
            total, failed = total + 5000, failed + 5000 - good
        elapsed, cpu_s = time.monotonic() - began, self.server.cpu_s() - before
        if failed:
            raise SystemExit(f"{self.name}: {failed} of {total} answers were wrong")
        return Run(total / elapsed, cpu_s / total * 1e6)


@contextmanager
def ways(work: Path, issuer: Issuer) -> Iterator[list[Way]]:
    """Backend, gateway and nginx, ready in both versions."""
    write_files(work, issuer)
    gateway, proxy = work / "gateway.yaml", work / "nginx-proxy.conf"
    gateway.write_text(gateway.read_text() + "\nhttp2: {clear-text: true, streams: 1000}\n", encoding="utf-8")
    listen = f"listen 127.0.0.1:{NGINX_PORT};"
    both = f"{listen} listen 127.0.0.1:{NGINX_H2_PORT} http2;"
    proxy.write_text(proxy.read_text().replace(listen, both), encoding="utf-8")
    nginx = find("nginx") or "nginx"
    commands = [
        (LOAD_CORE, [nginx, "-p", str(work), "-c", str(work / "nginx-backend.conf")], 19900),
        (GATEWAY_CORE, [str(Path(sys.executable).parent / "gateway"), "serve", "-c", "gateway.yaml"], GATEWAY_PORT),
        (GATEWAY_CORE, [nginx, "-p", str(work), "-c", str(proxy)], NGINX_PORT),
    ]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for core, command, port in commands:
            with (work / f"{port}.log").open("wb") as log:
                processes.append(subprocess.Popen(pinned(core, command), cwd=work, stdout=log, stderr=log))
            await_port(port)
        own, other = (
            Contender(name, port, started, frozenset())
            for name, port, started in (("gateway", GATEWAY_PORT, processes[1]), ("nginx", NGINX_PORT, processes[2]))
        )
        yield [
            Way("gateway, HTTP/1.1", own, GATEWAY_PORT, 1),
            Way("gateway, HTTP/2", own, GATEWAY_PORT, 2),
            Way("nginx plain, HTTP/1.1", other, NGINX_PORT, 1),
            Way("nginx plain, HTTP/2", other, NGINX_H2_PORT, 2),
        ]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=40)


def table(runs: dict[tuple[str, int], list[Run]], names: list[str]) -> str:
    """Medians as Markdown: requests per second, and in brackets the processor time for each."""
    lines = ["| Under way | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for under_way in UNDER_WAY:
        cells = []
        for name in names:
            series = runs[name, under_way]
            rate, cpu_us = (
                statistics.median(run.rate for run in series),
                statistics.median(run.cpu_us for run in series),
            )
            cells.append(f"{rate:,.0f} ({cpu_us:.0f} µs)")
        lines.append(f"| {under_way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    issuer, runs = Issuer.create(), defaultdict(list)
    with TemporaryDirectory(prefix="gateway-bench-") as folder:
        Path(folder).chmod(0o755)  # nginx reads it as another user
        with ways(Path(folder), issuer) as contenders:
            token = issuer.token()
            for _ in range(options.rounds):
                for under_way in UNDER_WAY:
                    for way in contenders:
                        run = way.load(token, under_way, options.seconds)
                        runs[way.name, under_way].append(run)
                        print(f"{way.name:24} {under_way:4} {run.rate:10,.0f}/s {run.cpu_us:8,.0f} µs", flush=True)
            names = [way.name for way in contenders]
    print(f"\n{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, load {os.getloadavg()[0]:.1f}, {describe()}\n")
    print(table(runs, names))


if __name__ == "__main__":
    main()
