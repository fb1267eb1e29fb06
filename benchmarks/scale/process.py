"""A gateway in processes of its own, and the processor time that they have taken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NS = 1e9


@dataclass(frozen=True, slots=True)
class Served:
    """One gateway: its process and the port of its data plane."""

    process: int
    port: int

    def cpu_s(self) -> float:
        """Processor time of all its threads and processes so far."""
        return sum(_cpu_ns(process) for process in (self.process, *_children(self.process))) / NS


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def _cpu_ns(process: int) -> int:
    threads = Path(f"/proc/{process}/task").iterdir()
    return sum(int((thread / "schedstat").read_text("ascii").split()[0]) for thread in threads)


@contextmanager
def serving(folder: Path, config: str, files: dict[str, str], workers: int = 1) -> Iterator[Served]:
    """A gateway with *config* and its *files*, on ports that the kernel chooses. Raises SystemExit: it ends."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    path = folder / "config.yaml"
    path.write_text(f"listen: 127.0.0.1:0\nmanagement: unix:{folder}/management\n{config}", "utf-8")
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(path), "--workers", str(workers)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield Served(process.pid, _port(folder / "log", process, workers))
        finally:
            process.terminate()


def _port(log: Path, process: subprocess.Popen[bytes], workers: int) -> int:
    """The port that all *workers* listen on, once they do."""
    while True:
        lines = [
            json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{") and "}" in line
        ]
        ports = [line["port"] for line in lines if line["event"] == "listening"]
        if len(ports) >= workers:
            return int(ports[0])
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise SystemExit(f"the gateway has ended:\n{log.read_text('utf-8')}")
