"""
Commands of the gateway, each in a process of its own: forked from one that has its modules, for loading them takes
most of the time of a command that ends early.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO

from gateway.cli import main
from tests.processes import started

LOADED = (
    "check.command",
    "demo.command",
    "demo.running",
    "explain.command",
    "serve.command",
    "notifications.configured",
)
LONGEST_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a command: its exit status, negative for a signal, and both of its outputs."""

    status: int
    output: str


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs commands in turn."""

    process: subprocess.Popen[str]

    def run(self, folder: Path, arguments: list[str]) -> Ended:
        """``gateway`` with *arguments* in *folder*, to its end; a command that does not end is killed."""
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answers is not None
        print(json.dumps([str(folder), arguments]), file=asked, flush=True)
        return Ended(*json.loads(answers.readline()))


@contextmanager
def commands() -> Iterator[Commands]:
    """The process that has the modules."""
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with started([sys.executable, "-m", __name__], **options) as process:
        yield Commands(process)


def _serve_commands() -> None:
    for name in LOADED:
        import_module(f"gateway.commands.{name}")
    import_module("gateway.serving.process")
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        with tempfile.TemporaryFile() as output:
            print(json.dumps(_run(folder, arguments, output)), flush=True)


def _run(folder: str, arguments: list[str], output: IO[bytes]) -> tuple[int, str]:
    child = os.fork()
    if child == 0:
        os._exit(_status(folder, arguments, output))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output.seek(0)
    return status, output.read().decode()


def _status(folder: str, arguments: list[str], output: IO[bytes]) -> int:
    """The exit status of a command, as Python's own end of a program has it."""
    signal.alarm(LONGEST_S)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    os.chdir(folder)
    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    _serve_commands()
