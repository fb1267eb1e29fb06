"""
``make mutate``: change the code in small ways and see which tests notice.

First every mutant of the modules that decide who may pass, then a random sample of the others, thirty minutes at most.
What the time did not suffice for is listed. What survived, and why, is in docs/mutation.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

# All of their mutants are run, and each survivor is killed or explained.
MODULES = (
    "gateway.tokens.checks",
    "gateway.tokens.claims",
    "gateway.tokens.rules",
    "gateway.tokens.selection",
    "gateway.tokens.signature",
    "gateway.pipeline.header_contract",
    "gateway.wire.contract",
    "gateway.assembly.contracts",
    "gateway.notifications.store.jobs",
    "gateway.notifications.workflow.joining",
)
SAMPLE = 300
SEED = 1
LIMIT_S = 30 * 60.0
MUTMUT = str(Path(sys.executable).parent / "mutmut")
WORK = Path("mutants")
_REPORT_S = 45.0  # of the limit, for ending what runs and reading what it found
_NOT_REACHED = {"not checked", "check was interrupted by user"}
_RESULT = re.compile(r"^\s+(?P<name>\S+): (?P<status>.+)$", re.MULTILINE)


def run(names: Iterable[str], until: float) -> None:
    """
    Run the mutants that *names* match, one after the other, until the moment *until* (monotonic) at the latest.

    Raises:
        SystemExit: mutmut itself failed, for instance because a test fails without any mutant.
    """
    # In a session of its own, so that nothing of it, or of the tests that it runs, outlives it.
    process = subprocess.Popen([MUTMUT, "run", "--max-children", "1", *names], start_new_session=True)
    try:
        failed = process.wait(max(0.0, until - time.monotonic())) != 0
    except subprocess.TimeoutExpired:
        failed = False
    finally:
        _end(process)
    if failed:
        sys.exit("mutmut failed, so nothing is known about the mutants: its last lines above say why.")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End mutmut and what it has started, at a moment when none of its files is half written."""
    for _ in range(100):
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if _is_written():
            break
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _is_written() -> bool:
    try:
        for file in WORK.rglob("*.meta"):
            json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def results() -> dict[str, str]:
    """Status of each mutant by its name."""
    listed = subprocess.run([MUTMUT, "results", "--all", "true"], capture_output=True, text=True, check=True).stdout
    return {line["name"]: line["status"] for line in _RESULT.finditer(listed)}


def module_of(name: str) -> str:
    """The module of the mutant *name*: ``gateway.tokens.claims.x_shown__mutmut_3``."""
    return name.rpartition(".")[0]


def table(statuses: dict[str, str]) -> str:
    """How many mutants of each module were killed, survived or were not reached, as text."""
    counts = Counter((module_of(name), _column(status)) for name, status in statuses.items())
    columns = ("killed", "survived", "other", "not reached")
    return "\n".join(
        f"{module:45}" + "".join(f"{counts[module, column]:6} {column}" for column in columns)
        for module in sorted({module for module, _ in counts}.union(MODULES))
    )


def _column(status: str) -> str:
    if status in _NOT_REACHED:
        return "not reached"
    return status if status in {"killed", "survived"} else "other"


def main() -> None:
    """Run, and print what was found."""
    began = time.monotonic()
    until = began + LIMIT_S - _REPORT_S
    shutil.rmtree(WORK, ignore_errors=True)  # else what an earlier run found would pass for this one's
    run([f"{module}.*" for module in MODULES], until)
    statuses = results()
    others = sorted(name for name in statuses if module_of(name) not in MODULES)
    sample = set(random.Random(SEED).sample(others, min(SAMPLE, len(others))))
    if sample and time.monotonic() < until:
        run(sorted(sample), until)
        statuses = results()
    report({name: status for name, status in statuses.items() if module_of(name) in MODULES or name in sample})
    print(f"Took {(time.monotonic() - began) / 60:.1f} minutes.")


def report(statuses: dict[str, str]) -> None:
    """Print the table, what survived, and how much the time did not suffice for."""
    print(table(statuses))
    for column in ("survived", "other"):
        names = sorted(name for name, status in statuses.items() if _column(status) == column)
        print(f"{len(names)} {column}", *(f"  {name}" for name in names), sep="\n")
    missed = Counter(module_of(name) in MODULES for name, status in statuses.items() if status in _NOT_REACHED)
    print(f"Not reached: {missed[True]} in the modules that decide, {missed[False]} of the sample.")
    if unknown := sorted(set(MODULES) - {module_of(name) for name in statuses}):
        print("The time was up before the mutants were made of:", *unknown)


if __name__ == "__main__":
    main()
