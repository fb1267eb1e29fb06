"""
What does OpenTelemetry cost a request, by the share of traces that is recorded?

Run: ``make bench-telemetry``. The workload is W1 of the own-cost benchmark; traces and metrics are exported over HTTP
to a receiver in another process that takes everything. Two numbers: processor time of the thread that serves, which is
what a core's throughput depends on, and of the whole process, in which another thread encodes and sends.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.own_cost.__main__ import write_files
from benchmarks.own_cost.measuring import Gateway
from benchmarks.own_cost.trees import this_tree
from benchmarks.own_cost.workloads import REMEMBERED

OFF = "off"
TURN = 1_000
VARIANTS = {
    OFF: "",
    "0 %, without metrics": "sampling: 0, metrics: false",
    "0 %": "sampling: 0",
    "1 %": "sampling: 0.01",
    "100 %": "sampling: 1",
    "100 %, policies as events": "sampling: 1, policy-steps: events",
    "100 %, policies as spans": "sampling: 1, policy-steps: spans",
}


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def receiver() -> Iterator[str]:
    """The address of something that takes whatever it gets."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def configuration(folder: Path, settings: str, address: str) -> None:
    """Let ``config.yaml`` in *folder* have telemetry with *settings*, or none."""
    path = folder / "config.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("telemetry:")]
    added = [f"telemetry: {{endpoint: '{address}', {settings}}}"] if settings else []
    path.write_text("\n".join([*kept, *added, ""]))


def measured(gateway: Gateway, turns: int) -> tuple[float, float]:
    """Microseconds per request: of the thread that serves, and of the whole process."""
    before = _process_s(gateway.process_id)
    serving = statistics.fmean(gateway.turn("W1", TURN) for _ in range(turns))
    return serving, (_process_s(gateway.process_id) - before) / (turns * TURN) * 1e6


def _process_s(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path, processes: int, rounds: int, turns_each: int) -> dict[str, tuple[float, float]]:
    """By variant the median of all turns; they take turns with each other."""
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
    with receiver() as address:
        for seed in range(1, processes + 1):
            gateways = {}
            for name, settings in VARIANTS.items():
                configuration(folder, settings, address)
                gateways[name] = Gateway(this_tree(), folder, seed)
                gateways[name].turn("W1", TURN)  # and it has read its configuration
            for _ in range(rounds):
                for name, gateway in gateways.items():
                    turns[name].append(measured(gateway, turns_each))
            for gateway in gateways.values():
                gateway.stop()
    return {name: (_median(turns[name], 0), _median(turns[name], 1)) for name in VARIANTS}


def _median(turns: Sequence[tuple[float, float]], place: int) -> float:
    return statistics.median(turn[place] for turn in turns)


def table(costs: dict[str, tuple[float, float]]) -> str:
    """As in docs/opentelemetry.md."""
    serving, whole = costs[OFF]
    rows = [
        f"| {name} | {cost[0]:.1f} | {cost[0] - serving:+.1f} | {max(0.0, cost[1] - whole):.1f} |"
        for name, cost in costs.items()
    ]
    head = "| Recorded | µs a request, serving | difference to off | µs more in the whole process |\n|---|---|---|---|"
    return "\n".join([head, *rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own_cost.telemetry", description=__doc__)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--turns", type=int, default=10, help=f"turns of {TURN:,} requests in a round")
    options = parser.parse_args(arguments)
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="gateway-telemetry-cost-")))
        write_files(folder, REMEMBERED, 1)
        print(table(measure(folder, options.processes, options.rounds, options.turns)))


if __name__ == "__main__":
    sys.exit(main())
