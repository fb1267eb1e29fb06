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
NUMBER_DIGITS = 16  # of the script's numbers


@dataclass(frozen=True, slots=True)
class Call:
    """
    One request to send again and again, in turn with others; ``NUMBER`` in it is another number each time.

    Attributes:
        body: So many bytes, or JSON.
        fields: Further header fields, each ended by CRLF.
    """

    method: str
    path: str
    token: str
    body: int | str = 0
    fields: str = ""

    def text(self) -> str:
        """The request as it is sent."""
        body = self.body if isinstance(self.body, str) else "x" * self.body
        fields = self.fields if "Host:" in self.fields else f"Host: gateway.example\r\n{self.fields}"
        if isinstance(self.body, str):
            fields += "Content-Type: application/json\r\n"
        if body:
            fields += f"Content-Length: {len(body.replace('NUMBER', '0' * NUMBER_DIGITS))}\r\n"
        return f"{self.method} {self.path} HTTP/1.1\r\n{fields}Authorization: Bearer {self.token}\r\n\r\n{body}"


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
    """Write the file that the script reads: a request a line, with tabs in place of line ends."""
    path.write_text("".join(call.text().replace("\r\n", "\t") + "\n" for call in calls), encoding="ascii")
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
