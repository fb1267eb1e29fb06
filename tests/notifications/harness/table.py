"""
The long runs, and the page that they write: ``make faults``.

    python -m tests.notifications.harness.table [--jobs 1000] [--faults 50] [--each 60] [--only campaign,findings,…]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.notifications.harness import campaign, findings
from tests.notifications.harness.campaign import Plan, Result
from tests.postgres_server import postgres_cluster, postgres_database

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"
_HEAD = """# Fault injection

`make faults` writes this page. It runs real processes with kill -9, SIGSTOP, cut and half-open connections, an F&O
that is slow and gives false answers, failing receivers, a full disk, and a clock that is set.
Every replica has its own proxies to the store, F&O and the receiver.
[What batch notifications guarantee](notifications-contract.md) states what has to be 0.
*Untrue* is a report of an end that is not that of the run, or of a batch job that did not run; *untold* is a run that
ended well before the request's deadline, and whose end was not reported.
Runs end well, with an error, or are cancelled; a fifth of the requests only watch, and a fifth go to a second F&O
environment.
Not counted as lost are reports whose caller allowed two seconds for them, if its receiver could not be reached in that
time; of a batch job that was started the end is then reported by a second callback.
Times are scaled down: `settle` 3 s, a lease 3 s, the longest call 2 s.

"""
_TITLES = {
    findings.ended_run: "a request between the end of a run and its poll",
    findings.cut_off: "a replica without its store for twice its lease, slow start calls",
    findings.frozen: "a replica frozen for twice its lease, slow start calls",
    findings.silent: "start calls that take effect after we have given up on them",
    findings.second_silent: "the same for the second call",
}


@contextmanager
def _place() -> Iterator[tuple[Path, Callable[[], str]]]:
    """A folder, and new databases."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)))
        server = stack.enter_context(postgres_cluster())
        numbers = iter(range(1000))
        yield folder, lambda: postgres_database(server, f"faults{next(numbers)}")


def _campaigns(folder: Path, database: Callable[[], str], given: argparse.Namespace) -> Iterator[str]:
    columns = ("store", "requests", "faults", "lost", "doubled", "stuck", "untrue", "untold", "repeated, why", "seed")
    yield f"| {' | '.join(columns)} |"
    yield "| --- " * len(columns) + "|"
    for name, replicas in (("SQLite", 1), ("PostgreSQL, two replicas", 2)):
        place = folder / f"campaign-{replicas}"
        place.mkdir()
        seed = given.seed or int.from_bytes(os.urandom(2))
        plan = Plan(given.jobs, given.faults, replicas, seed, patience_s=600.0)
        result = campaign.run(plan, place, database() if replicas > 1 else None)
        print(campaign.report(result), file=sys.stderr, flush=True)
        yield _row(name, result)


def _row(name: str, result: Result) -> str:
    counts = [len(found) for found in (result.lost, result.doubled, result.stuck, result.untrue, result.untold)]
    why = ", ".join(f"{count} {reason}" for reason, count in result.repeated.most_common()) or "none"
    cells = [name, result.accepted, result.faults.total(), *counts, why, result.seed]
    return "| " + " | ".join(map(str, cells)) + " |"


def _findings(folder: Path, database: Callable[[], str], given: argparse.Namespace) -> Iterator[str]:
    yield "| what happens, on PostgreSQL with two replicas | wrong |"
    yield "| --- | --- |"
    for finding, title in _TITLES.items():
        place = folder / finding.__name__
        place.mkdir()
        yield f"| {title} | {finding(place, database(), given.each)} of {given.each} |"


def _neighbours(folder: Path, _database: Callable[[], str], _given: argparse.Namespace) -> Iterator[str]:
    place = folder / "neighbour"
    place.mkdir()
    found = findings.neighbour(place, None, 500, 400, 5)
    yield (
        "While one caller had 500 failing starts and 400 hanging callbacks, another caller's jobs, with URLs at the "
        f"same host, were started within {found.started_s} s and reported within {found.told_s} s of their end "
        "(polling interval 0.5 to 1 s)."
    )


def _stores(folder: Path, database: Callable[[], str], _given: argparse.Namespace) -> Iterator[str]:
    yield "| store | slowest answer (503 with `Retry-After`) | batch jobs that ran anyway |"
    yield "| --- | --- | --- |"
    for how in ("hung", "down", "locked", "full"):
        place = folder / how
        place.mkdir()
        slowest, ran = findings.refused(place, database() if how in ("hung", "down") else None, how)
        yield f"| {how} | {slowest} s | {ran} |"


_PARTS = {"campaign": _campaigns, "findings": _findings, "neighbours": _neighbours, "stores": _stores}


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(_PARTS))
    given = parser.parse_args()
    parts: list[str] = []
    with _place() as (folder, database):
        for name in given.only.split(","):
            lines = []
            for line in _PARTS[name](folder, database, given):
                print(line, flush=True)
                lines.append(line)
            parts.append("\n".join(lines))
    measured = (
        f"Measured on {time.strftime('%d %B %Y')}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[1]:.0f} at the end."
    )
    if given.only == parser.get_default("only"):
        PAGE.write_text(_HEAD + "\n\n".join([*parts, measured]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
