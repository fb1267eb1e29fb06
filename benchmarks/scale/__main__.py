"""
How processor time per answer grows with one thing after the other: ``make scale``.

Each curve is measured by itself: the gateways of all its sizes run at the same time and get their rounds in turn, so
that what else the machine does is spread over all of them. A size's figure is its cheapest round: others only add.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from benchmarks.machine import describe
from benchmarks.scale.dimensions import DIMENSIONS, Dimension, Size
from benchmarks.scale.process import Served, serving
from benchmarks.scale.traffic import Backend, Client, Load, connected

RESULTS = Path(__file__).parents[1] / "results" / "scale.json"
ROUNDS = 5


class Measured:
    """One size: its gateway, its clients, and its cheapest round."""

    def __init__(self, size: Size, served: Served) -> None:
        self._size = size
        self._served = served
        self._load = Load(size.requests)
        self._clients: list[Client] = []
        self._idle: list[Client] = []
        self.cost_us = float("inf")

    async def open(self) -> None:
        """Connect, and have every request answered once."""
        self._clients = await connected(self._served.port)
        await self._load.run(self._clients, max(len(self._size.requests), 500))
        self._idle = await connected(self._served.port, self._size.idle)

    async def round(self) -> None:
        """Measure once."""
        before_s = self._served.cpu_s()
        await self._load.run(self._clients, self._size.answers)
        self.cost_us = min(self.cost_us, (self._served.cpu_s() - before_s) / self._size.answers * 1e6)

    def close(self) -> None:
        """Close what is open."""
        for client in (*self._clients, *self._idle):
            client.close()


@contextmanager
def _gateways(dimension: Dimension, backend: str) -> Iterator[list[Measured]]:
    with ExitStack() as running:
        sizes = []
        for number in dimension.sizes:
            folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
            size = dimension.size(number)
            served = running.enter_context(serving(folder, size.config(backend), size.files(), size.workers))
            sizes.append(Measured(size, served))
        yield sizes


async def measured(dimension: Dimension, rounds: int) -> list[float]:
    """Microseconds per answer for each size of *dimension*."""
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", 0)
    backend = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with _gateways(dimension, backend) as sizes:
        for size in sizes:
            await size.open()
        for _ in range(rounds):
            for size in sizes:
                await size.round()
        for size in sizes:
            size.close()
    server.close()
    return [size.cost_us for size in sizes]


async def _all(names: Sequence[str], rounds: int) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, list[tuple[int, float]]] = {}
    for dimension in DIMENSIONS:
        if dimension.key in names:
            costs = await measured(dimension, rounds)
            curves[dimension.key] = list(zip(dimension.sizes, [round(cost, 1) for cost in costs], strict=True))
            points = "  ".join(f"{size:,}: {cost:.1f}" for size, cost in curves[dimension.key])
            print(f"{dimension.title:<24} {points}   load {os.getloadavg()[0]:.1f}", flush=True)
    return curves


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all curves and keep them, or only show some."""
    keys = [dimension.key for dimension in DIMENSIONS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, help="these curves alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each size")
    options = parser.parse_args(arguments)
    with suppress(PermissionError):
        os.nice(-15)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    curves = uvloop.run(_all(options.only, options.rounds))
    if set(curves) != set(keys):
        return  # the page has one date, one machine and one load
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = {name: text for name, text in describe().items() if name in ("processor", "cores", "python", "uvloop")}
    report = {"date": date, "machine": machine, "load": round(os.getloadavg()[0]), "curves": curves}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
