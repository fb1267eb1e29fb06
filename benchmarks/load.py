"""The load generator: wrk, with requests written to a file beforehand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import LOAD_CORE
from benchmarks.machine import find, pinned

SCRIPT = Path(__file__).parent / "requests.lua"


@dataclass(frozen=True, slots=True)
class Call:
    """
    One request to send again and again, in turn with others.

    Attributes:
        body: So many bytes, or JSON in which ``NUMBER`` becomes another number in every request.
    """

    method: str
    path: str
    token: str
    body: int | str = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    One run.

    Attributes:
        rate: Answers per second.
        median_us, p99_us: Latency.
        refused: Answers with a status of 400 or above.
        broken: Connections that could not be made, broke, or timed out.
        cpu_us: Processor time of the contender per answer: what it costs, whoever else uses the machine.
    """

    rate: float
    median_us: float
    p99_us: float
    answers: int
    refused: int
    broken: int
    cpu_us: float = 0.0


def write_calls(path: Path, calls: Iterable[Call]) -> Path:
    """Write the file that the script reads: method, path, token and body, separated by tabs."""
    lines = [f"{call.method}\t{call.path}\t{call.token}\t{call.body}\n" for call in calls]
    path.write_text("".join(lines), encoding="ascii")
    return path


def measure(origin: str, calls: Path, connections: int, seconds: float) -> Measurement:
    """Load *origin* from the other core for *seconds*."""
    wrk = [find("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT), origin]
    environment = {**os.environ, "BENCH_CALLS": str(calls)}
    done = subprocess.run(pinned(LOAD_CORE, wrk), check=True, capture_output=True, text=True, env=environment)
    report = json.loads(done.stdout.rpartition("RESULT ")[2])
    return Measurement(
        rate=report["answers"] / report["duration_us"] * 1e6,
        median_us=report["p50_us"],
        p99_us=report["p99_us"],
        answers=report["answers"],
        refused=report["refused"],
        broken=report["broken"],
    )
