"""Processes that tests start: ended with everything they have started, and found when they outlive the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARK = "GATEWAY_TEST_RUN"
_PROC = Path("/proc")
_ENDS_WITH_US = "from multiprocessing."  # its fork server and its resource tracker
_PATIENCE_S = 5.0


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own; the group is killed at the end, workers included."""
    with subprocess.Popen(command, text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def unmeasured() -> dict[str, str]:
    """The environment for a process whose first imports count: `make cover` would load coverage into it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@dataclass(frozen=True, slots=True)
class Survivor:
    """
    A process that should have ended.

    Attributes:
        test: The test that started it, as pytest names it.
        command: Its command line.
    """

    pid: int
    test: str
    command: str

    def __str__(self) -> str:
        return f"{self.pid}: {self.command}, started by {self.test}"


def mark() -> None:
    """From here on each child inherits a variable that tells it from the processes of other runs."""
    os.environ[_MARK] = uuid.uuid4().hex


def survivors(patience_s: float = _PATIENCE_S) -> list[Survivor]:
    """Marked processes that are there when all tests are over; they get *patience_s* to end."""
    deadline = time.monotonic() + patience_s
    while (found := _marked()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def end(process: Survivor) -> None:
    """Kill it: one run's mistake must not affect the next."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


def _marked() -> list[Survivor]:
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked, or belongs to somebody else
            found.append(_read(folder))
    return [process for process in found if process is not None]


def _read(folder: Path) -> Survivor | None:
    """A process of this run. What is read is the environment that it was started with: the run itself has no mark."""
    environ, command = ((folder / name).read_text(errors="replace").split("\0") for name in ("environ", "cmdline"))
    variables = dict(entry.partition("=")[::2] for entry in environ)
    if variables.get(_MARK) != os.environ[_MARK] or _ENDS_WITH_US in " ".join(command):
        return None
    return Survivor(int(folder.name), variables.get("PYTEST_CURRENT_TEST", "the test run"), " ".join(command).strip())
